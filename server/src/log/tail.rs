//! Following a log, whichever it is: a follower reads what comes after what it has seen, page after page.

use std::ops::RangeInclusive;

use futures_util::{
    StreamExt as _, TryStreamExt as _,
    stream::{self, BoxStream},
};
use tokio::sync::watch;

use super::LogError;
use crate::core::{change::Entry, names::LogNumber};

/// What one read gave, in order.
pub(super) type Page = Vec<Entry>;

struct Tail<R> {
    /// The last number there is.
    last: watch::Receiver<LogNumber>,
    seen: LogNumber,
    read: R,
}

/// All entries after a number, and then those that come; it ends when `last` does. `read` gives some of the entries with
/// these numbers, from the lowest on.
pub(super) fn follow<R, F>(
    last: watch::Receiver<LogNumber>,
    after: LogNumber,
    read: R,
) -> BoxStream<'static, Result<Entry, LogError>>
where
    R: Fn(RangeInclusive<u64>) -> F + Send + 'static,
    F: Future<Output = Result<Page, LogError>> + Send,
{
    stream::try_unfold(Tail { last, seen: after, read }, async |tail: Tail<R>| tail.next_page().await)
        .map_ok(|page| stream::iter(page.into_iter().map(Ok)))
        .try_flatten()
        .boxed()
}

impl<R, F> Tail<R>
where
    R: Fn(RangeInclusive<u64>) -> F,
    F: Future<Output = Result<Page, LogError>>,
{
    /// The next entries, once there are any, and the tail after them.
    async fn next_page(mut self) -> Result<Option<(Page, Self)>, LogError> {
        let seen = self.seen;
        let Ok(last) = self.last.wait_for(|last| *last > seen).await.map(|last| *last) else {
            return Ok(None);
        };
        let page = (self.read)(seen.0 + 1..=last.0).await?;
        match page.last() {
            Some(entry) => self.seen = entry.number,
            // Asking again at once would spin.
            None => {
                return Err(LogError::Unavailable(format!("entries after {seen} were there, and are gone")));
            }
        }
        Ok(Some((page, self)))
    }
}

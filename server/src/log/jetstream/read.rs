//! Reading entries by their number, and following them: a follower asks for what comes after what it has seen.

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use async_nats::jetstream::stream::RawMessageErrorKind;
use bytes::Bytes;
use futures_util::{
    StreamExt as _, TryStreamExt as _,
    stream::{self, BoxStream},
};
use tokio::time::{sleep, timeout};

use super::Shared;
use crate::{
    core::{change::Entry, names::LogNumber},
    log::{
        LogError,
        stored::{self, Writers},
        tail,
    },
    nats::ANSWERS_WITHIN,
};

/// Entries that a follower reads before it hands them on.
const PAGE: u64 = 256;
/// Questions of one reader that are under way at once.
const AT_ONCE: usize = 32;
/// How long a follower waits before it asks again who didn't answer.
const ASKS_AGAIN: Duration = Duration::from_millis(250);

/// An entry as it is stored, not yet understood.
pub(super) struct Stored {
    pub(super) number: LogNumber,
    pub(super) subject: String,
    draft: Bytes,
}

impl Stored {
    pub(super) fn understand(&self) -> Entry {
        // `freshwire.CLUSTER.log.TOPIC`
        let topic = self.subject.splitn(4, '.').nth(3).unwrap_or_default();
        stored::decode(self.number, topic, &self.draft, Writers::Anybody)
    }
}

/// Why an entry can't be had.
pub(super) enum Missing {
    /// Nobody answers; asking again may help.
    Unanswered(String),
    /// It isn't there, though later ones are.
    Gone(LogNumber),
}

impl From<Missing> for LogError {
    fn from(missing: Missing) -> Self {
        Self::Unavailable(match missing {
            Missing::Unanswered(reason) => reason,
            Missing::Gone(number) => format!("entry {number} was there, and is gone"),
        })
    }
}

impl Shared {
    /// Entries by their numbers, in the order of these.
    pub(super) async fn read(&self, numbers: impl IntoIterator<Item = u64>) -> Result<Vec<Stored>, Missing> {
        stream::iter(numbers).map(|number| self.read_one(number)).buffered(AT_ONCE).try_collect().await
    }

    async fn read_one(&self, number: u64) -> Result<Stored, Missing> {
        if let Some((reason, _)) = self.nats.trouble() {
            return Err(Missing::Unanswered(reason));
        }
        let stream = self.context.get_stream_no_info(&self.names.stream).await;
        let stream = stream.map_err(|error| Missing::Unanswered(error.to_string()))?;
        match timeout(ANSWERS_WITHIN, stream.get_raw_message(number)).await {
            Ok(Ok(message)) => Ok(Stored {
                number: LogNumber(message.sequence),
                subject: message.subject.to_string(),
                draft: message.payload,
            }),
            Ok(Err(error)) if error.kind() == RawMessageErrorKind::NoMessageFound => {
                Err(Missing::Gone(LogNumber(number)))
            }
            Ok(Err(error)) => {
                Err(Missing::Unanswered(format!("JetStream doesn't tell entry {number}: {error}")))
            }
            Err(_) => Err(Missing::Unanswered("JetStream doesn't answer in time".into())),
        }
    }

    /// At most a page of the entries with these numbers, from the lowest on.
    pub(super) async fn read_page(&self, numbers: RangeInclusive<u64>) -> Result<Vec<Stored>, Missing> {
        let (first, last) = numbers.into_inner();
        let page = self.read(first..=last.min(first.saturating_add(PAGE - 1))).await?;
        self.index.lock().take_in(&page);
        Ok(page)
    }
}

/// All entries after a number, and then those that come.
pub(super) fn follow(shared: Arc<Shared>, after: LogNumber) -> BoxStream<'static, Result<Entry, LogError>> {
    let last = shared.last.subscribe();
    tail::follow(last, after, move |numbers| read_patiently(shared.clone(), numbers))
}

/// A page of entries that are known to be there, however long NATS is away.
async fn read_patiently(shared: Arc<Shared>, numbers: RangeInclusive<u64>) -> Result<tail::Page, LogError> {
    loop {
        match shared.read_page(numbers.clone()).await {
            Ok(page) => return Ok(page.iter().map(Stored::understand).collect()),
            // The log says by itself that it is away.
            Err(Missing::Unanswered(reason)) => tracing::debug!(reason, "entries are asked for again"),
            Err(gone @ Missing::Gone(_)) => return Err(gone.into()),
        }
        sleep(ASKS_AGAIN).await;
    }
}

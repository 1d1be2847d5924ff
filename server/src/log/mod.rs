//! The one ordered, durable list of operators' changes, behind a narrow trait.

pub mod import;
pub mod jetstream;
pub mod ledger;
pub mod sqlite;
pub mod stored;
mod tail;

use std::time::Duration;

use futures_util::{future::BoxFuture, stream::BoxStream};

use crate::core::time::Moment;
use crate::core::{
    change::{Draft, Entry, Topic},
    names::LogNumber,
};

/// An ordered, durable, append-only list of entries. The rest of the program can't tell which one it runs on.
pub trait Log: Send + Sync + 'static {
    /// Appends an entry and makes it durable before answering with its number. Whether it is valid, the fold decides:
    /// a log doesn't look at `prev`. Appending a draft with the ID of an entry that is already there answers that
    /// entry's number and adds nothing.
    fn append(&self, draft: Draft) -> BoxFuture<'_, Result<LogNumber, AppendError>>;

    /// All entries after a number in order, and then, for as long as it is polled, those that come.
    /// An error ends the stream; follow again from the last number that was seen.
    fn follow(&self, after: LogNumber) -> BoxStream<'static, Result<Entry, LogError>>;

    /// The last number there is; 0 in an empty log.
    fn last(&self) -> BoxFuture<'_, Result<LogNumber, LogError>>;

    /// Entries of a topic with a number below `before` (None: from the end), newest first, at most `limit`.
    fn history(
        &self,
        topic: Topic,
        before: Option<LogNumber>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Entry>, LogError>>;

    /// Why it can't be used now, and how old what is known of it is. None: it answers.
    fn trouble(&self) -> Option<(String, Duration)> {
        None
    }
}

/// A small table beside the log for what is worth keeping over a restart but is not an operator's change.
pub trait SideStore: Send + Sync + 'static {
    /// Writes rows; resolves when they are durable.
    fn put(&self, rows: Vec<SideWrite>) -> BoxFuture<'_, Result<(), AppendError>>;

    /// All rows of a kind, in no order.
    fn load(&self, kind: &'static str) -> BoxFuture<'_, Result<Vec<SideRow>, LogError>>;

    /// Deletes the rows of a kind that were last written before a moment.
    fn prune(&self, kind: &'static str, before: Moment) -> BoxFuture<'_, Result<(), AppendError>>;
}

/// A row to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SideWrite {
    /// Which table of the side store.
    pub kind: &'static str,
    /// Unique within its kind.
    pub key: String,
    /// None deletes it.
    pub value: Option<String>,
    /// When.
    pub at: Moment,
}

/// A row as it was written last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SideRow {
    /// Unique within its kind.
    pub key: String,
    /// What was written.
    pub value: String,
    /// When.
    pub at: Moment,
}

/// Why an entry was not appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Nothing was written.
    #[error("the store can't be written to: {0}")]
    Unavailable(String),
    /// It may or may not have been written; the tail will tell.
    #[error("the store did not say whether it wrote: {0}")]
    Undecided(String),
}

/// Why entries can't be read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The store doesn't answer.
    #[error("the store can't be read: {0}")]
    Unavailable(String),
    /// The store holds something that this version doesn't understand.
    #[error("entry {number} can't be understood: {reason}; was it written by a newer version?")]
    Unreadable {
        /// Which entry.
        number: LogNumber,
        /// What is wrong with it.
        reason: String,
    },
}

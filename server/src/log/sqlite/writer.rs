//! The one thread that writes. It takes all that is queued into one transaction, so that many changes share one
//! wait for the disk.

use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::mpsc::{Receiver, TryRecvError},
};

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, ffi, params};
use tokio::sync::{oneshot, watch};
use uuid::Uuid;

use super::{
    file,
    lock::FolderLock,
    read::{from_sql, last_number},
    side::SideJob,
};
use crate::{core::names::LogNumber, log::AppendError};

/// Entries in one transaction.
const APPENDS_PER_COMMIT: usize = 1_000;

/// What the thread is asked to do.
pub(super) enum Job {
    Append(Append),
    Side(SideJob),
    /// What was asked for before is done first; what comes after is not done.
    Close,
}

/// An entry that is to be appended.
pub(super) struct Append {
    pub(super) id: Uuid,
    pub(super) topic: String,
    pub(super) entry: String,
    pub(super) answer: oneshot::Sender<Result<LogNumber, AppendError>>,
}

/// Why a transaction failed.
pub(super) struct Failure {
    pub(super) reason: String,
    /// False: nothing of it was written, for certain.
    doubtful: bool,
}

/// The thread's own things.
pub(super) struct Writer {
    file: PathBuf,
    /// None after a failure: the next transaction opens a fresh one.
    connection: Option<Connection>,
    jobs: Receiver<Job>,
    last: watch::Sender<LogNumber>,
    /// Given up after the connection is closed: fields are dropped in this order.
    _lock: FolderLock,
}

/// What is waiting.
#[derive(Default)]
struct Queue {
    appends: Vec<Append>,
    side: VecDeque<SideJob>,
    closing: bool,
}

impl Queue {
    fn take(&mut self, job: Job) {
        match job {
            Job::Append(append) => self.appends.push(append),
            Job::Side(job) => self.side.push_back(job),
            Job::Close => self.closing = true,
        }
    }

    fn is_empty(&self) -> bool {
        self.appends.is_empty() && self.side.is_empty()
    }
}

impl Writer {
    pub(super) fn new(
        file: PathBuf,
        connection: Connection,
        jobs: Receiver<Job>,
        last: watch::Sender<LogNumber>,
        lock: FolderLock,
    ) -> Self {
        Self { file, connection: Some(connection), jobs, last, _lock: lock }
    }

    /// Works until it is asked to close and nothing is left to do. Appends come first: between two of their
    /// transactions there is at most one of the side table's, which is bounded.
    pub(super) fn run(mut self) {
        let mut queue = Queue::default();
        loop {
            if queue.is_empty() {
                match self.jobs.recv() {
                    Ok(job) => queue.take(job),
                    Err(_) => return,
                }
            }
            while !queue.closing && queue.appends.len() < APPENDS_PER_COMMIT {
                match self.jobs.try_recv() {
                    Ok(job) => queue.take(job),
                    Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
                }
            }
            if !queue.appends.is_empty() {
                self.append(std::mem::take(&mut queue.appends));
            }
            SideJob::work(&mut queue.side, &mut self);
            if queue.closing && queue.is_empty() {
                return;
            }
        }
    }

    /// Runs one transaction, on a fresh connection if the last one failed.
    pub(super) fn commit<T>(
        &mut self,
        write: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, Failure> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.reopen()?,
        };
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|e| Failure::clean(&e))?;
        let written = write(&transaction).map_err(|e| Failure::clean(&e))?;
        transaction.commit().map_err(|e| Failure { doubtful: may_have_written(&e), ..Failure::clean(&e) })?;
        self.connection = Some(connection);
        Ok(written)
    }

    fn append(&mut self, batch: Vec<Append>) {
        let written: Result<Vec<_>, Failure> = self
            .commit(|transaction| batch.iter().map(|append| insert(transaction, append).map(Some)).collect());
        let (numbers, reason) = match written {
            Ok(numbers) => (numbers, String::new()),
            Err(failure) => {
                tracing::warn!(
                    entries = batch.len(),
                    reason = failure.reason,
                    "entries could not be appended"
                );
                let nothing = vec![None; batch.len()];
                let known = if failure.doubtful { self.settle(&batch) } else { Some(nothing) };
                (known.unwrap_or_default(), failure.reason)
            }
        };
        let newest = numbers.iter().flatten().max().copied().unwrap_or_default();
        self.last.send_if_modified(|last| {
            let newer = newest > *last;
            *last = newest.max(*last);
            newer
        });
        for (index, append) in batch.into_iter().enumerate() {
            let answer = match numbers.get(index) {
                Some(Some(number)) => Ok(*number),
                Some(None) => Err(AppendError::Unavailable(reason.clone())),
                None => Err(AppendError::Undecided(reason.clone())),
            };
            // An error: whoever asked has gone.
            let _ = append.answer.send(answer);
        }
    }

    /// What became of a batch whose commit failed: each entry's number or None; nothing when that can't be told yet.
    /// SQLite can leave a complete transaction at the end of its WAL which this process no longer counts in, but a
    /// restart would. A commit of our own, through to the disk, takes its place there and so ends the doubt.
    fn settle(&mut self, batch: &[Append]) -> Option<Vec<Option<LogNumber>>> {
        let settled = self.commit(|transaction| {
            transaction.pragma_update(None, "user_version", file::SCHEMA)?;
            batch.iter().map(|append| number_of(transaction, append.id)).collect()
        });
        settled.ok()
    }

    fn reopen(&self) -> Result<Connection, Failure> {
        let connection = file::open_writer(&self.file).map_err(|e| Failure::clean(&e))?;
        let found = last_number(&connection).map_err(|e| Failure::clean(&e))?;
        let known = *self.last.borrow();
        if found < known {
            let reason = format!("{} ends at {found}, but {known} was written", self.file.display());
            return Err(Failure { reason, doubtful: false });
        }
        Ok(connection)
    }
}

impl Failure {
    fn clean(error: &rusqlite::Error) -> Self {
        Self { reason: error.to_string(), doubtful: false }
    }
}

/// Whether a failed commit can have left a complete transaction behind. Its last frame goes to the WAL last, so when
/// a write to that fails, it is not complete.
fn may_have_written(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|error| error.extended_code);
    !matches!(code, Some(ffi::SQLITE_FULL | ffi::SQLITE_IOERR_WRITE | ffi::SQLITE_BUSY))
}

/// Inserts an entry and answers its number; that of the entry which is there already, if its ID is.
fn insert(transaction: &Transaction<'_>, append: &Append) -> rusqlite::Result<LogNumber> {
    // Asked first: an insert that the index refuses could leave a gap in the numbers.
    if let Some(number) = number_of(transaction, append.id)? {
        return Ok(number);
    }
    transaction
        .prepare_cached("INSERT INTO entries (topic, id, entry) VALUES (?1, ?2, ?3)")?
        .execute(params![append.topic, append.id.as_bytes(), append.entry])?;
    Ok(from_sql(transaction.last_insert_rowid()))
}

fn number_of(transaction: &Transaction<'_>, id: Uuid) -> rusqlite::Result<Option<LogNumber>> {
    let number = transaction
        .prepare_cached("SELECT number FROM entries WHERE id = ?1")?
        .query_row([id.as_bytes()], |row| row.get(0))
        .optional()?;
    Ok(number.map(from_sql))
}

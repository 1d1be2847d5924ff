//! What is kept beside the log in the same file: values by kind and key, written in batches.

use std::{collections::VecDeque, future::Future, sync::Arc, vec};

use futures_util::{FutureExt, future::BoxFuture};
use rusqlite::{Connection, Transaction, params};
use tokio::sync::oneshot;

use super::{
    Shared,
    writer::{Job, Writer},
};
use crate::{
    core::time::Moment,
    log::{AppendError, LogError, SideRow, SideStore, SideWrite},
};

/// Rows in one transaction: an entry of the log waits for one of these at most, some milliseconds.
const ROWS_PER_COMMIT: usize = 2_000;

/// Why the side table was not written or read.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("the side table is unavailable: {0}")]
pub struct SideError(String);

/// Values by kind and key. Clones are handles to the same table.
#[derive(Clone)]
pub struct SideTable {
    shared: Arc<Shared>,
}

impl SideTable {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Queues rows at once, after those of earlier calls; the future, which need not be awaited, resolves when all of
    /// them are durable. Up to 2,000 rows are written all or none; on an error some of a larger batch may be there.
    pub fn put_many(
        &self,
        rows: Vec<SideWrite>,
    ) -> impl Future<Output = Result<(), SideError>> + Send + 'static {
        let (answer, answered) = oneshot::channel();
        self.queue(SideJob::Put { rows: rows.into_iter(), answer });
        async move { answered.await.unwrap_or_else(|_| Err(closed())) }
    }

    /// All that is durable of a kind: key, value, and when it was written; in the order of the keys.
    pub async fn load(&self, kind: &'static str) -> Result<Vec<(String, String, Moment)>, SideError> {
        let query = move |connection: &Connection| {
            connection
                .prepare_cached("SELECT key, value, updated_at FROM side WHERE kind = ?1 ORDER BY key")?
                .query_map([kind], |row| Ok((row.get(0)?, row.get(1)?, Moment(row.get(2)?))))?
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        self.shared.readers.read(query).await.map_err(SideError)
    }

    /// Deletes what was written of a kind before a moment, and answers how many rows that were.
    pub async fn prune(&self, kind: &'static str, before: Moment) -> Result<usize, SideError> {
        let (answer, answered) = oneshot::channel();
        self.queue(SideJob::Prune { kind, before, deleted: 0, answer });
        answered.await.unwrap_or_else(|_| Err(closed()))
    }

    fn queue(&self, job: SideJob) {
        // An error drops the job, and its answer with it: the caller learns that the log is closed.
        let _ = self.shared.jobs.send(Job::Side(job));
    }
}

impl SideStore for SideTable {
    fn put(&self, rows: Vec<SideWrite>) -> BoxFuture<'_, Result<(), AppendError>> {
        let written = self.put_many(rows);
        async move { written.await.map_err(|error| AppendError::Unavailable(error.to_string())) }.boxed()
    }

    fn load(&self, kind: &'static str) -> BoxFuture<'_, Result<Vec<SideRow>, LogError>> {
        let rows = Self::load(self, kind);
        let row = |(key, value, at)| SideRow { key, value, at };
        async move {
            let rows = rows.await.map_err(|error| LogError::Unavailable(error.to_string()))?;
            Ok(rows.into_iter().map(row).collect())
        }
        .boxed()
    }

    fn prune(&self, kind: &'static str, before: Moment) -> BoxFuture<'_, Result<(), AppendError>> {
        let pruned = Self::prune(self, kind, before);
        async move { pruned.await.map(drop).map_err(|error| AppendError::Unavailable(error.to_string())) }
            .boxed()
    }
}

fn closed() -> SideError {
    SideError("it is closed".into())
}

/// What the writer is asked to do with the side table. It stays in the queue until its last row is written.
pub(super) enum SideJob {
    Put {
        rows: vec::IntoIter<SideWrite>,
        answer: oneshot::Sender<Result<(), SideError>>,
    },
    Prune {
        kind: &'static str,
        before: Moment,
        deleted: usize,
        answer: oneshot::Sender<Result<usize, SideError>>,
    },
}

impl SideJob {
    /// Does one transaction's worth of the jobs at the front of the queue.
    pub(super) fn work(queue: &mut VecDeque<Self>, writer: &mut Writer) {
        if queue.is_empty() {
            return;
        }
        let mut touched = 0;
        let committed = writer.commit(|transaction| {
            let (mut room, mut done) = (ROWS_PER_COMMIT, 0);
            for job in queue.iter_mut() {
                // What fits into a transaction of its own is not torn apart.
                if touched > 0 && job.most_rows() > room {
                    break;
                }
                touched += 1;
                let (rows, whole) = job.some(transaction, room)?;
                if !whole {
                    break;
                }
                room -= rows;
                done += 1;
            }
            Ok(done)
        });
        match committed {
            Ok(done) => queue.drain(..done).for_each(SideJob::succeed),
            Err(failure) => {
                tracing::warn!(reason = failure.reason, "the side table could not be written");
                // At least one, so that the queue can't stand still where not even the file can be opened.
                queue.drain(..touched.max(1)).for_each(|job| job.fail(&failure.reason));
            }
        }
    }

    fn most_rows(&self) -> usize {
        match self {
            Self::Put { rows, .. } => rows.len(),
            Self::Prune { .. } => usize::MAX,
        }
    }

    /// Writes at most so many rows, and answers how many it wrote and whether those were the last.
    fn some(&mut self, transaction: &Transaction<'_>, room: usize) -> rusqlite::Result<(usize, bool)> {
        match self {
            Self::Put { rows, .. } => {
                let before = rows.len();
                for row in rows.take(room) {
                    write(transaction, &row)?;
                }
                Ok((before - rows.len(), rows.len() == 0))
            }
            Self::Prune { kind, before, deleted, .. } => {
                let limit = i64::try_from(room).unwrap_or(i64::MAX);
                let some = transaction
                    .prepare_cached(
                        "DELETE FROM side WHERE kind = ?1 AND key IN
                         (SELECT key FROM side WHERE kind = ?1 AND updated_at < ?2 LIMIT ?3)",
                    )?
                    .execute(params![*kind, before.0, limit])?;
                *deleted += some;
                Ok((some, some < room))
            }
        }
    }

    fn succeed(self) {
        // An error: whoever asked has gone.
        match self {
            Self::Put { answer, .. } => drop(answer.send(Ok(()))),
            Self::Prune { answer, deleted, .. } => drop(answer.send(Ok(deleted))),
        }
    }

    fn fail(self, reason: &str) {
        let error = SideError(reason.to_owned());
        match self {
            Self::Put { answer, .. } => drop(answer.send(Err(error))),
            Self::Prune { answer, .. } => drop(answer.send(Err(error))),
        }
    }
}

fn write(transaction: &Transaction<'_>, row: &SideWrite) -> rusqlite::Result<usize> {
    match &row.value {
        Some(value) => transaction
            .prepare_cached(
                "INSERT INTO side (kind, key, value, updated_at) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at",
            )?
            .execute(params![row.kind, row.key, value, row.at.0]),
        None => transaction
            .prepare_cached("DELETE FROM side WHERE kind = ?1 AND key = ?2")?
            .execute(params![row.kind, row.key]),
    }
}

//! The log of a single node: one SQLite file, one thread that writes it, a few connections that read it.
//!
//! Read in this order: `file` (what may be opened), `writer` (group commit, and what a failed one means), `read` (how
//! the log is read and followed), `side` (what is kept beside it).

mod file;
mod lock;
mod read;
mod readers;
mod side;
mod writer;

use std::{
    path::Path,
    sync::{Arc, mpsc},
    thread::JoinHandle,
};

use futures_util::{FutureExt, future::BoxFuture, stream::BoxStream};
use parking_lot::Mutex;
use tokio::sync::{oneshot, watch};

use super::{AppendError, Log, LogError, stored::encode};
use crate::core::{
    change::{Draft, Entry, Topic},
    names::LogNumber,
};

pub use file::OpenError;
pub use side::{SideError, SideTable};

use readers::Readers;
use writer::{Append, Job, Writer};

/// A log in a folder of its own. Clones are handles to the same one; dropping the last of them and of its
/// [`SideTable`]s closes it, which waits for what is queued.
#[derive(Clone)]
pub struct SqliteLog {
    shared: Arc<Shared>,
}

/// What all handles share.
struct Shared {
    jobs: mpsc::Sender<Job>,
    readers: Arc<Readers>,
    last: watch::Receiver<LogNumber>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl SqliteLog {
    /// Opens the log in a folder, making both where there are none. Blocks while the file is checked.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        let lock = lock::acquire(folder)?;
        let file = file::path_in(folder);
        let connection = file::open_checked(folder)?;
        let last = read::last_number(&connection).map_err(|error| file::explain(&file, &error))?;
        let (publish, last) = watch::channel(last);
        let (jobs, queue) = mpsc::channel();
        let readers = Arc::new(Readers::new(file.clone()));
        let writer = Writer::new(file, connection, queue, publish, lock);
        let thread = std::thread::Builder::new().name("log-writer".into());
        let writer = thread.spawn(move || writer.run()).map_err(OpenError::Thread)?;
        Ok(Self { shared: Arc::new(Shared { jobs, readers, last, writer: Mutex::new(Some(writer)) }) })
    }

    /// What is kept beside the log, in the same file.
    pub fn side_table(&self) -> SideTable {
        SideTable::new(self.shared.clone())
    }

    /// Writes what is queued, stops and gives the folder free. Other handles are of no use afterwards.
    pub async fn close(self) {
        let shared = self.shared.clone();
        // Only a panic could come back, and the thread's own has been reported.
        let _ = tokio::task::spawn_blocking(move || shared.stop()).await;
    }
}

impl Shared {
    fn stop(&self) {
        self.readers.close();
        // An error: it has stopped already.
        let _ = self.jobs.send(Job::Close);
        let mut writer = self.writer.lock();
        if let Some(thread) = writer.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Log for SqliteLog {
    /// The entry is queued at once: dropping the future doesn't take it back.
    fn append(&self, draft: Draft) -> BoxFuture<'_, Result<LogNumber, AppendError>> {
        let unavailable = |reason: &dyn std::fmt::Display| AppendError::Unavailable(reason.to_string());
        let entry = match encode(&draft) {
            Ok(entry) => entry,
            Err(error) => return std::future::ready(Err(unavailable(&error))).boxed(),
        };
        let (answer, answered) = oneshot::channel();
        let append = Append { id: draft.id, topic: draft.change.topic().to_string(), entry, answer };
        if self.shared.jobs.send(Job::Append(append)).is_err() {
            return std::future::ready(Err(unavailable(&"it is closed"))).boxed();
        }
        let stopped = || Err(AppendError::Undecided("it was closed meanwhile".into()));
        async move { answered.await.unwrap_or_else(|_| stopped()) }.boxed()
    }

    fn follow(&self, after: LogNumber) -> BoxStream<'static, Result<Entry, LogError>> {
        read::follow(self.shared.readers.clone(), self.shared.last.clone(), after)
    }

    fn last(&self) -> BoxFuture<'_, Result<LogNumber, LogError>> {
        std::future::ready(Ok(*self.shared.last.borrow())).boxed()
    }

    fn history(
        &self,
        topic: Topic,
        before: Option<LogNumber>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Entry>, LogError>> {
        read::history(&self.shared.readers, topic, before, limit).boxed()
    }
}

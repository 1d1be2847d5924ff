//! A small pool of connections that read, each used by one blocking thread at a time.

use std::{path::PathBuf, sync::Arc};

use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::file;

/// How many read at once; more wait. A read is a page of entries, or a kind of the side table at start.
const CONNECTIONS: usize = 4;

pub(super) struct Readers {
    file: PathBuf,
    idle: Mutex<Vec<Connection>>,
    turns: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(file: PathBuf) -> Self {
        Self { file, idle: Mutex::new(Vec::new()), turns: Arc::new(Semaphore::new(CONNECTIONS)) }
    }

    /// Runs a query off the async runtime. The error is for people.
    pub(super) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, String> {
        let turn = self.turns.clone().acquire_owned().await.map_err(|_| "it is closed")?;
        let readers = self.clone();
        let read = tokio::task::spawn_blocking(move || {
            let idle = readers.idle.lock().pop();
            let connection = match idle {
                Some(connection) => connection,
                None => file::open_reader(&readers.file)?,
            };
            let found = query(&connection)?;
            // After an error it is dropped instead: the next reader opens a fresh one.
            if !readers.turns.is_closed() {
                readers.idle.lock().push(connection);
            }
            drop(turn);
            Ok::<_, rusqlite::Error>(found)
        });
        match read.await {
            Ok(found) => found.map_err(|error| error.to_string()),
            Err(stopped) => Err(stopped.to_string()),
        }
    }

    /// No more reads; connections that are idle are closed.
    pub(super) fn close(&self) {
        self.turns.close();
        self.idle.lock().clear();
    }
}

//! Which stream this node's state was made of. Numbers of another one would mean other changes.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use parking_lot::Mutex;
use uuid::Uuid;

/// The file's name in the data folder.
const FILE: &str = "log-stream";

/// Remembered in the data folder, from the first entry on.
pub(super) struct Identity {
    file: PathBuf,
    stream: String,
    known: Mutex<Option<Uuid>>,
}

impl Identity {
    pub(super) fn open(folder: &Path, stream: &str) -> Result<Self, String> {
        let file = folder.join(FILE);
        let known = match fs::read_to_string(&file) {
            Ok(text) => {
                // A folder that goes to another cluster takes its sessions' records along, but no log.
                let of_stream = text.trim().strip_prefix(stream).and_then(|rest| rest.strip_prefix(' '));
                let id = of_stream.and_then(|id| id.parse().ok());
                Some(id.ok_or_else(|| {
                    format!(
                        "{} names another cluster's log: give this node a data folder of its own, or delete the file if \
                         it is to join this cluster",
                        file.display()
                    )
                })?)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(format!("{}: {error}", file.display())),
        };
        Ok(Self { file, stream: stream.to_owned(), known: Mutex::new(known) })
    }

    /// It would be known again.
    pub(super) fn is_known(&self) -> bool {
        self.known.lock().is_some()
    }

    /// What to do when it is not there.
    pub(super) fn remedy(&self) -> String {
        format!(
            "bring the old stream back; or, to begin again with another one, stop all nodes, delete {} in the data folder \
             of each, and start them",
            self.file.file_name().unwrap_or_default().display(),
        )
    }

    /// An error: it is another stream than the one that is known. An empty one is not remembered yet: of nodes that start
    /// together more than one may have made it.
    pub(super) fn check(&self, id: Uuid, empty: bool) -> Result<(), String> {
        let mut known = self.known.lock();
        match *known {
            Some(known) if known != id => Err(format!(
                "stream {} was made anew: its ID is {id}, and this node knows {known}; {}",
                self.stream,
                self.remedy(),
            )),
            None if !empty => {
                // Without the file it is remembered as long as this node runs.
                if let Err(error) = self.write(id) {
                    tracing::warn!(file = %self.file.display(), %error, "the log's ID can't be kept");
                }
                *known = Some(id);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn write(&self, id: Uuid) -> io::Result<()> {
        let half = self.file.with_extension("half");
        fs::write(&half, format!("{} {id}\n", self.stream))?;
        fs::rename(&half, &self.file)
    }
}

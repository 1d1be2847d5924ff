//! What `serve` and `demo` need of the system: open files, signals, and a file that says where they listen.

use std::{fmt::Write as _, fs, io, net::SocketAddr, path::Path};

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Every connection is an open file: as many as the system allows. Answers how many those are; None: any number.
pub fn raise_file_limit() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        tracing::warn!(%error, "the limit of open files could not be raised");
        return limit.current;
    }
    limit.maximum
}

/// Writes addresses, a line each; by rename, so that whoever waits for the file never reads half of it.
pub fn write_addresses(file: &Path, addresses: &[SocketAddr]) -> io::Result<()> {
    let mut half = file.as_os_str().to_owned();
    half.push(".half");
    let lines = addresses.iter().fold(String::new(), |mut lines, address| {
        writeln!(lines, "{address}").expect("writing to a string doesn't fail");
        lines
    });
    fs::write(&half, lines)?;
    fs::rename(&half, file)
}

/// SIGTERM and SIGINT: from its making on they are waited for rather than fatal.
pub struct StopSignal {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignal {
    /// Begins to listen.
    pub fn new() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for either.
    pub async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

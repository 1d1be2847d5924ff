//! The exclusive lock on a data folder: one process at a time.

use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io::{Read, Write},
    os::unix::fs::DirBuilderExt,
    path::Path,
};

use super::file::OpenError;

/// Held for as long as it lives. The kernel gives it up when the process ends, however that happens.
pub(super) struct FolderLock(File);

impl Drop for FolderLock {
    fn drop(&mut self) {
        // Closing the file would not do: a process that is being started by another thread holds a copy of it for a
        // moment, and the lock with it. An error: it is given up with the last copy.
        let _ = self.0.unlock();
    }
}

/// Takes the lock of a folder, which is made if there is none.
pub(super) fn acquire(folder: &Path) -> Result<FolderLock, OpenError> {
    let failed = |source| OpenError::Folder { folder: folder.to_owned(), source };
    // Nobody else's business: it holds the hashes of the operators' tokens.
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    let mut options = OpenOptions::new();
    let mut file = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(folder.join("lock"))
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let known = file.read_to_string(&mut holder).is_ok() && !holder.trim().is_empty();
            let holder = if known { format!("process {}", holder.trim()) } else { "another process".into() };
            return Err(OpenError::InUse { folder: folder.to_owned(), holder });
        }
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    // Only for the message above; a full disk must not keep us from starting.
    let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
    Ok(FolderLock(file))
}

//! A node's name when it is given none: made on its first start, and kept in the data folder. What it has counted is in
//! that folder, too, and the other nodes know it by its name.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::core::names::is_subject_word;

/// The file's name in the data folder.
const FILE: &str = "node-name";

/// Why there is no name.
#[derive(Debug, thiserror::Error)]
pub enum NameError {
    /// The file holds none.
    #[error("{path} holds no node's name; delete it, or start with --node", path = .0.display())]
    Spoilt(PathBuf),
    /// It can't be read or written.
    #[error("{path}: {error}", path = path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        error: io::Error,
    },
}

/// The name in the data folder; on the first start one is made.
pub fn read_or_make(data: &Path) -> Result<String, NameError> {
    let path = data.join(FILE);
    let failed = |error| NameError::File { path: path.clone(), error };
    match fs::read_to_string(&path) {
        Ok(text) if is_subject_word(text.trim()) => Ok(text.trim().to_owned()),
        Ok(_) => Err(NameError::Spoilt(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let name = format!("node-{:06x}", rand::random::<u32>() >> 8);
            // By rename: a stop in between leaves no half of it.
            let half = path.with_extension("half");
            fs::write(&half, format!("{name}\n")).and_then(|()| fs::rename(&half, &path)).map_err(failed)?;
            Ok(name)
        }
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let name = read_or_make(folder.path()).unwrap();
        assert_eq!(read_or_make(folder.path()).unwrap(), name);
        assert!(name.starts_with("node-") && is_subject_word(&name));
        fs::write(folder.path().join(FILE), "two words\n").unwrap();
        let error = read_or_make(folder.path()).unwrap_err().to_string();
        assert!(error.contains("node-name") && error.contains("--node"), "{error}");
    }
}

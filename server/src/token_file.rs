//! The first admin token: given on every start, or made on the first one and kept in the data folder.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// The file's name in the data folder.
pub const FILE: &str = "admin-token";
const SHORTEST: usize = 16;

/// Why there is no admin token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The one that was given can be guessed or mistyped.
    #[error("the admin token needs {SHORTEST} or more printable characters without spaces")]
    Weak,
    /// Its file holds none.
    #[error("{path} holds no token of {SHORTEST} or more characters; write one into it, or start with --admin-token", path = .0.display())]
    Spoilt(PathBuf),
    /// Its file can't be read or written.
    #[error("{path}: {error}", path = path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        error: io::Error,
    },
}

/// A token that was given, if it is good.
pub fn check(token: String) -> Result<String, TokenError> {
    let printable = token.chars().all(|c| c.is_ascii_graphic());
    if token.len() >= SHORTEST && printable { Ok(token) } else { Err(TokenError::Weak) }
}

/// The token in the data folder; on the first start one is made. None: it was deleted since, and tokens of the log count.
pub fn read_or_make(data: &Path, first_start: bool) -> Result<Option<String>, TokenError> {
    let path = data.join(FILE);
    let failed = |error| TokenError::File { path: path.clone(), error };
    match fs::read_to_string(&path) {
        Ok(token) => check(token.trim().to_owned()).map(Some).map_err(|_| TokenError::Spoilt(path.clone())),
        Err(error) if error.kind() == io::ErrorKind::NotFound && first_start => {
            let token = format!("fw_{}", URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()));
            // By rename: a stop in between leaves no half of it.
            let new = data.join(format!("{FILE}.new"));
            let write = || {
                let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new);
                let mut file = file?;
                writeln!(file, "{token}")?;
                file.sync_all()?;
                fs::rename(&new, &path)
            };
            write().map_err(failed)?;
            Ok(Some(token))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

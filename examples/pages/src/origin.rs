//! What the app's origin serves: a document whose build stands in a file, or several of them behind a load balancer.

use std::{fs, path::PathBuf};

use rand::seq::IndexedRandom;

/// What a page runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    /// Its ID.
    pub id: String,
    /// Beside it, where there is one.
    pub version: Option<String>,
}

/// Where pages are loaded from.
pub struct Origin(Vec<PathBuf>);

impl Origin {
    /// Of back ends whose documents stand in these files.
    pub fn new(files: Vec<PathBuf>) -> Self {
        Self(files)
    }

    /// The build of the document that a load gets now: of any of the back ends.
    pub fn load(&self) -> Result<Build, String> {
        let file = self.0.choose(&mut rand::rng()).ok_or("an origin has a document")?;
        let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let mut words = text.split_whitespace().map(str::to_owned);
        let id = words.next().ok_or_else(|| format!("{} names no build", file.display()))?;
        Ok(Build { id, version: words.next() })
    }
}

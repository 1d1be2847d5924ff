//! The HTML files of a folder, and its `freshwire.json`.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

use super::edit::{Unfit, stamp};
use crate::{
    cli::Trouble,
    core::names::{AppName, BuildId},
};

/// What `release --assets` and origin probes read.
const JSON: &str = "freshwire.json";
/// What compressing tools leave beside a file; a server would rather send those.
const TWINS: [&str; 3] = ["gz", "br", "zst"];

/// A folder, read.
#[derive(Debug, Default)]
pub struct Folder {
    /// Its HTML files, by path.
    pub documents: Vec<Stamped>,
    /// Its `freshwire.json`. None: it is another app's.
    pub json: Option<Stamped>,
    /// What is left alone, and why.
    pub left: Vec<(String, String)>,
    /// What else should be done.
    pub warnings: Vec<String>,
}

/// A file as it is, and as it is to be.
#[derive(Debug)]
pub struct Stamped {
    /// Its path within the folder.
    pub file: String,
    /// The build that it named.
    pub was: Option<String>,
    path: PathBuf,
    /// None: it is as it should be.
    new: Option<Vec<u8>>,
}

impl Stamped {
    /// It isn't yet as it should be.
    pub fn changed(&self) -> bool {
        self.new.is_some()
    }
}

impl Folder {
    /// Reads it. An error names every file that stands in the way.
    pub fn read(dir: &Path, build: &BuildId, app: Option<&AppName>) -> Result<Self, Trouble> {
        let shown = dir.display();
        let about =
            fs::metadata(dir).map_err(|error| Trouble::Usage(format!("can't read {shown}: {error}")))?;
        if !about.is_dir() {
            return Err(Trouble::Usage(format!(
                "{shown} is no folder: give the one that holds the HTML files"
            )));
        }
        let mut folder = Self::default();
        let mut wrong = Vec::new();
        folder.walk(dir, dir, build, app, &mut wrong)?;
        if wrong.is_empty() && folder.documents.is_empty() {
            let left: Vec<_> = folder.left.iter().map(|(file, why)| format!("{file}: {why}")).collect();
            let left = if left.is_empty() { String::new() } else { format!(" ({})", left.join("; ")) };
            return Err(Trouble::Failed(format!("no HTML file in {shown} to stamp{left}")));
        }
        folder.read_json(dir, build, app).unwrap_or_else(|why| wrong.push(format!("{JSON}: {why}")));
        if wrong.is_empty() {
            Ok(folder)
        } else {
            Err(Trouble::Failed(format!("nothing was stamped; {}", wrong.join("; "))))
        }
    }

    fn walk(
        &mut self,
        root: &Path,
        dir: &Path,
        build: &BuildId,
        app: Option<&AppName>,
        wrong: &mut Vec<String>,
    ) -> Result<(), Trouble> {
        let fails =
            |error| Trouble::Failed(format!("nothing was stamped; can't list {}: {error}", dir.display()));
        let mut entries =
            fs::read_dir(dir).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(fails)?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let kind = entry.file_type().map_err(fails)?;
            let name = entry.file_name();
            let hidden = name == "node_modules" || name.as_encoded_bytes().starts_with(b".");
            let file = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            if kind.is_dir() && !hidden {
                self.walk(root, &path, build, app, wrong)?;
            } else if name == "ngsw.json" {
                self.warnings.push(format!(
                    "{file} has the hashes of the files as they were: make it anew, behind the stamp (ngsw-config)"
                ));
            } else if kind.is_symlink() && (is_html(&path) || path.is_dir()) {
                self.left.push((file, "symbolic links aren't followed".to_owned()));
            } else if kind.is_file() && is_html(&path) {
                match read(&path).map(|html| (stamp(&html, build, app), html)) {
                    Ok((Ok(edited), html)) => {
                        let new = Some(edited.html).filter(|new| *new != html);
                        let twins = TWINS.iter().map(|twin| format!("{}.{twin}", path.display()));
                        let twins = twins.filter(|twin| new.is_some() && Path::new(twin).exists());
                        self.warnings
                            .extend(twins.map(|twin| format!("{twin} isn't stamped: compress it anew")));
                        self.documents.push(Stamped { file, was: edited.was, path, new });
                    }
                    Ok((Err(Unfit::Fragment), _)) => self.left.push((file, Unfit::Fragment.to_string())),
                    Ok((Err(why), _)) => wrong.push(format!("{file}: {why}")),
                    Err(why) => wrong.push(format!("{file}: {why}")),
                }
            }
        }
        Ok(())
    }

    /// What else a plugin has written into it stays.
    fn read_json(&mut self, dir: &Path, build: &BuildId, app: Option<&AppName>) -> Result<(), String> {
        let path = dir.join(JSON);
        let old = match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Ok(about) if !about.is_file() => return Err("it is no file".to_owned()),
            _ => Some(read(&path)?),
        };
        let mut json = match &old {
            Some(old) => serde_json::from_slice::<Map<String, Value>>(old)
                .map_err(|error| format!("it is no JSON object ({error}): take it away"))?,
            None => Map::new(),
        };
        let text =
            |json: &Map<String, Value>, name| json.get(name).and_then(Value::as_str).map(str::to_owned);
        if let Some(other) =
            text(&json, "app").filter(|other| Some(other.as_str()) != app.map(AppName::as_str))
        {
            let why = format!("it is of the app {other}; let probes ask for an HTML file instead");
            self.left.push((JSON.to_owned(), why));
            return Ok(());
        }
        let was = text(&json, "build");
        let before = json.clone();
        json.insert("build".to_owned(), build.as_str().into());
        if let Some(app) = app {
            json.insert("app".to_owned(), app.as_str().into());
        }
        let new =
            (old.is_none() || json != before).then(|| format!("{:#}\n", Value::Object(json)).into_bytes());
        self.json = Some(Stamped { file: JSON.to_owned(), was, path, new });
        Ok(())
    }

    /// Writes what has changed: each file whole, or as it was.
    pub fn write(&self) -> Result<(), Trouble> {
        let mut written = 0;
        for Stamped { file, path, new, .. } in self.documents.iter().chain(&self.json) {
            let Some(new) = new else { continue };
            replace(path, new).map_err(|error| {
                Trouble::Failed(format!(
                    "can't write {file}: {error}; {written} files were written before it"
                ))
            })?;
            written += 1;
        }
        Ok(())
    }
}

fn is_html(path: &Path) -> bool {
    let is = |ending| path.extension().is_some_and(|own| own.eq_ignore_ascii_case(ending));
    is("html") || is("htm")
}

/// A file that can be written, too: else the folder would be left half stamped.
fn read(path: &Path) -> Result<Vec<u8>, String> {
    let html = fs::read(path).map_err(|error| format!("can't be read: {error}"))?;
    fs::OpenOptions::new().write(true).open(path).map_err(|error| format!("can't be written: {error}"))?;
    Ok(html)
}

/// By a new file that takes its place, with the rights of the old one.
fn replace(path: &Path, new: &[u8]) -> std::io::Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // As any new file gets them here, less what the umask takes.
    let rights = fs::Permissions::from_mode(0o666);
    let mut file = tempfile::Builder::new().prefix(".freshwire-").permissions(rights).tempfile_in(dir)?;
    file.write_all(new)?;
    if let Ok(old) = fs::metadata(path) {
        file.as_file().set_permissions(old.permissions())?;
    }
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

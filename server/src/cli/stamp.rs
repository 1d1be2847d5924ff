//! `stamp`: writes a build into HTML that no plugin of ours has built. It asks no server.

mod edit;
mod folder;

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use self::folder::{Folder, Stamped};
use super::{Console, Trouble, say, table::plain};
use crate::core::names::{AppName, BuildId};

/// What `stamp` takes.
#[derive(Args, Debug)]
pub struct StampArgs {
    /// The folder that is deployed. HTML files are stamped wherever they are in it, but for `node_modules` and what begins
    /// with a dot
    dir: PathBuf,
    /// The build that its pages are to carry, often a git SHA
    #[arg(long)]
    build: BuildId,
    /// Stamp it as this app's only, where several apps share a document
    #[arg(long)]
    app: Option<AppName>,
    /// Say what it would do, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Stamps a folder: reads all, then writes; what can't be done is found before anything is written.
pub fn stamp(console: &Console, args: &StampArgs) -> Result<(), Trouble> {
    let StampArgs { dir, build, app, dry_run } = args;
    let folder = Folder::read(dir, build, app.as_ref())?;
    if !dry_run {
        folder.write()?;
    }
    let document =
        |stamped: &Stamped| json!({"file": stamped.file, "was": stamped.was, "changed": stamped.changed()});
    let left = |(file, why): &(String, String)| json!({"file": file, "why": why});
    if console.printed_json(&json!({
        "build": build,
        "app": app,
        "dry_run": dry_run,
        "documents": folder.documents.iter().map(document).collect::<Vec<_>>(),
        "freshwire_json": folder.json.as_ref().map(document),
        "left": folder.left.iter().map(left).collect::<Vec<_>>(),
        "warnings": folder.warnings,
    })) {
        return Ok(());
    }
    for stamped in folder.documents.iter().chain(&folder.json) {
        let was = match &stamped.was {
            Some(was) if stamped.changed() => format!(", was {was}"),
            None if stamped.changed() => String::new(),
            _ => ", as before".to_owned(),
        };
        Console::say(format!("{}: {build}{was}", stamped.file));
    }
    for (file, why) in &folder.left {
        console.terminal.complain("note", &plain(&format!("{file} is left alone: {why}")));
    }
    for warning in &folder.warnings {
        console.terminal.complain("warning", &plain(warning));
    }
    let (would, documents) = (if *dry_run { "would be " } else { "" }, folder.documents.len() as u64);
    let changed = folder.documents.iter().filter(|stamped| stamped.changed()).count();
    let of = app.as_ref().map(|app| format!(" for {app}")).unwrap_or_default();
    Console::say(format!("{changed} of {} {would}stamped{of}", say::count(documents, "HTML file")));
    Ok(())
}

//! `log export` and `log import`: the whole log, to a file and back.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
};

use clap::Subcommand;
use serde_json::json;
use tempfile::NamedTempFile;

use super::{Console, Trouble, Undo, client::typed};
use crate::{
    api::{NUMBER_HEADER, transfer::Imported},
    core::names::LogNumber,
};

/// So much of a file is sent at once, and the line that goes beyond it.
const PIECE: usize = 1 << 20;
/// So many lines at most: each is written durably before the answer.
const LINES: u64 = 1_000;

/// What can be done with the log of all apps and tokens.
#[derive(Subcommand, Debug)]
pub enum WholeLog {
    /// Write the whole log to a file: a copy, or the way to another store
    Export {
        /// The file; one that is there is replaced when the new one is whole
        file: PathBuf,
    },
    /// Take in a log that was exported; only into a server without one, or with the beginning of the same
    Import {
        /// The file
        file: PathBuf,
    },
}

/// Exports or imports.
pub async fn run(console: &Console, whole: WholeLog) -> Result<(), Trouble> {
    match whole {
        WholeLog::Export { file } => export(console, &file).await,
        WholeLog::Import { file } => import(console, &file).await,
    }
}

async fn export(console: &Console, path: &Path) -> Result<(), Trouble> {
    let cant = |error: &io::Error| {
        let error = error.to_string();
        // The file beside its place has a name that nobody asked for.
        let cause = error.split(" at path ").next().unwrap_or(&error);
        Trouble::Failed(format!("can't write {}: {cause}", path.display()))
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let client = console.client()?;
    let mut answer = client.download(&["log"]).await?;
    let number = answer.headers().get(NUMBER_HEADER);
    let number: Option<u64> = number.and_then(|number| number.to_str().ok()?.parse().ok());
    // Beside its place, so that a part of it is never taken for the whole; for its owner alone.
    let mut file = NamedTempFile::new_in(folder).map_err(|error| cant(&error))?;
    let mut entries = 0;
    while let Some(piece) = answer.chunk().await.map_err(|error| client.broken(&error))? {
        entries += piece.split(|byte| *byte == b'\n').skip(1).count() as u64;
        file.write_all(&piece).map_err(|error| cant(&error))?;
    }
    if number != Some(entries) {
        let whole = number.map_or("a number that isn't said".to_owned(), |number| number.to_string());
        return Err(Trouble::Failed(format!(
            "the log came with {} instead of {whole}: the answer was cut short on its way; {} is not written. Try again",
            in_words(entries),
            path.display()
        )));
    }
    file.as_file().sync_all().map_err(|error| cant(&error))?;
    file.persist(path).map_err(|error| cant(&error.error))?;
    let shown = path.display().to_string();
    if !console.printed_json(&json!({"file": shown, "entries": entries, "number": number})) {
        Console::say(format!("{} written to {shown}", in_words(entries)));
    }
    Ok(())
}

async fn import(console: &Console, path: &Path) -> Result<(), Trouble> {
    let cant = |error: &io::Error| Trouble::Usage(format!("can't read {}: {error}", path.display()));
    let mut file = BufReader::new(File::open(path).map_err(|error| cant(&error))?);
    let client = console.client()?;
    let mut whole = Imported { entries: 0, added: 0, number: LogNumber::default(), digest: String::new() };
    let mut first_line = 1;
    loop {
        let (piece, lines) = next_piece(&mut file).map_err(|error| cant(&error))?;
        // An empty file is told so by the server, too.
        if lines == 0 && first_line > 1 {
            break;
        }
        let query = [("first_line".to_owned(), first_line.to_string())];
        let done: Imported = typed(&client.upload(&["log"], &query, piece).await?)?;
        whole.entries += done.entries;
        whole.added += done.added;
        (whole.number, whole.digest) = (done.number, done.digest);
        if lines == 0 {
            break;
        }
        first_line += lines;
    }
    let answer = serde_json::to_value(&whole).unwrap_or_default();
    if console.printed_json(&answer) {
        return Ok(());
    }
    let there = whole.entries - whole.added;
    let known = if there > 0 { format!("; {} there already", in_words(there)) } else { String::new() };
    Console::say(format!("{} imported{known}", in_words(whole.added)));
    Console::say(format!("the log ends at {}; digest of the state: {}", whole.number, whole.digest));
    console.undo(&Undo::never("a log is only added to"));
    Ok(())
}

fn in_words(entries: u64) -> String {
    if entries == 1 { "1 entry".to_owned() } else { format!("{entries} entries") }
}

/// The next lines of a file, and how many they are.
fn next_piece(file: &mut impl BufRead) -> io::Result<(Vec<u8>, u64)> {
    let (mut piece, mut lines) = (Vec::new(), 0);
    while piece.len() < PIECE && lines < LINES && file.read_until(b'\n', &mut piece)? > 0 {
        lines += 1;
    }
    Ok((piece, lines))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_end_where_lines_do() {
        let text = [vec![b'x'; PIECE - 1], b"\ny\n\nz".to_vec()].concat();
        let mut file = text.as_slice();
        let (first, lines) = next_piece(&mut file).unwrap();
        assert_eq!((first.len(), lines), (PIECE, 1));
        assert_eq!(next_piece(&mut file).unwrap(), (b"y\n\nz".to_vec(), 3));
        assert_eq!(next_piece(&mut file).unwrap(), (Vec::new(), 0));
        let many = "x\n".repeat(1_500);
        assert_eq!(next_piece(&mut many.as_bytes()).unwrap().1, LINES);
    }
}

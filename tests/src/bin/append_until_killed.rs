//! Appends to the log in a folder as fast as it can and prints what became of each entry, until somebody kills it.
//!
//! Lines: `ack NUMBER ID`, `unavailable ID`, `undecided ID`, and `side N` when all rows of the side table hold N.

use std::{io::Write, path::PathBuf, process::ExitCode, time::Duration};

use freshwire::{
    core::{names::LogNumber, time::Moment},
    log::{
        AppendError, Log, SideWrite,
        sqlite::{SideTable, SqliteLog},
    },
};
use freshwire_tests::drafts::settings;

const WRITERS: usize = 4;
const SIDE_ROWS: usize = 50;

#[tokio::main]
async fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: append_until_killed FOLDER");
        return ExitCode::from(2);
    };
    let log = match SqliteLog::open(&folder) {
        Ok(log) => log,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    for writer in 0..WRITERS {
        tokio::spawn(append_on(log.clone(), format!("app-{writer}")));
    }
    write_beside(log.side_table()).await
}

async fn append_on(log: SqliteLog, app: String) {
    for rate in 0.. {
        let draft = settings(&app, LogNumber(0), rate);
        let id = draft.id;
        match log.append(draft).await {
            Ok(number) => say(&format!("ack {number} {id}")),
            Err(AppendError::Unavailable(_)) => say(&format!("unavailable {id}")),
            Err(AppendError::Undecided(_)) => say(&format!("undecided {id}")),
        }
    }
}

async fn write_beside(table: SideTable) -> ExitCode {
    let mut round = table.load("probe").await.map_or(0, |rows| {
        rows.first().map_or(0, |(_, value, _)| value.parse().expect("only this program writes it"))
    });
    loop {
        round += 1;
        let row = |key: usize| SideWrite {
            kind: "probe",
            key: format!("row-{key}"),
            value: Some(round.to_string()),
            at: Moment(round),
        };
        match table.put_many((0..SIDE_ROWS).map(row).collect()).await {
            Ok(()) => say(&format!("side {round}")),
            // The disk is full or worse; the writers above go on asking.
            Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
        }
    }
}

/// A whole line at once, or nobody is left to read it.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

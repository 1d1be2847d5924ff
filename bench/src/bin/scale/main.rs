//! What a cluster carries: real sockets on real nodes of a real NATS, measured, and drawn.
//!
//! `scale measure FILE [SESSIONS]` measures, with so many sessions a node, and writes the figures to a file.
//! `scale draw FILE` draws them, and writes them into the tables of SCALING.md.

mod arithmetic;
mod changes;
mod chart;
mod cluster;
mod draw;
mod figures;
mod load;
mod meter;
mod reports;
mod tables;
mod voices;

use std::{fs, process::ExitCode};

use figures::{Figures, Machine};
use tokio::signal::unix::{SignalKind, signal};

/// Sessions of a node: a process may have 20,000 files open here, and its load has as many.
const SESSIONS: usize = 12_000;

const USAGE: &str = "usage: scale measure FILE [SESSIONS]
       scale draw FILE";

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["measure", file] => until_stopped(file, SESSIONS).await,
        ["measure", file, sessions] => match sessions.parse() {
            Ok(sessions) => until_stopped(file, sessions).await,
            Err(_) => Err(USAGE.to_owned()),
        },
        ["draw", file] => draw::draw(file),
        // How it starts itself.
        ["load", address, sessions] => {
            load::run(address, sessions.parse().unwrap_or(SESSIONS)).await;
            Ok(())
        }
        _ => Err(USAGE.to_owned()),
    };
    if let Err(message) = done {
        eprintln!("{message}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Whoever is stopped takes along what it has started.
async fn until_stopped(file: &str, sessions: usize) -> Result<(), String> {
    let mut terminated = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
    tokio::select! {
        measured = Box::pin(measure(file, sessions)) => measured,
        _ = terminated.recv() => Err("stopped".to_owned()),
        _ = tokio::signal::ctrl_c() => Err("stopped".to_owned()),
    }
}

async fn measure(file: &str, sessions: usize) -> Result<(), String> {
    if std::env::var_os("FRESHWIRE_BIN").is_some() {
        return Err(
            "FRESHWIRE_BIN is set: what is built beside this program is measured; unset it".to_owned()
        );
    }
    let machine = Machine::here()?;
    let (mut clusters, mut voices) = (Vec::new(), Vec::new());
    for (nodes, builds) in [(10, 12), (30, 12), (100, 12), (30, 100), (100, 100)] {
        let measured = voices::measure(nodes, builds).await;
        println!("{}", measured.summary());
        voices.push(measured);
    }
    let reports = reports::measure();
    let changes = changes::measure().await;
    for (nodes, sessions) in
        [(1, sessions / 4), (1, sessions / 2), (1, sessions), (2, sessions), (4, sessions)]
    {
        let measured = cluster::measure(nodes, sessions).await;
        println!("{}", measured.summary());
        clusters.push(measured);
    }
    let figures = Figures { machine, clusters, changes, reports, voices };
    let text = serde_json::to_string_pretty(&figures).expect("figures can be written as JSON");
    fs::write(file, text + "\n").map_err(|error| format!("{file}: {error}"))
}

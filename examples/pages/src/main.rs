//! Simulated pages of a single-page app, for the examples: they say hello, meet notices as people do, look at the document
//! that their origin serves, and come back on it. They stop when they are told to (SIGTERM), each closing its tab.

mod origin;
mod page;
mod people;
mod wire;

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use clap::Parser;
use freshwire::core::time::Period;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
    task::JoinSet,
};

use self::{origin::Origin, page::Page, people::People};

/// Simulated pages of a single-page app.
#[derive(Parser, Debug)]
pub struct Args {
    /// The Freshwire server
    #[arg(long, env = "FRESHWIRE_URL", default_value = "http://127.0.0.1:3774")]
    url: String,
    /// Which app they are
    #[arg(long, default_value = "web")]
    app: String,
    /// How many
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=5000))]
    count: u16,
    /// The file that stands for the document the origin serves: a build, and beside it its version. Repeat it for an
    /// origin of several back ends: each load goes to one of them
    #[arg(long, value_name = "FILE", required = true)]
    deployed: Vec<PathBuf>,
    /// What they run at first [default: what the origin serves]
    #[arg(long)]
    build: Option<String>,
    /// Its version
    #[arg(long, requires = "build")]
    version: Option<String>,
    /// A label of theirs; may be repeated
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,
    /// People do what a notice asks within this time, at random
    #[arg(long, value_name = "DURATION", default_value = "1s")]
    acts_within: Period,
    /// So many of a hundred have unsaved work at first
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=100))]
    unsaved: u8,
    /// And save it once this file is gone
    #[arg(long, value_name = "FILE", requires = "unsaved")]
    busy: Option<PathBuf>,
    /// So many of a hundred have a service worker that goes on serving them the old document
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=100))]
    stubborn: u8,
    /// Each page is closed after about this time, and somebody opens another
    #[arg(long, value_name = "DURATION")]
    turnover: Option<Period>,
    /// Stop by themselves after this time
    #[arg(long = "for", value_name = "DURATION", default_value = "1m")]
    lasts: Period,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    match run(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<(), String> {
    let mut told = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
    let origin = Origin::new(args.deployed.clone());
    let first = match &args.build {
        Some(id) => origin::Build { id: id.clone(), version: args.version.clone() },
        None => origin.load()?,
    };
    let people = Arc::new(People::new(&args, origin));
    let (stop, stopped) = watch::channel(false);
    let mut pages = JoinSet::new();
    for n in 0..args.count {
        let page = Page::open(people.clone(), first.clone(), people.stubborn(n), people.unsaved(n));
        pages.spawn(page.live(stopped.clone()));
    }
    tokio::select! {
        _ = told.recv() => {}
        () = tokio::time::sleep(args.lasts.std()) => {}
        () = async { while pages.join_next().await.is_some() {} } => {}
    }
    // Whoever is there hears it; that nobody is left is as well.
    let _ = stop.send(true);
    while pages.join_next().await.is_some() {}
    Ok(())
}

fn label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("a label is KEY=VALUE, such as tenant=acme")?;
    Ok((key.to_owned(), value.to_owned()))
}

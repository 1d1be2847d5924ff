//! `release`, `releases` and `settle`.

use std::path::PathBuf;

use clap::Args;
use reqwest::Method;

use super::{
    Console, OfApp, Trouble, Undo,
    args::{ChangeFlags, Speed, forces, parse_step, word},
    built::Built,
    change::{Wish, json, make},
    current, say,
    table::{Cell, Column, Table},
    terminal::{DIM, Terminal, standing_style},
};
use crate::{
    api::{
        answers::{ReleaseStatus, ReleasesAnswer},
        bodies::{ReleaseBody, SettleBody},
    },
    core::{
        change::{Severity, Step},
        judge::Standing,
        names::{BuildId, Need},
        order::Version,
        time::{Moment, Period},
    },
};

/// What `release` takes.
#[derive(Args, Debug)]
pub struct ReleaseArgs {
    #[command(flatten)]
    of: OfApp,
    /// What its pages carry, often a git SHA [default: as in --assets, if that is a freshwire.json]
    #[arg(long, required_unless_present = "assets")]
    build: Option<BuildId>,
    /// Its semantic version [default: as in --assets, if that is a freshwire.json]
    #[arg(long)]
    version: Option<Version>,
    /// Who made it
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// What it does, in a line
    #[arg(long)]
    message: Option<String>,
    /// When its commit was made, such as 2026-01-31T12:00:00Z (git log -1 --format=%cI)
    #[arg(long, value_name = "TIME")]
    committed_at: Option<Moment>,
    /// Picks what the pages behind it are asked to do [default: normal]
    #[arg(long, value_parser = word::<Severity>(["silent", "normal", "important", "security"]))]
    severity: Option<Severity>,
    /// Server-side things that it relies on, with commas between
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    needs: Vec<Need>,
    /// JSON file with its files and their hashes: {"assets/app.js": "sha256-…"}, or the freshwire.json of our Vite plugin
    #[arg(long, value_name = "FILE")]
    assets: Option<PathBuf>,
    /// Register it only; it becomes current when settled. So is every release of an app that has probes
    #[arg(long)]
    rolling: bool,
    /// Register it though it is older than what is current
    #[arg(long)]
    anyway: bool,
    #[command(flatten)]
    speed: Speed,
    /// How long a countdown counts [default: 5m]
    #[arg(long, value_name = "DURATION", help_heading = "Pace")]
    countdown: Option<Period>,
    /// How long unsaved work may put it off [default: 10m]
    #[arg(long, value_name = "DURATION", help_heading = "Pace")]
    hold_cap: Option<Period>,
    /// In place of the severity's action, repeated for each step: --step 0s:prompt --step 30m:countdown
    #[arg(long = "step", value_name = "AFTER:ACTION", value_parser = parse_step, help_heading = "Pace")]
    steps: Vec<Step>,
    #[command(flatten)]
    flags: ChangeFlags,
}

/// What `releases` takes.
#[derive(Args, Debug)]
pub struct ListArgs {
    #[command(flatten)]
    of: OfApp,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

/// What `settle` takes.
#[derive(Args, Debug)]
pub struct SettleArgs {
    #[command(flatten)]
    of: OfApp,
    /// The rolling release
    build: BuildId,
    /// Settle it though a live back end lacks what it needs
    #[arg(long)]
    anyway: bool,
    #[command(flatten)]
    speed: Speed,
    #[command(flatten)]
    flags: ChangeFlags,
}

/// Registers a release.
pub async fn register(console: &Console, args: ReleaseArgs) -> Result<(), Trouble> {
    let app = &args.of.app;
    let from_file = args.assets.as_deref().map(Built::read).transpose()?.unwrap_or_default();
    let Some(build) = args.build.or(from_file.build) else {
        return Err(Trouble::Usage("the file with the assets names no build; give --build".into()));
    };
    let version = args.version.or(from_file.version);
    let named = say::build(build.as_str(), version.as_ref());
    let asks = forces(&args.steps);
    let body = ReleaseBody {
        build,
        version,
        by: args.by,
        message: args.message,
        committed_at: args.committed_at,
        severity: args.severity.unwrap_or_default(),
        needs: args.needs,
        assets: from_file.assets,
        preload: from_file.preload,
        rolling: args.rolling,
        anyway: args.anyway,
        over: args.speed.over,
        waves: args.speed.waves,
        hold: args.speed.hold,
        brake: args.speed.brake,
        unproven_ok: args.speed.unproven_ok,
        countdown: args.countdown,
        hold_cap: args.hold_cap,
        steps: args.steps,
    };
    let wish = Wish {
        app,
        method: Method::POST,
        path: vec!["releases"],
        body: Some(json(&body)),
        what: format!("releasing {named}"),
        asks,
    };
    let Some(changed) = make(console, &args.flags, wish).await? else { return Ok(()) };
    if changed.repeated {
        Console::say(format!("{named} is a release of {app} already"));
        console.undo(&Undo::never("nothing was changed"));
        return Ok(());
    }
    let is_current = changed.current.as_ref().is_some_and(|current| current.build == body.build);
    if is_current {
        Console::say(format!(
            "{named} is released and current for {app}; this {}",
            say::moved(&changed, "moves", None)
        ));
        console.undo(&current::undo(app, &changed));
    } else {
        let settle = console.command(&["settle", app.as_str(), body.build.as_str()]);
        let rollout = console.command(&["rollout", app.as_str(), body.build.as_str()]);
        let probes = changed.before.as_ref().map_or(0, |before| before.settings.probes.len());
        let when = match probes {
            0 => "when every server serves it".to_owned(),
            probes => format!("it settles when {} it; sooner", say::verb(probes as u64, "origin", "serve")),
        };
        Console::say(format!("{named} is registered for {app}; {when}: {settle}"));
        Console::say(format!("what is lacking: {rollout}"));
        console.undo(&Undo::never("a release stays registered, and moves no page before it is settled"));
    }
    Ok(())
}

/// Settles a rolling release.
pub async fn settle(console: &Console, args: SettleArgs) -> Result<(), Trouble> {
    let (app, build) = (&args.of.app, &args.build);
    let wish = Wish {
        app,
        method: Method::POST,
        path: vec!["releases", build.as_str(), "settle"],
        body: Some(json(&settle_body(args.speed, args.anyway))),
        what: format!("settling {build}"),
        asks: false,
    };
    let Some(changed) = make(console, &args.flags, wish).await? else { return Ok(()) };
    let named = changed.current.as_ref().map_or_else(|| build.to_string(), say::release);
    Console::say(format!(
        "{named} is settled and current for {app}; this {}",
        say::moved(&changed, "moves", None)
    ));
    console.undo(&current::undo(app, &changed));
    Ok(())
}

/// Prints the releases.
pub async fn list(console: &Console, args: ListArgs) -> Result<(), Trouble> {
    let app = args.of.app.as_str();
    let answer =
        console.client()?.list(&["apps", app, "releases"], &[], "releases", args.limit as usize).await?;
    let Some(releases) = console.unless_json::<ReleasesAnswer>(&answer)? else { return Ok(()) };
    if releases.releases.is_empty() {
        let make = console.command(&["release", app, "--build", "BUILD"]);
        Terminal::note(&format!("{app} has no releases yet; make one: {make}"));
        return Ok(());
    }
    Terminal::print(&table(&releases).draw(console.terminal.look));
    console.note_more(releases.next.as_ref(), releases.releases.len());
    Ok(())
}

fn table(releases: &ReleasesAnswer) -> Table {
    let mut table = Table::new([
        Column::figure("#"),
        Column::text("BUILD"),
        Column::text("VERSION"),
        Column::text("STATUS"),
        Column::text("SEVERITY"),
        Column::figure("SESSIONS"),
        Column::text("BY"),
        Column::elastic("MESSAGE"),
        Column::text("REGISTERED"),
    ]);
    let now = crate::clock::now();
    for release in &releases.releases {
        let (status, style) = match release.status {
            ReleaseStatus::Registered => ("registered", standing_style(Standing::Ahead)),
            ReleaseStatus::Current => ("current", standing_style(Standing::Current)),
            ReleaseStatus::Superseded => ("superseded", DIM),
            ReleaseStatus::Retired => ("retired", standing_style(Standing::Unsupported)),
        };
        let severity = json(&release.severity);
        let message = match (&release.retired, &release.message) {
            (Some(reason), _) => format!("retired: {reason}"),
            (None, message) => message.clone().unwrap_or_default(),
        };
        table.row([
            Cell::from(release.release.to_string()),
            Cell::from(release.build.as_str()),
            Cell::maybe(release.version.as_ref()),
            Cell::styled(status, style),
            Cell::from(severity.as_str().unwrap_or_default()),
            Cell::from(release.sessions.to_string()),
            Cell::maybe(release.by.as_ref()),
            Cell::from(message),
            Cell::from(say::relative(release.registered_at, now)),
        ]);
    }
    table
}

fn settle_body(speed: Speed, anyway: bool) -> SettleBody {
    let Speed { over, waves, hold, brake, unproven_ok } = speed;
    SettleBody { over, waves, hold, brake, unproven_ok, anyway }
}

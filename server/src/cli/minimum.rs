//! `minimum`: what is still supported.

use clap::{ArgGroup, Args};
use reqwest::Method;

use super::{
    Console, OfApp, Trouble, Undo,
    args::{ChangeFlags, Pace},
    change::{Wish, json, make},
    history::{self, Ordered},
    say,
};
use crate::{
    api::{
        answers::{Changed, FloorRef},
        bodies::MinimumBody,
    },
    core::{
        change::Floor,
        names::{AppName, BuildId},
        order::Version,
    },
};

/// What `minimum` takes.
#[derive(Args, Debug)]
#[command(
    override_usage = "freshwire minimum <APP> <VERSION|--build <BUILD>> --reason <REASON> [OPTIONS]\n       \
    freshwire minimum <APP> --undo"
)]
#[command(group = ArgGroup::new("floor").required(true).args(["version", "build", "undo"]))]
pub struct MinimumArgs {
    #[command(flatten)]
    of: OfApp,
    /// The lowest version that is still supported, registered or not
    version: Option<Version>,
    /// The lowest release that is still supported, by its build
    #[arg(long)]
    build: Option<BuildId>,
    /// Why; operators see it, and the people in front of the pages
    #[arg(long, required_unless_present = "undo", conflicts_with = "undo")]
    reason: Option<String>,
    /// Restore the minimum before this one
    #[arg(long)]
    undo: bool,
    #[command(flatten)]
    pace: Pace,
    #[command(flatten)]
    flags: ChangeFlags,
}

/// Sets the minimum, or takes the last one back.
pub async fn set(console: &Console, args: MinimumArgs) -> Result<(), Trouble> {
    if args.undo {
        return take_back(console, &args).await;
    }
    let app = &args.of.app;
    let floor = FloorRef { version: args.version.clone(), build: args.build.clone() };
    let body = MinimumBody::new(args.version, args.build, args.reason.unwrap_or_default(), args.pace.body());
    let wish = Wish {
        app,
        method: Method::PUT,
        path: vec!["minimum"],
        body: Some(json(&body)),
        what: format!("minimum {}", say::floor(&floor)),
        asks: true,
    };
    let Some(changed) = make(console, &args.flags, wish).await? else { return Ok(()) };
    let moved = say::moved(&changed, "moves", None);
    Console::say(format!("the minimum of {app} is {}; this {moved}", say::floor(&floor)));
    console.undo(&Undo::by(["minimum", app.as_str(), "--undo"]));
    Ok(())
}

async fn take_back(console: &Console, args: &MinimumArgs) -> Result<(), Trouble> {
    if !args.pace.is_empty() {
        return Err(Trouble::Usage(
            "--undo restores the minimum before with its own pace; leave out other flags".into(),
        ));
    }
    let app = &args.of.app;
    let wish = Wish {
        app,
        method: Method::DELETE,
        path: vec!["minimum"],
        body: None,
        what: "restoring the minimum before".to_owned(),
        asks: false,
    };
    let Some(changed) = make(console, &args.flags, wish).await? else { return Ok(()) };
    let now = changed.minimum.as_ref().map_or_else(
        || "no minimum any more".to_owned(),
        |floor| format!("the minimum {} again", say::floor(floor)),
    );
    Console::say(format!("{app} has {now}; this {}", say::moved(&changed, "moves", None)));
    let ordered = history::minimum_before(console, app, changed.number).await;
    console.undo(&undo(app, &changed, ordered));
    Ok(())
}

/// Sets again what was taken back.
fn undo(app: &AppName, changed: &Changed, ordered: Option<Ordered>) -> Undo {
    let before = changed.before.as_ref().and_then(|before| before.minimum.clone());
    let floor = match ordered.as_ref().and_then(|ordered| ordered.floor.clone()) {
        Some(Floor::Version(version)) => Some(FloorRef { version: Some(version), build: None }),
        Some(Floor::Build(build)) => Some(FloorRef { version: None, build: Some(build) }),
        None => before,
    };
    let mut words = vec!["minimum".to_owned(), app.to_string()];
    match floor {
        Some(FloorRef { version: Some(version), .. }) => words.push(version.to_string()),
        Some(FloorRef { build: Some(build), .. }) => words.extend(["--build".to_owned(), build.to_string()]),
        _ => return Undo::never("there was no minimum before"),
    }
    words.extend(
        ordered.map_or_else(|| ["--reason", "restored"].map(str::to_owned).to_vec(), |old| old.flags()),
    );
    Undo::By(words)
}

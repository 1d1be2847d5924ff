//! `retire` and `reinstate`.

use clap::Args;
use reqwest::Method;

use super::{
    Console, OfApp, Trouble, Undo,
    args::{ChangeFlags, Pace},
    change::{Wish, json, make},
    history, say,
};
use crate::{api::bodies::RetireBody, core::names::BuildId};

/// What `retire` takes.
#[derive(Args, Debug)]
pub struct RetireArgs {
    #[command(flatten)]
    of: OfApp,
    /// The bad build
    build: BuildId,
    /// Why; operators see it, and the people in front of the pages
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    pace: Pace,
    #[command(flatten)]
    flags: ChangeFlags,
}

/// What `reinstate` takes.
#[derive(Args, Debug)]
pub struct ReinstateArgs {
    #[command(flatten)]
    of: OfApp,
    /// The build that is good again
    build: BuildId,
    #[command(flatten)]
    flags: ChangeFlags,
}

/// Retires a build.
pub async fn retire(console: &Console, args: RetireArgs) -> Result<(), Trouble> {
    let (app, build) = (&args.of.app, &args.build);
    let body = RetireBody::new(args.reason, args.pace.body());
    let wish = Wish {
        app,
        method: Method::POST,
        path: vec!["releases", build.as_str(), "retire"],
        body: Some(json(&body)),
        what: format!("retiring {build}"),
        asks: true,
    };
    let Some(changed) = make(console, &args.flags, wish).await? else { return Ok(()) };
    Console::say(format!("{build} of {app} is retired; this {}", say::moved(&changed, "moves", None)));
    console.undo(&Undo::by(["reinstate", app.as_str(), build.as_str()]));
    Ok(())
}

/// Reinstates a build.
pub async fn reinstate(console: &Console, args: ReinstateArgs) -> Result<(), Trouble> {
    let (app, build) = (&args.of.app, &args.build);
    let wish = Wish {
        app,
        method: Method::POST,
        path: vec!["releases", build.as_str(), "reinstate"],
        body: None,
        what: format!("reinstating {build}"),
        asks: false,
    };
    let Some(changed) = make(console, &args.flags, wish).await? else { return Ok(()) };
    Console::say(format!(
        "{build} of {app} is reinstated: its pages are judged by their place in the order again"
    ));
    let ordered = history::retirement_before(console, app, build, changed.number).await;
    let flags =
        ordered.map_or_else(|| ["--reason", "retired again"].map(str::to_owned).to_vec(), |old| old.flags());
    let words = ["retire", app.as_str(), build.as_str()].map(str::to_owned);
    console.undo(&Undo::by(words.into_iter().chain(flags)));
    Ok(())
}

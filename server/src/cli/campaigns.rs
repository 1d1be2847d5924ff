//! `pause`, `resume` and `abort`: campaigns under way.

use clap::Args;
use reqwest::Method;

use super::{
    Console, OfApp, Trouble, Undo,
    args::ChangeFlags,
    change::{Wish, json, make},
};
use crate::api::{answers::Changed, bodies::HaltBody};

/// What `pause`, `resume` and `abort` take.
#[derive(Args, Debug)]
pub struct HaltArgs {
    #[command(flatten)]
    of: OfApp,
    /// The campaign's number, as in `freshwire campaigns`
    campaign: u64,
    /// For the history
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    flags: ChangeFlags,
}

/// Pauses a campaign.
pub async fn pause(console: &Console, args: HaltArgs) -> Result<(), Trouble> {
    let (app, number) = (args.of.app.clone(), args.campaign.to_string());
    if act(console, args, "pause", "pausing").await?.is_some() {
        Console::say(format!("campaign {number} of {app} is paused; what was not acted on is withdrawn"));
        console.undo(&Undo::by(["resume", app.as_str(), &number]));
    }
    Ok(())
}

/// Resumes a campaign.
pub async fn resume(console: &Console, args: HaltArgs) -> Result<(), Trouble> {
    let (app, number) = (args.of.app.clone(), args.campaign.to_string());
    if act(console, args, "resume", "resuming").await?.is_some() {
        Console::say(format!("campaign {number} of {app} goes on"));
        console.undo(&Undo::by(["pause", app.as_str(), &number]));
    }
    Ok(())
}

/// Aborts a campaign.
pub async fn abort(console: &Console, args: HaltArgs) -> Result<(), Trouble> {
    let (app, number) = (args.of.app.clone(), args.campaign.to_string());
    if act(console, args, "abort", "aborting").await?.is_some() {
        Console::say(format!("campaign {number} of {app} is over; what set it in motion stays as it is"));
        console.undo(&Undo::never("make the change again that began it"));
    }
    Ok(())
}

async fn act(console: &Console, args: HaltArgs, what: &str, doing: &str) -> Result<Option<Changed>, Trouble> {
    let number = args.campaign.to_string();
    let wish = Wish {
        app: &args.of.app,
        method: Method::POST,
        path: vec!["campaigns", &number, what],
        body: Some(json(&HaltBody { reason: args.reason })),
        what: format!("{doing} campaign {number}"),
        asks: false,
    };
    make(console, &args.flags, wish).await
}

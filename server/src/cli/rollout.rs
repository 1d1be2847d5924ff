//! `rollout`: what is known of a rolling release's being served.

use clap::Args;

use super::{
    Console, OfApp, Trouble,
    change::json,
    say,
    table::{Cell, Column, Table},
    terminal::{Terminal, standing_style},
};
use crate::{
    api::rollout::{EvidenceAnswer, RolloutAnswer},
    core::{judge::Standing, names::BuildId, rollout::Evidence},
};

/// What `rollout` takes.
#[derive(Args, Debug)]
pub struct RolloutArgs {
    #[command(flatten)]
    of: OfApp,
    /// The rolling release
    build: BuildId,
}

/// Prints what is known.
pub async fn print(console: &Console, args: RolloutArgs) -> Result<(), Trouble> {
    let (app, build) = (args.of.app.as_str(), args.build.as_str());
    let answer = console.client()?.get(&["apps", app, "releases", build, "rollout"], &[]).await?;
    let Some(rollout) = console.unless_json::<RolloutAnswer>(&answer)? else { return Ok(()) };
    let named = say::build(rollout.build.as_str(), rollout.version.as_ref());
    let status = json(&rollout.status);
    Console::say(format!("{named} is {}: {}", status.as_str().unwrap_or_default(), rollout.words));
    if !rollout.evidence.is_empty() {
        Terminal::print(&table(&rollout.evidence).draw(console.terminal.look));
    }
    Ok(())
}

fn table(evidence: &[EvidenceAnswer]) -> Table {
    let mut table =
        Table::new([Column::text("EVIDENCE"), Column::text("COMPLETE"), Column::elastic("FOUND")]);
    for answer in evidence {
        let kind = match answer.evidence {
            Evidence::Probes { .. } => "probes",
            Evidence::BackEnds { .. } => "back ends",
            Evidence::Organic { .. } => "organic",
        };
        let (complete, style) = if answer.complete {
            ("yes", standing_style(Standing::Current))
        } else {
            ("no", standing_style(Standing::Stale))
        };
        table.row([Cell::from(kind), Cell::styled(complete, style), Cell::from(&answer.words)]);
    }
    table
}

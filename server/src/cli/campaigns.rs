//! `campaigns`, `pause`, `resume` and `abort`: what changes have set in motion.

use clap::Args;
use reqwest::Method;

use super::{
    Console, OfApp, Trouble, Undo,
    args::ChangeFlags,
    change::{Wish, json, make},
    say,
    table::{self, Cell, Column, Table},
    terminal::{BOLD, DIM, Terminal},
};
use crate::{
    api::{
        answers::Changed,
        bodies::HaltBody,
        campaigns::{CampaignAnswer, CampaignKind, CampaignState, CampaignsAnswer},
    },
    core::{brake::stuck_on, outcome::State, time::Moment},
};

/// What `campaigns` takes.
#[derive(Args, Debug)]
pub struct ListArgs {
    #[command(flatten)]
    of: OfApp,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

/// Lists the campaigns, newest first, with what became of whom.
pub async fn list(console: &Console, args: ListArgs) -> Result<(), Trouble> {
    let app = args.of.app.as_str();
    let path = ["apps", app, "campaigns"];
    let answer = console.client()?.list(&path, &[], "campaigns", args.limit as usize).await?;
    let Some(list) = console.unless_json::<CampaignsAnswer>(&answer)? else { return Ok(()) };
    if list.campaigns.is_empty() {
        Terminal::note(&format!("nothing has been set in motion for {app} yet"));
        return Ok(());
    }
    Terminal::print(&table(&list.campaigns, crate::clock::now()).draw(console.terminal.look));
    for campaign in list.campaigns.iter().filter(|campaign| needs_somebody(campaign)) {
        let number = campaign.campaign;
        let go_on = console.command(&["resume", app, &number.to_string()]);
        let said = match (&campaign.paused_by, &campaign.paused_because) {
            (Some(by), Some(because)) if campaign.state == CampaignState::Paused => {
                format!("campaign {number} was paused by {by}: {because}")
            }
            _ => format!("campaign {number} waits: too few acted in its wave to tell whether it went well"),
        };
        let seen = campaign.seen.as_ref().filter(|seen| !said.contains(*seen));
        let seen = seen.map(|seen| format!("; {seen}")).unwrap_or_default();
        console.terminal.complain("note", &table::plain(&format!("{said}{seen}; to go on: {go_on}")));
    }
    for campaign in list.campaigns.iter().filter(|campaign| campaign.state == CampaignState::Active) {
        let stuck = &campaign.evidence.stuck;
        for words in stuck.iter().filter_map(|of| stuck_on(&of.detail, of.sessions)) {
            console.terminal.complain("note", &format!("of campaign {}: {words}", campaign.campaign));
        }
    }
    console.note_more(list.next.as_ref(), list.campaigns.len());
    Ok(())
}

/// It waits for an operator.
const fn needs_somebody(campaign: &CampaignAnswer) -> bool {
    matches!(campaign.state, CampaignState::Paused | CampaignState::Unproven)
}

fn table(campaigns: &[CampaignAnswer], now: Moment) -> Table {
    let mut table = Table::new([
        Column::figure("CAMPAIGN"),
        Column::text("OF"),
        Column::text("STATE"),
        Column::figure("TOLD"),
        Column::figure("OF ALL"),
        Column::figure("MOVED"),
        Column::figure("OPEN"),
        Column::figure("HELD"),
        Column::figure("STUCK"),
        Column::figure("STILL OLD"),
        Column::text("STARTED"),
        Column::elastic("REASON"),
    ]);
    for campaign in campaigns {
        let style = if needs_somebody(campaign) { BOLD } else { DIM };
        table.row([
            Cell::from(campaign.campaign.to_string()),
            Cell::from(subject(campaign)),
            Cell::styled(state(campaign), style),
            Cell::from(campaign.told.to_string()),
            Cell::from(campaign.targeted.to_string()),
            Cell::from(moved(campaign).to_string()),
            Cell::from(open(campaign).to_string()),
            Cell::from(count(campaign, State::Held).to_string()),
            Cell::from(count(campaign, State::Stuck).to_string()),
            Cell::from(count(campaign, State::StillOld).to_string()),
            Cell::from(say::briefly(campaign.started_at, now)),
            Cell::maybe(campaign.reason.as_ref()),
        ]);
    }
    table
}

/// `minimum`, `release 3f9c2ab`
fn subject(campaign: &CampaignAnswer) -> String {
    let kind = match campaign.kind {
        CampaignKind::Release => "release",
        CampaignKind::Minimum => "minimum",
        CampaignKind::Retire => "retire",
    };
    match &campaign.build {
        Some(build) => format!("{kind} {build}"),
        None => kind.to_owned(),
    }
}

/// `active 40%`, `wave 2 of 3, unproven`
pub fn state(campaign: &CampaignAnswer) -> String {
    let word = match campaign.state {
        CampaignState::Active if campaign.progress < 1.0 => {
            format!("active {}", say::percent(campaign.progress))
        }
        CampaignState::Active => "active".to_owned(),
        CampaignState::Paused => "paused".to_owned(),
        CampaignState::Unproven => "unproven".to_owned(),
        CampaignState::Done => "done".to_owned(),
        CampaignState::Aborted => "aborted".to_owned(),
        CampaignState::Replaced => "replaced".to_owned(),
        CampaignState::Undone => "undone".to_owned(),
    };
    match campaign.wave {
        Some(wave) if campaign.state != CampaignState::Done => {
            format!("wave {wave} of {}, {word}", campaign.waves.len())
        }
        _ => word,
    }
}

/// Sessions in a state.
pub fn count(campaign: &CampaignAnswer, state: State) -> u64 {
    campaign.states.get(&state).copied().unwrap_or_default()
}

/// Sessions that are on a better build now.
pub fn moved(campaign: &CampaignAnswer) -> u64 {
    count(campaign, State::Refreshed) + count(campaign, State::Swapped)
}

/// Sessions that are connected and that something may still become of.
pub fn connected(campaign: &CampaignAnswer) -> u64 {
    open(campaign).saturating_sub(campaign.away)
}

/// Sessions that something may still become of.
fn open(campaign: &CampaignAnswer) -> u64 {
    campaign.states.iter().filter(|(state, _)| !state.ended()).map(|(_, sessions)| sessions).sum()
}

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

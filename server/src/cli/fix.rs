//! `fix`: a security fix as one command. Looks whether the origins serve it, says who is hit, raises the minimum, follows
//! the pages until all have moved, and proves it.

mod funnel;
mod report;

use std::path::PathBuf;

use clap::Args;
use reqwest::Method;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use self::{funnel::Funnel, report::Report};
use super::{
    Console, OfApp, Trouble,
    args::Pace,
    campaigns,
    change::json,
    client::{Call, typed},
    events::{Event, Events},
    say,
    table::plain,
    terminal::Terminal,
};
use crate::{
    api::{
        answers::Changed,
        bodies::MinimumBody,
        campaigns::{CampaignAnswer, CampaignState},
        gate::GateAnswer,
        rollout::ProbesAnswer,
    },
    core::{
        names::{AppName, LogNumber},
        order::Version,
        time::Period,
    },
};

/// What `fix` takes.
#[derive(Args, Debug)]
pub struct FixArgs {
    #[command(flatten)]
    of: OfApp,
    /// The lowest version that has the fix
    version: Version,
    /// Why; operators see it, and the people in front of the pages
    #[arg(long)]
    reason: String,
    /// Go on though an origin doesn't serve the current build
    #[arg(long)]
    unprobed: bool,
    /// Only look at the origins, and say who would be moved
    #[arg(long)]
    dry_run: bool,
    /// Don't ask before pages are moved
    #[arg(long, short = 'y')]
    yes: bool,
    /// How long to follow the pages; what has not moved by then is named, and the exit code is 3
    #[arg(long, value_name = "DURATION", default_value = "30m")]
    timeout: Period,
    /// Also write the report to this file: Markdown, or JSON if its name ends in .json; may be repeated
    #[arg(long, value_name = "FILE")]
    report: Vec<PathBuf>,
    #[command(flatten)]
    pace: Pace,
}

/// How following the pages ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Nobody is left.
    Moved,
    /// It was paused, aborted or replaced.
    Stopped,
    /// It took too long.
    TimedOut,
}

/// Fixes it, and proves that it is fixed.
pub async fn fix(console: &Console, args: FixArgs) -> Result<(), Trouble> {
    let app = &args.of.app;
    args.report.iter().try_for_each(|file| report::writable(file))?;
    let probes = probe(console, app, args.unprobed).await?;
    let Some(changed) = raise(console, &args, &probes).await? else { return Ok(()) };
    let Some(campaign) = changed.campaign else {
        return Err(Trouble::Strange {
            url: app.to_string(),
            why: "a minimum set nothing in motion".to_owned(),
        });
    };
    tell(console, &format!("campaign {campaign}: {}", say::moved(&changed, "moves", None)));
    // Before the long wait: who is alarmed by what they see is not to look for it.
    tell(console, &format!("undo: {}", console.command(&["minimum", app.as_str(), "--undo"])));
    let end = follow(console, &args, campaign).await?;
    let report = Report::gather(console, app, &args.version, campaign, &changed, end == End::Moved).await?;
    if console.globals.json {
        Terminal::print(&format!("{:#}\n", report.json()));
    } else {
        report.lines().for_each(Console::say);
    }
    for file in &args.report {
        report.write(file)?;
    }
    match end {
        End::Moved => Ok(()),
        End::Stopped | End::TimedOut => Err(Trouble::NotReached {
            said: match end {
                End::TimedOut => format!("not everybody has moved within {}", args.timeout),
                _ => format!("campaign {campaign} no longer runs"),
            },
            who: vec!["campaigns".to_owned(), app.to_string()],
        }),
    }
}

/// Progress is for people: beside the JSON it goes where programs don't look for data.
fn tell(console: &Console, line: &str) {
    if console.globals.json { Terminal::note(&plain(line)) } else { Console::say(line) }
}

/// Every origin serves the build that pages are about to be sent to.
async fn probe(console: &Console, app: &AppName, unprobed: bool) -> Result<Value, Trouble> {
    let call = Call {
        method: Method::POST,
        path: vec!["apps", app.as_str(), "probe"],
        body: None,
        dry_run: false,
        if_match: None,
        repeatable: false,
    };
    let found = console.client()?.change(&call).await?;
    let answer: ProbesAnswer = typed(&found)?;
    for probe in &answer.probes {
        let found = match (&probe.build, &probe.detail) {
            (Some(build), _) if probe.ok => format!("serves {build}"),
            (_, Some(detail)) => detail.clone(),
            (build, None) => {
                format!("serves {}", build.as_ref().map_or("no build", |build| build.as_str()))
            }
        };
        tell(console, &format!("{} {} {found}", if probe.ok { "ok " } else { "BAD" }, probe.url));
    }
    if answer.probes.is_empty() {
        tell(console, "no origin is probed; name some with freshwire app set --probe URL");
        return Ok(found);
    }
    if answer.ok || unprobed {
        return Ok(found);
    }
    Err(Trouble::Failed(format!(
        "not every origin serves {}; deploy it there first, or go on with --unprobed",
        answer.current.as_ref().map_or("the current build", |build| build.as_str())
    )))
}

/// Raises the minimum, after saying who is hit. None: that was all that was asked for.
async fn raise(console: &Console, args: &FixArgs, probes: &Value) -> Result<Option<Changed>, Trouble> {
    let client = console.client()?;
    let body = MinimumBody::new(Some(args.version.clone()), None, args.reason.clone(), args.pace.body());
    let mut call = Call {
        method: Method::PUT,
        path: vec!["apps", args.of.app.as_str(), "minimum"],
        body: Some(json(&body)),
        dry_run: true,
        if_match: None,
        repeatable: true,
    };
    let looked = client.change(&call).await?;
    let look: Changed = typed(&looked)?;
    tell(console, &format!("minimum {} {}", args.version, say::moved(&look, "would move", None)));
    if args.dry_run {
        if console.globals.json {
            Terminal::print(&format!("{:#}\n", serde_json::json!({"probes": probes, "dry_run": looked})));
        }
        return Ok(None);
    }
    if console.terminal.interactive && !args.yes {
        if !Terminal::agrees("Go on?") {
            return Err(Trouble::Declined);
        }
        // What is done is what was agreed to: nobody else's change may have come between.
        call.if_match = Some(look.number.0);
    }
    call.dry_run = false;
    typed(&client.change(&call).await?).map(Some)
}

/// Follows a campaign until nobody is left below the version, it stops, or it takes too long.
async fn follow(console: &Console, args: &FixArgs, campaign: LogNumber) -> Result<End, Trouble> {
    let mut events = Events::open(console, &args.of.app).await?;
    let mut funnel = Funnel::new(console);
    let deadline = Instant::now() + args.timeout.std();
    let mut latest: Option<CampaignAnswer> = None;
    loop {
        let event = timeout_at(funnel.due().unwrap_or(deadline).min(deadline), events.next()).await;
        let Ok(event) = event else {
            if Instant::now() < deadline {
                funnel.flush();
                continue;
            }
            funnel.end();
            return Ok(End::TimedOut);
        };
        match event? {
            Event::Campaign(answer) => {
                let answer: CampaignAnswer = typed(&answer)?;
                if answer.campaign == campaign {
                    latest = Some(answer);
                }
            }
            Event::Lost(why) => {
                funnel.lost(&why);
                continue;
            }
            Event::Census(_) | Event::Back | Event::Log(_) | Event::Gap => {}
        }
        let Some(answer) = &latest else { continue };
        // A server that goes away says so by its events.
        let Ok(left) = below(console, &args.of.app, &args.version).await else { continue };
        let known = (left.complete && !left.warming).then_some(left.sessions);
        funnel.draw(answer, known);
        let end = match answer.state {
            // Those whose laptops are closed are told when they are back.
            _ if known == Some(0) && campaigns::connected(answer) == 0 => End::Moved,
            CampaignState::Paused
            | CampaignState::Aborted
            | CampaignState::Replaced
            | CampaignState::Undone => End::Stopped,
            _ => continue,
        };
        funnel.end();
        return Ok(end);
    }
}

/// Who is below a version: what a gate would wait for.
async fn below(console: &Console, app: &AppName, version: &Version) -> Result<GateAnswer, Trouble> {
    let query = [("below".to_owned(), version.to_string())];
    typed(&console.client()?.get(&["apps", app.as_str(), "gate"], &query).await?)
}

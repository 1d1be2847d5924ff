//! `wait`: a gate for pipelines. It opens when the pages that still need something are gone.

mod eta;
mod show;
mod trigger;

use std::time::Duration;

use clap::{Args, ValueEnum};
use tokio::time::{Instant, timeout_at};

use self::{show::Show, trigger::Trigger};
use super::{Console, OfApp, Trouble, client::typed, events::passes};
use crate::{
    api::gate::GateAnswer,
    core::{
        gate::{Gate, Reading, Terms, Verdict},
        time::{Moment, Period},
    },
};

/// An answer that takes longer is as good as none.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);
/// Before so long the nodes of a cluster have nothing new to say.
const NODES_SAY_EVERY: Period = Period(250);

/// What `wait` takes.
#[derive(Args, Debug)]
pub struct WaitArgs {
    #[command(flatten)]
    of: OfApp,
    #[command(flatten)]
    whose: Whose,
    /// As many may be left
    #[arg(long, value_name = "PAGES", default_value_t = 0)]
    max: u64,
    /// Pages that vanished in the last 14 days, perhaps only asleep: ignore them, or let 0 be left
    #[arg(long, value_name = "WHICH", default_value = "ignore")]
    away: Away,
    /// Open even while pages of unregistered builds are connected, of which nobody can tell
    #[arg(long)]
    ignore_unknown: bool,
    /// For so long without a break
    #[arg(long = "for", value_name = "DURATION", default_value = "30s")]
    hold: Period,
    /// Give up after this time, with exit code 3
    #[arg(long, value_name = "DURATION", default_value = "30m")]
    timeout: Period,
}

/// Whose pages are to be gone.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = false)]
struct Whose {
    /// Until none are left below this version or registered build
    #[arg(long, value_name = "VERSION")]
    below: Option<String>,
    /// Until none are left on this build
    #[arg(long, value_name = "BUILD")]
    build: Option<String>,
    /// Until none are left on a build that needs this
    #[arg(long, value_name = "NAME")]
    needs: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Away {
    /// They don't count
    Ignore,
    /// None may be left
    #[value(name = "0")]
    None,
}

/// Waits until the gate opens.
pub async fn wait(console: &Console, args: WaitArgs) -> Result<(), Trouble> {
    if args.hold >= args.timeout {
        let text = format!("--for {} can't be over within --timeout {}", args.hold, args.timeout);
        console.terminal.complain("warning", &text);
    }
    let mut show = Show::new(console, &args);
    tokio::select! {
        done = until_open(console, &args, &mut show) => done,
        Ok(()) = tokio::signal::ctrl_c() => {
            // The shell's next line is not to begin behind the bar.
            show::end_line(console);
            std::process::exit(130);
        }
    }
}

async fn until_open(console: &Console, args: &WaitArgs, show: &mut Show<'_>) -> Result<(), Trouble> {
    let client = console.client()?;
    let (app, query) = (args.of.app.as_str(), args.whose.query());
    let clock = Clock(Instant::now());
    let deadline = clock.0 + args.timeout.std();
    let mut gate = Gate::new(args.terms());
    let mut trigger = None;
    loop {
        let asked = clock.before();
        let within = deadline.min(Instant::now() + ANSWERS_WITHIN);
        let path = ["apps", app, "gate"];
        let answer = timeout_at(within, client.get(&path, &query)).await.unwrap_or_else(|_| {
            let url = console.globals.url.as_str().trim_end_matches('/').to_owned();
            Err(Trouble::Unreachable { url, cause: "no answer in time".to_owned() })
        });
        let mut due = None;
        match answer {
            Ok(answer) => {
                let answer: GateAnswer = typed(&answer)?;
                // What other nodes said counts from when they said it.
                let verdict = gate.look(asked - answer.age, clock.after(), Reading::from(&answer));
                if let Verdict::Holding { since, .. } = verdict {
                    let soonest = if answer.age == Period::ZERO { Period::ZERO } else { NODES_SAY_EVERY };
                    due = Some(clock.at((since + args.hold + answer.age).max(asked + soonest)));
                }
                show.look(&verdict, &answer, clock.before());
                if verdict == Verdict::Open {
                    return Ok(());
                }
                if trigger.is_none() {
                    trigger = Some(Trigger::open(console, &args.of.app, deadline).await);
                }
            }
            // What the gate has seen stays comparable unless the server has started anew, which its answer tells.
            Err(trouble) if trigger.is_some() && passes(&trouble) => show.lost(&trouble, clock.before()),
            Err(trouble) => return Err(trouble),
        }
        let again = trigger.as_mut().map(|trigger| trigger.wait(due));
        if let Some(again) = again
            && timeout_at(deadline, again).await.is_err()
        {
            return Err(show.too_late());
        }
    }
}

/// The time since the command's start, by a clock that doesn't jump.
#[derive(Clone, Copy, Debug)]
struct Clock(Instant);

impl Clock {
    /// Now, in whole milliseconds, not later than it is.
    fn before(self) -> Moment {
        Moment(i64::try_from(self.0.elapsed().as_millis()).unwrap_or(i64::MAX))
    }

    /// Now, not earlier than it is.
    fn after(self) -> Moment {
        self.before() + Period(1)
    }

    fn at(self, moment: Moment) -> Instant {
        self.0 + moment.since(Moment(0)).std()
    }
}

impl WaitArgs {
    fn terms(&self) -> Terms {
        Terms {
            max: self.max,
            hold: self.hold,
            away: self.away == Away::None,
            ignore_unknown: self.ignore_unknown,
        }
    }
}

impl Whose {
    fn named(&self) -> (&'static str, &str) {
        let all = [("below", &self.below), ("build", &self.build), ("needs", &self.needs)];
        let named = all.into_iter().find_map(|(name, value)| Some((name, value.as_deref()?)));
        named.expect("the command line has one of the group")
    }

    fn query(&self) -> Vec<(String, String)> {
        let (name, value) = self.named();
        vec![(name.to_owned(), value.to_owned())]
    }

    /// `below 2.4.0`
    fn words(&self) -> String {
        match self.named() {
            ("below", version) => format!("below {version}"),
            ("build", build) => format!("on build {build}"),
            (_, need) => format!("needing {need}"),
        }
    }
}

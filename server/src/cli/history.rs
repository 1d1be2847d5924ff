//! `log`, and what the log says of changes that are to be undone.

use clap::Args;

use super::{
    Console, Trouble,
    client::typed,
    say,
    table::{Cell, Column, Table},
    terminal::{DIM, Terminal},
    transfer::{self, WholeLog},
};
use crate::{
    api::answers::LogAnswer,
    core::{
        change::{AppChange, Change, Floor, Terms},
        names::{AppName, BuildId, LogNumber},
        pace::{Brake, Pace},
        time::Period,
    },
};

/// How far back a change is looked for.
const LOOKED_THROUGH: usize = 10_000;

/// What `log` takes.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct LogArgs {
    #[command(subcommand)]
    whole: Option<WholeLog>,
    /// The app
    #[arg(required = true)]
    app: Option<AppName>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

/// Prints the history.
pub async fn list(console: &Console, args: LogArgs) -> Result<(), Trouble> {
    let app = match (args.whole, args.app) {
        (Some(whole), _) => return transfer::run(console, whole).await,
        (None, app) => app.ok_or_else(|| Trouble::Usage("name the app".to_owned()))?,
    };
    let path = ["apps", app.as_str(), "log"];
    let answer = console.client()?.list(&path, &[], "entries", args.limit as usize).await?;
    let Some(log) = console.unless_json::<LogAnswer>(&answer)? else { return Ok(()) };
    let mut table = Table::new([
        Column::figure("NUMBER"),
        Column::text("WHEN"),
        Column::text("WHO"),
        Column::text("CHANGE"),
        Column::elastic("SUMMARY"),
    ]);
    let now = crate::clock::now();
    for entry in &log.entries {
        table.row([
            Cell::styled(entry.number.to_string(), DIM),
            Cell::from(say::relative(entry.at, now)),
            Cell::from(&entry.actor),
            Cell::from(&entry.kind),
            Cell::from(&entry.summary),
        ]);
    }
    Terminal::print(&table.draw(console.terminal.look));
    console.note_more(log.next.as_ref(), log.entries.len());
    Ok(())
}

/// A minimum or a retirement as it was ordered.
#[derive(Clone, Debug, PartialEq)]
pub struct Ordered {
    /// The minimum's floor; none of a retirement.
    pub floor: Option<Floor>,
    /// Why.
    pub reason: String,
    /// How its pages were moved.
    pub terms: Terms,
}

impl Ordered {
    /// The flags that order the same again.
    pub fn flags(&self) -> Vec<String> {
        let mut flags = vec!["--reason".to_owned(), self.reason.clone()];
        match self.terms.steps.as_slice() {
            [only] if only.after == Period::ZERO => {
                flags.extend(["--action".to_owned(), only.action.to_string()]);
            }
            steps => {
                for step in steps {
                    flags.extend(["--step".to_owned(), format!("{}:{}", step.after, step.action)]);
                }
            }
        }
        flags.extend(pace_flags(&self.terms.pace));
        let periods = [("--countdown", self.terms.countdown), ("--hold-cap", self.terms.hold_cap)];
        for (flag, period) in periods {
            flags.extend(period.map(|period| [flag.to_owned(), period.to_string()]).into_iter().flatten());
        }
        flags
    }
}

/// The flags that ask for the same pace again.
fn pace_flags(pace: &Pace) -> Vec<String> {
    let mut flags = vec!["--over".to_owned(), pace.over.to_string()];
    if !pace.waves.is_empty() {
        let waves: Vec<_> = pace.waves.iter().map(ToString::to_string).collect();
        flags.extend(["--waves".to_owned(), waves.join(","), "--hold".to_owned(), pace.hold.to_string()]);
        flags.extend(pace.unproven_ok.then(|| "--unproven-ok".to_owned()));
    }
    if pace.brake != Brake::USUAL {
        flags.extend(["--brake".to_owned(), pace.brake.ratio().to_string()]);
    }
    flags
}

/// The minimum that was in force before the entry `before`, as it was ordered.
pub async fn minimum_before(console: &Console, app: &AppName, before: LogNumber) -> Option<Ordered> {
    let mut undone = 0_u32;
    changes_before(console, app, before).await.into_iter().find_map(|change| match change {
        AppChange::MinimumUndo => {
            undone += 1;
            None
        }
        AppChange::Minimum { .. } if undone > 0 => {
            undone -= 1;
            None
        }
        AppChange::Minimum { floor, reason, terms } => Some(Ordered { floor: Some(floor), reason, terms }),
        _ => None,
    })
}

/// The retirement of a build that was in force before the entry `before`, as it was ordered.
pub async fn retirement_before(
    console: &Console,
    app: &AppName,
    build: &BuildId,
    before: LogNumber,
) -> Option<Ordered> {
    changes_before(console, app, before).await.into_iter().find_map(|change| match change {
        AppChange::Retire { build: retired, reason, terms } if retired == *build => {
            Some(Ordered { floor: None, reason, terms })
        }
        _ => None,
    })
}

/// An app's changes before an entry, newest first. What can't be read is left out: an undo that is less exact is better
/// than a change that was made and is reported as failed.
async fn changes_before(console: &Console, app: &AppName, before: LogNumber) -> Vec<AppChange> {
    let Ok(client) = console.client() else { return Vec::new() };
    let path = ["apps", app.as_str(), "log"];
    let Ok(answer) = client.list(&path, &[], "entries", LOOKED_THROUGH).await else { return Vec::new() };
    let log = typed::<LogAnswer>(&answer).map(|log| log.entries).unwrap_or_default();
    let earlier = log.into_iter().filter(|entry| entry.number < before);
    earlier
        .filter_map(|entry| match serde_json::from_value(entry.change).ok()? {
            Change::App { change, .. } => Some(change),
            Change::Token(_) | Change::Stray(_) | Change::Strange(_) => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::change::{Action, Step, one_step};

    #[test]
    fn what_was_ordered_can_be_ordered_again() {
        let terms = Terms {
            pace: Pace::over(Period::secs(90)),
            steps: one_step(Action::Countdown),
            countdown: Some(Period::mins(2)),
            hold_cap: None,
        };
        let mut ordered = Ordered { floor: None, reason: "CVE-1".into(), terms };
        let flags = ordered.flags().join(" ");
        assert_eq!(flags, "--reason CVE-1 --action countdown --over 1m30s --countdown 2m");
        ordered.terms.pace.waves = ["5%", "100%"].map(|share| share.parse().unwrap()).to_vec();
        ordered.terms.pace.brake = Brake::try_from(0.2).unwrap();
        assert!(
            ordered.flags().join(" ").contains("--over 1m30s --waves 5%,100% --hold 5m --brake 0.2 --cou")
        );
        ordered.terms.steps.push(Step { after: Period::mins(30), action: Action::Force });
        assert!(ordered.flags().join(" ").contains("--step 0s:countdown --step 30m:force"));
    }
}

//! `sessions`: the open pages behind a count.

use clap::Args;
use uuid::Uuid;

use super::{
    Console, OfApp, Trouble,
    args::{STANDINGS, parse_label, word},
    client::typed,
    say,
    table::{Cell, Column, Table},
    terminal::{Terminal, standing_style},
};
use crate::{
    api::answers::{SessionAnswer, SessionDetail, SessionsAnswer},
    core::{
        judge::{Standing, Why},
        names::BuildId,
        outcome::{LookRefused, State},
        time::Moment,
    },
};

/// Outcomes that are no states, then the states.
const OUTCOMES: [&str; 18] = [
    "origin_stale",
    LookRefused::NAME,
    "failed",
    "waiting",
    "sent",
    "received",
    "shown",
    "snoozed",
    "held",
    "stuck",
    "asleep",
    "refreshing",
    "refreshed",
    "swapped",
    "still_old",
    "gone",
    "left_before",
    "released",
];

/// Where the column of the hosts stands if there is one: beside the build.
const HOST: usize = 2;

/// What `explain` takes.
#[derive(Args, Debug)]
pub struct ExplainArgs {
    #[command(flatten)]
    of: OfApp,
    /// Its ID, as in `freshwire sessions`
    session: Uuid,
}

/// Says why one page hasn't moved.
pub async fn explain(console: &Console, args: ExplainArgs) -> Result<(), Trouble> {
    let session = args.session.to_string();
    let path = ["apps", args.of.app.as_str(), "sessions", &session];
    let answer = console.client()?.get(&path, &[]).await?;
    if !console.printed_json(&answer) {
        Console::say(typed::<SessionDetail>(&answer)?.explanation);
    }
    Ok(())
}

/// What `sessions` takes. Several filters are joined by 'and'.
#[derive(Args, Debug)]
pub struct SessionsArgs {
    #[command(flatten)]
    of: OfApp,
    /// Only those below this version, or below the release of this build
    #[arg(long, value_name = "VERSION|BUILD", help_heading = "Filters")]
    below: Option<String>,
    /// Only those that stand so
    #[arg(long, value_parser = word::<Standing>(STANDINGS), help_heading = "Filters")]
    standing: Option<Standing>,
    /// Only those on this build
    #[arg(long, help_heading = "Filters")]
    build: Option<BuildId>,
    /// Only those that are unsupported for this reason
    #[arg(long, value_parser = word::<Why>(["retired", "minimum"]), help_heading = "Filters")]
    why: Option<Why>,
    /// Only those with this label; may be repeated
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = parse_label, help_heading = "Filters")]
    labels: Vec<(String, String)>,
    /// Only those whose page last reported this, or that are in this state of their campaign
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(OUTCOMES), help_heading = "Filters")]
    outcome: Option<String>,
    /// Only those with unsaved work
    #[arg(long, help_heading = "Filters")]
    held: bool,
    /// Only those that somebody can see
    #[arg(long, help_heading = "Filters")]
    visible: bool,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

impl SessionsArgs {
    fn query(&self) -> Vec<(String, String)> {
        let Self { of: _, below, standing, build, why, labels, outcome, held, visible, limit: _ } = self;
        let why = why.map(|why| match why {
            Why::Retired => "retired",
            Why::Minimum => "minimum",
        });
        let single = [
            ("below", below.clone()),
            ("standing", standing.map(|standing| standing.to_string())),
            ("build", build.as_ref().map(ToString::to_string)),
            ("why", why.map(str::to_owned)),
            ("outcome", outcome.clone()),
            ("held", held.then(|| "true".to_owned())),
            ("visible", visible.then(|| "true".to_owned())),
        ];
        let labels = labels.iter().map(|(key, value)| (format!("label.{key}"), value.clone()));
        let single = single.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        single.chain(labels).collect()
    }
}

/// Prints the sessions.
pub async fn list(console: &Console, args: SessionsArgs) -> Result<(), Trouble> {
    let path = ["apps", args.of.app.as_str(), "sessions"];
    let answer = console.client()?.list(&path, &args.query(), "sessions", args.limit as usize).await?;
    let sessions: SessionsAnswer = typed(&answer)?;
    if !sessions.complete {
        let missing = sessions.missing.join(", ");
        console.terminal.complain("warning", &format!("not all listed: no answer from {missing}"));
    }
    if console.printed_json(&answer) {
        return Ok(());
    }
    if sessions.sessions.is_empty() {
        Terminal::note("no such sessions");
        return Ok(());
    }
    Terminal::print(&table(&sessions.sessions, crate::clock::now()).draw(console.terminal.look));
    console.note_more(sessions.next.as_ref(), sessions.sessions.len());
    Ok(())
}

fn table(sessions: &[SessionAnswer], now: Moment) -> Table {
    let mut columns = vec![
        Column::text("SESSION"),
        Column::text("BUILD"),
        Column::text("VERSION"),
        Column::text("STANDING"),
        Column::text("STATE"),
        Column::elastic("OUTCOME"),
        Column::elastic("HOLDS"),
        Column::text("CONNECTED"),
        Column::elastic("LABELS"),
    ];
    // An embedded page and its host that run the same build are nothing to look at.
    let torn = sessions.iter().any(|session| other_host(session).is_some());
    if torn {
        columns.insert(HOST, Column::text("HOST"));
    }
    let mut table = Table::new(columns);
    for session in sessions {
        let labels: Vec<_> = session.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let stuck_on = session.detail.as_deref().filter(|_| session.state == Some(State::Stuck));
        let outcome = match (stuck_on.and_then(LookRefused::said), &session.outcome, &session.detail) {
            (Some(why), ..) => Some(why.to_string()),
            (None, Some(outcome), Some(detail)) => Some(format!("{outcome}: {detail}")),
            (None, outcome, _) => outcome.clone(),
        };
        let mut cells = vec![
            Cell::from(session.session.to_string()),
            Cell::from(session.build.as_str()),
            Cell::maybe(session.version.as_ref()),
            Cell::styled(session.standing.as_str(), standing_style(session.standing)),
            Cell::maybe(session.state),
            Cell::maybe(outcome),
            Cell::from(session.holds.join(", ")),
            Cell::from(say::briefly(session.connected_at, now)),
            Cell::from(labels.join(" ")),
        ];
        if torn {
            cells.insert(HOST, Cell::maybe(other_host(session)));
        }
        table.row(cells);
    }
    table
}

/// The build of the page that a session is embedded in, where it is another than the session's own.
fn other_host(session: &SessionAnswer) -> Option<&BuildId> {
    session.host.as_ref().filter(|host| **host != session.build)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::outcome::Outcome;

    #[test]
    fn the_words_of_the_command_line_are_the_contracts() {
        let standings =
            [Standing::Current, Standing::Stale, Standing::Unsupported, Standing::Ahead, Standing::Unknown];
        assert_eq!(standings.map(Standing::as_str), STANDINGS);
        for outcome in OUTCOMES {
            let is_outcome = serde_json::from_value::<Outcome>(outcome.into()).is_ok();
            let is_outcome = is_outcome || outcome == LookRefused::NAME;
            assert!(is_outcome || serde_json::from_value::<State>(outcome.into()).is_ok(), "{outcome}");
        }
    }
}

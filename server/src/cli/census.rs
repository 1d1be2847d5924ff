//! `census`: who is still old.

use clap::Args;

use super::{
    Console, OfApp, Trouble,
    client::typed,
    say,
    table::{Cell, Column, Table},
    terminal::{DIM, Terminal, standing_style},
    watch,
};
use crate::{
    api::answers::CensusAnswer,
    core::{brake::stuck_on, census::Stuck, judge::Standing, time::Moment},
};

/// What `census` takes.
#[derive(Args, Debug)]
pub struct CensusArgs {
    #[command(flatten)]
    of: OfApp,
    /// Keep it up to date until Ctrl-C: redrawn on a terminal, else a line for every change
    #[arg(long)]
    watch: bool,
}

/// Prints the census.
pub async fn print(console: &Console, args: CensusArgs) -> Result<(), Trouble> {
    if args.watch {
        return watch::census(console, &args.of.app).await;
    }
    let app = args.of.app.as_str();
    let answer = console.client()?.get(&["apps", app, "census"], &[]).await?;
    let census: CensusAnswer = typed(&answer)?;
    warn(console, &census);
    if console.printed_json(&answer) {
        return Ok(());
    }
    if census.rows.is_empty() {
        let snippet = console.command(&["snippet", app]);
        Terminal::note(&format!("no page of {app} has connected yet; what to put into it: {snippet}"));
        return Ok(());
    }
    Terminal::print(&table(&census, crate::clock::now()).draw(console.terminal.look));
    for Stuck { campaign, detail, sessions } in &census.stuck {
        if let Some(words) = stuck_on(detail, *sessions) {
            console.terminal.complain("note", &format!("of campaign {campaign}: {words}"));
        }
    }
    if console.terminal.is_one() {
        let summary = console.terminal.paint(&summary(&census), DIM);
        Terminal::print(&format!("{summary}\n"));
    }
    Ok(())
}

/// A count that isn't whole looks like one that is; say so where no program takes it for data.
fn warn(console: &Console, census: &CensusAnswer) {
    for doubt in doubts(census) {
        console.terminal.complain("warning", &doubt);
    }
}

/// Why a count isn't whole.
pub fn doubts(census: &CensusAnswer) -> Vec<String> {
    let mut doubts = Vec::new();
    if !census.complete {
        doubts.push(format!("not all counted: no answer from {}", census.missing.join(", ")));
    }
    if census.warming {
        let why = "a server has started lately, and pages are still finding their way back";
        doubts.push(format!("not all counted yet: {why}"));
    }
    doubts
}

/// A row for every build.
pub fn table(census: &CensusAnswer, now: Moment) -> Table {
    let mut table = Table::new([
        Column::text("BUILD"),
        Column::text("VERSION"),
        Column::text("STANDING"),
        Column::figure("SESSIONS"),
        Column::figure("SHARE"),
        Column::figure("AWAY"),
        Column::text("BY"),
        Column::elastic("MESSAGE"),
        Column::text("RELEASED"),
    ]);
    for row in &census.rows {
        table.row([
            Cell::from(row.build.as_str()),
            Cell::maybe(row.version.as_ref()),
            Cell::styled(row.standing.as_str(), standing_style(row.standing)),
            Cell::from(row.sessions.to_string()),
            Cell::from(say::percent(row.share)),
            Cell::from(row.away.to_string()),
            Cell::maybe(row.by.as_ref()),
            Cell::maybe(row.message.as_ref()),
            Cell::maybe(row.released_at.map(|at| say::relative(at, now))),
        ]);
    }
    table
}

/// `43 sessions · 54% current · 3 unsupported · minimum 2.4.0`
#[expect(clippy::cast_precision_loss, reason = "a share for people to read")]
pub fn summary(census: &CensusAnswer) -> String {
    let on = |standing| -> u64 {
        census.rows.iter().filter(|row| row.standing == standing).map(|row| row.sessions).sum()
    };
    let mut words = vec![say::count(census.sessions, "session")];
    if census.sessions > 0 {
        let share = on(Standing::Current) as f64 / census.sessions as f64;
        words.push(format!("{} current", say::percent(share)));
    }
    let unsupported = on(Standing::Unsupported);
    if unsupported > 0 {
        words.push(format!("{unsupported} unsupported"));
    }
    words.push(match &census.minimum {
        Some(minimum) => format!("minimum {minimum}"),
        None => "no minimum".to_owned(),
    });
    words.join(" · ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        cli::table::Look,
        core::{census::Row, names::BuildId},
    };

    #[test]
    fn the_census_looks_as_the_contract_shows_it() {
        let row = |build: &str, version: Option<&str>, standing: &str, sessions: u64, share: f64| {
            json!({"build": build, "version": version, "standing": standing, "why": null, "sessions": sessions,
                "visible": 0, "held": 0, "polling": 0, "away": 2, "share": share, "by": null, "message": null,
                "released_at": null, "oldest_connected_at": null})
        };
        let mut current = row("ba318c8ccd", Some("2.5.0"), "current", 43, 0.54);
        current["by"] = json!("gordonsyme");
        current["message"] = json!("Merge #3153 fix type conditions");
        current["released_at"] = json!("2026-01-01T00:00:00Z");
        let census = json!({"app": "web", "number": 9, "as_of": "2026-01-01T13:00:00Z", "sessions": 80,
            "current": "ba318c8ccd", "minimum": "2.4.0", "complete": true, "warming": false, "nodes": [],
            "missing": [], "rows": [current, row("dev", None, "unknown", 37, 0.46)]});
        let census: CensusAnswer = serde_json::from_value(census).unwrap();
        let drawn = table(&census, "2026-01-01T13:00:00Z".parse().unwrap()).draw(Look::default());
        assert_eq!(
            drawn,
            "BUILD       VERSION  STANDING  SESSIONS  SHARE  AWAY  BY          MESSAGE                          RELEASED\n\
             ba318c8ccd  2.5.0    current         43    54%     2  gordonsyme  Merge #3153 fix type conditions  13 hours ago\n\
             dev                  unknown         37    46%     2\n"
        );
        assert_eq!(summary(&census), "80 sessions · 54% current · minimum 2.4.0");
    }

    #[test]
    fn the_row_of_all_others_is_read_though_no_build_may_be_called_so() {
        let row = json!({"build": "(others)", "version": null, "standing": "unknown", "why": null, "sessions": 3,
            "visible": 0, "held": 0, "polling": 0, "away": 0, "share": 1.0, "by": null, "message": null,
            "released_at": null, "oldest_connected_at": null});
        assert_eq!(serde_json::from_value::<Row>(row).unwrap().build, BuildId::others());
        assert!("(others)".parse::<BuildId>().is_err());
    }
}

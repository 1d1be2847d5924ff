//! `needs`, `matrix` and `backends`: what pages rely on, and who provides it.

use clap::Args;

use super::{
    Console, OfApp, Trouble, say,
    table::{Cell, Column, Table},
    terminal::{DIM, Terminal, standing_style},
};
use crate::{
    api::rollout::{BackEndsAnswer, MatrixAnswer, NeedsAnswer, Unregistered},
    core::{judge::Standing, needs::NeedRow},
};

/// How many names a cell lists before it sums up the rest.
const NAMED: usize = 3;

/// What `needs` and `backends` take.
#[derive(Args, Debug)]
pub struct ListArgs {
    #[command(flatten)]
    of: OfApp,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

/// What `matrix` takes.
#[derive(Args, Debug)]
pub struct MatrixArgs {
    #[command(flatten)]
    of: OfApp,
}

/// Prints the needs.
pub async fn needs(console: &Console, args: ListArgs) -> Result<(), Trouble> {
    let app = args.of.app.as_str();
    let answer = console.client()?.list(&["apps", app, "needs"], &[], "needs", args.limit as usize).await?;
    let Some(needs) = console.unless_json::<NeedsAnswer>(&answer)? else { return Ok(()) };
    if needs.needs.is_empty() {
        let declare = console.command(&["release", app, "--build", "BUILD", "--needs", "route.x"]);
        Terminal::note(&format!("no release of {app} declares a need: {declare}"));
    } else {
        Terminal::print(&needs_table(&needs.needs).draw(console.terminal.look));
    }
    console.note_more(needs.next.as_ref(), needs.needs.len());
    note_doubts(console, needs.warming, needs.unregistered);
    Ok(())
}

fn needs_table(needs: &[NeedRow]) -> Table {
    let mut table = Table::new([
        Column::text("NEED"),
        Column::figure("SESSIONS"),
        Column::figure("AWAY"),
        Column::elastic("BUILDS"),
        Column::elastic("PROVIDED BY"),
        Column::elastic("LACKED BY"),
    ]);
    for need in needs {
        let build = |of: &crate::core::needs::NeedingBuild| {
            let build = say::build(of.build.as_str(), of.version.as_ref());
            let current = if of.standing == Standing::Current { ", current" } else { "" };
            format!("{build}{current}: {}", of.sessions)
        };
        let builds =
            if need.builds.is_empty() { "none any more".to_owned() } else { some(&need.builds, build) };
        let lacked = need.sessions > 0 && !need.lacked_by.is_empty();
        let style = if lacked { standing_style(Standing::Unsupported) } else { anstyle::Style::new() };
        table.row([
            Cell::from(need.need.as_str()),
            Cell::from(need.sessions.to_string()),
            Cell::from(need.away.to_string()),
            Cell::styled(builds, if need.builds.is_empty() { DIM } else { anstyle::Style::new() }),
            Cell::from(some(&need.provided_by, ToString::to_string)),
            Cell::styled(some(&need.lacked_by, ToString::to_string), style),
        ]);
    }
    table
}

/// Prints the matrix.
pub async fn matrix(console: &Console, args: MatrixArgs) -> Result<(), Trouble> {
    let app = args.of.app.as_str();
    let answer = console.client()?.get(&["apps", app, "matrix"], &[]).await?;
    let Some(answer) = console.unless_json::<MatrixAnswer>(&answer)? else { return Ok(()) };
    if answer.matrix.back_ends.is_empty() {
        Terminal::note(&format!(
            "no back end of {app} reports in; each does it with: PUT /v1/apps/{app}/backends/INSTANCE"
        ));
        return Ok(());
    }
    Terminal::print(&matrix_table(&answer).draw(console.terminal.look));
    note_doubts(console, answer.warming, answer.unregistered);
    Ok(())
}

/// A line for each pair, so that it stays readable with many back ends.
fn matrix_table(answer: &MatrixAnswer) -> Table {
    let mut table = Table::new([
        Column::text("PAGES"),
        Column::text("STANDING"),
        Column::figure("SESSIONS"),
        Column::text("BACK END"),
        Column::figure("INSTANCES"),
        Column::elastic("VERDICT"),
    ]);
    for row in &answer.matrix.rows {
        for cell in &row.cells {
            let pages = &row.pages;
            let (verdict, style) = if cell.ok {
                ("ok".to_owned(), standing_style(Standing::Current))
            } else {
                (
                    format!("missing {}", some(&cell.missing, ToString::to_string)),
                    standing_style(Standing::Unsupported),
                )
            };
            table.row([
                Cell::from(say::build(pages.build.as_str(), pages.version.as_ref())),
                Cell::styled(pages.standing.as_str(), standing_style(pages.standing)),
                Cell::from(cell.sessions.to_string()),
                Cell::from(cell.back_end.as_str()),
                Cell::from(cell.instances.to_string()),
                Cell::styled(verdict, style),
            ]);
        }
    }
    table
}

/// Prints the back ends.
pub async fn back_ends(console: &Console, args: ListArgs) -> Result<(), Trouble> {
    let app = args.of.app.as_str();
    let path = ["apps", app, "backends"];
    let answer = console.client()?.list(&path, &[], "backends", args.limit as usize).await?;
    let Some(answer) = console.unless_json::<BackEndsAnswer>(&answer)? else { return Ok(()) };
    if answer.backends.is_empty() {
        Terminal::note(&format!(
            "no back end of {app} has reported in; each does it with: PUT /v1/apps/{app}/backends/INSTANCE"
        ));
        return Ok(());
    }
    Terminal::print(&back_ends_table(&answer).draw(console.terminal.look));
    console.note_more(answer.next.as_ref(), answer.backends.len());
    Ok(())
}

fn back_ends_table(answer: &BackEndsAnswer) -> Table {
    let mut table = Table::new([
        Column::text("INSTANCE"),
        Column::text("BUILD"),
        Column::text("STATE"),
        Column::text("REPORTED"),
        Column::elastic("PROVIDES"),
    ]);
    let now = crate::clock::now();
    for back_end in &answer.backends {
        let (state, style) = match back_end.silent_since {
            Some(_) => ("silent", standing_style(Standing::Stale)),
            None => ("live", standing_style(Standing::Current)),
        };
        table.row([
            Cell::from(back_end.instance.as_str()),
            Cell::from(back_end.build.as_str()),
            Cell::styled(state, style),
            Cell::from(say::relative(back_end.reported_at, now)),
            Cell::from(back_end.provides.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
        ]);
    }
    table
}

/// The first few of a list, and how many more there are.
fn some<T>(all: &[T], name: impl Fn(&T) -> String) -> String {
    let mut words: Vec<_> = all.iter().take(NAMED).map(name).collect();
    if all.len() > NAMED {
        words.push(format!("{} more", all.len() - NAMED));
    }
    words.join(", ")
}

fn note_doubts(console: &Console, warming: bool, unregistered: Unregistered) {
    if warming {
        console
            .terminal
            .complain("note", "the server has started lately; pages are still finding their way back");
    }
    if unregistered.sessions + unregistered.away > 0 {
        let sessions = say::count(unregistered.sessions, "connected page");
        console.terminal.complain(
            "note",
            &format!(
                "{sessions} ({} away) run builds that are not registered; nobody knows what they need",
                unregistered.away
            ),
        );
    }
}

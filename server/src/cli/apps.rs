//! `apps` and `app set`.

use clap::{ArgAction, Args, Subcommand};
use reqwest::Method;

use super::{
    Console, OfApp, Trouble, Undo,
    args::{ACTIONS, ChangeFlags, word},
    change::{Wish, json, make},
    say,
    table::{Cell, Column, Table},
    terminal::{Terminal, standing_style},
};
use crate::{
    api::{
        answers::{AppAnswer, AppsAnswer, Changed},
        bodies::AppBody,
    },
    core::{
        change::{Action, Organic},
        judge::Standing,
        order::Order,
    },
};

/// Standings that have a column of their own.
const COUNTED: [Standing; 5] =
    [Standing::Current, Standing::Stale, Standing::Unsupported, Standing::Ahead, Standing::Unknown];

/// What `apps` takes.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

/// What can be done to an app.
#[derive(Subcommand, Debug)]
pub enum AppCommand {
    /// Make an app, or change those of its settings that are named
    Set(SetArgs),
}

/// What `app set` takes.
#[derive(Args, Debug)]
pub struct SetArgs {
    #[command(flatten)]
    of: OfApp,
    /// What its builds are ordered by [default: version if its first release has one, else release]
    #[arg(long, value_parser = word::<Order>(["version", "release"]))]
    order: Option<Order>,
    #[arg(
        long = "origin",
        value_name = "ORIGIN",
        help = "An origin whose pages may connect, such as https://app.example.com; repeat it for each"
    )]
    origins: Vec<String>,
    /// Pages of any origin may connect
    #[arg(long, action = ArgAction::SetTrue, conflicts_with = "origins")]
    any_origin: bool,
    /// What a release of normal severity asks of the pages behind it [default: navigate]
    #[arg(long, value_name = "ACTION", value_parser = word::<Action>(ACTIONS))]
    stale_action: Option<Action>,
    /// Pages refreshed a second where no --over is given [default: 50]
    #[arg(long, value_name = "N")]
    refresh_rate: Option<u32>,
    #[arg(
        long = "probe",
        value_name = "URL",
        help = "A URL that says which build an origin serves, such as https://app.example.com/freshwire.json; repeat it \
                for each. Releases become current when all of them serve it"
    )]
    probes: Vec<String>,
    /// No origin is asked; releases become current at once
    #[arg(long, action = ArgAction::SetTrue, conflicts_with = "probes")]
    no_probes: bool,
    /// So many pages that lived on a rolling release for so long are evidence that it is served, such as 20:10m
    #[arg(long, value_name = "PAGES:DURATION", value_parser = parse_organic)]
    organic: Option<Organic>,
    /// Pages are no evidence
    #[arg(long, action = ArgAction::SetTrue, conflicts_with = "organic")]
    no_organic: bool,
    #[command(flatten)]
    flags: ChangeFlags,
}

/// Reads `20:10m`.
fn parse_organic(text: &str) -> Result<Organic, String> {
    let wanted = || format!("'{text}' is not PAGES:DURATION, such as 20:10m");
    let (pages, lasting) = text.split_once(':').ok_or_else(wanted)?;
    let pages = pages.parse().map_err(|_| wanted())?;
    let lasting = lasting.parse().map_err(|error| format!("'{lasting}' is {error}"))?;
    Ok(Organic { pages, lasting })
}

/// Prints the apps.
pub async fn list(console: &Console, args: ListArgs) -> Result<(), Trouble> {
    let answer = console.client()?.list(&["apps"], &[], "apps", args.limit as usize).await?;
    let Some(apps) = console.unless_json::<AppsAnswer>(&answer)? else { return Ok(()) };
    if apps.apps.is_empty() {
        Terminal::note("no apps yet; the first release makes one: freshwire release APP --build BUILD");
    } else {
        Terminal::print(&table(&apps.apps).draw(console.terminal.look));
    }
    if !apps.asked_in_vain.is_empty() {
        let names: Vec<_> = apps.asked_in_vain.iter().map(ToString::to_string).collect();
        let make = console.command(&["app", "set", &names[0]]);
        console
            .terminal
            .complain("note", &format!("pages ask in vain for: {} (to make it: {make})", names.join(", ")));
    }
    console.note_more(apps.next.as_ref(), apps.apps.len());
    Ok(())
}

fn table(apps: &[AppAnswer]) -> Table {
    let mut table = Table::new([
        Column::text("APP"),
        Column::text("RELEASED"),
        Column::text("MINIMUM"),
        Column::figure("SESSIONS"),
        Column::figure("CURRENT"),
        Column::figure("STALE"),
        Column::figure("UNSUPPORTED"),
        Column::figure("AHEAD"),
        Column::figure("UNKNOWN"),
    ]);
    for app in apps {
        let sessions: u64 = app.counts.values().sum();
        let mut row = vec![
            Cell::from(&app.app.to_string()),
            Cell::maybe(app.current.as_ref().map(say::release)),
            Cell::maybe(app.minimum.as_ref().map(say::floor)),
            Cell::from(sessions.to_string()),
        ];
        row.extend(COUNTED.map(|standing| {
            let count = app.counts.get(&standing).copied().unwrap_or(0);
            let style = if count > 0 { standing_style(standing) } else { anstyle::Style::new() };
            Cell::styled(count.to_string(), style)
        }));
        table.row(row);
    }
    table
}

/// Makes an app or changes its settings.
pub async fn set(console: &Console, args: SetArgs) -> Result<(), Trouble> {
    let origins =
        if args.any_origin { Some(Vec::new()) } else { Some(args.origins).filter(|all| !all.is_empty()) };
    let probes =
        if args.no_probes { Some(Vec::new()) } else { Some(args.probes).filter(|all| !all.is_empty()) };
    let organic = if args.no_organic { Some(None) } else { args.organic.map(Some) };
    let body = AppBody {
        order: args.order,
        allowed_origins: origins,
        stale_action: args.stale_action,
        refresh_rate: args.refresh_rate,
        probes,
        organic,
    };
    let app = &args.of.app;
    let wish = Wish {
        app,
        method: Method::PUT,
        path: Vec::new(),
        body: Some(json(&body)),
        what: format!("these settings of {app}"),
        asks: false,
    };
    let Some(changed) = make(console, &args.flags, wish).await? else { return Ok(()) };
    Console::say(format!("{app} is set: {}", described(&body)));
    console.undo(&undo(app.as_str(), &body, &changed));
    Ok(())
}

fn described(body: &AppBody) -> String {
    let mut words = Vec::new();
    words.extend(body.order.map(|order| format!("ordered by {order}")));
    words.extend(body.allowed_origins.as_ref().map(|origins| match origins.as_slice() {
        [] => "pages of any origin may connect".to_owned(),
        origins => format!("pages of {} may connect", origins.join(", ")),
    }));
    words.extend(body.stale_action.map(|action| format!("stale pages are asked to {action}")));
    words.extend(body.refresh_rate.map(|rate| format!("{rate} pages refreshed a second")));
    words.extend(body.probes.as_ref().map(|probes| match probes.as_slice() {
        [] => "no origin is asked what it serves".to_owned(),
        probes => format!("releases become current when served by {}", probes.join(", ")),
    }));
    words.extend(body.organic.map(|organic| match organic {
        None => "pages are no evidence of what is served".to_owned(),
        Some(Organic { pages, lasting }) => {
            format!("{pages} pages that lived {lasting} on a rolling release are evidence that it is served")
        }
    }));
    if words.is_empty() { "as it was, or as usual if it is new".to_owned() } else { words.join("; ") }
}

/// Sets back what was set.
fn undo(app: &str, set: &AppBody, changed: &Changed) -> Undo {
    let Some(before) = &changed.before else { return Undo::never("an app can't be unmade") };
    let before = &before.settings;
    let mut words = Vec::new();
    if let (Some(_), Some(order)) = (set.order, before.order) {
        words.extend(["--order".to_owned(), order.to_string()]);
    }
    match before.allowed_origins.as_slice() {
        _ if set.allowed_origins.is_none() => {}
        [] => words.push("--any-origin".to_owned()),
        origins => words.extend(origins.iter().flat_map(|origin| ["--origin".to_owned(), origin.clone()])),
    }
    if set.stale_action.is_some() {
        words.extend(["--stale-action".to_owned(), before.stale_action.to_string()]);
    }
    if set.refresh_rate.is_some() {
        words.extend(["--refresh-rate".to_owned(), before.refresh_rate.to_string()]);
    }
    match before.probes.as_slice() {
        _ if set.probes.is_none() => {}
        [] => words.push("--no-probes".to_owned()),
        probes => words.extend(probes.iter().flat_map(|probe| ["--probe".to_owned(), probe.clone()])),
    }
    match before.organic {
        _ if set.organic.is_none() => {}
        None => words.push("--no-organic".to_owned()),
        Some(Organic { pages, lasting }) => {
            words.extend(["--organic".to_owned(), format!("{pages}:{lasting}")]);
        }
    }
    match (words.is_empty(), set.order) {
        (true, None) => Undo::never("nothing was set to another value"),
        (true, Some(_)) => Undo::never("an app's order, once decided, can only be changed to the other"),
        (false, _) => Undo::by(["app", "set", app].map(str::to_owned).into_iter().chain(words)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::answers::Before,
        core::{change::Settings, time::Period},
    };

    #[test]
    fn the_undo_sets_back_what_was_set_and_nothing_else() {
        let changed = |settings| Changed {
            before: Some(Before { current: None, minimum: None, settings }),
            ..Changed::default()
        };
        let set = AppBody {
            order: Some(Order::Version),
            allowed_origins: Some(vec!["https://b.example".into()]),
            stale_action: None,
            refresh_rate: Some(9),
            probes: Some(vec!["https://b.example/freshwire.json".into()]),
            organic: Some(Some(Organic { pages: 9, lasting: Period::mins(9) })),
        };
        let fresh = undo("web", &set, &changed(Settings::default()));
        assert_eq!(
            fresh,
            Undo::by("app set web --any-origin --refresh-rate 50 --no-probes --no-organic".split(' '))
        );
        let two = vec!["https://a.example".into(), "https://c.example".into()];
        let settled = Settings {
            order: Some(Order::Release),
            allowed_origins: two,
            probes: vec!["https://a.example/f".into()],
            organic: parse_organic("20:10m").ok(),
            ..Settings::default()
        };
        let words = "app set web --order release --origin https://a.example --origin https://c.example \
                     --refresh-rate 50 --probe https://a.example/f --organic 20:10m";
        assert_eq!(undo("web", &set, &changed(settled)), Undo::by(words.split(' ')));
        assert!(matches!(undo("web", &AppBody::default(), &changed(Settings::default())), Undo::Never(_)));
    }
}

//! `push` and `pushes`: data for the open pages.

use std::{collections::BTreeMap, io::Read as _};

use clap::Args;
use reqwest::Method;
use serde_json::Value;

use super::{
    Console, OfApp, Trouble, Undo,
    args::{ChangeFlags, STANDINGS, parse_label, word},
    change::{Wish, json, make},
    say,
    table::{Cell, Column, Table},
    terminal::{DIM, Terminal},
};
use crate::{
    api::{
        answers::{PushAnswer, PushesAnswer},
        bodies::PushBody,
    },
    core::{
        judge::Standing,
        names::{BuildId, PushTopic},
        push::PushData,
        select::Select,
        time::Period,
    },
};

/// Where the column of the pages stands if there is one: beside the topic.
const PAGES: usize = 2;
/// What it says of a push for everybody, at once.
const ALL: &str = "all";

/// What `push` takes.
#[derive(Args, Debug)]
pub struct PushArgs {
    #[command(flatten)]
    of: OfApp,
    /// What it is about; it replaces what was pushed to the topic, for the same pages, before
    #[arg(long)]
    topic: PushTopic,
    /// What pages get: JSON, or @FILE with it, or - for standard input; at most 16 KiB
    #[arg(long, value_name = "JSON|@FILE|-", allow_hyphen_values = true)]
    data: String,
    /// Time over which pages get it, such as 90s or 30m [default: at once]
    #[arg(long, value_name = "DURATION")]
    over: Option<Period>,
    /// For how long pages that open get it, such as 90s or 30m [default: 1h, or 1h more than --over]
    #[arg(long, value_name = "DURATION")]
    expires: Option<Period>,
    /// Only pages with this label; may be repeated
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = parse_label, help_heading = "Which pages")]
    labels: Vec<(String, String)>,
    /// Only pages that stand so, now or before it expires
    #[arg(long, value_parser = word::<Standing>(STANDINGS), help_heading = "Which pages")]
    standing: Option<Standing>,
    /// Only pages on this build
    #[arg(long, help_heading = "Which pages")]
    build: Option<BuildId>,
    #[command(flatten)]
    flags: ChangeFlags,
}

/// What `pushes` takes.
#[derive(Args, Debug)]
pub struct ListArgs {
    #[command(flatten)]
    of: OfApp,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

impl PushArgs {
    /// None: all pages.
    fn select(&self) -> Result<Option<Select>, Trouble> {
        let mut labels = BTreeMap::new();
        for (key, value) in &self.labels {
            if labels.insert(key.clone(), value.clone()).is_some_and(|other| other != *value) {
                return Err(Trouble::Usage(format!("no page has two values of the label {key}")));
            }
        }
        let select = Select { labels, standing: self.standing, build: self.build.clone() };
        Ok(Some(select).filter(|select| !select.is_everybody()))
    }
}

/// Pushes data to an app's pages.
pub async fn push(console: &Console, args: PushArgs) -> Result<(), Trouble> {
    let (app, topic) = (&args.of.app, &args.topic);
    let data = PushData(read(&args.data)?);
    let select = args.select()?;
    let only = select.as_ref().map(|select| format!(" ({select} only)")).unwrap_or_default();
    let what = format!("{topic} ({})", say::count(data.bytes() as u64, "byte"));
    let body = PushBody { topic: topic.clone(), select, data, over: args.over, expires: args.expires };
    let wish = Wish {
        app,
        method: Method::POST,
        path: vec!["push"],
        body: Some(json(&body)),
        what: format!("pushing {what}{only}"),
        asks: false,
    };
    let Some(changed) = make(console, &args.flags, wish).await? else { return Ok(()) };
    Console::say(format!("{what} is pushed to {app}{only}; this {}", say::moved(&changed, "reaches", None)));
    console.undo(&Undo::never(format!("what pages have got they keep; push to {topic} again to change it")));
    Ok(())
}

/// JSON from an argument, from a file, or from standard input.
fn read(data: &str) -> Result<Value, Trouble> {
    let (from, text) = match data.strip_prefix('@') {
        Some(file) => {
            let text = std::fs::read_to_string(file)
                .map_err(|error| Trouble::Usage(format!("can't read the data in {file}: {error}")))?;
            (file, text)
        }
        None if data == "-" => {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .map_err(|error| Trouble::Usage(format!("can't read the data on standard input: {error}")))?;
            ("standard input", text)
        }
        None => ("--data", data.to_owned()),
    };
    serde_json::from_str(&text)
        .map_err(|error| Trouble::Usage(format!("what stands in {from} is not JSON: {error}")))
}

/// Prints the pushes.
pub async fn list(console: &Console, args: ListArgs) -> Result<(), Trouble> {
    let app = args.of.app.as_str();
    let answer = console.client()?.list(&["apps", app, "pushes"], &[], "pushes", args.limit as usize).await?;
    let Some(pushes) = console.unless_json::<PushesAnswer>(&answer)? else { return Ok(()) };
    if pushes.pushes.is_empty() {
        Terminal::note(&format!("{app} has no pushes that have not expired"));
        return Ok(());
    }
    Terminal::print(&table(&pushes).draw(console.terminal.look));
    console.note_more(pushes.next.as_ref(), pushes.pushes.len());
    Ok(())
}

/// Whom it is for, and over how long.
fn pages(push: &PushAnswer) -> String {
    let whom = if push.select.is_everybody() { ALL.to_owned() } else { push.select.to_string() };
    if push.over == Period::ZERO { whom } else { format!("{whom}, over {}", push.over) }
}

fn table(pushes: &PushesAnswer) -> Table {
    let mut columns = vec![
        Column::figure("NUMBER"),
        Column::text("TOPIC"),
        Column::figure("BYTES"),
        Column::figure("SESSIONS"),
        Column::figure("HANDLED"),
        Column::figure("UNHANDLED"),
        Column::figure("FAILED"),
        Column::elastic("BY"),
        Column::text("PUSHED"),
        Column::text("EXPIRES"),
    ];
    // Pushes for everybody at once need no column to say so.
    let particular = pushes.pushes.iter().any(|push| pages(push) != ALL);
    if particular {
        columns.insert(PAGES, Column::elastic("PAGES"));
    }
    let mut table = Table::new(columns);
    let now = crate::clock::now();
    for push in &pushes.pushes {
        let mut cells = vec![
            Cell::styled(push.push.to_string(), DIM),
            Cell::from(push.topic.as_str()),
            Cell::from(push.bytes.to_string()),
            Cell::from(push.sessions.to_string()),
            Cell::from(push.handled.to_string()),
            Cell::from(push.unhandled.to_string()),
            Cell::from(push.failed.to_string()),
            Cell::from(&push.by),
            Cell::from(say::relative(push.at, now)),
            Cell::from(say::relative(push.expires_at, now)),
        ];
        if particular {
            cells.insert(PAGES, Cell::from(pages(push)));
        }
        table.row(cells);
    }
    table
}

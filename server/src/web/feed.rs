//! What one reader of an app's events is told next: entries of the log in order, and of what has a level the latest.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::response::sse::Event;
use serde::Serialize;
use serde_json::json;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use super::{Context, auth::Reader, campaigns};
use crate::{
    api::{answers::LogEntry, campaigns::CampaignAnswer},
    core::{
        app::App,
        change::{Entry, Topic},
        names::{AppName, LogNumber},
    },
    fleet::hub::{Hub, View},
    log::LogError,
};

/// Most entries that a reader who was away is told one by one.
const MOST_REPLAYED: usize = 1_000;
/// Levels are looked at so often, and said no more often.
const LEVELS_EVERY: Duration = Duration::from_millis(250);

/// One reader's place in an app's events. It is asked for one after the other and keeps none.
pub struct Feed {
    context: Arc<Context>,
    reader: Reader,
    hub: Arc<Hub>,
    views: watch::Receiver<Arc<View>>,
    /// The log's entries up to here have been told, or are in `missed`.
    seen: LogNumber,
    /// Numbers of entries to be told, newest first.
    missed: Vec<LogNumber>,
    /// What the last census was counted from.
    counted: Option<Basis>,
    /// The campaigns as they were told last.
    told: BTreeMap<LogNumber, CampaignAnswer>,
    /// What is to be looked at now, the next one last.
    due: Vec<Level>,
    next_look: Instant,
}

/// What has a level. What it is, is seen when it is told.
#[derive(Clone, Copy)]
enum Level {
    Census,
    Campaign(LogNumber),
}

/// What a census goes by: it says the same again while this is the same.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Basis {
    number: LogNumber,
    generation: u64,
    warming: bool,
}

impl Feed {
    /// The events after a log number, or from now on. None: there is no such app.
    pub fn new(
        context: Arc<Context>,
        reader: Reader,
        app: &AppName,
        after: Option<LogNumber>,
    ) -> Option<Self> {
        let hub = context.fleet.hub(app)?;
        let views = hub.watch();
        let seen = after.unwrap_or(hub.view().app.number);
        Some(Self {
            context,
            reader,
            hub,
            views,
            seen,
            missed: Vec::new(),
            counted: None,
            told: BTreeMap::new(),
            due: Vec::new(),
            next_look: Instant::now(),
        })
    }

    /// The next event, when there is one. None: the stream ends here.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            let view = self.views.borrow_and_update().clone();
            if view.drain.is_some() || !self.reader.is_still_valid(&self.context) {
                return None;
            }
            match self.next_of_log(&view.app).await {
                Ok(Some(event)) => return Some(event),
                Ok(None) => {}
                Err(error) => {
                    // The reader comes back with the number that it has seen.
                    tracing::warn!(%error, app = %view.app.name, "the log can't be read for a reader of events");
                    return None;
                }
            }
            if let Some(event) = self.next_of_levels(&view.app) {
                return Some(event);
            }
            tokio::select! {
                changed = self.views.changed() => changed.ok()?,
                () = sleep_until(self.next_look) => {}
            }
        }
    }

    /// Entries come before every level that they have changed: a level's ID says that all up to there was told.
    async fn next_of_log(&mut self, app: &App) -> Result<Option<Event>, LogError> {
        if self.missed.is_empty() && app.number != self.seen {
            let after = std::mem::replace(&mut self.seen, app.number);
            if let Some(gap) = self.find_missed(app, after).await? {
                return Ok(Some(gap));
            }
        }
        let Some(number) = self.missed.pop() else { return Ok(None) };
        let entry = self.entry(app, number).await?;
        Ok(Some(event("log", number, &LogEntry::new(&entry))))
    }

    /// Notes the numbers of an app's valid entries after one. A gap is told where there are too many, or where the
    /// reader's number is not one of this log.
    async fn find_missed(&mut self, app: &App, after: LogNumber) -> Result<Option<Event>, LogError> {
        let mut number = app.number;
        // Each valid entry names the valid one before it.
        while number > after && self.missed.len() < MOST_REPLAYED {
            self.missed.push(number);
            number = self.entry(app, number).await?.draft.prev;
        }
        if number <= after && after <= app.number {
            return Ok(None);
        }
        let first = self.missed.last().copied();
        // Up to where the gap goes nothing was told, so that a reader who is lost here gets it again.
        let id = after.min(app.number);
        Ok(Some(event("gap", id, &json!({"after": after, "before": first, "number": app.number}))))
    }

    async fn entry(&self, app: &App, number: LogNumber) -> Result<Entry, LogError> {
        let before = Some(LogNumber(number.0.saturating_add(1)));
        let found = self.context.ledger.log().history(Topic::App(app.name.clone()), before, 1).await?;
        found
            .into_iter()
            .next()
            .filter(|entry| entry.number == number)
            .ok_or(LogError::Unreadable { number, reason: "it is named by a later one and not there".into() })
    }

    /// Looks at all levels once in a while, and says which are not what they were.
    fn next_of_levels(&mut self, app: &App) -> Option<Event> {
        if self.due.is_empty() && Instant::now() >= self.next_look {
            self.next_look = Instant::now() + LEVELS_EVERY;
            self.told.retain(|number, _| app.campaigns.contains_key(number));
            self.due.extend(app.campaigns.keys().rev().map(|number| Level::Campaign(*number)));
            self.due.push(Level::Census);
        }
        while let Some(level) = self.due.pop() {
            let event = match level {
                Level::Census => self.census(app),
                Level::Campaign(number) => self.campaign(app, number),
            };
            if event.is_some() {
                return event;
            }
        }
        None
    }

    /// The census, if it isn't what it was.
    fn census(&mut self, app: &App) -> Option<Event> {
        // Before the rows are read: what changes meanwhile is told again.
        let basis = Basis {
            number: app.number,
            generation: self.hub.counts.generation() + self.context.fleet.generation(),
            warming: self.context.fleet.warming(),
        };
        if self.counted.replace(basis) == Some(basis) {
            return None;
        }
        Some(event("census", app.number, &self.context.fleet.census(app, crate::clock::now())))
    }

    /// A campaign, if it isn't what it was. One that has ended, too: who was away may be waiting for that.
    fn campaign(&mut self, app: &App, number: LogNumber) -> Option<Event> {
        let campaign = app.campaigns.get(&number)?;
        let answer = campaigns::answer(&self.context, app, campaign, crate::clock::now());
        let known = in_whole_percents(&answer);
        if self.told.get(&number) == Some(&known) {
            return None;
        }
        self.told.insert(number, known);
        Some(event("campaign", app.number, &answer))
    }
}

/// A campaign as far as it is worth telling: its progress changes all the time.
fn in_whole_percents(answer: &CampaignAnswer) -> CampaignAnswer {
    CampaignAnswer { progress: (answer.progress * 100.0).floor(), ..answer.clone() }
}

fn event(kind: &str, number: LogNumber, data: &impl Serialize) -> Event {
    let event = Event::default().event(kind).id(number.to_string());
    event.json_data(data).expect("answers can be written as JSON")
}

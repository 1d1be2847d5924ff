//! Where sessions are in their campaigns, kept in a side table: written in batches, once a second. The records of
//! connected sessions are in their slots; those of sessions that may come back are here.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use dashmap::DashMap;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::{hub::Hub, slot::Slot};
use crate::{
    core::{
        enrol::past_use,
        names::{AppName, BuildId, LogNumber, SessionId},
        outcome::{Parting, Record, Return, State},
        tally::Counted,
        time::{Moment, Period},
    },
    log::{LogError, SideStore, SideWrite},
};

const TABLE: &str = "record";
/// How long a record is kept after it was last written.
const KEPT: Period = Period::days(30);
/// How long a session that vanished may take to come back and still be tied to its records.
const AWAITED: Period = Period::days(14);
/// The same of one whose page was closed: it may have been reloaded by hand, or be opened again.
const AWAITED_AFTER_GOODBYE: Period = Period::mins(60);
/// A page that somebody was looking at is back from a reload within this time, or it is missing.
const BACK_WITHIN: Period = Period::secs(60);

/// Most sessions that are awaited. More have gone for good, as far as their campaigns are concerned.
const MOST_AWAITED: usize = 1_000_000;

/// The records of sessions that may come back.
pub struct Records {
    side: Arc<dyn SideStore>,
    awaited: DashMap<SessionId, Awaited>,
    /// Sessions whose page reloads, in the order in which they are missed if they aren't back.
    reloading: Mutex<VecDeque<(Moment, SessionId)>>,
    /// What is to be written; None deletes.
    changed: Mutex<HashMap<Key, Change>>,
    writing: tokio::sync::Mutex<()>,
}

type Key = (LogNumber, SessionId);
type Change = (Moment, Option<Stored>);

struct Awaited {
    hub: Arc<Hub>,
    build: BuildId,
    until: Moment,
    /// When its page is missed, if it reloads.
    missed_at: Option<Moment>,
    records: Vec<Record>,
}

/// What a session that is back has behind it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Returned {
    /// What its page ran.
    pub build: Option<BuildId>,
    /// Where it was in its campaigns.
    pub records: Vec<Record>,
    /// Its page has proven to another node that the session is its own.
    #[serde(default)]
    pub proven: bool,
    /// Nodes that it went by and that could not be asked for it: they may know more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub untold: Vec<String>,
}

impl Returned {
    /// Puts what was known before under it.
    pub(super) fn build_on(&mut self, earlier: Self) {
        for earlier in earlier.records {
            match self.records.iter_mut().find(|record| record.campaign == earlier.campaign) {
                Some(record) => record.build_on(&earlier),
                None => self.records.push(earlier),
            }
        }
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Stored {
    session: SessionId,
    app: AppName,
    build: BuildId,
    #[serde(flatten)]
    record: Record,
}

impl Records {
    pub(super) fn new(side: Arc<dyn SideStore>) -> Self {
        let (awaited, reloading, changed, writing) = Default::default();
        Self { side, awaited, reloading, changed, writing }
    }

    /// Counts what was there when the node stopped.
    pub(super) async fn load(
        &self,
        now: Moment,
        hub: impl Fn(&AppName) -> Option<Arc<Hub>>,
    ) -> Result<(), LogError> {
        for row in self.side.load(TABLE).await? {
            let Ok(Stored { session, app, build, record }) = serde_json::from_str(&row.value) else {
                continue;
            };
            let Some(hub) = hub(&app).filter(|_| now.since(row.at) < KEPT) else { continue };
            let state = hub.view().app.clone();
            if !state.campaigns.contains_key(&record.campaign) {
                continue;
            }
            hub.tallies.enter(Counted { record: &record, away: true });
            if past_use(&state, &record) {
                continue;
            }
            let until = row.at + patience(&record);
            let mut awaited = self.awaited.entry(session).or_insert_with(|| Awaited {
                hub: hub.clone(),
                build,
                until,
                missed_at: None,
                records: Vec::new(),
            });
            if record.state == State::Refreshing && record.due == Return::Soon {
                awaited.missed_at = Some(now + BACK_WITHIN);
                self.reloading.lock().push_back((now + BACK_WITHIN, session));
            }
            awaited.until = awaited.until.max(until);
            awaited.records.push(record);
        }
        self.expire(now).await;
        Ok(())
    }

    /// A connected session's record has changed.
    pub(super) fn note(&self, slot: &Slot, record: &Record) {
        self.store(slot.id, &slot.hub.name, &slot.build, record, crate::clock::now());
    }

    /// A session leaves.
    pub(super) fn left(&self, slot: &Slot, mut records: Vec<Record>, how: Parting, now: Moment) {
        let state = slot.hub.view().app.clone();
        let visible = slot.live().visible;
        let full = self.awaited.len() >= MOST_AWAITED;
        for record in &mut records {
            let before = record.clone();
            record.part(how, visible);
            if full {
                record.give_up();
            }
            let here = Counted { record: &before, away: false };
            slot.hub.tallies.change(here, Counted { record, away: true });
            self.store(slot.id, &slot.hub.name, &slot.build, record, now);
        }
        records.retain(|record| !past_use(&state, record));
        if records.is_empty() || full {
            return;
        }
        let reloads = records.iter().any(|record| record.due == Return::Soon);
        let missed_at = reloads.then_some(now + BACK_WITHIN);
        self.reloading.lock().extend(missed_at.map(|at| (at, slot.id)));
        let patience = if how == Parting::Left { AWAITED_AFTER_GOODBYE } else { AWAITED };
        let (hub, build, until) = (slot.hub.clone(), slot.build.clone(), now + patience);
        let over = self.awaited.insert(slot.id, Awaited { hub, build, until, missed_at, records });
        if let Some(over) = over {
            self.give_up(slot.id, over, now);
        }
    }

    /// A session is back: what it has behind it.
    pub(super) fn returned(&self, id: SessionId, hub: &Arc<Hub>) -> Returned {
        let Some((_, awaited)) = self.awaited.remove_if(&id, |_, awaited| Arc::ptr_eq(&awaited.hub, hub))
        else {
            return Returned::default();
        };
        let Awaited { build, mut records, .. } = awaited;
        for record in &mut records {
            let before = record.clone();
            if record.state == State::Refreshing {
                record.due = Return::None;
            }
            hub.tallies.change(Counted { record: &before, away: true }, Counted { record, away: false });
        }
        Returned { build: Some(build), records, ..Returned::default() }
    }

    /// A session comes from another node with its records: they count here from now on, in the place of what was left of
    /// them here, which is of before.
    pub fn brought(&self, slot: &Slot, brought: Returned) {
        let known = slot.hub.view().app.clone();
        for mut record in brought.records {
            if !known.campaigns.contains_key(&record.campaign) {
                continue;
            }
            if record.state == State::Refreshing {
                record.due = Return::None;
            }
            slot.put_record(record, |slot, record| {
                if record.state != State::Waiting {
                    self.note(slot, record);
                }
            });
        }
    }

    /// What was known of a session before it came here, where it is awaited. False: it isn't.
    pub(super) fn learn(&self, id: SessionId, hub: &Arc<Hub>, earlier: &Returned) -> bool {
        let Some(mut awaited) = self.awaited.get_mut(&id).filter(|awaited| Arc::ptr_eq(&awaited.hub, hub))
        else {
            return false;
        };
        let known = hub.view().app.clone();
        let Awaited { build, records, .. } = &mut *awaited;
        let moved = earlier.build.as_ref().is_some_and(|earlier| earlier != build);
        for earlier in earlier.records.iter().filter(|record| known.campaigns.contains_key(&record.campaign))
        {
            let left = |earlier: &Record| {
                let mut record = earlier.clone();
                if moved && !record.state.ended() {
                    record.move_on();
                } else {
                    record.part(Parting::Vanished, false);
                }
                record
            };
            let record = put_under(records, earlier, hub, true, left);
            self.store(id, &hub.name, build, &record, crate::clock::now());
        }
        true
    }

    /// A session that isn't connected has gone to another node: what was known of it.
    pub(super) fn handed_over(&self, id: SessionId, hub: &Arc<Hub>) -> Returned {
        let Some((_, awaited)) = self.awaited.remove_if(&id, |_, awaited| Arc::ptr_eq(&awaited.hub, hub))
        else {
            return Returned::default();
        };
        let Awaited { build, records, .. } = awaited;
        self.given_away(id, hub, &records, true);
        Returned { build: Some(build), records, ..Returned::default() }
    }

    /// Records that are another node's from now on: neither counted nor kept here.
    pub(super) fn given_away(&self, id: SessionId, hub: &Hub, records: &[Record], away: bool) {
        let now = crate::clock::now();
        for record in records {
            hub.tallies.hand_over(Counted { record, away });
            self.changed.lock().insert((record.campaign, id), (now, None));
        }
    }

    /// Takes those as missing whose pages should be back by `now`. O(due).
    pub fn miss(&self, now: Moment) {
        loop {
            let due = {
                let mut reloading = self.reloading.lock();
                let due = reloading.front().is_some_and(|(at, _)| *at <= now);
                reloading.pop_front_if(|_| due)
            };
            let Some((at, id)) = due else { return };
            // One that was back meanwhile, and reloads again, has its own time.
            let Some(mut awaited) = self.awaited.get_mut(&id).filter(|there| there.missed_at == Some(at))
            else {
                continue;
            };
            let Awaited { hub, build, records, .. } = &mut *awaited;
            let late = |record: &&mut Record| record.state == State::Refreshing && record.due == Return::Soon;
            for record in records.iter_mut().filter(late) {
                let before = record.clone();
                record.due = Return::Missing;
                let was = Counted { record: &before, away: true };
                hub.tallies.change(was, Counted { record, away: true });
                self.store(id, &hub.name, build, record, now);
            }
        }
    }

    /// Forgets what is too old. O(awaited): for once in a while.
    pub async fn expire(&self, now: Moment) {
        let over: Vec<_> = self
            .awaited
            .iter()
            .filter(|awaited| awaited.until <= now)
            .map(|awaited| *awaited.key())
            .collect();
        for id in over {
            if let Some((_, awaited)) = self.awaited.remove_if(&id, |_, awaited| awaited.until <= now) {
                self.give_up(id, awaited, now);
            }
        }
        if let Err(error) = self.side.prune(TABLE, now - KEPT).await {
            tracing::warn!(%error, "old campaign records could not be pruned");
        }
    }

    fn give_up(&self, id: SessionId, awaited: Awaited, now: Moment) {
        let Awaited { hub, build, mut records, .. } = awaited;
        for record in records.iter_mut().filter(|record| !record.state.ended()) {
            let before = record.clone();
            record.give_up();
            let was = Counted { record: &before, away: true };
            hub.tallies.change(was, Counted { record, away: true });
            self.store(id, &hub.name, &build, record, now);
        }
    }

    fn store(&self, session: SessionId, app: &AppName, build: &BuildId, record: &Record, at: Moment) {
        let (app, build, record) = (app.clone(), build.clone(), record.clone());
        let key = (record.campaign, session);
        self.changed.lock().insert(key, (at, Some(Stored { session, app, build, record })));
    }

    /// Writes what has changed since the last time: of each record the latest only.
    pub(super) async fn write(&self) {
        // One batch after the other, or an older one could overwrite what is newer.
        let _turn = self.writing.lock().await;
        let changed = std::mem::take(&mut *self.changed.lock());
        let row = |((campaign, session), (at, stored)): (&Key, &Change)| SideWrite {
            kind: TABLE,
            key: format!("{campaign}/{session}"),
            value: stored.as_ref().and_then(|stored| serde_json::to_string(stored).ok()),
            at: *at,
        };
        put(&*self.side, changed.iter().map(row).collect()).await;
    }
}

/// Puts what was known before under a session's record, and counts it. `new`: what it comes to where there is none.
pub(super) fn put_under(
    records: &mut Vec<Record>,
    earlier: &Record,
    hub: &Hub,
    away: bool,
    new: impl FnOnce(&Record) -> Record,
) -> Record {
    if let Some(there) = records.iter_mut().find(|there| there.campaign == earlier.campaign) {
        let before = there.clone();
        there.build_on(earlier);
        hub.tallies.change(Counted { record: &before, away }, Counted { record: there, away });
        return there.clone();
    }
    let record = new(earlier);
    hub.tallies.enter(Counted { record: &record, away });
    records.push(record.clone());
    record
}

/// How long the session of a record that was left so may take to come back.
fn patience(record: &Record) -> Period {
    match record.state {
        State::Gone | State::LeftBefore => AWAITED_AFTER_GOODBYE,
        _ => AWAITED,
    }
}

/// Writes to a side table. What can't be written is lost but for a warning: it is not worth stopping for.
pub(super) async fn put(side: &dyn SideStore, rows: Vec<SideWrite>) {
    if rows.is_empty() {
        return;
    }
    if let Err(error) = side.put(rows).await {
        metrics::counter!("freshwire_side_writes_failed_total").increment(1);
        tracing::warn!(%error, "campaign records could not be written");
    }
}

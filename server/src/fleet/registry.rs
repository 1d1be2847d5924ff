//! Connected sessions by ID, and the guard by which one leaves.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
};

use dashmap::{DashMap, Entry};

use super::{
    Fleet,
    counts::RowKey,
    hub::View,
    records::Returned,
    slot::{Arrival, Slot},
};
use crate::core::{
    census::BuildCount,
    enrol::past_use,
    names::{AppName, LogNumber, SessionId},
    outcome::{Parting, Record},
    time::Moment,
};

/// Connected sessions by ID.
#[derive(Default)]
pub struct Registry {
    slots: DashMap<SessionId, Arc<Slot>>,
}

/// A session's place in the fleet. Dropping it is leaving.
pub struct Membership {
    fleet: Arc<Fleet>,
    slot: Arc<Slot>,
    /// How it leaves; unclean unless something else is said.
    pub parting: Parting,
}

impl Registry {
    /// A connected session.
    pub fn get(&self, id: SessionId) -> Option<Arc<Slot>> {
        self.slots.get(&id).map(|slot| slot.clone())
    }

    /// All of them, as they are now.
    pub fn all(&self) -> Vec<Arc<Slot>> {
        self.slots.iter().map(|slot| slot.value().clone()).collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Nobody is connected.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Those of an app that pass, counted by build. O(sessions).
    pub fn count(&self, app: &AppName, passes: impl Fn(&Slot) -> bool) -> Vec<BuildCount> {
        let mut rows: HashMap<Arc<RowKey>, u64> = HashMap::new();
        for slot in &self.slots {
            if slot.hub.name == *app && passes(&slot) {
                *rows.entry(slot.row.clone()).or_default() += 1;
            }
        }
        let count = |(row, sessions): (Arc<RowKey>, u64)| BuildCount {
            reported: row.reported.clone(),
            sessions,
            ..BuildCount::none(row.build.clone())
        };
        rows.into_iter().map(count).collect()
    }

    /// Those of an app that pass, in the order of their IDs, beginning after one.
    pub fn list(
        &self,
        app: &AppName,
        after: Option<SessionId>,
        limit: usize,
        passes: impl Fn(&Slot) -> bool,
    ) -> Vec<Arc<Slot>> {
        let wanted = |slot: &Arc<Slot>| {
            slot.hub.name == *app && after.is_none_or(|after| slot.id > after) && passes(slot)
        };
        let mut found: Vec<_> = self.slots.iter().map(|slot| slot.value().clone()).filter(wanted).collect();
        if found.len() > limit {
            found.select_nth_unstable_by_key(limit, |slot| slot.id);
            found.truncate(limit);
        }
        found.sort_unstable_by_key(|slot| slot.id);
        found
    }
}

impl Fleet {
    /// Takes a session in. One that is connected is taken over if the page has its secret; otherwise the page gets a
    /// new ID. `brought`: what another node had of it, which is later than what is known here. Returns what it has
    /// behind it.
    pub fn join(
        self: &Arc<Self>,
        wanted: Option<SessionId>,
        resume: Option<&str>,
        arrival: Arrival,
        brought: Option<Returned>,
        now: Moment,
    ) -> (Membership, Returned) {
        let mut id = wanted.unwrap_or_else(SessionId::random);
        loop {
            match self.registry.slots.entry(id) {
                Entry::Occupied(mut occupied) => {
                    let old = occupied.get().clone();
                    let same_app = old.hub.name == arrival.hub.name;
                    // What is here may be of before it was at that other node.
                    let proven = brought.as_ref().is_some_and(|brought| brought.proven)
                        || resume.is_some_and(|resume| old.is_resumed_by(resume));
                    if !same_app || !proven {
                        id = SessionId::random();
                        continue;
                    }
                    // Counted twice for an instant, rather than not at all: a gate may be looking.
                    let slot = Arc::new(Slot::new(id, arrival, now).known_by(resume));
                    old.uncount();
                    occupied.insert(slot.clone());
                    drop(occupied);
                    old.replaced.store(true, Ordering::Release);
                    old.kick.notify_one();
                    let here = Returned {
                        build: Some(old.build.clone()),
                        records: old.take_records(),
                        proven: true,
                        untold: Vec::new(),
                    };
                    return self.member(slot, here, brought);
                }
                Entry::Vacant(vacant) => {
                    // Nobody can say whether it was its own; but two hellos of one page that come at once have the same.
                    let slot = Arc::new(Slot::new(id, arrival, now).known_by(resume));
                    drop(vacant.insert(slot.clone()));
                    self.away.returned(id);
                    self.gone.back(id);
                    let here = self.records.returned(id, &slot.hub);
                    return self.member(slot, here, brought);
                }
            }
        }
    }
}

impl Membership {
    /// Its slot.
    pub fn slot(&self) -> &Arc<Slot> {
        &self.slot
    }

    /// The fleet that it is in.
    pub fn fleet(&self) -> &Arc<Fleet> {
        &self.fleet
    }

    /// The session's record in a campaign.
    pub fn record(&self, campaign: LogNumber) -> Option<Record> {
        self.slot.with_records(|records| records.iter().find(|record| record.campaign == campaign).cloned())
    }

    /// Takes in where the session is in a campaign now.
    pub fn set_record(&self, record: &Record) {
        self.slot.set_record(record, &self.fleet.records);
    }

    /// Forgets the records of which nothing can come any more.
    pub fn forget_records(&self, view: &View) {
        self.slot.forget(|record| past_use(&view.app, record));
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        let slot = &self.slot;
        // A session that was taken over lives on: only its socket ends. What a leaving one leaves behind is there before
        // its ID is free again, so that a page that is back at once finds it.
        self.fleet.registry.slots.remove_if(&slot.id, |_, there| {
            let leaving = Arc::ptr_eq(there, slot);
            if leaving {
                // Away before it is uncounted: a gate that looks in between finds it twice rather than not at all.
                self.fleet.keep_of(slot, self.parting);
                slot.uncount();
            }
            leaving
        });
    }
}

impl Fleet {
    fn member(
        self: &Arc<Self>,
        slot: Arc<Slot>,
        mut returned: Returned,
        brought: Option<Returned>,
    ) -> (Membership, Returned) {
        slot.adopt(std::mem::take(&mut returned.records));
        if let Some(mut brought) = brought {
            returned.build = brought.build.take().or(returned.build);
            self.records.brought(&slot, brought);
        }
        returned.records = slot.with_records(<[Record]>::to_vec);
        (Membership { fleet: self.clone(), slot, parting: Parting::Vanished }, returned)
    }

    /// Lets a connected session go to another node, and returns its records, which count here no more.
    pub(super) fn release(&self, slot: &Arc<Slot>) -> Vec<Record> {
        let released = self.registry.slots.remove_if(&slot.id, |_, there| Arc::ptr_eq(there, slot));
        if released.is_none() {
            return Vec::new();
        }
        // Before its records are taken, or its task could make new ones.
        slot.replaced.store(true, Ordering::Release);
        let records = slot.take_records();
        self.moving.note(slot.clone());
        self.records.given_away(slot.id, &slot.hub, &records, false);
        slot.kick.notify_one();
        records
    }

    /// Keeps what a leaving session leaves behind.
    pub(super) fn keep_of(&self, slot: &Slot, parting: Parting) {
        if parting == Parting::Vanished {
            self.away.vanished(slot);
        }
        let records = slot.take_records();
        if !records.is_empty() {
            self.records.left(slot, records, parting, crate::clock::now());
        }
    }
}

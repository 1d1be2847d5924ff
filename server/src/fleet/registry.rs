//! Connected sessions by ID, and the guard by which one leaves.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
};

use dashmap::{DashMap, Entry};

use super::{
    Fleet,
    counts::RowKey,
    slot::{Arrival, Slot},
};
use crate::core::{
    census::BuildCount,
    names::{AppName, SessionId},
    outcome::{Record, State},
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

/// How a session leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parting {
    /// Its page was closed.
    Left,
    /// Its page is reloading for a notice.
    Refreshing,
    /// It vanished, or sleeps in the back/forward cache: away.
    Vanished,
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
    /// new ID. Returns its record, if it was in a campaign that has not ended.
    pub fn join(
        self: &Arc<Self>,
        wanted: Option<SessionId>,
        resume: Option<&str>,
        arrival: Arrival,
        now: Moment,
    ) -> (Membership, Option<Record>) {
        let mut id = wanted.unwrap_or_else(SessionId::random);
        loop {
            match self.registry.slots.entry(id) {
                Entry::Occupied(mut occupied) => {
                    let old = occupied.get().clone();
                    let same_app = old.hub.name == arrival.hub.name;
                    if !same_app || !resume.is_some_and(|resume| old.resume.matches(resume)) {
                        id = SessionId::random();
                        continue;
                    }
                    // Counted twice for an instant, rather than not at all: a gate may be looking.
                    let slot = Arc::new(Slot::new(id, arrival, now));
                    old.uncount();
                    occupied.insert(slot.clone());
                    drop(occupied);
                    old.replaced.store(true, Ordering::Release);
                    old.kick.notify_one();
                    let record = old.with_record(Option::take).map(|record| *record);
                    return (Membership { fleet: self.clone(), slot, parting: Parting::Vanished }, record);
                }
                Entry::Vacant(vacant) => {
                    let slot = Arc::new(Slot::new(id, arrival, now));
                    drop(vacant.insert(slot.clone()));
                    self.away.returned(id);
                    let record = self.records.returned(id, &slot.hub.name);
                    return (Membership { fleet: self.clone(), slot, parting: Parting::Vanished }, record);
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

    /// Takes in where the session is in a campaign now.
    pub fn set_record(&self, record: Record) {
        self.fleet.records.note(&self.slot, &record);
        self.slot.with_record(|slot| *slot = Some(Box::new(record)));
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
    /// Keeps what a leaving session leaves behind.
    pub(super) fn keep_of(&self, slot: &Slot, parting: Parting) {
        if parting == Parting::Vanished {
            self.away.vanished(slot);
        }
        if let Some(mut record) = slot.with_record(Option::take)
            && !record.state.ended()
        {
            record.state = match parting {
                Parting::Left => State::Gone,
                Parting::Refreshing => State::Refreshing,
                Parting::Vanished => State::Asleep,
            };
            self.records.left(slot, &record);
        }
    }
}

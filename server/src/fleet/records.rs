//! Where sessions are in their campaigns, kept in a side table: written in batches, once a second.

use std::{collections::HashMap, sync::Arc};

use dashmap::DashMap;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::slot::Slot;
use crate::{
    core::{
        names::{AppName, BuildId, LogNumber, SessionId},
        outcome::Record,
        time::{Moment, Period},
    },
    log::{LogError, SideStore, SideWrite},
};

const TABLE: &str = "record";
/// How long a record is kept after it was last written.
const KEPT: Period = Period::days(30);
/// How long a session may take to come back and still be tied to its record.
const AWAITED: Period = Period::days(14);

/// Most sessions that are awaited; the records of more are kept but not tied to their return.
const MOST_AWAITED: usize = 1_000_000;

/// All records that matter now: those of sessions that are expected back. The connected ones are in their slots.
pub struct Records {
    side: Arc<dyn SideStore>,
    awaited: DashMap<SessionId, (Moment, Stored)>,
    changed: Mutex<HashMap<(LogNumber, SessionId), (Moment, Stored)>>,
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
    pub(super) async fn load(side: Arc<dyn SideStore>, now: Moment) -> Result<Self, LogError> {
        let awaited = DashMap::<SessionId, (Moment, Stored)>::new();
        for row in side.load(TABLE).await? {
            if let Ok(stored) = serde_json::from_str::<Stored>(&row.value)
                && !stored.record.state.ended()
                && now.since(row.at) < AWAITED
            {
                // Of several that were left open, the latest campaign's counts.
                let newer = |there: &(Moment, Stored)| there.1.record.campaign > stored.record.campaign;
                if !awaited.get(&stored.session).is_some_and(|there| newer(&there)) {
                    awaited.insert(stored.session, (row.at, stored));
                }
            }
        }
        let records = Self { side, awaited, changed: Mutex::default() };
        records.expire(now).await;
        Ok(records)
    }

    /// The session's record has changed.
    pub(super) fn note(&self, slot: &Slot, record: &Record) {
        self.store(stored(slot, record));
    }

    /// The session has left with a record that may not have ended.
    pub(super) fn left(&self, slot: &Slot, record: &Record) {
        let stored = stored(slot, record);
        self.store(stored.clone());
        if !record.state.ended() && self.awaited.len() < MOST_AWAITED {
            self.awaited.insert(slot.id, (crate::clock::now(), stored));
        }
    }

    /// The session is back: its record, if it had one that has not ended.
    pub(super) fn returned(&self, id: SessionId, app: &AppName) -> Option<Record> {
        self.awaited.remove_if(&id, |_, (_, stored)| stored.app == *app).map(|(_, (_, stored))| stored.record)
    }

    fn store(&self, stored: Stored) {
        let key = (stored.record.campaign, stored.session);
        self.changed.lock().insert(key, (crate::clock::now(), stored));
    }

    /// Forgets what is too old. O(awaited): for once in a while.
    pub(super) async fn expire(&self, now: Moment) {
        self.awaited.retain(|_, (left_at, _)| now.since(*left_at) < AWAITED);
        if let Err(error) = self.side.prune(TABLE, now - KEPT).await {
            tracing::warn!(%error, "old campaign records could not be pruned");
        }
    }

    /// Writes what has changed since the last time: of each record the latest only.
    pub(super) async fn write(&self) {
        let changed = std::mem::take(&mut *self.changed.lock());
        let row = |(at, stored): &(Moment, Stored)| SideWrite {
            kind: TABLE,
            key: format!("{}/{}", stored.record.campaign, stored.session),
            value: serde_json::to_string(stored).ok(),
            at: *at,
        };
        put(&*self.side, changed.values().map(row).collect()).await;
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

fn stored(slot: &Slot, record: &Record) -> Stored {
    Stored { session: slot.id, app: slot.hub.name.clone(), build: slot.build.clone(), record: record.clone() }
}

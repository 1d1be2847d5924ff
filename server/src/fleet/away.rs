//! Sessions that vanished without a goodbye: asleep, frozen, offline, in the back/forward cache. Counted by build until
//! they come back, for 14 days; kept over a restart.

use std::{str::FromStr, sync::Arc};

use dashmap::DashMap;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{counts::RowKey, hub::Hub, slot::Slot};
use crate::core::{
    names::{AppName, BuildId, SessionId},
    order::Version,
    time::{Moment, Period},
};
use crate::log::{LogError, SideStore, SideWrite};

/// How long a session may be away.
const KEPT: Period = Period::days(14);
/// Most that are kept; beyond it the census counts no more of them.
const MOST: usize = 1_000_000;
const TABLE: &str = "away";

/// The sessions that are away.
pub struct Away {
    sessions: DashMap<SessionId, Mark>,
    side: Arc<dyn SideStore>,
    changed: Mutex<Vec<SideWrite>>,
}

struct Mark {
    hub: Arc<Hub>,
    row: Arc<RowKey>,
    since: Moment,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    app: AppName,
    build: BuildId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<Version>,
}

impl Away {
    pub(super) fn new(side: Arc<dyn SideStore>) -> Self {
        Self { sessions: DashMap::new(), side, changed: Mutex::default() }
    }

    /// Counts those that were away when the node stopped.
    pub(super) async fn load(
        &self,
        now: Moment,
        hub: impl Fn(&AppName) -> Option<Arc<Hub>>,
    ) -> Result<(), LogError> {
        for row in self.side.load(TABLE).await? {
            let stored = serde_json::from_str::<Stored>(&row.value);
            if let (Ok(stored), Ok(id)) = (stored, Uuid::from_str(&row.key))
                && now.since(row.at) < KEPT
                && let Some(hub) = hub(&stored.app)
            {
                let key = RowKey { build: stored.build, reported: stored.version };
                let key = hub.counts.restore_away(&hub.view().app, key);
                self.sessions.insert(SessionId(id), Mark { hub, row: key, since: row.at });
            }
        }
        Ok(())
    }

    /// A session vanished.
    pub(super) fn vanished(&self, slot: &Slot) {
        if self.sessions.len() >= MOST {
            return;
        }
        let since = crate::clock::now();
        let mark = Mark { hub: slot.hub.clone(), row: slot.row.clone(), since };
        slot.hub.counts.add_away(&slot.row);
        if let Some(old) = self.sessions.insert(slot.id, mark) {
            old.hub.counts.remove_away(&old.row);
        }
        let stored =
            Stored { app: slot.hub.name.clone(), build: slot.build.clone(), version: slot.reported.clone() };
        let value = serde_json::to_string(&stored).ok();
        self.changed.lock().push(SideWrite { kind: TABLE, key: slot.id.to_string(), value, at: since });
    }

    /// A session is back.
    pub(super) fn returned(&self, id: SessionId) {
        if let Some((_, mark)) = self.sessions.remove(&id) {
            mark.hub.counts.remove_away(&mark.row);
            let at = crate::clock::now();
            self.changed.lock().push(SideWrite { kind: TABLE, key: id.to_string(), value: None, at });
        }
    }

    /// Forgets those that have been away for too long. O(away): for once in a while.
    pub(super) async fn expire(&self, now: Moment) {
        let expired: Vec<_> = self
            .sessions
            .iter()
            .filter(|mark| now.since(mark.since) >= KEPT)
            .map(|mark| *mark.key())
            .collect();
        for id in expired {
            self.returned(id);
        }
        if let Err(error) = self.side.prune(TABLE, now - KEPT).await {
            tracing::warn!(%error, "sessions that are long gone could not be pruned");
        }
    }

    /// Writes what has changed since the last time.
    pub(super) async fn write(&self) {
        let changed = std::mem::take(&mut *self.changed.lock());
        super::records::put(&*self.side, changed).await;
    }
}

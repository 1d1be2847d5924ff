//! One app's sessions counted by build: kept as they come and go, never by walking the sessions.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;

use crate::core::{app::App, census::BuildCount, names::BuildId, order::Version, time::Moment};

/// Distinct unregistered builds of an app that are counted one by one; more are one row for each version.
const MOST_UNREGISTERED: usize = 200;

/// What sessions are counted by: their build and the version that they report.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RowKey {
    /// What the page runs, or the row of all others.
    pub build: BuildId,
    /// As the page says.
    pub reported: Option<Version>,
}

/// What a session adds to its row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Somebody can see it.
    pub visible: bool,
    /// It has a hold.
    pub held: bool,
    /// It polls.
    pub polling: bool,
}

/// The counts of one app.
#[derive(Default)]
pub struct Counts {
    rows: Mutex<HashMap<Arc<RowKey>, Row>>,
    generation: AtomicU64,
}

#[derive(Default)]
struct Row {
    sessions: u64,
    visible: u64,
    held: u64,
    polling: u64,
    away: u64,
    /// How many connections began in each second: its first key is the oldest.
    connected: BTreeMap<i64, u32>,
}

impl Counts {
    /// Counts a new session, and says in which row.
    pub fn join(&self, app: &App, key: RowKey, share: Share, connected_at: Moment) -> Arc<RowKey> {
        let mut rows = self.rows.lock();
        let key = place(&rows, app, key);
        let row = rows.entry(key.clone()).or_default();
        row.sessions += 1;
        row.add(share);
        *row.connected.entry(second(connected_at)).or_default() += 1;
        self.changed();
        key
    }

    /// Uncounts a session.
    pub fn leave(&self, key: &Arc<RowKey>, share: Share, connected_at: Moment) {
        self.with(key, |row| {
            row.sessions -= 1;
            row.subtract(share);
            let second = second(connected_at);
            if let Some(count) = row.connected.get_mut(&second) {
                *count -= 1;
                if *count == 0 {
                    row.connected.remove(&second);
                }
            }
        });
    }

    /// A session's page changed.
    pub fn change(&self, key: &Arc<RowKey>, from: Share, to: Share) {
        if from != to {
            self.with(key, |row| {
                row.subtract(from);
                row.add(to);
            });
        }
    }

    /// Counts a session that vanished, in the row it was in.
    pub fn add_away(&self, key: &Arc<RowKey>) {
        self.rows.lock().entry(key.clone()).or_default().away += 1;
        self.changed();
    }

    /// Finds the row of a session that vanished before a restart, and counts it.
    pub fn restore_away(&self, app: &App, key: RowKey) -> Arc<RowKey> {
        let mut rows = self.rows.lock();
        let key = place(&rows, app, key);
        rows.entry(key.clone()).or_default().away += 1;
        self.changed();
        key
    }

    /// Uncounts a session that vanished.
    pub fn remove_away(&self, key: &Arc<RowKey>) {
        self.with(key, |row| row.away -= 1);
    }

    /// All rows.
    pub fn list(&self) -> Vec<BuildCount> {
        let rows = self.rows.lock();
        rows.iter().map(|(key, row)| row.count(key)).collect()
    }

    fn with(&self, key: &Arc<RowKey>, change: impl FnOnce(&mut Row)) {
        let mut rows = self.rows.lock();
        let row = rows.get_mut(key).expect("a row stays while somebody is counted in it");
        change(row);
        if row.sessions == 0 && row.away == 0 {
            rows.remove(key);
        }
        self.changed();
    }

    /// Another number whenever something has changed. Who reads it before the rows misses nothing.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    fn changed(&self) {
        self.generation.fetch_add(1, Ordering::Release);
    }
}

/// The row of a page: its build's own, or one of all others when there are too many unregistered builds. What doesn't
/// count in judging it is left out, or a page could make rows without end.
fn place(rows: &HashMap<Arc<RowKey>, Row>, app: &App, key: RowKey) -> Arc<RowKey> {
    let registered = app.release(&key.build).is_some();
    let key = if registered { RowKey { reported: None, ..key } } else { key };
    let there = |key: &RowKey| rows.get_key_value(key).map(|(key, _)| key.clone());
    if let Some(there) = there(&key) {
        return there;
    }
    let others = BuildId::others();
    let count = |wanted: &dyn Fn(&RowKey) -> bool| rows.keys().filter(|key| wanted(key)).count();
    let unregistered = |key: &RowKey| key.build != others && app.release(&key.build).is_none();
    if registered || count(&unregistered) < MOST_UNREGISTERED {
        return Arc::new(key);
    }
    // By version they can still be judged, and told of a minimum; versions beyond counting are not.
    let room = there(&RowKey { build: others.clone(), ..key.clone() }).is_some()
        || count(&|key| key.build == others) < MOST_UNREGISTERED;
    let pooled = RowKey { build: others.clone(), reported: key.reported.filter(|_| room) };
    there(&pooled).unwrap_or_else(|| Arc::new(pooled))
}

fn second(moment: Moment) -> i64 {
    moment.0.div_euclid(1_000)
}

impl Row {
    fn add(&mut self, share: Share) {
        self.visible += u64::from(share.visible);
        self.held += u64::from(share.held);
        self.polling += u64::from(share.polling);
    }

    fn subtract(&mut self, share: Share) {
        self.visible -= u64::from(share.visible);
        self.held -= u64::from(share.held);
        self.polling -= u64::from(share.polling);
    }

    fn count(&self, key: &RowKey) -> BuildCount {
        BuildCount {
            reported: key.reported.clone(),
            sessions: self.sessions,
            visible: self.visible,
            held: self.held,
            polling: self.polling,
            away: self.away,
            oldest_connected_at: self.connected.keys().next().map(|second| Moment(second * 1_000)),
            ..BuildCount::none(key.build.clone())
        }
    }
}

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
/// Emptied rows whose pasts are remembered; beyond it all of these are forgotten at once.
const MOST_EMPTIED: usize = 500;

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
    table: Mutex<Table>,
    generation: AtomicU64,
}

type Rows = HashMap<Arc<RowKey>, Row>;

/// The rows, and how many of them are empty: kept for their pasts, which tell a gate that somebody came and went
/// between two looks.
#[derive(Default)]
struct Table {
    rows: Rows,
    emptied: usize,
    forgotten: u64,
}

/// All rows with their pasts.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Emptied ones too.
    pub rows: Vec<BuildCount>,
    /// How many times emptied rows were forgotten: pasts from before are not comparable with those after it.
    pub forgotten: u64,
}

#[derive(Default)]
struct Row {
    sessions: u64,
    visible: u64,
    held: u64,
    polling: u64,
    away: u64,
    /// Sessions that ever joined, and that ever vanished: neither goes down.
    joins: u64,
    vanished: u64,
    /// When a page saw last that a part of its build is not served.
    failed_at: Option<Moment>,
    /// How many connections began in each second: its first key is the oldest.
    connected: BTreeMap<i64, u32>,
}

impl Counts {
    /// Counts a new session, and says in which row.
    pub fn join(&self, app: &App, key: RowKey, share: Share, connected_at: Moment) -> Arc<RowKey> {
        let mut table = self.table.lock();
        let key = place(&table.rows, app, key);
        let row = table.occupy(&key);
        row.sessions += 1;
        row.joins += 1;
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

    /// A session's page saw that a part of its build is not served.
    pub fn fail(&self, key: &Arc<RowKey>, at: Moment) {
        if let Some(row) = self.table.lock().rows.get_mut(key) {
            row.failed_at = Some(at);
        }
    }

    /// Connected sessions of a build that came before a moment, and when one of its pages saw last that a part of it is
    /// not served. O(rows + seconds in which they came).
    pub fn lived(&self, build: &BuildId, before: Moment) -> (u64, Option<Moment>) {
        let table = self.table.lock();
        let of_build = || table.rows.iter().filter(|(key, _)| key.build == *build).map(|(_, row)| row);
        let lived = |row: &Row| {
            row.connected.range(..second(before)).map(|(_, count)| u64::from(*count)).sum::<u64>()
        };
        (of_build().map(lived).sum(), of_build().filter_map(|row| row.failed_at).max())
    }

    /// Counts a session that vanished, in the row it was in.
    pub fn add_away(&self, key: &Arc<RowKey>) {
        self.table.lock().occupy(key).vanish();
        self.changed();
    }

    /// Finds the row of a session that vanished before a restart, and counts it.
    pub fn restore_away(&self, app: &App, key: RowKey) -> Arc<RowKey> {
        let mut table = self.table.lock();
        let key = place(&table.rows, app, key);
        table.occupy(&key).vanish();
        self.changed();
        key
    }

    /// Uncounts a session that vanished.
    pub fn remove_away(&self, key: &Arc<RowKey>) {
        self.with(key, |row| row.away -= 1);
    }

    /// All rows that somebody is counted in.
    pub fn list(&self) -> Vec<BuildCount> {
        let table = self.table.lock();
        let occupied = table.rows.iter().filter(|(_, row)| !row.is_empty());
        occupied.map(|(key, row)| row.count(key)).collect()
    }

    /// All rows with their pasts, as of one moment.
    pub fn tally(&self) -> Tally {
        let table = self.table.lock();
        let rows = table.rows.iter().map(|(key, row)| row.count(key)).collect();
        Tally { rows, forgotten: table.forgotten }
    }

    fn with(&self, key: &Arc<RowKey>, change: impl FnOnce(&mut Row)) {
        let mut table = self.table.lock();
        let row = table.rows.get_mut(key).expect("a row stays while somebody is counted in it");
        change(row);
        if row.is_empty() {
            table.emptied += 1;
            table.forget_too_many();
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

impl Table {
    /// The row, which somebody is about to be counted in.
    fn occupy(&mut self, key: &Arc<RowKey>) -> &mut Row {
        // A new row was not among the emptied ones.
        if self.rows.get(key).is_some_and(Row::is_empty) {
            self.emptied -= 1;
        }
        self.rows.entry(key.clone()).or_default()
    }

    /// Pages that make up builds are not to fill the memory with their pasts.
    fn forget_too_many(&mut self) {
        if self.emptied > MOST_EMPTIED {
            self.rows.retain(|_, row| !row.is_empty());
            self.emptied = 0;
            self.forgotten += 1;
        }
    }
}

/// The row of a page: its build's own, or one of all others when there are too many unregistered builds. What doesn't
/// count in judging it is left out, or a page could make rows without end.
fn place(rows: &Rows, app: &App, key: RowKey) -> Arc<RowKey> {
    let registered = app.release(&key.build).is_some();
    let key = if registered { RowKey { reported: None, ..key } } else { key };
    let occupied = || rows.iter().filter(|(_, row)| !row.is_empty()).map(|(key, _)| key);
    let there = |key: &RowKey| {
        let (key, _) = rows.get_key_value(key).filter(|(_, row)| !row.is_empty())?;
        Some(key.clone())
    };
    if let Some(there) = there(&key) {
        return there;
    }
    let others = BuildId::others();
    let count = |wanted: &dyn Fn(&RowKey) -> bool| occupied().filter(|key| wanted(key)).count();
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
    fn is_empty(&self) -> bool {
        self.sessions == 0 && self.away == 0
    }

    fn vanish(&mut self) {
        self.away += 1;
        self.vanished += 1;
    }

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
            joins: self.joins,
            vanished: self.vanished,
            oldest_connected_at: self.connected.keys().next().map(|second| Moment(second * 1_000)),
            ..BuildCount::none(key.build.clone())
        }
    }
}

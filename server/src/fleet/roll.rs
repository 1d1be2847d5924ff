//! The roll call at this node: what it has heard of the others, and how it tells them of itself.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::StreamExt as _;
use parking_lot::{Mutex, RwLock};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Fleet, Patience,
    bus::Reach,
    pieces::{Joiner, split},
};
use crate::{
    core::{
        change::FOLD,
        names::{AppName, BuildId, LogNumber},
        rollcall::{CameFrom, Report, RollCall, STARTS_AT, TOLD_AT_MOST_EVERY, TOLD_EVERY},
    },
    log::ledger::Least,
};

/// How often it is looked whether something has changed.
const LOOKS_EVERY: Duration = Duration::from_millis(250);
/// Nodes and builds that an app's pages came from which are counted one by one.
const MOST_ORIGINS: usize = 1_000;
/// The same of nodes that this one has not heard of: they may have gone before it came.
const MOST_UNHEARD: usize = 64;
/// How often it is said that another node has this one's name.
const SAID_AGAIN_AFTER: Duration = Duration::from_mins(1);

/// What this node has heard of the others.
pub struct Roll {
    call: RwLock<RollCall>,
    began: Instant,
    generation: AtomicU64,
    told: AtomicU64,
    /// Somebody has just started, and doesn't know yet who is there.
    is_asked: AtomicBool,
    came_from: Mutex<BTreeMap<AppName, Origins>>,
}

/// Pages by the node that they came from and the build that they run.
type Origins = BTreeMap<(String, BuildId), u64>;

/// What answers go by that changes with time alone.
#[derive(Default, PartialEq, Eq)]
struct Standing {
    complete: bool,
    warming: bool,
    missing: Vec<String>,
    disagree: Vec<String>,
}

impl Roll {
    pub(super) fn new(node: String, incarnation: u64, patience: &Patience) -> Self {
        Self {
            call: RwLock::new(RollCall::new(
                node,
                incarnation,
                patience.warmup.std(),
                patience.peer_timeout.std(),
            )),
            began: Instant::now(),
            generation: AtomicU64::default(),
            told: AtomicU64::default(),
            is_asked: AtomicBool::default(),
            came_from: Mutex::default(),
        }
    }

    /// Looks at the roll call as it is now. What is asked under this lock is answered from memory.
    pub(super) fn look<T>(&self, look: impl FnOnce(&RollCall, Duration) -> T) -> T {
        look(&self.call.read(), self.now())
    }

    fn change<T>(&self, change: impl FnOnce(&mut RollCall, Duration) -> T) -> T {
        let changed = change(&mut self.call.write(), self.now());
        self.generation.fetch_add(1, Ordering::Release);
        changed
    }

    fn now(&self) -> Duration {
        STARTS_AT + self.began.elapsed()
    }

    /// Another number whenever something has changed. Who reads it before the counts misses nothing.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// A page came from a node that couldn't be asked for its session: it counts as away there no more.
    pub fn came_from(&self, node: &str, app: &AppName, build: &BuildId) {
        // Pages say both: what they make up is not to fill the memory.
        let known = self.look(|call, _| call.knows(node));
        let (build, total) = {
            let mut all = self.came_from.lock();
            let of_app = all.entry(app.clone()).or_default();
            let own = (node.to_owned(), build.clone());
            let most = if known { MOST_ORIGINS } else { MOST_UNHEARD };
            let room = of_app.len() < most || of_app.contains_key(&own);
            if !known && !room {
                return;
            }
            let key = if room { own } else { (node.to_owned(), BuildId::others()) };
            let build = key.1.clone();
            let total = of_app.entry(key).or_default();
            *total += 1;
            (build, *total)
        };
        self.change(|call, _| call.arrived(node, app, &build, total));
    }

    /// All that came so, for the report.
    pub(super) fn came(&self, app: &AppName) -> Vec<CameFrom> {
        let all = self.came_from.lock();
        let of_app = all.get(app).into_iter().flatten();
        of_app
            .map(|((node, build), sessions)| CameFrom {
                node: node.clone(),
                build: build.clone(),
                sessions: *sessions,
            })
            .collect()
    }

    fn standing(&self) -> Standing {
        self.look(|call, now| Standing {
            complete: call.complete(now),
            warming: call.warming(now),
            missing: call.missing(now),
            disagree: call.disagree(),
        })
    }
}

/// Tells of this node and hears the others until `stop`. A node that is alone does neither.
pub(super) fn run(fleet: &Arc<Fleet>, tasks: &TaskTracker, stop: &CancellationToken) {
    if fleet.bus.reach() == Reach::Alone {
        return;
    }
    let (hearing, stopped) = (fleet.clone(), stop.clone());
    tasks.spawn(async move { stopped.run_until_cancelled(hear(&hearing)).await });
    let (telling, stopped) = (fleet.clone(), stop.clone());
    tasks.spawn(async move { stopped.run_until_cancelled(tell(&telling)).await });
}

async fn hear(fleet: &Fleet) {
    let mut joiner = Joiner::default();
    let mut clash_said_at = None::<Instant>;
    let mut heard = fleet.bus.hear().await;
    while let Some(message) = heard.next().await {
        let Some(report) = joiner.join(&message) else { continue };
        let report: Report = match serde_json::from_slice(&report) {
            Ok(report) => report,
            Err(error) => {
                tracing::warn!(%error, "a node's report can't be read; is its version another one?");
                continue;
            }
        };
        if report.node == fleet.node {
            fleet.roll.change(|call, now| call.hear_namesake(&fleet.node, now));
            if clash_said_at.is_none_or(|at| at.elapsed() > SAID_AGAIN_AFTER) {
                clash_said_at = Some(Instant::now());
                tracing::error!(
                    node = fleet.node,
                    "another node has this name, too, and no count is whole; give each its own with --node"
                );
            }
        } else {
            fleet.take_in_report(report);
        }
    }
}

async fn tell(fleet: &Fleet) {
    let mut look = tokio::time::interval(LOOKS_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = None::<(Report, Instant)>;
    let mut standing = Standing::default();
    loop {
        look.tick().await;
        fleet.keep_roll(&mut standing);
        let since = told.as_ref().map(|(_, at)| at.elapsed());
        if since.is_some_and(|since| since < TOLD_AT_MOST_EVERY) {
            continue;
        }
        let report = fleet.report();
        let asked = fleet.roll.is_asked.swap(false, Ordering::AcqRel);
        let changed = asked || told.as_ref().is_none_or(|(told, _)| differs(told, &report));
        if changed || since.is_none_or(|since| since >= TOLD_EVERY) {
            fleet.tell_report(&report).await;
            told = Some((report, Instant::now()));
        }
    }
}

/// Said when it changes, and not with every report.
fn say_who_disagrees(nodes: &[String], number: LogNumber, digest: &str) {
    if nodes.is_empty() {
        tracing::info!(%number, digest, "all nodes have made the same of the log again");
    } else {
        tracing::error!(
            nodes = nodes.join(", "),
            %number,
            digest,
            "other nodes have made something else of the same log: compare their versions with this one's, and restart \
             them and this one, one by one, so that each reads the log anew"
        );
    }
}

/// Whether something else is said than before, but for how old it is.
fn differs(told: &Report, now: &Report) -> bool {
    let timeless = |report: &Report| {
        let mut report = Report { seq: 0, ..report.clone() };
        for back_end in report.apps.values_mut().flat_map(|app| app.back_ends.values_mut()) {
            (back_end.age, back_end.at) = Default::default();
        }
        report
    };
    timeless(told) != timeless(now)
}

impl Fleet {
    /// Lets time do its part.
    fn keep_roll(&self, before: &mut Standing) {
        // A NATS server that is cut off from the others is as good as none: whoever is there may be at one of those.
        let hears = self.bus.reach() == Reach::Connected && self.ledger.log().trouble().is_none();
        let state = self.ledger.state();
        let digest = state.digest().to_string();
        let forgotten = {
            let mut call = self.roll.call.write();
            let now = self.roll.now();
            call.hears(hears, now);
            call.compare(state.number, FOLD, &digest);
            call.forget_silent(now)
        };
        self.spare_the_oldest();
        self.look_who_stays();
        for node in &forgotten {
            tracing::warn!(node, "has been silent for too long; its sessions count as away");
        }
        let now = self.roll.standing();
        if now.disagree != before.disagree {
            say_who_disagrees(&now.disagree, state.number, &digest);
        }
        if now != *before || !forgotten.is_empty() {
            *before = now;
            self.roll.generation.fetch_add(1, Ordering::Release);
        }
    }

    fn take_in_report(&self, report: Report) {
        for (app, of_app) in &report.apps {
            for (name, said) in &of_app.back_ends {
                self.back_ends.hear(app, name, said);
            }
        }
        let new = self.roll.look(|call, _| call.is_new(&report));
        self.roll.change(|call, now| call.hear(report, now));
        if new {
            self.roll.is_asked.store(true, Ordering::Release);
        }
        self.spare_the_oldest();
    }

    /// Nothing is written that one of the nodes doesn't understand.
    fn spare_the_oldest(&self) {
        let least = self
            .roll
            .look(|call, _| call.least_fold().map(|(fold, node)| Least { node: node.to_owned(), fold }));
        self.ledger.spare(least);
    }

    async fn tell_report(&self, report: &Report) {
        let seq = self.roll.told.fetch_add(1, Ordering::Relaxed) + 1;
        let remains = self.roll.look(RollCall::remains);
        let report = Report { seq, remains, ..report.clone() };
        for piece in split(&report) {
            self.bus.tell(piece).await;
        }
    }

    /// Tells the others what it leaves behind: the last that they hear of it.
    pub async fn say_goodbye(&self) {
        if self.bus.reach() == Reach::Connected {
            self.tell_report(&Report { leaving: true, sessions: 0, ..self.report() }).await;
        }
    }
}

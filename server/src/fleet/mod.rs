//! The sessions of this node, who is connected, counted by build, and who is away; and what the other nodes say of theirs.

pub mod away;
pub mod back_ends;
mod belated;
mod brake;
pub mod bus;
pub mod counts;
pub mod drain;
mod errand;
mod gone;
pub mod hub;
pub mod listing;
pub mod nats_bus;
mod pieces;
pub mod pushes;
pub mod records;
pub mod registry;
mod report;
pub mod roll;
mod selected;
pub mod shared;
mod shelf;
pub mod slot;
pub mod tally;
pub mod timeline;
mod untold;
mod whole;

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use dashmap::DashMap;
use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    away::Away, back_ends::BackEnds, bus::Bus, counts::Tally, drain::Drain, errand::Moving, gone::Gone,
    hub::Hub, records::Records, registry::Registry, roll::Roll, shared::SharedTexts, timeline::Timeline,
    untold::Untold,
};
use crate::{
    core::{
        census::BuildCount,
        names::{AppName, BuildId},
        outcome::Parting,
        rollout::ProbeReading,
        state::State,
        tally::Campaigns,
        time::{Moment, Period},
    },
    log::{LogError, SideStore, ledger::Ledger},
};

/// Most names of unknown apps that are remembered.
const MOST_ASKED_IN_VAIN: usize = 100;

/// Everything this node knows of its sessions.
pub struct Fleet {
    /// This node's name in roll calls.
    pub node: String,
    /// When it started: what it has counted since begins there.
    pub started_at: Moment,
    /// Connected sessions by ID.
    pub registry: Registry,
    /// Sessions that vanished without a goodbye.
    pub away: Away,
    /// Where sessions are in their campaigns.
    pub records: Records,
    /// The census over time.
    pub timeline: Timeline,
    /// User agents, each kept once.
    pub user_agents: SharedTexts,
    /// Back ends that report in.
    pub back_ends: BackEnds,
    /// What the other nodes said last.
    pub roll: Roll,
    /// The way to the other nodes.
    pub bus: Arc<dyn Bus>,
    /// Sessions that came here while their node could not be asked.
    untold: Untold,
    /// Sessions that other nodes have now, and that are counted here for a moment more.
    moving: Moving,
    /// Where sessions went that were here.
    gone: Gone,
    ledger: Ledger,
    hubs: DashMap<AppName, Arc<Hub>>,
    asked_in_vain: Mutex<VecDeque<AppName>>,
    probes: Mutex<HashMap<AppName, Vec<ProbeReading>>>,
    peer_timeout: Duration,
    warm_at: Instant,
    drain_announced: AtomicBool,
    draining: Mutex<Option<Drain>>,
}

/// How long others are waited for.
pub struct Patience {
    /// Pages, to find their way back after a start.
    pub warmup: Period,
    /// Back ends, to report again.
    pub backend_ttl: Period,
    /// Another node, to answer. A page that comes from it waits for its welcome meanwhile, for as long again where its
    /// session has gone on.
    pub peer_timeout: Period,
}

impl Fleet {
    /// The fleet of a node that has just started.
    pub async fn open(
        node: String,
        patience: &Patience,
        ledger: Ledger,
        side: Arc<dyn SideStore>,
        bus: Arc<dyn Bus>,
        now: Moment,
    ) -> Result<Self, LogError> {
        let timeline = Timeline::load(side.clone(), now).await?;
        let roll = Roll::new(node.clone(), report::incarnation(now), patience);
        let fleet = Self {
            node,
            started_at: now,
            registry: Registry::default(),
            away: Away::new(side.clone()),
            records: Records::new(side),
            timeline,
            user_agents: SharedTexts::default(),
            back_ends: BackEnds::new(patience.backend_ttl),
            roll,
            bus,
            untold: Untold::default(),
            moving: Moving::default(),
            gone: Gone::default(),
            ledger,
            hubs: DashMap::new(),
            asked_in_vain: Mutex::default(),
            probes: Mutex::default(),
            peer_timeout: patience.peer_timeout.std(),
            warm_at: Instant::now() + patience.warmup.std(),
            drain_announced: AtomicBool::new(false),
            draining: Mutex::new(None),
        };
        fleet.away.load(now, |app| fleet.hub(app)).await?;
        fleet.records.load(now, |app| fleet.hub(app)).await?;
        Ok(fleet)
    }

    /// Keeps the hubs' views at the ledger's state, the side tables written and the timeline going, until `stop`.
    pub async fn run(
        self: &Arc<Self>,
        tasks: &TaskTracker,
        stop: &CancellationToken,
        timeline_every: Period,
    ) {
        let (fleet, stopped) = (self.clone(), stop.clone());
        tasks.spawn(async move { fleet.keep_timeline(timeline_every, stopped).await });
        let (fleet, stopped) = (self.clone(), stop.clone());
        tasks.spawn(async move { stopped.run_until_cancelled(fleet.read_timeline()).await });
        brake::run(self, tasks, stop);
        roll::run(self, tasks, stop);
        self.run_errands(tasks, stop).await;
        let (fleet, stopped) = (self.clone(), stop.clone());
        let mut states = self.ledger.watch();
        tasks.spawn(async move {
            while let Some(Ok(())) = stopped.run_until_cancelled(states.changed()).await {
                let state = states.borrow_and_update().clone();
                fleet.take_in(&state);
            }
        });
        let (fleet, stopped) = (self.clone(), stop.clone());
        tasks.spawn(async move {
            let mut write = tokio::time::interval(Duration::from_secs(1));
            let mut expire = tokio::time::interval(Duration::from_hours(1));
            loop {
                tokio::select! {
                    () = stopped.cancelled() => return,
                    _ = write.tick() => fleet.write_side_tables().await,
                    _ = expire.tick() => {
                        fleet.away.expire(crate::clock::now()).await;
                        fleet.records.expire(crate::clock::now()).await;
                        fleet.untold.expire(Instant::now());
                    }
                }
            }
        });
    }

    /// Writes what has changed in the side tables since the last time.
    pub async fn write_side_tables(&self) {
        self.records.write().await;
        self.away.write().await;
    }

    fn take_in(&self, state: &State) {
        for hub in self.hubs() {
            if let Some(app) = state.apps.get(&hub.name) {
                hub.show(app);
            }
        }
    }

    fn hubs(&self) -> Vec<Arc<Hub>> {
        self.hubs.iter().map(|hub| hub.value().clone()).collect()
    }

    /// The ledger that the fleet goes by.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The hub of an app's sessions. None: there is no such app.
    pub fn hub(&self, name: &AppName) -> Option<Arc<Hub>> {
        let app = self.ledger.state().apps.get(name)?.clone();
        let known = self.hubs.get(name).map(|hub| hub.clone());
        if let Some(hub) = known {
            // Whoever comes after a change was answered finds it here, though the hubs are told a moment later.
            if hub.view().app.number < app.number {
                hub.show(&app);
            }
            return Some(hub);
        }
        let hub = self.hubs.entry(name.clone()).or_insert_with(|| Arc::new(Hub::new(app))).clone();
        // The state may have moved on, or the drain begun, between reading it and the hub's being there to be told.
        if let Some(drain) = self.farewell() {
            hub.drain(drain);
        }
        if let Some(app) = self.ledger.state().apps.get(name) {
            hub.show(app);
        }
        Some(hub)
    }

    /// Remembers that a page asked for an app that isn't there.
    pub fn asked_in_vain(&self, name: AppName) {
        let mut names = self.asked_in_vain.lock();
        if !names.contains(&name) {
            names.truncate(MOST_ASKED_IN_VAIN - 1);
            names.push_front(name);
        }
    }

    /// The latest names that pages asked for in vain, without those that have been made since.
    pub fn names_asked_in_vain(&self) -> Vec<AppName> {
        let state = self.ledger.state();
        let names = self.asked_in_vain.lock();
        names.iter().filter(|name| !state.apps.contains_key(*name)).cloned().collect()
    }

    /// An app's sessions by build, on this node. O(builds).
    pub fn own_counts(&self, app: &AppName) -> Vec<BuildCount> {
        self.hubs.get(app).map(|hub| hub.counts.list()).unwrap_or_default()
    }

    /// The same with their pasts. O(builds).
    fn own_tally(&self, app: &AppName) -> Tally {
        self.hubs.get(app).map(|hub| hub.counts.tally()).unwrap_or_default()
    }

    /// Where its sessions are in an app's campaigns.
    fn own_campaigns(&self, app: &AppName) -> Campaigns {
        self.hubs.get(app).map(|hub| hub.tallies.all()).unwrap_or_default()
    }

    /// Its pages of a build that came before a moment, and when one of them saw a chunk error last.
    fn own_lived(&self, app: &AppName, build: &BuildId, before: Moment) -> (u64, Option<Moment>) {
        self.hubs.get(app).map(|hub| hub.counts.lived(build, before)).unwrap_or_default()
    }

    /// What origins said to this node, if it asks them.
    fn own_probes(&self, app: &AppName) -> Vec<ProbeReading> {
        self.probes.lock().get(app).cloned().unwrap_or_default()
    }

    /// Origins have said something to this node; nothing: they are asked no more.
    pub fn note_probes(&self, app: &AppName, said: Vec<ProbeReading>) {
        let mut probes = self.probes.lock();
        if said.is_empty() {
            probes.remove(app)
        } else {
            probes.insert(app.clone(), said)
        };
    }

    /// Pages are still finding their way back after this node's start.
    pub fn own_warming(&self) -> bool {
        Instant::now() < self.warm_at
    }

    /// Says to balancers that no more pages should be sent here. Those that come all the same are taken.
    pub fn announce_drain(&self) {
        self.drain_announced.store(true, Ordering::Release);
    }

    /// No more pages should be sent here.
    pub fn drain_announced(&self) -> bool {
        self.drain_announced.load(Ordering::Acquire)
    }

    /// Tells every session to come back, their goodbyes spread over a while: to another node at once, or to this one when
    /// it is there again. New ones get theirs at once.
    pub fn drain(&self, over: Duration) {
        let drain = Drain::new(over, self.others_stay());
        *self.draining.lock() = Some(drain.clone());
        for hub in &self.hubs {
            hub.drain(drain.clone());
        }
    }

    /// Gives up those that are still connected: what they leave behind is kept as if they had vanished. Who has just gone
    /// to another node counts here no more.
    pub fn part_with_the_rest(&self) {
        self.moving.settle_all();
        for slot in self.registry.all() {
            slot.uncount();
            self.keep_of(&slot, Parting::Vanished);
        }
    }

    /// Another node takes pages, and goes on doing so as far as it has said.
    fn others_stay(&self) -> bool {
        self.roll.look(|call, now| call.nodes(now).any(|(report, _)| !report.leaving))
    }

    /// Says to the pages that are sent away from now on whether another node takes them.
    pub(super) fn look_who_stays(&self) {
        if let Some(drain) = &*self.draining.lock() {
            drain.go_elsewhere(self.others_stay());
        }
    }

    /// The farewell under way.
    pub fn farewell(&self) -> Option<Drain> {
        self.draining.lock().clone()
    }

    /// No new session is taken.
    pub fn draining(&self) -> bool {
        self.draining.lock().is_some()
    }
}

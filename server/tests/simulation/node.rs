//! A node: its state, its roll call, and the changes that it is writing.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use freshwire::core::{
    app::App,
    brake::{Verdict as Braked, verdict},
    census::{BuildCount, merge},
    change::{AppChange, Change, Draft, Topic},
    names::{AppName, BuildId, LogNumber},
    rollcall::{AppReport, CameFrom, MISSING_AFTER, Report, RollCall, STARTS_AT},
    state::{State, Verdict},
    tally::{Campaigns, seen},
    time::Moment,
};
use uuid::Uuid;

use crate::log::Log;

/// How long the pages of a node that is gone may take to find another.
const WARMUP: Duration = Duration::from_secs(20);
/// For so long what may not have arrived is sent again.
const SENDS_FOR: u64 = 8_000;
/// How often a change that lost a race is tried on the state that won.
const TRIES: u8 = 8;

pub struct Node {
    pub name: String,
    pub up: bool,
    /// It can't reach NATS.
    pub cut: bool,
    /// It does nothing until then.
    pub frozen_until: u64,
    /// Its clock goes before, or after, the others'.
    pub skew: i64,
    pub incarnation: u64,
    started: u64,
    seq: u64,
    pub state: State,
    pub roll: RollCall,
    pub campaigns: Campaigns,
    came_from: BTreeMap<(String, BuildId), u64>,
    writing: BTreeMap<Uuid, Writing>,
    missing: BTreeSet<String>,
}

struct Writing {
    draft: Draft,
    since: u64,
    tries: u8,
}

pub fn shop() -> AppName {
    "shop".parse().expect("a name")
}

impl Node {
    pub fn new(index: usize) -> Self {
        Self::called(format!("node-{index}"), 0)
    }

    fn called(name: String, incarnation: u64) -> Self {
        Self {
            roll: RollCall::new(name.clone(), incarnation, WARMUP, Duration::from_millis(800)),
            name,
            up: false,
            cut: false,
            frozen_until: 0,
            skew: 0,
            incarnation,
            started: 0,
            seq: 0,
            state: State::default(),
            campaigns: Campaigns::new(),
            came_from: BTreeMap::new(),
            writing: BTreeMap::new(),
            missing: BTreeSet::new(),
        }
    }

    /// Starts with nothing but its name and what the log says.
    pub fn start(&mut self, now: u64, log: &Log) {
        *self = Self {
            up: true,
            skew: self.skew,
            started: now,
            ..Self::called(self.name.clone(), self.incarnation + 1)
        };
        self.follow(log, log.last());
    }

    pub fn app(&self) -> std::sync::Arc<App> {
        self.state.app(&shop())
    }

    /// By its own clock.
    pub fn wall(&self, now: u64) -> Moment {
        Moment(1_700_000_000_000 + i64::try_from(now).expect("a short story") + self.skew)
    }

    /// By a clock that doesn't jump.
    pub fn mono(&self, now: u64) -> Duration {
        STARTS_AT + Duration::from_millis(now - self.started)
    }

    /// Reads the log up to a number. Answers the numbers of its own changes that were decided and are valid.
    pub fn follow(&mut self, log: &Log, last: LogNumber) -> (Vec<LogNumber>, Vec<AppChange>) {
        let (mut acknowledged, mut again) = (Vec::new(), Vec::new());
        for entry in log.between(self.state.number, last) {
            let before = self.state.number;
            let made = self.state.fold(entry);
            assert!(self.state.number > before, "numbers only grow");
            let truth = log.truth(entry.number);
            assert_eq!(
                (&made, self.state.digest()),
                (&truth.0, truth.1),
                "{} at {}",
                self.name,
                entry.number
            );
            let Some(writing) = self.writing.remove(&entry.draft.id) else { continue };
            match (made, writing.draft.change) {
                (Verdict::Valid, _) => acknowledged.push(entry.number),
                (Verdict::Moved(_), Change::App { change, .. }) if writing.tries < TRIES => {
                    again.push(change);
                }
                _ => {}
            }
        }
        (acknowledged, again)
    }

    /// Makes an entry of a change, if it would be valid now. It is to be sent.
    pub fn write(&mut self, change: AppChange, id: Uuid, now: u64) -> Option<Draft> {
        if self.cut {
            return None;
        }
        let topic = Topic::App(shop());
        let draft = Draft {
            id,
            at: self.wall(now).max(self.state.last_at(&topic)),
            actor: self.name.clone(),
            prev: self.state.last_valid(&topic),
            request: None,
            change: Change::App { app: shop(), change },
        };
        let number = LogNumber(self.state.number.0 + 1);
        let entry = freshwire::core::change::Entry { number, draft: draft.clone() };
        self.state.after(&entry).ok()?;
        self.writing.insert(id, Writing { draft: draft.clone(), since: now, tries: 0 });
        Some(draft)
    }

    /// What it sends again, not knowing whether it arrived.
    pub fn doubtful(&mut self, now: u64) -> Vec<Draft> {
        self.writing.retain(|_, writing| now - writing.since < SENDS_FOR);
        if self.cut {
            return Vec::new();
        }
        self.writing.values().map(|writing| writing.draft.clone()).collect()
    }

    /// What the brake makes of all that is known here.
    pub fn brake(&self) -> Option<AppChange> {
        let app = self.app();
        let mut campaigns = self.campaigns.clone();
        self.roll.add_campaigns(&app.name, &mut campaigns);
        let judged = |change: &AppChange| matches!(change, AppChange::Pause { .. });
        let pausing = self
            .writing
            .values()
            .any(|writing| matches!(&writing.draft.change, Change::App { change, .. } if judged(change)));
        app.campaigns.values().filter(|campaign| campaign.active() && !pausing).find_map(|campaign| {
            let run = campaign.last_run().number;
            let evidence = seen(&campaigns, campaign.number, run).evidence;
            let Braked::Trip(reason) = verdict(&evidence, campaign.terms.pace.brake) else { return None };
            Some(AppChange::Pause { campaign: campaign.number, run, reason, brake: true })
        })
    }

    pub fn report(&mut self, rows: Vec<BuildCount>, leaving: bool, now: u64) -> Report {
        self.seq += 1;
        let came_from = self
            .came_from
            .iter()
            .map(|((node, build), sessions)| CameFrom {
                node: node.clone(),
                build: build.clone(),
                sessions: *sessions,
            })
            .collect();
        let sessions = rows.iter().map(|row| row.sessions).sum();
        let of_app = AppReport { rows, campaigns: self.campaigns.clone(), came_from, ..AppReport::default() };
        Report {
            node: self.name.clone(),
            incarnation: self.incarnation,
            seq: self.seq,
            number: self.state.number,
            digest: Some(self.state.digest().to_string()),
            sessions,
            leaving,
            apps: BTreeMap::from([(shop(), of_app)]),
            remains: self.roll.remains(self.mono(now)),
            ..Report::default()
        }
    }

    /// Another node's report arrives, or an older one of it, late.
    pub fn hear(&mut self, report: Report, now: u64) {
        let (mono, from) = (self.mono(now), report.node.clone());
        let known = self.knows(&from, mono);
        self.roll.hear(report, mono);
        if let (Some((before, age)), Some((after, _))) = (known, self.knows(&from, mono)) {
            let restarted = after.0 != before.0 && age > MISSING_AFTER;
            assert!(
                after >= before || restarted,
                "{} goes back from {before:?} to {after:?} of {from}",
                self.name
            );
        }
    }

    /// Which report of another node it goes by, and how old that is.
    fn knows(&self, node: &str, mono: Duration) -> Option<((u64, u64), Duration)> {
        let mut nodes = self.roll.nodes(mono);
        let (report, age) = nodes.find(|(report, _)| report.node == node)?;
        Some(((report.incarnation, report.seq), age))
    }

    /// A page came from a node that couldn't be asked for it.
    pub fn note_arrival(&mut self, from: &str, build: &BuildId) {
        let total = self.came_from.entry((from.to_owned(), build.clone())).or_default();
        *total += 1;
        self.roll.arrived(from, &shop(), build, *total);
    }

    /// Lets time do its part in the roll call. Answers how many nodes were forgotten.
    pub fn keep_roll(&mut self, now: u64) -> u64 {
        let mono = self.mono(now);
        self.roll.hears(!self.cut, mono);
        let forgotten = self.roll.forget_silent(mono);
        for node in &forgotten {
            assert!(self.missing.contains(node), "{} forgot {node} before it was missing", self.name);
        }
        self.missing = self.roll.missing(mono).into_iter().collect();
        forgotten.len() as u64
    }

    /// Nodes to which pages may be connected still, and how many.
    pub fn cut_off(&self, now: u64) -> Vec<(String, u64)> {
        let cut_off = self.roll.cut_off(&shop(), self.mono(now)).into_iter();
        let counted = cut_off.map(|(node, rows)| (node, rows.iter().map(|row| row.away).sum()));
        counted.filter(|(_, away)| *away > 0).collect()
    }

    /// All sessions that it knows of, connected and away, by build.
    pub fn census(&self, own: Vec<BuildCount>) -> BTreeMap<BuildId, (u64, u64)> {
        let rows = merge(own.into_iter().chain(self.roll.rows(&shop())));
        let counted = rows.into_iter().filter(|row| row.sessions + row.away > 0);
        counted.map(|row| (row.build, (row.sessions, row.away))).collect()
    }
}

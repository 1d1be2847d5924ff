//! The scheduler: events in the order of their time, the network between the nodes, and the troubles that befall them.

use std::collections::BTreeMap;

use freshwire::core::{
    census::BuildCount,
    change::{AppChange, Draft},
    names::{BuildId, LogNumber, SessionId},
    plan::{Facts, plan, prospect},
    rollcall::Report,
    state::Verdict,
};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    log::Log,
    node::{Node, shop},
    page::Page,
};

/// For so long there is trouble; then everything heals.
const TROUBLED: u64 = 90_000;
/// By then everybody knows the truth: the longest delays, and a node forgotten and back.
const QUIET: u64 = 30_000;
const TICK: u64 = 1_000;
/// How late a report may be.
const LATEST: u64 = 3_000;
/// Then one node ends for good, and some of its pages with it; by the end that is known, too.
const MOURNED: u64 = 40_000;
/// So long after its start a node knows what the others do.
const KNOWN_WITHIN: u64 = 15_000;

pub struct World {
    rng: StdRng,
    now: u64,
    events: BTreeMap<(u64, u64), Event>,
    scheduled: u64,
    log: Log,
    nodes: Vec<Node>,
    pages: Vec<Page>,
    acknowledged: Vec<LogNumber>,
    totals: Totals,
}

/// What was seen to happen.
#[derive(Debug, Default)]
pub struct Totals {
    acknowledged: u64,
    void: u64,
    told: u64,
    pauses: u64,
    forgotten: u64,
    moved: u64,
    lost: u64,
    late: u64,
}

enum Event {
    /// A node's second.
    Tick {
        node: usize,
        incarnation: u64,
    },
    /// Another node's report arrives.
    Report {
        to: usize,
        report: Box<Report>,
    },
    /// A draft arrives at the log.
    Append(Box<Draft>),
    /// What the log holds arrives at a node.
    Tail {
        to: usize,
        incarnation: u64,
        last: LogNumber,
    },
    /// A page finds a node.
    Connect(usize),
    /// A page does what it was asked.
    Act {
        page: usize,
        campaign: LogNumber,
    },
    Operator,
    Trouble,
    Start(usize),
    Reach(usize),
}

impl Totals {
    pub fn add(&mut self, other: &Self) {
        self.acknowledged += other.acknowledged;
        self.void += other.void;
        self.told += other.told;
        self.pauses += other.pauses;
        self.forgotten += other.forgotten;
        self.moved += other.moved;
        self.lost += other.lost;
        self.late += other.late;
    }

    pub fn has_everything(&self) -> bool {
        let Self { acknowledged, void, told, pauses, forgotten, moved, lost, late } = self;
        [acknowledged, void, told, pauses, forgotten, moved, lost, late].into_iter().all(|count| *count > 0)
    }
}

impl World {
    pub fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let nodes: Vec<_> = (0..rng.random_range(2..=4)).map(Node::new).collect();
        let stubborn = *[0.0, 0.01, 0.3].choose(&mut rng).expect("some");
        let pages = (0..rng.random_range(20..=80))
            .map(|_| {
                let id = SessionId(Uuid::from_u128(rng.random()));
                Page::new(id, "b1".parse().expect("a build"), rng.random_bool(stubborn))
            })
            .collect();
        let (events, log, acknowledged, totals) = Default::default();
        Self { rng, now: 0, events, scheduled: 0, log, nodes, pages, acknowledged, totals }
    }

    pub fn run(mut self) -> Totals {
        for node in 0..self.nodes.len() {
            self.nodes[node].skew = self.rng.random_range(-5_000..=5_000);
            self.start(node);
        }
        self.propose(0, change(json!({"kind": "release", "build": "b1", "version": "1.0.0"})));
        for page in 0..self.pages.len() {
            let at = self.rng.random_range(0..5_000);
            self.at(at, Event::Connect(page));
        }
        self.after(3_000, 8_000, Event::Operator);
        self.after(3_000, 8_000, Event::Trouble);
        self.go_on_until(TROUBLED);
        self.heal();
        self.go_on_until(TROUBLED + QUIET);
        self.agree();
        if self.rng.random_bool(0.3) {
            self.lose_a_node();
            if self.rng.random_bool(0.7) {
                self.add_a_node();
            }
            self.go_on_until(self.now + MOURNED);
            self.agree();
        }
        self.totals.acknowledged = self.acknowledged.len() as u64;
        (self.totals.void, self.totals.pauses) = (self.log.void(), self.log.pauses());
        self.totals
    }

    fn at(&mut self, time: u64, event: Event) {
        self.scheduled += 1;
        self.events.insert((time, self.scheduled), event);
    }

    fn after(&mut self, least: u64, most: u64, event: Event) {
        let delay = self.rng.random_range(least..=most);
        self.at(self.now + delay, event);
    }

    fn go_on_until(&mut self, end: u64) {
        while let Some((&(time, _), _)) = self.events.first_key_value()
            && time <= end
        {
            let (_, event) = self.events.pop_first().expect("it is there");
            self.now = time;
            self.happen(event);
        }
        self.now = end;
    }

    fn happen(&mut self, event: Event) {
        // A node that is frozen sees what came meanwhile when it thaws.
        if let Event::Tick { node, .. } | Event::Report { to: node, .. } | Event::Tail { to: node, .. } =
            event
            && self.nodes[node].frozen_until > self.now
        {
            let thaws = self.nodes[node].frozen_until;
            return self.at(thaws, event);
        }
        match event {
            Event::Tick { node, incarnation } => {
                if self.runs(node, incarnation) {
                    self.tick(node);
                    self.at(self.now + TICK, Event::Tick { node, incarnation });
                }
            }
            Event::Report { to, report } => {
                if self.nodes[to].up && !self.nodes[to].cut {
                    self.nodes[to].hear(*report, self.now);
                }
            }
            Event::Append(draft) => self.log.append(*draft),
            Event::Tail { to, incarnation, last } => {
                if self.runs(to, incarnation) && !self.nodes[to].cut {
                    let (acknowledged, again) = self.nodes[to].follow(&self.log, last);
                    self.acknowledged.extend(acknowledged);
                    for change in again {
                        self.propose(to, change);
                    }
                }
            }
            Event::Connect(page) => self.connect(page),
            // Pages stay what they are before the last node ends, so that what it left behind is known exactly.
            Event::Act { page, campaign } if self.now < TROUBLED + QUIET - 2 * LATEST => {
                self.act(page, campaign);
            }
            Event::Act { .. } => {}
            Event::Operator | Event::Trouble if self.now > TROUBLED => {}
            Event::Operator => {
                self.operate();
                self.after(500, 15_000, Event::Operator);
            }
            Event::Trouble => {
                self.trouble();
                self.after(1_000, 20_000, Event::Trouble);
            }
            Event::Start(node) => {
                if !self.nodes[node].up {
                    self.start(node);
                }
            }
            Event::Reach(node) => self.nodes[node].cut = false,
        }
    }

    fn runs(&self, node: usize, incarnation: u64) -> bool {
        self.nodes[node].up && self.nodes[node].incarnation == incarnation
    }

    fn start(&mut self, node: usize) {
        self.nodes[node].start(self.now, &self.log);
        let incarnation = self.nodes[node].incarnation;
        self.at(self.now, Event::Tick { node, incarnation });
    }

    fn tick(&mut self, index: usize) {
        self.totals.forgotten += self.nodes[index].keep_roll(self.now);
        self.tell_others(index, false);
        let (last, incarnation) = (self.log.last(), self.nodes[index].incarnation);
        if !self.nodes[index].cut {
            self.after(0, 1_500, Event::Tail { to: index, incarnation, last });
        }
        for draft in self.nodes[index].doubtful(self.now) {
            self.send(draft);
        }
        self.tell_pages(index);
        // On duty or not: the fold has to cope with all of them at once.
        let node = &self.nodes[index];
        if !node.cut
            && (node.roll.on_duty(node.mono(self.now)) || self.rng.random_bool(0.3))
            && let Some(pause) = self.nodes[index].brake()
        {
            self.propose(index, pause);
        }
    }

    /// What a node has published goes to each of the others at its own speed, or not at all.
    fn tell_others(&mut self, from: usize, leaving: bool) {
        let rows = self.rows(from);
        let report = self.nodes[from].report(rows, leaving, self.now);
        for to in (0..self.nodes.len()).filter(|to| *to != from) {
            if !self.nodes[from].cut && self.rng.random_bool(0.98) {
                // Now and then so late that the next ones have overtaken it.
                let most = if self.rng.random_bool(0.05) { LATEST } else { 800 };
                self.after(0, most, Event::Report { to, report: Box::new(report.clone()) });
            }
        }
    }

    fn tell_pages(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        let (app, now) = (node.app(), node.wall(self.now));
        let mut told = Vec::new();
        for (number, page) in self.pages.iter_mut().enumerate().filter(|(_, page)| page.node == Some(index)) {
            let prospect = prospect(&app, &page.build, None);
            let facts = Facts { session: page.id, joined_at: page.joined_at, sights: &page.sights };
            if let Some(level) = plan(&app, &prospect, facts, now).level.filter(|level| level.told.is_none())
            {
                page.hear(level, now, &mut node.campaigns);
                told.push(Event::Act { page: number, campaign: level.campaign });
            }
        }
        self.totals.told += told.len() as u64;
        for act in told {
            self.after(500, 20_000, act);
        }
    }

    fn act(&mut self, page: usize, campaign: LogNumber) {
        let page = &mut self.pages[page];
        let Some(node) = page.node.map(|node| &mut self.nodes[node]) else { return };
        if let Some(current) = node.app().current.clone() {
            page.act(campaign, &current, &mut node.campaigns);
        }
    }

    fn propose(&mut self, node: usize, change: AppChange) {
        let id = Uuid::from_u128(self.rng.random());
        if let Some(draft) = self.nodes[node].write(change, id, self.now) {
            self.send(draft);
        }
    }

    /// It arrives, late perhaps, or it doesn't.
    fn send(&mut self, draft: Draft) {
        if self.rng.random_bool(0.9) {
            let most = if self.rng.random_bool(0.1) { 12_000 } else { 300 };
            self.after(0, most, Event::Append(Box::new(draft)));
        }
    }

    fn connect(&mut self, number: usize) {
        let there = |node: &&usize| self.nodes[**node].up && self.nodes[**node].frozen_until <= self.now;
        let all: Vec<usize> = (0..self.nodes.len()).collect();
        let ready: Vec<usize> = all.iter().filter(there).copied().collect();
        let page = &mut self.pages[number];
        if page.node.is_some() || page.lost {
            return;
        }
        let Some(&to) = ready.choose(&mut self.rng) else {
            return self.after(500, 3_000, Event::Connect(number));
        };
        match page.via.filter(|via| *via != to) {
            // The node before answers for itself, and gives its records.
            Some(via) if self.nodes[via].up && !self.nodes[via].cut && !self.nodes[to].cut => {
                page.leave(&mut self.nodes[via].campaigns);
                page.come(&mut self.nodes[to].campaigns);
                self.totals.moved += 1;
            }
            Some(via) => {
                if self.nodes[via].up {
                    page.leave(&mut self.nodes[via].campaigns);
                }
                page.lose_records();
                let from = self.nodes[via].name.clone();
                self.nodes[to].note_arrival(&from, &page.build);
            }
            None => {}
        }
        page.node = Some(to);
        page.via = Some(to);
        page.joined_at = self.nodes[to].wall(self.now);
    }

    /// Its pages look for other nodes.
    fn disperse(&mut self, node: usize) {
        for number in 0..self.pages.len() {
            if self.pages[number].node == Some(node) {
                self.pages[number].node = None;
                self.after(100, 5_000, Event::Connect(number));
            }
        }
    }

    /// What it knew of its pages, and of those that it has not given away yet, is gone with it.
    fn end(&mut self, node: usize) {
        self.disperse(node);
        self.pages.iter_mut().filter(|page| page.via == Some(node)).for_each(Page::lose_records);
        self.nodes[node].up = false;
    }

    fn operate(&mut self) {
        let node = self.rng.random_range(0..self.nodes.len());
        if !self.nodes[node].up || self.nodes[node].frozen_until > self.now {
            return;
        }
        let app = self.nodes[node].app();
        let campaigns: Vec<_> = app.campaigns.values().filter(|campaign| !campaign.ended).collect();
        let next = app.releases.len() + 1;
        let said = match (self.rng.random_range(0..6), campaigns.choose(&mut self.rng)) {
            (0, _) | (_, None) => json!({"kind": "release", "build": format!("b{next}"),
                "version": format!("{next}.0.0"), "severity": "important", "over": "10s"}),
            (1, _) => {
                json!({"kind": "minimum", "floor": {"version": format!("{}.0.0", next - 1)}, "reason": "CVE",
                "terms": {"over": "10s", "steps": [{"after": "0s", "action": "prompt"}, {"after": "15s",
                "action": "countdown"}]}})
            }
            (2, Some(campaign)) => json!({"kind": "pause", "campaign": campaign.number,
                "run": campaign.last_run().number, "reason": "too fast"}),
            (3 | 4, Some(campaign)) => json!({"kind": "resume", "campaign": campaign.number}),
            (_, Some(_)) => json!({"kind": "minimum_undo"}),
        };
        self.propose(node, change(said));
    }

    fn trouble(&mut self) {
        let node = self.rng.random_range(0..self.nodes.len());
        if !self.nodes[node].up {
            return;
        }
        match self.rng.random_range(0..5) {
            0 => {
                self.end(node);
                self.after(500, 25_000, Event::Start(node));
            }
            1 => {
                self.disperse(node);
                self.nodes[node].campaigns.clear();
                self.tell_others(node, true);
                self.end(node);
                self.after(2_000, 15_000, Event::Start(node));
            }
            2 => {
                let thaws = self.now + self.rng.random_range(500..25_000);
                self.nodes[node].frozen_until = thaws;
                self.disperse(node);
            }
            3 => {
                self.nodes[node].cut = true;
                self.after(500, 25_000, Event::Reach(node));
            }
            _ => self.nodes[node].skew = self.rng.random_range(-5_000..=5_000),
        }
    }

    fn heal(&mut self) {
        for node in 0..self.nodes.len() {
            self.nodes[node].cut = false;
            self.nodes[node].frozen_until = 0;
            if !self.nodes[node].up {
                self.start(node);
            }
        }
    }

    /// One of them ends. Its pages are on the others soon, but for some that nobody opens again.
    fn lose_a_node(&mut self) {
        let node = self.rng.random_range(0..self.nodes.len());
        for page in self.pages.iter_mut().filter(|page| page.node == Some(node)) {
            page.lost = self.rng.random_bool(0.3);
        }
        self.totals.lost += self.pages.iter().filter(|page| page.lost).count() as u64;
        // What it has said arrives before its first page does.
        self.nodes[node].cut = true;
        self.go_on_until(self.now + LATEST);
        self.end(node);
    }

    /// One that was never there comes while, or after, the others forget the one that has ended.
    fn add_a_node(&mut self) {
        let late = self.nodes.len();
        self.nodes.push(Node::new(late));
        self.after(0, MOURNED - KNOWN_WITHIN, Event::Start(late));
        self.totals.late += 1;
    }

    fn rows(&self, node: usize) -> Vec<BuildCount> {
        let here = self.pages.iter().filter(|page| page.node == Some(node));
        let count =
            |page: &Page| BuildCount { sessions: 1, joins: 1, ..BuildCount::none(page.build.clone()) };
        freshwire::core::census::merge(here.map(count))
    }

    /// Everybody has the same truth, and it is what really happened.
    fn agree(&mut self) {
        for number in &self.acknowledged {
            assert_eq!(self.log.truth(*number).0, Verdict::Valid, "entry {number} was acknowledged");
        }
        let mut census: BTreeMap<BuildId, (u64, u64)> = BTreeMap::new();
        for page in &self.pages {
            assert_eq!(page.node.is_none(), page.lost, "every page has found a node");
            let (sessions, away) = census.entry(page.build.clone()).or_default();
            *(if page.lost { away } else { sessions }) += 1;
        }
        let mut of_pages: BTreeMap<LogNumber, u64> = BTreeMap::new();
        for campaign in self.pages.iter().flat_map(Page::campaigns) {
            *of_pages.entry(campaign).or_default() += 1;
        }
        let mut first_cut_off = None;
        for (index, node) in self.nodes.iter().enumerate().filter(|(_, node)| node.up) {
            let (name, mono) = (&node.name, node.mono(self.now));
            assert_eq!(node.state.number, self.log.last(), "{name} knows all of the log");
            assert_eq!(node.roll.missing(mono), Vec::<String>::new(), "at {name}");
            assert!(node.roll.complete(mono), "at {name}");
            assert_eq!(node.census(self.rows(index)), census, "census at {name}");
            let cut_off = node.cut_off(self.now);
            assert_eq!(*first_cut_off.get_or_insert_with(|| cut_off.clone()), cut_off, "at {name}");
            let mut campaigns = node.campaigns.clone();
            node.roll.add_campaigns(&shop(), &mut campaigns);
            let targeted = campaigns.iter().map(|(campaign, tally)| (*campaign, tally.targeted));
            let targeted: BTreeMap<_, _> = targeted.filter(|(_, count)| *count > 0).collect();
            assert_eq!(targeted, of_pages, "campaigns at {name}");
        }
    }
}

fn change(said: Value) -> AppChange {
    serde_json::from_value(said).expect("a change")
}

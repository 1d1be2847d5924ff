//! The roll call: what the other nodes of a cluster said last of their sessions, and what becomes of it once one of them
//! is silent. Times are this node's own, by a clock that doesn't jump.
//!
//! `report` is what nodes say, `node` what is made of one, and here is what they come to together.

mod node;
mod report;

use std::{collections::BTreeMap, time::Duration};

use self::node::Node;
pub use self::report::{AppReport, Arrival, BackEndReport, Came, CameFrom, Lived, Remains, Report};
use super::{
    census::BuildCount,
    names::{AppName, BuildId, LogNumber},
    tally::{self, Campaigns},
};

/// A node says its report at least so often.
pub const TOLD_EVERY: Duration = Duration::from_secs(3);
/// What has changed is told no more often than this.
pub const TOLD_AT_MOST_EVERY: Duration = Duration::from_secs(1);
/// A node that has been silent for longer is named as missing.
pub const MISSING_AFTER: Duration = Duration::from_secs(4);
/// A node that has been silent for longer is forgotten: its sessions count as away.
pub const FORGOTTEN_AFTER: Duration = Duration::from_secs(10);
/// Pages of a node that vanished without a goodbye may be connected to it still for so long, until they are heard of
/// elsewhere, or the node is.
const MAY_LIVE_FOR: Duration = Duration::from_hours(1);
/// How long what a node leaves behind is counted: as long as a session may be away.
const KEPT: Duration = Duration::from_hours(14 * 24);
/// Most nodes of which that is kept; the latest.
const MOST_GONE: usize = 256;
/// What a node's clock shows at its start: what the others remember from before has its place there, too.
pub const STARTS_AT: Duration = KEPT;
/// One that has started, or is back, is told for so long what the others remember: by then they know of those, too, who
/// fell silent just before.
const TOLD_OF_OTHERS_FOR: Duration = FORGOTTEN_AFTER;

/// The other nodes, as this one has heard of them.
#[derive(Debug)]
pub struct RollCall {
    /// This node's name, and which of its starts this is.
    me: String,
    incarnation: u64,
    warmup: Duration,
    /// After so long everybody who is there has been heard.
    heard_all_after: Duration,
    nodes: BTreeMap<String, Node>,
    /// Pages that came here, by the node that they came from: it may be heard of, or told of, later.
    own: BTreeMap<String, BTreeMap<Arrival, u64>>,
    /// Since when it hears without a break. None: it is cut off.
    hears_since: Option<Duration>,
    looked_at: Duration,
    /// Another node with this one's name, and when it was heard last.
    namesake: Option<(String, Duration)>,
}

impl RollCall {
    /// Nobody has been heard by the node called `me`. `warmup`: how long the pages of a node that is gone may take to find
    /// another. `peer_timeout`: how long an answer may take. Nodes answer the first report of another's start with their own,
    /// within [`TOLD_AT_MOST_EVERY`].
    pub fn new(me: String, incarnation: u64, warmup: Duration, peer_timeout: Duration) -> Self {
        Self {
            me,
            incarnation,
            warmup,
            heard_all_after: TOLD_AT_MOST_EVERY + peer_timeout,
            nodes: BTreeMap::new(),
            own: BTreeMap::new(),
            hears_since: None,
            looked_at: Duration::ZERO,
            namesake: None,
        }
    }

    /// Another node's report. False: it is older than what is known.
    pub fn hear(&mut self, mut report: Report, now: Duration) -> bool {
        if let Some(known) =
            self.nodes.get_mut(&report.node).filter(|node| !node.is_followed_by(&report, now))
        {
            if report.incarnation != known.report.incarnation {
                known.namesake_at = Some(now);
            }
            return false;
        }
        for (from, arrival, total) in report.arrivals() {
            if let Some(node) = self.nodes.get_mut(from) {
                node.count(arrival, total);
            }
        }
        let remains = std::mem::take(&mut report.remains);
        let is_new = self.is_new(&report);
        let mut node = Node {
            heard_at: now,
            since: now,
            gone_at: report.has_left().then_some(now),
            ..Node::new(report)
        };
        match self.nodes.remove(&node.report.node) {
            Some(known) => {
                // One that has started again has read the log anew.
                node.disagrees = known.disagrees && known.report.incarnation == node.report.incarnation;
                node.namesake_at = known.namesake_at;
                node.since = if is_new { now } else { known.since };
                node.came = known.came;
                node.came.retain(|arrival, _| self.is_of_now(arrival));
            }
            None => self.count_arrivals(&mut node),
        }
        node.came.values_mut().for_each(|came| came.before = came.total);
        node.returned.clear();
        self.nodes.insert(node.report.node.clone(), node);
        for remains in remains {
            self.take_over(remains, now);
        }
        true
    }

    /// A report is the first of this start of a node, or since it was gone.
    pub fn is_new(&self, report: &Report) -> bool {
        let known = self.nodes.get(&report.node);
        known.is_none_or(|node| node.report.incarnation != report.incarnation || node.gone_at.is_some())
    }

    /// What another node remembers of one that was not heard here: it is silent, or gone, as it is there.
    fn take_over(&mut self, Remains { report, gone, came }: Remains, now: Duration) {
        let is_older = |known: &Node| {
            known.gone_at.is_some()
                && (known.report.incarnation, known.report.seq) < (report.incarnation, report.seq)
        };
        if report.node == self.me || !self.nodes.get(&report.node).is_none_or(is_older) {
            return;
        }
        let mut node = Node {
            heard_at: now.saturating_sub(MISSING_AFTER),
            gone_at: gone.map(|gone| now.saturating_sub(gone.std())),
            ..Node::new(report)
        };
        for (arrival, Came { total, before }) in came {
            node.came.insert(arrival.clone(), Came { total: before, before });
            node.count(arrival, total);
        }
        self.count_arrivals(&mut node);
        self.nodes.insert(node.report.node.clone(), node);
    }

    /// What this node remembers of those that are silent or gone, if one has started lately; none, if another node tells
    /// of them: the first by name that was there before.
    pub fn remains(&self, now: Duration) -> Vec<Remains> {
        let newcomer = |node: &Node| now.saturating_sub(node.since) < TOLD_OF_OTHERS_FOR;
        let tells = |node: &Node| !newcomer(node) && !node.report.leaving && !self.is_missing(node, now);
        if !self.there().any(newcomer) || self.there().any(|node| tells(node) && node.report.node < self.me) {
            return Vec::new();
        }
        let counts =
            |node: &&Node| self.is_missing(node, now) || node.gone_at.is_some() && node.has_left_any();
        self.nodes.values().filter(counts).map(|node| node.remains(now)).collect()
    }

    /// Counts what was said of a node's pages before it was known.
    fn count_arrivals(&self, node: &mut Node) {
        for (from, arrival, total) in self.nodes.values().flat_map(|other| other.report.arrivals()) {
            if from == node.report.node {
                node.count(arrival, total);
            }
        }
        for (arrival, total) in self.own.get(&node.report.node).into_iter().flatten() {
            node.count(arrival.clone(), *total);
        }
    }

    /// The node that they came to goes on counting them.
    fn is_of_now(&self, Arrival { to, incarnation, .. }: &Arrival) -> bool {
        *to == self.me || self.nodes.get(to).is_some_and(|node| node.report.incarnation == *incarnation)
    }

    /// Another node says that it has this one's name. Nobody can count both.
    pub fn hear_namesake(&mut self, name: &str, now: Duration) {
        self.namesake = Some((name.to_owned(), now));
    }

    /// Pages came here that a node had which could not hand them over: they are not away there. `total`: since the start.
    pub fn arrived(&mut self, from: &str, app: &AppName, build: &BuildId, total: u64) {
        let (to, incarnation) = (self.me.clone(), self.incarnation);
        let arrival = Arrival { to, incarnation, app: app.clone(), build: build.clone() };
        let known = self.own.entry(from.to_owned()).or_default().entry(arrival.clone()).or_default();
        *known = total.max(*known);
        if let Some(node) = self.nodes.get_mut(from) {
            node.count(arrival, total);
        }
    }

    /// A node of this name has been heard, and is not long gone.
    pub fn knows(&self, node: &str) -> bool {
        self.nodes.contains_key(node)
    }

    /// This node hears the others, or is cut off from them. Nobody is forgotten for what this node could not hear.
    pub fn hears(&mut self, hears: bool, now: Duration) {
        self.hears_since = hears.then(|| self.hears_since.unwrap_or(now));
    }

    /// Forgets those that have been silent for too long, and says who they are. To be called every second or so.
    pub fn forget_silent(&mut self, now: Duration) -> Vec<String> {
        let looked_at = std::mem::replace(&mut self.looked_at, now);
        // This node was frozen itself: the others may have said anything meanwhile.
        if self.hears_since.is_some() && now.saturating_sub(looked_at) > MISSING_AFTER {
            self.hears_since = Some(now);
        }
        let Some(hears_since) = self.hears_since else { return Vec::new() };
        let mut forgotten = Vec::new();
        for (name, node) in self.nodes.iter_mut().filter(|(_, node)| node.gone_at.is_none()) {
            if now.saturating_sub(node.heard_at.max(hears_since)) > FORGOTTEN_AFTER {
                node.gone_at = Some(now);
                forgotten.push(name.clone());
            }
        }
        self.drop_old(now);
        forgotten
    }

    /// What was left behind long ago, or by too many, is counted no more.
    fn drop_old(&mut self, now: Duration) {
        let mut gone: Vec<_> = self.gone().map(|(at, node)| (at, node.report.node.clone())).collect();
        gone.sort_unstable();
        let too_many = gone.len().saturating_sub(MOST_GONE);
        for (index, (at, name)) in gone.into_iter().enumerate() {
            if index < too_many || now.saturating_sub(at) > KEPT {
                self.nodes.remove(&name);
            }
        }
    }

    /// The other nodes that are there, by name, and how old their reports are.
    pub fn nodes(&self, now: Duration) -> impl Iterator<Item = (&Report, Duration)> {
        self.there().map(move |node| (&node.report, now.saturating_sub(node.heard_at)))
    }

    fn there(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values().filter(|node| node.gone_at.is_none())
    }

    fn gone(&self) -> impl Iterator<Item = (Duration, &Node)> {
        self.nodes.values().filter_map(|node| Some((node.gone_at?, node)))
    }

    fn is_missing(&self, node: &Node, now: Duration) -> bool {
        match node.gone_at {
            None => now.saturating_sub(node.heard_at) > MISSING_AFTER,
            Some(at) => !node.report.has_left() && now.saturating_sub(at) < self.warmup,
        }
    }

    /// Nodes that were not heard lately, and those that were forgotten and whose pages may not have found another yet.
    pub fn missing(&self, now: Duration) -> Vec<String> {
        let lately = |at: &Duration| now.saturating_sub(*at) < FORGOTTEN_AFTER;
        let doubled = |node: &&Node| node.namesake_at.as_ref().is_some_and(lately);
        let missing = self.nodes.values().filter(|node| self.is_missing(node, now) || doubled(node));
        let namesake = self.namesake.as_ref().filter(|(_, at)| lately(at)).map(|(name, _)| name.clone());
        missing.map(|node| node.report.node.clone()).chain(namesake).collect()
    }

    /// Nodes that vanished without a goodbye, with those of their sessions of an app that may be connected to them still:
    /// a node that is cut off from the others keeps its pages.
    pub fn cut_off(&self, app: &AppName, now: Duration) -> Vec<(String, Vec<BuildCount>)> {
        let vanished = |(at, node): &(Duration, &Node)| {
            !node.report.has_left() && now.saturating_sub(*at) < MAY_LIVE_FOR
        };
        let gone = self.gone().filter(vanished).map(|(_, node)| node);
        gone.map(|node| (node.report.node.clone(), node.not_seen_again(app, |row| row.sessions))).collect()
    }

    /// Every node has been heard lately: this one hears, and has listened for long enough to know who is there.
    pub fn complete(&self, now: Duration) -> bool {
        let hears = self.hears_since.is_some_and(|since| now.saturating_sub(since) > MISSING_AFTER);
        // Frozen until just now: what was heard since may have waited as long.
        let awake = now.saturating_sub(self.looked_at) <= MISSING_AFTER;
        hears && awake && self.missing(now).is_empty()
    }

    /// Whoever is there has been heard. None: it is cut off; else in how long that will be so.
    pub fn heard_all_in(&self, now: Duration) -> Option<Duration> {
        Some((self.hears_since? + self.heard_all_after).saturating_sub(now))
    }

    /// Pages of another node may still be finding their way back.
    pub fn warming(&self, now: Duration) -> bool {
        self.there().any(|node| node.report.warming)
            || self.gone().any(|(at, _)| now.saturating_sub(at) < self.warmup)
    }

    /// Another node is sending its sessions away.
    pub fn leaving(&self) -> bool {
        self.there().any(|node| node.report.leaving)
    }

    /// Whether this node, if it isn't leaving, does what only one of them has to do.
    pub fn on_duty(&self, now: Duration) -> bool {
        self.heard_all_in(now).is_some_and(|time| time.is_zero())
            && self.there().all(|node| node.report.leaving || self.me < node.report.node)
    }

    /// The oldest version of entries that one of the other nodes understands, and which node that is.
    pub fn least_fold(&self) -> Option<(u32, &str)> {
        self.there().map(|node| (node.report.fold, node.report.node.as_str())).min()
    }

    /// Compares this node's state with that of those whose log goes as far.
    pub fn compare(&mut self, number: LogNumber, fold: u32, digest: &str) {
        for node in self.nodes.values_mut() {
            let report = &node.report;
            if (report.number, report.fold) == (number, fold)
                && let Some(theirs) = &report.digest
            {
                node.disagrees = theirs != digest;
            }
        }
    }

    /// Nodes whose state wasn't the same at the same number, by name.
    pub fn disagree(&self) -> Vec<String> {
        self.there().filter(|node| node.disagrees).map(|node| node.report.node.clone()).collect()
    }

    /// An app's reports of the nodes that are there, by node.
    pub fn of<'a>(&'a self, app: &'a AppName) -> impl Iterator<Item = (&'a Report, &'a AppReport)> {
        self.there().filter_map(|node| Some((&node.report, node.report.apps.get(app)?)))
    }

    /// The other nodes' sessions of an app; those of nodes that are gone are away, unless they have come back elsewhere.
    pub fn rows(&self, app: &AppName) -> Vec<BuildCount> {
        let there = self.of(app).flat_map(|(_, of_app)| of_app.rows.iter().cloned());
        there.chain(self.gone().flat_map(|(_, node)| node.left_behind(app))).collect()
    }

    /// Adds the other nodes' campaigns of an app to this one's.
    pub fn add_campaigns(&self, app: &AppName, own: &mut Campaigns) {
        for (_, of_app) in self.of(app) {
            tally::add(own, &of_app.campaigns);
        }
    }
}

//! The roll call: what the other nodes of a cluster said last of their sessions, and what becomes of it once one of them
//! is silent. Times are this node's own, by a clock that doesn't jump.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{
    census::BuildCount,
    names::{AppName, BuildId, InstanceName, LogNumber, Need},
    push::Reached,
    rollout::ProbeReading,
    tally::{self, Campaigns},
    time::{Moment, Period},
};

/// A node says its report at least so often.
pub const TOLD_EVERY: Duration = Duration::from_secs(3);
/// A node that has been silent for longer is named as missing.
pub const MISSING_AFTER: Duration = Duration::from_secs(4);
/// A node that has been silent for longer is forgotten: its sessions count as away.
pub const FORGOTTEN_AFTER: Duration = Duration::from_secs(10);
/// How long what a node leaves behind is counted: as long as a session may be away.
const KEPT: Duration = Duration::from_hours(14 * 24);
/// Most nodes of which that is kept; the latest.
const MOST_GONE: usize = 256;

/// What a node says of itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// Its name.
    pub node: String,
    /// Which of its starts this is: a later one has a greater number.
    pub incarnation: u64,
    /// Grows from report to report.
    pub seq: u64,
    /// How far its log goes.
    pub number: LogNumber,
    /// What its state comes to there.
    pub digest: Option<String>,
    /// The version of the log's entries that it understands.
    pub fold: u32,
    /// All of its sessions.
    pub sessions: u64,
    /// It has started lately, and its pages are still finding their way back.
    pub warming: bool,
    /// It takes no more sessions and sends those that it has away.
    pub leaving: bool,
    /// What it knows of each app.
    pub apps: BTreeMap<AppName, AppReport>,
}

/// What a node knows of the sessions of an app.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AppReport {
    /// Its sessions by build, with their pasts.
    pub rows: Vec<BuildCount>,
    /// How many times pasts were forgotten.
    pub forgotten: u64,
    /// Where its sessions are in their campaigns.
    pub campaigns: Campaigns,
    /// What became of pushes there.
    pub pushes: BTreeMap<LogNumber, Reached>,
    /// Back ends that report in there.
    pub back_ends: BTreeMap<InstanceName, BackEndReport>,
    /// How pages get along on builds that may settle for it.
    pub organic: BTreeMap<BuildId, Lived>,
    /// What origins said, if it is the one who asks them.
    pub probes: Vec<ProbeReading>,
    /// Pages that came to it from nodes that could not hand them over, since its start.
    pub came_from: Vec<CameFrom>,
}

/// What a back-end instance said last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackEndReport {
    /// What it runs.
    pub build: BuildId,
    /// What it offers.
    pub provides: BTreeSet<Need>,
    /// How long it counts.
    pub ttl: Period,
    /// When it said so.
    pub at: Moment,
    /// How long ago that was.
    pub age: Period,
    /// It said that it stops.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub left: bool,
}

/// How pages get along on a build.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lived {
    /// Connected pages that have run for long enough.
    pub pages: u64,
    /// When one of the build's pages saw last that a part of it is not served.
    pub failed_at: Option<Moment>,
}

/// Pages that came from a node that could not hand them over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CameFrom {
    /// From which node.
    pub node: String,
    /// What they run.
    #[serde(deserialize_with = "BuildId::of_row")]
    pub build: BuildId,
    /// How many.
    pub sessions: u64,
}

/// The other nodes, as this one has heard of them.
#[derive(Debug)]
pub struct RollCall {
    warmup: Duration,
    nodes: BTreeMap<String, Node>,
    /// Since when it hears without a break. None: it is cut off.
    hears_since: Option<Duration>,
    looked_at: Duration,
}

#[derive(Debug)]
struct Node {
    report: Report,
    heard_at: Duration,
    /// When it said goodbye, or was forgotten.
    gone_at: Option<Duration>,
    /// Pages of its own that have come to other nodes since its last report.
    returned: BTreeMap<AppName, BTreeMap<BuildId, u64>>,
}

impl RollCall {
    /// Nobody has been heard. `warmup`: how long the pages of a node that is gone may take to find another.
    pub const fn new(warmup: Duration) -> Self {
        Self { warmup, nodes: BTreeMap::new(), hears_since: None, looked_at: Duration::ZERO }
    }

    /// Another node's report. False: it is older than what is known.
    pub fn hear(&mut self, report: Report, now: Duration) -> bool {
        let known = self.nodes.get(&report.node);
        if known.is_some_and(|node| !node.is_followed_by(&report, now)) {
            return false;
        }
        for (app, came) in arrivals(known.map(|node| &node.report), &report) {
            self.arrived(&came.node, &app, &came.build, came.sessions);
        }
        let gone_at = report.has_left().then_some(now);
        let node = Node { heard_at: now, gone_at, returned: BTreeMap::new(), report };
        self.nodes.insert(node.report.node.clone(), node);
        true
    }

    /// Pages came that a node had which could not hand them over: they are not away there.
    pub fn arrived(&mut self, from: &str, app: &AppName, build: &BuildId, sessions: u64) {
        if let Some(node) = self.nodes.get_mut(from) {
            *node.returned.entry(app.clone()).or_default().entry(build.clone()).or_default() += sessions;
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

    /// Nodes that were not heard lately, and those that were forgotten and whose pages may not have found another yet.
    pub fn missing(&self, now: Duration) -> Vec<String> {
        let missing = |node: &&Node| match node.gone_at {
            None => now.saturating_sub(node.heard_at) > MISSING_AFTER,
            Some(at) => !node.report.has_left() && now.saturating_sub(at) < self.warmup,
        };
        self.nodes.values().filter(missing).map(|node| node.report.node.clone()).collect()
    }

    /// Every node has been heard lately: this one hears, and has listened for long enough to know who is there.
    pub fn complete(&self, now: Duration) -> bool {
        let hears = self.hears_since.is_some_and(|since| now.saturating_sub(since) > MISSING_AFTER);
        hears && self.missing(now).is_empty()
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

    /// Whether a node called `me`, which isn't leaving, does what only one of them has to do.
    pub fn on_duty(&self, me: &str) -> bool {
        self.hears_since.is_some()
            && self.there().all(|node| node.report.leaving || me < node.report.node.as_str())
    }

    /// The oldest version of entries that one of the other nodes understands, and which node that is.
    pub fn least_fold(&self) -> Option<(u32, &str)> {
        self.there().map(|node| (node.report.fold, node.report.node.as_str())).min()
    }

    /// Nodes whose log goes as far and whose state isn't the same.
    pub fn disagree(&self, number: LogNumber, fold: u32, digest: &str) -> Vec<String> {
        let at_same = |report: &&Report| (report.number, report.fold) == (number, fold);
        let other = |report: &&Report| report.digest.as_ref().is_some_and(|theirs| theirs != digest);
        let reports = self.there().map(|node| &node.report);
        reports.filter(at_same).filter(other).map(|report| report.node.clone()).collect()
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

impl Report {
    /// This is the last of its node: nobody is left there.
    pub const fn has_left(&self) -> bool {
        self.leaving && self.sessions == 0
    }

    fn came_from(&self) -> BTreeMap<(&AppName, &str, &BuildId), u64> {
        let mut came_from = BTreeMap::new();
        for (app, of_app) in &self.apps {
            for came in &of_app.came_from {
                came_from.insert((app, came.node.as_str(), &came.build), came.sessions);
            }
        }
        came_from
    }
}

/// Who came to a node from which since an earlier report.
fn arrivals(before: Option<&Report>, now: &Report) -> Vec<(AppName, CameFrom)> {
    let before = before.filter(|before| before.incarnation == now.incarnation);
    let known = before.map(Report::came_from).unwrap_or_default();
    let mut arrivals = Vec::new();
    for ((app, from, build), sessions) in now.came_from() {
        let sessions = sessions.saturating_sub(known.get(&(app, from, build)).copied().unwrap_or(0));
        if sessions > 0 {
            arrivals.push((app.clone(), CameFrom { node: from.to_owned(), build: build.clone(), sessions }));
        }
    }
    arrivals
}

impl Node {
    fn is_followed_by(&self, report: &Report, now: Duration) -> bool {
        let quiet = self.gone_at.is_some() || now.saturating_sub(self.heard_at) > MISSING_AFTER;
        if report.incarnation == self.report.incarnation {
            report.seq > self.report.seq
        } else {
            // Incarnations go by the wall clock, which may have been set back over a restart.
            report.incarnation > self.report.incarnation || quiet
        }
    }

    /// Its sessions, away now, without those that have come back elsewhere: they are taken from the row of the build
    /// that they came back with, and from any others when they came back on a new one.
    fn left_behind(&self, app: &AppName) -> Vec<BuildCount> {
        let rows = self.report.apps.get(app).map(|of_app| of_app.rows.as_slice()).unwrap_or_default();
        let mut returned = self.returned.get(app).cloned().unwrap_or_default();
        let mut left: Vec<_> = rows
            .iter()
            .map(|row| BuildCount {
                reported: row.reported.clone(),
                away: row.sessions + row.away,
                ..BuildCount::none(row.build.clone())
            })
            .collect();
        for row in &mut left {
            if let Some(back) = returned.get_mut(&row.build) {
                take(&mut row.away, back);
            }
        }
        let mut on_other_builds: u64 = returned.values().sum();
        for row in &mut left {
            take(&mut row.away, &mut on_other_builds);
        }
        left.retain(|row| row.away > 0);
        left
    }
}

fn take(from: &mut u64, much: &mut u64) {
    let taken = (*from).min(*much);
    *from -= taken;
    *much -= taken;
}

#[cfg(test)]
mod tests {
    use super::*;

    const WARMUP: Duration = Duration::from_mins(1);

    fn app() -> AppName {
        "shop".parse().unwrap()
    }

    fn build(name: &str) -> BuildId {
        name.parse().unwrap()
    }

    fn row(name: &str, sessions: u64, away: u64) -> BuildCount {
        BuildCount { sessions, away, joins: sessions, ..BuildCount::none(build(name)) }
    }

    fn report(node: &str, seq: u64, rows: Vec<BuildCount>) -> Report {
        let sessions = rows.iter().map(|row| row.sessions).sum();
        let apps = BTreeMap::from([(app(), AppReport { rows, ..AppReport::default() })]);
        Report { node: node.to_owned(), incarnation: 1, seq, sessions, apps, ..Report::default() }
    }

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    /// Heard at 0 s, and looked at every second until `until`.
    fn silent_since_0(reports: Vec<Report>, until: u64) -> RollCall {
        let mut roll = RollCall::new(WARMUP);
        roll.hears(true, secs(0));
        for report in reports {
            assert!(roll.hear(report, secs(0)));
        }
        for second in 1..=until {
            roll.forget_silent(secs(second));
        }
        roll
    }

    fn counts(roll: &RollCall) -> (u64, u64) {
        let rows = roll.rows(&app());
        (rows.iter().map(|row| row.sessions).sum(), rows.iter().map(|row| row.away).sum())
    }

    #[test]
    fn a_silent_node_is_named_before_it_is_forgotten_and_its_sessions_are_away_then() {
        let node = || vec![report("b", 1, vec![row("b1", 5, 2)])];
        let roll = silent_since_0(node(), 4);
        assert!(roll.missing(secs(4)).is_empty());
        assert_eq!(roll.missing(secs(5)), ["b"]);
        let roll = silent_since_0(node(), 10);
        assert_eq!((roll.missing(secs(10)), roll.complete(secs(10))), (vec!["b".to_owned()], false));
        assert_eq!((counts(&roll), roll.warming(secs(10))), ((5, 2), false), "it may only be slow");
        let roll = silent_since_0(node(), 11);
        assert_eq!((counts(&roll), roll.warming(secs(11))), ((0, 7), true));
        assert_eq!(roll.missing(secs(70)), ["b"], "its pages may not have found another yet");
        assert!(roll.missing(secs(71)).is_empty() && !roll.warming(secs(71)) && roll.complete(secs(71)));
        assert_eq!((roll.nodes(secs(71)).count(), counts(&roll)), (0, (0, 7)));
    }

    #[test]
    fn a_node_that_says_goodbye_is_not_missing_and_its_away_stay() {
        let goodbye = Report { leaving: true, ..report("b", 2, vec![row("b1", 0, 3)]) };
        let roll = silent_since_0(vec![report("b", 1, vec![row("b1", 2, 3)]), goodbye], 20);
        assert!(roll.missing(secs(20)).is_empty() && roll.complete(secs(20)));
        assert_eq!((counts(&roll), roll.nodes(secs(20)).count()), ((0, 3), 0));
        let leaving = Report { leaving: true, ..report("b", 1, vec![row("b1", 2, 0)]) };
        let roll = silent_since_0(vec![leaving], 6);
        assert_eq!(
            (roll.missing(secs(6)), roll.leaving()),
            (vec!["b".to_owned()], true),
            "killed on its way out"
        );
    }

    #[test]
    fn pages_that_come_back_elsewhere_are_not_away_at_the_node_that_is_gone() {
        let mut roll = silent_since_0(vec![report("b", 1, vec![row("b1", 5, 0), row("b2", 2, 0)])], 3);
        let came = |seq, build_name: &str, sessions| {
            let mut report = report("c", seq, Vec::new());
            let came = CameFrom { node: "b".to_owned(), build: build(build_name), sessions };
            report.apps.get_mut(&app()).unwrap().came_from.push(came);
            report
        };
        assert!(roll.hear(came(1, "b1", 2), secs(3)));
        assert!(roll.hear(came(2, "b1", 3), secs(4)), "one more");
        roll.arrived("b", &app(), &build("b2"), 1);
        for second in 4..=12 {
            roll.forget_silent(secs(second));
            roll.hear(came(second, "b1", 3), secs(second));
        }
        let away = |roll: &RollCall, name: &str| {
            roll.rows(&app()).iter().find(|row| row.build == build(name)).map(|row| row.away)
        };
        assert_eq!((away(&roll, "b1"), away(&roll, "b2")), (Some(2), Some(1)));
        roll.arrived("b", &app(), &build("b9"), 2);
        assert_eq!(counts(&roll), (0, 1), "on a build that it didn't have: from any of its rows");
        roll.arrived("b", &app(), &build("b1"), 50);
        assert_eq!(counts(&roll), (0, 0));
        assert!(roll.hear(report("b", 2, vec![row("b1", 5, 0)]), secs(13)));
        assert_eq!(counts(&roll), (5, 0), "what it says itself counts again");
        assert!(roll.missing(secs(13)).is_empty());
    }

    #[test]
    fn a_late_report_changes_nothing_and_a_restarted_node_is_heard() {
        let mut roll = silent_since_0(vec![report("b", 5, vec![row("b1", 5, 0)])], 1);
        assert!(!roll.hear(report("b", 4, vec![row("b1", 1, 0)]), secs(1)));
        assert!(!roll.hear(Report { incarnation: 0, ..report("b", 9, Vec::new()) }, secs(1)));
        assert_eq!(counts(&roll), (5, 0));
        assert!(roll.hear(Report { incarnation: 2, ..report("b", 1, Vec::new()) }, secs(2)));
        assert_eq!(counts(&roll), (0, 0));
        let earlier_clock = Report { incarnation: 1, ..report("b", 1, vec![row("b1", 1, 0)]) };
        assert!(roll.hear(earlier_clock, secs(8)), "its clock was set back, and it has been silent");
        assert_eq!(counts(&roll), (1, 0));
    }

    #[test]
    fn who_was_cut_off_or_frozen_itself_forgets_nobody_for_it() {
        let mut roll = silent_since_0(vec![report("b", 1, vec![row("b1", 5, 0)])], 3);
        roll.hears(false, secs(3));
        for second in 4..60 {
            assert!(roll.forget_silent(secs(second)).is_empty());
        }
        assert_eq!((roll.missing(secs(59)), roll.complete(secs(59))), (vec!["b".to_owned()], false));
        assert!(!roll.on_duty("a"), "nobody could be asked to confirm it");
        roll.hears(true, secs(60));
        roll.hears(true, secs(65));
        for second in 60..=70 {
            assert!(roll.forget_silent(secs(second)).is_empty(), "it gets the time to be heard again");
        }
        assert_eq!(roll.forget_silent(secs(71)), ["b"]);
        let mut frozen = silent_since_0(vec![report("b", 1, Vec::new())], 3);
        assert!(frozen.forget_silent(secs(600)).is_empty());
        assert!(frozen.hear(report("b", 2, Vec::new()), secs(600)));
    }

    #[test]
    fn nobody_is_known_to_be_there_before_all_have_had_the_time_to_say_so() {
        let mut roll = RollCall::new(WARMUP);
        assert!(!roll.complete(secs(9)), "it hears nothing");
        roll.hears(true, secs(10));
        assert!(!roll.complete(secs(14)));
        assert!(roll.complete(secs(15)));
    }

    #[test]
    fn one_is_on_duty() {
        let mut roll = silent_since_0(vec![report("b", 1, Vec::new()), report("c", 1, Vec::new())], 1);
        assert!(roll.on_duty("a") && !roll.on_duty("d"));
        let leaving = Report { leaving: true, sessions: 1, ..report("b", 2, Vec::new()) };
        assert!(roll.hear(leaving, secs(1)));
        assert!(roll.on_duty("bb") && !roll.on_duty("d"));
    }

    #[test]
    fn a_report_of_a_newer_node_is_read() {
        let json =
            r#"{"node":"b","incarnation":1,"seq":1,"mood":"fine","apps":{"shop":{"rows":[],"weather":7}}}"#;
        let read: Report = serde_json::from_str(json).unwrap();
        assert!(read.apps.contains_key(&app()));
        let written = report("b", 1, vec![BuildCount { build: BuildId::others(), ..row("b1", 1, 2) }]);
        let json = serde_json::to_string(&written).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), written);
    }

    #[test]
    fn states_that_differ_at_the_same_number_are_named() {
        let says = |node: &str, number, digest: &str| Report {
            number: LogNumber(number),
            digest: Some(digest.to_owned()),
            ..report(node, 1, Vec::new())
        };
        let roll = silent_since_0(vec![says("b", 7, "x"), says("c", 7, "y"), says("d", 8, "z")], 1);
        assert_eq!(roll.disagree(LogNumber(7), 0, "x"), ["c"]);
    }
}

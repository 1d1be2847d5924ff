//! What nodes say of themselves in the roll call, and of others that are silent or gone.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::core::{
    census::BuildCount,
    count,
    names::{AppName, BuildId, InstanceName, LogNumber, Need},
    push::Reached,
    rollout::ProbeReading,
    tally::Campaigns,
    time::{Moment, Period},
};

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
    #[serde(deserialize_with = "count::heard")]
    pub sessions: u64,
    /// It has started lately, and its pages are still finding their way back.
    pub warming: bool,
    /// It takes no more sessions and sends those that it has away.
    pub leaving: bool,
    /// What it knows of each app.
    pub apps: BTreeMap<AppName, AppReport>,
    /// What it remembers of others, for those that have started lately.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remains: Vec<Remains>,
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
    #[serde(deserialize_with = "count::heard")]
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
    #[serde(deserialize_with = "count::heard")]
    pub sessions: u64,
}

/// What is remembered of a node that is silent or gone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Remains {
    /// Its last report: of its apps only who was counted.
    pub report: Report,
    /// How long ago it said goodbye or was forgotten. None: it is silent.
    pub gone: Option<Period>,
    /// Pages of its own that have come to other nodes.
    pub came: Vec<(Arrival, Came)>,
}

/// Pages that came to a node from one that could not hand them over.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Arrival {
    /// To which node.
    pub to: String,
    /// In which of its starts.
    pub incarnation: u64,
    /// Of which app.
    pub app: AppName,
    /// What they run.
    #[serde(deserialize_with = "BuildId::of_row")]
    pub build: BuildId,
}

/// How many came, counted since the start of the node that they came to: what is said twice counts once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Came {
    /// In all.
    #[serde(deserialize_with = "count::heard")]
    pub total: u64,
    /// Before the last report of the node that they came from, which doesn't count these itself any more.
    #[serde(deserialize_with = "count::heard")]
    pub before: u64,
}

impl Report {
    /// This is the last of its node: nobody is left there.
    pub const fn has_left(&self) -> bool {
        self.leaving && self.sessions == 0
    }

    /// Who came to the node from which, as it says itself.
    pub(super) fn arrivals(&self) -> impl Iterator<Item = (&str, Arrival, u64)> {
        let all =
            self.apps.iter().flat_map(|(app, of_app)| of_app.came_from.iter().map(move |came| (app, came)));
        all.map(|(app, CameFrom { node, build, sessions })| {
            let (to, incarnation) = (self.node.clone(), self.incarnation);
            (node.as_str(), Arrival { to, incarnation, app: app.clone(), build: build.clone() }, *sessions)
        })
    }
}

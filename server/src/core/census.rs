//! The census: sessions counted by build, judged once a build.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    app::App,
    count,
    judge::{Standing, Why, judge},
    names::{AppName, BuildId, LogNumber},
    order::Version,
    time::Moment,
};

/// One node's sessions on one build, as its registry counts them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildCount {
    /// Which build.
    #[serde(deserialize_with = "BuildId::of_row")]
    pub build: BuildId,
    /// The version that its pages report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported: Option<Version>,
    /// Connected or polling.
    #[serde(default, deserialize_with = "count::heard", skip_serializing_if = "is_none")]
    pub sessions: u64,
    /// Of these, seen by somebody.
    #[serde(default, deserialize_with = "count::heard", skip_serializing_if = "is_none")]
    pub visible: u64,
    /// Of these, with a hold.
    #[serde(default, deserialize_with = "count::heard", skip_serializing_if = "is_none")]
    pub held: u64,
    /// Of these, by polling.
    #[serde(default, deserialize_with = "count::heard", skip_serializing_if = "is_none")]
    pub polling: u64,
    /// Vanished without a goodbye in the last 14 days.
    #[serde(default, deserialize_with = "count::heard", skip_serializing_if = "is_none")]
    pub away: u64,
    /// Sessions that joined since the node's start; never goes down.
    #[serde(default, deserialize_with = "count::heard", skip_serializing_if = "is_none")]
    pub joins: u64,
    /// Sessions that vanished since the node's start; never goes down.
    #[serde(default, deserialize_with = "count::heard", skip_serializing_if = "is_none")]
    pub vanished: u64,
    /// When the connection that has lasted longest began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest_connected_at: Option<Moment>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

/// All nodes' counts put together and judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Census {
    /// Which app.
    pub app: AppName,
    /// Its last log number.
    pub number: LogNumber,
    /// When it was counted.
    pub as_of: Moment,
    /// Connected or polling.
    pub sessions: u64,
    /// The build that pages should be on.
    pub current: Option<BuildId>,
    /// The lowest that is supported, as the operator named it.
    pub minimum: Option<String>,
    /// Every node has answered.
    pub complete: bool,
    /// A node has started lately, and its pages are still finding their way back.
    pub warming: bool,
    /// Who has answered.
    pub nodes: Vec<NodeCount>,
    /// Who hasn't.
    pub missing: Vec<String>,
    /// Newest release first, unregistered builds last.
    pub rows: Vec<Row>,
    /// Pages that can't be moved until an operator does something. Events of the census leave it out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stuck: Vec<Stuck>,
}

/// Pages of a campaign that are stuck on one thing with a cure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Stuck {
    /// Which campaign, in its latest run.
    pub campaign: LogNumber,
    /// On what: `look_refused (policy)`.
    pub detail: String,
    /// How many pages.
    pub sessions: u64,
}

/// A node's share of the census.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NodeCount {
    /// Its name.
    pub node: String,
    /// Its sessions of this app.
    pub sessions: u64,
    /// When it counted.
    pub as_of: Moment,
}

/// One build in the census.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Row {
    /// Which build.
    #[serde(deserialize_with = "BuildId::of_row")]
    pub build: BuildId,
    /// As registered, or as its pages say.
    pub version: Option<Version>,
    /// Where its pages stand.
    pub standing: Standing,
    /// Why they are unsupported.
    pub why: Option<Why>,
    /// Connected or polling.
    pub sessions: u64,
    /// Of these, seen by somebody.
    pub visible: u64,
    /// Of these, with a hold.
    pub held: u64,
    /// Of these, by polling.
    pub polling: u64,
    /// Vanished without a goodbye in the last 14 days.
    pub away: u64,
    /// Of all sessions, from 0 to 1.
    pub share: f64,
    /// Who made the release.
    pub by: Option<String>,
    /// What it does.
    pub message: Option<String>,
    /// When it was registered.
    pub released_at: Option<Moment>,
    /// When the connection that has lasted longest began.
    pub oldest_connected_at: Option<Moment>,
}

/// Adds counts of the same build and version.
pub fn merge(counts: impl IntoIterator<Item = BuildCount>) -> Vec<BuildCount> {
    let mut merged: HashMap<(BuildId, Option<Version>), BuildCount> = HashMap::new();
    for count in counts {
        match merged.entry((count.build.clone(), count.reported.clone())) {
            std::collections::hash_map::Entry::Vacant(vacant) => drop(vacant.insert(count)),
            std::collections::hash_map::Entry::Occupied(mut sum) => {
                let sum = sum.get_mut();
                sum.sessions += count.sessions;
                sum.visible += count.visible;
                sum.held += count.held;
                sum.polling += count.polling;
                sum.away += count.away;
                sum.joins += count.joins;
                sum.vanished += count.vanished;
                sum.oldest_connected_at =
                    [sum.oldest_connected_at, count.oldest_connected_at].into_iter().flatten().min();
            }
        }
    }
    merged.into_values().collect()
}

/// The census's rows: counts merged, judged and put in order. A registered build is one row whatever its pages report;
/// the current release has a row even when nobody is on it.
pub fn rows(app: &App, counts: impl IntoIterator<Item = BuildCount>) -> Vec<Row> {
    let registered = |count: BuildCount| match app.release(&count.build) {
        Some(_) => BuildCount { reported: None, ..count },
        None => count,
    };
    let current = app.current.iter().map(|build| BuildCount::none(build.clone()));
    let merged = merge(counts.into_iter().map(registered).chain(current));
    let all: u64 = merged.iter().map(|count| count.sessions).sum();
    let mut rows: Vec<_> = merged.into_iter().map(|count| row(app, count, all)).collect();
    rows.sort_by(|a, b| {
        let number = |row: &Row| app.release(&row.build).map_or(0, |release| release.number);
        number(b).cmp(&number(a)).then(b.sessions.cmp(&a.sessions)).then_with(|| a.build.cmp(&b.build))
    });
    rows
}

impl BuildCount {
    /// Nobody on this build.
    pub fn none(build: BuildId) -> Self {
        Self {
            build,
            reported: None,
            sessions: 0,
            visible: 0,
            held: 0,
            polling: 0,
            away: 0,
            joins: 0,
            vanished: 0,
            oldest_connected_at: None,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share for people to read")]
fn row(app: &App, count: BuildCount, all: u64) -> Row {
    let judged = judge(app, &count.build, count.reported.as_ref());
    let release = app.release(&count.build);
    Row {
        version: release.and_then(|release| release.new.version.clone()).or(count.reported),
        standing: judged.standing,
        why: judged.why,
        sessions: count.sessions,
        visible: count.visible,
        held: count.held,
        polling: count.polling,
        away: count.away,
        share: if all == 0 { 0.0 } else { count.sessions as f64 / all as f64 },
        by: release.and_then(|release| release.new.by.clone()),
        message: release.and_then(|release| release.new.message.clone()),
        released_at: release.map(|release| release.registered_at),
        oldest_connected_at: count.oldest_connected_at,
        build: count.build,
    }
}

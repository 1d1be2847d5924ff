//! What a gate reads.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::core::{
    gate::{Crowd, Reading},
    names::{AppName, BuildId, LogNumber},
    order::Version,
    time::{Moment, Period},
};

/// `GET /v1/apps/{app}/gate`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct GateAnswer {
    /// Which app.
    pub app: AppName,
    /// Its last log number.
    pub number: LogNumber,
    /// When it was counted.
    pub as_of: Moment,
    /// Whose pages are to be gone.
    pub condition: ConditionRef,
    /// Connected or polling, of those.
    pub sessions: u64,
    /// Vanished without a goodbye in the last 14 days, of those.
    pub away: u64,
    /// How many of those ever joined; compare two readings of one epoch.
    pub joins: u64,
    /// How many of those ever vanished; compare two readings of one epoch.
    pub vanished: u64,
    /// Connected or polling on builds of which nobody can tell whether they belong.
    pub unknown: u64,
    /// The same of the unknown: away.
    pub unknown_away: u64,
    /// The same of the unknown: ever joined.
    pub unknown_joins: u64,
    /// The same of the unknown: ever vanished.
    pub unknown_vanished: u64,
    /// Every node has answered, and none is on its way out.
    pub complete: bool,
    /// A node has started lately, and its pages are still finding their way back.
    pub warming: bool,
    /// Joins and vanishings are comparable while it stays the same.
    pub epoch: String,
    /// Nodes that have not answered.
    pub missing: Vec<String>,
    /// How old the oldest node's counts are; left out where they are as of now.
    #[serde(default, skip_serializing_if = "is_now")]
    pub age: Period,
    /// The builds that they are on, and the unknown ones, most sessions first; those with nobody are left out.
    pub rows: Vec<GateRow>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
fn is_now(age: &Period) -> bool {
    *age == Period::ZERO
}

/// Whose pages are to be gone, as it was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConditionRef {
    /// Below this version or build.
    Below(String),
    /// On this build.
    Build(BuildId),
    /// On a build that needs this.
    Needs(String),
}

/// A build that keeps a gate shut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GateRow {
    /// Which build.
    pub build: BuildId,
    /// As registered, or as its pages say.
    pub version: Option<Version>,
    /// Nobody can tell whether it belongs: it is not registered.
    pub unknown: bool,
    /// Connected or polling.
    pub sessions: u64,
    /// Vanished without a goodbye in the last 14 days.
    pub away: u64,
}

impl From<&GateAnswer> for Reading {
    fn from(answer: &GateAnswer) -> Self {
        Self {
            here: Crowd {
                sessions: answer.sessions,
                away: answer.away,
                joins: answer.joins,
                vanished: answer.vanished,
            },
            unknown: Crowd {
                sessions: answer.unknown,
                away: answer.unknown_away,
                joins: answer.unknown_joins,
                vanished: answer.unknown_vanished,
            },
            complete: answer.complete,
            warming: answer.warming,
            epoch: answer.epoch.clone(),
        }
    }
}

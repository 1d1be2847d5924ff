//! Rolling releases, back ends and what they provide, as they are sent and answered.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answers::ReleaseStatus;
use crate::core::{
    names::{AppName, BuildId, InstanceName, LogNumber, Need},
    needs::{Matrix, NeedRow},
    order::Version,
    rollout::Evidence,
    time::{Moment, Period},
};

/// `PUT …/backends/{instance}`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BackEndBody {
    /// What it runs.
    pub build: BuildId,
    /// Names of what it offers, as releases `need` them; at most 1000.
    #[serde(default)]
    pub provides: Vec<Need>,
    /// How long the report counts; default 30s. Report in again after a third of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<Period>,
}

/// A back-end instance.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BackEndAnswer {
    /// What it calls itself.
    pub instance: InstanceName,
    /// What it runs.
    pub build: BuildId,
    /// What it offers.
    pub provides: Vec<Need>,
    /// How long a report of it counts.
    pub ttl: Period,
    /// When it reported in last.
    pub reported_at: Moment,
    /// Since when it has been silent, and counts no more. None: it is alive.
    pub silent_since: Option<Moment>,
}

/// The answer to a report.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BackEndReported {
    /// The app's last log number.
    pub number: LogNumber,
    /// The instance as it counts from now on.
    #[serde(flatten)]
    pub back_end: BackEndAnswer,
}

/// `GET …/backends`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BackEndsAnswer {
    /// The app.
    pub app: AppName,
    /// Its last log number.
    pub number: LogNumber,
    /// Every instance has had the time to report in since this node started.
    pub heard_all: bool,
    /// By name; those that have been silent for less than an hour too.
    pub backends: Vec<BackEndAnswer>,
    /// Cursor of the next page.
    pub next: Option<String>,
}

/// Pages whose build is not registered: nobody knows what they need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Unregistered {
    /// Connected or polling.
    pub sessions: u64,
    /// Vanished without a goodbye in the last 14 days.
    pub away: u64,
}

/// `GET …/needs`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NeedsAnswer {
    /// The app.
    pub app: AppName,
    /// Its last log number.
    pub number: LogNumber,
    /// When it was counted.
    pub as_of: Moment,
    /// Every node has answered.
    pub complete: bool,
    /// A node has started lately, and its pages are still finding their way back.
    pub warming: bool,
    /// Nodes that have not answered.
    pub missing: Vec<String>,
    /// By name.
    pub needs: Vec<NeedRow>,
    /// Pages that may need anything.
    pub unregistered: Unregistered,
    /// Cursor of the next page.
    pub next: Option<String>,
}

/// `GET …/matrix`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MatrixAnswer {
    /// The app.
    pub app: AppName,
    /// Its last log number.
    pub number: LogNumber,
    /// When it was counted.
    pub as_of: Moment,
    /// Every node has answered.
    pub complete: bool,
    /// A node has started lately, and its pages are still finding their way back.
    pub warming: bool,
    /// Nodes that have not answered.
    pub missing: Vec<String>,
    /// The table.
    #[serde(flatten)]
    pub matrix: Matrix,
    /// Pages that are in no row.
    pub unregistered: Unregistered,
}

/// `GET …/releases/{build}/rollout`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RolloutAnswer {
    /// The app.
    pub app: AppName,
    /// Its last log number.
    pub number: LogNumber,
    /// The release.
    pub build: BuildId,
    /// Its version.
    pub version: Option<Version>,
    /// Where it is in its life.
    pub status: ReleaseStatus,
    /// It settles by itself when all of the evidence is complete.
    pub by_itself: bool,
    /// All of the evidence is complete.
    pub complete: bool,
    /// Why it has not settled, in a sentence.
    pub words: String,
    /// What has been found, of each kind that there is.
    pub evidence: Vec<EvidenceAnswer>,
}

/// One kind of evidence.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EvidenceAnswer {
    /// It says that the release is served.
    pub complete: bool,
    /// What was found, in a sentence.
    pub words: String,
    /// In numbers.
    #[serde(flatten)]
    pub evidence: Evidence,
}

/// `POST …/probe`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ProbesAnswer {
    /// The app.
    pub app: AppName,
    /// Its last log number.
    pub number: LogNumber,
    /// The build that the origins should serve: current.
    pub current: Option<BuildId>,
    /// There are probes, and every one of them serves current.
    pub ok: bool,
    /// In the order of the settings.
    pub probes: Vec<ProbeAnswer>,
}

/// What one origin served just now.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ProbeAnswer {
    /// What was asked.
    pub url: String,
    /// The build that it serves.
    pub build: Option<BuildId>,
    /// It is current.
    pub ok: bool,
    /// What is wrong.
    pub detail: Option<String>,
}

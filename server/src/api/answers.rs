//! What operators are answered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::frozen::FrozenAnswer;
use crate::core::{
    census::Census,
    change::{Entry, Settings, Severity, Step},
    judge::Standing,
    names::{AppName, BuildId, LogNumber, Need, PushTopic},
    order::{Order, Version},
    pace::Share,
    select::Select,
    session::Session,
    time::{Moment, Period},
    token::Scope,
};

/// A problem, by RFC 9457.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// A URI that ends in a stable word, such as `urn:freshwire:problem:locks-everyone-out`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The word in plain English.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong in this case, and what to do.
    pub detail: String,
    /// The field that is wrong, as a path such as `steps[0].after`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// With `unavailable`: whether it is known that nothing was changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<bool>,
    /// With `log-moved`: the app's last number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<LogNumber>,
    /// To a page that polls: the code that its socket would have been closed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub close: Option<u16>,
}

/// A release in a few words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReleaseRef {
    /// Its build.
    pub build: BuildId,
    /// Its version.
    pub version: Option<Version>,
}

/// The minimum in force: one of the two is set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FloorRef {
    /// The lowest version, if it was named by version.
    pub version: Option<Version>,
    /// The lowest build, if it was named by build.
    pub build: Option<BuildId>,
}

/// An app.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AppAnswer {
    /// Its name.
    pub app: AppName,
    /// Its last log number.
    pub number: LogNumber,
    /// What its operators settled.
    pub settings: Settings,
    /// What pages should be on.
    pub current: Option<ReleaseRef>,
    /// The lowest that is supported.
    pub minimum: Option<FloorRef>,
    /// Connected sessions by standing.
    #[schema(value_type = BTreeMap<String, u64>)]
    pub counts: BTreeMap<Standing, u64>,
    /// This node doesn't understand all of its log: it can't be changed here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen: Option<FrozenAnswer>,
}

/// `GET /v1/apps`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AppsAnswer {
    /// By name.
    pub apps: Vec<AppAnswer>,
    /// Names that pages asked for in vain.
    pub asked_in_vain: Vec<AppName>,
    /// Cursor of the next page.
    pub next: Option<String>,
}

/// Who a change is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Affected {
    /// Connected sessions that it moves.
    pub sessions: u64,
    /// The builds they are on.
    pub builds: Vec<AffectedBuild>,
}

/// One build that a change is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AffectedBuild {
    /// Which.
    #[serde(deserialize_with = "BuildId::of_row")]
    pub build: BuildId,
    /// Its version.
    pub version: Option<Version>,
    /// Connected sessions on it.
    pub sessions: u64,
}

/// The answer to every change of an app.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Changed {
    /// Its log position; in a dry run the app's last one.
    pub number: LogNumber,
    /// The campaign that it set in motion.
    pub campaign: Option<LogNumber>,
    /// The push that it is.
    #[serde(default)]
    pub push: Option<LogNumber>,
    /// Whom the campaign or the push is about, of those connected now.
    pub affected: Affected,
    /// The time within which they are told.
    pub over: Option<Period>,
    /// The shares of them that are told one after the other; empty: all in one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub waves: Vec<Share>,
    /// What they are asked, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// What pages should be on after it.
    pub current: Option<ReleaseRef>,
    /// The lowest that is supported after it.
    pub minimum: Option<FloorRef>,
    /// How the app's builds are ordered.
    pub order: Option<Order>,
    /// Nothing was changed; this is what would be.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// The same request was answered before; nothing was changed again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeated: bool,
    /// The current release and the minimum before it, and what else its undo needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Before>,
}

/// What there was before a change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Before {
    /// What pages should have been on.
    pub current: Option<ReleaseRef>,
    /// The lowest that was supported.
    pub minimum: Option<FloorRef>,
    /// What the operators had settled.
    pub settings: Settings,
}

/// A registered release.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ReleaseAnswer {
    /// Its number in the order of registration.
    pub release: u32,
    /// What its pages carry.
    pub build: BuildId,
    /// Beside it.
    pub version: Option<Version>,
    /// Who made it.
    pub by: Option<String>,
    /// What it does.
    pub message: Option<String>,
    /// When its commit was made.
    pub committed_at: Option<Moment>,
    /// How grave.
    pub severity: Severity,
    /// What it relies on.
    pub needs: Vec<Need>,
    /// It had, or has, to be settled before it is current.
    pub rolling: bool,
    /// When it was registered.
    pub registered_at: Moment,
    /// When it first became current.
    pub settled_at: Option<Moment>,
    /// `registered`, `current`, `superseded` or `retired`.
    pub status: ReleaseStatus,
    /// Why it is retired.
    pub retired: Option<String>,
    /// Connected sessions on it.
    pub sessions: u64,
}

/// Where a release is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseStatus {
    /// Known, not yet settled.
    Registered,
    /// What pages should be on.
    Current,
    /// Was current.
    Superseded,
    /// Bad.
    Retired,
}

/// `GET …/releases`, newest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ReleasesAnswer {
    /// Newest first.
    pub releases: Vec<ReleaseAnswer>,
    /// Cursor of the next page.
    pub next: Option<String>,
}

/// `GET …/census`.
pub type CensusAnswer = Census;

/// One of `GET …/sessions`.
pub type SessionAnswer = Session;

/// `GET …/sessions/{session}`.
pub use crate::core::session::SessionDetail;

/// `GET …/sessions`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SessionsAnswer {
    /// By ID.
    pub sessions: Vec<SessionAnswer>,
    /// Cursor of the next page.
    pub next: Option<String>,
    /// Every node has answered.
    pub complete: bool,
    /// Nodes that have not.
    pub missing: Vec<String>,
}

/// The latest push to a topic and a selection.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PushAnswer {
    /// Its name.
    pub push: LogNumber,
    /// What it is about.
    pub topic: PushTopic,
    /// The pages that it is for; none given: all of the app.
    #[serde(default, skip_serializing_if = "Select::is_everybody")]
    pub select: Select,
    /// The time within which they get it.
    #[serde(default)]
    pub over: Period,
    /// Length of its data as JSON.
    pub bytes: u64,
    /// When it was pushed.
    pub at: Moment,
    /// By whom.
    pub by: String,
    /// From when no page gets it any more.
    pub expires_at: Moment,
    /// Sent to so many sessions, since this node started.
    pub sessions: u64,
    /// Of these, the app took it.
    pub handled: u64,
    /// Of these, the app has no handler for it.
    pub unhandled: u64,
    /// Of these, the handler threw.
    pub failed: u64,
}

/// `GET …/pushes`, newest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PushesAnswer {
    /// Those that have not expired.
    pub pushes: Vec<PushAnswer>,
    /// Cursor of the next page.
    pub next: Option<String>,
}

/// `GET …/log`, newest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LogAnswer {
    /// Valid entries only.
    pub entries: Vec<LogEntry>,
    /// Cursor of the next page.
    pub next: Option<String>,
}

/// One entry of the history.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LogEntry {
    /// Its position.
    pub number: LogNumber,
    /// When.
    pub at: Moment,
    /// By whom.
    pub actor: String,
    /// What kind of change: `release`, `minimum`, …
    pub kind: String,
    /// In a line.
    pub summary: String,
    /// All of the change.
    #[schema(value_type = Object)]
    pub change: serde_json::Value,
}

/// A token; its secret is in the answer that made it and nowhere else.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TokenAnswer {
    /// Names it for revoking.
    pub id: uuid::Uuid,
    /// Who holds it.
    pub name: String,
    /// What it may do.
    pub scope: Scope,
    /// The only app that it is for.
    pub app: Option<AppName>,
    /// When it was made.
    pub created_at: Moment,
    /// By whom.
    pub created_by: String,
    /// From when it is no longer taken.
    pub expires_at: Option<Moment>,
}

/// `GET /v1/tokens`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TokensAnswer {
    /// Oldest first.
    pub tokens: Vec<TokenAnswer>,
    /// Cursor of the next page.
    pub next: Option<String>,
}

/// The answer to a change of tokens.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TokenChanged {
    /// Its log position.
    pub number: LogNumber,
    /// The token.
    pub token: TokenAnswer,
    /// Of a new token, this once. In a dry run none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Nothing was changed; this is what would be.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// `GET /v1/apps/{app}/floor`: public, for back ends and edges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FloorAnswer {
    /// The app.
    pub app: AppName,
    /// Its last log number.
    pub number: LogNumber,
    /// The lowest that is supported.
    pub minimum: Option<FloorRef>,
    /// Bad builds.
    pub retired: Vec<BuildId>,
    /// What pages should be on.
    pub current: Option<ReleaseRef>,
}

impl LogEntry {
    /// An entry as the history shows it.
    pub fn new(entry: &Entry) -> Self {
        let change = serde_json::to_value(&entry.draft.change).unwrap_or_default();
        let (kind, summary) = entry.draft.change.describe();
        let draft = &entry.draft;
        Self { number: entry.number, at: draft.at, actor: draft.actor.clone(), kind, summary, change }
    }
}

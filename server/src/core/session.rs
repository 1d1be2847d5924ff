//! A session as nodes tell one another of it, and as operators see it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    change::Action,
    judge::{Standing, Why},
    names::{BuildId, LogNumber, SessionId},
    order::Version,
    outcome::State,
    time::Moment,
};

/// One open page.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// Its ID.
    pub session: SessionId,
    /// What it runs.
    pub build: BuildId,
    /// As registered, or as the page says.
    pub version: Option<Version>,
    /// Where it stands.
    pub standing: Standing,
    /// Why it is unsupported.
    pub why: Option<Why>,
    /// When this connection said hello.
    pub connected_at: Moment,
    /// Somebody can see it.
    pub visible: bool,
    /// The page's reasons not to be moved now.
    pub holds: Vec<String>,
    /// As the page gave them.
    pub labels: BTreeMap<String, String>,
    /// The campaign that it was last told of.
    pub campaign: Option<LogNumber>,
    /// What that asked of it.
    pub action: Option<Action>,
    /// Where it is in that campaign.
    pub state: Option<State>,
    /// What the page reported last of it.
    pub outcome: Option<String>,
    /// In its words.
    pub detail: Option<String>,
    /// The node that holds it.
    pub node: String,
    /// `ws` or `poll`.
    pub transport: String,
    /// `top` or `embedded`.
    pub frame: String,
    /// The build of the page that it is embedded in, where that is one of ours.
    #[serde(default)]
    pub host: Option<BuildId>,
    /// As the browser says it.
    pub user_agent: Option<String>,
}

/// One open page, explained.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SessionDetail {
    /// The session.
    #[serde(flatten)]
    pub session: Session,
    /// Why it hasn't moved, in words.
    pub explanation: String,
}

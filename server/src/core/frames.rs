//! The frames between page and server, as CONTRACT §2 has them. Fields that aren't known are ignored.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error as _},
};
use uuid::Uuid;

use super::{
    assets::Swap,
    change::{Action, Severity},
    judge::{Standing, Why},
    names::{BuildId, LogNumber, PushTopic, SessionId},
    order::Version,
    outcome::Outcome,
    push::PushData,
};

/// Largest frame that a page may send, in bytes.
pub const LARGEST: usize = 4096;
/// Most labels of a session.
pub const MOST_LABELS: usize = 8;
/// Longest label name or value, in bytes.
pub const LONGEST_LABEL: usize = 64;
/// More of a page's `seen` or holds are not looked at.
const MOST_LISTED: usize = 32;

/// What a page says.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum PageFrame {
    /// First of all.
    Hello(Box<Hello>),
    /// It is seen or not, and holds or doesn't.
    Page(PageState),
    /// What became of a notice.
    Outcome(OutcomeFrame),
    /// The document that would be loaded carries another build than the notice's.
    Found {
        /// As the document has it, which may be nothing that a build can be called.
        build: String,
    },
    /// The page saw a sign of being old.
    Evidence {
        /// Which sign; None: a word that isn't known.
        #[serde(deserialize_with = "lenient")]
        kind: Option<EvidenceKind>,
        /// In its words.
        #[serde(default)]
        detail: Option<String>,
    },
    /// Are you there?
    Ping,
    /// From a newer page; not for us.
    #[serde(other)]
    Unknown,
}

impl PageFrame {
    /// A frame from its text. serde takes an array for an object without names; that is no frame.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        if text.trim_start().starts_with('[') {
            return Err(serde_json::Error::custom("a frame is a JSON object"));
        }
        serde_json::from_str(text)
    }
}

/// Who a page is.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Hello {
    /// Not checked here: a name that can't be an app's is an unknown app.
    pub app: String,
    /// What it runs.
    pub build: BuildId,
    /// None, too, when it is not a semantic version: the page is left alone rather than refused.
    #[serde(default, deserialize_with = "lenient_version")]
    pub version: Option<Version>,
    /// Snippet and version.
    #[serde(default)]
    pub client: Option<String>,
    /// It had a session before.
    #[serde(default, deserialize_with = "lenient_session")]
    pub session: Option<SessionId>,
    /// Proves that the session is its own.
    #[serde(default)]
    pub resume: Option<String>,
    /// The node that it was on before.
    #[serde(default)]
    pub via: Option<String>,
    /// The app's own words about it.
    #[serde(default, deserialize_with = "labels")]
    pub labels: BTreeMap<String, String>,
    /// Absent: visible, no holds.
    #[serde(default)]
    pub page: PageState,
    /// Top or embedded.
    #[serde(default, deserialize_with = "lenient_frame")]
    pub frame: Frame,
    /// Embedded in a page of ours: the build of that one. None, too, when it can't be one.
    #[serde(default, deserialize_with = "lenient")]
    pub host: Option<BuildId>,
    /// What it was told.
    #[serde(default, deserialize_with = "few")]
    pub seen: Vec<Seen>,
    /// The latest push that it saw. None, too, when it can't be one.
    #[serde(default, deserialize_with = "lenient")]
    pub pushed: Option<LogNumber>,
    /// It came back from a refresh.
    #[serde(default)]
    pub after: Option<After>,
}

/// What a page was told, by its own account.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Seen {
    /// By which campaign.
    pub notice: LogNumber,
    /// In which run.
    pub run: LogNumber,
    /// Which step.
    pub step: u8,
    /// What it reported last of it. None: a word that isn't known.
    #[serde(default, deserialize_with = "lenient")]
    pub is: Option<Outcome>,
    /// How long ago it was told.
    pub ago_ms: u64,
}

/// A change of build that a page has behind it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct After {
    /// For which campaign's notice.
    pub notice: LogNumber,
    /// The build before.
    pub from: BuildId,
    /// How often it has tried to reload. 0: never; it changed in place.
    #[serde(default)]
    pub tries: u32,
}

/// Whether a page is seen, and what holds it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PageState {
    /// Somebody can see it.
    pub visible: bool,
    /// The browser has frozen it.
    #[serde(default)]
    pub frozen: bool,
    /// Its reasons not to be moved now.
    #[serde(default, deserialize_with = "few")]
    pub holds: Vec<String>,
}

impl Default for PageState {
    fn default() -> Self {
        Self { visible: true, frozen: false, holds: Vec::new() }
    }
}

/// Where a page is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Frame {
    /// By itself.
    #[default]
    Top,
    /// In another page.
    Embedded,
}

impl Frame {
    /// Its name in the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Top => "top",
            Self::Embedded => "embedded",
        }
    }
}

/// What became of a notice, or of a push.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum OutcomeFrame {
    /// Of a campaign's notice.
    Notice {
        /// Which campaign.
        notice: LogNumber,
        /// What became of it; None: a word that isn't known.
        #[serde(deserialize_with = "lenient")]
        is: Option<Outcome>,
        /// In the page's words.
        #[serde(default)]
        detail: Option<String>,
    },
    /// Of a push.
    Push {
        /// Which push.
        push: LogNumber,
        /// What became of it; None: a word that isn't known.
        #[serde(deserialize_with = "lenient")]
        is: Option<PushOutcome>,
    },
}

/// What became of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PushOutcome {
    /// The app took it.
    Handled,
    /// The app has no handler for it.
    Unhandled,
    /// The handler threw.
    Failed,
}

impl PushOutcome {
    /// Its name in the contract and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Handled => "handled",
            Self::Unhandled => "unhandled",
            Self::Failed => "failed",
        }
    }
}

/// A sign that a page is old.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// A module could not be loaded.
    ChunkError,
    /// A script, style sheet or image could not.
    #[serde(rename = "asset_404")]
    Asset404,
    /// The app's API said 426.
    #[serde(rename = "api_426")]
    Api426,
}

impl EvidenceKind {
    /// Its name in the contract and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChunkError => "chunk_error",
            Self::Asset404 => "asset_404",
            Self::Api426 => "api_426",
        }
    }
}

/// What the server says.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame<'a> {
    /// Answer to hello.
    Welcome {
        /// The page's session.
        session: SessionId,
        /// Proves next time that it is its own.
        resume: Cow<'a, str>,
        /// The node that it is on.
        node: &'a str,
        /// Where it stands.
        standing: Standing,
        /// Why it is unsupported.
        why: Option<Why>,
        /// What it should be on.
        current: Option<Target<'a>>,
    },
    /// Where the page stands, when that changes.
    Standing {
        /// Where.
        standing: Standing,
        /// Why it is unsupported.
        why: Option<Why>,
        /// What it should be on.
        current: Option<Target<'a>>,
    },
    /// What is asked of the page.
    Notice(Notice<'a>),
    /// Nothing any more.
    Withdraw {
        /// Whose notice it was.
        notice: LogNumber,
    },
    /// Data for the app.
    Push {
        /// Its name.
        push: LogNumber,
        /// What it is about.
        topic: &'a PushTopic,
        /// What the app gets.
        data: &'a PushData,
    },
    /// Answer to `found`.
    Better {
        /// What the page found.
        build: &'a str,
        /// It should load it.
        better: bool,
    },
    /// Answer to ping.
    Pong,
    /// The socket is about to be closed; come back then.
    Reconnect {
        /// After how long.
        in_ms: u64,
    },
}

/// A build to be on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Target<'a> {
    /// The build.
    pub build: &'a BuildId,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<&'a Version>,
}

/// One campaign's action, as sent to pages.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Notice<'a> {
    /// Whose.
    pub notice: LogNumber,
    /// In which run.
    pub run: LogNumber,
    /// Which step.
    pub step: u8,
    /// What it asks.
    pub action: Action,
    /// What to load.
    #[serde(flatten)]
    pub target: Target<'a>,
    /// How grave.
    pub severity: Severity,
    /// In the operator's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'a str>,
    /// How long to count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub countdown_ms: Option<u64>,
    /// How long holds may put it off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold_cap_ms: Option<u64>,
    /// Style sheets to change in place of a reload.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub swap: &'a [Swap],
    /// What to load ahead of a reload.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub preload: &'a [String],
}

impl ServerFrame<'_> {
    /// As the text of a frame.
    pub fn encode(&self) -> String {
        serde_json::to_string(self).expect("frames have string keys and no failing values")
    }
}

fn lenient_version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Version>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.and_then(|text| text.parse().ok()))
}

/// An ID that isn't a UUID is no ID; the page gets one of ours.
fn lenient_session<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SessionId>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| Uuid::parse_str(&text).ok()).map(SessionId))
}

/// A word of a closed set. One that isn't known is of a newer page, and no reason to turn that away.
fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).ok())
}

fn lenient_frame<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Frame, D::Error> {
    lenient(deserializer).map(Option::unwrap_or_default)
}

fn few<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let mut all = Vec::deserialize(deserializer)?;
    all.truncate(MOST_LISTED);
    Ok(all)
}

fn labels<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    let labels = BTreeMap::<String, String>::deserialize(deserializer)?;
    let long = |(name, value): (&String, &String)| name.len() > LONGEST_LABEL || value.len() > LONGEST_LABEL;
    if labels.len() > MOST_LABELS || labels.iter().any(long) {
        return Err(D::Error::custom("at most 8 labels of 64 bytes each"));
    }
    Ok(labels)
}

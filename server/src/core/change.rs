//! What the log holds: entries, each one operator's change.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    names::{AppName, BuildId, LogNumber, Need},
    order::{Order, Version},
    pace::Pace,
    push::NewPush,
    time::{Moment, Period},
    token::TokenChange,
};

/// What this version understands and folds. It rises with every kind of change that is new, and with every field of one.
pub const FOLD: u32 = 1;

/// One entry of the log, as every node reads it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its position.
    pub number: LogNumber,
    /// What was appended.
    #[serde(flatten)]
    pub draft: Draft,
}

/// An entry before the log has given it a number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// Names this attempt, so that its writer knows it again in the tail.
    pub id: Uuid,
    /// Never earlier than the topic's entry before it.
    pub at: Moment,
    /// Who did it: a token's name.
    pub actor: String,
    /// The number of the topic's last valid entry, as the writer knew it. The fold voids the entry when it is another.
    pub prev: LogNumber,
    /// The request's idempotency key, if it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
    /// What is changed.
    #[serde(flatten)]
    pub change: Change,
}

/// An idempotency key with a digest of the request that it came with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// As the client sent it.
    pub key: String,
    /// Of method, path and body, in hexadecimal.
    pub hash: String,
}

/// What an entry is about; `prev` and compare-and-set hold within one topic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub enum Topic {
    /// One app.
    App(AppName),
    /// The operators' tokens.
    Tokens,
    /// None that this version knows.
    Other(String),
}

impl From<String> for Topic {
    fn from(text: String) -> Self {
        let app = |name: &str| name.parse().ok().map(Self::App);
        match text.as_str() {
            "tokens" => Self::Tokens,
            name => name.strip_prefix("app.").and_then(app).unwrap_or(Self::Other(text)),
        }
    }
}

impl From<Topic> for String {
    fn from(topic: Topic) -> Self {
        topic.to_string()
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::App(app) => write!(f, "app.{app}"),
            Self::Tokens => f.write_str("tokens"),
            Self::Other(name) => f.write_str(name),
        }
    }
}

/// A change to one topic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// To an app.
    App {
        /// Which app.
        app: AppName,
        /// What happens to it.
        #[serde(flatten)]
        change: AppChange,
    },
    /// To the tokens.
    Token(TokenChange),
    /// None at all: somebody else has written to the topic. Void, and kept for its number.
    Stray(Topic),
    /// Something that this version doesn't understand. It is never written: a log makes it of what it reads.
    #[serde(skip)]
    Strange(Strange),
}

/// What can be said of an entry that a newer version has written, or that is damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strange {
    /// What it is about: known without reading it.
    pub topic: Topic,
    /// Its `prev`. None: not even that can be read, which no version would have written.
    pub prev: Option<LogNumber>,
    /// What is not understood.
    pub reason: String,
}

impl Change {
    /// What it is about.
    pub fn topic(&self) -> Topic {
        match self {
            Self::App { app, .. } => Topic::App(app.clone()),
            Self::Token(_) => Topic::Tokens,
            Self::Stray(topic) => topic.clone(),
            Self::Strange(strange) => strange.topic.clone(),
        }
    }

    /// The first [`FOLD`] that understands it: below that a node would freeze its topic.
    pub const fn since(&self) -> u32 {
        match self {
            Self::App { change, .. } => change.since(),
            Self::Token(TokenChange::Create(_) | TokenChange::Revoke(_)) | Self::Stray(_) => 1,
            Self::Strange(_) => u32::MAX,
        }
    }
}

/// A change to one app.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AppChange {
    /// Its settings, all of them as they are to be.
    Settings(Settings),
    /// A build becomes known, and unless it is rolling, current.
    Release(Box<NewRelease>),
    /// A rolling release becomes current.
    Settle {
        /// Which one.
        build: BuildId,
        /// How fast the pages behind it are moved.
        #[serde(flatten)]
        pace: Pace,
        /// What it was found to be served by, when it settles by itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Another release becomes current: a rollback or a roll-forward.
    Current {
        /// Which one.
        build: BuildId,
        /// For the history.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// How pages are moved to it. Its steps are for the pages ahead of it; none: they are left alone.
        terms: Terms,
    },
    /// Nothing below this is supported any more.
    Minimum {
        /// The lowest that is.
        floor: Floor,
        /// Shown to operators and to the people in front of the pages.
        reason: String,
        /// How pages are moved.
        terms: Terms,
    },
    /// The minimum before the last one is restored.
    MinimumUndo,
    /// One build is bad, whatever its place in the order.
    Retire {
        /// Which one.
        build: BuildId,
        /// Shown to operators and to the people in front of the pages.
        reason: String,
        /// How pages are moved.
        terms: Terms,
    },
    /// A retired build is good again.
    Reinstate {
        /// Which one.
        build: BuildId,
    },
    /// A campaign stops telling, and withdraws what wasn't acted on.
    Pause {
        /// Which campaign.
        campaign: LogNumber,
        /// The run that was judged: void if another has begun since.
        run: LogNumber,
        /// Why.
        reason: String,
        /// By its brake, not by an operator.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        brake: bool,
    },
    /// A paused campaign goes on, as a new run; one that waits for proof begins its next wave.
    Resume {
        /// Which campaign.
        campaign: LogNumber,
        /// Why, where its operator says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// A wave has shown that the next one may follow.
    Proven {
        /// Which campaign.
        campaign: LogNumber,
        /// The run that was judged: void if another has begun since.
        run: LogNumber,
        /// The wave, counted from 0: void unless it is the one that is to be proven.
        wave: u8,
        /// What was seen.
        reason: String,
    },
    /// A campaign ends for good, and withdraws what wasn't acted on.
    Abort {
        /// Which campaign.
        campaign: LogNumber,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Data for pages of the app, in place of what was pushed to the topic and the selection before.
    Push(NewPush),
}

impl AppChange {
    /// The first [`FOLD`] that understands it, with the fields that it has.
    pub const fn since(&self) -> u32 {
        // Each by its name: a kind that is new doesn't get past here unnoticed.
        match self {
            Self::Settings(_)
            | Self::Release(_)
            | Self::Settle { .. }
            | Self::Current { .. }
            | Self::Minimum { .. }
            | Self::MinimumUndo
            | Self::Retire { .. }
            | Self::Reinstate { .. }
            | Self::Pause { .. }
            | Self::Resume { .. }
            | Self::Proven { .. }
            | Self::Abort { .. }
            | Self::Push(_) => 1,
        }
    }
}

/// What an app's operators have settled about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Settings {
    /// How builds compare. None until the first release decides it.
    pub order: Option<Order>,
    /// Origins whose pages may connect; empty: any.
    pub allowed_origins: Vec<String>,
    /// What a stale page is asked to do by a release of normal severity.
    pub stale_action: Action,
    /// Pages refreshed a second when no `over` is given.
    pub refresh_rate: u32,
    /// URLs that say which build an origin serves. With any of them every release is rolling.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub probes: Vec<String>,
    /// How many real pages have to live for how long on a rolling release. None: they are no evidence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organic: Option<Organic>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            order: None,
            allowed_origins: Vec::new(),
            stale_action: Action::Navigate,
            refresh_rate: 50,
            probes: Vec::new(),
            organic: None,
        }
    }
}

/// Real pages as evidence that a rolling release is served: so many have lived for so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Organic {
    /// How many.
    pub pages: u32,
    /// For how long, without a chunk error on the build.
    #[serde(rename = "for")]
    #[schema(value_type = String, example = "10m")]
    pub lasting: Period,
}

/// A release as it is registered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewRelease {
    /// What its pages carry.
    pub build: BuildId,
    /// Beside it, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// What it does, in a line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When its commit was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed_at: Option<Moment>,
    /// How much its predecessors' pages ought to move.
    #[serde(default)]
    pub severity: Severity,
    /// Names of server-side things that it relies on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Need>,
    /// Its files and their hashes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub assets: BTreeMap<String, String>,
    /// What its pages load first: the entry module and what that imports.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub preload: Vec<String>,
    /// Becomes current only when settled.
    #[serde(default)]
    pub rolling: bool,
    /// Register it though its commit or version is older than current's.
    #[serde(default)]
    pub anyway: bool,
    /// How fast the pages behind it are told, `over` worked out by the writer.
    #[serde(flatten)]
    pub pace: Pace,
    /// Explicit steps in place of the severity's one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// As in [`Terms`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub countdown: Option<Period>,
    /// As in [`Terms`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_cap: Option<Period>,
}

/// What a notice asks of a page, from mild to strong.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Nothing; only its standing tells it.
    Silent,
    /// Reload when nobody notices.
    #[default]
    Navigate,
    /// Ask; may be put off.
    Prompt,
    /// Ask, and reload when the time is up.
    Countdown,
    /// Reload at once, keeping what can be kept.
    Force,
}

impl Action {
    /// All, from mild to strong.
    pub const ALL: [Self; 5] = [Self::Silent, Self::Navigate, Self::Prompt, Self::Countdown, Self::Force];

    /// Its name in the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Navigate => "navigate",
            Self::Prompt => "prompt",
            Self::Countdown => "countdown",
            Self::Force => "force",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How much a release matters to the pages behind it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nobody needs to be told.
    Silent,
    /// The app's `stale_action`.
    #[default]
    Normal,
    /// A prompt.
    Important,
    /// A countdown.
    Security,
}

/// One rung of a campaign's ladder. Operators send it as it is, so that a typo in it must not go unseen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// How long after the session's own start.
    #[schema(value_type = String, example = "30m")]
    pub after: Period,
    /// What it asks.
    pub action: Action,
}

/// How a campaign moves its pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// How fast.
    #[serde(flatten)]
    pub pace: Pace,
    /// Rungs in order, the first after 0. A release campaign's are for the pages ahead of it only; those behind it
    /// go by the severity of the releases above them.
    pub steps: Vec<Step>,
    /// How long a countdown counts; None: the page's default, 5 minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub countdown: Option<Period>,
    /// How long holds may put a countdown off; None: the page's default, 10 minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_cap: Option<Period>,
}

impl Terms {
    /// The pace alone.
    pub const fn only(pace: Pace) -> Self {
        Self { pace, steps: Vec::new(), countdown: None, hold_cap: None }
    }

    /// The same, in one wave.
    pub const fn only_over(over: Period) -> Self {
        Self::only(Pace::over(over))
    }
}

/// One rung, climbed at once.
pub fn one_step(action: Action) -> Vec<Step> {
    vec![Step { after: Period::ZERO, action }]
}

/// The lowest release that is supported, as the operator named it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Floor {
    /// Any version, registered or not.
    Version(Version),
    /// A registered release.
    Build(BuildId),
}

impl fmt::Display for Floor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => version.fmt(f),
            Self::Build(build) => write!(f, "build {build}"),
        }
    }
}

//! What operators send. Fields that are not known are refused, so that a typo never changes what happens.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::core::{
    change::{Action, Organic, Severity, Step},
    names::{AppName, BuildId, Need, PushTopic},
    order::{Order, Version},
    pace::{Brake, Share},
    push::PushData,
    select::Select,
    time::{Moment, Period},
    token::Scope,
};

/// `PUT /v1/apps/{app}`: what is absent stays as it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AppBody {
    /// What builds are ordered by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
    /// Origins whose pages may connect, such as `https://app.example.com`; empty: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_origins: Option<Vec<String>>,
    /// What a release of normal severity asks of stale pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale_action: Option<Action>,
    /// Pages refreshed a second when no `over` is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_rate: Option<u32>,
    /// URLs that say which build an origin serves, such as its `/freshwire.json`; at most 8. With any of them every
    /// release is rolling: it becomes current when all of them serve it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probes: Option<Vec<String>>,
    /// Real pages as evidence that a rolling release is served; null: they are none.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub organic: Option<Option<Organic>>,
}

/// A field that is there, be it null.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// `POST /v1/apps/{app}/releases`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseBody {
    /// What its pages carry.
    pub build: BuildId,
    /// Beside it; needed on every release when the app's order is `version`.
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
    /// Picks the action that stale sessions get; default `normal`.
    #[serde(default)]
    pub severity: Severity,
    /// Names of server-side things that it relies on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Need>,
    /// Its files and their hashes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub assets: BTreeMap<String, String>,
    /// What its pages load first, for loading it ahead of a refresh; at most 50 paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub preload: Vec<String>,
    /// Becomes current only when settled.
    #[serde(default)]
    pub rolling: bool,
    /// Register it though it is older than current.
    #[serde(default)]
    pub anyway: bool,
    /// Over how long stale pages are told; default: affected sessions ÷ the app's `refresh_rate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<Period>,
    /// Rising shares of the pages, the last `100%`: one wave after the other; default: one wave.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>, example = json!(["1%", "10%", "100%"]))]
    pub waves: Vec<Share>,
    /// How long to wait and look after each wave but the last; default 5m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Period>,
    /// The share of those who acted that may fail before the campaign pauses itself: above 0, up to 1;
    /// default 0.05.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub brake: Option<Brake>,
    /// A wave that proves too little doesn't keep the next one waiting.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unproven_ok: bool,
    /// How long a countdown counts; default 5m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub countdown: Option<Period>,
    /// How long a page's holds may put it off; default 10m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_cap: Option<Period>,
    /// Steps in place of the severity's action.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
}

impl ReleaseBody {
    /// The part that says how fast pages are moved.
    pub fn pace(&self) -> PaceBody {
        let Self { over, hold, brake, unproven_ok, .. } = *self;
        PaceBody { over, waves: self.waves.clone(), hold, brake, unproven_ok, ..PaceBody::default() }
    }
}

/// `POST …/settle`. An empty body is fine.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SettleBody {
    /// As for a release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub over: Option<Period>,
    /// Rising shares of the pages, the last `100%`: one wave after the other; default: one wave.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>, example = json!(["1%", "10%", "100%"]))]
    pub waves: Vec<Share>,
    /// How long to wait and look after each wave but the last; default 5m.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<Period>,
    /// The share of those who acted that may fail before the campaign pauses itself: above 0, up to 1;
    /// default 0.05.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub brake: Option<Brake>,
    /// A wave that proves too little doesn't keep the next one waiting.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unproven_ok: bool,
    /// Settle it though a live back end lacks what it needs.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub anyway: bool,
}

impl SettleBody {
    /// The part that says how fast pages are moved.
    pub fn pace(&self) -> PaceBody {
        let Self { over, hold, brake, unproven_ok, .. } = *self;
        PaceBody { over, waves: self.waves.clone(), hold, brake, unproven_ok, ..PaceBody::default() }
    }
}

/// `POST …/campaigns/{n}/pause`, `resume` and `abort`. An empty body is fine.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HaltBody {
    /// For the history.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How pages are moved: part of the bodies below.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct PaceBody {
    /// What the first and only step asks, unless `steps` are given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// Over how long the pages are told; default: affected sessions ÷ the app's `refresh_rate`. `"0s"` is allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub over: Option<Period>,
    /// Rising shares of the pages, the last `100%`: one wave after the other; default: one wave.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>, example = json!(["1%", "10%", "100%"]))]
    pub waves: Vec<Share>,
    /// How long to wait and look after each wave but the last; default 5m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Period>,
    /// The share of those who acted that may fail before the campaign pauses itself: above 0, up to 1;
    /// default 0.05.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub brake: Option<Brake>,
    /// A wave that proves too little doesn't keep the next one waiting.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unproven_ok: bool,
    /// A last step: this long after a page's own start it is forced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Period>,
    /// How long a countdown counts; default 5m.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub countdown: Option<Period>,
    /// How long a page's holds may put it off; default 10m.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold_cap: Option<Period>,
    /// Escalating steps, in place of `action`; the first after `"0s"`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
}

macro_rules! paced_body {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
            /// What the first and only step asks, unless `steps` are given.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub action: Option<Action>,
            /// Over how long the pages are told; default: affected sessions ÷ the app's `refresh_rate`.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub over: Option<Period>,
            /// Rising shares of the pages, the last `100%`: one wave after the other; default: one wave.
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            #[schema(value_type = Vec<String>, example = json!(["1%", "10%", "100%"]))]
            pub waves: Vec<Share>,
            /// How long to wait and look after each wave but the last; default 5m.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub hold: Option<Period>,
            /// The share of those who acted that may fail before the campaign pauses itself: above 0, up to 1;
            /// default 0.05.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            #[schema(value_type = Option<f64>)]
            pub brake: Option<Brake>,
            /// A wave that proves too little doesn't keep the next one waiting.
            #[serde(default, skip_serializing_if = "std::ops::Not::not")]
            pub unproven_ok: bool,
            /// A last step: this long after a page's own start it is forced.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub deadline: Option<Period>,
            /// How long a countdown counts; default 5m.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub countdown: Option<Period>,
            /// How long a page's holds may put it off; default 10m.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub hold_cap: Option<Period>,
            /// Escalating steps, in place of `action`; the first after `"0s"`.
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            pub steps: Vec<Step>,
        }

        impl $name {
            /// With what is its own, and how pages are moved.
            pub fn new($($field: $type,)* pace: PaceBody) -> Self {
                let PaceBody {
                    action,
                    over,
                    waves,
                    hold,
                    brake,
                    unproven_ok,
                    deadline,
                    countdown,
                    hold_cap,
                    steps,
                } = pace;
                Self {
                    $($field,)*
                    action,
                    over,
                    waves,
                    hold,
                    brake,
                    unproven_ok,
                    deadline,
                    countdown,
                    hold_cap,
                    steps,
                }
            }

            /// The part that says how pages are moved.
            pub fn pace(&self) -> PaceBody {
                PaceBody {
                    action: self.action,
                    over: self.over,
                    waves: self.waves.clone(),
                    hold: self.hold,
                    brake: self.brake,
                    unproven_ok: self.unproven_ok,
                    deadline: self.deadline,
                    countdown: self.countdown,
                    hold_cap: self.hold_cap,
                    steps: self.steps.clone(),
                }
            }
        }
    };
}

// serde's `flatten` can't be combined with `deny_unknown_fields`, so the pace's fields are written into each body.
paced_body! {
    /// `PUT /v1/apps/{app}/minimum`: either `version` or `build`.
    MinimumBody {
        /// Any semantic version, registered or not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<Version>,
        /// A registered release.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        build: Option<BuildId>,
        /// Shown to operators and to the people in front of the pages.
        reason: String,
    }
}
paced_body! {
    /// `POST …/retire`.
    RetireBody {
        /// Shown to operators and to the people in front of the pages.
        reason: String,
    }
}
paced_body! {
    /// `PUT /v1/apps/{app}/current`.
    CurrentBody {
        /// The release that pages should be on.
        build: BuildId,
        /// For the history.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// Also move the pages that are ahead of it.
        #[serde(default)]
        recall: bool,
    }
}

/// `POST …/push`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PushBody {
    /// What it is about; it replaces what was pushed to the topic, for the same selection, before.
    pub topic: PushTopic,
    /// The pages that it is for; default all of the app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select: Option<Select>,
    /// Any JSON of at most 16 KiB: every page that it is for gets it, once.
    #[schema(value_type = Value)]
    pub data: PushData,
    /// The time within which pages get it, each at its place; default at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<Period>,
    /// For how long pages that connect get it; default 1h, counted from the end of `over`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Period>,
}

/// `POST /v1/tokens`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenBody {
    /// Who will hold it; the actor in the history.
    pub name: String,
    /// What it may do.
    pub scope: Scope,
    /// The only app that it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppName>,
    /// From now; default: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<Period>,
}

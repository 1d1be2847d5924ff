//! Data that operators push to the pages of an app: the latest of each topic and selection, until it expires.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    app::{App, Refusal, Stamp},
    campaign::place,
    count,
    names::{LogNumber, PushTopic, SessionId},
    select::Select,
    time::{Moment, Period},
};

/// Most pushes of an app that have not expired.
pub const MOST_PUSHES: usize = 64;

/// Any JSON. What is in it is between the operator and the app: it shows in no debug output.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PushData(pub Value);

impl PushData {
    /// Its length as JSON.
    pub fn bytes(&self) -> usize {
        self.0.to_string().len()
    }
}

impl fmt::Debug for PushData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PushData({} bytes)", self.bytes())
    }
}

/// What one push replaces of those before it: the one with the same key.
pub type Key = (PushTopic, Select);

/// The latest push to a topic and a selection.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Push {
    /// Its name: the number of its entry.
    pub number: LogNumber,
    /// What it is about.
    pub topic: PushTopic,
    /// The pages that it is for.
    pub select: Select,
    /// What pages get.
    pub data: PushData,
    /// The time within which they get it, each at its place.
    pub over: Period,
    /// When it was pushed.
    pub at: Moment,
    /// By whom.
    pub by: String,
    /// From when no page gets it any more.
    pub expires_at: Moment,
}

/// What became of a push, on one node since its start or on all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    /// Sent to so many sessions.
    #[serde(deserialize_with = "count::heard")]
    pub sent: u64,
    /// The app took it.
    #[serde(deserialize_with = "count::heard")]
    pub handled: u64,
    /// The app has no handler for it.
    #[serde(deserialize_with = "count::heard")]
    pub unhandled: u64,
    /// The handler threw.
    #[serde(deserialize_with = "count::heard")]
    pub failed: u64,
}

impl Reached {
    /// Adds what another node has counted.
    pub const fn add(&mut self, other: Self) {
        self.sent += other.sent;
        self.handled += other.handled;
        self.unhandled += other.unhandled;
        self.failed += other.failed;
    }
}

/// A push as it is asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewPush {
    /// What it is about.
    pub topic: PushTopic,
    /// The pages that it is for.
    #[serde(default, skip_serializing_if = "Select::is_everybody")]
    pub select: Select,
    /// What pages get.
    pub data: PushData,
    /// The time within which they get it.
    #[serde(default, skip_serializing_if = "at_once")]
    pub over: Period,
    /// For how long pages that connect get it.
    pub expires: Period,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn at_once(over: &Period) -> bool {
    *over == Period::ZERO
}

impl Push {
    /// Pages still get it.
    pub fn live(&self, now: Moment) -> bool {
        now < self.expires_at
    }

    /// When a session's turn comes: its place in the push is fixed, as in a campaign.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a share of a period in milliseconds, which is far below 2^53"
    )]
    pub fn due_at(&self, session: SessionId) -> Moment {
        let share = place(self.number, session) * self.over.0 as f64;
        self.at + Period(share.ceil() as u64)
    }
}

impl App {
    /// Replaces what was pushed to the topic and the selection before.
    pub(super) fn push(&mut self, new: &NewPush, stamp: Stamp<'_>) -> Result<(), Refusal> {
        let NewPush { topic, select, data, over, expires } = new.clone();
        let key = (topic.clone(), select.clone());
        let push = Push {
            number: stamp.number,
            topic,
            select,
            data,
            over,
            at: stamp.at,
            by: stamp.actor.to_owned(),
            expires_at: stamp.at + expires,
        };
        self.pushes.insert(key, Arc::new(push));
        if self.pushes.len() > MOST_PUSHES {
            return Err(Refusal::Conflict(format!(
                "{} has {MOST_PUSHES} pushes under way already, each of another topic or selection; push to one of \
                 those, or wait until one expires: freshwire pushes {}",
                self.name, self.name
            )));
        }
        Ok(())
    }

    /// Forgets the pushes that pages don't get any more.
    pub(super) fn forget_expired_pushes(&mut self, now: Moment) {
        self.pushes.retain(|_, push| push.live(now));
    }
}

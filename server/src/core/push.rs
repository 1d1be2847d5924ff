//! Data that operators push to the pages of an app: the latest of each topic, until it expires.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    app::{App, Refusal, Stamp},
    names::{LogNumber, PushTopic},
    time::{Moment, Period},
};

/// Most topics of an app with a push that has not expired.
pub const MOST_TOPICS: usize = 64;

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

/// The latest push to a topic.
#[derive(Clone, Debug, PartialEq)]
pub struct Push {
    /// Its name: the number of its entry.
    pub number: LogNumber,
    /// What it is about.
    pub topic: PushTopic,
    /// What pages get.
    pub data: PushData,
    /// When it was pushed.
    pub at: Moment,
    /// By whom.
    pub by: String,
    /// From when no page gets it any more.
    pub expires_at: Moment,
}

impl Push {
    /// Pages still get it.
    pub fn live(&self, now: Moment) -> bool {
        now < self.expires_at
    }
}

impl App {
    /// Replaces what was pushed to the topic before.
    pub(super) fn push(
        &mut self,
        topic: &PushTopic,
        data: &PushData,
        expires: Period,
        stamp: Stamp<'_>,
    ) -> Result<(), Refusal> {
        let push = Push {
            number: stamp.number,
            topic: topic.clone(),
            data: data.clone(),
            at: stamp.at,
            by: stamp.actor.to_owned(),
            expires_at: stamp.at + expires,
        };
        self.pushes.insert(topic.clone(), Arc::new(push));
        if self.pushes.len() > MOST_TOPICS {
            return Err(Refusal::Conflict(format!(
                "{} has pushes of {MOST_TOPICS} topics under way already; push to one of those, or wait until one \
                 expires: freshwire pushes {}",
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

//! A campaign: who is to be told, from when, over how long, by which steps. A wave is arithmetic, not a process.

use serde::{Deserialize, Serialize};

use super::{
    change::Terms,
    names::{BuildId, LogNumber, SessionId},
    time::{Moment, Period},
};

/// What set a campaign in motion; a new one of the same kind replaces the older.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Current changed: pages below it are stale, and their ladder depends on the releases above each of them. Pages
    /// ahead of it are called back when the campaign has steps.
    Release,
    /// The minimum changed: pages below it are unsupported.
    Minimum,
    /// One build was retired. Each retired build has a campaign of its own: a second one doesn't free the first.
    Retire(BuildId),
}

/// A stretch of time in which a campaign was active, named by the number of the entry that began it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The campaign's own number, or that of a resume.
    pub number: LogNumber,
    /// When it began.
    pub from: Moment,
    /// When it was paused or replaced, if it was.
    pub until: Option<Moment>,
}

/// A campaign, named by the number of the entry that started it.
#[derive(Clone, Debug, PartialEq)]
pub struct Campaign {
    /// Its name.
    pub number: LogNumber,
    /// What set it in motion.
    pub kind: Kind,
    /// The release that was current when it started: of a release campaign, the top of its ladder.
    pub release: u32,
    /// How pages are moved.
    pub terms: Terms,
    /// Shown to operators and people.
    pub reason: Option<String>,
    /// The campaign of the same kind before it.
    pub replaces: Option<LogNumber>,
    /// The same, if whoever that one told stays told: not if it was paused then, nor once this one has been paused.
    pub keeps: Option<LogNumber>,
    /// Never empty; the last one is open unless the campaign is paused or has ended.
    pub runs: Vec<Run>,
    /// It tells nobody any more.
    pub ended: bool,
}

impl Campaign {
    /// The run that is open, or was last.
    pub fn last_run(&self) -> Run {
        *self.runs.last().expect("a campaign starts with a run")
    }

    /// Tells pages now, as opposed to paused or ended.
    pub fn active(&self) -> bool {
        !self.ended && self.last_run().until.is_none()
    }

    /// Stopped by a pause, and may be resumed.
    pub fn paused(&self) -> bool {
        !self.ended && self.last_run().until.is_some()
    }

    /// For how long it has been active by `now`.
    pub fn elapsed(&self, now: Moment) -> Period {
        self.runs.iter().fold(Period::ZERO, |sum, run| {
            let until = run.until.map_or(now, |until| until.min(now));
            sum + until.since(run.from)
        })
    }

    /// The share of places that have been reached by `now`, from 0 to 1.
    pub fn progress(&self, now: Moment) -> f64 {
        let over = self.terms.over;
        if over == Period::ZERO { 1.0 } else { (ratio(self.elapsed(now)) / ratio(over)).min(1.0) }
    }

    /// When the place was or will be reached, if the campaign stays as it is. None: not before it is resumed.
    pub fn reached_at(&self, place: f64) -> Option<Moment> {
        let mut needed = self.active_time_to(place);
        for run in &self.runs {
            let length = run.until.map(|until| until.since(run.from));
            match length {
                Some(length) if length < needed => needed = needed.less(length),
                _ => return Some(run.from + needed),
            }
        }
        None
    }

    /// The active time after which a place is reached.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a period in milliseconds"
    )]
    fn active_time_to(&self, place: f64) -> Period {
        Period((place * ratio(self.terms.over)).ceil() as u64)
    }

    /// The session's fixed place in [0, 1).
    pub fn place(&self, session: SessionId) -> f64 {
        place(self.number, session)
    }
}

#[expect(clippy::cast_precision_loss, reason = "periods are far below 2^53 ms")]
fn ratio(period: Period) -> f64 {
    period.0 as f64
}

/// A session's place in [0, 1) in a campaign: the same on every node and on every call.
#[expect(clippy::cast_precision_loss, reason = "53 bits fit a double")]
pub fn place(campaign: LogNumber, session: SessionId) -> f64 {
    let hash = xxhash_rust::xxh3::xxh3_64_with_seed(session.0.as_bytes(), campaign.0);
    (hash >> 11) as f64 / (1_u64 << 53) as f64
}

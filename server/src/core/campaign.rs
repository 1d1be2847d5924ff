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

/// A stretch of time in which a campaign was active. Stretches of one run are told apart by their waits for proof only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Run {
    /// The campaign's own number, or that of the resume that began the run.
    pub number: LogNumber,
    /// When it began.
    pub from: Moment,
    /// When it was paused or replaced, or had to wait for proof, if it was.
    pub until: Option<Moment>,
}

/// Why a campaign doesn't go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Halt {
    /// Since when.
    pub at: Moment,
    /// By whom.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
    /// The campaign stopped itself.
    pub brake: bool,
}

/// A campaign, named by the number of the entry that started it.
#[derive(Clone, Debug, PartialEq, Serialize)]
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
    /// So many waves have been proven: the next one may follow.
    pub proven: usize,
    /// The pause that it is in, or was in last.
    pub halted: Option<Halt>,
    /// It was ended by an operator, not by a newer one of its kind.
    pub aborted: Option<Halt>,
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

    /// For how long it has been active by `now`; waiting for proof is not.
    pub fn elapsed(&self, now: Moment) -> Period {
        let elapsed = self.ran(now);
        self.gate().map_or(elapsed, |gate| elapsed.min(gate))
    }

    /// For how long its runs lasted.
    fn ran(&self, now: Moment) -> Period {
        self.runs.iter().fold(Period::ZERO, |sum, run| {
            let until = run.until.map_or(now, |until| until.min(now));
            sum + until.since(run.from)
        })
    }

    /// The active time at which it waits for the proof of its wave. None: all that need it have theirs.
    fn gate(&self) -> Option<Period> {
        let pace = &self.terms.pace;
        let last = pace.waves.len().saturating_sub(1);
        (self.proven < last && !pace.unproven_ok).then(|| pace.end_of_wave(self.proven))
    }

    /// Its wave's hold is over, and what was seen doesn't suffice for the next wave.
    pub fn unproven(&self, now: Moment) -> bool {
        self.active() && self.gate().is_some_and(|gate| self.ran(now) >= gate)
    }

    /// The wave that it is in, or holds after, counted from 0.
    pub fn wave(&self, now: Moment) -> usize {
        let pace = &self.terms.pace;
        let last = pace.waves.len().saturating_sub(1);
        let elapsed = self.elapsed(now);
        let gated = self.gate().map_or(last, |_| self.proven);
        (0..last).find(|wave| elapsed < pace.end_of_wave(*wave)).unwrap_or(last).min(gated)
    }

    /// When the hold after its wave ends, or ended, unless it is paused. None: it is in its last wave.
    pub fn hold_ends_at(&self, now: Moment) -> Option<Moment> {
        let pace = &self.terms.pace;
        let wave = self.wave(now);
        let run = self.last_run();
        (self.active() && wave + 1 < pace.waves.len())
            .then(|| run.from + pace.end_of_wave(wave).less(self.ran(run.from)))
    }

    /// The share of places that have been reached by `now`, from 0 to 1.
    pub fn progress(&self, now: Moment) -> f64 {
        let progress = self.terms.pace.progress(self.elapsed(now));
        // Without a hold the next wave would begin in the same instant.
        let gate = self.gate().and_then(|_| self.terms.pace.waves.get(self.proven));
        gate.map_or(progress, |share| progress.min(share.ratio()))
    }

    /// When the place was or will be reached, if the campaign stays as it is. None: not before it is resumed or proven.
    pub fn reached_at(&self, place: f64) -> Option<Moment> {
        if self.gate().is_some() && self.terms.pace.wave_of(place) > self.proven {
            return None;
        }
        let mut needed = self.terms.pace.time_to(place);
        for run in &self.runs {
            let length = run.until.map(|until| until.since(run.from));
            match length {
                Some(length) if length < needed => needed = needed.less(length),
                _ => return Some(run.from + needed),
            }
        }
        None
    }

    /// The session's fixed place in [0, 1).
    pub fn place(&self, session: SessionId) -> f64 {
        place(self.number, session)
    }

    /// Ends the last run, if it is open. A wait for proof at its end is cut off.
    pub(super) fn close_run(&mut self, at: Moment) {
        let elapsed = self.elapsed(at);
        let before = self.ran(self.last_run().from);
        if let Some(run) = self.runs.last_mut().filter(|run| run.until.is_none()) {
            run.until = Some(run.from + elapsed.less(before));
        }
    }

    /// Lets the next wave follow: at once, if it was waited for.
    pub(super) fn prove(&mut self, at: Moment) {
        if self.unproven(at) {
            self.close_run(at);
            self.runs.push(Run { number: self.last_run().number, from: at, until: None });
        }
        self.proven += 1;
    }

    /// Goes on after a pause, as a new run. If it was waiting for proof, that was it, unless its brake had stopped it: then the
    /// wave has yet to show that the cause is gone.
    pub(super) fn resume(&mut self, number: LogNumber, at: Moment) {
        let braked = self.halted.as_ref().is_some_and(|halt| halt.brake);
        if !braked && self.gate().is_some_and(|gate| self.ran(at) >= gate) {
            self.proven += 1;
        }
        self.runs.push(Run { number, from: at, until: None });
    }
}

/// A session's place in [0, 1) in a campaign: the same on every node and on every call.
#[expect(clippy::cast_precision_loss, reason = "53 bits fit a double")]
pub fn place(campaign: LogNumber, session: SessionId) -> f64 {
    let hash = xxhash_rust::xxh3::xxh3_64_with_seed(session.0.as_bytes(), campaign.0);
    (hash >> 11) as f64 / (1_u64 << 53) as f64
}

//! A gate: waits until it is safe to take something away that old pages still need.
//!
//! It is fed with what was read, and when; it opens once a condition has held for so long, and never on the strength of
//! two looks between which somebody came and went.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::{
    app::App,
    census::{BuildCount, merge},
    change::Floor,
    judge::{below, key, registered_key},
    names::{BuildId, Need},
    order::Version,
    time::{Moment, Period},
};

/// Whose pages are to be gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Those below a floor.
    Below(Floor),
    /// Those on a build.
    Build(BuildId),
    /// Those on a release that needs something.
    Needs(Need),
}

/// Whether a page is one of those.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Belongs {
    /// It is.
    Yes,
    /// It isn't.
    No,
    /// Nobody can tell: its build is not registered.
    Unknown,
}

impl Condition {
    /// Whether the pages of a build are among those that are to be gone.
    pub fn holds_back(&self, app: &App, build: &BuildId, reported: Option<&Version>) -> Belongs {
        let registered = app.release(build);
        match self {
            Self::Needs(need) => match registered {
                Some(release) if release.new.needs.contains(need) => Belongs::Yes,
                Some(_) => Belongs::No,
                None => Belongs::Unknown,
            },
            Self::Build(wanted) if build == wanted => Belongs::Yes,
            Self::Build(wanted) => beside(app, build, reported, wanted, false),
            Self::Below(Floor::Build(floor)) => beside(app, build, reported, floor, true),
            Self::Below(floor) => match key(app, build, reported) {
                Some(key) if below(app, key, floor) => Belongs::Yes,
                Some(_) => Belongs::No,
                None => Belongs::Unknown,
            },
        }
    }
}

/// A build that isn't the one named, beside it. One that can't be compared with it may be the same under another ID.
fn beside(
    app: &App,
    build: &BuildId,
    reported: Option<&Version>,
    named: &BuildId,
    lower_counts: bool,
) -> Belongs {
    if build == named {
        return Belongs::No;
    }
    let compared = key(app, build, reported).zip(registered_key(app, named));
    match compared.and_then(|(key, named)| key.compare(named)) {
        Some(Ordering::Less) if lower_counts => Belongs::Yes,
        Some(_) => Belongs::No,
        None => Belongs::Unknown,
    }
}

/// An app's counts, sorted by whether they are to be gone; those that may stay are left out.
#[derive(Clone, Debug, Default)]
pub struct Sorted {
    /// Those that are to be gone.
    pub here: Crowd,
    /// Those of whom nobody can tell.
    pub unknown: Crowd,
    /// Both by build.
    pub rows: Vec<(Belongs, BuildCount)>,
}

impl Condition {
    /// Sorts an app's counts.
    pub fn sort(&self, app: &App, counts: impl IntoIterator<Item = BuildCount>) -> Sorted {
        let mut sorted = Sorted::default();
        let registered = |count: BuildCount| match app.release(&count.build) {
            Some(_) => BuildCount { reported: None, ..count },
            None => count,
        };
        for count in merge(counts.into_iter().map(registered)) {
            let belongs = self.holds_back(app, &count.build, count.reported.as_ref());
            match belongs {
                Belongs::Yes => sorted.here.add(&count),
                Belongs::Unknown => sorted.unknown.add(&count),
                Belongs::No => continue,
            }
            sorted.rows.push((belongs, count));
        }
        sorted
    }
}

/// Some of an app's sessions: how many there are, and how many there ever were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Crowd {
    /// Connected or polling.
    pub sessions: u64,
    /// Vanished without a goodbye in the last 14 days.
    pub away: u64,
    /// How many joined so far; compare two readings of one epoch.
    pub joins: u64,
    /// How many vanished so far; compare two readings of one epoch.
    pub vanished: u64,
}

impl Crowd {
    fn add(&mut self, count: &BuildCount) {
        self.sessions += count.sessions;
        self.away += count.away;
        self.joins += count.joins;
        self.vanished += count.vanished;
    }

    /// The most that can have been connected at once from an earlier reading to this one, and away at once.
    fn most_since(&self, earlier: &Self) -> (u64, u64) {
        let joined = self.joins - earlier.joins;
        let vanished = self.vanished - earlier.vanished;
        (earlier.sessions + joined, earlier.away + vanished)
    }

    fn follows(&self, earlier: &Self) -> bool {
        self.joins >= earlier.joins && self.vanished >= earlier.vanished
    }
}

/// What one look at the census finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Those that are to be gone.
    pub here: Crowd,
    /// Those of whom nobody can tell.
    pub unknown: Crowd,
    /// Every node has answered, and none is on its way out.
    pub complete: bool,
    /// A node has started lately, and its pages are still finding their way back.
    pub warming: bool,
    /// Joins and vanishings are comparable while it stays the same.
    pub epoch: String,
}

/// When a gate opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// As many may be left.
    pub max: u64,
    /// For so long, without a break.
    pub hold: Period,
    /// Those that are away count as well: none may be left.
    pub away: bool,
    /// Unknown builds don't matter.
    pub ignore_unknown: bool,
}

/// Why a gate is shut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shut {
    /// Not every node has answered.
    Incomplete,
    /// Pages are still finding their way back.
    Warming,
    /// Too many are connected.
    Sessions,
    /// Some may only be asleep.
    Away,
    /// Some are connected of whom nobody can tell.
    Unknown,
}

/// Where a gate stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its condition is not met.
    Waiting(Vec<Shut>),
    /// Its condition is met, and has been for some time.
    Holding {
        /// Since when, as far as is known.
        since: Moment,
        /// It was not met for a moment since the look before, and the time counts anew.
        anew: bool,
    },
    /// It is safe.
    Open,
}

/// A gate and what it has seen. Its times are any clock that doesn't jump.
#[derive(Clone, Debug)]
pub struct Gate {
    terms: Terms,
    last: Option<Reading>,
    since: Option<Moment>,
}

impl Gate {
    /// A gate that has seen nothing.
    pub const fn new(terms: Terms) -> Self {
        Self { terms, last: None, since: None }
    }

    /// Takes in a reading that was asked for and answered at these moments. What it tells was so at some moment
    /// between the two; the gate believes the later when it begins to count and the earlier when it opens.
    pub fn look(&mut self, asked: Moment, answered: Moment, reading: Reading) -> Verdict {
        let shut = self.terms.shut(&reading);
        let broken = self.last.as_ref().is_some_and(|last| self.terms.may_have_been_shut(last, &reading));
        self.last = Some(reading);
        if !shut.is_empty() {
            self.since = None;
            return Verdict::Waiting(shut);
        }
        let anew = broken && self.since.is_some();
        let since = *self.since.insert(self.since.filter(|_| !broken).unwrap_or(answered));
        if asked.since(since) >= self.terms.hold { Verdict::Open } else { Verdict::Holding { since, anew } }
    }
}

impl Terms {
    fn shut(&self, reading: &Reading) -> Vec<Shut> {
        let Reading { here, unknown, complete, warming, .. } = reading;
        let away = here.away > 0 || (!self.ignore_unknown && unknown.away > 0);
        let reasons = [
            (!complete, Shut::Incomplete),
            (*warming, Shut::Warming),
            (here.sessions > self.max, Shut::Sessions),
            (!self.ignore_unknown && unknown.sessions > 0, Shut::Unknown),
            (self.away && away, Shut::Away),
        ];
        reasons.into_iter().filter_map(|(shut, why)| shut.then_some(why)).collect()
    }

    /// Whether the condition can have been unmet at some moment between two readings.
    fn may_have_been_shut(&self, earlier: &Reading, later: &Reading) -> bool {
        let comparable = earlier.epoch == later.epoch
            && later.here.follows(&earlier.here)
            && later.unknown.follows(&earlier.unknown);
        if !comparable {
            return true;
        }
        let (here, away) = later.here.most_since(&earlier.here);
        let (unknown, unknown_away) =
            if self.ignore_unknown { (0, 0) } else { later.unknown.most_since(&earlier.unknown) };
        here > self.max || unknown > 0 || (self.away && away + unknown_away > 0)
    }
}

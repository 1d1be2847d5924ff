//! An app's sessions counted by where they are in each campaign: kept as records change, never by walking them.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use crate::core::{
    app::App,
    brake::Evidence,
    names::LogNumber,
    outcome::{Outcome, Record, Return, State},
};

/// Distinct things that stuck pages say that are counted one by one.
const MOST_DETAILS: usize = 16;
/// More of one is not kept, in bytes.
const LONGEST_DETAIL: usize = 200;
/// What any further ones are counted as.
const OTHER_DETAILS: &str = "other reasons";
/// The share of missing pages that is taken as usual before there is anything to go by: 1 of 50, counted as so many.
const ASSUMED: (f64, f64) = (1.0, 50.0);
/// The greatest share of missing pages that is taken as usual.
const MOST_USUAL: f64 = 0.1;

/// The tallies of one app's campaigns.
#[derive(Default)]
pub struct Tallies(Mutex<BTreeMap<LogNumber, Tally>>);

/// Where the sessions of one campaign are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// So many sessions it was ever about: counted as they come, not summed up.
    pub targeted: u64,
    /// Of these, whose page has acknowledged a notice.
    pub told: u64,
    /// Of those that have not ended, who is not connected, and not just reloading.
    pub away: u64,
    /// By [`State`].
    states: [u64; State::ALL.len()],
    /// Reloading, and not back for a while.
    missing: u64,
    run: Run,
}

/// The same of those whose record is of the latest run only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Run {
    number: LogNumber,
    states: [u64; State::ALL.len()],
    missing: u64,
    stuck: BTreeMap<String, u64>,
}

/// What is seen of a campaign's present run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// What the brake goes by.
    pub evidence: Evidence,
    /// Of those who acted, came back on a better build, or changed in place.
    pub came_back: u64,
    /// What those say that tried and couldn't, and how many say it.
    pub stuck: Vec<(String, u64)>,
}

/// A record as it is counted: with whether its session is connected.
#[derive(Clone, Copy, Debug)]
pub struct Counted<'a> {
    /// The record.
    pub record: &'a Record,
    /// Its session is not connected.
    pub away: bool,
}

impl Tallies {
    /// A session comes into a campaign.
    pub fn enter(&self, now: Counted<'_>) {
        let mut tallies = self.0.lock();
        let tally = tallies.entry(now.record.campaign).or_default();
        tally.targeted += 1;
        tally.add(now);
    }

    /// A session is another node's from now on.
    pub fn leave(&self, before: Counted<'_>) {
        if let Some(tally) = self.0.lock().get_mut(&before.record.campaign) {
            tally.targeted -= 1;
            tally.subtract(before);
        }
    }

    /// A session is somewhere else in a campaign.
    pub fn change(&self, before: Counted<'_>, now: Counted<'_>) {
        // None: the campaign has been forgotten.
        if let Some(tally) = self.0.lock().get_mut(&before.record.campaign) {
            tally.subtract(before);
            tally.add(now);
        }
    }

    /// Forgets the campaigns that the app has forgotten. One that it doesn't know yet is newer: others know it already.
    pub fn forget_all_but(&self, app: &App) {
        self.0.lock().retain(|campaign, _| *campaign > app.number || app.campaigns.contains_key(campaign));
    }

    /// Where the sessions of a campaign are.
    pub fn of(&self, campaign: LogNumber) -> Tally {
        self.0.lock().get(&campaign).cloned().unwrap_or_default()
    }

    /// What is seen of a run of a campaign.
    pub fn seen(&self, campaign: LogNumber, run: LogNumber) -> Seen {
        let tallies = self.0.lock();
        let Some(tally) = tallies.get(&campaign).filter(|tally| tally.run.number == run) else {
            return Seen::default();
        };
        let own = &tally.run;
        let usual_missing = usual_missing(&tallies, campaign);
        let count = |state: State| own.states[state as usize];
        let stuck = own.stuck.iter().map(|(detail, sessions)| (detail.clone(), *sessions)).collect();
        Seen {
            evidence: Evidence {
                acted: acted(&own.states),
                still_old: count(State::StillOld),
                missing: own.missing,
                usual_missing,
            },
            came_back: count(State::Refreshed) + count(State::Swapped),
            stuck,
        }
    }
}

fn acted(states: &[u64; State::ALL.len()]) -> u64 {
    State::ALL.iter().filter(|state| state.acted()).map(|state| states[*state as usize]).sum()
}

/// The share of those who acted that has gone missing in all other campaigns. However it went in those, more than a few
/// that don't come back are not usual.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn usual_missing(tallies: &BTreeMap<LogNumber, Tally>, but: LogNumber) -> f64 {
    let others = || tallies.iter().filter(|(number, _)| **number != but).map(|(_, tally)| tally);
    let missing: u64 = others().map(|tally| tally.missing).sum();
    let acted: u64 = others().map(|tally| acted(&tally.states)).sum();
    ((missing as f64 + ASSUMED.0) / (acted as f64 + ASSUMED.1)).min(MOST_USUAL)
}

impl Tally {
    /// Sessions in a state.
    pub const fn count(&self, state: State) -> u64 {
        self.states[state as usize]
    }

    /// Sessions by state; those in which nobody is are left out.
    pub fn states(&self) -> BTreeMap<State, u64> {
        State::ALL.into_iter().map(|state| (state, self.count(state))).filter(|(_, n)| *n > 0).collect()
    }

    /// Those to whom something may still happen while they are connected or reloading.
    pub fn under_way(&self) -> u64 {
        let open: u64 =
            State::ALL.iter().filter(|state| !state.ended()).map(|state| self.count(*state)).sum();
        open - self.away
    }

    fn add(&mut self, Counted { record, away }: Counted<'_>) {
        let missing = missing(record);
        self.states[record.state as usize] += 1;
        self.told += u64::from(record.told);
        self.away += u64::from(is_away(record, away));
        self.missing += missing;
        // A newer run: nobody has been told in it yet, or was counted in it.
        if record.run > self.run.number {
            self.run = Run { number: record.run, ..Run::default() };
        }
        if record.run == self.run.number {
            self.run.states[record.state as usize] += 1;
            self.run.missing += missing;
            self.run.stick(record);
        }
    }

    fn subtract(&mut self, Counted { record, away }: Counted<'_>) {
        let missing = missing(record);
        self.states[record.state as usize] -= 1;
        self.told -= u64::from(record.told);
        self.away -= u64::from(is_away(record, away));
        self.missing -= missing;
        if record.run == self.run.number {
            self.run.states[record.state as usize] -= 1;
            self.run.missing -= missing;
            self.run.loosen(record);
        }
    }
}

fn missing(record: &Record) -> u64 {
    u64::from(record.state == State::Refreshing && record.due == Return::Missing)
}

fn is_away(record: &Record, away: bool) -> bool {
    let reloading = record.state == State::Refreshing && record.due == Return::Soon;
    away && !record.state.ended() && !reloading
}

impl Run {
    fn stick(&mut self, record: &Record) {
        if let Some(detail) = detail(record) {
            let room = self.stuck.len() < MOST_DETAILS || self.stuck.contains_key(&detail);
            *self.stuck.entry(if room { detail } else { OTHER_DETAILS.to_owned() }).or_default() += 1;
        }
    }

    fn loosen(&mut self, record: &Record) {
        let Some(detail) = detail(record) else { return };
        let known = if self.stuck.contains_key(&detail) { &*detail } else { OTHER_DETAILS };
        if let Some(sessions) = self.stuck.get_mut(known) {
            *sessions -= 1;
            if *sessions == 0 {
                let known = known.to_owned();
                self.stuck.remove(&known);
            }
        }
    }
}

/// What a stuck page says: `origin_stale: …` or `failed: …`.
fn detail(record: &Record) -> Option<String> {
    let outcome = record.outcome.filter(|_| record.state == State::Stuck).map_or_else(
        || (record.state == State::Stuck).then_some("failed"),
        |outcome: Outcome| Some(outcome.as_str()),
    )?;
    let mut said =
        record.detail.as_ref().map_or_else(|| outcome.to_owned(), |detail| format!("{outcome}: {detail}"));
    said.truncate(said.floor_char_boundary(LONGEST_DETAIL));
    Some(said)
}

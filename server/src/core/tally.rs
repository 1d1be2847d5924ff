//! Sessions counted by where they are in each campaign: on one node, and put together over several.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{
    brake::Evidence,
    count,
    names::LogNumber,
    outcome::{LookRefused, Outcome, Record, Return, State},
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

/// An app's campaigns, by number.
pub type Campaigns = BTreeMap<LogNumber, Tally>;

/// Where the sessions of one campaign are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// So many sessions it was ever about: counted as they come, not summed up.
    #[serde(deserialize_with = "count::heard")]
    pub targeted: u64,
    /// Of these, whose page has acknowledged a notice.
    #[serde(deserialize_with = "count::heard")]
    pub told: u64,
    /// Of those that have not ended, who is not connected, and not just reloading.
    #[serde(deserialize_with = "count::heard")]
    pub away: u64,
    states: States,
    /// Reloading, and not back for a while.
    #[serde(deserialize_with = "count::heard")]
    missing: u64,
    run: Run,
}

/// The same of those whose record is of the latest run only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Run {
    number: LogNumber,
    states: States,
    #[serde(deserialize_with = "count::heard")]
    missing: u64,
    #[serde(deserialize_with = "count::heard_by_name")]
    stuck: BTreeMap<String, u64>,
}

/// Sessions by [`State`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct States([u64; State::ALL.len()]);

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

/// What is seen of a run of one of an app's campaigns.
pub fn seen(campaigns: &Campaigns, campaign: LogNumber, run: LogNumber) -> Seen {
    let Some(tally) = campaigns.get(&campaign).filter(|tally| tally.run.number == run) else {
        return Seen::default();
    };
    let own = &tally.run;
    Seen {
        evidence: Evidence {
            acted: own.states.acted(),
            still_old: own.states.of(State::StillOld),
            missing: own.missing,
            usual_missing: usual_missing(campaigns, campaign),
        },
        came_back: own.states.of(State::Refreshed) + own.states.of(State::Swapped),
        stuck: own.stuck.iter().map(|(detail, sessions)| (detail.clone(), *sessions)).collect(),
    }
}

/// Adds one node's campaigns to others'.
pub fn add(to: &mut Campaigns, campaigns: &Campaigns) {
    for (number, tally) in campaigns {
        to.entry(*number).or_default().merge(tally);
    }
}

/// The share of those who acted that has gone missing in all other campaigns. However it went in those, more than a few
/// that don't come back are not usual.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn usual_missing(campaigns: &Campaigns, but: LogNumber) -> f64 {
    let others = || campaigns.iter().filter(|(number, _)| **number != but).map(|(_, tally)| tally);
    let missing: u64 = others().map(|tally| tally.missing).sum();
    let acted: u64 = others().map(|tally| tally.states.acted()).sum();
    ((missing as f64 + ASSUMED.0) / (acted as f64 + ASSUMED.1)).min(MOST_USUAL)
}

impl Tally {
    /// Sessions in a state.
    pub const fn count(&self, state: State) -> u64 {
        self.states.of(state)
    }

    /// Sessions by state; those in which nobody is are left out.
    pub fn states(&self) -> BTreeMap<State, u64> {
        self.states.occupied()
    }

    /// Those to whom something may still happen while they are connected or reloading.
    pub fn under_way(&self) -> u64 {
        let open: u64 =
            State::ALL.iter().filter(|state| !state.ended()).map(|state| self.count(*state)).sum();
        open.saturating_sub(self.away)
    }

    /// A session comes into the campaign.
    pub fn enter(&mut self, now: Counted<'_>) {
        self.targeted += 1;
        self.add(now);
    }

    /// A session goes on elsewhere: whoever has it now counts it.
    pub fn hand_over(&mut self, before: Counted<'_>) {
        self.targeted -= 1;
        self.subtract(before);
    }

    /// A session is somewhere else in the campaign.
    pub fn change(&mut self, before: Counted<'_>, now: Counted<'_>) {
        self.subtract(before);
        self.add(now);
    }

    /// Adds what another node has counted. Of two runs the newer counts: that of the older is over.
    pub fn merge(&mut self, other: &Self) {
        self.targeted += other.targeted;
        self.told += other.told;
        self.away += other.away;
        self.states.merge(&other.states);
        self.missing += other.missing;
        match self.run.number.cmp(&other.run.number) {
            std::cmp::Ordering::Less => self.run.clone_from(&other.run),
            std::cmp::Ordering::Equal => self.run.merge(&other.run),
            std::cmp::Ordering::Greater => {}
        }
    }

    fn add(&mut self, Counted { record, away }: Counted<'_>) {
        let missing = missing(record);
        *self.states.at(record.state) += 1;
        self.told += u64::from(record.told);
        self.away += u64::from(is_away(record, away));
        self.missing += missing;
        // A newer run: nobody has been told in it yet, or was counted in it.
        if record.run > self.run.number {
            self.run = Run { number: record.run, ..Run::default() };
        }
        if record.run == self.run.number {
            *self.run.states.at(record.state) += 1;
            self.run.missing += missing;
            self.run.stick(record);
        }
    }

    fn subtract(&mut self, Counted { record, away }: Counted<'_>) {
        let missing = missing(record);
        *self.states.at(record.state) -= 1;
        self.told -= u64::from(record.told);
        self.away -= u64::from(is_away(record, away));
        self.missing -= missing;
        if record.run == self.run.number {
            *self.run.states.at(record.state) -= 1;
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
    fn merge(&mut self, other: &Self) {
        self.states.merge(&other.states);
        self.missing += other.missing;
        for (detail, sessions) in &other.stuck {
            *self.room_for(detail) += sessions;
        }
    }

    /// Where a detail is counted.
    fn room_for(&mut self, detail: &str) -> &mut u64 {
        let room = self.stuck.len() < MOST_DETAILS
            || self.stuck.contains_key(detail)
            // Whatever else pages may think of to say, what has a cure is named.
            || LookRefused::named(detail).is_some();
        self.stuck.entry(if room { detail } else { OTHER_DETAILS }.to_owned()).or_default()
    }

    fn stick(&mut self, record: &Record) {
        if let Some(detail) = detail(record) {
            *self.room_for(&detail) += 1;
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

/// What a stuck page says: `origin_stale: …`, `look_refused (…)` or `failed: …`.
fn detail(record: &Record) -> Option<String> {
    if let Some(why) = record.look_refused() {
        return Some(why.to_string());
    }
    let outcome = record.outcome.filter(|_| record.state == State::Stuck).map_or_else(
        || (record.state == State::Stuck).then_some("failed"),
        |outcome: Outcome| Some(outcome.as_str()),
    )?;
    let mut said =
        record.detail.as_ref().map_or_else(|| outcome.to_owned(), |detail| format!("{outcome}: {detail}"));
    said.truncate(said.floor_char_boundary(LONGEST_DETAIL));
    Some(said)
}

impl States {
    const fn of(&self, state: State) -> u64 {
        self.0[state as usize]
    }

    const fn at(&mut self, state: State) -> &mut u64 {
        &mut self.0[state as usize]
    }

    fn acted(&self) -> u64 {
        State::ALL.iter().filter(|state| state.acted()).map(|state| self.of(*state)).sum()
    }

    fn occupied(&self) -> BTreeMap<State, u64> {
        State::ALL.into_iter().map(|state| (state, self.of(state))).filter(|(_, n)| *n > 0).collect()
    }

    fn merge(&mut self, other: &Self) {
        for (sum, more) in self.0.iter_mut().zip(other.0) {
            *sum += more;
        }
    }
}

impl Serialize for States {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.occupied().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for States {
    /// A state that a newer node knows is none that could be counted here.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let named = count::heard_by_name(deserializer)?;
        let mut states = Self::default();
        for state in State::ALL {
            *states.at(state) = named.get(state.as_str()).copied().unwrap_or(0);
        }
        Ok(states)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::change::Action;

    fn record(run: u64, state: State, detail: &str) -> Record {
        let detail = (state == State::Stuck).then(|| detail.to_owned());
        Record { state, detail, ..Record::waiting(LogNumber(7), LogNumber(run), Action::Prompt) }
    }

    fn tally(records: &[Record]) -> Tally {
        let mut tally = Tally::default();
        for record in records {
            tally.enter(Counted { record, away: false });
        }
        tally
    }

    #[test]
    fn what_two_nodes_count_is_what_one_would_count() {
        let states = [State::Waiting, State::Refreshed, State::StillOld, State::Stuck, State::Shown];
        let all: Vec<_> = states.iter().map(|state| record(7, *state, "no worker")).collect();
        for cut in 0..=all.len() {
            let mut sum = tally(&all[..cut]);
            sum.merge(&tally(&all[cut..]));
            assert_eq!(sum, tally(&all), "cut at {cut}");
        }
    }

    #[test]
    fn the_newer_run_is_the_one_that_is_seen() {
        let older = tally(&[record(7, State::StillOld, "")]);
        let newer = tally(&[record(9, State::Refreshed, "")]);
        for (first, second) in [(&older, &newer), (&newer, &older)] {
            let mut campaigns = Campaigns::from([(LogNumber(7), first.clone())]);
            add(&mut campaigns, &Campaigns::from([(LogNumber(7), second.clone())]));
            assert_eq!(campaigns[&LogNumber(7)].targeted, 2);
            let seen = seen(&campaigns, LogNumber(7), LogNumber(9));
            assert_eq!((seen.evidence.acted, seen.evidence.still_old), (1, 0));
        }
    }

    #[test]
    fn details_stay_few_however_many_nodes_have_their_own() {
        let mut sum = Tally::default();
        for node in 0..10 {
            let of_node: Vec<_> = (0..10).map(|n| record(7, State::Stuck, &format!("{node}.{n}"))).collect();
            sum.merge(&tally(&of_node));
        }
        assert_eq!(sum.run.stuck.len(), MOST_DETAILS + 1);
        assert_eq!(sum.run.stuck.values().sum::<u64>(), 100);
    }

    #[test]
    fn a_refused_look_is_counted_by_its_reason_however_much_else_is_said() {
        let all: Vec<_> = (0..30).map(|n| record(7, State::Stuck, &format!("{n}"))).collect();
        let mut tally = tally(&all);
        let mut refused = record(7, State::Stuck, "look_refused: no-mark");
        refused.outcome = Some(Outcome::Failed);
        tally.enter(Counted { record: &refused, away: false });
        assert_eq!(tally.run.stuck.get("look_refused (no-mark)"), Some(&1));
        let moved = Record { state: State::Refreshing, ..refused.clone() };
        tally.change(Counted { record: &refused, away: false }, Counted { record: &moved, away: false });
        assert_eq!(tally.run.stuck.get("look_refused (no-mark)"), None);
    }

    #[test]
    fn a_tally_is_read_as_it_was_written_but_for_states_that_only_the_writer_knows() {
        let tally = tally(&[record(7, State::Stuck, "no worker"), record(7, State::Shown, "")]);
        let mut json = serde_json::to_value(&tally).unwrap();
        json["states"]["levitating"] = 3.into();
        assert_eq!(serde_json::from_value::<Tally>(json).unwrap(), tally);
    }
}

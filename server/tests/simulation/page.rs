//! A page: where it is, what it was told, and what its records say.

use std::collections::{BTreeMap, HashSet};

use freshwire::core::{
    names::{BuildId, LogNumber, SessionId},
    outcome::{Outcome, Record, State},
    plan::{Level, Sight},
    tally::{Campaigns, Counted},
    time::Moment,
};

pub struct Page {
    pub id: SessionId,
    pub build: BuildId,
    /// Which node it is connected to.
    pub node: Option<usize>,
    /// Which node it was on before.
    pub via: Option<usize>,
    pub joined_at: Moment,
    pub sights: Vec<Sight>,
    /// Comes back from every refresh as old as it was.
    pub stubborn: bool,
    /// Nobody opens it again.
    pub lost: bool,
    told: HashSet<(LogNumber, LogNumber, u8)>,
    records: BTreeMap<LogNumber, Record>,
}

impl Page {
    pub fn new(id: SessionId, build: BuildId, stubborn: bool) -> Self {
        let (node, via, sights, told, records) = Default::default();
        Self { id, build, node, via, joined_at: Moment(0), sights, stubborn, lost: false, told, records }
    }

    /// Its node tells it.
    pub fn hear(&mut self, level: Level, at: Moment, campaigns: &mut Campaigns) {
        let Level { campaign, run, step, action, .. } = level;
        assert!(self.told.insert((campaign, run, step)), "{:?} was told {level:?} twice", self.id);
        self.sights.push(Sight { campaign, run, step, at, spent: false });
        let mut record = Record::waiting(campaign, run, action);
        record.report(Outcome::Received, None);
        self.record(record, campaigns);
    }

    /// It reloads, and is back at once.
    pub fn act(&mut self, campaign: LogNumber, current: &BuildId, campaigns: &mut Campaigns) {
        let Some(mut record) = self.records.get(&campaign).filter(|record| !record.state.ended()).cloned()
        else {
            return;
        };
        if self.stubborn {
            record.state = State::StillOld;
            for sight in self.sights.iter_mut().filter(|sight| sight.campaign == campaign) {
                sight.spent = true;
            }
        } else {
            record.state = State::Refreshed;
            self.build = current.clone();
            self.sights.clear();
            self.told.clear();
        }
        self.record(record, campaigns);
    }

    fn record(&mut self, record: Record, campaigns: &mut Campaigns) {
        let tally = campaigns.entry(record.campaign).or_default();
        let now = Counted { record: &record, away: false };
        match self.records.get(&record.campaign) {
            Some(before) => tally.change(Counted { record: before, away: false }, now),
            None => tally.enter(now),
        }
        self.records.insert(record.campaign, record);
    }

    /// Another node counts it from now on.
    pub fn leave(&self, campaigns: &mut Campaigns) {
        for (campaign, record) in &self.records {
            campaigns.entry(*campaign).or_default().hand_over(Counted { record, away: false });
        }
    }

    /// This node counts it from now on, with what the one before gave.
    pub fn come(&self, campaigns: &mut Campaigns) {
        for (campaign, record) in &self.records {
            campaigns.entry(*campaign).or_default().enter(Counted { record, away: false });
        }
    }

    /// The node that had its records is gone, or can't be asked.
    pub fn lose_records(&mut self) {
        self.records.clear();
    }

    /// Campaigns that it has a record of.
    pub fn campaigns(&self) -> impl Iterator<Item = LogNumber> {
        self.records.keys().copied()
    }
}

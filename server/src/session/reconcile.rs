//! What a session's past comes to when its page says hello: by its own account, and by the record that is kept.

use super::machine::Open;
use crate::{
    core::{
        campaign::Campaign,
        change::Action,
        enrol::past_use,
        frames::{After, Hello, Seen},
        names::LogNumber,
        outcome::{Outcome, Record, State},
        plan::{Ladder, Prospect, Sight, concerns},
        time::{Moment, Period},
    },
    fleet::{hub::View, records::Returned},
};

/// A session's past.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// What the page was told.
    pub sights: Vec<Sight>,
    /// The notice that it has before it.
    pub open: Option<Open>,
    /// What it was told by an entry that this node hasn't read yet.
    pub ahead: Option<Box<Seen>>,
    /// Where it is in its campaigns.
    pub records: Vec<Record>,
}

pub(super) fn past(view: &View, prospect: &Prospect, hello: &Hello, returned: Returned, now: Moment) -> Past {
    let moved = returned.build.is_some_and(|build| build != hello.build);
    let latest = hello.seen.iter().min_by_key(|seen| seen.ago_ms);
    let mut past = Past {
        sights: hello.seen.iter().map(|seen| sight(seen, now)).collect(),
        open: None,
        ahead: None,
        records: returned.records,
    };
    let back = hello.after.as_ref().and_then(|after| past.take_in_refresh(view, prospect, hello, after, now));
    for record in past.records.iter_mut().filter(|record| Some(record.campaign) != back) {
        let campaign = view.app.campaigns.get(&record.campaign);
        let under_way = campaign.is_some_and(|campaign| !campaign.ended);
        // What has ended on both sides is history.
        if record.state.ended() && !under_way {
            continue;
        }
        let ladder = prospect.ladders.iter().find(|ladder| ladder.campaign == record.campaign);
        let about_it = ladder.is_some()
            || campaign.is_some_and(|campaign| {
                campaign.paused() && concerns(&view.app, campaign, &hello.build, hello.version.as_ref())
            });
        if moved && !about_it {
            record.move_on();
        } else {
            let own = |seen: &&Seen| seen.notice == record.campaign && seen.run == record.run;
            let kept = |seen: &&Seen| ladder.is_some_and(|ladder| ladder.keeps(seen.notice));
            let said = hello.seen.iter().find(own);
            let said = said.or_else(|| hello.seen.iter().filter(kept).min_by_key(|seen| seen.ago_ms));
            awake(record, said.filter(|seen| has_it_still(seen)));
        }
    }
    if let Some(seen) = latest.filter(|seen| back.is_none() && has_it_still(seen)) {
        past.open_by_itself(view, prospect, seen);
        past.ahead = Some(seen).filter(|seen| is_ahead(view, seen)).cloned().map(Box::new);
    }
    past
}

impl Past {
    /// A page speaks of the refresh that it came by for all its life, so that it is never told again in vain: what it
    /// says is new once. Answers with the campaign in which it was.
    fn take_in_refresh(
        &mut self,
        view: &View,
        prospect: &Prospect,
        hello: &Hello,
        after: &After,
        now: Moment,
    ) -> Option<LogNumber> {
        let campaign = view.app.campaigns.get(&after.notice);
        let under_way = |campaign: &Campaign| {
            let about_it = prospect.ladders.iter().any(|ladder| ladder.campaign == campaign.number);
            !campaign.ended && (campaign.paused() || about_it)
        };
        let state = match after.from == hello.build {
            false if after.tries == 0 => State::Swapped,
            false => State::Refreshed,
            true if campaign.is_some_and(|campaign| under_way(campaign)) => State::StillOld,
            true => State::Released,
        };
        let last_run = campaign.map_or(after.notice, |campaign| campaign.last_run().number);
        let index = self.records.iter().position(|record| record.state == State::Refreshing);
        let index = index.or_else(|| self.records.iter().position(|record| record.campaign == after.notice));
        let (run, news) = match index.map(|index| &mut self.records[index]) {
            // It was taken in before, perhaps as of a campaign that has replaced this one.
            Some(record) if record.came_back || past_use(&view.app, record) => {
                ((record.state == State::StillOld).then_some(record.run), None)
            }
            Some(record) => {
                (record.state, record.told, record.came_back) = (state, true, true);
                let run = if record.campaign == after.notice { record.run } else { last_run };
                (Some(run), Some(record.campaign))
            }
            // Unless it has been told of something else since, that refresh is where it is.
            None => {
                let of_it = hello.seen.iter().min_by_key(|seen| seen.ago_ms);
                let of_it = of_it.is_none_or(|seen| seen.notice == after.notice);
                if let Some(campaign) = campaign.filter(|campaign| of_it && !campaign.ended) {
                    let record = record_of(campaign, last_run, 0);
                    self.records.push(Record { state, told: true, came_back: true, ..record });
                }
                (Some(last_run), of_it.then_some(after.notice))
            }
        };
        if let Some(run) = run.filter(|_| after.from == hello.build && state == State::StillOld) {
            self.sights.retain(|sight| sight.campaign != after.notice || sight.run != run);
            self.sights.push(Sight { campaign: after.notice, run, step: 0, at: now, spent: true });
        }
        news
    }

    /// The notice that the page says it has before it, and where that puts it if nothing else is known of it.
    fn open_by_itself(&mut self, view: &View, prospect: &Prospect, seen: &Seen) {
        let its = |of: LogNumber| self.records.iter().find(|record| record.campaign == of);
        let ladder = ladder_of(prospect, seen);
        let known = match ladder {
            // One that has ended with its campaign says nothing of the campaign that has replaced that.
            Some(ladder) => {
                its(ladder.campaign).or_else(|| its(seen.notice).filter(|record| !record.state.ended()))
            }
            None => its(seen.notice),
        };
        if known.is_some_and(|record| record.state.ended()) {
            return;
        }
        let campaign = ladder.map_or(seen.notice, |ladder| ladder.campaign);
        self.open = Some(Open { notice: seen.notice, campaign });
        if known.is_none() {
            self.records.extend(by_its_word(view, prospect, seen));
        }
    }
}

/// The page knows more of the log than this node has read.
pub(super) fn is_ahead(view: &View, seen: &Seen) -> bool {
    seen.notice.max(seen.run) > view.app.number
}

/// Where a page is in the campaign that told it, by its own word alone.
pub(super) fn by_its_word(view: &View, prospect: &Prospect, seen: &Seen) -> Option<Record> {
    let campaign = view.app.campaigns.get(&ladder_of(prospect, seen)?.campaign)?;
    let own = campaign.number == seen.notice;
    // No page knows a run that is yet to come.
    let last = campaign.last_run().number;
    let run = if own { seen.run.min(last) } else { last };
    let mut record = record_of(campaign, run, seen.step);
    record.report(seen.is.unwrap_or(Outcome::Received), None);
    Some(record)
}

fn ladder_of<'a>(prospect: &'a Prospect, seen: &Seen) -> Option<&'a Ladder> {
    let of_it = |ladder: &&Ladder| ladder.campaign == seen.notice || ladder.keeps(seen.notice);
    prospect.ladders.iter().find(of_it)
}

/// A page that says hello doesn't reload any more: what it reloaded for, it has no longer before it.
fn has_it_still(seen: &Seen) -> bool {
    seen.is != Some(Outcome::Refreshing)
}

pub(super) fn sight(seen: &Seen, now: Moment) -> Sight {
    let Seen { notice: campaign, run, step, ago_ms, .. } = *seen;
    Sight { campaign, run, step, at: now - Period(ago_ms), spent: false }
}

fn record_of(campaign: &Campaign, run: LogNumber, step: u8) -> Record {
    let steps = &campaign.terms.steps;
    let action = steps.get(usize::from(step)).or(steps.last());
    let action = action.map_or_else(Action::default, |step| step.action);
    Record { step, state: State::Sent, ..Record::waiting(campaign.number, run, action) }
}

/// A record as the page's own word has it. What it doesn't speak of, it hasn't before it.
fn awake(record: &mut Record, said: Option<&Seen>) {
    let left = matches!(record.state, State::Asleep | State::Gone | State::LeftBefore);
    match said {
        Some(seen) => {
            let said = seen.is.or(record.outcome).unwrap_or(Outcome::Received);
            if left {
                record.state = record.outcome.map_or(State::Sent, Outcome::state);
            }
            if record.outcome != Some(said) {
                record.report(said, None);
            }
        }
        None if left || record.state == State::Refreshing => record.state = State::Waiting,
        None => {}
    }
}

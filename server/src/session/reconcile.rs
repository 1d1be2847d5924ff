//! What a session's past comes to when its page says hello: by its own account, and by the record that is kept.

use crate::{
    core::{
        campaign::Campaign,
        frames::{Hello, Seen},
        names::LogNumber,
        outcome::{Outcome, Record, State},
        plan::{Prospect, Sight},
        time::{Moment, Period},
    },
    fleet::hub::View,
};

/// A session's past.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// What the page was told.
    pub sights: Vec<Sight>,
    /// The notice that it has before it.
    pub open: Option<LogNumber>,
    /// Where it is in that campaign.
    pub record: Option<Record>,
}

pub(super) fn past(
    view: &View,
    prospect: &Prospect,
    hello: &Hello,
    record: Option<Record>,
    now: Moment,
) -> Past {
    let about_it = |campaign: LogNumber| prospect.ladders.iter().any(|ladder| ladder.campaign == campaign);
    let seen: &[Seen] = &hello.seen;
    let mut sights: Vec<_> = seen.iter().map(|seen| sight(seen, now)).collect();
    let latest = seen.iter().min_by_key(|seen| seen.ago_ms);

    // A page speaks of the refresh that it came by for all its life, so that it is never told again in vain.
    if let Some(after) = &hello.after {
        let state = match after.from == hello.build {
            false if after.tries == 0 => State::Swapped,
            false => State::Refreshed,
            true if about_it(after.notice) => State::StillOld,
            true => State::Released,
        };
        let campaign = view.app.campaigns.get(&after.notice);
        let run = campaign.map_or(after.notice, |campaign| campaign.last_run().number);
        if state == State::StillOld {
            sights.retain(|sight| sight.campaign != after.notice);
            sights.push(Sight { campaign: after.notice, run, step: 0, at: now, spent: true });
        }
        // Unless it has been told of something else since, that refresh is where it is.
        let its = |campaign: LogNumber| campaign == after.notice;
        if record.as_ref().map_or(latest.is_none_or(|seen| its(seen.notice)), |record| its(record.campaign)) {
            let record = record
                .or_else(|| Some(record_of(campaign?, run, 0)))
                .map(|record| Record { state, ..record });
            return Past { sights, open: None, record };
        }
    }

    let said_by_itself = || {
        let seen = latest?;
        let campaign = view.app.campaigns.get(&seen.notice).filter(|_| about_it(seen.notice))?;
        let record = record_of(campaign, seen.run, seen.step);
        Some(awake(record, Some(seen.is.unwrap_or(Outcome::Received))))
    };
    let record = match record {
        Some(record) if about_it(record.campaign) => {
            let said = seen.iter().find(|seen| seen.notice == record.campaign && seen.run == record.run);
            Some(awake(record, said.and_then(|seen| seen.is)))
        }
        // It comes back, not by a refresh of ours, as a build that the campaign isn't about.
        Some(record) if record.state == State::Refreshing => {
            Some(Record { state: State::Refreshed, ..record })
        }
        // What is kept is not about it any more; its own word may be about something newer.
        other => said_by_itself().or(other.map(|record| Record { state: State::Released, ..record })),
    };
    Past { sights, open: latest.map(|seen| seen.notice), record }
}

pub(super) fn sight(seen: &Seen, now: Moment) -> Sight {
    let Seen { notice: campaign, run, step, ago_ms, .. } = *seen;
    Sight { campaign, run, step, at: now - Period(ago_ms), spent: false }
}

fn record_of(campaign: &Campaign, run: LogNumber, step: u8) -> Record {
    let steps = &campaign.terms.steps;
    let action =
        steps.get(usize::from(step)).or(steps.last()).map_or_else(Default::default, |step| step.action);
    let campaign = campaign.number;
    Record { campaign, run, step, action, state: State::Sent, outcome: None, detail: None }
}

/// A record as the page's own word has it; a page that is back is no longer asleep.
fn awake(mut record: Record, said: Option<Outcome>) -> Record {
    match said {
        Some(outcome) if record.outcome != Some(outcome) => record.report(outcome, None),
        _ if record.state == State::Asleep => {
            record.state = record.outcome.map_or(State::Sent, Outcome::state);
        }
        _ => {}
    }
    record
}

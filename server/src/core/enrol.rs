//! Which campaigns a session is in, and which of them have let it go: what its records become when the app, or what it
//! was told, has changed.

use super::{
    app::App,
    campaign::Campaign,
    change::Action,
    names::LogNumber,
    outcome::{Record, State},
    plan::{Ladder, Prospect},
};

/// The records that are new or other than they were. `open`: the campaign whose notice the page has before it.
///
/// A session is in every campaign that has something to tell it: waiting, unless it is the one that told it. What has
/// acted stays as it is until the page is back.
pub fn follow(app: &App, prospect: &Prospect, open: Option<LogNumber>, records: &[Record]) -> Vec<Record> {
    let mut changed = Vec::new();
    for (ladder, action) in prospect.ladders.iter().filter_map(|ladder| Some((ladder, first(ladder)?))) {
        if !records.iter().any(|record| record.campaign == ladder.campaign)
            && let Some(campaign) = app.campaigns.get(&ladder.campaign)
        {
            changed.push(Record::waiting(ladder.campaign, campaign.last_run().number, action));
        }
    }
    for record in records {
        let state = state(app, prospect, open, record);
        if state != record.state {
            changed.push(Record { state, ..record.clone() });
        }
    }
    changed
}

/// What a ladder asks first. None: nothing at all.
fn first(ladder: &Ladder) -> Option<Action> {
    ladder.steps.iter().map(|step| step.action).find(|action| *action != Action::Silent)
}

fn state(app: &App, prospect: &Prospect, open: Option<LogNumber>, record: &Record) -> State {
    let campaign = app.campaigns.get(&record.campaign).filter(|campaign| !campaign.ended);
    let about_it = || {
        prospect.ladders.iter().any(|ladder| ladder.campaign == record.campaign && first(ladder).is_some())
    };
    match campaign {
        _ if record.state == State::Refreshing => State::Refreshing,
        Some(campaign) if record.state.ended() => {
            if campaign.active() && about_it() && owed_afresh(record, campaign) {
                State::Waiting
            } else {
                record.state
            }
        }
        _ if record.state.ended() => record.state,
        None => State::Released,
        Some(campaign) if campaign.paused() => State::Waiting,
        Some(_) if !about_it() => State::Released,
        Some(_) if open != Some(record.campaign) => State::Waiting,
        Some(_) => record.state,
    }
}

/// It had ended for the session, but is about it again: after a pause, or because the page is back.
fn owed_afresh(record: &Record, campaign: &Campaign) -> bool {
    matches!(record.state, State::Released | State::LeftBefore | State::Gone)
        || record.run < campaign.last_run().number
}

/// Whether a session need not remember a record any more: nothing can come of it.
pub fn past_use(app: &App, record: &Record) -> bool {
    let under_way = app.campaigns.get(&record.campaign).is_some_and(|campaign| !campaign.ended);
    record.state.ended() && !under_way
}

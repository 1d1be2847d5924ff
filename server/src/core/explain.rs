//! Why a session hasn't moved, in words.

use super::{
    app::{App, label},
    judge::{Standing, Why},
    names::SessionId,
    outcome::{Outcome, Record, State},
    plan::{Facts, Prospect, plan},
    time::Moment,
};

/// What the explanation goes by.
#[derive(Clone, Copy, Debug)]
pub struct Explained<'a> {
    /// What pages of its build have before them.
    pub prospect: &'a Prospect,
    /// Where it is in its campaign.
    pub record: Option<&'a Record>,
    /// The page's reasons not to be moved now.
    pub holds: &'a [String],
    /// Somebody can see it.
    pub visible: bool,
}

/// Why a session hasn't moved: one paragraph.
pub fn explain(app: &App, session: SessionId, about: &Explained<'_>, now: Moment) -> String {
    let mut words = vec![standing(app, about)];
    match about.record {
        Some(record) if record.state == State::Waiting => {
            words.extend(halted(app, record, now).or_else(|| waiting(app, session, about, now)));
        }
        Some(record) if !record.state.ended() || record.state == State::StillOld => {
            words.push(format!(
                "Campaign {} asked it to '{}'. {}",
                record.campaign,
                record.action,
                state(record)
            ));
        }
        _ => words.extend(waiting(app, session, about, now)),
    }
    if !about.holds.is_empty() {
        words.push(format!("The page holds: {}.", about.holds.join(", ")));
    }
    if !about.visible {
        words.push("Nobody can see it right now.".to_owned());
    }
    words.join(" ")
}

fn standing(app: &App, about: &Explained<'_>) -> String {
    let judged = about.prospect.judged;
    match judged.standing {
        Standing::Current => "It is on the current release.".to_owned(),
        Standing::Stale => match app.current_release() {
            Some(current) => format!("It is stale: still supported, but below current, {}.", label(current)),
            None => "It is stale.".to_owned(),
        },
        Standing::Unsupported if judged.why == Some(Why::Retired) => {
            "It is unsupported: its build is retired.".to_owned()
        }
        Standing::Unsupported => match app.minimum() {
            Some(minimum) => format!("It is unsupported: below the minimum, {}.", minimum.floor),
            None => "It is unsupported.".to_owned(),
        },
        Standing::Ahead => "It is ahead of current, and left alone unless it is recalled.".to_owned(),
        Standing::Unknown => {
            "Its build is not registered and can't be compared, so it is left alone.".to_owned()
        }
    }
}

/// What keeps its campaign from telling it, if it isn't only that its turn has not come.
fn halted(app: &App, record: &Record, now: Moment) -> Option<String> {
    let campaign = app.campaigns.get(&record.campaign)?;
    let number = campaign.number;
    if campaign.paused() {
        let halt = campaign.halted.as_ref();
        let by = halt.map_or_else(String::new, |halt| format!(" by {}", halt.by));
        let because = halt.and_then(|halt| halt.reason.as_ref());
        let because = because.map(|reason| format!(": {reason}")).unwrap_or_default();
        return Some(format!("Campaign {number}, which is about it, was paused{by}{because}."));
    }
    campaign.unproven(now.max(app.last_at)).then(|| {
        format!(
            "Its wave of campaign {number} waits: too few pages acted in the wave before to tell whether it went well. \
             'freshwire resume {} {number}' lets it go on.",
            app.name
        )
    })
}

fn state(record: &Record) -> String {
    let detail = record.detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
    match record.state {
        State::Waiting => "It waits for its turn.".to_owned(),
        State::Sent => "It was told, and has not acknowledged it yet.".to_owned(),
        State::Received => "It has the notice and waits for its moment.".to_owned(),
        State::Shown => "People see the notice and have not answered yet.".to_owned(),
        State::Snoozed => "People put it off.".to_owned(),
        State::Held => "Unsaved work puts it off.".to_owned(),
        State::Stuck => match (record.look_refused(), record.outcome) {
            (Some(why), _) => format!("It is stuck, {why}: {}.", why.cure()),
            (None, Some(Outcome::OriginStale)) => format!(
                "The document that it would load is still the old one{detail}: check the CDN, the HTTP cache and the \
                 service worker."
            ),
            _ => format!("It tried and could not{detail}."),
        },
        State::Asleep => "It has not acknowledged it within a minute: asleep or frozen.".to_owned(),
        State::Refreshing => "It is reloading.".to_owned(),
        State::StillOld => {
            "It reloaded and came back as old as before, so it is not told again: what its address serves is old."
                .to_owned()
        }
        ended => format!("That ended: {ended}."),
    }
}

fn waiting(app: &App, session: SessionId, about: &Explained<'_>, now: Moment) -> Option<String> {
    let facts = Facts { session, joined_at: now, sights: &[] };
    let owed = plan(app, about.prospect, facts, now);
    match (owed.level, owed.next) {
        (None, Some(next)) => Some(format!("Its turn comes in {}.", next.since(now))),
        _ if about.prospect.ladders.is_empty()
            && matches!(about.prospect.judged.standing, Standing::Stale | Standing::Unsupported) =>
        {
            Some("No campaign that is under way is about it.".to_owned())
        }
        _ => None,
    }
}

//! What a session is owed, and when that next changes.
//!
//! In two halves: a [`Prospect`] is what all pages of one build have before them (O(campaigns × releases), once a
//! build), and [`plan`] adds one session's own place and history to it (arithmetic only).

use std::cmp::Ordering;

use super::{
    app::App,
    campaign::{Campaign, Kind},
    change::{Action, Severity, Step, one_step},
    judge::{Judged, Standing, Why, judge, key, registered_key},
    names::{BuildId, LogNumber, SessionId},
    order::{Key, Version},
    time::{Moment, Period},
};

/// What the pages of one build have before them.
#[derive(Clone, Debug, PartialEq)]
pub struct Prospect {
    /// Where they stand.
    pub judged: Judged,
    /// The active campaigns that are about them, oldest first.
    pub ladders: Vec<Ladder>,
}

/// One campaign's ladder for the pages of one build.
#[derive(Clone, Debug, PartialEq)]
pub struct Ladder {
    /// Which campaign.
    pub campaign: LogNumber,
    /// In rising order; the first is climbed at the session's own start.
    pub steps: Vec<Step>,
    /// How grave: a graver notice pierces a snooze.
    pub severity: Severity,
    /// Ladders of the campaigns that this one replaced, for pages that were told by them.
    inherited: Vec<(LogNumber, LogNumber, Vec<Step>)>,
}

/// A step that the page was told: from its hello, or because this connection was sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sight {
    /// By which campaign.
    pub campaign: LogNumber,
    /// In which run of it.
    pub run: LogNumber,
    /// Which step.
    pub step: u8,
    /// When.
    pub at: Moment,
    /// The page came back from a refresh for this campaign and is still old: telling it again can't help.
    pub spent: bool,
}

/// What the plan needs to know of a session beside its build.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Gives it its place.
    pub session: SessionId,
    /// When this connection said hello.
    pub joined_at: Moment,
    /// What it was told.
    pub sights: &'a [Sight],
}

/// The notice that a page should have before it now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Whose notice.
    pub campaign: LogNumber,
    /// In which run.
    pub run: LogNumber,
    /// Which step.
    pub step: u8,
    /// What it asks.
    pub action: Action,
    /// The page knows it already: by this campaign, or by one that it replaced.
    pub told: Option<LogNumber>,
}

/// What a session is owed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Of several campaigns the strongest action, then the earliest campaign.
    pub level: Option<Level>,
    /// When it should be planned again, if nothing else changes until then.
    pub next: Option<Moment>,
}

/// What the pages of a build have before them.
pub fn prospect(app: &App, build: &BuildId, reported: Option<&Version>) -> Prospect {
    let judged = judge(app, build, reported);
    let key = key(app, build, reported);
    let ladder = |campaign: &Campaign| {
        let (steps, severity) = ladder(app, campaign, build, judged, key)?;
        let inherited = predecessors(app, campaign)
            .filter_map(|old| {
                Some((old.number, old.last_run().number, ladder(app, old, build, judged, key)?.0))
            })
            .collect();
        Some(Ladder { campaign: campaign.number, steps, severity, inherited })
    };
    let active = app.campaigns.values().filter(|campaign| campaign.active());
    Prospect { judged, ladders: active.filter_map(|campaign| ladder(campaign)).collect() }
}

/// The campaigns of the same kind before this one whose notices still stand. One that was paused when it was
/// replaced had withdrawn its own.
fn predecessors<'a>(app: &'a App, campaign: &'a Campaign) -> impl Iterator<Item = &'a Campaign> {
    std::iter::successors(Some(campaign), |campaign| {
        app.campaigns.get(&campaign.replaces?).map(AsRef::as_ref)
    })
    .skip(1)
    .zip(std::iter::successors(Some(campaign), |campaign| {
        app.campaigns.get(&campaign.replaces?).map(AsRef::as_ref)
    }))
    .take_while(|(old, new)| old.last_run().until == new.runs.first().map(|run| run.from))
    .map(|(old, _)| old)
}

/// The steps that a campaign has for the pages of a build. None: it isn't about them.
fn ladder(
    app: &App,
    campaign: &Campaign,
    build: &BuildId,
    judged: Judged,
    key: Option<Key<'_>>,
) -> Option<(Vec<Step>, Severity)> {
    let own = || (campaign.terms.steps.clone(), Severity::Security);
    match &campaign.kind {
        Kind::Minimum => (judged.why == Some(Why::Minimum)).then(own),
        Kind::Retire(retired) => (build == retired).then(own),
        Kind::Release if judged.standing == Standing::Ahead => {
            let steps = &campaign.terms.steps;
            (!steps.is_empty()).then(|| (steps.clone(), Severity::Normal))
        }
        Kind::Release => release_ladder(app, campaign, key?),
    }
}

/// The highest severity among the releases above the build, up to the campaign's own, decides; of equals the latest.
fn release_ladder(app: &App, campaign: &Campaign, key: Key<'_>) -> Option<(Vec<Step>, Severity)> {
    let top = app.releases.get(campaign.release.checked_sub(1)? as usize)?;
    let top = registered_key(app, &top.new.build)?;
    let above = |release: &&std::sync::Arc<super::app::Release>| {
        let build = &release.new.build;
        let other = registered_key(app, build);
        release.settled_at.is_some()
            && !app.retired.contains_key(build)
            && other.is_some_and(|other| {
                key.compare(other) == Some(Ordering::Less) && other.compare(top) != Some(Ordering::Greater)
            })
    };
    let gravest =
        app.releases.iter().filter(above).max_by_key(|release| (release.new.severity, release.number))?;
    let severity = gravest.new.severity;
    let steps = match (&gravest.new.steps, severity) {
        (steps, _) if !steps.is_empty() => steps.clone(),
        (_, Severity::Silent) => one_step(Action::Silent),
        (_, Severity::Normal) => one_step(app.settings.stale_action),
        (_, Severity::Important) => one_step(Action::Prompt),
        (_, Severity::Security) => one_step(Action::Countdown),
    };
    Some((steps, severity))
}

/// What a session is owed at `now`, and when that next changes. Reads no clock: the same arguments, the same answer.
pub fn plan(app: &App, prospect: &Prospect, facts: Facts<'_>, now: Moment) -> Plan {
    // A node whose clock is behind the log's last entry goes by the entry.
    let now = now.max(app.last_at);
    let mut plan = Plan::default();
    for ladder in &prospect.ladders {
        let Some(campaign) = app.campaigns.get(&ladder.campaign) else { continue };
        let climb = climb(campaign, ladder, facts, now);
        plan.next = [plan.next, climb.next].into_iter().flatten().min();
        plan.level = match (plan.level, climb.level) {
            (Some(best), Some(level)) if level.action <= best.action => Some(best),
            (best, level) => level.or(best),
        };
    }
    plan
}

/// Where a session is on one ladder.
fn climb(campaign: &Campaign, ladder: &Ladder, facts: Facts<'_>, now: Moment) -> Plan {
    let run = campaign.last_run();
    let told = told(ladder, run.number, facts.sights);
    if told.as_ref().is_some_and(|told| told.spent) {
        return Plan::default();
    }
    let start = match &told {
        Some(told) => Some(told.start),
        None => campaign
            .reached_at(campaign.place(facts.session))
            .map(|reached| reached.max(run.from).max(facts.joined_at)),
    };
    let Some(start) = start else { return Plan::default() };

    let due = ladder.steps.iter().take_while(|step| start + step.after <= now).count();
    let next = ladder.steps.get(due).map(|step| start + step.after);
    // A step that was told stays told, even if the clock now says that it isn't due yet.
    let reached = due.max(told.as_ref().map_or(0, |told| told.steps_climbed(&ladder.steps)));
    let Some(index) = reached.checked_sub(1) else { return Plan { level: None, next } };
    let action = ladder.steps[index].action;
    if action == Action::Silent {
        return Plan { level: None, next };
    }
    let step = u8::try_from(index).unwrap_or(u8::MAX);
    let told = told.filter(|told| told.covers(step, action)).map(|told| told.by);
    Plan { level: Some(Level { campaign: campaign.number, run: run.number, step, action, told }), next }
}

/// What a page was told on a ladder: by its campaign in this run, or by one that the campaign replaced.
struct Told {
    by: LogNumber,
    /// None when told by a predecessor, whose steps are others.
    step: Option<u8>,
    action: Action,
    /// The session's own start, from when it was told and after how long that step comes.
    start: Moment,
    spent: bool,
}

impl Told {
    fn covers(&self, step: u8, action: Action) -> bool {
        match self.step {
            Some(told) => told >= step,
            None => self.action >= action,
        }
    }

    fn steps_climbed(&self, steps: &[Step]) -> usize {
        self.step.map_or(0, |step| (usize::from(step) + 1).min(steps.len()))
    }
}

fn told(ladder: &Ladder, run: LogNumber, sights: &[Sight]) -> Option<Told> {
    let latest = |campaign, run| {
        sights
            .iter()
            .filter(move |sight| sight.campaign == campaign && sight.run == run)
            .max_by_key(|sight| sight.step)
    };
    let told = |sight: &Sight, steps: &[Step], own: bool| {
        let step = steps.get(usize::from(sight.step)).or(steps.last());
        let (after, action) = step.map_or((Period::ZERO, Action::Silent), |step| (step.after, step.action));
        let start = sight.at - after;
        Told { by: sight.campaign, step: own.then_some(sight.step), action, start, spent: own && sight.spent }
    };
    let own = latest(ladder.campaign, run).map(|sight| told(sight, &ladder.steps, true));
    own.or_else(|| {
        ladder.inherited.iter().find_map(|(campaign, run, steps)| {
            latest(*campaign, *run).filter(|sight| !sight.spent).map(|sight| told(sight, steps, false))
        })
    })
}

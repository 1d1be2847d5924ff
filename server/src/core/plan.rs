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
    inherited: Vec<Inherited>,
}

impl Ladder {
    /// Whoever was told by that campaign was told by this one.
    pub fn keeps(&self, campaign: LogNumber) -> bool {
        self.inherited.iter().any(|old| old.campaign == campaign)
    }
}

/// The ladder of a campaign that another one replaced.
#[derive(Clone, Debug, PartialEq)]
struct Inherited {
    campaign: LogNumber,
    run: LogNumber,
    steps: Vec<Step>,
    severity: Severity,
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
    /// What it asks; as long as one that was replaced has asked no less, what that one asked.
    pub action: Action,
    /// The page knows it already: by this campaign, or by one that it replaced, and whose notice then stands.
    pub told: Option<LogNumber>,
}

/// What a session is owed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Of several campaigns the strongest action, then the gravest, then the earliest campaign.
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
                let (steps, severity) = ladder(app, old, build, judged, key)?;
                Some(Inherited { campaign: old.number, run: old.last_run().number, steps, severity })
            })
            .collect();
        Some(Ladder { campaign: campaign.number, steps, severity, inherited })
    };
    let active = app.campaigns.values().filter(|campaign| campaign.active());
    Prospect { judged, ladders: active.filter_map(|campaign| ladder(campaign)).collect() }
}

/// Whether a campaign is about the pages of a build, even if it tells nobody now.
pub fn concerns(app: &App, campaign: &Campaign, build: &BuildId, reported: Option<&Version>) -> bool {
    let judged = judge(app, build, reported);
    ladder(app, campaign, build, judged, key(app, build, reported)).is_some()
}

/// The campaigns before this one whose notices it keeps, latest first.
fn predecessors<'a>(app: &'a App, campaign: &'a Campaign) -> impl Iterator<Item = &'a Campaign> {
    let before = |campaign: &Campaign| app.campaigns.get(&campaign.keeps?).map(AsRef::as_ref);
    std::iter::successors(before(campaign), move |campaign| before(campaign))
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
    let mut gravest = Severity::default();
    for ladder in &prospect.ladders {
        let Some(campaign) = app.campaigns.get(&ladder.campaign) else { continue };
        let climb = climb(campaign, ladder, facts, now);
        plan.next = [plan.next, climb.next].into_iter().flatten().min();
        // A graver notice of the same action pierces the snooze of a milder one.
        if let Some(level) = climb.level
            && plan.level.is_none_or(|best| (level.action, ladder.severity) > (best.action, gravest))
        {
            (plan.level, gravest) = (Some(level), ladder.severity);
        }
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
    // None: its wave waits for the proof of the one before.
    let reached = campaign.reached_at(campaign.place(facts.session));
    let start = reached.map(|reached| reached.max(run.from).max(facts.joined_at));
    let due_at = |step: &Step| match &told {
        Some(told) => told.due_at(step, start),
        None => start.map(|start| start + step.after),
    };

    let is_due = |step: &&Step| due_at(step).is_some_and(|at| at <= now);
    let due = ladder.steps.iter().take_while(is_due).count();
    // A step that was told stays told, even if the clock now says that it isn't due yet.
    let climbed = due.max(told.as_ref().map_or(0, |told| told.steps_climbed(&ladder.steps)));
    let next = ladder.steps.get(climbed).and_then(due_at);
    let index = climbed.saturating_sub(1);
    let level = |action, told| {
        let step = u8::try_from(index).unwrap_or(u8::MAX);
        (action != Action::Silent).then_some(Level {
            campaign: campaign.number,
            run: run.number,
            step,
            action,
            told,
        })
    };
    let action = if climbed == 0 { Action::Silent } else { ladder.steps[index].action };
    let level = match told {
        Some(told) if told.step.is_some_and(|step| usize::from(step) >= index) => {
            level(action, Some(told.by))
        }
        Some(told) if told.step.is_none() && told.covers(told.action, action) => {
            level(told.action, Some(told.by))
        }
        _ => level(action, None),
    };
    Plan { level, next }
}

/// What a page was told on a ladder: by its campaign in this run, or by one whose notices the campaign keeps.
struct Told<'a> {
    by: LogNumber,
    /// None when told by a predecessor, whose steps are others.
    step: Option<u8>,
    action: Action,
    /// Less grave than what its campaign says now.
    milder: bool,
    /// The session's own start, from when it was told and after how long that step comes.
    start: Moment,
    /// The ladder that it was told on.
    steps: &'a [Step],
    spent: bool,
}

impl Told<'_> {
    /// When a step comes due for a page that would start at `start` if nobody had told it anything.
    ///
    /// What a predecessor had before it keeps its countdown. A step that is stronger than all that, or sooner, is
    /// paced and counted as for everybody: else a week-old prompt would turn into its replacement's deadline at once.
    fn due_at(&self, step: &Step, start: Option<Moment>) -> Option<Moment> {
        if self.step.is_some() {
            return Some(self.start + step.after);
        }
        let promised = self.steps.iter().find(|old| self.covers(old.action, step.action));
        let kept = promised.map(|old| self.start + step.after.max(old.after));
        kept.into_iter().chain(start.map(|start| start + step.after)).min()
    }

    /// What was told stands instead of what is asked now.
    fn covers(&self, told: Action, asked: Action) -> bool {
        told > asked || (told == asked && !self.milder)
    }

    fn steps_climbed(&self, steps: &[Step]) -> usize {
        self.step.map_or(0, |step| (usize::from(step) + 1).min(steps.len()))
    }
}

/// The latest that counts. A page that came back still old from a predecessor is owed afresh.
fn told<'a>(ladder: &'a Ladder, run: LogNumber, sights: &[Sight]) -> Option<Told<'a>> {
    let told = |by: LogNumber, run: LogNumber, steps: &'a [Step], severity: Severity, own: bool| {
        let sights = || sights.iter().filter(|sight| sight.campaign == by && sight.run == run);
        let latest = sights().max_by_key(|sight| sight.step)?;
        let step = steps.get(usize::from(latest.step)).or(steps.last());
        let (after, action) = step.map_or((Period::ZERO, Action::Silent), |step| (step.after, step.action));
        let (step, start) = (own.then_some(latest.step), latest.at - after);
        let spent = sights().any(|sight| sight.spent);
        let milder = severity < ladder.severity;
        Some(Told { by, step, action, milder, start, steps, spent })
    };
    told(ladder.campaign, run, &ladder.steps, ladder.severity, true).or_else(|| {
        let mut kept = ladder
            .inherited
            .iter()
            .filter_map(|old| told(old.campaign, old.run, &old.steps, old.severity, false));
        kept.next().filter(|told| !told.spent)
    })
}

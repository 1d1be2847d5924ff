//! The one way in which operators' requests change an app.

use std::borrow::Cow;

use super::{Context, auth::Caller, problem::ApiError, request::Wish};
use crate::{
    api::{
        answers::{Affected, AffectedBuild, Before, Changed, FloorRef, ReleaseRef},
        bodies::PaceBody,
    },
    core::{
        app::{App, Refusal, Stamp},
        census::{BuildCount, rows},
        change::{Action, AppChange, Change, Floor, Step, Terms, Topic, one_step},
        names::{AppName, BuildId, LogNumber},
        pace::{HOLD, MOST_WAVES, Pace, Share},
        plan::prospect,
        time::{LONGEST, Period},
    },
    log::ledger::{Accepted, Proposal, ProposeError},
};

/// Most steps of a ladder.
const MOST_STEPS: usize = 8;
/// Longest reason, message or name, in bytes.
pub const LONGEST_TEXT: usize = 1000;

/// Changes an app, or says what the change would do. `make` makes the change from the app as it is.
pub async fn change<T>(
    context: &Context,
    caller: &Caller,
    name: &AppName,
    wish: &Wish<T>,
    over: Option<Period>,
    make: impl Fn(&App, &T) -> Result<AppChange, Refusal>,
) -> Result<Changed, ApiError> {
    let topic = Topic::App(name.clone());
    let proposal = Proposal {
        actor: caller.name.clone(),
        request: wish.request.clone(),
        if_number: wish.if_number,
        topic,
    };
    if over.is_none() && moves_pages(&context.ledger.state().app(name), |app| make(app, &wish.body)) {
        // Their number is its pace.
        context.fleet.heard_all().await;
    }
    let counts = context.fleet.counts(name);
    let make = |state: &crate::core::state::State| {
        let app = state.app(name);
        let change = make(&app, &wish.body)?;
        let change = paced(&app, change, over, &counts)?;
        Ok(Change::App { app: name.clone(), change })
    };
    let accepted = if wish.dry_run {
        context.ledger.try_out(&proposal, crate::clock::now(), make)
    } else {
        context.ledger.propose(&proposal, crate::clock::now, make).await
    };
    match accepted {
        Ok(accepted) => {
            if !wish.dry_run {
                // Pages are shown it before its author is answered.
                drop(context.fleet.hub(name));
            }
            Ok(answer(name, &accepted, &counts, wish.dry_run))
        }
        Err(ProposeError::Answered(answered))
            if wish.request.as_ref().is_some_and(|request| request.hash == answered.hash) =>
        {
            Ok(repeated(context, name, answered.number))
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether a change would begin to move pages.
fn moves_pages(app: &App, make: impl Fn(&App) -> Result<AppChange, Refusal>) -> bool {
    let stamp = Stamp { number: LogNumber(app.number.0 + 1), at: app.last_at, actor: "" };
    make(app)
        .and_then(|change| app.apply(&change, stamp))
        .is_ok_and(|after| after.campaigns.contains_key(&stamp.number))
}

/// The settling of a release by itself: over the time that it was registered with, or else paced as usual.
pub fn settle_by_itself(
    app: &App,
    build: &BuildId,
    reason: String,
    counts: &[BuildCount],
) -> Result<AppChange, Refusal> {
    let pace = app.release(build).map(|release| release.new.pace.clone()).unwrap_or_default();
    let over = Some(pace.over).filter(|over| *over > Period::ZERO);
    let change = AppChange::Settle { build: build.clone(), pace, reason: Some(reason) };
    paced(app, change, over, counts)
}

/// The change with its pace: as asked, or affected sessions ÷ the app's refresh rate.
fn paced(
    app: &App,
    mut change: AppChange,
    over: Option<Period>,
    counts: &[BuildCount],
) -> Result<AppChange, Refusal> {
    if !sets_in_motion(&mut change) {
        return Ok(change);
    }
    let over = if let Some(over) = over {
        over
    } else {
        let number = LogNumber(app.number.0 + 1);
        let stamp = Stamp { number, at: app.last_at, actor: "" };
        let affected = affected(&app.apply(&change, stamp)?, number, counts);
        let rate = u64::from(app.settings.refresh_rate.max(1));
        let over = Period(affected.sessions.saturating_mul(1_000) / rate);
        // What people will read is in whole seconds.
        let over = if over < Period::secs(10) { over } else { Period::secs(over.0.div_ceil(1_000)) };
        over.min(LONGEST)
    };
    *over_of(&mut change).expect("a change that sets pages in motion has a pace") = over;
    Ok(change)
}

fn sets_in_motion(change: &mut AppChange) -> bool {
    over_of(change).is_some()
}

fn over_of(change: &mut AppChange) -> Option<&mut Period> {
    match change {
        AppChange::Release(new) => Some(&mut new.pace.over),
        AppChange::Settle { pace, .. } => Some(&mut pace.over),
        AppChange::Current { terms, .. }
        | AppChange::Minimum { terms, .. }
        | AppChange::Retire { terms, .. } => Some(&mut terms.pace.over),
        _ => None,
    }
}

/// Whom a campaign of the app is about, of those that are counted.
fn affected(app: &App, campaign: LogNumber, counts: &[BuildCount]) -> Affected {
    let about_them = |count: &BuildCount| {
        let prospect = prospect(app, &count.build, count.reported.as_ref());
        prospect.ladders.iter().any(|ladder| {
            ladder.campaign == campaign && ladder.steps.iter().any(|step| step.action > Action::Silent)
        })
    };
    of(app, counts.iter().filter(|count| about_them(count)))
}

/// The sessions of these counts.
pub fn of<'a>(app: &App, counts: impl Iterator<Item = &'a BuildCount>) -> Affected {
    let counts = counts.filter(|count| count.sessions > 0).cloned();
    let builds: Vec<_> = rows(app, counts)
        .into_iter()
        .filter(|row| row.sessions > 0)
        .map(|row| AffectedBuild { build: row.build, version: row.version, sessions: row.sessions })
        .collect();
    Affected { sessions: builds.iter().map(|build| build.sessions).sum(), builds }
}

fn answer(name: &AppName, accepted: &Accepted, counts: &[BuildCount], dry_run: bool) -> Changed {
    let (before, after) = (accepted.before.app(name), accepted.after.app(name));
    let campaign = after.campaigns.get(&accepted.campaign_number);
    let affected = campaign.map(|campaign| affected(&after, campaign.number, counts)).unwrap_or_default();
    let (current, minimum) = (current_ref(&before), minimum_ref(&before));
    Changed {
        affected,
        over: campaign.map(|campaign| campaign.terms.pace.over),
        waves: campaign.map(|campaign| campaign.terms.pace.waves.clone()).unwrap_or_default(),
        steps: campaign.map(|campaign| campaign.terms.steps.clone()).unwrap_or_default(),
        campaign: campaign.filter(|_| !dry_run).map(|campaign| campaign.number),
        dry_run,
        before: Some(Before { current, minimum, settings: before.settings.clone() }),
        ..standing_still(&after, accepted.number)
    }
}

/// The answer to a request that was carried out before.
fn repeated(context: &Context, name: &AppName, number: LogNumber) -> Changed {
    let app = context.ledger.state().app(name);
    let campaign = app.campaigns.get(&number);
    let counts = context.fleet.counts(name);
    Changed {
        campaign: campaign.map(|campaign| campaign.number),
        affected: campaign.map(|campaign| affected(&app, campaign.number, &counts)).unwrap_or_default(),
        over: campaign.map(|campaign| campaign.terms.pace.over),
        waves: campaign.map(|campaign| campaign.terms.pace.waves.clone()).unwrap_or_default(),
        steps: campaign.map(|campaign| campaign.terms.steps.clone()).unwrap_or_default(),
        repeated: true,
        ..standing_still(&app, number)
    }
}

/// An answer that moves nobody.
pub fn standing_still(app: &App, number: LogNumber) -> Changed {
    Changed {
        number,
        current: current_ref(app),
        minimum: minimum_ref(app),
        order: app.settings.order,
        ..Changed::default()
    }
}

/// What pages of an app should be on, in a few words.
pub fn current_ref(app: &App) -> Option<ReleaseRef> {
    let release = app.current_release()?;
    Some(ReleaseRef { build: release.new.build.clone(), version: release.new.version.clone() })
}

/// An app's minimum as the operator named it.
pub fn minimum_ref(app: &App) -> Option<FloorRef> {
    Some(match &app.minimum()?.floor {
        Floor::Version(version) => FloorRef { version: Some(version.clone()), build: None },
        Floor::Build(build) => FloorRef { version: None, build: Some(build.clone()) },
    })
}

/// How pages are moved, from how the operator says it. The pace is worked out by [`change`].
pub fn terms(pace: &PaceBody, default: Action) -> Result<Terms, Refusal> {
    let mut steps = match (&*pace.steps, pace.action) {
        ([], action) => one_step(action.unwrap_or(default)),
        (steps, None) => steps.to_vec(),
        (_, Some(_)) => return Err(invalid("action", "give either action or steps")),
    };
    if let Some(after) = pace.deadline {
        steps.push(Step { after, action: Action::Force });
    }
    check_steps(&steps)?;
    Ok(Terms { pace: speed(pace)?, steps, countdown: pace.countdown, hold_cap: pace.hold_cap })
}

/// How fast pages are moved, and when to stop, from how the operator says it. `over` is worked out by [`change`].
pub fn speed(body: &PaceBody) -> Result<Pace, Refusal> {
    check_waves(&body.waves)?;
    if body.waves.is_empty() && body.hold.is_some() {
        return Err(invalid(
            "hold",
            "hold is the time between waves: give waves too, such as [\"10%\", \"100%\"]",
        ));
    }
    Ok(Pace {
        over: body.over.unwrap_or_default(),
        waves: body.waves.clone(),
        hold: body.hold.unwrap_or(HOLD),
        brake: body.brake.unwrap_or_default(),
        unproven_ok: body.unproven_ok,
    })
}

/// Waves rise, and the last one is everybody.
fn check_waves(waves: &[Share]) -> Result<(), Refusal> {
    if waves.len() > MOST_WAVES {
        return Err(invalid("waves", format!("at most {MOST_WAVES} waves")));
    }
    if let Some([one, next]) = waves.array_windows().find(|[one, next]| one >= next) {
        return Err(invalid(
            "waves",
            format!("each wave must be larger than the one before, and {one} is followed by {next}"),
        ));
    }
    match waves.last() {
        Some(last) if *last != Share::ALL => Err(invalid(
            "waves",
            format!("the last wave must be 100%, and it is {last}: nobody may be forgotten"),
        )),
        _ => Ok(()),
    }
}

/// Steps rise in time and in strength, and begin at once.
pub fn check_steps(steps: &[Step]) -> Result<(), Refusal> {
    if steps.len() > MOST_STEPS {
        return Err(invalid("steps", format!("at most {MOST_STEPS} steps")));
    }
    if steps.first().is_some_and(|first| first.after != Period::ZERO) {
        return Err(invalid("steps[0].after", "the first step is due at once: \"0s\""));
    }
    if steps.len() > 1 && steps[0].action == Action::Silent {
        return Err(invalid(
            "steps[0].action",
            "a silent step tells the page nothing to count from; it stands alone",
        ));
    }
    let rise = |pair: &[Step]| pair[0].after < pair[1].after && pair[0].action < pair[1].action;
    if !steps.windows(2).all(rise) {
        return Err(invalid(
            "steps",
            "each step (and the deadline, which forces) must come later and be stronger than the one before: silent, \
             navigate, prompt, countdown, force",
        ));
    }
    Ok(())
}

/// A text that people will read: not empty, not endless.
pub fn check_text(field: &'static str, text: Option<&str>) -> Result<(), Refusal> {
    match text {
        Some(text) if text.trim().is_empty() => Err(invalid(field, format!("{field} must say something"))),
        Some(text) if text.len() > LONGEST_TEXT => {
            Err(invalid(field, format!("{field} has at most {LONGEST_TEXT} bytes")))
        }
        _ => Ok(()),
    }
}

/// A field can't be so.
pub fn invalid(field: impl Into<Cow<'static, str>>, reason: impl Into<String>) -> Refusal {
    Refusal::Invalid { field: field.into(), reason: reason.into() }
}

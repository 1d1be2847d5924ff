//! The four buttons. Each does what a team would do: changes the origin, and tells Freshwire through its API.

use std::{cmp::Ordering, sync::Arc};

use freshwire::{
    api::{
        answers::{AppAnswer, Changed, ReleaseAnswer, ReleaseStatus, ReleasesAnswer},
        bodies::{CurrentBody, MinimumBody, PaceBody},
    },
    clock,
    core::{
        change::{Action, Severity},
        order::Version,
        time::Period,
    },
};
use reqwest::Method;

use super::{
    build::Build,
    operator::CallError,
    seed,
    stage::{Stage, Story, build_of},
};

const ADVISORY: &str = "CVE-2026-1234";
/// Of a minimum: long enough to read it, short enough to wait for it.
const COUNTDOWN: Period = Period::secs(60);
const HOLD_CAP: Period = Period::mins(2);

/// Puts the next build on the origin and registers it.
pub async fn deploy(stage: &Stage) -> Story {
    let _turn = stage.acting.lock().await;
    told(stage, deploy_next(stage).await)
}

async fn deploy_next(stage: &Stage) -> Result<Story, CallError> {
    let releases = releases(stage).await?;
    let (release, version) = next(&releases);
    let planned = seed::planned_for(release);
    let id = format!("{:07x}", rand::random::<u32>() >> 4);
    let before = stage.deployed();
    stage.deploy(Arc::new(Build::new(release, &id, &version, planned.message)));
    let body = seed::release(&id, &version, planned, Severity::Normal);
    let changed: Changed = match stage.operator.change(Method::POST, "/releases", &body).await {
        Ok(changed) => changed,
        Err(error) => {
            stage.deploy(before);
            return Err(error);
        }
    };
    let text = format!("{version} is out: {}. {}", planned.message, asked(&changed));
    let watch = if stage.broken() {
        "But the CDN still serves the old document. Pages look before they reload: watch them report it and stay \
         where they are, instead of reloading in circles."
    } else {
        "Watch the bars move to the new build, and this page's prompt when its turn comes. Begin an order first, if \
         you like: it holds the reload back."
    };
    Ok(stage.tell(text, watch, false))
}

/// Makes the current version the lowest that is supported.
pub async fn raise_minimum(stage: &Stage) -> Story {
    let _turn = stage.acting.lock().await;
    told(stage, raise_to_current(stage).await)
}

async fn raise_to_current(stage: &Stage) -> Result<Story, CallError> {
    let app: AppAnswer = stage.operator.get("").await?;
    let Some(version) = app.current.and_then(|current| current.version) else {
        return Ok(stage.tell("There is no current version to raise the minimum to.", "", true));
    };
    if app.minimum.is_some_and(|minimum| minimum.version.as_ref() == Some(&version)) {
        let text = format!("The minimum is {version} already: it can't be above what pages could move to.");
        return Ok(stage.tell(text, "Deploy a build, and raise it again.", true));
    }
    let pace = PaceBody {
        action: Some(Action::Countdown),
        countdown: Some(COUNTDOWN),
        hold_cap: Some(HOLD_CAP),
        ..PaceBody::default()
    };
    let body = MinimumBody::new(Some(version.clone()), None, ADVISORY.to_owned(), pace);
    let changed: Changed = stage.operator.change(Method::PUT, "/minimum", &body).await?;
    let text =
        format!("Nothing below {version} is supported any more, because of {ADVISORY}. {}", asked(&changed));
    let watch = "A page below it counts down from a minute; unsaved work holds it, up to two. This page is among \
                 them only if it is older: open an old one from the census below to see it.";
    Ok(stage.tell(text, watch, false))
}

/// The CDN goes on serving the document that it has, or is mended.
pub async fn toggle_cdn(stage: &Stage) -> Story {
    let _turn = stage.acting.lock().await;
    let broken = stage.toggle_cdn();
    let served = stage.served();
    if broken {
        stage.note(clock::now(), format!("the CDN is stuck on the document of {}", served.version));
        stage.tell(
            format!("The CDN is broken: whatever is deployed, it serves the document of {}.", served.version),
            "Deploy a build now. Pages will be told, look, find the old document, and wait; none will loop.",
            false,
        )
    } else {
        stage.note(clock::now(), format!("the CDN serves {} again", served.version));
        stage.tell(
            format!("The CDN is healed and serves {}.", served.version),
            "Watch the pages that were stuck: they look again by themselves, and move. This page, too, within a minute, or \
             when its prompt is pressed.",
            false,
        )
    }
}

/// Makes the release before the current one current again, and calls back whoever is ahead of it.
pub async fn roll_back(stage: &Stage) -> Story {
    let _turn = stage.acting.lock().await;
    told(stage, back_to_previous(stage).await)
}

async fn back_to_previous(stage: &Stage) -> Result<Story, CallError> {
    let releases = releases(stage).await?;
    let Some((current, previous)) = current_and_previous(&releases) else {
        return Ok(stage.tell("There is no release before this one.", "Deploy a build first.", true));
    };
    let before = stage.deployed();
    let build = stage.build(previous.build.as_str()).unwrap_or_else(|| Arc::new(build_of(previous)));
    stage.deploy(build);
    let (bad, good) = (named(current), named(previous));
    let pace = PaceBody { action: Some(Action::Prompt), ..PaceBody::default() };
    let reason = Some(format!("totals are wrong in {bad}"));
    let body = CurrentBody::new(previous.build.clone(), reason, true, pace);
    let changed: Changed = match stage.operator.change(Method::PUT, "/current", &body).await {
        Ok(changed) => changed,
        Err(error) => {
            stage.deploy(before);
            return Err(error);
        }
    };
    let text = format!("Back to {good}. {}", asked(&changed));
    let watch = format!(
        "The pages on {bad} are ahead now, and are called back: current is not the newest, but what you say it is."
    );
    Ok(stage.tell(text, watch, false))
}

/// What the buttons would do next.
#[derive(serde::Serialize)]
pub struct Prospects {
    deploy: String,
    brings: &'static str,
    minimum: Option<String>,
    back_to: Option<String>,
}

/// What the buttons would do next.
pub async fn prospects(stage: &Stage) -> Result<Prospects, CallError> {
    let releases = releases(stage).await?;
    let (release, version) = next(&releases);
    let around = current_and_previous(&releases);
    Ok(Prospects {
        deploy: version,
        brings: seed::planned_for(release).message,
        minimum: releases.iter().find(|release| release.status == ReleaseStatus::Current).map(named),
        back_to: around.map(|(_, previous)| named(previous)),
    })
}

/// A refusal is a story, too.
fn told(stage: &Stage, story: Result<Story, CallError>) -> Story {
    story.unwrap_or_else(|error| {
        let watch = match &error {
            CallError::Refused(problem) if problem.kind.ends_with("locks-everyone-out") => {
                "Refused, so that nobody is locked out. Undo the minimum first (freshwire minimum shop --undo), or deploy a \
                 build and roll that one back."
            }
            CallError::Refused(_) => "Refused by the server; nothing was changed.",
            CallError::Away(_) => "Nothing was changed.",
        };
        stage.tell(sentence(&error.to_string()), watch, true)
    })
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    let stop = if text.ends_with('.') { "" } else { "." };
    format!("{first}{}{stop}", letters.as_str())
}

fn asked(changed: &Changed) -> String {
    let over = changed.over.map(|over| Period(over.0.div_ceil(1000) * 1000));
    match (changed.affected.sessions, over) {
        (0, _) => "No connected page has to move.".to_owned(),
        (1, _) => "One page is asked to move.".to_owned(),
        (n, Some(over)) if over > Period::ZERO => {
            format!("{n} pages are asked to move, a few at a time over {over}.")
        }
        (n, _) => format!("{n} pages are asked to move."),
    }
}

async fn releases(stage: &Stage) -> Result<Vec<ReleaseAnswer>, CallError> {
    Ok(stage.operator.get::<ReleasesAnswer>("/releases?limit=1000").await?.releases)
}

/// Number and version of the next release: a minor version above all that there are.
fn next(releases: &[ReleaseAnswer]) -> (u32, String) {
    let number = releases.iter().map(|release| release.release).max().unwrap_or(0) + 1;
    let highest =
        releases.iter().filter_map(|release| release.version.as_ref()).max_by(|a, b| a.precedence(b));
    let version = highest.map_or_else(
        || "1.0.0".to_owned(),
        |Version(version)| format!("{}.{}.0", version.major, version.minor + 1),
    );
    (number, version)
}

fn current_and_previous(releases: &[ReleaseAnswer]) -> Option<(&ReleaseAnswer, &ReleaseAnswer)> {
    let current = releases.iter().find(|release| release.status == ReleaseStatus::Current)?;
    let version = current.version.as_ref()?;
    let below = |release: &&ReleaseAnswer| {
        let lower = release.version.as_ref().is_some_and(|other| other.precedence(version) == Ordering::Less);
        lower && release.status != ReleaseStatus::Retired
    };
    let previous = releases.iter().filter(below).max_by(|a, b| match (&a.version, &b.version) {
        (Some(a), Some(b)) => a.precedence(b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    })?;
    Some((current, previous))
}

fn named(release: &ReleaseAnswer) -> String {
    release.version.as_ref().map_or_else(|| release.build.to_string(), ToString::to_string)
}

//! Releases: registering, settling, listing.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};

use super::{
    Context, Ctx,
    auth::{Reader, Releaser},
    change::{change, check_steps, check_text, invalid, speed, standing_still},
    page::PageQuery,
    problem::ApiError,
    request::{AtLeast, ChangeHeaders, ChangeQuery, Known, Named, Wish, known},
};
use crate::{
    api::{
        answers::{Changed, Problem, ReleaseAnswer, ReleaseStatus, ReleasesAnswer},
        bodies::{ReleaseBody, SettleBody},
    },
    core::{
        app::{App, Refusal, Release},
        change::{AppChange, NewRelease},
        names::{AppName, BuildId},
        needs::lacking,
        pace::Pace,
        rollout::named,
    },
};

/// Most names in `needs`.
const MOST_NEEDS: usize = 100;
/// Most paths in `preload`, and longest one.
const MOST_PRELOADS: usize = 50;
const LONGEST_PRELOAD: usize = 1 << 10;

/// All releases, newest first.
#[utoipa::path(get, operation_id = "list_releases", path = "/v1/apps/{app}/releases", security(("token" = [])),
    params(("app" = AppName, Path), PageQuery, AtLeast),
    responses((status = 200, body = ReleasesAnswer), (status = "default", body = Problem)))]
pub async fn list(
    State(context): Ctx,
    _: Reader,
    Known(app): Known,
    page: PageQuery,
) -> Result<Json<ReleasesAnswer>, ApiError> {
    let before = page.after::<u32>()?.unwrap_or(u32::MAX);
    let older = app.releases.iter().rev().filter(|release| release.number < before);
    let (releases, next) = page.take(older, |release| release.number.to_string())?;
    let mut sessions = HashMap::<BuildId, u64>::new();
    for count in context.fleet.counts(&app.name) {
        *sessions.entry(count.build).or_default() += count.sessions;
    }
    let releases = releases
        .into_iter()
        .map(|release| answer(&app, release, sessions.get(&release.new.build).copied().unwrap_or(0)))
        .collect();
    Ok(Json(ReleasesAnswer { releases, next }))
}

/// Registers a release; it becomes current unless it is rolling. The same again is fine.
#[utoipa::path(post, operation_id = "register_release", path = "/v1/apps/{app}/releases", security(("token" = [])), request_body = ReleaseBody,
    params(("app" = AppName, Path), ChangeQuery, ChangeHeaders),
    responses((status = 201, body = Changed), (status = 200, body = Changed, description = "Registered before, or a dry run"),
        (status = "default", body = Problem)))]
pub async fn register(
    State(context): Ctx,
    Releaser(caller): Releaser,
    Named(name): Named,
    wish: Wish<ReleaseBody>,
) -> Result<(StatusCode, Json<Changed>), ApiError> {
    if let Some(same) = registered_the_same(&context, &name, &wish) {
        return Ok((StatusCode::OK, Json(same)));
    }
    let changed = change(&context, &caller, &name, &wish, wish.body.over, |_, body| {
        Ok(AppChange::Release(Box::new(new_release(body)?)))
    })
    .await;
    match changed {
        Ok(changed) if changed.dry_run || changed.repeated => Ok((StatusCode::OK, Json(changed))),
        Ok(changed) => Ok((StatusCode::CREATED, Json(changed))),
        // The same may have been registered meanwhile.
        Err(error) => match registered_the_same(&context, &name, &wish) {
            Some(same) => Ok((StatusCode::OK, Json(same))),
            None => Err(error),
        },
    }
}

/// Makes a rolling release current.
#[utoipa::path(post, operation_id = "settle_release", path = "/v1/apps/{app}/releases/{build}/settle", security(("token" = [])),
    request_body = SettleBody, params(("app" = AppName, Path), ("build" = BuildId, Path), ChangeQuery, ChangeHeaders),
    responses((status = 200, body = Changed), (status = "default", body = Problem)))]
pub async fn settle(
    State(context): Ctx,
    Releaser(caller): Releaser,
    Named(name): Named,
    Path((_, build)): Path<(String, String)>,
    wish: Wish<SettleBody>,
) -> Result<Json<Changed>, ApiError> {
    let app = known(&context.ledger.state(), &name)?;
    let build = build_id(&build)?;
    if !wish.body.anyway {
        check_back_ends(&context, &app, &build)?;
    }
    change(&context, &caller, &name, &wish, wish.body.over, |app, body| {
        Ok(AppChange::Settle { build: build.clone(), pace: settle_pace(app, &build, body)?, reason: None })
    })
    .await
    .map(Json)
}

/// As asked; what isn't said is as the release was registered.
fn settle_pace(app: &App, build: &BuildId, body: &SettleBody) -> Result<Pace, Refusal> {
    let asked = speed(&body.pace())?;
    let Some(release) = app.release(build) else { return Ok(asked) };
    let registered = &release.new.pace;
    let waves_asked = !asked.waves.is_empty();
    Ok(Pace {
        waves: if waves_asked { asked.waves } else { registered.waves.clone() },
        hold: if waves_asked { asked.hold } else { registered.hold },
        brake: body.brake.unwrap_or(registered.brake),
        unproven_ok: asked.unproven_ok || registered.unproven_ok,
        ..asked
    })
}

/// No live back end lacks what a release needs: its pages would break there.
fn check_back_ends(context: &Context, app: &App, build: &BuildId) -> Result<(), ApiError> {
    let Some(release) = app.release(build).filter(|release| release.settled_at.is_none()) else {
        return Ok(());
    };
    let lacking = lacking(&release.new.needs, &context.fleet.back_ends.live(&app.name));
    if lacking.is_empty() {
        return Ok(());
    }
    Err(ApiError::conflict(format!(
        "live back ends lack what {build} needs: {}; settle it when all of them provide it, or pass 'anyway'",
        named(&lacking)
    )))
}

/// A build ID from a path.
pub fn build_id(text: &str) -> Result<BuildId, ApiError> {
    text.parse().map_err(|error: crate::core::names::BadName| ApiError::invalid("build", error.to_string()))
}

/// The answer to a release that is there already. A key that was used says more: which entry its request became, or that
/// it was another request.
fn registered_the_same(context: &Context, name: &AppName, wish: &Wish<ReleaseBody>) -> Option<Changed> {
    let app = context.ledger.state().apps.get(name)?.clone();
    if wish.request.as_ref().is_some_and(|request| app.answered(&request.key, crate::clock::now()).is_some())
    {
        return None;
    }
    let there = app.release(&wish.body.build)?;
    let same = new_release(&wish.body).ok()?;
    let pace = Pace { over: there.new.pace.over, ..same.pace };
    let new = NewRelease { pace, anyway: there.new.anyway, ..same };
    (there.new == new).then(|| Changed { repeated: true, ..standing_still(&app, app.number) })
}

fn new_release(body: &ReleaseBody) -> Result<NewRelease, Refusal> {
    check_text("by", body.by.as_deref())?;
    check_text("message", body.message.as_deref())?;
    check_steps(&body.steps)?;
    if body.needs.len() > MOST_NEEDS {
        return Err(invalid("needs", format!("at most {MOST_NEEDS} needs")));
    }
    if body.preload.len() > MOST_PRELOADS
        || body.preload.iter().any(|path| path.is_empty() || path.len() > LONGEST_PRELOAD)
    {
        return Err(invalid(
            "preload",
            format!("at most {MOST_PRELOADS} paths of 1 to {LONGEST_PRELOAD} bytes each"),
        ));
    }
    Ok(NewRelease {
        build: body.build.clone(),
        version: body.version.clone(),
        by: body.by.clone(),
        message: body.message.clone(),
        committed_at: body.committed_at,
        severity: body.severity,
        needs: body.needs.clone(),
        assets: body.assets.clone(),
        preload: body.preload.clone(),
        rolling: body.rolling,
        anyway: body.anyway,
        pace: speed(&body.pace())?,
        steps: body.steps.clone(),
        countdown: body.countdown,
        hold_cap: body.hold_cap,
    })
}

/// Where a release is in its life.
pub fn status(app: &App, release: &Release) -> ReleaseStatus {
    let build = &release.new.build;
    match (app.retired.contains_key(build), release.settled_at) {
        (true, _) => ReleaseStatus::Retired,
        _ if app.current.as_ref() == Some(build) => ReleaseStatus::Current,
        (false, Some(_)) => ReleaseStatus::Superseded,
        (false, None) => ReleaseStatus::Registered,
    }
}

fn answer(app: &App, release: &Arc<Release>, sessions: u64) -> ReleaseAnswer {
    let new = &release.new;
    let retired = app.retired.get(&new.build);
    ReleaseAnswer {
        release: release.number,
        build: new.build.clone(),
        version: new.version.clone(),
        by: new.by.clone(),
        message: new.message.clone(),
        committed_at: new.committed_at,
        severity: new.severity,
        needs: new.needs.clone(),
        rolling: release.rolling,
        registered_at: release.registered_at,
        settled_at: release.settled_at,
        status: status(app, release),
        retired: retired.map(|retired| retired.reason.clone()),
        sessions,
    }
}

//! Back ends: reporting in, who has, and what pages need of them.

use std::collections::BTreeSet;

use axum::{
    Json,
    extract::{Path, State},
};

use super::{
    Context, Ctx,
    auth::{Reader, Releaser},
    page::PageQuery,
    problem::ApiError,
    request::{AtLeast, ChangeQuery, Known, Named, Wish, known},
};
use crate::{
    api::{
        answers::Problem,
        rollout::{
            BackEndAnswer, BackEndBody, BackEndReported, BackEndsAnswer, MatrixAnswer, NeedsAnswer,
            Unregistered,
        },
    },
    core::{
        app::App,
        names::{AppName, InstanceName, Need},
        needs,
        time::Period,
    },
    fleet::back_ends::Report,
};

/// Most names that an instance provides.
const MOST_PROVIDED: usize = 1_000;
/// Shortest and longest time that a report counts.
const TTL: std::ops::RangeInclusive<Period> = Period::secs(1)..=Period::mins(60);

/// A back-end instance reports in: what it runs and provides. It counts until its TTL is over.
#[utoipa::path(put, operation_id = "report_backend", path = "/v1/apps/{app}/backends/{instance}", security(("token" = [])),
    request_body = BackEndBody, params(("app" = AppName, Path), ("instance" = InstanceName, Path), ChangeQuery),
    responses((status = 200, body = BackEndReported), (status = "default", body = Problem)))]
pub async fn report(
    State(context): Ctx,
    _: Releaser,
    Named(name): Named,
    Path((_, instance)): Path<(String, String)>,
    wish: Wish<BackEndBody>,
) -> Result<Json<BackEndReported>, ApiError> {
    let app = known(&context.ledger.state(), &name)?;
    let instance = instance_name(&instance)?;
    let body = wish.body;
    if body.provides.len() > MOST_PROVIDED {
        return Err(ApiError::invalid("provides", format!("at most {MOST_PROVIDED} names")));
    }
    let back_ends = &context.fleet.back_ends;
    let ttl = body.ttl.unwrap_or(back_ends.usual_ttl);
    if !TTL.contains(&ttl) {
        return Err(ApiError::invalid("ttl", format!("ttl is {} to {}", TTL.start(), TTL.end())));
    }
    let report = Report::new(body.build, body.provides.into_iter().collect(), ttl);
    let back_end = answer(&instance, &report);
    if !wish.dry_run {
        back_ends.report(&name, instance, report).map_err(|_| {
            ApiError::conflict(
                "too many instances report in for this app; give one that replaces another the other's name",
            )
        })?;
    }
    Ok(Json(BackEndReported { number: app.number, back_end }))
}

/// A back-end instance says that it stops, and counts no more. Without it, it counts until its TTL is over.
#[utoipa::path(delete, operation_id = "remove_backend", path = "/v1/apps/{app}/backends/{instance}", security(("token" = [])),
    params(("app" = AppName, Path), ("instance" = InstanceName, Path)),
    responses((status = 200, body = BackEndReported), (status = "default", body = Problem)))]
pub async fn leave(
    State(context): Ctx,
    _: Releaser,
    Named(name): Named,
    Path((_, instance)): Path<(String, String)>,
) -> Result<Json<BackEndReported>, ApiError> {
    let app = known(&context.ledger.state(), &name)?;
    let instance = instance_name(&instance)?;
    let Some(report) = context.fleet.back_ends.leave(&name, &instance) else {
        return Err(ApiError::not_found(format!(
            "no instance '{instance}' of {name} has reported in lately"
        )));
    };
    let silent_since = report.silent_since().or(Some(crate::clock::now()));
    let back_end = BackEndAnswer { silent_since, ..answer(&instance, &report) };
    Ok(Json(BackEndReported { number: app.number, back_end }))
}

fn instance_name(text: &str) -> Result<InstanceName, ApiError> {
    text.parse()
        .map_err(|error: crate::core::names::BadName| ApiError::invalid("instance", error.to_string()))
}

/// The back-end instances, by name; those that have fallen silent in the last hour too.
#[utoipa::path(get, operation_id = "list_backends", path = "/v1/apps/{app}/backends", security(("token" = [])),
    params(("app" = AppName, Path), PageQuery, AtLeast),
    responses((status = 200, body = BackEndsAnswer), (status = "default", body = Problem)))]
pub async fn list(
    State(context): Ctx,
    _: Reader,
    Known(app): Known,
    page: PageQuery,
) -> Result<Json<BackEndsAnswer>, ApiError> {
    let after = page.after::<InstanceName>()?;
    let all = context.fleet.back_ends.list(&app.name);
    let rest = all.iter().filter(|(name, _)| after.as_ref().is_none_or(|after| name > after));
    let (backends, next) = page.take(rest, |(name, _)| name.to_string())?;
    Ok(Json(BackEndsAnswer {
        app: app.name.clone(),
        number: app.number,
        heard_all: context.fleet.back_ends.heard_all(&app.name),
        backends: backends.into_iter().map(|(name, report)| answer(name, report)).collect(),
        next,
    }))
}

/// What pages need of the back ends: every name with the builds and the open pages that rely on it.
#[utoipa::path(get, operation_id = "list_needs", path = "/v1/apps/{app}/needs", security(("token" = [])),
    params(("app" = AppName, Path), PageQuery, AtLeast),
    responses((status = 200, body = NeedsAnswer), (status = "default", body = Problem)))]
pub async fn needs(
    State(context): Ctx,
    _: Reader,
    Known(app): Known,
    page: PageQuery,
) -> Result<Json<NeedsAnswer>, ApiError> {
    let after = page.after::<Need>()?;
    let counts = context.fleet.counts(&app.name);
    let live = context.fleet.back_ends.live(&app.name);
    let all = needs::needs(&app, &counts, &live).into_iter();
    let rest = all.filter(|row| after.as_ref().is_none_or(|after| row.need > *after));
    let (needs, next) = page.take(rest, |row| row.need.to_string())?;
    Ok(Json(NeedsAnswer {
        app: app.name.clone(),
        number: app.number,
        as_of: crate::clock::now(),
        complete: context.fleet.complete(),
        warming: context.fleet.warming(),
        missing: context.fleet.missing(),
        needs,
        unregistered: unregistered(&context, &app),
        next,
    }))
}

/// Every front-end build against every back-end build: is there all that its pages need?
#[utoipa::path(get, operation_id = "get_matrix", path = "/v1/apps/{app}/matrix", security(("token" = [])),
    params(("app" = AppName, Path), AtLeast),
    responses((status = 200, body = MatrixAnswer), (status = "default", body = Problem)))]
pub async fn matrix(State(context): Ctx, _: Reader, Known(app): Known) -> Json<MatrixAnswer> {
    let counts = context.fleet.counts(&app.name);
    let live = context.fleet.back_ends.live(&app.name);
    Json(MatrixAnswer {
        app: app.name.clone(),
        number: app.number,
        as_of: crate::clock::now(),
        complete: context.fleet.complete(),
        warming: context.fleet.warming(),
        missing: context.fleet.missing(),
        matrix: needs::matrix(&app, &counts, &live),
        unregistered: unregistered(&context, &app),
    })
}

fn unregistered(context: &Context, app: &App) -> Unregistered {
    let (sessions, away) = needs::unregistered(app, &context.fleet.counts(&app.name));
    Unregistered { sessions, away }
}

fn answer(name: &InstanceName, report: &Report) -> BackEndAnswer {
    let provides: &BTreeSet<Need> = &report.provides;
    BackEndAnswer {
        instance: name.clone(),
        build: report.build.clone(),
        provides: provides.iter().cloned().collect(),
        ttl: report.ttl,
        reported_at: report.at,
        silent_since: report.silent_since(),
    }
}

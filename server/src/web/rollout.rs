//! Rolling releases: what is known of their being served, and asking the origins now.

use axum::{
    Json,
    extract::{Path, State},
};
use futures_util::future::join_all;

use super::{
    Ctx,
    auth::{Reader, Releaser},
    problem::ApiError,
    releases::{build_id, status},
    request::{AtLeast, Known, Named, known},
};
use crate::{
    api::{
        answers::Problem,
        rollout::{EvidenceAnswer, ProbeAnswer, ProbesAnswer, RolloutAnswer},
    },
    core::{
        names::{AppName, BuildId},
        rollout::{Verdict, decide},
    },
};

/// What is known of a release's being served, and whether it settles by itself.
#[utoipa::path(get, operation_id = "get_rollout", path = "/v1/apps/{app}/releases/{build}/rollout", security(("token" = [])),
    params(("app" = AppName, Path), ("build" = BuildId, Path), AtLeast),
    responses((status = 200, body = RolloutAnswer), (status = "default", body = Problem)))]
pub async fn get(
    State(context): Ctx,
    _: Reader,
    Known(app): Known,
    Path((_, build)): Path<(String, String)>,
) -> Result<Json<RolloutAnswer>, ApiError> {
    let build = build_id(&build)?;
    let Some(release) = app.release(&build) else {
        return Err(ApiError::not_found(format!("no release {build} of {}", app.name)));
    };
    let now = crate::clock::now();
    // What has settled is no longer watched.
    let evidence = match release.settled_at {
        Some(_) => Vec::new(),
        None => context.rollouts.evidence(&context.fleet, &app, release, now),
    };
    let (by_itself, words) = match decide(&app, release, &evidence, now) {
        Verdict::Settles(found) => (true, format!("it settles now: {found}")),
        Verdict::Waits(lacks) => (true, format!("it settles by itself; not yet, because {lacks}")),
        Verdict::ByHand(why) => (false, format!("it does not settle by itself: {why}")),
    };
    let evidence: Vec<_> = evidence
        .into_iter()
        .map(|evidence| EvidenceAnswer {
            complete: evidence.complete(&build, now),
            words: evidence.words(&build, now),
            evidence,
        })
        .collect();
    Ok(Json(RolloutAnswer {
        app: app.name.clone(),
        number: app.number,
        version: release.new.version.clone(),
        status: status(&app, release),
        by_itself,
        complete: !evidence.is_empty() && evidence.iter().all(|evidence| evidence.complete),
        words,
        evidence,
        build,
    }))
}

/// Asks every origin now which build it serves; `ok` is what serves current.
#[utoipa::path(post, operation_id = "probe", path = "/v1/apps/{app}/probe", security(("token" = [])),
    params(("app" = AppName, Path)),
    responses((status = 200, body = ProbesAnswer), (status = "default", body = Problem)))]
pub async fn probe(
    State(context): Ctx,
    _: Releaser,
    Named(name): Named,
) -> Result<Json<ProbesAnswer>, ApiError> {
    let app = known(&context.ledger.state(), &name)?;
    let origins = &context.rollouts.origins;
    let answers = join_all(app.settings.probes.iter().map(|url| origins.ask(&name, url))).await;
    let current = app.current.clone();
    let probes: Vec<_> = app
        .settings
        .probes
        .iter()
        .zip(answers)
        .map(|(url, answer)| {
            let (build, detail) = match answer {
                Ok(build) => (Some(build), None),
                Err(detail) => (None, Some(detail)),
            };
            let ok = build.is_some() && build == current;
            let other = build.as_ref().filter(|_| !ok).map(|build| match &current {
                Some(current) => format!("it serves {build}, and current is {current}"),
                None => format!("it serves {build}, and nothing is current yet"),
            });
            ProbeAnswer { url: url.clone(), ok, detail: detail.or(other), build }
        })
        .collect();
    let ok = !probes.is_empty() && probes.iter().all(|probe| probe.ok);
    Ok(Json(ProbesAnswer { app: name, number: app.number, current, ok, probes }))
}

//! Rolling releases: what is known of their being served, and asking the origins now.

use axum::{Json, extract::State};
use futures_util::future::join_all;

use super::{
    Ctx,
    auth::Releaser,
    problem::ApiError,
    request::{Named, known},
};
use crate::{
    api::{
        answers::Problem,
        rollout::{ProbeAnswer, ProbesAnswer},
    },
    core::names::AppName,
};

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

//! Bad builds: retiring one, and taking that back.

use axum::{
    Json,
    extract::{Path, State},
};

use super::{
    Ctx,
    auth::Operator,
    change::{change, check_text, terms},
    minimum::Nothing,
    problem::ApiError,
    releases::build_id,
    request::{ChangeHeaders, ChangeQuery, Named, Wish, known},
};
use crate::{
    api::{
        answers::{Changed, Problem},
        bodies::RetireBody,
    },
    core::{
        change::{Action, AppChange},
        names::{AppName, BuildId},
    },
};

/// Says that one build is bad, whatever its place in the order, and moves its pages.
#[utoipa::path(post, operation_id = "retire_release", path = "/v1/apps/{app}/releases/{build}/retire", security(("token" = [])),
    request_body = RetireBody, params(("app" = AppName, Path), ("build" = BuildId, Path), ChangeQuery, ChangeHeaders),
    responses((status = 200, body = Changed), (status = "default", body = Problem)))]
pub async fn retire(
    State(context): Ctx,
    Operator(caller): Operator,
    Named(name): Named,
    Path((_, build)): Path<(String, String)>,
    wish: Wish<RetireBody>,
) -> Result<Json<Changed>, ApiError> {
    known(&context.ledger.state(), &name)?;
    let build = build_id(&build)?;
    change(&context, &caller, &name, &wish, wish.body.over, |_, body| {
        check_text("reason", Some(&body.reason))?;
        let terms = terms(&body.pace(), Action::Countdown)?;
        Ok(AppChange::Retire { build: build.clone(), reason: body.reason.clone(), terms })
    })
    .await
    .map(Json)
}

/// Takes a build back among the good ones.
#[utoipa::path(post, operation_id = "reinstate_release", path = "/v1/apps/{app}/releases/{build}/reinstate", security(("token" = [])),
    params(("app" = AppName, Path), ("build" = BuildId, Path), ChangeQuery, ChangeHeaders),
    responses((status = 200, body = Changed), (status = "default", body = Problem)))]
pub async fn reinstate(
    State(context): Ctx,
    Operator(caller): Operator,
    Named(name): Named,
    Path((_, build)): Path<(String, String)>,
    wish: Wish<Nothing>,
) -> Result<Json<Changed>, ApiError> {
    known(&context.ledger.state(), &name)?;
    let build = build_id(&build)?;
    change(&context, &caller, &name, &wish, None, |_, _| Ok(AppChange::Reinstate { build: build.clone() }))
        .await
        .map(Json)
}

//! The minimum: raising it, and taking that back.

use axum::{Json, extract::State};
use serde::Deserialize;

use super::{
    Ctx,
    auth::Operator,
    change::{change, check_text, invalid, terms},
    problem::ApiError,
    request::{ChangeHeaders, ChangeQuery, Named, Wish, known},
};
use crate::{
    api::{
        answers::{Changed, Problem},
        bodies::MinimumBody,
    },
    core::{
        app::Refusal,
        change::{Action, AppChange, Floor},
        names::AppName,
    },
};

/// Sets the lowest release that is supported, and moves the pages below it.
#[utoipa::path(put, operation_id = "put_minimum", path = "/v1/apps/{app}/minimum", security(("token" = [])), request_body = MinimumBody,
    params(("app" = AppName, Path), ChangeQuery, ChangeHeaders),
    responses((status = 200, body = Changed), (status = "default", body = Problem)))]
pub async fn put(
    State(context): Ctx,
    Operator(caller): Operator,
    Named(name): Named,
    wish: Wish<MinimumBody>,
) -> Result<Json<Changed>, ApiError> {
    known(&context.ledger.state(), &name)?;
    change(&context, &caller, &name, &wish, wish.body.over, |_, body| minimum(body)).await.map(Json)
}

fn minimum(body: &MinimumBody) -> Result<AppChange, Refusal> {
    check_text("reason", Some(&body.reason))?;
    let floor = match (&body.version, &body.build) {
        (Some(version), None) => Floor::Version(version.clone()),
        (None, Some(build)) => Floor::Build(build.clone()),
        _ => return Err(invalid("version", "give either version or build")),
    };
    let terms = terms(&body.pace(), Action::Countdown)?;
    Ok(AppChange::Minimum { floor, reason: body.reason.clone(), terms })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// Restores the minimum before the last one, and so on down.
#[utoipa::path(delete, operation_id = "undo_minimum", path = "/v1/apps/{app}/minimum", security(("token" = [])),
    params(("app" = AppName, Path), ChangeQuery, ChangeHeaders),
    responses((status = 200, body = Changed), (status = "default", body = Problem)))]
pub async fn undo(
    State(context): Ctx,
    Operator(caller): Operator,
    Named(name): Named,
    wish: Wish<Nothing>,
) -> Result<Json<Changed>, ApiError> {
    known(&context.ledger.state(), &name)?;
    change(&context, &caller, &name, &wish, None, |_, _| Ok(AppChange::MinimumUndo)).await.map(Json)
}

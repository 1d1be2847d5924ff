//! Current: a rollback or a roll-forward.

use axum::{Json, extract::State};

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
        bodies::{CurrentBody, PaceBody},
    },
    core::{
        app::{App, Refusal},
        change::{AppChange, Terms},
        names::AppName,
        time::Period,
    },
};

/// Makes a registered release current. Pages ahead of it are left alone unless `recall` asks for them.
#[utoipa::path(put, operation_id = "put_current", path = "/v1/apps/{app}/current", security(("token" = [])), request_body = CurrentBody,
    params(("app" = AppName, Path), ChangeQuery, ChangeHeaders),
    responses((status = 200, body = Changed), (status = "default", body = Problem)))]
pub async fn put(
    State(context): Ctx,
    Operator(caller): Operator,
    Named(name): Named,
    wish: Wish<CurrentBody>,
) -> Result<Json<Changed>, ApiError> {
    known(&context.ledger.state(), &name)?;
    change(&context, &caller, &name, &wish, wish.body.over, current).await.map(Json)
}

fn current(app: &App, body: &CurrentBody) -> Result<AppChange, Refusal> {
    check_text("reason", body.reason.as_deref())?;
    let pace = body.pace();
    let terms = if body.recall {
        terms(&pace, app.settings.stale_action)?
    } else {
        check_no_recall(&pace)?;
        Terms::only_over(Period::ZERO)
    };
    Ok(AppChange::Current { build: body.build.clone(), reason: body.reason.clone(), terms })
}

/// Pages behind current go by the releases' severity: only a recall has steps of its own.
fn check_no_recall(pace: &PaceBody) -> Result<(), Refusal> {
    let given = [
        ("action", pace.action.is_some()),
        ("steps", !pace.steps.is_empty()),
        ("deadline", pace.deadline.is_some()),
        ("countdown", pace.countdown.is_some()),
        ("hold_cap", pace.hold_cap.is_some()),
    ];
    match given.into_iter().find(|(_, given)| *given) {
        Some((field, _)) => {
            Err(invalid(field, format!("{field} is for the pages that are recalled: add recall")))
        }
        None => Ok(()),
    }
}

//! Campaigns under way: pausing one, resuming it, aborting it.

use axum::{
    Json,
    extract::{Path, State},
};

use super::{
    Context, Ctx,
    auth::{Caller, Operator},
    change::{change, check_text},
    problem::ApiError,
    request::{ChangeHeaders, ChangeQuery, Named, Wish, known},
};
use crate::{
    api::{
        answers::{Changed, Problem},
        bodies::HaltBody,
    },
    core::{
        app::{App, Refusal},
        change::AppChange,
        names::{AppName, LogNumber},
    },
};

/// Stops telling pages, and withdraws what they have not acted on.
#[utoipa::path(post, operation_id = "pause_campaign", path = "/v1/apps/{app}/campaigns/{campaign}/pause",
    security(("token" = [])), request_body = HaltBody,
    params(("app" = AppName, Path), ("campaign" = u64, Path), ChangeQuery, ChangeHeaders),
    responses((status = 200, body = Changed), (status = "default", body = Problem)))]
pub async fn pause(
    State(context): Ctx,
    Operator(caller): Operator,
    Named(name): Named,
    Path((_, number)): Path<(String, String)>,
    wish: Wish<HaltBody>,
) -> Result<Json<Changed>, ApiError> {
    act(&context, &caller, &name, &number, &wish, |app, campaign, body| {
        let run = app.campaigns.get(&campaign).map_or(campaign, |campaign| campaign.last_run().number);
        let reason = body.reason.clone().unwrap_or_else(|| "by hand".to_owned());
        AppChange::Pause { campaign, run, reason, brake: false }
    })
    .await
}

/// Goes on: owes afresh what was withdrawn, or begins the wave that waited for proof.
#[utoipa::path(post, operation_id = "resume_campaign", path = "/v1/apps/{app}/campaigns/{campaign}/resume",
    security(("token" = [])), request_body = HaltBody,
    params(("app" = AppName, Path), ("campaign" = u64, Path), ChangeQuery, ChangeHeaders),
    responses((status = 200, body = Changed), (status = "default", body = Problem)))]
pub async fn resume(
    State(context): Ctx,
    Operator(caller): Operator,
    Named(name): Named,
    Path((_, number)): Path<(String, String)>,
    wish: Wish<HaltBody>,
) -> Result<Json<Changed>, ApiError> {
    act(&context, &caller, &name, &number, &wish, |_, campaign, body| AppChange::Resume {
        campaign,
        reason: body.reason.clone(),
    })
    .await
}

/// Ends it for good. What set it in motion (a minimum, a release) stays as it is.
#[utoipa::path(post, operation_id = "abort_campaign", path = "/v1/apps/{app}/campaigns/{campaign}/abort",
    security(("token" = [])), request_body = HaltBody,
    params(("app" = AppName, Path), ("campaign" = u64, Path), ChangeQuery, ChangeHeaders),
    responses((status = 200, body = Changed), (status = "default", body = Problem)))]
pub async fn abort(
    State(context): Ctx,
    Operator(caller): Operator,
    Named(name): Named,
    Path((_, number)): Path<(String, String)>,
    wish: Wish<HaltBody>,
) -> Result<Json<Changed>, ApiError> {
    act(&context, &caller, &name, &number, &wish, |_, campaign, body| AppChange::Abort {
        campaign,
        reason: body.reason.clone(),
    })
    .await
}

async fn act(
    context: &Context,
    caller: &Caller,
    name: &AppName,
    number: &str,
    wish: &Wish<HaltBody>,
    make: impl Fn(&App, LogNumber, &HaltBody) -> AppChange,
) -> Result<Json<Changed>, ApiError> {
    known(&context.ledger.state(), name)?;
    let campaign = campaign_number(number)?;
    let changed = change(context, caller, name, wish, None, |app, body| {
        check_text("reason", body.reason.as_deref())?;
        under_way(app, campaign)?;
        Ok(make(app, campaign, body))
    })
    .await?;
    Ok(Json(Changed { campaign: (!changed.dry_run).then_some(campaign), ..changed }))
}

/// A campaign's number from a path.
pub fn campaign_number(text: &str) -> Result<LogNumber, ApiError> {
    text.parse().map(LogNumber).map_err(|_| {
        ApiError::invalid("campaign", format!("'{text}' is not a campaign's number, such as 42"))
    })
}

fn under_way(app: &App, campaign: LogNumber) -> Result<(), Refusal> {
    match app.campaigns.get(&campaign) {
        None => Err(Refusal::NotFound(format!(
            "there is no campaign {campaign} of {name}; freshwire campaigns {name} lists them",
            name = app.name
        ))),
        Some(there) if there.ended => Err(Refusal::Conflict(format!("campaign {campaign} has ended"))),
        Some(_) => Ok(()),
    }
}

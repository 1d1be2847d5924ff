//! Pushes: data for the open pages of an app.

use axum::{Json, extract::State};

use super::{
    Context, Ctx,
    auth::{Operator, Reader},
    change::{change, everybody, invalid},
    page::PageQuery,
    problem::ApiError,
    request::{AtLeast, ChangeHeaders, ChangeQuery, Known, Named, Wish, known},
};
use crate::{
    api::{
        answers::{Changed, Problem, PushAnswer, PushesAnswer},
        bodies::PushBody,
    },
    core::{
        app::Refusal,
        change::AppChange,
        names::{AppName, LogNumber},
        push::Push,
        time::Period,
    },
    fleet::pushes::Tally,
};

/// Longest data of a push, in bytes of JSON.
const LONGEST_DATA: usize = 16 << 10;
/// For how long pages that connect get it, if nothing else is said.
const EXPIRES: Period = Period::mins(60);

/// Sends data to every open page of an app, and to those that connect until it expires.
#[utoipa::path(post, operation_id = "push", path = "/v1/apps/{app}/push", security(("token" = [])), request_body = PushBody,
    params(("app" = AppName, Path), ChangeQuery, ChangeHeaders),
    responses((status = 200, body = Changed), (status = "default", body = Problem)))]
pub async fn push(
    State(context): Ctx,
    Operator(caller): Operator,
    Named(name): Named,
    wish: Wish<PushBody>,
) -> Result<Json<Changed>, ApiError> {
    known(&context.ledger.state(), &name)?;
    let changed = change(&context, &caller, &name, &wish, None, |_, body| new_push(body)).await?;
    let affected = everybody(&context.ledger.state().app(&name), &context.fleet.counts(&name));
    let push = (!changed.dry_run).then_some(changed.number);
    Ok(Json(Changed { push, affected, ..changed }))
}

fn new_push(body: &PushBody) -> Result<AppChange, Refusal> {
    let bytes = body.data.bytes();
    if bytes > LONGEST_DATA {
        return Err(invalid(
            "data",
            format!(
                "data has at most {LONGEST_DATA} bytes as JSON, and this has {bytes}; push where to find it"
            ),
        ));
    }
    let expires = body.expires.unwrap_or(EXPIRES);
    if expires == Period::ZERO {
        return Err(invalid("expires", "expires is how long pages get it, such as \"1h\""));
    }
    Ok(AppChange::Push { topic: body.topic.clone(), data: body.data.clone(), expires })
}

/// The pushes that have not expired, newest first, and what became of them.
#[utoipa::path(get, operation_id = "list_pushes", path = "/v1/apps/{app}/pushes", security(("token" = [])),
    params(("app" = AppName, Path), PageQuery, AtLeast),
    responses((status = 200, body = PushesAnswer), (status = "default", body = Problem)))]
pub async fn list(
    State(context): Ctx,
    _: Reader,
    Known(app): Known,
    page: PageQuery,
) -> Result<Json<PushesAnswer>, ApiError> {
    let before = page.after()?.map_or(LogNumber(u64::MAX), LogNumber);
    let now = crate::clock::now();
    let mut live: Vec<_> =
        app.pushes.values().filter(|push| push.number < before && push.live(now)).cloned().collect();
    live.sort_unstable_by_key(|push| std::cmp::Reverse(push.number));
    let (live, next) = page.take(live.into_iter(), |push| push.number.to_string())?;
    let pushes = live.iter().map(|push| answer(push, tally(&context, &app.name, push.number))).collect();
    Ok(Json(PushesAnswer { pushes, next }))
}

/// What became of a push on this node.
fn tally(context: &Context, name: &AppName, number: LogNumber) -> Tally {
    let view = context.fleet.hub(name).map(|hub| hub.view());
    let push = view.as_ref().and_then(|view| view.pushes.get(number));
    push.map(|push| push.tally()).unwrap_or_default()
}

fn answer(push: &Push, tally: Tally) -> PushAnswer {
    PushAnswer {
        push: push.number,
        topic: push.topic.clone(),
        bytes: push.data.bytes() as u64,
        at: push.at,
        by: push.by.clone(),
        expires_at: push.expires_at,
        sessions: tally.sent,
        handled: tally.handled,
        unhandled: tally.unhandled,
        failed: tally.failed,
    }
}

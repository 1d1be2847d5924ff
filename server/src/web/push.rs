//! Pushes: data for the open pages of an app.

use axum::{Json, extract::State};

use super::{
    Ctx,
    auth::{Operator, Reader},
    change::{change, invalid, of},
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
        app::{App, Refusal},
        change::AppChange,
        frames::{LONGEST_LABEL, MOST_LABELS},
        names::{AppName, LogNumber},
        push::{NewPush, Push, Reached},
        select::Select,
        time::Period,
    },
    fleet::Fleet,
};

/// Longest data of a push, in bytes of JSON.
const LONGEST_DATA: usize = 16 << 10;
/// For how long pages that connect get it, if nothing else is said.
const EXPIRES: Period = Period::mins(60);

/// Sends data to the open pages of an app, all or some, and to those that connect until it expires.
#[utoipa::path(post, operation_id = "push", path = "/v1/apps/{app}/push", security(("token" = [])), request_body = PushBody,
    params(("app" = AppName, Path), ChangeQuery, ChangeHeaders),
    responses((status = 200, body = Changed), (status = "default", body = Problem)))]
pub async fn push(
    State(context): Ctx,
    Operator(caller): Operator,
    Named(name): Named,
    wish: Wish<PushBody>,
) -> Result<Json<Changed>, ApiError> {
    let app = known(&context.ledger.state(), &name)?;
    let fleet = &context.fleet;
    let select = wish.body.select.clone().unwrap_or_default();
    let runs = runs(fleet, &app, &select).await;
    let new = |app: &App, body: &PushBody| {
        let new = new_push(body)?;
        check_build(app, &new.select, runs)?;
        Ok(AppChange::Push(new))
    };
    let changed = change(&context, &caller, &name, &wish, None, new).await?;
    let app = context.ledger.state().app(&name);
    let affected = of(&app, fleet.selected(&app, &select).await.iter());
    let push = (!changed.dry_run).then_some(changed.number);
    Ok(Json(Changed { push, affected, over: wish.body.over, ..changed }))
}

/// Some page runs the build that is selected, if one is.
async fn runs(fleet: &Fleet, app: &App, select: &Select) -> bool {
    let only = Select { build: select.build.clone(), ..Select::default() };
    only.is_everybody() || fleet.selected(app, &only).await.iter().any(|count| count.sessions > 0)
}

/// A build that nobody has heard of is a slip. `runs`: some page runs it.
fn check_build(app: &App, select: &Select, runs: bool) -> Result<(), Refusal> {
    let Some(build) = &select.build else { return Ok(()) };
    if app.release(build).is_none() && !runs {
        let reason = format!(
            "{build} is neither a release of {name} nor what a connected page runs; see freshwire census {name}",
            name = app.name
        );
        return Err(invalid("select.build", reason));
    }
    Ok(())
}

fn new_push(body: &PushBody) -> Result<NewPush, Refusal> {
    let bytes = body.data.bytes();
    if bytes > LONGEST_DATA {
        return Err(invalid(
            "data",
            format!(
                "data has at most {LONGEST_DATA} bytes as JSON, and this has {bytes}; push where to find it"
            ),
        ));
    }
    let over = body.over.unwrap_or_default();
    let expires = body.expires.unwrap_or(over + EXPIRES);
    if expires == Period::ZERO {
        return Err(invalid("expires", "expires is how long pages get it, such as \"1h\""));
    }
    if over >= expires {
        return Err(invalid(
            "over",
            format!(
                "some pages' turn would never come: over, {over}, has to end before it expires, after {expires}"
            ),
        ));
    }
    let select = body.select.clone().unwrap_or_default();
    if body.select.is_some() && select.is_everybody() {
        return Err(invalid(
            "select",
            "select names no label, standing or build; to push to every page, leave it out",
        ));
    }
    if select.labels.len() > MOST_LABELS
        || select.labels.iter().any(|(key, value)| key.len() > LONGEST_LABEL || value.len() > LONGEST_LABEL)
    {
        return Err(invalid(
            "select.labels",
            format!("a page has at most {MOST_LABELS} labels of {LONGEST_LABEL} bytes: this selects none"),
        ));
    }
    Ok(NewPush { topic: body.topic.clone(), select, data: body.data.clone(), over, expires })
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
    let pushes =
        live.iter().map(|push| answer(push, context.fleet.reached(&app.name, push.number))).collect();
    Ok(Json(PushesAnswer { pushes, next }))
}

fn answer(push: &Push, reached: Reached) -> PushAnswer {
    PushAnswer {
        push: push.number,
        topic: push.topic.clone(),
        select: push.select.clone(),
        over: push.over,
        bytes: push.data.bytes() as u64,
        at: push.at,
        by: push.by.clone(),
        expires_at: push.expires_at,
        sessions: reached.sent,
        handled: reached.handled,
        unhandled: reached.unhandled,
        failed: reached.failed,
    }
}

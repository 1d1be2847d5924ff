//! Apps and their settings.

use std::collections::BTreeMap;

use axum::{Json, extract::State};

use super::{
    Context, Ctx,
    auth::{Admin, Reader},
    change::{change, current_ref, invalid, minimum_ref},
    page::PageQuery,
    problem::ApiError,
    request::{AtLeast, ChangeHeaders, ChangeQuery, Fresh, Known, Named, Wish},
};
use crate::{
    api::{
        answers::{AppAnswer, AppsAnswer, Changed, Problem},
        bodies::AppBody,
        frozen::FrozenAnswer,
    },
    core::{
        app::{App, Refusal},
        change::{AppChange, Organic, Settings, Topic},
        judge::judge,
        names::AppName,
        time::Period,
    },
    rollout::Rollouts,
};

/// Most origins of an app.
const MOST_ORIGINS: usize = 100;
/// Most probes of an app.
const MOST_PROBES: usize = 8;
/// Most pages that organic evidence may take.
const MOST_ORGANIC: u32 = 100_000;
/// For how long they may have to live.
const ORGANIC_LASTS: std::ops::RangeInclusive<Period> = Period::secs(1)..=Period::days(1);

/// All apps, and the names that pages asked for in vain.
#[utoipa::path(get, operation_id = "list_apps", path = "/v1/apps", security(("token" = [])), params(PageQuery, AtLeast),
    responses((status = 200, body = AppsAnswer), (status = "default", body = Problem)))]
pub async fn list(
    State(context): Ctx,
    reader: Reader,
    Fresh(state): Fresh,
    page: PageQuery,
) -> Result<Json<AppsAnswer>, ApiError> {
    let after = page.after::<AppName>()?;
    let mine = state.apps.values().filter(|app| reader.may_see(&app.name));
    let rest = mine.filter(|app| after.as_ref().is_none_or(|after| app.name > *after));
    let (apps, next) = page.take(rest, |app| app.name.to_string())?;
    let apps = apps.into_iter().map(|app| answer(&context, app)).collect();
    let mut asked_in_vain = context.fleet.names_asked_in_vain();
    asked_in_vain.retain(|name| reader.may_see(name));
    Ok(Json(AppsAnswer { apps, asked_in_vain, next }))
}

/// One app.
#[utoipa::path(get, operation_id = "get_app", path = "/v1/apps/{app}", security(("token" = [])), params(("app" = AppName, Path), AtLeast),
    responses((status = 200, body = AppAnswer), (status = "default", body = Problem)))]
pub async fn get(State(context): Ctx, _: Reader, Known(app): Known) -> Json<AppAnswer> {
    Json(answer(&context, &app))
}

/// Makes an app or changes its settings; what is absent stays.
#[utoipa::path(put, operation_id = "put_app", path = "/v1/apps/{app}", security(("token" = [])), request_body = AppBody,
    params(("app" = AppName, Path), ChangeQuery, ChangeHeaders),
    responses((status = 200, body = Changed), (status = "default", body = Problem)))]
pub async fn put(
    State(context): Ctx,
    Admin(caller): Admin,
    Named(name): Named,
    wish: Wish<AppBody>,
) -> Result<Json<Changed>, ApiError> {
    let rollouts = &context.rollouts;
    change(&context, &caller, &name, &wish, None, |app, body| {
        Ok(AppChange::Settings(settings(rollouts, app, body)?))
    })
    .await
    .map(Json)
}

fn settings(rollouts: &Rollouts, app: &App, body: &AppBody) -> Result<Settings, Refusal> {
    let mut settings = app.settings.clone();
    if let Some(order) = body.order {
        settings.order = Some(order);
    }
    if let Some(origins) = &body.allowed_origins {
        if origins.len() > MOST_ORIGINS {
            return Err(invalid("allowed_origins", format!("at most {MOST_ORIGINS} origins")));
        }
        settings.allowed_origins =
            origins.iter().map(|origin| check_origin(origin)).collect::<Result<_, _>>()?;
    }
    if let Some(action) = body.stale_action {
        settings.stale_action = action;
    }
    if let Some(rate) = body.refresh_rate {
        if rate == 0 {
            return Err(invalid("refresh_rate", "refresh_rate is a number of pages a second, at least 1"));
        }
        settings.refresh_rate = rate;
    }
    if let Some(probes) = &body.probes {
        settings.probes = check_probes(rollouts, probes)?;
    }
    if let Some(organic) = body.organic {
        settings.organic = organic.map(check_organic).transpose()?;
    }
    Ok(settings)
}

fn check_probes(rollouts: &Rollouts, probes: &[String]) -> Result<Vec<String>, Refusal> {
    if probes.len() > MOST_PROBES {
        return Err(invalid("probes", format!("at most {MOST_PROBES} probes")));
    }
    let mut urls = Vec::new();
    for (index, probe) in probes.iter().enumerate() {
        let wrong = |why| invalid(format!("probes[{index}]"), why);
        let url = rollouts.origins.check(probe).map_err(wrong)?.to_string();
        if urls.contains(&url) {
            return Err(wrong(format!("{url} is named twice")));
        }
        urls.push(url);
    }
    Ok(urls)
}

fn check_organic(organic: Organic) -> Result<Organic, Refusal> {
    if !(1..=MOST_ORGANIC).contains(&organic.pages) {
        return Err(invalid("organic.pages", format!("organic.pages is 1 to {MOST_ORGANIC}")));
    }
    if !ORGANIC_LASTS.contains(&organic.lasting) {
        let (shortest, longest) = (ORGANIC_LASTS.start(), ORGANIC_LASTS.end());
        return Err(invalid("organic.for", format!("organic.for is {shortest} to {longest}")));
    }
    Ok(organic)
}

/// An origin as browsers and shells write it: scheme, host and perhaps a port, no path.
fn check_origin(origin: &str) -> Result<String, Refusal> {
    let wrong = || {
        invalid(
            "allowed_origins",
            format!(
                "'{origin}' is not an origin such as https://app.example.com (no path, no trailing slash)"
            ),
        )
    };
    let (scheme, host) = origin.split_once("://").ok_or_else(wrong)?;
    let in_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    let in_host = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    let sound =
        !scheme.is_empty() && scheme.chars().all(in_scheme) && !host.is_empty() && host.chars().all(in_host);
    if sound { Ok(origin.to_ascii_lowercase()) } else { Err(wrong()) }
}

fn answer(context: &Context, app: &App) -> AppAnswer {
    let mut counts = BTreeMap::new();
    for count in context.fleet.counts(&app.name).into_iter().filter(|count| count.sessions > 0) {
        let judged = judge(app, &count.build, count.reported.as_ref());
        *counts.entry(judged.standing).or_default() += count.sessions;
    }
    AppAnswer {
        app: app.name.clone(),
        number: app.number,
        settings: app.settings.clone(),
        current: current_ref(app),
        minimum: minimum_ref(app),
        counts,
        frozen: frozen(context, app),
    }
}

fn frozen(context: &Context, app: &App) -> Option<FrozenAnswer> {
    let topic = Topic::App(app.name.clone());
    let state = context.ledger.state();
    let frozen = state.frozen.get(&topic)?;
    Some(FrozenAnswer { number: frozen.number, reason: frozen.explain(&topic) })
}

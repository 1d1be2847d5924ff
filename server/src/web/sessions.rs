//! Who is connected: the census, the sessions behind it, and one of them.

use std::collections::HashMap;

use axum::{
    Json,
    extract::{FromRequestParts, Path, State},
    http::request::Parts,
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    Context, Ctx,
    auth::Reader,
    page::PageQuery,
    problem::ApiError,
    request::{AtLeast, Known, query},
};
use crate::{
    api::answers::{CensusAnswer, Problem, SessionAnswer, SessionDetail, SessionsAnswer},
    core::{
        app::App,
        change::Floor,
        explain::{Explained, explain},
        judge::judge,
        judge::{Standing, Why, below, key},
        names::{AppName, BuildId, SessionId},
        outcome::foremost,
        plan::Prospect,
    },
    fleet::slot::Slot,
};

/// Sessions counted by build.
#[utoipa::path(get, operation_id = "get_census", path = "/v1/apps/{app}/census", security(("token" = [])),
    params(("app" = AppName, Path), AtLeast),
    responses((status = 200, body = CensusAnswer), (status = "default", body = Problem)))]
pub async fn census(State(context): Ctx, _: Reader, Known(app): Known) -> Json<CensusAnswer> {
    Json(context.fleet.census(&app, crate::clock::now()))
}

/// Which sessions to list. Labels are `label.NAME=VALUE`.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Of this standing.
    #[param(inline)]
    standing: Option<Standing>,
    /// On this build.
    build: Option<String>,
    /// Below this version, or below this registered build.
    below: Option<String>,
    /// Unsupported for this reason.
    #[param(inline)]
    why: Option<Why>,
    /// With a hold, or without.
    held: Option<bool>,
    /// Seen by somebody, or not.
    visible: Option<bool>,
    /// In this state of its campaign, or with this outcome: `held`, `stuck`, `origin_stale`, …
    outcome: Option<String>,
    /// `label.NAME`.
    #[serde(flatten)]
    #[param(ignore)]
    labels: HashMap<String, String>,
}

struct Filters {
    filter: Filter,
    below: Option<Floor>,
    labels: Vec<(String, String)>,
    page: PageQuery,
}

/// The connected sessions that pass all filters, by ID.
#[utoipa::path(get, operation_id = "list_sessions", path = "/v1/apps/{app}/sessions", security(("token" = [])),
    params(("app" = AppName, Path), Filter, PageQuery, AtLeast),
    responses((status = 200, body = SessionsAnswer), (status = "default", body = Problem)))]
pub async fn list(
    State(context): Ctx,
    _: Reader,
    Known(app): Known,
    filters: FilterParts,
) -> Result<Json<SessionsAnswer>, ApiError> {
    let filters = filters.read(&app)?;
    let after = filters.page.after()?.map(SessionId);
    let limit = filters.page.limit()?;
    let found = context.fleet.registry.list(&app.name, after, limit + 1, |slot| filters.pass(&app, slot));
    let more = found.len() > limit;
    let sessions: Vec<_> = found.iter().take(limit).map(|slot| answer(&context, &app, slot)).collect();
    let next = sessions.last().filter(|_| more).map(|last| last.session.to_string());
    Ok(Json(SessionsAnswer { sessions, next, complete: true, missing: Vec::new() }))
}

/// One session, and why it hasn't moved.
#[utoipa::path(get, operation_id = "get_session", path = "/v1/apps/{app}/sessions/{session}", security(("token" = [])),
    params(("app" = AppName, Path), ("session" = SessionId, Path), AtLeast),
    responses((status = 200, body = SessionDetail), (status = "default", body = Problem)))]
pub async fn get(
    State(context): Ctx,
    _: Reader,
    Known(app): Known,
    Path((_, session)): Path<(String, String)>,
) -> Result<Json<SessionDetail>, ApiError> {
    let id = uuid::Uuid::parse_str(&session)
        .map_err(|_| ApiError::invalid("session", format!("'{session}' is not a session's ID (a UUID)")))?;
    let slot = context.fleet.registry.get(SessionId(id)).filter(|slot| slot.hub.name == app.name);
    let Some(slot) = slot else {
        return Err(ApiError::not_found(format!("no session {id} of '{}' is connected", app.name)));
    };
    let live = slot.live();
    let prospect = prospect(&app, &slot);
    let explained = Explained {
        prospect: &prospect,
        record: foremost(&live.records),
        holds: &live.holds,
        visible: live.visible,
    };
    let explanation = explain(&app, slot.id, &explained, crate::clock::now());
    Ok(Json(SessionDetail { session: answer(&context, &app, &slot), explanation }))
}

/// The query of a session list, before it is known which app it is about.
pub struct FilterParts {
    filter: Filter,
    page: PageQuery,
}

impl FromRequestParts<std::sync::Arc<Context>> for FilterParts {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &std::sync::Arc<Context>) -> Result<Self, ApiError> {
        // `flatten` makes every value of a query a string, so that each part is read on its own.
        Ok(Self { filter: read_filter(parts)?, page: query(parts)? })
    }
}

fn read_filter(parts: &Parts) -> Result<Filter, ApiError> {
    let fields: HashMap<String, String> = query(parts)?;
    let mut filter = Filter::default();
    for (name, value) in fields {
        match name.as_str() {
            "standing" => filter.standing = Some(word(&name, &value)?),
            "why" => filter.why = Some(word(&name, &value)?),
            "held" => filter.held = Some(word(&name, &value)?),
            "visible" => filter.visible = Some(word(&name, &value)?),
            "build" => filter.build = Some(value),
            "below" => filter.below = Some(value),
            "outcome" => filter.outcome = Some(value),
            "limit" | "cursor" | "at_least" => {}
            label if label.starts_with("label.") => drop(filter.labels.insert(name, value)),
            _ => return Err(ApiError::invalid(name.clone(), format!("there is no filter '{name}'"))),
        }
    }
    Ok(filter)
}

/// A value of a closed set, or `true` and `false`.
fn word<T: serde::de::DeserializeOwned>(field: &str, value: &str) -> Result<T, ApiError> {
    let json = match value {
        "true" => serde_json::Value::Bool(true),
        "false" => serde_json::Value::Bool(false),
        text => serde_json::Value::String(text.to_owned()),
    };
    serde_json::from_value(json).map_err(|error| ApiError::invalid(field, error.to_string()))
}

impl FilterParts {
    fn read(mut self, app: &App) -> Result<Filters, ApiError> {
        let below = self.filter.below.take().map(|text| floor(app, &text)).transpose()?;
        let labels = std::mem::take(&mut self.filter.labels);
        let labels = labels
            .into_iter()
            .filter_map(|(name, value)| Some((name.strip_prefix("label.")?.to_owned(), value)))
            .collect();
        Ok(Filters { filter: self.filter, below, labels, page: self.page })
    }
}

/// `below`: a registered build or a version.
pub fn floor(app: &App, text: &str) -> Result<Floor, ApiError> {
    if let Some(build) = text.parse::<BuildId>().ok().filter(|build| app.release(build).is_some()) {
        return Ok(Floor::Build(build));
    }
    text.parse().map(Floor::Version).map_err(|_| {
        ApiError::invalid(
            "below",
            format!("'{text}' is neither a registered build nor a version such as 2.4.1"),
        )
    })
}

impl Filters {
    fn pass(&self, app: &App, slot: &Slot) -> bool {
        let Filter { standing, build, why, held, visible, outcome, .. } = &self.filter;
        let judged = judge(app, &slot.row.build, slot.row.reported.as_ref());
        let live = slot.live();
        standing.is_none_or(|standing| standing == judged.standing)
            && why.is_none_or(|why| Some(why) == judged.why)
            && build.as_ref().is_none_or(|build| build == slot.build.as_str())
            && held.is_none_or(|held| held != live.holds.is_empty())
            && visible.is_none_or(|visible| visible == live.visible)
            && self.labels.iter().all(|(name, value)| slot.labels.get(name) == Some(value))
            && self.below.as_ref().is_none_or(|floor| {
                key(app, &slot.build, slot.reported.as_ref()).is_some_and(|key| below(app, key, floor))
            })
            && outcome.as_ref().is_none_or(|outcome| {
                live.records.iter().any(|record| {
                    record.state.as_str() == outcome
                        || record.outcome.is_some_and(|is| is.as_str() == outcome)
                })
            })
    }
}

fn prospect(app: &App, slot: &Slot) -> Prospect {
    crate::core::plan::prospect(app, &slot.row.build, slot.row.reported.as_ref())
}

fn answer(context: &Context, app: &App, slot: &Slot) -> SessionAnswer {
    let live = slot.live();
    let judged = judge(app, &slot.row.build, slot.row.reported.as_ref());
    let release = app.release(&slot.build);
    let record = foremost(&live.records);
    SessionAnswer {
        session: slot.id,
        build: slot.build.clone(),
        version: release.and_then(|release| release.new.version.clone()).or_else(|| slot.reported.clone()),
        standing: judged.standing,
        why: judged.why,
        connected_at: slot.connected_at,
        visible: live.visible,
        holds: live.holds,
        labels: slot.labels.clone(),
        campaign: record.map(|record| record.campaign),
        action: record.map(|record| record.action),
        state: record.map(|record| record.state),
        outcome: record.and_then(|record| record.outcome).map(|is| is.as_str().to_owned()),
        detail: record.and_then(|record| record.detail.clone()),
        node: context.fleet.node.clone(),
        transport: slot.transport.as_str().to_owned(),
        frame: slot.frame.as_str().to_owned(),
        host: slot.host.clone(),
        user_agent: slot.user_agent.as_deref().map(str::to_owned),
    }
}

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
    api::answers::{CensusAnswer, Problem, SessionDetail, SessionsAnswer},
    core::{
        app::App,
        campaign::Campaign,
        census::Stuck,
        change::Floor,
        judge::{Standing, Why},
        names::{AppName, BuildId, SessionId},
        outcome::LookRefused,
        tally::seen,
    },
    fleet::{
        Fleet,
        listing::{Listed, Wanted},
    },
};

/// Sessions counted by build.
#[utoipa::path(get, operation_id = "get_census", path = "/v1/apps/{app}/census", security(("token" = [])),
    params(("app" = AppName, Path), AtLeast),
    responses((status = 200, body = CensusAnswer), (status = "default", body = Problem)))]
pub async fn census(State(context): Ctx, _: Reader, Known(app): Known) -> Json<CensusAnswer> {
    let census = context.fleet.census(&app, crate::clock::now());
    Json(CensusAnswer { stuck: stuck(&context.fleet, &app), ..census })
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
    /// In this state of its campaign, or with this outcome: `held`, `stuck`, `origin_stale`, `look_refused`, …
    outcome: Option<String>,
    /// `label.NAME`.
    #[serde(flatten)]
    #[param(ignore)]
    labels: HashMap<String, String>,
}

/// Whose look was refused, in the campaigns that are under way.
fn stuck(fleet: &Fleet, app: &App) -> Vec<Stuck> {
    let under_way: Vec<_> = app.campaigns.values().filter(|campaign| campaign.active()).collect();
    if under_way.is_empty() {
        return Vec::new();
    }
    let campaigns = fleet.campaigns(&app.name);
    let of = |campaign: &Campaign| {
        let seen = seen(&campaigns, campaign.number, campaign.last_run().number).stuck.into_iter();
        let refused = seen.filter(|(detail, _)| LookRefused::named(detail).is_some());
        refused
            .map(|(detail, sessions)| Stuck { campaign: campaign.number, detail, sessions })
            .collect::<Vec<_>>()
    };
    under_way.into_iter().flat_map(|campaign| of(campaign)).collect()
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
    let (wanted, page) = filters.read(&app)?;
    let after = page.after()?.map(SessionId);
    let Listed { sessions, more, missing } =
        context.fleet.sessions(&app, &wanted, after, page.limit()?).await;
    let next = sessions.last().filter(|_| more).map(|last| last.session.to_string());
    Ok(Json(SessionsAnswer { sessions, next, complete: missing.is_empty(), missing }))
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
    let found = context.fleet.session(&app, SessionId(id)).await;
    found.map(Json).map_err(|missing| {
        let name = &app.name;
        ApiError::not_found(match missing.join(", ") {
            all if all.is_empty() => format!("no session {id} of '{name}' is connected"),
            some => {
                format!("no session {id} of '{name}' is connected to a node that answered; {some} did not")
            }
        })
    })
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
    fn read(self, app: &App) -> Result<(Wanted, PageQuery), ApiError> {
        let Filter { standing, build, below, why, held, visible, outcome, labels } = self.filter;
        let below = below.map(|text| floor(app, &text)).transpose()?;
        let labels = labels
            .into_iter()
            .filter_map(|(name, value)| Some((name.strip_prefix("label.")?.to_owned(), value)))
            .collect();
        Ok((Wanted { standing, build, below, why, held, visible, outcome, labels }, self.page))
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

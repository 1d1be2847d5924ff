//! The census over time.

use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    Context, Ctx,
    auth::Reader,
    problem::ApiError,
    request::{AtLeast, Known, query},
};
use crate::{
    api::{answers::Problem, timeline::TimelineAnswer},
    core::time::{Moment, Period},
};

/// Most points of an answer.
const MOST_POINTS: u64 = 2_000;
/// What is shown when nothing else is asked for.
const USUAL: Period = Period::days(1);
/// Steps that are chosen when none is asked for: the finest that is not too many.
const STEPS: [Period; 5] =
    [Period::mins(1), Period::mins(10), Period::mins(60), Period::mins(6 * 60), Period::days(1)];

/// Which part of the timeline.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Range {
    /// From when; default: a day before `to`.
    from: Option<Moment>,
    /// Until when; default: now.
    to: Option<Moment>,
    /// At most one point in each; default: the finest of 1m, 10m, 1h, 6h and 24h that makes no more than 2000.
    step: Option<Period>,
}

impl axum::extract::FromRequestParts<std::sync::Arc<Context>> for Range {
    type Rejection = ApiError;
    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        _: &std::sync::Arc<Context>,
    ) -> Result<Self, ApiError> {
        #[derive(Deserialize)]
        struct Texts {
            from: Option<String>,
            to: Option<String>,
            step: Option<String>,
        }
        let Texts { from, to, step } = query(parts)?;
        let step = step.map(|text| text.parse::<Period>()).transpose();
        Ok(Self {
            from: from.map(|text| moment("from", &text)).transpose()?,
            to: to.map(|text| moment("to", &text)).transpose()?,
            step: step.map_err(|error| ApiError::invalid("step", format!("step is {error}")))?,
        })
    }
}

fn moment(field: &str, text: &str) -> Result<Moment, ApiError> {
    let wrong = |_| ApiError::invalid(field, format!("{field} must be a time such as 2026-01-31T12:00:00Z"));
    text.parse().map_err(wrong)
}

/// The census over time: counted every minute, kept for 30 days.
///
/// Of the last day there is a point a minute, of the last week one in ten, before that one an hour: each is the last of
/// its time. An app's smallest builds beyond 50 are one row, `(others)`.
#[utoipa::path(get, operation_id = "get_timeline", path = "/v1/apps/{app}/timeline", security(("token" = [])),
    params(("app" = crate::core::names::AppName, Path), Range, AtLeast),
    responses((status = 200, body = TimelineAnswer), (status = "default", body = Problem)))]
pub async fn timeline(
    State(context): Ctx,
    _: Reader,
    Known(app): Known,
    range: Range,
) -> Result<Json<TimelineAnswer>, ApiError> {
    let to = range.to.unwrap_or_else(crate::clock::now);
    let from = range.from.unwrap_or(to - USUAL);
    if from >= to {
        return Err(ApiError::invalid("from", format!("from must be before to, which is {to}")));
    }
    let step = step(to.since(from), range.step)?;
    let points = context.fleet.timeline.between(&app.name, from, to, step);
    Ok(Json(TimelineAnswer { app: app.name.clone(), from, to, step, points }))
}

/// The step that was asked for, if it makes no more points than there may be, or the finest that does.
fn step(range: Period, asked: Option<Period>) -> Result<Period, ApiError> {
    // Two of them may be cut off by the ends.
    let least = Period(range.0.div_ceil(MOST_POINTS - 2));
    match asked {
        Some(step) if step >= least => Ok(step),
        Some(_) => Err(ApiError::invalid(
            "step",
            format!("step must be at least {least}: an answer has at most {MOST_POINTS} points"),
        )),
        None => Ok(STEPS.into_iter().find(|step| *step >= least).unwrap_or(least)),
    }
}

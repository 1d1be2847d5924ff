//! What a gate reads: how many pages are left that it waits for.

use std::{cmp::Reverse, collections::HashMap, sync::Arc};

use axum::{
    Json,
    extract::{FromRequestParts, State},
    http::request::Parts,
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    Context, Ctx,
    auth::Reader,
    problem::ApiError,
    request::{AtLeast, Known, query},
    sessions::floor,
};
use crate::{
    api::{
        answers::Problem,
        gate::{ConditionRef, GateAnswer, GateRow},
    },
    core::{
        app::App,
        census::BuildCount,
        gate::{Belongs, Condition, Sorted},
        names::{AppName, BadName, BuildId, Need},
    },
    fleet::Fleet,
};

/// Whose pages are to be gone: one of the three.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Those below this version, or below this registered build.
    below: Option<String>,
    /// Those on this registered build.
    build: Option<String>,
    /// Those on builds that need this.
    needs: Option<String>,
}

/// How many pages are left below a version, on a build, or on builds that need something: what `freshwire wait` reads.
///
/// It is never a reason to go ahead while `complete` is false or `warming` is true. `joins` and `vanished` tell of
/// those who came and went between two readings with the same `epoch`.
#[utoipa::path(get, operation_id = "read_gate", path = "/v1/apps/{app}/gate", security(("token" = [])),
    params(("app" = AppName, Path), Wanted, AtLeast),
    responses((status = 200, body = GateAnswer), (status = "default", body = Problem)))]
pub async fn read(
    State(context): Ctx,
    _: Reader,
    Known(app): Known,
    wanted: Wanted,
) -> Result<Json<GateAnswer>, ApiError> {
    let (condition, told) = wanted.condition(&app)?;
    Ok(Json(answer(&context.fleet, &app, &condition, told)))
}

impl FromRequestParts<Arc<Context>> for Wanted {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &Arc<Context>) -> Result<Self, ApiError> {
        let fields: HashMap<String, String> = query(parts)?;
        let mut wanted = Self::default();
        for (name, value) in fields {
            match name.as_str() {
                "below" => wanted.below = Some(value),
                "build" => wanted.build = Some(value),
                "needs" => wanted.needs = Some(value),
                "at_least" => {}
                _ => return Err(ApiError::invalid(name.clone(), format!("a gate has no '{name}'"))),
            }
        }
        Ok(wanted)
    }
}

impl Wanted {
    fn condition(self, app: &App) -> Result<(Condition, ConditionRef), ApiError> {
        match (self.below, self.build, self.needs) {
            (Some(text), None, None) => Ok((Condition::Below(floor(app, &text)?), ConditionRef::Below(text))),
            (None, Some(text), None) => {
                let build = registered(app, &text)?;
                Ok((Condition::Build(build.clone()), ConditionRef::Build(build)))
            }
            (None, None, Some(text)) => {
                let need: Need =
                    text.parse().map_err(|error: BadName| ApiError::invalid("needs", error.to_string()))?;
                // A name with a typing error would be a gate that stands open.
                if !app.releases.iter().any(|release| release.new.needs.contains(&need)) {
                    let name = &app.name;
                    return Err(ApiError::invalid(
                        "needs",
                        format!(
                            "no release of {name} needs '{need}'; what they need is told with --needs at their release"
                        ),
                    ));
                }
                Ok((Condition::Needs(need), ConditionRef::Needs(text)))
            }
            (below, build, _) => {
                let field = if below.is_some() || build.is_none() { "below" } else { "needs" };
                Err(ApiError::invalid(
                    field,
                    "give one of below, build and needs: whose pages are to be gone",
                ))
            }
        }
    }
}

fn registered(app: &App, text: &str) -> Result<BuildId, ApiError> {
    let build = text.parse::<BuildId>().ok().filter(|build| app.release(build).is_some());
    build.ok_or_else(|| {
        let name = &app.name;
        ApiError::invalid(
            "build",
            format!("'{text}' is not a registered build of {name}; 'freshwire releases {name}' lists them"),
        )
    })
}

fn answer(fleet: &Fleet, app: &App, condition: &Condition, told: ConditionRef) -> GateAnswer {
    // All that says how good the counts are is read before them: they may be better, and never worse.
    let (complete, warming, leaving) = (fleet.complete(), fleet.warming(), fleet.leaving());
    let (epoch, age, mut missing) = (fleet.epoch(&app.name), fleet.age(), fleet.missing());
    missing.extend(may_live_on(fleet, app, condition));
    missing.sort_unstable();
    missing.dedup();
    let Sorted { here, unknown, rows } = condition.sort(app, fleet.tally(&app.name).rows);
    let somebody = rows.into_iter().filter(|(_, count)| count.sessions + count.away > 0);
    let mut rows: Vec<_> = somebody.map(|(belongs, count)| row(app, belongs, count)).collect();
    rows.sort_by(|a, b| {
        let rank = |row: &GateRow| (Reverse(row.sessions), Reverse(row.away));
        rank(a).cmp(&rank(b)).then_with(|| a.build.cmp(&b.build))
    });
    GateAnswer {
        app: app.name.clone(),
        number: app.number,
        as_of: crate::clock::now(),
        condition: told,
        sessions: here.sessions,
        away: here.away,
        joins: here.joins,
        vanished: here.vanished,
        unknown: unknown.sessions,
        unknown_away: unknown.away,
        unknown_joins: unknown.joins,
        unknown_vanished: unknown.vanished,
        // Pages that were told goodbye are not gone.
        complete: complete && !leaving && missing.is_empty(),
        warming,
        epoch,
        missing,
        age,
        rows,
    }
}

/// Nodes that nobody has heard of for some time, to which pages that the gate waits for may be connected still.
fn may_live_on(fleet: &Fleet, app: &App, condition: &Condition) -> Vec<String> {
    let cut_off = fleet.cut_off(&app.name).into_iter();
    let waited_for = cut_off.filter(|(_, rows)| !condition.sort(app, rows.iter().cloned()).rows.is_empty());
    waited_for.map(|(node, _)| node).collect()
}

fn row(app: &App, belongs: Belongs, count: BuildCount) -> GateRow {
    let release = app.release(&count.build);
    GateRow {
        version: release.and_then(|release| release.new.version.clone()).or(count.reported),
        unknown: belongs == Belongs::Unknown,
        sessions: count.sessions,
        away: count.away,
        build: count.build,
    }
}

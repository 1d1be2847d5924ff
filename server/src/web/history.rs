//! The history of an app: its log, read back.

use axum::{Json, extract::State};

use super::{
    Ctx,
    auth::Reader,
    page::PageQuery,
    problem::ApiError,
    request::{AtLeast, Known},
};
use crate::{
    api::answers::{LogAnswer, LogEntry, Problem},
    core::{
        change::{Entry, Topic},
        names::{AppName, LogNumber},
    },
};

/// The history, newest first. Void entries are left out.
#[utoipa::path(get, operation_id = "list_log", path = "/v1/apps/{app}/log", security(("token" = [])),
    params(("app" = AppName, Path), PageQuery, AtLeast),
    responses((status = 200, body = LogAnswer), (status = "default", body = Problem)))]
pub async fn log(
    State(context): Ctx,
    _: Reader,
    Known(app): Known,
    page: PageQuery,
) -> Result<Json<LogAnswer>, ApiError> {
    let limit = page.limit()?;
    let topic = Topic::App(app.name.clone());
    let mut expected = page.after()?.map_or(app.number, LogNumber);
    let mut entries: Vec<Entry> = Vec::new();
    // Each valid entry names the valid one before it; what is not so named is void.
    while entries.len() < limit && expected > LogNumber(0) {
        let before = Some(LogNumber(expected.0.saturating_add(1)));
        let batch = context.ledger.log().history(topic.clone(), before, limit).await?;
        // An entry that a valid one names is there; if it isn't, the cursor is not one of ours.
        if batch.first().is_none_or(|first| first.number != expected) {
            return Err(ApiError::invalid("cursor", "cursor must be 'next' of the page before"));
        }
        for entry in batch {
            if entry.number == expected && entries.len() < limit {
                expected = entry.draft.prev;
                entries.push(entry);
            }
        }
    }
    let next = (expected > LogNumber(0)).then(|| expected.to_string());
    Ok(Json(LogAnswer { entries: entries.iter().map(LogEntry::new).collect(), next }))
}

//! Is it alive, and should a balancer send it pages?

use axum::{Json, extract::State, http::StatusCode};
use serde_json::{Value, json};

use super::Ctx;
use crate::core::change::FOLD;

/// It runs.
pub async fn livez() -> &'static str {
    "ok\n"
}

/// It takes pages; 503 with the reason while it doesn't.
pub async fn readyz(State(context): Ctx) -> (StatusCode, Json<Value>) {
    let state = context.ledger.state();
    let warming = context.fleet.own_warming();
    if context.fleet.draining() || context.fleet.drain_announced() {
        let sessions = context.fleet.registry.len();
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            Json(json!({"ready": false, "reason": "draining", "sessions": sessions})),
        );
    }
    let mut answer = json!({
        "ready": true,
        "number": state.number,
        "digest": state.digest(),
        "fold": FOLD,
        "warming": warming,
        "node": context.fleet.node,
    });
    // Ready nonetheless: a balancer that ejected every node would end the sessions that go on.
    if let Some((reason, age)) = context.ledger.log().trouble() {
        answer["log_trouble"] = json!(reason);
        answer["log_age_ms"] = json!(u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
    }
    // Pages are served as before, so that it stays ready.
    if !state.frozen.is_empty() {
        let frozen = state.frozen.iter().map(|(topic, frozen)| (topic.to_string(), json!(frozen.number)));
        answer["frozen"] = frozen.collect();
    }
    // Which of them is right can't be told from here.
    let disagrees = context.fleet.disagree();
    if !disagrees.is_empty() {
        answer["disagrees"] = json!(disagrees);
    }
    (StatusCode::OK, Json(answer))
}

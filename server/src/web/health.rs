//! Is it alive, and should a balancer send it pages?

use axum::{Json, extract::State, http::StatusCode};
use serde_json::{Value, json};

use super::Ctx;

/// It runs.
pub async fn livez() -> &'static str {
    "ok\n"
}

/// It takes pages; 503 with the reason while it doesn't.
pub async fn readyz(State(context): Ctx) -> (StatusCode, Json<Value>) {
    let number = context.ledger.state().number;
    let warming = context.fleet.own_warming();
    if context.fleet.draining() || context.fleet.drain_announced() {
        let sessions = context.fleet.registry.len();
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            Json(json!({"ready": false, "reason": "draining", "sessions": sessions})),
        );
    }
    let mut answer = json!({"ready": true, "number": number, "warming": warming, "node": context.fleet.node});
    // Ready nonetheless: a balancer that ejected every node would end the sessions that go on.
    if let Some((reason, age)) = context.ledger.log().trouble() {
        answer["log_trouble"] = json!(reason);
        answer["log_age_ms"] = json!(u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
    }
    (StatusCode::OK, Json(answer))
}

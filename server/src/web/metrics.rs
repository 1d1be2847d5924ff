//! Metrics for Prometheus.

use std::{collections::BTreeMap, sync::OnceLock};

use ::metrics::gauge;
use axum::{extract::State, http::header, response::IntoResponse};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use super::Ctx;
use crate::core::{judge::Standing, judge::judge};

static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();

/// Starts collecting. The collector is the process's: servers in one process share it.
pub fn install() {
    HANDLE.get_or_init(|| {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        // Refused only when a program that embeds the server collects for itself.
        let _ = ::metrics::set_global_recorder(recorder);
        handle
    });
}

/// `GET /metrics`. Gauges are read off the counts at this moment.
pub async fn metrics(State(context): Ctx) -> impl IntoResponse {
    let state = context.ledger.state();
    for app in state.apps.values() {
        let mut sessions: BTreeMap<Standing, u64> = BTreeMap::new();
        let mut away = 0;
        for count in context.fleet.own_counts(&app.name) {
            let standing = judge(app, &count.build, count.reported.as_ref()).standing;
            *sessions.entry(standing).or_default() += count.sessions;
            away += count.away;
        }
        let name = app.name.to_string();
        for standing in
            [Standing::Current, Standing::Stale, Standing::Unsupported, Standing::Ahead, Standing::Unknown]
        {
            let sessions = sessions.get(&standing).copied().unwrap_or(0);
            gauge!("freshwire_sessions", "app" => name.clone(), "standing" => standing.as_str())
                .set(float(sessions));
        }
        gauge!("freshwire_away", "app" => name.clone()).set(float(away));
        gauge!("freshwire_app_number", "app" => name).set(float(app.number.0));
    }
    for (topic, frozen) in &state.frozen {
        gauge!("freshwire_frozen_at", "topic" => topic.to_string()).set(float(frozen.number.0));
    }
    gauge!("freshwire_log_number").set(float(state.number.0));
    gauge!("freshwire_nodes").set(float(1 + context.fleet.peers().len() as u64));
    gauge!("freshwire_nodes_missing").set(float(context.fleet.missing().len() as u64));
    gauge!("freshwire_nodes_disagree").set(float(context.fleet.disagree().len() as u64));
    // To be compared between nodes at the same number; a double holds no more of it.
    gauge!("freshwire_state_digest").set(float(state.digest().0 >> 16));
    gauge!("freshwire_connections").set(float(context.fleet.registry.len() as u64));
    let text = HANDLE.get().map(PrometheusHandle::render).unwrap_or_default();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus has doubles only")]
fn float(number: u64) -> f64 {
    number as f64
}

//! What a listener says while its server isn't there yet, as a cluster's node whose NATS can't be reached.

use std::{sync::Arc, time::Duration};

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{health::livez, problem::ApiError};

/// How long those that are being answered are waited for.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// Answers probes, and turns all others away, until the server takes over.
#[derive(Default)]
pub struct Starting {
    reason: Arc<Mutex<String>>,
    stop: CancellationToken,
    listeners: TaskTracker,
}

impl Starting {
    /// Answers on a listener; the server gets another handle on it.
    pub fn listen(&self, listener: TcpListener) {
        let app = Router::new()
            .route("/livez", get(livez))
            .route("/readyz", get(not_ready))
            .fallback(not_there_yet)
            .with_state(self.reason.clone());
        let stopped = self.stop.clone().cancelled_owned();
        self.listeners.spawn(async move {
            if let Err(error) = axum::serve(listener, app).with_graceful_shutdown(stopped).await {
                tracing::error!(%error, "a listener failed");
            }
        });
    }

    /// Why the server isn't there yet.
    pub fn because(&self, reason: &str) {
        reason.clone_into(&mut self.reason.lock());
    }

    /// Gives the listeners up.
    pub async fn done(self) {
        self.stop.cancel();
        self.listeners.close();
        // Whoever is slower than that is cut off with the process.
        let _ = timeout(LAST_ANSWERS, self.listeners.wait()).await;
    }
}

type Reason = State<Arc<Mutex<String>>>;

async fn not_ready(State(reason): Reason) -> (StatusCode, Json<Value>) {
    let reason = format!("starting: {}", reason.lock());
    (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"ready": false, "reason": reason})))
}

async fn not_there_yet(State(reason): Reason) -> ApiError {
    ApiError::unavailable(format!("the server is starting: {}", reason.lock()), Some(true))
}

//! What a listener says while its server isn't there yet, as a cluster's node whose NATS can't be reached.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    routing::get,
};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use tower_http::set_header::SetResponseHeaderLayer;

use super::{health::livez, problem::ApiError};

/// How long those that came before the server took over get for their question.
const LAST_ANSWERS: Duration = Duration::from_secs(10);

/// Answers probes, and turns all others away, until the server takes over.
#[derive(Default)]
pub struct Starting {
    reason: Arc<Mutex<String>>,
    stop: CancellationToken,
}

impl Starting {
    /// Answers on a listener; the server gets another handle on it.
    pub fn listen(&self, listener: TcpListener) {
        let app = Router::new()
            .route("/livez", get(livez))
            .route("/readyz", get(not_ready))
            .fallback(not_there_yet)
            .with_state(self.reason.clone())
            // One answer a connection: the next one is the server's.
            .layer(SetResponseHeaderLayer::overriding(header::CONNECTION, HeaderValue::from_static("close")));
        let stop = self.stop.clone();
        let listener = Until { listener, stop: stop.clone() };
        tokio::spawn(async move {
            let all_answered = async {
                stop.cancelled().await;
                sleep(LAST_ANSWERS).await;
            };
            tokio::select! {
                () = all_answered => {}
                Err(error) = axum::serve(listener, app).into_future() => {
                    tracing::error!(%error, "a listener failed");
                }
            }
        });
    }

    /// Why the server isn't there yet.
    pub fn because(&self, reason: &str) {
        reason.clone_into(&mut self.reason.lock());
    }

    /// Gives the listeners up.
    pub fn done(self) {
        self.stop.cancel();
    }
}

/// Accepts nobody any more once it is stopped; those that were accepted still get their answer.
struct Until {
    listener: TcpListener,
    stop: CancellationToken,
}

impl axum::serve::Listener for Until {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => std::future::pending().await,
            accepted = axum::serve::Listener::accept(&mut self.listener) => accepted,
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
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

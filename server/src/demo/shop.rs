//! The shop's web server: the document, the hashed assets of every build, and what its panel asks for.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Serialize;
use tokio::{net::TcpListener, sync::watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    build::Build,
    control::{self, Prospects},
    stage::{Stage, Story},
    watch::News,
};

const PANEL_SCRIPT: &str = include_str!("../../demo/panel.js");
const PANEL_STYLE: &str = include_str!("../../demo/panel.css");
/// A header that another site's page can't send here without being asked first, and nobody answers that question.
const OWN_PAGE: &str = "x-freshwire-demo";

type Watched = watch::Receiver<Option<News>>;

#[derive(Clone)]
struct Shop {
    stage: Arc<Stage>,
    news: Watched,
}

/// Serves until the demo stops.
pub fn serve(
    listener: TcpListener,
    stage: Arc<Stage>,
    news: Watched,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) {
    let buttons = Router::new()
        .route(
            "/demo/deploy",
            post(|State(shop): State<Shop>| async move { Json(control::deploy(&shop.stage).await) }),
        )
        .route(
            "/demo/minimum",
            post(|State(shop): State<Shop>| async move { Json(control::raise_minimum(&shop.stage).await) }),
        )
        .route(
            "/demo/cdn",
            post(|State(shop): State<Shop>| async move { Json(control::toggle_cdn(&shop.stage).await) }),
        )
        .route(
            "/demo/rollback",
            post(|State(shop): State<Shop>| async move { Json(control::roll_back(&shop.stage).await) }),
        )
        .layer(middleware::from_fn(own_page));
    let app = Router::new()
        .merge(buttons)
        .route("/demo/state", get(state))
        .route(
            "/demo/panel.js",
            get(|| async { file("text/javascript; charset=utf-8", "no-cache", PANEL_SCRIPT) }),
        )
        .route("/demo/panel.css", get(|| async { file("text/css; charset=utf-8", "no-cache", PANEL_STYLE) }))
        .route("/assets/{name}", get(asset))
        .route("/left-open/{build}", get(left_open))
        .route("/favicon.ico", get(|| async { StatusCode::NO_CONTENT }))
        .fallback(get(document))
        .with_state(Shop { stage, news });
    let stopped = stop.clone();
    let serving = async move {
        if let Err(error) = axum::serve(listener, app).await {
            tracing::error!(%error, "the shop can't be served");
        }
    };
    tasks.spawn(async move { stopped.run_until_cancelled(serving).await });
}

/// Every address is the shop's: its routes are its script's affair.
async fn document(State(shop): State<Shop>) -> Response {
    page(&shop.stage, &shop.stage.served())
}

/// A tab that somebody left open with an older build: its script goes on under the usual address.
async fn left_open(State(shop): State<Shop>, Path(build): Path<String>) -> Response {
    match shop.stage.build(&build) {
        Some(build) => page(&shop.stage, &build),
        None => (StatusCode::NOT_FOUND, "There is no such build of the shop.\n").into_response(),
    }
}

fn page(stage: &Stage, build: &Build) -> Response {
    let server = &stage.server_url;
    let socket = server.replacen("http", "ws", 1);
    // As strict as a shop's policy should be: the snippet and its prompt live under it.
    let policy = format!(
        "default-src 'none'; base-uri 'none'; form-action 'none'; img-src 'self'; style-src 'self'; \
         script-src 'self' {server}; connect-src 'self' {server} {socket}"
    );
    let mut response = file("text/html; charset=utf-8", "no-cache", build.document(server));
    if let Ok(policy) = policy.parse() {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

async fn asset(State(shop): State<Shop>, Path(name): Path<String>) -> Response {
    let style = std::path::Path::new(&name).extension().is_some_and(|kind| kind == "css");
    let kind = if style { "text/css" } else { "text/javascript" };
    match shop.stage.asset(&format!("/assets/{name}")) {
        Some(content) => {
            file(&format!("{kind}; charset=utf-8"), "public, max-age=31536000, immutable", content)
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn file(kind: &str, cache: &str, content: impl IntoResponse) -> Response {
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, cache)];
    (headers, content).into_response()
}

/// All that the panel shows.
#[derive(Serialize)]
struct PanelState {
    #[serde(flatten)]
    news: News,
    deployed: Named,
    served: Named,
    broken: bool,
    story: Option<Story>,
    next: Prospects,
}

#[derive(Serialize)]
struct Named {
    build: String,
    version: String,
}

async fn state(State(shop): State<Shop>) -> Response {
    let news = shop.news.borrow().clone();
    let (Some(news), Ok(next)) = (news, control::prospects(&shop.stage).await) else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let stage = &shop.stage;
    let named = |build: Arc<Build>| Named { build: build.id.clone(), version: build.version.clone() };
    let shown = PanelState {
        news,
        deployed: named(stage.deployed()),
        served: named(stage.served()),
        broken: stage.broken(),
        story: stage.story(),
        next,
    };
    ([(header::CACHE_CONTROL, "no-store")], Json(shown)).into_response()
}

/// Another site's page could post here from the same browser.
async fn own_page(headers: HeaderMap, request: Request, next: Next) -> Response {
    if headers.contains_key(OWN_PAGE) {
        next.run(request).await
    } else {
        (StatusCode::FORBIDDEN, "Only the shop's own page may press its buttons.\n").into_response()
    }
}

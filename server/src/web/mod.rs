//! The map of all routes.

mod apps;
mod assets;
mod auth;
mod backends;
mod campaigns;
mod change;
mod connect;
mod current;
mod events;
mod feed;
mod floor;
mod gate;
mod health;
mod history;
mod metrics;
mod minimum;
mod page;
mod pausing;
mod poll;
mod problem;
mod push;
mod releases;
mod request;
mod retire;
mod rollout;
mod screen;
mod sessions;
mod starting;
mod timeline;
mod tokens;
mod transfer;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::{self, Next},
    response::Response,
    routing::get,
};
use tokio_util::task::TaskTracker;
use tower_http::{catch_panic::CatchPanicLayer, cors::CorsLayer, set_header::SetResponseHeaderLayer};
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::auth::BearerScheme;
pub use self::{
    auth::hash as hash_of_secret, change::settle_by_itself, metrics::install as install_metrics,
    starting::Starting,
};
use crate::{
    api::NUMBER_HEADER,
    core::names::AppName,
    fleet::Fleet,
    log::ledger::Ledger,
    rollout::Rollouts,
    session::{Timing, parking::Parking},
};

/// Largest body that an operator may send: a release's list of assets can be long.
const LARGEST_BODY: usize = 2 << 20;
/// Longest time that an answer may take.
const ANSWERS_WITHIN: Duration = Duration::from_secs(30);

/// What every handler can reach.
pub struct Context {
    /// The state and the way to change it.
    pub ledger: Ledger,
    /// The sessions of this node.
    pub fleet: Arc<Fleet>,
    /// What is known of rolling releases and back ends.
    pub rollouts: Arc<Rollouts>,
    /// The sessions of pages that poll.
    pub parking: Arc<Parking>,
    /// The pages' sockets and polls, which outlive the HTTP server's connections.
    pub sockets: TaskTracker,
    /// How long pages get for what.
    pub timing: Timing,
    /// Hash of the admin token that is valid whatever the log says.
    pub admin_token_hash: Option<String>,
    /// Keep neither IP nor user agent.
    pub no_client_info: bool,
}

type Ctx = State<Arc<Context>>;

/// What pages and edges may reach.
pub fn pages(context: Arc<Context>) -> Router {
    let readable = SetResponseHeaderLayer::overriding(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("cross-origin"),
    );
    let public = Router::new()
        .merge(assets::routes())
        .route("/v1/apps/{app}/floor", get(floor::floor))
        // Under the layers, which answer OPTIONS themselves.
        .method_not_allowed_fallback(not_allowed)
        .layer(CorsLayer::new().allow_origin(tower_http::cors::Any).expose_headers([header::ETAG]))
        .layer(readable);
    Router::new()
        .merge(public)
        .merge(poll::routes())
        .route("/v1/connect", get(connect::connect))
        .merge(health())
        .method_not_allowed_fallback(not_allowed)
        .with_state(context)
}

/// Both on one address.
pub fn pages_and_operators(context: Arc<Context>) -> Router {
    pages(context.clone()).merge(operators_only(context))
}

/// What operators may reach.
pub fn operators(context: Arc<Context>) -> Router {
    operators_only(context.clone()).merge(health().with_state(context))
}

fn operators_only(context: Arc<Context>) -> Router {
    let (api, openapi) = api().with_state(context.clone()).split_for_parts();
    let openapi = Arc::new(openapi);
    Router::new()
        .route("/", get(screen::screen))
        .route("/metrics", get(metrics::metrics))
        .with_state(context.clone())
        .merge(api)
        .route("/v1/openapi.json", get(move || async move { axum::Json(openapi.as_ref().clone()) }))
        .method_not_allowed_fallback(not_allowed)
        .layer(middleware::from_fn_with_state(context, number_header))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(middleware::from_fn(in_time))
        .layer(CatchPanicLayer::custom(problem::panicked))
}

/// What is answered where nothing else is.
pub async fn not_found() -> problem::ApiError {
    problem::ApiError::not_found("there is nothing at this address; the API's calls are in /v1/openapi.json")
}

/// The same where only pages are answered: who comes here may look for what operators have.
pub async fn not_for_pages() -> problem::ApiError {
    problem::ApiError::not_found(
        "this is the pages' address, and there is nothing for pages here; operators' calls are answered at the address \
         that the server's --ops-listen names, or on this one where it has --ops-public instead",
    )
}

/// What is answered to a method that an address doesn't take.
async fn not_allowed() -> problem::ApiError {
    problem::ApiError::not_allowed(
        "this address doesn't take that method; the API's calls are in /v1/openapi.json",
    )
}

fn health() -> Router<Arc<Context>> {
    Router::new().route("/livez", get(health::livez)).route("/readyz", get(health::readyz))
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Freshwire", description = "Know which builds of your single-page app are open, and move them."),
    modifiers(&BearerScheme)
)]
struct ApiDoc;

fn api() -> OpenApiRouter<Arc<Context>> {
    OpenApiRouter::with_openapi(ApiDoc::openapi())
        .routes(routes!(apps::list))
        .routes(routes!(apps::get, apps::put))
        .routes(routes!(releases::list, releases::register))
        .routes(routes!(releases::settle))
        .routes(routes!(retire::retire))
        .routes(routes!(retire::reinstate))
        .routes(routes!(current::put))
        .routes(routes!(minimum::put, minimum::undo))
        .routes(routes!(pausing::pause))
        .routes(routes!(pausing::resume))
        .routes(routes!(pausing::abort))
        .routes(routes!(sessions::census))
        .routes(routes!(gate::read))
        .routes(routes!(sessions::list))
        .routes(routes!(sessions::get))
        .routes(routes!(campaigns::list))
        .routes(routes!(campaigns::get))
        .routes(routes!(push::push))
        .routes(routes!(push::list))
        .routes(routes!(backends::report, backends::leave))
        .routes(routes!(backends::list))
        .routes(routes!(backends::needs))
        .routes(routes!(backends::matrix))
        .routes(routes!(rollout::get))
        .routes(routes!(rollout::probe))
        .routes(routes!(history::log))
        .routes(routes!(events::events))
        .routes(routes!(timeline::timeline))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke))
        .routes(routes!(transfer::export, transfer::import))
}

/// What takes too long is answered all the same.
async fn in_time(request: Request, next: Next) -> Result<Response, problem::ApiError> {
    // An import takes as long as there is something to take in.
    if request.uri().path() == transfer::PATH {
        return Ok(next.run(request).await);
    }
    tokio::time::timeout(ANSWERS_WITHIN, next.run(request)).await.map_err(|_| {
        problem::ApiError::unavailable(
            "the answer took too long; ask again, a change with the same key",
            Some(false),
        )
    })
}

/// Every answer about an app says up to which number this node knows it.
async fn number_header(State(context): Ctx, request: Request, next: Next) -> Response {
    let app = request.uri().path().strip_prefix("/v1/apps/").and_then(|rest| rest.split('/').next());
    let app = app.and_then(|name| name.parse::<AppName>().ok());
    let mut response = next.run(request).await;
    if let Some(app) = app {
        let number = context.ledger.state().app(&app).number;
        response.headers_mut().insert(HeaderName::from_static(NUMBER_HEADER), HeaderValue::from(number.0));
    }
    response
}

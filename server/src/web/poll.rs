//! The polling fallback: for pages whose way to us lets no socket through.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{
        DefaultBodyLimit, FromRequest, Path, Request, State,
        rejection::{BytesRejection, FailedToBufferBody},
    },
    http::{HeaderValue, Method, header},
    response::{IntoResponse, Response},
    routing::post,
};
use tokio::time::timeout;
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::{Context, Ctx, connect, not_allowed, problem::ApiError};
use crate::{
    fleet::slot::Transport,
    session::{
        close::Close,
        greeting::Client,
        machine::Now,
        poll::{self, LARGEST_POLL, Poll},
    },
};

/// How long browsers may remember that they may ask: longer than any of them does.
const REMEMBERED: Duration = Duration::from_hours(24);

/// Every origin can read the answer: the page learns by it that its own may not poll. That is decided by the app's
/// allowed origins, as for a socket.
pub fn routes() -> Router<Arc<Context>> {
    let readable = CorsLayer::new()
        .allow_origin(AllowOrigin::mirror_request())
        .allow_methods([Method::POST])
        .allow_headers([header::CONTENT_TYPE])
        .expose_headers([header::RETRY_AFTER])
        .max_age(REMEMBERED);
    Router::new()
        .route("/v1/apps/{app}/poll", post(answer))
        .layer(DefaultBodyLimit::max(LARGEST_POLL))
        .method_not_allowed_fallback(not_allowed)
        .layer(readable)
}

/// `POST /v1/apps/{app}/poll`.
async fn answer(State(context): Ctx, Path(app): Path<String>, request: Request) -> Response {
    let client = Client { transport: Transport::Poll, ..connect::client(&context, request.headers()) };
    let polled = async {
        let body = body(&context, request).await?;
        let said = Poll::parse(&app, &body).map_err(|close| refuse(&context, &close))?;
        // A task of its own: this one ends when the page hangs up.
        let arrival = poll::arrive(context.fleet.clone(), context.parking.clone(), client, said);
        let taken = context.sockets.spawn(arrival).await;
        taken.unwrap_or(Err(Close::GoingAway)).map_err(|close| refuse(&context, &close))
    };
    let mut response = polled.await.map_or_else(|refusal| refusal, |answer| Json(answer).into_response());
    // It carries the secret of the session.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn body(context: &Arc<Context>, request: Request) -> Result<Bytes, Response> {
    let reading = timeout(context.timing.hello_timeout.std(), Bytes::from_request(request, context));
    match reading.await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)))) => {
            let close = Close::BadMessage("a poll has at most 8192 bytes".into());
            close.count();
            Err(ApiError::too_large(close.to_string()).with_close(&close).into_response())
        }
        Ok(Err(_)) => Err(refuse(context, &Close::BadMessage("the body can't be read".into()))),
        Err(_) => Err(refuse(context, &Close::HelloTimeout)),
    }
}

fn refuse(context: &Context, close: &Close) -> Response {
    close.count();
    tracing::debug!(code = close.code(), reason = %close, "refusing a poll");
    let mut response = ApiError::closed(close).into_response();
    if *close == Close::GoingAway {
        let seconds = poll::back_in_s(&context.fleet, Now::read());
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

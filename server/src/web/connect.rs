//! From an HTTP request to a page's socket.
//!
//! The upgrade is done here rather than by axum's extractor, because what hyper leaves behind (its read buffer and its
//! boxed connection) can then be dropped at once: the session owns the bare TCP stream.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Response, StatusCode, header},
    response::IntoResponse,
};
use hyper::upgrade::OnUpgrade;
use hyper_util::{rt::TokioIo, server::conn::auto::upgrade::downcast};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{handshake::derive_accept_key, protocol::Role},
};

use super::{Context, Ctx, problem::ApiError};
use crate::{
    fleet::slot::Transport,
    session::{
        greeting::Client,
        socket::{self, Socket},
    },
};

const SUBPROTOCOL: &str = "freshwire.v1";
/// Longest user agent that is kept, in bytes.
const LONGEST_USER_AGENT: usize = 256;

/// `GET /v1/connect`.
pub async fn connect(State(context): Ctx, mut request: Request) -> Result<impl IntoResponse, ApiError> {
    if context.fleet.draining() {
        return Err(ApiError::unavailable("this node is going away; connect again in a moment", None));
    }
    let (accept, subprotocol) = handshake(request.headers())?;
    let client = client(&context, request.headers());
    let upgrade = hyper::upgrade::on(&mut request);
    context.sockets.spawn(attend(upgrade, context.clone(), client));
    let mut response = Response::new(axum::body::Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    if subprotocol {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    }
    Ok(response)
}

/// All of a page's time with us.
async fn attend(upgrade: OnUpgrade, context: Arc<Context>, client: Client) {
    let (fleet, timing) = (context.fleet.clone(), context.timing);
    drop(context);
    let mut socket = Box::pin(socket_of(upgrade)).await;
    // By reference: moved out of its option it would have two places in this future.
    if let Some(socket) = &mut socket {
        socket::serve(socket, fleet, client, timing).await;
    }
}

/// The page's socket, once our answer has been sent. None: the page was gone before.
async fn socket_of(upgrade: OnUpgrade) -> Option<Socket> {
    let Ok(parts) = downcast::<TokioIo<TcpStream>>(upgrade.await.ok()?) else {
        tracing::error!("a page's socket is not the TCP stream that it should be");
        return None;
    };
    let (stream, config) = (parts.io.into_inner(), Some(socket::config()));
    Some(if parts.read_buf.is_empty() {
        WebSocketStream::from_raw_socket(stream, Role::Server, config).await
    } else {
        WebSocketStream::from_partially_read(stream, parts.read_buf.to_vec(), Role::Server, config).await
    })
}

/// The answer to the page's key, and whether it asked for our subprotocol.
fn handshake(headers: &HeaderMap) -> Result<(HeaderValue, bool), ApiError> {
    let has = |name: header::HeaderName, word: &str| {
        headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .any(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(word)))
    };
    if !has(header::CONNECTION, "upgrade") || !has(header::UPGRADE, "websocket") {
        return Err(ApiError::malformed("this address speaks WebSocket: ask for an upgrade"));
    }
    if !has(header::SEC_WEBSOCKET_VERSION, "13") {
        return Err(ApiError::malformed("Sec-WebSocket-Version must be 13"));
    }
    let key = headers.get(header::SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes).unwrap_or_default();
    if key.len() != 24 {
        return Err(ApiError::malformed("Sec-WebSocket-Key must be 16 bytes in base64"));
    }
    let asked = headers.contains_key(header::SEC_WEBSOCKET_PROTOCOL);
    let ours = has(header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL);
    if asked && !ours {
        return Err(ApiError::malformed(format!("this server speaks the subprotocol {SUBPROTOCOL}")));
    }
    let accept = HeaderValue::try_from(derive_accept_key(key))
        .map_err(|_| ApiError::malformed("Sec-WebSocket-Key can't be answered"))?;
    Ok((accept, ours))
}

/// What a page's request says of it.
pub(super) fn client(context: &Context, headers: &HeaderMap) -> Client {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let user_agent = text(header::USER_AGENT).filter(|_| !context.no_client_info);
    Client {
        transport: Transport::Socket,
        origin: text(header::ORIGIN).map(Into::into),
        user_agent: user_agent.map(|agent| {
            // Headers that parse as text are ASCII, so that any byte is a boundary.
            context.fleet.user_agents.share(&agent[..agent.len().min(LONGEST_USER_AGENT)])
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::greeting::Begun;

    fn size_of_future<A, B, C, F: Future>(_: impl Fn(A, B, C) -> F) -> usize {
        size_of::<F>()
    }

    /// Every connected page holds these for as long as it is open: its task's future, with the socket in it, and the
    /// machine that it talks to.
    #[test]
    fn a_page_costs_a_small_future() {
        let (future, machine) = (size_of_future(attend), size_of::<Begun>());
        assert!(future <= 1_152, "the future has {future} bytes");
        assert!(machine <= 264, "the machine has {machine} bytes");
    }
}

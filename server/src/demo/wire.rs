//! A simulated page's end of the wire: the frames that it reads, and its socket.

use std::time::Duration;

use freshwire::core::change::Action;
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{
        Message,
        client::IntoClientRequest,
        http::{HeaderValue, header},
        protocol::{CloseFrame, WebSocketConfig},
    },
};

use super::{crowd::USER_AGENT, stage::Stage};

/// How long the server gets to answer a close frame.
const GOODBYE: Duration = Duration::from_secs(1);

/// A page's socket.
pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What a page shows when it comes back.
#[derive(Clone, Deserialize)]
pub struct Identity {
    pub session: String,
    pub resume: String,
    pub node: String,
}

/// What is asked of the page.
#[derive(Clone, Deserialize)]
pub struct Notice {
    #[serde(rename = "notice")]
    pub campaign: u64,
    pub run: u64,
    pub step: u8,
    pub action: Action,
    pub build: String,
}

/// A build to be on.
#[derive(Deserialize)]
pub struct Target {
    pub build: String,
}

/// What the server says, as far as the crowd listens.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Frame {
    Welcome {
        #[serde(flatten)]
        identity: Identity,
        current: Option<Target>,
    },
    Standing {
        current: Option<Target>,
    },
    Notice(Notice),
    Withdraw {
        notice: u64,
    },
    Better {
        build: String,
        better: bool,
    },
    Reconnect {
        in_ms: u64,
    },
    #[serde(other)]
    Other,
}

/// None: the server can't be reached.
pub async fn open(stage: &Stage) -> Option<Socket> {
    let url = format!("{}/v1/connect", stage.server_url.replacen("http", "ws", 1));
    let mut request = url.into_client_request().ok()?;
    let headers = request.headers_mut();
    headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("freshwire.v1"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    headers.insert(header::ORIGIN, HeaderValue::from_str(&stage.shop_url).ok()?);
    let config = WebSocketConfig::default().read_buffer_size(2048).write_buffer_size(0);
    let (socket, _) = connect_async_with_config(request, Some(config), true).await.ok()?;
    Some(socket)
}

/// None: the connection is lost.
pub async fn say(socket: &mut Socket, frame: &Value) -> Option<()> {
    socket.send(Message::text(frame.to_string())).await.ok()
}

/// Closes as a browser would: with a word, and reading until the answer.
pub async fn close(mut socket: Socket, code: u16) {
    let frame = CloseFrame { code: code.into(), reason: "".into() };
    if socket.close(Some(frame)).await.is_ok() {
        let answered = async { while let Some(Ok(_)) = socket.next().await {} };
        // Without an answer the page is gone all the same.
        let _ = timeout(GOODBYE, answered).await;
    }
}

//! A simulated page's end of the wire.

use std::time::Duration;

use freshwire::core::change::Action;
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{
        Message,
        client::IntoClientRequest,
        http::{HeaderValue, header},
        protocol::CloseFrame,
    },
};

/// How long the server gets to answer a close frame.
const GOODBYE: Duration = Duration::from_secs(1);

/// A page's socket.
pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The connection is gone.
pub struct Lost;

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

/// What the server says, as far as the pages listen.
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
        better: bool,
    },
    Push {
        push: u64,
    },
    Reconnect {
        in_ms: u64,
    },
    #[serde(other)]
    Other,
}

/// Connects a page.
pub async fn open(url: &str) -> Result<Socket, Lost> {
    let mut request = url.into_client_request().map_err(|_| Lost)?;
    let headers = request.headers_mut();
    headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("freshwire.v1"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static("freshwire-pages"));
    connect_async(request).await.map(|(socket, _)| socket).map_err(|_| Lost)
}

/// Says something.
pub async fn say(socket: &mut Socket, frame: &Value) -> Result<(), Lost> {
    socket.send(Message::text(frame.to_string())).await.map_err(|_| Lost)
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

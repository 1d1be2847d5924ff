//! A page as the server sees it: a real WebSocket that says what pages say.

use std::{panic::Location, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{
        self, ClientRequestBuilder, Message,
        protocol::{CloseFrame, WebSocketConfig},
    },
};

use crate::waiting::{PATIENCE, cut, saw};

/// A connected page.
pub struct Page {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// What it was welcomed with.
    pub welcome: Value,
    /// What it was sent last, whatever that was; nothing at first.
    last: String,
}

impl Page {
    /// Connects without saying hello.
    pub async fn silent(address: &str, origin: Option<&str>) -> Self {
        Self::connect(address, origin).await.expect("the server takes it")
    }

    /// The same, if the server is there.
    pub async fn connect(address: &str, origin: Option<&str>) -> tungstenite::Result<Self> {
        let uri = format!("ws://{address}/v1/connect").parse().expect("an address");
        let mut request = ClientRequestBuilder::new(uri).with_sub_protocol("freshwire.v1");
        if let Some(origin) = origin {
            request = request.with_header("origin", origin);
        }
        let config = WebSocketConfig::default().read_buffer_size(512).write_buffer_size(0);
        let (socket, _) = connect_async_with_config(request, Some(config), true).await?;
        Ok(Self { socket, welcome: Value::Null, last: String::new() })
    }

    /// Connects and says this hello; `type` is added.
    pub async fn hello(address: &str, hello: Value) -> Self {
        let mut page = Self::silent(address, None).await;
        page.say_hello(hello).await;
        page
    }

    /// Says hello and takes the welcome.
    pub async fn say_hello(&mut self, mut hello: Value) {
        hello["type"] = json!("hello");
        self.send(&hello).await;
        self.welcome = self.frame("welcome").await;
    }

    /// Connects as a page of this build and version.
    pub async fn open(address: &str, app: &str, build: &str, version: &str) -> Self {
        Self::hello(address, json!({"app": app, "build": build, "version": version})).await
    }

    /// Its session's ID.
    pub fn session(&self) -> String {
        crate::process::text(&self.welcome["session"])
    }

    /// What takes its session over.
    pub fn resume(&self) -> String {
        crate::process::text(&self.welcome["resume"])
    }

    /// Sends a frame.
    pub async fn send(&mut self, frame: &Value) {
        self.send_message(Message::text(frame.to_string())).await;
    }

    /// Sends a frame, if the server still takes it.
    pub async fn try_send(&mut self, frame: &Value) -> bool {
        self.socket.send(Message::text(frame.to_string())).await.is_ok()
    }

    /// Says hello. Whether it was welcome.
    pub async fn try_hello(&mut self, mut hello: Value) -> bool {
        hello["type"] = json!("hello");
        if !self.try_send(&hello).await {
            return false;
        }
        let Some(welcome) = self.next_frame(PATIENCE).await else { return false };
        self.welcome = welcome;
        self.welcome["type"] == "welcome"
    }

    /// Sends anything.
    pub async fn send_message(&mut self, message: Message) {
        self.socket.send(message).await.expect("the server takes it");
    }

    /// The next frame, which must be of this type.
    #[track_caller]
    pub fn frame(&mut self, kind: &str) -> impl Future<Output = Value> {
        let at = Location::caller();
        async move {
            let Some(frame) = self.next_frame(PATIENCE).await else { self.give_up(at, kind) };
            assert_eq!(frame["type"], kind, "{at}: {frame}");
            frame
        }
    }

    /// The next frame of any type, on the way to what is waited for.
    #[track_caller]
    pub fn any_frame(&mut self, on_the_way_to: &str) -> impl Future<Output = Value> {
        let at = Location::caller();
        async move {
            let frame = self.next_frame(PATIENCE).await;
            frame.unwrap_or_else(|| self.give_up(at, on_the_way_to))
        }
    }

    /// The next text frame, if one comes in time. Pings are answered on the way.
    pub async fn next_frame(&mut self, within: Duration) -> Option<Value> {
        let next = async {
            loop {
                match self.next_message().await? {
                    Message::Text(text) => break serde_json::from_str(&text).ok(),
                    Message::Ping(_) | Message::Pong(_) => {}
                    _ => break None,
                }
            }
        };
        timeout(within, next).await.ok().flatten()
    }

    /// All frames that came before the answer to a ping: what the server has said up to now.
    #[track_caller]
    pub fn frames_until_pong(&mut self) -> impl Future<Output = Vec<Value>> {
        let at = Location::caller();
        async move {
            self.send(&json!({"type": "ping"})).await;
            let mut frames = Vec::new();
            loop {
                let Some(frame) = self.next_frame(PATIENCE).await else { self.give_up(at, "pong") };
                if frame["type"] == "pong" {
                    return frames;
                }
                frames.push(frame);
            }
        }
    }

    /// Reads on until the server closes, and says how.
    #[track_caller]
    pub fn closed(&mut self) -> impl Future<Output = (u16, String)> {
        let at = Location::caller();
        async move {
            let end = async {
                loop {
                    if let Message::Close(frame) = self.next_message().await? {
                        break frame.map(|CloseFrame { code, reason }| (code.into(), reason.to_string()));
                    }
                }
            };
            let closed = timeout(PATIENCE, end).await.ok().flatten();
            closed.unwrap_or_else(|| self.give_up(at, "close frame"))
        }
    }

    /// None: it was the last, and the connection is at its end.
    async fn next_message(&mut self) -> Option<Message> {
        let next = self.socket.next().await;
        self.last = match &next {
            Some(Ok(Message::Text(text))) => text.to_string(),
            Some(Ok(other)) => format!("{other:?}"),
            Some(Err(error)) => format!("{error} (after {})", cut(&self.last)),
            None => format!("the end (after {})", cut(&self.last)),
        };
        saw(|| format!("the page was sent {}", self.last));
        next.transpose().ok().flatten()
    }

    fn give_up(&self, at: &Location, what: &str) -> ! {
        panic!("{at}: no {what} came in {PATIENCE:?} or before the end; what came last: {}", cut(&self.last))
    }

    /// Closes as a page does.
    pub async fn close(mut self, code: u16) {
        let frame = CloseFrame { code: code.into(), reason: "".into() };
        let _ = self.socket.close(Some(frame)).await;
        // Until the server has answered it may not have read it.
        let _ = timeout(PATIENCE, async { while let Some(Ok(_)) = self.socket.next().await {} }).await;
    }

    /// The raw connection, for breaking it.
    pub fn stream(&mut self) -> &mut TcpStream {
        match self.socket.get_mut() {
            MaybeTlsStream::Plain(stream) => stream,
            _ => unreachable!("tests connect without TLS"),
        }
    }
}

//! A peer to measure beside: a chat room in the way of axum's WebSocket example. Default buffers, a socket split in two
//! halves, a task for each, one broadcast channel. Unlike the example it welcomes whoever joins but doesn't announce them to
//! all, which would be O(n²) messages before anything is measured.

use std::process::ExitCode;

use axum::{
    Router,
    extract::{
        State, WebSocketUpgrade,
        ws::{Message, Utf8Bytes, WebSocket},
    },
    response::Response,
    routing::get,
};
use futures_util::{SinkExt, StreamExt};
use tokio::{net::TcpListener, sync::broadcast};

type Room = broadcast::Sender<Utf8Bytes>;

#[tokio::main]
async fn main() -> ExitCode {
    let (room, _) = broadcast::channel(100);
    let app = Router::new().route("/v1/connect", get(upgrade)).with_state(room);
    let served = async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        axum::serve(listener, app).await
    };
    match served.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn upgrade(upgrade: WebSocketUpgrade, State(room): State<Room>) -> Response {
    upgrade.protocols(["freshwire.v1"]).on_upgrade(|socket| chat(socket, room))
}

async fn chat(socket: WebSocket, room: Room) {
    let (mut sender, mut receiver) = socket.split();
    let mut messages = room.subscribe();
    // From now on nothing is missed.
    if sender.send(Message::Text(r#"{"type":"welcome"}"#.into())).await.is_err() {
        return;
    }
    let mut send = tokio::spawn(async move {
        while let Ok(message) = messages.recv().await {
            if sender.send(Message::Text(message)).await.is_err() {
                break;
            }
        }
    });
    let mut receive = tokio::spawn(async move {
        while let Some(Ok(Message::Text(text))) = receiver.next().await {
            let _ = room.send(text);
        }
    });
    tokio::select! {
        _ = &mut send => receive.abort(),
        _ = &mut receive => send.abort(),
    }
}

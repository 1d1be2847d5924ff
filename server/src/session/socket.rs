//! The loop that carries messages between a socket and its session's machine: one task a session.

use std::{ops::ControlFlow, pin::pin, sync::Arc, time::Duration};

use futures_util::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, Sleep, timeout},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        self, Message, Utf8Bytes,
        error::CapacityError,
        protocol::{
            WebSocketConfig,
            frame::{
                FrameHeader,
                coding::{Data, OpCode},
            },
        },
    },
};

use super::{
    Timing,
    close::{Close, parting},
    greeting::{Begun, Client, arrive},
    machine::{Now, Output, Session},
};
use crate::{
    core::frames::LARGEST,
    fleet::{Fleet, hub::View},
};

/// How long a page may take to take what it is sent.
const TAKES_WITHIN: Duration = Duration::from_secs(10);
/// How long, and for how many bytes, the rest of what a page sends is read before its socket is closed: closing with
/// unread input would make the kernel reset the connection, and the close frame might be lost.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: u64 = 1 << 20;

/// Small buffers: most pages say little, and there are many of them. tungstenite's default is 128 KiB for reading.
pub fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(512)
        .write_buffer_size(LARGEST)
        .max_write_buffer_size(1 << 16)
        .max_message_size(Some(LARGEST))
        .max_frame_size(Some(LARGEST))
}

/// A page's socket.
pub type Socket = WebSocketStream<TcpStream>;

/// Serves one page until it leaves or is closed. What is needed only for a moment is boxed for that moment: a connected
/// page is to cost no more than the waiting for its next message.
pub async fn serve(socket: &mut Socket, fleet: Arc<Fleet>, client: Client, timing: Timing) {
    let close = match Box::pin(welcome(socket, fleet, client, timing)).await {
        Ok(Some(mut begun)) => {
            let close = converse(socket, &mut begun, timing).await;
            // Its place in the fleet is given up before the page is told why.
            drop(begun);
            close
        }
        Ok(None) => return,
        Err(close) => Some(close),
    };
    match close {
        Some(close) => Box::pin(farewell(socket, close)).await,
        // Answers the page's own close frame, if there was one.
        None => drop(Box::pin(timeout(LINGER, socket.close(None))).await),
    }
}

/// Hears the hello. None: the page has gone.
async fn welcome(
    socket: &mut Socket,
    fleet: Arc<Fleet>,
    client: Client,
    timing: Timing,
) -> Result<Option<Box<Begun>>, Close> {
    let first = timeout(timing.hello_timeout.std(), first_text(socket)).await;
    match first.unwrap_or(Err(Close::HelloTimeout))? {
        Some(hello) => arrive(&fleet, client, hello.as_str()).await.map(|begun| Some(Box::new(begun))),
        None => Ok(None),
    }
}

/// The first text frame. None: the page has gone.
async fn first_text(socket: &mut Socket) -> Result<Option<Utf8Bytes>, Close> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => return Ok(Some(text)),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(Message::Binary(_) | Message::Frame(_))) => return Err(binary()),
            Some(Err(error)) => return bad(&error).map_or(Ok(None), Err),
            Some(Ok(Message::Close(_))) | None => return Ok(None),
        }
    }
}

/// Carries messages to and fro. Returns why the server closes, if it is the server that does.
async fn converse(socket: &mut Socket, begun: &mut Begun, timing: Timing) -> Option<Close> {
    let Begun { session, views, frames } = begun;
    let slot = session.membership().slot().clone();
    let mut output = Output { frames: std::mem::take(frames), ..Output::default() };
    let mut alarm = pin!(tokio::time::sleep_until(session.next_time(&timing)));
    loop {
        if !output.is_empty()
            && let ControlFlow::Break(close) = Box::pin(send(socket, std::mem::take(&mut output))).await
        {
            return close;
        }
        set(alarm.as_mut(), session.next_time(&timing));
        // In this order: what a page says is heard in the state that its operators have been answered with, and a page that
        // never stops talking doesn't put off what is due.
        output = tokio::select! {
            biased;
            changed = views.changed() => {
                if changed.is_err() {
                    return Some(Close::GoingAway);
                }
                let view = views.borrow_and_update().clone();
                session.on_view(&view, Now::read())
            }
            () = slot.kick.notified() => {
                if slot.was_replaced() {
                    return Some(Close::Replaced);
                }
                Output::default()
            }
            () = alarm.as_mut() => session.on_time(&views.borrow().clone(), &timing, Now::read()),
            message = socket.next() => match on_message(message, session, &views.borrow().clone()) {
                ControlFlow::Continue(output) => output,
                ControlFlow::Break(close) => return close,
            },
        };
    }
}

/// Arms the session's one timer, unless it is armed so already.
fn set(alarm: std::pin::Pin<&mut Sleep>, at: Instant) {
    if alarm.deadline() != at {
        alarm.reset(at);
    }
}

fn on_message(
    message: Option<Result<Message, tungstenite::Error>>,
    session: &mut Session,
    view: &View,
) -> ControlFlow<Option<Close>, Output> {
    match message {
        Some(Ok(Message::Text(text))) => {
            ControlFlow::Continue(session.on_text(text.as_str(), view, Now::read()))
        }
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => {
            session.heard(Now::read());
            ControlFlow::Continue(Output::default())
        }
        Some(Ok(Message::Close(frame))) => {
            session.part(parting(frame.as_ref()));
            ControlFlow::Break(None)
        }
        Some(Ok(Message::Binary(_) | Message::Frame(_))) => ControlFlow::Break(Some(binary())),
        Some(Err(error)) => ControlFlow::Break(bad(&error)),
        None => ControlFlow::Break(None),
    }
}

async fn send(socket: &mut Socket, output: Output) -> ControlFlow<Option<Close>> {
    let Output { frames, ping, close } = output;
    let ping = ping.then(|| Message::Ping(bytes::Bytes::new()));
    // All of it in one write, but for large frames.
    let sending = async {
        for frame in frames {
            if frame.len() > LARGEST {
                send_large(socket, &frame).await?;
            } else {
                socket.feed(Message::Text(frame)).await?;
            }
        }
        if let Some(ping) = ping {
            socket.feed(ping).await?;
        }
        socket.flush().await
    };
    match timeout(TAKES_WITHIN, sending).await {
        Ok(Ok(())) => close.map_or(ControlFlow::Continue(()), |close| ControlFlow::Break(Some(close))),
        Ok(Err(_)) => ControlFlow::Break(None),
        Err(_) => ControlFlow::Break(Some(Close::SlowConsumer)),
    }
}

/// Sends a frame past tungstenite's write buffer, which would stay as large as the largest frame that it has seen for as
/// long as the page is connected. A page that takes only a part of it in time can't be told why it is closed.
async fn send_large(socket: &mut Socket, text: &Utf8Bytes) -> Result<(), tungstenite::Error> {
    socket.flush().await?;
    let length = u64::try_from(text.len()).expect("lengths fit 64 bits");
    let mut header = Vec::new();
    FrameHeader { opcode: OpCode::Data(Data::Text), ..FrameHeader::default() }.format(length, &mut header)?;
    let stream = socket.get_mut();
    stream.write_all(&header).await?;
    Ok(stream.write_all(text.as_bytes()).await?)
}

fn binary() -> Close {
    Close::BadMessage("frames are text".into())
}

/// What a page did wrong, if it is its doing that the socket failed.
fn bad(error: &tungstenite::Error) -> Option<Close> {
    match error {
        tungstenite::Error::Capacity(CapacityError::MessageTooLong { .. }) => {
            Some(Close::BadMessage("a frame has at most 4096 bytes".into()))
        }
        tungstenite::Error::Utf8(_) => Some(Close::BadMessage("text is UTF-8".into())),
        tungstenite::Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => None,
        tungstenite::Error::Protocol(_) => Some(Close::BadMessage("not the WebSocket protocol".into())),
        _ => None,
    }
}

/// Sends the close frame and reads on until the page has closed too.
async fn farewell(socket: &mut Socket, close: Close) {
    close.count();
    tracing::debug!(code = close.code(), reason = %close, "closing");
    let goodbye = async {
        if socket.send(Message::Close(Some(close.frame()))).await.is_ok() {
            let rest = &mut socket.get_mut().take(LINGER_BYTES);
            // However it ends, the socket is closed after it.
            let _ = tokio::io::copy(rest, &mut tokio::io::sink()).await;
        }
    };
    let _ = timeout(LINGER, goodbye).await;
}

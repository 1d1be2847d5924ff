//! A page that speaks the WebSocket protocol by hand: wrongly, halfway, or not at all.

use std::time::Duration;

use freshwire_tests::waiting::{PATIENCE, cut, in_time};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

/// First byte of a whole text frame.
pub const TEXT: u8 = 0x81;
/// First byte of a text frame that goes on.
pub const TEXT_BEGINS: u8 = 0x01;
/// First byte of a frame in the middle of a message.
pub const GOES_ON: u8 = 0x00;
/// First byte of the frame that ends a message.
pub const ENDS: u8 = 0x80;
const CLOSE: u8 = 0x88;

/// A connection that answers nothing by itself.
pub struct RawPage {
    stream: TcpStream,
    /// What came last, for what is said of something that doesn't come.
    last: String,
}

impl RawPage {
    /// Connects, up to the end of the HTTP answer.
    pub async fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        Self::shake_hands(stream).await
    }

    /// One whose kernel takes very little that it doesn't read.
    pub async fn connect_narrow(address: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let stream = socket.connect(address.parse().unwrap()).await.unwrap();
        Self::shake_hands(stream).await
    }

    async fn shake_hands(mut stream: TcpStream) -> Self {
        let request = "GET /v1/connect HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
            Sec-WebSocket-Protocol: freshwire.v1\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let byte = in_time(PATIENCE, "the server answers the upgrade", stream.read_u8()).await;
            answer.push(
                byte.unwrap_or_else(|error| panic!("{error} after {:?}", String::from_utf8_lossy(&answer))),
            );
        }
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        // The key and its answer are RFC 6455's own example.
        assert!(
            answer.to_lowercase().contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="),
            "{answer}"
        );
        Self { stream, last: String::new() }
    }

    /// Writes bytes as they are.
    pub async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// The same, if the server takes them in time.
    pub async fn try_write(&mut self, bytes: &[u8], within: Duration) -> bool {
        matches!(timeout(within, self.stream.write_all(bytes)).await, Ok(Ok(())))
    }

    /// Sends a frame.
    pub async fn send(&mut self, text: &Value) {
        self.write(&frame(TEXT, text.to_string().as_bytes())).await;
    }

    /// The next frame: its first byte and what it carries. None: the server has ended the connection.
    pub async fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        let next = async {
            let first = self.stream.read_u8().await.ok()?;
            let length = match self.stream.read_u8().await.ok()? {
                126 => usize::from(self.stream.read_u16().await.ok()?),
                length => usize::from(length),
            };
            let mut payload = vec![0; length];
            self.stream.read_exact(&mut payload).await.ok()?;
            Some((first, payload))
        };
        let next = timeout(PATIENCE, next).await;
        let next = next.unwrap_or_else(|_| {
            panic!("no frame and no end came in {PATIENCE:?}; what came last: {}", self.last)
        });
        self.last = match &next {
            Some((first, payload)) => format!("{first:#x} {}", cut(&String::from_utf8_lossy(payload))),
            None => format!("the end (after {})", self.last),
        };
        next
    }

    /// The next text frame. None: there is none before the end.
    pub async fn text(&mut self) -> Option<Value> {
        loop {
            match self.next().await? {
                (TEXT, payload) => return serde_json::from_slice(&payload).ok(),
                (CLOSE, _) => return None,
                _ => {}
            }
        }
    }

    /// Reads on to the close frame, and then to the end. None: it ended without one.
    pub async fn closed(&mut self) -> Option<u16> {
        loop {
            if let (CLOSE, payload) = self.next().await? {
                return Some(u16::from_be_bytes([payload[0], payload[1]]));
            }
        }
    }
}

/// A frame as pages send it, masked with zeros.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = header(first, payload.len() as u64);
    frame.extend_from_slice(payload);
    frame
}

/// The header of a frame of that length.
pub fn header(first: u8, length: u64) -> Vec<u8> {
    const MASKED: u8 = 0x80;
    const TWO_BYTES_FOLLOW: u8 = 0x7e;
    const EIGHT_BYTES_FOLLOW: u8 = 0x7f;
    let mut header = vec![first];
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ 0..=125), _) => header.push(MASKED | length),
        (_, Ok(length)) => {
            header.push(MASKED | TWO_BYTES_FOLLOW);
            header.extend(length.to_be_bytes());
        }
        _ => {
            header.push(MASKED | EIGHT_BYTES_FOLLOW);
            header.extend(length.to_be_bytes());
        }
    }
    header.extend([0; 4]);
    header
}

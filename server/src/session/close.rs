//! Why a connection is closed, in the contract's ranges: 4000–4099 stop, 4100–4199 come back with back-off,
//! 4200–4299 come back at the time told.

use std::borrow::Cow;

use tokio_tungstenite::tungstenite::{
    Utf8Bytes,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use crate::core::outcome::Parting;

/// Why the server closes a connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Close {
    /// Not a frame that may come here.
    #[error("{0}")]
    BadMessage(Cow<'static, str>),
    /// The page may not connect.
    #[error("{0}")]
    Refused(&'static str),
    /// There is no such app.
    #[error("no such app; register its first release, and check the page's data-app")]
    UnknownApp,
    /// No hello in time.
    #[error("no hello in time")]
    HelloTimeout,
    /// The session's page has come back on another connection.
    #[error("the session goes on on another connection")]
    Replaced,
    /// It doesn't take what it is sent.
    #[error("too slow")]
    SlowConsumer,
    /// No answer to a ping.
    #[error("no pong in time")]
    PongTimeout,
    /// The node goes away.
    #[error("the server is going away; come back at the time told")]
    GoingAway,
}

impl Close {
    /// Its code in the contract.
    pub const fn code(&self) -> u16 {
        match self {
            Self::BadMessage(_) => 4000,
            Self::Refused(_) => 4003,
            Self::UnknownApp => 4004,
            Self::HelloTimeout => 4101,
            Self::Replaced => 4102,
            Self::SlowConsumer => 4108,
            Self::PongTimeout => 4110,
            Self::GoingAway => 4200,
        }
    }

    /// Its name in the contract and in metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::BadMessage(_) => "bad_message",
            Self::Refused(_) => "refused",
            Self::UnknownApp => "unknown_app",
            Self::HelloTimeout => "hello_timeout",
            Self::Replaced => "replaced",
            Self::SlowConsumer => "slow_consumer",
            Self::PongTimeout => "pong_timeout",
            Self::GoingAway => "going_away",
        }
    }

    /// Counts it.
    pub fn count(&self) {
        metrics::counter!("freshwire_closes_total", "code" => self.name()).increment(1);
    }

    /// As the frame that says so. A close frame's reason has at most 123 bytes.
    pub fn frame(&self) -> CloseFrame {
        let mut reason = format!("{}: {self}", self.name());
        let end = (0..=reason.len().min(123)).rev().find(|&end| reason.is_char_boundary(end)).unwrap_or(0);
        reason.truncate(end);
        CloseFrame { code: CloseCode::from(self.code()), reason: Utf8Bytes::from(reason) }
    }
}

/// How a page leaves that closes with this frame.
pub fn parting(frame: Option<&CloseFrame>) -> Parting {
    parting_by(frame.map(|frame| u16::from(frame.code)))
}

/// How a page leaves that says so with this code.
pub fn parting_by(code: Option<u16>) -> Parting {
    match code {
        Some(1000 | 1001 | 3001) => Parting::Left,
        Some(3002) => Parting::Refreshing,
        _ => Parting::Vanished,
    }
}

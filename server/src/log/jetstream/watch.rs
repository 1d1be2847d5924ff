//! Where the stream ends, and whether it answers. NATS tells each number as it stores it; as that may get lost, the end is
//! read again and again, too.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_nats::{Message, header::NATS_SEQUENCE, jetstream::stream::Info};
use futures_util::{StreamExt as _, stream::BoxStream};
use tokio::time::{sleep, timeout};

use super::{
    OpenError, Shared,
    stream::{id, last_number},
};
use crate::{core::names::LogNumber, log::LogError, nats::ANSWERS_WITHIN};

/// How often the end is read. Nodes that were cut off have what they missed so soon after.
const COMPARES_EVERY: Duration = Duration::from_secs(2);
/// The same while it isn't known.
const COMPARES_AGAIN: Duration = Duration::from_millis(500);
/// How long the end is asked for while somebody waits for it: most elections of NATS are over by then.
const ASKS_FOR: Duration = Duration::from_secs(4);
/// Between two such questions.
const ASKS_AGAIN: Duration = Duration::from_millis(200);
/// How long a refused subscription waits before it is tried again.
const SUBSCRIBES_AGAIN: Duration = Duration::from_secs(1);

/// Whether the stream answered when it was asked last.
pub(super) struct Health {
    answered: Instant,
    trouble: Option<String>,
}

/// Why the end isn't known.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Nobody says.
    Away(String),
    /// It is not the stream that it was, or should be.
    Wrong(String),
}

impl Trouble {
    pub(super) fn reason(self) -> String {
        match self {
            Self::Away(reason) | Self::Wrong(reason) => reason,
        }
    }

    pub(super) fn at_opening(self) -> OpenError {
        match self {
            Self::Away(reason) => OpenError::NotYet(reason),
            Self::Wrong(reason) => OpenError::Refused(reason),
        }
    }
}

impl From<Trouble> for LogError {
    fn from(trouble: Trouble) -> Self {
        Self::Unavailable(trouble.reason())
    }
}

/// Nobody says what is stored. A server alone needs no leader.
fn has_no_leader(info: &Info) -> bool {
    info.cluster.as_ref().is_some_and(|cluster| cluster.leader.is_none())
}

impl Health {
    pub(super) fn new() -> Self {
        Self { answered: Instant::now(), trouble: None }
    }
}

impl Shared {
    /// Where the stream ends, for somebody who waits. It is asked for again while there is a connection and it may come.
    pub(super) async fn end(&self) -> Result<LogNumber, Trouble> {
        let give_up = Instant::now() + ASKS_FOR;
        loop {
            match self.compare().await {
                Err(Trouble::Away(_)) if self.nats.trouble().is_none() && Instant::now() < give_up => {
                    sleep(ASKS_AGAIN).await;
                }
                compared => return compared,
            }
        }
    }

    /// Reads where the stream ends, and whether it is still the same one.
    pub(super) async fn compare(&self) -> Result<LogNumber, Trouble> {
        let compared = self.look().await;
        self.note(&compared);
        let last = compared?;
        self.advance(last);
        Ok(last)
    }

    /// The same, and nothing comes of it.
    pub(super) async fn look(&self) -> Result<LogNumber, Trouble> {
        // Read first: an append may be quicker than this answer.
        let known = *self.last.borrow();
        if let Some((reason, _)) = self.nats.trouble() {
            return Err(Trouble::Away(reason));
        }
        match timeout(ANSWERS_WITHIN, self.names.info(&self.context)).await {
            // A server that has lost the others answers for itself after some seconds.
            Ok(Ok(info)) if has_no_leader(&info) => {
                Err(Trouble::Away("JetStream has no leader: too few of its servers reach one another".into()))
            }
            Ok(Ok(info)) => self.check(&info, known).map_err(Trouble::Wrong),
            Ok(Err(unanswered)) => Err(Trouble::Away(unanswered.reason())),
            Err(_) => Err(Trouble::Away("JetStream doesn't answer in time".into())),
        }
    }

    fn check(&self, info: &Info, known: LogNumber) -> Result<LogNumber, String> {
        let stream = &self.names.stream;
        let differences = self.names.differences(&info.config);
        if !differences.is_empty() {
            return Err(format!("stream {stream} can't be used: {}", differences.join("; ")));
        }
        let last = last_number(info).map_err(|reason| format!("stream {stream} can't be used: {reason}"))?;
        let id = id(&info.config).ok_or_else(|| format!("stream {stream} has no ID"))?;
        self.identity.check(id, last == LogNumber(0))?;
        if last < known {
            return Err(format!("stream {stream} ends at number {last}, and this node has seen {known}"));
        }
        Ok(last)
    }

    fn note(&self, compared: &Result<LogNumber, Trouble>) {
        let mut health = self.health.lock();
        let was = health.trouble.take();
        match compared {
            Ok(_) => {
                if was.is_some() {
                    tracing::info!(after = ?health.answered.elapsed(), "the log is back");
                }
                health.answered = Instant::now();
            }
            Err(Trouble::Away(reason) | Trouble::Wrong(reason)) => {
                if was.as_ref() != Some(reason) {
                    tracing::warn!(reason, "the log is away: changes are refused, all else goes on");
                }
                health.trouble = Some(reason.clone());
            }
        }
    }

    /// The number is there. Numbers come from several sides, and older ones late.
    pub(super) fn advance(&self, number: LogNumber) {
        self.last.send_if_modified(|last| {
            let newer = number > *last;
            *last = number.max(*last);
            newer
        });
    }

    /// What keeps the log from being used, and how old what is known of it is.
    pub(super) fn trouble(&self) -> Option<(String, Duration)> {
        let health = self.health.lock();
        let reason = self.nats.trouble().map(|(reason, _)| reason).or_else(|| health.trouble.clone())?;
        Some((reason, health.answered.elapsed()))
    }

    /// Until it is dropped.
    pub(super) async fn keep_watching(self: Arc<Self>) {
        let mut told = self.subscribe().await;
        loop {
            let pause = if self.trouble().is_some() { COMPARES_AGAIN } else { COMPARES_EVERY };
            tokio::select! {
                Some(message) = told.next() => if !self.tells_news(&message) { continue },
                () = sleep(pause) => {}
            }
            // Its trouble is noted.
            drop(self.compare().await);
        }
    }

    async fn subscribe(&self) -> BoxStream<'static, Message> {
        let subject = format!("{}.>", self.names.tail);
        loop {
            match self.nats.client().subscribe(subject.clone()).await {
                // It outlives connections; when it ends, so does the client.
                Ok(told) => return told.chain(futures_util::stream::pending()).boxed(),
                Err(error) => tracing::warn!(%error, subject, "can't listen to the log; trying again"),
            }
            sleep(SUBSCRIBES_AGAIN).await;
        }
    }

    /// What is told is only a hint: it may be of a stream that was made anew.
    fn tells_news(&self, message: &Message) -> bool {
        let headers = message.headers.as_ref();
        let number = headers.and_then(|headers| headers.get(NATS_SEQUENCE)?.as_str().parse().ok());
        number.is_some_and(|number| LogNumber(number) > *self.last.borrow())
    }
}

//! Appending: an answer that doesn't come says nothing, so the same message is sent again until one does.

use std::time::Duration;

use async_nats::jetstream::{
    self, ErrorCode,
    context::{PublishError, PublishErrorKind},
    message::PublishMessage,
};
use bytes::Bytes;
use tokio::time::{Instant, sleep};

use super::Shared;
use crate::{
    core::{change::Draft, names::LogNumber},
    log::{AppendError, stored},
};

/// How long an append may take, with all that is asked and sent again. The ledger waits a little longer.
const TAKES: Duration = Duration::from_secs(8);
/// Between an answer that says nothing and the next try.
const SENDS_AGAIN: Duration = Duration::from_millis(200);

/// What one try came to.
enum Tried {
    Stored(LogNumber),
    /// For certain.
    NotStored(String),
    /// No try can help.
    Never(String),
    Unknown(String),
}

impl Shared {
    pub(super) async fn append(&self, draft: Draft) -> Result<LogNumber, AppendError> {
        let unavailable = AppendError::Unavailable;
        let entry = stored::encode(&draft).map_err(|error| unavailable(error.to_string()))?;
        let _turn = self.turns.acquire().await.map_err(|_| unavailable("it is closed".into()))?;
        let give_up = Instant::now() + TAKES;
        // What is published while nobody answers may be stored much later.
        self.end().await.map_err(|trouble| unavailable(trouble.reason()))?;

        let subject = self.names.subject(&draft.change.topic());
        let message = PublishMessage::build()
            .payload(Bytes::from(entry))
            .message_id(draft.id.to_string())
            .expected_stream(&self.names.stream);
        let mut doubtful = false;
        loop {
            let reason = match self.publish(&subject, message.clone()).await {
                Tried::Stored(number) => {
                    self.advance(number);
                    if !self.identity.is_known() {
                        // From its first entry on a stream is known again; an error is noted.
                        let _ = self.compare().await;
                    }
                    return Ok(number);
                }
                Tried::Never(reason) if !doubtful => return Err(unavailable(reason)),
                Tried::NotStored(reason) => reason,
                Tried::Never(reason) | Tried::Unknown(reason) => {
                    doubtful = true;
                    reason
                }
            };
            if Instant::now() + SENDS_AGAIN >= give_up {
                return Err(if doubtful { AppendError::Undecided(reason) } else { unavailable(reason) });
            }
            sleep(SENDS_AGAIN).await;
        }
    }

    async fn publish(&self, subject: &str, message: PublishMessage) -> Tried {
        // Without a connection it would wait in the client, and be sent when nobody expects it any more.
        if let Some((reason, _)) = self.nats.trouble() {
            return Tried::NotStored(reason);
        }
        let published = match self.context.send_publish(subject.to_owned(), message).await {
            Ok(answer) => answer.await,
            Err(error) => Err(error),
        };
        match published {
            // The message ID is known, but its first sending isn't stored yet.
            Ok(answer) if answer.sequence == 0 => Tried::Unknown("JetStream is still storing it".into()),
            Ok(answer) => Tried::Stored(LogNumber(answer.sequence)),
            Err(error) => judge(&error),
        }
    }
}

fn judge(error: &PublishError) -> Tried {
    let reason = format!("JetStream didn't take it: {error}");
    match error.kind() {
        // Nobody listens, as while the stream has no leader.
        PublishErrorKind::StreamNotFound => Tried::NotStored(reason),
        PublishErrorKind::MaxPayloadExceeded => {
            Tried::Never(format!("{reason}; raise max_payload in the configuration of NATS"))
        }
        _ => match refusal(error) {
            Some(ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM | ErrorCode::STREAM_NOT_MATCH) => {
                Tried::Never(reason)
            }
            Some(
                ErrorCode::INSUFFICIENT_RESOURCES
                | ErrorCode::CLUSTER_NOT_AVAILABLE
                | ErrorCode::CLUSTER_NOT_LEADER,
            ) => Tried::NotStored(reason),
            _ => Tried::Unknown(reason),
        },
    }
}

fn refusal(error: &PublishError) -> Option<ErrorCode> {
    let source = std::error::Error::source(error)?;
    source.downcast_ref::<jetstream::Error>().map(jetstream::Error::error_code)
}

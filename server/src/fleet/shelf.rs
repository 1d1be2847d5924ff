//! What the nodes of a cluster keep together: a small stream beside the log, of things that are said once and read by all.

use std::time::Duration;

use async_nats::{
    datetime,
    jetstream::{
        self, ErrorCode,
        consumer::{DeliverPolicy, pull},
        context::{ContextBuilder, CreateStreamError, CreateStreamErrorKind},
        message::PublishMessage,
        stream,
    },
};
use bytes::Bytes;
use futures_util::{
    StreamExt as _,
    stream::{BoxStream, unfold},
};
use tokio::time::{sleep, timeout};

use crate::{
    core::{time::Moment, timeline::KEPT},
    nats::{ANSWERS_WITHIN, Nats},
};

/// What is said again within this time under the same name is kept once.
const SAID_ONCE: Duration = Duration::from_mins(10);
/// How many servers have it, where there are as many.
const REPLICAS: usize = 3;
/// How long a reader waits that has lost the stream.
const READS_AGAIN: Duration = Duration::from_secs(1);

/// The stream, from one node's side.
#[derive(Clone)]
pub(super) struct Shelf {
    nats: Nats,
    context: jetstream::Context,
}

/// One reader's place.
struct Reader {
    shelf: Shelf,
    messages: Option<pull::Ordered>,
    /// What has been read is not read again.
    next: DeliverPolicy,
}

impl Shelf {
    pub(super) fn new(nats: Nats) -> Self {
        let context = ContextBuilder::new().timeout(ANSWERS_WITHIN).build(nats.client().clone());
        Self { nats, context }
    }

    fn subject(&self) -> String {
        self.nats.subject("timeline")
    }

    /// The stream, made by whoever needs it first.
    async fn stream(&self) -> Result<stream::Stream, String> {
        let config = |num_replicas| stream::Config {
            name: format!("FRESHWIRE-{}-timeline", self.nats.cluster()),
            subjects: vec![self.subject()],
            max_age: KEPT.std(),
            duplicate_window: SAID_ONCE,
            num_replicas,
            ..stream::Config::default()
        };
        match self.context.get_or_create_stream(config(REPLICAS)).await {
            Err(error) if is_of_one_alone(&error) => self.context.get_or_create_stream(config(1)).await,
            made => made,
        }
        .map_err(|error| error.to_string())
    }

    /// Keeps a message, once for each name.
    pub(super) async fn keep(&self, name: &str, message: Bytes) -> Result<(), String> {
        if let Some((trouble, _)) = self.nats.trouble() {
            return Err(trouble);
        }
        self.stream().await?;
        let message = PublishMessage::build().payload(message).message_id(name);
        let kept = async {
            let sent = self.context.send_publish(self.subject(), message).await;
            sent.map_err(|error| error.to_string())?.await.map_err(|error| error.to_string())
        };
        timeout(ANSWERS_WITHIN, kept).await.map_err(|_| "no answer in time".to_owned())?.map(drop)
    }

    async fn read_from(self, deliver_policy: DeliverPolicy) -> Result<pull::Ordered, String> {
        if let Some((trouble, _)) = self.nats.trouble() {
            return Err(trouble);
        }
        let config = pull::OrderedConfig { deliver_policy, ..pull::OrderedConfig::default() };
        let consumer = self.stream().await?.create_consumer(config).await;
        let consumer = consumer.map_err(|error| error.to_string())?;
        consumer.messages().await.map_err(|error| error.to_string())
    }

    /// What is kept since then by NATS' clock, or all of it, and what comes, without an end.
    pub(super) fn kept(&self, since: Option<Moment>) -> BoxStream<'static, Bytes> {
        let time = |since: Moment| datetime::from_nanos(i128::from(since.0) * 1_000_000).ok();
        let since = since.and_then(time).map(|start_time| DeliverPolicy::ByStartTime { start_time });
        let next = since.unwrap_or(DeliverPolicy::All);
        let reader = Reader { shelf: self.clone(), messages: None, next };
        unfold(reader, |mut reader| async move { Some((reader.read().await, reader)) }).boxed()
    }
}

/// A server alone refuses to make three of it. One whose others are missing says something else, which passes.
fn is_of_one_alone(error: &CreateStreamError) -> bool {
    let of_three = ErrorCode::STREAM_REPLICAS_NOT_SUPPORTED;
    matches!(error.kind(), CreateStreamErrorKind::JetStream(error) if error.error_code() == of_three)
}

impl Reader {
    async fn read(&mut self) -> Bytes {
        loop {
            match self.try_read().await {
                Ok(message) => return message,
                Err(error) => {
                    self.messages = None;
                    tracing::debug!(error, "what the nodes keep together can't be read; trying again");
                }
            }
            sleep(READS_AGAIN).await;
        }
    }

    async fn try_read(&mut self) -> Result<Bytes, String> {
        let mut messages = match self.messages.take() {
            Some(messages) => messages,
            None => self.shelf.clone().read_from(self.next).await?,
        };
        let message = messages.next().await.ok_or("it has ended")?.map_err(|error| error.to_string())?;
        let read = message.info().map_err(|error| error.to_string())?.stream_sequence;
        self.next = DeliverPolicy::ByStartSequence { start_sequence: read + 1 };
        self.messages = Some(messages);
        Ok(message.message.payload)
    }
}

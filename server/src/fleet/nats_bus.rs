//! The bus over core NATS.

use std::time::Duration;

use async_nats::{Request, RequestErrorKind, Subscriber};
use bytes::Bytes;
use futures_util::{
    FutureExt as _, StreamExt as _,
    future::BoxFuture,
    stream::{self, BoxStream},
};

use super::{
    bus::{AskError, Asked, Bus, Reach},
    shelf::Shelf,
};
use crate::{
    core::time::Moment,
    nats::{ANSWERS_WITHIN, Nats},
};

/// How long a refused subscription waits before it is tried again.
const SUBSCRIBES_AGAIN: Duration = Duration::from_secs(1);

/// The nodes of a cluster on one NATS.
pub struct NatsBus {
    nats: Nats,
    shelf: Shelf,
    node: String,
}

impl NatsBus {
    /// A node's own.
    pub fn new(nats: Nats, node: String) -> Self {
        Self { shelf: Shelf::new(nats.clone()), nats, node }
    }

    fn address(&self, node: &str) -> String {
        self.nats.subject(&format!("ask.{node}"))
    }

    async fn subscribe(&self, subject: String) -> Subscriber {
        loop {
            match self.nats.client().subscribe(subject.clone()).await {
                Ok(subscriber) => {
                    // NATS has heard of it before anything else is done, if it can be reached at all.
                    let heard = tokio::time::timeout(ANSWERS_WITHIN, self.nats.client().flush()).await;
                    if !matches!(heard, Ok(Ok(()))) {
                        tracing::warn!("NATS doesn't answer yet: the other nodes are heard when it does");
                    }
                    return subscriber;
                }
                Err(error) => {
                    tracing::warn!(%error, subject, "can't listen to the other nodes; trying again");
                }
            }
            tokio::time::sleep(SUBSCRIBES_AGAIN).await;
        }
    }
}

impl Bus for NatsBus {
    fn reach(&self) -> Reach {
        if self.nats.connected() { Reach::Connected } else { Reach::CutOff }
    }

    fn tell(&self, message: Bytes) -> BoxFuture<'_, ()> {
        async move {
            if !self.nats.connected() {
                return;
            }
            let client = self.nats.client();
            if let Err(error) = client.publish(self.nats.subject("roll"), message).await {
                tracing::warn!(%error, "the other nodes can't be told");
            }
            // A node that stops must not take its last words with it.
            let _ = tokio::time::timeout(ANSWERS_WITHIN, client.flush()).await;
        }
        .boxed()
    }

    fn hear(&self) -> BoxFuture<'_, BoxStream<'static, Bytes>> {
        async move {
            let heard = self.subscribe(self.nats.subject("roll")).await;
            heard.map(|message| message.payload).boxed()
        }
        .boxed()
    }

    fn ask<'a>(
        &'a self,
        node: &'a str,
        question: Bytes,
        within: Duration,
    ) -> BoxFuture<'a, Result<Bytes, AskError>> {
        async move {
            if !self.nats.connected() {
                return Err(AskError::Away);
            }
            let request = Request::new().payload(question).timeout(Some(within));
            let answer = self.nats.client().send_request(self.address(node), request).await;
            answer.map(|answer| answer.payload).map_err(|error| match error.kind() {
                RequestErrorKind::NoResponders => AskError::Nobody,
                _ => AskError::Late,
            })
        }
        .boxed()
    }

    fn asked(&self) -> BoxFuture<'_, BoxStream<'static, Asked>> {
        async move {
            let client = self.nats.client().clone();
            let questions = self.subscribe(self.address(&self.node)).await;
            let answerable = questions.filter_map(move |message| {
                let client = client.clone();
                let asked = message.reply.map(|reply| Asked {
                    question: message.payload,
                    answer: Box::new(move |answer| {
                        async move {
                            // Whoever asked gives up by himself.
                            let _ = client.publish(reply, answer).await;
                        }
                        .boxed()
                    }),
                });
                std::future::ready(asked)
            });
            answerable.boxed()
        }
        .boxed()
    }

    fn keep<'a>(&'a self, name: &'a str, message: Bytes) -> BoxFuture<'a, Result<(), String>> {
        self.shelf.keep(name, message).boxed()
    }

    fn kept(&self, since: Option<Moment>) -> BoxStream<'static, Bytes> {
        self.shelf.kept(since)
    }
}

/// For a node that is alone: nobody hears it, and nobody asks.
pub struct Alone;

impl Bus for Alone {
    fn reach(&self) -> Reach {
        Reach::Alone
    }

    fn tell(&self, _: Bytes) -> BoxFuture<'_, ()> {
        std::future::ready(()).boxed()
    }

    fn hear(&self) -> BoxFuture<'_, BoxStream<'static, Bytes>> {
        std::future::ready(stream::pending().boxed()).boxed()
    }

    fn ask<'a>(&'a self, _: &'a str, _: Bytes, _: Duration) -> BoxFuture<'a, Result<Bytes, AskError>> {
        std::future::ready(Err(AskError::Nobody)).boxed()
    }

    fn asked(&self) -> BoxFuture<'_, BoxStream<'static, Asked>> {
        std::future::ready(stream::pending().boxed()).boxed()
    }

    fn keep<'a>(&'a self, _: &'a str, _: Bytes) -> BoxFuture<'a, Result<(), String>> {
        std::future::ready(Err("there are no other nodes".to_owned())).boxed()
    }

    fn kept(&self, _: Option<Moment>) -> BoxStream<'static, Bytes> {
        stream::pending().boxed()
    }
}

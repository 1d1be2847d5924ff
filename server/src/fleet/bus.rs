//! The way to the other nodes: messages to all of them that may get lost, questions to one, and what all keep together.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{future::BoxFuture, stream::BoxStream};

use crate::core::time::Moment;

/// What connects the nodes of a cluster. Of what is told nothing is kept for those that don't hear it.
pub trait Bus: Send + Sync + 'static {
    /// Whether there is anybody to reach.
    fn reach(&self) -> Reach;

    /// Tells all other nodes. Dropped while there is no network.
    fn tell(&self, message: Bytes) -> BoxFuture<'_, ()>;

    /// What the other nodes tell, from now on.
    fn hear(&self) -> BoxFuture<'_, BoxStream<'static, Bytes>>;

    /// Asks a node by its name.
    fn ask<'a>(
        &'a self,
        node: &'a str,
        question: Bytes,
        within: Duration,
    ) -> BoxFuture<'a, Result<Bytes, AskError>>;

    /// What this node is asked, from now on.
    fn asked(&self) -> BoxFuture<'_, BoxStream<'static, Asked>>;

    /// Keeps a message for all nodes, once for each name. An error says why it could not be kept.
    fn keep<'a>(&'a self, name: &'a str, message: Bytes) -> BoxFuture<'a, Result<(), String>>;

    /// What is kept since then, or all of it, and what comes. Without an end.
    fn kept(&self, since: Option<Moment>) -> BoxStream<'static, Bytes>;
}

/// Whether a node reaches the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// There are no others.
    Alone,
    /// It does.
    Connected,
    /// Not now.
    CutOff,
}

/// A question to this node.
pub struct Asked {
    /// What is asked.
    pub question: Bytes,
    /// Takes the answer.
    pub answer: Reply,
}

/// Sends an answer; what can't be sent is lost, and whoever asked gives up by himself.
pub type Reply = Box<dyn FnOnce(Bytes) -> BoxFuture<'static, ()> + Send>;

/// Why a question got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// No node of this name is there.
    #[error("there is no such node")]
    Nobody,
    /// It is there, or was, and didn't answer in time.
    #[error("no answer in time")]
    Late,
    /// This node has no network.
    #[error("there is no connection to the other nodes")]
    Away,
}

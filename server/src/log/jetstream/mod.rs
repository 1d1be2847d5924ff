//! The log of a cluster: one stream of NATS JetStream, whose positions are the log's numbers.
//!
//! Read in this order: `stream` (what the stream must be like, and which one it is), `watch` (where it ends, and whether
//! it answers), `append` (what an ambiguous answer means), `read` (entries by number, and following them), `history`.

mod append;
mod history;
mod identity;
mod read;
mod stream;
mod watch;

use std::{path::Path, sync::Arc, time::Duration};

use async_nats::jetstream::{self, context::ContextBuilder};
use futures_util::{FutureExt as _, future::BoxFuture, stream::BoxStream};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, watch as latest};
use tokio_util::task::AbortOnDropHandle;

use super::{AppendError, Log, LogError};
use crate::{
    core::{
        change::{Draft, Entry, Topic},
        names::LogNumber,
    },
    nats::{ANSWERS_WITHIN, Nats},
};

use self::{
    history::Index,
    identity::Identity,
    stream::Names,
    watch::{Health, Trouble},
};

/// Appends under way at once; more wait. Each of them asks twice.
const APPENDS_AT_ONCE: usize = 64;

/// A log in a NATS cluster. Clones are handles to the same one; dropping the last of them ends its watching.
#[derive(Clone)]
pub struct JetStreamLog {
    shared: Arc<Shared>,
    _watching: Arc<AbortOnDropHandle<()>>,
}

/// Why the log can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It may be there later: try again.
    #[error("{0}")]
    NotYet(String),
    /// It is there, and must not be used.
    #[error("{0}")]
    Refused(String),
}

/// What all handles and followers share.
struct Shared {
    nats: Nats,
    context: jetstream::Context,
    names: Names,
    identity: Identity,
    /// The last number that is known to be there.
    last: latest::Sender<LogNumber>,
    health: Mutex<Health>,
    index: Mutex<Index>,
    turns: Semaphore,
}

impl JetStreamLog {
    /// Opens the cluster's log, and makes its stream where there is none. What is remembered of it is in `folder`.
    pub async fn open(nats: Nats, folder: &Path) -> Result<Self, OpenError> {
        if let Some((reason, _)) = nats.trouble() {
            return Err(OpenError::NotYet(reason));
        }
        let context = ContextBuilder::new().timeout(ANSWERS_WITHIN).build(nats.client().clone());
        let names = Names::of(nats.cluster(), |rest| nats.subject(rest));
        let identity = Identity::open(folder, &names.stream).map_err(OpenError::Refused)?;
        names.find_or_make(&context, &identity).await?;
        let shared = Arc::new(Shared {
            nats,
            context,
            names,
            identity,
            last: latest::Sender::new(LogNumber(0)),
            health: Mutex::new(Health::new()),
            index: Mutex::default(),
            turns: Semaphore::new(APPENDS_AT_ONCE),
        });
        shared.advance(shared.look().await.map_err(Trouble::at_opening)?);
        let watching = tokio::spawn(shared.clone().keep_watching());
        Ok(Self { shared, _watching: Arc::new(AbortOnDropHandle::new(watching)) })
    }
}

impl Log for JetStreamLog {
    fn append(&self, draft: Draft) -> BoxFuture<'_, Result<LogNumber, AppendError>> {
        self.shared.append(draft).boxed()
    }

    fn follow(&self, after: LogNumber) -> BoxStream<'static, Result<Entry, LogError>> {
        read::follow(self.shared.clone(), after)
    }

    fn last(&self) -> BoxFuture<'_, Result<LogNumber, LogError>> {
        async { self.shared.end().await.map_err(LogError::from) }.boxed()
    }

    fn history(
        &self,
        topic: Topic,
        before: Option<LogNumber>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Entry>, LogError>> {
        self.shared.history(topic, before, limit).boxed()
    }

    fn trouble(&self) -> Option<(String, Duration)> {
        self.shared.trouble()
    }
}

//! The pushes that pages get, each encoded once, and what became of them on this node.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::core::{
    app::App,
    frames::{PushOutcome, ServerFrame},
    names::LogNumber,
    push::{Push, Reached},
    time::Moment,
};

/// An app's pushes, by number. Those that stay keep their frame and their counts when the app changes.
#[derive(Default)]
pub struct Pushes(Vec<Arc<LivePush>>);

/// A push as pages get it.
pub struct LivePush {
    /// What was pushed.
    pub push: Arc<Push>,
    frame: OnceLock<Utf8Bytes>,
    sent: AtomicU64,
    handled: AtomicU64,
    unhandled: AtomicU64,
    failed: AtomicU64,
}

impl Pushes {
    /// The app's, those that were there before as they were.
    pub(super) fn of(app: &App, before: &Self) -> Self {
        let kept = |push: &Arc<Push>| before.get(push.number).cloned();
        let mut pushes: Vec<_> = app
            .pushes
            .values()
            .map(|push| kept(push).unwrap_or_else(|| Arc::new(LivePush::new(push.clone()))))
            .collect();
        pushes.sort_unstable_by_key(|push| push.push.number);
        Self(pushes)
    }

    /// One of them.
    pub fn get(&self, number: LogNumber) -> Option<&Arc<LivePush>> {
        let at = self.0.binary_search_by_key(&number, |push| push.push.number).ok()?;
        Some(&self.0[at])
    }

    /// What became of each on this node.
    pub(super) fn reached(&self) -> BTreeMap<LogNumber, Reached> {
        self.0.iter().map(|push| (push.push.number, push.reached())).collect()
    }

    /// Those that pages still get.
    pub fn live(&self, now: Moment) -> impl Iterator<Item = &Arc<LivePush>> {
        self.0.iter().filter(move |push| push.push.live(now))
    }
}

impl LivePush {
    fn new(push: Arc<Push>) -> Self {
        let none = AtomicU64::default;
        Self {
            push,
            frame: OnceLock::new(),
            sent: none(),
            handled: none(),
            unhandled: none(),
            failed: none(),
        }
    }

    /// The frame for one more session.
    pub fn send(&self) -> Utf8Bytes {
        self.sent.fetch_add(1, Ordering::Relaxed);
        let Push { number, topic, data, .. } = &*self.push;
        let encode = || ServerFrame::Push { push: *number, topic, data }.encode().into();
        self.frame.get_or_init(encode).clone()
    }

    /// A session says what became of it.
    pub fn report(&self, is: PushOutcome) {
        let counter = match is {
            PushOutcome::Handled => &self.handled,
            PushOutcome::Unhandled => &self.unhandled,
            PushOutcome::Failed => &self.failed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// What became of it on this node since it started.
    pub fn reached(&self) -> Reached {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Reached {
            sent: read(&self.sent),
            handled: read(&self.handled),
            unhandled: read(&self.unhandled),
            failed: read(&self.failed),
        }
    }
}

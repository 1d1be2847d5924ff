//! One connected session, as the rest of the server sees it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;
use subtle::ConstantTimeEq;
use tokio::sync::Notify;

use super::{
    counts::{RowKey, Share},
    hub::Hub,
};
use crate::core::{
    frames::{Frame, PageState},
    names::{BuildId, SessionId},
    order::Version,
    outcome::Record,
    time::Moment,
};

/// A connected session.
pub struct Slot {
    /// Its ID.
    pub id: SessionId,
    /// Its app's hub.
    pub hub: Arc<Hub>,
    /// What it is counted in.
    pub row: Arc<RowKey>,
    /// What it runs: not always its row's build, when it is one of many others.
    pub build: BuildId,
    /// As it says.
    pub reported: Option<Version>,
    /// When it said hello.
    pub connected_at: Moment,
    /// The app's own words about it.
    pub labels: BTreeMap<String, String>,
    /// As the browser says it.
    pub user_agent: Option<Arc<str>>,
    /// Top or embedded.
    pub frame: Frame,
    /// The build of the page that it is embedded in, where that is one of ours.
    pub host: Option<BuildId>,
    /// Its task is to look at `replaced`.
    pub kick: Notify,
    pub(super) resume: Resume,
    pub(super) replaced: AtomicBool,
    counted: AtomicBool,
    live: Mutex<Live>,
}

/// What changes while a session is connected.
#[derive(Clone, Debug, Default)]
pub struct Live {
    /// Somebody can see it.
    pub visible: bool,
    /// The browser has frozen it.
    pub frozen: bool,
    /// Its reasons not to be moved now.
    pub holds: Vec<String>,
    /// Where it is in its campaign.
    pub record: Option<Box<Record>>,
}

/// The secret by which a page proves that a session is its own: 128 random bits.
#[derive(Clone, Copy)]
pub struct Resume([u8; 16]);

impl Resume {
    /// A fresh one.
    pub fn random() -> Self {
        Self(rand::random())
    }

    /// As the page keeps it.
    pub fn to_text(self) -> String {
        use base64::Engine;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Whether a page has it, in constant time.
    pub fn matches(self, text: &str) -> bool {
        self.to_text().as_bytes().ct_eq(text.as_bytes()).into()
    }
}

/// What a slot is made of.
pub struct Arrival {
    /// Its app's hub.
    pub hub: Arc<Hub>,
    /// What it runs.
    pub build: BuildId,
    /// As it says.
    pub reported: Option<Version>,
    /// The app's own words about it.
    pub labels: BTreeMap<String, String>,
    /// As the browser says it.
    pub user_agent: Option<Arc<str>>,
    /// Top or embedded.
    pub frame: Frame,
    /// The build of the page that it is embedded in, where that is one of ours.
    pub host: Option<BuildId>,
    /// As it is now.
    pub page: PageState,
}

impl Slot {
    /// Counts the arrival and makes its slot.
    pub(super) fn new(id: SessionId, arrival: Arrival, now: Moment) -> Self {
        let Arrival { hub, build, reported, labels, user_agent, frame, host, page } = arrival;
        let share = share(&page);
        let key = RowKey { build: build.clone(), reported: reported.clone() };
        let row = hub.counts.join(&hub.view().app, key, share, now);
        let live = Live { visible: page.visible, frozen: page.frozen, holds: page.holds, record: None };
        Self {
            id,
            hub,
            row,
            build,
            reported,
            connected_at: now,
            labels,
            user_agent,
            frame,
            host,
            kick: Notify::new(),
            resume: Resume::random(),
            replaced: AtomicBool::new(false),
            counted: AtomicBool::new(true),
            live: Mutex::new(live),
        }
    }

    /// What it is now.
    pub fn live(&self) -> Live {
        self.live.lock().clone()
    }

    /// Its page changed.
    pub fn set_page(&self, page: PageState) {
        let mut live = self.live.lock();
        let from = live.share();
        live.visible = page.visible;
        live.frozen = page.frozen;
        live.holds = page.holds;
        // Under the session's lock, so that leaving can't subtract what was not added yet.
        if self.counted.load(Ordering::Relaxed) {
            self.hub.counts.change(&self.row, from, live.share());
        }
    }

    /// Reads and changes its record.
    pub fn with_record<T>(&self, change: impl FnOnce(&mut Option<Box<Record>>) -> T) -> T {
        change(&mut self.live.lock().record)
    }

    /// Uncounts it, once.
    pub(super) fn uncount(&self) {
        let live = self.live.lock();
        if self.counted.swap(false, Ordering::Relaxed) {
            self.hub.counts.leave(&self.row, live.share(), self.connected_at);
        }
    }

    /// Another connection has taken the session over.
    pub fn was_replaced(&self) -> bool {
        self.replaced.load(Ordering::Acquire)
    }

    /// Proves next time that the session is the page's own.
    pub fn resume(&self) -> String {
        self.resume.to_text()
    }
}

impl Live {
    fn share(&self) -> Share {
        Share { visible: self.visible, held: !self.holds.is_empty() }
    }
}

fn share(page: &PageState) -> Share {
    Share { visible: page.visible, held: !page.holds.is_empty() }
}

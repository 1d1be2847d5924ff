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
use tokio::{sync::Notify, time::Instant};

use super::{
    counts::{RowKey, Share},
    hub::Hub,
    records::{Records, put_under},
};
use crate::core::{
    frames::{Frame, PageState},
    names::{BuildId, SessionId},
    order::Version,
    outcome::{Record, State},
    tally::Counted,
    time::{Moment, Period},
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
    /// The same by a clock that doesn't jump.
    pub(super) began: Instant,
    /// The app's own words about it.
    pub labels: BTreeMap<String, String>,
    /// As the browser says it.
    pub user_agent: Option<Arc<str>>,
    /// Top or embedded.
    pub frame: Frame,
    /// The build of the page that it is embedded in, where that is one of ours.
    pub host: Option<BuildId>,
    /// How it reaches us.
    pub transport: Transport,
    /// Its task is to look at `replaced`.
    pub kick: Notify,
    resume: Resume,
    /// The secret that the page had before. It counts, too: the page may not have heard the new one.
    before: Option<Resume>,
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
    /// Where it is in its campaigns.
    pub records: Vec<Record>,
}

/// A socket has been heard of by its page within this time, if it is heard of at all.
const HEARD_WITHIN: Period = Period::secs(10);

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

    /// As a page has it, if that is one.
    fn parse(text: &str) -> Option<Self> {
        use base64::Engine;
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// Whether a page has it, in constant time.
    pub fn matches(self, text: &str) -> bool {
        self.to_text().as_bytes().ct_eq(text.as_bytes()).into()
    }
}

/// How a session's page reaches us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// By a socket that stays open.
    #[default]
    Socket,
    /// By asking again and again.
    Poll,
}

impl Transport {
    /// Its name in the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Socket => "ws",
            Self::Poll => "poll",
        }
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
    /// How it reaches us.
    pub transport: Transport,
    /// As it is now.
    pub page: PageState,
}

impl Slot {
    /// Counts the arrival and makes its slot.
    pub(super) fn new(id: SessionId, arrival: Arrival, now: Moment) -> Self {
        let Arrival { hub, build, reported, labels, user_agent, frame, host, transport, page } = arrival;
        let polling = transport == Transport::Poll;
        let share = Share { visible: page.visible, held: !page.holds.is_empty(), polling };
        let key = RowKey { build: build.clone(), reported: reported.clone() };
        let row = hub.counts.join(&hub.view().app, key, share, now);
        let live =
            Live { visible: page.visible, frozen: page.frozen, holds: page.holds, records: Vec::new() };
        Self {
            id,
            hub,
            row,
            build,
            reported,
            connected_at: now,
            began: Instant::now(),
            labels,
            user_agent,
            frame,
            host,
            transport,
            kick: Notify::new(),
            resume: Resume::random(),
            before: None,
            replaced: AtomicBool::new(false),
            counted: AtomicBool::new(true),
            live: Mutex::new(live),
        }
    }

    /// The same, with the secret by which its page came: of another connection's, or of one that is over.
    pub(super) fn known_by(mut self, resume: Option<&str>) -> Self {
        self.before = resume.and_then(Resume::parse);
        self
    }

    /// What it is now.
    pub fn live(&self) -> Live {
        self.live.lock().clone()
    }

    /// Its page changed.
    pub fn set_page(&self, page: PageState) {
        let mut live = self.live.lock();
        let from = self.share(&live);
        live.visible = page.visible;
        live.frozen = page.frozen;
        live.holds = page.holds;
        // Under the session's lock, so that leaving can't subtract what was not added yet.
        if self.counted.load(Ordering::Relaxed) {
            self.hub.counts.change(&self.row, from, self.share(&live));
        }
    }

    /// Looks at its records.
    pub fn with_records<T>(&self, look: impl FnOnce(&[Record]) -> T) -> T {
        look(&self.live.lock().records)
    }

    /// Takes over what another connection of its session, or its absence, has left.
    pub(super) fn adopt(&self, records: Vec<Record>) {
        self.live.lock().records = records;
    }

    /// Its records, for whoever takes the session over or keeps what it leaves behind.
    pub(super) fn take_records(&self) -> Vec<Record> {
        std::mem::take(&mut self.live.lock().records)
    }

    /// Puts a record in the place of the one of its campaign, counts it, and has it written. Nothing changes once the
    /// session has left, or another connection has taken it over.
    pub(super) fn set_record(&self, record: &Record, written: &Records) {
        // Under the session's lock: what whoever takes it over writes is not to be overtaken.
        let mut live = self.live.lock();
        if !self.counted.load(Ordering::Relaxed) || self.was_replaced() {
            return;
        }
        let now = Counted { record, away: false };
        if let Some(there) = live.records.iter_mut().find(|there| there.campaign == record.campaign) {
            if there == record {
                return;
            }
            self.hub.tallies.change(Counted { record: there, away: false }, now);
            there.clone_from(record);
        } else {
            self.hub.tallies.enter(now);
            // Most sessions are in one or two campaigns: room for more would be most of the memory.
            live.records.reserve_exact(1);
            live.records.push(record.clone());
            // Who was never told is counted anew after a crash: not worth a row for every connected session.
            if record.state == State::Waiting {
                return;
            }
        }
        written.note(self, record);
    }

    /// Puts a record in the place of the one of its campaign and counts it; `note` has it written.
    pub(super) fn put_record(&self, record: Record, note: impl FnOnce(&Self, &Record)) {
        // Under the session's lock, as above.
        let mut live = self.live.lock();
        note(self, &record);
        let now = Counted { record: &record, away: false };
        if let Some(there) = live.records.iter_mut().find(|there| there.campaign == record.campaign) {
            self.hub.tallies.change(Counted { record: there, away: false }, now);
            *there = record;
        } else {
            self.hub.tallies.enter(now);
            live.records.push(record);
        }
    }

    /// Learns what was known of its session before; `new`: what that comes to in a campaign in which it has no record here.
    /// False: the session has left, or another connection has taken it over.
    pub(super) fn learn(
        &self,
        earlier: &[Record],
        new: impl Fn(&Record) -> Record,
        written: &Records,
    ) -> bool {
        let known = self.hub.view().app.clone();
        let mut live = self.live.lock();
        if !self.counted.load(Ordering::Relaxed) || self.was_replaced() {
            return false;
        }
        for earlier in earlier.iter().filter(|record| known.campaigns.contains_key(&record.campaign)) {
            let record = put_under(&mut live.records, earlier, &self.hub, false, &new);
            if record.state != State::Waiting || record.told {
                written.note(self, &record);
            }
        }
        true
    }

    /// Drops the records that it need not remember. They stay counted.
    pub(super) fn forget(&self, past_use: impl Fn(&Record) -> bool) {
        let mut live = self.live.lock();
        // The latest is what a list of sessions shows.
        let latest = live.records.iter().map(|record| record.campaign).max();
        live.records.retain(|record| Some(record.campaign) == latest || !past_use(record));
    }

    /// Uncounts it, once.
    pub(super) fn uncount(&self) {
        let live = self.live.lock();
        if self.counted.swap(false, Ordering::Relaxed) {
            self.hub.counts.leave(&self.row, self.share(&live), self.connected_at);
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

    /// Whether this is a secret by which it is a page's own.
    pub fn is_resumed_by(&self, resume: &str) -> bool {
        self.resume.matches(resume) || self.before.is_some_and(|before| before.matches(resume))
    }

    /// Whether this secret is of a hello that was under way when the page's socket was let in: it was overtaken.
    pub fn has_overtaken(&self, resume: &str, now: Moment) -> bool {
        self.transport == Transport::Socket
            && now.since(self.connected_at) < HEARD_WITHIN
            && self.before.is_some_and(|before| before.matches(resume))
    }

    fn share(&self, live: &Live) -> Share {
        let polling = self.transport == Transport::Poll;
        Share { visible: live.visible, held: !live.holds.is_empty(), polling }
    }
}

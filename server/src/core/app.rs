//! One app's state: the fold of its changes.

use std::{
    borrow::Cow,
    cmp::Ordering,
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use serde::Serialize;

use super::{
    campaign::Campaign,
    change::{Floor, NewRelease, Request, Settings, Terms},
    digest,
    names::{AppName, BuildId, LogNumber},
    order::{Order, Version},
    push::{Key, Push},
    time::{Moment, Period},
};

/// How long an idempotency key is remembered.
const KEYS_KEPT: Period = Period::days(1);

/// Everything the log says about one app.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct App {
    /// Its name.
    pub name: AppName,
    /// The number of its last valid entry; 0 for an app that nobody has made yet.
    pub number: LogNumber,
    /// The time of that entry.
    pub last_at: Moment,
    /// What its operators have settled.
    pub settings: Settings,
    /// In the order of registration; a release's number is its index + 1.
    pub releases: Vec<Arc<Release>>,
    #[serde(skip)]
    pub(super) by_build: HashMap<BuildId, u32>,
    /// What pages should be on now.
    pub current: Option<BuildId>,
    /// The last one counts; undoing it restores the one before.
    pub minimums: Vec<Minimum>,
    /// Bad builds.
    pub retired: BTreeMap<BuildId, Retirement>,
    /// By number; ended ones are kept for a while.
    pub campaigns: BTreeMap<LogNumber, Arc<Campaign>>,
    /// The latest of each topic and selection; those that expired before the last entry are gone.
    #[serde(serialize_with = "digest::values")]
    pub pushes: BTreeMap<Key, Arc<Push>>,
    requests: Requests,
    #[serde(skip)]
    pub(super) digest: digest::Known,
}

/// A registered release.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Release {
    /// Counts from 1 in the order of registration.
    pub number: u32,
    /// As it was registered.
    pub new: NewRelease,
    /// It waits to be settled: it was registered so, or its app had probes then.
    pub rolling: bool,
    /// When.
    pub registered_at: Moment,
    /// When it became current for the first time.
    pub settled_at: Option<Moment>,
}

/// A minimum that was set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Minimum {
    /// The lowest that is supported.
    pub floor: Floor,
    /// Why.
    pub reason: String,
    /// How its pages are moved.
    pub terms: Terms,
    /// When.
    pub at: Moment,
    /// By whom.
    pub by: String,
}

/// A build's retirement.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Retirement {
    /// Why.
    pub reason: String,
    /// When.
    pub at: Moment,
    /// By whom.
    pub by: String,
}

/// A request that was answered, by its idempotency key.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answered {
    /// Digest of the request.
    pub hash: String,
    /// The entry that it became.
    pub number: LogNumber,
    at: Moment,
}

/// The requests of a topic that were answered lately, by their idempotency key.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Requests(BTreeMap<String, Answered>);

impl Requests {
    /// The one that used this key, if it is remembered at `now`.
    pub fn answered(&self, key: &str, now: Moment) -> Option<&Answered> {
        self.0.get(key).filter(|answered| now.since(answered.at) < KEYS_KEPT)
    }

    /// Remembers that a request was answered by an entry, and forgets those of a day ago.
    pub(super) fn remember(&mut self, request: &Request, stamp: Stamp<'_>) {
        self.0.retain(|_, answered| stamp.at.since(answered.at) < KEYS_KEPT);
        let answered = Answered { hash: request.hash.clone(), number: stamp.number, at: stamp.at };
        self.0.insert(request.key.clone(), answered);
    }
}

/// Why a change is refused. The text says what to do instead.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// It contradicts what there is.
    #[error("{0}")]
    Conflict(String),
    /// Current would be below the minimum or retired.
    #[error("{0}")]
    LocksEveryoneOut(String),
    /// Older than current.
    #[error("{0}")]
    OutOfOrder(String),
    /// One of its fields can't be so.
    #[error("{reason}")]
    Invalid {
        /// The field, as a JSON path.
        field: Cow<'static, str>,
        /// What is wrong with it.
        reason: String,
    },
}

/// What an entry says about itself beside its change.
#[derive(Clone, Copy, Debug)]
pub struct Stamp<'a> {
    /// Its number, or in a dry run the one that it might get.
    pub number: LogNumber,
    /// Its time.
    pub at: Moment,
    /// Who did it.
    pub actor: &'a str,
}

impl App {
    /// An app before its first entry.
    pub fn new(name: AppName) -> Self {
        Self {
            name,
            number: LogNumber(0),
            last_at: Moment(0),
            settings: Settings::default(),
            releases: Vec::new(),
            by_build: HashMap::new(),
            current: None,
            minimums: Vec::new(),
            retired: BTreeMap::new(),
            campaigns: BTreeMap::new(),
            pushes: BTreeMap::new(),
            requests: Requests::default(),
            digest: digest::Known::default(),
        }
    }

    /// Somebody has made it: by settings or by a release.
    pub fn exists(&self) -> bool {
        self.number > LogNumber(0)
    }

    /// A registered release.
    pub fn release(&self, build: &BuildId) -> Option<&Arc<Release>> {
        self.by_build.get(build).map(|number| &self.releases[*number as usize - 1])
    }

    /// The release that pages should be on now.
    pub fn current_release(&self) -> Option<&Arc<Release>> {
        self.release(self.current.as_ref()?)
    }

    /// The minimum in force.
    pub fn minimum(&self) -> Option<&Minimum> {
        self.minimums.last()
    }

    /// What its builds are ordered by; before the first release, registration.
    pub fn order(&self) -> Order {
        self.settings.order.unwrap_or(Order::Release)
    }

    /// The request that already used this idempotency key, if it is remembered at `now`.
    pub fn answered(&self, key: &str, now: Moment) -> Option<&Answered> {
        self.requests.answered(key, now)
    }

    /// The lowest release number whose version reaches a floor, for an app that orders by registration.
    pub(super) fn first_release_at_or_above(&self, floor: &Version) -> u32 {
        let reaches = |release: &&Arc<Release>| {
            release.new.version.as_ref().is_some_and(|version| version.precedence(floor) != Ordering::Less)
        };
        self.releases.iter().find(reaches).map_or(u32::MAX, |release| release.number)
    }

    /// Remembers that a request was answered by an entry.
    pub(super) fn remember(&mut self, request: &Request, stamp: Stamp<'_>) {
        self.requests.remember(request, stamp);
    }
}

/// A release as people know it: `2.4.1 (3f9c2ab)`, or its build alone.
pub fn label(release: &Release) -> String {
    match &release.new.version {
        Some(version) => format!("{version} ({})", release.new.build),
        None => release.new.build.to_string(),
    }
}

//! Back-end instances that report in: what they run and provide, and until when that counts.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::core::{
    names::{AppName, BuildId, InstanceName, Need},
    needs::BackEnd,
    rollcall::BackEndReport,
    time::{Moment, Period},
};

/// Most instances of an app.
const MOST: usize = 1_000;
/// How long an instance that has stopped reporting is still shown.
const SHOWN_SILENT: Duration = Duration::from_hours(1);

/// The instances of all apps, as they report in here or at another node. In memory only: who is alive reports in again.
pub struct BackEnds {
    apps: Mutex<HashMap<AppName, Instances>>,
    started: Instant,
    /// How long a report counts that says nothing else.
    pub usual_ttl: Period,
}

#[derive(Default)]
struct Instances {
    by_name: BTreeMap<InstanceName, Report>,
    /// When the first of those that are alive was heard.
    since: Option<Instant>,
}

/// What an instance said last.
#[derive(Clone, Debug)]
pub struct Report {
    /// What it runs.
    pub build: BuildId,
    /// What it offers.
    pub provides: BTreeSet<Need>,
    /// How long it counts.
    pub ttl: Period,
    /// When it came.
    pub at: Moment,
    heard: Instant,
    /// It said that it stops. Remembered, or what another node heard before would count again.
    left: bool,
    /// It was this node that heard it: the others are told.
    here: bool,
}

/// There are too many instances.
#[derive(Debug, PartialEq, Eq)]
pub struct TooMany;

impl Report {
    /// A report that comes now.
    pub fn new(build: BuildId, provides: BTreeSet<Need>, ttl: Period) -> Self {
        Self { build, provides, ttl, at: crate::clock::now(), heard: Instant::now(), left: false, here: true }
    }

    fn live(&self, now: Instant) -> bool {
        !self.left && now < self.heard + self.ttl.std()
    }

    fn to_others(&self) -> BackEndReport {
        let age = u64::try_from(self.heard.elapsed().as_millis()).unwrap_or(u64::MAX);
        BackEndReport {
            build: self.build.clone(),
            provides: self.provides.clone(),
            ttl: self.ttl,
            at: self.at,
            age: Period(age),
            left: self.left,
        }
    }

    /// Since when it has been silent. None: it is alive.
    pub fn silent_since(&self) -> Option<Moment> {
        (!self.live(Instant::now())).then(|| self.at + self.ttl)
    }
}

impl BackEnds {
    /// Nobody yet.
    pub fn new(usual_ttl: Period) -> Self {
        Self { apps: Mutex::default(), started: Instant::now(), usual_ttl }
    }

    /// An instance reports in. Those that have been silent the longest make room for it.
    pub fn report(&self, app: &AppName, name: InstanceName, report: Report) -> Result<(), TooMany> {
        self.apps.lock().entry(app.clone()).or_default().take_in(name, report)
    }

    /// An instance says that it stops. None: it has not been heard of.
    pub fn leave(&self, app: &AppName, name: &InstanceName) -> Option<Report> {
        let mut apps = self.apps.lock();
        let report = apps.get_mut(app)?.by_name.get_mut(name).filter(|report| !report.left)?;
        let last = report.clone();
        *report = Report { left: true, here: true, heard: Instant::now(), ..last.clone() };
        Some(last)
    }

    /// Another node has heard an instance. Of two reports the later counts.
    pub(super) fn hear(&self, app: &AppName, name: &InstanceName, said: &BackEndReport) {
        let BackEndReport { build, provides, ttl, at, age, left } = said.clone();
        let Some(heard) = Instant::now().checked_sub(age.std()) else { return };
        let mut apps = self.apps.lock();
        let known = apps.get(app).and_then(|all| all.by_name.get(name));
        if known.is_none_or(|known| known.heard < heard) {
            let report = Report { build, provides, ttl, at, heard, left, here: false };
            // There is no room: those that are known are alive.
            let _ = apps.entry(app.clone()).or_default().take_in(name.clone(), report);
        }
    }

    /// What this node has heard itself, for the others.
    pub(super) fn reports(&self, app: &AppName) -> BTreeMap<InstanceName, BackEndReport> {
        let mut apps = self.apps.lock();
        let Some(all) = apps.get_mut(app) else { return BTreeMap::new() };
        all.forget(Instant::now());
        let here = all.by_name.iter().filter(|(_, report)| report.here);
        here.map(|(name, report)| (name.clone(), report.to_others())).collect()
    }

    /// All of an app by name, those that have fallen silent in the last hour too.
    pub fn list(&self, app: &AppName) -> Vec<(InstanceName, Report)> {
        let mut apps = self.apps.lock();
        let Some(all) = apps.get_mut(app) else { return Vec::new() };
        all.forget(Instant::now());
        let known = all.by_name.iter().filter(|(_, report)| !report.left);
        known.map(|(name, report)| (name.clone(), report.clone())).collect()
    }

    /// Those of an app that are alive, by name.
    pub fn live(&self, app: &AppName) -> Vec<BackEnd> {
        let now = Instant::now();
        let apps = self.apps.lock();
        let all = apps.get(app).into_iter().flat_map(|all| &all.by_name);
        all.filter(|(_, report)| report.live(now))
            .map(|(name, report)| BackEnd {
                instance: name.clone(),
                build: report.build.clone(),
                provides: report.provides.clone(),
            })
            .collect()
    }

    /// Every instance of an app has had the time to report in, since this node started and since the first one did.
    pub fn heard_all(&self, app: &AppName) -> bool {
        let now = Instant::now();
        let after_start = self.started + self.usual_ttl.std();
        let apps = self.apps.lock();
        let after_first = apps.get(app).and_then(|all| {
            let live = all.by_name.values().filter(|report| report.live(now));
            Some(all.since? + live.map(|report| report.ttl.std()).max()?)
        });
        now >= after_start && after_first.is_none_or(|after| now >= after)
    }
}

impl Instances {
    fn take_in(&mut self, name: InstanceName, report: Report) -> Result<(), TooMany> {
        let now = Instant::now();
        self.forget(now);
        if self.by_name.len() >= MOST && !self.by_name.contains_key(&name) {
            let silent = self.by_name.iter().filter(|(_, report)| !report.live(now));
            let longest = silent.min_by_key(|(_, report)| report.heard + report.ttl.std());
            let longest = longest.map(|(name, _)| name.clone()).ok_or(TooMany)?;
            self.by_name.remove(&longest);
        }
        if !self.by_name.values().any(|report| report.live(now)) {
            self.since = Some(now);
        }
        self.by_name.insert(name, report);
        Ok(())
    }

    fn forget(&mut self, now: Instant) {
        self.by_name.retain(|_, report| now < report.heard + report.ttl.std() + SHOWN_SILENT);
    }
}

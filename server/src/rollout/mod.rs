//! Whether rolling releases are served: who reports in, what origins say, and settling by itself.

mod address;
mod document;
mod probe;
pub mod watch;

use std::collections::HashMap;

use parking_lot::Mutex;

use self::probe::Origins;
use crate::{
    core::{
        app::{App, Release},
        names::{AppName, BuildId},
        needs::lacking,
        rollout::{Evidence, IN_A_ROW, ProbeReading},
        time::{Moment, Period},
    },
    fleet::Fleet,
};

/// How evidence is gathered.
#[derive(Clone, Copy, Debug)]
pub struct Gathering {
    /// Probes may go to private addresses.
    pub probe_private: bool,
    /// Time between two probes of an origin that is about to change; they slow down when nothing does.
    pub probe_interval: Period,
    /// How long a back end's report counts that says nothing else. Evidence of back ends begins that long after a start.
    pub backend_ttl: Period,
}

impl Default for Gathering {
    fn default() -> Self {
        Self { probe_private: false, probe_interval: Period::secs(2), backend_ttl: Period::secs(30) }
    }
}

/// What this node knows of its apps' origins and back ends.
pub struct Rollouts {
    /// Asks origins.
    pub origins: Origins,
    gathering: Gathering,
    /// What the origins of apps with something unsettled said, by URL.
    readings: Mutex<HashMap<AppName, HashMap<String, ProbeReading>>>,
}

impl Rollouts {
    /// Nothing yet.
    pub fn new(gathering: Gathering) -> Self {
        Self { origins: Origins::new(gathering.probe_private), gathering, readings: Mutex::default() }
    }

    /// What is known of a release's being served, of every kind that there is. O(builds).
    pub fn evidence(&self, fleet: &Fleet, app: &App, release: &Release, now: Moment) -> Vec<Evidence> {
        let mut evidence = Vec::new();
        let settings = &app.settings;
        if !settings.probes.is_empty() {
            let readings = fleet.probes(&app.name);
            let reading = |url: &String| {
                let known = readings.iter().find(|reading| reading.url == *url).cloned();
                known.unwrap_or_else(|| ProbeReading::unasked(url))
            };
            let probes = settings.probes.iter().map(reading).collect();
            evidence.push(Evidence::Probes { probes, wanted: IN_A_ROW });
        }
        evidence.extend(evidence_of_back_ends(fleet, app, release));
        if let Some(wanted) = settings.organic {
            let (pages, failed_at) = fleet.lived(&app.name, &release.new.build, now - wanted.lasting);
            evidence.push(Evidence::Organic { pages, wanted, failed_at });
        }
        evidence
    }

    /// Takes in what an app's origins said, and says whether that may lead to one of these builds being settled soon.
    fn take_in(
        &self,
        app: &AppName,
        answers: Vec<(String, Result<BuildId, String>)>,
        unsettled: &[BuildId],
    ) -> bool {
        let now = crate::clock::now();
        let mut all = self.readings.lock();
        let readings = all.entry(app.clone()).or_default();
        // Of URLs that are no longer asked nothing is kept.
        readings.retain(|url, _| answers.iter().any(|(asked, _)| asked == url));
        let mut news = false;
        for (url, answer) in answers {
            let reading = readings.entry(url.clone()).or_insert_with(|| ProbeReading::unasked(&url));
            let before = reading.build.clone();
            reading.take_in(answer, now);
            let on_its_way = reading.in_a_row < IN_A_ROW
                && reading.build.as_ref().is_some_and(|build| unsettled.contains(build));
            news |= on_its_way || reading.build != before;
        }
        news
    }

    /// What an app's origins said.
    fn said(&self, app: &AppName) -> Vec<ProbeReading> {
        self.readings.lock().get(app).into_iter().flat_map(|readings| readings.values().cloned()).collect()
    }

    /// Forgets what an app's origins said.
    fn forget(&self, app: &AppName) {
        self.readings.lock().remove(app);
    }
}

/// None: it needs nothing, or nobody who could provide it reports in.
fn evidence_of_back_ends(fleet: &Fleet, app: &App, release: &Release) -> Option<Evidence> {
    let needs = &release.new.needs;
    if needs.is_empty() {
        return None;
    }
    let (live, heard_all) = (fleet.back_ends.live(&app.name), fleet.back_ends.heard_all(&app.name));
    let (lacking, live) = (lacking(needs, &live), live.len() as u64);
    (live > 0 || !heard_all).then_some(Evidence::BackEnds { heard_all, live, lacking })
}

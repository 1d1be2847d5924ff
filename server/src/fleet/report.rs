//! What this node tells the others of itself.

use std::collections::BTreeMap;

use super::{Fleet, hub::Hub};
use crate::core::{
    app::App,
    change::FOLD,
    rollcall::{AppReport, Lived, Report},
    rollout::unsettled,
    time::Moment,
};

/// Which start of a node this is.
pub(super) fn incarnation(started_at: Moment) -> u64 {
    u64::try_from(started_at.0).unwrap_or(0)
}

impl Fleet {
    /// This node's report. O(builds).
    pub(super) fn report(&self) -> Report {
        let now = crate::clock::now();
        let state = self.ledger.state();
        let of_app = |app: &App| {
            let hub = self.hubs.get(&app.name).map(|hub| hub.clone());
            let report = self.report_of(app, hub.as_deref(), now);
            (report != AppReport::default()).then(|| (app.name.clone(), report))
        };
        Report {
            node: self.node.clone(),
            incarnation: incarnation(self.started_at),
            seq: 0,
            number: state.number,
            digest: Some(state.digest().to_string()),
            fold: FOLD,
            sessions: self.registry.len() as u64,
            warming: self.own_warming(),
            leaving: self.draining(),
            apps: state.apps.values().filter_map(|app| of_app(app)).collect(),
            remains: Vec::new(),
        }
    }

    fn report_of(&self, app: &App, hub: Option<&Hub>, now: Moment) -> AppReport {
        let tally = hub.map(|hub| hub.counts.tally()).unwrap_or_default();
        let mut organic = BTreeMap::new();
        for lasting in app.settings.organic.iter().map(|organic| organic.lasting) {
            for release in unsettled(app) {
                let build = &release.new.build;
                let (pages, failed_at) = self.own_lived(&app.name, build, now - lasting);
                organic.insert(build.clone(), Lived { pages, failed_at });
            }
        }
        AppReport {
            rows: tally.rows,
            forgotten: tally.forgotten,
            campaigns: hub.map(|hub| hub.tallies.all()).unwrap_or_default(),
            pushes: hub.map(|hub| hub.view().pushes.reached()).unwrap_or_default(),
            back_ends: self.back_ends.reports(&app.name),
            organic,
            probes: self.own_probes(&app.name),
            came_from: self.roll.came(&app.name),
        }
    }
}

//! What is known of one other node: its last report, and who of its pages came elsewhere since.

use std::{collections::BTreeMap, time::Duration};

use super::{
    MISSING_AFTER,
    report::{AppReport, Arrival, Came, Remains, Report},
};
use crate::core::{
    census::BuildCount,
    names::{AppName, BuildId},
    time::Period,
};

/// Another node.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) report: Report,
    pub(super) heard_at: Duration,
    /// When this start of it was heard of first, or it came back.
    pub(super) since: Duration,
    /// When it said goodbye, or was forgotten.
    pub(super) gone_at: Option<Duration>,
    /// When another node said that it has this name, too.
    pub(super) namesake_at: Option<Duration>,
    /// It had made something else of the log when that was compared last.
    pub(super) disagrees: bool,
    /// Pages of its own that have come to other nodes.
    pub(super) came: BTreeMap<Arrival, Came>,
    /// Those of them that came since its last report, in sum.
    pub(super) returned: BTreeMap<AppName, BTreeMap<BuildId, u64>>,
}

impl Node {
    pub(super) fn new(report: Report) -> Self {
        Self {
            report,
            heard_at: Duration::ZERO,
            since: Duration::ZERO,
            gone_at: None,
            namesake_at: None,
            disagrees: false,
            came: BTreeMap::new(),
            returned: BTreeMap::new(),
        }
    }

    pub(super) fn is_followed_by(&self, report: &Report, now: Duration) -> bool {
        let quiet = self.gone_at.is_some() || now.saturating_sub(self.heard_at) > MISSING_AFTER;
        if report.incarnation == self.report.incarnation {
            report.seq > self.report.seq
        } else {
            // Incarnations go by the wall clock, which may have been set back over a restart.
            report.incarnation > self.report.incarnation || quiet
        }
    }

    /// Pages of its own came to another node: so many since that one's start.
    pub(super) fn count(&mut self, arrival: Arrival, total: u64) {
        let returned = self.returned.entry(arrival.app.clone()).or_default();
        let returned = returned.entry(arrival.build.clone()).or_default();
        let came = self.came.entry(arrival).or_default();
        *returned += total.saturating_sub(came.total);
        came.total = came.total.max(total);
    }

    pub(super) fn remains(&self, now: Duration) -> Remains {
        let mut report = self.report.clone();
        for of_app in report.apps.values_mut() {
            let AppReport { mut rows, forgotten, .. } = std::mem::take(of_app);
            rows.retain(|row| row.sessions + row.away > 0);
            *of_app = AppReport { rows, forgotten, ..AppReport::default() };
        }
        let age = |at: Duration| u64::try_from(now.saturating_sub(at).as_millis()).unwrap_or(u64::MAX);
        let came = self.came.iter().map(|(arrival, came)| (arrival.clone(), *came)).collect();
        Remains { report, gone: self.gone_at.map(|at| Period(age(at))), came }
    }

    pub(super) fn has_left_any(&self) -> bool {
        self.report.apps.keys().any(|app| !self.left_behind(app).is_empty())
    }

    /// Its sessions, away now, without those that have come back elsewhere.
    pub(super) fn left_behind(&self, app: &AppName) -> Vec<BuildCount> {
        self.not_seen_again(app, |row| row.sessions + row.away)
    }

    /// Those of its sessions that have not come back elsewhere: who has is taken from the row of the build that he came
    /// back with, and from any others when he came back on a new one.
    pub(super) fn not_seen_again(&self, app: &AppName, of: impl Fn(&BuildCount) -> u64) -> Vec<BuildCount> {
        let rows = self.report.apps.get(app).map(|of_app| of_app.rows.as_slice()).unwrap_or_default();
        let mut returned = self.returned.get(app).cloned().unwrap_or_default();
        let mut left: Vec<_> = rows
            .iter()
            .map(|row| BuildCount {
                reported: row.reported.clone(),
                away: of(row),
                ..BuildCount::none(row.build.clone())
            })
            .collect();
        for row in &mut left {
            if let Some(back) = returned.get_mut(&row.build) {
                take(&mut row.away, back);
            }
        }
        let mut on_other_builds = returned.values().fold(0, |sum: u64, back| sum.saturating_add(*back));
        for row in &mut left {
            take(&mut row.away, &mut on_other_builds);
        }
        left.retain(|row| row.away > 0);
        left
    }
}

fn take(from: &mut u64, much: &mut u64) {
    let taken = (*from).min(*much);
    *from -= taken;
    *much -= taken;
}

//! The census over time, counted every minute and kept over a restart.

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::RwLock;
use tokio_util::sync::CancellationToken;

use super::Fleet;
use crate::{
    core::{
        app::App,
        names::AppName,
        time::{Moment, Period},
        timeline::{KEPT, Point, Points},
    },
    log::{LogError, SideStore, SideWrite},
};

const TABLE: &str = "timeline";
/// How often what has grown old is looked for.
const THINNED_EVERY: Period = Period::mins(10);

/// All apps' points.
pub struct Timeline {
    side: Arc<dyn SideStore>,
    points: RwLock<HashMap<AppName, Points>>,
}

impl Timeline {
    pub(super) async fn load(side: Arc<dyn SideStore>, now: Moment) -> Result<Self, LogError> {
        let mut points: HashMap<AppName, Points> = HashMap::new();
        for row in side.load(TABLE).await? {
            let app = row.key.split_once('/').and_then(|(app, _)| app.parse().ok());
            if let (Some(app), Ok(point)) = (app, serde_json::from_str(&row.value)) {
                points.entry(app).or_default().add(Arc::new(point));
            }
        }
        let timeline = Self { side, points: RwLock::new(points) };
        timeline.thin(now).await;
        Ok(timeline)
    }

    /// An app's points from a moment to another: of every `step` the last.
    pub fn between(&self, app: &AppName, from: Moment, to: Moment, step: Period) -> Vec<Arc<Point>> {
        self.points.read().get(app).map(|points| points.between(from, to, step)).unwrap_or_default()
    }

    /// Adds points of several apps.
    async fn add(&self, points: Vec<(AppName, Point)>) {
        let mut rows = Vec::new();
        {
            let mut all = self.points.write();
            for (app, point) in points {
                let value = serde_json::to_string(&point).ok();
                rows.push(SideWrite { kind: TABLE, key: key(&app, point.at), value, at: point.at });
                all.entry(app).or_default().add(Arc::new(point));
            }
        }
        super::records::put(&*self.side, rows).await;
    }

    /// Makes what has grown old sparser. O(points): for once in a while.
    async fn thin(&self, now: Moment) {
        let mut rows = Vec::new();
        for (app, points) in self.points.write().iter_mut() {
            let gone = points.thin(now);
            rows.extend(gone.into_iter().map(|at| SideWrite {
                kind: TABLE,
                key: key(app, at),
                value: None,
                at: now,
            }));
        }
        super::records::put(&*self.side, rows).await;
        // What could not be read has no point that would be dropped.
        if let Err(error) = self.side.prune(TABLE, now - KEPT).await {
            tracing::warn!(%error, "the timeline's oldest points could not be pruned");
        }
    }
}

impl Fleet {
    /// Counts at every multiple of `every`, until `stop`.
    pub(super) async fn keep_timeline(&self, every: Period, stop: CancellationToken) {
        let mut thinned_at = crate::clock::now();
        loop {
            let now = crate::clock::now();
            let at = next_multiple(now, every);
            let wait = Duration::from_millis(at.since(now).0);
            if stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
                return;
            }
            // Woken a little early, or the clock was set meanwhile.
            if !(at..at + every).contains(&crate::clock::now()) {
                continue;
            }
            let state = self.ledger.state();
            let points = state.apps.values().map(|app| (app.name.clone(), self.point(app, at))).collect();
            self.timeline.add(points).await;
            if at.since(thinned_at) >= THINNED_EVERY {
                thinned_at = at;
                self.timeline.thin(at).await;
            }
        }
    }

    fn point(&self, app: &App, at: Moment) -> Point {
        Point::new(at, self.warming(), crate::core::census::rows(app, self.counts(&app.name)))
    }
}

/// Sorts by time within an app.
fn key(app: &AppName, at: Moment) -> String {
    format!("{app}/{:015}", at.0)
}

fn next_multiple(now: Moment, every: Period) -> Moment {
    let length = i64::try_from(every.0.max(1)).unwrap_or(i64::MAX);
    Moment((now.0.div_euclid(length) + 1).saturating_mul(length))
}

//! The census over time, counted every minute and kept over a restart. In a cluster it is counted once, and read by all.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use parking_lot::RwLock;
use tokio_util::sync::CancellationToken;

use super::{Fleet, bus::Reach};
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
/// What the nodes keep together is read on from so long before the last point that is known: clocks differ.
const READ_AGAIN: Period = Period::mins(10);
/// Most points that are taken in at once.
const MOST_AT_ONCE: usize = 500;

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

    /// When the latest of all apps' was.
    fn last(&self) -> Option<Moment> {
        self.points.read().values().filter_map(Points::last).max()
    }

    /// Whether a point is later than all that are known. What is older was thinned out, or is there.
    fn is_news(&self, app: &AppName, point: &Point) -> bool {
        self.points.read().get(app).and_then(Points::last).is_none_or(|last| last < point.at)
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
            let points = || state.apps.values().map(|app| (app.name.clone(), self.point(app, at))).collect();
            match self.bus.reach() {
                Reach::Alone => self.timeline.add(points()).await,
                Reach::Connected if self.on_duty() => {
                    // Each point may take a while that NATS doesn't answer.
                    if stop.run_until_cancelled(self.share(at, points())).await.is_none() {
                        return;
                    }
                }
                // Another one does, or nobody can.
                Reach::Connected | Reach::CutOff => {}
            }
            if at.since(thinned_at) >= THINNED_EVERY {
                thinned_at = at;
                self.timeline.thin(at).await;
            }
        }
    }

    /// Hands points to all nodes, once for each moment however many believe to be on duty.
    async fn share(&self, at: Moment, points: Vec<(AppName, Point)>) {
        for (app, point) in &points {
            let message = serde_json::to_vec(&(app, point)).expect("a point can be written as JSON");
            if let Err(error) = self.bus.keep(&key(app, at), message.into()).await {
                tracing::warn!(error, %app, "a point of the timeline could not be kept");
            }
        }
    }

    /// Takes in the points that the nodes keep together, those that this one has missed too.
    pub(super) async fn read_timeline(&self) {
        // A clock may have been far ahead.
        let since = self.timeline.last().map(|last| last.min(crate::clock::now()) - READ_AGAIN);
        let mut kept = self.bus.kept(since).ready_chunks(MOST_AT_ONCE);
        while let Some(messages) = kept.next().await {
            let mut news = Vec::new();
            for message in messages {
                match serde_json::from_slice::<(AppName, Point)>(&message) {
                    Ok((app, point)) if self.timeline.is_news(&app, &point) => news.push((app, point)),
                    Ok(_) => {}
                    Err(error) => tracing::warn!(%error, "a point of the timeline can't be read"),
                }
            }
            self.timeline.add(news).await;
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

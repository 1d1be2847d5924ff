//! The census over time: points that grow sparser as they grow older.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    census::Row,
    names::BuildId,
    order::Version,
    time::{Moment, Period},
};

/// How long points are kept.
pub const KEPT: Period = Period::days(30);
/// What is kept of points that are so old: the last one of every window, a census as it was rather than a mean that never
/// was. Younger ones are all kept.
const WINDOWS: [(Period, Period); 2] =
    [(Period::days(7), Period::mins(60)), (Period::days(1), Period::mins(10))];
/// Most rows of a point; the smallest of more are one.
const MOST_ROWS: usize = 50;

/// A census at a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Point {
    /// When.
    pub at: Moment,
    /// Connected or polling.
    pub sessions: u64,
    /// The node had just started, and its pages were still finding their way back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub warming: bool,
    /// By build, most sessions first.
    pub rows: Vec<PointRow>,
}

/// One build at a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PointRow {
    /// Which build.
    #[serde(deserialize_with = "BuildId::of_row")]
    pub build: BuildId,
    /// As registered, or as its pages say.
    #[serde(default)]
    pub version: Option<Version>,
    /// Connected or polling.
    pub sessions: u64,
    /// Vanished without a goodbye.
    pub away: u64,
}

impl Point {
    /// What is kept of a census.
    pub fn new(at: Moment, warming: bool, census: Vec<Row>) -> Self {
        let sessions = census.iter().map(|row| row.sessions).sum();
        let some = census.into_iter().filter(|row| row.sessions > 0 || row.away > 0);
        let mut rows: Vec<_> = some
            .map(|Row { build, version, sessions, away, .. }| PointRow { build, version, sessions, away })
            .collect();
        rows.sort_by(|a, b| {
            (b.sessions, b.away).cmp(&(a.sessions, a.away)).then_with(|| a.build.cmp(&b.build))
        });
        if rows.len() > MOST_ROWS {
            let rest = rows.split_off(MOST_ROWS - 1);
            let sum = |of: fn(&PointRow) -> u64| rest.iter().map(of).sum();
            let (sessions, away) = (sum(|row| row.sessions), sum(|row| row.away));
            rows.push(PointRow { build: BuildId::others(), version: None, sessions, away });
        }
        Self { at, sessions, warming, rows }
    }
}

/// One app's points.
#[derive(Clone, Debug, Default)]
pub struct Points(BTreeMap<Moment, Arc<Point>>);

impl Points {
    /// Adds a point, in the place of one at the same moment.
    pub fn add(&mut self, point: Arc<Point>) {
        self.0.insert(point.at, point);
    }

    /// When the latest was.
    pub fn last(&self) -> Option<Moment> {
        self.0.keys().next_back().copied()
    }

    /// Drops what is too old and what is too dense for its age, and answers which.
    pub fn thin(&mut self, now: Moment) -> Vec<Moment> {
        let mut dropped = Vec::new();
        let mut points = self.0.keys().copied().peekable();
        while let Some(at) = points.next() {
            let age = now.since(at);
            let window = WINDOWS.iter().find(|(older, _)| age > *older).map(|(_, window)| *window);
            let followed = |window| points.peek().is_some_and(|next| same_window(at, *next, window));
            if age > KEPT || window.is_some_and(followed) {
                dropped.push(at);
            }
        }
        for at in &dropped {
            self.0.remove(at);
        }
        dropped
    }

    /// Those from a moment to another: of every `step` the last, in order.
    pub fn between(&self, from: Moment, to: Moment, step: Period) -> Vec<Arc<Point>> {
        let mut found: Vec<Arc<Point>> = Vec::new();
        if from > to {
            return found;
        }
        for (at, point) in self.0.range(from..=to) {
            if found.last().is_some_and(|last| same_window(last.at, *at, step)) {
                found.pop();
            }
            found.push(point.clone());
        }
        found
    }
}

/// A window ends with its last moment: 12:10 is the end of ten minutes, not the beginning of the next.
fn same_window(one: Moment, other: Moment, window: Period) -> bool {
    let length = i64::try_from(window.0.max(1)).unwrap_or(i64::MAX);
    let of = |moment: Moment| (moment.0 - 1).div_euclid(length);
    of(one) == of(other)
}

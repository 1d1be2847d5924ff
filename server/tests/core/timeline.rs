//! The timeline: what is kept of it, and what is shown.

use std::sync::Arc;

use freshwire::core::{
    census::Row,
    time::{Moment, Period},
    timeline::{Point, Points},
};
use proptest::prelude::*;
use serde_json::json;

const MINUTE: i64 = 60_000;

fn point(minute: i64) -> Arc<Point> {
    Arc::new(Point::new(Moment(minute * MINUTE), false, Vec::new()))
}

fn minutes(points: &Points) -> Vec<i64> {
    let all = points.between(Moment(0), Moment(i64::MAX), Period(1));
    all.iter().map(|point| point.at.0 / MINUTE).collect()
}

/// Whether a point stays, said plainly: the last of its window, and the window grows with age.
fn stays(minute: i64, all: &[i64], now: i64) -> bool {
    let window = match now - minute {
        age if age > 30 * 1440 => return false,
        age if age > 7 * 1440 => 60,
        age if age > 1440 => 10,
        _ => 1,
    };
    let end = (minute + window - 1) / window * window;
    let next = all.get(all.partition_point(|other| *other <= minute));
    next.is_none_or(|next| *next > end)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    /// Of points with holes between them the last of every window stays, whether thinned once or all along.
    #[test]
    fn the_last_of_every_window_stays(holes in prop::collection::vec((1_i64..46_000, 1_i64..2_000), 0..20)) {
        let last = 46_000;
        let in_hole = |minute: i64| holes.iter().any(|(from, length)| (*from..from + length).contains(&minute));
        let all: Vec<i64> = (1..=last).filter(|minute| !in_hole(*minute)).collect();
        let (mut once, mut often) = (Points::default(), Points::default());
        for minute in 1..=last {
            if !in_hole(minute) {
                once.add(point(minute));
                often.add(point(minute));
            }
            if minute % 999 == 0 {
                often.thin(Moment(minute * MINUTE));
            }
        }
        let dropped = once.thin(Moment(last * MINUTE));
        often.thin(Moment(last * MINUTE));
        let expected: Vec<i64> = all.iter().copied().filter(|minute| stays(*minute, &all, last)).collect();
        prop_assert_eq!(minutes(&once), expected.clone());
        prop_assert_eq!(minutes(&often), expected.clone());
        prop_assert_eq!(dropped.len() + expected.len(), all.len());
        // A day of minutes, six of ten minutes, 23 of hours, and what the ends cut off.
        prop_assert!(expected.len() <= 1_441 + 6 * 144 + 23 * 24 + 4);
    }
}

#[test]
fn of_every_step_the_last_is_shown() {
    let mut points = Points::default();
    for minute in [1, 9, 10, 11, 25, 30, 31] {
        points.add(point(minute));
    }
    let shown = |from: i64, to: i64, step| -> Vec<i64> {
        let found = points.between(Moment(from * MINUTE), Moment(to * MINUTE), Period::mins(step));
        found.iter().map(|point| point.at.0 / MINUTE).collect()
    };
    assert_eq!(shown(0, 60, 10), [10, 11, 30, 31]);
    assert_eq!(shown(0, 60, 1), [1, 9, 10, 11, 25, 30, 31]);
    // Both ends belong to it.
    assert_eq!(shown(9, 25, 10), [10, 11, 25]);
    assert_eq!(shown(12, 24, 1), [0; 0]);
    assert_eq!(shown(25, 9, 1), [0; 0]);
}

#[test]
fn the_smallest_of_many_builds_are_one_row() {
    let row = |number: u64| -> Row {
        serde_json::from_value(json!({"build": format!("b{number}"), "version": null, "standing": "unknown",
            "why": null, "sessions": number, "visible": 0, "held": 0, "polling": 0, "away": 1, "share": 0.0, "by": null,
            "message": null, "released_at": null, "oldest_connected_at": null}))
        .unwrap()
    };
    let nobody = Row { away: 0, ..row(0) };
    let point = Point::new(Moment(0), false, (1..=60).map(row).chain([nobody.clone()]).collect());
    assert_eq!((point.sessions, point.rows.len()), (60 * 61 / 2, 50));
    assert_eq!(point.rows[0].build.as_str(), "b60");
    let others = point.rows.last().unwrap();
    assert_eq!((others.build.as_str(), others.sessions, others.away), ("(others)", 11 * 12 / 2, 11));
    let kept = serde_json::to_string(&point).unwrap();
    assert_eq!(serde_json::from_str::<Point>(&kept).unwrap(), point);

    let few = Point::new(Moment(0), true, (1..=50).map(row).chain([nobody]).collect());
    assert_eq!((few.rows.len(), few.rows[49].build.as_str()), (50, "b1"));
}

//! What a node's report costs by itself: writing it, hearing it, and putting those of a hundred nodes together.

use std::{
    collections::BTreeMap,
    hint::black_box,
    time::{Duration, Instant},
};

use freshwire::core::{
    census::{BuildCount, merge},
    names::{AppName, LogNumber},
    rollcall::{AppReport, Report, RollCall},
    tally::Campaigns,
    time::Moment,
};
use serde_json::json;

use crate::{
    figures::ReportCost,
    meter::{float, micros},
};

/// Nodes that one of a hundred hears.
const OTHERS: usize = 99;
/// The cheapest counts, as what else the machine does only adds to it.
const ROUNDS: usize = 20;

pub fn measure() -> Vec<ReportCost> {
    [12, 25, 50, 100, 200, 400].map(cost).into()
}

fn cost(builds: usize) -> ReportCost {
    let app = app();
    let mut roll = RollCall::new("me".to_owned(), 1, Duration::ZERO, Duration::ZERO);
    roll.hears(true, Duration::ZERO);
    let told = |seq: usize| -> Vec<Report> {
        (0..OTHERS).map(|node| report(&format!("node-{node}"), seq as u64, builds)).collect()
    };
    let (mut write, mut hear, mut merging) = (Duration::MAX, Duration::MAX, Duration::MAX);
    for seq in 1..=ROUNDS {
        let reports = told(seq);
        let began = Instant::now();
        let texts: Vec<_> = reports.iter().map(written).collect();
        write = write.min(began.elapsed());
        let began = Instant::now();
        for text in &texts {
            let report: Report = serde_json::from_slice(text).expect("what was written");
            assert!(roll.hear(report, Duration::ZERO), "a later report");
        }
        hear = hear.min(began.elapsed());
        let began = Instant::now();
        assert_eq!(black_box(merge(roll.rows(&app))).len(), builds);
        merging = merging.min(began.elapsed());
    }
    let measured = ReportCost {
        builds,
        bytes: message("node-1", 1, builds).len(),
        write_us: micros(write) / float(OTHERS),
        hear_us: micros(hear) / float(OTHERS),
        merge_us: micros(merging),
    };
    println!(
        "a report of {builds} builds: {} bytes, {:.0} µs to write, {:.0} µs to hear; {OTHERS} of them: {:.0} µs to merge",
        measured.bytes, measured.write_us, measured.hear_us, measured.merge_us
    );
    measured
}

/// As a node says it whose sessions are on so many builds, with one campaign under way.
fn report(node: &str, seq: u64, builds: usize) -> Report {
    let row = |n: usize| {
        // As long as the hashes that people name builds by.
        let build = format!("{n:012x}").parse().expect("a build");
        let n = n as u64;
        BuildCount {
            sessions: 1_000 + n,
            visible: 300 + n,
            held: n % 10,
            away: 100 + n,
            joins: 20_000 + n,
            vanished: 5_000 + n,
            oldest_connected_at: Some(Moment(1_790_000_000_000)),
            ..BuildCount::none(build)
        }
    };
    let mut campaigns = Campaigns::new();
    campaigns.entry(LogNumber(1_234)).or_default().targeted = 9_000;
    let of_app = AppReport { rows: (0..builds).map(row).collect(), campaigns, ..AppReport::default() };
    Report {
        node: node.to_owned(),
        incarnation: 1_790_000_000_000,
        seq,
        number: LogNumber(1_300),
        digest: Some("0123456789abcdef0123456789abcdef".to_owned()),
        fold: 1,
        sessions: 12_000,
        apps: BTreeMap::from([(app(), of_app)]),
        ..Report::default()
    }
}

/// A report as it goes over NATS: what it is a piece of, and the piece.
pub fn message(node: &str, seq: u64, builds: usize) -> Vec<u8> {
    let report = report(node, seq, builds);
    let head = json!({"node": node, "incarnation": report.incarnation, "seq": seq, "piece": 0, "of": 1});
    let mut message = head.to_string().into_bytes();
    message.push(b'\n');
    message.extend(written(&report));
    message
}

fn written(report: &Report) -> Vec<u8> {
    serde_json::to_vec(report).expect("a report can be written as JSON")
}

fn app() -> AppName {
    "web".parse().expect("a name")
}

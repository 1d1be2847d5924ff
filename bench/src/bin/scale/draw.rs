//! The plots: each from what was measured, with the arithmetic's lines where it goes on.

use std::fs;

use crate::{
    arithmetic::{Arithmetic, wide},
    chart::{Axis, Chart, INK, Look, Series},
    figures::{Changes, Figures},
    meter::float,
    tables,
};

/// Where the plots go, and whose tables are filled in.
const IMAGES: &str = "docs/images";
const PAGE: &str = "SCALING.md";
/// What one link of a gigabit a second carries, in bytes.
const GIGABIT: f64 = 125e6;

/// Where the axis of times begins.
const FASTEST_MS: f64 = 0.3;

pub fn draw(file: &str) -> Result<(), String> {
    let read = |file: &str| fs::read_to_string(file).map_err(|error| format!("{file}: {error}"));
    let figures: Figures = serde_json::from_str(&read(file)?).map_err(|error| format!("{file}: {error}"))?;
    let arithmetic = Arithmetic::of(&figures)?;
    for (name, chart) in [
        ("memory", memory(&figures, &arithmetic)),
        ("nats", nats(&figures, &arithmetic)),
        ("notice", notice(&figures)),
        ("change", change(&figures.changes)),
    ] {
        write(&format!("{IMAGES}/scaling-{name}.svg"), &chart.svg())?;
    }
    write(PAGE, &tables::filled_in(&read(PAGE)?, &figures, &arithmetic)?)
}

fn write(file: &str, text: &str) -> Result<(), String> {
    fs::write(file, text).map_err(|error| format!("{file}: {error}"))
}

fn memory(figures: &Figures, arithmetic: &Arithmetic) -> Chart {
    let of = |nodes: usize| {
        let clusters = figures.clusters.iter().filter(move |cluster| cluster.nodes == nodes);
        clusters.map(|cluster| (float(cluster.sessions), megabytes(cluster.rss_full))).collect::<Vec<_>>()
    };
    let all = figures.clusters.iter().map(|cluster| (float(cluster.sessions), megabytes(cluster.rss_full)));
    let (sessions, memory) =
        all.fold((0.0_f64, 0.0_f64), |most, here| (most.0.max(here.0), most.1.max(here.1)));
    let mut series = Vec::new();
    for (nodes, colour) in [1, 2, 4].into_iter().zip(0..) {
        let name = format!("measured: {nodes} node{}", if nodes == 1 { "" } else { "s together" });
        series.push(Series { name, colour, look: Look::Dots, points: of(nodes) });
    }
    let (empty, each) = (bytes(arithmetic.bytes_empty), count(arithmetic.bytes_a_session));
    let mut name = format!("computed: {empty} a node and {each} bytes a session");
    for (nodes, colour) in [1.0, 2.0, 4.0].into_iter().zip(0..) {
        let node = |sessions: f64| (sessions, nodes * arithmetic.rss(sessions / nodes) / 1e6);
        let points = vec![node(0.0), node(sessions * nodes / 4.0)];
        series.push(Series { name: std::mem::take(&mut name), colour, look: Look::Dashes, points });
    }
    Chart {
        title: "Resident memory of all nodes by connected sessions".into(),
        x: Axis::linear("connected sessions", sessions, count),
        y: Axis::linear("MB", memory, count),
        series,
    }
}

fn nats(figures: &Figures, arithmetic: &Arithmetic) -> Chart {
    let dots = |name: &str, colour, points| Series { name: name.into(), colour, look: Look::Dots, points };
    let clusters = || figures.clusters.iter().filter(|cluster| cluster.nodes > 1);
    let voices = |builds: usize| {
        let voices = figures.voices.iter().filter(move |voices| voices.builds == builds);
        voices.map(|voices| (float(voices.nodes), voices.changing.bytes_out)).collect()
    };
    let line = |name: &str, colour, builds: usize, a_second: f64| Series {
        name: format!("computed: {name}"),
        colour,
        look: Look::Dashes,
        points: [2.0, 3.0, 5.0, 10.0, 20.0, 40.0, 70.0, 100.0]
            .map(|nodes| (nodes, arithmetic.traffic(nodes, builds, a_second).bytes))
            .into(),
    };
    Chart {
        title: "Bytes a second out of NATS by nodes".into(),
        x: Axis::log("nodes", 2.0, 100.0, count),
        y: Axis::log("bytes a second", 1e3, 3e8, bytes),
        series: vec![
            dots(
                "measured: real nodes, nothing happens (12 builds)",
                0,
                clusters().map(|cluster| (float(cluster.nodes), cluster.quiet.bytes_out)).collect(),
            ),
            dots(
                "measured: real nodes, pages come and go (12 builds)",
                1,
                clusters().map(|cluster| (float(cluster.nodes), cluster.churn.bytes_out)).collect(),
            ),
            dots("measured: one real node and voices, all tell every second, 12 builds", 2, voices(12)),
            dots("measured: the same with 100 builds", 3, voices(100)),
            line("nothing happens, 12 builds", 0, 12, Arithmetic::QUIET),
            line("all tell every second, 12 builds", 2, 12, 1.0),
            line("all tell every second, 100 builds", 3, 100, 1.0),
            Series {
                name: "a link of 1 Gbit/s".into(),
                colour: INK,
                look: Look::Line,
                points: vec![(2.0, GIGABIT), (100.0, GIGABIT)],
            },
        ],
    }
}

fn notice(figures: &Figures) -> Chart {
    let clusters = || figures.clusters.iter();
    let most = |value: &dyn Fn(&crate::figures::Cluster) -> f64| clusters().map(value).fold(0.0, f64::max);
    let points = |value: &dyn Fn(&crate::figures::Cluster) -> f64| -> Vec<_> {
        clusters().map(|cluster| (float(cluster.sessions), value(cluster))).collect()
    };
    let seconds = |ms: f64| ms / 1e3;
    let series = |name: &str, colour, value: &dyn Fn(&crate::figures::Cluster) -> f64| Series {
        name: name.into(),
        colour,
        look: Look::Line,
        points: points(value),
    };
    Chart {
        title: "A minimum is raised with --over 0s: when pages below it are told".into(),
        x: Axis::linear(
            "connected sessions, nodes and load on one machine",
            most(&|cluster| float(cluster.sessions)),
            count,
        ),
        y: Axis::linear("seconds", seconds(most(&|cluster| cluster.notice_ms.last)), number),
        series: vec![
            series("the last page", 1, &|cluster| seconds(cluster.notice_ms.last)),
            series("half of all pages", 0, &|cluster| seconds(cluster.notice_ms.p50)),
        ],
    }
}

fn change(changes: &[Changes]) -> Chart {
    let most =
        changes.iter().filter_map(|changes| changes.answered_ms.last()).fold(1.0_f64, |a, b| a.max(*b));
    let curve = |changes: &Changes| -> Vec<_> {
        let times = changes.answered_ms.iter().zip(1..);
        let of = float(changes.answered_ms.len());
        times.map(|(time, nth)| (time.max(FASTEST_MS), 100.0 * f64::from(nth) / of)).collect()
    };
    Chart {
        title: "One change after the other: the share that is answered within a time".into(),
        x: Axis::log("milliseconds", FASTEST_MS, most.max(10.0), number),
        y: Axis::linear("% of changes", 100.0, count),
        series: changes
            .iter()
            .zip(0..)
            .map(|(changes, colour)| Series {
                name: changes.log.clone(),
                colour,
                look: Look::Line,
                points: curve(changes),
            })
            .collect(),
    }
}

fn megabytes(bytes: u64) -> f64 {
    wide(bytes) / 1e6
}

/// A whole number, its thousands apart.
pub fn count(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut said = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            said.push(',');
        }
        said.push(digit);
    }
    said
}

/// Two digits, if it has as many.
pub fn number(value: f64) -> String {
    let digits = match value {
        value if value >= 10.0 => return count(value),
        value if value >= 1.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    };
    digits.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// In the largest unit that fits, two digits of it.
pub fn bytes(value: f64) -> String {
    match value {
        value if value >= 1e9 => format!("{} GB", number(value / 1e9)),
        value if value >= 1e6 => format!("{} MB", number(value / 1e6)),
        value if value >= 1e3 => format!("{} kB", number(value / 1e3)),
        value => format!("{value:.0} B"),
    }
}

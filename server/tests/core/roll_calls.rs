//! The roll call: who is missing, who is forgotten, and what becomes of their sessions.

use std::{collections::BTreeMap, time::Duration};

use freshwire::core::{
    census::{BuildCount, merge},
    names::{AppName, BuildId, LogNumber},
    push::Reached,
    rollcall::{AppReport, CameFrom, Report, RollCall},
    tally::{Campaigns, seen},
};
use serde_json::json;

const WARMUP: Duration = Duration::from_mins(1);

pub fn app() -> AppName {
    "shop".parse().expect("a name")
}

pub fn build(name: &str) -> BuildId {
    name.parse().expect("a build")
}

pub fn row(name: &str, sessions: u64, away: u64) -> BuildCount {
    BuildCount { sessions, away, joins: sessions, ..BuildCount::none(build(name)) }
}

pub fn report(node: &str, seq: u64, rows: Vec<BuildCount>) -> Report {
    let sessions = rows.iter().map(|row| row.sessions).sum();
    let apps = BTreeMap::from([(app(), AppReport { rows, ..AppReport::default() })]);
    Report { node: node.to_owned(), incarnation: 1, seq, sessions, apps, ..Report::default() }
}

pub fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub fn called(me: &str) -> RollCall {
    RollCall::new(me.to_owned(), 1, WARMUP, Duration::from_millis(800))
}

/// Heard at 0 s, and looked at every second until `until`.
fn silent_since_0(reports: Vec<Report>, until: u64) -> RollCall {
    silent_at("me", reports, until)
}

fn silent_at(me: &str, reports: Vec<Report>, until: u64) -> RollCall {
    let mut roll = called(me);
    roll.hears(true, secs(0));
    for report in reports {
        assert!(roll.hear(report, secs(0)));
    }
    for second in 1..=until {
        roll.forget_silent(secs(second));
    }
    roll
}

pub fn counts(roll: &RollCall) -> (u64, u64) {
    let rows = roll.rows(&app());
    (rows.iter().map(|row| row.sessions).sum(), rows.iter().map(|row| row.away).sum())
}

#[test]
fn no_count_is_too_great_to_be_added() {
    let most = u64::MAX;
    let row = json!({"build": "b1", "sessions": most, "visible": most, "held": most, "polling": most, "away": most,
        "joins": most, "vanished": most});
    let states = json!({"stuck": most, "refreshed": most, "still_old": most});
    let run = json!({"number": 7, "states": states, "missing": most, "stuck": {"failed": most}});
    let campaign =
        json!({"targeted": most, "told": most, "away": most, "states": states, "missing": most, "run": run});
    let reached = json!({"sent": most, "handled": most, "unhandled": most, "failed": most});
    let came_from = json!([{"node": "b", "build": "b1", "sessions": most}, {"node": "b", "build": "b2", "sessions": most}]);
    let said = |node: &str| {
        let of_app = json!({"rows": [row, row], "campaigns": {"7": campaign}, "pushes": {"9": reached},
            "organic": {"b1": {"pages": most, "failed_at": null}}, "came_from": came_from});
        let said = json!({"node": node, "incarnation": most, "seq": most, "sessions": most, "apps": {"shop": of_app}});
        serde_json::from_value::<Report>(said).expect("a report")
    };
    let mut roll = silent_since_0(["b", "c", "d"].map(said).into(), 0);
    let merged = merge(roll.rows(&app()));
    assert_eq!(merged.len(), 1);
    assert!(merged[0].sessions > 1 << 40 && merged[0].sessions < 1 << 53, "{merged:?}");
    let mut campaigns = Campaigns::default();
    roll.add_campaigns(&app(), &mut campaigns);
    let seen = seen(&campaigns, LogNumber(7), LogNumber(7));
    assert!(seen.evidence.acted > seen.evidence.still_old);
    assert_eq!(campaigns[&LogNumber(7)].under_way(), 0, "so many are away");
    let (mut reached, mut pages) = (Reached::default(), 0);
    for (_, of_app) in roll.of(&app()) {
        reached.add(of_app.pushes[&LogNumber(9)]);
        pages += of_app.organic[&build("b1")].pages;
    }
    assert!(reached.sent > 0 && pages > 0);
    // Nor once they are gone.
    for second in 1..=11 {
        roll.forget_silent(secs(second));
    }
    assert_eq!(roll.of(&app()).count(), 0);
    drop(merge(roll.rows(&app())));
    assert_eq!(roll.cut_off(&app(), secs(11)).len(), 3);
}

#[test]
fn a_silent_node_is_named_before_it_is_forgotten_and_its_sessions_are_away_then() {
    let node = || vec![report("b", 1, vec![row("b1", 5, 2)])];
    let roll = silent_since_0(node(), 4);
    assert!(roll.missing(secs(4)).is_empty());
    assert_eq!(roll.missing(secs(5)), ["b"]);
    let roll = silent_since_0(node(), 10);
    assert_eq!((roll.missing(secs(10)), roll.complete(secs(10))), (vec!["b".to_owned()], false));
    assert_eq!((counts(&roll), roll.warming(secs(10))), ((5, 2), false), "it may only be slow");
    let roll = silent_since_0(node(), 11);
    assert_eq!((counts(&roll), roll.warming(secs(11))), ((0, 7), true));
    assert_eq!(roll.missing(secs(70)), ["b"], "its pages may not have found another yet");
    let roll = silent_since_0(node(), 71);
    assert!(roll.missing(secs(71)).is_empty() && !roll.warming(secs(71)) && roll.complete(secs(71)));
    assert_eq!((roll.nodes(secs(71)).count(), counts(&roll)), (0, (0, 7)));
}

#[test]
fn a_node_that_says_goodbye_is_not_missing_and_its_away_stay() {
    let goodbye = Report { leaving: true, ..report("b", 2, vec![row("b1", 0, 3)]) };
    let roll = silent_since_0(vec![report("b", 1, vec![row("b1", 2, 3)]), goodbye], 20);
    assert!(roll.missing(secs(20)).is_empty() && roll.complete(secs(20)));
    assert_eq!((counts(&roll), roll.nodes(secs(20)).count()), ((0, 3), 0));
    let leaving = Report { leaving: true, ..report("b", 1, vec![row("b1", 2, 0)]) };
    let roll = silent_since_0(vec![leaving], 6);
    assert_eq!(
        (roll.missing(secs(6)), roll.leaving()),
        (vec!["b".to_owned()], true),
        "killed on its way out"
    );
}

#[test]
fn pages_that_come_back_elsewhere_are_not_away_at_the_node_that_is_gone() {
    let mut roll = silent_since_0(vec![report("b", 1, vec![row("b1", 5, 0), row("b2", 2, 0)])], 3);
    let came = |seq, build_name: &str, sessions| {
        let mut report = report("c", seq, Vec::new());
        let came = CameFrom { node: "b".to_owned(), build: build(build_name), sessions };
        report.apps.get_mut(&app()).unwrap().came_from.push(came);
        report
    };
    assert!(roll.hear(came(1, "b1", 2), secs(3)));
    assert!(roll.hear(came(2, "b1", 3), secs(4)), "one more");
    roll.arrived("b", &app(), &build("b2"), 1);
    for second in 4..=12 {
        roll.forget_silent(secs(second));
        roll.hear(came(second, "b1", 3), secs(second));
    }
    let away = |roll: &RollCall, name: &str| {
        roll.rows(&app()).iter().find(|row| row.build == build(name)).map(|row| row.away)
    };
    assert_eq!((away(&roll, "b1"), away(&roll, "b2")), (Some(2), Some(1)));
    roll.arrived("b", &app(), &build("b9"), 2);
    assert_eq!(counts(&roll), (0, 1), "on a build that it didn't have: from any of its rows");
    roll.arrived("b", &app(), &build("b1"), 50);
    assert_eq!(counts(&roll), (0, 0));
    assert!(roll.hear(report("b", 2, vec![row("b1", 5, 0)]), secs(13)));
    assert_eq!(counts(&roll), (5, 0), "what it says itself counts again");
    assert!(roll.missing(secs(13)).is_empty());
}

#[test]
fn a_late_report_changes_nothing_and_a_restarted_node_is_heard() {
    let mut roll = silent_since_0(vec![report("b", 5, vec![row("b1", 5, 0)])], 1);
    assert!(!roll.hear(report("b", 4, vec![row("b1", 1, 0)]), secs(1)));
    assert!(!roll.hear(Report { incarnation: 0, ..report("b", 9, Vec::new()) }, secs(1)));
    assert_eq!(counts(&roll), (5, 0));
    assert!(roll.hear(Report { incarnation: 2, ..report("b", 1, Vec::new()) }, secs(2)));
    assert_eq!(counts(&roll), (0, 0));
    let earlier_clock = Report { incarnation: 1, ..report("b", 1, vec![row("b1", 1, 0)]) };
    assert!(roll.hear(earlier_clock, secs(8)), "its clock was set back, and it has been silent");
    assert_eq!(counts(&roll), (1, 0));
}

#[test]
fn who_was_cut_off_or_frozen_itself_forgets_nobody_for_it() {
    let mut roll = silent_since_0(vec![report("b", 1, vec![row("b1", 5, 0)])], 3);
    roll.hears(false, secs(3));
    for second in 4..60 {
        assert!(roll.forget_silent(secs(second)).is_empty());
    }
    assert_eq!((roll.missing(secs(59)), roll.complete(secs(59))), (vec!["b".to_owned()], false));
    assert!(!roll.on_duty(secs(59)), "nobody could be asked to confirm it");
    roll.hears(true, secs(60));
    roll.hears(true, secs(65));
    for second in 60..=70 {
        assert!(roll.forget_silent(secs(second)).is_empty(), "it gets the time to be heard again");
    }
    assert_eq!(roll.forget_silent(secs(71)), ["b"]);
    let mut frozen = silent_since_0(vec![report("b", 1, Vec::new())], 3);
    assert!(frozen.forget_silent(secs(600)).is_empty());
    assert!(frozen.hear(report("b", 2, Vec::new()), secs(600)));
}

#[test]
fn nobody_is_known_to_be_there_before_all_have_had_the_time_to_say_so() {
    let mut roll = called("me");
    roll.forget_silent(secs(9));
    assert!(!roll.complete(secs(9)), "it hears nothing");
    roll.hears(true, secs(10));
    for second in 10..=14 {
        roll.forget_silent(secs(second));
    }
    assert!(!roll.complete(secs(14)));
    assert!(roll.complete(secs(15)));
    assert!(!roll.complete(secs(60)), "it was frozen itself until now");
}

#[test]
fn pages_of_a_node_that_vanished_may_be_connected_to_it_still() {
    let at_c = |seq, back| {
        let mut report = report("c", seq, Vec::new());
        let came = CameFrom { node: "b".to_owned(), build: build("b1"), sessions: back };
        report.apps.get_mut(&app()).unwrap().came_from.push(came);
        report
    };
    let cut_off = |roll: &RollCall, second| {
        let nodes = roll.cut_off(&app(), secs(second));
        nodes.iter().flat_map(|(_, rows)| rows).map(|row| row.away).sum::<u64>()
    };
    let mut roll = silent_since_0(vec![report("b", 1, vec![row("b1", 5, 2)]), at_c(1, 0)], 3);
    for second in 4..100 {
        assert!(roll.hear(at_c(second, 0), secs(second)));
        roll.forget_silent(secs(second));
    }
    assert!(roll.complete(secs(99)), "it is forgotten, and whole without it");
    assert_eq!(cut_off(&roll, 99), 5, "not those that were away before");
    assert!(roll.hear(at_c(100, 4), secs(100)));
    assert_eq!(cut_off(&roll, 100), 1);
    assert_eq!(cut_off(&roll, 4_000), 0, "not for ever");
    assert!(roll.hear(Report { incarnation: 2, ..report("b", 1, Vec::new()) }, secs(101)));
    assert_eq!(cut_off(&roll, 101), 0, "it has started again, without them");
}

#[test]
fn two_nodes_of_one_name_are_missing_both() {
    let younger = |seq| Report { incarnation: 2, ..report("b", seq, vec![row("b1", 3, 0)]) };
    let mut roll = silent_since_0(vec![report("b", 1, vec![row("b1", 5, 0)])], 6);
    assert!(roll.hear(younger(1), secs(6)) && roll.complete(secs(6)));
    assert!(!roll.hear(report("b", 2, vec![row("b1", 5, 0)]), secs(7)));
    assert!(roll.hear(younger(2), secs(8)));
    assert_eq!((roll.missing(secs(8)), roll.complete(secs(8))), (vec!["b".to_owned()], false));
    assert!(roll.hear(younger(3), secs(18)));
    assert!(roll.missing(secs(18)).is_empty(), "one of them is gone");
    roll.hear_namesake("a", secs(18));
    assert_eq!(roll.missing(secs(18)), ["a"]);
}

#[test]
fn one_is_on_duty() {
    let heard = |me: &str| silent_at(me, vec![report("b", 1, Vec::new()), report("c", 1, Vec::new())], 2);
    let on_duty = |me: &str, at| heard(me).on_duty(secs(at));
    assert!(!on_duty("a", 1), "it may not have heard all of them yet");
    assert!(on_duty("a", 2) && !on_duty("d", 2));
    let on_duty_then = |me: &str| {
        let mut roll = heard(me);
        let leaving = Report { leaving: true, sessions: 1, ..report("b", 2, Vec::new()) };
        roll.hear(leaving, secs(2)) && roll.on_duty(secs(2))
    };
    assert!(on_duty_then("bb") && !on_duty_then("d"));
}

#[test]
fn a_report_of_a_newer_node_is_read() {
    let json =
        r#"{"node":"b","incarnation":1,"seq":1,"mood":"fine","apps":{"shop":{"rows":[],"weather":7}}}"#;
    let read: Report = serde_json::from_str(json).unwrap();
    assert!(read.apps.contains_key(&app()));
    let written = report("b", 1, vec![BuildCount { build: BuildId::others(), ..row("b1", 1, 2) }]);
    let json = serde_json::to_string(&written).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), written);
}

#[test]
fn states_that_differ_at_the_same_number_are_named() {
    let says = |node: &str, seq, number, digest: &str| Report {
        number: LogNumber(number),
        digest: Some(digest.to_owned()),
        ..report(node, seq, Vec::new())
    };
    let mut roll = silent_since_0(vec![says("b", 1, 7, "x"), says("c", 1, 7, "y"), says("d", 1, 8, "z")], 1);
    assert!(roll.disagree().is_empty());
    roll.compare(LogNumber(7), 0, "x");
    assert_eq!(roll.disagree(), ["c"]);
    // Until there is something to compare again it stays so.
    roll.compare(LogNumber(9), 0, "v");
    assert!(roll.hear(says("c", 2, 8, "w"), secs(1)));
    assert_eq!(roll.disagree(), ["c"]);
    assert!(roll.hear(says("c", 3, 9, "v"), secs(2)));
    roll.compare(LogNumber(9), 1, "u");
    roll.compare(LogNumber(9), 0, "v");
    assert!(roll.disagree().is_empty());
    roll.compare(LogNumber(9), 0, "u");
    assert_eq!(roll.disagree(), ["c"]);
    assert!(roll.hear(Report { incarnation: 2, ..says("c", 1, 7, "x") }, secs(3)));
    assert!(roll.disagree().is_empty(), "it has started again");
}

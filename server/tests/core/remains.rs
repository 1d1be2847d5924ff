//! What nodes remember of one that is gone, and tell those that were not there.

use freshwire::core::{
    census::BuildCount,
    names::BuildId,
    rollcall::{CameFrom, Report, RollCall},
};

use crate::roll_calls::{app, build, called, counts, report, row, secs};

/// A report of a node that some of `c`'s pages came to.
fn came(node: &str, seq: u64, from_c: u64) -> Report {
    let mut report = report(node, seq, vec![row("b1", 1, 0)]);
    let came = CameFrom { node: "c".to_owned(), build: build("b1"), sessions: from_c };
    report.apps.get_mut(&app()).expect("of the shop").came_from.push(came);
    report
}

/// `a`, which had heard `b` and `c` when `c` fell silent at 0 s; by 12 s it is forgotten. Before its end a page of its own
/// had come to `b`, and two did after it.
fn mourning() -> RollCall {
    let mut roll = called("a");
    roll.hears(true, secs(0));
    assert!(roll.hear(came("b", 1, 1), secs(0)));
    let last = vec![row("b1", 7, 2), row("b2", 1, 0), row("b3", 0, 0)];
    assert!(roll.hear(Report { fold: 3, ..report("c", 9, last) }, secs(0)));
    for second in 1..=12 {
        assert!(roll.hear(came("b", 1 + second, 3), secs(second)));
        roll.forget_silent(secs(second));
    }
    assert_eq!(counts(&roll), (1, 8));
    roll
}

/// `d`, which starts at 12 s, and what `a` tells it; its own clock shows something else.
fn told(a: &mut RollCall) -> (RollCall, Report) {
    assert!(a.remains(secs(12)).is_empty(), "nobody needs to be told");
    assert!(a.hear(report("d", 1, Vec::new()), secs(12)));
    let mut d = called("d");
    d.hears(true, secs(100));
    (d, Report { remains: a.remains(secs(12)), ..report("a", 13, Vec::new()) })
}

fn away_and_cut_off(roll: &RollCall, second: u64) -> (u64, u64) {
    let cut_off = roll.cut_off(&app(), secs(second));
    (counts(roll).1, cut_off.iter().flat_map(|(_, rows)| rows).map(|row| row.away).sum())
}

#[test]
fn one_that_starts_is_told_of_a_node_that_was_gone_before() {
    let mut a = mourning();
    let (mut d, told) = told(&mut a);
    assert!(d.hear(told, secs(101)));
    assert_eq!(away_and_cut_off(&d, 101), away_and_cut_off(&a, 12));
    assert_eq!((a.missing(secs(12)), d.missing(secs(101))), (vec!["c".to_owned()], vec!["c".to_owned()]));
    assert_eq!(d.nodes(secs(101)).map(|(report, _)| &*report.node).collect::<Vec<_>>(), ["a"]);
    // It is missing for as long as it is elsewhere: since 11 s there, 100 s here.
    assert!(d.missing(secs(159)).contains(&"c".to_owned()));
    assert!(!d.missing(secs(160)).contains(&"c".to_owned()));
    assert_eq!((away_and_cut_off(&d, 3_699).1, away_and_cut_off(&d, 3_700).1), (6, 0));
}

#[test]
fn who_came_back_elsewhere_counts_once_in_whatever_order_it_is_heard() {
    for told_as in 0..3 {
        let mut a = mourning();
        let (mut d, told) = told(&mut a);
        d.arrived("c", &app(), &build("b2"), 1);
        let mut heard = vec![came("b", 20, 3), came("b", 21, 4)];
        heard.insert(told_as, told);
        for report in heard {
            assert!(d.hear(report, secs(101)));
        }
        assert!(a.hear(came("b", 21, 4), secs(13)));
        // The one who had come to itself before it knew, too.
        a.hear(came("d", 2, 1), secs(13));
        assert_eq!(away_and_cut_off(&d, 101), away_and_cut_off(&a, 13));
        assert_eq!(counts(&d).1, 6);
        d.arrived("c", &app(), &build("b2"), 2);
        assert_eq!(counts(&d).1, 5);
    }
}

#[test]
fn who_came_before_a_node_was_heard_is_not_counted_when_it_ends() {
    let mut roll = called("a");
    roll.arrived("c", &app(), &build("b1"), 5);
    assert!(roll.hear(report("c", 1, vec![row("b1", 9, 0)]), secs(0)));
    roll.hears(true, secs(0));
    for second in 1..=11 {
        roll.forget_silent(secs(second));
    }
    roll.arrived("c", &app(), &build("b1"), 6);
    assert_eq!(counts(&roll), (0, 8));
}

#[test]
fn nobody_is_told_that_a_node_is_gone_which_it_hears_itself() {
    let mut a = mourning();
    let (mut d, told) = told(&mut a);
    assert!(d.hear(report("c", 10, vec![row("b1", 5, 0)]), secs(100)));
    assert!(d.hear(told.clone(), secs(101)));
    assert_eq!((counts(&d), d.missing(secs(101)).len()), ((5, 0), 0));
    // Nor of itself.
    let mut c = called("c");
    assert!(c.hear(told, secs(0)));
    assert_eq!((counts(&c), c.knows("c")), ((0, 0), false));
    // One that is back is there again.
    let (mut d, told) = self::told(&mut mourning());
    assert!(d.hear(told, secs(101)));
    assert!(!d.hear(report("c", 9, vec![row("b1", 7, 2)]), secs(102)), "that was its last report then");
    assert!(d.hear(report("c", 10, vec![row("b1", 5, 0)]), secs(102)));
    assert_eq!(counts(&d), (5, 0));
    assert!(d.missing(secs(102)).is_empty());
}

#[test]
fn a_node_that_was_cut_off_is_told_what_it_missed() {
    let mut a = mourning();
    let mut d = called("d");
    d.hears(true, secs(0));
    assert!(d.hear(report("c", 5, vec![row("b1", 2, 0)]), secs(0)));
    for second in 1..=11 {
        d.forget_silent(secs(second));
    }
    assert_eq!(counts(&d), (0, 2), "the last that it has heard of it");
    let (_, told) = told(&mut a);
    assert!(d.hear(told, secs(12)));
    assert_eq!(away_and_cut_off(&d, 12), away_and_cut_off(&a, 12));
}

#[test]
fn the_first_that_was_there_before_tells_and_not_for_long() {
    let mut a = mourning();
    let mut b = called("b");
    b.hears(true, secs(0));
    for second in 0..=12 {
        assert!(b.hear(report("a", 1 + second, Vec::new()), secs(second)));
        if second == 0 {
            assert!(b.hear(report("c", 9, vec![row("b1", 7, 2)]), secs(0)));
        }
        b.forget_silent(secs(second));
    }
    for roll in [&mut a, &mut b] {
        assert!(roll.hear(report("d", 1, Vec::new()), secs(12)));
    }
    assert_eq!((a.remains(secs(12)).len(), b.remains(secs(12)).len()), (1, 0));
    assert_eq!(b.remains(secs(17))[0].report.node, "a", "the first has fallen silent");
    assert_eq!((a.remains(secs(21)).len(), a.remains(secs(22)).len()), (3, 0), "all of them are silent then");
    // Those of whom nothing is left are not worth it once they are not missing.
    a.arrived("c", &app(), &build("b1"), 100);
    assert!(a.hear(Report { incarnation: 2, ..report("d", 1, Vec::new()) }, secs(80)));
    let told: Vec<_> = a.remains(secs(80)).into_iter().map(|remains| remains.report.node).collect();
    assert_eq!(told, ["b"]);
}

#[test]
fn what_is_remembered_is_short_and_read_as_it_was_written() {
    let mut a = mourning();
    a.arrived("c", &app(), &BuildId::others(), 1);
    let (_, told) = told(&mut a);
    let rows = &told.remains[0].report.apps[&app()].rows;
    assert_eq!(rows.iter().map(|row| row.build.clone()).collect::<Vec<_>>(), [build("b1"), build("b2")]);
    let json = serde_json::to_string(&told).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), told);
    let silent = serde_json::to_string(&report("a", 1, vec![BuildCount::none(build("b1"))])).unwrap();
    assert!(!silent.contains("remains"));
    let newer = r#"{"node":"a","remains":[{"report":{"node":"c"},"mood":"sad"}]}"#;
    assert_eq!(serde_json::from_str::<Report>(newer).unwrap().remains[0].report.node, "c");
}

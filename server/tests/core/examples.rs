//! How builds are ordered and what is refused, one rule at a time.

use freshwire::core::{
    app::Refusal,
    change::{AppChange, Floor, NewRelease, Settings, Severity, Terms},
    judge::{Standing, Why, judge},
    order::Order,
    pace::Pace,
    state::Verdict,
    time::{Moment, Period},
};

use super::story::{Story, build, release, version};

fn standing(story: &Story, page: &str, reported: Option<&str>) -> (Standing, Option<Why>) {
    let judged = judge(&story.app(), &build(page), reported.map(version).as_ref());
    (judged.standing, judged.why)
}

const CURRENT: (Standing, Option<Why>) = (Standing::Current, None);
const STALE: (Standing, Option<Why>) = (Standing::Stale, None);
const AHEAD: (Standing, Option<Why>) = (Standing::Ahead, None);
const UNKNOWN: (Standing, Option<Why>) = (Standing::Unknown, None);
const BELOW: (Standing, Option<Why>) = (Standing::Unsupported, Some(Why::Minimum));
const RETIRED: (Standing, Option<Why>) = (Standing::Unsupported, Some(Why::Retired));

/// Releases `b1`, `b2`, … of these versions, each current in its turn.
fn versions(versions: &[&str]) -> Story {
    let mut story = Story::default();
    for (n, version) in versions.iter().enumerate() {
        story.must_release(release(&format!("b{}", n + 1), Some(version)));
    }
    story
}

/// Releases `b1`, `b2`, … without versions.
fn builds(count: usize) -> Story {
    let mut story = Story::default();
    for n in 1..=count {
        story.must_release(release(&format!("b{n}"), None));
    }
    story
}

fn none() -> Terms {
    Terms::only_over(Period::ZERO)
}

fn minimum(floor: Floor) -> AppChange {
    AppChange::Minimum { floor, reason: "CVE".into(), terms: none() }
}

fn current(id: &str) -> AppChange {
    AppChange::Current { build: build(id), reason: None, terms: none() }
}

fn retire(id: &str) -> AppChange {
    AppChange::Retire { build: build(id), reason: "bad".into(), terms: none() }
}

fn order(order: Order) -> AppChange {
    AppChange::Settings(Settings { order: Some(order), ..Settings::default() })
}

fn locked_out(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Refused(Refusal::LocksEveryoneOut(_)))
}

#[test]
fn the_first_release_decides_the_order() {
    assert_eq!(versions(&["1.0.0"]).app().order(), Order::Version);
    assert_eq!(builds(1).app().order(), Order::Release);
    let mut story = Story::default();
    story.must(order(Order::Release));
    story.must_release(release("b1", Some("1.0.0")));
    assert_eq!(story.app().order(), Order::Release);
    story.must(AppChange::Settings(Settings::default()));
    assert_eq!(story.app().order(), Order::Release, "settings that don't name an order keep it");
}

#[test]
fn of_the_same_version_the_release_number_decides() {
    let story = versions(&["1.0.0", "1.0.0"]);
    assert_eq!(standing(&story, "b1", None), STALE);
    assert_eq!(standing(&story, "b2", None), CURRENT);
    let mut story = story;
    story.must(current("b1"));
    assert_eq!(standing(&story, "b2", None), AHEAD);
}

#[test]
fn an_unregistered_build_counts_by_the_version_that_it_reports() {
    let story = versions(&["1.0.0", "2.0.0"]);
    assert_eq!(standing(&story, "stranger", Some("1.9.9")), STALE);
    assert_eq!(standing(&story, "stranger", Some("2.0.0-rc.1")), STALE);
    assert_eq!(standing(&story, "stranger", Some("2.0.1")), AHEAD);
    assert_eq!(standing(&story, "stranger", None), UNKNOWN);
}

#[test]
fn an_unregistered_build_of_a_version_equal_to_currents_is_unknown() {
    let story = versions(&["1.0.0", "2.0.0"]);
    assert_eq!(standing(&story, "stranger", Some("2.0.0")), UNKNOWN);
    assert_eq!(standing(&story, "stranger", Some("2.0.0+other")), UNKNOWN, "build metadata doesn't count");
    assert_eq!(standing(&story, "stranger", Some("1.0.0")), STALE, "only current's own version is in doubt");
}

#[test]
fn in_the_order_of_registration_an_unregistered_build_is_unknown_whatever_it_reports() {
    let mut story = builds(2);
    assert_eq!(standing(&story, "stranger", Some("0.0.1")), UNKNOWN);
    story.must(minimum(Floor::Build(build("b2"))));
    assert_eq!(standing(&story, "stranger", Some("0.0.1")), UNKNOWN, "left alone");
}

#[test]
fn the_registrys_word_beats_what_the_page_says() {
    let story = versions(&["1.0.0", "2.0.0"]);
    assert_eq!(standing(&story, "b1", Some("9.0.0")), STALE);
    assert_eq!(standing(&story, "b2", Some("0.1.0")), CURRENT);
}

#[test]
fn a_page_above_current_is_ahead_of_it() {
    let mut story = versions(&["1.0.0", "2.0.0"]);
    story.must_release(NewRelease { rolling: true, ..release("b3", Some("3.0.0")) });
    assert_eq!(standing(&story, "b3", None), AHEAD);
    story.must(AppChange::Settle { build: build("b3"), pace: Pace::default(), reason: None });
    assert_eq!(standing(&story, "b3", None), CURRENT);
    story.must(current("b1"));
    assert_eq!(standing(&story, "b2", None), AHEAD);
}

#[test]
fn below_the_minimum_beats_stale_and_retired_beats_all() {
    let mut story = versions(&["1.0.0", "1.5.0", "2.0.0"]);
    story.must(minimum(Floor::Version(version("1.2.0"))));
    assert_eq!(standing(&story, "b1", None), BELOW);
    assert_eq!(standing(&story, "b2", None), STALE);
    assert_eq!(standing(&story, "stranger", Some("1.1.9")), BELOW);
    assert_eq!(standing(&story, "stranger", Some("1.2.0-rc.1")), BELOW, "a pre-release is below its release");
    assert_eq!(standing(&story, "stranger", Some("1.2.0")), STALE);
    story.must(retire("b1"));
    assert_eq!(standing(&story, "b1", None), RETIRED);
    story.must(AppChange::Reinstate { build: build("b1") });
    assert_eq!(standing(&story, "b1", None), BELOW);
}

#[test]
fn a_floor_by_build_leaves_out_older_builds_of_its_own_version() {
    let mut story = versions(&["1.0.0", "1.0.0", "2.0.0"]);
    story.must(minimum(Floor::Build(build("b2"))));
    assert_eq!(standing(&story, "b1", None), BELOW);
    assert_eq!(standing(&story, "b2", None), STALE);
    assert_eq!(standing(&story, "stranger", Some("1.0.0")), STALE, "in doubt it is supported");
    assert_eq!(standing(&story, "stranger", Some("0.9.0")), BELOW);
}

#[test]
fn in_the_order_of_registration_a_floor_by_version_is_the_first_release_that_reaches_it() {
    let mut story = Story::default();
    story.must(order(Order::Release));
    for (id, at) in [("b1", Some("1.0.0")), ("b2", None), ("b3", Some("2.0.0")), ("b4", Some("1.5.0"))] {
        story.must_release(release(id, at));
    }
    story.must(minimum(Floor::Version(version("1.8.0"))));
    let standings: Vec<_> = ["b1", "b2", "b3", "b4"].map(|id| standing(&story, id, None)).into();
    assert_eq!(standings, [BELOW, BELOW, STALE, CURRENT]);
    assert!(matches!(
        story.write(minimum(Floor::Version(version("3.0.0")))),
        Verdict::Refused(Refusal::NotFound(_))
    ));
}

#[test]
fn nothing_is_known_before_the_first_release() {
    let mut story = Story::default();
    assert_eq!(standing(&story, "b1", Some("1.0.0")), UNKNOWN);
    story.must_release(NewRelease { rolling: true, ..release("b1", Some("1.0.0")) });
    assert_eq!(standing(&story, "b1", None), UNKNOWN, "there is no current to compare it with");
    assert!(matches!(
        story.write(minimum(Floor::Version(version("1.0.0")))),
        Verdict::Refused(Refusal::Conflict(_))
    ));
}

#[test]
fn what_would_lock_everyone_out_is_refused() {
    let mut story = versions(&["1.0.0", "2.0.0"]);
    assert!(locked_out(&story.write(minimum(Floor::Version(version("2.0.1"))))));
    assert!(locked_out(&story.write(retire("b2"))));
    story.must(minimum(Floor::Version(version("1.5.0"))));
    assert!(locked_out(&story.write(current("b1"))));
    let older = NewRelease { anyway: true, ..release("b3", Some("1.4.0")) };
    assert!(locked_out(&story.write(AppChange::Release(Box::new(older.clone())))));
    story.must_release(NewRelease { rolling: true, ..older });
    assert!(locked_out(&story.write(AppChange::Settle {
        build: build("b3"),
        pace: Pace::default(),
        reason: None
    })));
    story.must(retire("b1"));
    assert!(locked_out(&story.write(current("b1"))));
}

#[test]
fn an_order_under_which_current_would_be_below_the_minimum_is_refused() {
    let mut story = Story::default();
    story.must(order(Order::Release));
    for (id, at) in [("b1", "2.0.0"), ("b2", "1.0.0")] {
        story.must_release(release(id, Some(at)));
    }
    story.must(minimum(Floor::Build(build("b1"))));
    assert!(locked_out(&story.write(order(Order::Version))));
    assert_eq!(story.app().order(), Order::Release);
    story.must(AppChange::MinimumUndo);
    story.must(order(Order::Version));
    assert_eq!(standing(&story, "b1", None), AHEAD);
}

#[test]
fn undoing_a_minimum_restores_the_one_before_unless_that_would_lock_everyone_out() {
    let mut story = versions(&["1.0.0", "2.0.0", "3.0.0"]);
    for floor in ["2.0.0", "3.0.0"] {
        story.must(minimum(Floor::Version(version(floor))));
    }
    assert_eq!(standing(&story, "b2", None), BELOW);
    story.must(AppChange::MinimumUndo);
    assert_eq!([standing(&story, "b1", None), standing(&story, "b2", None)], [BELOW, STALE]);
    story.must(AppChange::MinimumUndo);
    assert_eq!(standing(&story, "b1", None), STALE);
    assert!(matches!(story.write(AppChange::MinimumUndo), Verdict::Refused(Refusal::NotFound(_))));

    story.must(minimum(Floor::Version(version("3.0.0"))));
    story.must(minimum(Floor::Version(version("1.0.0"))));
    story.must(current("b2"));
    assert!(locked_out(&story.write(AppChange::MinimumUndo)));
}

#[test]
fn a_version_order_needs_a_version_on_every_release() {
    let mut story = versions(&["1.0.0"]);
    let nameless = AppChange::Release(Box::new(release("b2", None)));
    assert!(
        matches!(story.write(nameless), Verdict::Refused(Refusal::Invalid { field, .. }) if field == "version")
    );
    let mut story = builds(1);
    assert!(matches!(story.write(order(Order::Version)), Verdict::Refused(Refusal::Conflict(_))));
}

#[test]
fn the_rerun_of_an_old_pipeline_is_out_of_order_unless_anyway() {
    let mut story = Story::default();
    let made = |id, at| NewRelease { committed_at: Some(Moment(at)), ..release(id, None) };
    story.must_release(made("b1", 20));
    let older = made("b2", 10);
    for rolling in [false, true] {
        let older = NewRelease { rolling, ..older.clone() };
        let verdict = story.write(AppChange::Release(Box::new(older)));
        assert!(matches!(verdict, Verdict::Refused(Refusal::OutOfOrder(_))), "{verdict:?}");
    }
    story.must_release(NewRelease { anyway: true, ..older });
    assert_eq!(standing(&story, "b2", None), CURRENT);
    story.must_release(made("b3", 10));
}

#[test]
fn a_lower_version_settles_at_once_only_if_told_so() {
    let mut story = versions(&["2.0.0"]);
    let lower = release("b2", Some("1.0.0"));
    let verdict = story.write(AppChange::Release(Box::new(lower.clone())));
    assert!(matches!(verdict, Verdict::Refused(Refusal::OutOfOrder(_))), "{verdict:?}");
    story.must_release(NewRelease { rolling: true, ..lower });
    assert_eq!(standing(&story, "b2", None), STALE);
    story.must_release(NewRelease { anyway: true, ..release("b3", Some("1.5.0")) });
    assert_eq!([standing(&story, "b1", None), standing(&story, "b3", None)], [AHEAD, CURRENT]);
}

#[test]
fn a_release_settles_once() {
    let mut story = builds(1);
    let settle = |id| AppChange::Settle { build: build(id), pace: Pace::default(), reason: None };
    assert!(matches!(story.write(settle("b1")), Verdict::Refused(Refusal::Conflict(_))));
    assert!(matches!(story.write(settle("b9")), Verdict::Refused(Refusal::NotFound(_))));
    story.must_release(NewRelease { rolling: true, ..release("b2", None) });
    story.must(settle("b2"));
    assert!(matches!(story.write(settle("b2")), Verdict::Refused(Refusal::Conflict(_))));
}

#[test]
fn a_builds_id_stands_for_one_release_only() {
    let mut story = builds(1);
    let again = NewRelease { severity: Severity::Security, ..release("b1", None) };
    assert!(matches!(
        story.write(AppChange::Release(Box::new(again))),
        Verdict::Refused(Refusal::Conflict(_))
    ));
}

#[test]
fn a_pause_that_names_another_run_is_refused() {
    let mut story = builds(2);
    let campaign = story.must(minimum(Floor::Build(build("b2"))));
    let pause = |run| AppChange::Pause { campaign, run, reason: "brake".into(), brake: true };
    story.must(pause(campaign));
    assert!(matches!(story.write(pause(campaign)), Verdict::Refused(Refusal::Conflict(_))), "paused already");
    let run = story.must(AppChange::Resume { campaign, reason: None });
    assert!(matches!(
        story.write(AppChange::Resume { campaign, reason: None }),
        Verdict::Refused(Refusal::Conflict(_))
    ));
    assert!(
        matches!(story.write(pause(campaign)), Verdict::Refused(Refusal::Conflict(_))),
        "it judged the run before"
    );
    story.must(pause(run));
    story.must(AppChange::MinimumUndo);
    assert!(
        matches!(
            story.write(AppChange::Resume { campaign, reason: None }),
            Verdict::Refused(Refusal::NotFound(_))
        ),
        "ended"
    );
}

//! Rolling releases: what evidence adds up to, and that settling by itself lowers nothing and locks nobody out.

use std::cmp::Ordering;

use freshwire::core::{
    change::{AppChange, NewRelease, Organic, Settings},
    judge::{Standing, judge, registered_key},
    needs::Lacking,
    pace::Pace,
    rollout::{Evidence, IN_A_ROW, ProbeReading, Verdict, decide, unsettled},
    state::Verdict as Written,
    time::{Moment, Period},
};
use proptest::prelude::*;

use super::story::{START, Story, any_idea, any_period, build, cases, release};

/// Current `b1`, and `b2` above it, which waits to be settled.
fn waiting() -> Story {
    let mut story = Story::default();
    story.must_release(release("b1", Some("1.0.0")));
    story.must_release(NewRelease { rolling: true, ..release("b2", Some("2.0.0")) });
    story
}

/// An origin that was asked so many times and served these builds.
fn served(answers: &[Option<&str>]) -> ProbeReading {
    let mut reading = ProbeReading::unasked("https://app.example.com/freshwire.json");
    for answer in answers {
        reading.take_in(answer.map(build).ok_or_else(|| "it answers 500".to_owned()), START);
    }
    reading
}

fn probes(readings: &[&[Option<&str>]]) -> Evidence {
    Evidence::Probes { probes: readings.iter().map(|answers| served(answers)).collect(), wanted: IN_A_ROW }
}

fn back_ends(heard_all: bool, live: u64, lacking: usize) -> Evidence {
    let lacking = (0..lacking).map(|n| Lacking {
        instance: format!("api-{n}").parse().expect("an instance"),
        build: build("s1"),
        missing: vec!["route.x".parse().expect("a need")],
    });
    Evidence::BackEnds { heard_all, live, lacking: lacking.collect() }
}

fn organic(pages: u64, failed_at: Option<Moment>) -> Evidence {
    Evidence::Organic { pages, wanted: Organic { pages: 20, lasting: Period::mins(10) }, failed_at }
}

fn verdict(evidence: &[Evidence]) -> Verdict {
    let app = waiting().app();
    decide(&app, app.release(&build("b2")).expect("a release"), evidence, START)
}

#[test]
fn a_release_settles_when_all_evidence_that_there_is_is_complete() {
    const OLD: Option<&str> = Some("b1");
    const NEW: Option<&str> = Some("b2");
    let now = START;
    let complete = [
        probes(&[&[NEW, NEW, NEW]]),
        probes(&[&[OLD, None, NEW, NEW, NEW], &[NEW, NEW, NEW, NEW]]),
        back_ends(true, 4, 0),
        organic(20, None),
        organic(21, Some(now - Period::mins(10))),
    ];
    let lacking = [
        probes(&[]),
        probes(&[&[]]),
        probes(&[&[NEW, NEW]]),
        probes(&[&[NEW, NEW, NEW], &[OLD, OLD, OLD, OLD]]),
        probes(&[&[NEW, NEW, NEW, None]]),
        probes(&[&[NEW, NEW, OLD, NEW, NEW]]),
        back_ends(true, 4, 1),
        back_ends(false, 4, 0),
        back_ends(true, 0, 0),
        organic(19, None),
        organic(1_000, Some(now - Period::mins(9))),
    ];
    assert!(matches!(verdict(&[]), Verdict::ByHand(_)));
    for one in &complete {
        assert!(matches!(verdict(std::slice::from_ref(one)), Verdict::Settles(_)), "{one:?}");
        for other in &complete {
            assert!(
                matches!(verdict(&[one.clone(), other.clone()]), Verdict::Settles(_)),
                "{one:?} {other:?}"
            );
        }
        for other in &lacking {
            let waits = verdict(&[one.clone(), other.clone()]);
            let Verdict::Waits(words) = waits else { panic!("{one:?} {other:?}: {waits:?}") };
            assert_eq!(words, other.words(&build("b2"), now), "it says what is lacking only");
        }
    }
}

#[test]
fn an_app_with_probes_makes_every_release_rolling() {
    let mut story = waiting();
    let probes = vec!["https://app.example.com/freshwire.json".to_owned()];
    story.must(AppChange::Settings(Settings { probes, ..Settings::default() }));
    story.must_release(release("b3", Some("3.0.0")));
    let app = story.app();
    assert_eq!(app.current, Some(build("b1")));
    assert!(app.release(&build("b3")).is_some_and(|release| release.rolling && !release.new.rolling));
    assert_eq!(judge(&app, &build("b3"), None).standing, Standing::Ahead);
    // It can't lower current, so that it needs no permission to be older.
    story.must_release(release("b0", Some("0.9.0")));
    story.must(AppChange::Settings(Settings::default()));
    story.must_release(release("b4", Some("4.0.0")));
    assert_eq!(story.app().current, Some(build("b4")));
}

#[test]
fn the_reason_of_a_settling_stays_with_the_operators() {
    let mut story = waiting();
    let reason = Some("2 of 2 origins served it".to_owned());
    let campaign =
        story.must(AppChange::Settle { build: build("b2"), pace: Pace::default(), reason: reason.clone() });
    assert_eq!(story.app().campaigns[&campaign].reason, reason);
    let (kind, summary) = story.entries.last().expect("an entry").draft.change.describe();
    assert_eq!(
        (kind.as_str(), summary.as_str()),
        ("settle", "b2 settled and is current: 2 of 2 origins served it")
    );
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn whatever_may_settle_by_itself_raises_current_and_locks_nobody_out(
        ideas in prop::collection::vec((any_idea(), any_period()), 0..40)
    ) {
        let story = Story::of(&ideas);
        let app = story.app();
        let may: Vec<_> = unsettled(&app).map(|release| release.new.build.clone()).collect();
        for release in &app.releases {
            let release_build = &release.new.build;
            let verdict = decide(&app, release, &[organic(20, None)], story.now());
            prop_assert_eq!(matches!(verdict, Verdict::Settles(_)), may.contains(release_build));
            if !may.contains(release_build) {
                continue;
            }
            let mut story = story.clone();
            let settle = AppChange::Settle { build: release_build.clone(), pace: Pace::default(), reason: None };
            prop_assert_eq!(story.write(settle), Written::Valid);
            let after = story.app();
            prop_assert_eq!(after.current.as_ref(), Some(release_build));
            if let Some(before) = &app.current {
                let key = |build| registered_key(&after, build).expect("a release");
                prop_assert_eq!(key(release_build).compare(key(before)), Some(Ordering::Greater));
            }
            prop_assert!(!unsettled(&after).any(|release| release.new.build == *release_build), "only once");
        }
    }
}

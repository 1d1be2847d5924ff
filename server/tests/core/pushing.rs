//! Pushes in the log: the latest of each topic, for as long as it was said.

use std::collections::BTreeMap;

use freshwire::core::{
    app::Refusal,
    change::{AppChange, Change},
    judge::Standing,
    names::{LogNumber, SessionId},
    push::{MOST_PUSHES, NewPush, PushData},
    select::Select,
    state::{State, Verdict},
    time::Period,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::story::{Story, any_story, build, cases, release};

fn new(topic: &str, data: Value, expires: Period) -> NewPush {
    let (topic, select) = (topic.parse().expect("a topic"), Select::default());
    NewPush { topic, select, data: PushData(data), over: Period::ZERO, expires }
}

fn push(topic: &str, data: Value, expires: Period) -> AppChange {
    AppChange::Push(new(topic, data, expires))
}

fn labelled(key: &str, value: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(key.to_owned(), value.to_owned())])
}

fn story() -> Story {
    let mut story = Story::default();
    story.must_release(release("a", None));
    story
}

fn topics(story: &Story) -> Vec<(String, LogNumber)> {
    story.app().pushes.values().map(|push| (push.topic.to_string(), push.number)).collect()
}

#[test]
fn the_latest_of_a_topic_wins() {
    let mut story = story();
    story.must(push("flags", json!(1), Period::mins(60)));
    let limits = story.must(push("limits", json!(1), Period::mins(60)));
    let flags = story.must(push("flags", json!(2), Period::mins(60)));
    assert_eq!(topics(&story), [("flags".to_owned(), flags), ("limits".to_owned(), limits)]);
    let app = story.app();
    let latest = app.pushes.values().next().expect("one");
    assert_eq!((&latest.data.0, latest.by.as_str()), (&json!(2), "ada"));
    assert_eq!(latest.expires_at, story.now() + Period::mins(60));
}

#[test]
fn another_selection_replaces_nothing() {
    let mut story = story();
    let flags = || new("flags", json!(1), Period::mins(60));
    let all = story.must(AppChange::Push(flags()));
    let some = Select { standing: Some(Standing::Stale), ..Select::default() };
    story.must(AppChange::Push(NewPush { select: some.clone(), ..flags() }));
    let latest = story.must(AppChange::Push(NewPush { select: some.clone(), ..flags() }));
    let of_one = Select { labels: labelled("tenant", "acme"), ..some };
    let narrow = story.must(AppChange::Push(NewPush { select: of_one, ..flags() }));
    let mut numbers: Vec<_> = topics(&story).into_iter().map(|(_, number)| number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [all, latest, narrow]);
}

#[test]
fn a_selection_takes_those_that_pass_all_of_it() {
    let (a, b) = (build("a"), build("b"));
    let (acme, other) = (labelled("tenant", "acme"), labelled("tenant", "other"));
    let mut more = acme.clone();
    more.insert("region".to_owned(), "eu".to_owned());
    let none = BTreeMap::new();
    let everybody = Select::default();
    assert!(everybody.takes(Standing::Unknown, &a, &none) && everybody.is_everybody());
    let stale = Select { standing: Some(Standing::Stale), ..Select::default() };
    assert!(stale.takes(Standing::Stale, &a, &none) && !stale.takes(Standing::Current, &a, &none));
    let on_a = Select { build: Some(a.clone()), ..stale };
    assert!(on_a.takes(Standing::Stale, &a, &none));
    assert!(!on_a.takes(Standing::Stale, &b, &none) && !on_a.takes(Standing::Current, &a, &none));
    let of_acme = Select { labels: acme.clone(), ..Select::default() };
    assert!(of_acme.takes(Standing::Stale, &a, &acme) && of_acme.takes(Standing::Stale, &a, &more));
    assert!(!of_acme.takes(Standing::Stale, &a, &none) && !of_acme.takes(Standing::Stale, &a, &other));
    let of_both = Select { labels: more.clone(), ..Select::default() };
    assert!(of_both.takes(Standing::Stale, &a, &more) && !of_both.takes(Standing::Stale, &a, &acme));
}

#[test]
fn turns_come_evenly_over_the_pace() {
    const SESSIONS: u32 = 10_000;
    let mut story = story();
    let paced = NewPush { over: Period::secs(100), ..new("flags", json!(1), Period::mins(60)) };
    story.must(AppChange::Push(paced));
    let app = story.app();
    let push = app.pushes.values().next().expect("one");
    let mut turns: Vec<_> = (0..u128::from(SESSIONS))
        .map(|n| push.due_at(SessionId(uuid::Uuid::from_u128(n))).since(push.at).0)
        .map(|turn| u32::try_from(turn).expect("within the pace"))
        .collect();
    turns.sort_unstable();
    // Kolmogorov–Smirnov: beyond 0.02 once in 1,500 times.
    for (n, turn) in (0..SESSIONS).zip(turns) {
        let (share, reached) = (f64::from(n) / f64::from(SESSIONS), f64::from(turn) / 100_000.0);
        assert!((share - reached).abs() < 0.02, "the {n}th turn comes after {turn} ms");
    }
}

#[test]
fn what_has_expired_is_forgotten_by_the_next_entry() {
    let mut story = story();
    story.must(push("flags", json!(1), Period::secs(10)));
    let limits = story.wait(Period::secs(9)).must(push("limits", json!(1), Period::secs(10)));
    assert_eq!(topics(&story).len(), 2);
    story.wait(Period::secs(1)).must_release(release("b", None));
    assert_eq!(topics(&story), [("limits".to_owned(), limits)]);
}

#[test]
fn an_app_has_no_more_than_so_many_pushes_at_a_time() {
    let mut story = story();
    for n in 0..MOST_PUSHES {
        story.must(push(&format!("topic-{n}"), json!(n), Period::secs(10)));
    }
    let verdict = story.write(push("one-more", json!(0), Period::secs(10)));
    assert!(matches!(verdict, Verdict::Refused(Refusal::Conflict(_))), "{verdict:?}");
    story.must(push("topic-7", json!("again"), Period::secs(10)));
    story.wait(Period::secs(10)).must(push("one-more", json!(0), Period::secs(10)));
    assert_eq!(topics(&story).len(), 1);
}

#[test]
fn what_was_pushed_stands_in_no_summary_and_no_debug_output() {
    let change = push("flags", json!({"secret_plan": true}), Period::mins(90));
    assert!(!format!("{change:?}").contains("secret"));
    let mut story = story();
    story.must(change);
    let entry = story.entries.last().expect("the push");
    let said = entry.draft.change.describe();
    assert_eq!(said, ("push".to_owned(), "flags: 20 bytes, for 1h30m".to_owned()));
    let select = Select { labels: labelled("tenant", "acme"), standing: Some(Standing::Stale), build: None };
    let paced = NewPush { select, over: Period::mins(5), ..new("flags", json!(1), Period::mins(60)) };
    let change = Change::App { app: story.app().name.clone(), change: AppChange::Push(paced) };
    assert_eq!(change.describe().1, "flags: 1 bytes, to standing=stale tenant=acme, over 5m, for 1h");
    assert!(!format!("{:?} {entry:?}", story.state).contains("secret"));
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn an_app_has_the_latest_of_each_topic_and_selection_that_has_not_expired(story in any_story()) {
        let mut state = State::default();
        let mut latest = BTreeMap::new();
        for entry in &story.entries {
            if state.fold(entry) != Verdict::Valid {
                continue;
            }
            if let Change::App { change: AppChange::Push(new), .. } = &entry.draft.change {
                let NewPush { topic, select, expires, .. } = new;
                latest.insert((topic.clone(), select.clone()), (entry.number, entry.draft.at + *expires));
            }
        }
        let app = story.app();
        latest.retain(|_, (number, expires_at)| *number == app.number || app.last_at < *expires_at);
        let pushes = app.pushes.iter().map(|(key, push)| (key.clone(), (push.number, push.expires_at)));
        prop_assert_eq!(pushes.collect::<BTreeMap<_, _>>(), latest);
    }
}

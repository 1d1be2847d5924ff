//! Pushes in the log: the latest of each topic, for as long as it was said.

use std::collections::BTreeMap;

use freshwire::core::{
    app::Refusal,
    change::{AppChange, Change},
    names::LogNumber,
    push::{MOST_TOPICS, PushData},
    state::{State, Verdict},
    time::Period,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::story::{Story, any_story, cases, release};

fn push(topic: &str, data: Value, expires: Period) -> AppChange {
    AppChange::Push { topic: topic.parse().expect("a topic"), data: PushData(data), expires }
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
fn what_has_expired_is_forgotten_by_the_next_entry() {
    let mut story = story();
    story.must(push("flags", json!(1), Period::secs(10)));
    let limits = story.wait(Period::secs(9)).must(push("limits", json!(1), Period::secs(10)));
    assert_eq!(topics(&story).len(), 2);
    story.wait(Period::secs(1)).must_release(release("b", None));
    assert_eq!(topics(&story), [("limits".to_owned(), limits)]);
}

#[test]
fn an_app_has_no_more_than_so_many_topics_at_a_time() {
    let mut story = story();
    for n in 0..MOST_TOPICS {
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
    assert!(!format!("{:?} {entry:?}", story.state).contains("secret"));
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn an_app_has_the_latest_of_each_topic_that_has_not_expired(story in any_story()) {
        let mut state = State::default();
        let mut latest = BTreeMap::new();
        for entry in &story.entries {
            if state.fold(entry) != Verdict::Valid {
                continue;
            }
            if let Change::App { change: AppChange::Push { topic, expires, .. }, .. } = &entry.draft.change {
                latest.insert(topic.clone(), (entry.number, entry.draft.at + *expires));
            }
        }
        let app = story.app();
        latest.retain(|_, (number, expires_at)| *number == app.number || app.last_at < *expires_at);
        let pushes = app.pushes.iter().map(|(topic, push)| (topic.clone(), (push.number, push.expires_at)));
        prop_assert_eq!(pushes.collect::<BTreeMap<_, _>>(), latest);
    }
}

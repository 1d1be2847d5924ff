//! Entries of a newer version: what of an app is frozen by one, and what goes on.

use freshwire::{
    core::{
        change::{AppChange, Change, Draft, Entry, Settings, Strange, Topic},
        names::LogNumber,
        state::{State, Verdict},
    },
    log::stored::{Writers, decode, encode},
};
use proptest::{prelude::*, sample::Index};
use serde_json::{Value, json};

use super::{
    json::any_draft,
    story::{Story, any_story, cases, web},
};

/// The next entry of a story, as a newer version would have written it.
fn from_the_future(story: &Story, prev: Option<LogNumber>) -> Entry {
    let mut entry = story.entry(AppChange::MinimumUndo, None);
    let reason = "unknown variant `teleport`".to_owned();
    entry.draft.prev = prev.unwrap_or_default();
    entry.draft.change = Change::Strange(Strange { topic: Topic::App(web()), prev, reason });
    entry
}

fn told_apart(state: &State, topic: &Topic) -> Option<LogNumber> {
    state.frozen.get(topic).map(|frozen| frozen.number)
}

fn stored(draft: &Draft) -> Value {
    serde_json::from_str(&encode(draft).expect("JSON")).expect("JSON")
}

fn read(draft: &Draft, stored: &Value) -> Entry {
    let topic = draft.change.topic().to_string();
    decode(LogNumber(7), &topic, stored.to_string().as_bytes(), Writers::OnlyUs)
}

/// Why an entry isn't understood.
fn strangeness(entry: &Entry) -> Option<&Strange> {
    match &entry.draft.change {
        Change::Strange(strange) => Some(strange),
        _ => None,
    }
}

/// Where in a value there are objects whose fields have meanings: data that is pushed is anybody's.
fn objects(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            found.push(at.to_owned());
            for (name, value) in fields.iter().filter(|(name, _)| *name != "data") {
                objects(value, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                objects(item, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn an_app_stays_as_it_was_before_an_entry_that_is_not_understood(
        before in any_story(), after in any_story(), legible in any::<bool>()
    ) {
        let mut story = before.clone();
        let strange = from_the_future(&story, legible.then(|| story.app().number));
        let frozen_at = strange.number;
        prop_assert_eq!(story.append(strange), Verdict::Frozen(frozen_at));
        for entry in &after.entries {
            let entry = Entry { number: LogNumber(frozen_at.0 + entry.number.0), ..entry.clone() };
            prop_assert_eq!(story.append(entry.clone()), Verdict::Frozen(frozen_at));
            prop_assert_eq!(story.state.number, entry.number);
        }
        prop_assert_eq!(story.app(), before.app());
        prop_assert_eq!(told_apart(&story.state, &Topic::App(web())), Some(frozen_at));

        // Another app is nobody's loss.
        let mut entry = story.entry(AppChange::Settings(Settings::default()), None);
        let change = AppChange::Settings(Settings::default());
        entry.draft.change = Change::App { app: "shop".parse().expect("a slug"), change };
        entry.draft.prev = LogNumber(0);
        prop_assert_eq!(story.append(entry), Verdict::Valid);
    }

    #[test]
    fn a_strange_entry_that_lost_its_race_freezes_nothing(story in any_story(), wrong in 0..30_u64) {
        let mut story = story;
        let last = story.app().number;
        prop_assume!(LogNumber(wrong) != last);
        let before = story.state.clone();
        let strange = from_the_future(&story, Some(LogNumber(wrong)));
        prop_assert_eq!(story.append(strange), Verdict::Moved(last));
        prop_assert_eq!(&story.state, &State { number: story.state.number, ..before });
    }

    #[test]
    fn what_this_version_stores_it_understands(draft in any_draft()) {
        prop_assert_eq!(read(&draft, &stored(&draft)).draft, draft);
    }

    #[test]
    fn a_field_that_is_not_known_makes_an_entry_strange(draft in any_draft(), place in any::<Index>()) {
        let mut value = stored(&draft);
        let mut places = Vec::new();
        objects(&value, "", &mut places);
        let place = value.pointer_mut(&places[place.index(places.len())]).and_then(Value::as_object_mut).expect("an object");
        place.insert("from_the_future".to_owned(), json!("x"));
        let named_freely = matches!(
            &draft.change,
            Change::App { change: AppChange::Release(_) | AppChange::Push(_), .. }
        );
        let entry = read(&draft, &value);
        // Lists of assets and of labels have any names.
        if let Some(strange) = strangeness(&entry) {
            prop_assert!(!strange.reason.is_empty());
            prop_assert_eq!((strange.prev, entry.draft.prev), (Some(draft.prev), draft.prev));
            prop_assert_eq!((entry.draft.id, entry.draft.at, &entry.draft.actor), (draft.id, draft.at, &draft.actor));
        } else {
            prop_assert!(named_freely, "{entry:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_at_all_is_damaged_or_never_was_an_entry(
        story in any_story(), draft in any_draft(), cut in any::<Index>(), writers in
            prop_oneof![Just(Writers::OnlyUs), Just(Writers::Anybody)]
    ) {
        let text = stored(&draft).to_string();
        let topic = draft.change.topic();
        let half = &text.as_bytes()[..cut.index(text.len())];
        let number = LogNumber(story.state.number.0 + 1);
        let entry = decode(number, &topic.to_string(), half, writers);
        prop_assert_eq!(entry.draft.change.topic(), topic.clone());
        let mut state = story.state.clone();
        let verdict = state.fold(&entry);
        if writers == Writers::OnlyUs {
            let strange = strangeness(&entry).expect("nothing half is understood");
            prop_assert_eq!((&strange.topic, strange.prev), (&topic, None));
            prop_assert_eq!(verdict, Verdict::Frozen(number));
            prop_assert!(state.frozen[&topic].explain(&topic).contains("damaged"));
        } else {
            prop_assert_eq!(verdict, Verdict::Stray);
            prop_assert_eq!(&state, &State { number, ..story.state.clone() });
            // It goes to another store and back as what it is.
            let kept = encode(&entry.draft).expect("JSON");
            prop_assert_eq!(decode(number, &topic.to_string(), kept.as_bytes(), Writers::OnlyUs), entry);
        }
    }
}

#[test]
fn what_is_not_understood_is_named_in_a_few_words() {
    let story = Story::default();
    let draft = story.entry(AppChange::Reinstate { build: "b1".parse().expect("a build") }, None).draft;
    let reason_of = |change: Value| {
        let mut value = stored(&draft);
        value["app"] = change;
        strangeness(&read(&draft, &value)).map(|strange| strange.reason.clone())
    };
    let reason = reason_of(json!({"app": "web", "kind": "teleport", "to": "mars"}));
    assert_eq!(reason.as_deref(), Some("unknown variant `teleport`"));
    let reason = reason_of(json!({"app": "web", "kind": "reinstate", "build": "b1", "on": {"full": "moon"}}));
    assert_eq!(reason.as_deref(), Some("its field 'app.on' is not known"));
    let reason = reason_of(json!({"app": "shop", "kind": "reinstate", "build": "b1"}));
    assert_eq!(reason.as_deref(), Some("it is about app.shop, and stored under app.web"));
    // A default may be spelled out.
    assert_eq!(reason_of(json!({"app": "web", "kind": "reinstate", "build": "b1", "on": null})), None);
}

#[test]
fn a_topic_that_is_not_known_is_nobody_elses_loss() {
    let draft = Story::default().entry(AppChange::MinimumUndo, None).draft;
    let entry = decode(LogNumber(1), "weather.web", stored(&draft).to_string().as_bytes(), Writers::Anybody);
    let mut state = State::default();
    assert_eq!(state.fold(&entry), Verdict::Frozen(LogNumber(1)));
    let (topic, frozen) = state.frozen.first_key_value().expect("a topic");
    assert!(frozen.explain(topic).contains("what is kept under 'weather.web' can't be changed"));
    let noise = decode(LogNumber(2), "weather.shop", b"{}", Writers::Anybody);
    assert_eq!(state.fold(&noise), Verdict::Stray);
    assert_eq!(state.frozen.len(), 1);
}

#[test]
fn what_is_not_understood_is_not_written() {
    let mut draft = Story::default().entry(AppChange::MinimumUndo, None).draft;
    let reason = "anything".to_owned();
    draft.change = Change::Strange(Strange { topic: Topic::Tokens, prev: None, reason });
    assert!(encode(&draft).is_err());
}

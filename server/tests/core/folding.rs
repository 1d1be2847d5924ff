//! One log, one fold.

use std::collections::BTreeMap;

use freshwire::core::{
    change::{AppChange, Change, Entry, Request, Settings, Topic},
    names::LogNumber,
    state::{State, Verdict},
    time::{Moment, Period},
    token::{Scope, Token, TokenChange},
};
use proptest::{prelude::*, sample::Index};
use uuid::Uuid;

use super::story::{Story, any_ideas, any_story, cases, release, web};

/// The same but for the last number that was folded.
fn same_but_for_the_number(before: &State, after: &State) -> bool {
    State { number: after.number, ..before.clone() } == *after
}

fn fold(state: &mut State, entries: &[Entry]) -> Vec<Verdict> {
    entries.iter().map(|entry| state.fold(entry)).collect()
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn a_prefix_and_its_suffix_fold_to_the_whole(story in any_story(), cut in any::<Index>()) {
        let (prefix, suffix) = story.entries.split_at(cut.index(story.entries.len() + 1));
        let mut state = State::default();
        let mut verdicts = fold(&mut state, prefix);
        let mut from_there = state.clone();
        verdicts.extend(fold(&mut from_there, suffix));
        prop_assert_eq!(&from_there, &story.state);
        prop_assert_eq!(verdicts, fold(&mut State::default(), &story.entries));
    }

    #[test]
    fn an_entry_with_a_wrong_prev_is_void(ideas in any_ideas(), off in prop::collection::vec(0..30_u64, 30)) {
        let mut story = Story::default();
        for ((idea, wait), wrong) in ideas.iter().zip(off) {
            story.wait(*wait);
            let mut entry = story.entry(idea.change(&story.app()), None);
            let last = entry.draft.prev;
            if LogNumber(wrong) == last {
                story.append(entry);
                continue;
            }
            entry.draft.prev = LogNumber(wrong);
            let before = story.state.clone();
            prop_assert_eq!(story.append(entry.clone()), Verdict::Moved(last));
            prop_assert_eq!(story.state.number, entry.number);
            prop_assert!(same_but_for_the_number(&before, &story.state));
            story.write(idea.change(&story.app()));
        }
    }

    #[test]
    fn a_refused_entry_changes_nothing(ideas in any_ideas()) {
        let mut story = Story::default();
        for (idea, wait) in &ideas {
            story.wait(*wait);
            let before = story.state.clone();
            let entry = story.entry(idea.change(&story.app()), Some(Request { key: "k".into(), hash: "h".into() }));
            let number = entry.number;
            match story.append(entry) {
                Verdict::Refused(_) => prop_assert!(same_but_for_the_number(&before, &story.state)),
                verdict => {
                    prop_assert_eq!(verdict, Verdict::Valid);
                    prop_assert_eq!(story.app().number, number);
                    prop_assert_eq!(story.app().last_at, story.now());
                }
            }
        }
    }

    #[test]
    fn a_dry_run_says_what_the_fold_does(ideas in any_ideas()) {
        let mut story = Story::default();
        for (idea, wait) in &ideas {
            story.wait(*wait);
            let entry = story.entry(idea.change(&story.app()), None);
            let dry = story.state.after(&entry);
            match story.append(entry) {
                Verdict::Valid => {
                    let dry = dry.expect("accepted");
                    prop_assert!(same_but_for_the_number(&dry, &story.state));
                }
                Verdict::Refused(refusal) => prop_assert_eq!(dry, Err(refusal)),
                Verdict::Moved(_) | Verdict::Stray | Verdict::Frozen(_) => prop_assert!(false, "nobody else writes"),
            }
        }
    }

    #[test]
    fn an_idempotency_key_is_remembered_for_a_day_of_entry_time(
        uses in prop::collection::vec((0..4_u8, 0..40_u64 * 3_600_000), 1..20)
    ) {
        let mut story = Story::default();
        let mut last_uses: BTreeMap<String, (LogNumber, Moment)> = BTreeMap::new();
        for (key, wait) in uses {
            story.wait(Period(wait));
            let request = Request { key: key.to_string(), hash: format!("hash of {key}") };
            let entry = story.entry(AppChange::Settings(Settings::default()), Some(request));
            last_uses.insert(key.to_string(), (entry.number, entry.draft.at));
            prop_assert_eq!(story.append(entry), Verdict::Valid);
            for (key, (number, at)) in &last_uses {
                for later in [Period::ZERO, Period(1), Period::mins(20 * 60), Period::days(1).less(Period(1)), Period::days(1)] {
                    let now = story.now() + later;
                    let answered = story.state.answered(&Topic::App(web()), key, now);
                    let remembered = now.since(*at) < Period::days(1);
                    prop_assert_eq!(answered.map(|answered| answered.number), remembered.then_some(*number));
                    assert!(answered.is_none_or(|answered| answered.hash == format!("hash of {key}")));
                }
            }
        }
    }
}

#[test]
fn topics_do_not_disturb_each_other() {
    let mut story = Story::default();
    story.must_release(release("b1", None));
    let token = Token {
        id: Uuid::from_u128(7),
        name: "ci".into(),
        scope: Scope::Release,
        app: Some(web()),
        expires_at: Some(story.now() + Period::days(1)),
        hash: "00".into(),
    };
    let mut entry = story.entry(AppChange::MinimumUndo, None);
    entry.draft.change = Change::Token(TokenChange::Create(token.clone()));
    entry.draft.prev = LogNumber(0);
    assert_eq!(story.append(entry.clone()), Verdict::Valid);
    assert_eq!(story.app().number, LogNumber(1));
    assert_eq!(story.state.last_valid(&Topic::Tokens), LogNumber(2));
    assert_eq!(story.state.tokens.tokens.find("00", story.now()), Some(&token));
    assert_eq!(story.state.tokens.tokens.find("00", story.now() + Period::days(1)), None);

    entry.number = LogNumber(3);
    assert_eq!(story.append(entry.clone()), Verdict::Moved(LogNumber(2)));
    entry.number = LogNumber(4);
    entry.draft.prev = LogNumber(2);
    entry.draft.change = Change::Token(TokenChange::Revoke(token.id));
    assert_eq!(story.append(entry.clone()), Verdict::Valid);
    assert_eq!(story.state.tokens.tokens.find("00", story.now()), None);
    entry.number = LogNumber(5);
    entry.draft.prev = LogNumber(4);
    assert!(matches!(story.append(entry), Verdict::Refused(_)));
    story.must_release(release("b2", None));
}

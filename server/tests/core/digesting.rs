//! Digests tell states apart, and nothing else.

use freshwire::core::{digest::Digest, names::LogNumber, state::State};
use proptest::{prelude::*, sample::Index};

use super::story::{Story, any_idea, any_ideas, any_story, cases};

fn numbered(number: LogNumber, state: &State) -> State {
    State { number, ..state.clone() }
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn the_way_to_a_state_does_not_show_in_its_digest(story in any_story()) {
        // Asked for after every entry, so that what is remembered of it could grow stale.
        let mut state = State::default();
        let mut digests = vec![state.digest()];
        for entry in &story.entries {
            state.fold(entry);
            digests.push(state.digest());
        }
        let mut at_once = State::default();
        for entry in &story.entries {
            at_once.fold(entry);
        }
        prop_assert_eq!(at_once.digest(), state.digest());
        for (length, digest) in digests.iter().enumerate() {
            let mut prefix = State::default();
            for entry in &story.entries[..length] {
                prefix.fold(entry);
            }
            prop_assert_eq!(prefix.digest(), *digest);
        }
    }

    #[test]
    fn states_that_differ_have_other_digests(
        ideas in any_ideas(), changed in any::<Index>(), idea in any_idea()
    ) {
        let mut others = ideas.clone();
        let place = changed.index(others.len());
        others[place].0 = idea;
        let (one, other) = (Story::of(&ideas).state, Story::of(&others).state);
        let same = one == numbered(one.number, &other);
        prop_assert_eq!(one.digest() == other.digest(), same);
    }

    #[test]
    fn every_valid_entry_changes_the_digest_and_a_void_one_does_not(ideas in any_ideas()) {
        let mut story = Story::default();
        for (idea, wait) in &ideas {
            story.wait(*wait);
            let before = story.state.clone();
            story.write(idea.change(&story.app()));
            let changed = before != numbered(before.number, &story.state);
            prop_assert_eq!(before.digest() != story.state.digest(), changed);
        }
    }
}

#[test]
fn a_digest_is_read_as_sixteen_digits() {
    assert_eq!(Digest(0xabc).to_string(), "0000000000000abc");
    assert_eq!(serde_json::to_value(Digest(0xabc)).expect("JSON"), "0000000000000abc");
}

//! Where builds stand, and that nobody is ever locked out.

use freshwire::core::{
    change::{AppChange, Change, Floor, Terms},
    judge::{Standing, judge},
    names::BuildId,
    order::Version,
    state::{State, Verdict},
    time::Period,
};
use proptest::{prelude::*, sample::Index};

use super::{
    model::Model,
    story::{Story, any_build, any_story, any_version, build, cases, web},
};

/// Every build that a story may have heard of, and one that it can't, with every version that a page may tell.
fn pages() -> Vec<(BuildId, Option<Version>)> {
    let builds = (0..11).map(|n| build(&format!("b{n}")));
    let versions: Vec<_> = ["1.0.0", "1.1.0-rc.1", "1.1.0", "2.0.0", "2.0.1", "9.9.9"]
        .iter()
        .map(|text| Some(text.parse().expect("a version")))
        .chain([None])
        .collect();
    builds
        .flat_map(|build| versions.clone().into_iter().map(move |version| (build.clone(), version)))
        .collect()
}

/// Folds a story again, entry by entry, with the model beside it.
fn retell(story: &Story, mut look: impl FnMut(&State, &Model)) {
    let (mut state, mut model) = (State::default(), Model::default());
    for entry in &story.entries {
        let Change::App { change, .. } = &entry.draft.change else { continue };
        if state.fold(entry) == Verdict::Valid {
            model.accept(change);
        }
        look(&state, &model);
    }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn every_build_has_the_standing_that_the_rules_give_it(story in any_story()) {
        retell(&story, |state, model| {
            let app = state.app(&web());
            for (build, reported) in pages() {
                let judged = judge(&app, &build, reported.as_ref());
                let expected = model.judge(&build, reported.as_ref());
                assert_eq!((judged.standing, judged.why), expected, "{build} {reported:?}");
            }
        });
    }

    #[test]
    fn no_accepted_change_leaves_current_unsupported(story in any_story()) {
        retell(&story, |state, model| {
            let app = state.app(&web());
            if let Some(current) = &app.current {
                assert_eq!(model.judge(current, None), (Standing::Current, None));
                assert_eq!(judge(&app, current, None).standing, Standing::Current);
                assert!(!app.retired.contains_key(current));
            }
        });
    }

    #[test]
    fn raising_the_minimum_makes_no_standing_better(
        story in any_story(), at in any_version(), index in any::<Index>(), by_version: bool
    ) {
        let before = story.app();
        prop_assume!(!before.releases.is_empty());
        let floor = if by_version {
            Floor::Version(at)
        } else {
            Floor::Build(before.releases[index.index(before.releases.len())].new.build.clone())
        };
        let mut model = Model::default();
        retell(&story, |_, now| model = now.clone());
        prop_assume!(model.floors.last().is_none_or(|lower| model.at_least_as_high(&floor, lower)));
        let mut story = story;
        let raise = AppChange::Minimum { floor, reason: "CVE".into(), terms: Terms::only_over(Period::ZERO) };
        prop_assume!(story.write(raise) == Verdict::Valid);
        let after = story.app();
        for (build, reported) in pages() {
            let was = judge(&before, &build, reported.as_ref());
            let is = judge(&after, &build, reported.as_ref());
            prop_assert!(
                is == was || is.standing == Standing::Unsupported && was.standing != Standing::Unsupported,
                "{build} {reported:?}: {was:?} became {is:?}"
            );
        }
    }

    #[test]
    fn what_a_page_says_of_a_registered_build_counts_for_nothing(
        story in any_story(), build in any_build(), reported in any_version()
    ) {
        let app = story.app();
        prop_assume!(app.release(&build).is_some());
        prop_assert_eq!(judge(&app, &build, Some(&reported)), judge(&app, &build, None));
    }
}

//! Needs and provides, against a naive telling of who needs and provides what.

use std::collections::BTreeSet;

use freshwire::core::{
    app::App,
    census::BuildCount,
    change::{AppChange, NewRelease, Terms},
    names::{BuildId, Need},
    needs::{BackEnd, lacking, matrix, needs, unregistered},
    time::Period,
};
use proptest::prelude::*;

use super::story::{Story, any_build, build, cases, release};

fn need(n: u8) -> Need {
    format!("need-{n}").parse().expect("a need")
}

fn any_needs() -> impl Strategy<Value = Vec<Need>> {
    // Named twice now and then.
    prop::collection::vec((0..4_u8).prop_map(need), 0..4)
}

fn any_app() -> impl Strategy<Value = Story> {
    let one = (any_needs(), any::<bool>(), any::<bool>());
    prop::collection::vec(one, 0..6).prop_map(|releases| {
        let mut story = Story::default();
        for (number, (needs, rolling, retired)) in releases.into_iter().enumerate() {
            let id = format!("b{number}");
            story.must_release(NewRelease { needs, rolling, ..release(&id, None) });
            if retired {
                // Refused of the one that is current.
                let terms = Terms::only_over(Period::ZERO);
                story.write(AppChange::Retire { build: build(&id), reason: "bad".into(), terms });
            }
        }
        story
    })
}

fn any_counts() -> impl Strategy<Value = Vec<BuildCount>> {
    let count = (any_build(), 0..3_u64, 0..3_u64);
    let count =
        count.prop_map(|(build, sessions, away)| BuildCount { sessions, away, ..BuildCount::none(build) });
    prop::collection::vec(count, 0..8)
}

fn any_back_ends() -> impl Strategy<Value = Vec<BackEnd>> {
    prop::collection::vec((0..3_u8, any_needs()), 0..5).prop_map(|all| {
        let back_end = |(index, (of, provides)): (usize, (u8, Vec<Need>))| BackEnd {
            instance: format!("api-{index}").parse().expect("an instance"),
            build: build(&format!("s{of}")),
            provides: provides.into_iter().collect(),
        };
        all.into_iter().enumerate().map(back_end).collect()
    })
}

fn pages(counts: &[BuildCount], build: &BuildId) -> (u64, u64) {
    let of = || counts.iter().filter(|count| count.build == *build);
    (of().map(|count| count.sessions).sum(), of().map(|count| count.away).sum())
}

fn needed_by(app: &App, need: &Need) -> Vec<BuildId> {
    let needing = app.releases.iter().filter(|release| release.new.needs.contains(need));
    needing.map(|release| release.new.build.clone()).collect()
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn every_need_has_its_pages_its_providers_and_those_that_lack_it(
        story in any_app(), counts in any_counts(), live in any_back_ends()
    ) {
        let app = story.app();
        let rows = needs(&app, &counts, &live);
        let declared = app.releases.iter().flat_map(|release| &release.new.needs);
        let all: BTreeSet<_> = declared.chain(live.iter().flat_map(|back_end| &back_end.provides)).collect();
        prop_assert_eq!(rows.iter().map(|row| &row.need).collect::<Vec<_>>(), all.into_iter().collect::<Vec<_>>());
        for row in &rows {
            let builds = needed_by(&app, &row.need);
            let sum = |of: fn((u64, u64)) -> u64| builds.iter().map(|build| of(pages(&counts, build))).sum::<u64>();
            prop_assert_eq!((row.sessions, row.away), (sum(|pages| pages.0), sum(|pages| pages.1)));
            prop_assert_eq!(u64::from(row.releases), builds.len() as u64);
            prop_assert_eq!(row.current, app.current.as_ref().is_some_and(|current| builds.contains(current)));
            let shown: u64 = row.builds.iter().map(|build| build.sessions + build.away).sum();
            prop_assert_eq!(shown, row.sessions + row.away, "no build with pages is left out");
            for back_end in &live {
                let provides = back_end.provides.contains(&row.need);
                prop_assert_eq!(row.provided_by.contains(&back_end.instance), provides);
                prop_assert_eq!(row.lacked_by.contains(&back_end.instance), !provides);
            }
        }
        let registered: u64 = app.releases.iter().map(|release| pages(&counts, &release.new.build).0).sum();
        let everybody: u64 = counts.iter().map(|count| count.sessions).sum();
        prop_assert_eq!(unregistered(&app, &counts).0, everybody - registered);
    }

    #[test]
    fn a_cell_is_ok_when_every_instance_of_the_column_provides_all_that_the_row_needs(
        story in any_app(), counts in any_counts(), live in any_back_ends()
    ) {
        let app = story.app();
        let matrix = matrix(&app, &counts, &live);
        for row in &matrix.rows {
            let release = app.release(&row.pages.build).expect("rows are of releases");
            prop_assert_eq!((row.pages.sessions, row.pages.away), pages(&counts, &row.pages.build));
            for cell in &row.cells {
                let column: Vec<_> = live.iter().filter(|back_end| back_end.build == cell.back_end).cloned().collect();
                prop_assert_eq!(cell.instances, column.len() as u64);
                prop_assert_eq!(cell.sessions, row.pages.sessions);
                let gaps = lacking(&release.new.needs, &column);
                prop_assert_eq!(cell.ok, gaps.is_empty());
                let missing: BTreeSet<_> = gaps.iter().flat_map(|gap| &gap.missing).collect();
                prop_assert_eq!(cell.missing.iter().collect::<Vec<_>>(), missing.into_iter().collect::<Vec<_>>());
            }
            prop_assert_eq!(row.cells.len(), matrix.back_ends.len());
        }
        let shown = |build: &BuildId| matrix.rows.iter().any(|row| row.pages.build == *build);
        for release in &app.releases {
            let build = &release.new.build;
            let has_pages = pages(&counts, build) != (0, 0);
            prop_assert!(shown(build) || (!has_pages && app.current.as_ref() != Some(build)), "{build}");
        }
    }
}

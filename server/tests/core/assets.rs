//! When style sheets can be changed in place of a reload, and what is loaded ahead of one.

use std::path::Path;

use freshwire::core::assets::{Assets, MOST_PRELOADED, MOST_SWAPPED, Passage, Swap, plain_name, swap};
use proptest::prelude::*;

use super::story::{cases, release};

fn assets<const N: usize>(files: [(&str, &str); N]) -> Assets {
    files.into_iter().map(|(path, hash)| (path.to_owned(), hash.to_owned())).collect()
}

fn one(from: &str, to: &str) -> Vec<Swap> {
    vec![Swap { from: from.to_owned(), to: to.to_owned() }]
}

/// A Vite build: the entry names the style sheet, so that its own name changes with it; its hash does not.
fn vite(style: &str, of_style: &str, script: &str, of_script: &str) -> Assets {
    assets([
        (&format!("/assets/index-{style}.css"), of_style),
        (&format!("/assets/index-{script}.js"), of_script),
        ("/favicon.svg", "icon"),
    ])
}

#[test]
fn a_style_sheet_that_changes_and_renames_a_script_is_swapped() {
    let (from, to) = (vite("B4k9_x2Q", "c1", "Dq3-aa01", "j1"), vite("Zz00-9_y", "c2", "Fq9bb012", "j1"));
    assert_eq!(swap(&from, &to), one("/assets/index-B4k9_x2Q.css", "/assets/index-Zz00-9_y.css"));
    assert_eq!(swap(&to, &from), one("/assets/index-Zz00-9_y.css", "/assets/index-B4k9_x2Q.css"));
}

#[test]
fn a_script_that_changes_too_takes_a_reload() {
    let from = vite("B4k9_x2Q", "c1", "Dq3-aa01", "j1");
    assert_eq!(swap(&from, &vite("Zz00-9_y", "c2", "Fq9bb012", "j2")), []);
    // Even under the name that it had.
    assert_eq!(swap(&from, &vite("Zz00-9_y", "c2", "Dq3-aa01", "j2")), []);
}

#[test]
fn files_without_hashes_in_their_names_are_compared_by_content() {
    let from = assets([("style.css", "c1"), ("app.js", "j1")]);
    assert_eq!(swap(&from, &assets([("style.css", "c2"), ("app.js", "j1")])), one("style.css", "style.css"));
    assert_eq!(swap(&from, &assets([("style.css", "c2"), ("app.js", "j2")])), []);
    assert_eq!(swap(&from, &from), []);
}

#[test]
fn what_is_added_or_removed_takes_a_reload() {
    let one_sheet = vite("B4k9_x2Q", "c1", "Dq3-aa01", "j1");
    let mut two_sheets = vite("Zz00-9_y", "c2", "Fq9bb012", "j1");
    two_sheets.insert("/assets/print-0a1b2c3d.css".into(), "c3".into());
    assert_eq!(swap(&one_sheet, &two_sheets), []);
    assert_eq!(swap(&two_sheets, &one_sheet), []);
    let mut more = vite("Zz00-9_y", "c2", "Fq9bb012", "j1");
    more.insert("/assets/worker-0a1b2c3d.js".into(), "j3".into());
    assert_eq!(swap(&one_sheet, &more), []);
    assert_eq!(swap(&more, &one_sheet), []);
}

#[test]
fn of_several_style_sheets_those_that_differ_are_swapped() {
    let of = |n: usize, changed: &str| -> Assets {
        let sheets = (0..n).map(|n| (format!("/s{n}-{changed}0000000.css"), format!("{n}{changed}")));
        sheets.chain([("/same.css".to_owned(), "same".to_owned())]).collect()
    };
    assert_eq!(swap(&of(3, "a"), &of(3, "b")).len(), 3);
    assert_eq!(swap(&of(MOST_SWAPPED, "a"), &of(MOST_SWAPPED, "b")).len(), MOST_SWAPPED);
    assert_eq!(swap(&of(MOST_SWAPPED + 1, "a"), &of(MOST_SWAPPED + 1, "b")), []);
    // A new name with the content that it had is loaded from where it now is.
    let renamed = assets([("/a-00000000.css", "c"), ("/b-00000000.css", "d")]);
    let named = assets([("/a-11111111.css", "c"), ("/b-00000000.css", "d")]);
    assert_eq!(swap(&renamed, &named), one("/a-00000000.css", "/a-11111111.css"));
}

#[test]
fn two_style_sheets_of_one_plain_name_can_not_be_told_apart() {
    let two = assets([("/a-00000000.css", "c1"), ("/a-11111111.css", "c2")]);
    let other = assets([("/a-22222222.css", "c1"), ("/a-33333333.css", "c3")]);
    assert_eq!(swap(&two, &other), []);
}

#[test]
fn several_scripts_may_have_one_plain_name() {
    let scripts = |style, [first, second]: [&str; 2]| {
        assets([("/a-00000000.js", first), ("/a-11111111.js", second), ("/s.css", style)])
    };
    assert_eq!(swap(&scripts("c1", ["1", "2"]), &scripts("c2", ["2", "1"])), one("/s.css", "/s.css"));
    assert_eq!(swap(&scripts("c1", ["1", "2"]), &scripts("c2", ["2", "2"])), []);
}

#[test]
fn without_assets_nothing_is_swapped() {
    let some = vite("B4k9_x2Q", "c1", "Dq3-aa01", "j1");
    for (from, to) in [(Assets::new(), some.clone()), (some, Assets::new()), (Assets::new(), Assets::new())] {
        assert_eq!(swap(&from, &to), []);
    }
}

#[test]
fn hashes_are_left_out_of_names_and_little_else() {
    for (path, plain) in [
        ("/assets/index-B4k9_x2Q.css", "/assets/index.css"),
        ("/assets/index-B-k9_x2Q.css", "/assets/index.css"),
        ("/assets/my-own-sheet-B4k9_x2Q.css", "/assets/my-own-sheet.css"),
        ("/app.0f3a99c1d2e4.chunk.js", "/app.0f3a99c1d2e4.chunk.js"),
        ("/app.chunk.0f3a99c1d2e4.js", "/app.chunk.js"),
        ("app.0f3a99c1.js", "app.js"),
        ("/v1.2/app.js", "/v1.2/app.js"),
        ("/a-00000000/app.js", "/a-00000000/app.js"),
        ("/assets/index-short.css", "/assets/index-short.css"),
        ("/assets/-B4k9_x2Q.css", "/assets/-B4k9_x2Q.css"),
        ("/assets/B4k9_x2Q.css", "/assets/B4k9_x2Q.css"),
        ("/LICENSE-B4k9_x2Q", "/LICENSE-B4k9_x2Q"),
        ("/über-größeres.css", "/über-größeres.css"),
        ("", ""),
        ("/", "/"),
        (".css", ".css"),
    ] {
        assert_eq!(plain_name(path), plain, "{path}");
    }
}

#[test]
fn what_the_page_has_is_not_loaded_again() {
    let mut to = release("b", None);
    to.preload = vec!["/new.js".into(), "/kept.js".into()];
    let mut from = release("a", None);
    from.assets = assets([("/kept.js", "k"), ("/old.js", "o")]);
    assert_eq!(Passage::new(Some(&from), &to).preload, ["/new.js"]);
    assert_eq!(Passage::new(None, &to).preload, ["/new.js", "/kept.js"]);
    to.preload = (0..50).map(|n| format!("/{n}.js")).collect();
    assert_eq!(Passage::new(None, &to).preload, to.preload[..MOST_PRELOADED]);
}

fn is_style_sheet(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "css")
}

fn any_hash() -> impl Strategy<Value = String> {
    "[A-Za-z0-9_]{8}"
}

/// A build's files: plain names with the hashes that stand in their names and those of their contents.
fn any_files() -> impl Strategy<Value = Vec<(String, String, String)>> {
    let names = prop::collection::btree_set("[a-z]{1,6}\\.(css|js|svg)", 0..8);
    names.prop_flat_map(|names| {
        let files = names.into_iter().map(|name| (Just(name), any_hash(), any_hash()));
        files.collect::<Vec<_>>()
    })
}

fn named(files: &[(String, String, String)]) -> Assets {
    let path = |name: &str, hash: &str| {
        let (stem, extension) = name.split_once('.').expect("an extension");
        format!("/assets/{stem}-{hash}.{extension}")
    };
    files.iter().map(|(name, in_name, content)| (path(name, in_name), content.clone())).collect()
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn whatever_is_renamed_only_style_sheets_are_swapped(files in any_files(), renames in prop::collection::vec(any_hash(), 8)) {
        let renamed: Vec<_> = files
            .iter()
            .zip(&renames)
            .map(|((name, _, content), in_name)| (name.clone(), in_name.clone(), content.clone()))
            .collect();
        let (from, to) = (named(&files), named(&renamed));
        let pairs = swap(&from, &to);
        let moved = from.keys().filter(|path| is_style_sheet(path) && !to.contains_key(*path)).count();
        prop_assert_eq!(pairs.len(), moved);
        for Swap { from: old, to: new } in pairs {
            prop_assert!(is_style_sheet(&old) && from.contains_key(&old) && to.contains_key(&new));
            prop_assert_eq!(plain_name(&old), plain_name(&new));
        }
    }

    #[test]
    fn a_change_outside_of_style_sheets_is_never_swapped(files in any_files(), which in any::<prop::sample::Index>()) {
        let others: Vec<_> = (0..files.len()).filter(|at| !is_style_sheet(&files[*at].0)).collect();
        prop_assume!(!others.is_empty());
        let mut changed = files.clone();
        for (name, _, content) in &mut changed {
            if is_style_sheet(name) {
                content.push('x');
            }
        }
        changed[others[which.index(others.len())]].2.push('x');
        prop_assert_eq!(swap(&named(&files), &named(&changed)), []);
    }

    #[test]
    fn any_path_has_a_plain_name(path in ".*", hash in any_hash()) {
        prop_assert!(plain_name(&path).len() <= path.len());
        prop_assert_eq!(plain_name(&format!("/name-{hash}.css")), "/name.css");
    }
}

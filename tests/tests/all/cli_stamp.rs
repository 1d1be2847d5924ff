//! `freshwire stamp`: a build written into HTML that no plugin of ours has built.

use std::{
    fs,
    os::unix::{fs::PermissionsExt as _, fs::symlink},
    path::Path,
    process::Command,
};

use freshwire_tests::process::binary;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cli::Ran;

const PAGE: &str = "<!doctype html>\r\n<html>\r\n<head>\r\n  <meta charset=\"utf-8\">\r\n  <title>x</title>\r\n</head>\r\n</html>\r\n";
const MARK: &str = r#"<meta name="freshwire-build" content="b1">"#;

/// A folder as a build leaves it.
fn dist(files: &[(&str, &[u8])]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (file, content) in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

fn stamp(folder: &Path, words: &[&str]) -> Ran {
    let mut command = Command::new(binary());
    command.arg("stamp").arg(folder).args(words).env_remove("FRESHWIRE_TOKEN");
    // Port 1 of this machine has no server, and none is asked.
    command.env("FRESHWIRE_URL", "http://127.0.0.1:1").output().unwrap().into()
}

/// Every file with its bytes.
fn all(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap().map(|entry| entry.unwrap()) {
            match entry.file_type().unwrap() {
                kind if kind.is_dir() => folders.push(entry.path()),
                kind if kind.is_file() => {
                    files.push((entry.path().display().to_string(), fs::read(entry.path()).unwrap()));
                }
                _ => {}
            }
        }
    }
    files.sort();
    files
}

fn text(folder: &TempDir, file: &str) -> String {
    fs::read_to_string(folder.path().join(file)).unwrap()
}

#[test]
fn every_document_of_a_folder_is_stamped_once_and_nothing_else_changes() {
    let folder = dist(&[
        ("index.html", PAGE.as_bytes()),
        (
            "docs/About.HTM",
            PAGE.replace("  <title>", &format!("  {}\r\n  <title>", MARK.replace("b1", "a0"))).as_bytes(),
        ),
        ("docs/part.html", b"<div>{{ item }}</div>"),
        ("node_modules/x/index.html", PAGE.as_bytes()),
        (".cache/index.html", PAGE.as_bytes()),
        ("app.js", b"'<head>'"),
    ]);
    fs::set_permissions(folder.path().join("index.html"), fs::Permissions::from_mode(0o640)).unwrap();
    let before = all(folder.path());
    let stamped = PAGE.replace("  <title>", &format!("  {MARK}\r\n  <title>"));

    let tried = stamp(folder.path(), &["--build", "b1", "--dry-run"]);
    assert_eq!(tried.code, 0, "{tried:?}");
    assert!(tried.out.ends_with("2 of 2 HTML files would be stamped\n"), "{tried:?}");
    assert_eq!(all(folder.path()), before, "a dry run changes nothing");

    let ran = stamp(folder.path(), &["--build", "b1"]);
    assert_eq!(
        ran.out,
        "docs/About.HTM: b1, was a0\nindex.html: b1\nfreshwire.json: b1\n2 of 2 HTML files stamped\n",
        "{ran:?}"
    );
    assert!(
        ran.code == 0 && ran.err.contains("docs/part.html is left alone: it has no <!doctype>"),
        "{ran:?}"
    );
    assert_eq!((text(&folder, "index.html"), text(&folder, "docs/About.HTM")), (stamped.clone(), stamped));
    let named: Value = serde_json::from_str(&text(&folder, "freshwire.json")).unwrap();
    assert_eq!(named, json!({"build": "b1"}));
    let rights = |file| fs::metadata(folder.path().join(file)).unwrap().permissions().mode() & 0o777;
    assert_eq!(rights("index.html"), 0o640);
    let after = all(folder.path());
    assert_eq!(after.len(), before.len() + 1, "no file is left behind but freshwire.json");
    for file in ["docs/part.html", "node_modules/x/index.html", ".cache/index.html", "app.js"] {
        let of = |files: &[(String, Vec<u8>)]| files.iter().find(|(path, _)| path.ends_with(file)).cloned();
        assert_eq!(of(&after), of(&before), "{file}");
    }

    let again = stamp(folder.path(), &["--build", "b1", "--json"]);
    let answer: Value = serde_json::from_str(&again.out).unwrap();
    assert_eq!(answer["documents"][1], json!({"file": "index.html", "was": "b1", "changed": false}));
    assert_eq!((&answer["build"], &answer["freshwire_json"]["changed"]), (&json!("b1"), &json!(false)));
    assert_eq!(answer["left"][0]["file"], "docs/part.html");
    assert_eq!(all(folder.path()), after, "again it is the same");
}

#[test]
fn apps_that_share_a_document_have_a_mark_each() {
    let folder = dist(&[("index.html", PAGE.as_bytes())]);
    for (app, build) in [("shell", "s1"), ("web", "w1"), ("web", "w2")] {
        let ran = stamp(folder.path(), &["--build", build, "--app", app]);
        assert!(ran.code == 0 && ran.out.ends_with(&format!("stamped for {app}\n")), "{ran:?}");
        // The first one's it stays.
        assert_eq!(ran.err.contains("of the app shell"), app == "web", "{ran:?}");
    }
    let html = text(&folder, "index.html");
    for (app, build) in [("shell", "s1"), ("web", "w2")] {
        let mark = format!(r#"<meta name="freshwire-build" data-app="{app}" content="{build}">"#);
        assert_eq!(html.matches(&mark).count(), 1, "{html}");
    }
    assert_eq!(html.matches("freshwire-build").count(), 2, "{html}");
    let named: Value = serde_json::from_str(&text(&folder, "freshwire.json")).unwrap();
    assert_eq!(named, json!({"build": "s1", "app": "shell"}));
}

#[test]
fn what_a_plugin_has_written_stays_and_what_would_undo_the_stamp_is_named() {
    let folder = dist(&[
        ("index.html", PAGE.as_bytes()),
        ("index.html.gz", b"\x1f\x8b"),
        ("index.html.br", b"x"),
        ("ngsw.json", b"{}"),
        ("freshwire.json", br#"{"build": "a0", "version": "1.2.3", "assets": {"css": {}, "rest": {}}}"#),
    ]);
    let ran = stamp(folder.path(), &["--build", "b1"]);
    assert!(ran.code == 0 && ran.out.contains("freshwire.json: b1, was a0\n"), "{ran:?}");
    for warning in ["index.html.gz isn't stamped", "index.html.br isn't stamped", "ngsw.json has the hashes"]
    {
        assert!(ran.err.contains(warning), "{warning}: {ran:?}");
    }
    let named: Value = serde_json::from_str(&text(&folder, "freshwire.json")).unwrap();
    assert_eq!(named, json!({"build": "b1", "version": "1.2.3", "assets": {"css": {}, "rest": {}}}));
}

#[test]
fn symbolic_links_are_not_followed() {
    let outside = dist(&[("index.html", PAGE.as_bytes())]);
    let folder = dist(&[("index.html", PAGE.as_bytes())]);
    symlink(outside.path(), folder.path().join("linked")).unwrap();
    symlink(outside.path().join("index.html"), folder.path().join("linked.html")).unwrap();
    symlink(folder.path(), folder.path().join("round")).unwrap();
    let ran = stamp(folder.path(), &["--build", "b1"]);
    assert!(ran.code == 0 && ran.out.contains("1 of 1 HTML file stamped"), "{ran:?}");
    assert_eq!(ran.err.matches("symbolic links aren't followed").count(), 3, "{ran:?}");
    assert_eq!(text(&outside, "index.html"), PAGE);
}

#[test]
fn what_can_not_be_stamped_is_refused_before_anything_is_written() {
    let wide: Vec<u8> = format!("\u{feff}{PAGE}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let tag = r#"<head><script src="/freshwire.js" data-app="web" data-build="a0"></script></head>"#;
    for (files, words, code, why) in [
        (vec![], vec!["--build", "b1"], 1, "no HTML file"),
        (vec![("part.html", &b"<p>"[..])], vec!["--build", "b1"], 1, "part.html: it has no <!doctype>"),
        (vec![("wide.html", &wide[..])], vec!["--build", "b1"], 1, "wide.html: it is UTF-16"),
        (vec![("tag.html", tag.as_bytes())], vec!["--build", "b1"], 1, "give --app web"),
        (
            vec![("freshwire.json", &b"[]"[..])],
            vec!["--build", "b1"],
            1,
            "freshwire.json: it is no JSON object",
        ),
        (vec![("freshwire.json/x", &b""[..])], vec!["--build", "b1"], 1, "freshwire.json: it is no file"),
        (vec![], vec!["--build", "a b"], 2, "a build's ID is"),
        (vec![], vec!["--build", "b1", "--app", "Not A Slug"], 2, "an app's name is"),
        (vec![], vec![], 2, "--build"),
    ] {
        let folder = dist(&files);
        if !why.contains("no HTML file") && !why.contains("it has no") {
            fs::write(folder.path().join("index.html"), PAGE).unwrap();
        }
        let before = all(folder.path());
        let ran = stamp(folder.path(), &words);
        assert!(ran.code == code && ran.err.contains(why) && ran.out.is_empty(), "{why}: {ran:?}");
        assert_eq!(all(folder.path()), before, "{why}");
    }
    let folder = dist(&[("index.html", PAGE.as_bytes())]);
    for (place, why) in [("index.html", "is no folder"), ("nowhere", "can't read")] {
        let ran = stamp(&folder.path().join(place), &["--build", "b1"]);
        assert!(ran.code == 2 && ran.err.contains(why), "{ran:?}");
    }
}

/// Not as root, who may write anything.
#[test]
fn a_file_that_may_not_be_read_or_written_is_named() {
    let folder = dist(&[("closed.html", PAGE.as_bytes()), ("index.html", PAGE.as_bytes())]);
    let path = folder.path().join("closed.html");
    for (rights, why) in [(0o444, "closed.html: can't be written"), (0o000, "closed.html: can't be read")] {
        fs::set_permissions(&path, fs::Permissions::from_mode(rights)).unwrap();
        if fs::OpenOptions::new().write(true).open(&path).is_ok() {
            println!("not shown: this user may write anything");
            return;
        }
        let ran = stamp(folder.path(), &["--build", "b1"]);
        assert!(ran.code == 1 && ran.err.contains(why), "{ran:?}");
        assert_eq!(text(&folder, "index.html"), PAGE);
    }
}

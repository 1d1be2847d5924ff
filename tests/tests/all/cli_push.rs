//! The commands of hot pushes against a real server: `push`, `pushes`, what a build says of itself to `release`, and whom
//! `sessions` shows in whose frame.

use std::{fs, path::Path, process::Stdio};

use freshwire_tests::{
    page::Page,
    process::Server,
    waiting::{PATIENCE, in_time},
};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::cli::Ran;

async fn run(server: &Server, words: &[&str], input: &str) -> Ran {
    let mut child = server
        .command(words)
        .current_dir(server.folder())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that doesn't read it has closed it.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes()).await;
    in_time(PATIENCE, &format!("{words:?} ends"), child.wait_with_output()).await.unwrap().into()
}

async fn ok(server: &Server, words: &[&str]) -> String {
    let ran = run(server, words, "").await;
    assert_eq!(ran.code, 0, "{words:?}: {ran:?}");
    ran.out
}

async fn server_with_page() -> (Server, Page) {
    let server = Server::start().await;
    server.release("web", json!({"build": "a", "version": "1.0.0"})).await;
    let page = Page::open(server.address(), "web", "a", "1.0.0").await;
    (server, page)
}

#[tokio::test]
async fn data_is_pushed_from_the_line_from_a_file_and_from_standard_input() {
    let (server, mut page) = server_with_page().await;
    let said = ok(&server, &["push", "web", "--topic", "flags", "--data", r#"{"plan": "overthrow"}"#]).await;
    assert_eq!(
        said,
        "flags (20 bytes) is pushed to web; this reaches 1 connected page; 1.0.0 (a) 1\n\
         undo: none; what pages have got they keep; push to flags again to change it\n"
    );
    assert_eq!(page.frame("push").await["data"]["plan"], "overthrow");
    fs::write(server.folder().join("data.json"), "[1, 2]\n").unwrap();
    ok(&server, &["push", "web", "--topic", "file", "--data", "@data.json", "--expires", "30m"]).await;
    assert_eq!(page.frame("push").await["data"], json!([1, 2]));
    let ran = run(&server, &["push", "web", "--topic", "input", "--data", "-", "--json"], " true ").await;
    let answer: Value = serde_json::from_str(&ran.out).unwrap();
    let frame = page.frame("push").await;
    assert_eq!((&frame["data"], &frame["push"]), (&json!(true), &answer["push"]));
    ok(&server, &["push", "web", "--topic", "number", "--data", "-1"]).await;
    assert_eq!(page.frame("push").await["data"], -1);

    let dry = ok(&server, &["push", "web", "--topic", "t", "--data", "1", "--dry-run"]).await;
    let expected =
        "dry run: pushing t (1 byte) would reach 1 of 1 connected page; 1.0.0 (a) 1; nothing was changed\n";
    assert_eq!(dry, expected);
    assert!(page.frames_until_pong().await.is_empty());

    page.send(&json!({"type": "outcome", "push": answer["push"], "is": "unhandled"})).await;
    page.frames_until_pong().await;
    let table = ok(&server, &["pushes", "web"]).await;
    let words: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    let titles =
        ["NUMBER", "TOPIC", "BYTES", "SESSIONS", "HANDLED", "UNHANDLED", "FAILED", "BY", "PUSHED", "EXPIRES"];
    assert_eq!(words[0], titles);
    assert_eq!(
        words.iter().map(|line| line[1]).collect::<Vec<_>>(),
        ["TOPIC", "number", "input", "file", "flags"]
    );
    assert_eq!(words[2][2..8], ["4", "1", "0", "1", "0", "admin"], "{table}");

    // The history tells that something was pushed, and not what.
    let log = ok(&server, &["log", "web"]).await;
    assert!(log.contains("flags: 20 bytes, for 1h") && log.contains("file: 5 bytes, for 30m"), "{log}");
    assert!(!log.contains("overthrow"), "{log}");
}

#[tokio::test]
async fn data_is_pushed_to_some_pages_over_some_time() {
    let (server, mut page) = server_with_page().await;
    let some =
        ["push", "web", "--topic", "t", "--data", "1", "--label", "tenant=acme", "--standing", "current"];
    assert_eq!(
        ok(&server, &some).await,
        "t (1 byte) is pushed to web (standing=current tenant=acme only); this reaches no connected page\n\
         undo: none; what pages have got they keep; push to t again to change it\n"
    );
    let said =
        ok(&server, &["push", "web", "--topic", "t", "--data", "2", "--build", "a", "--over", "1s"]).await;
    let expected =
        "t (1 byte) is pushed to web (build=a only); this reaches 1 connected page over 1s; 1.0.0 (a) 1\n";
    assert!(said.starts_with(expected), "{said}");
    assert_eq!(page.frame("push").await["data"], 2);
    let table = ok(&server, &["pushes", "web"]).await;
    let lines: Vec<_> = table.lines().collect();
    assert!(lines[0].contains("TOPIC  PAGES "), "{table}");
    assert!(
        lines[1].contains("build=a, over 1s") && lines[2].contains("standing=current tenant=acme"),
        "{table}"
    );
    let log = ok(&server, &["log", "web"]).await;
    assert!(log.contains("t: 1 bytes, to build=a, over 1s, for 1h1s"), "{log}");
    for (words, named) in [
        (&["--label", "tenant=a", "--label", "tenant=b"][..], "two values"),
        (&["--label", "tenant"], "KEY=VALUE"),
        (&["--standing", "old"], "old"),
    ] {
        let ran = run(&server, &[&some[..6], words].concat(), "").await;
        assert!(ran.code == 2 && ran.err.contains(named), "{ran:?}");
    }
    let ran = run(&server, &[&some[..6], &["--build", "of-nobody"]].concat(), "").await;
    assert!(ran.code == 1 && ran.err.contains("select.build"), "{ran:?}");
}

#[tokio::test]
async fn what_is_no_json_is_not_pushed() {
    let (server, mut page) = server_with_page().await;
    let none = ok(&server, &["pushes", "web"]).await;
    assert_eq!(none, "");
    for (data, input, named) in
        [("{", "", "--data"), ("@nowhere.json", "", "nowhere.json"), ("-", "no json", "standard input")]
    {
        let ran = run(&server, &["push", "web", "--topic", "flags", "--data", data], input).await;
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.err.contains(named), "{ran:?}");
    }
    let long = format!("\"{}\"", "x".repeat(16 << 10));
    let ran = run(&server, &["push", "web", "--topic", "flags", "--data", "-"], &long).await;
    assert!(ran.code == 1 && ran.err.contains("16384 bytes"), "{ran:?}");
    let ran = run(&server, &["push", "web", "--topic", "two words", "--data", "1"], "").await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(page.frames_until_pong().await.is_empty());
}

fn write(folder: &Path, name: &str, value: &Value) {
    fs::write(folder.join(name), value.to_string()).unwrap();
}

#[tokio::test]
async fn a_release_takes_what_our_plugin_wrote() {
    let (server, _page) = server_with_page().await;
    let (css, js) = (json!({"/a.css": "c1"}), json!({"/a.js": "j1"}));
    let ours =
        json!({"build": "b", "version": "2.0.0", "assets": {"css": css, "rest": js}, "preload": ["/a.js"]});
    write(server.folder(), "freshwire.json", &ours);
    let said = ok(&server, &["release", "web", "--assets", "freshwire.json"]).await;
    assert!(said.starts_with("2.0.0 (b) is released and current for web;"), "{said}");
    let entry = server.get("/v1/apps/web/log").await["entries"][0]["change"]["app"].clone();
    assert_eq!(
        (&entry["assets"], &entry["preload"]),
        (&json!({"/a.css": "c1", "/a.js": "j1"}), &json!(["/a.js"]))
    );

    // What the line says goes before what the file says.
    let named = ["--build", "c", "--version", "3.0.0"];
    let said = ok(&server, &[&["release", "web", "--assets", "freshwire.json"], &named[..]].concat()).await;
    assert!(said.starts_with("3.0.0 (c) is released"), "{said}");

    write(server.folder(), "plain.json", &json!({"/a.css": "c2", "build": "j2"}));
    let unnamed = run(&server, &["release", "web", "--assets", "plain.json"], "").await;
    assert!(unnamed.code == 2 && unnamed.err.contains("--build"), "{unnamed:?}");
    ok(&server, &["release", "web", "--assets", "plain.json", "--build", "d", "--version", "4.0.0"]).await;
    let entry = server.get("/v1/apps/web/log").await["entries"][0]["change"]["app"].clone();
    assert_eq!((&entry["assets"]["build"], &entry["preload"]), (&json!("j2"), &Value::Null));

    write(server.folder(), "wrong.json", &json!({"build": "a b", "assets": {}}));
    let wrong = run(&server, &["release", "web", "--assets", "wrong.json"], "").await;
    assert!(wrong.code == 2 && wrong.err.contains("freshwire.json"), "{wrong:?}");
    let nothing = run(&server, &["release", "web"], "").await;
    assert!(nothing.code == 2 && nothing.err.contains("--build"), "{nothing:?}");
}

#[tokio::test]
async fn a_frame_that_runs_another_build_than_its_host_shows_in_the_sessions() {
    let (server, _page) = server_with_page().await;
    let same = json!({"app": "web", "build": "a", "frame": "embedded", "host": "a"});
    let _same = Page::hello(server.address(), same).await;
    let table = ok(&server, &["sessions", "web"]).await;
    assert!(table.starts_with("SESSION") && !table.contains("HOST"), "{table}");
    let torn = json!({"app": "web", "build": "a", "frame": "embedded", "host": "other-build"});
    let torn = Page::hello(server.address(), torn).await;
    let table = ok(&server, &["sessions", "web"]).await;
    assert_eq!(table.lines().next().unwrap().split_whitespace().nth(2), Some("HOST"), "{table}");
    let shown: Vec<_> = table.lines().filter(|line| line.contains("other-build")).collect();
    assert!(matches!(shown[..], [line] if line.starts_with(&torn.session())), "{table}");
}

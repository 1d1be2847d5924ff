//! The whole log, from one server to another: what comes out is what goes in, and nothing is taken in by halves.

mod cluster;

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
};

use freshwire_tests::{
    page::Page,
    process::{Server, TOKEN, binary, client},
};
use serde_json::{Value, json};
use tokio::process::Command;

/// A server with some history: two apps, a minimum, a push and a token.
async fn with_history() -> Server {
    let server = Server::start().await;
    for version in ["1.0.0", "2.0.0"] {
        server.release("web", json!({"build": format!("b-{version}"), "version": version})).await;
        server.release("shop", json!({"build": format!("s-{version}")})).await;
    }
    let minimum = json!({"version": "1.5.0", "reason": "CVE"});
    server.done("PUT", "/v1/apps/web/minimum", Some(minimum)).await;
    let push = json!({"topic": "flags", "data": {"dark": true, "kind": null}});
    server.done("POST", "/v1/apps/web/push", Some(push)).await;
    server.done("POST", "/v1/tokens", Some(json!({"name": "ci", "scope": "read"}))).await;
    server
}

async fn export(server: &Server) -> String {
    let answer = client().get(server.url("/v1/log")).bearer_auth(TOKEN).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/jsonl");
    let last = answer.headers()["freshwire-number"].to_str().unwrap().to_owned();
    let lines = answer.text().await.unwrap();
    assert_eq!(lines.lines().count().to_string(), last);
    lines
}

async fn import(server: &Server, lines: impl Into<reqwest::Body>) -> (u16, Value) {
    let request = client().post(server.url("/v1/log")).bearer_auth(TOKEN).body(lines);
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn digest(server: &Server) -> (Value, Value) {
    let ready: Value = client().get(server.url("/readyz")).send().await.unwrap().json().await.unwrap();
    assert_eq!(ready["digest"].as_str().unwrap().len(), 16, "{ready}");
    (ready["number"].clone(), ready["digest"].clone())
}

fn problem(answer: &(u16, Value)) -> (u16, &str, &str) {
    let kind = answer.1["type"].as_str().unwrap();
    (answer.0, kind.rsplit(':').next().unwrap(), answer.1["detail"].as_str().unwrap())
}

#[tokio::test]
async fn a_log_that_is_exported_and_imported_is_the_same() {
    let source = with_history().await;
    let mut target = Server::start().await;
    let file = source.folder().join("log.jsonl").display().to_string();
    let (code, out, said) = source.run(&["log", "export", &file]).await;
    assert!(code == 0 && out.starts_with("7 entries written to "), "{out}{said}");
    assert_eq!(fs::read_to_string(&file).unwrap(), export(&source).await);

    let (code, out, said) = target.run(&["log", "import", &file]).await;
    assert!(code == 0 && out.starts_with("7 entries imported\nthe log ends at 7; digest"), "{out}{said}");
    assert!(out.contains("undo: none"), "{out}");
    assert_eq!(digest(&target).await, digest(&source).await);
    assert_eq!(export(&target).await, export(&source).await);
    let log = "/v1/apps/web/log";
    assert_eq!(target.get(log).await, source.get(log).await);

    // It is what the server goes by, also after a restart, and it can be changed as before.
    let page = Page::open(target.address(), "web", "b-1.0.0", "1.0.0").await;
    assert_eq!(page.welcome["standing"], "unsupported");
    target.kill().await;
    target.restart().await;
    assert_eq!(digest(&target).await, digest(&source).await);
    let release = json!({"build": "b-3", "version": "3.0.0"});
    assert_eq!(target.release("web", release).await["number"], 8);
    assert_ne!(digest(&target).await, digest(&source).await);

    // The same again adds nothing; the rest is added to what there is.
    let (code, out, _) = target.run(&["log", "import", &file, "--json"]).await;
    let answer: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (code, &answer["entries"], &answer["added"], &answer["number"]),
        (0, &json!(7), &json!(0), &json!(8))
    );
    let (code, _, said) = source.run(&["log", "export", "/nowhere/log.jsonl"]).await;
    assert_eq!(
        (code, said.as_str()),
        (1, "error: can't write /nowhere/log.jsonl: No such file or directory (os error 2)\n")
    );
}

#[tokio::test]
async fn an_export_that_was_cut_short_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log.jsonl");
    for (said, number) in [("freshwire-number: 3\r\n", "3"), ("", "isn't said")] {
        // As what stands in between would end it that lost its own connection to the server.
        let (answers, url) =
            one_answer(format!("HTTP/1.1 200 OK\r\nconnection: close\r\n{said}\r\n{{}}\n{{}}\n"));
        let export = Command::new(binary())
            .args(["log", "export"])
            .arg(&file)
            .env("FRESHWIRE_URL", url)
            .env("FRESHWIRE_TOKEN", TOKEN)
            .output();
        let ran = export.await.unwrap();
        answers.await.unwrap();
        let complaint = String::from_utf8(ran.stderr).unwrap();
        assert_eq!(ran.status.code(), Some(1), "{complaint}");
        assert!(complaint.contains("2 entries instead of") && complaint.contains(number), "{complaint}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left");
    }
}

/// Somebody who gives the same answer to whatever is asked, once.
fn one_answer(answer: String) -> (tokio::task::JoinHandle<()>, String) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answers = tokio::task::spawn_blocking(move || {
        let (socket, _) = listener.accept().unwrap();
        let mut head = BufReader::new(&socket);
        let mut line = String::new();
        while head.read_line(&mut line).unwrap() > 2 {
            line.clear();
        }
        (&socket).write_all(answer.as_bytes()).unwrap();
    });
    (answers, url)
}

#[tokio::test]
async fn an_import_that_broke_off_goes_on() {
    let source = with_history().await;
    let whole = export(&source).await;
    let lines: Vec<_> = whole.lines().collect();
    let target = Server::start().await;
    // It ends in the middle of a line: those before it are there.
    let half = format!("{}\n{}\n{}", lines[0], lines[1], &lines[2][..40]);
    let answer = import(&target, half).await;
    let (status, kind, detail) = problem(&answer);
    assert_eq!((status, kind, &answer.1["field"]), (422, "invalid", &json!("line 3")));
    assert!(
        detail.starts_with("line 3 is no entry that this version understands: it is not JSON"),
        "{detail}"
    );
    assert_eq!(export(&target).await.lines().count(), 2);

    let (status, answer) = import(&target, whole.clone()).await;
    assert_eq!((status, &answer["entries"], &answer["added"]), (200, &json!(7), &json!(5)), "{answer}");
    assert_eq!(digest(&target).await, digest(&source).await);
    // From the middle, too, and without an end of the last line.
    let (status, answer) = import(&target, lines[3..].join("\n")).await;
    assert_eq!((status, &answer["entries"], &answer["added"]), (200, &json!(4), &json!(0)), "{answer}");
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_its_line() {
    let source = with_history().await;
    let whole = export(&source).await;
    let lines: Vec<_> = whole.lines().collect();

    // Another history.
    let target = Server::start().await;
    target.release("web", json!({"build": "own", "version": "1.0.0"})).await;
    let before = digest(&target).await;
    let answer = import(&target, whole.clone()).await;
    let (status, kind, detail) = problem(&answer);
    assert_eq!((status, kind), (409, "conflict"));
    assert!(detail.starts_with("line 1: entry 1 of the log is another one already"), "{detail}");
    assert_eq!(digest(&target).await, before);

    let target = Server::start().await;
    let gap = [lines[0], lines[2]].join("\n");
    let late = lines[1].to_owned();
    let strange = lines[0].replace("\"release\"", "\"teleport\"");
    let more = lines[0].replace("\"kind\"", "\"mood\":\"good\",\"kind\"");
    let nameless = lines[0].replace("\"number\"", "\"figure\"");
    let empty_lines = format!("\n\n{nameless}");
    let cases = [
        (late, "line 1: entry 2 can't come here: the next one is 1"),
        (strange, "line 1 is no entry that this version understands: unknown variant `teleport`"),
        (more, "line 1 is no entry that this version understands: its field 'app.mood' is not known"),
        (empty_lines, "line 3 is no entry that this version understands: it has no 'number'"),
        (gap, "line 2: entry 3 can't come here: the next one is 2"),
    ];
    for (lines, expected) in cases {
        let answer = import(&target, lines).await;
        assert_eq!(problem(&answer), (422, "invalid", expected));
    }
    assert_eq!(export(&target).await, format!("{}\n", lines[0]));
    let (status, answer) = import(&target, "").await;
    assert_eq!((status, &answer["entries"], &answer["number"]), (200, &json!(0), &json!(1)));

    let line = format!("{{\"number\":2,\"x\":\"{}\"}}", "x".repeat(5 << 20));
    let answer = import(&target, line).await;
    assert_eq!(problem(&answer), (413, "too-large", "line 1 is longer than 4194304 bytes"));

    // The command line names the file's line, not that of the piece that it was sent in.
    let file = source.folder().join("log.jsonl");
    fs::write(&file, format!("{}{}\nnonsense\n", "\n".repeat(1_500), lines[0])).unwrap();
    let (code, _, said) = target.run(&["log", "import", file.to_str().unwrap()]).await;
    assert!(code == 1 && said.contains("line 1502 is no entry"), "{said}");
}

#[tokio::test]
async fn a_log_larger_than_any_other_body_goes_over_while_nothing_else_is_changed() {
    let source = Server::start().await;
    let assets: serde_json::Map<_, _> = (0..12_000)
        .map(|n| (format!("/assets/chunk-of-a-large-app-{n}.js"), json!(format!("{n:064x}"))))
        .collect();
    for build in ["a", "b", "c"] {
        server_release(&source, build, &assets).await;
    }
    let whole = export(&source).await;
    assert!(whole.len() > 3 << 20, "{}", whole.len());
    let target = Server::start().await;
    let file = source.folder().join("log.jsonl");
    fs::write(&file, &whole).unwrap();
    let (code, out, said) = target.run(&["log", "import", file.to_str().unwrap()]).await;
    assert_eq!(code, 0, "{out}{said}");
    assert_eq!(digest(&target).await, digest(&source).await);
    let once = Server::start().await;
    let (status, answer) = import(&once, whole).await;
    assert_eq!((status, &answer["added"]), (200, &json!(3)), "{answer}");
}

async fn server_release(server: &Server, build: &str, assets: &serde_json::Map<String, Value>) {
    server.release("web", json!({"build": build, "assets": assets})).await;
}

#[tokio::test]
async fn only_admins_of_all_apps_get_the_whole_log() {
    let server = with_history().await;
    for (scope, app) in [("operate", None), ("admin", Some("web"))] {
        let body = json!({"name": "x", "scope": scope, "app": app});
        let made = server.done("POST", "/v1/tokens", Some(body)).await;
        let secret = made["secret"].as_str().unwrap();
        let read = client().get(server.url("/v1/log")).bearer_auth(secret);
        let write = client().post(server.url("/v1/log")).bearer_auth(secret).body("");
        for request in [read, write] {
            assert_eq!(request.send().await.unwrap().status(), 403, "{scope}");
        }
    }
    let nobody = client().get(server.url("/v1/log")).send().await.unwrap();
    assert_eq!(nobody.status(), 401);
}

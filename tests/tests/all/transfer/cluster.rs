//! A log that grows: from one machine to a cluster on NATS, and back.

use std::{fs, path::Path};

use freshwire_tests::{
    eventually,
    nats::Nats,
    page::Page,
    process::{Server, TOKEN},
    waiting::{PATIENCE, in_time},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{digest, export, import, problem, with_history};
use crate::{closed_loop::campaign, cluster_log::two_nodes};

/// Entries may be up to twice as large as what NATS takes by default.
const LARGE: &str = "max_payload: 4MB";

/// Waits until a node has made of the log what another has.
async fn same(node: &Server, other: &Server) {
    eventually("both have the same state", async || {
        (digest(node).await == digest(other).await).then_some(())
    })
    .await;
}

/// What operators see of the past.
async fn past(server: &Server) -> Vec<Value> {
    let mut past = Vec::new();
    for path in ["/v1/apps/web/log", "/v1/apps/shop/log", "/v1/tokens"] {
        past.push(server.get(path).await);
    }
    past
}

async fn log_to(server: &Server, file: &Path, command: &str) -> (i32, String) {
    let (code, out, said) = server.run(&["log", command, file.to_str().unwrap()]).await;
    (code, format!("{out}{said}"))
}

#[tokio::test]
async fn a_single_nodes_log_goes_to_a_cluster_and_back() {
    let single = with_history().await;
    let minimum = single.get("/v1/apps/web/campaigns").await["campaigns"][0]["campaign"].clone();
    for change in ["pause", "resume"] {
        let path = format!("/v1/apps/web/campaigns/{minimum}/{change}");
        single.done("POST", &path, Some(json!({"reason": "a look at it first"}))).await;
    }
    let assets: serde_json::Map<_, _> = (0..16_000)
        .map(|n| (format!("/assets/chunk-of-a-large-app-{n}.js"), json!(format!("{n:064x}"))))
        .collect();
    let large = json!({"build": "large", "version": "3.0.0", "severity": "silent", "assets": assets});
    single.release("web", large).await;
    // They had the push before.
    let old = json!({"app": "web", "build": "b-1.0.0", "version": "1.0.0", "pushed": 6});
    let mut page = Page::hello(single.address(), old.clone()).await;
    let notice = page.frame("notice").await;
    assert_eq!(notice["notice"], minimum);
    let file = single.folder().join("log.jsonl");
    assert_eq!(log_to(&single, &file, "export").await.0, 0);

    let nats = Nats::start_with(LARGE).await;
    let (a, b) = two_nodes(&nats).await;
    let (code, said) = log_to(&a, &file, "import").await;
    assert!(code == 0 && said.starts_with("10 entries imported\nthe log ends at 10;"), "{said}");
    for node in [&a, &b] {
        same(node, &single).await;
        // It is too long to be shown.
        assert!(export(node).await == fs::read_to_string(&file).unwrap());
        assert!(past(node).await == past(&single).await);
    }

    // What a page was told before, it isn't told again: campaigns have kept their numbers.
    let seen = json!([{"notice": notice["notice"], "run": notice["run"], "step": 0, "is": "received", "ago_ms": 1_000}]);
    let mut hello = old.clone();
    (hello["session"], hello["resume"]) = (json!(page.session()), json!(page.resume()));
    (hello["via"], hello["seen"]) = (page.welcome["node"].clone(), seen);
    let mut told = Page::hello(b.address(), hello).await;
    assert_eq!((told.session(), &told.welcome["standing"]), (page.session(), &json!("unsupported")));
    assert_eq!(told.frames_until_pong().await, Vec::<Value>::new());
    let mut fresh = Page::hello(a.address(), old).await;
    let again = fresh.frame("notice").await;
    assert_eq!((&again["notice"], &again["run"]), (&notice["notice"], &notice["run"]));

    // The cluster goes on, and what it has made of it goes back to one machine.
    assert_eq!(b.release("web", json!({"build": "b-4", "version": "4.0.0"})).await["number"], 11);
    b.done("POST", "/v1/tokens", Some(json!({"name": "more", "scope": "read"}))).await;
    same(&a, &b).await;
    assert_ne!(digest(&a).await, digest(&single).await);
    assert_eq!(log_to(&a, &file, "export").await.0, 0);
    let target = Server::start().await;
    let (code, said) = log_to(&target, &file, "import").await;
    assert!(code == 0 && said.starts_with("12 entries imported"), "{said}");
    assert_eq!(digest(&target).await, digest(&b).await);
    assert!(past(&target).await == past(&b).await);
    drop((told, fresh));
}

#[tokio::test]
async fn a_cluster_refuses_what_does_not_fit_and_an_import_goes_on_at_another_node() {
    let single = with_history().await;
    let whole = export(&single).await;
    let lines: Vec<_> = whole.lines().collect();
    let nats = Nats::start_with(LARGE).await;
    let (mut a, b) = two_nodes(&nats).await;

    // It breaks off, and its node with it.
    let broken = format!("{}\n{}\n{}", lines[0], lines[1], &lines[2][..40]);
    let answer = import(&a, broken).await;
    let (status, kind, detail) = problem(&answer);
    assert_eq!((status, kind, &answer.1["field"]), (422, "invalid", &json!("line 3")), "{detail}");
    a.kill().await;
    let (status, answer) = import(&b, whole.clone()).await;
    assert_eq!((status, &answer["entries"], &answer["added"]), (200, &json!(7), &json!(5)), "{answer}");
    assert_eq!(digest(&b).await, digest(&single).await);
    a.restart().await;
    a.ready().await;
    same(&a, &b).await;

    // Another history.
    let other = Server::start().await;
    other.release("web", json!({"build": "own", "version": "1.0.0"})).await;
    let before = digest(&a).await;
    let answer = import(&a, export(&other).await).await;
    let (status, kind, detail) = problem(&answer);
    assert_eq!((status, kind), (409, "conflict"));
    assert!(detail.starts_with("line 1: entry 1 of the log is another one already"), "{detail}");
    assert_eq!(digest(&a).await, before);
}

#[tokio::test]
async fn an_import_notices_who_else_writes_to_the_cluster() {
    let whole = export(&with_history().await).await;
    let nats = Nats::start_with(LARGE).await;
    let (a, b) = two_nodes(&nats).await;
    let end_of_second = whole.match_indices('\n').nth(1).unwrap().0 + 1;
    let (first, rest) = whole.split_at(end_of_second);

    let mut importing = TcpStream::connect(a.address()).await.unwrap();
    let head = format!(
        "POST /v1/log HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {TOKEN}\r\ncontent-length: {}\r\nconnection: close",
        whole.len()
    );
    importing.write_all(format!("{head}\r\n\r\n{first}").as_bytes()).await.unwrap();
    eventually("two entries are there", async || (digest(&b).await.0 == 2).then_some(())).await;
    assert_eq!(b.release("own", json!({"build": "own"})).await["number"], 3);
    importing.write_all(rest.as_bytes()).await.unwrap();
    let mut answer = String::new();
    in_time(PATIENCE, "the import is answered", importing.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 409 "), "{answer}");
    assert!(answer.contains("somebody else writes to"), "{answer}");
    assert_eq!(export(&b).await.lines().count(), 3, "it has stopped there");
}

#[tokio::test]
async fn what_a_single_node_knew_of_its_pages_goes_with_its_folder() {
    let folder = TempDir::new().unwrap();
    let mut single = Server::start_in(folder.path(), &["--node", "old", "--drain", "0s"]).await;
    for version in ["1.0.0", "2.0.0"] {
        let build = json!({"build": format!("b-{version}"), "version": version, "severity": "silent"});
        single.release("web", build).await;
    }
    let minimum = json!({"version": "2.0.0", "reason": "CVE", "over": "0s", "action": "prompt"});
    let number =
        single.done("PUT", "/v1/apps/web/minimum", Some(minimum)).await["campaign"].as_u64().unwrap();
    let mut page = Page::open(single.address(), "web", "b-1.0.0", "1.0.0").await;
    let notice = page.frame("notice").await;
    page.send(&json!({"type": "outcome", "notice": notice["notice"], "is": "snoozed"})).await;
    page.frames_until_pong().await;
    let file = folder.path().join("log.jsonl");
    assert_eq!(log_to(&single, &file, "export").await.0, 0);
    single.terminate().await;

    // The log first, by a node of the cluster; then the machine joins with what it has.
    let nats = Nats::start().await;
    let first = Server::node(&nats, "new", &[]).await;
    assert_eq!(log_to(&first, &file, "import").await.0, 0);
    let joined = Server::start_in(folder.path(), &["--node", "old", "--nats", &nats.url()]).await;
    joined.ready().await;
    for node in [&first, &joined] {
        same(node, &joined).await;
        eventually("the record is counted", async || {
            let campaign = campaign(node, "web", number).await;
            (campaign["targeted"] == 1 && campaign["told"] == 1 && campaign["away"] == 1).then_some(())
        })
        .await;
    }
    let seen = json!([{"notice": notice["notice"], "run": notice["run"], "step": 0, "is": "snoozed", "ago_ms": 1_000}]);
    let hello = json!({"app": "web", "build": "b-1.0.0", "version": "1.0.0", "session": page.session(),
        "resume": page.resume(), "via": "old", "seen": seen});
    let mut back = Page::hello(first.address(), hello).await;
    assert_eq!((back.session(), back.frames_until_pong().await), (page.session(), Vec::<Value>::new()));
    let campaign = eventually("it goes on at the other node", async || {
        let campaign = campaign(&first, "web", number).await;
        // Until it has been handed over it is counted at the old node, too.
        (campaign["away"] == 0 && campaign["targeted"] == 1).then_some(campaign)
    })
    .await;
    assert_eq!((&campaign["told"], &campaign["states"]), (&json!(1), &json!({"snoozed": 1})));
}

#[tokio::test]
async fn a_node_says_that_the_log_in_its_folder_is_not_the_clusters() {
    let folder = TempDir::new().unwrap();
    let mut single = Server::start_in(folder.path(), &["--drain", "0s"]).await;
    single.release("web", json!({"build": "a"})).await;
    let name = single.readiness().await.1["node"].clone();
    single.terminate().await;
    let nats = Nats::start().await;
    let node = Server::start_in(folder.path(), &["--nats", &nats.url()]).await;
    node.ready().await;
    assert_eq!(
        (digest(&node).await.0, &node.readiness().await.1["node"]),
        (json!(0), &name),
        "its name stays"
    );
    assert!(node.log().contains("has a log of its own"), "{}", node.log());
    assert!(node.log().contains("freshwire log export"), "{}", node.log());
}

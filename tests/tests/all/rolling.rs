//! Rolling releases that settle by what back ends and real pages show, and rollbacks.

use freshwire::core::time::Moment;
use freshwire_tests::{
    eventually,
    page::Page,
    process::{Server, text},
};
use serde_json::{Value, json};

async fn server() -> Server {
    Server::with_app(&["--backend-ttl", "1s"]).await
}

async fn report(server: &Server, instance: &str, build: &str, provides: &[&str], ttl: &str) -> Value {
    let body = json!({"build": build, "provides": provides, "ttl": ttl});
    server.done("PUT", &format!("/v1/apps/web/backends/{instance}"), Some(body)).await
}

fn rolling(build: &str, version: &str, needs: &[&str]) -> Value {
    json!({"build": build, "version": version, "needs": needs, "rolling": true, "over": "0s"})
}

pub async fn rollout(server: &Server, build: &str) -> Value {
    server.get(&format!("/v1/apps/web/releases/{build}/rollout")).await
}

pub async fn current(server: &Server) -> Value {
    server.get("/v1/apps/web").await["current"]["build"].clone()
}

pub async fn becomes_current(server: &Server, build: &str) {
    let is_current = async || (current(server).await == build).then_some(());
    eventually(&format!("{build} is current"), is_current).await;
}

/// When a release settled, and what the history says of it.
async fn settled(server: &Server, build: &str) -> (Moment, String) {
    becomes_current(server, build).await;
    let entry = server.get("/v1/apps/web/log").await["entries"][0].clone();
    assert_eq!((&entry["actor"], &entry["kind"]), (&json!("rollout"), &json!("settle")), "{entry}");
    (text(&entry["at"]).parse().unwrap(), text(&entry["summary"]))
}

async fn connected_at(server: &Server, page: &Page) -> Moment {
    let session = server.get(&format!("/v1/apps/web/sessions/{}", page.session())).await;
    text(&session["connected_at"]).parse().unwrap()
}

#[tokio::test]
async fn settling_is_refused_while_a_live_back_end_lacks_a_need() {
    let server = server().await;
    server.release("web", rolling("b", "2.0.0", &["route.import", "flag.x"])).await;
    report(&server, "api-1", "s2", &["route.import", "flag.x"], "1m").await;
    report(&server, "api-2", "s1", &["flag.x"], "1m").await;
    for query in ["", "?dry_run=true"] {
        let path = format!("/v1/apps/web/releases/b/settle{query}");
        let (status, problem) = server.call("POST", &path, None).await;
        assert_eq!(status, 409, "{problem}");
        let (kind, detail) = (text(&problem["type"]), text(&problem["detail"]));
        assert!(kind.ends_with(":conflict") && detail.contains("api-2 (route.import)"), "{problem}");
        assert!(!detail.contains("api-1"), "{problem}");
    }
    let found = rollout(&server, "b").await;
    assert!(text(&found["words"]).contains("api-2 (route.import)"), "{found}");
    let lacking = json!([{"instance": "api-2", "build": "s1", "missing": ["route.import"]}]);
    assert_eq!(
        (&found["evidence"][0]["kind"], &found["evidence"][0]["lacking"]),
        (&json!("back_ends"), &lacking)
    );
    assert_eq!(current(&server).await, "a");
    server.done("POST", "/v1/apps/web/releases/b/settle", Some(json!({"anyway": true}))).await;
    assert_eq!(current(&server).await, "b");
}

#[tokio::test]
async fn a_release_settles_when_every_live_back_end_provides_what_it_needs() {
    let server = server().await;
    let mut old = Page::open(server.address(), "web", "a", "1.0.0").await;
    report(&server, "api-1", "s1", &[], "1s").await;
    report(&server, "api-2", "s1", &[], "1m").await;
    server.release("web", rolling("b", "2.0.0", &["route.x"])).await;
    report(&server, "api-2", "s2", &["route.x", "route.y"], "2s").await;
    // The other one goes away without a word, and counts no more.
    let silent = async || {
        let all = server.get("/v1/apps/web/backends").await["backends"].clone();
        (!all[0]["silent_since"].is_null()).then_some(all)
    };
    let all = eventually("api-1 is silent", silent).await;
    assert_eq!((&all[0]["instance"], &all[1]["instance"]), (&json!("api-1"), &json!("api-2")));
    let report_on = async || {
        report(&server, "api-2", "s2", &["route.x", "route.y"], "2s").await;
        (current(&server).await == "b").then_some(())
    };
    eventually("b is current", report_on).await;
    let (_, summary) = settled(&server, "b").await;
    assert!(summary.contains("all 1 live back ends provide"), "{summary}");
    assert_eq!(old.frame("standing").await["standing"], "stale");
}

#[tokio::test]
async fn back_ends_that_have_just_begun_to_report_are_no_evidence_yet() {
    let server = server().await;
    report(&server, "api-1", "s2", &["route.x"], "10m").await;
    server.release("web", rolling("b", "2.0.0", &["route.x"])).await;
    let words = async || {
        let words = text(&rollout(&server, "b").await["words"]);
        words.contains("others may not have reported in yet").then_some(words)
    };
    eventually("the others are waited for", words).await;
    assert_eq!(current(&server).await, "a");
    assert_eq!(server.get("/v1/apps/web/backends").await["heard_all"], false);
}

#[tokio::test]
async fn without_evidence_a_rolling_release_settles_by_hand_only() {
    let server = server().await;
    server.release("web", rolling("b", "2.0.0", &[])).await;
    report(&server, "api-1", "s2", &["route.x"], "1s").await;
    let found = rollout(&server, "b").await;
    assert_eq!(
        (&found["by_itself"], &found["complete"], &found["evidence"]),
        (&json!(false), &json!(false), &json!([]))
    );
    assert!(text(&found["words"]).contains("no evidence"), "{found}");
    server.done("POST", "/v1/apps/web/releases/b/settle", None).await;
    assert_eq!(current(&server).await, "b");
    assert_eq!(server.call("GET", "/v1/apps/web/releases/zzz/rollout", None).await.0, 404);
}

#[tokio::test]
async fn real_pages_that_live_on_a_release_settle_it() {
    let server = server().await;
    server.done("PUT", "/v1/apps/web", Some(json!({"organic": {"pages": 2, "for": "1s"}}))).await;
    server.release("web", rolling("b", "2.0.0", &[])).await;
    let first = Page::open(server.address(), "web", "b", "2.0.0").await;
    let _old = Page::open(server.address(), "web", "a", "1.0.0").await;
    let one = async || {
        let found = rollout(&server, "b").await;
        (found["evidence"][0]["pages"] == 1).then_some(found)
    };
    let found = eventually("the first page has lived", one).await;
    assert!(text(&found["words"]).contains("1 of 2 pages have lived on it for 1s"), "{found}");
    assert_eq!((current(&server).await, &first.welcome["standing"]), (json!("a"), &json!("ahead")));

    let second = Page::open(server.address(), "web", "b", "2.0.0").await;
    let came = connected_at(&server, &second).await;
    let (at, summary) = settled(&server, "b").await;
    assert!(at.since(came).0 >= 1_000, "{at} {came}");
    assert!(summary.contains("2 of 2 pages have lived on it for 1s"), "{summary}");
}

#[tokio::test]
async fn a_chunk_error_on_a_release_starts_its_pages_anew() {
    let server = server().await;
    server.done("PUT", "/v1/apps/web", Some(json!({"organic": {"pages": 2, "for": "7s"}}))).await;
    server.release("web", rolling("b", "2.0.0", &[])).await;
    let mut page = Page::open(server.address(), "web", "b", "2.0.0").await;
    let _other = Page::open(server.address(), "web", "b", "2.0.0").await;
    let lived = async || (rollout(&server, "b").await["evidence"][0]["pages"] == 2).then_some(());
    let failing = async {
        loop {
            page.send(&json!({"type": "evidence", "kind": "chunk_error", "detail": "/assets/a.js"})).await;
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    tokio::select! {
        () = eventually("both pages have lived", lived) => {}
        () = failing => {}
    }
    let found = rollout(&server, "b").await;
    assert!(text(&found["words"]).contains("chunk error"), "{found}");
    assert_eq!(current(&server).await, "a");
    let failed_at: Moment = text(&found["evidence"][0]["failed_at"]).parse().unwrap();
    let (at, _) = settled(&server, "b").await;
    assert!(at.since(failed_at).0 >= 7_000, "{at} {failed_at}");
}

#[tokio::test]
async fn a_rollback_recalls_nobody_from_a_good_build_unless_asked() {
    let server = server().await;
    server.release("web", json!({"build": "b", "version": "2.0.0"})).await;
    let mut page = Page::open(server.address(), "web", "b", "2.0.0").await;
    assert_eq!(page.welcome["standing"], "current");
    server.done("PUT", "/v1/apps/web/current", Some(json!({"build": "a", "reason": "slow"}))).await;
    let frames = page.frames_until_pong().await;
    assert_eq!((frames.len(), &frames[0]["standing"]), (1, &json!("ahead")), "{frames:?}");
    let recall = json!({"build": "a", "recall": true, "action": "prompt", "over": "0s"});
    server.done("PUT", "/v1/apps/web/current", Some(recall)).await;
    assert_eq!(page.frame("notice").await["build"], "a");
}

#[tokio::test]
async fn an_instance_that_says_goodbye_holds_nothing_up() {
    let server = server().await;
    server.release("web", rolling("b", "2.0.0", &["route.x"])).await;
    report(&server, "old-1", "s1", &[], "1h").await;
    report(&server, "new-1", "s2", &["route.x"], "1s").await;
    assert_eq!(server.call("POST", "/v1/apps/web/releases/b/settle", None).await.0, 409);
    let gone = server.done("DELETE", "/v1/apps/web/backends/old-1", None).await;
    assert!(gone["instance"] == "old-1" && gone["silent_since"].is_string(), "{gone}");
    assert_eq!(server.call("DELETE", "/v1/apps/web/backends/old-1", None).await.0, 404);
    let report_on = async || {
        report(&server, "new-1", "s2", &["route.x"], "1s").await;
        (current(&server).await == "b").then_some(())
    };
    eventually("b is current", report_on).await;
}

#[tokio::test]
async fn the_command_line_sets_the_evidence_and_says_what_a_release_waits_for() {
    let server = server().await;
    let probe = "https://app.invalid/freshwire.json";
    let (code, out, _) = server.run(&["app", "set", "web", "--probe", probe, "--organic", "20:10m"]).await;
    assert_eq!(
        (code, out.as_str()),
        (
            0,
            "web is set: releases become current when served by https://app.invalid/freshwire.json; 20 pages that \
             lived 10m on a rolling release are evidence that it is served\n\
             undo: freshwire app set web --no-probes --no-organic\n"
        )
    );
    let (code, out, _) = server.run(&["release", "web", "--build", "b", "--version", "2.0.0"]).await;
    assert_eq!(code, 0);
    assert!(out.contains("it settles when 1 origin serves it; sooner: freshwire settle web b"), "{out}");
    let (code, out, _) = server.run(&["rollout", "web", "b"]).await;
    assert_eq!(code, 0);
    let mut lines = out.lines();
    let first = lines.next().unwrap();
    assert!(
        first.starts_with("2.0.0 (b) is registered: it settles by itself; not yet, because 0 of 1"),
        "{out}"
    );
    assert_eq!(lines.next(), Some("EVIDENCE  COMPLETE  FOUND"), "{out}");
    assert!(lines.next().unwrap().starts_with("probes    no        0 of 1 origins"), "{out}");
    assert_eq!(lines.next(), Some("organic   no        0 of 20 pages have lived on it for 10m"), "{out}");
    let (_, out, _) = server.run(&["releases", "web"]).await;
    assert!(out.lines().nth(1).unwrap().contains("registered"), "{out}");

    let (code, _, err) = server.run(&["app", "set", "web", "--probe", "http://127.0.0.1/"]).await;
    assert!(code == 1 && err.contains("--probe-private"), "{err}");
    let (code, _, err) = server.run(&["app", "set", "web", "--organic", "many"]).await;
    assert!(code == 2 && err.contains("20:10m"), "{err}");
    let (_, out, _) = server.run(&["app", "set", "web", "--no-probes", "--no-organic"]).await;
    assert!(out.contains(&format!("undo: freshwire app set web --probe {probe} --organic 20:10m")), "{out}");
}

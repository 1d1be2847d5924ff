//! Nodes on one NATS: one log, and what becomes of them when NATS can't be used.

use std::{
    fs,
    time::{Duration, Instant},
};

use async_nats::jetstream::stream::Config;
use freshwire_tests::{eventually, nats::Nats, page::Page, process::Server};
use serde_json::{Value, json};

pub const STREAM: &str = "FRESHWIRE-freshwire";

pub async fn two_nodes(nats: &Nats) -> (Server, Server) {
    tokio::join!(Server::node(nats, "a", &[]), Server::node(nats, "b", &[]))
}

async fn number(server: &Server) -> Value {
    server.readiness().await.1["number"].clone()
}

async fn try_to_release(server: &Server, build: &str) -> (u16, Value) {
    server.call("POST", "/v1/apps/web/releases", Some(json!({"build": build}))).await
}

pub async fn release(server: &Server, build: &str) {
    server.release("web", json!({"build": build})).await;
}

/// A change that NATS isn't there for; it says whether nothing came of it for certain.
pub fn is_unavailable((status, answer): &(u16, Value), decided: bool) {
    assert_eq!((*status, &answer["decided"]), (503, &json!(decided)), "{answer}");
    assert_eq!(answer["type"], "urn:freshwire:problem:unavailable");
}

/// A change that nothing came of, and that says so.
async fn refused(server: &Server, build: &str) {
    is_unavailable(&try_to_release(server, build).await, true);
}

/// All are at the same number and have made the same of the log, and it is there.
pub async fn agree(servers: &[&Server]) {
    eventually("all nodes agree", async || {
        let mut answers = Vec::new();
        for server in servers {
            answers.push(server.readiness().await.1);
        }
        let same = |field: &str| answers.iter().all(|answer| answer[field] == answers[0][field]);
        if !same("number") || answers.iter().any(|answer| !answer["log_age_ms"].is_null()) {
            return None;
        }
        assert!(same("digest") && answers[0]["digest"].is_string(), "{answers:?}");
        Some(())
    })
    .await;
}

/// The same once NATS is as it was: wanted within 5 s, but for what NATS takes for its elections.
pub async fn agree_again(servers: &[&Server]) {
    let healed = Instant::now();
    agree(servers).await;
    println!("the nodes agree {:?} after healing", healed.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_see_one_anothers_changes_and_a_late_one_sees_all() {
    let nats = Nats::start().await;
    let (a, b) = two_nodes(&nats).await;
    release(&a, "build-0").await;
    agree(&[&a, &b]).await;
    let mut page = Page::open(b.address(), "web", "build-0", "").await;
    for round in 1..=6 {
        let (writer, reader) = if round % 2 == 0 { (&b, &a) } else { (&a, &b) };
        release(writer, &format!("build-{round}")).await;
        let written = number(writer).await;
        eventually("the other node has it", async || (number(reader).await == written).then_some(())).await;
    }
    let history = async |server: &Server| server.get("/v1/apps/web/log").await;
    let late = Server::node(&nats, "c", &[]).await;
    assert_eq!(number(&late).await, number(&a).await);
    agree(&[&a, &b, &late]).await;
    for series in ["freshwire_log_number", "freshwire_state_digest"] {
        assert_ne!(a.counter(series).await, 0);
        assert_eq!(a.counter(series).await, b.counter(series).await, "{series}");
        assert_eq!(a.counter(series).await, late.counter(series).await, "{series}");
    }
    assert_eq!(history(&late).await, history(&a).await);
    assert_eq!(history(&b).await, history(&a).await);
    page.frame("standing").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_nats_sessions_and_reads_go_on_and_changes_are_refused() {
    let mut nats = Nats::start().await;
    let (a, mut b) = two_nodes(&nats).await;
    release(&a, "one").await;
    agree(&[&a, &b]).await;
    let mut page = Page::open(b.address(), "web", "one", "").await;

    nats.kill(0).await;
    refused(&a, "two").await;
    refused(&b, "two").await;
    let (status, ready) = b.readiness().await;
    assert_eq!((status, &ready["ready"]), (200, &json!(true)));
    assert!(ready["log_age_ms"].is_u64() && ready["log_trouble"].is_string(), "{ready}");
    assert_eq!(b.get("/v1/apps/web").await["current"]["build"], "one");
    assert!(page.frames_until_pong().await.is_empty());
    let other = Page::open(b.address(), "web", "one", "").await;
    assert_eq!(other.welcome["standing"], "current");

    nats.restart(0).await;
    agree_again(&[&a, &b]).await;
    release(&a, "two").await;
    agree(&[&a, &b]).await;
    assert_eq!(page.frame("standing").await["standing"], "stale");
    b.kill().await;
    b.restart().await;
    b.ready().await;
    agree(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_nats_server_of_three_is_not_missed_whichever_it_is() {
    let mut nats = Nats::cluster().await;
    let (a, b) = two_nodes(&nats).await;
    release(&a, "start").await;
    for round in 0..3 {
        let leader = nats.leader(STREAM).await;
        let gone = if round == 0 { (leader + 1) % 3 } else { leader };
        nats.kill(gone).await;
        for (node, name) in [(&a, "a"), (&b, "b")] {
            // Refused for a moment while there is no leader; never in doubt for good.
            eventually("changes are taken", async || {
                let (status, answer) = try_to_release(node, &format!("{name}-{round}")).await;
                assert!([201, 200, 409, 503].contains(&status), "{status} {answer}");
                (status != 503).then_some(())
            })
            .await;
        }
        nats.restart(gone).await;
        nats.settled().await;
        nats.replicated(STREAM).await;
        agree_again(&[&a, &b]).await;
    }
    let builds = a.get("/v1/apps/web/releases").await["releases"].as_array().unwrap().len();
    assert_eq!(builds, 7, "no change is lost, and none is there twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_nats_server_thaws_without_a_lost_change() {
    let nats = Nats::start().await;
    let (a, b) = two_nodes(&nats).await;
    release(&a, "one").await;
    let mut page = Page::open(a.address(), "web", "one", "").await;
    nats.stop(0).await;
    // Nobody answers, so nothing is sent.
    refused(&a, "two").await;
    assert!(page.frames_until_pong().await.is_empty());
    eventually("it is noticed", async || b.readiness().await.1["log_age_ms"].as_u64()).await;
    nats.cont(0);
    agree_again(&[&a, &b]).await;
    release(&b, "two").await;
    agree(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_waits_for_nats_and_says_what_for() {
    let mut nats = Nats::start().await;
    nats.kill(0).await;
    let server = Server::start_with(&["--nats", &nats.url(), "--node", "a"]).await;
    let reason = eventually("the reason is there", async || {
        let (status, answer) = server.readiness().await;
        assert_eq!((status, &answer["ready"]), (503, &json!(false)));
        let reason = answer["reason"].as_str()?.to_owned();
        reason.contains("IO error").then_some(reason)
    })
    .await;
    assert!(reason.starts_with("starting: NATS can't be reached at 127.0.0.1:"), "{reason}");
    let alive = server.call("GET", "/livez", None).await.0;
    assert_eq!(alive, 200);
    refused(&server, "one").await;
    nats.restart(0).await;
    server.ready().await;
    release(&server, "one").await;
    // A reason is logged once, however often it is tried again; there may be others while NATS starts.
    let log = server.log();
    let said = log.lines().filter(|line| line.contains("can't be used"));
    let mut reasons: Vec<_> = said.map(|line| line.split_once("can't be used").unwrap().1).collect();
    let times = reasons.len();
    reasons.sort_unstable();
    reasons.dedup();
    assert!((1..=3).contains(&times) && reasons.len() == times, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_are_named_and_tried_on() {
    let nats = Nats::start_with("authorization { user: us, password: secret }").await;
    let server = Server::start_with(&["--nats", &nats.url(), "--node", "a"]).await;
    eventually("the reason is there", async || {
        let reason = server.readiness().await.1["reason"].as_str()?.to_owned();
        reason.contains("authorization violation").then_some(())
    })
    .await;
    let url = nats.url().replace("//", "//us:secret@");
    let server = Server::start_with(&["--nats", &url, "--node", "a"]).await;
    server.ready().await;
    assert!(!server.log().contains("secret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_would_forget_is_refused_by_its_difference() {
    let nats = Nats::start().await;
    let config = Config {
        name: STREAM.into(),
        subjects: vec!["freshwire.freshwire.log.>".into()],
        max_age: Duration::from_hours(1),
        ..Config::default()
    };
    nats.create_stream(config).await;
    let mut server = Server::start_with(&["--nats", &nats.url(), "--node", "a"]).await;
    assert_eq!(server.stopped().await.code(), Some(1));
    let log = server.log();
    assert!(log.contains("max_age is 3600s, and must be 0ns"), "{log}");
    // Nothing of it was touched.
    let stream = nats.stream(STREAM).await;
    assert_eq!(stream.cached_info().config.max_age, Duration::from_hours(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_made_anew_is_refused_by_those_who_know_the_old_one() {
    let nats = Nats::start().await;
    let mut old = Server::node(&nats, "old", &[]).await;
    release(&old, "one").await;
    nats.delete_stream(STREAM).await;
    let new = Server::node(&nats, "new", &[]).await;
    for build in ["other", "builds"] {
        release(&new, build).await;
    }
    refused(&old, "two").await;
    eventually("it says why", async || {
        old.readiness().await.1["log_trouble"].as_str()?.contains("made anew").then_some(())
    })
    .await;
    assert_eq!(old.get("/v1/apps/web").await["current"]["build"], "one");
    old.terminate().await;
    let remembered = fs::read_to_string(old.folder().join("data/log-stream")).unwrap();
    assert!(remembered.starts_with(STREAM), "{remembered}");
    let mut again = Server::start_in(old.folder(), &["--nats", &nats.url(), "--node", "old"]).await;
    assert_eq!(again.stopped().await.code(), Some(1));
    assert!(again.log().contains("made anew"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_knows_its_stream_makes_no_other_in_its_place() {
    let nats = Nats::start().await;
    let mut node = Server::node(&nats, "a", &[]).await;
    release(&node, "one").await;
    node.terminate().await;
    nats.delete_stream(STREAM).await;
    let node = Server::start_in(node.folder(), &["--nats", &nats.url(), "--node", "a"]).await;
    let gone = eventually("it says what is missing", async || {
        let (status, answer) = node.readiness().await;
        assert_eq!(status, 503, "{answer}");
        answer["reason"].as_str().filter(|reason| reason.contains("is gone")).map(str::to_owned)
    })
    .await;
    assert!(gone.contains("bring the old stream back"), "{gone}");
    assert!(nats.jetstream().await.get_stream(STREAM).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_strangers_publish_to_the_log_is_passed_over() {
    let nats = Nats::start().await;
    let (a, b) = two_nodes(&nats).await;
    release(&a, "one").await;
    let stranger = nats.client().await;
    for topic in ["app.web", "notes"] {
        stranger.publish(format!("freshwire.freshwire.log.{topic}"), "hello".into()).await.unwrap();
    }
    stranger.flush().await.unwrap();
    eventually("both are there", async || (number(&a).await == 3).then_some(())).await;
    release(&b, "two").await;
    agree(&[&a, &b]).await;
    assert_eq!(number(&a).await, 4);
    assert!(a.readiness().await.1.get("frozen").is_none());
    assert_eq!(a.log().matches("somebody else has written to the log").count(), 2);
    assert_eq!(a.get("/v1/apps/web/log").await["entries"].as_array().unwrap().len(), 2);

    // Numbers go with it to another store.
    let file = a.folder().join("log.jsonl");
    let (code, _, said) = a.run(&["log", "export", file.to_str().unwrap()]).await;
    assert_eq!(code, 0, "{said}");
    let alone = Server::start().await;
    let (code, _, said) = alone.run(&["log", "import", file.to_str().unwrap()]).await;
    assert_eq!(code, 0, "{said}");
    let (here, there) = (alone.readiness().await.1, a.readiness().await.1);
    assert_eq!((&here["number"], &here["digest"]), (&there["number"], &there["digest"]));
}

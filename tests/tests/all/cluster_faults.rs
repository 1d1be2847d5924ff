//! One of three NATS servers hangs: it is there, holds its connections, and does nothing.

use std::time::{Duration, Instant};

use freshwire_tests::{eventually, nats::Nats, page::Page, process::Server};
use serde_json::{Value, json};

use crate::cluster_log::{STREAM, agree, agree_again, release, two_nodes};

/// The others notice, choose a new leader, and go on. On a quiet machine in a third of this.
const GOES_ON_WITHIN: Duration = Duration::from_secs(50);

/// Releases a build as a client does that repeats what was not decided, and says how long that took.
async fn release_at_last(server: &Server, build: &str) -> Duration {
    let began = Instant::now();
    let body = json!({"build": build});
    let keyed = [("idempotency-key", build)];
    eventually("changes are taken", async || {
        let (status, answer) =
            server.call_with("POST", "/v1/apps/web/releases", Some(body.clone()), &keyed).await;
        if status != 503 {
            assert!([200, 201].contains(&status), "{status} {answer}");
            return Some(());
        }
        assert_eq!(answer["type"], "urn:freshwire:problem:unavailable", "{answer}");
        assert!(answer["decided"].is_boolean(), "{answer}");
        None
    })
    .await;
    began.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_nats_server_of_three_that_hangs_is_not_missed_whichever_it_is() {
    let nats = Nats::cluster().await;
    let (a, b) = two_nodes(&nats).await;
    release(&a, "start").await;
    agree(&[&a, &b]).await;
    let open = async |node: &Server| Page::open(node.address(), "web", "start", "").await;
    let mut pages = [open(&a).await, open(&b).await];
    for round in ["follower", "leader"] {
        nats.replicated(STREAM).await;
        let leader = nats.leader(STREAM).await;
        let hangs = if round == "leader" { leader } else { (leader + 1) % 3 };
        nats.stop(hangs).await;
        for (node, name) in [(&a, "a"), (&b, "b")] {
            let took = release_at_last(node, &format!("{name}-{round}")).await;
            println!("the {round} hangs: node {name} takes a change after {took:?}");
            assert!(took < GOES_ON_WITHIN);
        }
        for page in &mut pages {
            page.frames_until_pong().await;
        }
        nats.cont(hangs);
        agree_again(&[&a, &b]).await;
    }
    let last = Server::node(&nats, "c", &[]).await;
    agree(&[&a, &b, &last]).await;
    let releases = last.get("/v1/apps/web/releases").await["releases"].clone();
    let mut builds: Vec<_> = releases.as_array().unwrap().iter().map(|one| one["build"].clone()).collect();
    builds.sort_unstable_by_key(Value::to_string);
    assert_eq!(json!(builds), json!(["a-follower", "a-leader", "b-follower", "b-leader", "start"]));
    // Who thaws may call for an election, and nobody tells the log's entries until that is over.
    let history = eventually("the history is told", async || {
        let (status, history) = last.call("GET", "/v1/apps/web/log", None).await;
        assert!([200, 503].contains(&status), "{status} {history}");
        (status == 200).then_some(history)
    })
    .await;
    assert_eq!(history["entries"].as_array().unwrap().len(), 5);
    for page in &mut pages {
        let told = page.frames_until_pong().await;
        assert!(told.iter().all(|frame| frame["type"] != "reconnect"), "{told:?}");
    }
}

/// Longer than a node is silent before it is forgotten.
const FORGETS_AFTER: Duration = Duration::from_secs(13);

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_nats_server_is_alone_forgets_nobody_and_says_that_it_does_not_know() {
    let mut nats = Nats::cluster().await;
    let flags = ["--warmup", "0s"];
    let at = [nats.url_of(0), nats.url_of(1)];
    let a = Server::node_at(&at[0], "a", &flags, &[]).await;
    let b = Server::node_at(&at[1], "b", &flags, &[]).await;
    release(&a, "start").await;
    agree(&[&a, &b]).await;
    let open = async |node: &Server| Page::open(node.address(), "web", "start", "").await;
    let pages = [open(&a).await, open(&b).await];
    // Not the one at the leader, which takes its time to see that it leads nobody.
    let alone = usize::from(nats.leader(STREAM).await == 0);
    let node = [&a, &b][alone];
    let census = async || node.get("/v1/apps/web/census").await;
    eventually("both are counted", async || {
        let census = census().await;
        (census["sessions"] == 2 && census["complete"] == true).then_some(())
    })
    .await;
    for index in (0..3).filter(|index| *index != alone) {
        nats.kill(index).await;
    }
    eventually("it is cut off", async || {
        let away = node.readiness().await.1["log_age_ms"].is_u64();
        (away && census().await["complete"] == false).then_some(())
    })
    .await;
    let began = Instant::now();
    while began.elapsed() < FORGETS_AFTER {
        let census = census().await;
        assert_eq!((&census["sessions"], &census["complete"]), (&json!(2), &json!(false)), "{census}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let gate = node.get("/v1/apps/web/gate?build=start").await;
    assert_eq!(gate["complete"], false, "{gate}");
    drop(pages);
}

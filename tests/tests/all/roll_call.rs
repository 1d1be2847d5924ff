//! Nodes of a cluster know of one another's sessions: each answers for all, names who is silent, and counts nobody twice.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use freshwire_tests::{
    eventually,
    nats::Nats,
    page::Page,
    process::{Server, text},
};
use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};

use crate::closed_loop::{campaign, refresh};

/// Time enough for a node to be named, then forgotten, and not for its pages to have had theirs.
const FLAGS: &[&str] = &["--warmup", "20s"];

struct Cluster {
    // Dropped before the NATS that they use.
    nodes: Vec<Server>,
    _nats: Nats,
}

impl Cluster {
    /// Nodes called `a`, `b` and so on that have heard one another.
    async fn start(count: usize, flags: &[&str]) -> Self {
        let nats = Nats::start().await;
        let mut nodes = Vec::new();
        for name in ["a", "b", "c"].into_iter().take(count) {
            nodes.push(Server::node(&nats, name, flags).await);
        }
        let cluster = Self { nodes, _nats: nats };
        cluster.change("POST", "/v1/apps/web/releases", &json!({"build": "a", "version": "1.0.0"})).await;
        for node in &cluster.nodes {
            eventually("the nodes hear one another", async || {
                let census = node.get("/v1/apps/web/census").await;
                (census["complete"] == true && list(&census["nodes"]).len() == count).then_some(())
            })
            .await;
        }
        cluster
    }

    /// Makes a change, once in a log that they share.
    async fn change(&self, method: &str, path: &str, body: &Value) -> Value {
        static CHANGES: AtomicU64 = AtomicU64::new(0);
        let key = format!("change-{}", CHANGES.fetch_add(1, Ordering::Relaxed));
        let mut answer = Value::Null;
        for node in &self.nodes {
            let (status, said) =
                node.call_with(method, path, Some(body.clone()), &[("idempotency-key", &key)]).await;
            assert!((200..300).contains(&status), "{method} {path}: {status} {said}");
            answer = said;
        }
        answer
    }

    async fn pages(&self, node: usize, count: usize, build: &str) -> Vec<Page> {
        let mut pages = Vec::new();
        for _ in 0..count {
            pages.push(Page::open(self.nodes[node].address(), "web", build, "1.0.0").await);
        }
        pages
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A census without the moments at which it was counted, and those at which each node has heard of a release.
async fn census(node: &Server) -> Value {
    let mut census = node.get("/v1/apps/web/census").await;
    census.as_object_mut().unwrap().remove("as_of");
    for (list, field) in [("nodes", "as_of"), ("rows", "released_at")] {
        for item in census[list].as_array_mut().unwrap() {
            item.as_object_mut().unwrap().remove(field);
        }
    }
    census
}

/// Connected, and away, in all.
fn sums(census: &Value) -> (u64, u64) {
    let sum = |field: &str| list(&census["rows"]).iter().map(|row| row[field].as_u64().unwrap()).sum();
    (sum("sessions"), sum("away"))
}

async fn counted(node: &Server, wanted: (u64, u64)) -> Value {
    eventually(&format!("{wanted:?} are counted"), async || {
        let census = census(node).await;
        (sums(&census) == wanted).then_some(census)
    })
    .await
}

#[tokio::test]
async fn every_node_answers_for_all() {
    let cluster = Cluster::start(2, FLAGS).await;
    let [a, b] = &cluster.nodes[..] else { unreachable!() };
    let on_a = cluster.pages(0, 3, "a").await;
    let on_b = cluster.pages(1, 4, "a").await;
    let others = cluster.pages(1, 2, "x").await;
    let from_a = counted(a, (9, 0)).await;
    assert_eq!(counted(b, (9, 0)).await, from_a);
    assert_eq!(from_a["nodes"], json!([{"node": "a", "sessions": 3}, {"node": "b", "sessions": 6}]));
    assert_eq!((&from_a["complete"], &from_a["missing"]), (&json!(true), &json!([])));

    // Each node's pasts are in the gate's; they are comparable whoever is asked.
    let gate = async |node: &Server| node.get("/v1/apps/web/gate?below=2.0.0").await;
    let (at_a, at_b) = (gate(a).await, gate(b).await);
    assert_eq!((&at_a["sessions"], &at_a["joins"]), (&json!(9), &json!(9)));
    for field in ["sessions", "joins", "epoch", "complete"] {
        assert_eq!(at_a[field], at_b[field], "{field}");
    }
    assert!(at_a["age"].is_string(), "what another node said is some time old: {at_a}");

    // Who goes is gone for both.
    drop(others);
    for page in on_a {
        page.close(1000).await;
    }
    for node in [a, b] {
        let census = eventually("those who went are gone", async || {
            let census = census(node).await;
            (census["sessions"] == 4).then_some(census)
        })
        .await;
        assert_eq!(census["sessions"], 4);
    }
    drop(on_b);
}

#[tokio::test]
async fn a_killed_node_is_named_then_forgotten_and_its_pages_are_away() {
    let mut cluster = Cluster::start(2, FLAGS).await;
    let gone = cluster.pages(0, 5, "a").await;
    let here = cluster.pages(1, 2, "a").await;
    counted(&cluster.nodes[1], (7, 0)).await;
    cluster.nodes[0].kill().await;
    drop(gone);
    let b = &cluster.nodes[1];
    let named = eventually("it is missing", async || {
        let census = census(b).await;
        (census["missing"] == json!(["a"])).then_some(census)
    })
    .await;
    assert_eq!((sums(&named), &named["complete"]), ((7, 0), &json!(false)), "named before it is forgotten");
    let forgotten = counted(b, (2, 5)).await;
    assert_eq!((&forgotten["missing"], &forgotten["warming"]), (&json!(["a"]), &json!(true)));
    assert_eq!(forgotten["nodes"], json!([{"node": "b", "sessions": 2}]));

    // It starts anew, and what it says itself counts again.
    cluster.nodes[0].restart().await;
    let back = eventually("it is back", async || {
        let census = census(&cluster.nodes[1]).await;
        (census["missing"] == json!([])).then_some(census)
    })
    .await;
    assert_eq!((sums(&back), &back["complete"]), ((2, 0), &json!(true)));
    drop(here);
}

#[tokio::test]
async fn a_frozen_node_is_missing_until_it_thaws_and_forgets_nobody_for_it() {
    let cluster = Cluster::start(2, FLAGS).await;
    let [a, b] = &cluster.nodes[..] else { unreachable!() };
    let (on_a, on_b) = (cluster.pages(0, 3, "a").await, cluster.pages(1, 2, "a").await);
    counted(b, (5, 0)).await;
    counted(a, (5, 0)).await;
    kill_process(a.process(), Signal::STOP).unwrap();
    counted(b, (2, 3)).await;
    kill_process(a.process(), Signal::CONT).unwrap();
    let thawed = census(a).await;
    assert_eq!(sums(&thawed), (5, 0), "it was frozen itself: the other may have said anything meanwhile");
    for node in [a, b] {
        let census = counted(node, (5, 0)).await;
        eventually("all are there", async || {
            (node.get("/v1/apps/web/census").await["complete"] == true).then_some(())
        })
        .await;
        assert_eq!(list(&census["nodes"]).len(), 2);
    }
    drop((on_a, on_b));
}

#[tokio::test]
async fn a_node_that_stops_says_goodbye_and_what_it_leaves_behind_is_counted() {
    let mut cluster = Cluster::start(2, &["--warmup", "3s", "--drain", "0s"]).await;
    let (asleep, awake) = (cluster.pages(0, 2, "a").await, cluster.pages(1, 1, "a").await);
    counted(&cluster.nodes[1], (3, 0)).await;
    for mut page in asleep {
        // It vanishes without a goodbye.
        tokio::io::AsyncWriteExt::shutdown(page.stream()).await.unwrap();
    }
    counted(&cluster.nodes[1], (1, 2)).await;
    cluster.nodes[0].terminate().await;
    let census = eventually("it is gone", async || {
        let census = census(&cluster.nodes[1]).await;
        (list(&census["nodes"]).len() == 1).then_some(census)
    })
    .await;
    assert_eq!((sums(&census), &census["missing"], &census["complete"]), ((1, 2), &json!([]), &json!(true)));
    assert_eq!(census["warming"], true, "pages that it sent away may be on their way");
    drop(awake);
}

#[tokio::test]
async fn back_ends_that_report_in_at_one_node_are_known_to_all() {
    let cluster = Cluster::start(2, FLAGS).await;
    let [a, b] = &cluster.nodes[..] else { unreachable!() };
    let report = json!({"build": "s1", "provides": ["orders"], "ttl": "30s"});
    a.done("PUT", "/v1/apps/web/backends/s", Some(report)).await;
    let listed = async |node: &Server| {
        let answer = node.get("/v1/apps/web/backends").await;
        list(&answer["backends"]).iter().map(|one| text(&one["build"])).collect::<Vec<_>>()
    };
    eventually("the other knows it", async || (listed(b).await == ["s1"]).then_some(())).await;
    // It reports in elsewhere, as behind a balancer, and that is later.
    b.done("PUT", "/v1/apps/web/backends/s", Some(json!({"build": "s2", "provides": [], "ttl": "30s"})))
        .await;
    eventually("the later report counts", async || (listed(a).await == ["s2"]).then_some(())).await;
    a.done("DELETE", "/v1/apps/web/backends/s", None).await;
    eventually("the other hears that it has stopped", async || listed(b).await.is_empty().then_some(()))
        .await;
    // Longer than any report is repeated: what was heard before doesn't count again.
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert!(listed(a).await.is_empty() && listed(b).await.is_empty());
}

#[tokio::test]
async fn the_brake_judges_what_all_nodes_have_seen() {
    let cluster = Cluster::start(2, FLAGS).await;
    let [a, b] = &cluster.nodes[..] else { unreachable!() };
    let two = json!({"build": "b", "version": "2.0.0", "severity": "silent"});
    cluster.change("POST", "/v1/apps/web/releases", &two).await;
    let mut pages = cluster.pages(0, 2, "a").await;
    pages.extend(cluster.pages(1, 2, "a").await);
    let minimum = json!({"version": "2.0.0", "reason": "a test", "over": "0s", "action": "prompt"});
    let number = cluster.change("PUT", "/v1/apps/web/minimum", &minimum).await["campaign"].as_u64().unwrap();

    // On neither node do enough of them fail for it to be no chance.
    let mut back = Vec::new();
    for (index, mut page) in pages.into_iter().enumerate() {
        page.frame("standing").await;
        let notice = page.frame("notice").await;
        let stays = if index == 3 { "b" } else { "a" };
        back.push(refresh(&cluster.nodes[index / 2], "web", page, &notice, stays).await);
    }
    for node in [a, b] {
        let paused = eventually("the brake pauses it", async || {
            let campaign = campaign(node, "web", number).await;
            (campaign["state"] == "paused" && campaign["targeted"] == 4).then_some(campaign)
        })
        .await;
        assert_eq!(paused["states"], json!({"still_old": 3, "refreshed": 1}));
        assert_eq!(paused["evidence"]["still_old"], 3);
    }
    drop(back);
}

#[tokio::test]
async fn what_became_of_a_push_is_counted_on_all_nodes() {
    let cluster = Cluster::start(2, FLAGS).await;
    let mut pages = cluster.pages(0, 2, "a").await;
    pages.extend(cluster.pages(1, 3, "a").await);
    let push = json!({"topic": "banner", "data": {"text": "hello"}, "expires": "1h"});
    cluster.change("POST", "/v1/apps/web/push", &push).await;
    for page in &mut pages {
        let mut frame = page.next_frame(Duration::from_secs(30)).await.unwrap();
        while frame["type"] != "push" {
            frame = page.next_frame(Duration::from_secs(30)).await.unwrap();
        }
    }
    for node in &cluster.nodes {
        eventually("all are counted", async || {
            let pushes = node.get("/v1/apps/web/pushes").await;
            (pushes["pushes"][0]["sessions"] == 5).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn all_nodes_have_one_timeline_and_read_what_they_have_missed() {
    let flags = ["--timeline-interval", "200ms", "--warmup", "0s", "--drain", "0s"];
    let mut cluster = Cluster::start(2, &flags).await;
    let pages = (cluster.pages(0, 1, "a").await, cluster.pages(1, 2, "a").await);
    let points = async |node: &Server| {
        let to = jiff::Timestamp::now();
        let from = to - jiff::SignedDuration::from_mins(3);
        let path = format!("/v1/apps/web/timeline?from={from}&to={to}&step=100ms");
        // 503 while it starts.
        let (_, answer) = node.call("GET", &path, None).await;
        list(&answer["points"]).to_vec()
    };
    let of_three = async |node: &Server| {
        eventually("a point of all three", async || {
            points(node).await.into_iter().find(|point| point["sessions"] == 3)
        })
        .await
    };
    let point = of_three(&cluster.nodes[0]).await;
    assert_eq!(of_three(&cluster.nodes[1]).await, point);
    // What is counted while a node is away is there when it is back.
    cluster.nodes[1].terminate().await;
    drop(pages.1);
    let missed = eventually("a point without it", async || {
        points(&cluster.nodes[0]).await.pop().filter(|point| point["sessions"] == 1)
    })
    .await;
    cluster.nodes[1].restart().await;
    eventually("it is read", async || points(&cluster.nodes[1]).await.contains(&missed).then_some(())).await;
    drop(pages.0);
}

#[tokio::test]
async fn nothing_is_written_that_a_node_of_an_older_version_would_not_understand() {
    let nats = Nats::start().await;
    let node = Server::node(&nats, "a", FLAGS).await;
    let release = json!({"build": "a", "version": "1.0.0"});
    takes(&node, &release).await;
    // A node that has never heard of any kind of change says that it is there.
    let client = nats.client().await;
    let report = json!({"node": "old", "incarnation": 1, "seq": 1, "fold": 0}).to_string();
    let head = json!({"node": "old", "incarnation": 1, "seq": 1, "piece": 0, "of": 1});
    client.publish("freshwire.freshwire.roll", format!("{head}\n{report}").into()).await.unwrap();
    client.flush().await.unwrap();
    let next = json!({"build": "b", "version": "2.0.0"});
    let refused = eventually("it is heard", async || {
        let dry = node.call("POST", "/v1/apps/web/releases?dry_run=true", Some(next.clone())).await;
        (dry.0 == 503).then_some(dry.1)
    })
    .await;
    let detail = text(&refused["detail"]);
    assert!(detail.contains("'old'"), "{detail}");
    // Once it has been forgotten nobody needs to be spared.
    takes(&node, &next).await;
}

/// Waits until a change is made.
async fn takes(node: &Server, release: &Value) {
    eventually("the change is taken", async || {
        let (status, _) = node.call("POST", "/v1/apps/web/releases", Some(release.clone())).await;
        (status < 300).then_some(())
    })
    .await;
}

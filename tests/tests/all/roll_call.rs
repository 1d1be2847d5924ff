//! Nodes of a cluster know of one another's sessions: each answers for all, names who is silent, and counts nobody twice.

use std::sync::atomic::{AtomicU64, Ordering};

use async_nats::jetstream::consumer::DeliverPolicy;
use freshwire_tests::{
    census::sums,
    eventually,
    freeze::{freeze, thaw},
    nats::{Nats, PATIENT},
    page::Page,
    process::{Server, text},
};
use futures_util::TryStreamExt as _;
use serde_json::{Value, json};

use crate::{
    closed_loop::{campaign, refresh},
    cluster_log::agree_again,
};

/// Time enough for a node to be named, then forgotten, and not for its pages to have had theirs.
const FLAGS: &[&str] = &["--warmup", "20s", "--poll-interval", "10s"];

struct Cluster {
    // Dropped before the NATS that they use.
    nodes: Vec<Server>,
    nats: Nats,
}

impl Cluster {
    /// Nodes called `a`, `b` and so on that have heard one another.
    async fn start(count: usize, flags: &[&str]) -> Self {
        let nats = Nats::start().await;
        let mut nodes = Vec::new();
        for name in ["a", "b", "c"].into_iter().take(count) {
            nodes.push(Server::node(&nats, name, flags).await);
        }
        let cluster = Self { nodes, nats };
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
            answer = node.keyed(&key, method, path, Some(body.clone())).await;
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

async fn counted(node: &Server, wanted: (u64, u64)) -> Value {
    eventually(&format!("{wanted:?} are counted"), async || {
        let census = census(node).await;
        (sums(&census) == wanted).then_some(census)
    })
    .await
}

/// Waits until a node has heard two more reports of another one.
async fn heard_anew(node: &Server, other: &str) {
    let heard_at = async || {
        let census = node.get("/v1/apps/web/census").await;
        let there = list(&census["nodes"]).iter().find(|there| there["node"] == *other);
        there.map(|there| text(&there["as_of"]).parse::<jiff::Timestamp>().unwrap())
    };
    for _ in 0..2 {
        let before = eventually("the other is there", heard_at).await;
        // Its age is counted anew for each answer, and its reports are a second apart.
        let later = before + jiff::SignedDuration::from_millis(500);
        eventually("it is heard anew", async || heard_at().await.filter(|at| *at > later)).await;
    }
}

#[tokio::test]
async fn every_node_answers_for_all() {
    let cluster = Cluster::start(2, FLAGS).await;
    let [a, b] = &cluster.nodes[..] else { unreachable!() };
    let on_a = cluster.pages(0, 3, "a").await;
    let on_b = cluster.pages(1, 4, "a").await;
    let others = cluster.pages(1, 2, "x").await;
    let from_a = eventually("both say the same, and that it is all", async || {
        let (from_a, from_b) = (census(a).await, census(b).await);
        (from_a == from_b && sums(&from_a) == (9, 0) && from_a["complete"] == true).then_some(from_a)
    })
    .await;
    assert_eq!(from_a["nodes"], json!([{"node": "a", "sessions": 3}, {"node": "b", "sessions": 6}]));
    assert_eq!(from_a["missing"], json!([]));

    // Each node's pasts are in the gate's; they are comparable whoever is asked.
    let gate = async |node: &Server| node.get("/v1/apps/web/gate?below=2.0.0").await;
    let at_a = eventually("both gates say the same", async || {
        let (at_a, at_b) = (gate(a).await, gate(b).await);
        let same = ["sessions", "joins", "epoch", "complete"].iter().all(|field| at_a[field] == at_b[field]);
        same.then_some(at_a)
    })
    .await;
    assert_eq!((&at_a["sessions"], &at_a["joins"]), (&json!(9), &json!(9)));
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
        (census["missing"] == json!([]) && census["complete"] == true).then_some(census)
    })
    .await;
    assert_eq!(sums(&back), (2, 0));
    drop(here);
}

#[tokio::test]
async fn a_gate_waits_for_pages_of_a_node_that_may_only_be_cut_off() {
    let mut cluster = Cluster::start(2, &["--warmup", "0s"]).await;
    let pages = cluster.pages(0, 2, "a").await;
    counted(&cluster.nodes[1], (2, 0)).await;
    cluster.nodes[0].kill().await;
    let b = &cluster.nodes[1];
    eventually("the census is whole without it", async || {
        let census = census(b).await;
        (census["complete"] == true && sums(&census) == (0, 2)).then_some(())
    })
    .await;
    let gate = async || {
        let gate = b.get("/v1/apps/web/gate?below=2.0.0").await;
        (gate["complete"].clone(), gate["missing"].clone())
    };
    assert_eq!(gate().await, (json!(false), json!(["a"])), "its pages may be connected to it still");
    let mut back = Vec::new();
    for page in pages {
        assert_eq!(gate().await.1, json!(["a"]));
        let hello = json!({"app": "web", "build": "a", "version": "1.0.0", "via": "a",
            "session": page.session(), "resume": page.resume()});
        back.push(Page::hello(b.address(), hello).await);
    }
    let all_here = async || (gate().await == (json!(true), json!([]))).then_some(());
    eventually("all of them are here", all_here).await;
    drop(back);
}

#[tokio::test]
async fn nodes_that_start_are_told_of_one_that_was_gone_before() {
    let mut cluster = Cluster::start(2, FLAGS).await;
    let mut pages = cluster.pages(1, 3, "a").await;
    counted(&cluster.nodes[0], (3, 0)).await;
    cluster.nodes[1].kill().await;
    let page = pages.pop().unwrap();
    let hello = json!({"app": "web", "build": "a", "version": "1.0.0", "via": "b",
        "session": page.session(), "resume": page.resume()});
    let back = Page::hello(cluster.nodes[0].address(), hello).await;
    counted(&cluster.nodes[0], (1, 2)).await;

    let late = Server::node(&cluster.nats, "late", FLAGS).await;
    let gate = async |node: &Server| {
        let gate = node.get("/v1/apps/web/gate?below=2.0.0").await;
        ["sessions", "away", "complete", "missing", "rows"].map(|field| gate[field].clone())
    };
    let same = async |node: &Server, other: &Server, wanted: (u64, u64)| {
        eventually("the census is the same from either", async || {
            let (one, two) = (census(node).await, census(other).await);
            (sums(&one) == wanted && list(&one["nodes"]).len() == 2 && one == two).then_some(())
        })
        .await;
        let at = gate(node).await;
        assert_eq!(gate(other).await, at);
        assert_eq!((&at[1], &at[2], &at[3]), (&json!(2), &json!(false), &json!(["b"])), "they may live on");
    };
    same(&cluster.nodes[0], &late, (1, 2)).await;

    // From the one that was told it goes on to the next.
    cluster.nodes[0].kill().await;
    drop(back);
    cluster.nodes[0].restart().await;
    cluster.nodes[0].ready().await;
    same(&cluster.nodes[0], &late, (0, 2)).await;
}

#[tokio::test]
async fn a_node_that_has_just_started_paces_a_change_by_the_pages_of_all() {
    let cluster = Cluster::start(1, FLAGS).await;
    let pages = cluster.pages(0, 3, "a").await;
    let two = json!({"build": "b", "version": "2.0.0", "severity": "silent"});
    cluster.change("POST", "/v1/apps/web/releases", &two).await;
    let late = Server::node(&cluster.nats, "late", &[FLAGS, PATIENT].concat()).await;
    let minimum = json!({"version": "2.0.0", "reason": "a test"});
    let tried = late.done("PUT", "/v1/apps/web/minimum?dry_run=true", Some(minimum)).await;
    assert_eq!(tried["affected"]["sessions"], 3);
    drop(pages);
}

#[tokio::test]
async fn no_count_is_whole_while_two_nodes_have_one_name() {
    let cluster = Cluster::start(2, FLAGS).await;
    let mut namesake = Server::node(&cluster.nats, "a", FLAGS).await;
    for node in cluster.nodes.iter().chain([&namesake]) {
        eventually("it is missing", async || {
            let census = census(node).await;
            (census["missing"] == json!(["a"]) && census["complete"] == false).then_some(())
        })
        .await;
    }
    namesake.terminate().await;
    eventually("it is one again", async || {
        (census(&cluster.nodes[1]).await["missing"] == json!([])).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_frozen_node_is_missing_until_it_thaws_and_forgets_nobody_for_it() {
    let cluster = Cluster::start(2, FLAGS).await;
    let [a, b] = &cluster.nodes[..] else { unreachable!() };
    let (on_a, on_b) = (cluster.pages(0, 3, "a").await, cluster.pages(1, 2, "a").await);
    counted(b, (5, 0)).await;
    counted(a, (5, 0)).await;
    freeze(a.process()).await;
    counted(b, (2, 3)).await;
    let meanwhile = json!({"build": "b", "version": "2.0.0", "severity": "silent"});
    b.release("web", meanwhile).await;
    thaw(a.process());
    agree_again(&[a, b]).await;
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
    let mut cluster = Cluster::start(2, &["--warmup", "10s", "--poll-interval", "2s", "--drain", "0s"]).await;
    let (asleep, awake) = (cluster.pages(0, 2, "a").await, cluster.pages(1, 1, "a").await);
    counted(&cluster.nodes[1], (3, 0)).await;
    for mut page in asleep {
        // It vanishes without a goodbye.
        tokio::io::AsyncWriteExt::shutdown(page.stream()).await.unwrap();
    }
    counted(&cluster.nodes[1], (1, 2)).await;
    eventually("it is warm after its own start", async || {
        (census(&cluster.nodes[1]).await["warming"] == false).then_some(())
    })
    .await;
    // Its disk is not waited for: the warm-up begins with its goodbye.
    cluster.nodes[0].ask_to_stop();
    let census = eventually("it is gone", async || {
        let census = census(&cluster.nodes[1]).await;
        (list(&census["nodes"]).len() == 1 && census["complete"] == true).then_some(census)
    })
    .await;
    assert_eq!((sums(&census), &census["missing"]), ((1, 2), &json!([])));
    assert_eq!(census["warming"], true, "pages that it sent away may be on their way");
    cluster.nodes[0].stopped().await;
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
    // What was heard before doesn't count again.
    heard_anew(a, "b").await;
    heard_anew(b, "a").await;
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
    let states = json!({"still_old": 3, "refreshed": 1});
    for node in [a, b] {
        // The entry that pauses it may come before what the other node tells of its pages, which it does once a second.
        let paused = eventually("the brake pauses it, and each knows all four", async || {
            let campaign = campaign(node, "web", number).await;
            (campaign["state"] == "paused" && campaign["states"] == states).then_some(campaign)
        })
        .await;
        assert_eq!((&paused["targeted"], &paused["evidence"]["still_old"]), (&json!(4), &json!(3)));
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
        while page.any_frame("push").await["type"] != "push" {}
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
async fn a_push_says_how_many_pages_it_selects_on_all_nodes() {
    let cluster = Cluster::start(2, FLAGS).await;
    let mut pages = Vec::new();
    for (node, tenant) in [(0, "acme"), (1, "acme"), (1, "acme"), (1, "other")] {
        let hello = json!({"app": "web", "build": "a", "version": "1.0.0", "labels": {"tenant": tenant}});
        pages.push(Page::hello(cluster.nodes[node].address(), hello).await);
    }
    let push = json!({"topic": "banner", "data": 1, "select": {"labels": {"tenant": "acme"}}});
    for node in &cluster.nodes {
        counted(node, (4, 0)).await;
        let path = "/v1/apps/web/push?dry_run=true";
        let build = json!({"build": "a", "version": "1.0.0", "sessions": 3});
        let all = json!({"sessions": 3, "builds": [build]});
        // Those of a node that is late with its answer are left out.
        eventually("both nodes are asked", async || {
            let would = node.done("POST", path, Some(push.clone())).await;
            let sessions = would["affected"]["sessions"].as_u64();
            assert!(sessions <= Some(3), "{would}");
            (would["affected"] == all).then_some(())
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
    // It has read on from where it was, and not all from the beginning.
    let shelf = cluster.nats.stream("FRESHWIRE-freshwire-timeline").await;
    let readers: Vec<_> = shelf.consumers().try_collect().await.unwrap();
    let reads_on = |policy| matches!(policy, DeliverPolicy::ByStartTime { .. });
    assert!(readers.iter().any(|reader| reads_on(reader.config.deliver_policy)), "{readers:?}");
    drop(pages.0);
}

#[tokio::test]
async fn nothing_is_written_that_a_node_of_an_older_version_would_not_understand() {
    let nats = Nats::start().await;
    let node = Server::node(&nats, "a", FLAGS).await;
    let release = json!({"build": "a", "version": "1.0.0"});
    takes(&node, &release).await;
    // A node that has never heard of any kind of change says that it is there, and what only its own version knows of.
    let report = json!({"node": "old", "incarnation": 1, "seq": 1, "fold": 0, "mood": {"is": "good"}});
    say(&nats.client().await, &report).await;
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

#[tokio::test]
async fn a_node_that_has_made_something_else_of_the_log_is_named() {
    let nats = Nats::start().await;
    let node = Server::node(&nats, "a", FLAGS).await;
    takes(&node, &json!({"build": "a", "version": "1.0.0"})).await;
    let client = nats.client().await;
    let own = node.readiness().await.1;
    assert_eq!(own["disagrees"], Value::Null);
    let says = async |seq: u64, digest: &Value| {
        let report = json!({"node": "other", "incarnation": 1, "seq": seq, "number": own["number"],
            "fold": own["fold"], "digest": digest});
        say(&client, &report).await;
    };
    let named = async |wanted: Value| {
        eventually("it is seen", async || {
            let (status, ready) = node.readiness().await;
            assert_eq!((status, &ready["ready"]), (200, &json!(true)));
            (ready["disagrees"] == wanted).then_some(())
        })
        .await;
    };
    let said = || node.log().matches("have made something else of the same log").count();
    says(1, &json!("0000000000000000")).await;
    named(json!(["other"])).await;
    assert_eq!(node.counter("freshwire_nodes_disagree").await, 1);
    for seq in 2..5 {
        says(seq, &json!("0000000000000000")).await;
    }
    says(5, &own["digest"]).await;
    named(Value::Null).await;
    assert_eq!(node.counter("freshwire_nodes_disagree").await, 0);
    assert_eq!(said(), 1, "once, and not with every report");
    says(6, &json!("0000000000000000")).await;
    named(json!(["other"])).await;
    // It is shown before it is logged.
    eventually("it is said again", async || (said() == 2).then_some(())).await;
}

/// Says a report as a node does.
async fn say(client: &async_nats::Client, report: &Value) {
    let head = json!({"node": report["node"], "incarnation": report["incarnation"], "seq": report["seq"],
        "piece": 0, "of": 1});
    client.publish("freshwire.freshwire.roll", format!("{head}\n{report}").into()).await.unwrap();
    client.flush().await.unwrap();
}

/// Waits until a change is made.
async fn takes(node: &Server, release: &Value) {
    eventually("the change is taken", async || {
        let (status, _) = node.call("POST", "/v1/apps/web/releases", Some(release.clone())).await;
        (status < 300).then_some(())
    })
    .await;
}

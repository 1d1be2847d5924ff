//! What operators see of two nodes: pages are told wherever they are, and a node that dies loses none of them.

use std::time::{Duration, Instant};

use freshwire_tests::{census::sums, eventually, nats::Nats, page::Page, process::Server};
use futures_util::future::join_all;
use serde_json::json;

use crate::{
    closed_loop::{release_two, start_campaign},
    cluster_log::agree,
};

const PAGES: usize = 20;

async fn counted_by_both(nodes: [&Server; 2], wanted: u64) {
    for node in nodes {
        eventually("all are counted once", async || {
            let census = node.get("/v1/apps/web/census").await;
            (sums(&census) == (wanted, 0) && census["complete"] == true).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_on_one_node_moves_pages_on_the_other_and_a_dead_nodes_pages_are_counted_once() {
    let nats = Nats::start().await;
    let (mut one, two) = tokio::join!(Server::node(&nats, "one", &[]), Server::node(&nats, "two", &[]));
    release_two(&one, "web").await;
    agree(&[&one, &two]).await;
    let open = async |node: &Server| {
        join_all((0..PAGES).map(|_| Page::open(node.address(), "web", "a", "1.0.0"))).await
    };
    let (mut on_one, mut on_two) = (open(&one).await, open(&two).await);
    let all = 2 * PAGES as u64;
    counted_by_both([&one, &two], all).await;

    let asked = Instant::now();
    let campaign = start_campaign(&one, "web", json!({})).await;
    let told = join_all(on_two.iter_mut().map(async |page| {
        assert_eq!(page.frame("standing").await["standing"], "unsupported");
        (page.frame("notice").await, asked.elapsed())
    }))
    .await;
    assert!(
        told.iter()
            .all(|(notice, _)| (&notice["notice"], &notice["action"]) == (&json!(campaign), &json!("prompt")))
    );
    let last = told.iter().map(|(_, at)| *at).max().unwrap_or_default();
    println!("from the request at node one to the last of {PAGES} prompts at node two: {last:?}");
    assert!(last < Duration::from_secs(20));

    let hellos = join_all(on_one.iter_mut().map(async |page| {
        page.frame("standing").await;
        let notice = page.frame("notice").await;
        page.send(&json!({"type": "outcome", "notice": notice["notice"], "is": "shown"})).await;
        page.frames_until_pong().await;
        json!({"app": "web", "build": "a", "version": "1.0.0", "via": "one", "session": page.session(),
            "resume": page.resume(), "seen": [{"notice": notice["notice"], "run": notice["run"],
            "step": notice["step"], "is": "shown", "ago_ms": 0}]})
    }))
    .await;
    one.kill().await;
    let killed = Instant::now();
    drop(on_one);
    let came = join_all(hellos.into_iter().map(async |hello| {
        let page = Page::hello(two.address(), hello.clone()).await;
        assert_eq!(hello["session"], json!(page.session()));
        page
    }))
    .await;
    println!("all {PAGES} pages of the dead node are at the other after {:?}", killed.elapsed());
    let census = eventually("all are counted once", async || {
        let census = two.get("/v1/apps/web/census").await;
        (sums(&census) == (all, 0)).then_some(census)
    })
    .await;
    println!("counted once after {:?}", killed.elapsed());
    assert_eq!((&census["missing"], &census["nodes"].as_array().unwrap().len()), (&json!(["one"]), &1));
    let mut pages: Vec<_> = came.into_iter().chain(on_two).collect();
    for page in &mut pages {
        assert!(page.frames_until_pong().await.is_empty(), "nobody is told twice");
    }
    // It starts again, and what it had is not counted beside them.
    one.restart().await;
    one.ready().await;
    counted_by_both([&one, &two], all).await;
    for node in [&one, &two] {
        // What it had is taken from its counts once the other has told it that they are there.
        eventually("each is in the campaign once", async || {
            let of = node.get(&format!("/v1/apps/web/campaigns/{campaign}")).await;
            (of["targeted"] == all).then_some(())
        })
        .await;
    }
}

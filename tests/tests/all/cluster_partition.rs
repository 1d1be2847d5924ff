//! A node that is cut off from NATS and so from the others, and comes back.

use freshwire_tests::{
    census::sums,
    eventually,
    page::Page,
    pair::Pair,
    process::{Server, text},
};
use serde_json::{Value, json};

use crate::{
    closed_loop::{old_page, start_campaign},
    cluster_log::{agree, agree_again, is_unavailable},
};

/// Time enough for a node to be named, then forgotten, and not for its pages to have had theirs.
const FLAGS: &[&str] = &["--warmup", "20s", "--poll-interval", "10s"];

/// Two nodes that know the app.
async fn started() -> Pair {
    let pair = Pair::start(FLAGS).await;
    pair.wired.release("web", json!({"build": "a", "version": "1.0.0"})).await;
    agree(&pair.nodes()).await;
    counted(&pair, (0, 0)).await;
    pair
}

/// So many are connected, and away, and both nodes know it for certain.
async fn counted(pair: &Pair, wanted: (u64, u64)) {
    for node in pair.nodes() {
        eventually(&format!("{wanted:?} are counted"), async || {
            let census = census(node).await;
            let all = census["complete"] == true && census["missing"] == json!([]);
            (all && sums(&census) == wanted).then_some(())
        })
        .await;
    }
}

/// So many are in a campaign, and both nodes know it.
async fn in_campaign(pair: &Pair, campaign: u64, wanted: u64) {
    for node in pair.nodes() {
        eventually(&format!("{wanted} are in the campaign"), async || {
            let of = node.get(&format!("/v1/apps/web/campaigns/{campaign}")).await;
            (of["targeted"] == wanted).then_some(())
        })
        .await;
    }
}

async fn census(node: &Server) -> Value {
    node.get("/v1/apps/web/census").await
}

/// The notice that a page gets next, after how it stands: step by step, or as it is in the end.
async fn told(page: &mut Page) -> Value {
    while page.frame("standing").await["standing"] != "unsupported" {}
    page.frame("notice").await
}

/// A change that nothing came of, and that says so.
async fn refused(node: &Server) {
    let release = json!({"build": "x", "version": "9.0.0"});
    is_unavailable(&node.call("POST", "/v1/apps/web/releases", Some(release)).await, true);
}

/// Prompts all old pages.
async fn raise_minimum(node: &Server) -> u64 {
    node.release("web", json!({"build": "b", "version": "2.0.0", "severity": "silent"})).await;
    start_campaign(node, "web", json!({})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_nothing_gets_through_to_serves_on_and_catches_up() {
    let pair = started().await;
    let Pair { wired: cut_off, other, wire, .. } = &pair;
    let (mut stays, mut leaving) = (old_page(cut_off).await, old_page(cut_off).await);
    let mut elsewhere = old_page(other).await;
    counted(&pair, (3, 0)).await;

    wire.hold();
    // It is watched from the beginning: it is named for some seconds only before it is forgotten.
    let missing = eventually("it is missing", async || {
        let census = census(other).await;
        (census["missing"] == json!(["a"])).then_some(census)
    });
    let meanwhile = async {
        refused(cut_off).await;
        let campaign = raise_minimum(other).await;
        assert_eq!(told(&mut elsewhere).await["notice"], campaign);
        campaign
    };
    let (named, campaign) = tokio::join!(missing, meanwhile);
    assert_eq!((sums(&named), &named["complete"]), ((3, 0), &json!(false)), "named before it is forgotten");
    let ready = eventually("it says how old it is", async || {
        let (status, ready) = cut_off.readiness().await;
        assert_eq!(status, 200);
        ready["log_age_ms"].is_u64().then_some(ready)
    })
    .await;
    assert!(!text(&ready["log_trouble"]).is_empty());
    assert_eq!(cut_off.get("/v1/apps/web").await["current"]["build"], "a");
    eventually("it knows that it doesn't know all", async || {
        (census(cut_off).await["complete"] == false).then_some(())
    })
    .await;
    let newcomer = old_page(cut_off).await;
    assert_eq!(newcomer.welcome["standing"], "current");

    eventually("it is forgotten", async || (sums(&census(other).await) == (1, 2)).then_some(())).await;
    // One of its pages finds the other node, and its old socket doesn't know.
    let hello = json!({"app": "web", "build": "a", "version": "1.0.0", "via": "a",
        "session": leaving.session(), "resume": leaving.resume()});
    let mut moved = Page::hello(other.address(), hello).await;
    assert_eq!(moved.session(), leaving.session());
    assert_eq!(moved.frame("notice").await["notice"], campaign);
    assert_eq!(sums(&census(other).await), (2, 1));
    for page in [&mut stays, &mut leaving] {
        assert!(page.frames_until_pong().await.is_empty());
    }

    wire.mend();
    agree_again(&[cut_off, other]).await;
    assert_eq!(told(&mut stays).await["notice"], campaign);
    eventually("the old socket is closed", async || {
        let left = cut_off.get("/v1/apps/web/sessions").await;
        let here = left["sessions"].as_array().unwrap().iter().filter(|one| one["node"] == "a");
        (here.count() == 2).then_some(())
    })
    .await;
    assert_eq!(leaving.closed().await.0, 4102);
    counted(&pair, (4, 0)).await;
    // Nobody was told twice.
    for page in [&mut stays, &mut elsewhere, &mut moved] {
        assert!(page.frames_until_pong().await.is_empty());
    }
    in_campaign(&pair, campaign, 4).await;
    drop(newcomer);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_connections_are_broken_serves_on_and_catches_up() {
    let pair = started().await;
    let Pair { wired: cut_off, other, wire, .. } = &pair;
    let (mut here, mut elsewhere) = (old_page(cut_off).await, old_page(other).await);
    let mut comes = old_page(other).await;
    counted(&pair, (3, 0)).await;
    // Again and again, and each time it comes back.
    for _ in 0..2 {
        wire.cut();
        eventually("it is cut off", async || cut_off.readiness().await.1["log_age_ms"].as_u64()).await;
        refused(cut_off).await;
        assert!(here.frames_until_pong().await.is_empty());
        wire.mend();
        agree_again(&[cut_off, other]).await;
    }
    wire.cut();
    let campaign = raise_minimum(other).await;
    assert_eq!(told(&mut elsewhere).await["notice"], campaign);
    assert!(here.frames_until_pong().await.is_empty());
    // One comes to it that was told of what it doesn't know yet.
    let notice = told(&mut comes).await;
    let seen = json!({"notice": notice["notice"], "run": notice["run"], "step": notice["step"], "is": "shown",
        "ago_ms": 1});
    let hello = json!({"app": "web", "build": "a", "version": "1.0.0", "via": "b", "session": comes.session(),
        "resume": comes.resume(), "seen": [seen]});
    let mut came = Page::hello(cut_off.address(), hello).await;
    assert_eq!((came.session(), &came.welcome["standing"]), (comes.session(), &json!("current")));
    wire.mend();
    agree_again(&[cut_off, other]).await;
    assert_eq!(told(&mut here).await["notice"], campaign);
    assert_eq!(comes.closed().await.0, 4102);
    counted(&pair, (3, 0)).await;
    in_campaign(&pair, campaign, 3).await;
    eventually("the one that came says that it was shown its notice", async || {
        let of = cut_off.get(&format!("/v1/apps/web/campaigns/{campaign}")).await;
        (of["states"]["shown"] == 1).then_some(())
    })
    .await;
    for page in [&mut here, &mut elsewhere, &mut came] {
        let told = page.frames_until_pong().await;
        assert!(told.iter().all(|frame| frame["type"] == "standing"), "told twice: {told:?}");
    }
}

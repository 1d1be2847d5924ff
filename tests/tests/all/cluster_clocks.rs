//! Two nodes whose clocks are 5 s apart: it is seen in when pages are told, and in nothing else.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use freshwire_tests::{
    eventually,
    page::Page,
    pair::Pair,
    process::{Server, text},
};
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    closed_loop::{refresh, release_two, start_campaign},
    cluster_log::agree,
};

const APART: Duration = Duration::from_secs(5);
const OVER: Duration = Duration::from_secs(4);
/// Beyond what clocks and waves account for, on a machine that has much else to do.
const SLACK: Duration = Duration::from_secs(20);
/// Less than the clocks are apart, and more than a moment.
const OFF: SignedDuration = SignedDuration::from_secs(4);
/// Longer than nodes are silent.
const LATE: SignedDuration = SignedDuration::from_secs(30);
/// On each node.
const PAGES: usize = 10;

/// The library that shifts a process's wall clock.
fn faketime() -> PathBuf {
    let machines = std::fs::read_dir("/usr/lib").expect("Debian's libraries").flatten();
    let libraries = machines.map(|machine| machine.path().join("faketime/libfaketimeMT.so.1"));
    let found = libraries.into_iter().find(|library| library.exists());
    found.expect("libfaketime is installed: run 'scripts/setup rust'")
}

/// Two nodes: the clock of the one behind the wire is fast, the other's is right.
async fn clocks_apart() -> Pair {
    let library = faketime();
    let fast = [
        ("LD_PRELOAD", library.to_str().expect("a path")),
        ("FAKETIME", "+5s"),
        // Only what people call the time: no clock of a machine jumps that counts its seconds.
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ("DONT_FAKE_MONOTONIC", "1"),
    ];
    Pair::start_with(&[], &fast).await
}

/// An app that a node has made and both know, with old pages on each.
async fn app(pair: &Pair, app: &str, maker: &Server) -> [Vec<Page>; 2] {
    release_two(maker, app).await;
    agree(&pair.nodes()).await;
    let open = async |node: &Server| {
        join_all((0..PAGES).map(|_| Page::open(node.address(), app, "a", "1.0.0"))).await
    };
    let pages = [open(&pair.wired).await, open(&pair.other).await];
    counted(pair, app, 2 * PAGES as u64).await;
    pages
}

async fn counted(pair: &Pair, app: &str, wanted: u64) {
    for node in pair.nodes() {
        eventually("all are counted", async || {
            let census = node.get(&format!("/v1/apps/{app}/census")).await;
            (census["sessions"] == wanted && census["complete"] == true).then_some(())
        })
        .await;
    }
}

/// What both say of a campaign, once that is the same.
async fn campaign(pair: &Pair, app: &str, number: u64, wanted: impl Fn(&Value) -> bool) -> Value {
    eventually("both say the same of the campaign", async || {
        let path = format!("/v1/apps/{app}/campaigns/{number}");
        let (fast, right) = (pair.wired.get(&path).await, pair.other.get(&path).await);
        let same = |field: &str| fast[field] == right[field];
        (same("states") && same("evidence") && same("state") && wanted(&right)).then_some(right)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wave_reaches_all_pages_once_whichever_nodes_clock_it_was_begun_by() {
    let pair = clocks_apart().await;
    let nodes = pair.nodes();
    let show = async |(maker, app): (usize, &str)| {
        let [mut on_fast, mut on_right] = self::app(&pair, app, nodes[maker]).await;
        let began = Instant::now();
        let number = start_campaign(nodes[maker], app, json!({"over": "4s"})).await;
        let all = on_fast.iter_mut().chain(&mut on_right);
        let told = join_all(all.map(async |page| {
            assert_eq!(page.frame("standing").await["standing"], "unsupported");
            (page.frame("notice").await, began.elapsed())
        }))
        .await;
        for (node, told) in ["fast", "right"].into_iter().zip(told.chunks(PAGES)) {
            let at = || told.iter().map(|(_, at)| *at);
            let (first, last) = (at().min().unwrap_or_default(), at().max().unwrap_or_default());
            println!("{app}: pages on the {node} node are told from {first:?} to {last:?}");
            assert!(last < OVER + APART + SLACK);
        }
        // The node whose clock is behind goes by the entry first, and waits for its clock then.
        if maker == 0 {
            let first = told[PAGES..].iter().map(|(_, at)| *at).min().unwrap_or_default();
            assert!(first + Duration::from_secs(1) > APART, "{first:?}");
        }
        let of = campaign(&pair, app, number, |of| of["targeted"] == 2 * PAGES as u64).await;
        assert_eq!(of["state"], "active", "{of}");
        for page in on_fast.iter_mut().chain(&mut on_right) {
            assert!(page.frames_until_pong().await.is_empty(), "nobody is told twice");
        }
        // Those who refresh are counted alike, too.
        let (fast, right) = (on_fast.remove(0), on_right.remove(0));
        let back = [
            refresh(nodes[0], app, fast, &told[0].0, "b").await,
            refresh(nodes[1], app, right, &told[PAGES].0, "b").await,
        ];
        let of = campaign(&pair, app, number, |of| of["states"]["refreshed"] == 2).await;
        assert_eq!(of["targeted"], 2 * PAGES as u64, "{of}");
        counted(&pair, app, 2 * PAGES as u64).await;
        drop(back);
    };
    tokio::join!(show((0, "begun-by-the-fast")), show((1, "begun-by-the-right")));
    agree(&nodes).await;
    for (index, ahead) in [SignedDuration::from_secs(5), SignedDuration::ZERO].into_iter().enumerate() {
        let asked = Timestamp::now();
        let census = nodes[index].get("/v1/apps/begun-by-the-fast/census").await;
        let answered = Timestamp::now();
        let own_time = |said: &Value| text(said).parse::<Timestamp>().unwrap() - ahead;
        // What the other one said last is some time old, and longer so on a machine that has much else to do.
        let of = |index: usize| own_time(&census["nodes"][index]["as_of"]);
        let said = [(own_time(&census["as_of"]), OFF), (of(index), OFF), (of(1 - index), OFF + LATE)];
        for (at, late) in said {
            println!("{index}: as of {} after it was asked for", at.duration_since(asked));
            let its_own = asked - late < at && at < answered + OFF;
            assert!(its_own, "each speaks of its own time: {census}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_stops_a_wave_on_both_nodes_and_the_logs_times_never_decrease() {
    let pair = clocks_apart().await;
    let nodes = pair.nodes();
    let [mut on_fast, mut on_right] = app(&pair, "web", nodes[0]).await;
    let number = start_campaign(nodes[0], "web", json!({"over": "8s"})).await;
    // Some are told, and then the other node's operator has had enough.
    let all = on_fast.iter_mut().chain(&mut on_right);
    let first =
        all.map(|page| Box::pin(async { while page.any_frame("notice").await["type"] != "notice" {} }));
    let ((), told, _) = futures_util::future::select_all(first).await;
    let pause = json!({"reason": "enough"});
    nodes[1].done("POST", &format!("/v1/apps/web/campaigns/{number}/pause"), Some(pause)).await;
    let paused = campaign(&pair, "web", number, |of| of["state"] == "paused").await;
    agree(&nodes).await;
    for node in nodes {
        let of = node.get(&format!("/v1/apps/web/campaigns/{number}")).await;
        assert_eq!(of["progress"], paused["progress"]);
    }
    for (index, page) in on_fast.iter_mut().chain(&mut on_right).enumerate() {
        let said = page.frames_until_pong().await;
        let last = said.iter().rfind(|frame| frame["type"] != "standing");
        match last.map_or("", |frame| frame["type"].as_str().unwrap()) {
            "withdraw" => {}
            // It was told, and will be told that it is over.
            "notice" => drop(page.frame("withdraw").await),
            "" if index == told => drop(page.frame("withdraw").await),
            other => assert_eq!(other, "", "{said:?}"),
        }
    }
    let entries = nodes[1].get("/v1/apps/web/log").await["entries"].clone();
    let times: Vec<Timestamp> =
        entries.as_array().unwrap().iter().map(|entry| text(&entry["at"]).parse().unwrap()).collect();
    assert!(times.is_sorted_by(|later, earlier| later >= earlier), "{times:?}");
    // As long as the rest of the wave would have taken by either clock: nobody else is told.
    tokio::time::sleep(APART).await;
    for page in on_fast.iter_mut().chain(&mut on_right) {
        assert!(page.frames_until_pong().await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_moves_off_a_cut_off_node_leaves_it_though_that_nodes_clock_is_fast() {
    let pair = clocks_apart().await;
    let Pair { wired: fast, other: right, wire, .. } = &pair;
    fast.release("web", json!({"build": "a", "version": "1.0.0"})).await;
    agree(&pair.nodes()).await;
    counted(&pair, "web", 0).await;
    let mut page = Page::open(fast.address(), "web", "a", "1.0.0").await;
    wire.cut();
    eventually("it is cut off", async || fast.readiness().await.1["log_age_ms"].as_u64()).await;
    let hello = json!({"app": "web", "build": "a", "version": "1.0.0", "via": "a",
        "session": page.session(), "resume": page.resume()});
    let moved = Page::hello(right.address(), hello).await;
    assert_eq!(moved.session(), page.session());
    wire.mend();
    assert_eq!(page.closed().await.0, 4102);
    counted(&pair, "web", 1).await;
}

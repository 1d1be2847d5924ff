//! SIGTERM: every page is told when to come back, and the goodbyes are spread.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use freshwire_tests::{
    eventually,
    page::Page,
    process::{Server, client},
    waiting::saw,
};
use serde_json::{Value, json};

/// So long that the goodbyes stay spread on a machine that stalls for most of it.
const DRAIN: Duration = Duration::from_secs(8);
const PAGES: usize = 200;

struct Goodbye {
    after: Duration,
    in_ms: u128,
    code: u16,
}

/// Waits for a page's goodbye.
async fn goodbye(mut page: Page, since: Instant) -> Goodbye {
    let reconnect = page.frame("reconnect").await;
    let after = since.elapsed();
    let (code, _) = page.closed().await;
    Goodbye { after, in_ms: reconnect["in_ms"].as_u64().unwrap().into(), code }
}

#[tokio::test(flavor = "multi_thread")]
async fn goodbyes_are_spread_over_the_drain_and_nothing_is_lost() {
    let mut server = Server::start_with(&["--drain", "8s", "--hello-timeout", "1m"]).await;
    server.release("web", json!({"build": "a", "version": "1.0.0"})).await;
    let mut pages = Vec::new();
    for _ in 0..PAGES {
        pages.push(Page::open(server.address(), "web", "a", "1.0.0").await);
    }
    // Two that connect before the end and say hello after its beginning: one in time, one never.
    let mut late = Page::silent(server.address(), None).await;
    let _never = Page::silent(server.address(), None).await;
    let before = server.get("/v1/apps/web").await;

    let since = Instant::now();
    server.ask_to_stop();
    let goodbyes: Vec<_> = pages.into_iter().map(|page| tokio::spawn(goodbye(page, since))).collect();
    let ready = eventually("it says that it is going away", async || {
        let answer = client().get(server.url("/readyz")).send().await.unwrap();
        saw(|| format!("/readyz: {}", answer.status()));
        (answer.status() == 503).then_some(answer)
    })
    .await;
    assert_eq!(ready.json::<Value>().await.unwrap()["reason"], "draining");
    assert_eq!(client().get(server.url("/livez")).send().await.unwrap().status(), 200);
    late.say_hello(json!({"app": "web", "build": "a"})).await;
    assert_eq!(goodbye(late, since).await.code, 4200);
    let connect = client()
        .get(server.url("/v1/connect"))
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    // Nobody new is let in; at the very end nobody listens any more.
    if let Ok(answer) = connect.send().await {
        assert_eq!(answer.status(), 503);
    }

    // As seen here, which a machine that has much else to do squeezes together.
    let mut seconds = BTreeMap::<_, usize>::new();
    // Who is sent away early is to be back after a longer time than who is sent away late.
    let mut soon = 0;
    for goodbye in goodbyes {
        let Goodbye { after, in_ms, code } = goodbye.await.unwrap();
        assert_eq!(code, 4200);
        let rest = DRAIN.saturating_sub(after).as_millis();
        assert!((rest..=2 * DRAIN.as_millis()).contains(&in_ms), "{in_ms} ms after {after:?}");
        *seconds.entry(after.as_secs()).or_default() += 1;
        soon += usize::from(in_ms < DRAIN.as_millis());
    }
    println!(
        "goodbyes by the second: {seconds:?}; {soon} of {PAGES} are to be back within the length of the drain"
    );
    // None if all were said at its beginning, nearly all if at its end; 90 of 200 as they are.
    assert!((PAGES / 5..PAGES * 4 / 5).contains(&soon), "{soon}");
    assert_eq!(server.stopped().await.code(), Some(0));

    server.restart().await;
    assert_eq!(server.get("/v1/apps/web").await["current"], before["current"]);
    let census = server.get("/v1/apps/web/census").await;
    assert_eq!((&census["sessions"], &census["rows"][0]["away"]), (&json!(0), &json!(PAGES + 1)));
    assert_eq!(census["warming"], true);
}

#[tokio::test]
async fn without_sessions_a_stop_is_at_once() {
    let mut server = Server::start_with(&["--drain", "1h"]).await;
    assert_eq!(server.terminate().await.code(), Some(0));
}

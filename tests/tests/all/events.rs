//! Events as they happen: what is told, in which order, and to whom who was away.

use std::time::{Duration, Instant};

use freshwire::{
    core::names::LogNumber,
    log::{Log as _, sqlite::SqliteLog},
};
use freshwire_tests::{
    drafts::settings,
    events::Events,
    eventually,
    page::Page,
    process::{Server, TOKEN, client, text},
    waiting::{PATIENCE, in_time},
};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tempfile::tempdir;

/// It takes no time to start or to stop.
async fn server_with_app() -> Server {
    Server::with_app(&["--warmup", "0s", "--drain", "0s"]).await
}

#[tokio::test]
async fn a_reader_sees_the_census_and_every_change_as_they_happen() {
    let server = server_with_app().await;
    let mut events = Events::follow(&server, "web", None).await;
    let census = events.expect("census").await;
    assert_eq!((census.id, &census.data["sessions"]), (1, &json!(0)));

    let page = Page::open(server.address(), "web", "a", "1.0.0").await;
    let mut told = events.expect("census").await.data;
    assert_eq!(told["rows"][0]["sessions"], 1);
    // The same as whoever asks is answered, but for when.
    let mut answered = server.get("/v1/apps/web/census").await;
    for census in [&mut told, &mut answered] {
        census.as_object_mut().unwrap().remove("as_of");
        census["nodes"][0].as_object_mut().unwrap().remove("as_of");
    }
    assert_eq!(told, answered);

    // Another app's entry is none of ours; ours comes before the census that it changes.
    server.release("other", json!({"build": "x", "version": "1.0.0"})).await;
    server.release("web", json!({"build": "b", "version": "1.1.0"})).await;
    let log = events.expect("log").await;
    assert_eq!(log.data, server.get("/v1/apps/web/log?limit=1").await["entries"][0]);
    assert_eq!((log.id, &log.data["kind"]), (3, &json!("release")));
    let census = events.expect("census").await;
    assert_eq!((census.id, &census.data["number"], &census.data["current"]), (3, &json!(3), &json!("b")));
    assert_eq!(census.data["rows"][1]["standing"], "stale");

    page.close(1000).await;
    assert_eq!(events.census_of(0).await.id, 3);
    // Nothing changes, nothing is said.
    assert_eq!(events.next_within(Duration::from_millis(600)).await, None);
}

#[tokio::test]
async fn a_campaign_is_told_whenever_it_is_not_what_it_was() {
    let server = server_with_app().await;
    server.release("web", json!({"build": "b", "version": "1.1.0", "severity": "silent"})).await;
    let mut page = Page::open(server.address(), "web", "a", "1.0.0").await;
    let mut events = Events::follow(&server, "web", None).await.with_campaigns();
    let minimum = json!({"version": "1.1.0", "reason": "CVE-2026-1234", "over": "0s"});
    let campaign = server.done("PUT", "/v1/apps/web/minimum", Some(minimum)).await["campaign"].clone();
    let told = campaign_with(&mut events, &campaign, |told| told["states"] == json!({"sent": 1})).await;
    // As whoever asks is answered.
    assert_eq!(told, server.get(&format!("/v1/apps/web/campaigns/{campaign}")).await);
    page.frame("standing").await;
    let notice = page.frame("notice").await["notice"].clone();
    page.send(&json!({"type": "outcome", "notice": notice, "is": "received"})).await;
    campaign_with(&mut events, &campaign, |told| told["told"] == 1).await;
    server
        .done("POST", &format!("/v1/apps/web/campaigns/{campaign}/pause"), Some(json!({"reason": "wait"})))
        .await;
    campaign_with(&mut events, &campaign, |told| told["state"] == "paused").await;

    // What is there already is told to whoever comes; a little progress of a long way is not.
    let minimum = json!({"version": "1.1.0", "reason": "slowly", "over": "24h"});
    let slow = server.done("PUT", "/v1/apps/web/minimum", Some(minimum)).await["campaign"].clone();
    eventually("the page has left the one for the other", async || {
        let of = async |campaign: &Value| server.get(&format!("/v1/apps/web/campaigns/{campaign}")).await;
        let (old, new) = (of(&campaign).await, of(&slow).await);
        (old["states"] == json!({"released": 1}) && new["targeted"] == 1).then_some(())
    })
    .await;
    let mut events = Events::follow(&server, "web", None).await.with_campaigns();
    campaign_with(&mut events, &campaign, |told| told["state"] == "replaced").await;
    campaign_with(&mut events, &slow, |told| told["state"] == "active").await;
    assert_eq!(events.next_within(Duration::from_millis(600)).await, None);
}

/// Reads on to a campaign's event that shows something.
async fn campaign_with(events: &mut Events, campaign: &Value, shows: impl Fn(&Value) -> bool) -> Value {
    let what = format!("the event that is waited for of campaign {campaign}");
    in_time(PATIENCE, &what, async {
        loop {
            let event = events.next_event().await.expect("the stream goes on");
            if event.kind == "campaign" && event.data["campaign"] == *campaign && shows(&event.data) {
                return event.data;
            }
        }
    })
    .await
}

#[tokio::test]
async fn who_comes_back_after_a_restart_is_told_what_was_missed() {
    let mut server = server_with_app().await;
    let mut events = Events::follow(&server, "web", None).await;
    let seen = events.expect("census").await.id;
    server.kill().await;
    assert_eq!(events.next_event().await, None);

    server.restart().await;
    for n in 1..=20 {
        server.done("PUT", "/v1/apps/web", Some(json!({"refresh_rate": n}))).await;
        server.done("PUT", "/v1/apps/other", Some(json!({"refresh_rate": n}))).await;
    }
    server.terminate().await;
    server.restart().await;
    let mut events = Events::follow(&server, "web", Some(seen)).await;
    for n in 1..=20 {
        let entry = events.expect("log").await;
        assert_eq!(entry.data["change"]["app"]["refresh_rate"], n, "{entry:?}");
        assert_eq!(entry.id, entry.data["number"].as_u64().unwrap());
    }
    let census = events.expect("census").await;
    assert_eq!(census.id, census.data["number"].as_u64().unwrap());

    // The query says the same as the header; who has seen all is told no entry again.
    let url = server.url(&format!("/v1/apps/web/events?last_event_id={}", census.id));
    let mut events = Events::of(client().get(url).bearer_auth(TOKEN).send().await.unwrap());
    assert_eq!(events.expect("census").await.id, census.id);
}

#[tokio::test]
async fn who_was_away_for_too_long_is_told_that_something_is_missing() {
    let folder = tempdir().unwrap();
    let log = SqliteLog::open(&folder.path().join("data")).unwrap();
    let drafts = (0..1_002).map(|n| settings("web", LogNumber(n), u32::try_from(n).unwrap() + 1));
    for number in join_all(drafts.map(|draft| log.append(draft))).await {
        number.unwrap();
    }
    // One that lost a race, and one that comes after it.
    log.append(settings("lost", LogNumber(7), 1)).await.unwrap();
    log.append(settings("web", LogNumber(7), 1)).await.unwrap();
    log.append(settings("web", LogNumber(1_002), 1)).await.unwrap();
    log.close().await;

    let server = Server::start_in(folder.path(), &[]).await;
    let mut events = Events::follow(&server, "web", Some(1)).await;
    let gap = events.expect("gap").await;
    assert_eq!((gap.id, gap.data), (1, json!({"after": 1, "before": 4, "number": 1_005})));
    for number in (4..=1_002).chain([1_005]) {
        assert_eq!(events.expect("log").await.id, number);
    }
    events.expect("census").await;
    // With 1000 nothing is.
    assert_eq!(Events::follow(&server, "web", Some(3)).await.expect("log").await.id, 4);
    // A number from another log.
    let mut events = Events::follow(&server, "web", Some(5_000)).await;
    assert_eq!(events.expect("gap").await.id, 1_005);
    assert_eq!(events.expect("census").await.id, 1_005);
}

#[tokio::test]
async fn a_crowd_is_told_in_a_few_levels() {
    let server = server_with_app().await;
    let mut events = Events::follow(&server, "web", None).await;
    events.expect("census").await;
    let started = Instant::now();
    let open = (0..200).map(|_| Page::open(server.address(), "web", "a", "1.0.0"));
    let reading = async {
        let mut told = 0;
        loop {
            told += 1;
            if events.expect("census").await.data["sessions"] == 200 {
                return told;
            }
        }
    };
    let (_pages, told) = tokio::join!(join_all(open), reading);
    // Two more: one at each end.
    let most = started.elapsed().as_millis() / 250 + 2;
    assert!(told <= most, "{told} in {:?}", started.elapsed());
}

#[tokio::test]
async fn a_stop_ends_every_stream_also_one_that_nobody_reads() {
    let mut server = Server::start_with(&["--warmup", "0s", "--drain", "2s", "--hello-timeout", "1m"]).await;
    server.release("web", json!({"build": "a", "version": "1.0.0"})).await;
    let _page = Page::open(server.address(), "web", "a", "1.0.0").await;
    // It is waited for, and who asks is answered meanwhile.
    let _silent = Page::silent(server.address(), None).await;
    let mut events = Events::follow(&server, "web", None).await;
    let _unread = Events::follow(&server, "web", None).await;
    events.expect("census").await;
    server.ask_to_stop();
    assert_eq!(events.next_event().await, None);
    // Whoever comes to a node that is leaving is sent away, not kept.
    let (status, problem) = server.call("GET", "/v1/apps/web/events", None).await;
    assert_eq!((status, text(&problem["type"]).ends_with(":unavailable")), (503, true));
    let stopping = Instant::now();
    assert_eq!(server.stopped().await.code(), Some(0));
    assert!(stopping.elapsed() < Duration::from_secs(20), "{:?}", stopping.elapsed());
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let server = server_with_app().await;
    let token =
        server.done("POST", "/v1/tokens", Some(json!({"name": "wall", "scope": "read", "app": "web"}))).await;
    let ask = async |app: &str, token: &str| {
        let url = server.url(&format!("/v1/apps/{app}/events"));
        client().get(url).bearer_auth(token).send().await.unwrap()
    };
    let secret = text(&token["secret"]);
    let mut events = Events::of(ask("web", &secret).await);
    events.expect("census").await;
    server.release("other", json!({"build": "x", "version": "1.0.0"})).await;
    assert_eq!(ask("other", &secret).await.status(), 403);
    server.done("DELETE", &format!("/v1/tokens/{}", text(&token["token"]["id"])), None).await;
    assert_eq!(events.next_event().await, None);
    assert_eq!(ask("web", &secret).await.status(), 401);
}

#[tokio::test]
async fn what_can_not_be_followed_is_refused() {
    let server = server_with_app().await;
    let (status, _) = server.call("GET", "/v1/apps/nobody/events", None).await;
    assert_eq!(status, 404);
    let (status, problem) =
        server.call_with("GET", "/v1/apps/web/events", None, &[("last-event-id", "soon")]).await;
    assert_eq!((status, &problem["field"]), (422, &json!("Last-Event-ID")));
    let (status, problem) = server.call("GET", "/v1/apps/web/events?last_event_id=-1", None).await;
    assert_eq!((status, &problem["field"]), (422, &json!("last_event_id")));
}

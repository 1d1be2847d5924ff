//! Where everybody is in a campaign, as its operators see it.

use freshwire_tests::{eventually, page::Page, process::Server};
use serde_json::{Value, json};

/// Registers 1.0.0 and 2.0.0 (`a` and `b`), the older one told nothing.
pub async fn release_two(server: &Server, app: &str) {
    server.release(app, json!({"build": "a", "version": "1.0.0"})).await;
    server.release(app, json!({"build": "b", "version": "2.0.0", "severity": "silent"})).await;
}

/// A server with both.
pub async fn server_with_two_releases() -> Server {
    let server = Server::start().await;
    release_two(&server, "web").await;
    server
}

/// A page of the older one.
pub async fn old_page(server: &Server) -> Page {
    Page::open(server.address(), "web", "a", "1.0.0").await
}

/// Starts a campaign that prompts all old pages, at once unless told otherwise, and says its number.
pub async fn start_campaign(server: &Server, app: &str, more: Value) -> u64 {
    let mut body = json!({"version": "2.0.0", "reason": "CVE-2026-1234", "over": "0s", "action": "prompt"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer = server.done("PUT", &format!("/v1/apps/{app}/minimum"), Some(body)).await;
    answer["campaign"].as_u64().unwrap()
}

/// A campaign as its operators see it.
pub async fn campaign(server: &Server, app: &str, number: u64) -> Value {
    let campaign = server.get(&format!("/v1/apps/{app}/campaigns/{number}")).await;
    let states = campaign["states"].as_object().unwrap().values();
    let sum: u64 = states.map(|sessions| sessions.as_u64().unwrap()).sum();
    assert_eq!(campaign["targeted"], sum, "everybody is in one state: {campaign}");
    campaign
}

async fn report(page: &mut Page, notice: &Value, is: &str) {
    page.send(&json!({"type": "outcome", "notice": notice["notice"], "is": is})).await;
    page.frames_until_pong().await;
}

/// Reloads a page as the snippet does, and comes back as a build.
pub async fn refresh(server: &Server, app: &str, mut page: Page, notice: &Value, build: &str) -> Page {
    report(&mut page, notice, "refreshing").await;
    let version = if build == "a" { "1.0.0" } else { "2.0.0" };
    let after = json!({"notice": notice["notice"], "from": "a", "tries": 1});
    let hello = json!({"app": app, "build": build, "version": version, "session": page.session(),
        "resume": page.resume(), "after": after});
    page.close(3002).await;
    Page::hello(server.address(), hello).await
}

#[tokio::test]
async fn everybody_is_in_one_state_until_the_last_one_has_moved() {
    let server = server_with_two_releases().await;
    let mut pages = Vec::new();
    for _ in 0..6 {
        pages.push(old_page(&server).await);
    }
    let number = start_campaign(&server, "web", json!({})).await;
    let mut notices = Vec::new();
    for page in &mut pages {
        page.frame("standing").await;
        notices.push(page.frame("notice").await);
    }
    let told = campaign(&server, "web", number).await;
    assert_eq!(
        (&told["kind"], &told["state"], &told["told"]),
        (&json!("minimum"), &json!("active"), &json!(0))
    );
    assert_eq!(told["states"], json!({"sent": 6}));
    assert_eq!(told["progress"], 1.0);

    let mut pages = pages.into_iter().zip(notices);
    let mut next = || pages.next().unwrap();
    let (mut held, notice) = next();
    report(&mut held, &notice, "held").await;
    let (mut stuck, notice_of_stuck) = next();
    report(&mut stuck, &notice_of_stuck, "origin_stale").await;
    let (page, notice) = next();
    let moved = refresh(&server, "web", page, &notice, "b").await;
    let (page, notice) = next();
    let old = refresh(&server, "web", page, &notice, "a").await;
    let (mut closed, notice) = next();
    report(&mut closed, &notice, "shown").await;
    closed.close(3001).await;
    let (vanished, _) = next();
    vanished.close(3004).await;

    let later = campaign(&server, "web", number).await;
    assert_eq!(
        later["states"],
        json!({"held": 1, "stuck": 1, "asleep": 1, "refreshed": 1, "still_old": 1, "gone": 1})
    );
    assert_eq!((&later["targeted"], &later["told"], &later["away"]), (&json!(6), &json!(5), &json!(1)));
    let seen = &later["evidence"];
    assert_eq!((&seen["acted"], &seen["came_back"], &seen["still_old"]), (&json!(2), &json!(1), &json!(1)));
    assert_eq!(seen["stuck"], json!([{"detail": "origin_stale", "sessions": 1}]));
    assert!(later["seen"].as_str().unwrap().contains("stale"), "{later}");

    held.close(3001).await;
    let unstuck = refresh(&server, "web", stuck, &notice_of_stuck, "b").await;
    let done = campaign(&server, "web", number).await;
    assert_eq!((&done["state"], &done["evidence"]["stuck"]), (&json!("done"), &json!([])));
    drop((moved, old, unstuck));
}

#[tokio::test]
async fn where_everybody_is_survives_a_clean_restart() {
    let mut server = server_with_two_releases().await;
    let mut waiting = old_page(&server).await;
    let body = json!({"version": "2.0.0", "reason": "CVE-2026-1234", "over": "8000h"});
    let number = server.done("PUT", "/v1/apps/web/minimum", Some(body)).await["campaign"].as_u64().unwrap();
    waiting.frame("standing").await;
    assert_eq!(campaign(&server, "web", number).await["states"], json!({"waiting": 1}));
    let hello = json!({"app": "web", "build": "a", "version": "1.0.0", "session": waiting.session()});
    server.terminate().await;
    server.restart().await;
    let away = campaign(&server, "web", number).await;
    assert_eq!((&away["states"], &away["away"]), (&json!({"waiting": 1}), &json!(1)));
    let back = Page::hello(server.address(), hello).await;
    let back_again = campaign(&server, "web", number).await;
    assert_eq!((&back_again["targeted"], &back_again["away"]), (&json!(1), &json!(0)));
    back.close(3001).await;
    eventually("it leaves before it was told", async || {
        (campaign(&server, "web", number).await["states"] == json!({"left_before": 1})).then_some(())
    })
    .await;
}

#[tokio::test]
async fn campaigns_are_listed_newest_first() {
    let server = server_with_two_releases().await;
    let first = start_campaign(&server, "web", json!({})).await;
    let second = start_campaign(&server, "web", json!({})).await;
    let listed = server.get("/v1/apps/web/campaigns?limit=2").await;
    let numbers = |listed: &Value| -> Vec<u64> {
        listed["campaigns"].as_array().unwrap().iter().map(|c| c["campaign"].as_u64().unwrap()).collect()
    };
    assert_eq!(numbers(&listed), [second, first]);
    assert_eq!(listed["campaigns"][1]["state"], "replaced");
    let cursor = listed["next"].as_str().unwrap();
    let rest = server.get(&format!("/v1/apps/web/campaigns?cursor={cursor}")).await;
    assert_eq!(rest["campaigns"][0]["build"], "b", "{rest}");
    server.done("DELETE", "/v1/apps/web/minimum", None).await;
    server.done("DELETE", "/v1/apps/web/minimum", None).await;
    let third = server.get(&format!("/v1/apps/web/campaigns/{second}")).await;
    assert_eq!(third["state"], "replaced");
    let newest = server.get("/v1/apps/web/campaigns?limit=1").await;
    assert_eq!(newest["campaigns"][0]["state"], "undone", "{newest}");
    for (path, status) in [("9999", 404), ("nine", 422)] {
        let (is, answer) = server.call("GET", &format!("/v1/apps/web/campaigns/{path}"), None).await;
        assert_eq!(is, status, "{answer}");
    }
}

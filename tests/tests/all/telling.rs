//! Who is told what, and that nobody is told twice.

use std::time::{Duration, Instant};

use freshwire_tests::{eventually, page::Page, process::Server};
use serde_json::{Value, json};

use crate::closed_loop::server_with_two_releases;

/// Raises the minimum to 2.0.0, which starts a campaign, at once unless told otherwise.
pub async fn raise_minimum(server: &Server, more: Value) -> Value {
    let mut body = json!({"version": "2.0.0", "reason": "CVE-2026-1234", "over": "0s"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    server.done("PUT", "/v1/apps/web/minimum", Some(body)).await
}

/// An old page that has just been told of a minimum.
async fn told(server: &Server, steps: Value) -> (Page, Value) {
    let mut page = Page::open(server.address(), "web", "a", "1.0.0").await;
    raise_minimum(server, steps).await;
    assert_eq!(page.frame("standing").await["standing"], "unsupported");
    let notice = page.frame("notice").await;
    (page, notice)
}

/// The hello of a page that comes back.
fn back(page: &Page, build: &str, more: &Value) -> Value {
    let version = if build == "a" { "1.0.0" } else { "2.0.0" };
    let mut hello = json!({"app": "web", "build": build, "version": version, "session": page.session(),
        "resume": page.resume()});
    hello.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    hello
}

fn seen(notice: &Value, is: &str) -> Value {
    json!({"seen": [{"notice": notice["notice"], "run": notice["run"], "step": notice["step"], "is": is,
        "ago_ms": 1000}]})
}

async fn state(server: &Server) -> Value {
    server.get("/v1/apps/web/sessions").await["sessions"][0]["state"].clone()
}

#[tokio::test]
async fn what_a_page_has_seen_is_not_said_again() {
    let server = server_with_two_releases().await;
    let (page, notice) = told(&server, json!({})).await;
    let hello = back(&page, "a", &seen(&notice, "snoozed"));
    drop(page);
    let mut page = Page::hello(server.address(), hello).await;
    assert_eq!(page.welcome["why"], "minimum");
    assert!(page.frames_until_pong().await.is_empty());
    assert_eq!(state(&server).await, "snoozed");
}

#[tokio::test]
async fn only_what_the_page_has_seen_counts() {
    let server = server_with_two_releases().await;
    let (page, notice) = told(&server, json!({})).await;
    // It comes back and knows nothing of it: a record of the server's own doesn't suppress the notice.
    let hello = back(&page, "a", &json!({}));
    drop(page);
    let mut page = Page::hello(server.address(), hello).await;
    assert_eq!(page.frame("notice").await, notice);
    assert!(page.frames_until_pong().await.is_empty());
}

#[tokio::test]
async fn what_a_page_has_seen_of_an_ended_campaign_is_withdrawn() {
    let server = server_with_two_releases().await;
    let (page, notice) = told(&server, json!({})).await;
    let hello = back(&page, "a", &seen(&notice, "shown"));
    page.close(3004).await;
    server.done("DELETE", "/v1/apps/web/minimum", None).await;
    let mut page = Page::hello(server.address(), hello).await;
    assert_eq!(page.welcome["standing"], "stale");
    assert_eq!(page.frame("withdraw").await["notice"], notice["notice"]);
    assert!(page.frames_until_pong().await.is_empty());
}

#[tokio::test]
async fn a_page_that_came_back_as_old_as_before_is_told_no_more() {
    let server = server_with_two_releases().await;
    let steps =
        json!({"steps": [{"after": "0s", "action": "prompt"}, {"after": "1s", "action": "countdown"}]});
    let (page, notice) = told(&server, steps).await;
    let after = json!({"after": {"notice": notice["notice"], "from": "a", "tries": 1}});
    let hello = back(&page, "a", &after);
    page.close(3002).await;
    let mut page = Page::hello(server.address(), hello).await;
    assert_eq!(state(&server).await, "still_old");
    // Not even the next step comes, though it is due by then.
    assert_eq!(page.next_frame(Duration::from_millis(1500)).await, None);
    let detail = server.get(&format!("/v1/apps/web/sessions/{}", page.session())).await;
    assert!(!detail["explanation"].as_str().unwrap().is_empty(), "{detail}");
}

#[tokio::test]
async fn steps_come_in_their_order_and_at_their_time() {
    let server = server_with_two_releases().await;
    let mut page = Page::open(server.address(), "web", "a", "1.0.0").await;
    let started = Instant::now();
    // Far enough apart that none is overtaken by the next, on a machine that has much else to do.
    let steps = json!([{"after": "0s", "action": "prompt"}, {"after": "6s", "action": "countdown"}]);
    raise_minimum(&server, json!({"steps": steps, "deadline": "12s", "countdown": "90s"})).await;
    page.frame("standing").await;
    let mut told = Vec::new();
    for _ in 0..3 {
        let notice = page.frame("notice").await;
        told.push((notice["step"].as_u64().unwrap(), notice["action"].clone(), started.elapsed()));
        assert_eq!(notice["countdown_ms"], 90_000);
    }
    let steps: Vec<_> = told.iter().map(|(step, action, _)| (*step, action.as_str().unwrap())).collect();
    assert_eq!(steps, [(0, "prompt"), (1, "countdown"), (2, "force")]);
    for (step, _, at) in &told {
        println!("step {step} came after {at:?}");
        assert!(*at >= Duration::from_secs(6 * step), "step {step} came after {at:?}");
        assert!(*at < Duration::from_secs(6 * step + 20), "step {step} came after {at:?}");
    }
    assert!(page.frames_until_pong().await.is_empty());
}

#[tokio::test]
async fn a_page_that_saw_the_first_step_climbs_on_from_there() {
    let server = server_with_two_releases().await;
    let steps =
        json!({"steps": [{"after": "0s", "action": "prompt"}, {"after": "1h", "action": "countdown"}]});
    let (page, notice) = told(&server, steps).await;
    let mut long_ago = seen(&notice, "shown");
    long_ago["seen"][0]["ago_ms"] = json!(3_600_000);
    let hello = back(&page, "a", &long_ago);
    drop(page);
    let mut page = Page::hello(server.address(), hello).await;
    let next = page.frame("notice").await;
    assert_eq!((&next["step"], &next["action"]), (&json!(1), &json!("countdown")));
    assert!(page.frames_until_pong().await.is_empty());
}

#[tokio::test]
async fn undoing_a_minimum_withdraws_its_notice_and_says_the_standing() {
    let server = server_with_two_releases().await;
    let (mut page, notice) = told(&server, json!({})).await;
    page.send(&json!({"type": "outcome", "notice": notice["notice"], "is": "shown"})).await;
    page.frames_until_pong().await;
    server.done("DELETE", "/v1/apps/web/minimum", None).await;
    assert_eq!(page.frame("standing").await["standing"], "stale");
    assert_eq!(page.frame("withdraw").await["notice"], notice["notice"]);
    assert!(page.frames_until_pong().await.is_empty());
    assert_eq!(state(&server).await, "released");
}

#[tokio::test]
async fn reinstating_a_build_withdraws_its_notice_and_says_the_standing() {
    let server = server_with_two_releases().await;
    let mut page = Page::open(server.address(), "web", "a", "1.0.0").await;
    let bad = json!({"reason": "eats drafts", "over": "0s", "action": "force", "hold_cap": "1m"});
    let retired = server.done("POST", "/v1/apps/web/releases/a/retire", Some(bad)).await;
    assert_eq!(page.frame("standing").await["why"], "retired");
    let notice = page.frame("notice").await;
    assert_eq!((&notice["notice"], &notice["action"]), (&retired["campaign"], &json!("force")));
    assert_eq!((&notice["hold_cap_ms"], &notice["build"]), (&json!(60_000), &json!("b")));
    server.done("POST", "/v1/apps/web/releases/a/reinstate", None).await;
    assert_eq!(page.frame("standing").await["standing"], "stale");
    assert_eq!(page.frame("withdraw").await["notice"], notice["notice"]);
    assert!(page.frames_until_pong().await.is_empty());
}

#[tokio::test]
async fn outcomes_put_a_session_where_the_page_says() {
    let server = server_with_two_releases().await;
    let (mut page, notice) = told(&server, json!({})).await;
    for (is, state) in [
        ("received", "received"),
        ("shown", "shown"),
        ("snoozed", "snoozed"),
        ("held", "held"),
        ("origin_stale", "stuck"),
        ("failed", "stuck"),
        ("refreshing", "refreshing"),
    ] {
        let detail = format!("because of {is}");
        page.send(&json!({"type": "outcome", "notice": notice["notice"], "is": is, "detail": detail})).await;
        page.frames_until_pong().await;
        let listed = server.get(&format!("/v1/apps/web/sessions?outcome={is}")).await;
        let session = &listed["sessions"][0];
        assert_eq!((&session["state"], &session["outcome"]), (&json!(state), &json!(is)));
        assert_eq!(session["detail"], json!(detail));
    }
    // Of a notice that it wasn't sent, a page has nothing to report.
    page.send(&json!({"type": "outcome", "notice": 999, "is": "shown"})).await;
    page.frames_until_pong().await;
    assert_eq!(state(&server).await, "refreshing");
}

/// What an operator reads, on both outputs.
async fn said(server: &Server, words: &[&str]) -> String {
    let (code, said, complained) = server.run(words).await;
    assert_eq!(code, 0, "{words:?}: {complained}");
    said + &complained
}

#[tokio::test]
async fn a_look_that_was_refused_is_seen_everywhere_with_its_cure() {
    let server = server_with_two_releases().await;
    let (mut page, notice) = told(&server, json!({})).await;
    let (number, session) = (notice["notice"].clone(), page.session());
    page.send(&json!({"type": "outcome", "notice": number, "is": "shown"})).await;
    for (reason, cure) in [
        ("policy", "add 'self' to connect-src"),
        ("network", "something between the page and its origin refuses its fetches"),
        ("sign-in", "its origin asks for a sign-in"),
        ("no-mark", "carries no mark for this app: stamp it, or set the option look"),
        ("worker", "a service worker of its origin still serves the old document"),
    ] {
        let detail = format!("look_refused: {reason}");
        page.send(&json!({"type": "outcome", "notice": number, "is": "failed", "detail": detail})).await;
        page.frames_until_pong().await;
        let named = format!("look_refused ({reason})");
        let listed = server.get("/v1/apps/web/sessions?outcome=look_refused").await;
        let listed = &listed["sessions"][0];
        assert_eq!((&listed["state"], &listed["outcome"]), (&json!("stuck"), &json!("failed")));
        assert_eq!(listed["detail"], json!(detail));
        let explained = said(&server, &["explain", "web", &session]).await;
        assert!(explained.contains(&named) && explained.contains(cure), "{explained}");
        assert!(!explained.contains("have not answered"), "{explained}");
        let sessions = said(&server, &["sessions", "web", "--outcome", "look_refused"]).await;
        assert!(sessions.contains(&named) && sessions.contains("stuck"), "{sessions}");
        for words in [["campaigns", "web"], ["census", "web"]] {
            let said = said(&server, &words).await;
            assert!(said.contains(&format!("of campaign {number}: 1 stuck, {named}: ")), "{said}");
            assert!(said.contains(cure), "{said}");
        }
        let campaign = server.get(&format!("/v1/apps/web/campaigns/{number}")).await;
        assert_eq!(campaign["evidence"]["stuck"], json!([{"detail": named, "sessions": 1}]));
        assert!(campaign["seen"].as_str().unwrap().contains(cure), "{campaign}");
        let census = server.get("/v1/apps/web/census").await;
        assert_eq!(census["stuck"], json!([{"campaign": number, "detail": named, "sessions": 1}]));
    }
    // It is served again, and the page moves on.
    page.send(&json!({"type": "outcome", "notice": number, "is": "refreshing"})).await;
    page.frames_until_pong().await;
    let listed = server.get("/v1/apps/web/sessions?outcome=look_refused").await;
    assert_eq!(listed["sessions"], json!([]));
    assert_eq!(server.get("/v1/apps/web/census").await.get("stuck"), None);
}

#[tokio::test]
async fn a_page_learns_whether_the_build_it_found_is_better() {
    let server = server_with_two_releases().await;
    server.release("web", json!({"build": "c", "version": "3.0.0", "rolling": true})).await;
    let mut page = Page::open(server.address(), "web", "a", "1.0.0").await;
    page.frames_until_pong().await;
    for (build, better) in [("b", true), ("c", true), ("a", false), ("never-registered", false)] {
        page.send(&json!({"type": "found", "build": build})).await;
        let answer = page.frame("better").await;
        assert_eq!((&answer["build"], &answer["better"]), (&json!(build), &json!(better)));
    }
}

#[tokio::test]
async fn a_rolling_release_leaves_its_pages_ahead_until_it_settles() {
    let server = server_with_two_releases().await;
    server.release("web", json!({"build": "c", "version": "3.0.0", "rolling": true})).await;
    let mut new = Page::open(server.address(), "web", "c", "3.0.0").await;
    let mut old = Page::open(server.address(), "web", "b", "2.0.0").await;
    assert_eq!((&new.welcome["standing"], &old.welcome["standing"]), (&json!("ahead"), &json!("current")));
    assert!(new.frames_until_pong().await.is_empty() && old.frames_until_pong().await.is_empty());
    let settle = json!({"over": "0s"});
    server.done("POST", "/v1/apps/web/releases/c/settle", Some(settle)).await;
    assert_eq!(new.frame("standing").await["standing"], "current");
    assert!(new.frames_until_pong().await.is_empty());
    assert_eq!(old.frame("standing").await["standing"], "stale");
    assert_eq!(old.frame("notice").await["action"], "navigate");
    let again = server.call("POST", "/v1/apps/web/releases/c/settle", None).await;
    assert_eq!(again.0, 409, "{}", again.1);
}

#[tokio::test]
async fn a_rollback_leaves_pages_ahead_alone_and_a_recall_moves_them() {
    let server = server_with_two_releases().await;
    let mut page = Page::open(server.address(), "web", "b", "2.0.0").await;
    let rollback = json!({"build": "a", "reason": "checkout fails"});
    let answer = server.done("PUT", "/v1/apps/web/current", Some(rollback)).await;
    assert_eq!(answer["affected"]["sessions"], 0);
    assert_eq!(page.frame("standing").await["standing"], "ahead");
    assert!(page.frames_until_pong().await.is_empty());

    let recall = json!({"build": "a", "recall": true, "action": "prompt", "over": "0s"});
    let answer = server.done("PUT", "/v1/apps/web/current", Some(recall)).await;
    assert_eq!(
        answer["affected"],
        json!({"sessions": 1, "builds": [{"build": "b", "version": "2.0.0",
        "sessions": 1}]})
    );
    let notice = page.frame("notice").await;
    assert_eq!((&notice["action"], &notice["build"]), (&json!("prompt"), &json!("a")));
    assert!(page.frames_until_pong().await.is_empty());
}

#[tokio::test]
async fn a_notice_that_nobody_acknowledges_is_not_repeated_over_a_restart() {
    let mut server = server_with_two_releases().await;
    let (page, notice) = told(&server, json!({})).await;
    let hello = back(&page, "a", &seen(&notice, "received"));
    server.kill().await;
    server.restart().await;
    let mut page = Page::hello(server.address(), hello).await;
    assert_eq!(page.welcome["why"], "minimum");
    assert!(page.frames_until_pong().await.is_empty());
    eventually("it is still followed", async || (state(&server).await == "received").then_some(())).await;
}

#[tokio::test]
async fn a_refresh_long_past_does_not_make_a_page_be_told_twice() {
    let server = server_with_two_releases().await;
    let (page, first) = told(&server, json!({})).await;
    let after = json!({"after": {"notice": first["notice"], "from": "a", "tries": 1}});
    let hello = back(&page, "b", &after);
    page.close(3002).await;
    let mut page = Page::hello(server.address(), hello).await;
    assert_eq!(page.welcome["standing"], "current");
    assert_eq!(state(&server).await, "refreshed");

    server.release("web", json!({"build": "c", "version": "3.0.0", "severity": "important"})).await;
    assert_eq!(page.frame("standing").await["standing"], "stale");
    let notice = page.frame("notice").await;
    let mut more = seen(&notice, "snoozed");
    more["after"] = after["after"].clone();
    let hello = back(&page, "b", &more);
    drop(page);
    let mut page = Page::hello(server.address(), hello).await;
    assert!(page.frames_until_pong().await.is_empty());
    assert_eq!(state(&server).await, "snoozed");
}

//! Data pushed to pages: everybody gets it, once, and operators see what became of it.

use freshwire_tests::{eventually, page::Page, process::Server};
use serde_json::{Value, json};

async fn push(server: &Server, topic: &str, data: &Value) -> Value {
    server.done("POST", "/v1/apps/web/push", Some(json!({"topic": topic, "data": data}))).await
}

/// The hello of a page that has seen the pushes up to this one.
async fn has_seen(server: &Server, pushed: &Value) -> Page {
    Page::hello(server.address(), json!({"app": "web", "build": "a", "pushed": pushed})).await
}

async fn pushed(page: &mut Page) -> Vec<(String, u64)> {
    let frames = page.frames_until_pong().await;
    let one = |frame: &Value| {
        assert_eq!(frame["type"], "push", "{frame}");
        (frame["topic"].as_str().unwrap().to_owned(), frame["push"].as_u64().unwrap())
    };
    frames.iter().map(one).collect()
}

#[tokio::test]
async fn everybody_gets_a_push_once() {
    let server = Server::with_app(&[]).await;
    server.release("shop", json!({"build": "a", "version": "1.0.0"})).await;
    let mut pages = Vec::new();
    for build in ["a", "a", "of-nobody"] {
        pages.push(Page::open(server.address(), "web", build, "1.0.0").await);
    }
    let mut other = Page::open(server.address(), "shop", "a", "1.0.0").await;
    let data = json!({"new_checkout": true, "limits": [25, 2.5, null], "text": "é\"\\"});
    let answer = push(&server, "flags", &data).await;
    assert_eq!((&answer["push"], &answer["affected"]["sessions"]), (&answer["number"], &json!(3)));
    assert_eq!(
        (&answer["campaign"], answer["affected"]["builds"].as_array().unwrap().len()),
        (&json!(null), 2)
    );
    for page in &mut pages {
        let frame = page.frame("push").await;
        assert_eq!(frame, json!({"type": "push", "push": answer["push"], "topic": "flags", "data": data}));
        // Neither it nor another change of the app brings it again.
        assert!(pushed(page).await.is_empty());
    }
    server.release("web", json!({"build": "b", "version": "2.0.0", "severity": "silent"})).await;
    for page in &mut pages {
        let frames = page.frames_until_pong().await;
        assert!(frames.iter().all(|frame| frame["type"] == "standing"), "{frames:?}");
    }
    assert!(other.frames_until_pong().await.is_empty());
}

#[tokio::test]
async fn a_page_that_joins_gets_what_it_lacks_in_order() {
    let server = Server::with_app(&[]).await;
    let old = push(&server, "flags", &json!(1)).await["push"].clone();
    let limits = push(&server, "limits", &json!(2)).await["push"].as_u64().unwrap();
    let flags = push(&server, "flags", &json!(3)).await["push"].as_u64().unwrap();
    let both = [("limits".to_owned(), limits), ("flags".to_owned(), flags)];
    for nothing in [json!(null), json!(0), json!(-1), json!("x"), old] {
        let mut page = has_seen(&server, &nothing).await;
        assert_eq!(pushed(&mut page).await, both, "{nothing}");
    }
    assert_eq!(pushed(&mut has_seen(&server, &json!(limits)).await).await, both[1..]);
    assert!(pushed(&mut has_seen(&server, &json!(flags)).await).await.is_empty());
}

#[tokio::test]
async fn a_session_that_comes_back_is_not_sent_again_what_it_saw() {
    let mut server = Server::with_app(&[]).await;
    let number = push(&server, "flags", &json!(1)).await["push"].clone();
    let mut page = Page::open(server.address(), "web", "a", "1.0.0").await;
    assert_eq!(page.frame("push").await["push"], number);
    let mut hello = json!({"app": "web", "build": "a", "session": page.session(), "resume": page.resume()});
    // It left before it saw it.
    drop(page);
    let mut page = Page::hello(server.address(), hello.clone()).await;
    assert_eq!(page.frame("push").await["push"], number);
    drop(page);
    hello["pushed"] = number.clone();
    let mut page = Page::hello(server.address(), hello.clone()).await;
    assert!(pushed(&mut page).await.is_empty());
    // The log knows it after a restart, and the page still has it.
    server.kill().await;
    server.restart().await;
    assert!(pushed(&mut Page::hello(server.address(), hello).await).await.is_empty());
    assert_eq!(pushed(&mut has_seen(&server, &json!(0)).await).await.len(), 1);
}

#[tokio::test]
async fn what_has_expired_is_sent_to_nobody() {
    let server = Server::with_app(&[]).await;
    let brief = json!({"topic": "flags", "data": 1, "expires": "1s"});
    server.done("POST", "/v1/apps/web/push", Some(brief)).await;
    eventually("it expires", async || {
        let live = server.get("/v1/apps/web/pushes").await;
        live["pushes"].as_array().unwrap().is_empty().then_some(())
    })
    .await;
    assert!(pushed(&mut has_seen(&server, &json!(0)).await).await.is_empty());
}

#[tokio::test]
async fn operators_see_what_became_of_a_push() {
    let server = Server::with_app(&[]).await;
    let first = push(&server, "limits", &json!({"a": 1})).await["push"].clone();
    let mut pages = Vec::new();
    for is in ["handled", "handled", "unhandled", "failed", "a_word_to_come"] {
        pages.push((is, Page::open(server.address(), "web", "a", "1.0.0").await));
    }
    let number = push(&server, "flags", &json!([1, 2, 3])).await["push"].clone();
    for (is, page) in &mut pages {
        assert_eq!(page.frame("push").await["push"], first);
        assert_eq!(page.frame("push").await["push"], number);
        page.send(&json!({"type": "outcome", "push": number, "is": is, "detail": "secret"})).await;
        // Of a push that it wasn't sent, a page has nothing to report.
        page.send(&json!({"type": "outcome", "push": 999, "is": "handled"})).await;
        assert!(pushed(page).await.is_empty());
    }
    let listed = server.get("/v1/apps/web/pushes").await;
    let latest = &listed["pushes"][0];
    let shown = ["push", "topic", "bytes", "by", "sessions", "handled", "unhandled", "failed"]
        .map(|field| latest[field].clone());
    assert_eq!(json!(shown), json!([number, "flags", 7, "admin", 5, 2, 1, 1]), "{latest}");
    assert!(latest["expires_at"].as_str().unwrap() > latest["at"].as_str().unwrap());
    let other = &listed["pushes"][1];
    assert_eq!((&other["push"], &other["sessions"], &other["handled"]), (&first, &json!(5), &json!(0)));
    assert_eq!((listed["pushes"].as_array().unwrap().len(), &listed["next"]), (2, &Value::Null));
    let failed = server.counter("freshwire_push_outcomes_total{is=\"failed\"}").await;
    let unhandled = server.counter("freshwire_push_outcomes_total{is=\"unhandled\"}").await;
    assert_eq!((failed, unhandled), (1, 1));

    // A page at a time, newest first.
    let page = server.get("/v1/apps/web/pushes?limit=1").await;
    assert_eq!((&page["pushes"][0]["push"], page["pushes"].as_array().unwrap().len()), (&number, 1));
    let path = format!("/v1/apps/web/pushes?limit=1&cursor={}", page["next"].as_str().unwrap());
    let page = server.get(&path).await;
    assert_eq!((&page["pushes"][0]["push"], &page["next"]), (&first, &Value::Null));
}

#[tokio::test]
async fn a_push_is_a_change_like_any_other() {
    let server = Server::with_app(&[]).await;
    let mut page = Page::open(server.address(), "web", "a", "1.0.0").await;
    let body = json!({"topic": "flags", "data": {"on": true}});
    let dry = server.done("POST", "/v1/apps/web/push?dry_run=true", Some(body.clone())).await;
    assert_eq!((&dry["dry_run"], &dry["push"]), (&json!(true), &Value::Null));
    assert_eq!((&dry["number"], &dry["affected"]["sessions"]), (&json!(1), &json!(1)));
    assert!(pushed(&mut page).await.is_empty());

    let call = async |body: &Value, headers: &[(&str, &str)]| {
        server.call_with("POST", "/v1/apps/web/push", Some(body.clone()), headers).await
    };
    let (status, moved) = call(&body, &[("if-match", "7")]).await;
    assert_eq!((status, &moved["number"]), (409, &json!(1)), "{moved}");
    let once = [("idempotency-key", "k1"), ("if-match", "1")];
    let (status, first) = call(&body, &once).await;
    assert_eq!((status, &first["push"]), (200, &json!(2)), "{first}");
    let (status, again) = call(&body, &once[..1]).await;
    assert_eq!((status, &again["push"], &again["repeated"]), (200, &json!(2), &json!(true)), "{again}");
    assert_eq!(again["affected"], first["affected"]);
    let (status, other) = call(&json!({"topic": "flags", "data": 1}), &once[..1]).await;
    assert_eq!(status, 409, "{other}");
    assert_eq!(pushed(&mut page).await, [("flags".to_owned(), 2)]);

    let log = server.get("/v1/apps/web/log").await;
    let entry = &log["entries"][0];
    assert_eq!((&entry["kind"], &entry["summary"]), (&json!("push"), &json!("flags: 11 bytes, for 1h")));
}

#[tokio::test]
async fn what_can_not_be_pushed_is_refused_by_its_field() {
    let server = Server::with_app(&[]).await;
    let largest = json!("x".repeat((16 << 10) - 2));
    let too_large = json!("x".repeat((16 << 10) - 1));
    for (body, field) in [
        (json!({"topic": "flags"}), "data"),
        (json!({"data": 1}), "topic"),
        (json!({"topic": "", "data": 1}), "topic"),
        (json!({"topic": "two words", "data": 1}), "topic"),
        (json!({"topic": "x".repeat(65), "data": 1}), "topic"),
        (json!({"topic": "flags", "data": too_large}), "data"),
        (json!({"topic": "flags", "data": 1, "expires": "0s"}), "expires"),
        (json!({"topic": "flags", "data": 1, "expires": "soon"}), "expires"),
        (json!({"topic": "flags", "data": 1, "select": {}}), "select"),
        (json!({"topic": "flags", "data": 1, "select": {"tenant": "acme"}}), "select.tenant"),
        (json!({"topic": "flags", "data": 1, "select": {"labels": {}}}), "select"),
        (json!({"topic": "flags", "data": 1, "select": {"labels": {"k": "x".repeat(65)}}}), "select.labels"),
        (json!({"topic": "flags", "data": 1, "select": {"standing": "old"}}), "select.standing"),
        (json!({"topic": "flags", "data": 1, "select": {"build": "of-nobody"}}), "select.build"),
        (json!({"topic": "flags", "data": 1, "select": {"build": "two words"}}), "select.build"),
        (json!({"topic": "flags", "data": 1, "over": "soon"}), "over"),
        (json!({"topic": "flags", "data": 1, "over": "1h", "expires": "1h"}), "over"),
    ] {
        let (status, problem) = server.call("POST", "/v1/apps/web/push", Some(body)).await;
        assert_eq!((status, &problem["field"]), (422, &json!(field)), "{problem}");
    }
    let (status, _) =
        server.call("POST", "/v1/apps/of-nobody/push", Some(json!({"topic": "t", "data": 1}))).await;
    assert_eq!(status, 404);
    push(&server, "flags", &largest).await;
    // The largest there is reaches its page whole, several of them too.
    push(&server, "more", &largest).await;
    push(&server, "null", &Value::Null).await;
    let mut page = Page::open(server.address(), "web", "a", "1.0.0").await;
    for data in [&largest, &largest, &Value::Null] {
        assert_eq!(&page.frame("push").await["data"], data);
    }
    push(&server, "flags", &json!("small")).await;
    assert_eq!(page.frame("push").await["data"], "small");
}

#[tokio::test]
async fn an_app_has_pushes_of_64_topics_and_no_more() {
    let server = Server::with_app(&[]).await;
    let mut page = Page::open(server.address(), "web", "a", "1.0.0").await;
    for n in 0..64 {
        push(&server, &format!("topic-{n}"), &json!(n)).await;
    }
    let one_more = json!({"topic": "one-more", "data": 1});
    let (status, problem) = server.call("POST", "/v1/apps/web/push", Some(one_more)).await;
    assert_eq!(status, 409, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("64 pushes"), "{problem}");
    push(&server, "topic-0", &json!("again")).await;
    let got = pushed(&mut page).await;
    assert_eq!((got.len(), &got[64].0), (65, &"topic-0".to_owned()));
    assert_eq!(pushed(&mut has_seen(&server, &json!(0)).await).await.len(), 64);
}

#[tokio::test]
async fn what_is_pushed_stands_in_no_log_of_the_server() {
    let mut server = Server::start_with(&["--log-format", "json"]).await;
    server.release("web", json!({"build": "a", "version": "1.0.0"})).await;
    let mut page = Page::open(server.address(), "web", "a", "1.0.0").await;
    push(&server, "flags", &json!({"plan": "overthrow"})).await;
    page.frame("push").await;
    let bad = json!({"topic": "flags", "data": "overthrow", "expires": "0s"});
    assert_eq!(server.call("POST", "/v1/apps/web/push", Some(bad)).await.0, 422);
    server.terminate().await;
    let log = server.log();
    assert!(log.contains("push") && !log.contains("overthrow"), "{log}");
}

#[tokio::test]
async fn evidence_is_answered_with_the_standing() {
    let server = Server::with_app(&[]).await;
    let mut page = Page::open(server.address(), "web", "a", "1.0.0").await;
    for kind in ["chunk_error", "asset_404", "api_426"] {
        page.send(&json!({"type": "evidence", "kind": kind, "detail": "/assets/x.js"})).await;
        let answer = page.any_frame("answer").await;
        let current = json!({"build": "a", "version": "1.0.0"});
        assert_eq!(
            answer,
            json!({"type": "standing", "standing": "current", "why": null, "current": current})
        );
        let counted = server.counter(&format!("freshwire_evidence_total{{kind=\"{kind}\"}}")).await;
        assert_eq!(counted, 1);
    }
    assert!(page.frames_until_pong().await.is_empty());
}

#[tokio::test]
async fn a_large_push_leaves_no_buffers_behind() {
    const PAGES: usize = 600;
    let server = Server::with_app(&[]).await;
    let mut pages = Vec::new();
    for _ in 0..PAGES {
        pages.push(Page::open(server.address(), "web", "a", "1.0.0").await);
    }
    let data = json!("x".repeat((16 << 10) - 2));
    let before = server.rss();
    push(&server, "flags", &data).await;
    for page in &mut pages {
        assert_eq!(page.frame("push").await["data"], data);
        assert!(pushed(page).await.is_empty());
    }
    let grown = server.rss().saturating_sub(before);
    let each = grown / PAGES as u64;
    assert!(each < 4096, "a page has grown by {each} bytes");
}

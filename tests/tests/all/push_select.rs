//! Pushes for some pages only, and paced ones: each page gets its own, once, when its turn comes.

use std::collections::HashMap;

use freshwire::core::{
    campaign::place,
    names::{LogNumber, SessionId},
};
use freshwire_tests::{page::Page, process::Server};
use serde_json::{Value, json};
use uuid::Uuid;

async fn server_with_app() -> Server {
    let server = Server::start().await;
    server.release("web", json!({"build": "a", "version": "1.0.0", "severity": "silent"})).await;
    server.release("web", json!({"build": "b", "version": "2.0.0", "severity": "silent"})).await;
    server
}

async fn push(server: &Server, body: Value) -> Value {
    server.done("POST", "/v1/apps/web/push", Some(body)).await
}

async fn page(server: &Server, build: &str, tenant: &str) -> Page {
    let labels = json!({"tenant": tenant, "region": "eu"});
    Page::hello(server.address(), json!({"app": "web", "build": build, "labels": labels})).await
}

/// The data of the pushes that pages have got by the time that one for all of them has reached them.
async fn got(server: &Server, pages: &mut [&mut Page]) -> Vec<Vec<Value>> {
    let mark = push(server, json!({"topic": "mark", "data": "mark"})).await["push"].clone();
    let mut got = Vec::new();
    for page in pages {
        let mut before = Vec::new();
        loop {
            let frame = page.any_frame("mark").await;
            if frame["push"] == mark {
                break;
            }
            if frame["type"] == "push" {
                before.push(frame["data"].clone());
            }
        }
        before.retain(|data| data != "mark");
        got.push(before);
    }
    got
}

fn milliseconds() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

fn id(place_in: &Value, wanted: std::ops::Range<f64>) -> Uuid {
    let number = LogNumber(place_in.as_u64().unwrap());
    std::iter::repeat_with(Uuid::new_v4)
        .find(|id| wanted.contains(&place(number, SessionId(*id))))
        .expect("there is one sooner or later")
}

#[tokio::test]
async fn only_those_that_are_meant_get_it() {
    let server = server_with_app().await;
    let mut pages = Vec::new();
    for (build, tenant) in
        [("a", "acme"), ("a", "other"), ("b", "acme"), ("b", "other"), ("of-nobody", "acme")]
    {
        pages.push(page(&server, build, tenant).await);
    }
    let mut expected = vec![Vec::new(); pages.len()];
    for (select, of) in [
        (json!({"labels": {"tenant": "acme"}}), vec![0, 2, 4]),
        (json!({"labels": {"tenant": "acme", "region": "us"}}), vec![]),
        (json!({"labels": {"nothing": ""}}), vec![]),
        (json!({"standing": "stale"}), vec![0, 1]),
        (json!({"standing": "unknown"}), vec![4]),
        (json!({"build": "b"}), vec![2, 3]),
        (json!({"build": "of-nobody"}), vec![4]),
        (json!({"standing": "current", "labels": {"tenant": "other"}, "build": "b"}), vec![3]),
        (json!({"standing": "stale", "build": "b"}), vec![]),
    ] {
        let body = json!({"topic": "flags", "data": select, "select": select});
        let dry = server.done("POST", "/v1/apps/web/push?dry_run=true", Some(body.clone())).await;
        let answer = push(&server, body).await;
        for answer in [dry, answer] {
            assert_eq!(answer["affected"]["sessions"], json!(of.len()), "{select}: {answer}");
        }
        for index in of {
            expected[index].push(select.clone());
        }
    }
    let listed = server.get("/v1/apps/web/pushes").await;
    assert_eq!(got(&server, &mut pages.iter_mut().collect::<Vec<_>>()).await, expected);
    // None of them has replaced another, and who comes later gets its own.
    assert_eq!(got(&server, &mut [&mut page(&server, "a", "acme").await]).await[0], expected[0]);
    let listed = listed["pushes"].as_array().unwrap();
    assert_eq!((listed.len(), &listed[0]["select"]), (9, &json!({"build": "b", "standing": "stale"})));
    assert_eq!(
        (&listed[8]["select"], &listed[8]["over"]),
        (&json!({"labels": {"tenant": "acme"}}), &json!("0s"))
    );
    let listed = server.get("/v1/apps/web/pushes").await;
    let flags = listed["pushes"].as_array().unwrap().iter().filter(|push| push["topic"] == "flags");
    // Newest first; the page that came later has had its own too.
    let sent: Vec<_> = flags.map(|push| push["sessions"].clone()).collect();
    assert_eq!(sent, [0, 1, 1, 2, 1, 3, 0, 0, 4]);
}

#[tokio::test]
async fn a_build_among_too_many_to_count_is_meant_by_its_own_name() {
    let server = server_with_app().await;
    let mut pages = Vec::new();
    for n in 0..=202 {
        pages.push(page(&server, &format!("dev-{n}"), "acme").await);
    }
    // It is one of the row of all others.
    let body = json!({"topic": "flags", "data": 1, "select": {"build": "dev-202"}});
    assert_eq!(push(&server, body).await["affected"]["sessions"], 1);
    let (counted, others) = pages.split_at_mut(202);
    assert_eq!(got(&server, &mut [&mut others[0], &mut counted[201]]).await, [vec![json!(1)], vec![]]);
}

#[tokio::test]
async fn who_comes_to_be_meant_gets_it_then() {
    let server = server_with_app().await;
    let mut page = page(&server, "b", "acme").await;
    push(&server, json!({"topic": "banner", "data": "old", "select": {"standing": "stale"}})).await;
    assert!(got(&server, &mut [&mut page]).await[0].is_empty());
    server.release("web", json!({"build": "c", "version": "3.0.0", "severity": "silent"})).await;
    assert_eq!(got(&server, &mut [&mut page]).await, [["old"]]);
    // Once, though it stops being meant and is meant again.
    for build in ["b", "c"] {
        server.done("PUT", "/v1/apps/web/current", Some(json!({"build": build}))).await;
        assert!(got(&server, &mut [&mut page]).await[0].is_empty());
    }
}

#[tokio::test]
async fn each_page_gets_a_paced_push_at_its_turn_even_over_a_restart() {
    const OVER_MS: f64 = 10_000.0;
    let mut server = server_with_app().await;
    let mut pages = Vec::new();
    for _ in 0..40 {
        pages.push(page(&server, "a", "acme").await);
    }
    let before = milliseconds();
    let answer = push(&server, json!({"topic": "flags", "data": 1, "over": "10s"})).await;
    let number = answer["push"].clone();
    assert_eq!((&answer["over"], &answer["affected"]["sessions"]), (&json!("10s"), &json!(40)));
    let mut due: HashMap<String, i64> = HashMap::new();
    for page in &pages {
        let session = page.session();
        let id = SessionId(session.parse().unwrap());
        let share = place(LogNumber(number.as_u64().unwrap()), id) * OVER_MS;
        #[expect(clippy::cast_possible_truncation, reason = "a few thousand")]
        due.insert(session, before + share as i64);
    }
    pages.sort_by_key(|page| due[&page.session()]);

    let (first, rest) = pages.split_at_mut(10);
    for page in first.iter_mut() {
        assert_eq!(page.frame("push").await["push"], number);
        assert!(milliseconds() >= due[&page.session()], "before its turn");
    }
    // Some of the rest have had it by now.
    let mut had = vec![true; first.len()];
    for page in rest.iter_mut() {
        had.push(page.frames_until_pong().await.iter().any(|frame| frame["type"] == "push"));
    }
    assert!(had.contains(&false), "nothing is left for after the restart");
    server.kill().await;
    server.restart().await;
    let mut back = Vec::new();
    for (page, had) in pages.iter().zip(&had) {
        let pushed = if *had { number.clone() } else { Value::Null };
        let hello = json!({"app": "web", "build": "a", "session": page.session(), "resume": page.resume(),
            "labels": {"tenant": "acme", "region": "eu"}, "pushed": pushed});
        back.push(Page::hello(server.address(), hello).await);
    }
    for (page, had) in back.iter_mut().zip(had) {
        if !had {
            assert_eq!(page.frame("push").await["push"], number);
            assert!(milliseconds() >= due[&page.session()], "before its turn");
        }
        assert!(page.frames_until_pong().await.iter().all(|frame| frame["type"] != "push"));
    }
}

#[tokio::test]
async fn a_push_that_came_before_an_earlier_paced_one_costs_the_page_neither() {
    let server = server_with_app().await;
    let slow = push(&server, json!({"topic": "slow", "data": "slow", "over": "8s"})).await["push"].clone();
    let quick = push(&server, json!({"topic": "quick", "data": "quick"})).await["push"].clone();
    let late = id(&slow, 0.95..1.0);
    let hello =
        |pushed: &Value| json!({"app": "web", "build": "a", "session": late.to_string(), "pushed": pushed});
    let mut page = Page::hello(server.address(), hello(&Value::Null)).await;
    assert_eq!(page.frame("push").await["push"], quick);
    // It names the quick one only: the slow one, though it has the lower number, is still to come.
    page.close(1001).await;
    let mut page = Page::hello(server.address(), hello(&quick)).await;
    assert_eq!(page.frame("push").await["push"], slow);
    // And the other way about.
    page.close(1001).await;
    let mut page = Page::hello(server.address(), hello(&slow)).await;
    assert!(got(&server, &mut [&mut page]).await[0].is_empty());
}

#[tokio::test]
async fn a_page_that_polls_is_told_again_only_what_was_lost_on_its_way() {
    let server = server_with_app().await;
    let slow = push(&server, json!({"topic": "slow", "data": 1, "over": "1s"})).await["push"].clone();
    let quick = push(&server, json!({"topic": "quick", "data": 2})).await["push"].clone();
    let session = id(&slow, 0.0..0.001).to_string();
    let poll = async |pushed: &Value, resume: &Value| {
        let hello = json!({"type": "hello", "app": "web", "build": "a", "session": session, "resume": resume,
            "pushed": pushed});
        let answer = server.done("POST", "/v1/apps/web/poll", Some(hello)).await;
        let pushes = answer["pushes"].as_array().unwrap().iter().map(|push| push["push"].clone());
        (pushes.collect::<Vec<_>>(), answer["welcome"]["resume"].clone())
    };
    // Its turn in the slow one came 1 ms after it, the quick one later.
    let both = [slow.clone(), quick.clone()];
    let (first, resume) = poll(&Value::Null, &Value::Null).await;
    assert_eq!(first, both);
    // The answer was lost: the page still knows of none.
    let (again, resume) = poll(&Value::Null, &resume).await;
    assert_eq!(again, both);
    assert_eq!(poll(&slow, &resume).await.0, both[1..]);
    assert!(poll(&quick, &resume).await.0.is_empty());
}

//! Pages that go from one node to another: one session all the way, known and counted in one place.

use freshwire_tests::{
    eventually,
    nats::Nats,
    page::Page,
    process::{Server, text},
};
use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};

/// Makes an app with a minimum that the pages of `a` are below.
async fn prepared(server: &Server) {
    server.release("web", json!({"build": "a", "version": "1.0.0"})).await;
    server.release("web", json!({"build": "b", "version": "2.0.0", "severity": "silent"})).await;
    let minimum = json!({"version": "2.0.0", "reason": "CVE-2026-1234", "over": "0s", "action": "prompt"});
    server.done("PUT", "/v1/apps/web/minimum", Some(minimum)).await;
}

/// What a page says that comes from `via`.
fn hello(page: &Page, via: &str) -> Value {
    json!({"app": "web", "build": "a", "version": "1.0.0", "session": page.session(), "resume": page.resume(), "via": via})
}

/// Connected and away on a node.
async fn counted(server: &Server, sessions: u64, away: u64) {
    eventually(&format!("{sessions} connected and {away} away"), async || {
        let census = server.get("/v1/apps/web/census").await;
        let rows = census["rows"].as_array().unwrap();
        let sum = |field: &str| rows.iter().map(|row| row[field].as_u64().unwrap()).sum::<u64>();
        ((sum("sessions"), sum("away")) == (sessions, away)).then_some(())
    })
    .await;
}

/// So many are in the campaign, and so many have acknowledged it, in all of the cluster.
async fn known(server: &Server, targeted: u64, told: u64) {
    eventually(&format!("{targeted} in the campaign, {told} told"), async || {
        let campaign = campaign(server).await;
        (campaign["targeted"] == targeted && campaign["told"] == told).then_some(())
    })
    .await;
}

async fn campaign(server: &Server) -> Value {
    server.get("/v1/apps/web/campaigns").await["campaigns"][0].clone()
}

#[tokio::test]
async fn a_session_goes_to_another_node_with_all_that_is_known_of_it() {
    let nats = Nats::start().await;
    let (one, two) = (Server::node(&nats, "one", &[]).await, Server::node(&nats, "two", &[]).await);
    prepared(&one).await;
    let mut page = Page::open(one.address(), "web", "a", "1.0.0").await;
    let notice = page.frame("notice").await;
    page.send(&json!({"type": "outcome", "notice": notice["notice"], "is": "snoozed"})).await;
    eventually("it is snoozed", async || (campaign(&one).await["states"]["snoozed"] == 1).then_some(()))
        .await;

    let there = Page::hello(two.address(), hello(&page, "one")).await;
    assert_eq!(there.session(), page.session());
    assert_eq!(page.closed().await.expect("a close frame").0, 4102);
    for server in [&one, &two] {
        counted(server, 1, 0).await;
        known(server, 1, 1).await;
    }

    // And back, by a poll's way as well as by a socket's.
    let mut back = hello(&there, "two");
    back["type"] = json!("hello");
    let answer = freshwire_tests::process::client()
        .post(one.url("/v1/apps/web/poll"))
        .body(back.to_string())
        .send()
        .await
        .unwrap();
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["welcome"]["session"], json!(page.session()));
    for server in [&one, &two] {
        counted(server, 1, 0).await;
        known(server, 1, 1).await;
    }
}

#[tokio::test]
async fn a_session_that_is_somebody_elses_stays_where_it_is() {
    let nats = Nats::start().await;
    let (one, two) = (Server::node(&nats, "one", &[]).await, Server::node(&nats, "two", &[]).await);
    prepared(&one).await;
    let mut page = Page::open(one.address(), "web", "a", "1.0.0").await;
    page.frame("notice").await;
    let mut thieves = Vec::new();
    for resume in [Value::Null, json!(""), json!("p7Yw0cG1sJx4b2Qe9TzKfA")] {
        let mut thief = hello(&page, "one");
        thief["resume"] = resume;
        let thief = Page::hello(two.address(), thief).await;
        assert_ne!(thief.session(), page.session());
        thieves.push(thief);
    }
    assert!(page.frames_until_pong().await.is_empty());
    // The thieves have pages of their own.
    counted(&one, 4, 0).await;
    // A node that nobody knows is no reason to send a page away.
    let lost = Page::hello(two.address(), hello(&page, "three")).await;
    assert_eq!(lost.session(), page.session());
}

#[tokio::test]
async fn a_node_that_could_not_be_asked_is_told_when_it_is_back() {
    let nats = Nats::start().await;
    let (mut one, two) = (Server::node(&nats, "one", &[]).await, Server::node(&nats, "two", &[]).await);
    prepared(&one).await;
    let mut page = Page::open(one.address(), "web", "a", "1.0.0").await;
    let notice = page.frame("notice").await;
    page.send(&json!({"type": "outcome", "notice": notice["notice"], "is": "received"})).await;
    page.frames_until_pong().await;
    let hello = hello(&page, "one");
    // Without a goodbye: it is away, and so it is kept.
    drop(page);
    counted(&two, 0, 1).await;
    one.terminate().await;
    let there = Page::hello(two.address(), hello).await;
    counted(&two, 1, 0).await;
    one.restart().await;
    one.ready().await;
    for server in [&one, &two] {
        counted(server, 1, 0).await;
        known(server, 1, 0).await;
    }
    drop(there);
}

#[tokio::test]
async fn sessions_are_listed_and_explained_wherever_they_are() {
    let nats = Nats::start().await;
    let (one, two) = (Server::node(&nats, "one", &[]).await, Server::node(&nats, "two", &[]).await);
    prepared(&one).await;
    eventually("two knows of it", async || {
        (two.call("GET", "/v1/apps/web", None).await.0 == 200).then_some(())
    })
    .await;
    let mut pages = Vec::new();
    for n in 0..20 {
        let node = if n % 3 == 0 { &one } else { &two };
        let labels = json!({"tenant": if n % 2 == 0 { "acme" } else { "other" }});
        let hello = json!({"app": "web", "build": "a", "version": "1.0.0", "labels": labels});
        pages.push(Page::hello(node.address(), hello).await);
    }
    let mut all: Vec<_> = pages.iter().map(Page::session).collect();
    all.sort_unstable();
    for server in [&one, &two] {
        counted(server, 20, 0).await;
        let mut listed = Vec::new();
        let mut query = "limit=3".to_owned();
        loop {
            let answer = server.get(&format!("/v1/apps/web/sessions?{query}")).await;
            assert_eq!((&answer["complete"], &answer["missing"]), (&json!(true), &json!([])));
            listed.extend(answer["sessions"].as_array().unwrap().iter().map(|row| text(&row["session"])));
            let Some(next) = answer["next"].as_str() else { break };
            query = format!("limit=3&cursor={next}");
        }
        assert_eq!(listed, all);
        let acme = server.get("/v1/apps/web/sessions?label.tenant=acme").await;
        assert_eq!(acme["sessions"].as_array().unwrap().len(), 10);
        for (page, node) in [(&pages[0], "one"), (&pages[1], "two")] {
            let detail = server.get(&format!("/v1/apps/web/sessions/{}", page.session())).await;
            assert_eq!(detail["node"], node);
            assert!(!text(&detail["explanation"]).is_empty());
        }
    }
    // A node that doesn't answer is named, and the others' sessions are there.
    kill_process(two.process(), Signal::STOP).unwrap();
    let partial = one.get("/v1/apps/web/sessions").await;
    assert_eq!((&partial["complete"], &partial["missing"]), (&json!(false), &json!(["two"])));
    assert_eq!(partial["sessions"].as_array().unwrap().len(), 7);
    let (status, problem) =
        one.call("GET", &format!("/v1/apps/web/sessions/{}", pages[1].session()), None).await;
    assert_eq!(status, 404);
    assert!(text(&problem["detail"]).contains("two did not"), "{problem}");
    kill_process(two.process(), Signal::CONT).unwrap();
    counted(&one, 20, 0).await;
}

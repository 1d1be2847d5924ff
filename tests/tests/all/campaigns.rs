//! Campaigns under way: waves, pauses, what is resumed, what is aborted, and what is refused.

use freshwire::core::{
    campaign::place,
    names::{LogNumber, SessionId},
};
use freshwire_tests::{
    page::Page,
    process::{Server, text},
};
use serde_json::{Value, json};

/// A current 1.1.0 that nobody is told of, and a page on 1.0.0.
async fn server_and_page() -> (Server, Page) {
    let server = Server::start().await;
    for (build, version) in [("a", "1.0.0"), ("b", "1.1.0")] {
        server.release("web", json!({"build": build, "version": version, "severity": "silent"})).await;
    }
    let page = Page::open(server.address(), "web", "a", "1.0.0").await;
    (server, page)
}

fn minimum(pace: &Value) -> Value {
    let mut body = json!({"version": "1.1.0", "reason": "CVE-2026-1234", "over": "0s"});
    body.as_object_mut().unwrap().extend(pace.as_object().unwrap().clone());
    body
}

async fn raise(server: &Server, pace: &Value) -> u64 {
    let answer = server.done("PUT", "/v1/apps/web/minimum", Some(minimum(pace))).await;
    answer["campaign"].as_u64().unwrap()
}

fn path(campaign: u64, what: &str) -> String {
    format!("/v1/apps/web/campaigns/{campaign}/{what}")
}

#[tokio::test]
async fn a_pause_withdraws_and_a_resume_owes_afresh() {
    let (server, mut page) = server_and_page().await;
    let campaign = raise(&server, &json!({"action": "prompt"})).await;
    page.frame("standing").await;
    assert_eq!(page.frame("notice").await["run"], campaign);
    let because = json!({"reason": "it confuses people"});
    let paused = server.done("POST", &path(campaign, "pause"), Some(because)).await;
    assert_eq!(paused["campaign"], campaign);
    assert_eq!(page.frame("withdraw").await["notice"], campaign);
    let (status, problem) = server.call("POST", &path(campaign, "pause"), None).await;
    assert_eq!((status, text(&problem["type"]).ends_with("conflict")), (409, true), "{problem}");

    let resumed = server.done("POST", &path(campaign, "resume"), None).await;
    let notice = page.frame("notice").await;
    assert_eq!((&notice["notice"], &notice["run"]), (&json!(campaign), &resumed["number"]));
    let log = server.get("/v1/apps/web/log").await;
    let summary = text(&log["entries"][1]["summary"]);
    assert_eq!(summary, format!("campaign {campaign} paused: it confuses people"));
}

#[tokio::test]
async fn an_aborted_campaign_withdraws_for_good_and_leaves_the_minimum_as_it_is() {
    let (server, mut page) = server_and_page().await;
    let campaign = raise(&server, &json!({})).await;
    page.frame("standing").await;
    page.frame("notice").await;
    server.done("POST", &path(campaign, "abort"), None).await;
    assert_eq!(page.frame("withdraw").await["notice"], campaign);
    assert_eq!(server.get("/v1/apps/web").await["minimum"]["version"], "1.1.0");
    let (status, _) = server.call("POST", &path(campaign, "resume"), None).await;
    assert_eq!(status, 409);
    let mut late = Page::open(server.address(), "web", "a", "1.0.0").await;
    assert_eq!(late.welcome["standing"], "unsupported");
    assert!(late.frames_until_pong().await.is_empty());
}

#[tokio::test]
async fn the_second_wave_waits_for_proof_or_for_a_resume() {
    let (server, page) = server_and_page().await;
    let mut pages = vec![page];
    for _ in 0..29 {
        pages.push(Page::open(server.address(), "web", "a", "1.0.0").await);
    }
    let campaign = raise(&server, &json!({"waves": ["50%", "100%"], "hold": "0s"})).await;
    let first = |page: &Page| {
        let session = page.session().parse().unwrap();
        place(LogNumber(campaign), SessionId(session)) < 0.5
    };
    for page in &mut pages {
        page.frame("standing").await;
        if first(page) {
            page.frame("notice").await;
        }
    }
    for page in pages.iter_mut().filter(|page| !first(page)) {
        assert!(page.frames_until_pong().await.is_empty(), "its wave has not begun");
    }
    server.done("POST", &path(campaign, "resume"), None).await;
    for page in &mut pages {
        if first(page) {
            assert!(page.frames_until_pong().await.is_empty(), "nobody is told twice");
        } else {
            assert_eq!(page.frame("notice").await["run"], campaign);
        }
    }
}

#[tokio::test]
async fn a_pace_that_can_not_be_is_refused_with_its_field() {
    let (server, _page) = server_and_page().await;
    let minimum = |pace: Value| ("PUT", "/v1/apps/web/minimum".to_owned(), minimum(&pace));
    let release = |pace: Value| {
        let mut body = json!({"build": "c", "version": "1.2.0"});
        body.as_object_mut().unwrap().extend(pace.as_object().unwrap().clone());
        ("POST", "/v1/apps/web/releases".to_owned(), body)
    };
    let refused = [
        (minimum(json!({"waves": ["10%", "10%", "100%"]})), "waves", "larger than the one before"),
        (minimum(json!({"waves": ["50%", "10%", "100%"]})), "waves", "50% is followed by 10%"),
        (minimum(json!({"waves": ["10%", "150%"]})), "waves[1]", "up to 100%"),
        (minimum(json!({"waves": ["0%", "100%"]})), "waves[0]", "above 0%"),
        (release(json!({"waves": ["1%", "10%"]})), "waves", "nobody may be forgotten"),
        (minimum(json!({"hold": "5m"})), "hold", "give waves too"),
        (minimum(json!({"brake": 0})), "brake", "above 0 and up to 1"),
        (release(json!({"brake": 1.5})), "brake", "above 0 and up to 1"),
        (minimum(json!({"brake": "5%"})), "brake", "f64"),
        (("POST", path(7, "pause"), json!({"why": "x"})), "why", "unknown field"),
        (("POST", path(7, "pause"), json!({"reason": " "})), "reason", "say something"),
        (
            ("POST", "/v1/apps/web/campaigns/first/pause".to_owned(), json!({})),
            "campaign",
            "number, such as 42",
        ),
    ];
    for ((method, path, body), field, words) in refused {
        let (status, problem) = server.call(method, &path, Some(body.clone())).await;
        assert_eq!(status, 422, "{body}: {problem}");
        assert_eq!(problem["field"], field, "{body}: {problem}");
        assert!(text(&problem["detail"]).contains(words), "{body}: {problem}");
    }
    let (status, _) = server.call("POST", &path(7, "pause"), None).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn a_dry_run_says_the_pace_and_the_waves() {
    let (server, _page) = server_and_page().await;
    let body = minimum(&json!({"waves": ["1%", "100%"]}));
    let answer = server.done("PUT", "/v1/apps/web/minimum?dry_run=true", Some(body)).await;
    assert_eq!((&answer["waves"], &answer["over"]), (&json!(["1%", "100%"]), &json!("0s")));
    let answer = server
        .done("PUT", "/v1/apps/web/minimum?dry_run=true", Some(json!({"version": "1.1.0", "reason": "x"})))
        .await;
    assert_eq!(answer["over"], "20ms", "one page at fifty a second");
}

//! The census over time, over restarts too.

use freshwire_tests::{
    eventually,
    page::Page,
    process::{Server, text},
};
use serde_json::{Value, json};

/// The last minutes' points.
async fn points(server: &Server) -> Vec<Value> {
    let to = jiff::Timestamp::now();
    let from = to - jiff::SignedDuration::from_mins(3);
    let answer = server.get(&format!("/v1/apps/web/timeline?from={from}&to={to}&step=100ms")).await;
    answer["points"].as_array().unwrap().clone()
}

/// Waits for a last point with so many sessions.
async fn point_of(server: &Server, sessions: u64) -> Value {
    eventually("a point of the timeline", async || {
        points(server).await.pop().filter(|point| point["sessions"] == sessions)
    })
    .await
}

#[tokio::test]
async fn the_timeline_goes_on_over_a_restart_and_a_crash() {
    let flags = ["--timeline-interval", "100ms", "--warmup", "0s", "--drain", "0s"];
    let mut server = Server::start_with(&flags).await;
    server.release("web", json!({"build": "a", "version": "1.0.0"})).await;
    assert_eq!(point_of(&server, 0).await["rows"], json!([]));
    let first = Page::open(server.address(), "web", "a", "1.0.0").await;
    let _second = Page::open(server.address(), "web", "b", "1.1.0").await;
    let point = point_of(&server, 2).await;
    let row =
        |build: &str, version: &str| json!({"build": build, "version": version, "sessions": 1, "away": 0});
    assert_eq!(point["rows"], json!([row("a", "1.0.0"), row("b", "1.1.0")]));
    let at: jiff::Timestamp = text(&point["at"]).parse().unwrap();
    assert_eq!(at.as_millisecond() % 100, 0, "{point}");
    first.close(1000).await;
    point_of(&server, 1).await;

    server.terminate().await;
    server.restart().await;
    let there = points(&server).await;
    assert!(there.contains(&point), "{there:?}");
    assert!(there.windows(2).all(|pair| text(&pair[0]["at"]) < text(&pair[1]["at"])));
    // The page that did not say goodbye is away.
    let after = point_of(&server, 0).await;
    assert_eq!(after["rows"], json!([{"build": "b", "version": "1.1.0", "sessions": 0, "away": 1}]));
    let written = points(&server).await.len();
    eventually("the next points", async || (points(&server).await.len() > written + 1).then_some(())).await;
    server.kill().await;
    server.restart().await;
    assert!(points(&server).await.contains(&after));
}

#[tokio::test]
async fn a_point_says_when_pages_were_still_coming_back() {
    let server = Server::start_with(&["--timeline-interval", "100ms", "--warmup", "1h"]).await;
    server.release("web", json!({"build": "a", "version": "1.0.0"})).await;
    assert_eq!(point_of(&server, 0).await["warming"], true);
}

#[tokio::test]
async fn a_range_is_a_day_unless_told_and_never_too_long() {
    let server = Server::start().await;
    server.release("web", json!({"build": "a", "version": "1.0.0"})).await;
    let answer = server.get("/v1/apps/web/timeline").await;
    let (from, to): (jiff::Timestamp, jiff::Timestamp) =
        (text(&answer["from"]).parse().unwrap(), text(&answer["to"]).parse().unwrap());
    assert_eq!((to.duration_since(from).as_hours(), &answer["step"]), (24, &json!("1m")));
    let step_of =
        async |range: &str| server.get(&format!("/v1/apps/web/timeline?{range}")).await["step"].clone();
    assert_eq!(step_of("from=2026-01-01T00:00:00Z&to=2026-01-08T00:00:00Z").await, "10m");
    assert_eq!(step_of("from=2026-01-01T00:00:00Z&to=2026-01-31T00:00:00Z").await, "1h");
    assert_eq!(step_of("from=2026-01-01T00:00:00Z&to=2026-01-01T01:00:00Z&step=2s").await, "2s");

    for (range, field) in [
        ("from=yesterday", "from"),
        ("to=5", "to"),
        ("step=0s", "step"),
        ("step=-1m", "step"),
        ("step=30s", "step"),
        ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from"),
        ("from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", "from"),
        ("from=2999-01-01T00:00:00Z", "from"),
    ] {
        let (status, problem) = server.call("GET", &format!("/v1/apps/web/timeline?{range}"), None).await;
        assert_eq!((status, &problem["field"]), (422, &json!(field)), "{range}: {problem}");
    }
    assert_eq!(server.call("GET", "/v1/apps/nobody/timeline", None).await.0, 404);
}

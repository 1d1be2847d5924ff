//! Builds that nobody registered: counted one by one up to 200, and together beyond that.

use freshwire_tests::{eventually, page::Page, process::Server};
use serde_json::json;

#[tokio::test]
async fn beyond_two_hundred_unregistered_builds_are_one_row_and_every_count_is_exact() {
    let server = Server::start().await;
    server.release("web", json!({"build": "a", "version": "1.0.0"})).await;
    let mut pages = Vec::new();
    for number in 0..230 {
        let build = format!("unregistered-{number}");
        pages.push(Page::open(server.address(), "web", &build, "0.9.0").await);
    }
    for _ in 0..3 {
        pages.push(Page::open(server.address(), "web", "a", "1.0.0").await);
        // What has a row of its own keeps it.
        pages.push(Page::open(server.address(), "web", "unregistered-7", "0.9.0").await);
    }
    let census = server.get("/v1/apps/web/census").await;
    assert_eq!(census["sessions"], 236);
    let rows = census["rows"].as_array().unwrap();
    let sessions = |build: &str| {
        let row = rows.iter().find(|row| row["build"] == build).unwrap_or_else(|| panic!("a row of {build}"));
        (row["sessions"].as_u64().unwrap(), row["standing"].as_str().unwrap().to_owned())
    };
    assert_eq!(rows.len(), 202);
    assert_eq!(sessions("a"), (3, "current".into()));
    assert_eq!(sessions("unregistered-7"), (4, "stale".into()));
    assert_eq!(sessions("unregistered-199"), (1, "stale".into()));
    assert_eq!(sessions("(others)"), (30, "stale".into()));

    // Each session's own build is in the list, the pooled ones' too.
    let listed = server.get("/v1/apps/web/sessions?build=unregistered-229").await;
    assert_eq!(listed["sessions"][0]["build"], "unregistered-229");
    assert_eq!(listed["sessions"][0]["standing"], "stale");

    // No page can pretend to be the row.
    let mut liar = Page::silent(server.address(), None).await;
    liar.send(&json!({"type": "hello", "app": "web", "build": "(others)"})).await;
    assert_eq!(liar.closed().await.0, 4000);

    for page in pages {
        page.close(1000).await;
    }
    eventually("all rows vanish", async || {
        let census = server.get("/v1/apps/web/census").await;
        let rows = census["rows"].as_array().unwrap();
        rows.iter().all(|row| row["build"] == "a" && row["sessions"] == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn pooled_pages_are_judged_by_their_version_and_left_alone_without_one() {
    let server = Server::start().await;
    server.release("web", json!({"build": "a", "version": "1.0.0", "severity": "silent"})).await;
    let mut pages = Vec::new();
    for number in 0..202 {
        pages.push(Page::open(server.address(), "web", &format!("u{number}"), "0.9.0").await);
    }
    let mut nameless = Page::hello(server.address(), json!({"app": "web", "build": "u202"})).await;
    assert_eq!(nameless.welcome["standing"], "unknown");
    let minimum = json!({"version": "1.0.0", "reason": "CVE", "over": "0s"});
    let raised = server.done("PUT", "/v1/apps/web/minimum", Some(minimum)).await;
    assert_eq!(raised["affected"]["sessions"], 202);
    for page in [0, 201] {
        assert_eq!(pages[page].frame("standing").await["standing"], "unsupported");
        assert_eq!(pages[page].frame("notice").await["action"], "countdown");
    }
    assert!(nameless.frames_until_pong().await.is_empty());
}

#[tokio::test]
async fn versions_made_up_for_a_registered_build_make_no_rows() {
    let server = Server::start().await;
    server.release("web", json!({"build": "a", "version": "1.0.0"})).await;
    let mut pages = Vec::new();
    for number in 0..50 {
        pages.push(Page::open(server.address(), "web", "a", &format!("1.0.{number}")).await);
    }
    assert_eq!(server.census("web").await, [("a".to_owned(), 50)]);
}

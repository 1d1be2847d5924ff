//! The main job: a page on an old build, a raised minimum, a page that comes back new.

use freshwire_tests::{page::Page, process::Server};
use serde_json::json;

#[tokio::test]
async fn a_page_below_the_minimum_is_told_once_and_comes_back_new() {
    let server = Server::start().await;
    server.done("POST", "/v1/apps/web/releases", Some(json!({"build": "a", "version": "1.0.0"}))).await;
    let mut page = Page::open(server.address(), "web", "a", "1.0.0").await;
    assert_eq!(page.welcome["standing"], "current");
    server.done("POST", "/v1/apps/web/releases", Some(json!({"build": "b", "version": "1.1.0"}))).await;
    assert_eq!(page.frame("standing").await["standing"], "stale");
    assert_eq!(page.frame("notice").await["action"], "navigate");

    let minimum = json!({"version": "1.1.0", "reason": "CVE-2026-1234", "over": "0s"});
    let answer = server.done("PUT", "/v1/apps/web/minimum", Some(minimum)).await;
    assert_eq!(answer["affected"]["sessions"], 1);
    assert_eq!(page.frame("standing").await["why"], "minimum");
    let notice = page.frame("notice").await;
    assert_eq!((&notice["action"], &notice["reason"]), (&json!("countdown"), &json!("CVE-2026-1234")));
    assert_eq!(notice["build"], "b");
    assert!(page.frames_until_pong().await.is_empty());

    page.send(&json!({"type": "outcome", "notice": notice["notice"], "is": "refreshing"})).await;
    let (session, resume) = (page.session(), page.resume());
    page.close(3002).await;
    assert_eq!(server.census("web").await, []);
    let back = json!({"app": "web", "build": "b", "version": "1.1.0", "session": session, "resume": resume,
        "after": {"notice": notice["notice"], "from": "a", "tries": 1}});
    let mut page = Page::hello(server.address(), back).await;
    assert_eq!(page.session(), session);
    assert_eq!(page.welcome["standing"], "current");
    assert!(page.frames_until_pong().await.is_empty());
    let listed = server.get("/v1/apps/web/sessions").await;
    assert_eq!(listed["sessions"][0]["state"], "refreshed");
}

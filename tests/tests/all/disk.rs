//! A disk that takes nothing more, under a running server.

use freshwire_tests::{
    eventually,
    page::Page,
    process::{Server, text},
};
use rustix::process::{Resource, Rlimit, prlimit};
use serde_json::json;

/// Lets no file of the server grow beyond so many bytes; None: as far as it likes.
fn limit_files(server: &Server, bytes: Option<u64>) {
    prlimit(Some(server.process()), Resource::Fsize, Rlimit { current: bytes, maximum: None }).unwrap();
}

#[tokio::test]
async fn a_full_disk_refuses_changes_and_keeps_every_session() {
    let mut server = Server::start_with(&["--ping-interval", "100ms", "--pong-timeout", "30s"]).await;
    server.release("web", json!({"build": "a", "version": "1.0.0"})).await;
    let mut page = Page::open(server.address(), "web", "a", "1.0.0").await;
    limit_files(&server, Some(0));

    let release = json!({"build": "b", "version": "2.0.0", "over": "0s"});
    for (method, path, body) in [
        ("POST", "/v1/apps/web/releases", release.clone()),
        ("PUT", "/v1/apps/web/minimum", json!({"version": "1.0.0", "reason": "CVE"})),
        ("POST", "/v1/tokens", json!({"name": "ci", "scope": "read"})),
    ] {
        let (status, problem) = server.call(method, path, Some(body)).await;
        assert_eq!((status, &problem["decided"]), (503, &json!(true)), "{method} {path}: {problem}");
        assert!(text(&problem["type"]).ends_with(":unavailable"), "{problem}");
        assert!(problem.get("secret").is_none());
    }
    // Reads go on, the page stays, new ones come and vanish, and nobody was told anything.
    assert_eq!(server.get("/v1/apps/web").await["number"], 1);
    assert!(page.frames_until_pong().await.is_empty());
    let passing = Page::open(server.address(), "web", "a", "1.0.0").await;
    drop(passing);
    eventually("the one that vanished is away", async || {
        let row = server.get("/v1/apps/web/census").await["rows"][0].clone();
        (row["sessions"] == 1 && row["away"] == 1).then_some(())
    })
    .await;

    limit_files(&server, None);
    let made = server.release("web", release).await;
    assert_eq!(made["number"], 2);
    assert_eq!(page.frame("standing").await["standing"], "stale");
    assert_eq!(page.frame("notice").await["build"], "b");
    // What was to be written beside the log while the disk was full is written now.
    drop(page);
    eventually("both are away", async || {
        let census = server.get("/v1/apps/web/census").await;
        (census["rows"].as_array().unwrap().iter().any(|row| row["away"] == 2)).then_some(())
    })
    .await;
    assert!(server.terminate().await.success());
    server.restart().await;
    assert_eq!(server.get("/v1/apps/web").await["number"], 2);
    let census = server.get("/v1/apps/web/census").await;
    assert!(census["rows"].as_array().unwrap().iter().any(|row| row["away"] == 2), "{census}");
}

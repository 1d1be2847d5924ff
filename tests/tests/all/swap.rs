//! Releases that differ in style sheets only, changed in place; and what is loaded ahead of a refresh.

use freshwire_tests::{page::Page, process::Server};
use serde_json::{Value, json};

/// A Vite build: a style sheet, and a script that names it.
fn built(build: &str, version: &str, style: &str, script: &str, of_script: &str) -> Value {
    let (css, js) = (format!("/assets/index-{style}.css"), format!("/assets/index-{script}.js"));
    json!({"build": build, "version": version, "severity": "important", "over": "0s", "preload": [js, "/kept.js"],
        "assets": {css: style, js: of_script, "/kept.js": "kept"}})
}

fn first() -> Value {
    built("a", "1.0.0", "aaaaaaa1", "Dq3-aa01", "script")
}

/// Another style; the script is called something else, and is the same.
fn restyled() -> Value {
    built("b", "2.0.0", "bbbbbbb2", "Fq9bb012", "script")
}

/// A page of the first build that is told of a release.
async fn told(server: &Server, release: Value) -> (Page, Value) {
    server.release("web", first()).await;
    let mut page = Page::open(server.address(), "web", "a", "1.0.0").await;
    server.release("web", release).await;
    assert_eq!(page.frame("standing").await["standing"], "stale");
    let notice = page.frame("notice").await;
    (page, notice)
}

async fn session(server: &Server, page: &Page) -> (Value, Value) {
    let session = server.get(&format!("/v1/apps/web/sessions/{}", page.session())).await;
    (session["build"].clone(), session["state"].clone())
}

/// The hello of a page that has changed to `b` in place.
fn swapped(page: &Page, notice: &Value) -> Value {
    json!({"app": "web", "build": "b", "version": "2.0.0", "session": page.session(), "resume": page.resume(),
        "after": {"notice": notice["notice"], "from": "a", "tries": 0}})
}

#[tokio::test]
async fn a_release_of_style_sheets_is_swapped_and_the_census_moves() {
    let server = Server::start().await;
    let (mut page, notice) = told(&server, restyled()).await;
    let pair = json!([{"from": "/assets/index-aaaaaaa1.css", "to": "/assets/index-bbbbbbb2.css"}]);
    assert_eq!((&notice["swap"], &notice["preload"]), (&pair, &json!(["/assets/index-Fq9bb012.js"])));
    assert_eq!(server.census("web").await, [("a".to_owned(), 1)]);

    page.send(&json!({"type": "outcome", "notice": notice["notice"], "is": "swapped"})).await;
    assert!(page.frames_until_pong().await.is_empty());
    assert_eq!(session(&server, &page).await, (json!("a"), json!("swapped")));
    let hello = swapped(&page, &notice);
    let id = page.session();
    page.close(3002).await;
    let mut page = Page::hello(server.address(), hello).await;
    assert_eq!((page.session(), &page.welcome["standing"]), (id, &json!("current")));
    assert!(page.frames_until_pong().await.is_empty());
    assert_eq!(session(&server, &page).await, (json!("b"), json!("swapped")));
    assert_eq!(server.census("web").await, [("b".to_owned(), 1)]);
}

#[tokio::test]
async fn a_swapped_page_stays_so_however_it_comes_back() {
    let mut server = Server::start().await;
    let (mut page, notice) = told(&server, restyled()).await;
    page.send(&json!({"type": "outcome", "notice": notice["notice"], "is": "swapped"})).await;
    page.frames_until_pong().await;
    // Over a connection that stands already, …
    let taken_over = Page::hello(server.address(), swapped(&page, &notice)).await;
    assert_eq!(taken_over.session(), page.session());
    assert_eq!(session(&server, &taken_over).await, (json!("b"), json!("swapped")));
    // … after one that broke, …
    let hello = swapped(&taken_over, &notice);
    taken_over.close(3004).await;
    let mut page = Page::hello(server.address(), hello).await;
    assert_eq!(session(&server, &page).await, (json!("b"), json!("swapped")));
    assert!(page.frames_until_pong().await.is_empty());
    // … and where nothing is known of it but by its own word.
    let hello = swapped(&page, &notice);
    page.close(3001).await;
    server.kill().await;
    server.restart().await;
    let mut page = Page::hello(server.address(), hello).await;
    assert_eq!(session(&server, &page).await, (json!("b"), json!("swapped")));
    assert!(page.frames_until_pong().await.is_empty());

    // The next release is told as ever, from the build that the page has become.
    server.release("web", built("c", "3.0.0", "ccccccc3", "Fq9bb012", "script")).await;
    assert_eq!(page.frame("standing").await["standing"], "stale");
    let notice = page.frame("notice").await;
    let pair = json!([{"from": "/assets/index-bbbbbbb2.css", "to": "/assets/index-ccccccc3.css"}]);
    assert_eq!((&notice["swap"], &notice["preload"]), (&pair, &Value::Null));
    assert!(page.frames_until_pong().await.is_empty());
}

#[tokio::test]
async fn a_page_that_reloads_for_a_swap_that_failed_is_refreshed() {
    let server = Server::start().await;
    let (mut page, notice) = told(&server, restyled()).await;
    for is in ["failed", "refreshing"] {
        page.send(&json!({"type": "outcome", "notice": notice["notice"], "is": is})).await;
    }
    page.frames_until_pong().await;
    let mut hello = swapped(&page, &notice);
    hello["after"]["tries"] = json!(1);
    page.close(3002).await;
    let page = Page::hello(server.address(), hello).await;
    assert_eq!(session(&server, &page).await, (json!("b"), json!("refreshed")));
}

#[tokio::test]
async fn a_release_that_changes_a_script_is_not_swapped() {
    let server = Server::start().await;
    let (_, notice) = told(&server, built("b", "2.0.0", "bbbbbbb2", "Fq9bb012", "another script")).await;
    assert_eq!(notice["swap"], Value::Null);
    assert_eq!(notice["preload"], json!(["/assets/index-Fq9bb012.js"]));
}

#[tokio::test]
async fn a_page_whose_build_has_no_assets_loads_all_ahead_and_swaps_nothing() {
    let server = Server::start().await;
    server.release("web", json!({"build": "a", "version": "1.0.0"})).await;
    let mut pages = [
        Page::open(server.address(), "web", "a", "1.0.0").await,
        Page::open(server.address(), "web", "unregistered", "1.5.0").await,
    ];
    let mut release = restyled();
    release["preload"] = json!((0..50).map(|n| format!("/{n}.js")).collect::<Vec<_>>());
    server.release("web", release).await;
    for page in &mut pages {
        page.frame("standing").await;
        let notice = page.frame("notice").await;
        assert_eq!(notice["swap"], Value::Null);
        let preload = notice["preload"].as_array().unwrap();
        assert_eq!((preload.len(), &preload[19]), (20, &json!("/19.js")));
    }
}

#[tokio::test]
async fn what_can_not_be_loaded_ahead_is_refused() {
    let server = Server::start().await;
    let with = |preload: Value| json!({"build": "a", "preload": preload});
    for bad in [json!(vec!["/a.js"; 51]), json!([""]), json!(["x".repeat(1025)])] {
        let (status, problem) = server.call("POST", "/v1/apps/web/releases", Some(with(bad))).await;
        assert_eq!((status, &problem["field"]), (422, &json!("preload")), "{problem}");
    }
    let most = with(json!(vec!["x".repeat(1024); 50]));
    server.release("web", most.clone()).await;
    assert_eq!(server.release("web", most).await["repeated"], true);
    let (status, _) = server.call("POST", "/v1/apps/web/releases", Some(with(json!(["/other.js"])))).await;
    assert_eq!(status, 409);
}

//! What pages and edges fetch over HTTP, and which listener serves what.

use std::{fs, path::Path};

use freshwire_tests::{
    page::Page,
    process::{Server, TOKEN, client, text},
};
use reqwest::{Method, Response};
use serde_json::{Value, json};

async fn get(server: &Server, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = client().get(server.url(path));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

/// A header's value; empty if it isn't there.
pub fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers().get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

/// What the snippet's build made: path and whether it never changes.
fn files_of_the_snippet() -> Vec<(String, bool)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../client-js/dist/served/manifest.json");
    let manifest: Value = serde_json::from_str(&fs::read_to_string(folder).unwrap()).unwrap();
    let files = manifest["files"].as_array().unwrap().iter();
    files.map(|file| (text(&file["path"]), file["immutable"].as_bool().unwrap())).collect()
}

#[tokio::test]
async fn scripts_are_cached_compressed_and_open_to_every_origin() {
    let server = Server::start().await;
    let files = files_of_the_snippet();
    for path in ["/freshwire.js", "/freshwire.mjs"] {
        assert!(files.contains(&(path.to_owned(), false)), "{path}");
    }
    let parts =
        files.iter().filter(|(path, _)| path.starts_with("/v1/client/") && path.ends_with("/act.mjs"));
    assert!(parts.count() >= 1, "{files:?}");
    for (path, immutable) in files {
        let plain = get(&server, &path, &[("origin", "https://app.example.com")]).await;
        assert_eq!(plain.status(), 200, "{path}");
        let kind = header(&plain, "content-type");
        assert!(
            kind.starts_with("text/javascript") || kind.starts_with("application/json"),
            "{path}: {kind}"
        );
        let caching = if immutable { "public, max-age=31536000, immutable" } else { "public, max-age=300" };
        assert_eq!(header(&plain, "cache-control"), caching, "{path}");
        assert_eq!(header(&plain, "access-control-allow-origin"), "*");
        assert_eq!(header(&plain, "cross-origin-resource-policy"), "cross-origin");
        assert_eq!(header(&plain, "x-content-type-options"), "nosniff");
        assert!(header(&plain, "vary").to_lowercase().contains("accept-encoding"), "{path}");
        assert_eq!(header(&plain, "content-encoding"), "");
        let etag = header(&plain, "etag").to_owned();
        assert!(etag.starts_with('"') && etag.ends_with('"'), "a strong one: {etag}");
        let bytes = plain.bytes().await.unwrap();

        for (accepts, encoding) in [
            ("gzip", "gzip"),
            ("br", "br"),
            ("gzip, deflate, br", "br"),
            ("GZIP;q=0.5", "gzip"),
            ("br;q=0, gzip", "gzip"),
            ("identity", ""),
            ("br;q=0.0, gzip;q=0", ""),
        ] {
            let answer = get(&server, &path, &[("accept-encoding", accepts)]).await;
            assert_eq!(header(&answer, "content-encoding"), encoding, "{path} {accepts}");
            let own = header(&answer, "etag").to_owned();
            assert_eq!(own == etag, encoding.is_empty(), "each encoding has its own: {own}");
            let size = answer.bytes().await.unwrap().len();
            assert!(
                encoding.is_empty() || size < bytes.len() || bytes.len() < 100,
                "{path} {accepts}: {size}"
            );
            for known in [own.clone(), format!("\"other\", {own}"), "*".to_owned()] {
                let known = [("accept-encoding", accepts), ("if-none-match", known.as_str())];
                let answer = get(&server, &path, &known).await;
                assert_eq!(answer.status(), 304, "{path} {known:?}");
                assert_eq!(
                    (header(&answer, "etag"), header(&answer, "cache-control")),
                    (own.as_str(), caching)
                );
                assert_eq!(header(&answer, "access-control-allow-origin"), "*");
                assert!(answer.bytes().await.unwrap().is_empty());
            }
        }
        let stale = get(&server, &path, &[("if-none-match", "\"other\"")]).await;
        assert_eq!((stale.status().as_u16(), stale.bytes().await.unwrap()), (200, bytes));

        let asked = client()
            .request(Method::OPTIONS, server.url(&path))
            .header("origin", "https://app.example.com")
            .header("access-control-request-method", "GET");
        let preflight = asked.send().await.unwrap();
        assert!(preflight.status().is_success(), "{path}");
        assert_eq!(header(&preflight, "access-control-allow-origin"), "*");
        let head = client().head(server.url(&path)).send().await.unwrap();
        assert_eq!((head.status().as_u16(), header(&head, "etag")), (200, etag.as_str()));
    }
}

#[tokio::test]
async fn the_floor_is_public_and_cached_for_a_moment() {
    let server = Server::start().await;
    server.release("web", json!({"build": "a", "version": "1.0.0"})).await;
    server.release("web", json!({"build": "b", "version": "2.0.0"})).await;
    server.release("web", json!({"build": "bad", "version": "2.1.0", "rolling": true})).await;
    server.done("POST", "/v1/apps/web/releases/bad/retire", Some(json!({"reason": "bad"}))).await;
    let minimum = json!({"version": "1.5.0", "reason": "CVE"});
    server.done("PUT", "/v1/apps/web/minimum", Some(minimum)).await;
    let path = "/v1/apps/web/floor";
    let answer = get(&server, path, &[("origin", "https://app.example.com")]).await;
    assert_eq!(answer.status(), 200);
    let caching = header(&answer, "cache-control").to_owned();
    assert!(caching.split(", ").any(|word| word == "max-age=5"), "{caching}");
    assert_eq!(header(&answer, "access-control-allow-origin"), "*");
    assert_eq!(header(&answer, "cross-origin-resource-policy"), "cross-origin");
    let etag = header(&answer, "etag").to_owned();
    let floor: Value = answer.json().await.unwrap();
    assert_eq!(
        floor,
        json!({"app": "web", "number": 5, "minimum": {"version": "1.5.0", "build": null}, "retired": ["bad"],
            "current": {"build": "b", "version": "2.0.0"}})
    );
    // A cache on the way may have made the tag a weak one, or know several.
    for known in [etag.clone(), format!("W/{etag}"), format!("\"1\", {etag}"), "*".to_owned()] {
        let known = get(&server, path, &[("if-none-match", &known)]).await;
        assert_eq!((known.status().as_u16(), header(&known, "etag")), (304, etag.as_str()));
        assert_eq!(header(&known, "cache-control"), caching);
    }
    server.done("DELETE", "/v1/apps/web/minimum", None).await;
    let moved = get(&server, path, &[("if-none-match", &etag)]).await;
    assert_eq!(moved.status(), 200);
    assert_eq!(moved.json::<Value>().await.unwrap()["minimum"], Value::Null);

    let nobody = get(&server, "/v1/apps/nobody/floor", &[]).await;
    assert_eq!(
        (nobody.status().as_u16(), header(&nobody, "content-type")),
        (404, "application/problem+json")
    );
}

#[tokio::test]
async fn the_first_screen_and_health_are_there_and_nothing_else() {
    let server = Server::start().await;
    let screen = get(&server, "/", &[]).await;
    assert_eq!(screen.status(), 200);
    assert!(header(&screen, "content-type").starts_with("text/html"));
    assert!(header(&screen, "content-security-policy").contains("default-src 'none'"));
    let page = screen.text().await.unwrap();
    assert!(page.contains(env!("CARGO_PKG_VERSION")) && !page.contains("{version}"), "{page}");
    assert_eq!(get(&server, "/livez", &[]).await.text().await.unwrap().trim(), "ok");
    let ready = get(&server, "/readyz", &[]).await;
    assert_eq!(ready.status(), 200);
    assert_eq!(ready.json::<Value>().await.unwrap()["ready"], true);
    let metrics = get(&server, "/metrics", &[]).await;
    assert!(header(&metrics, "content-type").starts_with("text/plain"));
    let nothing = get(&server, "/favicon.ico", &[]).await;
    assert_eq!(
        (nothing.status().as_u16(), header(&nothing, "content-type")),
        (404, "application/problem+json")
    );
    let problem: Value = nothing.json().await.unwrap();
    assert!(text(&problem["type"]).ends_with(":not-found"));
}

/// Which of the addresses answer with something else than 404.
async fn served_at(base: &str, paths: &[&'static str]) -> Vec<&'static str> {
    let mut there = Vec::new();
    for path in paths {
        let answer = client().get(format!("http://{base}{path}")).bearer_auth(TOKEN).send().await.unwrap();
        if answer.status() != 404 {
            there.push(*path);
        }
    }
    there
}

const PAGES_PATHS: [&str; 3] = ["/freshwire.js", "/v1/connect", "/v1/apps/web/floor"];
const OPERATORS_PATHS: [&str; 7] =
    ["/", "/metrics", "/v1/apps", "/v1/apps/web", "/v1/apps/web/census", "/v1/tokens", "/v1/openapi.json"];
const HEALTH_PATHS: [&str; 2] = ["/livez", "/readyz"];

#[tokio::test]
async fn with_two_listeners_each_serves_its_own_people() {
    let server = Server::start_with(&["--ops-listen", "127.0.0.1:0"]).await;
    let operators = server
        .log()
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find(|line| line["fields"]["message"] == "listening for operators")
        .map(|line| text(&line["fields"]["address"]))
        .expect("the log says where");
    let url = format!("http://{operators}/v1/apps/web/releases");
    let release = json!({"build": "a", "version": "1.0.0"});
    let made = client().post(url).bearer_auth(TOKEN).json(&release).send().await.unwrap();
    assert_eq!(made.status(), 201);
    let page = Page::open(server.address(), "web", "a", "1.0.0").await;
    assert_eq!(page.welcome["standing"], "current");

    assert_eq!(served_at(server.address(), &PAGES_PATHS).await, PAGES_PATHS);
    assert_eq!(served_at(server.address(), &HEALTH_PATHS).await, HEALTH_PATHS);
    assert!(served_at(server.address(), &OPERATORS_PATHS).await.is_empty());
    assert_eq!(served_at(&operators, &OPERATORS_PATHS).await, OPERATORS_PATHS);
    assert_eq!(served_at(&operators, &HEALTH_PATHS).await, HEALTH_PATHS);
    assert!(served_at(&operators, &PAGES_PATHS).await.is_empty());
}

#[tokio::test]
async fn an_address_that_others_reach_lets_operators_in_only_when_told_to() {
    let closed = Server::start_on("0.0.0.0:0", &[]).await;
    assert!(served_at(closed.address(), &OPERATORS_PATHS).await.is_empty());
    assert_eq!(served_at(closed.address(), &HEALTH_PATHS).await, HEALTH_PATHS);
    assert!(closed.log().contains("--ops-public"), "the log says what to do");
    let mut page = Page::silent(closed.address(), None).await;
    page.send(&json!({"type": "hello", "app": "web", "build": "a"})).await;
    assert_eq!(page.closed().await.0, 4004);

    let open = Server::start_on("0.0.0.0:0", &["--ops-public"]).await;
    open.release("web", json!({"build": "a"})).await;
    assert_eq!(served_at(open.address(), &OPERATORS_PATHS).await, OPERATORS_PATHS);
    assert_eq!(served_at(open.address(), &PAGES_PATHS).await, PAGES_PATHS);
}

//! Who may do what.

use freshwire_tests::{
    eventually,
    process::{Server, client, text},
};
use serde_json::{Value, json};

/// Every call of the API as its own document lists it: method, path with names filled in, and the document's words.
async fn calls(server: &Server) -> Vec<(String, String, Value)> {
    let document = server.get("/v1/openapi.json").await;
    let mut calls = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        let filled = path
            .replace("{app}", "web")
            .replace("{build}", "a")
            .replace("{campaign}", "1")
            .replace("{instance}", "api-1")
            .replace("{session}", "6f1c2b9e-3d7a-4c58-9a41-0b6f7d2e8c13")
            .replace("{id}", "6f1c2b9e-3d7a-4c58-9a41-0b6f7d2e8c13");
        assert!(!filled.contains('{'), "{filled}");
        for (method, words) in methods.as_object().expect("methods") {
            calls.push((method.to_uppercase(), filled.clone(), words.clone()));
        }
    }
    assert!(calls.len() >= 15, "{calls:?}");
    calls
}

/// Asks with a token, or without; answers status and problem word (empty: it went well).
async fn ask(
    server: &Server,
    method: &str,
    path: &str,
    authorization: Option<&str>,
    body: Option<&Value>,
) -> (u16, String) {
    let mut request = client().request(method.parse().unwrap(), server.url(path));
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    if let Some(body) = body {
        request = request.json(body);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let headers = answer.headers().clone();
    // Without its body: some go on for ever.
    if status.is_success() {
        return (status.as_u16(), String::new());
    }
    let problem: Value = answer.json().await.unwrap_or_default();
    assert_eq!(headers["content-type"], "application/problem+json", "{method} {path} {problem}");
    assert_eq!(problem["status"], status.as_u16());
    if status == 401 {
        assert_eq!(headers["www-authenticate"], "Bearer");
    }
    let word = problem["type"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
    (status.as_u16(), word)
}

async fn server_with_app() -> Server {
    let server = Server::start().await;
    server.release("web", json!({"build": "a", "version": "1.0.0"})).await;
    server.release("shop", json!({"build": "a", "version": "1.0.0"})).await;
    server
}

async fn token(server: &Server, body: Value) -> (String, String) {
    let made = server.done("POST", "/v1/tokens", Some(body)).await;
    (text(&made["token"]["id"]), text(&made["secret"]))
}

fn bearer(secret: &str) -> String {
    format!("Bearer {secret}")
}

#[tokio::test]
async fn every_call_wants_a_token() {
    let server = server_with_app().await;
    for (method, path, words) in calls(&server).await {
        for wrong in [
            None,
            Some("Bearer wrong-token-of-nobody"),
            Some("Bearer "),
            Some("Bearer"),
            Some("Basic YWRtaW46YWRtaW4="),
            Some("admin-token-of-the-tests"),
        ] {
            let said = ask(&server, &method, &path, wrong, None).await;
            assert_eq!(said, (401, "unauthorized".into()), "{method} {path} with {wrong:?}");
        }
        assert_eq!(words["security"], json!([{"token": []}]), "{method} {path} says so in OpenAPI");
    }
    // The scheme's name is not case-sensitive.
    let admin = format!("bearer {}", freshwire_tests::process::TOKEN);
    assert_eq!(ask(&server, "GET", "/v1/apps", Some(&admin), None).await.0, 200);
}

#[tokio::test]
async fn a_scope_reaches_as_far_as_it_should_and_no_farther() {
    let server = server_with_app().await;
    let mut tokens = Vec::new();
    for scope in ["read", "release", "operate", "admin"] {
        tokens.push(token(&server, json!({"name": scope, "scope": scope})).await.1);
    }
    for (method, path, _) in calls(&server).await {
        let needed = match (method.as_str(), path.as_str()) {
            (_, path) if path.starts_with("/v1/tokens") || path == "/v1/log" => 3,
            ("PUT", "/v1/apps/web") => 3,
            ("GET", _) => 0,
            ("POST", path) if ["/releases", "/settle", "/probe"].iter().any(|end| path.ends_with(end)) => 1,
            (_, path) if path.contains("/backends/") => 1,
            _ => 2,
        };
        for (scope, secret) in tokens.iter().enumerate() {
            let (status, word) = ask(&server, &method, &path, Some(&bearer(secret)), None).await;
            if scope < needed {
                assert_eq!((status, word.as_str()), (403, "forbidden"), "{method} {path} with scope {scope}");
            } else {
                assert!(![401, 403].contains(&status), "{method} {path} with scope {scope}: {status} {word}");
            }
        }
    }
}

#[tokio::test]
async fn a_token_for_one_app_is_for_no_other() {
    let server = server_with_app().await;
    let (_, secret) = token(&server, json!({"name": "shop", "scope": "admin", "app": "shop"})).await;
    let shop = bearer(&secret);
    for (method, path, _) in calls(&server).await {
        let said = ask(&server, &method, &path, Some(&shop), None).await;
        if path == "/v1/apps" {
            assert_eq!(said.0, 200);
        } else {
            assert_eq!(said, (403, "forbidden".into()), "{method} {path}");
        }
    }
    // Percent-encoding the other's name doesn't help, nor does a name that begins like its own.
    for app in ["%77eb", "shop-2", "shop%2F..%2Fweb"] {
        let said = ask(&server, "GET", &format!("/v1/apps/{app}"), Some(&shop), None).await;
        assert_eq!(said, (403, "forbidden".into()), "{app}");
    }
    let listed = client().get(server.url("/v1/apps")).bearer_auth(&secret).send().await.unwrap();
    let listed: Value = listed.json().await.unwrap();
    let names: Vec<_> = listed["apps"].as_array().unwrap().iter().map(|app| &app["app"]).collect();
    assert_eq!(names, ["shop"]);
    let body = json!({"build": "b", "version": "2.0.0"});
    assert_eq!(ask(&server, "POST", "/v1/apps/shop/releases", Some(&shop), Some(&body)).await.0, 201);
    let log = server.get("/v1/apps/shop/log").await;
    assert_eq!(log["entries"][0]["actor"], "shop");
}

#[tokio::test]
async fn an_expired_token_is_no_longer_taken() {
    let server = server_with_app().await;
    let (_, secret) = token(&server, json!({"name": "brief", "scope": "read", "expires_in": "8s"})).await;
    assert_eq!(ask(&server, "GET", "/v1/apps", Some(&bearer(&secret)), None).await.0, 200);
    eventually("it expires", async || {
        let said = ask(&server, "GET", "/v1/apps", Some(&bearer(&secret)), None).await;
        (said == (401, "unauthorized".into())).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_revoked_token_is_no_longer_taken_also_after_a_restart() {
    let mut server = server_with_app().await;
    let (id, secret) = token(&server, json!({"name": "ci", "scope": "release"})).await;
    let (_, kept) = token(&server, json!({"name": "kept", "scope": "release"})).await;
    assert_eq!(ask(&server, "GET", "/v1/apps", Some(&bearer(&secret)), None).await.0, 200);
    server.done("DELETE", &format!("/v1/tokens/{id}"), None).await;
    let unauthorized = (401, "unauthorized".to_owned());
    assert_eq!(ask(&server, "GET", "/v1/apps", Some(&bearer(&secret)), None).await, unauthorized);
    server.kill().await;
    server.restart().await;
    assert_eq!(ask(&server, "GET", "/v1/apps", Some(&bearer(&secret)), None).await, unauthorized);
    assert_eq!(ask(&server, "GET", "/v1/apps", Some(&bearer(&kept)), None).await.0, 200);
    let (status, again) = server.call("DELETE", &format!("/v1/tokens/{id}"), None).await;
    assert_eq!(status, 404, "{again}");
}

#[tokio::test]
async fn a_secret_is_told_once_and_written_nowhere() {
    let server = server_with_app().await;
    let dry =
        server.done("POST", "/v1/tokens?dry_run=true", Some(json!({"name": "x", "scope": "read"}))).await;
    assert_eq!((&dry["secret"], &dry["dry_run"]), (&Value::Null, &json!(true)));
    let (id, secret) = token(&server, json!({"name": "ci", "scope": "release", "app": "web"})).await;
    assert!(secret.len() >= 40, "256 bits");
    let listed = server.get("/v1/tokens").await;
    assert_eq!(listed["tokens"].as_array().unwrap().len(), 1);
    assert_eq!((&listed["tokens"][0]["id"], &listed["tokens"][0]["scope"]), (&json!(id), &json!("release")));
    assert!(!listed.to_string().contains(&secret));
    assert!(!server.log().contains(&secret));
    for file in std::fs::read_dir(server.folder().join("data")).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
    }
}

#[tokio::test]
async fn a_token_is_made_once_under_one_key() {
    let server = server_with_app().await;
    let (body, keyed) = (json!({"name": "ci", "scope": "release"}), [("idempotency-key", "key")]);
    let (status, made) = server.call_with("POST", "/v1/tokens", Some(body.clone()), &keyed).await;
    assert_eq!(status, 201, "{made}");
    let (status, again) = server.call_with("POST", "/v1/tokens", Some(body), &keyed).await;
    assert_eq!(status, 409, "{again}");
    assert!(text(&again["detail"]).contains("a secret is told once"), "{again}");
    let (status, other) =
        server.call_with("POST", "/v1/tokens", Some(json!({"name": "x", "scope": "read"})), &keyed).await;
    assert_eq!(status, 409, "{other}");
    assert_eq!(server.get("/v1/tokens").await["tokens"].as_array().unwrap().len(), 1);
}

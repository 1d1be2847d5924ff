//! What operators send and read: the API's document, bodies, and lists.

use std::collections::BTreeSet;

use freshwire_tests::{
    page::Page,
    process::{Server, TOKEN, client, text},
};
use serde_json::{Value, json};

/// The calls of the contract's table as far as their features are there.
const CALLS: [&str; 37] = [
    "GET /v1/apps/{app}/backends",
    "PUT /v1/apps/{app}/backends/{instance}",
    "DELETE /v1/apps/{app}/backends/{instance}",
    "GET /v1/apps/{app}/gate",
    "GET /v1/apps/{app}/matrix",
    "GET /v1/apps/{app}/needs",
    "GET /v1/apps/{app}/releases/{build}/rollout",
    "POST /v1/apps/{app}/campaigns/{campaign}/abort",
    "POST /v1/apps/{app}/campaigns/{campaign}/pause",
    "POST /v1/apps/{app}/campaigns/{campaign}/resume",
    "POST /v1/apps/{app}/probe",
    "GET /v1/apps/{app}/campaigns",
    "GET /v1/apps/{app}/campaigns/{campaign}",
    "GET /v1/apps",
    "GET /v1/apps/{app}",
    "PUT /v1/apps/{app}",
    "GET /v1/apps/{app}/census",
    "PUT /v1/apps/{app}/current",
    "GET /v1/apps/{app}/events",
    "GET /v1/apps/{app}/log",
    "PUT /v1/apps/{app}/minimum",
    "DELETE /v1/apps/{app}/minimum",
    "POST /v1/apps/{app}/push",
    "GET /v1/apps/{app}/pushes",
    "GET /v1/apps/{app}/releases",
    "POST /v1/apps/{app}/releases",
    "POST /v1/apps/{app}/releases/{build}/reinstate",
    "POST /v1/apps/{app}/releases/{build}/retire",
    "POST /v1/apps/{app}/releases/{build}/settle",
    "GET /v1/apps/{app}/sessions",
    "GET /v1/apps/{app}/sessions/{session}",
    "GET /v1/apps/{app}/timeline",
    "GET /v1/log",
    "POST /v1/log",
    "GET /v1/tokens",
    "POST /v1/tokens",
    "DELETE /v1/tokens/{id}",
];

/// Sends a body as it is; answers status, problem word and field.
async fn send(
    server: &Server,
    method: &str,
    path: &str,
    body: impl Into<reqwest::Body>,
) -> (u16, String, Value) {
    let request = client().request(method.parse().unwrap(), server.url(path)).bearer_auth(TOKEN).body(body);
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let is_problem = answer.headers()["content-type"] == "application/problem+json";
    let said = answer.text().await.unwrap();
    assert!(is_problem, "{method} {path}: {status} {said}");
    let problem: Value = serde_json::from_str(&said).unwrap();
    assert!(!problem["detail"].as_str().unwrap().is_empty());
    let word = text(&problem["type"]).rsplit(':').next().unwrap().to_owned();
    (status, word, problem["field"].clone())
}

/// Walks a list to its end, `limit` at a time.
async fn walk(server: &Server, path: &str, list: &str, limit: usize) -> Vec<Value> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    let and = if path.contains('?') { '&' } else { '?' };
    loop {
        let page = server.get(&format!("{path}{and}limit={limit}{cursor}")).await;
        let items = page[list].as_array().expect("a named list");
        assert!(items.len() <= limit);
        all.extend(items.iter().cloned());
        match &page["next"] {
            Value::Null => return all,
            next => {
                assert_eq!(items.len(), limit, "only the last page may be short");
                cursor = format!("&cursor={}", text(next));
            }
        }
    }
}

#[tokio::test]
async fn the_api_describes_itself_in_openapi() {
    let server = Server::with_app(&[]).await;
    // Without a token, too.
    let answer = client().get(server.url("/v1/openapi.json")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let document: Value = answer.json().await.unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut calls = BTreeSet::new();
    let mut names = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, words) in methods.as_object().unwrap() {
            calls.insert(format!("{} {path}", method.to_uppercase()));
            let name = text(&words["operationId"]);
            assert!(names.insert(format!("{:?} {name}", words["tags"])), "{name} stands for one call");
            assert!(words["summary"].is_string(), "{method} {path} says what it does");
            assert!(words["responses"]["default"].is_object(), "{method} {path} says how it fails");
        }
    }
    assert_eq!(calls, CALLS.into_iter().map(str::to_owned).collect());
    assert_eq!(document["components"]["securitySchemes"]["token"]["scheme"], "bearer");
    // Every reference leads somewhere.
    let whole = document.to_string();
    for reference in whole.split(r##""$ref":"#"##).skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}

#[tokio::test]
async fn a_body_that_is_not_json_gets_400() {
    let server = Server::with_app(&[]).await;
    for body in ["{", "not json", "{,}", "\u{feff}{}", "{\"", "'{}'"] {
        for (method, path) in [
            ("POST", "/v1/apps/web/releases"),
            ("PUT", "/v1/apps/web/minimum"),
            ("PUT", "/v1/apps/web"),
            ("POST", "/v1/tokens"),
        ] {
            let (status, word, _) = send(&server, method, path, body).await;
            assert_eq!((status, word.as_str()), (400, "invalid"), "{method} {path} {body}");
        }
    }
    for body in [&b"{} {}"[..], b"{}}", b"{\xff}"] {
        assert_eq!(send(&server, "PUT", "/v1/apps/web", body).await.0, 400);
    }
    assert_eq!(server.get("/v1/apps/web").await["number"], 1, "nothing came of it");
}

/// Each body is refused for the field beside it, and nothing comes of any.
async fn assert_refused_for(server: &Server, cases: impl IntoIterator<Item = (&str, &str, Value, &str)>) {
    for (method, path, body, field) in cases {
        let said = send(server, method, path, body.to_string()).await;
        assert_eq!(said, (422, "invalid".into(), json!(field)), "{method} {path} {body}");
    }
    assert_eq!(server.get("/v1/apps/web").await["number"], 1, "nothing came of it");
}

#[tokio::test]
async fn a_wrong_field_of_a_minimum_is_named_by_its_path() {
    let server = Server::with_app(&[]).await;
    let minimum = |more: Value| {
        let mut body = json!({"version": "1.0.0", "reason": "CVE"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let step = |after: &str, action: &str| json!({"after": after, "action": action});
    let cases = [
        (json!({"version": "1.0.0"}), "reason"),
        (json!({"reason": "CVE"}), "version"),
        (minimum(json!({"build": "a"})), "version"),
        (minimum(json!({"version": "one"})), "version"),
        (minimum(json!({"reason": " "})), "reason"),
        (minimum(json!({"reason": "x".repeat(1001)})), "reason"),
        (minimum(json!({"raeson": "typo"})), "raeson"),
        (minimum(json!({"over": "-5s"})), "over"),
        (minimum(json!({"over": 5})), "over"),
        (minimum(json!({"deadline": "soon"})), "deadline"),
        (minimum(json!({"action": "shout"})), "action"),
        (minimum(json!({"steps": [step("0s", "prompt"), step("later", "force")]})), "steps[1].after"),
        (minimum(json!({"steps": [step("0s", "prompt"), {"after": "1s"}]})), "steps[1].action"),
        (minimum(json!({"steps": [step("0s", "prompt"), step("1s", "shout")]})), "steps[1].action"),
        (
            minimum(json!({"steps": [{"after": "0s", "action": "prompt", "colour": "red"}]})),
            "steps[0].colour",
        ),
        (minimum(json!({"steps": [step("1s", "prompt")]})), "steps[0].after"),
        (minimum(json!({"steps": [step("0s", "force"), step("1s", "prompt")]})), "steps"),
        (minimum(json!({"steps": [step("0s", "prompt")], "action": "force"})), "action"),
    ];
    let cases = cases.map(|(body, field)| ("PUT", "/v1/apps/web/minimum", body, field));
    assert_refused_for(&server, cases).await;
}

#[tokio::test]
async fn a_wrong_field_of_any_other_body_is_named_by_its_path() {
    let server = Server::with_app(&[]).await;
    let cases = [
        ("POST", "/v1/apps/web/releases", json!({"version": "2.0.0"}), "build"),
        ("POST", "/v1/apps/web/releases", json!({"build": "two words", "version": "2.0.0"}), "build"),
        ("POST", "/v1/apps/web/releases", json!({"build": "b"}), "version"),
        ("POST", "/v1/apps/web/releases", json!({"build": "b", "version": "2"}), "version"),
        (
            "POST",
            "/v1/apps/web/releases",
            json!({"build": "b", "version": "2.0.0", "needs": [1]}),
            "needs[0]",
        ),
        (
            "POST",
            "/v1/apps/web/releases",
            json!({"build": "b", "version": "2.0.0", "needs": [""]}),
            "needs[0]",
        ),
        (
            "POST",
            "/v1/apps/web/releases",
            json!({"build": "b", "version": "2.0.0", "assets": {"/a.css": 7}}),
            "assets./a.css",
        ),
        (
            "POST",
            "/v1/apps/web/releases",
            json!({"build": "b", "version": "2.0.0", "committed_at": "yesterday"}),
            "committed_at",
        ),
        ("POST", "/v1/apps/web/releases", json!([]), "."),
        ("POST", "/v1/apps/web/releases", json!(null), "."),
        ("PUT", "/v1/apps/web", json!({"refresh_rate": 0}), "refresh_rate"),
        ("PUT", "/v1/apps/web", json!({"refresh_rate": -1}), "refresh_rate"),
        ("PUT", "/v1/apps/web", json!({"order": "random"}), "order"),
        ("PUT", "/v1/apps/web", json!({"allowed_origins": "https://a.example"}), "allowed_origins"),
        ("PUT", "/v1/apps/web", json!({"allowed_origins": ["https://a.example/"]}), "allowed_origins"),
        ("PUT", "/v1/apps/web", json!({"allowed_origins": ["a.example"]}), "allowed_origins"),
        ("PUT", "/v1/apps/web", json!({"allowed_origins": ["*"]}), "allowed_origins"),
        ("PUT", "/v1/apps/web/current", json!({}), "build"),
        ("PUT", "/v1/apps/web/current", json!({"build": "a", "action": "force"}), "action"),
        ("POST", "/v1/apps/web/releases/a/retire", json!({}), "reason"),
        ("POST", "/v1/apps/web/releases/a/reinstate", json!({"reason": "why not"}), "reason"),
        ("DELETE", "/v1/apps/web/minimum", json!({"reason": "why not"}), "reason"),
        ("POST", "/v1/tokens", json!({"scope": "read"}), "name"),
        ("POST", "/v1/tokens", json!({"name": "", "scope": "read"}), "name"),
        ("POST", "/v1/tokens", json!({"name": "ci", "scope": "root"}), "scope"),
        ("POST", "/v1/tokens", json!({"name": "ci", "scope": "read", "app": "Web"}), "app"),
        ("POST", "/v1/tokens", json!({"name": "ci", "scope": "read", "expires_in": "400d"}), "expires_in"),
        ("PUT", "/v1/apps/Web", json!({}), "app"),
        ("POST", "/v1/apps/my_app/releases", json!({"build": "b"}), "app"),
        ("DELETE", "/v1/tokens/ci", json!({}), "id"),
    ];
    assert_refused_for(&server, cases).await;
}

#[tokio::test]
async fn names_in_paths_and_queries_are_checked() {
    let server = Server::with_app(&[]).await;
    let long = format!("/v1/apps/{}", "a".repeat(65));
    let cases = [
        ("/v1/apps/Web", 422, "app"),
        ("/v1/apps/my_app", 422, "app"),
        ("/v1/apps/%FF", 422, "app"),
        (&long, 422, "app"),
        ("/v1/apps/web/sessions/not-a-uuid", 422, "session"),
        ("/v1/apps/web/sessions?colour=red", 422, "colour"),
        ("/v1/apps/web/sessions?standing=lost", 422, "standing"),
        ("/v1/apps/web/sessions?below=one", 422, "below"),
        ("/v1/apps/web/sessions?held=maybe", 422, "held"),
        ("/v1/apps/web?at_least=soon", 422, "query"),
    ];
    for (path, status, field) in cases {
        let said = send(&server, "GET", path, "").await;
        assert_eq!(said, (status, "invalid".into(), json!(field)), "{path}");
    }
    let said = send(&server, "PUT", "/v1/apps/web?dry_run=perhaps", "{}").await;
    assert_eq!(said, (422, "invalid".into(), json!("query")));
    for path in
        ["/v1/apps/nobody", "/v1/apps/nobody/census", "/v1/nothing", "/v2/apps", "/v1/apps/web/nothing"]
    {
        let (status, word, _) = send(&server, "GET", path, "").await;
        assert_eq!((status, word.as_str()), (404, "not-found"), "{path}");
    }
    for (method, path, body) in [
        ("PUT", "/v1/apps/nobody/minimum", json!({"version": "1.0.0", "reason": "CVE"})),
        ("PUT", "/v1/apps/web/current", json!({"build": "never"})),
        ("POST", "/v1/apps/web/releases/never/retire", json!({"reason": "bad"})),
        ("POST", "/v1/apps/web/releases/a/reinstate", json!({})),
        ("POST", "/v1/apps/web/releases/never/settle", json!({})),
        ("DELETE", "/v1/apps/web/minimum", json!({})),
    ] {
        let (status, word, _) = send(&server, method, path, body.to_string()).await;
        assert_eq!((status, word.as_str()), (404, "not-found"), "{method} {path}");
    }
    let session = "/v1/apps/web/sessions/6f1c2b9e-3d7a-4c58-9a41-0b6f7d2e8c13";
    assert_eq!(send(&server, "GET", session, "").await.0, 404);
}

#[tokio::test]
async fn a_method_that_an_address_does_not_have_gets_a_problem() {
    let server = Server::with_app(&[]).await;
    for (method, path, takes) in [
        ("DELETE", "/v1/apps/web", "PUT"),
        ("PATCH", "/v1/apps", "GET"),
        ("POST", "/v1/apps/web/floor", "GET"),
        ("PUT", "/v1/connect", "GET"),
    ] {
        let request = client().request(method.parse().unwrap(), server.url(path)).bearer_auth(TOKEN);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 405, "{method} {path}");
        let allow = answer.headers()["allow"].to_str().unwrap().to_owned();
        assert!(allow.contains(takes), "{method} {path}: {allow}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_gets_413() {
    let server = Server::with_app(&[]).await;
    let body = |bytes: usize| {
        let mut body = br#"{"build":"b","version":"2.0.0","message":""#.to_vec();
        body.resize(bytes - 2, b'x');
        body.extend(br#""}"#);
        body
    };
    let (status, word, _) = send(&server, "POST", "/v1/apps/web/releases", body((2 << 20) + 1)).await;
    assert_eq!((status, word.as_str()), (413, "too-large"));
    // One of the largest allowed is read, and refused for what is in it.
    let said = send(&server, "POST", "/v1/apps/web/releases", body(2 << 20)).await;
    assert_eq!(said, (422, "invalid".into(), json!("message")));
}

#[tokio::test]
async fn lists_are_walked_page_by_page_and_give_each_item_once() {
    let server = Server::start().await;
    for number in 0..7 {
        server
            .release("web", json!({"build": format!("b{number}"), "version": format!("1.{number}.0")}))
            .await;
        server.release(&format!("app-{number}"), json!({"build": "a"})).await;
        server.done("POST", "/v1/tokens", Some(json!({"name": format!("t{number}"), "scope": "read"}))).await;
    }
    let mut pages = Vec::new();
    for number in 0..7 {
        let hello = json!({"app": "web", "build": "b0", "version": "1.0.0",
            "labels": {"tenant": if number % 2 == 0 { "acme" } else { "umbrella" }}});
        pages.push(Page::hello(server.address(), hello).await);
    }
    let lists = [
        ("/v1/apps", "apps", "app", 8),
        ("/v1/tokens", "tokens", "id", 7),
        ("/v1/apps/web/releases", "releases", "build", 7),
        ("/v1/apps/web/log", "entries", "number", 7),
        ("/v1/apps/web/sessions", "sessions", "session", 7),
        ("/v1/apps/web/sessions?label.tenant=acme", "sessions", "session", 4),
    ];
    for (path, list, name, count) in lists {
        let whole = walk(&server, path, list, 1000).await;
        assert_eq!(whole.len(), count, "{path}");
        let distinct: BTreeSet<_> = whole.iter().map(|item| item[name].to_string()).collect();
        assert_eq!(distinct.len(), count, "{path}");
        for limit in [1, 2, 3, count] {
            assert_eq!(walk(&server, path, list, limit).await, whole, "{path} by {limit}");
        }
        let and = if path.contains('?') { '&' } else { '?' };
        for limit in ["0", "1001", "-1", "many"] {
            let (status, word, _) = send(&server, "GET", &format!("{path}{and}limit={limit}"), "").await;
            assert_eq!((status, word.as_str()), (422, "invalid"), "{path} by {limit}");
        }
        let (status, word, field) = send(&server, "GET", &format!("{path}{and}cursor=!%20!"), "").await;
        assert_eq!((status, word.as_str(), field), (422, "invalid", json!("cursor")), "{path}");
    }
    let newest = server.get("/v1/apps/web/releases?limit=1").await;
    assert_eq!(newest["releases"][0]["build"], "b6");
    let last = server.get("/v1/apps/web/log?limit=1").await;
    assert_eq!(last["entries"][0]["number"], server.get("/v1/apps/web").await["number"]);
}

#[tokio::test]
async fn sessions_are_filtered_by_what_they_are() {
    let server = Server::with_app(&[]).await;
    server.release("web", json!({"build": "b", "version": "2.0.0", "severity": "silent"})).await;
    let minimum = json!({"version": "1.0.0", "reason": "CVE", "over": "0s"});
    server.done("PUT", "/v1/apps/web/minimum", Some(minimum)).await;
    let address = server.address();
    let mut pages = Vec::new();
    for (build, version) in [("a", "1.0.0"), ("b", "2.0.0"), ("old", "0.9.0"), ("beta", "3.0.0-beta.1")] {
        pages.push(Page::open(address, "web", build, version).await);
    }
    for (filter, builds) in [
        ("standing=current", vec!["b"]),
        ("standing=stale", vec!["a"]),
        ("standing=ahead", vec!["beta"]),
        ("why=minimum", vec!["old"]),
        ("below=2.0.0", vec!["a", "old"]),
        ("below=v1.0.0", vec!["old"]),
        ("below=b", vec!["a", "old"]),
        ("build=beta", vec!["beta"]),
        ("standing=stale&build=b", vec![]),
        ("held=false&visible=true&below=2.0.0", vec!["a", "old"]),
        ("outcome=sent", vec!["old"]),
    ] {
        let listed = server.get(&format!("/v1/apps/web/sessions?{filter}")).await;
        let listed: BTreeSet<_> =
            listed["sessions"].as_array().unwrap().iter().map(|session| text(&session["build"])).collect();
        assert_eq!(listed, builds.into_iter().map(str::to_owned).collect(), "{filter}");
    }
}

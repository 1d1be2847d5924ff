//! Pages in frames: which build the page around them runs.

use freshwire_tests::{page::Page, process::Server};
use serde_json::{Value, json};

async fn host_of(server: &Server, page: &Page) -> Value {
    let one = server.get(&format!("/v1/apps/web/sessions/{}", page.session())).await;
    let listed = server.get("/v1/apps/web/sessions").await;
    let sessions = listed["sessions"].as_array().unwrap();
    let same = sessions.iter().find(|session| session["session"] == one["session"]).unwrap();
    assert_eq!(one["host"], same["host"]);
    one["host"].clone()
}

#[tokio::test]
async fn an_embedded_page_tells_the_build_of_its_host() {
    let server = Server::start().await;
    server.release("web", json!({"build": "a", "version": "1.0.0"})).await;
    let page = async |more: Value| {
        let mut hello = json!({"app": "web", "build": "a"});
        hello.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Page::hello(server.address(), hello).await
    };
    let embedded = page(json!({"frame": "embedded", "host": "b"})).await;
    assert_eq!(host_of(&server, &embedded).await, "b");
    // It is nobody's host that stands by itself, and what can't be a build is no reason to turn a page away.
    for (more, shown) in [
        (json!({"host": "b"}), Value::Null),
        (json!({"frame": "top", "host": "b"}), Value::Null),
        (json!({"frame": "embedded"}), Value::Null),
        (json!({"frame": "embedded", "host": null}), Value::Null),
        (json!({"frame": "embedded", "host": "{{ BUILD }}"}), Value::Null),
        (json!({"frame": "embedded", "host": ["b"]}), Value::Null),
        (json!({"frame": "embedded", "host": "x".repeat(129)}), Value::Null),
        (json!({"frame": "embedded", "host": "a"}), json!("a")),
    ] {
        let told = page(more.clone()).await;
        assert_eq!(host_of(&server, &told).await, shown, "{more}");
    }
}

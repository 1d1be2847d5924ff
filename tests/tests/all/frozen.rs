//! An entry that a newer version has written: its app is frozen here, and everything else goes on.

use freshwire_tests::{
    page::Page,
    process::{Server, TOKEN, client},
};
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use uuid::Uuid;

/// Writes to the log of a server that has stopped what a newer version would have written after `prev`.
fn write_from_the_future(server: &Server, topic: &str, prev: u64, change: &Value) -> u64 {
    let store = Connection::open(server.folder().join("data/freshwire.db")).unwrap();
    let id = Uuid::now_v7();
    let mut entry = json!({"id": id, "at": "2026-11-22T10:00:00.000Z", "actor": "ada", "prev": prev});
    entry.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    let insert = "INSERT INTO entries (topic, id, entry) VALUES (?1, ?2, ?3)";
    store.execute(insert, params![topic, id.as_bytes(), entry.to_string()]).unwrap();
    store.last_insert_rowid().try_into().unwrap()
}

async fn ready(server: &Server) -> Value {
    let answer = client().get(server.url("/readyz")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.json().await.unwrap()
}

#[tokio::test]
async fn an_entry_of_a_newer_version_freezes_its_app_and_nothing_else() {
    let mut server = Server::start().await;
    let made = server.release("web", json!({"build": "a", "version": "1.0.0"})).await;
    server.release("shop", json!({"build": "a"})).await;
    let prev = made["number"].as_u64().unwrap();
    assert!(ready(&server).await.get("frozen").is_none());
    assert!(server.terminate().await.success());
    let change = json!({"app": {"app": "web", "kind": "teleport", "to": "mars"}});
    let strange = write_from_the_future(&server, "app.web", prev, &change);
    // What it would have gone on with is not judged without it.
    let after = json!({"app": {"app": "web", "kind": "settings", "refresh_rate": 9}});
    write_from_the_future(&server, "app.web", prev, &after);
    let new = json!({"app": {"app": "new", "kind": "teleport"}});
    write_from_the_future(&server, "app.new", 0, &new);
    server.restart().await;

    // Pages are served as before.
    let page = Page::open(server.address(), "web", "a", "1.0.0").await;
    assert_eq!(page.welcome["standing"], "current");
    assert_eq!(server.census("web").await, [("a".to_owned(), 1)]);

    // Changes are not taken, and it is said why.
    let release = json!({"build": "b", "version": "2.0.0"});
    for path in ["/v1/apps/web/releases", "/v1/apps/web/releases?dry_run=true"] {
        let (status, problem) = server.call("POST", path, Some(release.clone())).await;
        assert_eq!((status, &problem["decided"]), (503, &json!(true)), "{problem}");
        assert!(problem["type"].as_str().unwrap().ends_with(":unavailable"));
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(&format!("entry {strange} of the log")), "{detail}");
        assert!(detail.contains("unknown variant `teleport`") && detail.contains("newer"), "{detail}");
    }
    let app = server.get("/v1/apps/web").await;
    assert_eq!((&app["number"], &app["settings"]["refresh_rate"]), (&json!(prev), &json!(50)));
    assert_eq!(app["frozen"]["number"], strange);
    let log = server.get("/v1/apps/web/log").await;
    assert_eq!(log["entries"].as_array().unwrap().len(), 1);
    let (status, problem) = server.call("GET", "/v1/apps/new", None).await;
    assert_eq!(status, 503, "{problem}");

    // The other app goes on.
    assert_eq!(server.get("/v1/apps/shop").await.get("frozen"), None);
    server.release("shop", json!({"build": "b"})).await;

    let said = ready(&server).await;
    assert_eq!(said["frozen"], json!({"app.web": strange, "app.new": strange + 2}));
    assert_eq!(server.counter(r#"freshwire_frozen_at{topic="app.web"}"#).await, strange);
    assert!(server.log().contains("can't be changed through this node"), "{}", server.log());

    let (code, said, _) = server.run(&["health"]).await;
    assert!(code == 0 && said.contains(&format!("but the app web is frozen at entry {strange}")), "{said}");
    let (code, _, said) = server.run(&["minimum", "web", "1.0.0", "--reason", "CVE", "--yes"]).await;
    assert!(code == 1 && said.contains("teleport"), "{code} {said}");
}

#[tokio::test]
async fn tokens_that_are_frozen_are_taken_as_they_were_known() {
    let mut server = Server::start().await;
    server.release("web", json!({"build": "a"})).await;
    let made = server.done("POST", "/v1/tokens", Some(json!({"name": "ci", "scope": "read"}))).await;
    assert!(server.terminate().await.success());
    let change = json!({"token": {"bless": "somebody"}});
    let strange = write_from_the_future(&server, "tokens", made["number"].as_u64().unwrap(), &change);
    server.restart().await;

    let secret = made["secret"].as_str().unwrap();
    let apps = client().get(server.url("/v1/apps")).bearer_auth(secret).send().await.unwrap();
    assert_eq!(apps.status(), 200);
    let body = json!({"name": "more", "scope": "read"});
    let (status, problem) = server.call("POST", "/v1/tokens", Some(body)).await;
    assert_eq!((status, &problem["decided"]), (503, &json!(true)), "{problem}");
    assert!(problem["detail"].as_str().unwrap().starts_with("the tokens can't be changed"), "{problem}");
    assert_eq!(ready(&server).await["frozen"], json!({"tokens": strange}));
    server.release("web", json!({"build": "b"})).await;
    assert!(!server.log().contains(TOKEN));
}

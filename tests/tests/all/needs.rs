//! Needs and provides: the table of sequenced deployments, computed live, and its commands.

use freshwire_tests::{eventually, page::Page, process::Server};
use serde_json::{Value, json};

/// `a` needs the old route, current `b` both, the rolling `c` the new one only.
async fn server() -> Server {
    let server = Server::start_with(&["--warmup", "0s", "--backend-ttl", "1m"]).await;
    server.release("web", json!({"build": "a", "version": "1.0.0", "needs": ["route.old"]})).await;
    server
        .release("web", json!({"build": "b", "version": "2.0.0", "needs": ["route.old", "route.new"]}))
        .await;
    let c = json!({"build": "c", "version": "3.0.0", "needs": ["route.new"], "rolling": true});
    server.release("web", c).await;
    server
}

async fn report(server: &Server, instance: &str, build: &str, provides: &[&str]) -> Value {
    let body = json!({"build": build, "provides": provides});
    server.done("PUT", &format!("/v1/apps/web/backends/{instance}"), Some(body)).await
}

/// The row of a need.
async fn need(server: &Server, name: &str) -> Value {
    let needs = server.get("/v1/apps/web/needs").await;
    let rows = needs["needs"].as_array().unwrap();
    rows.iter().find(|row| row["need"] == name).unwrap_or_else(|| panic!("{name}: {needs}")).clone()
}

#[tokio::test]
async fn needs_name_the_builds_and_pages_that_rely_on_them_and_who_provides_them() {
    let server = server().await;
    let old = Page::open(server.address(), "web", "a", "1.0.0").await;
    let _two = [
        Page::open(server.address(), "web", "b", "2.0.0").await,
        Page::open(server.address(), "web", "b", "2.0.0").await,
    ];
    let _unknown = Page::open(server.address(), "web", "zzz", "9.0.0").await;
    report(&server, "api-1", "s1", &["route.old", "route.new"]).await;
    report(&server, "api-2", "s2", &["route.new", "route.unused"]).await;

    let row = need(&server, "route.old").await;
    assert_eq!(
        (&row["sessions"], &row["away"], &row["releases"], &row["current"]),
        (&json!(3), &json!(0), &json!(2), &json!(true))
    );
    let builds = json!([
        {"build": "b", "version": "2.0.0", "standing": "current", "sessions": 2, "away": 0},
        {"build": "a", "version": "1.0.0", "standing": "stale", "sessions": 1, "away": 0},
    ]);
    assert_eq!(row["builds"], builds);
    assert_eq!((&row["provided_by"], &row["lacked_by"]), (&json!(["api-1"]), &json!(["api-2"])));
    assert_eq!(
        need(&server, "route.new").await["builds"].as_array().unwrap().len(),
        2,
        "c waits to be settled"
    );
    assert_eq!(need(&server, "route.unused").await["builds"], json!([]));
    let all = server.get("/v1/apps/web/needs").await;
    assert_eq!(
        (&all["unregistered"], &all["complete"], &all["warming"]),
        (&json!({"sessions": 1, "away": 0}), &json!(true), &json!(false))
    );

    // A page that vanishes may come back: it still counts, as away.
    drop(old);
    let away = async || {
        let row = need(&server, "route.old").await;
        (row["away"] == 1 && row["sessions"] == 2).then_some(())
    };
    eventually("the old page is away", away).await;
    let page = server.get("/v1/apps/web/needs?limit=1").await;
    assert_eq!((page["needs"].as_array().unwrap().len(), &page["next"]), (1, &json!("route.new")));
    let rest = server.get("/v1/apps/web/needs?cursor=route.new").await;
    assert_eq!((&rest["needs"][0]["need"], &rest["next"]), (&json!("route.old"), &Value::Null));
}

#[tokio::test]
async fn the_matrix_says_which_front_end_works_on_which_back_end() {
    let server = server().await;
    let _page = Page::open(server.address(), "web", "a", "1.0.0").await;
    report(&server, "api-1", "s1", &["route.old", "route.new"]).await;
    report(&server, "api-2", "s2", &["route.new", "route.x"]).await;
    // What one instance of a build lacks, the build lacks.
    report(&server, "api-3", "s2", &["route.new"]).await;
    let matrix = server.get("/v1/apps/web/matrix").await;
    let back_ends = json!([
        {"build": "s1", "instances": ["api-1"], "provides": ["route.new", "route.old"]},
        {"build": "s2", "instances": ["api-2", "api-3"], "provides": ["route.new"]},
    ]);
    assert_eq!(matrix["back_ends"], back_ends);
    let rows = matrix["rows"].as_array().unwrap();
    assert_eq!(rows.iter().map(|row| &row["build"]).collect::<Vec<_>>(), ["c", "b", "a"]);
    let old = json!([
        {"back_end": "s1", "ok": true, "missing": [], "sessions": 1, "instances": 1},
        {"back_end": "s2", "ok": false, "missing": ["route.old"], "sessions": 1, "instances": 2},
    ]);
    assert_eq!(
        (&rows[2]["cells"], &rows[2]["standing"], &rows[2]["needs"]),
        (&old, &json!("stale"), &json!(["route.old"]))
    );
    assert!(rows[0]["cells"].as_array().unwrap().iter().all(|cell| cell["ok"] == true));
}

#[tokio::test]
async fn names_that_can_not_be_are_refused_by_their_place() {
    let server = server().await;
    let release = |needs: Value| json!({"build": "d", "version": "4.0.0", "needs": needs});
    let long = "x".repeat(129);
    let many: Vec<_> = (0..101).map(|n| format!("n{n}")).collect();
    for (needs, field) in [
        (json!(["route.x", "two words"]), "needs[1]"),
        (json!(["a\tb"]), "needs[0]"),
        (json!(["a\u{0}b"]), "needs[0]"),
        (json!(["a\u{a0}b"]), "needs[0]"),
        (json!([""]), "needs[0]"),
        (json!([long]), "needs[0]"),
        (json!(many), "needs"),
    ] {
        let (status, problem) = server.call("POST", "/v1/apps/web/releases", Some(release(needs))).await;
        assert_eq!((status, &problem["field"]), (422, &json!(field)), "{problem}");
    }
    let put = async |instance: &str, body: Value| {
        let path = format!("/v1/apps/web/backends/{instance}");
        let (status, problem) = server.call("PUT", &path, Some(body)).await;
        (status, problem["field"].clone())
    };
    for (body, field) in [
        (json!({"build": "s1", "provides": ["route.x", "a b"]}), "provides[1]"),
        (json!({"provides": []}), "build"),
        (json!({"build": "s1", "ttl": "0s"}), "ttl"),
        (json!({"build": "s1", "ttl": "2h"}), "ttl"),
        (json!({"build": "s1", "offers": []}), "offers"),
    ] {
        assert_eq!(put("api-1", body.clone()).await, (422, json!(field)), "{body}");
    }
    assert_eq!(put("api%201", json!({"build": "s1"})).await, (422, json!("instance")));
    assert_eq!(server.call("PUT", "/v1/apps/other/backends/x", Some(json!({"build": "s"}))).await.0, 404);
    assert_eq!(server.get("/v1/apps/web/backends").await["backends"], json!([]));
    let reported = report(&server, "api-1", "s1", &["route.x"]).await;
    assert_eq!(
        (&reported["ttl"], &reported["silent_since"], &reported["number"]),
        (&json!("1m"), &Value::Null, &json!(3))
    );
}

#[tokio::test]
async fn the_commands_print_tables() {
    let server = server().await;
    let _page = Page::open(server.address(), "web", "a", "1.0.0").await;
    for command in ["backends", "matrix"] {
        let (code, out, err) = server.run(&[command, "web"]).await;
        assert_eq!((code, out.as_str()), (0, ""));
        assert!(err.contains("PUT /v1/apps/web/backends/INSTANCE"), "{err}");
    }
    report(&server, "api-1", "s2", &["route.new"]).await;
    let (_, out, _) = server.run(&["needs", "web"]).await;
    assert_eq!(
        out,
        "NEED       SESSIONS  AWAY  BUILDS                               PROVIDED BY  LACKED BY\n\
         route.new         0     0  3.0.0 (c): 0, 2.0.0 (b), current: 0  api-1\n\
         route.old         1     0  2.0.0 (b), current: 0, 1.0.0 (a): 1               api-1\n"
    );
    let (_, out, _) = server.run(&["matrix", "web"]).await;
    assert_eq!(
        out,
        "PAGES      STANDING  SESSIONS  BACK END  INSTANCES  VERDICT\n\
         3.0.0 (c)  ahead            0  s2                1  ok\n\
         2.0.0 (b)  current          0  s2                1  missing route.old\n\
         1.0.0 (a)  stale            1  s2                1  missing route.old\n"
    );
    let (_, out, _) = server.run(&["backends", "web"]).await;
    assert!(out.lines().nth(1).is_some_and(|line| line.starts_with("api-1     s2     live")), "{out}");
    let (_, out, _) = server.run(&["needs", "web", "--json"]).await;
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["needs"][0]["need"], "route.new");

    report(&server, "api-2", "s1", &["route.old"]).await;
    let (code, _, err) = server.run(&["settle", "web", "c"]).await;
    assert!(code == 1 && err.contains("api-2 (route.new)"), "{err}");
    let (code, out, _) = server.run(&["settle", "web", "c", "--anyway"]).await;
    assert!(code == 0 && out.contains("settled and current"), "{out}");
    let (code, _, err) = server.run(&["release", "web", "--build", "d", "--needs", "a b"]).await;
    assert!(code == 2 && err.contains("without spaces"), "{err}");
}

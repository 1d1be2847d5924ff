//! Origin probes: what they may ask, what they make of an answer, and releases that wait for them.

use freshwire_tests::{
    eventually,
    origin::{Origin, json as serving, ok, redirect},
    page::Page,
    process::{Server, client, text},
    waiting::saw,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::rolling::{becomes_current, current, rollout};

/// A document of build a.
const MARKED: &str = r#"<!doctype html><meta name="freshwire-build" content="a"><title>App</title>"#;
/// Flags of a server that may probe this machine, and doesn't take its time.
const PROBING: [&str; 6] =
    ["--probe-private", "--probe-interval", "100ms", "--backend-ttl", "1s", "--warmup=0s"];

async fn probing() -> Server {
    Server::start_with(&PROBING).await
}

async fn set(server: &Server, body: Value) {
    server.done("PUT", "/v1/apps/web", Some(body)).await;
}

async fn asked_again(origin: &Origin, times: usize) {
    let from = origin.asked();
    eventually(&format!("the origin is asked {times} times more"), async || {
        let asked = origin.asked() - from;
        saw(|| format!("it was asked {asked} times"));
        (asked >= times).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_a_probe_may_not_ask_is_refused_by_its_place() {
    let server = Server::start().await;
    let good = "https://app.example.com/freshwire.json";
    for bad in [
        "http://127.0.0.1/",
        "http://localhost:8080/",
        "http://[::1]/",
        "http://10.1.2.3/",
        "http://100.64.0.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://[fd00:ec2::254]/",
        "http://2130706433/",
        "ftp://a.example/",
        "https://me:secret@a.example/",
        "app.example.com",
        good,
    ] {
        let (status, problem) =
            server.call("PUT", "/v1/apps/web", Some(json!({"probes": [good, bad]}))).await;
        assert_eq!((status, &problem["field"]), (422, &json!("probes[1]")), "{bad}: {problem}");
    }
    let many: Vec<_> = (0..9).map(|n| format!("{good}?{n}")).collect();
    for (body, field) in [
        (json!({"probes": many}), "probes"),
        (json!({"organic": {"pages": 0, "for": "10m"}}), "organic.pages"),
        (json!({"organic": {"pages": 20, "for": "0s"}}), "organic.for"),
        (json!({"organic": {"pages": 20, "for": "10m", "perhaps": 1}}), "organic.perhaps"),
    ] {
        let (status, problem) = server.call("PUT", "/v1/apps/web", Some(body)).await;
        assert_eq!((status, &problem["field"]), (422, &json!(field)), "{problem}");
    }
    set(&server, json!({"probes": [good], "organic": {"pages": 20, "for": "10m"}})).await;
    let settings = server.get("/v1/apps/web").await["settings"].clone();
    assert_eq!(
        (&settings["probes"], &settings["organic"]),
        (&json!([good]), &json!({"pages": 20, "for": "10m"}))
    );
    set(&server, json!({"refresh_rate": 9})).await;
    assert_eq!(server.get("/v1/apps/web").await["settings"]["organic"]["pages"], 20, "what is absent stays");
    set(&server, json!({"probes": [], "organic": null})).await;
    let settings = server.get("/v1/apps/web").await["settings"].clone();
    assert!(settings.get("probes").is_none() && settings.get("organic").is_none(), "{settings}");
}

#[tokio::test]
async fn a_release_of_an_app_with_probes_becomes_current_when_every_origin_serves_it() {
    let server = probing().await;
    server.release("web", json!({"build": "a", "version": "1.0.0"})).await;
    let (one, two) = (Origin::of("a").await, Origin::of("a").await);
    set(&server, json!({"probes": [one.url("/freshwire.json"), two.url("/")]})).await;
    let mut old = Page::open(server.address(), "web", "a", "1.0.0").await;

    let new = json!({"build": "b", "version": "2.0.0", "severity": "important", "over": "0s"});
    let registered = server.release("web", new.clone()).await;
    assert_eq!((&registered["current"]["build"], &registered["campaign"]), (&json!("a"), &Value::Null));
    assert_eq!(server.release("web", new).await["repeated"], true, "the same again is the same");
    let releases = server.get("/v1/apps/web/releases").await;
    assert_eq!(
        (&releases["releases"][0]["status"], &releases["releases"][0]["rolling"]),
        (&json!("registered"), &json!(true))
    );

    one.serve("b");
    asked_again(&one, 8).await;
    let found = rollout(&server, "b").await;
    assert_eq!(
        (&found["by_itself"], &found["complete"], &found["status"]),
        (&json!(true), &json!(false), &json!("registered"))
    );
    let words = text(&found["words"]);
    assert!(words.contains("1 of 2 origins") && words.contains("serves a"), "{words}");
    let new_page = Page::open(server.address(), "web", "b", "2.0.0").await;
    assert_eq!(new_page.welcome["standing"], "ahead");
    assert!(old.frames_until_pong().await.is_empty(), "nobody is told of what isn't served everywhere");

    two.serve("b");
    becomes_current(&server, "b").await;
    assert_eq!(old.frame("standing").await["standing"], "stale");
    let notice = old.frame("notice").await;
    assert_eq!((&notice["build"], &notice["action"]), (&json!("b"), &json!("prompt")));
    let entry = server.get("/v1/apps/web/log").await["entries"][0].clone();
    assert_eq!((&entry["actor"], &entry["kind"]), (&json!("rollout"), &json!("settle")), "{entry}");
    assert!(text(&entry["summary"]).contains("2 of 2 origins served it 3 times in a row"), "{entry}");
    assert_eq!(rollout(&server, "b").await["status"], "current");
}

#[tokio::test]
async fn an_origin_that_wavers_settles_nothing() {
    let server = probing().await;
    let origin = Origin::of("a").await;
    // Behind a balancer two of three servers have the new build.
    origin.answer(|number, _| serving(if number % 3 == 0 { "a" } else { "b" }));
    set(&server, json!({"probes": [origin.url("/")]})).await;
    server.release("web", json!({"build": "b", "version": "2.0.0"})).await;
    asked_again(&origin, 12).await;
    assert_eq!(current(&server).await, Value::Null);
    origin.serve("b");
    becomes_current(&server, "b").await;
}

#[tokio::test]
async fn settling_by_itself_never_lowers_current_and_leaves_retired_builds_alone() {
    let server = probing().await;
    server.release("web", json!({"build": "b", "version": "2.0.0"})).await;
    let origin = Origin::of("a").await;
    set(&server, json!({"probes": [origin.url("/")]})).await;
    server.release("web", json!({"build": "a", "version": "1.0.0"})).await;
    let found = rollout(&server, "a").await;
    assert_eq!(found["by_itself"], false, "{found}");
    assert!(text(&found["words"]).contains("below current"), "{found}");
    server.release("web", json!({"build": "bad", "version": "3.0.0"})).await;
    server.done("POST", "/v1/apps/web/releases/bad/retire", Some(json!({"reason": "bad"}))).await;
    server.release("web", json!({"build": "c", "version": "4.0.0"})).await;
    // While something else waits the origin is asked, and serves the one and the other.
    asked_again(&origin, 5).await;
    origin.serve("bad");
    asked_again(&origin, 5).await;
    assert_eq!(current(&server).await, "b");
    assert!(text(&rollout(&server, "bad").await["words"]).contains("retired"));
    origin.serve("c");
    becomes_current(&server, "c").await;
}

#[tokio::test]
async fn a_release_that_waits_settles_after_a_restart_too() {
    let mut server = probing().await;
    let origin = Origin::of("a").await;
    set(&server, json!({"probes": [origin.url("/")]})).await;
    server.release("web", json!({"build": "b", "version": "2.0.0"})).await;
    asked_again(&origin, 3).await;
    server.kill().await;
    server.restart().await;
    asked_again(&origin, 3).await;
    assert_eq!(current(&server).await, Value::Null);
    origin.serve("b");
    becomes_current(&server, "b").await;
}

#[tokio::test]
async fn what_origins_serve_can_be_asked_at_any_time() {
    let server = probing().await;
    let origin = Origin::of("a").await;
    let elsewhere = Origin::of("a").await;
    let away = elsewhere.url("/stolen");
    origin.answer(move |_, path| match path {
        "/json" => serving("a"),
        "/html" => ok(MARKED),
        "/script" => ok(&format!("<script>'{}'</script>{MARKED}", MARKED.replace("\"a\"", "\"x\""))),
        "/moved" => redirect("/json"),
        "/old" => serving("older"),
        "/away" => redirect(&away),
        "/round" => redirect("/round"),
        "/none" => ok("<!doctype html><title>App</title>"),
        "/long" => ok(&format!("{MARKED}{}", "<p>twelve words</p>".repeat(115_000))),
        "/large" => ok(&" ".repeat(3 << 20)),
        "/another" => ok(r#"{"build": "a", "app": "admin"}"#),
        "/error" => "HTTP/1.1 500 Oh\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".to_owned(),
        _ => String::new(),
    });
    server.release("web", json!({"build": "a", "version": "1.0.0"})).await;
    let none = server.done("POST", "/v1/apps/web/probe", None).await;
    assert_eq!((&none["ok"], &none["probes"]), (&json!(false), &json!([])));

    let probe = async |paths: &[&str]| {
        let urls: Vec<_> = paths.iter().map(|path| origin.url(path)).collect();
        set(&server, json!({"probes": urls})).await;
        server.done("POST", "/v1/apps/web/probe", None).await
    };
    let good = probe(&["/json", "/html", "/moved", "/script", "/long"]).await;
    assert_eq!((&good["ok"], &good["current"]), (&json!(true), &json!("a")), "{good}");
    let first = json!({"url": origin.url("/json"), "build": "a", "ok": true, "detail": null});
    assert_eq!(good["probes"][0], first);

    let wrong = [
        ("/old", "older, and current is a"),
        ("/away", "another host"),
        ("/round", "more than"),
        ("/none", "no <meta"),
        ("/large", "first 2 MiB"),
        ("/another", "another app, 'admin'"),
        ("/error", "500"),
        ("/hangs", "no answer"),
    ];
    let bad = probe(&wrong.map(|(path, _)| path)).await;
    assert_eq!(bad["ok"], false);
    for (index, (path, why)) in wrong.into_iter().enumerate() {
        let found = &bad["probes"][index];
        assert_eq!(found["ok"], false, "{path}");
        assert!(text(&found["detail"]).contains(why), "{path}: {found}");
    }
    assert_eq!(elsewhere.asked(), 0, "no other host is asked");

    let reader = server.done("POST", "/v1/tokens", Some(json!({"name": "r", "scope": "read"}))).await;
    let asked =
        client().post(server.url("/v1/apps/web/probe")).bearer_auth(text(&reader["secret"])).send().await;
    assert_eq!(asked.unwrap().status(), 403);
}

#[tokio::test]
async fn a_probe_that_was_allowed_once_is_not_asked_by_a_server_that_does_not_allow_it() {
    let folder = TempDir::new().unwrap();
    let origin = Origin::of("a").await;
    let mut server = Server::start_in(folder.path(), &PROBING).await;
    set(&server, json!({"probes": [origin.url("/")]})).await;
    server.terminate().await;
    let server = Server::start_in(folder.path(), &[]).await;
    let found = server.done("POST", "/v1/apps/web/probe", None).await;
    assert!(text(&found["probes"][0]["detail"]).contains("--probe-private"), "{found}");
    set(&server, json!({"refresh_rate": 9})).await;
    assert_eq!(origin.asked(), 0);
}

#[tokio::test]
async fn origins_are_left_alone_while_nothing_waits() {
    let server = probing().await;
    let origin = Origin::of("a").await;
    set(&server, json!({"probes": [origin.url("/")]})).await;
    server.release("web", json!({"build": "a", "version": "1.0.0"})).await;
    becomes_current(&server, "a").await;
    let before = origin.asked();
    // Another app's release waits meanwhile.
    let other = Origin::of("x").await;
    server.done("PUT", "/v1/apps/other", Some(json!({"probes": [other.url("/")]}))).await;
    server.release("other", json!({"build": "a", "version": "1.0.0"})).await;
    asked_again(&other, 6).await;
    assert!(origin.asked() <= before + 1, "one round may have been under way");
}

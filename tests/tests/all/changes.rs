//! How changes are made: dry runs, keys, conditions, and what is refused.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use freshwire::core::time::Period;
use freshwire_tests::{
    eventually,
    page::Page,
    process::{Server, TOKEN, client, text},
};
use serde_json::{Value, json};

use crate::closed_loop::server_with_two_releases;

const RELEASES: &str = "/v1/apps/web/releases";
const MINIMUM: &str = "/v1/apps/web/minimum";
const CURRENT: &str = "/v1/apps/web/current";
/// So long a read waits for the number that it asks for.
const READS_WAIT: Duration = Duration::from_secs(2);

/// An app with 1.0.0 (`a`), current 2.0.0 (`b`), and the rolling 3.0.0 (`c`): three entries.
async fn server_with_releases() -> Server {
    let server = server_with_two_releases().await;
    server.release("web", json!({"build": "c", "version": "3.0.0", "rolling": true})).await;
    server
}

fn minimum(version: &str) -> Value {
    json!({"version": version, "reason": "CVE-2026-1234"})
}

/// The word of a refusal with this status.
async fn refused(server: &Server, status: u16, method: &str, path: &str, body: Value) -> String {
    let (got, problem) = server.call(method, path, Some(body.clone())).await;
    assert_eq!(got, status, "{method} {path} {body}: {problem}");
    text(&problem["type"]).rsplit(':').next().unwrap().to_owned()
}

async fn log_length(server: &Server) -> usize {
    server.get("/v1/apps/web/log?limit=1000").await["entries"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_dry_run_of_any_change_says_what_it_would_do_and_appends_nothing() {
    let server = server_with_releases().await;
    let retired = json!({"reason": "eats drafts", "over": "0s"});
    server.done("POST", "/v1/apps/web/releases/a/retire", Some(retired)).await;
    server.done("PUT", MINIMUM, Some(minimum("1.0.0"))).await;
    let mut page = Page::open(server.address(), "web", "b", "2.0.0").await;
    let before = (server.get("/v1/apps/web").await, log_length(&server).await);
    let number = &before.0["number"];
    let changes = [
        ("PUT", "/v1/apps/web", json!({"stale_action": "prompt"}), false),
        ("POST", RELEASES, json!({"build": "d", "version": "4.0.0"}), true),
        ("POST", RELEASES, json!({"build": "e", "version": "5.0.0", "rolling": true}), false),
        ("POST", "/v1/apps/web/releases/c/settle", json!({}), true),
        ("POST", "/v1/apps/web/releases/c/retire", json!({"reason": "bad"}), false),
        ("POST", "/v1/apps/web/releases/a/reinstate", json!({}), false),
        ("PUT", CURRENT, json!({"build": "c"}), true),
        ("PUT", MINIMUM, minimum("2.0.0"), false),
        ("DELETE", MINIMUM, json!({}), false),
    ];
    for (method, path, body, moves) in changes {
        let answer = server.done(method, &format!("{path}?dry_run=true"), Some(body)).await;
        assert_eq!((&answer["number"], &answer["campaign"]), (number, &Value::Null), "{method} {path}");
        assert_eq!(answer["dry_run"], true, "{method} {path}");
        assert_eq!(answer["affected"]["sessions"], u64::from(moves), "{method} {path}: {answer}");
    }
    let refusal = refused(&server, 409, "PUT", &format!("{MINIMUM}?dry_run=true"), minimum("2.0.1")).await;
    assert_eq!(refusal, "locks-everyone-out");
    let new_app = server.done("PUT", "/v1/apps/other?dry_run=true", Some(json!({}))).await;
    assert_eq!(new_app["number"], 0);
    assert_eq!(server.call("GET", "/v1/apps/other", None).await.0, 404);
    assert_eq!((server.get("/v1/apps/web").await, log_length(&server).await), before);
    assert!(page.frames_until_pong().await.is_empty());
}

#[tokio::test]
async fn an_idempotency_key_makes_a_repeated_change_one_change() {
    let mut server = server_with_releases().await;
    let changes = [
        ("PUT", "/v1/apps/web", json!({"refresh_rate": 10})),
        ("POST", RELEASES, json!({"build": "d", "version": "4.0.0"})),
        ("PUT", MINIMUM, minimum("2.0.0")),
        ("PUT", MINIMUM, minimum("4.0.0")),
        ("DELETE", MINIMUM, json!({})),
        ("PUT", CURRENT, json!({"build": "c"})),
        ("POST", "/v1/apps/web/releases/a/retire", json!({"reason": "bad"})),
        ("POST", "/v1/apps/web/releases/a/reinstate", json!({})),
    ];
    let mut numbers = Vec::new();
    for (index, (method, path, body)) in changes.iter().enumerate() {
        let key = format!("key-{index}");
        let keyed = [("idempotency-key", key.as_str())];
        let (status, first) = server.call_with(method, path, Some(body.clone()), &keyed).await;
        assert!(status < 300, "{method} {path}: {first}");
        let (status, again) = server.call_with(method, path, Some(body.clone()), &keyed).await;
        assert_eq!(status, 200, "{method} {path}: {again}");
        assert_eq!((&again["number"], &again["campaign"]), (&first["number"], &first["campaign"]));
        assert_eq!(again["repeated"], true);
        numbers.push(first["number"].clone());
    }
    let entries = log_length(&server).await;
    assert_eq!(entries, 3 + changes.len());

    // Much later, with other changes in between, and over a kill: still the same answer.
    server.kill().await;
    server.restart().await;
    for (index, (method, path, body)) in changes.iter().enumerate() {
        let key = format!("key-{index}");
        let keyed = [("idempotency-key", key.as_str())];
        let (status, again) = server.call_with(method, path, Some(body.clone()), &keyed).await;
        assert_eq!((status, &again["number"]), (200, &numbers[index]), "{method} {path}: {again}");
    }
    assert_eq!(log_length(&server).await, entries);
}

#[tokio::test]
async fn an_idempotency_key_of_another_request_is_a_conflict() {
    let server = server_with_releases().await;
    let keyed = [("idempotency-key", "key")];
    server.call_with("PUT", MINIMUM, Some(minimum("1.0.0")), &keyed).await;
    for (method, path, body) in [
        ("PUT", MINIMUM, minimum("2.0.0")),
        ("PUT", CURRENT, json!({"build": "b"})),
        ("DELETE", MINIMUM, json!({})),
        // Not even for a release that is there already.
        ("POST", RELEASES, json!({"build": "a", "version": "1.0.0"})),
    ] {
        let (status, problem) = server.call_with(method, path, Some(body), &keyed).await;
        assert_eq!(status, 409, "{method} {path}: {problem}");
        assert!(text(&problem["type"]).ends_with(":conflict"), "{problem}");
    }
    assert_eq!(log_length(&server).await, 4);
    // Another app has keys of its own.
    let (status, _) = server.call_with("PUT", "/v1/apps/shop", Some(json!({})), &keyed).await;
    assert_eq!(status, 200);
    for bad in ["", &"k".repeat(129)] {
        let (status, problem) =
            server.call_with("PUT", MINIMUM, Some(minimum("1.0.0")), &[("idempotency-key", bad)]).await;
        assert_eq!((status, &problem["field"]), (422, &json!("Idempotency-Key")));
    }
}

#[tokio::test]
async fn twenty_requests_at_once_with_one_key_are_one_entry() {
    let server = server_with_releases().await;
    let keyed = [("idempotency-key", "key")];
    let asks = (0..20).map(|_| server.call_with("PUT", MINIMUM, Some(minimum("2.0.0")), &keyed));
    let answers = futures_util::future::join_all(asks).await;
    let numbers: BTreeSet<_> = answers.iter().map(|(_, answer)| answer["number"].to_string()).collect();
    assert!(answers.iter().all(|(status, _)| *status == 200), "{answers:?}");
    assert_eq!(numbers.len(), 1, "{answers:?}");
    assert_eq!(log_length(&server).await, 4);
}

#[tokio::test]
async fn twenty_changes_at_once_are_all_made() {
    let server = server_with_releases().await;
    let asks = (0..20).map(|_| server.call("PUT", MINIMUM, Some(minimum("2.0.0"))));
    let answers = futures_util::future::join_all(asks).await;
    let made = answers.iter().filter(|(status, _)| *status == 200).count();
    let numbers: BTreeSet<_> = answers.iter().map(|(_, answer)| answer["number"].to_string()).collect();
    assert_eq!((made, numbers.len()), (20, 20), "{answers:?}");
    // None was tried in vain: their numbers leave no gap.
    assert_eq!(server.get("/v1/apps/web").await["number"], 23);
}

#[tokio::test]
async fn a_change_on_condition_is_made_on_the_number_that_it_names_only() {
    let server = server_with_releases().await;
    let number = server.get("/v1/apps/web").await["number"].as_u64().unwrap();
    for stale in [0, number - 1, number + 1] {
        let matched = stale.to_string();
        let condition = [("if-match", matched.as_str())];
        let (status, problem) = server.call_with("PUT", MINIMUM, Some(minimum("2.0.0")), &condition).await;
        assert_eq!(status, 409);
        assert!(text(&problem["type"]).ends_with(":log-moved"), "{problem}");
        assert_eq!(problem["number"], number);
    }
    let quoted = format!("\"{number}\"");
    let condition = [("if-match", quoted.as_str())];
    let (status, answer) = server.call_with("PUT", MINIMUM, Some(minimum("2.0.0")), &condition).await;
    assert_eq!((status, &answer["number"]), (200, &json!(number + 1)));
    assert_eq!(server.call_with("DELETE", MINIMUM, None, &condition).await.0, 409);
    let (status, problem) = server.call_with("DELETE", MINIMUM, None, &[("if-match", "*")]).await;
    assert_eq!((status, &problem["field"]), (422, &json!("If-Match")));
    // Of twenty that name the same number, one is made.
    let matched = (number + 1).to_string();
    let condition = [("if-match", matched.as_str())];
    let asks = (0..20).map(|_| server.call_with("PUT", MINIMUM, Some(minimum("1.0.0")), &condition));
    let answers = futures_util::future::join_all(asks).await;
    let made = answers.iter().filter(|(status, _)| *status == 200).count();
    let moved = answers.iter().filter(|(status, _)| *status == 409).count();
    assert_eq!((made, moved), (1, 19), "{answers:?}");
}

#[tokio::test]
async fn a_read_waits_for_the_number_that_it_asks_for() {
    let server = server_with_releases().await;
    let number = server.get("/v1/apps/web").await["number"].as_u64().unwrap();
    let wanted = format!("/v1/apps/web?at_least={}", number + 1);
    let read = eventually("the change is read", async || {
        let asked = Instant::now();
        let (status, read) = server.call("GET", &wanted, None).await;
        // It waits no longer, though a disk may.
        assert!(status == 200 || (status == 503 && asked.elapsed() >= READS_WAIT), "{status} {read}");
        (status == 200).then_some(read)
    });
    let (read, changed) = tokio::join!(read, server.done("PUT", MINIMUM, Some(minimum("2.0.0"))));
    assert_eq!((&read["number"], &changed["number"]), (&json!(number + 1), &json!(number + 1)));
    assert_eq!(read["minimum"]["version"], "2.0.0");
    for path in ["/v1/apps", "/v1/apps/web", "/v1/apps/web/census", "/v1/tokens"] {
        let (status, problem) = server.call("GET", &format!("{path}?at_least=999"), None).await;
        assert_eq!(status, 503, "{path}");
        assert!(text(&problem["type"]).ends_with(":unavailable"), "{problem}");
    }
}

#[tokio::test]
async fn every_answer_about_an_app_carries_its_number() {
    let server = server_with_releases().await;
    server.release("shop", json!({"build": "s"})).await;
    let number = async |method: &str, path: &str, body: Value| {
        let request = client().request(method.parse().unwrap(), server.url(path)).bearer_auth(TOKEN);
        let answer = request.json(&body).send().await.unwrap();
        let number = answer.headers().get("freshwire-number").map(|value| value.to_str().unwrap().to_owned());
        (answer.status().as_u16(), number.unwrap_or_default())
    };
    let three = "3".to_owned();
    for (method, path, body, status) in [
        ("GET", "/v1/apps/web", json!({}), 200),
        ("GET", "/v1/apps/web/census", json!({}), 200),
        ("GET", "/v1/apps/web/log", json!({}), 200),
        ("GET", "/v1/apps/web/nothing", json!({}), 404),
        ("PUT", MINIMUM, minimum("9.0.0"), 409),
        ("PUT", MINIMUM, json!({"version": "1.0.0"}), 422),
        ("PUT", "/v1/apps/web/minimum?dry_run=true", minimum("2.0.0"), 200),
    ] {
        let answer = number(method, path, body).await;
        // What no route answers is not about an app.
        if status != 404 {
            assert_eq!(answer, (status, three.clone()), "{method} {path}");
        }
    }
    assert_eq!(number("PUT", MINIMUM, minimum("2.0.0")).await, (200, "5".into()));
    assert_eq!(number("GET", "/v1/apps/shop", json!({})).await, (200, "4".into()));
}

#[tokio::test]
async fn the_same_release_again_is_fine_and_another_under_its_build_is_not() {
    let server = server_with_releases().await;
    let release = json!({"build": "d", "version": "4.0.0", "by": "ada", "message": "Faster", "needs": ["x"],
        "committed_at": "2026-01-31T12:00:00Z", "assets": {"/app.css": "1"}});
    let (status, first) = server.call("POST", RELEASES, Some(release.clone())).await;
    assert_eq!(status, 201, "{first}");
    let (status, again) = server.call("POST", RELEASES, Some(release.clone())).await;
    assert_eq!((status, &again["repeated"], &again["number"]), (200, &json!(true), &first["number"]));
    for (field, value) in [
        ("version", json!("4.0.1")),
        ("by", json!("grace")),
        ("severity", json!("security")),
        ("needs", json!([])),
        ("rolling", json!(true)),
        ("assets", json!({"/app.css": "2"})),
    ] {
        let mut other = release.clone();
        other[field] = value;
        assert_eq!(refused(&server, 409, "POST", RELEASES, other).await, "conflict", "{field}");
    }
    assert_eq!(log_length(&server).await, 4);
}

#[tokio::test]
async fn a_release_that_is_older_than_current_needs_anyway() {
    let server = Server::start().await;
    let release = |build: &str, version: &str, at: &str| json!({"build": build, "version": version, "committed_at": format!("2026-01-{at}T12:00:00Z")});
    server.release("web", release("b", "2.0.0", "20")).await;
    // An old commit under a new version, and an old version with a new commit.
    for old in [release("a", "2.1.0", "19"), release("a", "1.9.0", "21")] {
        assert_eq!(refused(&server, 409, "POST", RELEASES, old.clone()).await, "out-of-order");
        let mut rolling = old.clone();
        rolling["rolling"] = json!(true);
        let dry = format!("{RELEASES}?dry_run=true");
        let allowed = server.call("POST", &dry, Some(rolling)).await.0 == 200;
        assert_eq!(allowed, old["version"] == "1.9.0", "a rolling release doesn't lower current");
        let mut anyway = old;
        anyway["anyway"] = json!(true);
        server.done("POST", &dry, Some(anyway)).await;
    }
    let mut anyway = release("a", "1.9.0", "10");
    anyway["anyway"] = json!(true);
    let answer = server.release("web", anyway).await;
    assert_eq!(answer["current"]["build"], "a");
    // The same commit time is no disorder.
    server.release("web", release("c", "2.0.1", "10")).await;
}

#[tokio::test]
async fn what_would_lock_everyone_out_is_refused() {
    let server = server_with_releases().await;
    let locks = async |method: &str, path: &str, body: Value| {
        assert_eq!(refused(&server, 409, method, path, body).await, "locks-everyone-out", "{method} {path}");
    };
    locks("PUT", MINIMUM, minimum("2.0.1")).await;
    locks("PUT", MINIMUM, json!({"build": "c", "reason": "CVE"})).await;
    locks("POST", "/v1/apps/web/releases/b/retire", json!({"reason": "bad"})).await;
    server.done("PUT", MINIMUM, Some(json!({"build": "b", "reason": "CVE"}))).await;
    locks("PUT", CURRENT, json!({"build": "a"})).await;
    locks("POST", RELEASES, json!({"build": "old", "version": "1.5.0", "anyway": true})).await;
    server.done("POST", "/v1/apps/web/releases/c/retire", Some(json!({"reason": "bad"}))).await;
    locks("POST", "/v1/apps/web/releases/c/settle", json!({})).await;
    locks("PUT", CURRENT, json!({"build": "c"})).await;
    assert_eq!(server.get("/v1/apps/web").await["number"], 5);
    assert_eq!(server.get("/v1/apps/web").await["current"]["build"], "b");

    // By changing the order: 1.0.0 came after 2.0.0, which is the minimum.
    let shop = "/v1/apps/shop";
    server.done("PUT", shop, Some(json!({"order": "release"}))).await;
    server.release("shop", json!({"build": "two", "version": "2.0.0"})).await;
    server.release("shop", json!({"build": "one", "version": "1.0.0"})).await;
    let floor = json!({"build": "two", "reason": "CVE"});
    server.done("PUT", "/v1/apps/shop/minimum", Some(floor)).await;
    locks("PUT", shop, json!({"order": "version"})).await;
}

#[tokio::test]
async fn minimums_are_undone_one_by_one() {
    let server = server_with_releases().await;
    for version in ["0.5.0", "1.0.0", "2.0.0"] {
        server.done("PUT", MINIMUM, Some(minimum(version))).await;
    }
    let mut page = Page::open(server.address(), "web", "a", "1.0.0").await;
    assert_eq!(page.welcome["why"], "minimum");
    assert_eq!(page.frame("notice").await["action"], "countdown");
    for expected in
        [json!({"version": "1.0.0", "build": null}), json!({"version": "0.5.0", "build": null}), Value::Null]
    {
        let answer = server.done("DELETE", MINIMUM, None).await;
        assert_eq!(answer["minimum"], expected);
        assert_eq!(server.get("/v1/apps/web").await["minimum"], expected);
    }
    assert_eq!(refused(&server, 404, "DELETE", MINIMUM, json!({})).await, "not-found");
    assert_eq!(page.frame("standing").await["standing"], "stale");
    assert_eq!(page.frame("withdraw").await["type"], "withdraw");
    assert!(page.frames_until_pong().await.is_empty());
}

#[tokio::test]
async fn a_pace_that_is_not_given_is_affected_sessions_by_the_refresh_rate() {
    let server = server_with_releases().await;
    server.done("PUT", "/v1/apps/web", Some(json!({"refresh_rate": 4}))).await;
    let mut pages = Vec::new();
    for _ in 0..10 {
        pages.push(Page::open(server.address(), "web", "a", "1.0.0").await);
    }
    pages.push(Page::open(server.address(), "web", "b", "2.0.0").await);
    let over = |answer: &Value| text(&answer["over"]).parse::<Period>().unwrap();
    let dry = server.done("PUT", &format!("{MINIMUM}?dry_run=true"), Some(minimum("2.0.0"))).await;
    assert_eq!((&dry["affected"]["sessions"], over(&dry)), (&json!(10), Period(2_500)));
    let raised = server.done("PUT", MINIMUM, Some(minimum("2.0.0"))).await;
    assert_eq!((&raised["affected"]["sessions"], over(&raised)), (&json!(10), Period(2_500)));
    let entry = server.get("/v1/apps/web/log?limit=1").await["entries"][0].clone();
    assert!(entry["change"].to_string().contains(raised["over"].as_str().unwrap()), "{entry}");
    // All of them are told in that time, each once.
    for page in &mut pages[..10] {
        page.frame("standing").await;
        assert_eq!(page.frame("notice").await["notice"], raised["campaign"]);
    }
    let mut explicit = minimum("2.0.0");
    explicit["over"] = json!("0s");
    assert_eq!(over(&server.done("PUT", MINIMUM, Some(explicit)).await), Period::ZERO);
}

#[tokio::test]
async fn an_app_changes_its_order() {
    let server = Server::start().await;
    let first = json!({"build": "b", "version": "2.0.0", "severity": "silent"});
    let answer = server.release("web", first).await;
    assert_eq!(answer["order"], "version");
    server.release("web", json!({"build": "a", "version": "1.0.0", "rolling": true})).await;
    let mut page = Page::open(server.address(), "web", "a", "1.0.0").await;
    assert_eq!(page.welcome["standing"], "stale");
    let answer = server.done("PUT", "/v1/apps/web", Some(json!({"order": "release"}))).await;
    assert_eq!(answer["order"], "release");
    assert_eq!(page.frame("standing").await["standing"], "ahead");
    server.release("web", json!({"build": "c"})).await;
    assert_eq!(page.frame("standing").await["standing"], "stale");
    let said = refused(&server, 409, "PUT", "/v1/apps/web", json!({"order": "version"})).await;
    assert_eq!(said, "conflict");

    let answer = server.release("shop", json!({"build": "a"})).await;
    assert_eq!(answer["order"], "release");
}

#[tokio::test]
async fn settings_that_are_not_named_stay() {
    let server = server_with_releases().await;
    let all = json!({"allowed_origins": ["https://a.example", "HTTPS://B.example:8443"], "refresh_rate": 7,
        "stale_action": "prompt"});
    server.done("PUT", "/v1/apps/web", Some(all)).await;
    server.done("PUT", "/v1/apps/web", Some(json!({"refresh_rate": 9}))).await;
    let settings = server.get("/v1/apps/web").await["settings"].clone();
    let expected = json!({"order": "version", "allowed_origins": ["https://a.example", "https://b.example:8443"],
        "refresh_rate": 9, "stale_action": "prompt"});
    assert_eq!(settings, expected);
    let answer = server.done("PUT", "/v1/apps/web", None).await;
    assert_eq!(answer["before"]["settings"], expected);
}

#[tokio::test]
async fn a_typo_in_the_query_changes_nothing() {
    let server = Server::start().await;
    let release = json!({"build": "a", "version": "1.0.0"});
    let (status, problem) = server.call("POST", "/v1/apps/web/releases?dryrun=true", Some(release)).await;
    assert_eq!(status, 422, "{problem}");
    assert_eq!(server.call("GET", "/v1/apps/web", None).await.0, 404);
}

#[tokio::test]
async fn a_cursor_that_is_no_entry_of_the_app_is_refused_at_once() {
    let server = Server::start().await;
    server.release("web", json!({"build": "a", "version": "1.0.0"})).await;
    server.release("other", json!({"build": "a", "version": "1.0.0"})).await;
    server.release("web", json!({"build": "b", "version": "1.1.0"})).await;
    for cursor in ["2", "99", "18446744073709551615"] {
        let (status, problem) = server.call("GET", &format!("/v1/apps/web/log?cursor={cursor}"), None).await;
        assert_eq!((status, &problem["field"]), (422, &json!("cursor")), "{cursor}");
    }
    let log = server.get("/v1/apps/web/log?cursor=1").await;
    assert_eq!(log["entries"].as_array().unwrap().len(), 1);
}

//! Pages that poll, because no socket gets through: sessions like any other.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use freshwire_tests::{
    eventually,
    page::Page,
    process::{Server, binary, client, text},
    waiting::{PATIENCE, in_time, saw},
};
use futures_util::future::join_all;
use rand::{Rng, SeedableRng, rngs::StdRng};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::Command,
};

use crate::{closed_loop::release_two, pages_http::header, telling::raise_minimum};

const ORIGIN: &str = "https://app.example.com";

/// An app with the releases 1.0.0 and 2.0.0 (`a` and `b`), the older one told nothing.
async fn server_with(flags: &[&str]) -> Server {
    let server = Server::start_with(flags).await;
    release_two(&server, "web").await;
    server
}

/// A POST as a page sends it that wants no preflight.
async fn post(server: &Server, app: &str, body: impl Into<reqwest::Body>) -> Response {
    let request = client().post(server.url(&format!("/v1/apps/{app}/poll")));
    request
        .header("content-type", "text/plain;charset=UTF-8")
        .header("origin", ORIGIN)
        .body(body)
        .send()
        .await
        .unwrap()
}

/// A page that polls.
struct Poller {
    hello: Value,
    /// The latest answer.
    answer: Value,
}

impl Poller {
    async fn open(server: &Server, build: &str, version: &str) -> Self {
        Self::hello(server, json!({"app": "web", "build": build, "version": version})).await
    }

    /// Polls for the first time, as this.
    async fn hello(server: &Server, mut hello: Value) -> Self {
        hello["type"] = json!("hello");
        let mut poller = Self { hello, answer: Value::Null };
        poller.poll(server).await;
        poller
    }

    async fn poll(&mut self, server: &Server) {
        self.say(server, json!([])).await;
    }

    /// Polls with these frames.
    async fn say(&mut self, server: &Server, frames: Value) {
        let answer = self.post(server, frames).await;
        assert_eq!(answer.status(), 200);
        self.answer = answer.json().await.unwrap();
        self.hello["session"] = self.answer["welcome"]["session"].clone();
        self.hello["resume"] = self.answer["welcome"]["resume"].clone();
    }

    /// Polls, and doesn't wait for the answer to come home.
    async fn post(&self, server: &Server, frames: Value) -> Response {
        let mut body = self.hello.clone();
        body["frames"] = frames;
        post(server, "web", body.to_string()).await
    }

    /// Remembers its latest notice, as in this state.
    fn saw(&mut self, is: &str) {
        let notice = &self.answer["notice"];
        assert!(notice.is_object(), "{}", self.answer);
        self.hello["seen"] = json!([{"notice": notice["notice"], "run": notice["run"], "step": notice["step"], "is": is,
            "ago_ms": 10}]);
    }

    fn session(&self) -> String {
        text(&self.answer["welcome"]["session"])
    }

    fn frames(&self) -> Vec<Value> {
        self.answer["frames"].as_array().unwrap().clone()
    }
}

/// The census's sum of a field.
async fn sum(server: &Server, field: &str) -> u64 {
    let census = server.get("/v1/apps/web/census").await;
    census["rows"].as_array().unwrap().iter().map(|row| row[field].as_u64().unwrap()).sum()
}

async fn sums(server: &Server) -> (u64, u64, u64) {
    (sum(server, "sessions").await, sum(server, "polling").await, sum(server, "away").await)
}

/// Waits for so many connected, polling and away.
async fn counted(server: &Server, expected: (u64, u64, u64)) {
    let counted = async || (sums(server).await == expected).then_some(());
    eventually(&format!("sessions, polling and away are {expected:?}"), counted).await;
}

async fn listed(server: &Server) -> Vec<Value> {
    server.get("/v1/apps/web/sessions?limit=1000").await["sessions"].as_array().unwrap().clone()
}

async fn state(server: &Server) -> String {
    text(&listed(server).await[0]["state"])
}

#[tokio::test]
async fn a_page_that_polls_is_a_session_and_goes_on_as_it() {
    let server = server_with(&[]).await;
    let hello = json!({"app": "web", "build": "a", "version": "1.0.0", "labels": {"tenant": "acme"}, "frame": "embedded",
        "page": {"visible": false, "holds": ["draft"]}});
    let mut page = Poller::hello(&server, hello).await;
    let first = page.answer.clone();
    assert_eq!(first["welcome"]["standing"], "stale");
    assert_eq!(first["welcome"]["current"], json!({"build": "b", "version": "2.0.0"}));
    let rest = (&first["notice"], &first["pushes"], &first["frames"], &first["next_s"]);
    assert_eq!(rest, (&Value::Null, &json!([]), &json!([]), &json!(30)));
    let before = listed(&server).await;
    let session = &before[0];
    assert_eq!((&session["session"], &session["transport"]), (&first["welcome"]["session"], &json!("poll")));
    assert_eq!((&session["frame"], &session["labels"]), (&json!("embedded"), &json!({"tenant": "acme"})));
    assert_eq!((&session["holds"], &session["visible"]), (&json!(["draft"]), &json!(false)));
    assert_eq!((sums(&server).await, sum(&server, "held").await), ((1, 1, 0), 1));

    page.hello["page"] = json!({"visible": true});
    page.poll(&server).await;
    // An answer that is lost must not cost the page its session, so that the secret stays.
    assert_eq!(page.answer["welcome"], first["welcome"]);
    let after = listed(&server).await;
    assert_eq!(after[0]["connected_at"], before[0]["connected_at"]);
    assert_eq!((&after[0]["holds"], &after[0]["visible"]), (&json!([]), &json!(true)));
    assert_eq!((sums(&server).await, sum(&server, "held").await), ((1, 1, 0), 0));

    let socket = Page::open(server.address(), "web", "a", "1.0.0").await;
    assert_eq!(sums(&server).await, (2, 1, 0));
    socket.close(1000).await;
    counted(&server, (1, 1, 0)).await;
}

#[tokio::test]
async fn a_notice_is_said_once_to_a_page_that_has_seen_it() {
    let server = server_with(&[]).await;
    let mut page = Poller::open(&server, "a", "1.0.0").await;
    let mut other = Poller::open(&server, "a", "1.0.0").await;
    raise_minimum(&server, json!({})).await;
    page.poll(&server).await;
    assert_eq!(page.answer["welcome"]["why"], "minimum");
    assert_eq!(page.answer["notice"]["action"], "countdown");
    page.saw("received");
    page.poll(&server).await;
    assert_eq!((&page.answer["notice"], page.frames()), (&Value::Null, vec![]));

    // What it reports on it has seen as well.
    other.poll(&server).await;
    let notice = other.answer["notice"]["notice"].clone();
    other.say(&server, json!([{"type": "outcome", "notice": notice, "is": "received"}])).await;
    assert_eq!(other.answer["notice"], Value::Null);
    other.poll(&server).await;
    assert_eq!(other.answer["notice"], Value::Null);
}

#[tokio::test]
async fn a_notice_whose_answer_was_lost_is_said_again() {
    let server = server_with(&[]).await;
    let mut page = Poller::open(&server, "a", "1.0.0").await;
    raise_minimum(&server, json!({})).await;
    assert_eq!(page.post(&server, json!([])).await.status(), 200);
    page.poll(&server).await;
    assert_eq!(page.answer["notice"]["action"], "countdown");
    assert_eq!((state(&server).await, sums(&server).await), ("sent".into(), (1, 1, 0)));
    page.saw("shown");
    page.poll(&server).await;
    assert_eq!((&page.answer["notice"], state(&server).await), (&Value::Null, "shown".into()));
}

#[tokio::test]
async fn outcomes_move_a_polling_page_by_frames_and_by_what_it_has_seen() {
    let server = server_with(&[]).await;
    raise_minimum(&server, json!({})).await;
    let mut page = Poller::open(&server, "a", "1.0.0").await;
    let notice = page.answer["notice"]["notice"].clone();
    assert_eq!(state(&server).await, "sent");
    let outcome = |is: &str| json!({"type": "outcome", "notice": notice, "is": is, "detail": "why"});
    page.say(&server, json!([outcome("received"), outcome("shown")])).await;
    assert_eq!((state(&server).await, &listed(&server).await[0]["detail"]), ("shown".into(), &json!("why")));
    page.answer["notice"] = json!({"notice": notice, "run": notice, "step": 0});
    page.saw("snoozed");
    page.poll(&server).await;
    assert_eq!((state(&server).await, &page.answer["notice"]), ("snoozed".into(), &Value::Null));
    page.say(&server, json!([outcome("refreshing"), {"type": "bye", "code": 3002}])).await;
    assert_eq!(sums(&server).await, (0, 0, 0));
    let mut hello = page.hello.clone();
    hello["build"] = json!("b");
    hello["version"] = json!("2.0.0");
    hello["after"] = json!({"notice": notice, "from": "a", "tries": 1});
    let mut back = Poller::hello(&server, hello).await;
    assert_eq!(back.session(), page.session());
    assert_eq!(
        (&back.answer["welcome"]["standing"], state(&server).await),
        (&json!("current"), "refreshed".into())
    );
    back.poll(&server).await;
    assert_eq!((&back.answer["notice"], state(&server).await), (&Value::Null, "refreshed".into()));
}

#[tokio::test]
async fn a_page_that_came_back_as_old_as_before_is_known_though_its_goodbye_was_lost() {
    let server = server_with(&[]).await;
    raise_minimum(&server, json!({})).await;
    let mut page = Poller::open(&server, "a", "1.0.0").await;
    let (session, notice) = (page.session(), page.answer["notice"]["notice"].clone());
    page.hello["after"] = json!({"notice": notice, "from": "a", "tries": 1});
    for _ in 0..3 {
        page.poll(&server).await;
        assert_eq!((page.session(), &page.answer["notice"]), (session.clone(), &Value::Null));
        assert_eq!((state(&server).await, sums(&server).await), ("still_old".into(), (1, 1, 0)));
    }
}

#[tokio::test]
async fn frames_are_answered_in_their_order_and_what_is_undone_is_withdrawn() {
    let server = server_with(&[]).await;
    let mut page = Poller::open(&server, "a", "1.0.0").await;
    let frames = json!([{"type": "found", "build": "b"}, {"type": "ping"}, {"type": "found", "build": "a"},
        {"type": "evidence", "kind": "chunk_error"}, {"type": "of-a-newer-page"}]);
    page.say(&server, frames).await;
    let answers = page.frames();
    assert_eq!(answers[0], json!({"type": "better", "build": "b", "better": true}));
    assert_eq!(answers[1], json!({"type": "pong"}));
    assert_eq!(answers[2], json!({"type": "better", "build": "a", "better": false}));

    raise_minimum(&server, json!({})).await;
    page.poll(&server).await;
    page.saw("shown");
    let notice = page.answer["notice"]["notice"].clone();
    server.done("DELETE", "/v1/apps/web/minimum", None).await;
    page.poll(&server).await;
    assert_eq!(page.answer["welcome"]["standing"], "stale");
    assert_eq!(page.frames(), [json!({"type": "withdraw", "notice": notice})]);
    assert_eq!(state(&server).await, "released");
}

#[tokio::test]
async fn a_page_goes_from_polls_to_a_socket_and_back_as_one_session() {
    let server = server_with(&[]).await;
    let mut poller = Poller::open(&server, "a", "1.0.0").await;
    let session = poller.session();
    raise_minimum(&server, json!({})).await;
    poller.poll(&server).await;
    poller.saw("shown");
    for _ in 0..3 {
        let before = poller.hello.clone();
        let mut socket = Page::hello(server.address(), before.clone()).await;
        assert_eq!((socket.session(), sums(&server).await), (session.clone(), (1, 0, 0)));
        assert_eq!(listed(&server).await[0]["transport"], "ws");
        assert!(socket.frames_until_pong().await.is_empty(), "it was told by a poll");
        // A poll that was under way when the socket was let in takes nothing from it, and counts nowhere.
        let overtaken = Poller { hello: before, answer: Value::Null }.post(&server, json!([])).await;
        assert_problem(overtaken, 409, "conflict", 4102).await;
        assert!(socket.frames_until_pong().await.is_empty());
        assert_eq!((listed(&server).await.len(), sums(&server).await), (1, (1, 0, 0)));
        poller.hello["resume"] = json!(socket.resume());
        poller.poll(&server).await;
        assert_eq!((poller.session(), sums(&server).await), (session.clone(), (1, 1, 0)));
        assert_eq!(poller.answer["notice"], Value::Null);
        assert_eq!(socket.closed().await.0, 4102);
        assert_eq!((sums(&server).await, state(&server).await), ((1, 1, 0), "shown".into()));
    }
    // Of another build it begins anew, and is counted there.
    poller.hello["build"] = json!("b");
    poller.poll(&server).await;
    assert_eq!(poller.session(), session);
    assert_eq!((server.census("web").await, sums(&server).await), (vec![("b".to_owned(), 1)], (1, 1, 0)));
}

#[tokio::test]
async fn a_page_that_has_not_heard_its_new_secret_is_known_by_the_one_before() {
    let server = server_with(&[]).await;
    let mut poller = Poller::open(&server, "a", "1.0.0").await;
    let first = poller.hello.clone();
    let socket = Page::hello(server.address(), first.clone()).await;
    poller.hello["resume"] = json!(socket.resume());
    // The socket's hello was under way when this poll was taken in, which made a new secret.
    let socket_hello = poller.hello.clone();
    poller.poll(&server).await;
    let mut socket = Page::hello(server.address(), socket_hello).await;
    assert_eq!((socket.session(), sums(&server).await), (poller.session(), (1, 0, 0)));
    assert!(socket.frames_until_pong().await.is_empty());
    // Older ones are worth nothing any more.
    let other = Page::hello(server.address(), first).await;
    assert_ne!(other.session(), poller.session());
}

#[tokio::test]
async fn a_socket_and_a_poll_that_come_back_at_once_are_one_session() {
    for socket_first in [false, true] {
        let server = server_with(&[]).await;
        let page = Page::open(server.address(), "web", "a", "1.0.0").await;
        let hello = json!({"app": "web", "build": "a", "version": "1.0.0", "type": "hello",
            "session": page.session(), "resume": page.resume()});
        // As after a network that was away: nobody holds the session any more.
        drop(page);
        eventually("the page is away", async || listed(&server).await.is_empty().then_some(())).await;
        let mut poll = Poller { hello: hello.clone(), answer: Value::Null };
        if !socket_first {
            poll.poll(&server).await;
        }
        let mut socket = Page::hello(server.address(), hello.clone()).await;
        if socket_first {
            assert_problem(poll.post(&server, json!([])).await, 409, "conflict", 4102).await;
        }
        assert_eq!(json!(socket.session()), hello["session"]);
        assert!(socket.frames_until_pong().await.is_empty());
        assert_eq!((listed(&server).await.len(), sums(&server).await), (1, (1, 0, 0)));
    }
}

#[tokio::test]
async fn a_duplicate_and_a_thief_get_sessions_of_their_own() {
    let server = server_with(&[]).await;
    let mut page = Poller::open(&server, "a", "1.0.0").await;
    for resume in [Value::Null, json!(""), json!("p7Yw0cG1sJx4b2Qe9TzKfA")] {
        let mut hello = page.hello.clone();
        hello["resume"] = resume;
        let mut other = Poller::hello(&server, hello).await;
        assert_ne!(other.session(), page.session());
        other.say(&server, json!([{"type": "bye", "code": 1000}])).await;
    }
    let (session, resume) = (page.session(), page.hello["resume"].clone());
    page.poll(&server).await;
    assert_eq!((page.session(), &page.hello["resume"]), (session, &resume));
    assert_eq!(sums(&server).await, (1, 1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn polls_at_the_same_time_are_one_session() {
    let server = server_with(&[]).await;
    let page = Poller::open(&server, "a", "1.0.0").await;
    for _ in 0..10 {
        let answers = join_all((0..20).map(|_| page.post(&server, json!([])))).await;
        for answer in answers {
            let answer: Value = answer.json().await.unwrap();
            assert_eq!(answer["welcome"], page.answer["welcome"]);
        }
    }
    assert_eq!(sums(&server).await, (1, 1, 0));
}

#[tokio::test]
async fn who_misses_three_polls_is_away_until_it_is_back() {
    let server = server_with(&["--poll-interval", "2s"]).await;
    raise_minimum(&server, json!({})).await;
    let mut stays = Poller::open(&server, "a", "1.0.0").await;
    assert_eq!(stays.answer["next_s"], 2);
    let mut goes = Poller::open(&server, "a", "1.0.0").await;
    goes.saw("shown");
    goes.poll(&server).await;
    let since = Instant::now();
    let session = stays.session();
    let mut pace = tokio::time::interval(Duration::from_secs(1));
    loop {
        let counted = sums(&server).await;
        if counted == (1, 1, 1) {
            break;
        }
        assert!(since.elapsed() < PATIENCE, "sessions, polling and away stay {counted:?}: nobody is away");
        pace.tick().await;
        stays.poll(&server).await;
        assert_eq!(stays.session(), session);
    }
    assert!(since.elapsed() >= Duration::from_secs(6), "{:?}", since.elapsed());
    assert_eq!(listed(&server).await.len(), 1);

    // It comes back as whom it was, and is told nothing that it has seen.
    let session = goes.session();
    goes.poll(&server).await;
    assert_eq!((goes.session(), &goes.answer["notice"]), (session.clone(), &Value::Null));
    assert_eq!(sums(&server).await, (2, 2, 0));
    let back = server.get(&format!("/v1/apps/web/sessions/{session}")).await;
    assert_eq!(back["state"], "shown");
}

#[tokio::test]
async fn goodbyes_are_as_clean_as_a_sockets_close_codes() {
    let server = server_with(&[]).await;
    let clean = [json!(1000), json!(1001), json!(3001), json!(3002)];
    let vanishing = [json!(3003), json!(3004), json!(70_000), json!("left"), Value::Null];
    for (codes, away) in [(&clean[..], 0), (&vanishing[..], 1)] {
        for code in codes {
            let mut page = Poller::open(&server, "a", "1.0.0").await;
            assert_eq!(sums(&server).await, (1, 1, 0));
            // What comes after a goodbye isn't heard.
            page.say(&server, json!([{"type": "ping"}, {"type": "bye", "code": code}, {"type": "ping"}]))
                .await;
            assert_eq!(page.frames(), [json!({"type": "pong"})]);
            assert_eq!(sums(&server).await, (0, 0, away), "after {code}");
            // One that is not there any more can leave, too.
            page.say(&server, json!([{"type": "bye", "code": 3001}])).await;
            assert_eq!(sums(&server).await, (0, 0, 0), "after {code}");
        }
    }
    // A socket has its close frame for that.
    let mut socket = Page::open(server.address(), "web", "a", "1.0.0").await;
    socket.send(&json!({"type": "bye", "code": 3001})).await;
    assert!(socket.frames_until_pong().await.is_empty());
    assert_eq!(sums(&server).await, (1, 0, 0));
}

#[tokio::test]
async fn only_allowed_origins_may_poll_and_the_others_can_read_why_not() {
    let server = server_with(&[]).await;
    let mut page = Poller::open(&server, "a", "1.0.0").await;
    let answer = page.post(&server, json!([])).await;
    assert_eq!((answer.status().as_u16(), header(&answer, "access-control-allow-origin")), (200, ORIGIN));
    assert_eq!(header(&answer, "access-control-allow-credentials"), "");
    assert!(header(&answer, "vary").to_lowercase().contains("origin"));
    assert_eq!(header(&answer, "cache-control"), "no-store");

    let others = json!({"allowed_origins": ["https://other.example.com"]});
    server.done("PUT", "/v1/apps/web", Some(others)).await;
    // One that polls already, too: its every poll is a request of its own.
    let refused = page.post(&server, json!([])).await;
    assert_problem(refused, 403, "forbidden", 4003).await;
    let settings = json!({"allowed_origins": ["https://other.example.com", ORIGIN]});
    server.done("PUT", "/v1/apps/web", Some(settings)).await;
    page.poll(&server).await;
    let url = server.url("/v1/apps/web/poll");
    let nameless = client().post(&url).body(page.hello.to_string()).send().await.unwrap();
    assert_eq!(nameless.status(), 403);
    assert_eq!(sums(&server).await, (1, 1, 0));

    let preflight = client()
        .request(Method::OPTIONS, &url)
        .header("origin", ORIGIN)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type");
    let preflight = preflight.send().await.unwrap();
    assert!(preflight.status().is_success());
    assert_eq!(header(&preflight, "access-control-allow-origin"), ORIGIN);
    assert_eq!(header(&preflight, "access-control-allow-methods"), "POST");
    assert_eq!(header(&preflight, "access-control-allow-headers"), "content-type");
    assert_eq!(header(&preflight, "access-control-allow-credentials"), "");
    // As JSON it is taken as well.
    let json = client().post(&url).header("origin", ORIGIN).json(&page.hello).send().await.unwrap();
    assert_eq!(json.json::<Value>().await.unwrap()["welcome"], page.answer["welcome"]);
    assert_eq!(client().get(&url).send().await.unwrap().status(), 405);
}

/// A problem that a page can read, with the close code that it goes by. Returns its detail.
async fn assert_problem(answer: Response, status: u16, word: &str, close: u16) -> String {
    assert_eq!(
        (answer.status().as_u16(), header(&answer, "content-type")),
        (status, "application/problem+json")
    );
    assert_eq!(header(&answer, "access-control-allow-origin"), ORIGIN);
    let problem: Value = answer.json().await.unwrap();
    assert!(text(&problem["type"]).ends_with(&format!(":{word}")), "{problem}");
    assert_eq!((&problem["status"], &problem["close"]), (&json!(status), &json!(close)), "{problem}");
    text(&problem["detail"])
}

#[tokio::test]
async fn what_is_no_poll_is_refused_as_a_whole() {
    let server = server_with(&[]).await;
    let hello = |more: Value| {
        let mut hello = json!({"type": "hello", "app": "web", "build": "a"});
        hello.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        hello.to_string()
    };
    let ping = json!({"type": "ping"});
    let long = json!({"type": "found", "build": "x".repeat(4096)});
    for body in [
        String::new(),
        "hello".to_owned(),
        "[]".to_owned(),
        "null".to_owned(),
        ping.to_string(),
        json!({"type": "hello", "app": "web"}).to_string(),
        hello(json!({"app": "shop"})),
        hello(json!({"labels": {"a": 1}})),
        hello(json!({"frames": {}})),
        hello(json!({"frames": [1]})),
        hello(json!({"frames": [ping, []]})),
        hello(json!({"frames": [ping, {"type": "found"}]})),
        hello(json!({"frames": [{"type": "hello", "app": "web", "build": "a"}]})),
        hello(json!({"frames": vec![&ping; 17]})),
        hello(json!({"frames": [long]})),
    ] {
        let detail = assert_problem(post(&server, "web", body.clone()).await, 400, "invalid", 4000).await;
        assert!(!detail.is_empty(), "{body}");
    }
    assert_problem(post(&server, "web", vec![b'{', 0xff]).await, 400, "invalid", 4000).await;
    let large = hello(json!({"more": "x".repeat(8192)}));
    assert_problem(post(&server, "web", large).await, 413, "too-large", 4000).await;
    for app in ["nobody", "No%20Slug"] {
        let body = hello(json!({"app": app.replace("%20", " ")}));
        assert_problem(post(&server, app, body).await, 404, "not-found", 4004).await;
    }
    let apps = server.get("/v1/apps").await;
    assert!(apps.to_string().contains("\"nobody\""), "{apps}");
    assert_eq!(sums(&server).await, (0, 0, 0));
    assert!(server.counter("freshwire_closes_total{code=\"bad_message\"}").await >= 17);

    // As much as may be.
    let full = hello(json!({"frames": vec![ping; 16], "more": "x".repeat(7000)}));
    let answer = post(&server, "web", full).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.json::<Value>().await.unwrap()["frames"].as_array().unwrap().len(), 16);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let server = server_with(&["--hello-timeout", "1s"]).await;
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let head = "POST /v1/apps/web/poll HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{\"type\":";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let reading = stream.read_to_string(&mut answer);
    in_time(PATIENCE, "the connection is closed", reading).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("\"close\":4101"), "{answer}");
}

#[tokio::test]
async fn the_pause_between_polls_is_the_operators_and_a_second_at_least() {
    let server = server_with(&["--poll-interval", "90s"]).await;
    assert_eq!(Poller::open(&server, "a", "1.0.0").await.answer["next_s"], 90);
    for wrong in ["500ms", "0s", "often"] {
        let command = &mut Command::new(binary());
        let refused = command.args(["serve", "--poll-interval", wrong]).output().await.unwrap();
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(refused.status.code() == Some(2) && said.contains("--poll-interval"), "{wrong}: {said}");
    }
}

#[tokio::test]
async fn after_kill_nine_a_page_polls_on_and_is_told_nothing_twice() {
    let mut server = server_with(&[]).await;
    raise_minimum(&server, json!({})).await;
    let mut told = Poller::open(&server, "a", "1.0.0").await;
    told.saw("shown");
    let mut lost = Poller::open(&server, "a", "1.0.0").await;
    let sessions = [told.session(), lost.session()];
    server.kill().await;
    server.restart().await;
    told.poll(&server).await;
    assert_eq!(told.answer["notice"], Value::Null);
    assert_eq!(state(&server).await, "shown");
    // Only what a page has seen counts.
    lost.poll(&server).await;
    assert_eq!(lost.answer["notice"]["action"], "countdown");
    assert_eq!([told.session(), lost.session()], sessions);
    counted(&server, (2, 2, 0)).await;
}

#[tokio::test]
async fn a_node_that_goes_away_sends_polling_pages_to_another_and_knows_them_later() {
    let mut server = server_with(&["--drain", "30s", "--hello-timeout", "1m"]).await;
    let page = Poller::open(&server, "a", "1.0.0").await;
    let mut leaves = Poller::open(&server, "a", "1.0.0").await;
    // A socket that has yet to say hello keeps the listener open.
    let socket = Page::silent(server.address(), None).await;
    server.ask_to_stop();
    let refused = eventually("polls are refused", async || {
        let answer = page.post(&server, json!([])).await;
        saw(|| format!("a poll: {}", answer.status()));
        (answer.status() != 200).then_some(answer)
    })
    .await;
    let retry_after: u64 = header(&refused, "retry-after").parse().unwrap();
    assert!((1..=60).contains(&retry_after), "{retry_after}");
    assert_eq!(header(&refused, "access-control-expose-headers"), "retry-after");
    assert_problem(refused, 503, "unavailable", 4200).await;
    leaves.say(&server, json!([{"type": "bye", "code": 3001}])).await;
    drop(socket);
    assert!(server.stopped().await.success());
    server.restart().await;
    counted(&server, (0, 0, 1)).await;
    let back = Poller::hello(&server, page.hello).await;
    assert_eq!(back.session(), text(&page.answer["welcome"]["session"]));
    counted(&server, (1, 1, 0)).await;
}

/// One page of the crowd, by what it is on.
enum Crowd {
    Polls(Poller),
    Socket(Box<Page>),
}

/// A few hundred steps at random: polls, sockets, changes between them, goodbyes and vanishings.
#[tokio::test]
async fn nobody_is_lost_or_counted_twice_whatever_pages_do() {
    let server = server_with(&[]).await;
    let mut dice = StdRng::seed_from_u64(20_260_301);
    let mut pages: Vec<(Value, Crowd)> = Vec::new();
    // By session: what is away.
    let mut away: BTreeMap<String, Value> = BTreeMap::new();
    for step in 0..400 {
        let kind = dice.random_range(0..14);
        let (build, version) = if dice.random() { ("a", "1.0.0") } else { ("b", "2.0.0") };
        let fresh = json!({"app": "web", "build": build, "version": version,
            "page": {"visible": dice.random::<bool>(), "holds": if dice.random() { vec!["draft"] } else { vec![] }}});
        let index = (!pages.is_empty()).then(|| dice.random_range(0..pages.len()));
        match (kind, index) {
            (0..=4, _) | (_, None) => {
                // Somebody new, or somebody who was away.
                let returning = if kind < 2 { away.pop_first() } else { None };
                let hello = returning.map_or(fresh, |(_, hello)| hello);
                pages.push(arrive(&server, hello, kind % 2 == 1).await);
            }
            (5 | 6, Some(index)) => {
                // From one way to the other, or another build on the same.
                let (mut hello, crowd) = pages.swap_remove(index);
                let socket = matches!(crowd, Crowd::Polls(_)) != (kind == 6);
                hello["build"] = fresh["build"].clone();
                hello["version"] = fresh["version"].clone();
                hello["page"] = fresh["page"].clone();
                let session = hello["session"].clone();
                let again = arrive(&server, hello, socket).await;
                assert_eq!(again.0["session"], session, "step {step}");
                pages.push(again);
            }
            (7 | 8, Some(index)) => {
                let (_, crowd) = pages.swap_remove(index);
                match crowd {
                    Crowd::Polls(mut page) => page.say(&server, json!([{"type": "bye", "code": 3001}])).await,
                    Crowd::Socket(page) => page.close(3001).await,
                }
            }
            (9, Some(index)) => {
                let (hello, crowd) = pages.swap_remove(index);
                match crowd {
                    Crowd::Polls(mut page) => page.say(&server, json!([{"type": "bye", "code": 3003}])).await,
                    Crowd::Socket(page) => page.close(3003).await,
                }
                away.insert(text(&hello["session"]), hello);
            }
            (_, Some(index)) => {
                let (hello, crowd) = &mut pages[index];
                match crowd {
                    Crowd::Polls(page) => {
                        page.hello["page"] = fresh["page"].clone();
                        page.poll(&server).await;
                        assert_eq!(page.answer["welcome"]["session"], hello["session"], "step {step}");
                    }
                    Crowd::Socket(page) => {
                        let mut frame = fresh["page"].clone();
                        frame["type"] = json!("page");
                        page.send(&frame).await;
                        page.frames_until_pong().await;
                    }
                }
                hello["page"] = fresh["page"].clone();
            }
        }
        if step % 10 == 9 {
            assert_all_agree(&server, &pages, away.len()).await;
        }
    }
    for (_, crowd) in pages.drain(..) {
        match crowd {
            Crowd::Polls(mut page) => page.say(&server, json!([{"type": "bye", "code": 1000}])).await,
            Crowd::Socket(page) => page.close(1000).await,
        }
    }
    counted(&server, (0, 0, away.len() as u64)).await;
}

async fn arrive(server: &Server, mut hello: Value, socket: bool) -> (Value, Crowd) {
    if socket {
        let page = Page::hello(server.address(), hello.clone()).await;
        (hello["session"], hello["resume"]) = (json!(page.session()), json!(page.resume()));
        (hello, Crowd::Socket(Box::new(page)))
    } else {
        let page = Poller::hello(server, hello).await;
        (page.hello.clone(), Crowd::Polls(page))
    }
}

/// The census, the registry and the pages themselves come to the same.
async fn assert_all_agree(server: &Server, pages: &[(Value, Crowd)], away: usize) {
    let polls = pages.iter().filter(|(_, crowd)| matches!(crowd, Crowd::Polls(_))).count();
    // A socket's goodbye is taken in when the server has read it.
    counted(server, (pages.len() as u64, polls as u64, away as u64)).await;
    let visible = pages.iter().filter(|(hello, _)| hello["page"]["visible"] == true).count();
    let held = pages.iter().filter(|(hello, _)| hello["page"]["holds"] == json!(["draft"])).count();
    assert_eq!((sum(server, "visible").await, sum(server, "held").await), (visible as u64, held as u64));
    assert_eq!(server.counter("freshwire_connections").await, pages.len() as u64);
    let own = |(hello, crowd): &(Value, Crowd)| {
        let transport = if matches!(crowd, Crowd::Polls(_)) { "poll" } else { "ws" };
        (text(&hello["session"]), (text(&hello["build"]), transport.to_owned()))
    };
    let own: BTreeMap<_, _> = pages.iter().map(own).collect();
    let listed = listed(server).await;
    let listed: BTreeMap<_, _> = listed
        .iter()
        .map(|session| {
            let transport = text(&session["transport"]);
            (text(&session["session"]), (text(&session["build"]), transport))
        })
        .collect();
    assert_eq!(listed, own);
    for build in ["a", "b"] {
        let rows = server.census("web").await;
        let counted = rows.iter().find(|(row, _)| row == build).map_or(0, |(_, sessions)| *sessions);
        assert_eq!(counted, own.values().filter(|(own, _)| own == build).count() as u64);
    }
}

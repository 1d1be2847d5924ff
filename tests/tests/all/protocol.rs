//! What a page may not do: the named close code, a counter, and nobody else notices.

use std::time::Duration;

use freshwire_tests::{eventually, page::Page, process::Server};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::raw_page::{ENDS, GOES_ON, RawPage, TEXT, TEXT_BEGINS, frame, header};

const PING_FRAME: &[u8] = br#"{"type":"ping"}"#;

fn hello() -> Value {
    json!({"type": "hello", "app": "web", "build": "a", "version": "1.0.0"})
}

async fn closes(server: &Server, name: &str) -> u64 {
    server.counter(&format!("freshwire_closes_total{{code=\"{name}\"}}")).await
}

/// A page beside the one that misbehaves, which must not notice.
async fn bystander(server: &Server) -> Page {
    Page::open(server.address(), "web", "a", "1.0.0").await
}

async fn assert_undisturbed(server: &Server, mut bystander: Page) {
    assert!(bystander.frames_until_pong().await.is_empty());
    eventually("only the bystander is counted", async || {
        (server.census("web").await == [("a".to_owned(), 1)]).then_some(())
    })
    .await;
}

/// Every way for a page to send what can't be a frame, once before its hello and once after it.
fn bad_messages() -> Vec<(&'static str, Vec<u8>)> {
    let long = format!(r#"{{"type":"ping","pad":"{}"}}"#, "x".repeat(4096));
    let half = long.len() / 2;
    let fragments = [
        frame(TEXT_BEGINS, &long.as_bytes()[..half]),
        frame(GOES_ON, &long.as_bytes()[half..=half]),
        frame(ENDS, &long.as_bytes()[half + 1..]),
    ];
    vec![
        ("not JSON", frame(TEXT, b"hello")),
        ("truncated JSON", frame(TEXT, br#"{"type":"hello","app":"web","#)),
        ("nothing at all", frame(TEXT, b"")),
        ("deeply nested JSON", frame(TEXT, "[".repeat(4000).as_bytes())),
        ("binary", frame(0x82, PING_FRAME)),
        ("not UTF-8", frame(TEXT, &[b'"', 0xff, 0xfe, b'"'])),
        ("over 4 KiB", frame(TEXT, long.as_bytes())),
        ("over 4 KiB in fragments", fragments.concat()),
        ("far over 4 KiB", frame(TEXT, &vec![b' '; 1 << 19])),
        ("a header that announces 2^40 bytes", header(TEXT, 1 << 40)),
        ("a header that announces 2^63-1 bytes", header(TEXT, i64::MAX.unsigned_abs())),
        ("a reserved opcode", frame(0x83, PING_FRAME)),
        ("a reserved bit", frame(0xC1, PING_FRAME)),
        ("the middle of nothing", frame(ENDS, PING_FRAME)),
        ("a frame without a mask", [&[TEXT, 15], PING_FRAME].concat()),
    ]
}

#[tokio::test]
async fn what_is_no_frame_is_closed_4000_before_and_after_hello_and_nobody_else_notices() {
    let server = Server::with_app(&[]).await;
    let bystander = bystander(&server).await;
    for (count, (what, bytes)) in (1..).zip(bad_messages()) {
        for after_hello in [false, true] {
            let mut page = RawPage::connect(server.address()).await;
            if after_hello {
                page.send(&hello()).await;
                assert_eq!(page.text().await.expect("a welcome")["type"], "welcome", "{what}");
            }
            page.write(&bytes).await;
            assert_eq!(page.closed().await, Some(4000), "{what}, after hello: {after_hello}");
        }
        assert_eq!(closes(&server, "bad_message").await, count * 2, "{what}");
    }
    assert_undisturbed(&server, bystander).await;
}

#[tokio::test]
async fn frames_out_of_order_are_closed_4000() {
    let server = Server::with_app(&[]).await;
    let bystander = bystander(&server).await;
    let first = [
        json!({"type": "ping"}),
        json!({"type": "page", "visible": true, "holds": []}),
        json!({"type": "outcome", "notice": 1, "is": "shown"}),
        json!({"type": "greetings"}),
    ];
    for frame in &first {
        let mut page = Page::silent(server.address(), None).await;
        page.send(frame).await;
        let (code, reason) = page.closed().await;
        assert_eq!(code, 4000, "{frame}");
        assert!(reason.contains("hello"), "{reason}");
    }
    let mut page = Page::hello(server.address(), hello()).await;
    page.send(&hello()).await;
    let (code, reason) = page.closed().await;
    assert_eq!((code, reason.as_str()), (4000, "bad_message: a second hello"));
    assert_undisturbed(&server, bystander).await;
}

#[tokio::test]
async fn labels_beyond_eight_of_64_bytes_are_refused_and_up_to_there_taken() {
    let server = Server::with_app(&[]).await;
    let labels = |count: usize, name: &str, value: &str| {
        let labels: serde_json::Map<_, _> =
            (0..count).map(|n| (format!("{n}{name}"), json!(value))).collect();
        let mut hello = hello();
        hello["labels"] = labels.into();
        hello
    };
    let (most_name, most_value) = ("n".repeat(63), "v".repeat(64));
    let page = Page::hello(server.address(), labels(8, &most_name, &most_value)).await;
    let listed = server.get("/v1/apps/web/sessions").await;
    assert_eq!(listed["sessions"][0]["labels"].as_object().unwrap().len(), 8);
    page.close(1000).await;
    for bad in [labels(9, "", "v"), labels(1, &"n".repeat(64), "v"), labels(1, "", &"v".repeat(65))] {
        let mut page = Page::silent(server.address(), None).await;
        page.send(&bad).await;
        let (code, reason) = page.closed().await;
        assert_eq!(code, 4000, "{bad}");
        assert!(reason.contains("8 labels of 64 bytes"), "{reason}");
    }
}

#[tokio::test]
async fn a_frame_of_exactly_4_kib_is_taken_and_unknown_frames_are_ignored() {
    let server = Server::with_app(&[]).await;
    let mut page = RawPage::connect(server.address()).await;
    page.send(&hello()).await;
    assert_eq!(page.text().await.unwrap()["type"], "welcome");
    let mut most = br#"{"type":"ping","pad":""#.to_vec();
    most.resize(4094, b'x');
    most.extend(br#""}"#);
    page.write(&frame(TEXT, &most)).await;
    assert_eq!(page.text().await.unwrap()["type"], "pong");
    page.send(&json!({"type": "greetings", "from": "a newer page"})).await;
    page.send(&json!({"type": "ping", "also": "a newer field"})).await;
    assert_eq!(page.text().await.unwrap()["type"], "pong");
}

#[tokio::test]
async fn an_unknown_app_is_closed_4004_and_its_name_is_remembered() {
    let server = Server::with_app(&[]).await;
    let bystander = bystander(&server).await;
    for app in ["shop", "shop", "Not A Name", ""] {
        let mut page = Page::silent(server.address(), None).await;
        page.send(&json!({"type": "hello", "app": app, "build": "a"})).await;
        assert_eq!(page.closed().await.0, 4004, "{app}");
    }
    assert_eq!(closes(&server, "unknown_app").await, 4);
    assert_eq!(server.get("/v1/apps").await["asked_in_vain"], json!(["shop"]));
    server.done("POST", "/v1/apps/shop/releases", Some(json!({"build": "s"}))).await;
    assert_eq!(server.get("/v1/apps").await["asked_in_vain"], json!([]));
    Page::open(server.address(), "shop", "s", "").await;
    assert_undisturbed(&server, bystander).await;
}

#[tokio::test]
async fn an_origin_that_is_not_allowed_is_closed_4003() {
    let server = Server::with_app(&[]).await;
    let allowed = json!({"allowed_origins": ["https://app.example.com", "http://localhost:5173"]});
    let bystander = bystander(&server).await;
    server.done("PUT", "/v1/apps/web", Some(allowed)).await;
    let refused = [
        None,
        Some("https://evil.example.com"),
        Some("http://app.example.com"),
        Some("https://app.example.com:8443"),
        Some("https://app.example.com.evil.example"),
        Some("null"),
    ];
    for origin in refused {
        let mut page = Page::silent(server.address(), origin).await;
        page.send(&hello()).await;
        assert_eq!(page.closed().await.0, 4003, "{origin:?}");
    }
    assert_eq!(closes(&server, "refused").await, 6);
    for origin in ["https://app.example.com", "HTTPS://APP.EXAMPLE.COM", "http://localhost:5173"] {
        let mut page = Page::silent(server.address(), Some(origin)).await;
        page.say_hello(hello()).await;
        page.close(1000).await;
    }
    assert_undisturbed(&server, bystander).await;
}

#[tokio::test]
async fn a_page_that_says_no_hello_in_time_is_closed_4101() {
    // Time enough for the others to say theirs, on a machine that has much else to do.
    let server = Server::with_app(&["--hello-timeout", "4s"]).await;
    let bystander = bystander(&server).await;
    let mut silent = RawPage::connect(server.address()).await;
    // Neither half a frame nor protocol pings count as a hello.
    let mut half = RawPage::connect(server.address()).await;
    half.write(&frame(TEXT, hello().to_string().as_bytes())[..20]).await;
    let mut pinging = Page::silent(server.address(), None).await;
    pinging.send_message(Message::Ping("".into())).await;
    assert_eq!(silent.closed().await, Some(4101));
    assert_eq!(half.closed().await, Some(4101));
    assert_eq!(pinging.closed().await.0, 4101);
    assert_eq!(closes(&server, "hello_timeout").await, 3);
    assert_undisturbed(&server, bystander).await;
}

#[tokio::test]
async fn a_page_that_answers_no_ping_is_closed_4110_and_away_and_one_that_does_stays() {
    // Time enough for the other one's pong, on a machine that has much else to do.
    let server = Server::with_app(&["--ping-interval", "100ms", "--pong-timeout", "8s"]).await;
    let mut answering = bystander(&server).await;
    // It has to read in order to answer.
    let answering = tokio::spawn(async move { answering.closed().await });
    let mut mute = RawPage::connect(server.address()).await;
    mute.send(&hello()).await;
    assert_eq!(mute.text().await.unwrap()["type"], "welcome");
    assert_eq!(mute.closed().await, Some(4110));
    assert_eq!(closes(&server, "pong_timeout").await, 1);
    let census = eventually("the mute one is away", async || {
        let census = server.get("/v1/apps/web/census").await;
        (census["rows"][0]["away"] == 1).then_some(census)
    })
    .await;
    assert_eq!(census["sessions"], 1);
    assert!(!answering.is_finished());
    answering.abort();
}

#[tokio::test]
async fn a_page_that_reads_nothing_is_dropped_and_the_others_get_their_notices() {
    let server = Server::with_app(&[]).await;
    let mut slow = RawPage::connect_narrow(server.address()).await;
    slow.send(&hello()).await;
    // Long questions, each with an answer that is never read: sooner or later the server can't send any more.
    let question = json!({"type": "found", "build": "b".repeat(120)}).to_string();
    let questions = frame(TEXT, question.as_bytes()).repeat(500);
    while slow.try_write(&questions, Duration::from_millis(500)).await {}

    let mut other = bystander(&server).await;
    let raised = json!({"build": "b", "version": "1.1.0", "severity": "security", "over": "0s"});
    server.done("POST", "/v1/apps/web/releases", Some(raised)).await;
    assert_eq!(other.frame("standing").await["standing"], "stale");
    assert_eq!(other.frame("notice").await["action"], "countdown");
    eventually("the slow page is dropped", async || {
        (closes(&server, "slow_consumer").await == 1 && server.census("web").await == [("a".to_owned(), 1)])
            .then_some(())
    })
    .await;
    assert!(other.frames_until_pong().await.is_empty());
}

#[tokio::test]
async fn requests_that_are_no_handshake_get_a_problem() {
    let server = Server::with_app(&[]).await;
    let request = || freshwire_tests::process::client().get(server.url("/v1/connect"));
    let upgrade = || request().header("connection", "upgrade").header("upgrade", "websocket");
    let key = "dGhlIHNhbXBsZSBub25jZQ==";
    let wrong = [
        request(),
        upgrade(),
        upgrade().header("sec-websocket-version", "8").header("sec-websocket-key", key),
        upgrade().header("sec-websocket-version", "13").header("sec-websocket-key", "short"),
        upgrade()
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", key)
            .header("sec-websocket-protocol", "graphql-ws"),
    ];
    for request in wrong {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 400);
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
    }
}

#[tokio::test]
async fn what_a_broken_document_carries_is_no_reason_to_turn_a_page_away() {
    let server = Server::start().await;
    server.release("web", json!({"build": "a", "version": "1.0.0"})).await;
    let mut page = Page::open(server.address(), "web", "a", "1.0.0").await;
    page.send(&json!({"type": "found", "build": "{{ BUILD }}"})).await;
    assert_eq!(page.frame("better").await["better"], false);
    page.send(&json!({"type": "outcome", "notice": 1, "is": "a_word_to_come"})).await;
    page.send(&json!({"type": "evidence", "kind": "a_word_to_come"})).await;
    assert_eq!(page.frame("standing").await["standing"], "current");
    assert!(page.frames_until_pong().await.is_empty());
}

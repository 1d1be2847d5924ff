//! `freshwire wait` and what it reads: a real server, real pages, and the real command.

use std::{
    fs::File,
    io::Read as _,
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use freshwire_tests::{
    eventually,
    page::Page,
    process::Server,
    running::{Ended, Running},
    terminal::Terminal,
    waiting::{PATIENCE, in_time, saw, tail},
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// What is wanted is a second; the machine may have much else to do.
const SOON: Duration = Duration::from_secs(20);
const WARM: [&str; 2] = ["--warmup", "0s"];

/// A `freshwire wait web` under way; its first line says what it waits for.
fn waiting(server: &Server, words: &[&str]) -> Running {
    Running::start(server.command(&[&["wait", "web"], words].concat()))
}

async fn waited(server: &Server, words: &[&str]) -> Ended {
    waiting(server, words).end().await
}

/// Three releases: only the middle one needs the route.
async fn seed(server: &Server) {
    server.release("web", json!({"build": "old", "version": "1.0.0"})).await;
    server.release("web", json!({"build": "mid", "version": "1.1.0", "needs": ["route.legacy"]})).await;
    server.release("web", json!({"build": "new", "version": "1.2.0"})).await;
}

async fn seeded(flags: &[&str]) -> Server {
    let server = Server::start_with(flags).await;
    seed(&server).await;
    server
}

async fn page(server: &Server, build: &str, version: &str) -> Page {
    Page::open(server.address(), "web", build, version).await
}

async fn gate(server: &Server, query: &str) -> Value {
    server.get(&format!("/v1/apps/web/gate?{query}")).await
}

/// Waits until the gate reads so; what a page does is counted a moment later.
async fn gate_reads(server: &Server, query: &str, sessions: u64, away: u64) {
    eventually("the page is counted", async || {
        let read = gate(server, query).await;
        (read["sessions"] == sessions && read["away"] == away).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_gate_opens_within_a_second_of_its_condition_having_held_and_never_before() {
    let server = seeded(&WARM).await;
    let (first, second) = (page(&server, "old", "1.0.0").await, page(&server, "mid", "1.1.0").await);
    let _stays = page(&server, "new", "1.2.0").await;
    let mut wait = waiting(&server, &["--below", "1.2.0", "--for", "2s"]);
    let named = wait.until("2 connected").await;
    assert!(named.contains("1.1.0 (mid) 1") && named.contains("1.0.0 (old) 1"), "{named}");
    assert!(wait.said[0].contains("until no page below 1.2.0 has been connected for 2s"), "{:?}", wait.said);
    first.close(1000).await;
    wait.until("1 connected: 1.1.0 (mid) 1").await;
    let before = Instant::now();
    second.close(1000).await;
    let opened = wait.until("open after").await;
    let after = before.elapsed();
    assert_eq!(opened.split(':').next(), Some("0 connected for 2s"));
    println!("a gate that is to hold for 2 s opens after {after:?}");
    assert!(after >= Duration::from_secs(2), "open after {after:?}");
    assert!(after < Duration::from_secs(2) + SOON, "open only after {after:?}");
    assert_eq!(wait.end().await.code, Some(0));
}

#[tokio::test]
async fn a_page_that_is_back_for_a_moment_makes_the_time_count_anew() {
    let server = seeded(&WARM).await;
    // Longer than a round takes on any machine, so that it opens in none.
    let hold = Duration::from_secs(10);
    let mut wait = waiting(&server, &["--below", "1.2.0", "--for", "10s", "--timeout", "5m"]);
    wait.until("holding").await;
    let mut left = Instant::now();
    for _ in 0..4 {
        // Shorter than the time between two looks, so that hardly a look sees it.
        let page = page(&server, "old", "1.0.0").await;
        left = Instant::now();
        page.close(1000).await;
        wait.until("holding").await;
    }
    wait.until("open after").await;
    assert!(left.elapsed() >= hold, "open after {:?}: {:?}", left.elapsed(), wait.said);
    let read = gate(&server, "below=1.2.0").await;
    assert_eq!((&read["sessions"], &read["joins"]), (&json!(0), &json!(4)), "{read}");
    assert_eq!(wait.end().await.code, Some(0));
}

#[tokio::test]
async fn a_wait_outlives_the_servers_restart_and_holds_anew() {
    let folder = TempDir::new().unwrap();
    let mut server = Server::start_in(folder.path(), &["--warmup", "8s", "--poll-interval", "2s"]).await;
    seed(&server).await;
    let mut wait = waiting(&server, &["--build", "old", "--for", "3s", "--timeout", "5m"]);
    wait.until("holding").await;
    server.kill().await;
    wait.until("connection refused; asking again").await;
    let restarted = Instant::now();
    server.restart().await;
    wait.until("pages are still finding their way back").await;
    wait.until("holding").await;
    let ended = wait.end().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.last().contains("open after"), "{ended:?}");
    assert!(restarted.elapsed() >= Duration::from_secs(11), "the warm-up and the whole time again");
}

#[tokio::test]
async fn a_gate_stays_shut_while_pages_may_not_be_back_yet() {
    let server = seeded(&[]).await;
    let ended = waited(&server, &["--below", "1.2.0", "--for", "0s", "--timeout", "6s"]).await;
    assert_eq!(ended.code, Some(3), "{ended:?}");
    // Its last line may be that an answer was late.
    let said = ended.said.join("\n");
    assert!(said.contains("0 connected; the server has started lately"), "{ended:?}");
    assert!(ended.errors.contains("not reached in 6s: 0 connected"), "{ended:?}");
    assert!(ended.errors.contains("try: see who is left: freshwire sessions web --below 1.2.0"), "{ended:?}");
}

#[tokio::test]
async fn a_gate_stays_shut_while_the_server_says_goodbye_to_its_pages() {
    let server = seeded(&["--warmup", "0s", "--drain", "1m", "--hello-timeout", "1m"]).await;
    let _page = page(&server, "old", "1.0.0").await;
    // It is waited for, and who asks is answered meanwhile.
    let _silent = Page::silent(server.address(), None).await;
    assert_eq!(gate(&server, "build=old").await["complete"], true);
    server.ask_to_stop();
    eventually("its counts are not whole any more", async || {
        (gate(&server, "build=old").await["complete"] == false).then_some(())
    })
    .await;
}

#[tokio::test]
async fn unregistered_builds_keep_a_gate_shut_unless_they_are_ignored() {
    let server = seeded(&WARM).await;
    let stray = Page::hello(server.address(), json!({"app": "web", "build": "stray"})).await;
    let shut = ["--needs", "route.legacy", "--for", "0s", "--timeout", "6s"];
    let ended = waited(&server, &shut).await;
    assert_eq!(ended.code, Some(3), "{ended:?}");
    let line = "0 connected: unregistered stray 1; 1 on unregistered builds, of which nobody can tell: register them, \
                or --ignore-unknown";
    assert!(ended.said.iter().any(|said| said == line), "{ended:?}");
    assert!(ended.errors.contains("try: see who is left: freshwire needs web"), "{ended:?}");
    let ignored = waited(&server, &[&shut[..], &["--ignore-unknown"]].concat()).await;
    assert_eq!(ignored.code, Some(0), "{ignored:?}");
    stray.close(1000).await;
    assert_eq!(waited(&server, &shut[..4]).await.code, Some(0));
}

#[tokio::test]
async fn pages_that_may_only_be_asleep_are_told_and_waited_for_where_asked() {
    let server = seeded(&WARM).await;
    let sleeper = page(&server, "mid", "1.1.0").await;
    let hello =
        json!({"app": "web", "build": "mid", "session": sleeper.session(), "resume": sleeper.resume()});
    drop(sleeper);
    gate_reads(&server, "needs=route.legacy", 0, 1).await;

    let words = ["--needs", "route.legacy", "--for", "0s"];
    let ended = waited(&server, &words).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.last().starts_with("0 connected, 1 possibly asleep for 0s: open"), "{ended:?}");
    let for_all = [&words[..], &["--away", "0"]].concat();
    let ended = waited(&server, &[&for_all[..], &["--timeout", "6s"]].concat()).await;
    assert_eq!(ended.code, Some(3), "{ended:?}");
    let line = "0 connected, 1 possibly asleep; waiting for those asleep too";
    assert!(ended.said.iter().any(|said| said == line), "{ended:?}");

    let mut wait = waiting(&server, &for_all);
    wait.until("1 possibly asleep").await;
    let woken = Page::hello(server.address(), hello).await;
    wait.until("1 connected: 1.1.0 (mid) 1").await;
    woken.close(1000).await;
    let ended = wait.end().await;
    assert_eq!(
        (ended.code, ended.last().starts_with("0 connected for 0s: open")),
        (Some(0), true),
        "{ended:?}"
    );
}

#[tokio::test]
async fn some_may_be_left_where_that_is_enough() {
    let server = seeded(&WARM).await;
    let (_one, other) = (page(&server, "old", "1.0.0").await, page(&server, "old", "1.0.0").await);
    let mut wait = waiting(&server, &["--build", "old", "--max", "1", "--for", "500ms"]);
    let waiting = wait.until("2 connected").await;
    assert!(waiting.ends_with("; at most 1 may be left"), "{waiting}");
    other.close(1000).await;
    let ended = wait.end().await;
    assert_eq!(
        (ended.code, ended.last().starts_with("1 connected for 500ms: open")),
        (Some(0), true),
        "{ended:?}"
    );
}

/// A terminal: what a program gets of it, what it shows, and who reads that until no program has it any more.
fn terminal(columns: u16) -> (File, Arc<Mutex<Vec<u8>>>, JoinHandle<()>) {
    let (terminal, inner) = Terminal::open(columns, 24);
    let shown = Arc::new(Mutex::new(Vec::new()));
    let (mut reader, into) = (terminal.reader(), shown.clone());
    let reading = std::thread::spawn(move || {
        let mut bytes = [0; 1024];
        // An error: no program has it any more.
        while let Ok(count @ 1..) = reader.read(&mut bytes) {
            into.lock().unwrap().extend(&bytes[..count]);
        }
    });
    (inner, shown, reading)
}

#[tokio::test]
async fn on_a_terminal_a_bar_is_drawn_over_and_over_in_one_line() {
    let server = seeded(&WARM).await;
    let mut pages = Vec::new();
    for _ in 0..4 {
        pages.push(page(&server, "old", "1.0.0").await);
    }
    let (line, shown, reading) = terminal(66);
    let mut command = server.command(&["wait", "web", "--build", "old", "--for", "1s"]);
    command.env("TERM", "xterm").env_remove("COLUMNS");
    command.stdin(line.try_clone().unwrap()).stdout(line.try_clone().unwrap()).stderr(line);
    let mut child = command.spawn().unwrap();
    // It holds the terminal's files too.
    drop(command);
    let all = || String::from_utf8_lossy(&shown.lock().unwrap()).into_owned();
    let until = async |words: &str| {
        eventually(words, async || {
            saw(|| format!("{:?}", tail(&all())));
            all().contains(words).then_some(())
        })
        .await;
    };
    until("[------------------------] 4 connected: 1.0.0 (old) 4").await;
    pages.pop().unwrap().close(1000).await;
    until("[######------------------] 3 connected: 1.0.0 (old) 3").await;
    until("; about ").await;
    for page in pages {
        page.close(1000).await;
    }
    until("[########################] 0 connected: holding").await;
    let ended = in_time(PATIENCE, "the command ends", child.wait()).await;
    assert_eq!(ended.unwrap().code(), Some(0));
    // A line may come in pieces.
    eventually("all is shown", async || reading.is_finished().then_some(())).await;
    let shown = all();
    assert!(shown.contains("0 connected for 1s: open after "), "{shown:?}");
    let lines: Vec<_> = shown.lines().collect();
    assert_eq!(lines.len(), 2, "what it waits for, and the bar: {shown:?}");
    assert!(shown.ends_with('\n'), "the shell goes on in a line of its own: {shown:?}");
    let widest = lines[1].split('\r').map(|drawn| drawn.trim_end_matches("\x1b[K").chars().count()).max();
    assert!(widest < Some(66) && shown.contains('…'), "what is too long is cut: {shown:?}");
}

#[tokio::test]
async fn with_json_every_line_is_a_document() {
    let server = seeded(&WARM).await;
    let old = page(&server, "old", "1.0.0").await;
    let mut wait = waiting(&server, &["--below", "1.2.0", "--for", "1s", "--json"]);
    wait.until(r#""state":"waiting""#).await;
    old.close(1000).await;
    let ended = wait.end().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let documents: Vec<Value> = ended.said.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let states: Vec<_> = documents.iter().map(|document| document["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["waiting", "holding", "open"]);
    let waiting = &documents[0];
    assert_eq!(waiting["why"], json!(["sessions"]));
    assert_eq!(waiting["condition"], json!({"below": "1.2.0"}));
    let row = json!({"build": "old", "version": "1.0.0", "unknown": false, "sessions": 1, "away": 0});
    assert_eq!(waiting["rows"], json!([row]));
    let ended = waited(&server, &["--below", "1.2.0", "--timeout", "6s", "--json"]).await;
    let last: Value = serde_json::from_str(ended.last()).unwrap();
    assert_eq!((ended.code, &last["state"]), (Some(3), &json!("timeout")), "{ended:?}");
}

#[tokio::test]
async fn a_gate_that_could_never_be_meant_is_refused_with_the_field_named() {
    let server = seeded(&WARM).await;
    let wrong = [
        ("build=nope", "build", "freshwire releases web"),
        ("build=", "build", "not a registered build"),
        ("needs=route.legacyy", "needs", "no release of web needs 'route.legacyy'"),
        ("below=nope", "below", "neither a registered build nor a version"),
        ("", "below", "give one of below, build and needs"),
        ("below=1.2.0&build=old", "below", "give one of"),
        ("build=old&needs=route.legacy", "needs", "give one of"),
        ("below=1.2.0&max=3", "max", "a gate has no 'max'"),
    ];
    for (query, field, detail) in wrong {
        let (status, answer) = server.call("GET", &format!("/v1/apps/web/gate?{query}"), None).await;
        assert_eq!((status, &answer["field"]), (422, &json!(field)), "{query}: {answer}");
        assert!(answer["detail"].as_str().unwrap().contains(detail), "{query}: {answer}");
    }
    assert_eq!(server.call("GET", "/v1/apps/nope/gate?below=1.2.0", None).await.0, 404);
    for (words, code) in [
        (&["--build", "nope"][..], 1),
        (&[], 2),
        (&["--build", "old", "--below", "1.2.0"], 2),
        (&["--build", "old", "--away", "1"], 2),
        (&["--build", "old", "--url", "http://127.0.0.1:1"], 4),
    ] {
        let ended = waited(&server, words).await;
        assert_eq!(ended.code, Some(code), "{words:?}: {ended:?}");
    }
    assert!(
        gate(&server, "below=old").await["rows"].as_array().unwrap().is_empty(),
        "a registered build is a floor"
    );
}

//! Old pages against this server: what the snippet of each supported version said and was told, said to it again.
//!
//! A page that somebody left open can't be mended any more, so a server that breaks one of these is wrong.

mod golden;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use freshwire_tests::{
    eventually,
    page::Page,
    process::{Server, client},
};
use serde::Deserialize;
use serde_json::{Value, json};

use golden::{Bound, Known};

/// A test for every story of every version, so that a failure names both.
macro_rules! transcripts {
    ($($version:ident { $($story:ident)+ })+) => {
        $(mod $version { $(
            #[tokio::test]
            async fn $story() {
                super::replay(stringify!($version), stringify!($story)).await;
            }
        )+ })+
        /// Folder and file of each.
        fn replayed() -> BTreeSet<(String, String)> {
            let all = [$($((stringify!($version), stringify!($story))),+),+];
            all.map(|(version, story)| names(version, story)).into()
        }
    };
}

transcripts! {
    v0_1_0 {
        connect_and_leave
        embedded
        evidence
        held_then_released
        of_an_app_that_nobody_knows
        origin_stale
        polled
        pushed
        reconnect_after_kill
        snoozed_then_pierced
        swapped
        told_by_countdown_and_refreshed
        withdrawn
    }
}

#[test]
fn every_transcript_is_replayed() {
    let mut found = BTreeSet::new();
    for version in fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()) {
        if version.is_dir() {
            for story in fs::read_dir(&version).unwrap().map(|entry| entry.unwrap().path()) {
                let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
                found.insert((version.file_name().unwrap().to_str().unwrap().to_owned(), name(&story)));
            }
        }
    }
    assert_eq!(found, replayed());
}

#[derive(Deserialize)]
struct Transcript {
    client: String,
    setup: Vec<Operation>,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Operation {
    method: String,
    path: String,
    body: Option<Value>,
}

/// As fixtures/transcripts/README.md describes them.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Step {
    Page(Value),
    Server(Value),
    Close(u16),
    Closed(u16),
    Poll(Value),
    Answer(Value),
    Operate(Operation),
    Listed(Value),
    Restart,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/transcripts")
}

/// A test's names as those of folder and file.
fn names(version: &str, story: &str) -> (String, String) {
    (version[1..].replace('_', "."), story.replace('_', "-"))
}

fn load(version: &str, story: &str) -> Transcript {
    let path = folder().join(version).join(format!("{story}.json"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What the transcripts of a version tell its pages.
fn known(version: &str) -> Known {
    let mut known = Known::default();
    for (_, story) in replayed().iter().filter(|(folder, _)| folder == version) {
        for step in load(version, story).steps {
            match step {
                Step::Server(frame) => known.learn(frame["type"].as_str().expect("a frame's type"), &frame),
                Step::Answer(answer) => known.learn("answer", &answer),
                _ => {}
            }
        }
    }
    known
}

async fn replay(version: &str, story: &str) {
    let (version, story) = names(version, story);
    let Transcript { client, setup, steps } = load(&version, &story);
    assert_eq!(client, format!("freshwire/{version}"));
    let mut server = Server::start().await;
    for operation in &setup {
        operate(&server, operation).await;
    }
    let mut replayed = Replay { known: known(&version), page: None, answer: None, bound: Bound::default() };
    for (number, step) in (1..).zip(&steps) {
        let at = format!("{version}/{story}.json, step {number}");
        replayed.step(&mut server, step, &at).await;
    }
    replayed.settled(&format!("{version}/{story}.json, at its end")).await;
}

async fn operate(server: &Server, Operation { method, path, body }: &Operation) {
    server.done(method, path, body.clone()).await;
}

/// A page of that version that lives through its story again.
struct Replay {
    known: Known,
    page: Option<Page>,
    /// Of the latest poll.
    answer: Option<Value>,
    bound: Bound,
}

impl Replay {
    async fn step(&mut self, server: &mut Server, step: &Step, at: &str) {
        match step {
            Step::Page(frame) => {
                let frame = self.bound.fill(frame, at);
                if self.page.is_none() {
                    self.page = Some(Page::silent(server.address(), None).await);
                }
                self.page.as_mut().unwrap().send(&frame).await;
            }
            Step::Server(golden) => {
                let page = self.page.as_mut().unwrap_or_else(|| panic!("{at}: no page is connected"));
                let frame = page.any_frame(&format!("{golden} ({at})")).await;
                let kind = golden["type"].as_str().expect("a frame has a type");
                self.check(kind, golden, &frame, at);
            }
            Step::Close(code) => {
                self.settled(at).await;
                self.page.take().unwrap_or_else(|| panic!("{at}: no page is connected")).close(*code).await;
            }
            Step::Closed(code) => {
                let mut page = self.page.take().unwrap_or_else(|| panic!("{at}: no page is connected"));
                assert_eq!(page.closed().await.0, *code, "{at}");
            }
            Step::Poll(body) => {
                assert!(self.answer.is_none(), "{at}: an answer that nobody read");
                let body = self.bound.fill(body, at);
                self.answer = Some(poll(server, &body, at).await);
            }
            Step::Answer(golden) => {
                let answer = self.answer.take().unwrap_or_else(|| panic!("{at}: nobody has polled"));
                self.check("answer", golden, &answer, at);
            }
            Step::Operate(operation) => {
                self.settled(at).await;
                operate(server, operation).await;
            }
            Step::Listed(session) => listed(server, session, at).await,
            Step::Restart => {
                self.settled(at).await;
                self.page = None;
                server.kill().await;
                server.restart().await;
            }
        }
    }

    fn check(&mut self, kind: &str, golden: &Value, said: &Value, at: &str) {
        let checked = self.known.check(kind, golden, said, &mut self.bound);
        assert!(checked.is_ok(), "{at}: {}: {said}", checked.unwrap_err());
    }

    /// The server has taken in all that the page said, and has nothing more to say.
    async fn settled(&mut self, at: &str) {
        if let Some(page) = &mut self.page {
            let frames = page.frames_until_pong().await;
            assert!(frames.is_empty(), "{at}: the page was never told {frames:?}");
        }
    }
}

/// A poll as a page sends it; it goes where its hello says.
async fn poll(server: &Server, body: &Value, at: &str) -> Value {
    let path = format!("/v1/apps/{}/poll", body["app"].as_str().expect("a hello has an app"));
    let request = client().post(server.url(&path)).header("content-type", "text/plain;charset=UTF-8");
    let answer = request.body(body.to_string()).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{at}");
    answer.json().await.unwrap()
}

/// Waits until operators see the only session with these fields, or none at all.
async fn listed(server: &Server, golden: &Value, at: &str) {
    eventually(&format!("{at}: the only session has {golden}"), async || {
        let sessions = server.get("/v1/apps/web/sessions").await["sessions"].take();
        let as_told = match (golden.as_object(), sessions.as_array().expect("a list").as_slice()) {
            (None, []) => true,
            (Some(golden), [session]) => golden.iter().all(|(field, value)| &session[field] == value),
            _ => false,
        };
        as_told.then_some(())
    })
    .await;
}

#[test]
fn what_old_pages_ignore_may_be_added_and_what_they_read_may_not_change() {
    let known = known("0.1.0");
    let check = |golden: &Value, said: &Value| {
        known.check(golden["type"].as_str().unwrap(), golden, said, &mut Bound::default()).is_ok()
    };
    let golden =
        json!({"type": "notice", "notice": "$notice", "action": "prompt", "build": "b", "run": "$run"});
    let said = json!({"type": "notice", "notice": 42, "action": "prompt", "build": "b", "run": 42});
    let but = |field: &str, value: Value| {
        let mut frame = said.clone();
        frame[field] = value;
        frame
    };
    assert!(check(&golden, &said));
    assert!(check(&golden, &but("of_a_later_version", json!(true))));
    for (field, value) in [
        ("countdown_ms", json!(1)),
        ("swap", json!([])),
        ("action", json!("force")),
        ("notice", json!("42")),
        ("run", Value::Null),
    ] {
        assert!(!check(&golden, &but(field, value)), "{field}");
    }
    assert!(!check(&but("swap", json!([{"from": "a"}])), &said));
}

//! `freshwire fix`: the security fix as one command, against real pages, with its proof.

use freshwire_tests::{page::Page, process::Server, running::Running};
use serde_json::{Value, json};
use tempfile::TempDir;

fn fixing(server: &Server, words: &[&str]) -> Running {
    let fix = ["fix", "web", "1.1.0", "--reason", "CVE-2026-1234", "--over", "0s"];
    Running::start(server.command(&[&fix, words].concat()))
}

/// 1.1.0 is current; two pages are on 1.0.0.
async fn server_and_pages() -> (Server, Vec<Page>) {
    let server = Server::start_with(&["--warmup", "0s"]).await;
    for (build, version) in [("a", "1.0.0"), ("b", "1.1.0")] {
        server.release("web", json!({"build": build, "version": version, "severity": "silent"})).await;
    }
    let mut pages = Vec::new();
    for _ in 0..2 {
        pages.push(Page::open(server.address(), "web", "a", "1.0.0").await);
    }
    (server, pages)
}

/// Reloads for the notice.
async fn moves(server: &Server, mut page: Page) -> Page {
    let notice = loop {
        let frame = page.any_frame("notice").await;
        if frame["type"] == "notice" {
            break frame["notice"].clone();
        }
    };
    page.send(&json!({"type": "outcome", "notice": notice, "is": "refreshing"})).await;
    let (session, resume) = (page.session(), page.resume());
    page.close(3002).await;
    let after = json!({"notice": notice, "from": "a", "tries": 1});
    let back = json!({"app": "web", "build": "b", "version": "1.1.0", "session": session, "resume": resume, "after": after});
    Page::hello(server.address(), back).await
}

#[tokio::test]
async fn a_security_fix_is_followed_until_everybody_has_moved_and_is_proved() {
    let (server, mut pages) = server_and_pages().await;
    let folder = TempDir::new().unwrap();
    let (markdown, document) = (folder.path().join("proof.md"), folder.path().join("proof.json"));
    let files = [markdown.to_str().unwrap(), document.to_str().unwrap()];
    let mut fix = fixing(&server, &["--report", files[0], "--report", files[1]]);
    fix.until("would move 2 connected pages").await;
    let _first = moves(&server, pages.remove(0)).await;
    fix.until("1 of 2 moved").await;
    let _second = moves(&server, pages.remove(0)).await;
    // What it says from here on is the proof.
    fix.said.clear();
    let ended = fix.end().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for words in [
        "no connected page of web is known to be below 1.1.0",
        "moved     2 of 2",
        "1.0.0 (a) 2",
        "CVE-2026-1234",
    ] {
        assert!(ended.said.join("\n").contains(words), "{words}: {ended:?}");
    }
    let proof: Value = serde_json::from_slice(&std::fs::read(&document).unwrap()).unwrap();
    assert_eq!(
        (&proof["complete"], &proof["left"], &proof["campaign"]["states"]["refreshed"]),
        (&json!(true), &json!(0), &json!(2))
    );
    assert_eq!(proof["by"], server.get("/v1/apps/web/log").await["entries"][0]["actor"]);
    assert!(
        std::fs::read_to_string(&markdown)
            .unwrap()
            .starts_with("# Proof: no connected page of web is known to be below 1.1.0")
    );
}

#[tokio::test]
async fn who_does_not_move_in_time_is_named_with_why() {
    let (server, mut pages) = server_and_pages().await;
    let holding = pages.remove(0);
    let mut held = holding;
    held.send(&json!({"type": "page", "visible": true, "holds": ["unsaved draft"]})).await;
    held.frames_until_pong().await;
    let fix = fixing(&server, &["--timeout", "10s", "--json"]);
    let _moved = moves(&server, pages.remove(0)).await;
    let ended = fix.end().await;
    assert_eq!(ended.code, Some(3), "{ended:?}");
    let proof: Value = serde_json::from_str(&ended.said.join("\n")).unwrap();
    assert_eq!((&proof["complete"], &proof["left"]), (&json!(false), &json!(1)));
    let left = &proof["explained"][0];
    assert_eq!(left["session"], held.session());
    assert!(left["why"].as_str().unwrap().contains("unsaved draft"), "{left}");
    assert!(ended.errors.contains("not everybody has moved within 10s"), "{ended:?}");
}

#[tokio::test]
async fn a_paused_fix_ends_with_what_there_is() {
    let (server, _pages) = server_and_pages().await;
    let mut fix = fixing(&server, &[]);
    let line = fix.until("campaign ").await;
    let campaign = line.split(['c', ':', ' ']).find_map(|word| word.parse::<u64>().ok()).unwrap();
    fix.until("0 of 2 moved").await;
    server.done("POST", &format!("/v1/apps/web/campaigns/{campaign}/pause"), None).await;
    let ended = fix.end().await;
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.said.join("\n").contains("2 connected pages of web remain below 1.1.0"), "{ended:?}");
}

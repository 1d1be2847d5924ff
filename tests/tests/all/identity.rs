//! Whose session it is, and whether it is away.

use freshwire_tests::{census::sums, eventually, page::Page, process::Server};
use serde_json::{Value, json};

use crate::raw_page::RawPage;

async fn server_with_apps() -> Server {
    let server = Server::start().await;
    for app in ["web", "shop"] {
        server.release(app, json!({"build": "a", "version": "1.0.0"})).await;
    }
    server
}

fn hello(session: &str, resume: Option<&str>) -> Value {
    let mut hello = json!({"app": "web", "build": "a", "version": "1.0.0", "session": session});
    if let Some(resume) = resume {
        hello["resume"] = json!(resume);
    }
    hello
}

/// Waits until so many are connected and away in all.
pub async fn counted(server: &Server, sessions: u64, away: u64) {
    eventually(&format!("{sessions} connected and {away} away"), async || {
        let census = server.get("/v1/apps/web/census").await;
        (sums(&census) == (sessions, away)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn with_its_resume_a_page_takes_its_session_over() {
    let server = server_with_apps().await;
    let mut old = Page::open(server.address(), "web", "a", "1.0.0").await;
    let (session, resume) = (old.session(), old.resume());
    let mut new = Page::hello(server.address(), hello(&session, Some(&resume))).await;
    assert_eq!(new.session(), session);
    assert_ne!(new.resume(), resume, "every return has a new one");
    assert_eq!(old.closed().await.0, 4102);
    counted(&server, 1, 0).await;
    assert!(new.frames_until_pong().await.is_empty());

    // The secret before counts until the page has shown that it has heard the new one; then it is worth nothing.
    let newer = Page::hello(server.address(), hello(&session, Some(&new.resume()))).await;
    assert_eq!(newer.session(), session);
    counted(&server, 1, 0).await;
    let other = Page::hello(server.address(), hello(&session, Some(&resume))).await;
    assert_ne!(other.session(), session);
    counted(&server, 2, 0).await;
}

#[tokio::test]
async fn a_duplicated_tab_and_a_thief_get_sessions_of_their_own() {
    let server = server_with_apps().await;
    let mut page = Page::open(server.address(), "web", "a", "1.0.0").await;
    let session = page.session();
    let duplicate = Page::hello(server.address(), hello(&session, None)).await;
    let wrong = Page::hello(server.address(), hello(&session, Some("p7Yw0cG1sJx4b2Qe9TzKfA"))).await;
    let empty = Page::hello(server.address(), hello(&session, Some(""))).await;
    let sessions = [&page, &duplicate, &wrong, &empty].map(Page::session);
    let distinct: std::collections::BTreeSet<_> = sessions.iter().collect();
    assert_eq!(distinct.len(), 4, "{sessions:?}");
    counted(&server, 4, 0).await;
    assert!(page.frames_until_pong().await.is_empty(), "its own page notices nothing");
}

#[tokio::test]
async fn a_page_of_another_app_cannot_take_a_session_over() {
    let server = server_with_apps().await;
    let mut page = Page::open(server.address(), "web", "a", "1.0.0").await;
    let mut theft = hello(&page.session(), Some(&page.resume()));
    theft["app"] = json!("shop");
    let other = Page::hello(server.address(), theft).await;
    assert_ne!(other.session(), page.session());
    counted(&server, 1, 0).await;
    assert_eq!(server.census("shop").await, [("a".to_owned(), 1)]);
    assert!(page.frames_until_pong().await.is_empty());
}

#[tokio::test]
async fn an_id_that_nobody_holds_is_accepted_and_what_is_no_id_gets_one() {
    let server = server_with_apps().await;
    let own = uuid::Uuid::new_v4().to_string();
    let page = Page::hello(server.address(), hello(&own, Some("of another node"))).await;
    assert_eq!(page.session(), own);
    let odd = Page::hello(server.address(), hello("not-a-uuid", None)).await;
    assert!(uuid::Uuid::parse_str(&odd.session()).is_ok());
    counted(&server, 2, 0).await;
}

#[tokio::test]
async fn a_socket_that_went_silent_and_the_same_page_coming_back_are_one_session() {
    let server = server_with_apps().await;
    let mut silent = RawPage::connect(server.address()).await;
    silent.send(&json!({"type": "hello", "app": "web", "build": "a", "version": "1.0.0"})).await;
    let welcome = silent.text().await.expect("a welcome");
    let (session, resume) = (welcome["session"].as_str().unwrap(), welcome["resume"].as_str().unwrap());
    // It never closes, and answers nothing; its page comes back by another network.
    let back = Page::hello(server.address(), hello(session, Some(resume))).await;
    assert_eq!(back.session(), session);
    counted(&server, 1, 0).await;
    assert_eq!(silent.closed().await, Some(4102));
    let sessions = server.get("/v1/apps/web/sessions").await;
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(sessions["sessions"][0]["session"], session);
}

#[tokio::test]
async fn goodbyes_by_a_clean_code_leave_nobody_away_and_their_rows_vanish() {
    let server = server_with_apps().await;
    // One stays, so that the row of its own build does, too.
    let _stays = Page::open(server.address(), "web", "a", "1.0.0").await;
    for code in [1000, 1001, 3001, 3002] {
        let page = Page::open(server.address(), "web", "unregistered", "0.9.0").await;
        page.close(code).await;
        counted(&server, 1, 0).await;
        let census = server.get("/v1/apps/web/census").await;
        let builds: Vec<_> =
            census["rows"].as_array().unwrap().iter().map(|row| row["build"].clone()).collect();
        assert_eq!(builds, ["a"], "after {code}");
    }
}

#[tokio::test]
async fn who_vanishes_is_away_until_it_is_back() {
    let server = server_with_apps().await;
    for code in [Some(3003), Some(3004), Some(4000), None] {
        let page = Page::open(server.address(), "web", "a", "1.0.0").await;
        let session = page.session();
        match code {
            Some(code) => page.close(code).await,
            None => drop(page),
        }
        counted(&server, 0, 1).await;
        let back = Page::hello(server.address(), hello(&session, None)).await;
        assert_eq!(back.session(), session);
        counted(&server, 1, 0).await;
        back.close(1000).await;
        counted(&server, 0, 0).await;
    }
    // A close frame without a code doesn't say how it leaves.
    let mut page = RawPage::connect(server.address()).await;
    page.send(&json!({"type": "hello", "app": "web", "build": "a"})).await;
    assert_eq!(page.text().await.unwrap()["type"], "welcome");
    page.write(&crate::raw_page::frame(0x88, b"")).await;
    counted(&server, 0, 1).await;
}

#[tokio::test]
async fn a_page_that_is_reset_is_away() {
    let server = server_with_apps().await;
    let mut page = Page::open(server.address(), "web", "a", "1.0.0").await;
    page.stream().set_zero_linger().unwrap();
    drop(page);
    counted(&server, 0, 1).await;
}

#[tokio::test]
async fn who_is_away_is_known_after_a_restart() {
    let mut server = server_with_apps().await;
    let page = Page::open(server.address(), "web", "a", "1.0.0").await;
    let session = page.session();
    drop(page);
    counted(&server, 0, 1).await;
    assert!(server.terminate().await.success());
    server.restart().await;
    counted(&server, 0, 1).await;

    let back = Page::hello(server.address(), hello(&session, None)).await;
    counted(&server, 1, 0).await;
    back.close(1000).await;
    counted(&server, 0, 0).await;
    assert!(server.terminate().await.success());
    server.restart().await;
    counted(&server, 0, 0).await;
}

#[tokio::test]
async fn who_was_away_a_second_before_a_kill_is_known_after_it() {
    let mut server = server_with_apps().await;
    let page = Page::open(server.address(), "web", "a", "1.0.0").await;
    let session = page.session();
    drop(page);
    counted(&server, 0, 1).await;
    let store = server.folder().join("data/freshwire.db");
    eventually("the page that is away is in the side table", async || {
        let store = rusqlite::Connection::open(&store).unwrap();
        let count = "SELECT count(*) FROM side WHERE kind = 'away' AND key = ?1";
        store.query_row(count, [&session], |row| row.get::<_, bool>(0)).unwrap().then_some(())
    })
    .await;
    server.kill().await;
    server.restart().await;
    counted(&server, 0, 1).await;
}

#[tokio::test]
async fn a_page_tells_when_it_is_seen_and_held() {
    let server = server_with_apps().await;
    let mut page = Page::open(server.address(), "web", "a", "1.0.0").await;
    let row = async || server.get("/v1/apps/web/census").await["rows"][0].clone();
    assert_eq!((&row().await["visible"], &row().await["held"]), (&json!(1), &json!(0)));
    page.send(&json!({"type": "page", "visible": false, "holds": ["draft"]})).await;
    page.frames_until_pong().await;
    assert_eq!((&row().await["visible"], &row().await["held"]), (&json!(0), &json!(1)));
    let held = server.get("/v1/apps/web/sessions?held=true&visible=false").await;
    assert_eq!(held["sessions"][0]["holds"], json!(["draft"]));
    page.close(3001).await;
    counted(&server, 0, 0).await;
}

//! A campaign that fails too many stops by itself, and a wave that has shown enough lets the next one follow.

use freshwire::core::{
    campaign::place,
    names::{LogNumber, SessionId},
};
use freshwire_tests::{eventually, page::Page, process::Server};
use serde_json::{Value, json};

use crate::closed_loop::{campaign, refresh, release_two, start_campaign};

/// Opens so many old pages of an app.
async fn old_pages(server: &Server, app: &str, count: usize) -> Vec<Page> {
    let mut pages = Vec::new();
    for _ in 0..count {
        pages.push(Page::open(server.address(), app, "a", "1.0.0").await);
    }
    pages
}

/// Lets pages take their notice and act on it; those that `stays_old` says come back as old as before.
async fn act(server: &Server, app: &str, pages: Vec<Page>, stays_old: impl Fn(usize) -> bool) -> Vec<Page> {
    let mut back = Vec::new();
    for (index, mut page) in pages.into_iter().enumerate() {
        let notice = notice(&mut page).await;
        let build = if stays_old(index) { "a" } else { "b" };
        back.push(refresh(server, app, page, &notice, build).await);
    }
    back
}

async fn notice(page: &mut Page) -> Value {
    loop {
        let frame = page.any_frame("notice").await;
        if frame["type"] == "notice" {
            return frame;
        }
    }
}

async fn paused(server: &Server, app: &str, number: u64) -> Value {
    eventually("the brake pauses it", async || {
        let campaign = campaign(server, app, number).await;
        (campaign["state"] == "paused").then_some(campaign)
    })
    .await
}

#[tokio::test]
async fn the_brake_trips_on_a_tenth_that_stays_old_and_not_again_once_the_cause_is_fixed() {
    let server = Server::start().await;
    release_two(&server, "web").await;
    let pages = old_pages(&server, "web", 40).await;
    let number = start_campaign(&server, "web", json!({})).await;
    let pages = act(&server, "web", pages, |index| index % 10 == 9).await;

    let stopped = paused(&server, "web", number).await;
    assert_eq!((&stopped["paused_by"], &stopped["states"]["still_old"]), (&json!("brake"), &json!(4)));
    // It may have tripped on the third already.
    let why = stopped["paused_because"].as_str().unwrap();
    assert!(why.starts_with("of ") && why.contains(" came back as old as before: "), "{why}");
    assert!(why.contains("% failed, 5% may"), "{why}");
    assert!(stopped["seen"].as_str().unwrap().contains("service worker"), "{stopped}");
    let log = server.get("/v1/apps/web/log?limit=1").await;
    assert_eq!((&log["entries"][0]["actor"], &log["entries"][0]["kind"]), (&json!("brake"), &json!("pause")));

    // The cause is fixed: whoever is still old is told afresh, and comes back new.
    server.done("POST", &format!("/v1/apps/web/campaigns/{number}/resume"), None).await;
    let (old, moved): (Vec<_>, Vec<_>) =
        pages.into_iter().enumerate().partition(|(index, _)| index % 10 == 9);
    let old = act(&server, "web", old.into_iter().map(|(_, page)| page).collect(), |_| false).await;
    let resumed = campaign(&server, "web", number).await;
    assert_eq!(resumed["states"], json!({"refreshed": 40}));
    assert_eq!((&resumed["evidence"]["acted"], &resumed["evidence"]["still_old"]), (&json!(4), &json!(0)));
    looked_again(&server).await;
    assert_eq!(campaign(&server, "web", number).await["state"], "done");
    drop((old, moved));
}

#[tokio::test]
async fn the_brake_does_not_trip_on_one_of_a_hundred() {
    let server = Server::start().await;
    release_two(&server, "web").await;
    let pages = old_pages(&server, "web", 100).await;
    let number = start_campaign(&server, "web", json!({})).await;
    let pages = act(&server, "web", pages, |index| index == 60).await;
    let all = campaign(&server, "web", number).await;
    assert_eq!((&all["evidence"]["acted"], &all["evidence"]["still_old"]), (&json!(100), &json!(1)));
    looked_again(&server).await;
    assert_eq!(campaign(&server, "web", number).await["state"], "done");
    drop(pages);
}

/// Waits until the brake has looked at everything since now: it looks at all apps, and stops the campaign of another.
async fn looked_again(server: &Server) {
    release_two(server, "other").await;
    let pages = old_pages(server, "other", 3).await;
    let number = start_campaign(server, "other", json!({})).await;
    let pages = act(server, "other", pages, |_| true).await;
    paused(server, "other", number).await;
    drop(pages);
}

#[tokio::test]
async fn a_wave_that_has_shown_enough_lets_the_next_one_follow_and_another_waits() {
    let server = Server::start().await;
    for app in ["web", "small"] {
        release_two(&server, app).await;
    }
    // Half of them, for certain: a campaign's places are known only when it has begun.
    let terms = json!({"waves": ["50%", "100%"], "hold": "1s"});
    let mut pages = old_pages(&server, "web", 80).await;
    let few = old_pages(&server, "small", 4).await;
    let number = start_campaign(&server, "web", terms.clone()).await;
    let other = start_campaign(&server, "small", terms).await;
    let mut first = Vec::new();
    let mut rest = Vec::new();
    let in_first_wave = |page: &Page| {
        let session = page.session().parse().unwrap();
        place(LogNumber(number), SessionId(session)) < 0.5
    };
    for mut page in pages.drain(..) {
        if in_first_wave(&page) {
            let notice = notice(&mut page).await;
            first.push(refresh(&server, "web", page, &notice, "b").await);
        } else {
            rest.push(page);
        }
    }
    assert!(first.len() >= 20 && rest.len() >= 20, "{} in the first wave", first.len());
    for page in &mut rest {
        notice(page).await;
    }
    let log = server.get("/v1/apps/web/log?limit=1").await;
    assert_eq!(
        (&log["entries"][0]["actor"], &log["entries"][0]["kind"]),
        (&json!("brake"), &json!("proven"))
    );
    assert_eq!(campaign(&server, "web", number).await["wave"], 2);

    eventually("too few acted", async || {
        let waits = campaign(&server, "small", other).await;
        (waits["state"] == "unproven" && waits["wave"] == 1).then_some(())
    })
    .await;
    server.done("POST", &format!("/v1/apps/small/campaigns/{other}/resume"), None).await;
    for mut page in few {
        notice(&mut page).await;
    }
}

//! Pages that go from one node to another: one session all the way, known and counted in one place.

use std::time::Duration;

use async_nats::{Request, client::RequestErrorKind};
use freshwire_tests::{
    census::sums,
    eventually,
    freeze::{freeze, thaw},
    nats::{Nats, PATIENT},
    page::Page,
    process::{Server, text},
    waiting::{in_time, or_saw, saw},
};
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use crate::{
    closed_loop::{release_two, start_campaign},
    cluster_log::agree,
    identity::counted,
};

/// However slow the machine is.
const PATIENCE: Duration = Duration::from_secs(30);

/// Makes an app with a minimum that the pages of `a` are below, and waits until all nodes know it.
async fn prepared(nodes: &[&Server]) {
    release_two(nodes[0], "web").await;
    start_campaign(nodes[0], "web", json!({})).await;
    agree(nodes).await;
}

/// Two nodes with that app.
async fn one_and_two(nats: &Nats, flags_of_one: &[&str], flags_of_two: &[&str]) -> (Server, Server) {
    let (one, two) =
        tokio::join!(Server::node(nats, "one", flags_of_one), Server::node(nats, "two", flags_of_two));
    prepared(&[&one, &two]).await;
    (one, two)
}

/// What a page says that comes from `via`.
fn hello(page: &Page, via: &str) -> Value {
    json!({"app": "web", "build": "a", "version": "1.0.0", "session": page.session(), "resume": page.resume(), "via": via})
}

/// So many are in the campaign, and so many have acknowledged it, in all of the cluster.
async fn known(server: &Server, targeted: u64, told: u64) {
    eventually(&format!("{targeted} in the campaign, {told} told"), async || {
        let campaign = campaign(server).await;
        (campaign["targeted"] == targeted && campaign["told"] == told).then_some(())
    })
    .await;
}

/// The one page, by all nodes: in the census, and in the campaign.
async fn counted_and_told_once(nodes: &[&Server]) {
    for node in nodes {
        counted(node, 1, 0).await;
        known(node, 1, 1).await;
    }
}

async fn campaign(server: &Server) -> Value {
    server.get("/v1/apps/web/campaigns").await["campaigns"][0].clone()
}

/// The page says what has become of its notice, and is heard.
async fn reported(page: &mut Page, notice: &Value, outcome: &str) {
    page.send(&json!({"type": "outcome", "notice": notice["notice"], "is": outcome})).await;
    page.frames_until_pong().await;
}

/// A page of the list of sessions, once all nodes have answered: slow ones are named as missing meanwhile.
async fn listed_by_all(server: &Server, query: &str) -> Value {
    eventually("all nodes answer", async || {
        let answer = server.get(&format!("/v1/apps/web/sessions?{query}")).await;
        assert_eq!(answer["complete"], json!(answer["missing"] == json!([])), "{answer}");
        (answer["complete"] == true).then_some(answer)
    })
    .await
}

/// A poll with this hello.
async fn poll(
    server: &Server,
    mut hello: Value,
    within: Duration,
) -> Result<reqwest::Response, reqwest::Error> {
    hello["type"] = json!("hello");
    let request = freshwire_tests::process::client().post(server.url("/v1/apps/web/poll"));
    request.body(hello.to_string()).timeout(within).send().await
}

#[tokio::test]
async fn a_session_goes_to_another_node_with_all_that_is_known_of_it() {
    let nats = Nats::start().await;
    let (one, two) = one_and_two(&nats, &[], &[]).await;
    let mut page = Page::open(one.address(), "web", "a", "1.0.0").await;
    let notice = page.frame("notice").await;
    page.send(&json!({"type": "outcome", "notice": notice["notice"], "is": "snoozed"})).await;
    eventually("it is snoozed", async || (campaign(&one).await["states"]["snoozed"] == 1).then_some(()))
        .await;

    let there = Page::hello(two.address(), hello(&page, "one")).await;
    assert_eq!(there.session(), page.session());
    assert_eq!(page.closed().await.0, 4102);
    counted_and_told_once(&[&one, &two]).await;

    // And back, by a poll's way as well as by a socket's.
    let answer = poll(&one, hello(&there, "two"), PATIENCE).await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["welcome"]["session"], json!(page.session()));
    counted_and_told_once(&[&one, &two]).await;
}

#[tokio::test]
async fn a_session_that_is_somebody_elses_stays_where_it_is() {
    let nats = Nats::start().await;
    let (one, two) = one_and_two(&nats, &[], PATIENT).await;
    let mut page = Page::open(one.address(), "web", "a", "1.0.0").await;
    page.frame("notice").await;
    let mut thieves = Vec::new();
    for resume in [Value::Null, json!(""), json!("p7Yw0cG1sJx4b2Qe9TzKfA")] {
        let mut thief = hello(&page, "one");
        thief["resume"] = resume;
        let thief = Page::hello(two.address(), thief).await;
        assert_ne!(thief.session(), page.session());
        thieves.push(thief);
    }
    assert!(page.frames_until_pong().await.is_empty());
    // The thieves have sessions of their own.
    counted(&one, 4, 0).await;
    // A node that nobody knows is no reason to send a page away.
    let lost = Page::hello(two.address(), hello(&page, "three")).await;
    assert_eq!(lost.session(), page.session());
}

#[tokio::test]
async fn a_node_that_could_not_be_asked_is_told_when_it_is_back() {
    let nats = Nats::start().await;
    let (mut one, two) = one_and_two(&nats, &[], &[]).await;
    let mut page = Page::open(one.address(), "web", "a", "1.0.0").await;
    let notice = page.frame("notice").await;
    page.send(&json!({"type": "outcome", "notice": notice["notice"], "is": "received"})).await;
    page.frames_until_pong().await;
    let hello = hello(&page, "one");
    // Without a goodbye: it is away, and so it is kept.
    drop(page);
    counted(&two, 0, 1).await;
    one.terminate().await;
    let there = Page::hello(two.address(), hello).await;
    counted(&two, 1, 0).await;
    one.restart().await;
    one.ready().await;
    counted_and_told_once(&[&one, &two]).await;
    drop(there);
}

#[tokio::test]
async fn what_a_page_brings_is_later_than_what_is_left_of_it() {
    let nats = Nats::start().await;
    let (one, mut two) = one_and_two(&nats, &[], &[]).await;
    let mut page = Page::open(two.address(), "web", "a", "1.0.0").await;
    page.frame("notice").await;
    // Two stops, and keeps what it knows of the page.
    let first = hello(&page, "two");
    drop(page);
    counted(&one, 0, 1).await;
    two.terminate().await;
    let mut page = Page::hello(one.address(), first).await;
    let notice = page.frame("notice").await;
    reported(&mut page, &notice, "snoozed").await;
    known(&one, 1, 1).await;
    two.restart().await;
    two.ready().await;
    // Most often before one has told two of it.
    let back = Page::hello(two.address(), hello(&page, "one")).await;
    counted_and_told_once(&[&one, &two]).await;
    drop(back);
}

#[tokio::test]
async fn a_node_that_goes_away_takes_no_session_from_another() {
    let nats = Nats::start().await;
    let drain = ["--drain-notice", "0s", "--drain", "2m"];
    let (one, mut two) = one_and_two(&nats, &[], &drain).await;
    let mut page = Page::open(one.address(), "web", "a", "1.0.0").await;
    page.frame("notice").await;
    // It takes its time to say goodbye to these.
    let mut others = Vec::new();
    for _ in 0..10 {
        others.push(Page::open(two.address(), "web", "b", "2.0.0").await);
    }
    two.ask_to_stop();
    let newcomer = json!({"app": "web", "build": "b", "version": "2.0.0"});
    eventually("it goes away", async || {
        let answer = or_saw(poll(&two, newcomer.clone(), PATIENCE).await)?;
        saw(|| format!("a poll: {}", answer.status()));
        (answer.status() == 503).then_some(())
    })
    .await;
    let refused = poll(&two, hello(&page, "one"), PATIENCE).await.unwrap();
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    assert!(page.frames_until_pong().await.is_empty(), "it is where it was");
    two.kill().await;
    drop(others);
}

#[tokio::test]
async fn a_page_that_hangs_up_on_its_way_is_not_lost() {
    let nats = Nats::start().await;
    let (one, two) = one_and_two(&nats, &[], &[]).await;
    let mut page = Page::open(one.address(), "web", "a", "1.0.0").await;
    let notice = page.frame("notice").await;
    reported(&mut page, &notice, "snoozed").await;
    let path = format!("/v1/apps/web/sessions/{}", page.session());
    // Two asks one for the page, which has gone before the answer comes: in time for two, or too late.
    let client = nats.client().await;
    let mut asked = client.subscribe("freshwire.freshwire.ask.one").await.unwrap();
    client.flush().await.unwrap();
    freeze(one.process()).await;
    tokio::select! {
        biased;
        question = in_time(PATIENCE, "one is asked", asked.next()) => assert!(question.is_some()),
        answer = poll(&two, hello(&page, "one"), PATIENCE) => panic!("it didn't ask: {answer:?}"),
    }
    thaw(one.process());
    eventually("two has it", async || {
        let (status, detail) = two.call("GET", &path, None).await;
        (status == 200 && detail["node"] == "two").then_some(())
    })
    .await;
    counted_and_told_once(&[&one, &two]).await;
}

#[tokio::test]
async fn a_page_whose_welcome_was_lost_is_found_where_it_went() {
    let nats = Nats::start().await;
    let one = Server::node(&nats, "one", &[]).await;
    let two = Server::node(&nats, "two", &[]).await;
    let three = Server::node(&nats, "three", &[]).await;
    prepared(&[&one, &two, &three]).await;
    let mut page = Page::open(one.address(), "web", "a", "1.0.0").await;
    let notice = page.frame("notice").await;
    reported(&mut page, &notice, "snoozed").await;
    // As far as the page knows it was at one last, wherever it asks.
    let hello = hello(&page, "one");
    let mut before = page;
    for server in [&two, &three, &one, &two] {
        let there = Page::hello(server.address(), hello.clone()).await;
        assert_eq!(there.session(), text(&hello["session"]));
        assert_eq!(before.closed().await.0, 4102);
        before = there;
        for server in [&one, &two, &three] {
            counted(server, 1, 0).await;
            known(server, 1, 1).await;
        }
    }
}

#[tokio::test]
async fn a_hand_over_that_comes_too_late_loses_nothing() {
    let nats = Nats::start().await;
    let (one, two) = (Server::node(&nats, "one", &[]).await, Server::node(&nats, "two", &[]).await);
    prepared(&[&one, &two]).await;
    let mut there = Vec::new();
    // Of the second page, two has only what is left of it when one says what it knew.
    for pages in [1, 2] {
        let mut page = Page::open(one.address(), "web", "a", "1.0.0").await;
        let notice = page.frame("notice").await;
        reported(&mut page, &notice, "snoozed").await;
        known(&two, pages, pages).await;
        freeze(one.process()).await;
        there.push(Page::hello(two.address(), hello(&page, "one")).await);
        assert_eq!(there.last().map(Page::session), Some(page.session()));
        let away = there.len() as u64 - 1;
        there.truncate(1);
        thaw(one.process());
        assert_eq!(page.closed().await.0, 4102);
        for server in [&one, &two] {
            counted(server, 1, away).await;
            known(server, pages, pages).await;
        }
    }
}

#[tokio::test]
async fn who_could_not_be_asked_is_told_by_whoever_has_the_session_now() {
    let nats = Nats::start().await;
    let one = Server::node(&nats, "one", &[]).await;
    let two = Server::node(&nats, "two", &[]).await;
    let three = Server::node(&nats, "three", &[]).await;
    prepared(&[&one, &two, &three]).await;
    let mut page = Page::open(one.address(), "web", "a", "1.0.0").await;
    let notice = page.frame("notice").await;
    reported(&mut page, &notice, "snoozed").await;
    known(&three, 1, 1).await;

    // It goes on before one has answered two.
    freeze(one.process()).await;
    let mut at_two = Page::hello(two.address(), hello(&page, "one")).await;
    let at_three = Page::hello(three.address(), hello(&at_two, "two")).await;
    thaw(one.process());
    for page in [&mut page, &mut at_two] {
        assert_eq!(page.closed().await.0, 4102);
    }
    for server in [&one, &two, &three] {
        counted(server, 1, 0).await;
        known(server, 1, 1).await;
    }

    // Another comes by way of one, which can't say in time where it is.
    let mut page = Page::open(one.address(), "web", "a", "1.0.0").await;
    let notice = page.frame("notice").await;
    reported(&mut page, &notice, "snoozed").await;
    let mut at_two = Page::hello(two.address(), hello(&page, "one")).await;
    page.closed().await;
    freeze(one.process()).await;
    let there = Page::hello(three.address(), hello(&at_two, "one")).await;
    assert_eq!(there.session(), page.session());
    thaw(one.process());
    assert_eq!(at_two.closed().await.0, 4102);
    for server in [&one, &two, &three] {
        counted(server, 2, 0).await;
        known(server, 2, 2).await;
    }
    drop(at_three);
}

#[tokio::test]
async fn nodes_that_stop_together_send_no_page_to_one_another() {
    let nats = Nats::start().await;
    let flags = |over| ["--drain-notice", "0s", "--drain", over];
    let one = Server::node(&nats, "one", &flags("4s")).await;
    let mut two = Server::node(&nats, "two", &flags("5m")).await;
    prepared(&[&one, &two]).await;
    let mut heard = nats.client().await.subscribe("freshwire.freshwire.roll").await.unwrap();
    let mut pages = Vec::new();
    let mut others = Vec::new();
    for _ in 0..20 {
        pages.push(Page::open(one.address(), "web", "b", "2.0.0").await);
        others.push(Page::open(two.address(), "web", "b", "2.0.0").await);
    }
    two.ask_to_stop();
    let says_so = |said: &str| said.contains(r#""node":"two""#) && said.contains(r#""leaving":true"#);
    in_time(PATIENCE, "two says that it leaves", async {
        loop {
            let message = heard.next().await.expect("NATS is there");
            let said = String::from_utf8_lossy(&message.payload);
            saw(|| said.to_string());
            if says_so(&said) {
                break;
            }
        }
    })
    .await;
    one.ask_to_stop();
    let goodbyes = pages.iter_mut().map(async |page| page.frame("reconnect").await["in_ms"].as_u64());
    let last = futures_util::future::join_all(goodbyes).await.into_iter().max().flatten();
    println!("the last is to be back in {last:?} ms");
    assert!(last > Some(0));
    two.kill().await;
    drop(others);
}

#[tokio::test]
async fn who_is_handed_over_while_a_node_stops_is_not_there_again_when_it_is_back() {
    let nats = Nats::start().await;
    let flags = ["--drain-notice", "0s", "--drain", "0s"];
    let (mut one, two) = one_and_two(&nats, &flags, &[]).await;
    let mut sessions = Vec::new();
    for _ in 0..300 {
        let page = Page::open(one.address(), "web", "a", "1.0.0").await;
        sessions.push(page.session());
    }
    counted(&one, 0, 300).await;
    // As the node asks that a page came to, at every moment of the stop.
    let client = nats.client().await;
    let mut handed_over = 0;
    // The last one's answer may be lost on its way, and nobody can tell then.
    let mut perhaps = 0;
    let asking = async {
        for session in sessions {
            let question = json!({"ask": "left", "app": "web", "session": session}).to_string();
            match client.request("freshwire.freshwire.ask.one", question.into()).await {
                Ok(answer) => {
                    assert!(answer.payload.starts_with(br#"{"answer":"left""#), "{answer:?}");
                    handed_over += 1;
                }
                Err(error) => {
                    perhaps = u64::from(error.kind() == RequestErrorKind::TimedOut);
                    break;
                }
            }
        }
    };
    let (_, ()) = tokio::join!(one.terminate(), asking);
    println!("{handed_over} were handed over, and perhaps {perhaps} more");
    let left = (300 - handed_over - perhaps)..=(300 - handed_over);
    let counted = async |server: &Server| {
        eventually(&format!("{left:?} are away"), async || {
            let (connected, away) = sums(&server.get("/v1/apps/web/census").await);
            (connected == 0 && left.contains(&away)).then_some(())
        })
        .await;
    };
    counted(&two).await;
    one.restart().await;
    one.ready().await;
    for server in [&one, &two] {
        counted(server).await;
    }
}

#[tokio::test]
async fn whoever_came_later_has_a_session_whatever_the_clocks_say() {
    let nats = Nats::start().await;
    let one = Server::node(&nats, "one", &[]).await;
    prepared(&[&one]).await;
    let mut page = Page::open(one.address(), "web", "a", "1.0.0").await;
    page.frame("notice").await;
    // As a node that could not be reached says that the page came to it.
    let client = nats.client().await;
    let moved = async |ago: &str| {
        let sessions = json!([{"app": "web", "session": page.session(), "ago": ago}]);
        let question = json!({"ask": "moved", "sessions": sessions}).to_string();
        let request = Request::new().payload(question.into()).timeout(Some(PATIENCE));
        let answer = client.send_request("freshwire.freshwire.ask.one", request).await;
        assert_eq!(answer.expect("an answer").payload, r#"{"answer":"moved"}"#);
    };
    moved("1h").await;
    counted(&one, 1, 0).await;
    moved("0s").await;
    assert_eq!(page.closed().await.0, 4102);
    counted(&one, 0, 0).await;
}

#[tokio::test]
async fn no_page_waits_for_lists() {
    const LISTS: usize = 1_000;
    let nats = Nats::start().await;
    let one = Server::node(&nats, "one", &[]).await;
    prepared(&[&one]).await;
    let mut pages = Vec::new();
    for _ in 0..200 {
        pages.push(Page::open(one.address(), "web", "a", "1.0.0").await);
    }
    // All answers come over one connection, in the order in which they were given.
    let client = nats.client().await;
    let mut answers = client.subscribe("answers.>").await.unwrap();
    let ask = async |answer: String, question: Value| {
        let (to, question) = ("freshwire.freshwire.ask.one", question.to_string().into());
        client.publish_with_reply(to, answer, question).await.unwrap();
    };
    let list = json!({"ask": "sessions", "app": "web", "wanted": {"standing": "current"}, "limit": 1000});
    for _ in 0..LISTS {
        ask("answers.list".to_owned(), list.clone()).await;
    }
    let left =
        json!({"ask": "left", "app": "web", "session": pages[0].session(), "resume": pages[0].resume()});
    ask("answers.left".to_owned(), left).await;
    let mut lists_before = 0;
    in_time(PATIENCE, "the page is handed over", async {
        while answers.next().await.expect("NATS is there").subject.as_str() != "answers.left" {
            lists_before += 1;
            saw(|| format!("{lists_before} lists"));
        }
    })
    .await;
    println!("{lists_before} of {LISTS} lists were answered before");
    assert!(lists_before < LISTS);
    drop(pages);
}

#[tokio::test]
async fn who_has_just_gone_is_not_left_behind_by_a_node_that_stops() {
    let nats = Nats::start().await;
    let flags = ["--drain-notice", "0s", "--drain", "0s"];
    let (mut one, two) = one_and_two(&nats, &flags, &[]).await;
    let mut page = Page::open(one.address(), "web", "a", "1.0.0").await;
    counted(&two, 1, 0).await;
    let there = Page::hello(two.address(), hello(&page, "one")).await;
    page.closed().await;
    // Nothing keeps one from stopping at once.
    drop(page);
    one.terminate().await;
    let census = eventually("it has said goodbye", async || {
        let census = two.get("/v1/apps/web/census").await;
        (census["nodes"].as_array().unwrap().len() == 1).then_some(census)
    })
    .await;
    assert_eq!(sums(&census), (1, 0), "{census}");
    drop(there);
}

#[tokio::test]
async fn sessions_are_listed_and_explained_wherever_they_are() {
    let nats = Nats::start().await;
    let (one, two) = one_and_two(&nats, &[], &[]).await;
    let mut pages = Vec::new();
    for n in 0..20 {
        let node = if n % 3 == 0 { &one } else { &two };
        let labels = json!({"tenant": if n % 2 == 0 { "acme" } else { "other" }});
        let hello = json!({"app": "web", "build": "a", "version": "1.0.0", "labels": labels});
        pages.push(Page::hello(node.address(), hello).await);
    }
    let mut all: Vec<_> = pages.iter().map(Page::session).collect();
    all.sort_unstable();
    for server in [&one, &two] {
        counted(server, 20, 0).await;
        let mut listed = Vec::new();
        let mut query = "limit=3".to_owned();
        loop {
            let answer = listed_by_all(server, &query).await;
            listed.extend(answer["sessions"].as_array().unwrap().iter().map(|row| text(&row["session"])));
            let Some(next) = answer["next"].as_str() else { break };
            query = format!("limit=3&cursor={next}");
        }
        assert_eq!(listed, all);
        let acme = listed_by_all(server, "label.tenant=acme").await;
        assert_eq!(acme["sessions"].as_array().unwrap().len(), 10);
        for (page, node) in [(&pages[0], "one"), (&pages[1], "two")] {
            let path = format!("/v1/apps/web/sessions/{}", page.session());
            let detail = eventually("it is found", async || {
                let (status, detail) = server.call("GET", &path, None).await;
                (status == 200).then_some(detail)
            })
            .await;
            assert_eq!(detail["node"], node);
            assert!(!text(&detail["explanation"]).is_empty());
        }
    }
    // A node that doesn't answer is named, and the others' sessions are there.
    freeze(two.process()).await;
    let partial = eventually("two is named", async || {
        let partial = one.get("/v1/apps/web/sessions").await;
        (partial["complete"] == false && partial["missing"] == json!(["two"])).then_some(partial)
    })
    .await;
    assert_eq!(partial["sessions"].as_array().unwrap().len(), 7);
    let (status, problem) =
        one.call("GET", &format!("/v1/apps/web/sessions/{}", pages[1].session()), None).await;
    assert_eq!(status, 404);
    assert!(text(&problem["detail"]).contains("two did not"), "{problem}");
    thaw(two.process());
    counted(&one, 20, 0).await;
}

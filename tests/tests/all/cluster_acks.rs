//! A change whose answer gets lost on the way, or that itself arrives when nobody waits for it any more.

use freshwire_tests::{eventually, pair::Pair, process::Server, wire::Way};
use serde_json::{Value, json};

use crate::cluster_log::{agree, agree_again, is_unavailable, release};

/// What a node says when it publishes an entry of the app's.
const PUBLISHES: &str = "HPUB freshwire.freshwire.log.app.web";

async fn started() -> Pair {
    let pair = Pair::start(&[]).await;
    release(&pair.wired, "start").await;
    agree(&pair.nodes()).await;
    pair
}

/// Every release once, in this order, whoever is asked.
async fn has(pair: &Pair, builds: &[&str]) {
    for server in pair.nodes() {
        let entries = server.get("/v1/apps/web/log").await["entries"].clone();
        let oldest_first = entries.as_array().unwrap().iter().rev();
        let of: Vec<_> = oldest_first.map(|entry| entry["summary"].to_string()).collect();
        assert_eq!(of.len(), builds.len(), "{of:?}");
        for (summary, build) in of.iter().zip(builds) {
            assert!(summary.contains(build), "{of:?}");
        }
    }
}

async fn keyed(server: &Server, build: &str) -> (u16, Value) {
    let keyed = [("idempotency-key", build)];
    server.call_with("POST", "/v1/apps/web/releases", Some(json!({"build": build})), &keyed).await
}

/// Nothing is known of it yet, and that is said.
fn is_undecided(answer: &(u16, Value)) {
    is_unavailable(answer, false);
}

/// What is said of the same request once all is well again.
async fn in_the_end(server: &Server, build: &str) -> (u16, Value) {
    eventually("it is decided", async || {
        Some(keyed(server, build).await).filter(|(status, _)| *status != 503)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_whose_answer_is_lost_is_there_once_and_its_author_learns_it() {
    let pair = started().await;
    let Pair { wired, other, wire, .. } = &pair;
    let known_to_other = async |build: &str| {
        eventually("the other has it", async || {
            (other.get("/v1/apps/web").await["current"]["build"] == build).then_some(())
        })
        .await;
    };

    // The network is back, or the connection is another one, before anybody has given up.
    for (build, breaks) in [("late-answer", false), ("lost-answer", true)] {
        wire.hold_from(PUBLISHES, Way::Back);
        let (answer, ()) = tokio::join!(keyed(wired, build), async {
            wire.held().await;
            known_to_other(build).await;
            if breaks {
                wire.break_connections();
            }
            wire.mend();
        });
        assert_eq!(answer.0, 201, "{}", answer.1);
    }

    // It isn't.
    wire.hold_from(PUBLISHES, Way::Back);
    let answer = keyed(wired, "doubt").await;
    is_undecided(&answer);
    known_to_other("doubt").await;
    let repeated = keyed(other, "doubt").await;
    assert_eq!((repeated.0, &repeated.1["repeated"]), (200, &json!(true)), "{}", repeated.1);
    // This one can't send it again, and doesn't say that nothing came of it.
    is_undecided(&keyed(wired, "doubt").await);
    wire.break_connections();
    wire.mend();
    agree_again(&pair.nodes()).await;
    let again = in_the_end(wired, "doubt").await;
    assert_eq!((again.0, &again.1["number"]), (200, &repeated.1["number"]));
    has(&pair, &["start", "late-answer", "lost-answer", "doubt"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_arrives_late_counts_only_if_nothing_came_before_it() {
    let pair = started().await;
    let Pair { wired, other, wire, .. } = &pair;
    let number = async || wired.readiness().await.1["number"].as_u64().unwrap();
    for (round, overtaken) in [("first", false), ("second", true)] {
        let before = number().await;
        wire.hold_from(PUBLISHES, Way::There);
        is_undecided(&keyed(wired, round).await);
        if overtaken {
            release(other, "quicker").await;
        }
        wire.mend();
        let last = before + 1 + u64::from(overtaken);
        eventually("it arrives", async || (number().await == last).then_some(())).await;
        agree_again(&pair.nodes()).await;
        let (status, answer) = in_the_end(wired, round).await;
        let number = if overtaken { last + 1 } else { last };
        assert_eq!((status, &answer["number"]), (if overtaken { 201 } else { 200 }, &json!(number)));
        agree_again(&pair.nodes()).await;
    }
    has(&pair, &["start", "first", "quicker", "second"]).await;
}

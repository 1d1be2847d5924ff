//! How long a change takes: on the log of one machine, and on those of a cluster.

use std::time::Instant;

use freshwire_tests::{nats::Nats, process::Server};
use futures_util::future::join_all;
use serde_json::json;

use crate::{
    figures::Changes,
    meter::{float, millis},
};

const CHANGES: usize = 200;
const WRITERS: usize = 16;
const CHANGES_A_WRITER: usize = 25;

/// With nobody connected: what a change costs by itself.
pub async fn measure() -> Vec<Changes> {
    let alone = Server::start().await;
    let mut measured = vec![of("one machine (SQLite)", &alone).await];
    drop(alone);
    let nats = Nats::start().await;
    let node = Server::node(&nats, "node-1", &[]).await;
    measured.push(of("one NATS server", &node).await);
    drop((node, nats));
    let nats = Nats::cluster().await;
    let node = Server::node(&nats, "node-1", &[]).await;
    measured.push(of("three NATS servers", &node).await);
    measured
}

async fn of(log: &str, server: &Server) -> Changes {
    let mut answered_ms = Vec::new();
    for _ in 0..CHANGES {
        answered_ms.push(change(server).await.1);
    }
    answered_ms.sort_by(f64::total_cmp);
    let began = Instant::now();
    // Of an app each: changes of one app take turns.
    join_all((0..WRITERS).map(async |writer| {
        for n in 0..CHANGES_A_WRITER {
            put(server, &format!("app-{writer}"), n % 2 == 0).await;
        }
    }))
    .await;
    let a_second = float(WRITERS * CHANGES_A_WRITER) / began.elapsed().as_secs_f64();
    let measured = Changes { log: log.to_owned(), answered_ms, a_second };
    println!(
        "changes on {log}: half within {:.1} ms, {a_second:.0} a second by {WRITERS} writers",
        measured.answered_ms[CHANGES / 2]
    );
    measured
}

/// Changes an app that nobody has open; says its number, and after how many milliseconds it was answered.
pub async fn change(server: &Server) -> (u64, f64) {
    let began = Instant::now();
    let number = put(server, "quiet", true).await;
    (number, millis(began.elapsed()))
}

/// The same until the last node answers with it. The nodes are asked all the time, one after the other.
pub async fn changed_everywhere(servers: &[Server]) -> f64 {
    let began = Instant::now();
    let number = put(&servers[0], "quiet", false).await;
    for server in servers {
        while server.call("GET", "/v1/apps/quiet", None).await.1["number"].as_u64() < Some(number) {}
    }
    millis(began.elapsed())
}

async fn put(server: &Server, app: &str, silent: bool) -> u64 {
    let action = if silent { "silent" } else { "prompt" };
    let answer = server.done("PUT", &format!("/v1/apps/{app}"), Some(json!({"stale_action": action}))).await;
    answer["number"].as_u64().expect("a number")
}

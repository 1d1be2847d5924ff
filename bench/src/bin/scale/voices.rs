//! One real node among a hundred on a real NATS. The others only say what nodes say and hear what nodes hear: that is all
//! that NATS and the real node have to do with them.

use std::time::Duration;

use freshwire_tests::{eventually, process::Server};
use futures_util::StreamExt;
use serde_json::json;
use tokio::{task::JoinSet, time::sleep};

use crate::{
    figures::Voices,
    meter::{Metered, asked, float},
    reports::message,
};

/// Of a cluster that isn't named otherwise.
const SUBJECT: &str = "freshwire.freshwire.roll";
const FOR: Duration = Duration::from_secs(15);
const QUESTIONS: u32 = 50;

pub async fn measure(nodes: usize, builds: usize) -> Voices {
    let metered = Metered::start().await;
    let servers = [Server::node(&metered.nats, "node-real", &["--warmup", "0s"]).await];
    let server = &servers[0];
    server.done("PUT", "/v1/apps/web", Some(json!({"stale_action": "silent"}))).await;
    let mut voices = JoinSet::new();
    for n in 1..nodes {
        // Nodes don't speak all at once, nor hear themselves.
        let client = async_nats::ConnectOptions::new().no_echo().connect(metered.nats.url()).await;
        let waits = Duration::from_secs(1).mul_f64(float(n) / float(nodes));
        voices.spawn(speak(client.expect("NATS is there"), format!("node-{n:03}"), waits, builds));
    }
    eventually("all are heard", async || {
        let census = server.get("/v1/apps/web/census").await;
        let heard = census["nodes"].as_array().map(Vec::len);
        (heard == Some(nodes) && census["complete"] == true).then_some(())
    })
    .await;
    let (changing, ()) = metered.flow(&servers, sleep(FOR)).await;
    let (census_us, census_cpu_us) = asked(server, "/v1/apps/web/census", QUESTIONS).await;
    voices.shutdown().await;
    let report_bytes = message("node-001", 1, builds).len();
    Voices { nodes, builds, report_bytes, changing, census_us, census_cpu_us }
}

/// Tells a change every second, and hears what the others tell.
async fn speak(client: async_nats::Client, node: String, waits: Duration, builds: usize) {
    let mut heard = client.subscribe(SUBJECT).await.expect("NATS is there");
    let hearing = async { while heard.next().await.is_some() {} };
    let telling = async {
        sleep(waits).await;
        let mut second = tokio::time::interval(Duration::from_secs(1));
        for seq in 1.. {
            second.tick().await;
            client.publish(SUBJECT, message(&node, seq, builds).into()).await.expect("NATS is there");
        }
    };
    tokio::join!(hearing, telling);
}

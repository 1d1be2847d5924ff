//! What goes through NATS and what it costs, between two looks.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use freshwire_tests::{
    cpu::cpu_time,
    nats::Nats,
    process::{Server, TOKEN, client},
};
use serde_json::Value;

use crate::figures::{Flow, Quantiles};

/// NATS with its monitoring on, so that it can be asked what went through it.
pub struct Metered {
    pub nats: Nats,
    monitor: u16,
}

/// All that was counted up to a moment.
pub struct Reading {
    at: Instant,
    counted: [f64; 4],
    nodes: Duration,
    nats: Duration,
}

impl Metered {
    pub async fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let monitor = listener.local_addr().expect("it is bound").port();
        drop(listener);
        let nats = Nats::start_with(&format!("http: \"127.0.0.1:{monitor}\"\nmax_pending: 256MB")).await;
        Self { nats, monitor }
    }

    pub async fn read(&self, servers: &[Server]) -> Reading {
        let url = format!("http://127.0.0.1:{}/varz", self.monitor);
        let varz: Value = client().get(url).send().await.expect("an answer").json().await.expect("JSON");
        let counted = ["in_msgs", "out_msgs", "in_bytes", "out_bytes"];
        Reading {
            at: Instant::now(),
            counted: counted.map(|name| varz[name].as_f64().expect("a count")),
            nodes: servers.iter().map(|server| cpu_time(server.pid())).sum(),
            nats: cpu_time(self.nats.pid(0)),
        }
    }

    /// What goes through while something happens.
    pub async fn flow<T>(&self, servers: &[Server], during: impl Future<Output = T>) -> (Flow, T) {
        let before = self.read(servers).await;
        let happened = during.await;
        (self.read(servers).await.since(&before, servers.len()), happened)
    }
}

impl Reading {
    pub fn since(&self, before: &Self, nodes: usize) -> Flow {
        let seconds = (self.at - before.at).as_secs_f64();
        let [messages_in, messages_out, bytes_in, bytes_out] =
            [0, 1, 2, 3].map(|index| (self.counted[index] - before.counted[index]) / seconds);
        Flow {
            messages_in,
            messages_out,
            bytes_in,
            bytes_out,
            node_cpu: self.nodes.saturating_sub(before.nodes).as_secs_f64() / seconds / float(nodes),
            nats_cpu: self.nats.saturating_sub(before.nats).as_secs_f64() / seconds,
        }
    }
}

/// Asks a server the same so many times over one connection: the time of an answer in the middle, and the server's
/// processor time for one, both in microseconds.
pub async fn asked(server: &Server, question: &str, times: u32) -> (f64, f64) {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let url = server.url(question);
    let before = cpu_time(server.pid());
    let mut took = Vec::new();
    for _ in 0..times {
        let asked = Instant::now();
        let answer = client.get(&url).bearer_auth(TOKEN).send().await.expect("an answer");
        let answer = answer.error_for_status().expect("the answer asked for");
        answer.bytes().await.expect("all of it");
        took.push(asked.elapsed().as_secs_f64() * 1e6);
    }
    let spent = cpu_time(server.pid()).saturating_sub(before) / times;
    (Quantiles::of(took).p50, micros(spent))
}

pub fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

pub fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub fn float(count: usize) -> f64 {
    count as f64
}

/// Milliseconds since 1970: the load's processes are on the same machine and have the same clock.
pub fn now_ms() -> f64 {
    millis(SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970"))
}

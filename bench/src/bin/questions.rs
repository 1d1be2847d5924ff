//! What an operator's questions cost the server, and that it doesn't depend on how many sessions there are: the counts
//! are kept, not made. Two servers are asked in turn, each over one connection, one question after the other.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use freshwire_tests::{
    cpu::{self, CpuMeter},
    files::allow_pages,
    page::Page,
    process::{Server, TOKEN},
};
use futures_util::{StreamExt, stream};
use serde_json::json;

/// Sessions of the two servers. Each has a file open for each of its own, and this program for all.
const FEW: usize = 1_000;
const MANY: usize = 15_000;
const BUILDS: usize = 12;
const QUESTIONS: [&str; 6] =
    ["census", "needs", "matrix", "gate?below=1.11.0", "gate?build=build-3", "gate?needs=route.legacy"];
/// In each of so many rounds, each question so many times; the cheapest round counts, as what else the machine does
/// only adds to it.
const ROUNDS: u32 = 40;
const TIMES: u32 = 50;
/// What an answer may cost the server, and how much more with fifteen times as many sessions.
const BUDGET: Duration = Duration::from_millis(1);
const RATIO: f64 = 4.0;
const PATIENCE: Duration = Duration::from_mins(1);

/// What one question costs.
#[derive(Clone, Copy)]
struct Cost {
    /// Processor time of the server.
    server: Duration,
    /// From asking to having the answer, in the middle of all times.
    median: Duration,
}

#[tokio::main]
async fn main() -> ExitCode {
    if let Err(message) = allow_pages(FEW + MANY) {
        eprintln!("{message}");
        return ExitCode::FAILURE;
    }
    if !cpu::is_told() {
        println!(
            "not measured: this system doesn't tell the processor time of a process (/proc/PID/schedstat)"
        );
        return ExitCode::SUCCESS;
    }
    let (few, many) = (Asked::new(FEW).await, Asked::new(MANY).await);
    println!("questions on {BUILDS} builds with {FEW} and with {MANY} sessions");
    println!("{:<24} {:>24} {:>7} {:>26}", "question", "server CPU an answer", "ratio", "median answer");
    let mut sound = true;
    for question in QUESTIONS {
        let (few, many) = compare(&few, &many, question).await;
        let ratio = micros(many.server) / micros(few.server);
        println!(
            "{question:<24} {:>9.0} µs → {:>6.0} µs {ratio:>7.2} {:>11.0} µs → {:>6.0} µs",
            micros(few.server),
            micros(many.server),
            micros(few.median),
            micros(many.median),
        );
        sound &= many.server < BUDGET && ratio < RATIO;
    }
    if sound {
        return ExitCode::SUCCESS;
    }
    eprintln!(
        "an answer costs more than {BUDGET:?}, or {RATIO} times as much with {MANY} sessions as with {FEW}"
    );
    ExitCode::FAILURE
}

fn name(build: usize) -> String {
    format!("build-{build}")
}

fn version(build: usize) -> String {
    format!("1.{build}.0")
}

/// A server with its sessions, and a connection to ask it over.
struct Asked {
    server: Server,
    client: reqwest::Client,
    _pages: Vec<Page>,
}

impl Asked {
    async fn new(sessions: usize) -> Self {
        let server = Server::start_with(&["--ping-interval", "10m", "--warmup", "0s"]).await;
        server.done("PUT", "/v1/apps/web", Some(json!({"stale_action": "silent"}))).await;
        for build in 0..BUILDS {
            let needs = if build % 2 == 0 { vec!["route.legacy"] } else { Vec::new() };
            let release = json!({"build": name(build), "version": version(build), "needs": needs});
            server.release("web", release).await;
        }
        for instance in ["one", "two", "three", "four"] {
            let report = json!({"build": "backend-1", "provides": ["route.legacy"], "ttl": "10m"});
            server.done("PUT", &format!("/v1/apps/web/backends/{instance}"), Some(report)).await;
        }
        let page = async |n: usize| {
            let build = n % BUILDS;
            Page::open(server.address(), "web", &name(build), &version(build)).await
        };
        let pages = stream::iter(0..sessions).map(page).buffer_unordered(50).collect().await;
        assert_eq!(server.get("/v1/apps/web/census").await["sessions"], sessions);
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().expect("a client");
        Self { server, client, _pages: pages }
    }

    /// Asks a few times.
    async fn round(&self, question: &str) -> Cost {
        let url = self.server.url(&format!("/v1/apps/web/{question}"));
        let meter = CpuMeter::start(self.server.pid());
        let mut times = Vec::new();
        for _ in 0..TIMES {
            let asked = Instant::now();
            let answer = self.client.get(&url).bearer_auth(TOKEN).send().await.expect("an answer");
            let answer = answer.error_for_status().expect("the answer asked for");
            answer.bytes().await.expect("all of it");
            times.push(asked.elapsed());
        }
        times.sort_unstable();
        Cost { server: meter.spent() / TIMES, median: times[times.len() / 2] }
    }
}

async fn compare(few: &Asked, many: &Asked, question: &str) -> (Cost, Cost) {
    let mut cheapest = (few.round(question).await, many.round(question).await);
    for _ in 0..ROUNDS {
        cheapest.0 = cheapest.0.or(few.round(question).await);
        cheapest.1 = cheapest.1.or(many.round(question).await);
    }
    cheapest
}

impl Cost {
    fn or(self, other: Self) -> Self {
        Self { server: self.server.min(other.server), median: self.median.min(other.median) }
    }
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

//! Real pages on real nodes of one NATS server.

use std::time::{Duration, Instant};

use freshwire_tests::{
    cpu::cpu_time,
    eventually,
    process::{Server, rss},
};
use futures_util::future::join_all;
use serde_json::json;
use tokio::time::sleep;

use crate::{
    changes::{change, changed_everywhere},
    figures::{Cluster, Quantiles},
    load::{BUILDS, Load, build_name, version},
    meter::{Metered, asked, float, micros, now_ms},
};

/// For so long what goes through NATS is counted while nothing happens.
const QUIET: Duration = Duration::from_secs(24);
/// Pages that come in a second, of all nodes, and for how many seconds.
const CHURN: usize = 200;
const CHURN_SECONDS: usize = 15;
/// The time that a paced wave is given.
const WAVE: Duration = Duration::from_secs(20);
const CHANGES: usize = 100;
const QUESTIONS: u32 = 200;
/// Memory and processors come to rest.
const REST: Duration = Duration::from_secs(6);

/// A cluster with its load.
struct Stand {
    metered: Metered,
    servers: Vec<Server>,
    loads: Vec<Load>,
    sessions: usize,
}

pub async fn measure(nodes: usize, sessions_a_node: usize) -> Cluster {
    let mut stand = Stand::start(nodes).await;
    let rss_empty = stand.rss();
    let (kernel_empty, cpu_empty) = (kernel_memory(), stand.cpu());

    let began = Instant::now();
    stand.loads = stand.servers.iter().map(|server| Load::start(server.address(), sessions_a_node)).collect();
    stand.done().await;
    let connected_s = began.elapsed().as_secs_f64();
    stand.sessions = nodes * sessions_a_node;
    let exact_s = stand.exact().await;
    let cpu_us_a_join = micros(stand.cpu().saturating_sub(cpu_empty)) / float(stand.sessions);
    sleep(REST).await;
    let (rss_full, nats_rss) = (stand.rss(), rss(stand.metered.nats.pid(0)));
    let kernel = kernel_memory().saturating_sub(kernel_empty);

    let (quiet, ()) = stand.metered.flow(&stand.servers, sleep(QUIET)).await;
    let (census_us, census_cpu_us) = asked(&stand.servers[0], "/v1/apps/web/census", QUESTIONS).await;

    let (mut answered, mut everywhere) = (Vec::new(), Vec::new());
    for _ in 0..CHANGES {
        answered.push(change(&stand.servers[0]).await.1);
        everywhere.push(changed_everywhere(&stand.servers).await);
    }

    let (spent, of_load) = (stand.cpu(), stand.load_cpu());
    let told = stand.raise("0s").await;
    let cpu_us_a_notice = micros(stand.cpu().saturating_sub(spent)) / float(told.len());
    let load_cpu_us_a_notice = micros(stand.load_cpu().saturating_sub(of_load)) / float(told.len());
    stand.lower().await;

    let began = stand.metered.read(&stand.servers).await;
    let waved = stand.raise(&format!("{}s", WAVE.as_secs())).await;
    let wave = stand.metered.read(&stand.servers).await.since(&began, nodes);
    stand.lower().await;

    sleep(REST).await;
    let (servers, loads) = (&stand.servers, &mut stand.loads);
    let churning = async {
        for load in &mut *loads {
            load.tell_churn(CHURN / nodes, CHURN_SECONDS).await;
        }
        join_all(loads.iter_mut().map(Load::done)).await
    };
    let (churn, done) = stand.metered.flow(servers, churning).await;
    let lost = done.iter().map(|done| done.lost).sum();
    let exact_after_churn_s = stand.exact().await;
    for load in stand.loads {
        load.end().await;
    }
    Cluster {
        nodes,
        sessions: stand.sessions,
        builds: BUILDS,
        connected_s,
        cpu_us_a_join,
        exact_s,
        rss_empty,
        rss_full,
        kernel_bytes_a_session: kernel / 2 / stand.sessions as u64,
        nats_rss,
        quiet,
        churn_a_second: CHURN / nodes * nodes,
        churn,
        exact_after_churn_s,
        notices: told.len(),
        notice_ms: Quantiles::of(told),
        cpu_us_a_notice,
        load_cpu_us_a_notice,
        wave_s: WAVE.as_secs_f64(),
        wave_last_s: Quantiles::of(waved).last / 1e3,
        wave,
        change_ms: Quantiles::of(answered),
        change_everywhere_ms: Quantiles::of(everywhere),
        census_us,
        census_cpu_us,
        lost,
    }
}

impl Stand {
    async fn start(nodes: usize) -> Self {
        let metered = Metered::start().await;
        let mut servers = Vec::new();
        for node in 1..=nodes {
            let flags = ["--ping-interval", "1h", "--warmup", "0s"];
            servers.push(Server::node(&metered.nats, &format!("node-{node}"), &flags).await);
        }
        let first = &servers[0];
        first.done("PUT", "/v1/apps/web", Some(json!({"stale_action": "silent"}))).await;
        for build in 0..BUILDS {
            first.release("web", json!({"build": build_name(build), "version": version(build)})).await;
        }
        let stand = Self { metered, servers, loads: Vec::new(), sessions: 0 };
        // From now on all have heard all the others.
        stand.exact().await;
        stand
    }

    /// Waits until all loads have done what they were told.
    async fn done(&mut self) -> Vec<f64> {
        let done = join_all(self.loads.iter_mut().map(Load::done)).await;
        done.into_iter().flat_map(|done| done.told_at).collect()
    }

    /// Raises the minimum, and says after how many milliseconds each page was told.
    async fn raise(&mut self, over: &str) -> Vec<f64> {
        for load in &mut self.loads {
            load.tell_told().await;
        }
        let minimum = json!({"version": version(BUILDS - 1), "reason": "CVE-2026-1234", "over": over});
        let raised = now_ms();
        self.servers[0].done("PUT", "/v1/apps/web/minimum", Some(minimum)).await;
        self.done().await.into_iter().map(|told| told - raised).collect()
    }

    async fn lower(&mut self) {
        self.servers[0].done("DELETE", "/v1/apps/web/minimum", None).await;
        for load in &mut self.loads {
            load.tell_withdrawn().await;
        }
        self.done().await;
    }

    /// Waits until the census of every node has all sessions and no more, and says for how many seconds.
    async fn exact(&self) -> f64 {
        let began = Instant::now();
        for server in &self.servers {
            eventually("the census is exact", async || {
                let census = server.get("/v1/apps/web/census").await;
                (census["sessions"] == self.sessions && census["complete"] == true).then_some(())
            })
            .await;
        }
        began.elapsed().as_secs_f64()
    }

    fn rss(&self) -> u64 {
        self.servers.iter().map(Server::rss).sum()
    }

    fn load_cpu(&self) -> Duration {
        self.loads.iter().map(Load::cpu).sum()
    }

    fn cpu(&self) -> Duration {
        self.servers.iter().map(|server| cpu_time(server.pid())).sum()
    }
}

/// What the kernel holds for itself: sockets among it.
fn kernel_memory() -> u64 {
    let memory = std::fs::read_to_string("/proc/meminfo").expect("Linux tells it");
    let line = memory.lines().find(|line| line.starts_with("Slab:")).expect("a line of it");
    let kib: u64 = line.split_whitespace().nth(1).and_then(|word| word.parse().ok()).expect("a number");
    let sockets = std::fs::read_to_string("/proc/net/sockstat").expect("Linux tells it");
    let pages =
        sockets.lines().find_map(|line| line.strip_prefix("TCP:")?.split_once("mem ")?.1.parse().ok());
    kib * 1024 + pages.unwrap_or(0) * 4096
}

//! What is measured, as it stands in the file.

use std::{fs, process::Command};

use serde::{Deserialize, Serialize};

/// All of it.
#[derive(Serialize, Deserialize)]
pub struct Figures {
    pub machine: Machine,
    pub clusters: Vec<Cluster>,
    pub changes: Vec<Changes>,
    pub reports: Vec<ReportCost>,
    pub voices: Vec<Voices>,
}

/// Where it was measured. Servers, NATS and the load share it.
#[derive(Serialize, Deserialize)]
pub struct Machine {
    pub processor: String,
    pub cores: usize,
    pub memory_gib: f64,
    pub kernel: String,
    pub nats_server: String,
}

/// Real pages on real nodes, one NATS server.
#[derive(Serialize, Deserialize)]
pub struct Cluster {
    pub nodes: usize,
    pub sessions: usize,
    pub builds: usize,
    /// Until all pages were welcomed, all at once as fast as the load and the nodes can.
    pub connected_s: f64,
    /// Processor time of the nodes for each of them.
    pub cpu_us_a_join: f64,
    /// From the last welcome until every node's census had all.
    pub exact_s: f64,
    /// Resident memory of all nodes together, without sessions and with them.
    pub rss_empty: u64,
    pub rss_full: u64,
    /// What the kernel holds more for each session: half of what it holds for the two ends of each connection.
    pub kernel_bytes_a_session: u64,
    pub nats_rss: u64,
    pub quiet: Flow,
    /// While so many pages a second come, and as many go.
    pub churn_a_second: usize,
    pub churn: Flow,
    /// From the end of that until every node's census was exact again.
    pub exact_after_churn_s: f64,
    /// A minimum raised, all pages below it told at once.
    pub notices: usize,
    pub notice_ms: Quantiles,
    pub cpu_us_a_notice: f64,
    /// The same of the load, whose pages read it and acknowledge it on the same cores.
    pub load_cpu_us_a_notice: f64,
    /// A minimum raised, all pages below it told over so long.
    pub wave_s: f64,
    pub wave_last_s: f64,
    pub wave: Flow,
    /// A change of another app while all are connected: until the answer, and until the last node has it.
    pub change_ms: Quantiles,
    pub change_everywhere_ms: Quantiles,
    /// A census asked of one node.
    pub census_us: f64,
    pub census_cpu_us: f64,
    /// Sessions that were lost on the way.
    pub lost: usize,
}

/// What goes through NATS, and what it costs, a second.
#[derive(Serialize, Deserialize)]
pub struct Flow {
    pub messages_in: f64,
    pub messages_out: f64,
    pub bytes_in: f64,
    pub bytes_out: f64,
    /// In cores: of a node, and of NATS.
    pub node_cpu: f64,
    pub nats_cpu: f64,
}

/// Of many times.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Quantiles {
    pub p50: f64,
    pub p99: f64,
    pub last: f64,
}

/// Changes one after the other on one kind of log, with nobody connected.
#[derive(Serialize, Deserialize)]
pub struct Changes {
    pub log: String,
    /// Each one's time until the answer, in order of time.
    pub answered_ms: Vec<f64>,
    /// Sixteen writers at once: changes a second.
    pub a_second: f64,
}

/// What a node's report costs by itself.
#[derive(Serialize, Deserialize)]
pub struct ReportCost {
    pub builds: usize,
    pub bytes: usize,
    /// Making the text of it.
    pub write_us: f64,
    /// Reading it and taking it in.
    pub hear_us: f64,
    /// Putting 99 of them together for a census.
    pub merge_us: f64,
}

/// One real node and a real NATS, and nodes that only say and hear what nodes say and hear.
#[derive(Serialize, Deserialize)]
pub struct Voices {
    pub nodes: usize,
    pub builds: usize,
    pub report_bytes: usize,
    /// Everybody tells a change every second.
    pub changing: Flow,
    /// A census asked of the real node meanwhile.
    pub census_us: f64,
    pub census_cpu_us: f64,
}

impl Machine {
    pub fn here() -> Result<Self, String> {
        let read = |file: &str| fs::read_to_string(file).map_err(|error| format!("{file}: {error}"));
        let after_colon = |text: &str, name: &str| {
            let line = text.lines().find(|line| line.starts_with(name));
            line.and_then(|line| Some(line.split_once(':')?.1.trim().to_owned())).unwrap_or_default()
        };
        let cpu = read("/proc/cpuinfo")?;
        let kib = after_colon(&read("/proc/meminfo")?, "MemTotal");
        let kib: f64 = kib.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0.0);
        let nats = Command::new("nats-server").arg("--version").output();
        let nats = nats.map_err(|error| format!("nats-server: {error}; run 'scripts/setup scale'"))?;
        let kernel = read("/proc/sys/kernel/osrelease")?;
        let version = kernel.split(['-', '\n']).next().unwrap_or_default();
        Ok(Self {
            processor: after_colon(&cpu, "model name"),
            cores: cpu.lines().filter(|line| line.starts_with("processor")).count(),
            memory_gib: (kib / 1024.0 / 102.4).round() / 10.0,
            kernel: format!("Linux {version}"),
            nats_server: String::from_utf8_lossy(&nats.stdout).trim().replace("nats-server: v", ""),
        })
    }
}

impl Quantiles {
    /// Of times in any order. None may be missing.
    pub fn of(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        let at = |percent: usize| times[(times.len() * percent).div_ceil(100).saturating_sub(1)];
        Self { p50: at(50), p99: at(99), last: at(100) }
    }
}

impl Cluster {
    pub fn summary(&self) -> String {
        format!(
            "{} nodes, {} sessions: connected in {:.1} s, exact after {:.1} s, {} MB; quiet {:.0} messages/s and {:.0} \
             bytes/s out of NATS, with churn {:.0} and {:.0}; last notice after {:.0} ms; {} lost",
            self.nodes,
            self.sessions,
            self.connected_s,
            self.exact_s,
            self.rss_full / 1_000_000,
            self.quiet.messages_out,
            self.quiet.bytes_out,
            self.churn.messages_out,
            self.churn.bytes_out,
            self.notice_ms.last,
            self.lost,
        )
    }
}

impl Voices {
    pub fn summary(&self) -> String {
        format!(
            "{} nodes, {} builds: {:.0} messages/s and {:.0} bytes/s out of NATS, which takes {:.2} cores, the node {:.3}",
            self.nodes,
            self.builds,
            self.changing.messages_out,
            self.changing.bytes_out,
            self.changing.nats_cpu,
            self.changing.node_cpu,
        )
    }
}

//! What a session and a notice cost: Freshwire beside axum's chat example, one after the other in one run. Absolute
//! values move with the machine; only the ratios count.

use std::{
    path::{Path, PathBuf},
    process::{ExitCode, Stdio},
    time::Duration,
};

use freshwire_tests::{
    cpu::{self, CpuMeter},
    files::allow_pages,
    page::Page,
    process::{self, Server, rss},
};
use futures_util::{StreamExt, future::join_all, stream};
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

const SESSIONS: usize = 5_000;
const ROUNDS: u32 = 10;
const PATIENCE: Duration = Duration::from_mins(1);

/// What one server costs.
struct Cost {
    name: &'static str,
    /// Resident bytes that each session adds.
    bytes_a_session: u64,
    /// Processor time for each notice that reached a page.
    cpu_a_notice: Duration,
    /// Processor time for each session that joined.
    cpu_a_join: Duration,
}

#[tokio::main]
async fn main() -> ExitCode {
    if let Err(message) = allow_pages(SESSIONS) {
        eprintln!("{message}");
        return ExitCode::FAILURE;
    }
    if !cpu::is_told() {
        println!(
            "no CPU below: this system doesn't tell the processor time of a process (/proc/PID/schedstat)"
        );
    }
    let chat = chat().await;
    let freshwire = freshwire().await;
    println!("{SESSIONS} sessions, {ROUNDS} rounds of notices to all of them");
    println!("{:<32} {:>14} {:>16} {:>14}", "server", "RSS a session", "CPU a notice", "CPU a join");
    for Cost { name, bytes_a_session, cpu_a_notice, cpu_a_join } in [&chat, &freshwire] {
        println!(
            "{name:<32} {bytes_a_session:>12} B {:>13.1} µs {:>11.1} µs",
            micros(*cpu_a_notice),
            micros(*cpu_a_join)
        );
    }
    println!(
        "ratio, chat ÷ freshwire: {:.1} in memory, {:.2} in CPU a notice",
        ratio(chat.bytes_a_session, freshwire.bytes_a_session),
        micros(chat.cpu_a_notice) / micros(freshwire.cpu_a_notice),
    );
    ExitCode::SUCCESS
}

async fn freshwire() -> Cost {
    let server = Server::start_with(&["--ping-interval", "10m"]).await;
    server.done("PUT", "/v1/apps/web", Some(json!({"stale_action": "silent"}))).await;
    for (build, version) in [("a", "1.0.0"), ("b", "1.1.0")] {
        server.done("POST", "/v1/apps/web/releases", Some(json!({"build": build, "version": version}))).await;
    }
    let pid = server.pid();
    warm_up(server.address(), Some("web")).await;
    let (memory, joins) = (rss(pid), CpuMeter::start(pid));
    let mut pages = open(server.address(), SESSIONS, Some("web")).await;
    let (memory, joins) = (rss(pid).saturating_sub(memory), joins.spent());

    let mut spent = Duration::ZERO;
    for _ in 0..ROUNDS {
        let meter = CpuMeter::start(pid);
        let minimum = json!({"version": "1.1.0", "reason": "CVE-2026-1234", "over": "0s"});
        server.done("PUT", "/v1/apps/web/minimum", Some(minimum)).await;
        each(&mut pages, async |page: &mut Page| until(page, "notice").await).await;
        spent += meter.spent();
        server.done("DELETE", "/v1/apps/web/minimum", None).await;
        each(&mut pages, async |page: &mut Page| until(page, "withdraw").await).await;
    }
    cost("freshwire (standing and notice)", memory, spent, joins)
}

async fn chat() -> Cost {
    let (child, address) = start_chat().await;
    let pid = child.id().expect("it runs");
    warm_up(&address, None).await;
    let (memory, joins) = (rss(pid), CpuMeter::start(pid));
    let mut pages = open(&address, SESSIONS, None).await;
    let (memory, joins) = (rss(pid).saturating_sub(memory), joins.spent());

    let notice = json!({"type": "notice", "notice": 3, "run": 3, "step": 0, "action": "countdown", "build": "b",
        "version": "1.1.0", "severity": "security", "reason": "CVE-2026-1234"});
    let mut spent = Duration::ZERO;
    for _ in 0..ROUNDS {
        let meter = CpuMeter::start(pid);
        pages[0].send(&notice).await;
        each(&mut pages, async |page: &mut Page| until(page, "notice").await).await;
        spent += meter.spent();
    }
    cost("axum chat example (one message)", memory, spent, joins)
}

/// So that what a server sets up once isn't counted to its sessions.
async fn warm_up(address: &str, app: Option<&str>) {
    for page in open(address, 200, app).await {
        page.close(1000).await;
    }
}

async fn open(address: &str, count: usize, app: Option<&str>) -> Vec<Page> {
    let page = async |_| {
        if let Some(app) = app {
            return Page::open(address, app, "a", "1.0.0").await;
        }
        let mut page = Page::silent(address, None).await;
        page.frame("welcome").await;
        page
    };
    stream::iter(0..count).map(page).buffered(50).collect().await
}

async fn each(pages: &mut [Page], act: impl AsyncFn(&mut Page)) {
    for some in pages.chunks_mut(200) {
        join_all(some.iter_mut().map(|page| act(page))).await;
    }
}

async fn until(page: &mut Page, kind: &str) {
    loop {
        match page.next_frame(PATIENCE).await {
            Some(frame) if frame["type"] == kind => return,
            Some(_) => {}
            None => panic!("no {kind} came: {:?}", page.closed().await),
        }
    }
}

fn cost(name: &'static str, memory: u64, notices: Duration, joins: Duration) -> Cost {
    let sessions = u32::try_from(SESSIONS).expect("a small number");
    Cost {
        name,
        bytes_a_session: memory / u64::from(sessions),
        cpu_a_notice: notices / (sessions * ROUNDS),
        cpu_a_join: joins / sessions,
    }
}

async fn start_chat() -> (Child, String) {
    let mut child = Command::new(beside("chat"))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the chat server is built beside this program");
    let stdout = child.stdout.take().expect("it is piped");
    let address =
        BufReader::new(stdout).lines().next_line().await.ok().flatten().expect("it says where it listens");
    (child, address)
}

fn beside(name: &str) -> PathBuf {
    process::binary().parent().map_or_else(|| Path::new(name).to_owned(), |folder| folder.join(name))
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

#[expect(clippy::cast_precision_loss, reason = "a ratio for people to read")]
fn ratio(a: u64, b: u64) -> f64 {
    a as f64 / b.max(1) as f64
}

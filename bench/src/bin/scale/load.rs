//! The pages of one node, in a process of their own: a process may have so many files, and no more. It is told on
//! standard input what to do, says on standard output when it has, and ends when its input does.

use std::{
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use freshwire_tests::{cpu::cpu_time, page::Page};
use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::{Mutex, mpsc},
    time::sleep,
};

use crate::meter::now_ms;

pub const BUILDS: usize = 12;
/// So many pages say hello at once.
const AT_ONCE: usize = 64;
/// How long a page that comes and goes stays.
const STAYS: Duration = Duration::from_secs(1);
/// Nothing is expected to take it.
const PATIENCE: Duration = Duration::from_mins(5);
/// Longer than any measurement.
const LIFE: Duration = Duration::from_hours(1);
const LOOKS_EVERY: Duration = Duration::from_millis(10);

#[derive(Serialize, Deserialize)]
enum Order {
    /// Wait until all pages below the last build are told, and say when they were.
    Told,
    /// Wait until they are told no more.
    Withdrawn,
    /// Let pages come and go.
    Churn { a_second: usize, seconds: usize },
}

/// What it says when an order is done.
#[derive(Serialize, Deserialize)]
pub struct Done {
    /// Milliseconds since 1970.
    pub told_at: Vec<f64>,
    /// Pages whose socket has ended.
    pub lost: usize,
}

/// The process, from its parent's side.
pub struct Load {
    child: Child,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Load {
    /// Starts to connect.
    pub fn start(address: &str, sessions: usize) -> Self {
        let program = std::env::current_exe().expect("this program");
        let mut child = Command::new(program)
            .args(["load", address, &sessions.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("it starts");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        Self { input: child.stdin.take().expect("it is piped"), child, lines }
    }

    /// Processor time that it has used.
    pub fn cpu(&self) -> Duration {
        cpu_time(self.child.id().expect("it runs"))
    }

    /// Waits until it has done what it was told last, or has connected.
    pub async fn done(&mut self) -> Done {
        let line = tokio::time::timeout(PATIENCE, self.lines.next_line()).await.expect("it is done in time");
        serde_json::from_str(&line.expect("a line").expect("it runs")).expect("what it says")
    }

    pub async fn tell_told(&mut self) {
        self.tell(&Order::Told).await;
    }

    pub async fn tell_withdrawn(&mut self) {
        self.tell(&Order::Withdrawn).await;
    }

    pub async fn tell_churn(&mut self, a_second: usize, seconds: usize) {
        self.tell(&Order::Churn { a_second, seconds }).await;
    }

    async fn tell(&mut self, order: &Order) {
        let line = serde_json::to_string(order).expect("an order can be written as JSON") + "\n";
        self.input.write_all(line.as_bytes()).await.expect("it reads");
    }

    pub async fn end(mut self) {
        drop(self.input);
        // However it ends, its pages are gone.
        let _ = self.child.wait().await;
    }
}

#[derive(Default)]
struct Seen {
    told_at: Mutex<Vec<f64>>,
    withdrawn: AtomicUsize,
    lost: AtomicUsize,
}

/// What the process does.
pub async fn run(address: &str, sessions: usize) {
    let open = async |n: usize| open(address, n % BUILDS).await;
    let pages: Vec<Page> = stream::iter(0..sessions).map(open).buffer_unordered(AT_ONCE).collect().await;
    let seen = Arc::new(Seen::default());
    for page in pages {
        tokio::spawn(follow(page, seen.clone()));
    }
    let below = (0..sessions).filter(|n| n % BUILDS != BUILDS - 1).count();
    say(&seen, Vec::new());
    let mut orders = orders();
    while let Some(order) = orders.recv().await {
        let mut told_at = Vec::new();
        match order {
            Order::Told => {
                while seen.told_at.lock().await.len() < below {
                    sleep(LOOKS_EVERY).await;
                }
                told_at = std::mem::take(&mut *seen.told_at.lock().await);
            }
            Order::Withdrawn => {
                while seen.withdrawn.load(Ordering::Relaxed) < below {
                    sleep(LOOKS_EVERY).await;
                }
                seen.withdrawn.store(0, Ordering::Relaxed);
            }
            Order::Churn { a_second, seconds } => churn(address, a_second, seconds).await,
        }
        say(&seen, told_at);
    }
}

/// What comes on standard input, until it ends.
fn orders() -> mpsc::Receiver<Order> {
    let (ordered, orders) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            let order = serde_json::from_str(&line).expect("an order");
            if ordered.blocking_send(order).is_err() {
                return;
            }
        }
    });
    orders
}

fn say(seen: &Seen, told_at: Vec<f64>) {
    let done = Done { told_at, lost: seen.lost.load(Ordering::Relaxed) };
    println!("{}", serde_json::to_string(&done).expect("it can be written as JSON"));
}

async fn open(address: &str, build: usize) -> Page {
    Page::open(address, "web", &build_name(build), &version(build)).await
}

pub fn build_name(build: usize) -> String {
    format!("build-{build}")
}

pub fn version(build: usize) -> String {
    format!("1.{build}.0")
}

/// A page that acknowledges what it is told.
async fn follow(mut page: Page, seen: Arc<Seen>) {
    while let Some(frame) = page.next_frame(LIFE).await {
        match frame["type"].as_str() {
            Some("notice") => {
                seen.told_at.lock().await.push(now_ms());
                page.send(&json!({"type": "outcome", "notice": frame["notice"], "is": "received"})).await;
            }
            Some("withdraw") => drop(seen.withdrawn.fetch_add(1, Ordering::Relaxed)),
            _ => {}
        }
    }
    seen.lost.fetch_add(1, Ordering::Relaxed);
}

/// Pages come one after the other, each stays for a while, and goes with a goodbye.
async fn churn(address: &str, a_second: usize, seconds: usize) {
    let every = Duration::from_secs(1) / u32::try_from(a_second.max(1)).expect("not that many");
    let mut next = tokio::time::interval(every);
    let mut visits = tokio::task::JoinSet::new();
    for n in 0..a_second * seconds {
        next.tick().await;
        let address = address.to_owned();
        visits.spawn(async move {
            let page = open(&address, n % BUILDS).await;
            sleep(STAYS).await;
            page.close(1000).await;
        });
    }
    visits.join_all().await;
}

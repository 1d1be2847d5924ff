//! Pages as the snippet keeps them: let in by a balancer, and back when they are told to be.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use freshwire_tests::{eventually, page::Page, process::client, waiting::saw};
use rand::{Rng as _, seq::IndexedRandom as _};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};
use tokio::{
    sync::{Semaphore, watch},
    task::{JoinHandle, JoinSet},
};

/// How often the balancer asks who is ready.
const LOOKS_EVERY: Duration = Duration::from_millis(300);
/// So many come at once in the beginning.
const AT_ONCE: usize = 100;

/// Pages, and the balancer before their nodes.
pub struct Crowd {
    seen: Arc<Seen>,
    pages: JoinSet<()>,
    balancer: JoinHandle<()>,
    stop: watch::Sender<bool>,
}

/// What pages have been through.
#[derive(Default)]
pub struct Seen {
    /// Addresses that took pages when they were asked last.
    ready: Mutex<Vec<String>>,
    joined: AtomicUsize,
    /// When they were told to come back, and when they were welcome again.
    pub goodbyes: Mutex<Vec<Instant>>,
    pub returns: Mutex<Vec<Instant>>,
    /// Notices that were new, and those that were not.
    pub told: AtomicUsize,
    pub told_twice: AtomicUsize,
    /// Those who were welcome as somebody else.
    pub lost: AtomicUsize,
    /// Those whose socket ended without a word, and those who were not let in.
    pub cut: AtomicUsize,
    pub turned_away: AtomicUsize,
}

impl Crowd {
    /// Opens so many pages, and waits until all are there.
    pub async fn gather(count: usize, addresses: &[String]) -> Self {
        let limit = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).expect("as much as allowed");
        let seen = Arc::new(Seen { ready: Mutex::new(addresses.to_vec()), ..Seen::default() });
        let balancer = tokio::spawn(balance(addresses.to_vec(), seen.clone()));
        let (stop, stopped) = watch::channel(false);
        let doors = Arc::new(Semaphore::new(AT_ONCE));
        let mut pages = JoinSet::new();
        for _ in 0..count {
            pages.spawn(live(seen.clone(), doors.clone(), stopped.clone()));
        }
        let all = async || {
            let joined = seen.joined.load(Ordering::Relaxed);
            saw(|| format!("{joined} of {count} are"));
            (joined == count).then_some(())
        };
        eventually("all are there", all).await;
        Self { seen, pages, balancer, stop }
    }

    /// What they have been through.
    pub fn seen(&self) -> &Seen {
        &self.seen
    }

    /// Ends them.
    pub async fn leave(self) {
        self.stop.send_replace(true);
        self.balancer.abort();
        self.pages.join_all().await;
    }
}

async fn balance(addresses: Vec<String>, seen: Arc<Seen>) {
    let mut look = tokio::time::interval(LOOKS_EVERY);
    loop {
        look.tick().await;
        for address in &addresses {
            let asked =
                client().get(format!("http://{address}/readyz")).timeout(Duration::from_secs(1)).send();
            let takes_pages = match asked.await {
                Ok(answer) => answer.status() == 200,
                // One late answer is no reason to think otherwise than before.
                Err(error) if error.is_timeout() => continue,
                Err(_) => false,
            };
            let mut ready = seen.ready.lock().unwrap();
            ready.retain(|there| there != address);
            ready.extend(takes_pages.then(|| address.clone()));
        }
    }
}

/// A page's life: over as many connections as it takes.
async fn live(seen: Arc<Seen>, doors: Arc<Semaphore>, mut over: watch::Receiver<bool>) {
    let mut hello = json!({"app": "web", "build": "a", "version": "1.0.0"});
    let mut told = HashSet::new();
    let mut failures = 0;
    let mut door = Some(doors.acquire().await.expect("doors are never closed"));
    while !*over.borrow() {
        let Some(mut page) = connect(&seen, &hello).await else {
            seen.turned_away.fetch_add(1, Ordering::Relaxed);
            back_off(&mut failures).await;
            continue;
        };
        if door.take().is_some() {
            seen.joined.fetch_add(1, Ordering::Relaxed);
        } else {
            seen.returns.lock().unwrap().push(Instant::now());
            let same = hello["session"] == page.welcome["session"];
            seen.lost.fetch_add(usize::from(!same), Ordering::Relaxed);
        }
        failures = 0;
        for (ours, theirs) in [("session", "session"), ("resume", "resume"), ("via", "node")] {
            hello[ours] = page.welcome[theirs].clone();
        }
        let mut back_at = None;
        loop {
            let frame = tokio::select! {
                _ = over.changed() => return,
                frame = page.next_frame(Duration::from_hours(1)) => frame,
            };
            let Some(frame) = frame else { break };
            if frame["type"] == "reconnect" {
                let in_ms = frame["in_ms"].as_u64().expect("a number");
                back_at = Some(tokio::time::Instant::now() + Duration::from_millis(in_ms));
                seen.goodbyes.lock().unwrap().push(Instant::now());
            }
            if frame["type"] == "notice" {
                let [notice, run, step] = ["notice", "run", "step"].map(|field| frame[field].clone());
                let new = told.insert((notice.to_string(), run.to_string(), step.to_string()));
                if new { &seen.told } else { &seen.told_twice }.fetch_add(1, Ordering::Relaxed);
                // If it is sent away just now, its next hello says so.
                page.try_send(&json!({"type": "outcome", "notice": notice, "is": "received"})).await;
                hello["seen"] =
                    json!([{"notice": notice, "run": run, "step": step, "is": "received", "ago_ms": 0}]);
            }
        }
        if let Some(at) = back_at {
            tokio::time::sleep_until(at).await;
        } else {
            seen.cut.fetch_add(1, Ordering::Relaxed);
            back_off(&mut failures).await;
        }
    }
}

async fn connect(seen: &Seen, hello: &Value) -> Option<Page> {
    let address = seen.ready.lock().unwrap().choose(&mut rand::rng()).cloned()?;
    let mut page = Page::connect(&address, None).await.ok()?;
    page.try_hello(hello.clone()).await.then_some(page)
}

/// Waits up to 2 s, then twice as long each time, by chance: as the snippet does.
async fn back_off(failures: &mut u32) {
    let most = Duration::from_secs(2) * 2_u32.pow(*failures).min(15);
    *failures = (*failures + 1).min(4);
    let wait = most.mul_f64(rand::rng().random_range(0.0..1.0));
    tokio::time::sleep(wait).await;
}

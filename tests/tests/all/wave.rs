//! Five thousand pages, one campaign over 20 s: told evenly in active time, a pause obeyed, nobody lost by a resume, and
//! nobody told twice or forgotten over a `kill -9` in the middle.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use freshwire_tests::{page::Page, process::Server};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

const ALL: usize = 5_000;
const OVER: Duration = Duration::from_secs(20);
/// Long enough for any machine; nothing is expected to take it.
const PATIENCE: Duration = Duration::from_mins(2);

/// What happened to a page.
#[derive(Clone, Copy)]
enum News {
    Told { page: usize, run: u64, at: Instant },
    Withdrawn { at: Instant },
    Back,
}

/// A page that connects again for as long as the test lasts, and says what it has seen.
async fn stay(mut page: Page, number: usize, address: Arc<str>, news: mpsc::UnboundedSender<News>) {
    let mut seen = BTreeMap::new();
    loop {
        while let Some(frame) = page.next_frame(PATIENCE).await {
            let at = Instant::now();
            if frame["type"] == "notice" {
                let run = frame["run"].as_u64().expect("a run");
                seen.insert(frame["notice"].as_u64(), (frame, at));
                // The test may be over.
                let _ = news.send(News::Told { page: number, run, at });
            } else if frame["type"] == "withdraw" {
                seen.remove(&frame["notice"].as_u64());
                let _ = news.send(News::Withdrawn { at });
            }
        }
        let said = seen.values().map(|(notice, at)| {
            json!({"notice": notice["notice"], "run": notice["run"], "step": notice["step"], "is": "received",
                "ago_ms": u64::try_from(at.elapsed().as_millis()).expect("a short test")})
        });
        let hello = json!({"app": "web", "build": "a", "version": "1.0.0", "session": page.session(),
            "resume": page.resume(), "seen": said.collect::<Vec<_>>()});
        page = back(&address, hello).await;
        let _ = news.send(News::Back);
    }
}

/// Connects when the server is there again.
async fn back(address: &str, hello: Value) -> Page {
    loop {
        if let Ok(mut page) = Page::connect(address, None).await {
            page.say_hello(hello).await;
            return page;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The greatest distance of values from a uniform distribution over [0, `whole`).
#[expect(clippy::cast_precision_loss, reason = "thousands")]
fn kolmogorov_smirnov(values: &mut [f64], whole: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let count = values.len() as f64;
    let distance = |(index, value): (usize, &f64)| {
        let expected = value / whole;
        (expected - index as f64 / count).abs().max((expected - (index + 1) as f64 / count).abs())
    };
    values.iter().enumerate().map(distance).fold(0.0, f64::max)
}

/// Measures the longest time for which nothing got on here, nor anywhere else on this machine.
fn watch_for_stalls() -> watch::Receiver<Duration> {
    let (longest, seen) = watch::channel(Duration::ZERO);
    tokio::spawn(async move {
        let mut before = Instant::now();
        while !longest.is_closed() {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let gap = before.elapsed();
            before = Instant::now();
            longest.send_modify(|longest| *longest = gap.max(*longest));
        }
    });
    seen
}

struct Watched {
    news: mpsc::UnboundedReceiver<News>,
    /// By run and page: when it was told first, and how often.
    told: HashMap<(u64, usize), (Instant, u32)>,
    last_withdrawal: Option<Instant>,
    withdrawn: usize,
    back: usize,
}

impl Watched {
    /// Takes news in until a moment.
    async fn until(&mut self, moment: Instant) {
        loop {
            tokio::select! {
                news = self.news.recv() => self.take(news.expect("pages stay")),
                () = sleep_until(moment) => return,
            }
        }
    }

    /// Takes news in until it is so, for as long as some come.
    async fn until_so(&mut self, what: &str, so: impl Fn(&Self) -> bool) {
        while !so(self) {
            let Ok(news) = timeout(PATIENCE, self.news.recv()).await else {
                let (told, withdrawn, back) = (self.told.len(), self.withdrawn, self.back);
                panic!(
                    "no news for {PATIENCE:?}, waiting until {what}; {told} told, {withdrawn} withdrawn, {back} back of {ALL}"
                );
            };
            self.take(news.expect("pages stay"));
        }
    }

    fn take(&mut self, news: News) {
        match news {
            News::Told { page, run, at } => self.told.entry((run, page)).or_insert((at, 0)).1 += 1,
            News::Withdrawn { at } => {
                self.withdrawn += 1;
                self.last_withdrawal = self.last_withdrawal.max(Some(at));
            }
            News::Back => self.back += 1,
        }
    }

    fn of_run(&self, run: u64) -> impl Iterator<Item = (usize, Instant, u32)> {
        self.told
            .iter()
            .filter(move |((of, _), _)| *of == run)
            .map(|((_, page), (at, times))| (*page, *at, *times))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_thousand_pages_are_told_evenly_through_a_pause_and_a_crash() {
    // They all come back at once, and the machine may have others to serve.
    let mut server = Server::start_with(&["--hello-timeout", "1m"]).await;
    for (build, version) in [("a", "1.0.0"), ("b", "1.1.0")] {
        server.release("web", json!({"build": build, "version": version, "severity": "silent"})).await;
    }
    let address: Arc<str> = server.address().into();
    let opening = stream::iter(0..ALL).map(|_| Page::open(&address, "web", "a", "1.0.0"));
    let pages: Vec<_> = opening.buffer_unordered(100).collect().await;
    let (sender, news) = mpsc::unbounded_channel();
    let stop = CancellationToken::new();
    let _stopped = stop.clone().drop_guard();
    for (number, page) in pages.into_iter().enumerate() {
        let staying = stay(page, number, address.clone(), sender.clone());
        tokio::spawn(stop.clone().run_until_cancelled_owned(staying));
    }
    let mut watched = Watched { news, told: HashMap::new(), last_withdrawal: None, withdrawn: 0, back: 0 };

    let longest_stall = watch_for_stalls();
    let body = json!({"version": "1.1.0", "reason": "CVE-2026-1234", "over": "20s", "action": "prompt"});
    let before = Instant::now();
    let answer = server.done("PUT", "/v1/apps/web/minimum", Some(body)).await;
    let began = before + before.elapsed() / 2;
    assert_eq!(answer["affected"]["sessions"], ALL);
    let campaign = answer["campaign"].as_u64().expect("a campaign");
    watched.until(began + Duration::from_secs(6)).await;

    let path = |what| format!("/v1/apps/web/campaigns/{campaign}/{what}");
    let asked = Instant::now();
    server.done("POST", &path("pause"), None).await;
    let (answered, paused) = (Instant::now(), asked + asked.elapsed() / 2);
    watched
        .until_so("all are withdrawn", |watched| watched.withdrawn >= watched.of_run(campaign).count())
        .await;
    watched.until(answered + Duration::from_secs(1)).await;
    let last =
        watched.of_run(campaign).map(|(_, at, _)| at).max().max(watched.last_withdrawal).expect("some were");
    println!(
        "the last word to a page came {:?} after the pause was answered",
        last.saturating_duration_since(answered)
    );
    assert!(last < answered + Duration::from_secs(10), "nobody is told while it is paused");

    let asked = Instant::now();
    let resumed_answer = server.done("POST", &path("resume"), None).await;
    let resumed = asked + asked.elapsed() / 2;
    let run = resumed_answer["number"].as_u64().expect("a run");
    // To 14 s of active time.
    let crash = resumed + Duration::from_secs(8);
    watched.until(crash).await;

    // In active time: of those told in the first run as they were told then; of the others in the second run.
    let first: HashMap<_, _> =
        watched.of_run(campaign).map(|(page, at, _)| (page, (at - began).as_secs_f64())).collect();
    let active_before = (paused - began).as_secs_f64();
    let active = active_before + (crash - resumed).as_secs_f64();
    let later = watched.of_run(run).filter(|(page, ..)| !first.contains_key(page));
    let mut times: Vec<_> = later
        .map(|(_, at, _)| active_before + (at - resumed).as_secs_f64())
        .chain(first.values().copied())
        .collect();
    let count = times.len();
    let distance = kolmogorov_smirnov(&mut times, active);
    println!(
        "{count} of {ALL} were told in {active:.2} s of active time; Kolmogorov-Smirnov distance {distance:.4}"
    );
    // Under 0.03 on a machine that has time; one that stalls is off by the share of that. All told in the first or the
    // last half would be 0.5.
    let stalled = *longest_stall.borrow();
    println!("the machine stalled for up to {stalled:.1?}");
    assert!(distance < (0.25 + stalled.as_secs_f64() / active).min(0.45), "{distance}");

    server.kill().await;
    server.restart().await;
    watched.until_so("everybody is back", |watched| watched.back >= ALL).await;
    watched.until_so("everybody is told", |watched| watched.of_run(run).count() >= ALL).await;
    let over = began + OVER + (resumed - paused);
    watched.until(over.max(Instant::now() + Duration::from_millis(500))).await;
    let twice = watched.told.values().filter(|(_, times)| *times > 1).count();
    assert_eq!(twice, 0, "nobody is told twice in one run");
    assert_eq!(watched.of_run(run).count(), ALL, "and nobody is forgotten");
}

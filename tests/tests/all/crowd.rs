//! Two thousand real pages on three builds: who is still old, who is told, and that nobody is told twice.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use freshwire_tests::{
    eventually,
    page::Page,
    process::{Server, text},
    waiting::saw,
};
use futures_util::{StreamExt, future::join_all, stream};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Build, version, pages.
const BUILDS: [(&str, &str, usize); 3] = [("a", "1.0.0", 700), ("b", "1.1.0", 600), ("c", "1.2.0", 700)];
const OLD: usize = 1300;
const ALL: usize = 2000;

/// One page over all its connections.
struct Visitor {
    page: Page,
    build: &'static str,
    version: &'static str,
    /// Every notice that it ever got.
    told: Vec<Value>,
}

impl Visitor {
    fn old(&self) -> bool {
        self.build != "c"
    }

    /// Comes back as a page does that was open all the while.
    async fn come_back(&mut self, address: &str) {
        let seen: Vec<_> = self.told.iter().map(seen).collect();
        let hello = json!({"app": "shop", "build": self.build, "version": self.version, "seen": seen,
            "session": self.page.session(), "resume": self.page.resume()});
        let session = self.page.session();
        self.page = Page::hello(address, hello).await;
        assert_eq!(self.page.session(), session, "it keeps its ID");
    }

    /// Takes all that has been said to it up to now.
    async fn catch_up(&mut self) {
        let frames = self.page.frames_until_pong().await;
        self.told.extend(frames.into_iter().filter(|frame| frame["type"] == "notice"));
    }

    /// Takes notices until the connection is gone.
    async fn listen(&mut self, told: &AtomicUsize) {
        while let Some(frame) = self.page.next_frame(Duration::from_mins(1)).await {
            if frame["type"] == "notice" {
                self.told.push(frame);
                told.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

fn seen(notice: &Value) -> Value {
    json!({"notice": notice["notice"], "run": notice["run"], "step": notice["step"], "is": "shown", "ago_ms": 50})
}

async fn seed(server: &Server) {
    // Stale pages are left alone, so that the minimum's are the only notices.
    server.done("PUT", "/v1/apps/shop", Some(json!({"stale_action": "silent"}))).await;
    for (build, version, _) in BUILDS {
        server
            .done("POST", "/v1/apps/shop/releases", Some(json!({"build": build, "version": version})))
            .await;
    }
}

async fn arrive(server: &Server) -> Vec<Visitor> {
    let visitors = BUILDS.into_iter().flat_map(|(build, version, count)| {
        (0..count).map(move |_| async move {
            let page = Page::open(server.address(), "shop", build, version).await;
            Visitor { page, build, version, told: Vec::new() }
        })
    });
    stream::iter(visitors).buffer_unordered(100).collect().await
}

async fn everyone(visitors: &mut [Visitor], act: impl AsyncFn(&mut Visitor)) {
    // In the test's own task, a hundred at a time.
    for some in visitors.chunks_mut(100) {
        join_all(some.iter_mut().map(|visitor| act(visitor))).await;
    }
}

async fn assert_census_is_exact(server: &Server) {
    let census = server.get("/v1/apps/shop/census").await;
    assert_eq!(census["sessions"], ALL);
    let mut rows = server.census("shop").await;
    rows.sort();
    let expected: Vec<_> =
        BUILDS.iter().map(|(build, _, count)| ((*build).to_owned(), *count as u64)).collect();
    assert_eq!(rows, expected);
}

async fn sessions_below(server: &Server, version: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/v1/apps/shop/sessions?below={version}&limit=1000{cursor}");
        let page = server.get(&path).await;
        found.extend(page["sessions"].as_array().unwrap().iter().map(|session| text(&session["session"])));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_pages_are_counted_listed_and_told_exactly() {
    let server = Server::start().await;
    seed(&server).await;
    let started = Instant::now();
    let mut visitors = arrive(&server).await;
    println!("{ALL} pages joined in {:?}", started.elapsed());
    assert_census_is_exact(&server).await;

    let old: BTreeSet<_> = visitors.iter().filter(|v| v.old()).map(|v| v.page.session()).collect();
    assert_eq!(sessions_below(&server, "1.2.0").await, old);

    let minimum = json!({"version": "1.2.0", "reason": "CVE-2026-1234", "over": "0s"});
    let answer = server.done("PUT", "/v1/apps/shop/minimum", Some(minimum)).await;
    assert_eq!(answer["affected"]["sessions"], OLD);
    let raised = Instant::now();
    everyone(&mut visitors, async |visitor: &mut Visitor| {
        while visitor.old() && visitor.told.is_empty() {
            let frame = visitor.page.any_frame("notice").await;
            visitor.told.extend(Some(frame).filter(|frame| frame["type"] == "notice"));
        }
    })
    .await;
    println!("the minimum's answer to the last of {OLD} notices: {:?}", raised.elapsed());
    everyone(&mut visitors, Visitor::catch_up).await;
    for visitor in &visitors {
        assert_eq!(visitor.told.len(), usize::from(visitor.old()), "build {}", visitor.build);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_told_twice_or_missed_over_kill_nine_in_the_middle_of_a_wave() {
    let folder = TempDir::new().unwrap();
    let mut server = Server::start_in(folder.path(), &[]).await;
    seed(&server).await;
    let mut visitors = arrive(&server).await;
    let minimum = json!({"version": "1.2.0", "reason": "CVE-2026-1234", "over": "9s"});
    let answer = server.done("PUT", "/v1/apps/shop/minimum", Some(minimum)).await;
    assert_eq!(answer["affected"]["sessions"], OLD);

    let told = AtomicUsize::new(0);
    let mut listening: Vec<_> = visitors.iter_mut().map(|visitor| visitor.listen(&told)).collect();
    let killing = async {
        // So few that a stall of the machine leaves some for afterwards.
        eventually("a fifth are told", async || {
            saw(|| format!("{told:?} of {OLD} were"));
            (told.load(Ordering::Relaxed) > OLD / 5).then_some(())
        })
        .await;
        server.kill().await;
    };
    tokio::join!(join_all(listening.drain(..)), killing);
    drop(listening);
    let before = visitors.iter().filter(|visitor| !visitor.told.is_empty()).count();
    assert!(before < OLD, "the wave was still under way");

    server.restart().await;
    let address = server.address().to_owned();
    everyone(&mut visitors, async |visitor: &mut Visitor| visitor.come_back(&address).await).await;
    assert_census_is_exact(&server).await;
    for _ in 0..200 {
        everyone(&mut visitors, Visitor::catch_up).await;
        if visitors.iter().all(|visitor| !visitor.old() || !visitor.told.is_empty()) {
            break;
        }
    }
    everyone(&mut visitors, Visitor::catch_up).await;
    for visitor in &visitors {
        assert_eq!(
            visitor.told.len(),
            usize::from(visitor.old()),
            "build {}: {:?}",
            visitor.build,
            visitor.told
        );
    }
    println!("{OLD} told once each: {before} before kill -9, {} after", OLD - before);
}

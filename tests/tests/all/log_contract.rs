//! The contract, kept by the log on SQLite and by the one on NATS.

use std::{fs, path::Path, sync::Arc, time::Instant};

use freshwire::{
    core::names::LogNumber,
    log::{Log, sqlite::SqliteLog},
};
use freshwire_tests::{
    drafts::settings,
    log_contract::{Place, append, race, take},
    nats::Nats,
};
use futures_util::future::join_all;
use tempfile::{TempDir, tempdir};

struct Folder(TempDir);

impl Place for Folder {
    async fn open(&self) -> Arc<dyn Log> {
        Arc::new(SqliteLog::open(self.0.path()).unwrap())
    }
}

mod on_sqlite {
    use super::{Folder, tempdir};

    freshwire_tests::log_contract!(Folder(tempdir().unwrap()));
}

struct OneServer(Nats, TempDir);

impl Place for OneServer {
    async fn open(&self) -> Arc<dyn Log> {
        Arc::new(self.0.open_log(0, self.1.path()).await)
    }
}

mod on_nats {
    use super::{Nats, OneServer, tempdir};

    freshwire_tests::log_contract!(OneServer(Nats::start().await, tempdir().unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_nodes_on_three_replicas_have_one_winner_a_round() {
    let nats = Nats::cluster().await;
    let folder = tempdir().unwrap();
    let mut logs: Vec<Arc<dyn Log>> = Vec::new();
    for writer in 0..6 {
        // Two nodes at each server.
        logs.push(Arc::new(nats.open_log(writer % 3, folder.path()).await));
    }
    race(&logs, 300).await;
    let stream = nats.stream("FRESHWIRE-tests").await;
    assert_eq!(stream.cached_info().config.num_replicas, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_id_from_three_nodes_is_one_entry() {
    let nats = Nats::cluster().await;
    let folder = tempdir().unwrap();
    let logs = [0, 1, 2].map(|index| nats.open_log(index, folder.path()));
    let logs = join_all(logs).await;
    for rate in 1..=20 {
        let draft = settings("web", LogNumber(0), rate);
        let numbers = join_all(logs.iter().map(|log| append(log, draft.clone()))).await;
        assert!(numbers.iter().all(|number| *number == LogNumber(rate.into())), "{numbers:?}");
    }
}

#[tokio::test]
async fn closing_writes_what_is_queued_and_gives_the_folder_free() {
    let folder = tempdir().unwrap();
    for round in 1..=20 {
        let log = SqliteLog::open(folder.path()).unwrap();
        // Queued by the call; that nobody waits for the answer takes nothing back.
        drop(log.append(settings("web", LogNumber(0), 1)));
        drop(log.side_table());
        if round % 2 == 0 {
            log.close().await;
        } else {
            drop(log);
        }
        assert_eq!(open_files_in(folder.path()), 0);
        let log = SqliteLog::open(folder.path()).unwrap();
        assert_eq!(log.last().await.unwrap(), LogNumber(round));
    }
}

#[tokio::test]
async fn a_closed_log_says_so_and_ends_its_followers() {
    let folder = tempdir().unwrap();
    let log = SqliteLog::open(folder.path()).unwrap();
    let (other, follower) = (log.clone(), log.follow(LogNumber(0)));
    log.close().await;
    assert!(other.append(settings("web", LogNumber(0), 1)).await.unwrap_err().to_string().contains("closed"));
    assert!(take(follower, 1).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_readers_share_a_few_connections() {
    let folder = tempdir().unwrap();
    let log = SqliteLog::open(folder.path()).unwrap();
    log.append(settings("web", LogNumber(0), 1)).await.unwrap();
    join_all((0..200).map(|_| take(log.follow(LogNumber(0)), 1))).await;
    let open = open_files_in(folder.path());
    assert!(open <= 20, "{open} files are open for a writer, a lock and 4 readers");
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_share_the_wait_for_the_disk() {
    const EACH: u32 = 250;
    for writers in [1_u32, 16] {
        let folder = tempdir().unwrap();
        let log = SqliteLog::open(folder.path()).unwrap();
        let started = Instant::now();
        let writer = |log: SqliteLog, app: String| async move {
            for rate in 0..EACH {
                log.append(settings(&app, LogNumber(0), rate)).await.unwrap();
            }
        };
        let all = (0..writers).map(|n| tokio::spawn(writer(log.clone(), format!("app-{n}"))));
        join_all(all).await.into_iter().for_each(Result::unwrap);
        let a_second = f64::from(writers * EACH) / started.elapsed().as_secs_f64();
        println!("{writers} writers: {a_second:.0} acknowledged appends a second");
        assert_eq!(log.last().await.unwrap(), LogNumber(u64::from(writers * EACH)));
    }
}

/// How many of this process's open files lie in a folder.
fn open_files_in(folder: &Path) -> usize {
    let files = fs::read_dir("/proc/self/fd").unwrap().flatten();
    files
        .filter_map(|file| fs::read_link(file.path()).ok())
        .filter(|target| target.starts_with(folder))
        .count()
}

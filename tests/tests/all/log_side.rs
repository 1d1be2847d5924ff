//! The side table: batches, order, pruning, and that the log doesn't wait for it.

use std::time::{Duration, Instant};

use freshwire::{
    core::{names::LogNumber, time::Moment},
    log::{Log, SideWrite, sqlite::SqliteLog},
};
use freshwire_tests::drafts::settings;
use tempfile::tempdir;

fn row(kind: &'static str, key: u32, value: Option<&str>, at: i64) -> SideWrite {
    SideWrite { kind, key: format!("{key:06}"), value: value.map(Into::into), at: Moment(at) }
}

#[tokio::test]
async fn later_batches_win_and_outlive_a_restart() {
    let folder = tempdir().unwrap();
    let log = SqliteLog::open(folder.path()).unwrap();
    let table = log.side_table();
    let first = table.put_many((0..5_000).map(|key| row("away", key, Some("old"), 1)).collect());
    let second = table.put_many(vec![row("away", 0, None, 2), row("away", 1, Some("new"), 2)]);
    let other = table.put_many(vec![row("record", 1, Some("another kind"), 3)]);
    let (first, second, other) = tokio::join!(first, second, other);
    assert_eq!((first, second, other), (Ok(()), Ok(()), Ok(())));
    drop((log, table));

    let table = SqliteLog::open(folder.path()).unwrap().side_table();
    let away = table.load("away").await.unwrap();
    assert_eq!(away.len(), 4_999);
    assert_eq!(away[0], ("000001".into(), "new".into(), Moment(2)));
    assert_eq!(away[1], ("000002".into(), "old".into(), Moment(1)));
    assert_eq!(table.load("record").await.unwrap(), [("000001".into(), "another kind".into(), Moment(3))]);
    assert!(table.load("nothing").await.unwrap().is_empty());
}

#[tokio::test]
async fn pruning_takes_what_is_older_of_one_kind_only() {
    let folder = tempdir().unwrap();
    let table = SqliteLog::open(folder.path()).unwrap().side_table();
    let rows = (0..9_000).map(|key| row("away", key, Some("x"), i64::from(key)));
    // Pruning comes after what was queued before it.
    let put = table.put_many(rows.chain([row("record", 1, Some("x"), 1)]).collect());
    assert_eq!(table.prune("away", Moment(8_990)).await, Ok(8_990));
    assert_eq!(put.await, Ok(()));
    assert_eq!(table.load("away").await.unwrap().len(), 10);
    assert_eq!(table.load("record").await.unwrap().len(), 1);
    assert_eq!(table.prune("away", Moment(8_990)).await, Ok(0));
}

#[tokio::test]
async fn the_log_does_not_wait_for_a_big_batch() {
    let folder = tempdir().unwrap();
    let log = SqliteLog::open(folder.path()).unwrap();
    let table = log.side_table();
    let value = "x".repeat(200);
    let started = Instant::now();
    let big =
        tokio::spawn(table.put_many((0..100_000).map(|key| row("record", key, Some(&value), 1)).collect()));
    let mut slowest = Duration::ZERO;
    let mut appended = 0;
    while !big.is_finished() {
        let asked = Instant::now();
        log.append(settings("web", LogNumber(0), 1)).await.unwrap();
        slowest = slowest.max(asked.elapsed());
        appended += 1;
    }
    big.await.unwrap().unwrap();
    let whole = started.elapsed();
    println!("100,000 rows beside {appended} appends: {whole:?}; the slowest append: {slowest:?}");
    // One after each of its 50 transactions, or nearly; it was a single one if they were all done first.
    assert!(appended >= 10, "{appended}");
    drop((log, table));
    let started = Instant::now();
    drop(SqliteLog::open(folder.path()).unwrap());
    println!("opened again and checked in {:?}", started.elapsed());
}

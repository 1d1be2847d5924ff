//! Folders and files that must be refused, disks that are full, and disks that fail.

use std::{
    fs::{self, File},
    io::{Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    process::Command as Program,
    time::Duration,
};

use freshwire::{
    core::names::LogNumber,
    log::{
        Log,
        sqlite::{OpenError, SqliteLog},
    },
};
use freshwire_tests::drafts::settings;
use rusqlite::Connection;
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use tempfile::{TempDir, tempdir};
use tokio::process::Command;

use crate::log_crash::{Appender, Ledger, Said};

/// A folder with a log of some hundred entries, closed.
async fn filled() -> TempDir {
    let folder = tempdir().unwrap();
    let log = SqliteLog::open(folder.path()).unwrap();
    let appends = (0..500).map(|rate| log.append(settings("web", LogNumber(0), rate)));
    assert!(futures_util::future::join_all(appends).await.iter().all(Result::is_ok));
    log.close().await;
    folder
}

fn file_in(folder: &TempDir) -> PathBuf {
    folder.path().join("freshwire.db")
}

fn refusal(folder: &Path) -> OpenError {
    SqliteLog::open(folder).err().expect("it is refused")
}

fn assert_says_how_to_recover(folder: &TempDir) {
    let error = refusal(folder.path());
    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(".recover") && text.contains(file_in(folder).to_str().unwrap()), "{text}");
    assert!(text.contains("copy of the folder"), "{text}");
    // The refusal gave the folder free, and changed nothing.
    assert!(matches!(refusal(folder.path()), OpenError::Damaged { .. }));
}

#[tokio::test]
async fn a_folder_in_use_by_another_process_is_refused_in_one_line() {
    let folder = tempdir().unwrap();
    let mut appender = Appender::start(Appender::command(), folder.path());
    appender.hear_until(|said| !said.acknowledged.is_empty()).await;
    let text = refusal(folder.path()).to_string();
    let holder = format!("in use by process {};", appender.process.id().unwrap());
    assert!(text.contains(&holder) && text.contains("--data") && !text.contains('\n'), "{text}");

    let second = Appender::command().arg(folder.path()).output().await.unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert_eq!(String::from_utf8(second.stderr).unwrap().trim_end(), text);

    // The first one was not disturbed, and once it is gone the folder is free.
    let said = appender.kill_after(Duration::from_millis(5)).await;
    assert_eq!(Ledger::default().check(folder.path(), &said).await, 0);
}

#[tokio::test]
async fn a_file_with_bytes_overwritten_is_refused() {
    let folder = filled().await;
    let mut file = File::options().write(true).open(file_in(&folder)).unwrap();
    let middle = file.metadata().unwrap().len() / 2;
    file.seek(SeekFrom::Start(middle / 4_096 * 4_096)).unwrap();
    file.write_all(&[0xA5; 4_096]).unwrap();
    assert_says_how_to_recover(&folder);
}

#[tokio::test]
async fn a_file_without_its_header_is_refused() {
    let folder = filled().await;
    let mut file = File::options().write(true).open(file_in(&folder)).unwrap();
    file.write_all(&[0; 100]).unwrap();
    assert_says_how_to_recover(&folder);
}

#[tokio::test]
async fn a_file_cut_short_is_refused_however_little_is_left() {
    for part in [0, 50, 4_096, 20_480] {
        let folder = filled().await;
        let file = File::options().write(true).open(file_in(&folder)).unwrap();
        assert!(file.metadata().unwrap().len() > part);
        file.set_len(part).unwrap();
        assert_says_how_to_recover(&folder);
    }
}

#[tokio::test]
async fn a_log_without_its_index_of_ids_is_refused() {
    let folder = filled().await;
    let connection = Connection::open(file_in(&folder)).unwrap();
    // As a damaged index would be: an entry is in the table that the index doesn't know.
    connection.execute_batch("PRAGMA writable_schema = 1").unwrap();
    let index = "SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_entries_1'";
    let page: i64 = connection.query_row(index, [], |row| row.get(0)).unwrap();
    let update =
        "UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'side_by_age')
                  WHERE rootpage = ?1";
    connection.execute(update, [page]).unwrap();
    drop(connection);
    assert_says_how_to_recover(&folder);
}

#[tokio::test]
async fn a_missing_file_whose_last_changes_are_still_there_is_refused() {
    let folder = tempdir().unwrap();
    let mut appender = Appender::start(Appender::command(), folder.path());
    appender.hear_until(|said| !said.acknowledged.is_empty()).await;
    appender.kill_after(Duration::ZERO).await;
    let kept = folder.path().join("kept");
    fs::rename(file_in(&folder), &kept).unwrap();
    let text = refusal(folder.path()).to_string();
    assert!(text.contains("freshwire.db-wal") && text.contains("missing"), "{text}");
    fs::rename(&kept, file_in(&folder)).unwrap();
    assert!(SqliteLog::open(folder.path()).is_ok());
}

#[tokio::test]
async fn a_newer_schema_and_a_strangers_file_are_refused() {
    let folder = filled().await;
    let connection = Connection::open(file_in(&folder)).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    let error = refusal(folder.path());
    assert!(matches!(error, OpenError::Newer { found: 99, .. }), "{error:?}");
    assert!(error.to_string().contains("newer version of freshwire"), "{error}");
    connection.pragma_update(None, "application_id", 7).unwrap();
    let error = refusal(folder.path());
    assert!(matches!(error, OpenError::Foreign { .. }), "{error:?}");
}

#[tokio::test]
async fn what_the_refusal_advises_recovers_the_entries() {
    let folder = filled().await;
    let mut file = File::options().write(true).open(file_in(&folder)).unwrap();
    let length = file.metadata().unwrap().len();
    file.seek(SeekFrom::Start(length / 2 / 4_096 * 4_096)).unwrap();
    file.write_all(&[0; 4_096]).unwrap();
    let text = refusal(folder.path()).to_string();
    let advice = text.lines().nth(1).unwrap();
    assert!(Program::new("sh").args(["-c", advice]).status().unwrap().success(), "{advice}");
    let log = SqliteLog::open(folder.path()).unwrap();
    let saved = log.history(freshwire_tests::drafts::topic("web"), None, 1_000).await.unwrap().len();
    println!("{saved} of 500 entries were saved");
    assert!(saved > 400, "{saved}");
    assert!(folder.path().join("damaged/freshwire.db").exists(), "the damaged file is kept");
}

/// The limit on the size of a file: writes beyond it fail as they do on a full disk, also for root.
fn limit_files(appender: &Appender, bytes: Option<u64>) {
    let process = Pid::from_raw(i32::try_from(appender.process.id().unwrap()).unwrap());
    prlimit(process, Resource::Fsize, Rlimit { current: bytes, maximum: None }).unwrap();
}

#[tokio::test]
async fn a_full_disk_refuses_changes_until_there_is_room_and_loses_none() {
    let folder = tempdir().unwrap();
    let mut command = Command::new("sh");
    // Without this the signal that comes with the limit would end the process.
    command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_append_until_killed")]);
    let mut appender = Appender::start(command, folder.path());
    for full_at in [300_000, 700_000, 1_100_000] {
        limit_files(&appender, Some(full_at));
        let before = appender.said.unavailable.len();
        appender.hear_until(|said| said.unavailable.len() > before + 50).await;
        limit_files(&appender, None);
        let (before, side) = (appender.said.acknowledged.len(), appender.said.side);
        appender.hear_until(|said| said.acknowledged.len() > before + 50 && said.side > side).await;
    }
    // Full once more, and killed while it is.
    limit_files(&appender, Some(4_096));
    let before = appender.said.unavailable.len();
    appender.hear_until(|said| said.unavailable.len() > before + 50).await;
    let said = appender.kill_after(Duration::from_millis(5)).await;
    report("full disk", &said);
    assert!(said.undecided.is_empty(), "nothing is in doubt on a full disk");
    assert_eq!(Ledger::default().check(folder.path(), &said).await, 0);
}

/// Takes the place of `fdatasync` and `fsync`, and fails while or when a test says so.
const FAILING_SYNC: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
static int fails(void) {
    const char *once = getenv("SYNC_FAILS_ONCE"), *always = getenv("SYNC_FAILS");
    if (!unlink(once) || !access(always, F_OK)) { errno = EIO; return 1; }
    return 0;
}
int fdatasync(int fd) { return fails() ? -1 : ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd); }
int fsync(int fd) { return fails() ? -1 : ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd); }
"#;

#[tokio::test]
async fn after_a_failed_sync_no_answer_is_wrong() {
    let (folder, tools) = (tempdir().unwrap(), tempdir().unwrap());
    let in_tools = |name| tools.path().join(name);
    fs::write(in_tools("sync.c"), FAILING_SYNC).unwrap();
    let mut compiler = Program::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]).args([in_tools("sync.so"), in_tools("sync.c")]).arg("-ldl");
    assert!(compiler.status().unwrap().success(), "SQLite was built by the same compiler");
    let (once, always) = (in_tools("once"), in_tools("always"));
    let mut ledger = Ledger::default();
    let mut all = Said::default();
    for _ in 0..5 {
        let mut command = Appender::command();
        command
            .env("LD_PRELOAD", in_tools("sync.so"))
            .env("SYNC_FAILS_ONCE", &once)
            .env("SYNC_FAILS", &always);
        let mut appender = Appender::start(command, folder.path());
        appender.hear_until(|said| said.acknowledged.len() > 20).await;
        // A single failure is found out about at once: written or not.
        for _ in 0..20 {
            fs::write(&once, "").unwrap();
            let before = appender.said.acknowledged.len();
            appender.hear_until(|said| said.acknowledged.len() > before + 20 && !once.exists()).await;
        }
        // One that stays leaves it open, until the disk works again.
        fs::write(&always, "").unwrap();
        appender.hear_until(|said| said.undecided.len() > 20).await;
        fs::remove_file(&always).unwrap();
        let before = appender.said.acknowledged.len();
        appender.hear_until(|said| said.acknowledged.len() > before + 20).await;
        // And killed while it fails: what was undecided may be there now, or not.
        fs::write(&always, "").unwrap();
        let before = appender.said.undecided.len();
        appender.hear_until(|said| said.undecided.len() > before + 20).await;
        let said = appender.kill_after(Duration::from_millis(5)).await;
        fs::remove_file(&always).unwrap();
        assert_eq!(ledger.check(folder.path(), &said).await, 0);
        all.acknowledged.extend(said.acknowledged);
        all.unavailable.extend(said.unavailable);
        all.undecided.extend(said.undecided);
    }
    report("failing disk", &all);
    // Only after a single failure can that be said.
    assert!(!all.unavailable.is_empty(), "what a single failure left was found out");
}

fn report(what: &str, said: &Said) {
    println!(
        "{what}: {} acknowledged, {} refused, {} undecided, none lost, none refused and yet written",
        said.acknowledged.len(),
        said.unavailable.len(),
        said.undecided.len()
    );
}

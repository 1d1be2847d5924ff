//! `scripts/test.mjs` with a `make` that only plays: what `make test` says at its end, and that it leaves nothing running.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Stdio};

use freshwire_tests::{
    descendants::has_ended,
    eventually,
    waiting::{PATIENCE, in_time},
};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// A run whose `make` does this with its target in `$target`.
fn run(folder: &TempDir, script: &str) -> Child {
    let make = folder.path().join("make");
    fs::write(&make, format!("#!/bin/bash\ntarget=${{@: -1}}\n{script}\n")).unwrap();
    fs::set_permissions(&make, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    Command::new("node")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/test.mjs"))
        .env("PATH", path)
        .env("CARGO_TARGET_DIR", folder.path().join("target"))
        .env("HERE", folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .expect("node starts")
}

/// Its exit code, and its last lines: the summary.
async fn ended(run: Child) -> (Option<i32>, String) {
    let output = in_time(PATIENCE, "the run ends", run.wait_with_output()).await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let (_, summary) = said.split_once("\nstage").unwrap_or_else(|| panic!("there is no summary: {said}"));
    (output.status.code(), summary.to_owned())
}

/// The process whose ID is written there, once it is.
async fn process(folder: &TempDir, file: &str) -> Pid {
    let read = async || fs::read_to_string(folder.path().join(file)).ok()?.trim().parse().ok();
    Pid::from_raw(eventually("its ID is written", read).await).unwrap()
}

async fn gone(pid: Pid) {
    eventually("the process is gone", async || has_ended(pid).then_some(())).await;
}

#[tokio::test]
async fn a_run_ends_with_a_line_a_stage_and_says_what_was_skipped_and_why() {
    let folder = TempDir::new().unwrap();
    let script = r#"[ $target != test-behaviours ] || cat >"$TEST_REPORTS/behaviours.xml" <<END
<testsuites><testsuite><testcase name="a page is moved" time="1"></testcase>
<testcase name="back (not in firefox: it caches no page)"><skipped/></testcase>
<testcase name="again (not in firefox: it caches no page)"><skipped/></testcase></testsuite></testsuites>
END"#;
    let (code, summary) = ended(run(&folder, script)).await;
    assert_eq!(code, Some(0), "{summary}");
    let lines: Vec<_> = summary.lines().map(str::trim).collect();
    assert!(
        lines.iter().any(|line| line.starts_with("browsers") && line.ends_with("1       0        2  ok")),
        "{summary}"
    );
    assert!(lines.contains(&"skipped 2 × not in firefox: it caches no page"), "{summary}");
    assert!(summary.ends_with("all passed\n"), "{summary}");
}

#[tokio::test]
async fn a_stage_that_fails_is_named_with_its_tests_and_the_others_run() {
    let folder = TempDir::new().unwrap();
    let script = r#"[ $target != test-rust ] || {
cat >"$TEST_REPORTS/rust.xml" <<END
<testsuites><testcase name="gate::opens"><failure message="thread &apos;gate::opens&apos; (7) panicked at gate.rs:1:2">thread &apos;gate::opens&apos; (7) panicked at gate.rs:1:2:
waited 60 s in vain: it opens
seen last: &quot;503&quot;
stack backtrace:
   0: main</failure></testcase></testsuites>
END
exit 100; }
[ $target != check-clippy ] || { echo 'error: unused variable'; exit 101; }"#;
    let (code, summary) = ended(run(&folder, script)).await;
    assert_eq!(code, Some(1), "{summary}");
    for said in [
        "FAILED: make test-rust ended with 100",
        "failed: gate::opens: gate.rs:1:2: waited 60 s in vain: it opens seen last: \"503\"\n",
        "FAILED: make check-clippy ended with 101",
        "| error: unused variable",
        "NOT ALL PASSED",
    ] {
        assert!(summary.contains(said), "it doesn't say ‘{said}’: {summary}");
    }
    assert!(summary.lines().any(|line| line.starts_with("browsers") && line.ends_with("ok")), "{summary}");
}

#[tokio::test]
async fn what_stands_on_a_build_that_fails_is_not_run() {
    let folder = TempDir::new().unwrap();
    let (code, summary) = ended(run(&folder, "[ $target != test-build ] || exit 2")).await;
    assert_eq!(code, Some(1), "{summary}");
    assert!(summary.lines().any(|line| line.starts_with("rust") && line.ends_with("not run")), "{summary}");
}

#[tokio::test]
async fn what_a_stage_leaves_running_is_ended_and_named() {
    // In its own process group, and in another.
    for (file, how) in [("left", ""), ("elsewhere", "setsid")] {
        let folder = TempDir::new().unwrap();
        let script =
            format!("[ $target != test-client ] || {{ {how} sleep 300 & echo $! >\"$HERE/{file}\"; }}");
        let (code, summary) = ended(run(&folder, &script)).await;
        assert_eq!(code, Some(1), "{summary}");
        let named = summary.lines().skip_while(|line| !line.starts_with("client")).take(2);
        let named = named.map(str::trim).collect::<Vec<_>>();
        assert!(named[0].ends_with("FAILED: it left something running"), "{summary}");
        assert_eq!(named[1], "left running, and ended now: sleep 300", "{summary}");
        gone(process(&folder, file).await).await;
    }
}

#[tokio::test]
async fn a_run_whose_output_nobody_reads_any_more_ends_all_that_it_has_started() {
    let folder = TempDir::new().unwrap();
    let script = r#"[ $target != test-rust ] || { sleep 300 & echo $! >"$HERE/server"; while sleep 0.1; do echo; done; }"#;
    let mut run = run(&folder, script);
    let server = process(&folder, "server").await;
    drop(run.stdout.take());
    let status = in_time(PATIENCE, "the run ends", run.wait()).await.unwrap();
    assert!(!status.success());
    gone(server).await;
}

#[tokio::test]
async fn a_run_that_is_interrupted_ends_all_that_it_has_started() {
    let folder = TempDir::new().unwrap();
    // It doesn't listen to a polite word.
    let script =
        r#"[ $target != test-rust ] || { trap '' TERM; sleep 300 & echo $! >"$HERE/server"; wait; wait; }"#;
    let run = run(&folder, script);
    let server = process(&folder, "server").await;
    kill_process(Pid::from_raw(i32::try_from(run.id().unwrap()).unwrap()).unwrap(), Signal::TERM).unwrap();
    let (code, summary) = ended(run).await;
    assert_eq!(code, Some(1), "{summary}");
    assert!(summary.contains("interrupted by SIGTERM"), "{summary}");
    gone(server).await;
}

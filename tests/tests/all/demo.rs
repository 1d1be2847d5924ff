//! `freshwire demo` as its reader meets it: what it prints is typed in, and the crowd moves.

use std::{path::Path, process::Stdio};

use freshwire_tests::{
    eventually,
    process::binary,
    waiting::{PATIENCE, in_time, saw, trouble},
};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

/// Around paths with spaces.
const QUOTE: char = '\'';

/// Types a line into a shell, after the lines that the demo said to type first.
async fn shell(exports: &str, line: &str) -> String {
    let script = format!("{exports}\n{line}");
    let mut shell = Command::new("bash");
    shell.args(["-euc", &script]).stdin(Stdio::null()).kill_on_drop(true);
    let output = in_time(PATIENCE, &format!("'{line}' ends"), shell.output()).await.unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    saw(|| format!("{line}: {said}"));
    said
}

fn unsupported(census: &Value) -> u64 {
    let rows = census["rows"].as_array().unwrap().iter();
    rows.filter(|row| row["standing"] == "unsupported").map(|row| row["sessions"].as_u64().unwrap()).sum()
}

#[tokio::test]
async fn the_demos_three_commands_work_as_printed_and_the_crowd_moves() {
    let mut demo = Command::new(binary())
        .args(["demo", "--listen", "127.0.0.1:0", "--shop-listen", "127.0.0.1:0", "--for", "5m"])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    let mut printed = Vec::new();
    while let Some(line) = in_time(PATIENCE, "the demo says how to begin", lines.next_line()).await.unwrap() {
        if line.starts_with("census") {
            break;
        }
        printed.push(line.trim().to_owned());
    }
    // The rest must be read too, or the demo would wait for us.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    let exports: Vec<_> = printed.iter().filter(|line| line.starts_with("export ")).cloned().collect();
    let exports = exports.join("\n");
    let program = binary().display().to_string();
    let commands: Vec<_> =
        printed.iter().filter(|line| line.trim_start_matches(QUOTE).starts_with(&program)).collect();
    let [census, sessions, minimum] = commands[..] else {
        panic!("three commands: {printed:#?}{}", trouble())
    };

    let counted = eventually("the crowd is there", async || {
        let counted: Value =
            serde_json::from_str(&shell(&exports, &format!("{census} --json")).await).ok()?;
        (counted["sessions"].as_u64()? > 250).then_some(counted)
    })
    .await;
    assert!(counted["rows"].as_array().unwrap().len() >= 4, "{counted}");
    assert!(shell(&exports, census).await.starts_with("BUILD"));
    assert!(shell(&exports, sessions).await.lines().count() > 10);

    shell(&exports, minimum).await;
    eventually("most of the old pages have moved", async || {
        let now: Value = serde_json::from_str(&shell(&exports, &format!("{census} --json")).await).ok()?;
        let old = unsupported(&now);
        (old < 40).then(|| println!("{old} of {} pages still below the minimum", now["sessions"]))
    })
    .await;

    let shop = printed.iter().find_map(|line| line.strip_prefix("Shop")).unwrap();
    let shop = shop.split_whitespace().next().unwrap();
    let page = reqwest::Client::builder().no_proxy().build().unwrap().get(shop).send().await.unwrap();
    assert!(page.text().await.unwrap().contains("freshwire-build"));

    let token = printed.iter().find_map(|line| line.strip_prefix("Token")).unwrap();
    let token = token.trim().trim_matches(QUOTE).to_owned();
    assert!(Path::new(&token).exists());
    let pid = i32::try_from(demo.id().unwrap()).unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let status = in_time(PATIENCE, "the demo ends", demo.wait()).await.unwrap();
    assert!(status.success());
    assert!(!Path::new(&token).exists(), "it leaves nothing behind");
}

//! A server that can't start says why in one line; one that does keeps its secrets.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Output, Stdio},
};

use freshwire_tests::{
    eventually,
    page::Page,
    process::{Server, TOKEN, binary, client},
    waiting::{PATIENCE, in_time, saw, tail, trouble},
};
use serde_json::json;
use tempfile::tempdir;
use tokio::process::Command;

fn serve(data: &Path) -> Command {
    let mut command = Command::new(binary());
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).stdin(Stdio::null());
    command.kill_on_drop(true);
    command
}

/// The line by which it refuses to start.
async fn refusal(command: &mut Command) -> String {
    let refused = in_time(PATIENCE, "the server ends by itself", command.output()).await;
    let Output { status, stdout, stderr } = refused.unwrap();
    let said = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(stdout.is_empty());
    said
}

fn assert_one_line(said: &str) {
    assert!(said.starts_with("error: ") && said.ends_with('\n'), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[tokio::test]
async fn a_node_keeps_the_name_that_it_made_up() {
    let mut server = Server::start().await;
    let name = server.readiness().await.1["node"].clone();
    assert!(name.as_str().is_some_and(|name| name.starts_with("node-")), "{name}");
    server.terminate().await;
    server.restart().await;
    assert_eq!(server.readiness().await.1["node"], name);
}

#[tokio::test]
async fn a_port_in_use_is_one_line() {
    let server = Server::start().await;
    let folder = tempdir().unwrap();
    for flag in ["--listen", "--ops-listen"] {
        let mut command = Command::new(binary());
        command.args(["serve", "--data"]).arg(folder.path().join("data"));
        if flag == "--ops-listen" {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        let said = refusal(command.args([flag, server.address()])).await;
        assert_one_line(&said);
        assert!(said.contains(server.address()) && said.contains(&format!("{flag} HOST:PORT")), "{said}");
    }
    assert!(!folder.path().join("data").exists(), "the store is not touched");
    assert_eq!(server.get("/v1/apps").await["apps"], json!([]));
}

#[tokio::test]
async fn a_data_folder_in_use_is_one_line() {
    let server = Server::start().await;
    let said = refusal(serve(&server.folder().join("data")).args(["--admin-token", TOKEN])).await;
    assert_one_line(&said);
    assert!(said.contains(&format!("process {}", server.pid())) && said.contains("--data"), "{said}");
    server.release("web", json!({"build": "a"})).await;
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_one_line() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "not a folder").unwrap();
    let said = refusal(&mut serve(&file.join("data"))).await;
    assert_one_line(&said);
    assert!(said.contains("file/data"), "{said}");
}

#[tokio::test]
async fn a_damaged_store_is_refused_with_the_way_to_recover() {
    let mut server = Server::start().await;
    for number in 0..50 {
        server.release("web", json!({"build": format!("b{number}"), "message": "x".repeat(500)})).await;
    }
    assert!(server.terminate().await.success());
    let store = server.folder().join("data/freshwire.db");
    let mut bytes = fs::read(&store).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 4096].fill(0xA5);
    fs::write(&store, &bytes).unwrap();
    let said = refusal(&mut serve(&server.folder().join("data"))).await;
    assert!(said.starts_with("error: the store ") && said.contains("damaged"), "{said}");
    assert!(said.contains("To recover") && said.contains("sqlite3"), "{said}");
    assert_eq!(fs::read(&store).unwrap(), bytes, "it is left as it is");
}

#[tokio::test]
async fn a_weak_admin_token_is_refused() {
    let folder = tempdir().unwrap();
    for weak in ["", "short", "fifteen-letters", "sixteen letters!", "sechzehn-zeichen-ü"] {
        let said = refusal(serve(&folder.path().join("data")).args(["--admin-token", weak])).await;
        assert_one_line(&said);
        assert!(said.contains("16 or more printable characters"), "{said}");
        assert!(weak.is_empty() || !said.contains(weak), "{said}");
        let said = refusal(serve(&folder.path().join("data")).env("FRESHWIRE_ADMIN_TOKEN", weak)).await;
        assert_one_line(&said);
    }
}

#[tokio::test]
async fn secrets_of_nats_are_shown_neither_when_they_are_wrong_nor_in_the_help() {
    let folder = tempdir().unwrap();
    let wrong = "nats://us:hunter2secret@nats-1:4222,nats://us:hunter2secret@nats-2:42222222";
    let said = refusal(serve(&folder.path().join("data")).env("FRESHWIRE_NATS", wrong)).await;
    assert_one_line(&said);
    assert!(said.contains("address 2 of --nats, nats-2:42222222: invalid port"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    assert!(!folder.path().join("data").exists(), "the store is not touched");

    let secrets = [("FRESHWIRE_NATS", wrong), ("FRESHWIRE_ADMIN_TOKEN", TOKEN), ("FRESHWIRE_TOKEN", TOKEN)];
    for words in [["serve", "--help"], ["apps", "--help"]] {
        let help = Command::new(binary()).args(words).envs(secrets).output().await.unwrap();
        let help = String::from_utf8(help.stdout).unwrap();
        assert!(help.contains("Usage") && !help.contains("hunter2") && !help.contains(TOKEN), "{help}");
    }
}

#[tokio::test]
async fn files_for_nats_that_cannot_be_read_are_one_line() {
    let folder = tempdir().unwrap();
    let garbage = folder.path().join("garbage");
    fs::write(&garbage, "no certificate, and no seed").unwrap();
    let nothing = folder.path().join("nothing");
    let data = folder.path().join("data");
    for flag in ["--nats-ca", "--nats-credentials"] {
        for file in [&garbage, &nothing] {
            let mut command = serve(&data);
            let said = refusal(command.args(["--nats", "nats://127.0.0.1:1", flag]).arg(file)).await;
            assert_one_line(&said);
            assert!(said.contains(&format!("{flag} {}: ", file.display())), "{said}");
        }
        let said = refusal(serve(&data).env("FRESHWIRE_NATS", "").arg(flag).arg(&garbage)).await;
        assert!(said.contains("names no server"), "{said}");
    }
}

#[tokio::test]
async fn with_no_server_of_nats_in_it_a_node_is_alone() {
    for none in ["", " , "] {
        let server = Server::start_with(&["--nats", none]).await;
        server.ready().await;
        server.release("web", json!({"build": "a"})).await;
    }
}

#[tokio::test]
async fn operators_at_the_pages_address_are_told_where_theirs_is() {
    let server = Server::start_with(&["--ops-listen", "127.0.0.1:0"]).await;
    for words in [&["census", "shop"][..], &["log", "export", "log.jsonl"]] {
        let (code, _, said) = server.run(words).await;
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("this is the pages' address") && said.contains("--ops-listen"), "{said}");
        assert!(said.contains("try: name the operators' address with --url"), "{said}");
    }
}

#[tokio::test]
async fn the_first_start_makes_an_admin_token_for_its_owner_alone() {
    let folder = tempdir().unwrap();
    let data = folder.path().join("data");
    let start = async || {
        let address = folder.path().join("address");
        let _ = fs::remove_file(&address);
        let log = fs::File::options().create(true).append(true).open(folder.path().join("log")).unwrap();
        let mut command = serve(&data);
        let mut process = command.arg("--addr-file").arg(&address).stderr(log).spawn().unwrap();
        let address = eventually("it listens", async || {
            let log = fs::read_to_string(folder.path().join("log")).unwrap();
            assert_eq!(process.try_wait().unwrap(), None, "{log}{}", trouble());
            saw(|| format!("its log ends with {}", tail(&log)));
            fs::read_to_string(&address).ok()
        })
        .await;
        (process, address.trim().to_owned())
    };
    let ask = async |address: &str, token: &str| {
        let apps = client().get(format!("http://{address}/v1/apps")).bearer_auth(token);
        apps.send().await.unwrap().status().as_u16()
    };
    let (mut process, address) = start().await;
    let file = data.join("admin-token");
    let token = fs::read_to_string(&file).unwrap().trim().to_owned();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(token.len() >= 32, "{}", token.len());
    assert_eq!(ask(&address, &token).await, 200);
    let body = json!({"refresh_rate": 9});
    let put = client().put(format!("http://{address}/v1/apps/web")).bearer_auth(&token).json(&body);
    assert_eq!(put.send().await.unwrap().status(), 200);
    process.kill().await.unwrap();

    // The same on the next start; and once its file is gone, none is made again.
    let (mut process, address) = start().await;
    assert_eq!(fs::read_to_string(&file).unwrap().trim(), token);
    assert_eq!(ask(&address, &token).await, 200);
    process.kill().await.unwrap();
    fs::remove_file(&file).unwrap();
    let (mut process, address) = start().await;
    assert_eq!(ask(&address, &token).await, 401);
    assert!(!file.exists());
    process.kill().await.unwrap();
    assert!(!fs::read_to_string(folder.path().join("log")).unwrap().contains(&token));
}

#[tokio::test]
async fn neither_tokens_nor_label_values_nor_resumes_are_logged() {
    let mut server = Server::start().await;
    server.release("web", json!({"build": "a", "version": "1.0.0"})).await;
    let made = server.done("POST", "/v1/tokens", Some(json!({"name": "ci", "scope": "read"}))).await;
    let secret = made["secret"].as_str().unwrap().to_owned();
    let hello = json!({"app": "web", "build": "a", "labels": {"tenant": "umbrella-corporation"},
        "token": "join-token-of-a-page"});
    let page = Page::hello(server.address(), hello.clone()).await;
    let resume = page.resume();
    drop(page);
    // A hello that is wrong is not quoted either.
    let mut bad = hello;
    bad["labels"]["note"] = json!("umbrella-corporation".repeat(5));
    let mut page = Page::silent(server.address(), None).await;
    page.send(&{
        bad["type"] = json!("hello");
        bad
    })
    .await;
    let (code, reason) = page.closed().await;
    assert_eq!(code, 4000);
    let apps = client().get(server.url("/v1/apps")).bearer_auth("a-token-that-is-mistyped");
    assert_eq!(apps.send().await.unwrap().status(), 401);
    assert!(server.terminate().await.success());
    let log = server.log();
    assert!(log.contains("listening") && log.contains("stopped"), "{log}");
    let secrets = [TOKEN, &secret, &resume, "umbrella-corporation", "join-token-of-a-page", "mistyped"];
    for secret in secrets {
        assert!(!log.contains(secret) && !reason.contains(secret), "{secret}: {log}");
    }
}

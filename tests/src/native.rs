//! The whole topology as `deploy/native` starts it: NATS, nodes, a balancer, and a shop. Ends when this is dropped.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, ChildStdin, Command};
use uuid::Uuid;

use crate::{
    eventually,
    process::{agreed, binary, client},
};

/// Longest time for what is ended to end: nodes drain, and each program is waited for in turn.
const ENDS_WITHIN: Duration = Duration::from_mins(2);

/// A running `deploy/native`.
pub struct Native {
    child: Child,
    /// It ends with its command, and that is `cat`: with us, however we end.
    stdin: Option<ChildStdin>,
    said: HashMap<String, String>,
    folder: TempDir,
}

/// The repository's `deploy`.
pub fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy")
}

impl Native {
    /// Starts it on free ports, with more in its environment.
    pub async fn start(environment: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let addresses = folder.path().join("addresses");
        let log = fs::File::create(folder.path().join("log")).expect("its log");
        let programs = binary().parent().expect("a folder").to_owned();
        let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap_or_default());
        let mut child = Command::new(deploy().join("native"))
            .arg("cat")
            .env("PATH", path)
            .envs(["PAGES_PORT", "OPERATORS_PORT", "SHOP_PORT"].map(|port| (port, "0")))
            .env("ADDRESSES", &addresses)
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("its log"))
            .stderr(log)
            .spawn()
            .expect("bash starts");
        let stdin = child.stdin.take();
        let said = eventually("the topology is up", async || {
            if let Ok(Some(status)) = child.try_wait() {
                let log = fs::read_to_string(folder.path().join("log")).unwrap_or_default();
                panic!("deploy/native ended with {status}: {log}");
            }
            fs::read_to_string(&addresses).ok()
        })
        .await;
        let said = said.lines().filter_map(|line| line.split_once('='));
        let said = said.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { child, stdin, said, folder }
    }

    /// What it says of itself: `LB_PAGES`, `FRESHWIRE_OPS_1`, `PID_nats_1`, …
    pub fn said(&self, name: &str) -> &str {
        self.said.get(name).unwrap_or_else(|| panic!("it doesn't say {name}"))
    }

    /// One of its programs.
    pub fn process(&self, name: &str) -> Pid {
        let pid = self.said(&format!("PID_{name}")).parse().ok();
        pid.and_then(Pid::from_raw).expect("a process ID")
    }

    /// Asks one of its programs to stop.
    pub fn ask_to_stop(&self, name: &str) {
        kill_process(self.process(name), Signal::TERM).expect("it runs");
    }

    /// All its programs that still run.
    pub fn running(&self) -> Vec<&str> {
        let names = self.said.keys().filter_map(|name| name.strip_prefix("PID_"));
        names.filter(|name| rustix::process::test_kill_process(self.process(name)).is_ok()).collect()
    }

    /// Calls the API at an address, which must agree. The log may be away, as in an election of NATS: it is asked again then.
    pub async fn done(&self, address: &str, method: &str, path: &str, body: Option<Value>) -> Value {
        let method: Method = method.parse().expect("a method");
        let key = Uuid::new_v4().to_string();
        agreed(path, true, async || {
            let mut request = client().request(method.clone(), format!("http://{address}{path}"));
            request = request.bearer_auth(self.said("FRESHWIRE_TOKEN")).header("idempotency-key", &key);
            if let Some(body) = &body {
                request = request.json(body);
            }
            let answer = request.send().await.expect("an answer");
            (answer.status().as_u16(), answer.json().await.expect("JSON"))
        })
        .await
    }

    /// Ends it all, and waits for it.
    pub async fn end(&mut self) {
        drop(self.stdin.take());
        let ended =
            tokio::time::timeout(ENDS_WITHIN, self.child.wait()).await.expect("it ends").expect("it ran");
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        assert!(ended.success(), "deploy/native ended with {ended}: {log}");
    }
}

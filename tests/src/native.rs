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
    process::{agreed, answered, binary, client},
    waiting::{saw, tail, trouble},
};

/// Longest time for what is ended to end: nodes drain, and each program is waited for in turn.
const ENDS_WITHIN: Duration = Duration::from_mins(2);

/// So often it is started where ports are taken.
const STARTS: usize = 3;

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
    /// Starts it on free ports, with more in its environment. It chooses them before its programs listen: where somebody
    /// else was quicker it says so, and is started again.
    pub async fn start(environment: &[(&str, &str)]) -> Self {
        for start in 1..=STARTS {
            match Self::try_to_start(environment).await {
                Ok(native) => return native,
                Err(log) if log.contains("in use") && start < STARTS => println!("{log}"),
                Err(log) => panic!("{log}{}", trouble()),
            }
        }
        unreachable!("the last start is one or panics")
    }

    /// An error says what it said before it ended by itself.
    async fn try_to_start(environment: &[(&str, &str)]) -> Result<Self, String> {
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
            let log = fs::read_to_string(folder.path().join("log")).unwrap_or_default();
            saw(|| format!("its log ends with {}", tail(&log)));
            if let Ok(Some(status)) = child.try_wait() {
                return Some(Err(format!("deploy/native ended with {status}: {log}")));
            }
            fs::read_to_string(&addresses).ok().map(Ok)
        })
        .await?;
        let said = said.lines().filter_map(|line| line.split_once('='));
        let said = said.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(Self { child, stdin, said, folder })
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
        let question = format!("{method} {path}");
        agreed(&question, true, async || {
            let mut request = client().request(method.clone(), format!("http://{address}{path}"));
            request = request.bearer_auth(self.said("FRESHWIRE_TOKEN")).header("idempotency-key", &key);
            if let Some(body) = &body {
                request = request.json(body);
            }
            let answer = answered(&question, request.send().await);
            let status = answer.status().as_u16();
            let answer = answer.json().await.unwrap_or_default();
            saw(|| format!("{question} at {address}: {status} {answer}"));
            (status, answer)
        })
        .await
    }

    /// Ends it all, and waits for it.
    pub async fn end(&mut self) {
        drop(self.stdin.take());
        let ended = tokio::time::timeout(ENDS_WITHIN, self.child.wait()).await;
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let Ok(ended) = ended else {
            let log = tail(&log);
            panic!("deploy/native didn't end in {ENDS_WITHIN:?}: {:?} run; it said {log}", self.running())
        };
        let ended = ended.expect("it ran");
        assert!(ended.success(), "deploy/native ended with {ended}: {log}");
    }
}

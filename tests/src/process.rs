//! The real binary, started on port 0 with a folder of its own, and stopped with the test.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::LazyLock,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use uuid::Uuid;

use crate::{
    eventually,
    nats::Nats,
    port::Port,
    waiting::{PATIENCE, in_time, saw, tail, trouble},
};

/// The admin token of every server in the tests.
pub const TOKEN: &str = "admin-token-of-the-tests";

/// Pages of the tests answer pings only while they are read, and many are just there: they are asked after a time that
/// no test takes. Tests that are about pings give a flag, which comes before this.
const PINGS: (&str, &str) = ("FRESHWIRE_PING_INTERVAL", "10m");

/// They connect a hundred at a time, and say hello when the machine lets them. The same of tests that are about this.
const HELLOS: (&str, &str) = ("FRESHWIRE_HELLO_TIMEOUT", "1m");

/// Longest time for a command to end that doesn't wait for anything of its own.
const RUNS_WITHIN: Duration = Duration::from_mins(2);

/// A running `freshwire serve`.
pub struct Server {
    child: Child,
    folder: PathBuf,
    flags: Vec<String>,
    environment: Vec<(String, String)>,
    /// Kept over restarts.
    address: String,
    /// The same on the loopback address.
    port: Option<Port>,
    /// Deleted with the server.
    temporary: Option<TempDir>,
}

/// The binary, as cargo built it beside this test.
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("FRESHWIRE_BIN") {
        return path.into();
    }
    let test = std::env::current_exe().expect("a test knows where it is");
    // Tests are in PROFILE/deps, programs in PROFILE.
    let folders = test.ancestors().skip(1).take(2);
    let binary = folders.map(|folder| folder.join("freshwire")).find(|binary| binary.exists());
    let binary = binary.unwrap_or_else(|| test.with_file_name("freshwire"));
    assert!(binary.exists(), "{} is not built: run 'cargo build -p freshwire'", binary.display());
    binary
}

impl Server {
    /// Starts one in a temporary folder.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts one with more flags.
    pub async fn start_with(flags: &[&str]) -> Self {
        let temporary = TempDir::new().expect("a temporary folder");
        let mut server = Self::start_in(temporary.path(), flags).await;
        server.temporary = Some(temporary);
        server
    }

    /// Starts one whose app `web` has one release: build `a`, version 1.0.0.
    pub async fn with_app(flags: &[&str]) -> Self {
        let server = Self::start_with(flags).await;
        server.release("web", json!({"build": "a", "version": "1.0.0"})).await;
        server
    }

    /// Starts one in a folder that outlives it.
    pub async fn start_in(folder: &Path, flags: &[&str]) -> Self {
        Self::spawn_on(Port::free(), folder, flags, &[]).await
    }

    /// Starts one as a node of a cluster, and waits until it takes pages.
    pub async fn node(nats: &Nats, name: &str, flags: &[&str]) -> Self {
        Self::node_at(&nats.url(), name, flags, &[]).await
    }

    /// The same, with NATS at this URL, and more in its environment.
    pub async fn node_at(url: &str, name: &str, flags: &[&str], environment: &[(&str, &str)]) -> Self {
        let temporary = TempDir::new().expect("a temporary folder");
        let flags = [&["--nats", url, "--node", name], flags].concat();
        let mut server = Self::spawn_on(Port::free(), temporary.path(), &flags, environment).await;
        server.temporary = Some(temporary);
        server.ready().await;
        server
    }

    /// Waits until it takes pages; a cluster's node listens before.
    pub async fn ready(&self) {
        let ready = async || (self.readiness().await.0 == 200).then_some(());
        eventually("the server is ready", ready).await;
    }

    /// What it tells balancers.
    pub async fn readiness(&self) -> (u16, Value) {
        self.call("GET", "/readyz", None).await
    }

    /// Starts one that listens somewhere else than on the loopback address only.
    pub async fn start_on(listen: &str, flags: &[&str]) -> Self {
        let temporary = TempDir::new().expect("a temporary folder");
        let mut server = Self::spawn(temporary.path(), listen, flags, &[]).await;
        server.address = server.address.replace("0.0.0.0", "127.0.0.1");
        server.temporary = Some(temporary);
        server
    }

    async fn spawn_on(port: Port, folder: &Path, flags: &[&str], environment: &[(&str, &str)]) -> Self {
        let listen = format!("127.0.0.1:{}", port.number());
        let mut server = Self::spawn(folder, &listen, flags, environment).await;
        server.port = Some(port);
        server
    }

    async fn spawn(folder: &Path, listen: &str, flags: &[&str], environment: &[(&str, &str)]) -> Self {
        let flags: Vec<_> = flags.iter().map(ToString::to_string).collect();
        let environment: Vec<_> =
            environment.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let (child, address) = spawn(folder, listen, &flags, &environment).await;
        Self { child, folder: folder.to_owned(), flags, environment, address, port: None, temporary: None }
    }

    /// A node's name, or where it listens.
    fn name(&self) -> &str {
        let mut flags = self.flags.iter().skip_while(|flag| *flag != "--node");
        flags.nth(1).unwrap_or(&self.address)
    }

    /// Where it listens, as host:port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// An address of its API.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Its folder: its store is in `data`, and its log in `stderr`.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// All that it has logged, over restarts.
    pub fn log(&self) -> String {
        let log = fs::read_to_string(self.folder.join("stderr")).expect("its log");
        saw(|| format!("the log of {} ends with {}", self.name(), tail(&log)));
        log
    }

    /// The process, for signals and limits.
    pub fn process(&self) -> Pid {
        i32::try_from(self.pid()).ok().and_then(Pid::from_raw).expect("a process ID")
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Ends it as a power cut would.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("it runs");
    }

    /// Asks it to stop.
    pub fn ask_to_stop(&self) {
        kill_process(self.process(), Signal::TERM).expect("it runs");
    }

    /// Asks it to stop, and waits until it has.
    pub async fn terminate(&mut self) -> ExitStatus {
        self.ask_to_stop();
        self.stopped().await
    }

    /// Waits until it has stopped.
    pub async fn stopped(&mut self) -> ExitStatus {
        let stopped = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        let Ok(status) = stopped else {
            let log = log_in(&self.folder);
            panic!("the server didn't stop in {PATIENCE:?}; its log ends with {}{}", tail(&log), trouble())
        };
        status.expect("it ran")
    }

    /// Starts it again in its folder and on its address.
    pub async fn restart(&mut self) {
        let (child, address) = spawn(&self.folder, &self.address, &self.flags, &self.environment).await;
        assert_eq!(address, self.address);
        self.child = child;
    }

    /// Calls its API with the admin token; answers status and body.
    pub async fn call(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        self.call_with(method, path, body, &[]).await
    }

    /// The same with more headers.
    pub async fn call_with(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> (u16, Value) {
        let to = method.parse().expect("a method");
        let mut request = client().request(to, self.url(path)).bearer_auth(TOKEN);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = answered(&format!("{}: {method} {path}", self.name()), request.send().await);
        let status = response.status().as_u16();
        let answer = response.json().await.unwrap_or(Value::Null);
        saw(|| format!("{}: {method} {path}: {status} {answer}", self.name()));
        (status, answer)
    }

    /// Calls its API, which must agree.
    pub async fn done(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        self.keyed(&Uuid::new_v4().to_string(), method, path, body).await
    }

    /// The same with an idempotency key of the caller's. A node of a cluster may say that its log is away, as in an election
    /// of NATS: it is asked again then, as clients should.
    pub async fn keyed(&self, key: &str, method: &str, path: &str, body: Option<Value>) -> Value {
        let in_cluster = self.flags.iter().any(|flag| flag == "--nats");
        agreed(&format!("{method} {path}"), in_cluster, async || {
            self.call_with(method, path, body.clone(), &[("idempotency-key", key)]).await
        })
        .await
    }

    /// Registers a release, which must be taken.
    pub async fn release(&self, app: &str, body: Value) -> Value {
        self.done("POST", &format!("/v1/apps/{app}/releases"), Some(body)).await
    }

    /// Reads from its API.
    pub async fn get(&self, path: &str) -> Value {
        self.done("GET", path, None).await
    }

    /// A counter's value; 0 if nothing was counted. `series` is its name with labels, as Prometheus reads it.
    pub async fn counter(&self, series: &str) -> u64 {
        let answer = answered("GET /metrics", client().get(self.url("/metrics")).send().await);
        let text = answer.text().await.expect("a text");
        let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        saw(|| format!("{}: {series} is {line:?}", self.name()));
        line.map_or(0, |value| value.parse().expect("a whole number"))
    }

    /// A command of the operator's against it, to be started.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.args(words).stdin(Stdio::null()).kill_on_drop(true);
        command.env_remove("FRESHWIRE_TOKEN_FILE");
        command.env("FRESHWIRE_URL", self.url("")).env("FRESHWIRE_TOKEN", TOKEN);
        command
    }

    /// Runs a command of the operator's against it; answers its exit code, what it printed, and what it complained of.
    pub async fn run(&self, words: &[&str]) -> (i32, String, String) {
        let mut command = self.command(words);
        let what = format!("{words:?} ends");
        let ran = in_time(RUNS_WITHIN, &what, command.output()).await.expect("it runs");
        let text = |bytes| String::from_utf8(bytes).expect("a text");
        let (code, said, complained) = (ran.status.code().unwrap_or(-1), text(ran.stdout), text(ran.stderr));
        saw(|| format!("{words:?} ends with {code}: {said}{complained}"));
        (code, said, complained)
    }

    /// Sessions by build, those with none left out.
    pub async fn census(&self, app: &str) -> Vec<(String, u64)> {
        let census = self.get(&format!("/v1/apps/{app}/census")).await;
        let rows = census["rows"].as_array().expect("rows").iter();
        rows.map(|row| (text(&row["build"]), row["sessions"].as_u64().expect("a count")))
            .filter(|(_, sessions)| *sessions > 0)
            .collect()
    }

    /// Resident memory in bytes.
    pub fn rss(&self) -> u64 {
        rss(self.pid())
    }
}

/// Resident memory of a process in bytes.
pub fn rss(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("Linux tells it");
    let kib: u64 = line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number");
    kib * 1024
}

/// What is answered to a question that must be agreed to. Where the log is a cluster's, it may be away for a while.
pub(crate) async fn agreed(question: &str, in_cluster: bool, ask: impl AsyncFn() -> (u16, Value)) -> Value {
    eventually(&format!("{question} is agreed to"), async || {
        let (status, answer) = ask().await;
        let away = status == 503 && answer["type"] == "urn:freshwire:problem:unavailable";
        assert!((200..300).contains(&status) || (away && in_cluster), "{question}: {status} {answer}");
        (!away).then_some(answer)
    })
    .await
}

/// A JSON string.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a string: {value}")).to_owned()
}

/// An HTTP client that keeps no connection, so that tests can share it.
pub fn client() -> &'static reqwest::Client {
    static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| {
        // No server is silent for so long, but one that hangs.
        let silence = Duration::from_mins(5);
        let builder = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).read_timeout(silence);
        builder.build().expect("a client")
    });
    &CLIENT
}

async fn spawn(
    folder: &Path,
    listen: &str,
    flags: &[String],
    environment: &[(String, String)],
) -> (Child, String) {
    fs::create_dir_all(folder).expect("its folder");
    let file = folder.join("address");
    let _ = fs::remove_file(&file);
    let log = fs::OpenOptions::new().create(true).append(true).open(folder.join("stderr")).expect("its log");
    let mut child = Command::new(binary())
        .args(["serve", "--listen", listen, "--admin-token", TOKEN])
        .args(["--data".as_ref(), folder.join("data").as_os_str()])
        .args(["--addr-file".as_ref(), file.as_os_str()])
        .args(flags)
        .envs([PINGS, HELLOS])
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .expect("the binary starts");
    let address = eventually("the server listens", async || {
        if let Ok(Some(status)) = child.try_wait() {
            panic!("the server ended with {status}: {}{}", log_in(folder), trouble());
        }
        saw(|| format!("its log ends with {}", tail(&log_in(folder))));
        fs::read_to_string(&file).ok()
    })
    .await;
    (child, address.trim().to_owned())
}

fn log_in(folder: &Path) -> String {
    fs::read_to_string(folder.join("stderr")).unwrap_or_default()
}

/// What came of a request, which must be an answer.
pub fn answered(question: &str, answer: reqwest::Result<reqwest::Response>) -> reqwest::Response {
    answer.unwrap_or_else(|error| {
        // Its reasons are in its sources.
        let reasons = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
        let reasons: Vec<_> = reasons.map(ToString::to_string).collect();
        panic!("{question}: no answer: {}", reasons.join(": "))
    })
}

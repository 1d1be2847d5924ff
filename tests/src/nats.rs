//! Real NATS servers with JetStream: one alone, or three that replicate. They end with the test.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use async_nats::jetstream::{self, ErrorCode, context::DeleteStreamErrorKind, stream};
use freshwire::{
    log::jetstream::{JetStreamLog, OpenError},
    nats::NatsConfig,
};
use rustix::process::Pid;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::{
    eventually,
    freeze::{freeze, thaw},
    port::Port,
    waiting::{PATIENCE, in_time, or_saw, saw, tail, trouble},
};

/// What is tried while servers find one another is tried again soon.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);
/// Flags of a node that waits for another as long as it may: where a slow machine must not look like a node that is away.
pub const PATIENT: &[&str] = &["--peer-timeout", "10s"];

/// One NATS: a server, or a cluster of three.
pub struct Nats {
    servers: Vec<NatsServer>,
    // Dropped after the servers that write to it.
    _folder: TempDir,
}

struct NatsServer {
    name: String,
    config: PathBuf,
    log: PathBuf,
    /// For clients, and for the other servers.
    ports: [Port; 2],
    /// None: it was killed.
    child: Option<Child>,
}

impl Nats {
    /// One server.
    pub async fn start() -> Self {
        Self::start_with("").await
    }

    /// One server with more lines in its configuration.
    pub async fn start_with(lines: &str) -> Self {
        Self::servers(1, lines).await
    }

    /// Three servers that replicate.
    pub async fn cluster() -> Self {
        Self::servers(3, "").await
    }

    async fn servers(count: usize, lines: &str) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let ports: Vec<_> = (0..count).map(|_| [Port::free(), Port::free()]).collect();
        let routes: Vec<_> = ports.iter().map(|[_, route]| route.number()).collect();
        let servers = ports.into_iter().enumerate();
        let servers = servers.map(|(index, ports)| NatsServer::new(&folder, index, ports, &routes, lines));
        let mut nats = Self { servers: servers.collect(), _folder: folder };
        for server in &mut nats.servers {
            server.start();
        }
        nats.listening().await;
        // Whether a stream can be made is asked only where everybody may ask.
        if lines.is_empty() {
            nats.settled().await;
        }
        nats
    }

    /// What `--nats` takes: all servers, separated by commas.
    pub fn url(&self) -> String {
        let urls: Vec<_> = (0..self.servers.len()).map(|index| self.url_of(index)).collect();
        urls.join(",")
    }

    /// One server's.
    pub fn url_of(&self, index: usize) -> String {
        format!("nats://{}", self.address_of(index))
    }

    /// One server's host:port.
    pub fn address_of(&self, index: usize) -> String {
        format!("127.0.0.1:{}", self.servers[index].port())
    }

    /// A server's process.
    pub fn pid(&self, index: usize) -> u32 {
        self.servers[index].child.as_ref().and_then(Child::id).expect("it runs")
    }

    /// A connection of the test's own, to all servers.
    pub async fn client(&self) -> async_nats::Client {
        let urls = self.url();
        let addresses: Vec<async_nats::ServerAddr> =
            urls.split(',').map(|url| url.parse().expect("an address")).collect();
        let options = async_nats::ConnectOptions::new().request_timeout(Some(ANSWERS_WITHIN));
        options.connect(addresses).await.expect("NATS is there")
    }

    /// `JetStream`, over a connection of the test's own.
    pub async fn jetstream(&self) -> jetstream::Context {
        jetstream::context::ContextBuilder::new().timeout(ANSWERS_WITHIN).build(self.client().await)
    }

    /// Makes a stream. Asked for once more, with the same configuration, it is there already.
    pub async fn create_stream(&self, config: stream::Config) {
        let context = self.jetstream().await;
        eventually("the stream is made", async || or_saw(context.create_stream(config.clone()).await)).await;
    }

    /// A stream that is there, as it is now.
    pub async fn stream(&self, name: &str) -> stream::Stream {
        let context = self.jetstream().await;
        eventually("the stream is there", async || or_saw(context.get_stream(name).await)).await
    }

    /// Deletes a stream. Where the answer came too late, the next one says that there is none.
    pub async fn delete_stream(&self, name: &str) {
        let context = self.jetstream().await;
        eventually("the stream is deleted", async || match context.delete_stream(name).await {
            Ok(_) => Some(()),
            Err(error) if is_gone(&error.kind()) => Some(()),
            Err(error) => or_saw(Err(error)),
        })
        .await;
    }

    /// The cluster's log as a node opens it, over a connection to one of the servers only.
    pub async fn open_log(&self, index: usize, folder: &Path) -> JetStreamLog {
        let config = NatsConfig {
            servers: vec![self.url_of(index).parse().expect("an address")],
            credentials: None,
            ca: None,
            cluster: "tests".into(),
        };
        let nats = freshwire::nats::Nats::connect(&config, "test").await.expect("a connection");
        let open = async {
            loop {
                match JetStreamLog::open(nats.clone(), folder).await {
                    Ok(log) => return log,
                    Err(error @ OpenError::NotYet(_)) => saw(|| format!("{error:?}")),
                    Err(refused) => panic!("{refused}"),
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        in_time(PATIENCE, "the log is there", open).await
    }

    /// Which server leads a stream.
    pub async fn leader(&self, stream: &str) -> usize {
        let context = self.jetstream().await;
        eventually("the stream has a leader", async || {
            let stream = or_saw(context.get_stream(stream).await)?;
            saw(|| format!("{:?}", stream.cached_info().cluster));
            let leader = stream.cached_info().cluster.as_ref()?.leader.clone()?;
            self.servers.iter().position(|server| server.name == leader)
        })
        .await
    }

    /// Waits until all servers hold all of a stream. A server that is killed before may take the only copy with it.
    pub async fn replicated(&self, stream: &str) {
        let context = self.jetstream().await;
        eventually("all replicas are current", async || {
            let stream = or_saw(context.get_stream(stream).await)?;
            saw(|| format!("{:?}", stream.cached_info().cluster));
            let cluster = stream.cached_info().cluster.as_ref()?;
            let others = &cluster.replicas;
            let current =
                others.iter().all(|peer| peer.current && !peer.offline && peer.lag.unwrap_or(0) == 0);
            (cluster.leader.is_some() && others.len() + 1 == self.servers.len() && current).then_some(())
        })
        .await;
    }

    /// What a server has logged.
    pub fn log(&self, index: usize) -> String {
        let log = self.servers[index].log();
        saw(|| format!("the log of nats-server ends with {}", tail(&log)));
        log
    }

    /// Ends a server as a power cut would.
    pub async fn kill(&mut self, index: usize) {
        let child = self.servers[index].child.take();
        child.expect("it runs").kill().await.expect("it runs");
    }

    /// Starts a server again that was killed, and waits until it listens. Others may still have to find it.
    pub async fn restart(&mut self, index: usize) {
        self.servers[index].start();
        self.listening().await;
    }

    /// Freezes a server: its sockets stay, and nothing answers.
    pub async fn stop(&self, index: usize) {
        freeze(self.servers[index].process()).await;
    }

    /// Thaws a server.
    pub fn cont(&self, index: usize) {
        thaw(self.servers[index].process());
    }

    /// Waits until all servers listen that run.
    async fn listening(&mut self) {
        for server in self.servers.iter_mut().filter(|server| server.child.is_some()) {
            eventually("nats-server listens", async || {
                let log = server.log();
                if let Some(ended) = server.child.as_mut()?.try_wait().expect("it was started") {
                    panic!("nats-server ended with {ended}: {}{}", tail(&log), trouble());
                }
                saw(|| format!("its log ends with {}", tail(&log)));
                tokio::net::TcpStream::connect(("127.0.0.1", server.port())).await.ok()
            })
            .await;
        }
    }

    /// Waits until each server takes a stream of as many replicas as there are servers.
    pub async fn settled(&self) {
        let config = stream::Config {
            name: "SETTLED".into(),
            num_replicas: self.servers.len(),
            storage: stream::StorageType::Memory,
            ..Default::default()
        };
        let name = config.name.clone();
        self.create_stream(config).await;
        self.delete_stream(&name).await;
    }
}

fn is_gone(error: &DeleteStreamErrorKind) -> bool {
    matches!(error, DeleteStreamErrorKind::JetStream(error) if error.error_code() == ErrorCode::STREAM_NOT_FOUND)
}

impl NatsServer {
    fn new(folder: &TempDir, index: usize, ports: [Port; 2], routes: &[u16], lines: &str) -> Self {
        let port = ports[0].number();
        let name = format!("n{}", index + 1);
        let file = |ending: &str| folder.path().join(format!("{name}.{ending}"));
        let store = file("store");
        let store = store.display();
        let mut config = format!(
            "server_name: {name}\nlisten: \"127.0.0.1:{port}\"\n\
             jetstream {{ store_dir: \"{store}\", max_memory_store: 64MB, max_file_store: 1GB }}\n{lines}\n"
        );
        if routes.len() > 1 {
            let urls: Vec<_> =
                routes.iter().map(|port| format!("\"nats-route://127.0.0.1:{port}\"")).collect();
            let (listen, urls) = (routes[index], urls.join(", "));
            writeln!(config, "cluster {{ name: tests, listen: \"127.0.0.1:{listen}\", routes: [{urls}] }}")
                .expect("strings take all");
        }
        fs::write(file("conf"), config).expect("its configuration");
        Self { config: file("conf"), log: file("log"), name, ports, child: None }
    }

    fn start(&mut self) {
        assert!(self.child.is_none(), "{} runs already", self.name);
        let log = fs::OpenOptions::new().create(true).append(true).open(&self.log).expect("its log");
        let child = Command::new("nats-server")
            .args(["-c".as_ref(), self.config.as_os_str()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn();
        self.child = Some(child.expect("nats-server is installed: run 'scripts/setup rust'"));
    }

    fn port(&self) -> u16 {
        self.ports[0].number()
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn process(&self) -> Pid {
        let id = self.child.as_ref().and_then(Child::id).expect("it runs");
        i32::try_from(id).ok().and_then(Pid::from_raw).expect("a process ID")
    }
}

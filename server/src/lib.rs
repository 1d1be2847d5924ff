//! Freshwire: know which builds of your single-page app are still open, and move them to a safe one.
//!
//! Three verbs: [`Server::new`], [`Server::listen`], [`Server::shutdown`].

pub mod api;
pub mod cli;
pub mod clock;
pub mod core;
pub mod fleet;
pub mod html;
pub mod log;
pub mod nats;
pub mod node_name;
pub mod process;
pub mod rollout;
pub mod session;
pub mod token_file;
pub mod web;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{net::TcpListener, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    core::{names::LogNumber, time::Period},
    fleet::{
        Fleet, Patience,
        bus::Bus,
        nats_bus::{Alone, NatsBus},
    },
    log::{
        Log, LogError, SideStore,
        jetstream::{self, JetStreamLog},
        ledger::Ledger,
        sqlite::SqliteLog,
    },
    rollout::{Gathering, Rollouts},
    session::{Timing, parking::Parking},
    web::Context,
};

/// Between two tries to open the log of a cluster.
const OPENS_AGAIN: Duration = Duration::from_secs(1);
/// How long after the last goodbye should have been said the last session is waited for.
const LAST_GOODBYES: Duration = Duration::from_secs(3);
/// How long after the last goodbye the nodes that take the pages may ask for them.
const LAST_QUESTIONS: Duration = Duration::from_secs(1);

/// Balancers that look every second have noticed after this.
const USUAL_NOTICE: Period = Period::secs(3);

/// What a server is made of.
#[derive(Clone, Debug)]
pub struct Config {
    /// Folder of the embedded store.
    pub data: PathBuf,
    /// This node's name; None: a random one, kept in `data`.
    pub node: Option<String>,
    /// Where the nodes of a cluster meet. None: this one is alone, with its log in `data`.
    pub nats: Option<nats::NatsConfig>,
    /// An admin token that is valid whatever the log says.
    pub admin_token: Option<String>,
    /// How long pages get for what.
    pub timing: Timing,
    /// How long after its start the census says `warming`; longer, if pages that poll may take longer to be back. Zero: not
    /// at all.
    pub warmup: Period,
    /// How long another node is waited for: to hand over a page that comes from it, and to be heard after a start.
    pub peer_timeout: Period,
    /// How long it is not ready before a shutdown begins with them, so that balancers notice. None: 3 s in a cluster, and
    /// no time at all where there is no other node.
    pub drain_notice: Option<Period>,
    /// How long a shutdown spreads its goodbyes.
    pub drain: Period,
    /// How it is found out whether rolling releases are served.
    pub gathering: Gathering,
    /// How often the timeline gets a point.
    pub timeline_every: Period,
    /// Keep neither IP nor user agent.
    pub no_client_info: bool,
}

impl Config {
    /// The defaults, on a data folder.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            node: None,
            nats: None,
            admin_token: None,
            timing: Timing::default(),
            warmup: Period::secs(60),
            peer_timeout: Period(800),
            drain_notice: None,
            drain: Period::secs(10),
            gathering: Gathering::default(),
            timeline_every: Period::mins(1),
            no_client_info: false,
        }
    }

    /// How long pages may take to find their way back: a gate that opened before would not have seen those that poll. They
    /// are told whole seconds, and take up to a fifth more.
    fn warms_for(&self) -> Period {
        let polled_by = Period(self.timing.poll_interval.0 / 2 * 3) + Period::secs(1);
        if self.warmup == Period::ZERO { Period::ZERO } else { self.warmup.max(polled_by) }
    }
}

/// What a listener serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Routes {
    /// What pages and edges may reach.
    Pages,
    /// What operators may reach.
    Operators,
    /// Both.
    All,
}

/// Why a server can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder can't be used.
    #[error(transparent)]
    Store(#[from] log::sqlite::OpenError),
    /// The log can't be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// What the connection to NATS is made of can't be read.
    #[error("NATS can't be used: {0}")]
    Nats(#[source] std::io::Error),
    /// The cluster's log must not be used.
    #[error("{0}")]
    Stream(String),
    /// The node's name can't be kept.
    #[error(transparent)]
    Name(#[from] node_name::NameError),
    /// The admin token can't be kept.
    #[error(transparent)]
    Token(#[from] token_file::TokenError),
}

/// A running server: the same object in `main` and in tests.
pub struct Server {
    context: Arc<Context>,
    store: SqliteLog,
    drain_notice: Duration,
    drain: Duration,
    /// Stops the listeners.
    stop_listening: CancellationToken,
    /// Stops what works behind them.
    stop: CancellationToken,
    listeners: TaskTracker,
    tasks: TaskTracker,
}

impl Server {
    /// Opens the store, seeds the state from its log, and starts what works behind the listeners.
    pub async fn new(config: Config) -> Result<Self, StartError> {
        Self::new_telling(config, |_| {}).await
    }

    /// The same, and tells what it waits for while a cluster's log isn't there yet.
    pub async fn new_telling(config: Config, tell: impl Fn(&str)) -> Result<Self, StartError> {
        web::install_metrics();
        let warmup = config.warms_for();
        if warmup > config.warmup {
            tracing::warn!(
                warmup = %config.warmup,
                poll_interval = %config.timing.poll_interval,
                "pages that poll are not all back when --warmup is over; the census is warming for {warmup}"
            );
        }
        let data = config.data.clone();
        let store = tokio::task::spawn_blocking(move || SqliteLog::open(&data))
            .await
            .expect("opening doesn't panic")?;
        let side: Arc<dyn SideStore> = Arc::new(store.side_table());

        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let node = match config.node {
            Some(node) => node,
            None => node_name::read_or_make(&config.data)?,
        };
        let usual_notice = if config.nats.is_some() { USUAL_NOTICE } else { Period::ZERO };
        let (ledger, bus): (_, Arc<dyn Bus>) = match &config.nats {
            Some(nats) => {
                let nats = nats::Nats::connect(nats, &node).await.map_err(StartError::Nats)?;
                let ledger = join(&nats, &config.data, &tasks, &stop, tell).await?;
                (ledger, Arc::new(NatsBus::new(nats, node.clone())))
            }
            None => (Ledger::open(Arc::new(store.clone()), &tasks, stop.clone()).await?, Arc::new(Alone)),
        };
        let first_start = ledger.state().number == LogNumber(0);
        if config.nats.is_some() && first_start && store.last().await? > LogNumber(0) {
            tracing::warn!(
                data = %config.data.display(),
                "the data folder has a log of its own, and the cluster's is empty: to go on with it, stop this node, start \
                 it without --nats, write the log to a file with 'freshwire log export', and take it into the cluster \
                 with 'freshwire log import'"
            );
        }
        let admin_token = match config.admin_token {
            Some(token) => Some(token_file::check(token)?),
            None => token_file::read_or_make(&config.data, first_start)?,
        };

        let patience =
            Patience { warmup, backend_ttl: config.gathering.backend_ttl, peer_timeout: config.peer_timeout };
        let fleet = Fleet::open(node, &patience, ledger.clone(), side, bus, clock::now()).await?;
        let fleet = Arc::new(fleet);
        fleet.run(&tasks, &stop, config.timeline_every).await;
        let parking = Arc::new(Parking::new(config.timing.poll_interval));
        parking.run(&tasks, &stop);

        let rollouts = Arc::new(Rollouts::new(config.gathering));
        rollout::watch::run(&rollouts, &fleet, web::settle_by_itself, &tasks, &stop);

        let context = Arc::new(Context {
            ledger,
            fleet,
            rollouts,
            parking,
            sockets: TaskTracker::new(),
            timing: config.timing,
            admin_token_hash: admin_token.as_deref().map(web::hash_of_secret),
            no_client_info: config.no_client_info,
        });
        Ok(Self {
            context,
            store,
            drain_notice: config.drain_notice.unwrap_or(usual_notice).std(),
            drain: config.drain.std(),
            stop_listening: CancellationToken::new(),
            stop,
            listeners: TaskTracker::new(),
            tasks,
        })
    }

    /// Serves on a listener from now on.
    pub fn listen(&self, listener: TcpListener, routes: Routes) {
        let app = match routes {
            Routes::Pages => web::pages(self.context.clone()).fallback(web::not_for_pages),
            Routes::Operators => web::operators(self.context.clone()).fallback(web::not_found),
            Routes::All => web::pages_and_operators(self.context.clone()).fallback(web::not_found),
        };
        let stopped = self.stop_listening.clone().cancelled_owned();
        self.listeners.spawn(async move {
            let listener = NoDelay(listener);
            if let Err(error) = axum::serve(listener, app).with_graceful_shutdown(stopped).await {
                tracing::error!(%error, "a listener failed");
            }
        });
    }

    /// What the server knows, for those that run in the same process.
    pub fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// Says goodbye to every session, spread over the drain, and stops. Nothing that was acknowledged is lost.
    pub async fn shutdown(self) {
        let sessions = self.context.fleet.registry.len();
        tracing::info!(sessions, notice = ?self.drain_notice, over = ?self.drain, "draining");
        self.context.fleet.announce_drain();
        tokio::time::sleep(self.drain_notice).await;
        self.context.fleet.drain(self.drain);
        // Sockets have left axum's hands, so that they are waited for here; listeners answer /readyz meanwhile.
        self.context.sockets.close();
        let said = timeout(self.drain + LAST_GOODBYES, self.context.sockets.wait()).await;
        if said.is_err() {
            tracing::warn!(sessions = self.context.fleet.registry.len(), "some sessions did not say goodbye");
        }
        if let Some(drain) = self.context.fleet.farewell().filter(|drain| drain.elsewhere() && sessions > 0) {
            tokio::time::sleep(drain.left().min(LAST_QUESTIONS)).await;
        }
        self.stop_listening.cancel();
        self.listeners.close();
        let _ = timeout(LAST_GOODBYES, self.listeners.wait()).await;
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        // Only when nobody is handed over any more: who was after it would be counted in both places, here and after a
        // restart.
        self.context.fleet.part_with_the_rest();
        self.context.fleet.say_goodbye().await;
        self.context.fleet.write_side_tables().await;
        self.store.close().await;
        tracing::info!("stopped");
    }
}

/// Opens the cluster's log, for as long as that takes.
async fn join(
    nats: &nats::Nats,
    data: &Path,
    tasks: &TaskTracker,
    stop: &CancellationToken,
    tell: impl Fn(&str),
) -> Result<Ledger, StartError> {
    let mut told = String::new();
    loop {
        let reason = match JetStreamLog::open(nats.clone(), data).await {
            Ok(log) => {
                let log: Arc<dyn Log> = Arc::new(log);
                match Ledger::open(log, tasks, stop.clone()).await {
                    Err(LogError::Unavailable(reason)) => reason,
                    opened => return Ok(opened?),
                }
            }
            Err(jetstream::OpenError::NotYet(reason)) => reason,
            Err(jetstream::OpenError::Refused(reason)) => return Err(StartError::Stream(reason)),
        };
        // A connection that isn't there has said so itself.
        if told != reason && nats.connected() {
            tracing::warn!(reason, "the cluster's log can't be opened; trying on");
        }
        tell(&reason);
        told = reason;
        tokio::time::sleep(OPENS_AGAIN).await;
    }
}

/// Frames are small and must not wait for more (Nagle's algorithm).
struct NoDelay(TcpListener);

impl axum::serve::Listener for NoDelay {
    type Io = tokio::net::TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = axum::serve::Listener::accept(&mut self.0).await;
        // Without it everything works, only slower.
        let _ = stream.set_nodelay(true);
        (stream, address)
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_warm_up_is_not_over_before_pages_that_poll_are_back() {
        let warms_for = |warmup, poll_interval| {
            let mut config = Config { warmup, ..Config::new("data") };
            config.timing.poll_interval = poll_interval;
            config.warms_for()
        };
        assert_eq!(warms_for(Period::secs(60), Period::secs(30)), Period::secs(60), "as by default");
        assert_eq!(warms_for(Period::secs(60), Period::mins(2)), Period::secs(181));
        assert_eq!(warms_for(Period::secs(5), Period::secs(30)), Period::secs(46));
        assert_eq!(warms_for(Period::ZERO, Period::mins(2)), Period::ZERO, "nobody wants to wait");
        // Whatever the interval: as pages are told it, and as late as they may be.
        for interval in (1_000..200_000).step_by(77).map(Period) {
            let told = Period(interval.0.div_ceil(1_000) * 1_000);
            assert!(warms_for(Period(1), interval).0 >= told.0 * 6 / 5, "{interval}");
        }
    }
}

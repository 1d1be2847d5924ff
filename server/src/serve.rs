//! `freshwire serve`.

use std::{
    io::{self, IsTerminal, Write as _},
    net::SocketAddr,
    os::fd::AsFd as _,
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, ValueEnum};
use freshwire::{
    Config, Routes, Server,
    core::{names::is_subject_word, time::Period},
    nats::{self, NatsConfig},
    rollout::Gathering,
    session::Timing,
    web::Starting,
};
use tokio::{
    net::{TcpListener, TcpSocket},
    signal::unix::{SignalKind, signal},
};
use tracing_subscriber::EnvFilter;

use crate::process;

/// Connections that wait to be accepted: pages come back in bursts.
const BACKLOG: u32 = 4096;

/// What is logged by default. The client of NATS says every try; what matters of it is said once, by us.
const LOGS: &str = "info,async_nats=off";

/// Flags of `freshwire serve`; each has an environment twin.
#[derive(Args)]
pub struct ServeArgs {
    /// Address of pages, and of operators unless --ops-listen; port 0 picks one.
    #[arg(long, env = "FRESHWIRE_LISTEN", default_value = "127.0.0.1:3774")]
    listen: SocketAddr,
    /// Another address for operators: API and metrics.
    #[arg(long, env = "FRESHWIRE_OPS_LISTEN")]
    ops_listen: Option<SocketAddr>,
    /// Let operators in on a --listen that is not loopback.
    #[arg(long, env = "FRESHWIRE_OPS_PUBLIC")]
    ops_public: bool,
    /// Write the bound address of pages to this file, as host:port.
    #[arg(long, env = "FRESHWIRE_ADDR_FILE")]
    addr_file: Option<PathBuf>,
    /// Folder of the embedded store.
    #[arg(long, env = "FRESHWIRE_DATA", default_value = "./freshwire-data")]
    data: PathBuf,
    /// Servers of one NATS, separated by commas: this node is one of a cluster, whose log lives in JetStream.
    // Read by us: clap quotes what it can't read, and there are passwords in it.
    #[arg(long, env = "FRESHWIRE_NATS", value_delimiter = ',', hide_env_values = true)]
    nats: Vec<String>,
    /// Tells apart two clusters on one NATS.
    #[arg(long, env = "FRESHWIRE_CLUSTER", default_value = "freshwire", value_parser = subject_word)]
    cluster: String,
    /// A file with the credentials of this cluster's NATS user.
    #[arg(long, env = "FRESHWIRE_NATS_CREDENTIALS", requires = "nats")]
    nats_credentials: Option<PathBuf>,
    /// A file with the root certificates by which NATS is trusted.
    #[arg(long, env = "FRESHWIRE_NATS_CA", requires = "nats")]
    nats_ca: Option<PathBuf>,
    /// This node's name in roll calls; default: a random one, kept in the data folder.
    #[arg(long, env = "FRESHWIRE_NODE", value_parser = subject_word)]
    node: Option<String>,
    /// The first admin token: 16 or more printable characters. Without one, the first start makes one in
    /// DATA/admin-token.
    #[arg(long, env = "FRESHWIRE_ADMIN_TOKEN", hide_env_values = true)]
    admin_token: Option<String>,
    /// How long a page gets for its hello.
    #[arg(long, env = "FRESHWIRE_HELLO_TIMEOUT", default_value = "5s")]
    hello_timeout: Period,
    /// Time between two pings.
    #[arg(long, env = "FRESHWIRE_PING_INTERVAL", default_value = "25s")]
    ping_interval: Period,
    /// How long a page gets for its pong.
    #[arg(long, env = "FRESHWIRE_PONG_TIMEOUT", default_value = "10s")]
    pong_timeout: Period,
    /// Time between two polls of a page that can't keep a socket open; at least 1s.
    #[arg(long, env = "FRESHWIRE_POLL_INTERVAL", default_value = "30s", value_parser = poll_interval)]
    poll_interval: Period,
    /// How long after the start the census says `warming`: pages are still finding their way back. At least a little over
    /// one and a half times --poll-interval, for those that poll; 0s: not at all.
    #[arg(long, env = "FRESHWIRE_WARMUP", default_value = "60s")]
    warmup: Period,
    /// How long another node is waited for: to hand over a page that comes from it, and to be heard after a start. Longer
    /// where nodes are far from one another.
    #[arg(long, env = "FRESHWIRE_PEER_TIMEOUT", default_value = "800ms", value_parser = peer_timeout)]
    peer_timeout: Period,
    /// How long after SIGTERM pages are still taken while /readyz is 503 already; default: 3s with --nats, else none.
    #[arg(long, env = "FRESHWIRE_DRAIN_NOTICE")]
    drain_notice: Option<Period>,
    /// How long SIGTERM spreads its goodbyes.
    #[arg(long, env = "FRESHWIRE_DRAIN", default_value = "10s")]
    drain: Period,
    /// Let probes go to private addresses: loopback, private networks, link-local.
    #[arg(long, env = "FRESHWIRE_PROBE_PRIVATE")]
    probe_private: bool,
    /// Time between two probes of an origin while a release is rolling; they slow down when nothing changes.
    #[arg(long, env = "FRESHWIRE_PROBE_INTERVAL", default_value = "2s", value_parser = probe_interval)]
    probe_interval: Period,
    /// How long a back end's report counts that says nothing else; what they say is evidence that long after a start.
    #[arg(long, env = "FRESHWIRE_BACKEND_TTL", default_value = "30s", value_parser = backend_ttl)]
    backend_ttl: Period,
    /// How often the timeline gets a point; for tests.
    #[arg(long, env = "FRESHWIRE_TIMELINE_INTERVAL", default_value = "1m", hide = true, value_parser = timeline_interval)]
    timeline_interval: Period,
    /// Keep neither IP nor user agent, even in memory.
    #[arg(long, env = "FRESHWIRE_NO_CLIENT_INFO")]
    no_client_info: bool,
    /// How to log; default: pretty on a terminal, else JSON.
    #[arg(long, env = "FRESHWIRE_LOG_FORMAT")]
    log_format: Option<LogFormat>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Pretty,
    Json,
}

/// Serves until SIGTERM or SIGINT.
pub async fn run(args: ServeArgs) -> ExitCode {
    init_logs(args.log_format);
    match serve(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // Not `eprintln!`, which panics where its file has no room.
            let _ = writeln!(io::stderr(), "error: {message}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(args: ServeArgs) -> Result<(), String> {
    let mut stopped =
        process::StopSignal::new().map_err(|error| format!("signals can't be waited for: {error}"))?;
    process::raise_file_limit();
    let servers = nats::servers(&args.nats)?;
    if servers.is_empty() && (args.nats_credentials.is_some() || args.nats_ca.is_some()) {
        return Err("--nats-credentials and --nats-ca are for --nats, which names no server".to_owned());
    }
    outlive_full_files().map_err(|error| format!("signals can't be handled: {error}"))?;
    // The addresses first: a port in use is found before the store is touched.
    let pages = bind("--listen", args.listen)?;
    let operators = args.ops_listen.map(|address| bind("--ops-listen", address)).transpose()?;
    let routes = routes(&args);

    let mut config = Config::new(&args.data);
    config.node.clone_from(&args.node);
    config.nats = (!servers.is_empty()).then(|| NatsConfig {
        servers,
        credentials: args.nats_credentials.clone(),
        ca: args.nats_ca.clone(),
        cluster: args.cluster.clone(),
    });
    config.admin_token.clone_from(&args.admin_token);
    config.timing = Timing {
        hello_timeout: args.hello_timeout,
        ping_interval: args.ping_interval,
        pong_timeout: args.pong_timeout,
        poll_interval: args.poll_interval,
    };
    config.warmup = args.warmup;
    config.peer_timeout = args.peer_timeout;
    config.drain_notice = args.drain_notice;
    config.drain = args.drain;
    config.gathering = Gathering {
        probe_private: args.probe_private,
        probe_interval: args.probe_interval,
        backend_ttl: args.backend_ttl,
    };
    config.timeline_every = args.timeline_interval;
    config.no_client_info = args.no_client_info;
    let address = pages.local_addr().map_err(|error| error.to_string())?;
    let write_address = || match &args.addr_file {
        Some(file) => {
            process::write_addresses(file, &[address]).map_err(|error| format!("{}: {error}", file.display()))
        }
        None => Ok(()),
    };
    let starting = Starting::default();
    // Opening a folder takes no time; NATS may be away for long.
    if config.nats.is_some() {
        for listener in [Some(&pages), operators.as_ref()].into_iter().flatten() {
            let other =
                other_handle(listener).map_err(|error| format!("can't listen on {address}: {error}"))?;
            starting.listen(other);
        }
        write_address()?;
    }
    let server = tokio::select! {
        server = Server::new_telling(config, |reason| starting.because(reason)) => server,
        () = stopped.wait() => return Ok(()),
    };
    let server = server.map_err(|error| error.to_string())?;
    starting.done();

    tracing::info!(%address, ?routes, node = server.context().fleet.node, "listening");
    server.listen(pages, routes);
    if let Some(listener) = operators {
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        tracing::info!(%address, "listening for operators");
        server.listen(listener, Routes::Operators);
    }
    write_address()?;
    stopped.wait().await;
    server.shutdown().await;
    Ok(())
}

/// Names are part of NATS subjects.
fn subject_word(text: &str) -> Result<String, String> {
    if is_subject_word(text) {
        Ok(text.to_owned())
    } else {
        Err("1 to 64 letters, digits, - and _".to_owned())
    }
}

/// Pages are told it in whole seconds, and one that polls without a pause is worse than a socket.
fn poll_interval(text: &str) -> Result<Period, String> {
    let interval: Period = text.parse().map_err(|error| format!("{error}"))?;
    if interval < Period::secs(1) { Err("pages poll once a second at most".to_owned()) } else { Ok(interval) }
}

/// Origins are somebody's servers.
fn probe_interval(text: &str) -> Result<Period, String> {
    let interval: Period = text.parse().map_err(|error| format!("{error}"))?;
    if interval < Period(100) { Err("at least 100ms".to_owned()) } else { Ok(interval) }
}

/// As a report may have it.
fn backend_ttl(text: &str) -> Result<Period, String> {
    let ttl: Period = text.parse().map_err(|error| format!("{error}"))?;
    let allowed = Period::secs(1)..=Period::mins(60);
    if allowed.contains(&ttl) { Ok(ttl) } else { Err("from 1s to 1h".to_owned()) }
}

/// A page waits for its welcome meanwhile.
fn peer_timeout(text: &str) -> Result<Period, String> {
    let timeout: Period = text.parse().map_err(|error| format!("{error}"))?;
    let allowed = Period(100)..=Period::secs(10);
    if allowed.contains(&timeout) { Ok(timeout) } else { Err("from 100ms to 10s".to_owned()) }
}

/// Every point is kept for a day.
fn timeline_interval(text: &str) -> Result<Period, String> {
    let interval: Period = text.parse().map_err(|error| format!("{error}"))?;
    if interval < Period(100) { Err("ten points a second at most".to_owned()) } else { Ok(interval) }
}

/// Operators are let in where only this machine can reach, or where they are meant to be.
fn routes(args: &ServeArgs) -> Routes {
    match args.ops_listen {
        None if args.listen.ip().is_loopback() || args.ops_public => Routes::All,
        None => {
            tracing::warn!(
                "--listen is not loopback: operators are not let in there; give --ops-listen or --ops-public"
            );
            Routes::Pages
        }
        Some(_) => Routes::Pages,
    }
}

/// Another handle on the same socket, which goes on when this one is dropped.
fn other_handle(listener: &TcpListener) -> io::Result<TcpListener> {
    TcpListener::from_std(listener.as_fd().try_clone_to_owned()?.into())
}

fn bind(flag: &str, address: SocketAddr) -> Result<TcpListener, String> {
    let bind = || -> io::Result<TcpListener> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    bind().map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("{address} is in use; stop what listens there, or choose another with {flag} HOST:PORT")
        }
        _ => format!("can't listen on {address}: {error}"),
    })
}

/// A file that may not grow is to be an error of the write, like a full disk, and not the end of the process. The
/// handler stays when what waits for the signal is dropped.
fn outlive_full_files() -> io::Result<()> {
    signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw())).map(drop)
}

fn init_logs(format: Option<LogFormat>) {
    let format =
        format.unwrap_or(if io::stderr().is_terminal() { LogFormat::Pretty } else { LogFormat::Json });
    let filter = EnvFilter::try_from_env("FRESHWIRE_LOG").unwrap_or_else(|_| EnvFilter::new(LOGS));
    // Where the log can't be written (a full disk has no room for it either) it would complain with `eprintln!`, which
    // then panics in whatever thread had something to say.
    let logs =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).log_internal_errors(false);
    match format {
        LogFormat::Pretty => logs.with_target(false).init(),
        LogFormat::Json => logs.json().init(),
    }
}

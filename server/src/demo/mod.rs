//! `freshwire demo`: a server, a small shop with a page to try it on, and a crowd of simulated pages.

mod build;
mod control;
mod crowd;
mod operator;
mod page;
mod screen;
mod seed;
mod shop;
mod stage;
mod temper;
mod watch;
mod wire;

use std::{
    fs::{self, File},
    io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use clap::Args;
use freshwire::{Config, Routes, Server, core::time::Period, token_file};
use tokio::{net::TcpListener, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing_subscriber::EnvFilter;

use self::{operator::Operator, screen::Screen, stage::Stage};
use crate::process;

/// Where `freshwire` looks for a server by itself, so that the commands to try need no address.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 3774);
const SHOP_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 3775);
/// The store is deleted anyway: nobody waits for more than this.
const STOPS_WITHIN: Duration = Duration::from_millis(1500);

/// Flags of `freshwire demo`.
#[derive(Args)]
pub struct DemoArgs {
    /// Address of the Freshwire server; port 0 picks one. Default: 127.0.0.1:3774, or another port if that is in use.
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// Address of the shop; port 0 picks one. Default: 127.0.0.1:3775, or another port if that is in use.
    #[arg(long)]
    shop_listen: Option<SocketAddr>,
    /// Write both addresses to this file, a line each: the server's, then the shop's.
    #[arg(long)]
    addr_file: Option<PathBuf>,
    /// How many pages to simulate.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u16).range(0..=5000))]
    sessions: u16,
    /// Stop by itself after so long.
    #[arg(long = "for", value_name = "DURATION")]
    lasts: Option<Period>,
}

/// Runs the demo until it is stopped.
pub async fn run(args: DemoArgs) -> ExitCode {
    match demo(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

async fn demo(args: DemoArgs) -> Result<(), String> {
    let mut stopped =
        process::StopSignal::new().map_err(|error| format!("signals can't be waited for: {error}"))?;
    // Each simulated page is two open files, as both its ends are here.
    process::raise_file_limit();
    let (listener, shop_listener) = (
        bind(args.listen, LISTEN, "--listen").await?,
        bind(args.shop_listen, SHOP_LISTEN, "--shop-listen").await?,
    );
    let address = |listener: &TcpListener| listener.local_addr().map_err(|error| error.to_string());
    let (server_at, shop_at) = (address(&listener)?, address(&shop_listener)?);
    let (server_url, shop_url) = (format!("http://{server_at}"), format!("http://{shop_at}"));

    let folder = tempfile::Builder::new()
        .prefix("freshwire-demo-")
        .tempdir()
        .map_err(|error| format!("a temporary folder can't be made: {error}"))?;
    log_to(&folder.path().join("log"))?;
    let data = folder.path().join("data");
    let mut config = Config::new(&data);
    config.node = Some("demo".into());
    config.drain = Period(300);
    config.warmup = Period::ZERO;
    let server = Server::new(config).await.map_err(|error| error.to_string())?;
    server.listen(listener, Routes::All);

    let token_file = data.join(token_file::FILE);
    let admin_token =
        fs::read_to_string(&token_file).map_err(|error| format!("{}: {error}", token_file.display()))?;
    let admin = Operator::new(&server_url, admin_token.trim());
    let token = seed::seed(&admin, &shop_url).await?;
    let operator = Operator::new(&server_url, &token);
    let stage = Arc::new(Stage::new(operator, &server_url, &shop_url).await?);

    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let news = watch::start(stage.clone(), &tasks, &stop);
    shop::serve(shop_listener, stage.clone(), news.clone(), &tasks, &stop);
    crowd::start(&stage, args.sessions, &tasks, &stop);
    if let Some(file) = &args.addr_file {
        process::write_addresses(file, &[server_at, shop_at])
            .map_err(|error| format!("{}: {error}", file.display()))?;
    }

    let opening = screen::Opening {
        shop_url: &shop_url,
        server_url: &server_url,
        default_server: server_at == LISTEN,
        token_file: &token_file,
        sessions: args.sessions,
    };
    let screen = Screen::open(&opening);
    tokio::select! {
        () = screen.follow(news) => {}
        () = stopped.wait() => {}
        () = after(args.lasts) => {}
    }

    stop.cancel();
    tasks.close();
    let clean = async {
        tasks.wait().await;
        server.shutdown().await;
    };
    // A browser may keep its connections open for longer; the process ends them.
    let _ = timeout(STOPS_WITHIN, clean).await;
    Ok(())
}

/// Listens where the user said, or else at the usual address, or if that is in use wherever there is room.
async fn bind(wanted: Option<SocketAddr>, usual: SocketAddr, flag: &str) -> Result<TcpListener, String> {
    let address = wanted.unwrap_or(usual);
    if !address.ip().is_loopback() {
        return Err(format!("the demo's buttons ask for no password: {flag} takes loopback addresses only"));
    }
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && wanted.is_none() => {
            let listener = TcpListener::bind(SocketAddr::new(usual.ip(), 0))
                .await
                .map_err(|error| format!("can't listen on {}: {error}", usual.ip()))?;
            let taken = listener.local_addr().map_err(|error| error.to_string())?;
            eprintln!("note: {usual} is in use, so {taken} it is; choose with {flag} HOST:PORT");
            Ok(listener)
        }
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(format!(
            "{address} is in use; stop what listens there, or choose another with {flag} HOST:PORT"
        )),
        Err(error) => Err(format!("can't listen on {address}: {error}")),
    }
}

/// The terminal is for the census.
fn log_to(file: &Path) -> Result<(), String> {
    let log = File::create(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let filter = EnvFilter::try_from_env("FRESHWIRE_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(Arc::new(log)).init();
    Ok(())
}

async fn after(lasts: Option<Period>) {
    match lasts {
        Some(period) => tokio::time::sleep(period.std()).await,
        None => std::future::pending().await,
    }
}

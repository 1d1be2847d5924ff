//! The connection to NATS: one for a node, kept up by itself. Knows nothing of what goes over it.

mod address;
mod trouble;

use std::{io, path::Path, sync::Arc, time::Duration};

use async_nats::{
    Client, ConnectOptions, ServerAddr, connection,
    rustls::{
        RootCertStore,
        pki_types::{CertificateDer, pem::PemObject as _},
    },
};
use parking_lot::Mutex;
use percent_encoding::percent_decode_str;
use rand::Rng;

pub use self::address::servers;
use self::trouble::Trouble;

/// Every call is answered within this time, or has failed.
pub const ANSWERS_WITHIN: Duration = Duration::from_secs(1);
/// Two pings that stay unanswered end a connection that only looks alive.
const PINGS_EVERY: Duration = Duration::from_secs(2);
const CONNECTS_WITHIN: Duration = Duration::from_secs(2);
/// Longest wait before the next try to connect.
const LONGEST_WAIT: Duration = Duration::from_secs(3);
/// Wait before the second try; doubled for each further one.
const SHORTEST_WAIT: Duration = Duration::from_millis(250);

/// Where NATS is, and which of its clusters is ours.
#[derive(Clone, Debug)]
pub struct NatsConfig {
    /// Servers of one NATS cluster: `nats://user:password@host:port` or `tls://…`. All take the same user.
    pub servers: Vec<ServerAddr>,
    /// A file with a user's credentials (JWT and seed), as `nsc` writes it.
    pub credentials: Option<std::path::PathBuf>,
    /// A file with the root certificates to trust beside the system's.
    pub ca: Option<std::path::PathBuf>,
    /// Tells apart two Freshwire clusters on one NATS.
    pub cluster: String,
}

/// A node's connection; cheap to clone.
#[derive(Clone)]
pub struct Nats {
    client: Client,
    cluster: Arc<str>,
    trouble: Arc<Mutex<Trouble>>,
}

impl Nats {
    /// Connects as soon as it can. An error is one that trying again can't mend.
    pub async fn connect(config: &NatsConfig, node: &str) -> io::Result<Self> {
        let addresses: Vec<_> =
            config.servers.iter().map(|server| format!("{}:{}", server.host(), server.port())).collect();
        let addresses = addresses.join(", ");
        let trouble = Arc::new(Mutex::new(Trouble::new(addresses)));
        let (told, tries) = (trouble.clone(), trouble.clone());
        let mut options = ConnectOptions::new()
            .name(format!("freshwire {node}"))
            .no_echo()
            .retry_on_initial_connect()
            .connection_timeout(CONNECTS_WITHIN)
            .request_timeout(Some(ANSWERS_WITHIN))
            .ping_interval(PINGS_EVERY)
            .reconnect_delay_callback(wait_before)
            .event_callback(move |event| {
                told.lock().note(event);
                std::future::ready(())
            })
            // Chooses nothing: it is how one learns why a try failed, and not only in which kind of way.
            .reconnect_to_server_callback(move |servers, _| {
                tries.lock().trying_again(&servers);
                std::future::ready(None)
            });
        options = match identity(&config.servers) {
            Identity::None => options,
            Identity::Token(token) => options.token(token),
            Identity::User(user, password) => options.user_and_password(user, password),
        };
        if let Some(file) = &config.credentials {
            let wrong = |error| of_file("--nats-credentials", file, &error);
            let credentials = tokio::fs::read_to_string(file).await.map_err(wrong)?;
            options = options.credentials(&credentials).map_err(wrong)?;
        }
        if let Some(file) = &config.ca {
            check_roots(file).map_err(|error| of_file("--nats-ca", file, &error))?;
            options = options.add_root_certificates(file.clone());
        }
        let client = options.connect(&config.servers[..]).await.map_err(io::Error::other)?;
        Ok(Self { client, cluster: config.cluster.as_str().into(), trouble })
    }

    /// The client, for what only it can do.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// A subject or stream name of our cluster's own.
    pub fn subject(&self, rest: &str) -> String {
        format!("freshwire.{}.{rest}", self.cluster)
    }

    /// The cluster's name.
    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    /// There is a connection now. What is published without one would wait in silence.
    pub fn connected(&self) -> bool {
        self.client.connection_state() == connection::State::Connected
    }

    /// Why there is no connection, and since when. None: there is one.
    pub fn trouble(&self) -> Option<(String, Duration)> {
        self.trouble.lock().now(self.connected())
    }
}

fn of_file(flag: &str, file: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{flag} {}: {error}", file.display()))
}

/// Certificates that can't be read would only be missed with TLS, and then in every try.
fn check_roots(file: &Path) -> io::Result<()> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&std::fs::read(file)?) {
        roots.add(certificate.map_err(io::Error::other)?).map_err(io::Error::other)?;
    }
    if roots.is_empty() {
        return Err(io::Error::other("it has no certificate; it must be a PEM file with root certificates"));
    }
    Ok(())
}

/// Who we say we are.
#[derive(Debug, PartialEq, Eq)]
enum Identity {
    None,
    Token(String),
    User(String, String),
}

/// What stands before the `@` of the first URL that has it; the client itself doesn't look there.
fn identity(servers: &[ServerAddr]) -> Identity {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let named = servers.iter().find_map(|server| Some((server.username()?, server.password())));
    match named {
        None => Identity::None,
        Some((token, None)) => Identity::Token(decoded(token)),
        Some((user, Some(password))) => Identity::User(decoded(user), decoded(password)),
    }
}

/// Full jitter: nodes that lost one server together don't come to the next one together.
fn wait_before(attempt: usize) -> Duration {
    let doubled = SHORTEST_WAIT.saturating_mul(1 << attempt.min(8));
    rand::rng().random_range(Duration::ZERO..doubled.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(urls: &[&str]) -> Identity {
        let servers: Vec<ServerAddr> = urls.iter().map(|url| url.parse().expect("a URL")).collect();
        identity(&servers)
    }

    #[test]
    fn a_url_says_who_we_are() {
        assert_eq!(of(&["nats://a:4222", "b:4222"]), Identity::None);
        assert_eq!(of(&["nats://secret@a:4222"]), Identity::Token("secret".into()));
        let user = Identity::User("freshwire".into(), "p@ss:w%rd".into());
        assert_eq!(of(&["nats://a:4222", "tls://freshwire:p%40ss%3Aw%25rd@b:4222"]), user);
    }
}

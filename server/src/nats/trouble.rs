//! What is wrong with the connection, in words that say what to check. Each is logged once, and not for every try.

use std::{
    collections::BTreeSet,
    mem,
    time::{Duration, Instant},
};

use async_nats::{ClientError, Event, Server, ServerError};

/// So many are remembered as told; then it begins anew.
const REMEMBERED: usize = 32;

/// How a connection stands that should be there.
pub struct Trouble {
    /// Since when there is no connection.
    since: Option<Instant>,
    /// What was wrong last.
    reason: Option<String>,
    /// Who should have answered, without credentials.
    addresses: String,
    /// There was a try since there was no connection.
    tried: bool,
    /// Why tries failed since there was a connection, as far as it was logged.
    told: Told,
    /// What the server refused to do, as far as it was logged.
    refused: Told,
}

impl Trouble {
    /// There is no connection yet with whoever answers at these addresses.
    pub fn new(addresses: String) -> Self {
        let (told, refused) = (Told::default(), Told::default());
        Self { since: Some(Instant::now()), reason: None, addresses, tried: false, told, refused }
    }

    /// Why there is no connection, and since when. Whether there is one the client knows: what it tells of it may get lost
    /// where it has much to tell.
    pub fn now(&mut self, connected: bool) -> Option<(String, Duration)> {
        if connected {
            (self.since, self.reason) = (None, None);
            return None;
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        let reason = self.reason.as_deref().unwrap_or("no answer yet");
        Some((format!("NATS can't be reached at {}: {reason}", self.addresses), since.elapsed()))
    }

    /// Takes in what the client tells.
    pub fn note(&mut self, event: Event) {
        match event {
            Event::Connected => {
                (self.since, self.reason, self.tried) = (None, None, false);
                self.told = Told::default();
                tracing::info!("connected to NATS");
            }
            Event::Disconnected => {
                self.since.get_or_insert_with(Instant::now);
                self.reason = Some("the connection is lost".into());
                tracing::warn!("the connection to NATS is lost; connecting again");
            }
            Event::ClientError(ClientError::Other(kind)) if kind != "DNS error" => {
                // Only its kind; `trying_again` tells more. That names can't be found is told nowhere else.
                self.reason.get_or_insert(kind);
            }
            Event::ClientError(error) => self.failed(&advised(&plain(&error.to_string()))),
            Event::ServerError(error) => self.refused(&error),
            other => tracing::info!(event = %other, "NATS"),
        }
    }

    /// Takes in how the servers answered the tries before this one.
    pub fn trying_again(&mut self, servers: &[Server]) {
        if !mem::replace(&mut self.tried, true) {
            // What is said of them is older than the connection that is lost.
            return;
        }
        let failed = servers.iter().filter_map(|server| {
            let error = plain(server.last_error.as_deref()?);
            Some((format!("{}:{}", server.addr.host(), server.addr.port()), error))
        });
        if let Some(reason) = why(&failed.collect::<Vec<_>>()) {
            self.failed(&reason);
        }
    }

    fn failed(&mut self, reason: &str) {
        if self.told.first(reason) {
            let addresses = &self.addresses;
            tracing::warn!(reason, addresses, "NATS can't be used; trying on");
        }
        self.reason = Some(reason.to_owned());
    }

    /// The connection may well go on, so that it is no reason why there is none.
    fn refused(&mut self, error: &ServerError) {
        let reason = plain(&error.to_string());
        if self.refused.first(&reason) {
            tracing::warn!(reason, "NATS refuses something");
        }
    }
}

/// What was logged already.
#[derive(Default)]
struct Told(BTreeSet<String>);

impl Told {
    fn first(&mut self, said: &str) -> bool {
        if self.0.len() >= REMEMBERED {
            self.0.clear();
        }
        self.0.insert(said.to_owned())
    }
}

fn plain(error: &str) -> String {
    error.replace("nats: ", "")
}

/// All servers' errors in one sentence.
fn why(failed: &[(String, String)]) -> Option<String> {
    let (_, first) = failed.first()?;
    if failed.iter().all(|(_, error)| error == first) {
        return Some(advised(first));
    }
    let each: Vec<_> =
        failed.iter().map(|(address, error)| format!("{address}: {}", advised(error))).collect();
    Some(each.join("; "))
}

/// An error, and what to check.
fn advised(error: &str) -> String {
    let says = |words: &[&str]| words.iter().any(|word| error.contains(word));
    let check = if says(&["authorization violation", "signing nonce"]) {
        "the user and password in --nats, or --nats-credentials"
    } else if says(&["peer certificate"]) {
        "--nats-ca, and that NATS' certificate names the host as --nats does"
    } else if says(&["TLS", "corrupt message", "handshake"]) {
        "whether NATS speaks TLS there: tls:// in --nats if it does, else nats://"
    } else if says(&["DNS error"]) {
        "the hosts' names in --nats, and whether this machine can find them"
    } else if says(&["refused"]) {
        "that nats-server runs and listens there"
    } else if says(&["timed out", "unreachable"]) {
        "the hosts and ports in --nats, and the firewalls on the way"
    } else {
        "that --nats names nats-server's port for clients"
    };
    format!("{error}; check {check}")
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    fn lost() -> Trouble {
        let mut trouble = Trouble::new("a:4222".into());
        trouble.note(Event::Disconnected);
        trouble
    }

    #[test]
    fn what_the_client_does_not_tell_is_seen() {
        let mut lost = lost();
        let said = lost.now(false).expect("it is away");
        assert_eq!(said.0, "NATS can't be reached at a:4222: the connection is lost");
        assert_eq!(lost.now(true), None, "it is there again, and nobody said so");
        let again = lost.now(false).expect("it is away, and nobody said so");
        assert!(again.0.ends_with("no answer yet") && again.1 < Duration::from_secs(10), "{again:?}");
    }

    #[test]
    fn an_error_says_what_to_check() {
        let all = |error: &str| why(&[("a:1".into(), error.into()), ("b:1".into(), error.into())]).unwrap();
        let refused = all("IO error: Connection refused (os error 111)");
        assert_eq!(
            refused,
            "IO error: Connection refused (os error 111); check that nats-server runs and listens there"
        );
        for (error, check) in [
            ("authorization violation: authorization violation", "the user and password"),
            ("IO error: invalid peer certificate: UnknownIssuer", "--nats-ca"),
            ("IO error: received corrupt message of type InvalidContentType", "tls:// in --nats"),
            ("DNS error", "the hosts' names"),
            ("timed out", "firewalls"),
            ("IO error: expected INFO, got nothing", "port for clients"),
        ] {
            let said = all(error);
            assert!(said.starts_with(error) && said.contains(check), "{said}");
        }
        let two = [("a:1".to_owned(), "timed out".to_owned()), ("b:1".to_owned(), "DNS error".to_owned())];
        let said = why(&two).unwrap();
        assert!(said.starts_with("a:1: timed out; check") && said.contains("; b:1: DNS error; "), "{said}");
        assert_eq!(why(&[]), None);
    }

    #[test]
    fn a_refusal_is_told_once_and_as_what_it_is() {
        let log = Log::default();
        let logs = tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).finish();
        tracing::subscriber::with_default(logs, || {
            let mut trouble = Trouble::new("a:4222".into());
            let refusal = || Event::ServerError(ServerError::Other("Permissions Violation".into()));
            for _ in 0..3 {
                trouble.note(Event::Connected);
                trouble.note(refusal());
                assert_eq!(trouble.now(true), None);
                trouble.note(refusal());
                trouble.note(Event::Disconnected);
                trouble.note(Event::ClientError(ClientError::Other("DNS error".into())));
                trouble.note(Event::ClientError(ClientError::Other("DNS error".into())));
                assert!(trouble.now(false).unwrap().0.contains("the hosts' names"));
            }
        });
        let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert_eq!(log.matches("NATS refuses something").count(), 1, "{log}");
        assert_eq!(log.matches("NATS can't be used").count(), 3, "once each time: {log}");
    }

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Log {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }
}

//! Two nodes of a cluster, of which one can be cut off from the other.

use crate::{nats::Nats, process::Server, wire::Wire};

/// Two nodes, of which one has NATS behind a wire.
pub struct Pair {
    // Dropped before the NATS that they use.
    /// The one behind the wire, called `a`.
    pub wired: Server,
    /// The other one, called `b`.
    pub other: Server,
    /// All goes through at first.
    pub wire: Wire,
    _nats: Nats,
}

impl Pair {
    /// Starts both with these flags, and waits until they take pages.
    pub async fn start(flags: &[&str]) -> Self {
        Self::start_with(flags, &[]).await
    }

    /// The same, with more in the environment of the one behind the wire.
    pub async fn start_with(flags: &[&str], environment: &[(&str, &str)]) -> Self {
        let nats = Nats::start().await;
        let wire = Wire::to(&nats.address_of(0)).await;
        let url = wire.url();
        let (wired, other) =
            tokio::join!(Server::node_at(&url, "a", flags, environment), Server::node(&nats, "b", flags));
        Self { wired, other, wire, _nats: nats }
    }

    /// Both of them.
    pub fn nodes(&self) -> [&Server; 2] {
        [&self.wired, &self.other]
    }
}

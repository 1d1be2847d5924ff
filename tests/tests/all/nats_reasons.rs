//! Why there is no connection to NATS, and what to check: each mistake is told from the others.

use std::path::PathBuf;

use freshwire::nats::{Nats as Connection, NatsConfig, servers};
use freshwire_tests::{eventually, nats::Nats, waiting::saw};
use tokio::net::TcpListener;

/// What a node at this URL says, as soon as it says this.
async fn says(url: &str, ca: Option<PathBuf>, expected: &str) {
    let servers = servers(&[url.to_owned()]).unwrap();
    let config = NatsConfig { servers, credentials: None, ca, cluster: "tests".into() };
    let connection = Connection::connect(&config, "a").await.unwrap();
    let mut last = String::new();
    let reason = eventually(&format!("{url} is said to be: {expected}"), async || {
        let reason = connection.trouble().map(|(reason, _)| reason).unwrap_or_default();
        if last != reason {
            println!("{reason}");
            last.clone_from(&reason);
        }
        saw(|| format!("'{reason}'"));
        reason.contains(expected).then_some(reason)
    })
    .await;
    assert!(!reason.contains("hunter2"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mistake_is_told_from_the_others() {
    let nats = Nats::start_with("authorization { user: us, password: hunter2 }").await;
    let address = nats.address_of(0);
    says("nats://us:hunter2@127.0.0.1:1", None, "refused (os error 111); check that nats-server runs").await;
    says(&format!("nats://us:hunter3@{address}"), None, "authorization violation; check the user").await;
    says(&format!("tls://us:hunter2@{address}"), None, "check whether NATS speaks TLS there").await;
    says("nats://us:hunter2@nowhere.invalid:4222", None, "DNS error; check the hosts' names").await;
    // Somebody who says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = silent.local_addr().unwrap();
    says(&format!("nats://us:hunter2@{silent}"), None, "timed out; check the hosts and ports").await;
}

//! The helpers of the tests with NATS: a cluster of three outlives one of them.

use async_nats::jetstream::stream::Config;
use freshwire_tests::nats::Nats;

#[tokio::test(flavor = "multi_thread")]
async fn three_servers_replicate_and_outlive_one_of_them() {
    let mut nats = Nats::cluster().await;
    nats.create_stream(Config { name: "S".into(), num_replicas: 3, ..Config::default() }).await;
    let leader = nats.leader("S").await;
    nats.kill(leader).await;
    assert_ne!(nats.leader("S").await, leader);
    nats.restart(leader).await;
    nats.settled().await;
}

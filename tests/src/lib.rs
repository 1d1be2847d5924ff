//! Helpers of the end-to-end tests.
#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "these run inside tests, where a panic is the report"
)]

pub mod census;
pub mod cpu;
pub mod drafts;
pub mod events;
pub mod files;
pub mod freeze;
pub mod log_contract;
pub mod native;
pub mod nats;
pub mod origin;
pub mod page;
pub mod pair;
pub mod process;
pub mod running;
pub mod terminal;
pub mod wire;

use std::time::Duration;

/// Waits until something is there, and gives up after a time that no machine needs.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), looking)
        .await
        .unwrap_or_else(|_| panic!("waited in vain: {what}"))
}

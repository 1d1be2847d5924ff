//! Helpers of the end-to-end tests.
#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "these run inside tests, where a panic is the report"
)]

pub mod census;
pub mod cpu;
pub mod descendants;
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
pub mod port;
pub mod process;
pub mod running;
pub mod terminal;
pub mod waiting;
pub mod wire;

pub use waiting::eventually;

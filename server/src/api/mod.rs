//! The shapes of the operators' HTTP API, shared by the server that answers and the command line that asks.

pub mod answers;
pub mod bodies;
pub mod campaigns;
pub mod frozen;
pub mod gate;
pub mod rollout;
mod schema;
pub mod timeline;
pub mod transfer;

/// Header of every answer: the app's last log number.
pub const NUMBER_HEADER: &str = "freshwire-number";

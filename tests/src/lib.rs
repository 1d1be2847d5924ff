//! Helpers of the end-to-end tests.
#![allow(clippy::unwrap_used, reason = "these run inside tests, where a panic is the report")]

pub mod drafts;
pub mod log_contract;

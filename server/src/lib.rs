//! Freshwire: know which builds of your single-page app are still open, and move them to a safe one.

pub mod api;
pub mod core;
pub mod log;

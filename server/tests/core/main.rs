//! The pure core, by properties over random histories and by examples of its rules.

mod assets;
mod digesting;
mod examples;
mod folding;
mod gates;
mod json;
mod judging;
mod model;
mod needing;
mod pacing;
mod planning;
mod pushing;
mod remains;
mod replacing;
mod roll_calls;
mod rollouts;
mod story;
mod strange;
mod telling;
mod timeline;

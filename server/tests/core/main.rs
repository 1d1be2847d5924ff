//! The pure core, by properties over random histories and by examples of its rules.

mod examples;
mod folding;
mod json;
mod judging;
mod model;
mod pacing;
mod planning;
mod replacing;
mod story;
mod telling;

//! The pure core: no clock, no socket, no store. `now` is always an argument.
//!
//! Read in this order: [`change`] (what an operator can do), [`app`] (what changes add up to), [`judge`] (one build's
//! standing), [`campaign`] and [`plan`] (who is told what, and when), [`census`] (who is where).

pub mod app;
mod apply;
pub mod assets;
pub mod brake;
pub mod campaign;
pub mod census;
pub mod change;
mod count;
mod describe;
pub mod digest;
pub mod enrol;
pub mod explain;
pub mod frames;
pub mod gate;
pub mod judge;
pub mod names;
pub mod needs;
pub mod order;
pub mod outcome;
pub mod pace;
pub mod plan;
pub mod push;
pub mod rollcall;
pub mod rollout;
pub mod select;
pub mod session;
pub mod state;
pub mod tally;
pub mod time;
pub mod timeline;
pub mod token;

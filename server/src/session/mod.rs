//! One page's connection: greeting, then a state machine that never touches the socket, then the loop that does; or, for
//! a page that polls, the place where its machine is parked between two polls.

pub mod close;
pub mod greeting;
pub mod machine;
pub mod parking;
pub mod poll;
mod reconcile;
pub mod socket;

use crate::core::time::Period;

/// How long pages get for what.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// For its hello.
    pub hello_timeout: Period,
    /// Between two pings.
    pub ping_interval: Period,
    /// For the answer to a ping.
    pub pong_timeout: Period,
    /// Between two polls.
    pub poll_interval: Period,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            hello_timeout: Period::secs(5),
            ping_interval: Period::secs(25),
            pong_timeout: Period::secs(10),
            poll_interval: Period::secs(30),
        }
    }
}

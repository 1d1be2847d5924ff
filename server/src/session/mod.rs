//! One page's connection: greeting, then a state machine that never touches the socket, then the loop that does.

pub mod close;
pub mod greeting;
pub mod machine;
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
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            hello_timeout: Period::secs(5),
            ping_interval: Period::secs(25),
            pong_timeout: Period::secs(10),
        }
    }
}

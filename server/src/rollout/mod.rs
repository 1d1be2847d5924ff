//! Whether rolling releases are served: who reports in, what origins say, and settling by itself.

mod address;
pub mod backends;
mod document;
pub mod probe;

use self::{backends::BackEnds, probe::Origins};
use crate::core::time::Period;

/// How evidence is gathered.
#[derive(Clone, Copy, Debug)]
pub struct Gathering {
    /// Probes may go to private addresses.
    pub probe_private: bool,
    /// Time between two probes of an origin that is about to change; they slow down when nothing does.
    pub probe_interval: Period,
    /// How long a back end's report counts that says nothing else. Evidence of back ends begins that long after a start.
    pub backend_ttl: Period,
}

impl Default for Gathering {
    fn default() -> Self {
        Self { probe_private: false, probe_interval: Period::secs(2), backend_ttl: Period::secs(30) }
    }
}

/// What this node knows of its apps' origins and back ends.
pub struct Rollouts {
    /// Who reports in.
    pub back_ends: BackEnds,
    /// Asks origins.
    pub origins: Origins,
}

impl Rollouts {
    /// Nothing yet.
    pub fn new(gathering: Gathering) -> Self {
        Self {
            back_ends: BackEnds::new(gathering.backend_ttl),
            origins: Origins::new(gathering.probe_private),
        }
    }
}

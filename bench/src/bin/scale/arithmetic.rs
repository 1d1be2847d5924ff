//! What a cluster of any size comes to, from what was measured of small ones.

use crate::{
    figures::{Cluster, Figures},
    meter::float,
};

pub struct Arithmetic {
    /// Resident memory of a node without sessions, and what each adds; and what the kernel holds for each.
    pub bytes_empty: f64,
    pub bytes_a_session: f64,
    pub kernel_bytes_a_session: f64,
    /// A report of no builds, and what each adds.
    pub report_base: f64,
    pub report_a_build: f64,
    /// What a node by itself has to do with NATS, out of NATS, a second.
    own: Traffic,
    /// Processor time of NATS for each message that it delivers, and of a node for each report that it hears, for one of
    /// twelve builds; in microseconds.
    pub nats_us_a_delivery: f64,
    pub node_us_a_report: f64,
}

/// Out of NATS, a second.
#[derive(Clone, Copy)]
pub struct Traffic {
    pub messages: f64,
    pub bytes: f64,
}

impl Arithmetic {
    /// Reports that a node tells a second when nothing changes.
    pub const QUIET: f64 = 1.0 / 3.0;

    pub fn of(figures: &Figures) -> Result<Self, String> {
        let mut alone = figures.clusters.iter().filter(|cluster| cluster.nodes == 1);
        let (Some(few), Some(many)) = (alone.next(), alone.next_back()) else {
            return Err("one node was to be measured with few and with many sessions".to_owned());
        };
        let reports = (figures.reports.first(), figures.reports.last());
        let (Some(small), Some(large)) = reports else { return Err("no reports were measured".to_owned()) };
        let voices =
            figures.voices.iter().filter(|voices| voices.builds == 12).max_by_key(|voices| voices.nodes);
        let Some(voices) = voices else { return Err("no voices were measured".to_owned()) };
        let grows = |from: &Cluster, to: &Cluster| {
            let more = to.rss_full.saturating_sub(from.rss_full);
            wide(more) / float(to.sessions.saturating_sub(from.sessions).max(1))
        };
        let bytes_a_session = grows(few, many);
        let report_a_build = float(large.bytes - small.bytes) / float(large.builds - small.builds);
        Ok(Self {
            bytes_empty: wide(many.rss_full) - bytes_a_session * float(many.sessions),
            bytes_a_session,
            kernel_bytes_a_session: wide(many.kernel_bytes_a_session),
            report_base: float(small.bytes) - report_a_build * float(small.builds),
            report_a_build,
            own: Traffic { messages: many.quiet.messages_out, bytes: many.quiet.bytes_out },
            nats_us_a_delivery: voices.changing.nats_cpu * 1e6 / voices.changing.messages_out,
            node_us_a_report: voices.changing.node_cpu * 1e6 / float(voices.nodes - 1),
        })
    }

    /// Resident memory of a node.
    pub fn rss(&self, sessions: f64) -> f64 {
        self.bytes_empty + self.bytes_a_session * sessions
    }

    /// With what the kernel holds.
    pub fn memory(&self, sessions: f64) -> f64 {
        self.rss(sessions) + self.kernel_bytes_a_session * sessions
    }

    pub fn report(&self, builds: usize) -> f64 {
        self.report_base + self.report_a_build * float(builds)
    }

    /// Each node's report goes to all the others so many times a second.
    pub fn traffic(&self, nodes: f64, builds: usize, a_second: f64) -> Traffic {
        let reports = nodes * (nodes - 1.0) * a_second;
        Traffic {
            messages: nodes * self.own.messages + reports,
            bytes: nodes * self.own.bytes + reports * self.report(builds),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "bytes are far below 2^53")]
pub fn wide(bytes: u64) -> f64 {
    bytes as f64
}

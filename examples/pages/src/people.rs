//! The people in front of the pages: how soon they act, who has unsaved work, whose browser is stubborn.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use freshwire::core::time::Period;
use rand::Rng;

use crate::{Args, origin::Origin};

/// What all pages have in common.
pub struct People {
    /// The server's address, as a WebSocket's.
    pub socket_url: String,
    /// Which app.
    pub app: String,
    /// The app's own words about its pages.
    pub labels: BTreeMap<String, String>,
    /// Where documents come from.
    pub origin: Origin,
    acts_within: Duration,
    unsaved: u8,
    busy: Option<PathBuf>,
    stubborn: u8,
    turnover: Option<Duration>,
}

impl People {
    pub fn new(args: &Args, origin: Origin) -> Self {
        Self {
            socket_url: format!("{}/v1/connect", args.url.trim_end_matches('/').replacen("http", "ws", 1)),
            app: args.app.clone(),
            labels: args.labels.iter().cloned().collect(),
            origin,
            acts_within: args.acts_within.std(),
            unsaved: args.unsaved,
            busy: args.busy.clone(),
            stubborn: args.stubborn,
            turnover: args.turnover.map(Period::std),
        }
    }

    /// From being told to doing what is asked.
    pub fn hesitate(&self) -> Duration {
        self.acts_within.mul_f64(rand::rng().random_range(0.1..1.0))
    }

    /// After how long a page is closed and another opened: of some never.
    pub fn closes_after(&self) -> Option<Duration> {
        self.turnover.map(|mean| mean.mul_f64(rand::rng().random_range(0.1..1.9)))
    }

    /// Those with unsaved work are not done with it yet.
    pub fn busy(&self) -> bool {
        self.busy.as_ref().is_none_or(|file| file.exists())
    }

    /// Whether the nth page has unsaved work at first.
    pub fn unsaved(&self, n: u16) -> bool {
        falls(n, self.unsaved)
    }

    /// Whether the nth page's browser keeps to the old document.
    pub fn stubborn(&self, n: u16) -> bool {
        falls(n, self.stubborn)
    }
}

/// True of exactly so many of each hundred, spread evenly: an example tells the same story every time.
fn falls(n: u16, percent: u8) -> bool {
    let (n, percent) = (u32::from(n), u32::from(percent));
    (n + 1) * percent / 100 > n * percent / 100
}

#[cfg(test)]
mod tests {
    use super::falls;

    #[test]
    fn so_many_of_a_hundred_are_so_many() {
        for percent in [0, 1, 10, 33, 100] {
            assert_eq!((0..100).filter(|n| falls(*n, percent)).count(), usize::from(percent));
        }
        assert_eq!((0..20).filter(|n| falls(*n, 10)).count(), 2);
    }
}

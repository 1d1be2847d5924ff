//! What kinds of people sit before the simulated pages, and how they act.

use std::time::Duration;

use rand::Rng;

/// How somebody meets a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Temper {
    /// Reads it and agrees.
    Willing,
    /// Puts it off first.
    Snoozer,
    /// Is in the middle of an order now and then.
    Ordering,
    /// Has the tab in the background.
    Elsewhere,
    /// Has closed the laptop: the page doesn't answer for a while.
    Dozing,
}

impl Temper {
    /// One of a plausible crowd.
    pub fn random() -> Self {
        match rand::rng().random_range(0..100) {
            0..64 => Self::Willing,
            64..73 => Self::Snoozer,
            73..82 => Self::Ordering,
            82..95 => Self::Elsewhere,
            _ => Self::Dozing,
        }
    }

    /// From being told to reloading, or to what comes before it.
    pub fn acts_after(self) -> Duration {
        match self {
            Self::Willing | Self::Ordering | Self::Snoozer => between(1.5, 9.0),
            Self::Elsewhere => between(6.0, 25.0),
            Self::Dozing => between(20.0, 80.0),
        }
    }
}

/// A random time between two, in seconds.
pub fn between(least: f64, most: f64) -> Duration {
    Duration::from_secs_f64(rand::rng().random_range(least..most))
}

/// A random time with this mean, in seconds: of things that happen out of the blue.
pub fn now_and_then(mean: f64) -> Duration {
    Duration::from_secs_f64(-mean * (1.0 - rand::random::<f64>()).ln())
}

/// True so many times in a hundred.
pub fn chance(percent: u32) -> bool {
    rand::rng().random_range(0..100) < percent
}

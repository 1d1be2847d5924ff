//! A node's farewell: when each of its pages is sent away, and when it is to be back.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

/// Steps of this length around a circle are spread evenly, however many there will be; chance would make lumps of them.
const GOLDEN: f64 = 0.618_033_988_749_895;

/// A node's farewell.
#[derive(Clone, Debug)]
pub struct Drain {
    /// When it began.
    pub from: Instant,
    /// Over how long goodbyes are spread.
    pub over: Duration,
    elsewhere: Arc<AtomicBool>,
    turns: Arc<AtomicU32>,
}

impl Drain {
    /// One that begins now.
    pub fn new(over: Duration, elsewhere: bool) -> Self {
        Self { from: Instant::now(), over, elsewhere: Arc::new(elsewhere.into()), turns: Arc::default() }
    }

    /// Other nodes take its pages.
    pub fn elsewhere(&self) -> bool {
        self.elsewhere.load(Ordering::Relaxed)
    }

    /// They do, or do no more: they may stop, too.
    pub fn go_elsewhere(&self, elsewhere: bool) {
        self.elsewhere.store(elsewhere, Ordering::Relaxed);
    }

    /// When the next page that asks is sent away. The last tenth is left for the closing itself.
    pub fn goodbye_at(&self) -> Instant {
        self.from + self.over.mul_f64(0.9 * self.turn())
    }

    /// In how many milliseconds a page that is sent away is to be back: at once where another node takes it, since the
    /// goodbyes are spread already; else spread over as long again, from the drain's end.
    pub fn back_in(&self, now: Instant) -> u64 {
        if self.elsewhere() {
            return 0;
        }
        let back_at = self.from + self.over + self.over.mul_f64(self.turn());
        u64::try_from(back_at.duration_since(now).as_millis()).unwrap_or(u64::MAX)
    }

    /// How long it goes on.
    pub fn left(&self) -> Duration {
        (self.from + self.over).saturating_duration_since(Instant::now())
    }

    /// The next one's place, from 0 to 1.
    fn turn(&self) -> f64 {
        (f64::from(self.turns.fetch_add(1, Ordering::Relaxed)) * GOLDEN).fract()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OVER: Duration = Duration::from_secs(10);

    /// The most and the fewest in one of so many windows.
    fn most_and_fewest(moments: impl Iterator<Item = Duration>, over: Duration, windows: u32) -> (u32, u32) {
        let mut counts = vec![0; windows as usize];
        for moment in moments {
            let window = moment.as_millis() * u128::from(windows) / over.as_millis();
            counts[usize::try_from(window).unwrap()] += 1;
        }
        (counts.iter().copied().max().unwrap(), counts.iter().copied().min().unwrap())
    }

    #[test]
    fn goodbyes_are_even_however_many_there_are() {
        for pages in [50, 1_000, 2_345] {
            let drain = Drain::new(OVER, true);
            let moments = (0..pages).map(|_| drain.goodbye_at() - drain.from);
            let (most, fewest) = most_and_fewest(moments, OVER.mul_f64(0.9), 20);
            assert!(most - fewest <= 3, "of {pages}: {most} and {fewest}");
        }
    }

    #[test]
    fn pages_come_back_evenly_after_the_drain_unless_another_node_takes_them() {
        let drain = Drain::new(OVER, false);
        let goodbyes: Vec<_> = (0..1_000).map(|_| drain.goodbye_at()).collect();
        let back = |at: Instant| at + Duration::from_millis(drain.back_in(at)) - (drain.from + OVER);
        let (most, fewest) = most_and_fewest(goodbyes.into_iter().map(back), OVER, 20);
        assert!(most - fewest <= 3, "{most} and {fewest}");

        let elsewhere = Drain::new(OVER, true);
        assert_eq!(elsewhere.back_in(elsewhere.goodbye_at()), 0);
        elsewhere.clone().go_elsewhere(false);
        assert!(elsewhere.back_in(elsewhere.goodbye_at()) > 0, "the others stop, too");
    }
}

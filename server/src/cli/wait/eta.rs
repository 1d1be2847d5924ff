//! When a gate may open, going by how fast the pages have left lately.

use std::collections::VecDeque;

use crate::core::time::{Moment, Period};

/// How far back 'lately' goes.
const LATELY: Period = Period::mins(1);
/// Less than this tells nothing of a speed.
const LEAST: Period = Period::secs(2);

/// How many were left, and when.
#[derive(Debug, Default)]
pub struct Course(VecDeque<(Moment, u64)>);

impl Course {
    /// Takes in how many are left.
    pub fn note(&mut self, now: Moment, left: u64) {
        // The one before the window's begin stays: between the two lies what is known of it.
        while self.0.get(1).is_some_and(|(at, _)| now.since(*at) >= LATELY) {
            self.0.pop_front();
        }
        self.0.push_back((now, left));
    }

    /// How long until none are left, if they go on leaving like this. None: they don't.
    pub fn remaining(&self) -> Option<Period> {
        let ((from, before), (now, left)) = (*self.0.front()?, *self.0.back()?);
        let (gone, took) = (before.checked_sub(left).filter(|gone| *gone > 0)?, now.since(from));
        (took >= LEAST).then(|| Period(took.0.saturating_mul(left) / gone))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_takes_as_long_as_what_has_gone() {
        let mut course = Course::default();
        course.note(Moment(0), 100);
        assert_eq!(course.remaining(), None, "one look has no speed");
        course.note(Moment(10_000), 80);
        assert_eq!(course.remaining(), Some(Period::secs(40)));
        course.note(Moment(20_000), 100);
        assert_eq!(course.remaining(), None, "they come back");
        for second in 21..=120 {
            course.note(Moment(second * 1_000), 200 - u64::try_from(second).unwrap());
        }
        assert_eq!(course.remaining(), Some(Period::secs(80)), "one a second in the last minute");
        assert!(course.0.len() < 100, "the past is forgotten");
    }
}

//! Time as the core sees it: moments and periods in whole milliseconds, handed in by the caller.

use std::{
    fmt,
    ops::{Add, AddAssign, Sub},
    str::FromStr,
};

use jiff::{SignedDuration, Timestamp, fmt::friendly};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A moment in milliseconds since the Unix epoch; RFC 3339 UTC in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub i64);

/// A length of time in milliseconds; a string such as `"90s"`, `"30m"` or `"1h30m"` in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period(pub u64);

/// The longest period that an operator may name.
pub const LONGEST: Period = Period::days(365);

impl Moment {
    /// Time since `earlier`; zero when `earlier` is in the future.
    pub fn since(self, earlier: Moment) -> Period {
        Period(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl Period {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A period of whole seconds.
    pub const fn secs(n: u64) -> Self {
        Self(n * 1_000)
    }

    /// A period of whole minutes.
    pub const fn mins(n: u64) -> Self {
        Self::secs(n * 60)
    }

    /// A period of whole days.
    pub const fn days(n: u64) -> Self {
        Self::mins(n * 24 * 60)
    }

    /// The same as a standard duration.
    pub const fn std(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0)
    }

    /// This much less, down to zero.
    #[must_use]
    pub const fn less(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Add<Period> for Moment {
    type Output = Self;
    fn add(self, period: Period) -> Self {
        Self(self.0.saturating_add_unsigned(period.0))
    }
}

impl Sub<Period> for Moment {
    type Output = Self;
    fn sub(self, period: Period) -> Self {
        Self(self.0.saturating_sub_unsigned(period.0))
    }
}

impl Add for Period {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Period {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stamp = Timestamp::from_millisecond(self.0).unwrap_or(Timestamp::UNIX_EPOCH);
        write!(f, "{stamp:.3}")
    }
}

impl FromStr for Moment {
    type Err = jiff::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<Timestamp>().map(|stamp| Self(stamp.as_millisecond()))
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        static PRINTER: friendly::SpanPrinter = friendly::SpanPrinter::new()
            .spacing(friendly::Spacing::None)
            .designator(friendly::Designator::Compact);
        let millis = i64::try_from(self.0).unwrap_or(i64::MAX);
        f.write_str(&PRINTER.duration_to_string(&SignedDuration::from_millis(millis)))
    }
}

/// Why a text is not a [`Period`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a duration such as \"90s\", \"30m\" or \"2h\" (at most 365 days)")]
pub struct NotAPeriod;

impl FromStr for Period {
    type Err = NotAPeriod;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let duration: SignedDuration = text.parse().map_err(|_| NotAPeriod)?;
        let period = u64::try_from(duration.as_millis()).map(Self).map_err(|_| NotAPeriod)?;
        if period > LONGEST { Err(NotAPeriod) } else { Ok(period) }
    }
}

macro_rules! as_text {
    ($type:ty) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(D::Error::custom)
            }
        }
    };
}
as_text!(Moment);
as_text!(Period);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_read_and_print_as_people_write_them() {
        for (text, millis) in
            [("90s", 90_000), ("30m", 1_800_000), ("2h", 7_200_000), ("250ms", 250), ("0s", 0)]
        {
            assert_eq!(text.parse::<Period>(), Ok(Period(millis)));
        }
        for millis in [0, 1, 999, 1_000, 90_000, 3_600_000, 86_400_000] {
            let period = Period(millis);
            assert_eq!(period.to_string().parse::<Period>(), Ok(period), "{period}");
        }
        assert_eq!(Period::mins(90).to_string(), "1h30m");
        for bad in ["", "5", "-5s", "soon", "400d", "9999999999999h"] {
            assert!(bad.parse::<Period>().is_err(), "{bad}");
        }
    }

    #[test]
    fn moments_are_rfc_3339_in_json() {
        let moment = Moment(1_700_000_000_123);
        let json = serde_json::to_string(&moment).unwrap();
        assert_eq!(json, r#""2023-11-14T22:13:20.123Z""#);
        assert_eq!(serde_json::from_str::<Moment>(&json).unwrap(), moment);
    }
}

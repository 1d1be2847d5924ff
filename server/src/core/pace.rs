//! How fast a campaign moves its pages, and when it is to stop by itself.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::time::Period;

/// Between two waves, if nothing else is said.
pub const HOLD: Period = Period::mins(5);
/// Most waves of a campaign.
pub const MOST_WAVES: usize = 20;
const WHOLE: u32 = 1_000_000;

/// A share above 0 and up to all of it, in millionths: `"10%"` in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share(u32);

/// The share of those who acted that may fail before a campaign pauses itself: a number above 0 and up to 1 in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Brake(Share);

/// How fast pages are moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// The time within which every page's first step comes due, holds between waves not counted.
    #[serde(default)]
    pub over: Period,
    /// Rising shares, the last of them all; empty: one wave.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waves: Vec<Share>,
    /// How long to wait and look after each wave but the last.
    #[serde(default = "hold", skip_serializing_if = "is_usual")]
    pub hold: Period,
    /// When to stop by itself.
    #[serde(default, skip_serializing_if = "Brake::is_usual")]
    pub brake: Brake,
    /// A wave that proves too little doesn't keep the next one waiting.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unproven_ok: bool,
}

const fn hold() -> Period {
    HOLD
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
fn is_usual(hold: &Period) -> bool {
    *hold == HOLD
}

impl Default for Pace {
    fn default() -> Self {
        Self::over(Period::ZERO)
    }
}

impl Pace {
    /// All pages in one wave.
    pub const fn over(over: Period) -> Self {
        Self { over, waves: Vec::new(), hold: HOLD, brake: Brake::USUAL, unproven_ok: false }
    }

    /// Which wave a place in [0, 1) belongs to, counted from 0.
    pub fn wave_of(&self, place: f64) -> usize {
        self.waves.iter().take_while(|wave| wave.ratio() <= place).count()
    }

    /// The active time after which a place in [0, 1) is reached.
    pub fn time_to(&self, place: f64) -> Period {
        spread(self.over, place) + self.holds(self.wave_of(place))
    }

    /// The active time at which the wave after this one may begin.
    pub fn end_of_wave(&self, wave: usize) -> Period {
        let share = self.waves.get(wave).map_or(1.0, |share| share.ratio());
        spread(self.over, share) + self.holds(wave + 1)
    }

    /// The share of places that have been reached after so much active time.
    pub fn progress(&self, active: Period) -> f64 {
        let mut from = 0.0;
        for (wave, share) in self.waves.iter().enumerate() {
            if active < self.end_of_wave(wave) {
                let spreading = active.less(self.holds(wave));
                return ratio(spreading, self.over).clamp(from, share.ratio());
            }
            from = share.ratio();
        }
        ratio(active.less(self.holds(self.waves.len())), self.over).max(from)
    }

    /// The holds before a wave.
    fn holds(&self, wave: usize) -> Period {
        let holds = wave.min(self.waves.len().saturating_sub(1));
        Period(self.hold.0.saturating_mul(holds as u64))
    }
}

#[expect(clippy::cast_precision_loss, reason = "periods are far below 2^53 ms")]
fn ratio(part: Period, whole: Period) -> f64 {
    if whole == Period::ZERO { 1.0 } else { (part.0 as f64 / whole.0 as f64).min(1.0) }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a period in milliseconds"
)]
fn spread(over: Period, share: f64) -> Period {
    Period((share * over.0 as f64).ceil() as u64)
}

impl Share {
    /// All of it.
    pub const ALL: Self = Self(WHOLE);

    /// From 0 to 1.
    pub fn ratio(self) -> f64 {
        f64::from(self.0) / f64::from(WHOLE)
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and a million: anything else was refused the line before"
    )]
    fn of(ratio: f64) -> Option<Self> {
        let millionths = (ratio * f64::from(WHOLE)).round();
        (1.0..=f64::from(WHOLE)).contains(&millionths).then_some(Self(millionths as u32))
    }
}

impl Brake {
    /// If nothing else is said.
    pub const USUAL: Self = Self(Share(WHOLE / 20));

    /// From 0 to 1.
    pub fn ratio(self) -> f64 {
        self.0.ratio()
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
    fn is_usual(&self) -> bool {
        *self == Self::USUAL
    }
}

impl Default for Brake {
    fn default() -> Self {
        Self::USUAL
    }
}

/// Why a text is not a [`Share`].
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a share such as \"10%\", above 0% and up to 100%")]
pub struct NotAShare;

/// Why a number is not a [`Brake`].
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("the brake is the share of failures that stops a campaign, above 0 and up to 1, such as 0.05")]
pub struct NotABrake;

impl FromStr for Share {
    type Err = NotAShare;
    fn from_str(text: &str) -> Result<Self, NotAShare> {
        let percent: f64 = text.trim().strip_suffix('%').ok_or(NotAShare)?.parse().map_err(|_| NotAShare)?;
        Self::of(percent / 100.0).ok_or(NotAShare)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", f64::from(self.0) / f64::from(WHOLE / 100))
    }
}

impl TryFrom<f64> for Brake {
    type Error = NotABrake;
    fn try_from(ratio: f64) -> Result<Self, NotABrake> {
        Share::of(ratio).map(Self).ok_or(NotABrake)
    }
}

impl FromStr for Brake {
    type Err = NotABrake;
    fn from_str(text: &str) -> Result<Self, NotABrake> {
        text.parse::<f64>().map_err(|_| NotABrake)?.try_into()
    }
}

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl Serialize for Brake {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.ratio())
    }
}

impl<'de> Deserialize<'de> for Brake {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer)?.try_into().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waves(shares: &[&str]) -> Pace {
        let waves = shares.iter().map(|share| share.parse().unwrap()).collect();
        Pace { waves, hold: Period::mins(5), ..Pace::over(Period::secs(100)) }
    }

    #[test]
    fn waves_are_a_staircase() {
        let pace = waves(&["1%", "10%", "100%"]);
        let at = |secs| pace.progress(Period::secs(secs));
        // 1 s of spreading, 5 min of waiting; 9 s and 5 min; 90 s.
        for (secs, progress) in
            [(0, 0.0), (1, 0.01), (300, 0.01), (301, 0.01), (304, 0.04), (310, 0.1), (609, 0.1), (610, 0.1)]
        {
            assert!((at(secs) - progress).abs() < 1e-9, "{secs} s: {}", at(secs));
        }
        assert!(
            (at(655) - 0.55).abs() < 1e-9 && (at(700) - 1.0).abs() < 1e-9 && (at(9_999) - 1.0).abs() < 1e-9
        );
        assert_eq!([0.0, 0.01, 0.0999, 0.1, 0.999].map(|place| pace.wave_of(place)), [0, 1, 1, 2, 2]);
        assert_eq!(pace.time_to(0.01), Period::secs(301));
        assert_eq!(pace.end_of_wave(0), Period::secs(301));
        assert_eq!(pace.time_to(0.5), Period::secs(650));
    }

    #[test]
    fn without_waves_it_is_a_line() {
        let pace = Pace::over(Period::secs(100));
        assert!((pace.progress(Period::secs(25)) - 0.25).abs() < 1e-9);
        assert_eq!(pace.time_to(0.25), Period::secs(25));
        assert!((Pace::default().progress(Period::ZERO) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn shares_and_brakes_read_as_people_write_them() {
        for text in ["1%", "0.5%", "100%", "33.3%"] {
            assert_eq!(text.parse::<Share>().unwrap().to_string(), text);
        }
        for bad in ["0%", "101%", "-1%", "10", "all", "NaN%", "inf%", ""] {
            assert_eq!(bad.parse::<Share>(), Err(NotAShare), "{bad}");
        }
        for bad in [0.0, -0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert_eq!(Brake::try_from(bad), Err(NotABrake), "{bad}");
        }
        assert_eq!(serde_json::to_string(&Brake::USUAL).unwrap(), "0.05");
        assert_eq!(serde_json::from_str::<Brake>("1").unwrap().ratio().to_string(), "1");
    }
}

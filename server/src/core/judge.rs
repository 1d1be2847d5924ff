//! One build's standing.

use std::{cmp::Ordering, fmt};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    app::App,
    change::Floor,
    names::BuildId,
    order::{Key, Order, Version},
};

/// Where a page stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// On the release that pages should be on now.
    Current,
    /// Below current, still supported.
    Stale,
    /// Below the minimum, or retired.
    Unsupported,
    /// Above current: a rollout under way, or rolled back.
    Ahead,
    /// Not comparable; left alone.
    Unknown,
}

impl Standing {
    /// Its name in the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Stale => "stale",
            Self::Unsupported => "unsupported",
            Self::Ahead => "ahead",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why a page is unsupported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Its build is retired.
    Retired,
    /// It is below the minimum.
    Minimum,
}

/// A standing and what it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Judged {
    /// Where the page stands.
    pub standing: Standing,
    /// Set when it is unsupported.
    pub why: Option<Why>,
}

impl Judged {
    /// What is known of a build that nothing is known of.
    pub const UNKNOWN: Self = Self { standing: Standing::Unknown, why: None };

    const fn of(standing: Standing) -> Self {
        Self { standing, why: None }
    }

    const fn unsupported(why: Why) -> Self {
        Self { standing: Standing::Unsupported, why: Some(why) }
    }
}

/// The standing of a build that reported this version. Total: every build of every app has one.
pub fn judge(app: &App, build: &BuildId, reported: Option<&Version>) -> Judged {
    if app.retired.contains_key(build) {
        return Judged::unsupported(Why::Retired);
    }
    let Some(key) = key(app, build, reported) else { return Judged::UNKNOWN };
    if below_floor(app, key) {
        return Judged::unsupported(Why::Minimum);
    }
    let Some(current) = &app.current else { return Judged::UNKNOWN };
    if build == current {
        return Judged::of(Standing::Current);
    }
    let Some(current) = registered_key(app, current) else { return Judged::UNKNOWN };
    match key.compare(current) {
        Some(Ordering::Less) => Judged::of(Standing::Stale),
        Some(Ordering::Greater) => Judged::of(Standing::Ahead),
        Some(Ordering::Equal) | None => Judged::UNKNOWN,
    }
}

/// The build's place in the app's order. The registry's word beats what the page says.
pub fn key<'a>(app: &'a App, build: &BuildId, reported: Option<&'a Version>) -> Option<Key<'a>> {
    if let Some(key) = registered_key(app, build) {
        return Some(key);
    }
    match app.order() {
        Order::Version => reported.map(Key::Reported),
        Order::Release => None,
    }
}

/// A registered release's place in the app's order.
pub fn registered_key<'a>(app: &'a App, build: &BuildId) -> Option<Key<'a>> {
    let release = app.release(build)?;
    let version = match app.order() {
        Order::Version => release.new.version.as_ref(),
        Order::Release => None,
    };
    Some(Key::Release(version, release.number))
}

/// Whether a place in the order is below the app's minimum.
pub fn below_floor(app: &App, key: Key<'_>) -> bool {
    app.minimum().is_some_and(|minimum| below(app, key, &minimum.floor))
}

/// Whether a place in the order is below a floor.
pub fn below(app: &App, key: Key<'_>, floor: &Floor) -> bool {
    match floor {
        Floor::Build(build) => {
            registered_key(app, build).is_some_and(|floor| key.compare(floor) == Some(Ordering::Less))
        }
        Floor::Version(floor) => match (app.order(), key) {
            (Order::Version, Key::Release(Some(version), _) | Key::Reported(version)) => {
                version.precedence(floor) == Ordering::Less
            }
            (_, Key::Release(_, number)) => number < app.first_release_at_or_above(floor),
            (Order::Release, Key::Reported(_)) => false,
        },
    }
}

//! How an app's builds compare.

use std::{cmp::Ordering, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What an app orders its builds by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Semantic versions; every release carries one.
    Version,
    /// The order of registration.
    Release,
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Version => "version",
            Self::Release => "release",
        })
    }
}

/// A semantic version. Build metadata (`+…`) is kept but, as `SemVer` says, doesn't count in comparisons.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version(pub semver::Version);

impl Version {
    /// `SemVer`'s precedence.
    pub fn precedence(&self, other: &Self) -> Ordering {
        self.0.cmp_precedence(&other.0)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_string())
    }
}

/// Longest version text that is taken, in bytes.
const LONGEST: usize = 64;

impl TryFrom<String> for Version {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

impl FromStr for Version {
    type Err = String;
    /// Takes a leading `v`, which tags often have.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("a version has at most {LONGEST} characters"));
        }
        semver::Version::parse(text.strip_prefix('v').unwrap_or(text))
            .map(Self)
            .map_err(|error| format!("'{text}' is not a semantic version such as 2.4.1: {error}"))
    }
}

/// Where a build stands in its app's order.
#[derive(Clone, Copy, Debug)]
pub enum Key<'a> {
    /// A registered release: its version, where the order asks for one, and its number.
    Release(Option<&'a Version>, u32),
    /// An unregistered build that told its version.
    Reported(&'a Version),
}

impl Key<'_> {
    /// How two keys of one app compare. None: the same version, and one of them is not registered.
    pub fn compare(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Release(Some(a), m), Self::Release(Some(b), n)) => Some(a.precedence(b).then(m.cmp(&n))),
            (Self::Release(_, m), Self::Release(_, n)) => Some(m.cmp(&n)),
            (Self::Reported(a), Self::Release(Some(b), _) | Self::Reported(b))
            | (Self::Release(Some(a), _), Self::Reported(b)) => match a.precedence(b) {
                Ordering::Equal => None,
                unequal => Some(unequal),
            },
            _ => None,
        }
    }
}

//! Names and numbers that people and pages hand us, each a type of its own and checked where it enters.

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use uuid::Uuid;

/// A position in the log. 0 means 'before the first entry'.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogNumber(pub u64);

impl fmt::Display for LogNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One open page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(pub Uuid);

impl SessionId {
    /// A fresh random ID.
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a text is not the name it should be.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadName {
    /// Not a slug.
    #[error("an app's name is 1 to 64 characters of a-z, 0-9 and '-'")]
    App,
    /// Not a build ID.
    #[error("a build's ID is 1 to 128 printable characters without spaces, and does not start with '('")]
    Build,
    /// Not a push's topic.
    #[error("a push's topic is 1 to 64 printable characters without spaces")]
    PushTopic,
    /// Not a need.
    #[error(
        "a need is 1 to 128 characters without spaces and control characters, such as route.legacy-import"
    )]
    Need,
    /// Not a back-end instance.
    #[error("an instance's name is 1 to 128 printable characters without spaces")]
    Instance,
}

/// One SPA in one environment: a slug of `[a-z0-9-]`, at most 64 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppName(Arc<str>);

impl FromStr for AppName {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        let slug = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        if (1..=64).contains(&text.len()) && text.bytes().all(slug) {
            Ok(Self(text.into()))
        } else {
            Err(BadName::App)
        }
    }
}

/// The opaque ID that a page carries, often a git SHA: at most 128 printable ASCII characters, no spaces.
/// A leading `(` is kept for the census's own rows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BuildId(Arc<str>);

impl BuildId {
    /// The row that stands for all unregistered builds beyond those that are counted one by one.
    pub fn others() -> Self {
        Self("(others)".into())
    }

    /// Reads a row's build, which may stand for all others: no page and no operator may name that one.
    pub fn of_row<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let others = Self::others();
        if text == others.as_str() { Ok(others) } else { text.parse().map_err(D::Error::custom) }
    }
}

impl FromStr for BuildId {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        let printable = text.bytes().all(|c| c.is_ascii_graphic());
        if (1..=128).contains(&text.len()) && printable && !text.starts_with('(') {
            Ok(Self(text.into()))
        } else {
            Err(BadName::Build)
        }
    }
}

/// What a push is about, in the app's own words: at most 64 printable ASCII characters, no spaces.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PushTopic(Arc<str>);

impl FromStr for PushTopic {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        if (1..=64).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_graphic()) {
            Ok(Self(text.into()))
        } else {
            Err(BadName::PushTopic)
        }
    }
}

/// A name for something server-side that a build relies on, such as `route.legacy-import`: at most 128 bytes, no spaces
/// and no control characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Need(Arc<str>);

impl FromStr for Need {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        let sound = |c: char| !c.is_whitespace() && !c.is_control();
        if (1..=128).contains(&text.len()) && text.chars().all(sound) {
            Ok(Self(text.into()))
        } else {
            Err(BadName::Need)
        }
    }
}

/// One running back end, as it calls itself: at most 128 printable ASCII characters, no spaces.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceName(Arc<str>);

impl FromStr for InstanceName {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        if (1..=128).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_graphic()) {
            Ok(Self(text.into()))
        } else {
            Err(BadName::Instance)
        }
    }
}

/// A node or a cluster may be called so: names are parts of NATS subjects.
pub fn is_subject_word(text: &str) -> bool {
    let fits = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
    (1..=64).contains(&text.len()) && text.bytes().all(fits)
}

macro_rules! text_name {
    ($type:ty) => {
        impl $type {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
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
text_name!(AppName);
text_name!(BuildId);
text_name!(PushTopic);
text_name!(Need);
text_name!(InstanceName);

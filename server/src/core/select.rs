//! Whom a push is about: everybody, or the pages that its selection names.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{judge::Standing, names::BuildId};

/// The pages that are meant: those that pass all that is said here. Saying nothing means everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Select {
    /// With all of these labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// That stand so: also those that come to stand so before it expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<Standing>,
    /// On this build.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<BuildId>,
}

impl Select {
    /// Nobody is left out.
    pub fn is_everybody(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a page is meant.
    pub fn takes(&self, standing: Standing, build: &BuildId, labels: &BTreeMap<String, String>) -> bool {
        self.standing.is_none_or(|wanted| wanted == standing)
            && self.build.as_ref().is_none_or(|wanted| wanted == build)
            && self.labels.iter().all(|(key, value)| labels.get(key) == Some(value))
    }
}

/// As operators say it: `standing=stale build=3f9c2ab tenant=acme`; nothing for everybody.
impl fmt::Display for Select {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let standing = self.standing.map(|standing| format!("standing={standing}"));
        let build = self.build.as_ref().map(|build| format!("build={build}"));
        let labels = self.labels.iter().map(|(key, value)| format!("{key}={value}"));
        let words: Vec<_> = standing.into_iter().chain(build).chain(labels).collect();
        f.pad(&words.join(" "))
    }
}

//! Operators' tokens and what they may do.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{names::AppName, time::Moment};

/// What a token may do; each scope includes the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Look.
    Read,
    /// Register releases and settle them.
    Release,
    /// Move pages.
    Operate,
    /// Settings and tokens.
    Admin,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Read => "read",
            Self::Release => "release",
            Self::Operate => "operate",
            Self::Admin => "admin",
        })
    }
}

/// A token without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Names it for revoking.
    pub id: Uuid,
    /// Who holds it; the actor in the history.
    pub name: String,
    /// What it may do.
    pub scope: Scope,
    /// The only app that it is for, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppName>,
    /// From when it is no longer taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Moment>,
    /// SHA-256 of the secret, in hexadecimal. The secret has 256 random bits, so no salt is needed.
    pub hash: String,
}

/// A change to the tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenChange {
    /// A new one.
    Create(Token),
    /// One is no longer taken.
    Revoke(Uuid),
}

/// All tokens that the log knows, by the hash of their secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tokens {
    by_hash: BTreeMap<String, Arc<Issued>>,
}

/// A token and when it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Issued {
    /// The token.
    pub token: Token,
    /// When it was made.
    pub at: Moment,
    /// By whom.
    pub by: String,
}

impl Tokens {
    /// The token whose secret has this hash, unless it has expired by `now`.
    pub fn find(&self, hash: &str, now: Moment) -> Option<&Token> {
        let issued = self.by_hash.get(hash)?;
        issued.token.expires_at.is_none_or(|end| now < end).then_some(&issued.token)
    }

    /// All of them, oldest first.
    pub fn list(&self) -> Vec<Arc<Issued>> {
        let mut all: Vec<_> = self.by_hash.values().cloned().collect();
        all.sort_by_key(|issued| (issued.at, issued.token.id));
        all
    }

    /// The token of that ID.
    pub fn get(&self, id: Uuid) -> Option<&Arc<Issued>> {
        self.by_hash.values().find(|issued| issued.token.id == id)
    }

    /// Applies a change; false when there is nothing to revoke.
    pub(super) fn apply(&mut self, change: &TokenChange, at: Moment, by: &str) -> bool {
        match change {
            TokenChange::Create(token) => {
                let issued = Issued { token: token.clone(), at, by: by.to_owned() };
                self.by_hash.insert(token.hash.clone(), Arc::new(issued)).is_none()
            }
            TokenChange::Revoke(id) => {
                let before = self.by_hash.len();
                self.by_hash.retain(|_, issued| issued.token.id != *id);
                self.by_hash.len() < before
            }
        }
    }
}

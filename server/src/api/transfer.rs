//! What is answered to a log that is imported.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::core::names::LogNumber;

/// `POST /v1/log`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Imported {
    /// So many entries were sent.
    pub entries: u64,
    /// So many of them are new; the others were there already.
    pub added: u64,
    /// The last log number.
    pub number: LogNumber,
    /// Digest of the state at that number: the same as where the entries come from, if all of them are here.
    pub digest: String,
}

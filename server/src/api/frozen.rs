//! What is said of an app that a node can't follow any further.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::core::names::LogNumber;

/// An entry of a newer version, which this node doesn't understand.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FrozenAnswer {
    /// Its position: what came after it is not part of what is said here.
    pub number: LogNumber,
    /// What that means, and what to do.
    pub reason: String,
}

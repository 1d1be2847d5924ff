//! Counts as other nodes say them.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

/// More than there can be of anything. Of counts up to here so many can be added as no node could ever say.
const MOST: u64 = 1 << 40;

/// A count, however great it is said to be.
pub(super) fn heard<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    u64::deserialize(deserializer).map(bounded)
}

/// The same of counts by name.
pub(super) fn heard_by_name<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, u64>, D::Error> {
    let mut counts = BTreeMap::<String, u64>::deserialize(deserializer)?;
    for count in counts.values_mut() {
        *count = bounded(*count);
    }
    Ok(counts)
}

fn bounded(count: u64) -> u64 {
    count.min(MOST)
}

//! What a census says of all pages of an app.

use serde_json::Value;

/// Connected, and away, in all.
pub fn sums(census: &Value) -> (u64, u64) {
    let rows = census["rows"].as_array().expect("rows");
    let sum = |field: &str| rows.iter().map(|row| row[field].as_u64().expect("a count")).sum();
    (sum("sessions"), sum("away"))
}

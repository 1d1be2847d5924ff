//! Entries as logs store them: JSON, and what becomes of one that a newer version has written.
//!
//! Such an entry must neither be skipped nor be taken for less than it says: this node would go on from another state
//! than the others. It becomes a [`Strange`] one, which freezes its topic here. So does one that is damaged.

use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::core::{
    change::{Change, Draft, Entry, Strange, Topic},
    names::LogNumber,
    time::Moment,
};

/// What every entry says about itself, in all versions to come.
#[derive(Default, Deserialize)]
struct Envelope {
    id: Uuid,
    at: Moment,
    actor: String,
    prev: LogNumber,
}

/// An entry as it is stored.
pub fn encode(draft: &Draft) -> serde_json::Result<String> {
    serde_json::to_string(draft)
}

/// Who writes to a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writers {
    /// This program alone: what is no entry was one.
    OnlyUs,
    /// Anybody who is let in, and the store knows damage by itself: what is no entry never was one.
    Anybody,
}

/// An entry as it was stored under a topic.
pub fn decode(number: LogNumber, topic: &str, stored: &[u8], writers: Writers) -> Entry {
    let topic = Topic::from(topic.to_owned());
    let draft = match (understand(&topic, stored), serde_json::from_slice::<Envelope>(stored)) {
        (Ok(draft), _) => draft,
        (Err(_), Err(_)) if writers == Writers::Anybody => stray(number, topic),
        (Err(reason), envelope) => strange(topic, envelope.ok(), reason),
    };
    Entry { number, draft }
}

fn understand(topic: &Topic, stored: &[u8]) -> Result<Draft, String> {
    let said: Value = serde_json::from_slice(stored).map_err(|error| format!("it is not JSON: {error}"))?;
    let draft = read(&said)?;
    let about = draft.change.topic();
    if about == *topic { Ok(draft) } else { Err(format!("it is about {about}, and stored under {topic}")) }
}

/// What an entry says, if all of it is understood. The error is for people.
pub fn read(said: &Value) -> Result<Draft, String> {
    let draft = Draft::deserialize(said).map_err(|error| short(&error.to_string()))?;
    let understood = serde_json::to_value(&draft).map_err(|error| error.to_string())?;
    match unknown_field(said, &understood) {
        Some(field) => Err(format!("its field '{field}' is not known")),
        None => Ok(draft),
    }
}

/// The same wherever it is read, and unlike any other: logs know entries by their IDs.
fn stray(number: LogNumber, topic: Topic) -> Draft {
    let Envelope { at, actor, prev, .. } = Envelope::default();
    let id = Uuid::from_u128(number.0.into());
    Draft { id, at, actor, prev, request: None, change: Change::Stray(topic) }
}

fn strange(topic: Topic, envelope: Option<Envelope>, reason: String) -> Draft {
    let prev = envelope.as_ref().map(|envelope| envelope.prev);
    let Envelope { id, at, actor, .. } = envelope.unwrap_or_default();
    let change = Change::Strange(Strange { topic, prev, reason });
    Draft { id, at, actor, prev: prev.unwrap_or_default(), request: None, change }
}

/// The path of a field that says something and was not taken in: read and written again, it is gone.
fn unknown_field(said: &Value, understood: &Value) -> Option<String> {
    match (said, understood) {
        (Value::Object(said), Value::Object(understood)) => {
            said.iter().find_map(|(name, value)| match understood.get(name) {
                Some(known) => unknown_field(value, known).map(|field| format!("{name}.{field}")),
                None => says_something(value).then(|| name.clone()),
            })
        }
        (Value::Array(said), Value::Array(understood)) => {
            said.iter().zip(understood).find_map(|(said, understood)| unknown_field(said, understood))
        }
        _ => None,
    }
}

/// Defaults are left out when an entry is written, and may stand there all the same.
fn says_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Bool(true) => true,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

/// serde names all that it would have known, which is no news here.
fn short(message: &str) -> String {
    message.split(", expected").next().unwrap_or(message).to_owned()
}

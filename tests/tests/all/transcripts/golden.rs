//! When the words of a server are the same to an old page.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use serde_json::{Value, json};

/// What names stand for.
#[derive(Default)]
pub struct Bound {
    values: BTreeMap<String, Value>,
    told_at: Option<Instant>,
}

impl Bound {
    /// A page's words with values for names.
    pub fn fill(&self, value: &Value, at: &str) -> Value {
        match value {
            Value::String(name) if name == "$ago_ms" => {
                let told_at = self.told_at.unwrap_or_else(|| panic!("{at}: no notice has come"));
                json!(told_at.elapsed().as_millis())
            }
            Value::String(name) if name.starts_with('$') => {
                self.values.get(name).unwrap_or_else(|| panic!("{at}: {name} was never told")).clone()
            }
            Value::Array(values) => values.iter().map(|value| self.fill(value, at)).collect(),
            Value::Object(fields) => {
                let fields = fields.iter().map(|(name, value)| (name.clone(), self.fill(value, at)));
                Value::Object(fields.collect())
            }
            _ => value.clone(),
        }
    }

    /// Whether a name stands for this, from now on if it stood for nothing. A name's type is that of its kind.
    fn is(&mut self, name: &str, value: &Value) -> bool {
        if name.starts_with("$notice") {
            self.told_at = Some(Instant::now());
        }
        let numbered = ["$notice", "$run", "$push"].iter().any(|kind| name.starts_with(kind));
        let fits = if numbered { value.is_u64() } else { value.is_string() };
        fits && self.values.entry(name.to_owned()).or_insert_with(|| value.clone()) == value
    }
}

/// The fields that a version is known to read, by frame or by the field that they stand in. Whatever else a server
/// says is ignored by its pages; one of these where there was none is not.
#[derive(Default)]
pub struct Known(BTreeMap<String, BTreeSet<String>>);

impl Known {
    /// A frame, or an answer, that it is told.
    pub fn learn(&mut self, kind: &str, value: &Value) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    self.0.entry(kind.to_owned()).or_default().insert(name.clone());
                    self.learn(name, value);
                }
            }
            Value::Array(values) => values.iter().for_each(|value| self.learn(kind, value)),
            _ => {}
        }
    }

    /// Whether the server's word is the same to a page of that version; else what is wrong with it.
    pub fn check(&self, kind: &str, golden: &Value, said: &Value, bound: &mut Bound) -> Result<(), String> {
        match (golden, said) {
            (Value::Object(golden), Value::Object(said)) => {
                for (name, value) in golden {
                    let said = said.get(name).ok_or_else(|| format!("{kind} lacks {name}"))?;
                    self.check(name, value, said, bound)?;
                }
                let read = |name: &&String| self.0.get(kind).is_some_and(|known| known.contains(*name));
                let strange = said.keys().filter(|name| !golden.contains_key(*name)).find(read);
                strange
                    .map_or(Ok(()), |name| Err(format!("{kind} has {name}, which pages read, and had none")))
            }
            (Value::Array(golden), Value::Array(said)) if golden.len() == said.len() => {
                golden.iter().zip(said).try_for_each(|(golden, said)| self.check(kind, golden, said, bound))
            }
            (Value::String(name), said) if name.starts_with('$') && bound.is(name, said) => Ok(()),
            (Value::String(name), said) if name.starts_with('$') => {
                Err(format!("{kind} is {said}, and not {name}, {:?}", bound.values.get(name)))
            }
            (golden, said) if golden == said => Ok(()),
            _ => Err(format!("{kind} is {said}, and not {golden}")),
        }
    }
}

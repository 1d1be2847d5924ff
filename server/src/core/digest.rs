//! A digest of the state, by which nodes see that they have made the same of the log.
//!
//! What is digested is the state as JSON: its maps are ordered, and what can be worked out from the rest is left out.
//! Digests say something at the same log number and between versions that fold alike.

use std::{fmt, io, sync::OnceLock};

use serde::{Serialize, Serializer};
use xxhash_rust::xxh3::Xxh3;

use super::{app::App, state::State, state::TokenBook};

/// A digest: 64 bits, in hexadecimal as a text. It tells mistakes, not attackers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Digest(pub u64);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A digest that was worked out once. A copy doesn't have it: copies are made to be changed.
#[derive(Debug, Default)]
pub(super) struct Known(OnceLock<Digest>);

impl Clone for Known {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Known {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl State {
    /// What this state is, whatever the way to it. Costs O(apps), and O(its size) once for each app that has changed.
    pub fn digest(&self) -> Digest {
        let apps: Vec<_> = self.apps.values().map(|app| app.digest()).collect();
        of(&(apps, self.tokens.digest(), self.frozen.values().collect::<Vec<_>>()))
    }
}

impl App {
    fn digest(&self) -> Digest {
        *self.digest.0.get_or_init(|| of(self))
    }
}

impl TokenBook {
    fn digest(&self) -> Digest {
        *self.digest.0.get_or_init(|| of(self))
    }
}

fn of(what: &impl Serialize) -> Digest {
    struct Digesting(Xxh3);
    impl io::Write for Digesting {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.update(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut digesting = Digesting(Xxh3::new());
    serde_json::to_writer(&mut digesting, what).expect("all of a state can be written as JSON");
    Digest(digesting.0.digest())
}

/// The values of a map whose keys are in them.
pub(super) fn values<K, V: Serialize, S: Serializer>(
    map: &std::collections::BTreeMap<K, V>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(map.values())
}

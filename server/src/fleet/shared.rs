//! Texts that many sessions have in common, kept once.

use std::{collections::HashSet, sync::Arc};

use parking_lot::Mutex;

/// Beyond so many the set begins anew; texts in use live on with their sessions.
const MOST: usize = 1_000;

/// A set of texts.
#[derive(Default)]
pub struct SharedTexts {
    texts: Mutex<HashSet<Arc<str>>>,
}

impl SharedTexts {
    /// The text, shared with whoever has the same.
    pub fn share(&self, text: &str) -> Arc<str> {
        let mut texts = self.texts.lock();
        if let Some(text) = texts.get(text) {
            return text.clone();
        }
        if texts.len() >= MOST {
            texts.clear();
        }
        let text: Arc<str> = text.into();
        texts.insert(text.clone());
        text
    }
}

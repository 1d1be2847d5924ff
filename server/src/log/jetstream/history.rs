//! A topic's entries, newest first. JetStream can go forwards through a subject only, so this node remembers which numbers
//! are whose as it reads them.

use std::collections::HashMap;

use super::{Shared, read::Stored};
use crate::{
    core::{
        change::{Entry, Topic},
        names::LogNumber,
    },
    log::LogError,
};

/// Which numbers belong to which subject, up to one of them.
#[derive(Default)]
pub(super) struct Index {
    upto: u64,
    numbers: HashMap<String, Vec<u64>>,
}

impl Index {
    /// Readers are at different places: what is known already, or would leave a gap, is passed over.
    pub(super) fn take_in(&mut self, page: &[Stored]) {
        for stored in page {
            if stored.number.0 == self.upto + 1 {
                self.upto += 1;
                match self.numbers.get_mut(&stored.subject) {
                    Some(numbers) => numbers.push(self.upto),
                    None => drop(self.numbers.insert(stored.subject.clone(), vec![self.upto])),
                }
            }
        }
    }

    /// A subject's last numbers below one, the highest first.
    fn newest(&self, subject: &str, before: Option<LogNumber>, limit: usize) -> Vec<u64> {
        let numbers = self.numbers.get(subject).map_or(&[][..], Vec::as_slice);
        let end = before.map_or(numbers.len(), |before| numbers.partition_point(|number| *number < before.0));
        numbers[..end].iter().rev().take(limit).copied().collect()
    }
}

impl Shared {
    pub(super) async fn history(
        &self,
        topic: Topic,
        before: Option<LogNumber>,
        limit: usize,
    ) -> Result<Vec<Entry>, LogError> {
        let last = self.end().await?;
        loop {
            let upto = self.index.lock().upto;
            if upto >= last.0 {
                break;
            }
            self.read_page(upto + 1..=last.0).await?;
        }
        let numbers = self.index.lock().newest(&self.names.subject(&topic), before, limit);
        Ok(self.read(numbers).await?.iter().map(Stored::understand).collect())
    }
}

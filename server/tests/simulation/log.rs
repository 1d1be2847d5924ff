//! The model of the log: one stream, in which what is sent twice is there once, and which looks at nothing else.

use std::collections::HashMap;

use freshwire::core::{
    change::{AppChange, Change, Draft, Entry},
    digest::Digest,
    names::LogNumber,
    state::{State, Verdict},
};
use uuid::Uuid;

#[derive(Default)]
pub struct Log {
    entries: Vec<Entry>,
    numbers: HashMap<Uuid, LogNumber>,
    /// What everybody has to make of it.
    state: State,
    truth: Vec<(Verdict, Digest)>,
    /// Pauses that were valid, by campaign and run.
    pauses: HashMap<(LogNumber, LogNumber), u64>,
}

impl Log {
    pub fn append(&mut self, draft: Draft) {
        if self.numbers.contains_key(&draft.id) {
            return;
        }
        let number = LogNumber(self.entries.len() as u64 + 1);
        self.numbers.insert(draft.id, number);
        let entry = Entry { number, draft };
        let verdict = self.state.fold(&entry);
        if let (Verdict::Valid, Change::App { change: AppChange::Pause { campaign, run, .. }, .. }) =
            (&verdict, &entry.draft.change)
        {
            let pauses = self.pauses.entry((*campaign, *run)).or_default();
            *pauses += 1;
            assert_eq!(*pauses, 1, "campaign {campaign} was paused twice in run {run}");
        }
        self.truth.push((verdict, self.state.digest()));
        self.entries.push(entry);
    }

    pub fn last(&self) -> LogNumber {
        LogNumber(self.entries.len() as u64)
    }

    /// Entries after one number and up to another.
    pub fn between(&self, after: LogNumber, last: LogNumber) -> &[Entry] {
        let index = |number: LogNumber| usize::try_from(number.0).expect("a small log");
        self.entries.get(index(after)..index(last)).unwrap_or_default()
    }

    pub fn truth(&self, number: LogNumber) -> &(Verdict, Digest) {
        &self.truth[usize::try_from(number.0).expect("a small log") - 1]
    }

    pub fn pauses(&self) -> u64 {
        self.pauses.values().sum()
    }

    pub fn void(&self) -> u64 {
        self.truth.iter().filter(|(verdict, _)| *verdict != Verdict::Valid).count() as u64
    }
}

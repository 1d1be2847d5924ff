//! Taking in another log's entries as they are: with their numbers, times and authors.
//!
//! An entry's number is named by those after it, so that it must come out the same. That holds in an empty log, and in one
//! that begins with the same entries: an import that broke off goes on where it ended.

use std::time::Duration;

use futures_util::{StreamExt, stream::BoxStream};
use tokio::{sync::MutexGuard, time::timeout};

use super::{AppendError, LogError, ledger::Ledger, ledger::ProposeError};
use crate::core::{change::Entry, names::LogNumber, state::State};

/// How long an entry that is there, or one's own last one, is waited for.
const SEEN_WITHIN: Duration = Duration::from_secs(10);

/// An import under way. Nothing else is changed through this node meanwhile.
pub struct Import<'a> {
    ledger: &'a Ledger,
    _turns: Vec<MutexGuard<'a, ()>>,
    /// The log ends here.
    last: LogNumber,
    /// The entry that was taken in before.
    before: Option<LogNumber>,
    /// What there is already, from the next entry on.
    there: Option<BoxStream<'static, Result<Entry, LogError>>>,
}

/// Why an entry can't be taken in.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It doesn't follow the one before it.
    #[error("entry {found} can't come here: the next one is {expected}")]
    Gap {
        /// Its number.
        found: LogNumber,
        /// The number that it should have.
        expected: LogNumber,
    },
    /// The log has another one under its number.
    #[error(
        "entry {0} of the log is another one already; import into an empty log, or into one that an import of the \
         same entries has begun"
    )]
    Differs(LogNumber),
    /// It got another number.
    #[error(
        "entry {meant} has become entry {became} of the log, which somebody else writes to; begin again with an empty \
         log that nobody uses yet"
    )]
    Overtaken {
        /// The number it has where it comes from.
        meant: LogNumber,
        /// Its number here.
        became: LogNumber,
    },
    /// The log can't be read or written.
    #[error("{0}; the import goes on where it ended when it is repeated")]
    Unavailable(String),
}

impl From<LogError> for ImportError {
    fn from(error: LogError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<AppendError> for ImportError {
    fn from(error: AppendError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl<'a> Import<'a> {
    /// Begins one, once the changes that are under way on this node are done.
    pub async fn begin(ledger: &'a Ledger) -> Result<Self, ProposeError> {
        let turns = ledger.all_turns().await?;
        let last = ledger.log().last().await;
        let last =
            last.map_err(|error| ProposeError::Unavailable { reason: error.to_string(), decided: true })?;
        Ok(Self { ledger, _turns: turns, last, before: None, there: None })
    }

    /// Takes in the next entry; answers whether it was new. The first one may be any that is there, or the next.
    pub async fn take(&mut self, entry: Entry) -> Result<bool, ImportError> {
        let found = entry.number;
        let next = LogNumber(self.last.0 + 1);
        let expected = self.before.map_or(found.clamp(LogNumber(1), next), |before| LogNumber(before.0 + 1));
        if found != expected {
            return Err(ImportError::Gap { found, expected });
        }
        if found <= self.last {
            self.compare(entry).await?;
            self.before = Some(found);
            return Ok(false);
        }
        self.there = None;
        // Asked first: an entry that is written to the wrong place can't be taken back.
        let last = self.ledger.log().last().await?;
        let became = if last == self.last {
            self.ledger.log().append(entry.draft).await?
        } else {
            LogNumber(last.0 + 1)
        };
        if became != found {
            return Err(ImportError::Overtaken { meant: found, became });
        }
        (self.last, self.before) = (found, Some(found));
        Ok(true)
    }

    async fn compare(&mut self, entry: Entry) -> Result<(), ImportError> {
        let number = entry.number;
        let log = self.ledger.log();
        let there = self.there.get_or_insert_with(|| log.follow(LogNumber(number.0 - 1)));
        match timeout(SEEN_WITHIN, there.next()).await {
            Ok(Some(Ok(known))) if known == entry => Ok(()),
            Ok(Some(Ok(_))) => Err(ImportError::Differs(number)),
            Ok(Some(Err(error))) => Err(error.into()),
            Ok(None) | Err(_) => Err(ImportError::Unavailable(format!("entry {number} can't be read"))),
        }
    }

    /// Waits until this node has made of the entries what they say; answers the state.
    pub async fn end(self) -> Result<std::sync::Arc<State>, ImportError> {
        let mut states = self.ledger.watch();
        let caught_up = states.wait_for(|state| state.number >= self.last);
        match timeout(SEEN_WITHIN, caught_up).await {
            Ok(Ok(state)) => Ok(state.clone()),
            _ => Err(ImportError::Unavailable(format!("this node has not seen entry {} yet", self.last))),
        }
    }
}

//! What pages report of a notice, and where that puts a session in its campaign.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{change::Action, names::LogNumber};

/// What a page says became of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The page has it.
    Received,
    /// People see it.
    Shown,
    /// People put it off.
    Snoozed,
    /// Unsaved work puts it off.
    Held,
    /// The page is about to reload.
    Refreshing,
    /// Applied without a reload.
    Swapped,
    /// The document that would be loaded is still the old one.
    OriginStale,
    /// It can't be done.
    Failed,
}

impl Outcome {
    /// Its name in the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Shown => "shown",
            Self::Snoozed => "snoozed",
            Self::Held => "held",
            Self::Refreshing => "refreshing",
            Self::Swapped => "swapped",
            Self::OriginStale => "origin_stale",
            Self::Failed => "failed",
        }
    }

    /// Where it puts the session.
    pub const fn state(self) -> State {
        match self {
            Self::Received => State::Received,
            Self::Shown => State::Shown,
            Self::Snoozed => State::Snoozed,
            Self::Held => State::Held,
            Self::Refreshing => State::Refreshing,
            Self::Swapped => State::Swapped,
            Self::OriginStale | Self::Failed => State::Stuck,
        }
    }
}

/// Where a session is in a campaign: in exactly one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Its place isn't reached yet.
    Waiting,
    /// The notice is on its way.
    Sent,
    /// The page has acknowledged it.
    Received,
    /// People see it.
    Shown,
    /// People put it off.
    Snoozed,
    /// Unsaved work puts it off.
    Held,
    /// It tried and couldn't.
    Stuck,
    /// No acknowledgement in 60 s, or the connection is gone without a goodbye.
    Asleep,
    /// It is reloading.
    Refreshing,
    /// It came back on a better build.
    Refreshed,
    /// It changed in place.
    Swapped,
    /// It came back as old as before.
    StillOld,
    /// Its page was closed.
    Gone,
    /// Its page was closed before it was told.
    LeftBefore,
    /// The campaign is no longer about it.
    Released,
}

impl State {
    /// Its name in the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Received => "received",
            Self::Shown => "shown",
            Self::Snoozed => "snoozed",
            Self::Held => "held",
            Self::Stuck => "stuck",
            Self::Asleep => "asleep",
            Self::Refreshing => "refreshing",
            Self::Refreshed => "refreshed",
            Self::Swapped => "swapped",
            Self::StillOld => "still_old",
            Self::Gone => "gone",
            Self::LeftBefore => "left_before",
            Self::Released => "released",
        }
    }

    /// Nothing more happens to the session in this campaign.
    pub const fn ended(self) -> bool {
        matches!(
            self,
            Self::Refreshed | Self::Swapped | Self::StillOld | Self::Gone | Self::LeftBefore | Self::Released
        )
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A session's part in a campaign that has told it something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Which campaign.
    pub campaign: LogNumber,
    /// In which run.
    pub run: LogNumber,
    /// Which step it was told last.
    pub step: u8,
    /// What that asked.
    pub action: Action,
    /// Where it is.
    pub state: State,
    /// What the page reported last.
    pub outcome: Option<Outcome>,
    /// In its words, at most 200 characters.
    pub detail: Option<String>,
}

impl Record {
    /// Takes in what the page reports. What has ended stays so.
    pub fn report(&mut self, outcome: Outcome, detail: Option<String>) {
        if self.state.ended() {
            return;
        }
        self.state = outcome.state();
        self.outcome = Some(outcome);
        self.detail = detail.map(|mut detail| {
            let end = detail.char_indices().nth(LONGEST_DETAIL).map_or(detail.len(), |(index, _)| index);
            detail.truncate(end);
            detail
        });
    }
}

/// Longest detail that is kept, in characters.
const LONGEST_DETAIL: usize = 200;

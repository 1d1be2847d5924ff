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

/// Why a page couldn't look at the document that it would load: what a `failed` outcome says by the detail
/// `look_refused: policy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookRefused {
    /// The page's own Content-Security-Policy refuses it.
    Policy,
    /// The request fails, though the origin can be navigated to.
    Network,
    /// The answer is a sign-in.
    SignIn,
    /// It carries no mark for the app.
    NoMark,
    /// A service worker answers with the old document.
    Worker,
}

impl LookRefused {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Policy, Self::Network, Self::SignIn, Self::NoMark, Self::Worker];
    /// What the detail begins with.
    pub const NAME: &str = "look_refused";

    /// Its name in the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Network => "network",
            Self::SignIn => "sign-in",
            Self::NoMark => "no-mark",
            Self::Worker => "worker",
        }
    }

    /// What a page says with `look_refused: policy`. What it adds behind that is its own affair.
    pub fn said(detail: &str) -> Option<Self> {
        let reason = detail.strip_prefix(Self::NAME)?.strip_prefix(':')?.trim_start();
        let reason = reason.split([' ', ',', ';', ':']).next()?;
        Self::ALL.into_iter().find(|known| known.as_str() == reason)
    }

    /// What [`Display`](fmt::Display) writes, read back.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.to_string() == name)
    }

    /// What is wrong, and its cure.
    pub const fn cure(self) -> &'static str {
        match self {
            Self::Policy => {
                "its Content-Security-Policy refuses the look at its own document: add 'self' to connect-src"
            }
            Self::Network => {
                "something between the page and its origin refuses its fetches: a firewall, a proxy or an extension has to \
                 let them through"
            }
            Self::SignIn => "its origin asks for a sign-in: it moves when its user has signed in again",
            Self::NoMark => {
                "the document it would load carries no mark for this app: stamp it, or set the option look"
            }
            Self::Worker => {
                "a service worker of its origin still serves the old document: let the new one take over (skipWaiting)"
            }
        }
    }
}

/// `look_refused (policy)`, as operators see it.
impl fmt::Display for LookRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", Self::NAME, self.as_str())
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
    /// All, in the order of a session's way through them.
    pub const ALL: [Self; 15] = [
        Self::Waiting,
        Self::Sent,
        Self::Received,
        Self::Shown,
        Self::Snoozed,
        Self::Held,
        Self::Stuck,
        Self::Asleep,
        Self::Refreshing,
        Self::Refreshed,
        Self::Swapped,
        Self::StillOld,
        Self::Gone,
        Self::LeftBefore,
        Self::Released,
    ];

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

    /// The session did what it was asked, or is about to.
    pub const fn acted(self) -> bool {
        matches!(self, Self::Refreshing | Self::Refreshed | Self::Swapped | Self::StillOld)
    }

    /// Nothing more happens to the session in this campaign, unless a new run tells it afresh.
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

/// A session's part in a campaign that is, or was, about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Which campaign.
    pub campaign: LogNumber,
    /// In which run.
    pub run: LogNumber,
    /// Which step it was told last.
    pub step: u8,
    /// What that asked, or what the first step will ask.
    pub action: Action,
    /// Where it is.
    pub state: State,
    /// What the page reported last.
    pub outcome: Option<Outcome>,
    /// In its words, at most 200 characters.
    pub detail: Option<String>,
    /// The page has acknowledged a notice, once at least.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub told: bool,
    /// What its page says of a refresh behind it has been taken in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub came_back: bool,
    /// Whether its page is expected back soon.
    #[serde(default, skip_serializing_if = "Return::is_none")]
    pub due: Return,
}

/// Whether a page that reloads is expected back soon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Return {
    /// It doesn't reload, or nobody was looking: it may take its time.
    #[default]
    None,
    /// Somebody was looking at it.
    Soon,
    /// It has not come back for a while.
    Missing,
}

/// How a session leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parting {
    /// Its page was closed.
    Left,
    /// Its page is reloading for a notice.
    Refreshing,
    /// It vanished, or sleeps in the back/forward cache: away.
    Vanished,
}

impl Return {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
    fn is_none(&self) -> bool {
        *self == Self::None
    }
}

impl Record {
    /// Of a session whose place isn't reached yet.
    pub const fn waiting(campaign: LogNumber, run: LogNumber, action: Action) -> Self {
        Self {
            campaign,
            run,
            step: 0,
            action,
            state: State::Waiting,
            outcome: None,
            detail: None,
            told: false,
            came_back: false,
            due: Return::None,
        }
    }

    /// Takes in what the page reports. What has ended stays so.
    pub fn report(&mut self, outcome: Outcome, detail: Option<String>) {
        if self.state.ended() {
            return;
        }
        self.told = true;
        self.came_back &= outcome != Outcome::Refreshing;
        self.state = outcome.state();
        self.outcome = Some(outcome);
        self.detail = detail.map(|mut detail| {
            let end = detail.char_indices().nth(LONGEST_DETAIL).map_or(detail.len(), |(index, _)| index);
            detail.truncate(end);
            detail
        });
    }

    /// Why its page couldn't look, if that is what it is stuck on.
    pub fn look_refused(&self) -> Option<LookRefused> {
        let stuck = self.state == State::Stuck && self.outcome == Some(Outcome::Failed);
        self.detail.as_deref().filter(|_| stuck).and_then(LookRefused::said)
    }

    /// Takes in how its session leaves. A page that reloads is expected back soon if somebody is looking at it.
    pub fn part(&mut self, how: Parting, visible: bool) {
        self.state = match (self.state, how) {
            (state, _) if state.ended() => return,
            (State::Waiting, Parting::Left) => State::LeftBefore,
            (State::Waiting, _) => State::Waiting,
            (_, Parting::Left) => State::Gone,
            (State::Refreshing, _) | (_, Parting::Refreshing) => State::Refreshing,
            (_, Parting::Vanished) => State::Asleep,
        };
        if self.state == State::Refreshing && visible {
            self.due = Return::Soon;
        }
    }

    /// Builds on what was known of its session before it came here without it. What was heard here is later.
    pub fn build_on(&mut self, earlier: &Self) {
        self.told |= earlier.told;
        self.came_back |= earlier.came_back && self.state != State::Refreshing;
        if self.state == State::LeftBefore && self.told {
            self.state = State::Gone;
        }
        if self.detail.is_none() && (self.run, self.outcome) == (earlier.run, earlier.outcome) {
            self.detail.clone_from(&earlier.detail);
        }
    }

    /// Its session comes back, not by a refresh of ours, as a build that the campaign isn't about.
    pub const fn move_on(&mut self) {
        self.state = match self.state {
            State::Waiting | State::LeftBefore => State::LeftBefore,
            State::Gone => State::Refreshed,
            ended if ended.ended() => ended,
            _ => State::Refreshed,
        };
    }

    /// Its session won't come back any more, as far as anybody can tell.
    pub fn give_up(&mut self) {
        match self.state {
            State::Waiting => self.state = State::LeftBefore,
            state if !state.ended() => self.state = State::Gone,
            _ => {}
        }
    }
}

/// Of a session's records the one that says most about it: what it was told, then what it waits for.
pub fn foremost(records: &[Record]) -> Option<&Record> {
    let rank = |record: &&Record| {
        let rank = match record.state {
            State::StillOld => 2,
            ended if ended.ended() => 0,
            State::Waiting => 1,
            _ => 3,
        };
        (rank, record.campaign)
    };
    records.iter().max_by_key(rank)
}

/// Longest detail that is kept, in characters.
const LONGEST_DETAIL: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(detail: &str) -> Record {
        let mut record = Record::waiting(LogNumber(7), LogNumber(7), Action::Prompt);
        record.report(Outcome::Failed, Some(detail.to_owned()));
        record
    }

    #[test]
    fn a_look_that_was_refused_is_known_by_its_detail() {
        for why in LookRefused::ALL {
            let record = failed(&format!("look_refused: {}", why.as_str()));
            assert_eq!((record.state, record.look_refused()), (State::Stuck, Some(why)));
            assert_eq!(LookRefused::named(&why.to_string()), Some(why));
            assert_eq!(
                failed(&format!("look_refused: {}, by a proxy", why.as_str())).look_refused(),
                Some(why)
            );
        }
        for other in
            ["look_refused", "look_refused: ", "look_refused: weather", "look_refused policy", "policy"]
        {
            assert_eq!(failed(other).look_refused(), None, "{other}");
        }
        let mut shown = failed("look_refused: policy");
        shown.report(Outcome::Shown, Some("look_refused: policy".to_owned()));
        assert_eq!(shown.look_refused(), None, "it is no longer stuck");
    }
}

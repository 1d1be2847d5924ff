//! Which of the pushes a page has had. Each comes to it when its place in the push is reached, so that a page's last one
//! says of all others whether they came before it.

use crate::{
    core::{
        names::{LogNumber, SessionId},
        time::Moment,
    },
    fleet::{hub::View, pushes::LivePush},
};

/// The pushes that a page has had, in the order in which it had them.
#[derive(Default)]
pub(super) struct Pushed(Vec<LogNumber>);

impl Pushed {
    /// By the page's own word: the last one that it saw.
    pub fn up_to(last: Option<LogNumber>, view: &View, session: SessionId, now: Moment) -> Self {
        let Some(last) = last else { return Self::default() };
        let turn = |push: &LivePush| (push.push.due_at(session), push.push.number);
        let lasts_turn = view.pushes.get(last).map(|push| turn(push));
        let before = |push: &LivePush| match lasts_turn {
            Some(lasts_turn) => turn(push) < lasts_turn,
            // Of one that is no longer there, only its number tells.
            None => push.push.number < last && push.push.due_at(session) <= now,
        };
        let had = view.pushes.live(now).filter(|push| before(push)).map(|push| push.push.number);
        Self(had.chain([last]).collect())
    }

    /// The page says again which was its last one: what was sent after it was lost on its way.
    pub fn back_to(&mut self, last: Option<LogNumber>, view: &View, session: SessionId, now: Moment) {
        match last.and_then(|last| self.0.iter().position(|had| *had == last)) {
            Some(position) => self.0.truncate(position + 1),
            None => *self = Self::up_to(last, view, session, now),
        }
    }

    /// It was sent one more. Those that nobody gets any more need not be remembered.
    pub fn add(&mut self, number: LogNumber, view: &View) {
        self.0.retain(|had| view.pushes.get(*had).is_some());
        self.0.push(number);
    }

    /// It has had this one.
    pub fn has(&self, number: LogNumber) -> bool {
        self.0.contains(&number)
    }
}

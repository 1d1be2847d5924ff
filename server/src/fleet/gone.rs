//! Where sessions went that were here a while ago. A page that never heard its welcome there asks elsewhere for it, and
//! says that it comes from here; and what was known of them, should their new node not have heard it in time.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use tokio::time::Instant;

use super::records::Returned;
use crate::core::names::SessionId;

/// Pages that have lost a welcome are back at some node within this time.
const KEPT: Duration = Duration::from_mins(10);
/// Of more sessions the latest are remembered.
const MOST: usize = 100_000;

/// The nodes that sessions went to lately.
#[derive(Default)]
pub(super) struct Gone(Mutex<Table>);

#[derive(Default)]
struct Table {
    to: HashMap<SessionId, Went>,
    /// All that was noted, in order; what isn't so any more has another time.
    noted: VecDeque<(Instant, SessionId)>,
}

struct Went {
    at: Instant,
    node: Arc<str>,
    /// When it came there, by that node's account. None: it was asked for, which is known to be so.
    came: Option<Instant>,
    left: Returned,
}

impl Gone {
    /// A session goes to a node. `left`: all that was known of it; nothing: no more than is kept already.
    pub(super) fn note(&self, session: SessionId, node: &str, left: Returned, now: Instant) {
        self.insert(session, node, left, None, now);
    }

    /// The same of one that came there at a time, as that node says afterwards: a later account of earlier changes nothing.
    pub(super) fn moved(
        &self,
        session: SessionId,
        node: &str,
        left: Returned,
        came: Option<Instant>,
        now: Instant,
    ) {
        let known = self.0.lock().to.get(&session).map(|went| (went.came, went.node.clone()));
        match known {
            Some((later, to)) if later > came => self.insert(session, &to, left, later, now),
            _ => self.insert(session, node, left, came, now),
        }
    }

    fn insert(&self, session: SessionId, node: &str, left: Returned, came: Option<Instant>, now: Instant) {
        let mut table = self.0.lock();
        let Table { to, noted } = &mut *table;
        let old = |at: Instant| at + KEPT <= now;
        while noted.len() >= MOST || noted.front().is_some_and(|(at, _)| old(*at)) {
            let Some((at, session)) = noted.pop_front() else { break };
            if to.get(&session).is_some_and(|went| went.at == at) {
                to.remove(&session);
            }
        }
        let kept = to.remove(&session).map(|went| went.left);
        let left = if left.records.is_empty() { kept.unwrap_or(left) } else { left };
        to.insert(session, Went { at: now, node: node.into(), came, left });
        noted.push_back((now, session));
    }

    /// It is here again.
    pub(super) fn back(&self, session: SessionId) {
        self.0.lock().to.remove(&session);
    }

    /// Where it went.
    pub(super) fn to(&self, session: SessionId, now: Instant) -> Option<Arc<str>> {
        let table = self.0.lock();
        let went = table.to.get(&session)?;
        (now < went.at + KEPT).then(|| went.node.clone())
    }

    /// What was known of it when it went.
    pub(super) fn left(&self, session: SessionId, now: Instant) -> Returned {
        let table = self.0.lock();
        let went = table.to.get(&session).filter(|went| now < went.at + KEPT);
        went.map(|went| went.left.clone()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{change::Action, names::LogNumber, outcome::Record};

    fn session(n: usize) -> SessionId {
        SessionId(uuid::Uuid::from_u128(n as u128))
    }

    fn record() -> Record {
        Record::waiting(LogNumber(7), LogNumber(7), Action::Prompt)
    }

    #[test]
    fn the_latest_are_remembered_for_a_while() {
        let (gone, began) = (Gone::default(), Instant::now());
        let at = |seconds| began + Duration::from_secs(seconds);
        gone.note(session(1), "b", Returned::default(), at(0));
        gone.note(session(2), "b", Returned::default(), at(0));
        gone.note(session(1), "c", Returned::default(), at(400));
        gone.back(session(2));
        assert_eq!(gone.to(session(1), at(700)).as_deref(), Some("c"));
        assert_eq!(gone.to(session(2), at(1)), None);
        gone.note(session(3), "b", Returned::default(), at(900));
        assert_eq!(gone.to(session(1), at(999)).as_deref(), Some("c"), "its earlier note alone is old");
        assert_eq!(gone.to(session(1), at(1_000)), None);
        for n in 10..2 * MOST {
            gone.note(session(n), "b", Returned::default(), at(1_000));
        }
        // What went with it last time stays known where there is no more of it.
        let left = Returned { records: vec![record()], ..Returned::default() };
        gone.note(session(5), "b", left, at(1_000));
        gone.note(session(5), "c", Returned::default(), at(1_001));
        assert_eq!(gone.left(session(5), at(1_002)).records, [record()]);
        assert_eq!(gone.left(session(5), at(2_000)).records, []);
        gone.back(session(5));
        assert_eq!(gone.left(session(5), at(1_002)).records, []);
        // Where it was in between is no news, whoever says so last.
        for (node, came) in [("c", 900), ("d", 910), ("c", 900)] {
            gone.moved(session(6), node, Returned::default(), Some(at(came)), at(1_000));
        }
        assert_eq!(gone.to(session(6), at(1_001)).as_deref(), Some("d"));
        gone.note(session(6), "e", Returned::default(), at(1_001));
        assert_eq!(gone.to(session(6), at(1_002)).as_deref(), Some("e"));
        let table = gone.0.lock();
        assert!(table.noted.len() <= MOST && table.to.len() <= MOST);
    }
}

//! Sessions that came here while their node could not be asked. It is told of them when it is back.

use std::{collections::HashMap, time::Duration};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::core::{
    names::{AppName, SessionId},
    time::Period,
};

/// A node that is back after longer has forgotten by itself who was away.
const KEPT: Duration = Duration::from_hours(14 * 24);
/// Most sessions that nodes are still to be told of; more go untold.
const MOST: usize = 200_000;
/// Most nodes that are still to be told of sessions. Pages name them, and may make names up.
const MOST_NODES: usize = 256;

/// A session that came to another node.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Moved {
    pub(super) app: AppName,
    pub(super) session: SessionId,
    /// How long ago it came. Not when: clocks differ from node to node.
    pub(super) ago: Period,
}

/// Sessions by the node that they left untold.
#[derive(Default)]
pub(super) struct Untold(Mutex<HashMap<String, HashMap<SessionId, Came>>>);

struct Came {
    app: AppName,
    at: Instant,
}

impl Untold {
    /// A session came from a node that could not be asked for it. Names that aren't `known` make room for others.
    pub(super) fn note(
        &self,
        node: &str,
        app: &AppName,
        session: SessionId,
        now: Instant,
        known: impl Fn(&str) -> bool,
    ) {
        let mut untold = self.0.lock();
        if untold.values().map(HashMap::len).sum::<usize>() >= MOST {
            return;
        }
        if untold.len() >= MOST_NODES && !untold.contains_key(node) {
            let Some(unknown) = untold.keys().find(|node| !known(node)).cloned() else { return };
            untold.remove(&unknown);
        }
        untold.entry(node.to_owned()).or_default().insert(session, Came { app: app.clone(), at: now });
    }

    /// What a node is to be told next.
    pub(super) fn next(&self, node: &str, most: usize, now: Instant) -> Vec<Moved> {
        let untold = self.0.lock();
        let all = untold.get(node).into_iter().flatten().take(most);
        let moved = |(session, came): (&SessionId, &Came)| {
            let ago = Period(u64::try_from((now - came.at).as_millis()).unwrap_or(u64::MAX));
            Moved { app: came.app.clone(), session: *session, ago }
        };
        all.map(moved).collect()
    }

    /// It has been told of a session as it was then, or has got it back. False: it is still to be told, or was not.
    pub(super) fn told(&self, node: &str, session: SessionId, then: Instant) -> bool {
        let mut untold = self.0.lock();
        let Some(all) = untold.get_mut(node) else { return false };
        let told = all.get(&session).is_some_and(|came| came.at <= then);
        if told {
            all.remove(&session);
        }
        if all.is_empty() {
            untold.remove(node);
        }
        told
    }

    /// The nodes that are still to be told of a session.
    pub(super) fn of(&self, session: SessionId) -> Vec<String> {
        let untold = self.0.lock();
        let nodes = untold.iter().filter(|(_, all)| all.contains_key(&session));
        nodes.map(|(node, _)| node.clone()).collect()
    }

    /// Forgets what is too old. O(untold): for once in a while.
    pub(super) fn expire(&self, now: Instant) {
        self.0.lock().retain(|_, all| {
            all.retain(|_, came| now < came.at + KEPT);
            !all.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(n: u128) -> SessionId {
        SessionId(uuid::Uuid::from_u128(n))
    }

    fn note(untold: &Untold, node: &str, n: u128, now: Instant) {
        untold.note(node, &"web".parse().unwrap(), session(n), now, |node| node == "real");
    }

    #[test]
    fn names_that_pages_make_up_take_bounded_room() {
        let (untold, now) = (Untold::default(), Instant::now());
        note(&untold, "real", 1, now);
        for n in 0..1_000 {
            note(&untold, &format!("made-up-{n}"), n, now);
        }
        note(&untold, "real", 2, now);
        assert_eq!(untold.next("real", 10, now).len(), 2);
        assert_eq!(untold.0.lock().len(), MOST_NODES);
    }

    #[test]
    fn made_up_names_keep_no_real_one_out_and_nothing_stays_for_ever() {
        let (untold, began) = (Untold::default(), Instant::now());
        for n in 0..1_000 {
            note(&untold, &format!("made-up-{n}"), n, began);
        }
        let later = began + Duration::from_secs(7);
        note(&untold, "real", 1, later);
        let next = untold.next("real", 10, later + Duration::from_millis(1_500));
        assert_eq!((next.len(), next[0].session, next[0].ago), (1, session(1), Period(1_500)));
        untold.expire(began + KEPT);
        assert_eq!(untold.0.lock().len(), 1);
        untold.expire(later + KEPT);
        assert!(untold.0.lock().is_empty());
    }

    #[test]
    fn what_came_again_since_is_still_to_be_told() {
        let (untold, began) = (Untold::default(), Instant::now());
        let later = began + Duration::from_secs(1);
        note(&untold, "real", 1, began);
        note(&untold, "real", 2, began);
        note(&untold, "real", 2, later);
        untold.told("real", session(1), began);
        untold.told("real", session(2), began);
        assert_eq!(untold.next("real", 10, later).len(), 1);
        untold.told("real", session(2), later);
        assert!(untold.0.lock().is_empty());
    }
}

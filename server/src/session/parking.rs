//! Where the sessions of pages that poll wait for the next poll. Parked they are members of the fleet like those with a
//! socket; one that isn't fetched in time has vanished.

use std::{sync::Arc, time::Duration};

use dashmap::{DashMap, Entry};
use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::machine::Session;
use crate::core::{
    frames::{After, Hello},
    names::SessionId,
    outcome::Parting,
    time::Period,
};

/// A page that has missed so many polls is forgotten.
const MISSED_POLLS: u32 = 3;
/// How often it is looked for pages that have missed theirs.
const SWEEPS_EVERY: Duration = Duration::from_secs(1);

/// Parked sessions by ID.
pub struct Parking {
    parked: DashMap<SessionId, Parked>,
    /// Seconds between two polls.
    pub next_s: u64,
}

struct Parked {
    session: Session,
    /// The refresh that its page had behind it: another one, and it is another page.
    after: Option<After>,
    heard_at: Instant,
}

impl Parking {
    /// An empty one, for polls of this interval; it counts in whole seconds.
    pub fn new(interval: Period) -> Self {
        Self { parked: DashMap::new(), next_s: interval.0.div_ceil(1_000).max(1) }
    }

    /// Drops those that have missed their polls, until `stop`.
    pub fn run(self: &Arc<Self>, tasks: &TaskTracker, stop: &CancellationToken) {
        let (parking, stopped) = (self.clone(), stop.clone());
        tasks.spawn(async move {
            let mut sweep = tokio::time::interval(SWEEPS_EVERY);
            while stopped.run_until_cancelled(sweep.tick()).await.is_some() {
                parking.sweep(Instant::now());
            }
        });
    }

    /// Parks a session until its page's next poll. If that is under way already, what it has parked stays.
    pub fn park(&self, session: Session, after: Option<After>, now: Instant) {
        let parked = Parked { session, after, heard_at: now };
        // Both are dropped after the lock is.
        let _over = match self.parked.entry(parked.session.membership().slot().id) {
            // Looked at under the lock: whoever replaces a session parks its own after this.
            _ if parked.session.membership().slot().was_replaced() => Some(parked),
            Entry::Occupied(mut there) => Some(there.insert(parked)),
            Entry::Vacant(vacant) => {
                vacant.insert(parked);
                None
            }
        };
    }

    /// Lets the session of a page that polls on hear it, in its place, so that two polls at once can't take it from one
    /// another. With a parting, the session leaves. None: there is no such session, and the page begins anew.
    pub fn hear<T>(
        &self,
        hello: &Hello,
        now: Instant,
        hear: impl FnOnce(&mut Session) -> (T, Option<Parting>),
    ) -> Option<T> {
        let Entry::Occupied(mut there) = self.parked.entry(hello.session?) else { return None };
        let parked = there.get_mut();
        if !parked.session.is_of(hello) || parked.after != hello.after {
            return None;
        }
        parked.heard_at = now;
        let (heard, parting) = hear(&mut parked.session);
        // Dropped after the lock is.
        let _leaving = parting.map(|parting| {
            let mut parked = there.remove();
            parked.session.part(parting);
            parked
        });
        Some(heard)
    }

    /// O(parked).
    fn sweep(&self, now: Instant) {
        let forgotten_after = Duration::from_secs(self.next_s) * MISSED_POLLS;
        let over = |parked: &Parked| parked.heard_at + forgotten_after <= now;
        let due: Vec<_> =
            self.parked.iter().filter(|parked| over(parked)).map(|parked| *parked.key()).collect();
        for id in due {
            // It may have been heard since.
            drop(self.parked.remove_if(&id, |_, parked| over(parked)));
        }
    }
}

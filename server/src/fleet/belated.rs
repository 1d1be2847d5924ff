//! Sessions that came here while their node could not be asked, or before it answered: it is told of them when it is back,
//! and what it knew of them comes after them.

use std::collections::HashMap;

use tokio::time::Instant;

use super::{
    Fleet,
    errand::{Answer, Question},
    hub::View,
    records::Returned,
    slot::Slot,
    untold::Moved,
};
use crate::core::{
    enrol::follow,
    names::{AppName, SessionId, is_subject_word},
    outcome::{Record, State},
};

/// So many sessions are told at once: all that is known of them is to fit into the answer.
const MOST_AT_ONCE: usize = 100;

impl Fleet {
    /// Tells the nodes that are back, and takes in what they knew.
    pub(super) async fn tell_the_untold(&self) {
        // Nobody is asked who can't answer.
        for node in self.peers() {
            loop {
                let then = Instant::now();
                let next = self.untold.next(&node, MOST_AT_ONCE, then);
                let question = Question::Moved { sessions: next.clone(), asker: Some(self.node.clone()) };
                if next.is_empty() {
                    break;
                }
                let Ok(answer) = self.ask(&node, &question, self.peer_timeout).await else { break };
                let Answer::Moved { left } = answer else { break };
                let mut left: HashMap<_, _> = left.into_iter().collect();
                for moved in next {
                    // Whoever has come again since is told of again, and brings what was known then.
                    if self.untold.told(&node, moved.session, then)
                        && let Some(earlier) = left.remove(&moved.session)
                    {
                        let came_at = then.checked_sub(moved.ago.std()).unwrap_or(then);
                        self.learn(&moved.app, moved.session, &earlier, came_at);
                    }
                }
            }
        }
    }

    /// A session came to another node while this one could not be asked, or answered too late. Whoever came later has
    /// it. `asker`: who has it now; None: a node of an older version, which doesn't ask what was known.
    pub(super) fn let_go(&self, moved: &Moved, asker: Option<&str>) -> Option<Returned> {
        let Moved { app, session, ago } = moved;
        let released = match self.registry.get(*session).filter(|slot| slot.hub.name == *app) {
            Some(slot) if slot.began.elapsed() > ago.std() => self.released(&slot),
            Some(_) => return None,
            None => self.forget_absent(app, *session),
        };
        let (asker, now) = (asker?, Instant::now());
        let on_its_way = self.gone.to(*session, now).filter(|to| **to != *asker);
        self.gone.moved(*session, asker, released, now.checked_sub(ago.std()), now);
        let mut left = self.gone.left(*session, now);
        left.untold = self.untold.of(*session);
        left.untold.extend(on_its_way.map(|node| node.to_string()));
        Some(left)
    }

    /// Nodes that a session went by and that could not be asked for it are told of it by whoever has it now.
    pub(super) fn take_over(&self, app: &AppName, session: SessionId, untold: &[String], came_at: Instant) {
        for node in untold.iter().filter(|node| **node != self.node && is_subject_word(node)) {
            let known = |node: &str| self.roll.look(|call, _| call.knows(node));
            self.untold.note(node, app, session, came_at, known);
        }
    }

    /// What another node knew of a session that came from there comes after it.
    fn learn(&self, app: &AppName, session: SessionId, earlier: &Returned, came_at: Instant) {
        let Some(hub) = self.hub(app) else { return };
        let here = || self.registry.get(session).filter(|slot| slot.hub.name == *app);
        let learnt = || here().is_some_and(|slot| self.learn_of(&slot, earlier));
        // It may leave meanwhile, or be back.
        if learnt() || self.records.learn(session, &hub, earlier) || learnt() {
            self.take_over(app, session, &earlier.untold, came_at);
        }
    }

    fn learn_of(&self, slot: &Slot, earlier: &Returned) -> bool {
        let view = slot.hub.view();
        let moved = earlier.build.as_ref().is_some_and(|build| *build != slot.build);
        slot.learn(&earlier.records, |record| come_here(&view, slot, record, moved), &self.records)
    }
}

/// Where a session is in a campaign that has told it nothing here.
fn come_here(view: &View, slot: &Slot, record: &Record, moved: bool) -> Record {
    let mut record = record.clone();
    if record.state.ended() {
        return record;
    }
    if moved {
        record.move_on();
        return record;
    }
    record.state = State::Waiting;
    let outlook = view.outlook(&slot.row);
    let followed = follow(&view.app, &outlook.prospect, None, std::slice::from_ref(&record));
    followed.into_iter().find(|followed| followed.campaign == record.campaign).unwrap_or(record)
}

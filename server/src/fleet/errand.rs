//! What nodes ask one another by name: a session that has moved is handed over, with all that is known of it.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use futures_util::StreamExt;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, Interval, MissedTickBehavior};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Fleet,
    bus::{AskError, Asked, Reach},
    listing::{Piece, Wanted},
    records::Returned,
    slot::Slot,
};
use crate::{
    api::answers::SessionDetail,
    core::{
        app::App,
        frames::Hello,
        names::{AppName, SessionId},
        time::Moment,
    },
};

/// A page waits for its welcome meanwhile.
const HANDS_OVER_WITHIN: Duration = Duration::from_millis(800);
/// Nodes that could not be told of sessions that left them are tried again so often.
const TELLS_EVERY: Duration = Duration::from_secs(3);
/// A session that has moved is counted in both places for so long, until the other node has told the others of it:
/// rather than in none, since a gate may be looking.
const COUNTED_ON: Duration = Duration::from_millis(1_500);
const SETTLES_EVERY: Duration = Duration::from_millis(500);
/// So many sessions are told at once.
const MOST_AT_ONCE: usize = 1_000;
/// Most sessions that nodes are still to be told of; of more, the oldest go untold.
const MOST_UNTOLD: usize = 200_000;

/// A question to another node.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub(super) enum Question {
    /// A page of yours, by its own account, is here now.
    Left { app: AppName, session: SessionId, resume: Option<String> },
    /// These came here while you could not be asked.
    Moved { sessions: Vec<Moved> },
    /// A piece of your list.
    Sessions { app: AppName, wanted: Wanted, after: Option<SessionId>, limit: usize },
    /// One that may be yours.
    Session { app: AppName, session: SessionId },
}

/// What became of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub(super) enum Answer {
    /// All that there was of the session, which is nobody's here any more.
    Left(Returned),
    /// The page hasn't proven that the session is its own.
    NotYours,
    /// Nothing is left of them.
    Moved,
    /// The piece.
    Sessions(Piece),
    /// All of it, if it is here.
    Session { detail: Option<Box<SessionDetail>> },
}

/// A session that came to another node.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Moved {
    app: AppName,
    session: SessionId,
    /// When it came.
    at: Moment,
}

/// Sessions by the node that they left untold.
#[derive(Default)]
pub(super) struct Untold(Mutex<HashMap<String, VecDeque<Moved>>>);

impl Untold {
    fn note(&self, node: &str, moved: Moved) {
        let mut untold = self.0.lock();
        let all: usize = untold.values().map(VecDeque::len).sum();
        let there = untold.entry(node.to_owned()).or_default();
        if all >= MOST_UNTOLD {
            there.pop_front();
        }
        there.push_back(moved);
    }

    fn nodes(&self) -> Vec<String> {
        self.0.lock().keys().cloned().collect()
    }

    fn first(&self, node: &str) -> Vec<Moved> {
        let untold = self.0.lock();
        untold.get(node).map(|all| all.iter().take(MOST_AT_ONCE).cloned().collect()).unwrap_or_default()
    }

    fn told(&self, node: &str, count: usize) {
        let mut untold = self.0.lock();
        if let Some(all) = untold.get_mut(node) {
            all.drain(..count.min(all.len()));
            if all.is_empty() {
                untold.remove(node);
            }
        }
    }
}

/// Sessions that have moved to another node and are counted here still, in the order in which they went.
#[derive(Default)]
pub(super) struct Moving(Mutex<VecDeque<(Instant, Arc<Slot>)>>);

impl Moving {
    /// It has gone.
    pub(super) fn note(&self, slot: Arc<Slot>) {
        self.0.lock().push_back((Instant::now() + COUNTED_ON, slot));
    }

    /// Those whose time is over count no more. O(due).
    fn settle(&self, now: Instant) {
        let mut moving = self.0.lock();
        while let Some((_, slot)) = moving.pop_front_if(|(until, _)| *until <= now) {
            slot.uncount();
        }
    }
}

impl Fleet {
    /// Gets from another node what it has of a page that comes from there. A session that isn't the page's own is not
    /// its session any more. Whatever goes wrong, the page is welcome.
    pub async fn fetch(&self, hello: &mut Hello) -> Option<Returned> {
        let via = hello.via.as_deref().filter(|via| *via != self.node && self.bus.reach() != Reach::Alone)?;
        let (app, session) = (hello.app.parse::<AppName>().ok()?, hello.session?);
        self.hub(&app)?;
        let question = Question::Left { app: app.clone(), session, resume: hello.resume.clone() };
        match self.ask(via, &question, HANDS_OVER_WITHIN).await {
            Ok(Answer::Left(returned)) => Some(returned),
            Ok(Answer::NotYours) => {
                hello.session = None;
                None
            }
            Ok(_) => None,
            Err(error) => {
                tracing::debug!(%error, via, "a page's node could not be asked for it");
                self.roll.came_from(via, &app, &hello.build);
                self.untold.note(via, Moved { app, session, at: crate::clock::now() });
                None
            }
        }
    }

    pub(super) async fn ask(
        &self,
        node: &str,
        question: &Question,
        within: Duration,
    ) -> Result<Answer, AskError> {
        let question = serde_json::to_vec(question).expect("questions are JSON");
        let answer = self.bus.ask(node, question.into(), within).await?;
        serde_json::from_slice(&answer).map_err(|_| AskError::Late)
    }

    /// Answers the other nodes, and tells those that come back what they missed, until `stop`.
    pub(super) async fn run_errands(self: &Arc<Self>, tasks: &TaskTracker, stop: &CancellationToken) {
        // Before the first page is let in, which may go on to another node at once.
        let mut asked = self.bus.asked().await;
        let (fleet, stopped) = (self.clone(), stop.clone());
        tasks.spawn(async move {
            while let Some(Some(asked)) = stopped.run_until_cancelled(asked.next()).await {
                fleet.answer(asked).await;
            }
        });
        let (fleet, stopped) = (self.clone(), stop.clone());
        tasks.spawn(async move {
            let (mut tell, mut settle) = (every(TELLS_EVERY), every(SETTLES_EVERY));
            loop {
                tokio::select! {
                    () = stopped.cancelled() => return,
                    now = settle.tick() => fleet.moving.settle(now),
                    _ = tell.tick() => drop(stopped.run_until_cancelled(fleet.tell_the_untold()).await),
                }
            }
        });
    }

    async fn answer(&self, Asked { question, answer }: Asked) {
        let said = match serde_json::from_slice(&question) {
            Ok(Question::Left { app, session, resume }) => self.hand_over(&app, session, resume.as_deref()),
            Ok(Question::Moved { sessions }) => {
                for Moved { app, session, at } in sessions {
                    self.drop_moved(&app, session, at);
                }
                Answer::Moved
            }
            Ok(Question::Sessions { app, wanted, after, limit }) => {
                let own = |app: Arc<App>| self.own_piece(&app, &wanted, after, limit.min(MOST_AT_ONCE));
                Answer::Sessions(self.app(&app).map(own).unwrap_or_default().cut())
            }
            Ok(Question::Session { app, session }) => {
                let own = |app: Arc<App>| self.own_session(&app, session).map(Box::new);
                Answer::Session { detail: self.app(&app).and_then(own) }
            }
            // A newer node's: it does without.
            Err(_) => return,
        };
        answer(Bytes::from(serde_json::to_vec(&said).expect("answers are JSON"))).await;
    }

    fn hand_over(&self, app: &AppName, session: SessionId, resume: Option<&str>) -> Answer {
        match self.registry.get(session).filter(|slot| slot.hub.name == *app) {
            Some(slot) if !resume.is_some_and(|resume| slot.is_resumed_by(resume)) => Answer::NotYours,
            Some(slot) => {
                let build = slot.build.clone();
                Answer::Left(Returned { build: Some(build), records: self.release(&slot) })
            }
            None => Answer::Left(self.forget_absent(app, session)),
        }
    }

    /// A session came to another node while this one could not be asked. Whoever came later has it.
    fn drop_moved(&self, app: &AppName, session: SessionId, at: Moment) {
        match self.registry.get(session).filter(|slot| slot.hub.name == *app) {
            Some(slot) if slot.connected_at < at => drop(self.release(&slot)),
            Some(_) => {}
            None => drop(self.forget_absent(app, session)),
        }
    }

    /// What is known of a session that isn't connected here, which is another node's from now on.
    fn forget_absent(&self, app: &AppName, session: SessionId) -> Returned {
        let Some(hub) = self.hub(app) else { return Returned::default() };
        self.away.returned(session);
        self.records.handed_over(session, &hub)
    }

    async fn tell_the_untold(&self) {
        for node in self.untold.nodes() {
            loop {
                let sessions = self.untold.first(&node);
                let count = sessions.len();
                if count == 0
                    || self.ask(&node, &Question::Moved { sessions }, HANDS_OVER_WITHIN).await.is_err()
                {
                    break;
                }
                self.untold.told(&node, count);
            }
        }
    }
}

fn every(period: Duration) -> Interval {
    let mut interval = tokio::time::interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

//! What nodes ask one another by name: a session that has moved is handed over, with all that is known of it.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::StreamExt;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::{
    sync::mpsc,
    time::{Instant, Interval, MissedTickBehavior},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Fleet,
    bus::{AskError, Reach, Reply},
    listing::{Piece, Wanted},
    records::Returned,
    slot::Slot,
    untold::Moved,
};
use crate::core::{
    app::App,
    census::BuildCount,
    frames::Hello,
    names::{AppName, SessionId, is_subject_word},
    select::Select,
    session::SessionDetail,
};

/// Nodes that could not be told of sessions that left them are tried again so often.
const TELLS_EVERY: Duration = Duration::from_secs(3);
/// A session that has moved is counted in both places for so long, until the other node has told the others of it:
/// rather than in none, since a gate may be looking.
const COUNTED_ON: Duration = Duration::from_millis(1_500);
const SETTLES_EVERY: Duration = Duration::from_millis(500);
/// Most lists that wait for their turn. Who asks for more is told that this node didn't answer.
const MOST_LISTS: usize = 32;
/// So many sessions are listed at once.
const MOST_AT_ONCE: usize = 1_000;
/// So many nodes are asked for a session, one after the other: one that it was at knows where it went.
const MOST_ASKED: usize = 2;

/// A question to another node.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub(super) enum Question {
    /// A page of yours, by its own account, is here now.
    Left {
        app: AppName,
        session: SessionId,
        resume: Option<String>,
        /// Who asks. None: a node of an older version, which isn't told where else a session went.
        #[serde(default)]
        asker: Option<String>,
    },
    /// These came here while you could not be asked.
    Moved {
        sessions: Vec<Moved>,
        /// Who asks. None: a node of an older version, which doesn't ask what was known of them.
        #[serde(default)]
        asker: Option<String>,
    },
    /// A piece of your list.
    Sessions { app: AppName, wanted: Wanted, after: Option<SessionId>, limit: usize },
    /// One that may be yours.
    Session { app: AppName, session: SessionId },
    /// How many of yours are selected.
    Selected { app: AppName, select: Select },
}

/// What became of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub(super) enum Answer {
    /// All that there was of the session, which is nobody's here any more.
    Left(Returned),
    /// It has gone on to this node.
    Went { to: String },
    /// The page hasn't proven that the session is its own.
    NotYours,
    /// Nothing is left of them here; what there was of each.
    Moved {
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        left: Vec<(SessionId, Returned)>,
    },
    /// The piece.
    Sessions(Piece),
    /// All of it, if it is here.
    Session { detail: Option<Box<SessionDetail>> },
    /// By build.
    Selected { counts: Vec<BuildCount> },
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

    /// None of them counts any more.
    pub(super) fn settle_all(&self) {
        for (_, slot) in self.0.lock().drain(..) {
            slot.uncount();
        }
    }
}

impl Fleet {
    /// Gets from another node what it has of a page that comes from there. A session that isn't the page's own is not
    /// its session any more. Whatever goes wrong, the page is welcome.
    pub async fn fetch(&self, hello: &mut Hello) -> Option<Returned> {
        let via = hello.via.as_deref().filter(|via| is_subject_word(via))?;
        let (app, session) = (hello.app.parse::<AppName>().ok()?, hello.session?);
        if self.bus.reach() == Reach::Alone || self.has(&app, session, hello.resume.as_deref()) {
            return None;
        }
        self.hub(&app)?;
        let mut node = match via {
            // It was here last, as far as it knows.
            via if via == self.node => self.gone.to(session, Instant::now())?.to_string(),
            via => via.to_owned(),
        };
        let asker = Some(self.node.clone());
        let question = Question::Left { app: app.clone(), session, resume: hello.resume.clone(), asker };
        for _ in 0..MOST_ASKED {
            match self.ask(&node, &question, self.peer_timeout).await {
                Ok(Answer::Left(mut returned)) => {
                    let now = Instant::now();
                    if returned.untold.contains(&self.node) {
                        // It went there while this node could not say in time what it knew.
                        returned.build_on(self.gone.left(session, now));
                    }
                    self.take_over(&app, session, &returned.untold, now);
                    return Some(returned);
                }
                Ok(Answer::Went { to }) if to != self.node && is_subject_word(&to) => node = to,
                Ok(Answer::NotYours) => {
                    hello.session = None;
                    return None;
                }
                Ok(_) => return None,
                Err(error) => {
                    tracing::debug!(%error, node, "a page's node could not be asked for it");
                    self.roll.came_from(&node, &app, &hello.build);
                    let known = |node: &str| self.roll.look(|call, _| call.knows(node));
                    self.untold.note(&node, &app, session, Instant::now(), known);
                    return None;
                }
            }
        }
        None
    }

    /// Its session is here already, and the page hasn't heard so.
    fn has(&self, app: &AppName, session: SessionId, resume: Option<&str>) -> bool {
        let slot = self.registry.get(session).filter(|slot| slot.hub.name == *app);
        slot.zip(resume).is_some_and(|(slot, resume)| slot.is_resumed_by(resume))
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
        // Lists are O(sessions), and pages wait for the other answers.
        let (lists, mut listed) = mpsc::channel(MOST_LISTS);
        tasks.spawn(async move {
            while let Some(Some(asked)) = stopped.run_until_cancelled(asked.next()).await {
                match serde_json::from_slice(&asked.question) {
                    Ok(question @ (Question::Sessions { .. } | Question::Selected { .. })) => {
                        drop(lists.try_send((question, asked.answer)));
                    }
                    Ok(question) => fleet.answer(question, asked.answer).await,
                    // A newer node's: it does without.
                    Err(_) => {}
                }
            }
        });
        let (fleet, stopped) = (self.clone(), stop.clone());
        tasks.spawn(async move {
            while let Some(Some((question, answer))) = stopped.run_until_cancelled(listed.recv()).await {
                fleet.answer(question, answer).await;
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

    async fn answer(&self, question: Question, answer: Reply) {
        let said = match question {
            Question::Left { app, session, resume, asker } => {
                self.hand_over(&app, session, resume.as_deref(), asker.as_deref())
            }
            Question::Moved { sessions, asker } => {
                let left = |moved: Moved| Some((moved.session, self.let_go(&moved, asker.as_deref())?));
                Answer::Moved { left: sessions.into_iter().filter_map(left).collect() }
            }
            Question::Sessions { app, wanted, after, limit } => {
                let own = |app: Arc<App>| self.own_piece(&app, &wanted, after, limit.min(MOST_AT_ONCE));
                Answer::Sessions(self.app(&app).map(own).unwrap_or_default().cut())
            }
            Question::Session { app, session } => {
                let own = |app: Arc<App>| self.own_session(&app, session).map(Box::new);
                Answer::Session { detail: self.app(&app).and_then(own) }
            }
            Question::Selected { app, select } => {
                let own = |app: Arc<App>| self.own_selected(&app, &select);
                Answer::Selected { counts: self.app(&app).map(own).unwrap_or_default() }
            }
        };
        answer(Bytes::from(serde_json::to_vec(&said).expect("answers are JSON"))).await;
    }

    fn hand_over(
        &self,
        app: &AppName,
        session: SessionId,
        resume: Option<&str>,
        asker: Option<&str>,
    ) -> Answer {
        let now = Instant::now();
        let mut returned = match self.registry.get(session).filter(|slot| slot.hub.name == *app) {
            Some(slot) if !resume.is_some_and(|resume| slot.is_resumed_by(resume)) => {
                return Answer::NotYours;
            }
            Some(slot) => self.released(&slot),
            None => {
                if let Some(to) = self.gone.to(session, now)
                    && asker.is_some_and(|asker| asker != &*to)
                {
                    return Answer::Went { to: to.to_string() };
                }
                self.forget_absent(app, session)
            }
        };
        if let Some(asker) = asker {
            // Kept, since the answer may come too late.
            self.gone.note(session, asker, returned.clone(), now);
            returned.untold = self.untold.of(session);
            self.untold.told(asker, session, now);
        }
        Answer::Left(returned)
    }

    /// A connected session that goes to another node, with all that is known of it.
    pub(super) fn released(&self, slot: &Arc<Slot>) -> Returned {
        let build = Some(slot.build.clone());
        Returned { build, records: self.release(slot), proven: true, untold: Vec::new() }
    }

    /// What is known of a session that isn't connected here, which is another node's from now on.
    pub(super) fn forget_absent(&self, app: &AppName, session: SessionId) -> Returned {
        let Some(hub) = self.hub(app) else { return Returned::default() };
        self.away.returned(session);
        self.records.handed_over(session, &hub)
    }
}

fn every(period: Duration) -> Interval {
    let mut interval = tokio::time::interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

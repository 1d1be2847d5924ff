//! Sessions one by one, wherever they are: every node lists its own, and the one that is asked puts the lists together.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use super::{
    Fleet,
    bus::AskError,
    errand::{Answer, Question},
    slot::Slot,
};
use crate::core::{
    app::App,
    change::Floor,
    explain::{Explained, explain},
    judge::{Standing, Why, below, judge, key},
    names::{AppName, SessionId},
    outcome::{LookRefused, foremost},
    plan::prospect,
    session::{Session, SessionDetail},
};

/// Nodes that haven't answered by then are named in place of their sessions.
pub(super) const ANSWERS_WITHIN: Duration = Duration::from_millis(1_500);
/// Most bytes of sessions in one answer between nodes: NATS' messages are bounded.
const MOST_BYTES: usize = 200 << 10;

/// Which sessions are wanted: those that pass all of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Wanted {
    /// Of this standing.
    pub standing: Option<Standing>,
    /// On this build.
    pub build: Option<String>,
    /// Below this one.
    pub below: Option<Floor>,
    /// Unsupported for this reason.
    pub why: Option<Why>,
    /// With a hold, or without.
    pub held: Option<bool>,
    /// Seen by somebody, or not.
    pub visible: Option<bool>,
    /// In this state of a campaign, or with this outcome.
    pub outcome: Option<String>,
    /// With these labels.
    pub labels: Vec<(String, String)>,
}

/// A piece of a node's list, in the order of IDs.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Piece {
    sessions: Vec<Session>,
    /// There are more after its last one.
    more: bool,
}

/// A list put together.
#[derive(Debug)]
pub struct Listed {
    /// In the order of their IDs.
    pub sessions: Vec<Session>,
    /// There are more after the last one.
    pub more: bool,
    /// Nodes that didn't answer.
    pub missing: Vec<String>,
}

impl Wanted {
    fn has(&self, app: &App, slot: &Slot) -> bool {
        let judged = judge(app, &slot.row.build, slot.row.reported.as_ref());
        let live = slot.live();
        self.standing.is_none_or(|standing| standing == judged.standing)
            && self.why.is_none_or(|why| Some(why) == judged.why)
            && self.build.as_ref().is_none_or(|build| build == slot.build.as_str())
            && self.held.is_none_or(|held| held != live.holds.is_empty())
            && self.visible.is_none_or(|visible| visible == live.visible)
            && self.labels.iter().all(|(name, value)| slot.labels.get(name) == Some(value))
            && self.below.as_ref().is_none_or(|floor| {
                key(app, &slot.build, slot.reported.as_ref()).is_some_and(|key| below(app, key, floor))
            })
            && self.outcome.as_ref().is_none_or(|outcome| {
                live.records.iter().any(|record| {
                    record.state.as_str() == outcome
                        || record.outcome.is_some_and(|is| is.as_str() == outcome)
                        || (outcome == LookRefused::NAME && record.look_refused().is_some())
                })
            })
    }
}

impl Fleet {
    /// An app's connected sessions on all nodes, in the order of their IDs, beginning after one.
    pub async fn sessions(
        &self,
        app: &App,
        wanted: &Wanted,
        after: Option<SessionId>,
        limit: usize,
    ) -> Listed {
        let (peers, mut missing) = (self.peers(), self.missing().into_iter().collect::<BTreeSet<_>>());
        let mut found: BTreeMap<SessionId, Session> = BTreeMap::new();
        let mut after = after;
        let more = loop {
            let limit_of_each = limit + 1 - found.len();
            let question = Question::Sessions {
                app: app.name.clone(),
                wanted: wanted.clone(),
                after,
                limit: limit_of_each,
            };
            let asked = peers.iter().filter(|peer| !missing.contains(*peer));
            let answers = join_all(asked.map(async |peer| (peer, self.piece(peer, &question).await))).await;
            let mut pieces = vec![self.own_piece(app, wanted, after, limit_of_each)];
            for (peer, piece) in answers {
                match piece {
                    Ok(piece) => pieces.push(piece),
                    Err(_) => drop(missing.insert(peer.clone())),
                }
            }
            // Beyond the end of a piece that isn't a node's last, that node has sessions which are not here yet.
            let horizon = pieces.iter().filter(|piece| piece.more).filter_map(Piece::last).min();
            for session in pieces.into_iter().flat_map(|piece| piece.sessions) {
                if horizon.is_none_or(|horizon| session.session <= horizon) {
                    take_later(&mut found, session);
                }
            }
            if horizon.is_none() || found.len() > limit {
                break horizon.is_some() || found.len() > limit;
            }
            after = horizon;
        };
        let sessions = found.into_values().take(limit).collect();
        Listed { sessions, more, missing: missing.into_iter().collect() }
    }

    async fn piece(&self, node: &str, question: &Question) -> Result<Piece, AskError> {
        match self.ask(node, question, ANSWERS_WITHIN).await? {
            Answer::Sessions(piece) => Ok(piece),
            _ => Err(AskError::Late),
        }
    }

    pub(super) fn own_piece(
        &self,
        app: &App,
        wanted: &Wanted,
        after: Option<SessionId>,
        limit: usize,
    ) -> Piece {
        let mut slots = self.registry.list(&app.name, after, limit + 1, |slot| wanted.has(app, slot));
        let more = slots.len() > limit;
        slots.truncate(limit);
        let sessions = slots.iter().map(|slot| self.session_of(app, slot)).collect();
        Piece { sessions, more }
    }

    /// One session of an app, wherever it is. None: no node that answered has it; those that didn't are named.
    pub async fn session(&self, app: &App, session: SessionId) -> Result<SessionDetail, Vec<String>> {
        if let Some(detail) = self.own_session(app, session) {
            return Ok(detail);
        }
        let question = Question::Session { app: app.name.clone(), session };
        let peers = self.peers();
        let asked = peers.iter().map(async |peer| (peer, self.ask(peer, &question, ANSWERS_WITHIN).await));
        let mut missing = self.missing();
        for (peer, answer) in join_all(asked).await {
            match answer {
                Ok(Answer::Session { detail: Some(detail) }) => return Ok(*detail),
                Ok(_) => {}
                Err(_) if missing.contains(peer) => {}
                Err(_) => missing.push(peer.clone()),
            }
        }
        Err(missing)
    }

    pub(super) fn own_session(&self, app: &App, session: SessionId) -> Option<SessionDetail> {
        let slot = self.registry.get(session).filter(|slot| slot.hub.name == app.name)?;
        let live = slot.live();
        let explained = Explained {
            prospect: &prospect(app, &slot.row.build, slot.row.reported.as_ref()),
            record: foremost(&live.records),
            holds: &live.holds,
            visible: live.visible,
        };
        let explanation = explain(app, slot.id, &explained, crate::clock::now());
        Some(SessionDetail { session: self.session_of(app, &slot), explanation })
    }

    /// What another node asks of an app here.
    pub(super) fn app(&self, app: &AppName) -> Option<std::sync::Arc<App>> {
        Some(self.hub(app)?.view().app.clone())
    }

    fn session_of(&self, app: &App, slot: &Slot) -> Session {
        let live = slot.live();
        let judged = judge(app, &slot.row.build, slot.row.reported.as_ref());
        let release = app.release(&slot.build);
        let record = foremost(&live.records);
        Session {
            session: slot.id,
            build: slot.build.clone(),
            version: release
                .and_then(|release| release.new.version.clone())
                .or_else(|| slot.reported.clone()),
            standing: judged.standing,
            why: judged.why,
            connected_at: slot.connected_at,
            visible: live.visible,
            holds: live.holds,
            labels: slot.labels.clone(),
            campaign: record.map(|record| record.campaign),
            action: record.map(|record| record.action),
            state: record.map(|record| record.state),
            outcome: record.and_then(|record| record.outcome).map(|is| is.as_str().to_owned()),
            detail: record.and_then(|record| record.detail.clone()),
            node: self.node.clone(),
            transport: slot.transport.as_str().to_owned(),
            frame: slot.frame.as_str().to_owned(),
            host: slot.host.clone(),
            user_agent: slot.user_agent.as_deref().map(str::to_owned),
        }
    }
}

impl Piece {
    fn last(&self) -> Option<SessionId> {
        Some(self.sessions.last()?.session)
    }

    /// As much of it as a message takes, and one session at least.
    pub(super) fn cut(mut self) -> Self {
        let mut bytes = 0;
        let fits = self.sessions.iter().take_while(|session| {
            bytes += serde_json::to_vec(session).map_or(0, |json| json.len() + 1);
            bytes <= MOST_BYTES
        });
        let fitting = fits.count().max(1);
        self.more |= fitting < self.sessions.len();
        self.sessions.truncate(fitting);
        self
    }
}

/// A session that goes from one node to another may be on both for a moment: where it came later it is.
fn take_later(found: &mut BTreeMap<SessionId, Session>, session: Session) {
    match found.get(&session.session) {
        Some(there) if there.connected_at >= session.connected_at => {}
        _ => drop(found.insert(session.session, session)),
    }
}

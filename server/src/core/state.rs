//! The whole state: the fold of the log and nothing else.

use std::{collections::BTreeMap, sync::Arc};

use serde::Serialize;

use super::{
    app::{Answered, App, Refusal, Requests, Stamp},
    change::{Change, Entry, Topic},
    digest,
    names::{AppName, LogNumber},
    time::Moment,
    token::{TokenChange, Tokens},
};

/// What the log adds up to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// The number of the last entry that was folded, valid or void.
    pub number: LogNumber,
    /// By name. Cheap to clone: a fold replaces the one app that its entry is about.
    pub apps: BTreeMap<AppName, Arc<App>>,
    /// The operators' tokens.
    pub tokens: Arc<TokenBook>,
    /// Topics with an entry that this version doesn't understand: they stay as they were before it.
    pub frozen: BTreeMap<Topic, Frozen>,
}

/// Why a topic stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Frozen {
    /// The entry that isn't understood.
    pub number: LogNumber,
    /// What of it.
    pub reason: String,
    /// No version can have written it so.
    pub damaged: bool,
}

/// The tokens with their topic's own last number.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TokenBook {
    /// Number of the topic's last valid entry.
    pub number: LogNumber,
    /// Its time.
    pub last_at: Moment,
    /// The tokens.
    pub tokens: Tokens,
    requests: Requests,
    #[serde(skip)]
    pub(super) digest: digest::Known,
}

/// What the fold made of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is part of the state.
    Valid,
    /// Another entry of its topic came before it; the topic's last valid one is named.
    Moved(LogNumber),
    /// It breaks a rule.
    Refused(Refusal),
    /// It is no change.
    Stray,
    /// What it is can't be told here: the named one, of its topic, isn't understood by this version.
    Frozen(LogNumber),
}

impl State {
    /// Takes in the next entry. An entry whose `prev` is not its topic's last valid number is void, on every node alike.
    pub fn fold(&mut self, entry: &Entry) -> Verdict {
        self.number = self.number.max(entry.number);
        let topic = entry.draft.change.topic();
        if let Some(frozen) = self.frozen.get(&topic) {
            return Verdict::Frozen(frozen.number);
        }
        if let Change::Stray(_) = &entry.draft.change {
            return Verdict::Stray;
        }
        let last = self.last_valid(&topic);
        if let Change::Strange(strange) = &entry.draft.change {
            return match strange.prev {
                // Void whatever it says, also where it is understood.
                Some(prev) if prev != last => Verdict::Moved(last),
                _ => {
                    let (reason, damaged) = (strange.reason.clone(), strange.prev.is_none());
                    let frozen = Frozen { number: entry.number, reason, damaged };
                    self.frozen.insert(topic, frozen);
                    Verdict::Frozen(entry.number)
                }
            };
        }
        if entry.draft.prev != last {
            return Verdict::Moved(last);
        }
        match self.after(entry) {
            Ok(next) => {
                *self = next;
                Verdict::Valid
            }
            Err(refusal) => Verdict::Refused(refusal),
        }
    }

    /// The state as an entry would make it, whatever its `prev`: the dry run.
    pub fn after(&self, entry: &Entry) -> Result<Self, Refusal> {
        let draft = &entry.draft;
        let stamp = Stamp { number: entry.number, at: draft.at, actor: &draft.actor };
        let mut next = self.clone();
        match &draft.change {
            Change::App { app: name, change } => {
                let mut app = self.app(name).apply(change, stamp)?;
                if let Some(request) = &draft.request {
                    app.remember(request, stamp);
                }
                next.apps.insert(name.clone(), Arc::new(app));
            }
            Change::Token(change) => {
                let mut tokens = self.tokens.after(change, stamp)?;
                if let Some(request) = &draft.request {
                    tokens.requests.remember(request, stamp);
                }
                next.tokens = Arc::new(tokens);
            }
            Change::Stray(_) => return Err(Refusal::Conflict("it is no change".into())),
            Change::Strange(strange) => {
                return Err(Refusal::Conflict(format!(
                    "this version doesn't understand it: {}",
                    strange.reason
                )));
            }
        }
        Ok(next)
    }

    /// An app as it is; a blank one if nobody has made it.
    pub fn app(&self, name: &AppName) -> Arc<App> {
        self.apps.get(name).cloned().unwrap_or_else(|| Arc::new(App::new(name.clone())))
    }

    /// The number of a topic's last valid entry.
    pub fn last_valid(&self, topic: &Topic) -> LogNumber {
        match topic {
            Topic::App(name) => self.apps.get(name).map_or(LogNumber(0), |app| app.number),
            Topic::Tokens => self.tokens.number,
            Topic::Other(_) => LogNumber(0),
        }
    }

    /// The time of a topic's last valid entry: no later one may be earlier.
    pub fn last_at(&self, topic: &Topic) -> Moment {
        match topic {
            Topic::App(name) => self.apps.get(name).map_or(Moment(0), |app| app.last_at),
            Topic::Tokens => self.tokens.last_at,
            Topic::Other(_) => Moment(0),
        }
    }

    /// The request of a topic that already used an idempotency key.
    pub fn answered(&self, topic: &Topic, key: &str, now: Moment) -> Option<&Answered> {
        match topic {
            Topic::App(name) => self.apps.get(name)?.answered(key, now),
            Topic::Tokens => self.tokens.requests.answered(key, now),
            Topic::Other(_) => None,
        }
    }
}

impl Frozen {
    /// What it means for those who would change the topic.
    pub fn explain(&self, topic: &Topic) -> String {
        let what = match topic {
            Topic::App(app) => format!("the app '{app}'"),
            Topic::Tokens => "the tokens".to_owned(),
            Topic::Other(name) => format!("what is kept under '{name}'"),
        };
        let (number, reason) = (self.number, &self.reason);
        if self.damaged {
            return format!(
                "{what} can't be changed: entry {number} of the log is damaged ({reason}); stop the server, and bring \
                 back a copy of its data folder or an export of its log"
            );
        }
        format!(
            "{what} can't be changed through this node: it doesn't understand entry {number} of the log ({reason}), \
             which a newer version of freshwire has written; start that version here, or ask a node that runs it"
        )
    }
}

impl TokenBook {
    fn after(&self, change: &TokenChange, stamp: Stamp<'_>) -> Result<Self, Refusal> {
        let mut tokens = self.tokens.clone();
        if tokens.apply(change, stamp.at, stamp.actor) {
            let requests = self.requests.clone();
            let digest = digest::Known::default();
            Ok(Self { number: stamp.number, last_at: stamp.at, tokens, requests, digest })
        } else {
            Err(Refusal::NotFound("no such token; list them with: freshwire token list".into()))
        }
    }
}

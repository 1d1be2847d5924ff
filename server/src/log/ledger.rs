//! The ledger: the state that follows the log, and the one way to change it.
//!
//! A writer appends and then waits for what the *tail* made of its own entry: one path on one node and on many.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use futures_util::StreamExt;
use parking_lot::Mutex;
use tokio::sync::{oneshot, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use super::{AppendError, Log, LogError};
use crate::core::{
    app::{Answered, Refusal},
    change::{Change, Draft, Entry, Request, Topic},
    names::LogNumber,
    state::{State, Verdict},
    time::Moment,
};

/// How long a writer waits for the tail to decide its entry.
const DECIDES_WITHIN: Duration = Duration::from_secs(10);
/// How often a change that lost a race is tried again on the state that won.
const TRIES: usize = 8;
/// Topics share so many turns.
const TURNS: usize = 64;
/// How long the follower waits before it follows a log again that failed.
const FOLLOW_AGAIN: Duration = Duration::from_millis(250);

/// A handle on the state and its log; cheap to clone.
#[derive(Clone)]
pub struct Ledger {
    inner: Arc<Inner>,
}

struct Inner {
    log: Arc<dyn Log>,
    state: watch::Sender<Arc<State>>,
    waiting: Mutex<HashMap<Uuid, oneshot::Sender<(LogNumber, Verdict)>>>,
    /// Requests of which the log has not said what became of them, by topic and key, and the numbers that they follow.
    doubtful: Mutex<HashMap<(Topic, String), LogNumber>>,
    turns: [tokio::sync::Mutex<()>; TURNS],
    least: watch::Sender<Option<Least>>,
}

/// The live node that understands least of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Least {
    /// Its name.
    pub node: String,
    /// What it understands; see [`crate::core::change::FOLD`].
    pub fold: u32,
}

/// A change as its writer wants it.
pub struct Proposal {
    /// Who wants it.
    pub actor: String,
    /// The request it came by.
    pub request: Option<Request>,
    /// Only if the topic's last number is this one.
    pub if_number: Option<LogNumber>,
    /// What it is about.
    pub topic: Topic,
}

/// What became of a proposal.
#[derive(Debug)]
pub struct Accepted {
    /// Its number; of a dry run the topic's last one.
    pub number: LogNumber,
    /// The change as it was written.
    pub change: Change,
    /// The state that it was made on.
    pub before: Arc<State>,
    /// The state with it.
    pub after: Arc<State>,
    /// The number that `after` knows it by.
    pub campaign_number: LogNumber,
}

/// Why a proposal came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum ProposeError {
    /// A rule forbids it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// `if_number` named another number than the topic's last.
    #[error("the last number is {0}, not the one that you named; read again and decide anew")]
    Moved(LogNumber),
    /// The same request was answered before: by this entry, or under another body.
    #[error("this idempotency key was used by another request; use a fresh one")]
    Answered(Answered),
    /// The store can't take it now. Nothing was changed if `decided`.
    #[error("{reason}")]
    Unavailable {
        /// What is wrong.
        reason: String,
        /// Whether it is known that nothing was changed.
        decided: bool,
    },
}

impl Ledger {
    /// Seeds the state from the log, then follows its tail until `stop`.
    pub async fn open(
        log: Arc<dyn Log>,
        tasks: &TaskTracker,
        stop: CancellationToken,
    ) -> Result<Self, LogError> {
        let mut state = State::default();
        let last = log.last().await?;
        let mut entries = log.follow(LogNumber(0));
        while state.number < last {
            match entries.next().await {
                Some(entry) => drop(state.fold(&entry?)),
                None => return Err(LogError::Unavailable("it ended before its last entry".into())),
            }
        }
        for (topic, frozen) in &state.frozen {
            tracing::error!("{}", frozen.explain(topic));
        }
        let state = watch::Sender::new(Arc::new(state));
        let turns = std::array::from_fn(|_| tokio::sync::Mutex::default());
        let inner = Arc::new(Inner {
            log,
            state,
            waiting: Mutex::default(),
            doubtful: Mutex::default(),
            turns,
            least: watch::Sender::new(None),
        });
        let ledger = Self { inner };
        let following = ledger.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = following.keep_following(entries) => {}
            }
        });
        Ok(ledger)
    }

    /// The state as it is now.
    pub fn state(&self) -> Arc<State> {
        self.inner.state.borrow().clone()
    }

    /// Every state from now on.
    pub fn watch(&self) -> watch::Receiver<Arc<State>> {
        self.inner.state.subscribe()
    }

    /// No change is written that this node wouldn't understand. None: there is no other node.
    pub fn spare(&self, least: Option<Least>) {
        self.inner.least.send_replace(least);
    }

    /// The log itself, for reading its history.
    pub fn log(&self) -> &Arc<dyn Log> {
        &self.inner.log
    }

    /// What a change would do, without doing it.
    pub fn try_out(
        &self,
        proposal: &Proposal,
        now: Moment,
        change: impl FnOnce(&State) -> Result<Change, Refusal>,
    ) -> Result<Accepted, ProposeError> {
        let before = self.state();
        let last = before.last_valid(&proposal.topic);
        if let Some(request) = &proposal.request
            && let Some(answered) = before.answered(&proposal.topic, &request.key, now)
        {
            return Err(ProposeError::Answered(answered.clone()));
        }
        if let Some(frozen) = before.frozen.get(&proposal.topic) {
            return Err(ProposeError::Unavailable { reason: frozen.explain(&proposal.topic), decided: true });
        }
        check_number(proposal, last)?;
        let change = change(&before)?;
        self.check_understood(&change)?;
        let number = LogNumber(before.number.0 + 1);
        let entry = Entry { number, draft: draft(proposal, &before, now, change) };
        let after = Arc::new(before.after(&entry)?);
        Ok(Accepted { number: last, change: entry.draft.change, before, after, campaign_number: number })
    }

    /// A change that some live node doesn't understand would freeze its topic there.
    fn check_understood(&self, change: &Change) -> Result<(), ProposeError> {
        match &*self.inner.least.borrow() {
            Some(least) if least.fold < change.since() => Err(ProposeError::Unavailable {
                reason: format!(
                    "node '{}' runs a version of freshwire that doesn't understand this kind of change yet; bring it \
                     up to date, or stop it, and try again",
                    least.node
                ),
                decided: true,
            }),
            _ => Ok(()),
        }
    }

    /// Makes a change durable and applied on this node. A race that is lost is revalidated and tried again, unless the
    /// proposal names a number. `change` makes the change from the state there is.
    pub async fn propose(
        &self,
        proposal: &Proposal,
        now: impl Fn() -> Moment,
        change: impl Fn(&State) -> Result<Change, Refusal>,
    ) -> Result<Accepted, ProposeError> {
        self.make(proposal, now, change).await.map_err(|error| match error {
            // Nothing came of this try; the one before may be stored yet.
            ProposeError::Unavailable { reason, decided: true } if self.in_doubt(proposal) => {
                let reason =
                    format!("{reason}; what became of an earlier try of this request isn't known yet");
                ProposeError::Unavailable { reason, decided: false }
            }
            error => error,
        })
    }

    /// The log hasn't said what became of the same request, and once the topic has moved on that would be void.
    fn in_doubt(&self, proposal: &Proposal) -> bool {
        let Some(request) = &proposal.request else { return false };
        let of = (proposal.topic.clone(), request.key.clone());
        let follows = self.inner.doubtful.lock().get(&of).copied();
        follows.is_some_and(|number| number == self.state().last_valid(&proposal.topic))
    }

    async fn make(
        &self,
        proposal: &Proposal,
        now: impl Fn() -> Moment,
        change: impl Fn(&State) -> Result<Change, Refusal>,
    ) -> Result<Accepted, ProposeError> {
        let _turn = self.turn(&proposal.topic).await?;
        for _ in 0..TRIES {
            let tried = self.try_out(proposal, now(), &change)?;
            let draft = draft(proposal, &tried.before, now(), tried.change);
            match self.append(draft.clone()).await? {
                (number, Verdict::Valid, after) => {
                    let Accepted { before, .. } = tried;
                    return Ok(Accepted {
                        number,
                        change: draft.change,
                        before,
                        after,
                        campaign_number: number,
                    });
                }
                (_, Verdict::Refused(refusal), _) => return Err(refusal.into()),
                (_, Verdict::Moved(_) | Verdict::Stray, _) => {}
                (_, Verdict::Frozen(_), after) => {
                    let frozen = after.frozen.get(&proposal.topic);
                    let reason = frozen.map(|frozen| frozen.explain(&proposal.topic)).unwrap_or_default();
                    // Those who understand that entry have decided it.
                    return Err(ProposeError::Unavailable { reason, decided: false });
                }
            }
        }
        Err(ProposeError::Unavailable {
            reason: "other changes kept coming first; try again".into(),
            decided: true,
        })
    }

    /// Waits until no other change of the topic is under way on this node. Without it they would race: all would append,
    /// and all but one be void.
    async fn turn(&self, topic: &Topic) -> Result<tokio::sync::MutexGuard<'_, ()>, ProposeError> {
        let mut hasher = DefaultHasher::new();
        topic.hash(&mut hasher);
        let turn = &self.inner.turns[usize::try_from(hasher.finish() % TURNS as u64).unwrap_or(0)];
        tokio::time::timeout(DECIDES_WITHIN, turn.lock()).await.map_err(|_| still_waiting())
    }

    /// Waits until no change at all is under way on this node. Those that come meanwhile wait for their turns.
    pub(super) async fn all_turns(&self) -> Result<Vec<tokio::sync::MutexGuard<'_, ()>>, ProposeError> {
        let all = async {
            let mut turns = Vec::with_capacity(TURNS);
            // In order, so that two who want all don't wait for each other.
            for turn in &self.inner.turns {
                turns.push(turn.lock().await);
            }
            turns
        };
        tokio::time::timeout(DECIDES_WITHIN, all).await.map_err(|_| still_waiting())
    }

    /// Appends, and waits for the tail's verdict.
    async fn append(&self, draft: Draft) -> Result<(LogNumber, Verdict, Arc<State>), ProposeError> {
        let (decided, decision) = oneshot::channel();
        let mut waiting = Waiting { inner: &self.inner, id: draft.id, doubt: doubt(&draft) };
        self.inner.waiting.lock().insert(draft.id, decided);
        let decision = async {
            match self.inner.log.append(draft).await {
                Err(AppendError::Unavailable(reason)) => Err(reason),
                Ok(_) | Err(AppendError::Undecided(_)) => Ok(decision.await),
            }
        };
        let decision = tokio::time::timeout(DECIDES_WITHIN, decision).await;
        if let Ok(Err(_)) = &decision {
            waiting.doubt = None;
        }
        drop(waiting);
        match decision {
            Ok(Ok(Ok((number, verdict)))) => Ok((number, verdict, self.state())),
            Ok(Err(reason)) => Err(ProposeError::Unavailable { reason, decided: true }),
            _ => Err(ProposeError::Unavailable {
                reason: "the change was handed to the store, which has not said what became of it; repeat the same \
                         request with the same idempotency key to learn it"
                    .into(),
                decided: false,
            }),
        }
    }

    async fn keep_following(
        &self,
        entries: impl futures_util::Stream<Item = Result<Entry, LogError>> + Send + Unpin,
    ) {
        self.take_in(entries).await;
        loop {
            tokio::time::sleep(FOLLOW_AGAIN).await;
            let seen = self.state().number;
            self.take_in(self.inner.log.follow(seen)).await;
        }
    }

    async fn take_in(
        &self,
        mut entries: impl futures_util::Stream<Item = Result<Entry, LogError>> + Send + Unpin,
    ) {
        while let Some(entry) = entries.next().await {
            match entry {
                Ok(entry) => self.take_in_one(&entry),
                Err(error) => {
                    tracing::error!(%error, "the log can't be followed; trying again");
                    return;
                }
            }
        }
    }

    fn take_in_one(&self, entry: &Entry) {
        let mut verdict = Verdict::Valid;
        self.inner.state.send_modify(|state| verdict = Arc::make_mut(state).fold(entry));
        let (number, topic) = (entry.number, entry.draft.change.topic());
        let kind = entry.draft.change.describe().0;
        match &verdict {
            Verdict::Valid => tracing::info!(%number, %topic, kind, actor = entry.draft.actor, "changed"),
            Verdict::Frozen(at) if *at == number => tracing::error!(
                "{}",
                self.state().frozen.get(&topic).map(|frozen| frozen.explain(&topic)).unwrap_or_default()
            ),
            Verdict::Stray => tracing::warn!(
                %number,
                %topic,
                "somebody else has written to the log, which is passed over; let nobody but Freshwire publish there"
            ),
            void => tracing::info!(%number, %topic, kind, ?void, "a void entry"),
        }
        if let Some(writer) = self.inner.waiting.lock().remove(&entry.draft.id) {
            // The writer may have given up.
            let _ = writer.send((number, verdict));
        }
    }
}

/// Forgets a writer that gave up, and remembers what it leaves undecided.
struct Waiting<'a> {
    inner: &'a Inner,
    id: Uuid,
    doubt: Option<((Topic, String), LogNumber)>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let undecided = self.inner.waiting.lock().remove(&self.id).is_some();
        if let Some((of, follows)) = self.doubt.take().filter(|_| undecided) {
            let state = self.inner.state.borrow().clone();
            let mut doubtful = self.inner.doubtful.lock();
            doubtful.retain(|(topic, _), follows| *follows == state.last_valid(topic));
            doubtful.insert(of, follows);
        }
    }
}

/// Which request an entry is of, and what it follows: there it counts, or nowhere.
fn doubt(draft: &Draft) -> Option<((Topic, String), LogNumber)> {
    let key = draft.request.as_ref()?.key.clone();
    Some(((draft.change.topic(), key), draft.prev))
}

fn still_waiting() -> ProposeError {
    ProposeError::Unavailable {
        reason: "other changes are still waiting for the store; try again".into(),
        decided: true,
    }
}

fn check_number(proposal: &Proposal, last: LogNumber) -> Result<(), ProposeError> {
    match proposal.if_number {
        Some(number) if number != last => Err(ProposeError::Moved(last)),
        _ => Ok(()),
    }
}

fn draft(proposal: &Proposal, state: &State, now: Moment, change: Change) -> Draft {
    Draft {
        id: Uuid::now_v7(),
        // A writer with a slow clock goes by the last entry: times never decrease.
        at: now.max(state.last_at(&proposal.topic)),
        actor: proposal.actor.clone(),
        prev: state.last_valid(&proposal.topic),
        request: proposal.request.clone(),
        change,
    }
}

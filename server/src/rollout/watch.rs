//! Settling by itself: one task a node that gathers evidence of every app's unsettled releases while it is on duty.
//!
//! Nodes don't have to agree on who that is: several may try, and the fold voids all but the first.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures_util::future::join_all;
use tokio::{task::JoinSet, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::Rollouts;
use crate::{
    core::{
        app::{App, Refusal},
        census::BuildCount,
        change::{AppChange, Change, Topic},
        names::{AppName, BuildId, LogNumber},
        rollout::{Verdict, decide, unsettled},
        state::State,
        time::Period,
    },
    fleet::Fleet,
    log::ledger::Proposal,
};

/// Who settles, in the history.
const ACTOR: &str = "rollout";
/// How often what has been found is judged while something is unsettled.
const JUDGED_EVERY: Duration = Duration::from_millis(250);
/// How long after a store that would not take it settling is tried again.
const TRIED_AGAIN_AFTER: Duration = Duration::from_secs(5);
/// The longest time between two probes of an origin at which nothing changes.
const SLOWEST: Period = Period::secs(30);
/// So many of an app's unsettled releases are looked at, the newest: older ones are history that nobody has settled.
const MOST_UNSETTLED: usize = 20;

/// Makes the settling of a release, its pace worked out.
pub type MakeSettle = fn(&App, &BuildId, String, &[BuildCount]) -> Result<AppChange, Refusal>;

/// Gathers and judges until `stop`.
pub fn run(
    rollouts: &Arc<Rollouts>,
    fleet: &Arc<Fleet>,
    make_settle: MakeSettle,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) {
    let watch = Watch {
        rollouts: rollouts.clone(),
        fleet: fleet.clone(),
        make_settle,
        apps: HashMap::new(),
        rounds: JoinSet::new(),
        on_duty: false,
    };
    let stop = stop.clone();
    tasks.spawn(async move {
        stop.run_until_cancelled(watch.keep_watching()).await;
    });
}

struct Watch {
    rollouts: Arc<Rollouts>,
    fleet: Arc<Fleet>,
    make_settle: MakeSettle,
    /// Those that have something unsettled, and others' numbers.
    apps: HashMap<AppName, Watched>,
    rounds: JoinSet<Round>,
    on_duty: bool,
}

struct Watched {
    /// The app's number when it was looked at.
    number: LogNumber,
    /// What may settle, newest first.
    unsettled: Vec<BuildId>,
    /// When its origins are asked again. None: they are being asked.
    asks_at: Option<Instant>,
    pause: Period,
    tries_at: Instant,
}

/// What the origins of an app said.
struct Round {
    app: AppName,
    answers: Vec<(String, Result<BuildId, String>)>,
}

impl Watch {
    async fn keep_watching(mut self) {
        let mut states = self.fleet.ledger().watch();
        loop {
            let state = states.borrow_and_update().clone();
            self.take_in(&state);
            self.stand_by();
            for name in self.apps.keys().cloned().collect::<Vec<_>>() {
                if let Some(app) = state.apps.get(&name) {
                    self.ask_origins(app);
                    self.judge(app).await;
                }
            }
            let busy = self.apps.values().any(|watched| !watched.unsettled.is_empty());
            tokio::select! {
                changed = states.changed() => if changed.is_err() { return },
                Some(round) = self.rounds.join_next() => if let Ok(round) = round { self.take_in_round(round) },
                () = tokio::time::sleep(JUDGED_EVERY), if busy => {}
            }
        }
    }

    /// What another node finds out is not found out twice.
    fn stand_by(&mut self) {
        let on_duty = self.fleet.on_duty();
        if self.on_duty && !on_duty {
            for name in self.apps.keys() {
                self.forget(name);
            }
        }
        self.on_duty = on_duty;
    }

    fn forget(&self, name: &AppName) {
        self.rollouts.forget(name);
        self.fleet.note_probes(name, Vec::new());
    }

    /// What is there to be settled, in the apps that have changed.
    fn take_in(&mut self, state: &State) {
        let (now, pause) = (Instant::now(), self.rollouts.gathering.probe_interval);
        for (name, app) in &state.apps {
            if self.apps.get(name).is_some_and(|watched| watched.number == app.number) {
                continue;
            }
            let mut builds: Vec<_> = unsettled(app).map(|release| release.new.build.clone()).collect();
            builds.reverse();
            builds.truncate(MOST_UNSETTLED);
            let watched = self.apps.entry(name.clone()).or_insert_with(|| Watched {
                number: app.number,
                unsettled: Vec::new(),
                asks_at: Some(now),
                pause,
                tries_at: now,
            });
            watched.number = app.number;
            watched.pause = pause;
            watched.asks_at = watched.asks_at.map(|_| now);
            watched.tries_at = now;
            // What was found before a release was there is no evidence for it.
            if watched.unsettled != builds {
                self.rollouts.forget(name);
                self.fleet.note_probes(name, Vec::new());
                watched.unsettled = builds;
            }
        }
    }

    fn ask_origins(&mut self, app: &App) {
        let Some(watched) = self.apps.get_mut(&app.name) else { return };
        let due = self.on_duty && watched.asks_at.is_some_and(|at| at <= Instant::now());
        if watched.unsettled.is_empty() || app.settings.probes.is_empty() || !due {
            return;
        }
        watched.asks_at = None;
        let (rollouts, app, urls) = (self.rollouts.clone(), app.name.clone(), app.settings.probes.clone());
        self.rounds.spawn(async move {
            let answers = join_all(urls.iter().map(|url| rollouts.origins.ask(&app, url))).await;
            Round { app, answers: urls.into_iter().zip(answers).collect() }
        });
    }

    /// Takes in what the origins said. They are asked again soon if that was news, or else ever later.
    fn take_in_round(&mut self, round: Round) {
        let shortest = self.rollouts.gathering.probe_interval;
        let Some(watched) = self.apps.get_mut(&round.app) else { return };
        let news = self.rollouts.take_in(&round.app, round.answers, &watched.unsettled);
        self.fleet.note_probes(&round.app, self.rollouts.said(&round.app));
        let longer = Period(watched.pause.0 * 3 / 2).min(SLOWEST.max(shortest));
        watched.pause = if news { shortest } else { longer };
        watched.asks_at = Some(Instant::now() + watched.pause.std());
    }

    /// Settles the newest release whose evidence is complete.
    async fn judge(&mut self, app: &App) {
        let Some(watched) = self.apps.get_mut(&app.name) else { return };
        if !self.on_duty || Instant::now() < watched.tries_at {
            return;
        }
        let settles = |build: &&BuildId| {
            let verdict = self.rollouts.verdict(&self.fleet, app, build);
            matches!(verdict, Some(Verdict::Settles(_)))
        };
        let Some(build) = watched.unsettled.iter().find(settles).cloned() else { return };
        watched.tries_at = Instant::now() + TRIED_AGAIN_AFTER;
        if let Err(error) = self.settle(&app.name, &build).await {
            tracing::warn!(app = %app.name, %build, %error, "a release whose evidence is complete could not be settled");
        }
    }

    async fn settle(&self, name: &AppName, build: &BuildId) -> Result<(), crate::log::ledger::ProposeError> {
        let proposal = Proposal {
            actor: ACTOR.to_owned(),
            request: None,
            if_number: None,
            topic: Topic::App(name.clone()),
        };
        let counts = self.fleet.counts(name);
        let make = |state: &State| {
            let app = state.app(name);
            // Another change may have come first: what is judged is what is written on.
            match self.rollouts.verdict(&self.fleet, &app, build) {
                Some(Verdict::Settles(reason)) => {
                    let change = (self.make_settle)(&app, build, reason, &counts)?;
                    Ok(Change::App { app: name.clone(), change })
                }
                _ => Err(Refusal::Conflict("another change came first".to_owned())),
            }
        };
        self.fleet.ledger().propose(&proposal, crate::clock::now, make).await.map(drop)
    }
}

impl Rollouts {
    fn verdict(&self, fleet: &Fleet, app: &App, build: &BuildId) -> Option<Verdict> {
        let now = crate::clock::now();
        let release = app.release(build)?;
        Some(decide(app, release, &self.evidence(fleet, app, release, now), now))
    }
}

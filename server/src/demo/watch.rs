//! Asks the API again and again, for the terminal and the shop's page alike.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use freshwire::{
    api::answers::{CensusAnswer, LogAnswer, ReleasesAnswer, SessionsAnswer},
    core::{names::LogNumber, outcome::State},
};
use serde::Serialize;
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    crowd,
    operator::CallError,
    seed::ACTOR,
    stage::{Event, Stage, build_of},
};

const EVERY: Duration = Duration::from_millis(500);
/// Pages of a list that are read; the crowd has at most 5,000 sessions.
const MOST_PAGES: usize = 8;

/// What there is to see.
#[derive(Clone, Serialize)]
pub struct News {
    pub census: CensusAnswer,
    /// Sessions by where they are in the newest campaign that they were told of.
    pub states: BTreeMap<State, u64>,
    /// The browsers among the sessions.
    pub browsers: Vec<Browser>,
    /// The last lines of the past, oldest first.
    pub events: Vec<Event>,
}

/// A session that nobody simulates.
#[derive(Clone, Serialize)]
pub struct Browser {
    pub session: String,
    pub state: Option<State>,
    pub outcome: Option<String>,
}

/// Watches until the demo stops. None until the first answer.
pub fn start(
    stage: Arc<Stage>,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> watch::Receiver<Option<News>> {
    let (sender, receiver) = watch::channel(None);
    let watching = async move {
        let mut seen = None;
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match look(&stage, &mut seen).await {
                Ok(news) => drop(sender.send(Some(news))),
                Err(error) => tracing::warn!(%error, "the census can't be read"),
            }
        }
    };
    tasks.spawn(stop.clone().run_until_cancelled_owned(watching));
    receiver
}

async fn look(stage: &Stage, seen: &mut Option<LogNumber>) -> Result<News, CallError> {
    follow_log(stage, seen).await?;
    let census = stage.operator.get("/census").await?;
    let (states, browsers) = told(stage).await?;
    Ok(News { census, states, browsers, events: stage.events() })
}

async fn told(stage: &Stage) -> Result<(BTreeMap<State, u64>, Vec<Browser>), CallError> {
    let mut by_campaign: BTreeMap<LogNumber, BTreeMap<State, u64>> = BTreeMap::new();
    let mut browsers = Vec::new();
    let mut path = "/sessions?limit=1000".to_owned();
    for _ in 0..MOST_PAGES {
        let page: SessionsAnswer = stage.operator.get(&path).await?;
        for session in page.sessions {
            if let (Some(campaign), Some(state)) = (session.campaign, session.state) {
                *by_campaign.entry(campaign).or_default().entry(state).or_default() += 1;
            }
            if session.user_agent.as_deref() != Some(crowd::USER_AGENT) {
                browsers.push(Browser {
                    session: session.session.to_string(),
                    state: session.state,
                    outcome: session.outcome,
                });
            }
        }
        let Some(next) = page.next else { break };
        path = format!("/sessions?limit=1000&cursor={next}");
    }
    let newest = by_campaign.pop_last().map(|(_, states)| states).unwrap_or_default();
    Ok((newest, browsers))
}

/// Notes what is new in the history. What others did than the shop's buttons is a story of its own, and deployed too.
async fn follow_log(stage: &Stage, seen: &mut Option<LogNumber>) -> Result<(), CallError> {
    let log: LogAnswer = stage.operator.get("/log?limit=20").await?;
    let newest = log.entries.first().map_or(LogNumber(0), |entry| entry.number);
    let Some(before) = seen.replace(newest) else { return Ok(()) };
    let mut foreign = false;
    for entry in log.entries.iter().rev().filter(|entry| entry.number > before) {
        stage.note(entry.at, &entry.summary);
        if entry.actor != ACTOR {
            foreign = true;
            let text = format!("From the command line or the API, by {}: {}.", entry.actor, entry.summary);
            stage.tell(text, "Watch the bars: the crowd follows whoever gives the word.", false);
        }
    }
    if foreign {
        adopt_current(stage).await?;
    }
    Ok(())
}

/// The pipeline behind a release from outside: what has become current is put on the origin.
async fn adopt_current(stage: &Stage) -> Result<(), CallError> {
    let _turn = stage.acting.lock().await;
    let known: ReleasesAnswer = stage.operator.get("/releases?limit=1000").await?;
    let current = known.releases.iter().find(|release| {
        release.status == freshwire::api::answers::ReleaseStatus::Current
            && release.build.as_str() != stage.deployed().id
    });
    if let Some(release) = current {
        let build = stage.build(release.build.as_str()).unwrap_or_else(|| Arc::new(build_of(release)));
        stage.deploy(build);
    }
    Ok(())
}

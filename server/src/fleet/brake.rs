//! The brake: looks once a second at what became of those who acted, stops a campaign that fails too many of them, and
//! lets the next wave follow one that has proven itself. Of several nodes the one on duty does so.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
    time::Duration,
};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{Fleet, bus::Reach};
use crate::{
    core::{
        app::App,
        brake::{Evidence, Verdict, suspicion, verdict},
        campaign::Campaign,
        change::{AppChange, Change, Topic},
        names::LogNumber,
        tally::{Seen, seen},
        time::Moment,
    },
    log::ledger::{Proposal, ProposeError},
};

/// Who pauses and proves, as the log has it.
const ACTOR: &str = "brake";
const LOOKS_EVERY: Duration = Duration::from_secs(1);
/// So many looks in a row have to say the same before a node does what another one ought to have done.
const LEFT_TO_OTHERS: u32 = 3;

/// What a wave began with, by campaign: what came before proves nothing of it.
#[derive(Default)]
struct Waves(HashMap<LogNumber, Wave>);

#[derive(Clone, Copy, Default)]
struct Wave {
    run: LogNumber,
    proven: usize,
    /// What had been seen of its run by then.
    before: Evidence,
    /// The same at the last look.
    last: Evidence,
    /// Whose counts these are, with their starts: where nodes come and go, what they have seen proves nothing.
    nodes: u64,
    /// How many looks in a row have said that something is to be done.
    due: u32,
}

/// Looks at every app's campaigns until `stop`.
pub(super) fn run(fleet: &Arc<Fleet>, tasks: &TaskTracker, stop: &CancellationToken) {
    let (fleet, stopped) = (fleet.clone(), stop.clone());
    tasks.spawn(async move {
        let mut waves = Waves::default();
        let mut look = tokio::time::interval(LOOKS_EVERY);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stopped.run_until_cancelled(look.tick()).await.is_some() {
            // Pages that are sent away by a node that stops have not failed.
            if fleet.draining() {
                return;
            }
            let now = crate::clock::now();
            fleet.records.miss(now);
            // What the others see now may be better, or worse; and nothing could be written.
            if fleet.bus.reach() == Reach::CutOff {
                continue;
            }
            // Of all apps: whoever acts may be at other nodes.
            let state = fleet.ledger().state();
            // Nothing can be written of what is frozen, as was said when it froze.
            let frozen = |app: &App| state.frozen.contains_key(&Topic::App(app.name.clone()));
            for app in state.apps.values().filter(|app| !frozen(app)) {
                stopped.run_until_cancelled(look_at(&fleet, app, &mut waves, now)).await;
            }
        }
    });
}

async fn look_at(fleet: &Fleet, app: &App, waves: &mut Waves, now: Moment) {
    let active = |number: &LogNumber| app.campaigns.get(number).is_none_or(|campaign| campaign.active());
    waves.0.retain(|number, _| active(number));
    let under_way: Vec<_> = app.campaigns.values().filter(|campaign| campaign.active()).collect();
    // Most apps, most of the time: nothing is counted for them.
    if under_way.is_empty() {
        return;
    }
    let now = now.max(app.last_at);
    let (complete, nodes) = (fleet.complete(), hash(&fleet.epoch(&app.name)));
    let campaigns = fleet.campaigns(&app.name);
    for campaign in under_way {
        let seen = seen(&campaigns, campaign.number, campaign.last_run().number);
        let change = judge(&seen, campaign, waves, nodes, now).filter(|change| complete || !proves(change));
        let wave = waves.0.entry(campaign.number).or_default();
        wave.due = if change.is_some() { wave.due + 1 } else { 0 };
        let Some(change) = change.filter(|_| fleet.on_duty() || wave.due > LEFT_TO_OTHERS) else { continue };
        if let AppChange::Pause { reason, .. } = &change {
            tracing::warn!(app = %app.name, campaign = %campaign.number, reason, "the brake pauses a campaign");
        }
        propose(fleet, app, change).await;
    }
}

/// What a campaign's evidence makes of it, if anything.
fn judge(seen: &Seen, campaign: &Campaign, waves: &mut Waves, nodes: u64, now: Moment) -> Option<AppChange> {
    let run = campaign.last_run().number;
    if let Verdict::Trip(why) = verdict(&seen.evidence, campaign.terms.pace.brake) {
        let suspected = suspicion(&seen.evidence, &seen.stuck).map(|words| format!(". {words}"));
        let reason = format!("{why}{}", suspected.unwrap_or_default());
        return Some(AppChange::Pause { campaign: campaign.number, run, reason, brake: true });
    }
    let wave = waves.of(campaign.number, run, campaign.proven, nodes, seen.evidence);
    if !campaign.unproven(now) {
        return None;
    }
    let seen = since(&wave.before, &seen.evidence);
    (verdict(&seen, campaign.terms.pace.brake) == Verdict::Enough).then(|| AppChange::Proven {
        campaign: campaign.number,
        run,
        wave: u8::try_from(wave.proven).unwrap_or(u8::MAX),
        reason: format!("of {} who acted {} failed", seen.acted, seen.failures()),
    })
}

impl Waves {
    /// The wave that a campaign is in, which begins now if it is another one than before.
    fn of(&mut self, campaign: LogNumber, run: LogNumber, proven: usize, nodes: u64, seen: Evidence) -> Wave {
        // A wave that a run, or the watching of it, began with has nothing before it.
        let known = self.0.get(&campaign).filter(|wave| wave.run == run);
        let due = known.map_or(0, |wave| wave.due);
        let before = match known {
            Some(wave) if wave.proven == proven && wave.nodes == nodes => wave.before,
            // What the wave had gained by then stays, whoever it is that tells of it now.
            Some(wave) if wave.proven == proven => since(&since(&wave.before, &wave.last), &seen),
            Some(_) => seen,
            // Watched from the middle, after a restart: what there is may be the doing of the waves before.
            None if proven > 0 => seen,
            None => Evidence::default(),
        };
        let wave = Wave { run, proven, before, last: seen, nodes, due };
        self.0.insert(campaign, wave);
        wave
    }
}

/// Whether a change lets the next wave follow.
const fn proves(change: &AppChange) -> bool {
    matches!(change, AppChange::Proven { .. })
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// What was seen since an earlier look.
fn since(before: &Evidence, now: &Evidence) -> Evidence {
    Evidence {
        acted: now.acted.saturating_sub(before.acted),
        still_old: now.still_old.saturating_sub(before.still_old),
        missing: now.missing.saturating_sub(before.missing),
        usual_missing: now.usual_missing,
    }
}

async fn propose(fleet: &Fleet, app: &App, change: AppChange) {
    let topic = Topic::App(app.name.clone());
    let proposal = Proposal { actor: ACTOR.to_owned(), request: None, if_number: None, topic };
    let change = Change::App { app: app.name.clone(), change };
    let proposed = fleet.ledger().propose(&proposal, crate::clock::now, |_| Ok(change.clone())).await;
    match proposed {
        // Refused: an operator was faster, or another run has begun. It is judged afresh in a second.
        Ok(_) | Err(ProposeError::Refused(_)) => {}
        Err(error) => tracing::warn!(%error, app = %app.name, "what the brake decided could not be written"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_node_brings_with_it_proves_nothing_of_the_wave_that_it_finds() {
        let mut waves = Waves::default();
        let acted = |acted| Evidence { acted, ..Evidence::default() };
        let mut gained = |proven, nodes, seen| {
            let wave = waves.of(LogNumber(1), LogNumber(1), proven, nodes, acted(seen));
            since(&wave.before, &acted(seen)).acted
        };
        assert_eq!(gained(0, 7, 500), 500);
        // It is gone, and the second wave begins without what it has seen.
        assert_eq!(gained(0, 8, 100), 100);
        assert_eq!(gained(1, 8, 100), 0);
        assert_eq!(gained(1, 8, 130), 30);
        // It is back with all of it.
        assert_eq!(gained(1, 7, 530), 30);
        assert_eq!(gained(1, 7, 540), 40);
    }
}

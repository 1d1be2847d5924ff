//! What the fleet answers for all of its nodes: this one's counts as they are now, the others' as they said last.

use std::time::Duration;

use super::{Fleet, bus::Reach, counts::Tally, report::incarnation};
use crate::core::{
    app::App,
    census::{BuildCount, Census, NodeCount, merge, rows},
    names::{AppName, BuildId, LogNumber},
    push::Reached,
    rollcall::{Report, RollCall},
    rollout::ProbeReading,
    tally::Campaigns,
    time::{Moment, Period},
};

/// The longest that a node which has just started waits for the others' reports.
const HEARS_ALL_WITHIN: Duration = Duration::from_secs(15);

impl Fleet {
    /// An app's sessions by build. O(builds).
    pub fn counts(&self, app: &AppName) -> Vec<BuildCount> {
        let own = self.own_counts(app);
        let others = self.roll.look(|call, _| call.rows(app));
        if others.is_empty() { own } else { merge(own.into_iter().chain(others)) }
    }

    /// The same with their pasts. O(builds).
    pub fn tally(&self, app: &AppName) -> Tally {
        let own = self.own_tally(app);
        let others = self.roll.look(|call, _| call.rows(app));
        Tally { rows: own.rows.into_iter().chain(others).collect(), ..own }
    }

    /// While it stays the same, the pasts of an app's counts are comparable: it names every node that is counted.
    pub fn epoch(&self, app: &AppName) -> String {
        let started = incarnation(self.started_at);
        let own = format!("{}@{started}.{}", self.node, self.own_tally(app).forgotten);
        let mut all = self.roll.look(|call, now| {
            let epoch = |report: &Report| {
                let forgotten = report.apps.get(app).map_or(0, |of_app| of_app.forgotten);
                format!("{}@{}.{forgotten}", report.node, report.incarnation)
            };
            call.nodes(now).map(|(report, _)| epoch(report)).collect::<Vec<_>>()
        });
        all.push(own);
        all.sort_unstable();
        all.join(",")
    }

    /// Where an app's sessions are in its campaigns.
    pub fn campaigns(&self, app: &AppName) -> Campaigns {
        let mut campaigns = self.own_campaigns(app);
        self.roll.look(|call, _| call.add_campaigns(app, &mut campaigns));
        campaigns
    }

    /// What became of a push.
    pub fn reached(&self, app: &AppName, push: LogNumber) -> Reached {
        let view = self.hub(app).map(|hub| hub.view());
        let own = view.as_ref().and_then(|view| view.pushes.get(push)).map(|push| push.reached());
        let mut reached = own.unwrap_or_default();
        self.roll.look(|call, _| {
            for (_, of_app) in call.of(app) {
                reached.add(of_app.pushes.get(&push).copied().unwrap_or_default());
            }
        });
        reached
    }

    /// Connected pages of a build that came before a moment, and when one of its pages saw a chunk error last.
    pub fn lived(&self, app: &AppName, build: &BuildId, before: Moment) -> (u64, Option<Moment>) {
        let (mut pages, mut failed_at) = self.own_lived(app, build, before);
        self.roll.look(|call, _| {
            for (_, of_app) in call.of(app) {
                let lived = of_app.organic.get(build).copied().unwrap_or_default();
                pages += lived.pages;
                failed_at = failed_at.max(lived.failed_at);
            }
        });
        (pages, failed_at)
    }

    /// What an app's origins said to whichever node asks them.
    pub fn probes(&self, app: &AppName) -> Vec<ProbeReading> {
        let own = self.own_probes(app);
        let others =
            || self.roll.look(|call, _| call.of(app).flat_map(|(_, of_app)| of_app.probes.clone()).collect());
        if own.is_empty() { others() } else { own }
    }

    /// The census of an app.
    pub fn census(&self, app: &App, now: Moment) -> Census {
        let (rows, nodes) = (rows(app, self.counts(&app.name)), self.nodes(&app.name, now));
        Census {
            app: app.name.clone(),
            number: app.number,
            as_of: now,
            sessions: rows.iter().map(|row| row.sessions).sum(),
            current: app.current.clone(),
            minimum: app.minimum().map(|minimum| minimum.floor.to_string()),
            complete: self.complete(),
            warming: self.warming(),
            nodes,
            missing: self.missing(),
            rows,
            stuck: Vec::new(),
        }
    }

    /// Every node's share of an app's sessions, by name.
    fn nodes(&self, app: &AppName, now: Moment) -> Vec<NodeCount> {
        let own = self.own_counts(app).iter().map(|row| row.sessions).sum();
        let mut nodes = vec![NodeCount { node: self.node.clone(), sessions: own, as_of: now }];
        self.roll.look(|call, moment| {
            nodes.extend(call.nodes(moment).map(|(report, age)| NodeCount {
                node: report.node.clone(),
                sessions:
                    report.apps.get(app).map_or(0, |of_app| of_app.rows.iter().map(|row| row.sessions).sum()),
                as_of: now - period(age),
            }));
        });
        nodes.sort_unstable_by(|a, b| a.node.cmp(&b.node));
        nodes
    }

    /// All nodes that ought to have answered have.
    pub fn complete(&self) -> bool {
        match self.bus.reach() {
            Reach::Alone => true,
            Reach::CutOff => false,
            Reach::Connected => self.roll.look(RollCall::complete),
        }
    }

    /// Those that have not, by name.
    pub fn missing(&self) -> Vec<String> {
        self.roll.look(RollCall::missing)
    }

    /// Nodes that vanished without a goodbye, with their sessions of an app that may be connected to them still.
    pub fn cut_off(&self, app: &AppName) -> Vec<(String, Vec<BuildCount>)> {
        self.roll.look(|call, now| call.cut_off(app, now))
    }

    /// Waits until this node, which may have started just now, has heard of all the others' sessions; not for long.
    pub async fn heard_all(&self) {
        let waits = async {
            while self.bus.reach() == Reach::Connected
                && let Some(time) = self.roll.look(RollCall::heard_all_in).filter(|time| !time.is_zero())
            {
                tokio::time::sleep(time).await;
            }
        };
        // A node that is cut off all the time can change nothing, and will say so.
        let _ = tokio::time::timeout(HEARS_ALL_WITHIN, waits).await;
    }

    /// Nodes that have made something else of the same log, by name.
    pub fn disagree(&self) -> Vec<String> {
        self.roll.look(|call, _| call.disagree())
    }

    /// Pages are still finding their way back after a node's start or its end.
    pub fn warming(&self) -> bool {
        self.own_warming() || self.roll.look(RollCall::warming)
    }

    /// A node sends its sessions away.
    pub fn leaving(&self) -> bool {
        self.draining() || self.roll.look(|call, _| call.leaving())
    }

    /// How old the oldest of the counts is.
    pub fn age(&self) -> Period {
        period(self.roll.look(|call, now| call.nodes(now).map(|(_, age)| age).max()).unwrap_or_default())
    }

    /// The other nodes that are there, by name.
    pub fn peers(&self) -> Vec<String> {
        self.roll.look(|call, now| call.nodes(now).map(|(report, _)| report.node.clone()).collect())
    }

    /// This node does what only one of them has to do.
    pub fn on_duty(&self) -> bool {
        match self.bus.reach() {
            Reach::Alone => true,
            Reach::CutOff => false,
            Reach::Connected => !self.draining() && self.roll.look(RollCall::on_duty),
        }
    }

    /// Another number whenever the other nodes' counts, or who is there, have changed.
    pub fn generation(&self) -> u64 {
        self.roll.generation()
    }
}

fn period(duration: Duration) -> Period {
    Period(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

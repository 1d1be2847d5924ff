//! Generators: histories of one app as a handful of operators might write them.

use std::{collections::BTreeMap, sync::Arc};

use freshwire::core::{
    app::App,
    change::{
        Action, AppChange, Change, Draft, Entry, Floor, NewRelease, Request, Settings, Severity, Step, Terms,
    },
    names::{AppName, BuildId, LogNumber, SessionId},
    order::{Order, Version},
    pace::{Pace, Share},
    push::{NewPush, PushData},
    select::Select,
    state::{State, Verdict},
    time::{Moment, Period},
};
use proptest::{prelude::*, sample::Index};
use uuid::Uuid;

/// When every story begins.
pub const START: Moment = Moment(1_700_000_000_000);

/// So many random cases, and no files left behind by a failure.
pub fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

pub fn build(text: &str) -> BuildId {
    text.parse().expect("a build's ID")
}

pub fn version(text: &str) -> Version {
    text.parse().expect("a version")
}

pub fn web() -> AppName {
    "web".parse().expect("an app's name")
}

/// A release of normal severity that settles at once.
pub fn release(id: &str, at_version: Option<&str>) -> NewRelease {
    NewRelease {
        build: build(id),
        version: at_version.map(version),
        by: None,
        message: None,
        committed_at: None,
        severity: Severity::Normal,
        needs: Vec::new(),
        assets: BTreeMap::new(),
        preload: Vec::new(),
        rolling: false,
        anyway: false,
        pace: Pace::default(),
        steps: Vec::new(),
        countdown: None,
        hold_cap: None,
    }
}

/// A history as it is written: the state after each entry, and the entries.
#[derive(Clone, Debug, Default)]
pub struct Story {
    pub state: State,
    pub entries: Vec<Entry>,
    waited: Period,
}

impl Story {
    pub fn now(&self) -> Moment {
        START + self.waited
    }

    pub fn wait(&mut self, period: Period) -> &mut Self {
        self.waited += period;
        self
    }

    pub fn app(&self) -> Arc<App> {
        self.state.app(&web())
    }

    /// The entry that this change would be, were it written now.
    pub fn entry(&self, change: AppChange, request: Option<Request>) -> Entry {
        let change = Change::App { app: web(), change };
        let prev = self.state.last_valid(&change.topic());
        let number = LogNumber(self.state.number.0 + 1);
        let draft = Draft {
            id: Uuid::from_u128(number.0.into()),
            at: self.now(),
            actor: "ada".into(),
            prev,
            request,
            change,
        };
        Entry { number, draft }
    }

    pub fn write(&mut self, change: AppChange) -> Verdict {
        self.append(self.entry(change, None))
    }

    pub fn append(&mut self, entry: Entry) -> Verdict {
        let verdict = self.state.fold(&entry);
        self.entries.push(entry);
        verdict
    }

    /// Writes a change that has to be accepted; answers its number.
    pub fn must(&mut self, change: AppChange) -> LogNumber {
        assert_eq!(self.write(change), Verdict::Valid);
        self.state.number
    }

    pub fn must_release(&mut self, new: NewRelease) -> LogNumber {
        self.must(AppChange::Release(Box::new(new)))
    }

    pub fn must_minimum(&mut self, floor: Floor, terms: Terms) -> LogNumber {
        self.must(AppChange::Minimum { floor, reason: "CVE".into(), terms })
    }

    pub fn must_pause(&mut self, campaign: LogNumber) -> LogNumber {
        let run = self.app().campaigns[&campaign].last_run().number;
        self.must(AppChange::Pause { campaign, run, reason: "too fast".into(), brake: false })
    }

    /// The story that these ideas make, accepted or not.
    pub fn of(ideas: &[(Idea, Period)]) -> Self {
        let mut story = Self::default();
        for (idea, wait) in ideas {
            story.wait(*wait);
            story.write(idea.change(&story.app()));
        }
        story
    }
}

/// What an operator has in mind; what it names is looked up in the app as it is by then.
#[derive(Clone, Debug)]
pub enum Idea {
    Settings(Option<Order>, Action),
    Release(NewRelease),
    Settle(Index, Period),
    Current(Index, Terms),
    MinimumVersion(Version, Terms),
    MinimumBuild(Index, Terms),
    MinimumUndo,
    Retire(Index, Terms),
    Reinstate(Index),
    Pause(Index),
    Resume(Index),
    Proven(Index),
    Abort(Index),
    Push(u8, Option<Index>, Period),
}

impl Idea {
    pub fn change(&self, app: &App) -> AppChange {
        let released = |index: &Index| match app.releases.len() {
            0 => build("nothing"),
            n => app.releases[index.index(n)].new.build.clone(),
        };
        let live = |index: &Index| {
            let live: Vec<_> = app.campaigns.values().filter(|campaign| !campaign.ended).collect();
            if live.is_empty() {
                (LogNumber(0), LogNumber(0))
            } else {
                let campaign = live[index.index(live.len())];
                (campaign.number, campaign.last_run().number)
            }
        };
        let reason = "a reason".to_owned();
        match self {
            Self::Settings(order, stale_action) => AppChange::Settings(Settings {
                order: *order,
                stale_action: *stale_action,
                ..Settings::default()
            }),
            Self::Release(new) => AppChange::Release(Box::new(new.clone())),
            Self::Settle(index, over) => {
                AppChange::Settle { build: released(index), pace: Pace::over(*over), reason: None }
            }
            Self::Current(index, terms) => {
                AppChange::Current { build: released(index), reason: None, terms: terms.clone() }
            }
            Self::MinimumVersion(floor, terms) => {
                AppChange::Minimum { floor: Floor::Version(floor.clone()), reason, terms: terms.clone() }
            }
            Self::MinimumBuild(index, terms) => {
                AppChange::Minimum { floor: Floor::Build(released(index)), reason, terms: terms.clone() }
            }
            Self::MinimumUndo => AppChange::MinimumUndo,
            Self::Retire(index, terms) => {
                AppChange::Retire { build: released(index), reason, terms: terms.clone() }
            }
            Self::Reinstate(index) => AppChange::Reinstate {
                build: match app.retired.len() {
                    0 => build("nothing"),
                    n => app.retired.keys().nth(index.index(n)).expect("below the length").clone(),
                },
            },
            Self::Pause(index) => {
                let (campaign, run) = live(index);
                AppChange::Pause { campaign, run, reason, brake: false }
            }
            Self::Resume(index) => AppChange::Resume { campaign: live(index).0, reason: None },
            Self::Proven(index) => {
                let (campaign, run) = live(index);
                let proven = app.campaigns.get(&campaign).map_or(0, |campaign| campaign.proven);
                let wave = u8::try_from(proven).expect("few waves");
                AppChange::Proven { campaign, run, wave, reason }
            }
            Self::Abort(index) => AppChange::Abort { campaign: live(index).0, reason: Some(reason) },
            Self::Push(topic, to, expires) => AppChange::Push(NewPush {
                topic: format!("topic-{topic}").parse().expect("a topic"),
                select: Select { build: to.as_ref().map(released), ..Select::default() },
                data: PushData(app.number.0.into()),
                over: Period::ZERO,
                expires: *expires,
            }),
        }
    }
}

pub fn any_action() -> impl Strategy<Value = Action> {
    prop::sample::select(&Action::ALL[..])
}

pub fn any_severity() -> impl Strategy<Value = Severity> {
    prop::sample::select(&[Severity::Silent, Severity::Normal, Severity::Important, Severity::Security][..])
}

/// From a small set, so that versions meet: equal ones, pre-releases, build metadata.
pub fn any_version() -> impl Strategy<Value = Version> {
    prop::sample::select(&["1.0.0", "1.0.0+meta", "1.1.0-rc.1", "1.1.0", "v2.0.0", "2.0.1", "3.0.0"][..])
        .prop_map(version)
}

/// From a small set too: some are registered sooner or later, some never.
pub fn any_build() -> impl Strategy<Value = BuildId> {
    (0..10_u8).prop_map(|n| build(&format!("b{n}")))
}

/// Up to two hours, often exactly none.
pub fn any_period() -> impl Strategy<Value = Period> {
    prop_oneof![2 => Just(Period::ZERO), 1 => (0..5_u64).prop_map(Period), 5 => (0..7_200_000_u64).prop_map(Period)]
}

/// A ladder that rises in time and in strength, from 0.
pub fn any_steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec((any_period(), any_action()), 1..4).prop_map(|rungs| {
        let (mut afters, mut actions): (Vec<_>, Vec<_>) = rungs.into_iter().unzip();
        afters[0] = Period::ZERO;
        afters.sort_unstable();
        actions.sort_unstable();
        afters.into_iter().zip(actions).map(|(after, action)| Step { after, action }).collect()
    })
}

pub fn any_terms() -> impl Strategy<Value = Terms> {
    let caps = || prop::option::of(any_period());
    (any_pace(), any_steps(), caps(), caps()).prop_map(|(pace, steps, countdown, hold_cap)| Terms {
        pace,
        steps,
        countdown,
        hold_cap,
    })
}

/// One wave, mostly.
pub fn any_pace() -> impl Strategy<Value = Pace> {
    let waves = prop_oneof![3 => Just(Vec::new()), 1 => any_waves()];
    (any_period(), waves, any_period(), any::<bool>()).prop_map(|(over, waves, hold, unproven_ok)| Pace {
        waves,
        hold,
        unproven_ok,
        ..Pace::over(over)
    })
}

fn any_waves() -> impl Strategy<Value = Vec<Share>> {
    prop::collection::btree_set(1..100_u8, 0..4).prop_map(|percents| {
        let shares = percents.into_iter().chain([100]).map(|percent| format!("{percent}%"));
        shares.map(|share| share.parse().expect("a share")).collect()
    })
}

/// The terms of a change of current, mostly without a recall.
pub fn any_recall() -> impl Strategy<Value = Terms> {
    prop_oneof![any_terms(), any_period().prop_map(Terms::only_over)]
}

pub fn any_release() -> impl Strategy<Value = NewRelease> {
    let version = prop_oneof![1 => Just(None), 6 => any_version().prop_map(Some)];
    let committed_at = prop::option::of((0..1_000_i64).prop_map(Moment));
    let steps = prop_oneof![3 => Just(Vec::new()), 1 => any_steps()];
    let flags = (prop::bool::weighted(0.2), prop::bool::weighted(0.4));
    (any_build(), version, any_severity(), committed_at, flags, any_period(), steps).prop_map(
        |(build, version, severity, committed_at, (rolling, anyway), over, steps)| NewRelease {
            version,
            severity,
            committed_at,
            rolling,
            anyway,
            pace: Pace::over(over),
            steps,
            ..release(build.as_str(), None)
        },
    )
}

pub fn any_idea() -> impl Strategy<Value = Idea> {
    let order = prop::option::weighted(0.7, prop::sample::select(&[Order::Version, Order::Release][..]));
    prop_oneof![
        2 => (order, any_action()).prop_map(|(order, action)| Idea::Settings(order, action)),
        8 => any_release().prop_map(Idea::Release),
        2 => (any::<Index>(), any_period()).prop_map(|(index, over)| Idea::Settle(index, over)),
        3 => (any::<Index>(), any_recall()).prop_map(|(index, terms)| Idea::Current(index, terms)),
        3 => (any_version(), any_terms()).prop_map(|(floor, terms)| Idea::MinimumVersion(floor, terms)),
        3 => (any::<Index>(), any_terms()).prop_map(|(index, terms)| Idea::MinimumBuild(index, terms)),
        1 => Just(Idea::MinimumUndo),
        3 => (any::<Index>(), any_terms()).prop_map(|(index, terms)| Idea::Retire(index, terms)),
        1 => any::<Index>().prop_map(Idea::Reinstate),
        2 => any::<Index>().prop_map(Idea::Pause),
        2 => any::<Index>().prop_map(Idea::Resume),
        2 => any::<Index>().prop_map(Idea::Proven),
        1 => any::<Index>().prop_map(Idea::Abort),
        2 => (0..3_u8, prop::option::of(any::<Index>()), any_period())
            .prop_map(|(topic, to, expires)| Idea::Push(topic, to, expires)),
    ]
}

/// Ideas, each with the time that passes before it. The first are releases, so that there is an app to speak of.
pub fn any_ideas() -> impl Strategy<Value = Vec<(Idea, Period)>> {
    let releases = prop::collection::vec((any_release().prop_map(Idea::Release), any_period()), 3);
    let others = prop::collection::vec((any_idea(), any_period()), 0..24);
    (releases, others).prop_map(|(mut ideas, others)| {
        ideas.extend(others);
        ideas
    })
}

pub fn any_story() -> impl Strategy<Value = Story> {
    any_ideas().prop_map(|ideas| Story::of(&ideas))
}

pub fn any_session() -> impl Strategy<Value = SessionId> {
    any::<[u8; 16]>().prop_map(|bytes| SessionId(uuid::Builder::from_random_bytes(bytes).into_uuid()))
}

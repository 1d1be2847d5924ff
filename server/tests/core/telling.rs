//! A page over a whole history: what it is told, through reconnects, naps and restarts of the server.

use std::collections::BTreeSet;

use freshwire::core::{
    names::{BuildId, LogNumber, SessionId},
    order::Version,
    plan::{Facts, Plan, Sight, plan, prospect},
    state::State,
    time::{Moment, Period},
};
use proptest::prelude::*;

use super::story::{
    Idea, Story, any_idea, any_ideas, any_period, any_session, any_version, build, cases, web,
};

/// A page with its connection, if it has one.
struct Page {
    build: BuildId,
    version: Option<Version>,
    session: SessionId,
    /// None while it is away.
    joined_at: Option<Moment>,
    /// What the server knows of it while it is connected.
    sights: Vec<Sight>,
    /// What it remembers itself, by its own clock.
    seen: Vec<Sight>,
    told: BTreeSet<(LogNumber, LogNumber, u8)>,
}

impl Page {
    /// Says hello: the server knows what it knew, and how long ago that was, give or take the way and its own clock.
    fn connect(&mut self, now: Moment, delay: Period) {
        self.joined_at = Some(now);
        self.sights = self.seen.iter().map(|sight| Sight { at: sight.at + delay, ..*sight }).collect();
    }

    fn plan(&self, state: &State, now: Moment) -> Plan {
        let app = state.app(&web());
        let Some(joined_at) = self.joined_at else { return Plan::default() };
        let facts = Facts { session: self.session, joined_at, sights: &self.sights };
        plan(&app, &prospect(&app, &self.build, self.version.as_ref()), facts, now)
    }

    /// Looks once: is told what it is owed and doesn't know. Answers when to look again.
    fn look(&mut self, state: &State, now: Moment) -> Option<Moment> {
        let plan = self.plan(state, now);
        if let Some(level) = plan.level.filter(|level| level.told.is_none()) {
            let new = self.told.insert((level.campaign, level.run, level.step));
            assert!(new, "told {level:?} twice");
            let sight =
                Sight { campaign: level.campaign, run: level.run, step: level.step, at: now, spent: false };
            self.sights.push(sight);
            self.seen.push(sight);
            let again = self.plan(state, now);
            let known = again.level.expect("still owed");
            assert_eq!(known.told, Some(level.campaign), "it was just told");
            assert_eq!(known.action, level.action);
            return again.next;
        }
        plan.next
    }

    /// Lives until a moment, looking whenever it was told to.
    fn live(&mut self, state: &State, mut now: Moment, until: Moment) {
        for _ in 0..100 {
            match self.look(state, now) {
                Some(next) if next <= until => {
                    assert!(next > now);
                    now = next;
                }
                _ => return,
            }
        }
        panic!("looks again and again");
    }
}

#[derive(Clone, Debug)]
enum Event {
    Write(Box<Idea>),
    /// The page drops its connection and connects again after so long.
    Reconnect(Period),
    /// The server starts again from its log, and the page comes back.
    Restart,
    Nothing,
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        5 => any_idea().prop_map(|idea| Event::Write(Box::new(idea))),
        2 => any_period().prop_map(Event::Reconnect),
        1 => Just(Event::Restart),
        2 => Just(Event::Nothing),
    ]
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn no_page_is_told_one_step_of_a_run_twice(
        ideas in any_ideas(), on in 0..10_u8, version in prop::option::of(any_version()), session in any_session(),
        events in prop::collection::vec((any_event(), any_period()), 1..40), delay in 0..1_000_u64
    ) {
        let mut story = Story::of(&ideas);
        let mut page = Page {
            build: build(&format!("b{on}")),
            version,
            session,
            joined_at: Some(story.now()),
            sights: Vec::new(),
            seen: Vec::new(),
            told: BTreeSet::new(),
        };
        for (event, wait) in events {
            let from = story.now();
            story.wait(wait);
            page.live(&story.state, from, story.now());
            match event {
                Event::Write(idea) => drop(story.write(idea.change(&story.app()))),
                Event::Reconnect(after) => {
                    page.joined_at = None;
                    story.wait(after);
                    page.connect(story.now(), Period(delay));
                }
                Event::Restart => {
                    let mut state = State::default();
                    for entry in &story.entries {
                        state.fold(entry);
                    }
                    story.state = state;
                    page.connect(story.now(), Period::ZERO);
                }
                Event::Nothing => {}
            }
        }
        let from = story.now();
        page.live(&story.state, from, from + Period::days(1));
    }
}

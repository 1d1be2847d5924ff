//! What a page is owed, and when that next changes.

use freshwire::core::{
    app::App,
    change::{Action, AppChange, NewRelease, Severity, Terms, one_step},
    names::{BuildId, LogNumber, SessionId},
    order::Version,
    pace::Pace,
    plan::{Facts, Plan, Prospect, Sight, plan, prospect},
    time::{Moment, Period},
};
use proptest::{prelude::*, sample::Index};

use super::story::{
    Story, any_build, any_period, any_session, any_severity, any_story, any_version, build, cases, release,
};

/// A page with a history that its app's campaigns could have given it.
#[derive(Clone, Debug)]
struct Page {
    build: BuildId,
    version: Option<Version>,
    session: SessionId,
    joined: Period,
    told: Vec<(Index, Index, u8, Period, bool)>,
}

fn any_page() -> impl Strategy<Value = Page> {
    let told = (any::<Index>(), any::<Index>(), 0..4_u8, any_period(), prop::bool::weighted(0.1));
    let told = prop::collection::vec(told, 0..4);
    (any_build(), prop::option::of(any_version()), any_session(), any_period(), told)
        .prop_map(|(build, version, session, joined, told)| Page { build, version, session, joined, told })
}

impl Page {
    fn prospect(&self, app: &App) -> Prospect {
        prospect(app, &self.build, self.version.as_ref())
    }

    fn joined_at(&self, app: &App) -> Moment {
        app.last_at - self.joined
    }

    fn sights(&self, app: &App) -> Vec<Sight> {
        let campaigns: Vec<_> = app.campaigns.values().collect();
        let sight = |(campaign, run, step, ago, spent): &(Index, Index, u8, Period, bool)| {
            let campaign = campaigns.get(campaign.index(campaigns.len().max(1)))?;
            let run = campaign.runs[run.index(campaign.runs.len())];
            // The other node's clock may be a little ahead of ours.
            let at = (app.last_at + Period::secs(2) - *ago).max(run.from);
            Some(Sight { campaign: campaign.number, run: run.number, step: *step, at, spent: *spent })
        };
        self.told.iter().filter_map(sight).collect()
    }
}

/// What one page is owed at any moment.
fn planner(app: &App, page: &Page) -> impl Fn(Moment) -> Plan {
    let (prospect, sights) = (page.prospect(app), page.sights(app));
    move |now| {
        let facts = Facts { session: page.session, joined_at: page.joined_at(app), sights: &sights };
        plan(app, &prospect, facts, now)
    }
}

fn strength(plan: Plan) -> Action {
    plan.level.map_or(Action::Silent, |level| level.action)
}

proptest! {
    #![proptest_config(cases(600))]

    #[test]
    fn a_due_time_is_the_same_on_every_call_until_it_comes(
        story in any_story(), page in any_page(), later in any_period(), probes in prop::collection::vec(0.0..1.0_f64, 4)
    ) {
        let app = story.app();
        let at = planner(&app, &page);
        let mut now = app.last_at + later;
        for _ in 0..40 {
            let plan = at(now);
            let Some(next) = plan.next else {
                prop_assert_eq!(at(now + Period::days(1)), plan, "nothing changes any more");
                return Ok(());
            };
            prop_assert!(next > now, "{next} is not after {now}");
            for probe in &probes {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
                let into = Period((next.since(now).0 as f64 * probe) as u64);
                prop_assert_eq!(at(now + into), plan);
            }
            prop_assert_eq!(at(next - Period(1)), plan);
            prop_assert_ne!(at(next), plan);
            now = next;
        }
        prop_assert!(false, "more changes than steps");
    }

    #[test]
    fn a_level_never_gets_weaker_by_waiting(
        story in any_story(), page in any_page(), mut waits in prop::collection::vec(any_period(), 10)
    ) {
        let app = story.app();
        let at = planner(&app, &page);
        waits.sort_unstable();
        let strengths: Vec<_> = waits.iter().map(|wait| strength(at(app.last_at + *wait))).collect();
        prop_assert!(strengths.is_sorted(), "{strengths:?}");
    }

    #[test]
    fn of_several_campaigns_the_strongest_action_wins_then_the_gravest_then_the_earliest(
        story in any_story(), page in any_page(), later in any_period()
    ) {
        let app = story.app();
        let (whole, sights) = (page.prospect(&app), page.sights(&app));
        let facts = Facts { session: page.session, joined_at: page.joined_at(&app), sights: &sights };
        let now = app.last_at + later;
        let alone = whole.ladders.iter().map(|ladder| {
            plan(&app, &Prospect { ladders: vec![ladder.clone()], ..whole.clone() }, facts, now)
        });
        let alone: Vec<_> = alone.collect();
        let strongest = |plan: &Plan| plan.level.map(|level| {
            let ladder = whole.ladders.iter().find(|ladder| ladder.campaign == level.campaign);
            (level.action, ladder.map(|ladder| ladder.severity), std::cmp::Reverse(level.campaign))
        });
        let best = alone.iter().max_by_key(|plan| strongest(plan)).and_then(|plan| plan.level);
        let plan = plan(&app, &whole, facts, now);
        prop_assert_eq!(plan.level, best);
        prop_assert_eq!(plan.next, alone.iter().filter_map(|plan| plan.next).min());
    }

    #[test]
    fn a_node_with_a_slow_clock_goes_by_the_last_entry(story in any_story(), page in any_page(), slow in any_period()) {
        let app = story.app();
        let at = planner(&app, &page);
        prop_assert_eq!(at(app.last_at - slow), at(app.last_at));
    }

    #[test]
    fn a_page_goes_by_the_gravest_release_above_it(
        severities in prop::collection::vec(any_severity(), 1..8), session in any_session()
    ) {
        let mut story = Story::default();
        for (n, severity) in severities.iter().enumerate() {
            story.must_release(NewRelease { severity: *severity, ..release(&format!("b{n}"), None) });
        }
        let app = story.app();
        let facts = Facts { session, joined_at: Moment(0), sights: &[] };
        for n in 0..severities.len() {
            let level = plan(&app, &prospect(&app, &build(&format!("b{n}")), None), facts, story.now()).level;
            let expected = match severities[n + 1..].iter().max() {
                None | Some(Severity::Silent) => None,
                Some(Severity::Normal) => Some(Action::Navigate),
                Some(Severity::Important) => Some(Action::Prompt),
                Some(Severity::Security) => Some(Action::Countdown),
            };
            prop_assert_eq!(level.map(|level| level.action), expected);
        }
    }
}

fn owed(story: &Story, page: &str, sights: &[Sight]) -> Option<(LogNumber, Action)> {
    let app = story.app();
    let facts = Facts { session: SessionId::random(), joined_at: Moment(0), sights };
    plan(&app, &prospect(&app, &build(page), None), facts, story.now())
        .level
        .map(|level| (level.campaign, level.action))
}

#[test]
fn a_silent_release_does_not_cancel_yesterdays_security_one() {
    let mut story = Story::default();
    story.must_release(release("old", None));
    story.must_release(NewRelease { severity: Severity::Security, ..release("fix", None) });
    story.wait(Period::days(1));
    let silent = story.must_release(NewRelease { severity: Severity::Silent, ..release("typo", None) });
    assert_eq!(owed(&story, "old", &[]), Some((silent, Action::Countdown)));
    assert_eq!(owed(&story, "fix", &[]), None);
    assert_eq!(owed(&story, "typo", &[]), None);
}

#[test]
fn a_rollback_leaves_pages_ahead_alone_unless_it_recalls_them() {
    let mut story = Story::default();
    story.must_release(release("good", None));
    story.must_release(release("bad", None));
    let back = |terms| AppChange::Current { build: build("good"), reason: None, terms };
    story.must(back(Terms::only_over(Period::ZERO)));
    assert_eq!(owed(&story, "bad", &[]), None);
    let recall = Terms { steps: one_step(Action::Prompt), ..Terms::only_over(Period::ZERO) };
    let campaign = story.must(back(recall));
    assert_eq!(owed(&story, "bad", &[]), Some((campaign, Action::Prompt)));
    assert_eq!(owed(&story, "good", &[]), None);
}

#[test]
fn a_release_that_was_never_settled_or_is_retired_asks_nothing_of_the_pages_below_it() {
    let mut story = Story::default();
    story.must_release(release("old", None));
    story.must_release(NewRelease {
        severity: Severity::Security,
        rolling: true,
        ..release("rolling", None)
    });
    let campaign = story.must_release(release("new", None));
    assert_eq!(owed(&story, "old", &[]), Some((campaign, Action::Navigate)));
    story.must(AppChange::Settle { build: build("rolling"), pace: Pace::default(), reason: None });
    assert_eq!(owed(&story, "old", &[]).map(|(_, action)| action), Some(Action::Countdown));
    let terms = Terms::only_over(Period::ZERO);
    story.must(AppChange::Current { build: build("new"), reason: None, terms: terms.clone() });
    story.must(AppChange::Retire { build: build("rolling"), reason: "bad".into(), terms });
    assert_eq!(owed(&story, "old", &[]).map(|(_, action)| action), Some(Action::Navigate));
}

#[test]
fn a_second_retirement_does_not_free_the_first() {
    let mut story = Story::default();
    for id in ["bad", "worse", "good"] {
        story.must_release(release(id, None));
    }
    let terms = Terms { steps: one_step(Action::Force), ..Terms::only_over(Period::ZERO) };
    let mut retire =
        |id| story.must(AppChange::Retire { build: build(id), reason: "bad".into(), terms: terms.clone() });
    let (bad, worse) = (retire("bad"), retire("worse"));
    assert_eq!(owed(&story, "bad", &[]), Some((bad, Action::Force)));
    assert_eq!(owed(&story, "worse", &[]), Some((worse, Action::Force)));
    story.must(AppChange::Reinstate { build: build("worse") });
    assert_eq!(owed(&story, "worse", &[]).map(|(_, action)| action), Some(Action::Navigate));
}

#[test]
fn a_page_that_came_back_still_old_is_told_no_more_of_that_run() {
    let mut story = Story::default();
    story.must_release(release("old", None));
    let campaign = story.must_release(release("new", None));
    let sight = |step, spent| Sight { campaign, run: campaign, step, at: story.now(), spent };
    for sights in
        [vec![sight(0, true)], vec![sight(0, true), sight(1, false)], vec![sight(0, false), sight(0, true)]]
    {
        assert_eq!(owed(&story, "old", &sights), None, "{sights:?}");
    }
    let spent = [sight(0, true)];
    let next = story.must_release(release("newer", None));
    assert_eq!(owed(&story, "old", &spent), Some((next, Action::Navigate)), "another campaign may try again");
}

#[test]
fn a_graver_release_with_the_same_action_is_told_afresh() {
    let mut story = Story::default();
    story.must_release(release("b1", None));
    let prompt = |id, severity| NewRelease { severity, steps: one_step(Action::Prompt), ..release(id, None) };
    let campaign = story.must_release(prompt("b2", Severity::Important));
    let at = story.now();
    let sights = [Sight { campaign, run: campaign, step: 0, at, spent: false }];
    let told = |story: &Story| {
        let app = story.app();
        let session = SessionId(uuid::Uuid::nil());
        let facts = Facts { session, joined_at: Moment(0), sights: &sights };
        plan(&app, &prospect(&app, &build("b1"), None), facts, story.now()).level.map(|level| level.told)
    };
    assert_eq!(told(&story), Some(Some(campaign)));
    story.must_release(prompt("b3", Severity::Important));
    assert_eq!(told(&story), Some(Some(campaign)), "what was put off stays put off");
    story.must_release(prompt("b4", Severity::Security));
    assert_eq!(told(&story), Some(None));
}

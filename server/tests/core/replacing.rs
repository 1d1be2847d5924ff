//! A campaign in place of another: whoever was told keeps step and countdown.

use freshwire::core::{
    change::{Action, AppChange, Floor, NewRelease, Severity, Step, Terms, one_step},
    names::{LogNumber, SessionId},
    pace::Pace,
    plan::{Facts, Level, Plan, Sight, plan, prospect},
    time::{Moment, Period},
};
use proptest::prelude::*;

use super::story::{Story, any_period, any_session, any_terms, build, cases, release};

fn two_releases() -> Story {
    let mut story = Story::default();
    // Silent, so that the minimum's campaigns are alone.
    story.must_release(NewRelease { severity: Severity::Silent, ..release("old", None) });
    story.must_release(NewRelease { severity: Severity::Silent, ..release("new", None) });
    story
}

fn raise(story: &mut Story, terms: &Terms) -> LogNumber {
    story.must_minimum(Floor::Build(build("new")), terms.clone())
}

fn owed(story: &Story, session: SessionId, sights: &[Sight], now: Moment) -> Plan {
    let app = story.app();
    let facts = Facts { session, joined_at: Moment(0), sights };
    plan(&app, &prospect(&app, &build("old"), None), facts, now)
}

fn sight(level: Level, at: Moment) -> Sight {
    Sight { campaign: level.campaign, run: level.run, step: level.step, at, spent: false }
}

fn action(plan: Plan) -> Action {
    plan.level.map_or(Action::Silent, |level| level.action)
}

/// The moments worth looking at: before and after all steps of both ladders.
fn moments(story: &Story, terms: [&Terms; 2]) -> Vec<Moment> {
    let steps = terms.iter().flat_map(|terms| terms.steps.iter().map(|step| step.after));
    let offsets = steps.flat_map(|after| [after, after + Period(1), after.less(Period(1))]);
    let mut moments: Vec<_> = offsets.map(|offset| story.now() + offset).collect();
    moments.extend((0..12).map(|n| story.now() + Period::mins(n * 30)));
    moments.sort_unstable();
    moments
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn whoever_was_told_keeps_what_it_was_told_and_is_told_only_what_is_stronger(
        first in any_terms(), second in any_terms(), session in any_session(), looked in any_period(), gap in any_period()
    ) {
        let mut story = two_releases();
        raise(&mut story, &first);
        story.wait(looked);
        let told = owed(&story, session, &[], story.now()).level;
        prop_assume!(told.is_some());
        let told = told.expect("just assumed");
        let sights = [sight(told, story.now())];
        story.wait(gap);
        let old = story.clone();
        let campaign = raise(&mut story, &second);

        for now in moments(&story, [&first, &second]) {
            let fresh = action(owed(&story, session, &[], now));
            let had_it_gone_on = action(owed(&old, session, &sights, now));
            let plan = owed(&story, session, &sights, now);
            let level = plan.level.expect("what it was told stands");
            prop_assert_eq!((level.campaign, level.run), (campaign, campaign));
            prop_assert!(level.action >= told.action, "weaker than what it was told");
            prop_assert_eq!(level.told.is_some(), level.action == told.action, "{:?}", level);
            prop_assert!(level.action >= fresh, "{:?} behind a page that was never told: {fresh}", level);
            let bound = told.action.max(fresh).max(had_it_gone_on);
            prop_assert!(level.action <= bound, "{:?} before its time: {bound}", level);
            if first.steps == second.steps {
                prop_assert!(level.action >= had_it_gone_on, "the same ladder, and slower");
            }
        }
    }

    #[test]
    fn the_same_ladder_again_changes_nothing_for_those_who_were_told(
        terms in any_terms(), over in any_period(), session in any_session(), looked in any_period(),
        gaps in prop::collection::vec(any_period(), 1..4)
    ) {
        let mut story = two_releases();
        raise(&mut story, &terms);
        story.wait(looked);
        let Some(told) = owed(&story, session, &[], story.now()).level else { return Ok(()) };
        let sights = [sight(told, story.now())];
        let old = story.clone();
        let again = Terms { pace: Pace::over(over.max(terms.pace.over)), ..terms.clone() };
        for gap in gaps {
            story.wait(gap);
            raise(&mut story, &again);
        }
        for now in moments(&story, [&terms, &again]) {
            prop_assert_eq!(action(owed(&story, session, &sights, now)), action(owed(&old, session, &sights, now)));
        }
    }

    #[test]
    fn a_pause_before_the_replacement_makes_it_owe_afresh(
        first in any_terms(), second in any_terms(), third in any_terms(), session in any_session(),
        looked in any_period(), pause in any_period(), gap in any_period(), which in 0..3_u8
    ) {
        let mut story = two_releases();
        let mut campaign = raise(&mut story, &first);
        story.wait(looked);
        let Some(told) = owed(&story, session, &[], story.now()).level else { return Ok(()) };
        let sights = [sight(told, story.now())];
        if which == 2 {
            // Kept by a second campaign, and withdrawn with that one.
            campaign = raise(&mut story, &third);
        }
        story.must_pause(campaign);
        story.wait(pause);
        if which > 0 {
            story.must(AppChange::Resume { campaign, reason: None });
            for now in moments(&story, [&first, &third]) {
                prop_assert_eq!(owed(&story, session, &sights, now), owed(&story, session, &[], now), "resumed");
            }
            story.wait(gap);
        }
        raise(&mut story, &second);
        for now in moments(&story, [&first, &second]) {
            prop_assert_eq!(owed(&story, session, &sights, now), owed(&story, session, &[], now), "replaced");
        }
    }
}

fn terms(over: Period, steps: &[(Period, Action)]) -> Terms {
    let steps = steps.iter().map(|(after, action)| Step { after: *after, action: *action }).collect();
    Terms { steps, ..Terms::only_over(over) }
}

/// A page that is told the first thing that it is owed, at once.
fn told_at_once(story: &Story) -> (SessionId, [Sight; 1]) {
    let session = SessionId::random();
    let level = owed(story, session, &[], story.now()).level.expect("owed at once");
    (session, [sight(level, story.now())])
}

#[test]
fn a_deadline_that_a_replacement_brings_is_counted_from_the_replacement() {
    let mut story = two_releases();
    raise(&mut story, &terms(Period::ZERO, &[(Period::ZERO, Action::Prompt)]));
    let (session, sights) = told_at_once(&story);
    story.wait(Period::days(7));
    raise(
        &mut story,
        &terms(Period::ZERO, &[(Period::ZERO, Action::Prompt), (Period::mins(120), Action::Force)]),
    );
    let plan = owed(&story, session, &sights, story.now());
    assert_eq!(action(plan), Action::Prompt);
    assert!(plan.level.expect("a level").told.is_some());
    assert_eq!(plan.next, Some(story.now() + Period::mins(120)));
}

#[test]
fn a_stronger_campaign_is_paced_also_for_those_who_were_told_by_a_milder_one() {
    let mut story = two_releases();
    raise(&mut story, &Terms { steps: one_step(Action::Navigate), ..Terms::only_over(Period::ZERO) });
    let pages: Vec<_> = (0..1_000).map(|_| told_at_once(&story)).collect();
    story.wait(Period::mins(60));
    raise(&mut story, &Terms { steps: one_step(Action::Countdown), ..Terms::only_over(Period::mins(60)) });
    let owed_by = |now| {
        pages
            .iter()
            .filter(|(page, sights)| action(owed(&story, *page, sights, now)) == Action::Countdown)
            .count()
    };
    assert!(owed_by(story.now()) < 10, "a herd");
    assert!((400..600).contains(&owed_by(story.now() + Period::mins(30))));
    assert_eq!(owed_by(story.now() + Period::mins(60)), 1_000);
    let waiting = pages.iter().map(|(page, sights)| owed(&story, *page, sights, story.now()));
    assert!(
        waiting.clone().all(|plan| action(plan) >= Action::Navigate),
        "what they were told is not withdrawn"
    );
}

#[test]
fn a_resumed_ladder_is_climbed_from_its_foot() {
    let mut story = two_releases();
    let ladder = terms(Period::ZERO, &[(Period::ZERO, Action::Prompt), (Period::mins(30), Action::Force)]);
    let campaign = raise(&mut story, &ladder);
    let (session, sights) = told_at_once(&story);
    story.wait(Period::mins(60)).must_pause(campaign);
    story.wait(Period::mins(60)).must(AppChange::Resume { campaign, reason: None });
    let plan = owed(&story, session, &sights, story.now());
    assert_eq!(action(plan), Action::Prompt);
    assert_eq!(plan.next, Some(story.now() + Period::mins(30)));
}

#[test]
fn a_page_that_joins_late_climbs_the_ladder_from_its_foot() {
    let mut story = two_releases();
    raise(
        &mut story,
        &terms(Period::ZERO, &[(Period::ZERO, Action::Prompt), (Period::mins(30), Action::Force)]),
    );
    story.wait(Period::days(1));
    let app = story.app();
    let facts = Facts { session: SessionId::random(), joined_at: story.now(), sights: &[] };
    let plan = plan(&app, &prospect(&app, &build("old"), None), facts, story.now());
    assert_eq!((action(plan), plan.next), (Action::Prompt, Some(story.now() + Period::mins(30))));
}

#[test]
fn a_step_that_was_told_by_a_clock_ahead_of_ours_stays_told() {
    let mut story = two_releases();
    let second = Period::secs(1);
    let rungs =
        [(Period::ZERO, Action::Prompt), (second, Action::Countdown), (Period::mins(30), Action::Force)];
    let campaign = raise(&mut story, &terms(Period::ZERO, &rungs));
    let at = story.now() + second;
    let sights = [Sight { campaign, run: campaign, step: 1, at, spent: false }];
    let plan = owed(&story, SessionId::random(), &sights, story.now());
    let level = plan.level.expect("told already");
    assert_eq!((level.step, level.action, level.told), (1, Action::Countdown, Some(campaign)));
    assert_eq!(plan.next, Some(story.now() + Period::mins(30)));
}

#[test]
fn a_countdown_that_a_deadline_was_promised_to_keeps_it_over_a_replacement() {
    let mut story = two_releases();
    let ladder =
        terms(Period::ZERO, &[(Period::ZERO, Action::Countdown), (Period::mins(120), Action::Force)]);
    raise(&mut story, &ladder);
    let (session, sights) = told_at_once(&story);
    let deadline = story.now() + Period::mins(120);
    story.wait(Period::mins(110));
    raise(&mut story, &ladder);
    assert_eq!(owed(&story, session, &sights, story.now()).next, Some(deadline));
    assert_eq!(action(owed(&story, session, &sights, deadline)), Action::Force);
}

#[test]
fn whoever_came_back_still_old_is_owed_afresh_by_the_next_campaign() {
    let mut story = two_releases();
    let once = terms(Period::ZERO, &[(Period::ZERO, Action::Countdown)]);
    raise(&mut story, &once);
    let (session, [first]) = told_at_once(&story);
    let campaign = raise(&mut story, &once);
    let spent = Sight { campaign, run: campaign, spent: true, ..first };
    assert_eq!(owed(&story, session, &[first, spent], story.now()).level, None);
    let campaign = raise(&mut story, &once);
    let level = owed(&story, session, &[first, spent], story.now()).level.expect("owed again");
    assert_eq!((level.campaign, level.told), (campaign, None));
}

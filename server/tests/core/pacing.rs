//! A wave is arithmetic: places, progress, pauses.

use freshwire::core::{
    app::Refusal,
    campaign::{Campaign, place},
    change::{Action, AppChange, Floor, NewRelease, Severity, Terms, one_step},
    names::{LogNumber, SessionId},
    pace::Pace,
    plan::{Facts, Sight, plan, prospect},
    state::Verdict,
    time::{Moment, Period},
};
use proptest::prelude::*;
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::story::{Story, build, cases, release};

/// Random version 4 IDs, the same in every run of the tests.
fn sessions(count: usize, seed: u64) -> impl Iterator<Item = SessionId> {
    let mut random = StdRng::seed_from_u64(seed);
    (0..count).map(move |_| SessionId(uuid::Builder::from_random_bytes(random.random()).into_uuid()))
}

/// Pearson's statistic against equal counts.
fn chi_square(counts: &[u32]) -> f64 {
    let total: f64 = counts.iter().copied().map(f64::from).sum();
    let expected = total / f64::from(u32::try_from(counts.len()).expect("few bins"));
    counts.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum()
}

/// Which of so many equal parts of [0, 1) a place is in.
fn bin(place: f64, bins: u32) -> usize {
    assert!((0.0..1.0).contains(&place), "{place}");
    (0..bins).rfind(|bin| f64::from(*bin) <= place * f64::from(bins)).expect("at least 0") as usize
}

#[test]
fn places_are_uniform() {
    let ids: Vec<_> = sessions(100_000, 1).collect();
    for campaign in [1, 2, 3, 42, 1_000_000, 1 << 40] {
        let mut counts = [0; 100];
        for id in &ids {
            counts[bin(place(LogNumber(campaign), *id), 100)] += 1;
        }
        // 99 degrees of freedom: a uniform place is beyond 50 or 161 once in 10,000 times.
        let statistic = chi_square(&counts);
        assert!((50.0..161.0).contains(&statistic), "campaign {campaign}: {statistic}");
    }
}

#[test]
fn places_in_two_campaigns_have_nothing_to_do_with_each_other() {
    let ids: Vec<_> = sessions(50_000, 2).collect();
    for (one, other) in [(1, 2), (2, 3), (7, 8), (255, 256), (42, 1_000_042)] {
        let (mut counts, mut covariance) = ([0; 100], 0.0);
        for id in &ids {
            let (a, b) = (place(LogNumber(one), *id), place(LogNumber(other), *id));
            counts[bin(a, 10) * 10 + bin(b, 10)] += 1;
            covariance += (a - 0.5) * (b - 0.5);
        }
        let correlation = covariance / 50_000.0 * 12.0;
        assert!(correlation.abs() < 0.018, "campaigns {one} and {other}: {correlation}");
        let statistic = chi_square(&counts);
        assert!(statistic < 161.0, "campaigns {one} and {other}: {statistic}");
    }
}

/// Two releases, and a minimum above the first.
fn raised(over: Period) -> (Story, LogNumber) {
    let mut story = Story::default();
    for id in ["b1", "b2"] {
        // Silent, so that the minimum's campaign is alone.
        story.must_release(NewRelease { severity: Severity::Silent, ..release(id, None) });
    }
    let terms = Terms { steps: one_step(Action::Prompt), ..Terms::only_over(over) };
    let campaign = story.must_minimum(Floor::Build(build("b2")), terms);
    (story, campaign)
}

#[test]
fn the_share_that_is_owed_grows_evenly() {
    let over = Period::mins(30);
    let (story, _) = raised(over);
    let app = story.app();
    let prospect = prospect(&app, &build("b1"), None);
    let ids: Vec<_> = sessions(10_000, 3).collect();
    for percent in [0, 1, 10, 25, 50, 75, 99, 100, 200] {
        let now = story.now() + Period(over.0 / 100 * percent);
        let owed = ids.iter().filter(|session| {
            let facts = Facts { session: **session, joined_at: Moment(0), sights: &[] };
            plan(&app, &prospect, facts, now).level.is_some()
        });
        let owed = u32::try_from(owed.count()).expect("10,000");
        let (share, expected) =
            (f64::from(owed) / 10_000.0, f64::from(u32::try_from(percent.min(100)).expect("small")) / 100.0);
        assert!((share - expected).abs() < 0.03, "{share} at {percent} %");
        assert!(percent < 100 || owed == 10_000, "everybody by the end");
    }
}

/// The campaign after these periods of activity, each but the last followed by a pause; and the log's time.
fn paused_and_resumed(over: Period, periods: &[(Period, Period)]) -> (Story, LogNumber) {
    let (mut story, campaign) = raised(over);
    for (active, pause) in periods {
        story.wait(*active).must_pause(campaign);
        story.wait(*pause).must(AppChange::Resume { campaign, reason: None });
    }
    (story, campaign)
}

fn periods() -> impl Strategy<Value = Vec<(Period, Period)>> {
    let period = || prop_oneof![1 => Just(Period::ZERO), 5 => (0..3_600_000_u64).prop_map(Period)];
    prop::collection::vec((period(), period()), 0..5)
}

/// Whether a place has been reached, by the progress and by the moment; both have to say the same.
fn reached(campaign: &Campaign, place: f64, now: Moment) -> bool {
    let by_moment = campaign.reached_at(place).is_some_and(|at| at <= now);
    // A millisecond of progress is the finest that moments can tell.
    let step = 1.0 / f64::from(u32::try_from(campaign.terms.pace.over.0).expect("a few hours"));
    let progress = campaign.progress(now);
    assert!(!by_moment || progress + 1e-9 >= place, "reached {place} at a progress of {progress}");
    assert!(by_moment || progress <= place + step, "not reached {place} at a progress of {progress}");
    by_moment
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn a_pause_freezes_progress_and_a_resume_continues_it(
        over in (1..7_200_000_u64).prop_map(Period), periods in periods(), active in 0..3_600_000_u64,
        pause in 1..7_200_000_u64, probe in 0..3_600_000_u64, place in 0.0..1.0_f64
    ) {
        let (mut story, number) = paused_and_resumed(over, &periods);
        let so_far = periods.iter().fold(Period::ZERO, |sum, (active, _)| sum + *active);
        let campaign = |story: &Story| story.app().campaigns[&number].clone();
        prop_assert_eq!(campaign(&story).elapsed(story.now()), so_far);

        story.wait(Period(active));
        let paused_at = story.now();
        let running = campaign(&story);
        story.must_pause(number);
        let paused = campaign(&story);
        let elapsed = so_far + Period(active);
        prop_assert!(paused.paused() && !paused.active());
        for later in [0, probe, pause, 10 * pause] {
            let now = paused_at + Period(later);
            prop_assert_eq!(paused.elapsed(now), elapsed);
            prop_assert_eq!(paused.progress(now).to_bits(), running.progress(paused_at).to_bits());
            prop_assert_eq!(reached(&paused, place, now), reached(&running, place, paused_at));
        }

        story.wait(Period(pause));
        let resumed_at = story.now();
        let run = story.must(AppChange::Resume { campaign: number, reason: None });
        let resumed = campaign(&story);
        prop_assert!(resumed.active());
        prop_assert_eq!((resumed.last_run().number, resumed.last_run().from), (run, resumed_at));
        prop_assert_eq!(resumed.elapsed(resumed_at + Period(probe)), elapsed + Period(probe));
        prop_assert_eq!(
            resumed.progress(resumed_at + Period(probe)).to_bits(),
            running.progress(paused_at + Period(probe)).to_bits()
        );
        // What was reached before the pause stays as it was; the rest comes later by the length of the pause.
        let expected = running.reached_at(place).map(|at| if at <= paused_at { at } else { at + Period(pause) });
        prop_assert_eq!(resumed.reached_at(place), expected);
        reached(&resumed, place, resumed_at + Period(probe));
    }

    #[test]
    fn a_resume_owes_afresh(over in (0..7_200_000_u64).prop_map(Period), pause in 0..7_200_000_u64, seed: u64) {
        let (mut story, number) = raised(over);
        let session = sessions(1, seed).next().expect("one");
        let joined_at = story.now();
        story.wait(over);
        let prospect_of = |story: &Story| prospect(&story.app(), &build("b1"), None);
        let level = plan(&story.app(), &prospect_of(&story), Facts { session, joined_at, sights: &[] }, story.now()).level;
        let level = level.expect("everybody is owed by now");
        let sight = Sight {
            campaign: level.campaign, run: level.run, step: level.step, at: story.now(), spent: false,
        };
        let facts = Facts { session, joined_at, sights: &[sight] };
        story.must_pause(number);
        prop_assert_eq!(plan(&story.app(), &prospect_of(&story), facts, story.now()).level, None);
        let run = story.wait(Period(pause)).must(AppChange::Resume { campaign: number, reason: None });
        let level = plan(&story.app(), &prospect_of(&story), facts, story.now()).level.expect("its place was reached");
        prop_assert_eq!((level.campaign, level.run, level.step, level.told), (number, run, 0, None));
    }
}

/// Three releases and a minimum above the first two, told in waves.
fn in_waves(shares: &[&str], hold: Period) -> (Story, LogNumber) {
    let mut story = Story::default();
    for id in ["b1", "b2"] {
        story.must_release(NewRelease { severity: Severity::Silent, ..release(id, None) });
    }
    let waves = shares.iter().map(|share| share.parse().expect("a share")).collect();
    let pace = Pace { waves, hold, ..Pace::over(Period::secs(100)) };
    let terms = Terms { steps: one_step(Action::Prompt), ..Terms::only(pace) };
    let campaign = story.must_minimum(Floor::Build(build("b2")), terms);
    (story, campaign)
}

fn campaign_of(story: &Story, number: LogNumber) -> Campaign {
    (*story.app().campaigns[&number]).clone()
}

#[test]
fn a_wave_waits_until_the_one_before_is_proven() {
    let (mut story, number) = in_waves(&["10%", "50%", "100%"], Period::mins(5));
    let campaign = campaign_of(&story, number);
    // 10 s and 5 min of the first wave; without proof it goes no further, however long one waits.
    for later in [310, 3_600, 86_400] {
        let now = story.now() + Period::secs(later);
        assert!(campaign.unproven(now) && (campaign.progress(now) - 0.1).abs() < 1e-9, "{later} s");
        assert_eq!((campaign.wave(now), campaign.elapsed(now)), (0, Period::secs(310)));
    }
    assert!(!campaign.unproven(story.now() + Period::secs(309)));
    assert_eq!(campaign.hold_ends_at(story.now()), Some(story.now() + Period::secs(310)));
    assert!(campaign.reached_at(0.05).is_some() && campaign.reached_at(0.1).is_none());

    // Proof that comes late begins the next wave at once; the run is the same, so nobody is told twice.
    let proven = AppChange::Proven { campaign: number, run: number, wave: 0, reason: "30 of 30".into() };
    story.wait(Period::secs(1_000)).must(proven.clone());
    let campaign = campaign_of(&story, number);
    assert_eq!(campaign.reached_at(0.2), Some(story.now() + Period::secs(10)));
    assert_eq!((campaign.last_run().number, campaign.wave(story.now())), (number, 1));
    assert!(matches!(story.write(proven), Verdict::Refused(_)), "once a wave");

    // Proof that comes early doesn't cut the hold short.
    story.wait(Period::secs(40)).must(AppChange::Proven {
        campaign: number,
        run: number,
        wave: 1,
        reason: "all well".into(),
    });
    let campaign = campaign_of(&story, number);
    assert_eq!(campaign.reached_at(0.5), Some(story.now() + Period::mins(5)));
    let end = story.now() + Period::mins(5) + Period::secs(50);
    assert!((campaign.progress(end) - 1.0).abs() < 1e-9 && !campaign.unproven(end));
}

#[test]
fn a_resume_is_proof_enough() {
    let (mut story, number) = in_waves(&["10%", "100%"], Period::mins(1));
    story.wait(Period::mins(30)).must(AppChange::Resume { campaign: number, reason: None });
    let campaign = campaign_of(&story, number);
    assert_eq!(campaign.reached_at(0.2), Some(story.now() + Period::secs(10)));
    assert_eq!(campaign.last_run().number, number, "nobody is told again");
    assert!(matches!(story.write(AppChange::Resume { campaign: number, reason: None }), Verdict::Refused(_)));

    let (mut story, number) = in_waves(&["10%", "100%"], Period::mins(1));
    story.wait(Period::mins(30)).must_pause(number);
    let run = story.wait(Period::mins(30)).must(AppChange::Resume { campaign: number, reason: None });
    let campaign = campaign_of(&story, number);
    assert_eq!(campaign.reached_at(0.2), Some(story.now() + Period::secs(10)), "the waits don't count");
    assert_eq!(campaign.last_run().number, run);
}

#[test]
fn waves_without_proof_go_on_where_that_is_allowed() {
    let waves = ["10%", "100%"].map(|share| share.parse().expect("a share")).to_vec();
    let pace = Pace { waves, unproven_ok: true, hold: Period::secs(30), ..Pace::over(Period::secs(100)) };
    let mut story = Story::default();
    story.must_release(NewRelease { severity: Severity::Silent, ..release("b1", None) });
    story.must_release(NewRelease { severity: Severity::Important, pace, ..release("b2", None) });
    let campaign = story.app().campaigns.values().last().expect("the release's").clone();
    assert_eq!(campaign.reached_at(0.5), Some(story.now() + Period::secs(80)));
    assert!(!campaign.unproven(story.now() + Period::days(1)));
}

#[test]
fn what_is_aborted_tells_nobody_and_is_not_resumed() {
    let (mut story, number) = raised(Period::ZERO);
    story.must(AppChange::Abort { campaign: number, reason: Some("the wrong build".into()) });
    let app = story.app();
    let ladders = prospect(&app, &build("b1"), None).ladders;
    assert!(ladders.iter().all(|ladder| ladder.campaign != number));
    assert_eq!(
        app.campaigns[&number].aborted.as_ref().and_then(|halt| halt.reason.as_deref()),
        Some("the wrong build")
    );
    for again in [
        AppChange::Resume { campaign: number, reason: None },
        AppChange::Abort { campaign: number, reason: None },
    ] {
        assert!(matches!(story.write(again), Verdict::Refused(Refusal::NotFound(_))));
    }
}

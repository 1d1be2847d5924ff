//! Gates: what they wait for, that they never open early, and that they open.

use std::sync::Arc;

use freshwire::{
    core::{
        app::App,
        census::BuildCount,
        change::{Floor, NewRelease},
        gate::{Belongs, Condition, Crowd, Gate, Reading, Shut, Terms, Verdict},
        names::BuildId,
        order::Version,
        time::{Moment, Period},
    },
    fleet::counts::{Counts, RowKey, Share},
};
use proptest::prelude::*;

use super::story::{Story, build, cases, release, version};

const NEED: &str = "route.legacy";

/// Three releases; only the middle one needs the route.
fn shop() -> Arc<App> {
    let mut story = Story::default();
    story.must_release(release("old", Some("1.0.0")));
    story.must_release(NewRelease {
        needs: vec![NEED.parse().expect("a need")],
        ..release("middle", Some("1.1.0"))
    });
    story.must_release(release("new", Some("1.2.0")));
    story.app()
}

/// Builds of pages with what they report, and whether they are below 1.2.0, on `old`, needing the route.
const PAGES: [(&str, Option<&str>, [Belongs; 3]); 7] = [
    ("old", Some("1.0.0"), [Belongs::Yes, Belongs::Yes, Belongs::No]),
    ("middle", None, [Belongs::Yes, Belongs::No, Belongs::Yes]),
    ("new", Some("1.2.0"), [Belongs::No, Belongs::No, Belongs::No]),
    ("beta", Some("0.9.0"), [Belongs::Yes, Belongs::No, Belongs::Unknown]),
    ("canary", Some("1.3.0"), [Belongs::No, Belongs::No, Belongs::Unknown]),
    // It may be `old`, built again.
    ("twin", Some("1.0.0"), [Belongs::Yes, Belongs::Unknown, Belongs::Unknown]),
    ("stray", None, [Belongs::Unknown; 3]),
];

fn conditions() -> [Condition; 3] {
    [
        Condition::Below(Floor::Version(version("1.2.0"))),
        Condition::Build(build("old")),
        Condition::Needs(NEED.parse().expect("a need")),
    ]
}

fn page(index: usize) -> (BuildId, Option<Version>) {
    (build(PAGES[index].0), PAGES[index].1.map(version))
}

#[test]
fn a_condition_tells_those_that_are_to_be_gone_from_those_that_may_stay() {
    let app = shop();
    for (which, condition) in conditions().iter().enumerate() {
        for (index, (name, _, belongs)) in PAGES.iter().enumerate() {
            let (build, reported) = page(index);
            let found = condition.holds_back(&app, &build, reported.as_ref());
            assert_eq!(found, belongs[which], "{name} by {condition:?}");
        }
    }
    let below_build = Condition::Below(Floor::Build(build("middle")));
    let found = |name: &str, reported: Option<&str>| {
        below_build.holds_back(&app, &build(name), reported.map(version).as_ref())
    };
    assert_eq!(
        [found("old", None), found("middle", None), found("new", None)],
        [Belongs::Yes, Belongs::No, Belongs::No]
    );
    assert_eq!([found("x", Some("1.0.9")), found("x", Some("1.1.1"))], [Belongs::Yes, Belongs::No]);
    assert_eq!([found("x", Some("1.1.0")), found("x", None)], [Belongs::Unknown; 2]);
}

#[test]
fn a_registered_build_is_sorted_once_whatever_its_pages_said_before_it_was_registered() {
    let count = |reported: Option<&str>| BuildCount {
        reported: reported.map(version),
        sessions: 2,
        joins: 3,
        ..BuildCount::none(build("old"))
    };
    let sorted = conditions()[1].sort(&shop(), [count(None), count(Some("1.0.0"))]);
    assert_eq!(sorted.here, Crowd { sessions: 4, away: 0, joins: 6, vanished: 0 });
    assert_eq!((sorted.rows.len(), sorted.unknown), (1, Crowd::default()));
}

fn reading(sessions: u64, joins: u64) -> Reading {
    Reading {
        here: Crowd { sessions, joins, ..Crowd::default() },
        unknown: Crowd::default(),
        complete: true,
        warming: false,
        epoch: "a".into(),
    }
}

const NONE_LEFT: Terms = Terms { max: 0, hold: Period::secs(10), away: false, ignore_unknown: false };

/// Looks that take no time, a reading each.
fn looks(terms: Terms, readings: impl IntoIterator<Item = (i64, Reading)>) -> Vec<Verdict> {
    let mut gate = Gate::new(terms);
    let look = |(second, reading)| gate.look(Moment(second * 1_000), Moment(second * 1_000), reading);
    readings.into_iter().map(look).collect()
}

fn holding(since: i64, anew: bool) -> Verdict {
    Verdict::Holding { since: Moment(since * 1_000), anew }
}

#[test]
fn who_comes_and_goes_between_two_looks_makes_the_time_count_anew() {
    let verdicts = looks(
        NONE_LEFT,
        [
            (0, reading(1, 7)),
            (1, reading(0, 7)),
            (5, reading(0, 7)),
            (6, reading(0, 8)),
            (11, reading(0, 8)),
            (16, reading(0, 8)),
        ],
    );
    let waiting = Verdict::Waiting(vec![Shut::Sessions]);
    assert_eq!(
        verdicts,
        [waiting, holding(1, false), holding(1, false), holding(6, true), holding(6, false), Verdict::Open]
    );
}

#[test]
fn who_vanished_and_came_back_between_two_looks_was_away() {
    let away_too = Terms { max: 1, away: true, ..NONE_LEFT };
    let after = |vanished| {
        let mut reading = reading(0, 1);
        reading.here.vanished = vanished;
        reading
    };
    let verdicts = looks(away_too, [(0, after(1)), (5, after(2)), (10, after(2)), (15, after(2))]);
    assert_eq!(verdicts, [holding(0, false), holding(5, true), holding(5, false), Verdict::Open]);
    let ignored = Terms { away: false, ..away_too };
    assert_eq!(looks(ignored, [(0, after(1)), (10, after(2))])[1], Verdict::Open);
}

#[test]
fn a_slow_answer_opens_nothing_that_was_not_so_for_long_enough() {
    let mut gate = Gate::new(NONE_LEFT);
    let mut look = |asked: i64, answered: i64| gate.look(Moment(asked), Moment(answered), reading(0, 0));
    // It was so at some moment before 1,000, and at some moment after 10,900.
    assert!(matches!(look(0, 1_000), Verdict::Holding { .. }));
    assert!(matches!(look(10_900, 12_000), Verdict::Holding { .. }));
    assert_eq!(look(12_000, 12_000), Verdict::Open);
}

#[test]
fn a_server_that_started_anew_is_watched_anew() {
    let after = |reading: Reading| Reading { epoch: "b".into(), ..reading };
    let warming = Reading { warming: true, ..after(reading(0, 0)) };
    let verdicts = looks(
        NONE_LEFT,
        [
            (0, reading(0, 50)),
            (9, warming),
            (10, after(reading(0, 0))),
            (19, after(reading(0, 0))),
            (20, after(reading(0, 0))),
        ],
    );
    let warming = Verdict::Waiting(vec![Shut::Warming]);
    assert_eq!(verdicts, [holding(0, false), warming, holding(10, false), holding(10, false), Verdict::Open]);
    let at_once = looks(NONE_LEFT, [(0, reading(0, 50)), (10, after(reading(0, 60)))]);
    assert_eq!(at_once[1], holding(10, true), "its joins are not those of before");
}

#[test]
fn a_gate_names_all_that_keeps_it_shut() {
    let asleep = Crowd { sessions: 1, away: 2, ..Crowd::default() };
    let bad = Reading { here: asleep, unknown: asleep, complete: false, warming: true, epoch: "a".into() };
    let all = [Shut::Incomplete, Shut::Warming, Shut::Sessions, Shut::Unknown, Shut::Away];
    let shut = |terms, reading: &Reading| looks(terms, [(0, reading.clone())]).remove(0);
    assert_eq!(shut(Terms { away: true, ..NONE_LEFT }, &bad), Verdict::Waiting(all.to_vec()));
    let lenient = Terms { max: 1, ignore_unknown: true, hold: Period::ZERO, ..NONE_LEFT };
    let known = Reading { complete: true, warming: false, ..bad.clone() };
    assert_eq!(shut(lenient, &known), Verdict::Open);
    assert_eq!(shut(Terms { away: true, ..lenient }, &known), Verdict::Waiting(vec![Shut::Away]));
    let unknown_asleep =
        Reading { here: Crowd::default(), unknown: Crowd { sessions: 0, ..asleep }, ..known };
    let strict = Terms { away: true, ignore_unknown: false, ..lenient };
    assert_eq!(shut(strict, &unknown_asleep), Verdict::Waiting(vec![Shut::Away]));
}

#[test]
fn pages_that_make_up_builds_fill_neither_the_memory_nor_the_census_with_their_pasts() {
    let (app, counts) = (shop(), Counts::default());
    let come_and_go = |n: u32| {
        let key = RowKey { build: build(&format!("made-up-{n}")), reported: None };
        let row = counts.join(&app, key, Share::default(), Moment(0));
        assert_ne!(row.build, BuildId::others(), "those that left take nobody's row");
        counts.leave(&row, Share::default(), Moment(0));
    };
    (0..300).for_each(come_and_go);
    assert_eq!((counts.list().len(), counts.tally().rows.len(), counts.tally().forgotten), (0, 300, 0));
    (300..2_000).for_each(come_and_go);
    let tally = counts.tally();
    assert!(tally.rows.len() <= 500 && tally.forgotten > 0, "{} {}", tally.rows.len(), tally.forgotten);
}

/// What happens around a gate.
#[derive(Clone, Debug)]
enum Event {
    Join(usize),
    Leave(usize),
    Vanish(usize),
    Return(usize),
    /// It has been away for too long.
    Expire(usize),
    /// The server starts anew; whoever was connected is away, and it is warming for a while.
    Restart(Period),
    /// A look, with the time from asking to reading and from reading to knowing.
    Look(Period, Period),
}

fn any_event() -> impl Strategy<Value = Event> {
    let delay = || (0..300_u64).prop_map(Period);
    prop_oneof![
        2 => (0..PAGES.len()).prop_map(Event::Join),
        3 => any::<usize>().prop_map(Event::Leave),
        1 => any::<usize>().prop_map(Event::Vanish),
        1 => any::<usize>().prop_map(Event::Return),
        2 => any::<usize>().prop_map(Event::Expire),
        1 => (0..3_000_u64).prop_map(|warmup| Event::Restart(Period(warmup))),
        12 => (delay(), delay()).prop_map(|(before, after)| Event::Look(before, after)),
    ]
}

/// A session: which page, and the row it is counted in.
type Session = (usize, Arc<RowKey>);

/// A server as it is counted, and as it is.
struct World {
    app: Arc<App>,
    which: usize,
    terms: Terms,
    counts: Counts,
    now: Moment,
    connected: Vec<Session>,
    away: Vec<Session>,
    starts: u32,
    warm_at: Moment,
    /// From when on the condition has been met without a break, by what is and not by what was read.
    met_since: Option<Moment>,
}

impl World {
    fn new(which: usize, terms: Terms) -> Self {
        let mut world = Self {
            app: shop(),
            which,
            terms,
            counts: Counts::default(),
            now: Moment(0),
            connected: Vec::new(),
            away: Vec::new(),
            starts: 1,
            warm_at: Moment(0),
            met_since: None,
        };
        world.judge();
        world
    }

    fn pass(&mut self, period: Period) {
        if self.warm_at > self.now && self.warm_at <= self.now + period {
            let rest = period.less(self.warm_at.since(self.now));
            self.now = self.warm_at;
            self.judge();
            self.now = self.now + rest;
        } else {
            self.now = self.now + period;
        }
    }

    fn judge(&mut self) {
        let left = |sessions: &[Session], belongs: Belongs| {
            sessions.iter().filter(|(page, _)| PAGES[*page].2[self.which] == belongs).count() as u64
        };
        let unknown = |sessions: &[Session]| {
            if self.terms.ignore_unknown { 0 } else { left(sessions, Belongs::Unknown) }
        };
        let met = self.now >= self.warm_at
            && left(&self.connected, Belongs::Yes) <= self.terms.max
            && unknown(&self.connected) == 0
            && (!self.terms.away || left(&self.away, Belongs::Yes) + unknown(&self.away) == 0);
        self.met_since = self.met_since.or(Some(self.now)).filter(|_| met);
    }

    fn join(&mut self, page: usize) {
        let (build, reported) = self::page(page);
        let row = self.counts.join(&self.app, RowKey { build, reported }, Share::default(), Moment(0));
        self.connected.push((page, row));
    }

    fn happen(&mut self, event: &Event) {
        let pick = |index: &usize, of: &[Session]| index.checked_rem(of.len());
        match event {
            Event::Join(page) => self.join(*page),
            Event::Leave(index) => {
                if let Some(at) = pick(index, &self.connected) {
                    self.counts.leave(&self.connected.swap_remove(at).1, Share::default(), Moment(0));
                }
            }
            Event::Vanish(index) => {
                if let Some(at) = pick(index, &self.connected) {
                    let session = self.connected.swap_remove(at);
                    self.counts.add_away(&session.1);
                    self.counts.leave(&session.1, Share::default(), Moment(0));
                    self.away.push(session);
                }
            }
            Event::Return(index) => {
                if let Some(at) = pick(index, &self.away) {
                    let session = self.away.swap_remove(at);
                    self.join(session.0);
                    self.counts.remove_away(&session.1);
                }
            }
            Event::Expire(index) => {
                if let Some(at) = pick(index, &self.away) {
                    self.counts.remove_away(&self.away.swap_remove(at).1);
                }
            }
            Event::Restart(warmup) => {
                // Nobody knows who is there while no server is.
                self.met_since = None;
                self.counts = Counts::default();
                self.starts += 1;
                self.warm_at = self.now + *warmup;
                let all =
                    std::mem::take(&mut self.connected).into_iter().chain(std::mem::take(&mut self.away));
                for (page, _) in all.collect::<Vec<_>>() {
                    let (build, reported) = self::page(page);
                    let row = self.counts.restore_away(&self.app, RowKey { build, reported });
                    self.away.push((page, row));
                }
            }
            Event::Look(..) => {}
        }
        self.judge();
    }

    fn read(&self) -> Reading {
        let tally = self.counts.tally();
        let sorted = conditions()[self.which].sort(&self.app, tally.rows);
        Reading {
            here: sorted.here,
            unknown: sorted.unknown,
            complete: true,
            warming: self.now < self.warm_at,
            epoch: format!("{}.{}", self.starts, tally.forgotten),
        }
    }

    /// Looks, and answers whether the gate is open; never before it may be.
    fn look(&mut self, gate: &mut Gate, before: Period, after: Period) -> bool {
        let asked = self.now;
        self.pass(before);
        let verdict = gate.look(asked, self.now + after, self.read());
        if verdict == Verdict::Open {
            let so_for = self.met_since.map(|since| self.now.since(since));
            assert!(so_for >= Some(self.terms.hold), "open when it was so for {so_for:?}");
        }
        self.pass(after);
        verdict == Verdict::Open
    }

    /// As many leave as it waits for; others come and go as before. It must open soon after it may.
    fn end(&mut self, gate: &mut Gate) {
        let free: Vec<_> = (0..PAGES.len())
            .filter(|page| match PAGES[*page].2[self.which] {
                Belongs::Yes => false,
                Belongs::No => true,
                Belongs::Unknown => self.terms.ignore_unknown,
            })
            .collect();
        while !self.connected.is_empty() {
            self.happen(&Event::Leave(0));
        }
        while !self.away.is_empty() {
            self.happen(&Event::Expire(0));
        }
        let stays = (0..PAGES.len()).find(|page| PAGES[*page].2[self.which] == Belongs::Yes);
        for _ in 0..self.terms.max {
            self.happen(&Event::Join(stays.expect("the builds have one")));
        }
        let until = self.now.max(self.warm_at) + self.terms.hold + Period::secs(1);
        for page in free.iter().cycle() {
            if self.look(gate, Period(20), Period(20)) {
                return;
            }
            assert!(self.now <= until, "it was so for {} and a second", self.terms.hold);
            self.happen(&Event::Join(*page));
            self.pass(Period(100));
            self.happen(&Event::Leave(self.connected.len() - 1));
            self.pass(Period(110));
        }
    }
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn a_gate_never_opens_early_and_always_opens(
        which in 0..3_usize,
        max in 0..3_u64,
        hold in prop::sample::select(vec![0_u64, 700, 2_000]),
        away in any::<bool>(),
        ignore_unknown in any::<bool>(),
        events in prop::collection::vec((0..600_u64, any_event()), 0..150)
    ) {
        let terms = Terms { max, hold: Period(hold), away, ignore_unknown };
        let (mut world, mut gate) = (World::new(which, terms), Gate::new(terms));
        for (wait, event) in events {
            world.pass(Period(wait));
            world.happen(&event);
            if let Event::Look(before, after) = event
                && world.look(&mut gate, before, after)
            {
                return Ok(());
            }
        }
        world.end(&mut gate);
    }
}

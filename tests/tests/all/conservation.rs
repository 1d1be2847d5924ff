//! Everybody is in exactly one state of every campaign that is about them, whatever happens: a random schedule against
//! a naive telling of what each page has been through, with the real sessions, log and side table, but no sockets.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use freshwire::{
    core::{
        app::App,
        campaign::{Campaign, Kind},
        change::{Action, AppChange, Change, Floor, NewRelease, Severity, Terms, Topic, one_step},
        names::{AppName, BuildId, LogNumber},
        outcome::{Outcome, Parting, State},
        pace::Pace,
        time::{Moment, Period},
    },
    fleet::{Fleet, Patience, nats_bus::Alone},
    log::{
        ledger::{Ledger, Proposal},
        sqlite::SqliteLog,
    },
    session::{
        greeting::{Begun, Client, greet},
        machine::Now,
    },
};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

const STEPS: usize = 10_000;
const MOST_PAGES: usize = 60;
const BUILDS: [(&str, &str); 3] = [("a", "1.0.0"), ("b", "2.0.0"), ("c", "3.0.0")];

fn version(build: &str) -> &'static str {
    BUILDS.iter().find(|(name, _)| *name == build).unwrap().1
}

/// A page as it sees itself.
struct Page {
    build: &'static str,
    begun: Option<Begun>,
    session: Value,
    resume: Value,
    /// The notice before it, and the campaign that this stands for.
    open: Option<(u64, u64)>,
    /// Latest last.
    seen: Vec<Seen>,
    after: Option<(u64, &'static str)>,
    /// It runs another build than when it left.
    moved: bool,
    /// Where it is in each campaign, as naively told.
    is_in: BTreeMap<u64, Place>,
}

#[derive(Clone)]
struct Seen {
    notice: u64,
    run: u64,
    step: u64,
    is: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Place {
    state: State,
    run: u64,
    outcome: Option<Outcome>,
    told: bool,
    came_back: bool,
}

/// Places added up.
#[derive(Clone, Default)]
struct Sum {
    states: BTreeMap<State, u64>,
    targeted: u64,
    told: u64,
}

impl Sum {
    fn add(&mut self, place: &Place) {
        *self.states.entry(place.state).or_default() += 1;
        self.targeted += 1;
        self.told += u64::from(place.told);
    }
}

/// A node, that can be stopped and started again on the same folder.
struct Node {
    store: SqliteLog,
    fleet: Arc<Fleet>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Node {
    async fn start(folder: &Path) -> Self {
        let store = SqliteLog::open(folder).unwrap();
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let ledger = Ledger::open(Arc::new(store.clone()), &tasks, stop.clone()).await.unwrap();
        let side = Arc::new(store.side_table());
        let now = freshwire::clock::now();
        let patience =
            Patience { warmup: Period::ZERO, backend_ttl: Period::ZERO, peer_timeout: Period::ZERO };
        let fleet = Fleet::open("node".into(), &patience, ledger, side, Arc::new(Alone), now).await.unwrap();
        Self { store, fleet: Arc::new(fleet), tasks, stop }
    }

    async fn stop(self) {
        self.fleet.part_with_the_rest();
        self.fleet.write_side_tables().await;
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.store.close().await;
    }

    fn app(&self) -> Arc<App> {
        self.fleet.hub(&web()).unwrap().view().app.clone()
    }
}

fn web() -> AppName {
    "web".parse().unwrap()
}

fn build(name: &str) -> BuildId {
    name.parse().unwrap()
}

struct World {
    node: Option<Node>,
    pages: Vec<Page>,
    /// Those that are never heard of again.
    buried: BTreeMap<u64, Sum>,
    clock: Moment,
    start: Instant,
    began: Moment,
    random: StdRng,
}

impl World {
    fn node(&self) -> &Node {
        self.node.as_ref().unwrap()
    }

    fn now(&self) -> Now {
        Now { wall: self.clock, mono: self.start + self.clock.since(self.began).std() }
    }

    /// Makes a change if the rules allow it, and shows it to everybody.
    async fn change(&mut self, change: AppChange) {
        let topic = Topic::App(web());
        let proposal = Proposal { actor: "test".into(), request: None, if_number: None, topic };
        let change = Change::App { app: web(), change };
        let now = self.clock;
        let done = self.node().fleet.ledger().propose(&proposal, || now, |_| Ok(change.clone())).await;
        if done.is_ok() {
            self.replan();
        }
    }

    /// Everybody who is connected looks again.
    fn replan(&mut self) {
        let (now, app) = (self.now(), self.node().app());
        let view = self.node().fleet.hub(&web()).unwrap().view();
        for page in &mut self.pages {
            if let Some(begun) = &mut page.begun {
                let output = begun.session.on_view(&view, now);
                let frames: Vec<_> = output.frames.iter().map(|frame| frame.as_str().to_owned()).collect();
                page.take(&frames);
                page.settle(&app);
            }
        }
    }

    fn connect(&mut self, index: usize) {
        let (now, app) = (self.now(), self.node().app());
        let fleet = self.node().fleet.clone();
        let page = &mut self.pages[index];
        page.come_back(&app);
        let seen = page.seen.iter().enumerate().map(|(index, seen)| {
            let ago = 1_000 * (page.seen.len() - index);
            json!({"notice": seen.notice, "run": seen.run, "step": seen.step, "is": seen.is, "ago_ms": ago})
        });
        let mut hello = json!({"type": "hello", "app": "web", "build": page.build, "version": version(page.build),
            "seen": seen.collect::<Vec<_>>(), "page": {"visible": self.random.random::<bool>()}});
        (hello["session"], hello["resume"]) = (page.session.clone(), page.resume.clone());
        if let Some((notice, from)) = page.after {
            hello["after"] = json!({"notice": notice, "from": from, "tries": 1});
        }
        let begun = greet(&fleet, Client::default(), &hello.to_string(), now).unwrap();
        let frames: Vec<_> = begun.frames.iter().map(|frame| frame.as_str().to_owned()).collect();
        // The connection before, if there is one, goes after this one has come.
        page.begun = Some(begun);
        page.take(&frames);
        page.settle(&app);
    }

    fn leave(&mut self, index: usize, how: Parting) {
        let page = &mut self.pages[index];
        let mut begun = page.begun.take().unwrap();
        begun.session.part(how);
        drop(begun);
        page.part(how);
    }

    fn report(&mut self, index: usize, is: Outcome) {
        let (now, view) = (self.now(), self.node().fleet.hub(&web()).unwrap().view());
        let page = &mut self.pages[index];
        let Some((notice, campaign)) = page.open else { return };
        let frame = json!({"type": "outcome", "notice": notice, "is": is});
        page.begun.as_mut().unwrap().session.on_text(&frame.to_string(), &view, now);
        for seen in page.seen.iter_mut().filter(|seen| seen.notice == notice) {
            seen.is = is;
        }
        page.is_in.get_mut(&campaign).unwrap().report(is);
    }

    /// Stops the node while pages are connected, and starts it again.
    async fn restart(&mut self, folder: &Path) {
        let node = self.node.take().unwrap();
        node.fleet.part_with_the_rest();
        for page in self.pages.iter_mut().filter(|page| page.begun.is_some()) {
            page.part(Parting::Vanished);
            page.begun = None;
        }
        node.stop().await;
        self.node = Some(Node::start(folder).await);
    }

    /// The tallies, counted anew from everybody's own story.
    fn check(&self, step: usize) {
        let app = self.node().app();
        let hub = self.node().fleet.hub(&web()).unwrap();
        for page in &self.pages {
            let Some(begun) = &page.begun else { continue };
            for (number, place) in &page.is_in {
                let Some(record) = begun.session.membership().record(LogNumber(*number)) else { continue };
                if app.campaigns.contains_key(&record.campaign) {
                    let campaign = &app.campaigns[&record.campaign];
                    let story = format!("{:?} {:?} after {:?}", page.build, campaign, page.after);
                    assert_eq!(
                        (record.state, record.told),
                        (place.state, place.told),
                        "step {step}: {story}"
                    );
                }
            }
        }
        for number in app.campaigns.keys() {
            let mut all = self.buried.get(&number.0).cloned().unwrap_or_default();
            self.pages.iter().filter_map(|page| page.is_in.get(&number.0)).for_each(|place| all.add(place));
            let Sum { states, targeted, told } = all;
            let tally = hub.tallies.all().get(number).cloned().unwrap_or_default();
            let sum: u64 = tally.states().values().sum();
            assert_eq!(tally.targeted, sum, "step {step}, campaign {number}: {tally:?}");
            assert_eq!(
                (tally.states(), tally.targeted),
                (states, targeted),
                "step {step}, campaign {number}"
            );
            assert_eq!(tally.told, told, "told, step {step}, campaign {number}");
        }
    }
}

/// Whether a campaign has something to say to pages of a build.
fn about(app: &App, campaign: &Campaign, name: &str) -> bool {
    match &campaign.kind {
        Kind::Release => name != "c",
        Kind::Retire(bad) => bad.as_str() == name,
        Kind::Minimum => {
            let Some(minimum) = app.minimum() else { return false };
            let Floor::Version(floor) = &minimum.floor else { unreachable!() };
            !app.retired.contains_key(&build(name)) && version(name) < floor.to_string().as_str()
        }
    }
}

/// The campaign that stands for another one since that was replaced while it told pages.
fn heir(app: &App, number: u64) -> Option<u64> {
    let mut number = LogNumber(number);
    loop {
        if !app.campaigns.get(&number)?.ended {
            return Some(number.0);
        }
        number = app.campaigns.values().find(|other| other.keeps == Some(number))?.number;
    }
}

impl Page {
    fn new(build: &'static str, session: Uuid) -> Self {
        let (session, resume, open, after) = (json!(session), Value::Null, None, None);
        Self {
            build,
            begun: None,
            session,
            resume,
            open,
            seen: Vec::new(),
            after,
            moved: false,
            is_in: BTreeMap::new(),
        }
    }

    /// What the server says.
    fn take(&mut self, frames: &[String]) {
        for frame in frames {
            let frame: Value = serde_json::from_str(frame).unwrap();
            let notice = frame["notice"].as_u64();
            match frame["type"].as_str().unwrap() {
                "welcome" => {
                    (self.session, self.resume) = (frame["session"].clone(), frame["resume"].clone());
                }
                "notice" => {
                    let (notice, run, step) =
                        (notice.unwrap(), frame["run"].as_u64().unwrap(), &frame["step"]);
                    self.open = Some((notice, notice));
                    self.seen.retain(|seen| seen.notice != notice);
                    let (step, is) = (step.as_u64().unwrap(), Outcome::Received);
                    self.seen.push(Seen { notice, run, step, is });
                    let (told, came_back) =
                        self.is_in.get(&notice).map_or((false, false), |place| (place.told, place.came_back));
                    let state = State::Sent;
                    self.is_in.insert(notice, Place { state, run, outcome: None, told, came_back });
                }
                "withdraw" => self.open = self.open.filter(|(open, _)| Some(*open) != notice),
                _ => {}
            }
        }
    }

    /// Where it is in all campaigns, now that it knows what it was told.
    fn settle(&mut self, app: &App) {
        if let Some((notice, campaign)) = self.open
            && let Some(heir) = heir(app, campaign)
        {
            self.hand_over(app, heir);
            self.open = Some((notice, heir));
        }
        for campaign in app.campaigns.values().filter(|campaign| campaign.active()) {
            if !about(app, campaign, self.build) {
                continue;
            }
            let run = campaign.last_run().number.0;
            let waiting = Place { state: State::Waiting, run, outcome: None, told: false, came_back: false };
            let place = self.is_in.entry(campaign.number.0).or_insert(waiting);
            let afresh = matches!(place.state, State::Released | State::LeftBefore | State::Gone);
            if place.state.ended() && (afresh || place.run < run) {
                place.state = State::Waiting;
            }
        }
        for (number, place) in &mut self.is_in {
            let Some(campaign) = app.campaigns.get(&LogNumber(*number)) else { continue };
            if place.state.ended() || place.state == State::Refreshing {
                continue;
            }
            if campaign.ended || (campaign.active() && !about(app, campaign, self.build)) {
                place.state = State::Released;
            } else if campaign.paused() || self.open.is_none_or(|(_, open)| open != *number) {
                place.state = State::Waiting;
            }
        }
    }

    /// What it was told by a campaign that has been replaced, it was told by its heir.
    fn hand_over(&mut self, app: &App, heir: u64) {
        let told = |place: &Place| !place.state.ended() && place.state != State::Waiting;
        let run = app.campaigns[&LogNumber(heir)].last_run().number.0;
        let ended = |number: u64| app.campaigns.get(&LogNumber(number)).is_none_or(|campaign| campaign.ended);
        if self.is_in.get(&heir).is_none_or(|place| !told(place))
            && let Some((_, old)) =
                self.is_in.iter_mut().find(|(number, place)| ended(**number) && told(place))
        {
            let place = Place { run, ..*old };
            old.state = State::Released;
            self.is_in.insert(heir, place);
        }
    }

    fn part(&mut self, how: Parting) {
        for place in self.is_in.values_mut().filter(|place| !place.state.ended()) {
            place.state = match (place.state, how) {
                (State::Waiting, Parting::Left) => State::LeftBefore,
                (State::Waiting, _) => State::Waiting,
                (_, Parting::Left) => State::Gone,
                (State::Refreshing, _) => State::Refreshing,
                _ => State::Asleep,
            };
        }
    }

    /// What its hello makes of where it was.
    fn come_back(&mut self, app: &App) {
        let under_way = |number: u64| {
            app.campaigns.get(&LogNumber(number)).filter(|campaign| !campaign.ended).map(AsRef::as_ref)
        };
        let about_it = |number| under_way(number).is_some_and(|campaign| about(app, campaign, self.build));
        let mut news = None;
        if let Some((notice, from)) = self.after {
            let reloading = self.is_in.iter().find(|(_, place)| place.state == State::Refreshing);
            let number = reloading.map_or(notice, |(number, _)| *number);
            let old_news =
                |place: &Place| place.came_back || (place.state.ended() && under_way(number).is_none());
            if let Some(place) = self.is_in.get_mut(&number).filter(|place| !old_news(place)) {
                (place.told, place.came_back) = (true, true);
                place.state = match from == self.build {
                    false => State::Refreshed,
                    true if about_it(notice) || under_way(notice).is_some_and(Campaign::paused) => {
                        State::StillOld
                    }
                    true => State::Released,
                };
                news = Some(number);
            }
        }
        for (number, place) in self.is_in.iter_mut().filter(|(number, _)| Some(**number) != news) {
            if place.state.ended() && under_way(*number).is_none() {
                continue;
            }
            if self.moved && !about_it(*number) {
                place.move_on();
                continue;
            }
            let own = self.seen.iter().find(|seen| seen.notice == *number && seen.run == place.run);
            let active = under_way(*number).is_some_and(Campaign::active);
            let kept = |seen: &&Seen| seen.notice != *number && heir(app, seen.notice) == Some(*number);
            let kept = self.seen.iter().rev().find(kept).filter(|_| active && about_it(*number));
            let left = matches!(place.state, State::Asleep | State::Gone | State::LeftBefore);
            match own.or(kept).filter(|seen| seen.is != Outcome::Refreshing) {
                Some(seen) => {
                    if left {
                        place.state = place.outcome.map_or(State::Sent, Outcome::state);
                    }
                    if place.outcome != Some(seen.is) {
                        place.report(seen.is);
                    }
                }
                None if left || place.state == State::Refreshing => place.state = State::Waiting,
                None => {}
            }
        }
        (self.open, self.moved) = (None, false);
        let still = |seen: &&Seen| seen.is != Outcome::Refreshing;
        if let Some(seen) = self.seen.last().filter(still).filter(|_| news.is_none()) {
            let campaign = heir(app, seen.notice)
                .filter(|heir| under_way(*heir).is_some_and(Campaign::active) && about_it(*heir));
            let told = |number| self.is_in.get(&number).filter(|place: &&Place| !place.state.ended());
            if let Some(campaign) = campaign
                && !self.is_in.contains_key(&campaign)
                && told(seen.notice).is_none()
            {
                let last_run = app.campaigns[&LogNumber(campaign)].last_run().number.0;
                let run = if campaign == seen.notice { seen.run } else { last_run };
                let (state, outcome) = (seen.is.state(), Some(seen.is));
                self.is_in.insert(campaign, Place { state, run, outcome, told: true, came_back: false });
            }
            let campaign = campaign.unwrap_or(seen.notice);
            if !self.is_in.get(&campaign).is_some_and(|place| place.state.ended()) {
                self.open = Some((seen.notice, campaign));
            }
        }
    }
}

impl Place {
    fn report(&mut self, is: Outcome) {
        if !self.state.ended() {
            self.came_back &= is != Outcome::Refreshing;
            (self.state, self.outcome, self.told) = (is.state(), Some(is), true);
        }
    }

    fn move_on(&mut self) {
        self.state = match self.state {
            State::Waiting | State::LeftBefore => State::LeftBefore,
            State::Gone => State::Refreshed,
            ended if ended.ended() => ended,
            _ => State::Refreshed,
        };
    }
}

impl World {
    fn pick(&mut self, wanted: impl Fn(&Page) -> bool) -> Option<usize> {
        let found: Vec<_> = (0..self.pages.len()).filter(|index| wanted(&self.pages[*index])).collect();
        found.choose(&mut self.random).copied()
    }

    fn join(&mut self) {
        if self.pages.len() >= MOST_PAGES {
            if let Some(index) = self.pick(|page| page.begun.is_none()) {
                let page = self.pages.swap_remove(index);
                for (number, place) in page.is_in {
                    self.buried.entry(number).or_default().add(&place);
                }
            }
            return;
        }
        let build = *["a", "a", "b", "c"].choose(&mut self.random).unwrap();
        let session = Uuid::from_u128(self.random.random());
        self.pages.push(Page::new(build, session));
        self.connect(self.pages.len() - 1);
    }

    /// A page reloads for its notice, and will be back as current, or as old as before.
    fn reload(&mut self) {
        let Some(index) = self.pick(|page| page.begun.is_some() && page.open.is_some()) else { return };
        self.report(index, Outcome::Refreshing);
        self.leave(index, Parting::Refreshing);
        let moves = self.random.random_bool(0.7);
        let page = &mut self.pages[index];
        page.after = page.open.map(|(notice, _)| (notice, page.build));
        if moves {
            page.becomes("c");
        }
    }

    fn come_back(&mut self) {
        let Some(index) = self.pick(|page| page.begun.is_none()) else { return };
        let by_hand = self.random.random_bool(0.15);
        let page = &mut self.pages[index];
        if by_hand && !page.moved && page.build != "c" {
            page.after = None;
            page.becomes(if page.build == "a" { "b" } else { "c" });
        }
        self.connect(index);
    }

    async fn operate(&mut self) {
        let over = *[Period::ZERO, Period::secs(60), Period::mins(60)].choose(&mut self.random).unwrap();
        let steps = |action| Terms { steps: one_step(action), ..Terms::only(Pace::over(over)) };
        let app = self.node().app();
        let any = |wanted: fn(&Campaign) -> bool, random: &mut StdRng| {
            let found: Vec<_> = app.campaigns.values().filter(|campaign| wanted(campaign)).collect();
            found.choose(random).map(|campaign| (campaign.number, campaign.last_run().number))
        };
        let active = any(Campaign::active, &mut self.random);
        let paused = any(Campaign::paused, &mut self.random);
        let reason = "because".to_owned();
        let change = match self.random.random_range(0..12) {
            0 | 1 => {
                let floor = *["2.0.0", "3.0.0"].choose(&mut self.random).unwrap();
                let (floor, terms) = (Floor::Version(floor.parse().unwrap()), steps(Action::Countdown));
                Some(AppChange::Minimum { floor, reason, terms })
            }
            2 => Some(AppChange::MinimumUndo),
            3 => Some(AppChange::Retire { build: build("a"), reason, terms: steps(Action::Force) }),
            4 => Some(AppChange::Reinstate { build: build("a") }),
            5 | 6 => {
                Some(AppChange::Current { build: build("c"), reason: None, terms: Terms::only_over(over) })
            }
            7 | 8 => active.map(|(campaign, run)| AppChange::Pause { campaign, run, reason, brake: false }),
            9 | 10 => paused.map(|(campaign, _)| AppChange::Resume { campaign, reason: None }),
            _ => active.map(|(campaign, _)| AppChange::Abort { campaign, reason: None }),
        };
        if let Some(change) = change {
            self.change(change).await;
        }
    }

    async fn step(&mut self) {
        let connected = |page: &Page| page.begun.is_some();
        match self.random.random_range(0..100) {
            0..20 => self.join(),
            20..50 => {
                if let Some(index) = self.pick(|page| connected(page) && page.open.is_some()) {
                    let outcomes = [
                        Outcome::Received,
                        Outcome::Shown,
                        Outcome::Snoozed,
                        Outcome::Held,
                        Outcome::OriginStale,
                        Outcome::Failed,
                    ];
                    let is = *outcomes.choose(&mut self.random).unwrap();
                    self.report(index, is);
                }
            }
            50..60 => self.reload(),
            60..74 => {
                if let Some(index) = self.pick(connected) {
                    let how = if self.random.random() { Parting::Left } else { Parting::Vanished };
                    self.leave(index, how);
                }
            }
            74..92 => self.come_back(),
            92..94 => {
                if let Some(index) = self.pick(connected) {
                    self.connect(index);
                }
            }
            94..96 => {
                self.clock = self.clock + Period(self.random.random_range(0..30_000));
                self.replan();
            }
            _ => self.operate().await,
        }
    }
}

impl Page {
    /// It is loaded anew as another build, of which it was told nothing.
    fn becomes(&mut self, build: &'static str) {
        (self.build, self.moved) = (build, true);
        self.seen.clear();
    }
}

#[tokio::test]
async fn targeted_is_the_sum_over_all_states_after_every_step_of_ten_thousand() {
    let folder = TempDir::new().unwrap();
    let seed = std::env::var("SEED").map_or(4, |seed| seed.parse().unwrap());
    let began = freshwire::clock::now();
    let mut world = World {
        node: Some(Node::start(folder.path()).await),
        pages: Vec::new(),
        buried: BTreeMap::new(),
        clock: began,
        start: Instant::now(),
        began,
        random: StdRng::seed_from_u64(seed),
    };
    for (name, text) in BUILDS {
        let severity = if name == "c" { Severity::Important } else { Severity::Silent };
        let new = json!({"build": name, "version": text, "severity": severity});
        let new: NewRelease = serde_json::from_value(new).unwrap();
        let topic = Topic::App(web());
        let proposal = Proposal { actor: "test".into(), request: None, if_number: None, topic };
        let change = Change::App { app: web(), change: AppChange::Release(Box::new(new)) };
        world.node().fleet.ledger().propose(&proposal, || began, |_| Ok(change.clone())).await.unwrap();
    }
    let mut told = 0;
    for step in 0..STEPS {
        world.step().await;
        if step % 400 == 399 {
            world.restart(folder.path()).await;
        }
        world.check(step);
        told += world.pages.iter().filter(|page| page.open.is_some()).count();
    }
    assert!(told > STEPS, "a schedule in which too little happens shows nothing");
    world.node.take().unwrap().stop().await;
}

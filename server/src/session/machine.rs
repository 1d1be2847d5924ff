//! A session as a state machine: messages in, messages out. It never touches the socket and reads no clock.

mod polled;
mod pushed;

use std::{cmp::Ordering, time::Duration};

use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use self::pushed::Pushed;
use super::{Timing, close::Close, reconcile};
use crate::{
    core::{
        enrol::follow,
        frames::{EvidenceKind, Hello, OutcomeFrame, PageFrame, PushOutcome, Seen, ServerFrame},
        judge::{Judged, below_floor, key, registered_key},
        names::{BuildId, LogNumber},
        outcome::{Outcome, Parting, Record, State},
        plan::{Facts, Level, Sight, plan},
        time::Moment,
    },
    fleet::{
        drain::Drain,
        hub::{Outlook, View},
        records::Returned,
        registry::Membership,
    },
};

/// A page that hasn't acknowledged a notice for so long is asleep.
const ACKNOWLEDGES_WITHIN: Duration = Duration::from_mins(1);

/// One moment by two clocks: the wall's for what campaigns say, the monotonic one for what a connection needs.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// For plans.
    pub wall: Moment,
    /// For deadlines of this connection.
    pub mono: Instant,
}

impl Now {
    /// Reads both clocks.
    pub fn read() -> Self {
        Self { wall: crate::clock::now(), mono: Instant::now() }
    }

    /// The monotonic time of a moment.
    fn instant_of(self, moment: Moment) -> Instant {
        self.mono + moment.since(self.wall).std()
    }
}

/// A joined session.
pub struct Session {
    membership: Membership,
    /// What the page was told, by its hello and by this connection.
    sights: Vec<Sight>,
    /// The notice that the page has before it.
    open: Option<Open>,
    /// What another node told it by an entry that this one hasn't read yet. Hardly ever there, so it takes no room.
    ahead: Option<Box<Seen>>,
    /// What the page has had of the pushes, by its hello or by this connection.
    pushed: Pushed,
    /// When the next of them comes due.
    push_at: Option<Instant>,
    judged: Judged,
    current: Option<BuildId>,
    heard_at: Instant,
    pong_by: Option<Instant>,
    acknowledge_by: Option<Instant>,
    plan_at: Option<Instant>,
    goodbye_at: Option<Instant>,
}

/// The notice that a page has before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Open {
    /// As the page knows it.
    pub notice: LogNumber,
    /// The campaign that it stands for: another one, if that has replaced the notice's own.
    pub campaign: LogNumber,
}

/// What the machine wants done after a message.
#[derive(Default)]
pub struct Output {
    /// Text frames to send, in this order.
    pub frames: Vec<Utf8Bytes>,
    /// Then a protocol ping.
    pub ping: bool,
    /// Then the end.
    pub close: Option<Close>,
}

impl Output {
    /// There is nothing to be done.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty() && !self.ping && self.close.is_none()
    }
}

impl Session {
    /// The session after its hello, and what to send: the welcome, and what the page is owed.
    pub(super) fn start(
        membership: Membership,
        view: &View,
        hello: &Hello,
        returned: Returned,
        now: Now,
    ) -> (Self, Vec<Utf8Bytes>) {
        let outlook = view.outlook(&membership.slot().row);
        let judged = outlook.prospect.judged;
        let mut frames = vec![welcome(&membership, view, judged)];
        let past = reconcile::past(view, &outlook.prospect, hello, returned, now.wall);
        let pushed = Pushed::up_to(hello.pushed, view, membership.slot().id, now.wall);
        let mut session = Self {
            membership,
            sights: past.sights,
            open: past.open,
            ahead: past.ahead,
            pushed,
            push_at: None,
            judged,
            current: view.app.current.clone(),
            heard_at: now.mono,
            pong_by: None,
            acknowledge_by: None,
            plan_at: None,
            goodbye_at: None,
        };
        for record in past.records {
            session.membership.set_record(&record);
        }
        session.replan(view, &outlook, now, &mut frames);
        session.push(view, now, &mut frames);
        session.note_drain(view.drain.as_ref());
        (session, frames)
    }

    /// A text frame from the page.
    pub fn on_text(&mut self, text: &str, view: &View, now: Now) -> Output {
        let mut output = Output::default();
        self.heard(now);
        match super::greeting::parse(text) {
            Ok(frame) => self.on_frame(frame, view, now, &mut output),
            Err(close) => output.close = Some(close),
        }
        output
    }

    fn on_frame(&mut self, frame: PageFrame, view: &View, now: Now, output: &mut Output) {
        match frame {
            PageFrame::Hello(_) => output.close = Some(Close::BadMessage("a second hello".into())),
            PageFrame::Page(page) => {
                self.membership.slot().set_page(page);
                self.wake();
            }
            PageFrame::Outcome(OutcomeFrame::Notice { notice, is: Some(is), detail }) => {
                self.on_outcome(notice, is, detail);
            }
            PageFrame::Outcome(OutcomeFrame::Push { push, is: Some(is) }) => {
                self.on_push_outcome(push, is, view);
            }
            PageFrame::Outcome(_) | PageFrame::Unknown => {}
            PageFrame::Found { build } => {
                let better = build.parse().is_ok_and(|build| self.better(view, &build));
                output.frames.push(ServerFrame::Better { build: &build, better }.encode().into());
            }
            PageFrame::Evidence { kind, .. } => {
                if matches!(kind, Some(EvidenceKind::ChunkError | EvidenceKind::Asset404)) {
                    let slot = self.membership.slot();
                    slot.hub.counts.fail(&slot.row, now.wall);
                }
                let kind = kind.map_or("unknown", EvidenceKind::as_str);
                metrics::counter!("freshwire_evidence_total", "kind" => kind).increment(1);
                // A page that doubts itself is told what is thought of it now.
                let outlook = view.outlook(&self.membership.slot().row);
                self.stand(view, &outlook, &mut output.frames);
            }
            PageFrame::Ping => output.frames.push(ServerFrame::Pong.encode().into()),
        }
    }

    /// Any sign of life on the connection.
    pub fn heard(&mut self, now: Now) {
        self.heard_at = now.mono;
        self.pong_by = None;
    }

    /// The app's state, or the node's, has changed.
    pub fn on_view(&mut self, view: &View, now: Now) -> Output {
        let mut output = Output::default();
        let outlook = view.outlook(&self.membership.slot().row);
        if self.judged != outlook.prospect.judged || self.current != view.app.current {
            self.stand(view, &outlook, &mut output.frames);
        }
        self.replan(view, &outlook, now, &mut output.frames);
        self.push(view, now, &mut output.frames);
        self.note_drain(view.drain.as_ref());
        output
    }

    /// Something may be due.
    pub fn on_time(&mut self, view: &View, timing: &Timing, now: Now) -> Output {
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now.mono);
        let mut output = Output::default();
        if due(self.goodbye_at) {
            let in_ms = view.drain.as_ref().map_or(0, |drain| drain.back_in(now.mono));
            output.frames.push(ServerFrame::Reconnect { in_ms }.encode().into());
            output.close = Some(Close::GoingAway);
            return output;
        }
        if due(self.pong_by) {
            output.close = Some(Close::PongTimeout);
            return output;
        }
        if self.pong_by.is_none() && due(Some(self.heard_at + timing.ping_interval.std())) {
            self.pong_by = Some(now.mono + timing.pong_timeout.std());
            output.ping = true;
        }
        if due(self.acknowledge_by) {
            self.acknowledge_by = None;
            self.change_open(|record| record.state = State::Asleep);
        }
        if due(self.plan_at) {
            let outlook = view.outlook(&self.membership.slot().row);
            self.replan(view, &outlook, now, &mut output.frames);
        }
        if due(self.push_at) {
            self.push(view, now, &mut output.frames);
        }
        output
    }

    /// When `on_time` wants to be called next.
    pub fn next_time(&self, timing: &Timing) -> Instant {
        let ping_at = self.pong_by.unwrap_or(self.heard_at + timing.ping_interval.std());
        let others = [self.acknowledge_by, self.plan_at, self.push_at, self.goodbye_at];
        others.into_iter().flatten().fold(ping_at, Instant::min)
    }

    /// Its place in the fleet.
    pub fn membership(&self) -> &Membership {
        &self.membership
    }

    /// Says how it leaves.
    pub fn part(&mut self, parting: Parting) {
        self.membership.parting = parting;
    }

    /// Tells the page where it stands.
    fn stand(&mut self, view: &View, outlook: &Outlook, frames: &mut Vec<Utf8Bytes>) {
        self.judged = outlook.prospect.judged;
        self.current.clone_from(&view.app.current);
        frames.push(view.standing_frame(outlook));
    }

    /// Sends the pushes that are for the page, that it has not had, and whose turn it is: in the order of their turns.
    fn push(&mut self, view: &View, now: Now, frames: &mut Vec<Utf8Bytes>) {
        let slot = self.membership.slot();
        // As in a plan, a node whose clock is behind the log's last entry goes by the entry.
        let wall = now.wall.max(view.app.last_at);
        let mut turns: Vec<_> = view
            .pushes
            .live(wall)
            .filter(|push| push.push.select.takes(self.judged.standing, &slot.build, &slot.labels))
            .filter(|push| !self.pushed.has(push.push.number))
            .map(|push| (push.push.due_at(slot.id), push))
            .collect();
        turns.sort_unstable_by_key(|(due_at, push)| (*due_at, push.push.number));
        let (due, later) = turns.split_at(turns.partition_point(|(due_at, _)| *due_at <= wall));
        self.push_at = later.first().map(|(due_at, _)| now.instant_of(*due_at));
        for (_, push) in due {
            frames.push(push.send());
            metrics::counter!("freshwire_pushes_total").increment(1);
            self.pushed.add(push.push.number, view);
        }
    }

    /// Tells the page what it is owed now, or that it is owed nothing any more.
    fn replan(&mut self, view: &View, outlook: &Outlook, now: Now, frames: &mut Vec<Utf8Bytes>) {
        self.read_up(view, outlook);
        let slot = self.membership.slot();
        let facts = Facts { session: slot.id, joined_at: slot.connected_at, sights: &self.sights };
        let owed = plan(&view.app, &outlook.prospect, facts, now.wall);
        self.plan_at = owed.next.map(|next| now.instant_of(next));
        match owed.level {
            Some(level) => match level.told {
                None => self.tell(view, outlook, level, now, frames),
                // It knew it once, but something else took its place since.
                Some(by) if !self.has_open(by, level.campaign) => {
                    self.tell(view, outlook, level, now, frames);
                }
                Some(by) => self.keep_told(view, level, by),
            },
            // It may well be owed by what this node hasn't read.
            None if self.ahead.is_some() => {}
            None => self.withdraw(frames),
        }
        self.follow(view, outlook);
    }

    /// Once this node has read what the page was told by, the page is where it says.
    fn read_up(&mut self, view: &View, outlook: &Outlook) {
        let Some(seen) = self.ahead.take_if(|seen| !reconcile::is_ahead(view, seen)) else { return };
        if let Some(record) = reconcile::by_its_word(view, &outlook.prospect, &seen)
            && self.membership.record(record.campaign).is_none()
        {
            self.membership.set_record(&record);
        }
    }

    /// The page has a notice before it by this name, or one that stands for this campaign.
    fn has_open(&self, notice: LogNumber, campaign: LogNumber) -> bool {
        self.open.is_some_and(|open| open.notice == notice || open.campaign == campaign)
    }

    fn tell(&mut self, view: &View, outlook: &Outlook, level: Level, now: Now, frames: &mut Vec<Utf8Bytes>) {
        let Some(frame) = view.notice_frame(outlook, level) else { return };
        frames.push(frame);
        metrics::counter!("freshwire_notices_total", "action" => level.action.as_str()).increment(1);
        let Level { campaign, run, step, action, .. } = level;
        // A notice that comes back after a stronger one is no later for that.
        let same = |sight: &&Sight| (sight.campaign, sight.run, sight.step) == (campaign, run, step);
        let at = self.sights.iter().find(same).map_or(now.wall, |sight| sight.at);
        self.sights.retain(|sight| sight.campaign != campaign);
        self.sights.push(Sight { campaign, run, step, at, spent: false });
        self.open = Some(Open { notice: campaign, campaign });
        self.acknowledge_by = Some(now.mono + ACKNOWLEDGES_WITHIN);
        let before = self.membership.record(campaign);
        let (told, came_back) = before.map_or((false, false), |record| (record.told, record.came_back));
        let waiting = Record::waiting(campaign, run, action);
        self.membership.set_record(&Record { step, state: State::Sent, told, came_back, ..waiting });
    }

    /// The page knows what it is owed, perhaps by the name of a campaign that has been replaced since.
    fn keep_told(&mut self, view: &View, level: Level, by: LogNumber) {
        let Level { campaign, run, .. } = level;
        self.open = Some(Open { notice: by, campaign });
        if by != campaign {
            self.hand_over(view, campaign, run);
        }
    }

    /// A session is where it was in the campaign that another one has replaced, which lets it go.
    fn hand_over(&self, view: &View, campaign: LogNumber, run: LogNumber) {
        let told = |record: &Record| !record.state.ended() && record.state != State::Waiting;
        if self.membership.record(campaign).is_some_and(|record| told(&record)) {
            return;
        }
        let replaced = |record: &&Record| {
            record.campaign != campaign
                && told(record)
                && view.app.campaigns.get(&record.campaign).is_none_or(|campaign| campaign.ended)
        };
        let slot = self.membership.slot();
        if let Some(old) = slot.with_records(|records| records.iter().find(replaced).cloned()) {
            self.membership.set_record(&Record { state: State::Released, ..old.clone() });
            self.membership.set_record(&Record { campaign, run, ..old });
        }
    }

    /// Comes into the campaigns that are about the session, and leaves those that no longer are.
    fn follow(&self, view: &View, outlook: &Outlook) {
        let open = self.open.map(|open| open.campaign);
        let slot = self.membership.slot();
        let changed = slot.with_records(|records| follow(&view.app, &outlook.prospect, open, records));
        for record in changed {
            self.membership.set_record(&record);
        }
        self.membership.forget_records(view);
    }

    /// Takes back what the page has before it, unless it has acted on it.
    fn withdraw(&mut self, frames: &mut Vec<Utf8Bytes>) {
        let Some(open) = self.open.take() else { return };
        self.acknowledge_by = None;
        let record = self.membership.record(open.campaign);
        let acted = |state| matches!(state, State::Refreshing | State::Refreshed | State::Swapped);
        if !record.is_some_and(|record| acted(record.state)) {
            frames.push(ServerFrame::Withdraw { notice: open.notice }.encode().into());
        }
    }

    fn on_outcome(&mut self, notice: LogNumber, is: Outcome, detail: Option<String>) {
        metrics::counter!("freshwire_outcomes_total", "is" => is.as_str()).increment(1);
        // A page that was told by a campaign's predecessor goes on speaking of that one.
        if self.open.is_some_and(|open| open.notice == notice) {
            self.acknowledge_by = None;
            if let Some(seen) = self.ahead.as_mut().filter(|seen| seen.notice == notice) {
                seen.is = Some(is);
            }
            self.change_open(|record| record.report(is, detail));
        }
    }

    fn on_push_outcome(&self, push: LogNumber, is: PushOutcome, view: &View) {
        metrics::counter!("freshwire_push_outcomes_total", "is" => is.as_str()).increment(1);
        if let Some(push) = view.pushes.get(push).filter(|_| self.pushed.has(push)) {
            push.report(is);
        }
    }

    /// A page that speaks is not asleep.
    fn wake(&mut self) {
        self.change_open(|record| {
            if record.state == State::Asleep {
                record.state = record.outcome.map_or(State::Sent, Outcome::state);
            }
        });
    }

    /// Changes where the session is in the campaign whose notice its page has before it.
    fn change_open(&self, change: impl FnOnce(&mut Record)) {
        let record = self.open.and_then(|open| self.membership.record(open.campaign));
        if let Some(mut record) = record {
            let before = record.clone();
            change(&mut record);
            if record != before {
                self.membership.set_record(&record);
            }
        }
    }

    /// Whether a build that the page could load is better than the one it runs: current, or sound and nearer to it.
    fn better(&self, view: &View, found: &BuildId) -> bool {
        let slot = self.membership.slot();
        let app = &view.app;
        if *found == slot.build || app.retired.contains_key(found) {
            return false;
        }
        if app.current.as_ref() == Some(found) {
            return true;
        }
        let own = key(app, &slot.build, slot.reported.as_ref());
        let current = app.current.as_ref().and_then(|current| registered_key(app, current));
        let (Some(own), Some(current), Some(found)) = (own, current, registered_key(app, found)) else {
            return false;
        };
        // A page that is ahead gets better by going back.
        let ahead = own.compare(current) == Some(Ordering::Greater);
        let towards = if ahead { Ordering::Greater } else { Ordering::Less };
        let passes_by = ahead && found.compare(current) == Some(Ordering::Less);
        own.compare(found) == Some(towards) && !passes_by && !below_floor(app, found)
    }

    fn note_drain(&mut self, drain: Option<&Drain>) {
        if let (Some(drain), None) = (drain, self.goodbye_at) {
            self.goodbye_at = Some(drain.goodbye_at());
        }
    }
}

fn welcome(membership: &Membership, view: &View, judged: Judged) -> Utf8Bytes {
    let slot = membership.slot();
    let welcome = ServerFrame::Welcome {
        session: slot.id,
        resume: slot.resume().into(),
        node: &membership.fleet().node,
        standing: judged.standing,
        why: judged.why,
        current: view.target(),
    };
    welcome.encode().into()
}

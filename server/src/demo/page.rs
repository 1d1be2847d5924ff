//! One simulated page: says hello, meets notices as its temper has it, looks at the document, and comes back on it.

use std::{sync::Arc, time::Duration};

use freshwire::core::{change::Action, outcome::Outcome};
use futures_util::StreamExt;
use rand::Rng;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::Message;

use super::{
    build::Build,
    operator::APP,
    stage::Stage,
    temper::{Temper, between, chance, now_and_then},
    wire::{self, Frame, Identity, Notice, Socket, Target, say},
};

/// A seat's page is closed, or its laptop, about this often, in seconds.
const DRIFTS_EVERY: f64 = 1_200.0;
const LEAVING: u16 = 3001;
const REFRESHING: u16 = 3002;
const UNSAVED: &str = "unsaved order";

/// How a connection ended.
pub enum End {
    /// It reloads, and will be this build.
    Refreshing(Arc<Build>),
    /// Closed.
    Left,
    /// Gone without a word; it will be back.
    Vanished,
    /// The server's doing, or the network's: try again after this.
    Lost(Duration),
}

/// A page of the crowd.
pub struct Page {
    build: String,
    version: String,
    temper: Temper,
    region: &'static str,
    visible: bool,
    ordering: bool,
    naps: Option<Duration>,
    identity: Option<Identity>,
    seen: Vec<Seen>,
    notice: Option<Notice>,
    after: Option<Value>,
    said: Option<Outcome>,
    agenda: Vec<(Instant, Step)>,
}

struct Seen {
    notice: u64,
    run: u64,
    step: u8,
    is: Outcome,
    at: Instant,
}

/// What a page means to do at some time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Its people see the prompt.
    See,
    /// They put it off.
    Snooze,
    /// They agree: look, and reload.
    Go,
    /// The laptop is opened again, the tab is turned to.
    Wake,
    /// An order is begun or saved.
    Order,
    /// The page, or its laptop, is closed.
    Drift,
    /// The laptop is closed.
    Nap,
}

impl Step {
    /// Belongs to the notice rather than to the page.
    const fn of_notice(self) -> bool {
        matches!(self, Self::See | Self::Snooze | Self::Go | Self::Wake)
    }
}

impl Page {
    /// A page that was just loaded. `naps`: its laptop is closed that soon.
    pub fn open(build: &Build, temper: Temper, naps: Option<Duration>) -> Self {
        Self {
            build: build.id.clone(),
            version: build.version.clone(),
            temper,
            region: ["eu", "us", "apac"][rand::rng().random_range(0..3)],
            visible: temper != Temper::Elsewhere && temper != Temper::Dozing,
            ordering: false,
            naps,
            identity: None,
            seen: Vec::new(),
            notice: None,
            after: None,
            said: None,
            agenda: Vec::new(),
        }
    }

    /// The same session on another build: what the old one was told is not the new one's, which may be asked to move on.
    pub fn come_back_as(&mut self, build: &Build) {
        let from = std::mem::replace(&mut self.build, build.id.clone());
        self.version.clone_from(&build.version);
        self.seen.clear();
        self.after =
            self.notice.take().map(|notice| json!({ "notice": notice.campaign, "from": from, "tries": 1 }));
        self.said = None;
    }

    /// Connects, and lives until the connection ends.
    pub async fn connect(&mut self, stage: &Stage) -> End {
        let Some(mut socket) = wire::open(stage).await else { return End::Lost(between(1.0, 5.0)) };
        if say(&mut socket, &self.hello()).await.is_none() {
            return End::Lost(between(0.5, 4.0));
        }
        self.after = None;
        self.begin_agenda();
        let mut back_in = None;
        loop {
            let next = self.agenda.iter().map(|(at, _)| *at).min().expect("a page always drifts some day");
            let end = tokio::select! {
                message = socket.next() => match message {
                    Some(Ok(Message::Text(text))) => match serde_json::from_str(&text) {
                        Ok(Frame::Reconnect { in_ms }) => {
                            back_in = Some(Duration::from_millis(in_ms));
                            Ok(None)
                        }
                        Ok(frame) => self.on_frame(frame, stage, &mut socket).await.ok_or(()),
                        Err(_) => Ok(None),
                    },
                    Some(Ok(Message::Close(_)) | Err(_)) | None => Err(()),
                    Some(Ok(_)) => Ok(None),
                },
                () = sleep_until(next) => self.on_time(stage, &mut socket).await.ok_or(()),
            };
            match end {
                Ok(None) => {}
                Ok(Some(end)) => {
                    match end {
                        End::Refreshing(_) => wire::close(socket, REFRESHING).await,
                        End::Left => wire::close(socket, LEAVING).await,
                        // Dropped without a word.
                        End::Vanished | End::Lost(_) => {}
                    }
                    return end;
                }
                Err(()) => return End::Lost(back_in.unwrap_or_else(|| between(0.5, 4.0))),
            }
        }
    }

    fn hello(&self) -> Value {
        let seen: Vec<_> = self
            .seen
            .iter()
            .map(|seen| {
                json!({ "notice": seen.notice, "run": seen.run, "step": seen.step, "is": seen.is,
                        "ago_ms": u64::try_from(seen.at.elapsed().as_millis()).unwrap_or(u64::MAX) })
            })
            .collect();
        let mut hello = json!({
            "type": "hello", "app": APP, "build": self.build, "version": self.version,
            "client": "freshwire-demo", "labels": { "region": self.region }, "page": self.facts(), "seen": seen,
        });
        if let Some(Identity { session, resume, node }) = &self.identity {
            hello["session"] = session.as_str().into();
            hello["resume"] = resume.as_str().into();
            hello["via"] = node.as_str().into();
        }
        if let Some(after) = &self.after {
            hello["after"] = after.clone();
        }
        hello
    }

    fn facts(&self) -> Value {
        let holds: &[&str] = if self.ordering { &[UNSAVED] } else { &[] };
        json!({ "visible": self.visible, "frozen": false, "holds": holds })
    }

    fn begin_agenda(&mut self) {
        self.agenda.clear();
        self.plan(Step::Drift, now_and_then(DRIFTS_EVERY));
        if self.temper == Temper::Ordering {
            self.plan(Step::Order, between(1.0, 40.0));
        }
        if let Some(soon) = self.naps.take() {
            self.plan(Step::Nap, soon);
        }
        if self.notice.is_some() {
            self.plan(Step::Go, self.temper.acts_after());
        }
    }

    fn plan(&mut self, step: Step, after: Duration) {
        self.agenda.push((Instant::now() + after, step));
    }

    fn forget_notice(&mut self) {
        self.notice = None;
        self.said = None;
        self.agenda.retain(|(_, step)| !step.of_notice());
    }

    /// None: the connection is lost.
    async fn on_frame(&mut self, frame: Frame, stage: &Stage, socket: &mut Socket) -> Option<Option<End>> {
        match frame {
            Frame::Welcome { identity, current } => {
                self.identity = Some(identity);
                self.on_current(current);
            }
            Frame::Standing { current } => self.on_current(current),
            Frame::Withdraw { notice }
                if self.notice.as_ref().is_some_and(|open| open.campaign == notice) =>
            {
                self.forget_notice();
            }
            Frame::Notice(notice) => self.on_notice(notice, socket).await?,
            Frame::Better { build, better: true } => {
                if let Some(build) = stage.build(&build) {
                    return self.leave(build, socket).await;
                }
            }
            Frame::Better { build, better: false } => self.stay(&build, socket).await?,
            Frame::Withdraw { .. } | Frame::Reconnect { .. } | Frame::Other => {}
        }
        Some(None)
    }

    /// A notice asks for whatever is current.
    fn on_current(&mut self, current: Option<Target>) {
        let (Some(current), Some(notice)) = (current, &mut self.notice) else { return };
        if current.build == self.build {
            self.forget_notice();
        } else {
            notice.build = current.build;
        }
    }

    async fn on_notice(&mut self, notice: Notice, socket: &mut Socket) -> Option<()> {
        self.forget_notice();
        self.seen.retain(|seen| seen.notice != notice.campaign);
        let Notice { campaign, run, step, action, .. } = notice;
        self.seen.push(Seen { notice: campaign, run, step, is: Outcome::Received, at: Instant::now() });
        self.notice = Some(notice);
        if self.temper == Temper::Dozing {
            // Not even `received`: the server finds out that it sleeps.
            self.plan(Step::Wake, self.temper.acts_after());
            return Some(());
        }
        self.report(Outcome::Received, None, socket).await?;
        match (action, self.temper) {
            (Action::Silent | Action::Navigate, _) => self.plan(Step::Go, between(3.0, 12.0)),
            (Action::Force, _) => self.plan(Step::Go, between(0.5, 2.0)),
            (_, Temper::Elsewhere) => self.plan(Step::Wake, self.temper.acts_after()),
            (Action::Prompt, Temper::Snoozer) => {
                self.plan(Step::See, between(0.3, 1.0));
                self.plan(Step::Snooze, self.temper.acts_after());
                self.plan(Step::Go, between(25.0, 60.0));
            }
            (Action::Countdown, Temper::Snoozer) => {
                self.plan(Step::See, between(0.3, 1.0));
                self.plan(Step::Go, between(15.0, 45.0));
            }
            _ => {
                self.plan(Step::See, between(0.3, 1.0));
                self.plan(Step::Go, self.temper.acts_after());
            }
        }
        Some(())
    }

    /// None: the connection is lost.
    async fn on_time(&mut self, stage: &Stage, socket: &mut Socket) -> Option<Option<End>> {
        let now = Instant::now();
        let Some(due) = self.agenda.iter().position(|(at, _)| *at <= now) else { return Some(None) };
        match self.agenda.swap_remove(due).1 {
            Step::See => self.report(Outcome::Shown, None, socket).await?,
            Step::Snooze => self.report(Outcome::Snoozed, None, socket).await?,
            Step::Go => return self.go(stage, socket).await,
            Step::Wake => {
                self.visible = true;
                self.tell_facts(socket).await?;
                self.report(Outcome::Received, None, socket).await?;
                self.plan(Step::See, between(0.2, 0.6));
                self.plan(Step::Go, between(2.0, 6.0));
            }
            Step::Order => {
                self.ordering = !self.ordering;
                self.plan(Step::Order, between(20.0, 50.0));
                self.tell_facts(socket).await?;
                if !self.ordering && self.said == Some(Outcome::Held) {
                    self.plan(Step::Go, between(0.5, 2.0));
                }
            }
            Step::Nap => return Some(Some(End::Vanished)),
            Step::Drift if chance(50) => return Some(Some(End::Vanished)),
            Step::Drift => return Some(Some(End::Left)),
        }
        Some(None)
    }

    /// As the snippet does: looks at the document that it would load, and reloads only for a better one.
    async fn go(&mut self, stage: &Stage, socket: &mut Socket) -> Option<Option<End>> {
        let Some(notice) = &self.notice else { return Some(None) };
        if self.ordering && notice.action != Action::Force {
            self.report(Outcome::Held, Some(UNSAVED.to_owned()), socket).await?;
            return Some(None);
        }
        let served = stage.served();
        if served.id == notice.build {
            return self.leave(served, socket).await;
        }
        if served.id == self.build {
            self.stay(&served.id, socket).await?;
        } else {
            say(socket, &json!({ "type": "found", "build": served.id })).await?;
        }
        Some(None)
    }

    async fn leave(&mut self, build: Arc<Build>, socket: &mut Socket) -> Option<Option<End>> {
        self.report(Outcome::Refreshing, None, socket).await?;
        Some(Some(End::Refreshing(build)))
    }

    async fn stay(&mut self, found: &str, socket: &mut Socket) -> Option<()> {
        self.report(Outcome::OriginStale, Some(format!("the document carries {found}")), socket).await?;
        self.plan(Step::Go, between(3.0, 9.0));
        Some(())
    }

    /// Each outcome once per change.
    async fn report(&mut self, is: Outcome, detail: Option<String>, socket: &mut Socket) -> Option<()> {
        let Some(Notice { campaign: notice, .. }) = self.notice else { return Some(()) };
        if self.said == Some(is) {
            return Some(());
        }
        self.said = Some(is);
        for seen in self.seen.iter_mut().filter(|seen| seen.notice == notice) {
            seen.is = is;
        }
        say(socket, &json!({ "type": "outcome", "notice": notice, "is": is, "detail": detail })).await
    }

    async fn tell_facts(&self, socket: &mut Socket) -> Option<()> {
        let mut frame = self.facts();
        frame["type"] = "page".into();
        say(socket, &frame).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_came_halfway_can_be_told_again() {
        let [old, halfway] = ["old", "halfway"].map(|id| Build::new(1, id, "1.0.0", "A release"));
        let mut page = Page::open(&old, Temper::Willing, None);
        let is = Outcome::Refreshing;
        page.seen.push(Seen { notice: 7, run: 7, step: 0, is, at: Instant::now() });
        page.come_back_as(&halfway);
        assert_eq!(page.hello()["seen"], json!([]));
    }
}

//! One simulated page, over its reloads.

use std::{sync::Arc, time::Duration};

use freshwire::core::{change::Action, outcome::Outcome};
use futures_util::StreamExt;
use rand::Rng;
use serde_json::{Value, json};
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    origin::Build,
    people::People,
    wire::{self, Frame, Identity, Lost, Notice, Socket, say},
};

const LEAVING: u16 = 3001;
const REFRESHING: u16 = 3002;
const UNSAVED: &str = "unsaved draft";
/// How long a page takes to load its document again.
const LOADS_WITHIN: Duration = Duration::from_millis(300);

/// How often people with unsaved work look whether they are done.
const LOOKS_EVERY: Duration = Duration::from_millis(100);

/// A simulated page.
pub struct Page {
    people: Arc<People>,
    build: Build,
    stubborn: bool,
    unsaved: bool,
    identity: Option<Identity>,
    seen: Vec<Seen>,
    /// What it has before it.
    notice: Option<Notice>,
    said: Option<Outcome>,
    /// The reload that it has behind it.
    after: Option<Value>,
    pushed: u64,
    go_at: Option<Instant>,
    save_at: Option<Instant>,
    close_at: Option<Instant>,
    /// The build that it would reload as, while the server is asked whether that is better.
    found: Option<Build>,
}

struct Seen {
    notice: Notice,
    is: Outcome,
    at: Instant,
}

/// How a connection ended.
enum End {
    /// It reloads, as this.
    Refreshing(Build),
    /// Its tab was closed.
    Closed,
    /// The server's doing, or the network's: try again after this.
    Lost(Duration),
}

impl Page {
    /// A page that was just loaded.
    pub fn open(people: Arc<People>, build: Build, stubborn: bool, unsaved: bool) -> Self {
        let in_future = |after: Duration| Instant::now() + after;
        Self {
            build,
            stubborn,
            unsaved,
            identity: None,
            seen: Vec::new(),
            notice: None,
            said: None,
            after: None,
            pushed: 0,
            go_at: None,
            save_at: unsaved.then(|| in_future(LOOKS_EVERY)),
            close_at: people.closes_after().map(in_future),
            found: None,
            people,
        }
    }

    /// Lives until it is told to stop; another page is opened for each that was closed.
    pub async fn live(mut self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            match self.connect(&mut stop).await {
                End::Refreshing(build) => self.reload_as(build).await,
                End::Lost(after) => sleep(after).await,
                End::Closed => match self.people.origin.load() {
                    Ok(build) => self = Self::open(self.people.clone(), build, self.stubborn, false),
                    // As a browser that finds no server.
                    Err(_) => sleep(LOADS_WITHIN).await,
                },
            }
        }
    }

    async fn reload_as(&mut self, build: Build) {
        let loads_in = LOADS_WITHIN.mul_f64(rand::rng().random_range(0.1..1.0));
        sleep(loads_in).await;
        // A stubborn browser's service worker has another document at hand.
        let build = if self.stubborn { self.build.clone() } else { build };
        let from = std::mem::replace(&mut self.build, build).id;
        self.after =
            self.notice.take().map(|notice| json!({ "notice": notice.campaign, "from": from, "tries": 1 }));
        self.seen.clear();
        // A new document knows nothing of what was pushed to the old one.
        self.pushed = 0;
        self.forget_notice();
        self.unsaved = false;
        self.save_at = None;
    }

    async fn connect(&mut self, stop: &mut watch::Receiver<bool>) -> End {
        let Ok(mut socket) = wire::open(&self.people.socket_url).await else { return End::Lost(a_while()) };
        let mut back_in = None;
        let hello = self.hello();
        let end = match say(&mut socket, &hello).await {
            Ok(()) => self.talk(&mut socket, stop, &mut back_in).await,
            Err(lost) => Err(lost),
        };
        match end {
            Ok(end) => {
                let code = if matches!(end, End::Refreshing(_)) { REFRESHING } else { LEAVING };
                wire::close(socket, code).await;
                end
            }
            Err(Lost) => End::Lost(back_in.unwrap_or_else(a_while)),
        }
    }

    async fn talk(
        &mut self,
        socket: &mut Socket,
        stop: &mut watch::Receiver<bool>,
        back_in: &mut Option<Duration>,
    ) -> Result<End, Lost> {
        loop {
            let end = tokio::select! {
                _ = stop.changed() => Some(End::Closed),
                () = at(self.close_at) => Some(End::Closed),
                () = at(self.save_at) => self.save(socket).await?,
                () = at(self.go_at) => self.go(socket).await?,
                message = socket.next() => match message {
                    Some(Ok(Message::Text(text))) => match serde_json::from_str(&text) {
                        Ok(Frame::Reconnect { in_ms }) => {
                            *back_in = Some(Duration::from_millis(in_ms));
                            None
                        }
                        Ok(frame) => self.on_frame(frame, socket).await?,
                        Err(_) => None,
                    },
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(Lost),
                    Some(Ok(_)) => None,
                },
            };
            if let Some(end) = end {
                return Ok(end);
            }
        }
    }

    fn hello(&self) -> Value {
        let milliseconds = |at: Instant| u64::try_from(at.elapsed().as_millis()).unwrap_or(u64::MAX);
        let seen = self.seen.iter().map(|Seen { notice, is, at }| {
            json!({ "notice": notice.campaign, "run": notice.run, "step": notice.step, "is": is,
                    "ago_ms": milliseconds(*at) })
        });
        let mut hello = json!({
            "type": "hello", "app": self.people.app, "build": self.build.id, "version": self.build.version,
            "client": "freshwire-pages", "labels": self.people.labels, "page": self.facts(),
            "seen": seen.collect::<Vec<_>>(), "pushed": self.pushed, "after": self.after,
        });
        if let Some(Identity { session, resume, node }) = &self.identity {
            hello["session"] = session.as_str().into();
            hello["resume"] = resume.as_str().into();
            hello["via"] = node.as_str().into();
        }
        hello
    }

    fn facts(&self) -> Value {
        let holds: &[&str] = if self.unsaved { &[UNSAVED] } else { &[] };
        json!({ "visible": true, "frozen": false, "holds": holds })
    }

    async fn on_frame(&mut self, frame: Frame, socket: &mut Socket) -> Result<Option<End>, Lost> {
        match frame {
            Frame::Welcome { identity, current } => {
                self.identity = Some(identity);
                self.on_current(current.map(|target| target.build));
            }
            Frame::Standing { current } => self.on_current(current.map(|target| target.build)),
            Frame::Withdraw { notice } if self.is_before(notice) => self.forget_notice(),
            Frame::Notice(notice) => self.on_notice(notice, socket).await?,
            Frame::Better { better } => match self.found.take() {
                Some(build) if better => return self.leave(build, socket).await.map(Some),
                Some(build) => self.stay(&build, socket).await?,
                None => {}
            },
            Frame::Push { push } => {
                self.pushed = push;
                say(socket, &json!({ "type": "outcome", "push": push, "is": "handled" })).await?;
            }
            Frame::Withdraw { .. } | Frame::Reconnect { .. } | Frame::Other => {}
        }
        Ok(None)
    }

    fn is_before(&self, campaign: u64) -> bool {
        self.notice.as_ref().is_some_and(|notice| notice.campaign == campaign)
    }

    /// A notice asks for whatever is current.
    fn on_current(&mut self, current: Option<String>) {
        let (Some(current), Some(notice)) = (current, &mut self.notice) else { return };
        if current == self.build.id {
            self.forget_notice();
        } else {
            notice.build = current;
        }
    }

    async fn on_notice(&mut self, notice: Notice, socket: &mut Socket) -> Result<(), Lost> {
        self.forget_notice();
        self.seen.retain(|seen| seen.notice.campaign != notice.campaign);
        self.seen.push(Seen { notice: notice.clone(), is: Outcome::Received, at: Instant::now() });
        let quiet = matches!(notice.action, Action::Silent | Action::Navigate);
        self.notice = Some(notice);
        self.report(Outcome::Received, None, socket).await?;
        if !quiet {
            self.report(Outcome::Shown, None, socket).await?;
        }
        self.go_at = Some(Instant::now() + self.people.hesitate());
        Ok(())
    }

    fn forget_notice(&mut self) {
        self.notice = None;
        self.said = None;
        self.found = None;
        self.go_at = None;
    }

    async fn save(&mut self, socket: &mut Socket) -> Result<Option<End>, Lost> {
        if self.people.busy() {
            self.save_at = Some(Instant::now() + LOOKS_EVERY);
            return Ok(None);
        }
        self.save_at = None;
        self.unsaved = false;
        let mut frame = self.facts();
        frame["type"] = "page".into();
        say(socket, &frame).await?;
        if self.said == Some(Outcome::Held) {
            self.go_at = Some(Instant::now() + self.people.hesitate());
        }
        Ok(None)
    }

    /// As the snippet does: looks at the document that it would load, and reloads only for a better one.
    async fn go(&mut self, socket: &mut Socket) -> Result<Option<End>, Lost> {
        self.go_at = None;
        let Some(notice) = &self.notice else { return Ok(None) };
        if self.unsaved && notice.action != Action::Force {
            self.report(Outcome::Held, Some(UNSAVED.to_owned()), socket).await?;
            return Ok(None);
        }
        let Ok(served) = self.people.origin.load() else {
            self.go_at = Some(Instant::now() + a_while());
            return Ok(None);
        };
        if served.id == notice.build {
            return self.leave(served, socket).await.map(Some);
        }
        if served.id == self.build.id {
            self.stay(&served, socket).await?;
        } else {
            say(socket, &json!({ "type": "found", "build": served.id })).await?;
            self.found = Some(served);
        }
        Ok(None)
    }

    async fn leave(&mut self, build: Build, socket: &mut Socket) -> Result<End, Lost> {
        self.report(Outcome::Refreshing, None, socket).await?;
        Ok(End::Refreshing(build))
    }

    /// The origin has nothing better: look again in a while.
    async fn stay(&mut self, found: &Build, socket: &mut Socket) -> Result<(), Lost> {
        self.report(Outcome::OriginStale, Some(format!("the document carries {}", found.id)), socket).await?;
        self.go_at = Some(Instant::now() + a_while());
        Ok(())
    }

    /// Each outcome once per change.
    async fn report(&mut self, is: Outcome, detail: Option<String>, socket: &mut Socket) -> Result<(), Lost> {
        let Some(Notice { campaign, .. }) = self.notice else { return Ok(()) };
        if self.said == Some(is) {
            return Ok(());
        }
        self.said = Some(is);
        for seen in self.seen.iter_mut().filter(|seen| seen.notice.campaign == campaign) {
            seen.is = is;
        }
        say(socket, &json!({ "type": "outcome", "notice": campaign, "is": is, "detail": detail })).await
    }
}

/// Waits until then; for ever, if there is no such time.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// Before trying again.
fn a_while() -> Duration {
    Duration::from_millis(rand::rng().random_range(300..900))
}

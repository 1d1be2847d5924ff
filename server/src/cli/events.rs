//! An app's events as they happen. Who follows them needs no timer and no list of what was seen: a connection that
//! breaks is made again, from where it was.

use std::time::Duration;

use serde_json::Value;
use tokio::{sync::mpsc, task::AbortHandle, time::timeout};

use super::{Console, Trouble, client::Client, sse::Parser};
use crate::core::names::AppName;

/// A silence of so long is the end of a connection: the server says something every 15 s.
const SILENCE: Duration = Duration::from_secs(40);
/// The longest pauses before the first try and before later ones to connect again; each is drawn by lot, so that all
/// that follow a server that restarts don't come at once.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Events that wait for whoever follows; the server keeps the rest back.
const WAITING: usize = 4;

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The census changed: it is now this, as `GET …/census` answers it.
    Census(Value),
    /// A campaign changed: it is now this, as in the list that `GET …/campaigns` answers.
    Campaign(Value),
    /// An entry of the log, as in the list that `GET …/log` answers.
    Log(Value),
    /// So much was missed that entries of the log were left out. Levels are as they are.
    Gap,
    /// The connection broke, for this reason; it is being made again. What was known may be out of date.
    Lost(String),
    /// The connection stands again. Levels follow.
    Back,
}

/// An app's events, followed until this is dropped.
#[derive(Debug)]
pub struct Events {
    events: mpsc::Receiver<Result<Event, Trouble>>,
    follower: AbortHandle,
}

impl Drop for Events {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

impl Events {
    /// Begins to follow. What fails at this first time is the caller's.
    pub async fn open(console: &Console, app: &AppName) -> Result<Self, Trouble> {
        let client = console.client()?.clone();
        let mut follower = Follower { client, app: app.clone(), last: None, tries: 0 };
        let stream = follower.connect().await?;
        let (sender, events) = mpsc::channel(WAITING);
        let follower = tokio::spawn(async move {
            if let Err(trouble) = follower.follow(stream, &sender).await {
                // Nobody follows any more.
                let _ = sender.send(Err(trouble)).await;
            }
        });
        Ok(Self { events, follower: follower.abort_handle() })
    }

    /// The next event. It tries again for as long as the server can't be reached, so that the caller says when that is
    /// too long; it ends with a trouble only when trying again is of no use, as with a token that was revoked. May be
    /// dropped and asked again: nothing is lost.
    pub async fn next(&mut self) -> Result<Event, Trouble> {
        self.events.recv().await.unwrap_or_else(|| {
            Err(Trouble::Strange { url: "the server".to_owned(), why: "its events have ended".to_owned() })
        })
    }
}

struct Follower {
    client: Client,
    app: AppName,
    /// ID of the last event.
    last: Option<String>,
    /// How often in a row connecting has failed.
    tries: u32,
}

impl Follower {
    async fn connect(&mut self) -> Result<reqwest::Response, Trouble> {
        self.client.follow(&["apps", self.app.as_str(), "events"], self.last.as_deref()).await
    }

    async fn follow(
        &mut self,
        mut stream: reqwest::Response,
        events: &mpsc::Sender<Result<Event, Trouble>>,
    ) -> Result<(), Trouble> {
        loop {
            let Some(why) = self.read(&mut stream, events).await? else { return Ok(()) };
            if events.send(Ok(Event::Lost(why))).await.is_err() {
                return Ok(());
            }
            stream = self.connect_again().await?;
            if events.send(Ok(Event::Back)).await.is_err() {
                return Ok(());
            }
        }
    }

    /// Reads until the connection breaks, and says why. None: nobody follows any more.
    async fn read(
        &mut self,
        stream: &mut reqwest::Response,
        events: &mpsc::Sender<Result<Event, Trouble>>,
    ) -> Result<Option<String>, Trouble> {
        let mut parser = Parser::default();
        loop {
            let bytes = match timeout(SILENCE, stream.chunk()).await {
                Ok(Ok(Some(bytes))) => bytes,
                Ok(Ok(None)) => return Ok(Some("the connection was closed".to_owned())),
                Ok(Err(error)) => return Ok(Some(self.client.broken(&error).to_string())),
                Err(_) => return Ok(Some("the server fell silent".to_owned())),
            };
            let strange = |why: &str| Trouble::Strange { url: "the server".to_owned(), why: why.to_owned() };
            for message in parser.take(&bytes).map_err(|_| strange("an event of it has no end"))? {
                self.tries = 0;
                let data = serde_json::from_str(&message.data)
                    .map_err(|_| strange(&format!("its event '{}' is not JSON", message.event)))?;
                self.last = message.id.or(self.last.take());
                let event = match message.event.as_str() {
                    "census" => Event::Census(data),
                    "campaign" => Event::Campaign(data),
                    "log" => Event::Log(data),
                    "gap" => Event::Gap,
                    // A newer server's.
                    _ => continue,
                };
                if events.send(Ok(event)).await.is_err() {
                    return Ok(None);
                }
            }
        }
    }

    /// Tries until the server takes us, or says that it never will.
    async fn connect_again(&mut self) -> Result<reqwest::Response, Trouble> {
        loop {
            let longest = FIRST_PAUSE.saturating_mul(1 << self.tries.min(8)).min(LONGEST_PAUSE);
            tokio::time::sleep(longest.mul_f64(rand::random())).await;
            self.tries += 1;
            match self.connect().await {
                Ok(stream) => return Ok(stream),
                Err(trouble) if passes(&trouble) => {}
                Err(trouble) => return Err(trouble),
            }
        }
    }
}

/// Trying again can help.
pub fn passes(trouble: &Trouble) -> bool {
    match trouble {
        Trouble::Refused { problem, .. } => problem.status >= 500,
        // A balancer's own page while its servers are away.
        Trouble::Unreachable { .. } | Trouble::Undecided { .. } | Trouble::Strange { .. } => true,
        Trouble::Usage(_) | Trouble::Failed(_) | Trouble::Declined | Trouble::NotReached { .. } => false,
    }
}

//! A reader of an app's events.

use std::{panic::Location, time::Duration};

use serde_json::Value;
use tokio::time::timeout;

use crate::{
    process::{Server, TOKEN, answered, client},
    waiting::{PATIENCE, cut, saw},
};

/// A stream of events that is being read.
pub struct Events {
    answer: reqwest::Response,
    text: String,
    campaigns: bool,
    /// What came last, whatever that was; nothing at first.
    last: String,
}

/// One of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// `census`, `log`, …
    pub kind: String,
    /// The log's number as of it.
    pub id: u64,
    /// What it says.
    pub data: Value,
}

impl Events {
    /// Follows an app, after the event of this ID.
    pub async fn follow(server: &Server, app: &str, after: Option<u64>) -> Self {
        let mut request = client().get(server.url(&format!("/v1/apps/{app}/events"))).bearer_auth(TOKEN);
        if let Some(id) = after {
            request = request.header("last-event-id", id);
        }
        Self::of(answered("GET events", request.send().await))
    }

    /// Reads an answer, which must be a stream of events.
    pub fn of(answer: reqwest::Response) -> Self {
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["content-type"] == "text/event-stream"),
            (200, true)
        );
        Self { answer, text: String::new(), campaigns: false, last: String::new() }
    }

    /// Campaigns too, which are left out otherwise: every release starts one.
    #[must_use]
    pub fn with_campaigns(mut self) -> Self {
        self.campaigns = true;
        self
    }

    /// The next event. None: the stream has ended.
    #[track_caller]
    pub fn next_event(&mut self) -> impl Future<Output = Option<Event>> {
        self.wait_for(Location::caller(), "event")
    }

    async fn wait_for(&mut self, at: &Location<'_>, what: &str) -> Option<Event> {
        let Ok(event) = timeout(PATIENCE, self.read()).await else {
            panic!("{at}: no {what} came in {PATIENCE:?}; what came last: {}", cut(&self.last))
        };
        event
    }

    /// The next event if it comes in time.
    pub async fn next_within(&mut self, time: Duration) -> Option<Event> {
        timeout(time, self.read()).await.ok().flatten()
    }

    /// The next event, which must be of this kind.
    #[track_caller]
    pub fn expect(&mut self, kind: &str) -> impl Future<Output = Event> {
        let at = Location::caller();
        async move {
            let event = self.wait_for(at, kind).await;
            let event = event.unwrap_or_else(|| self.ended(at, kind));
            assert_eq!(event.kind, kind, "{at}: {event:?}");
            event
        }
    }

    /// Reads on to a census with so many sessions.
    #[track_caller]
    pub fn census_of(&mut self, sessions: u64) -> impl Future<Output = Event> {
        let at = Location::caller();
        async move {
            let what = format!("census of {sessions}");
            loop {
                let event = self.wait_for(at, &what).await.unwrap_or_else(|| self.ended(at, &what));
                if event.kind == "census" && event.data["sessions"] == sessions {
                    return event;
                }
            }
        }
    }

    fn ended(&self, at: &Location, what: &str) -> ! {
        panic!("{at}: the stream ended before a {what} came; what came last: {}", cut(&self.last))
    }

    async fn read(&mut self) -> Option<Event> {
        loop {
            while let Some(end) = self.text.find("\n\n") {
                let message: String = self.text.drain(..end + 2).collect();
                self.last.clone_from(&message);
                saw(|| format!("the event {message}"));
                let field =
                    |name: &str| message.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                if let (Some(kind), Some(id), Some(data)) = (field("event"), field("id"), field("data"))
                    && (self.campaigns || kind != "campaign")
                {
                    let id = id.parse().expect("a number");
                    let data = serde_json::from_str(data).expect("JSON");
                    return Some(Event { kind: kind.to_owned(), id, data });
                }
            }
            // An error is an end, too: the server may be gone.
            let bytes = self.answer.chunk().await.ok().flatten()?;
            self.text.push_str(std::str::from_utf8(&bytes).expect("whole characters"));
        }
    }
}

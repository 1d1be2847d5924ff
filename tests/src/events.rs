//! A reader of an app's events.

use std::time::Duration;

use serde_json::Value;
use tokio::time::timeout;

use crate::process::{Server, TOKEN, client};

/// Long enough for any machine; nothing is expected to take it.
const PATIENCE: Duration = Duration::from_secs(30);

/// A stream of events that is being read.
pub struct Events {
    answer: reqwest::Response,
    text: String,
    campaigns: bool,
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
        Self::of(request.send().await.expect("an answer"))
    }

    /// Reads an answer, which must be a stream of events.
    pub fn of(answer: reqwest::Response) -> Self {
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["content-type"] == "text/event-stream"),
            (200, true)
        );
        Self { answer, text: String::new(), campaigns: false }
    }

    /// Campaigns too, which are left out otherwise: every release starts one.
    #[must_use]
    pub fn with_campaigns(mut self) -> Self {
        self.campaigns = true;
        self
    }

    /// The next event. None: the stream has ended.
    pub async fn next(&mut self) -> Option<Event> {
        timeout(PATIENCE, self.read()).await.expect("an event comes")
    }

    /// The next event if it comes in time.
    pub async fn next_within(&mut self, time: Duration) -> Option<Event> {
        timeout(time, self.read()).await.ok().flatten()
    }

    /// The next event, which must be of this kind.
    pub async fn expect(&mut self, kind: &str) -> Event {
        let event = self.next().await.unwrap_or_else(|| panic!("the stream ended before a {kind} came"));
        assert_eq!(event.kind, kind, "{event:?}");
        event
    }

    /// Reads on to a census with so many sessions.
    pub async fn census_of(&mut self, sessions: u64) -> Event {
        loop {
            let event = self.next().await.expect("the stream goes on");
            if event.kind == "census" && event.data["sessions"] == sessions {
                return event;
            }
        }
    }

    async fn read(&mut self) -> Option<Event> {
        loop {
            while let Some(end) = self.text.find("\n\n") {
                let message: String = self.text.drain(..end + 2).collect();
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

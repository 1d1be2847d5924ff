//! When to look again: when something has changed, and after a while anyway.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

use crate::{
    cli::{
        Console,
        events::{Event, Events},
    },
    core::names::AppName,
};

/// Between two looks at least, however much changes.
const LEAST: Duration = Duration::from_millis(100);
/// Between two looks at most, where the app's events tell of changes. What they may not tell of, as that the server is
/// warm by now, is found by looking.
const TOLD: Duration = Duration::from_secs(1);
/// The same where there are none: a proxy lets them through in heaps, or not at all.
const UNTOLD: Duration = Duration::from_millis(500);

/// Follows the app's events.
pub struct Trigger(Option<Events>);

impl Trigger {
    /// Begins to follow, by a deadline.
    pub async fn open(console: &Console, app: &AppName, deadline: Instant) -> Self {
        let events = timeout_at(deadline, Events::open(console, app)).await;
        Self(events.ok().and_then(Result::ok))
    }

    /// Waits until it is worth looking again; not beyond a moment at which something is due.
    pub async fn wait(&mut self, due: Option<Instant>) {
        let now = Instant::now();
        let latest = now + if self.0.is_some() { TOLD } else { UNTOLD };
        let latest = due.map_or(latest, |due| due.min(latest));
        sleep_until(latest.min(now + LEAST)).await;
        while let Some(events) = &mut self.0 {
            match timeout_at(latest, events.next()).await {
                // What has changed in a campaign, the census tells as well.
                Ok(Ok(Event::Campaign(_))) => {}
                Ok(Ok(_)) | Err(_) => return,
                Ok(Err(_)) => self.0 = None,
            }
        }
        sleep_until(latest).await;
    }
}

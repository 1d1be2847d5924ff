//! What nodes' censuses say while sessions are on the move, and how evenly these move.

use std::time::{Duration, Instant};

use freshwire_tests::process::{TOKEN, client};
use serde_json::Value;
use tokio::{sync::mpsc, task::JoinHandle};

const LOOKS_EVERY: Duration = Duration::from_millis(250);
/// A node knows that a page is back before the page does.
const KNOWS_BEFORE: Duration = Duration::from_millis(250);

/// Asks nodes again and again how many sessions there are.
pub struct Watch {
    looks: mpsc::UnboundedReceiver<Look>,
    looking: JoinHandle<()>,
}

/// A node's census.
pub struct Look {
    at: Instant,
    node: usize,
    /// Connected, and away.
    counted: usize,
    complete: bool,
}

impl Watch {
    /// Begins.
    pub fn start(addresses: Vec<String>) -> Self {
        let (sender, looks) = mpsc::unbounded_channel();
        Self { looks, looking: tokio::spawn(look(addresses, sender)) }
    }

    /// Ends, and says what was seen.
    pub async fn end(mut self) -> Vec<Look> {
        self.looking.abort();
        let _ = self.looking.await;
        let mut looks = Vec::new();
        while let Some(look) = self.looks.recv().await {
            looks.push(look);
        }
        looks
    }
}

async fn look(addresses: Vec<String>, looks: mpsc::UnboundedSender<Look>) {
    let mut look = tokio::time::interval(LOOKS_EVERY);
    loop {
        look.tick().await;
        for (node, address) in addresses.iter().enumerate() {
            if let Some((counted, complete)) = census(address).await {
                let _ = looks.send(Look { at: Instant::now(), node, counted, complete });
            }
        }
    }
}

/// None: the node isn't there just now.
async fn census(address: &str) -> Option<(usize, bool)> {
    let asked = client().get(format!("http://{address}/v1/apps/web/census")).bearer_auth(TOKEN);
    let census: Value = asked.timeout(Duration::from_secs(1)).send().await.ok()?.json().await.ok()?;
    let sum = |row: &Value| Some(row["sessions"].as_u64()? + row["away"].as_u64()?);
    let counted: u64 = census["rows"].as_array()?.iter().filter_map(sum).sum();
    Some((usize::try_from(counted).ok()?, census["complete"] == true))
}

/// How wrong the nodes were about sessions that moved.
#[derive(Debug, Default)]
pub struct Wrong {
    /// The longest time for which one session was counted twice, if the first to move is the first that is counted once.
    pub twice: Duration,
    /// The same of one that was counted nowhere by a node that says it knows all.
    pub nowhere: Duration,
    /// Most that were counted twice, or nowhere, at once.
    pub most_twice: usize,
    pub most_nowhere: usize,
}

/// Of so many sessions; `goodbyes` and `returns`: when each that moved was sent away, and when it was there again. `astray`:
/// so many may have had to wait before they tried again, and are rightly nowhere.
pub fn wrong(
    looks: &[Look],
    sessions: usize,
    goodbyes: &[Instant],
    returns: &[Instant],
    astray: usize,
) -> Wrong {
    let sorted = |moments: &[Instant]| {
        let mut moments = moments.to_vec();
        moments.sort_unstable();
        moments
    };
    let (goodbyes, returns) = (sorted(goodbyes), sorted(returns));
    // So many are wrong that have moved since then at the latest.
    let since = |moments: &[Instant], look: &Look, count: usize| {
        let moved = moments.partition_point(|at| *at <= look.at + KNOWS_BEFORE);
        let first = moments.get(moved.saturating_sub(count)).copied().unwrap_or(look.at);
        look.at.saturating_duration_since(first)
    };
    let mut wrong = Wrong::default();
    for look in looks {
        let (more, less) = (look.counted.saturating_sub(sessions), sessions.saturating_sub(look.counted));
        wrong.twice = wrong.twice.max(since(&returns, look, more));
        wrong.most_twice = wrong.most_twice.max(more);
        if look.complete {
            wrong.nowhere = wrong.nowhere.max(since(&goodbyes, look, less.saturating_sub(astray)));
            wrong.most_nowhere = wrong.most_nowhere.max(less);
        }
    }
    wrong
}

/// The longest that nobody was looked at: so long nothing else may have got on either.
pub fn stalled(looks: &[Look]) -> Duration {
    looks.windows(2).map(|pair| pair[1].at - pair[0].at).max().unwrap_or_default()
}

/// The longest that a node counted too many without a break.
pub fn longest_stretch(looks: &[Look], sessions: usize) -> Duration {
    let nodes = looks.iter().map(|look| look.node).max().unwrap_or(0);
    let longest = |node: usize| {
        let (mut longest, mut since) = (Duration::ZERO, None);
        for look in looks.iter().filter(|look| look.node == node) {
            since = if look.counted > sessions { since.or(Some(look.at)) } else { None };
            longest = longest.max(since.map_or(Duration::ZERO, |since| look.at - since));
        }
        longest
    };
    (0..=nodes).map(longest).max().unwrap_or_default()
}

/// The greatest share of the even rate that moments reach in any stretch of a window's length.
pub fn peak_to_mean(moments: &[Instant], over: Duration, window: Duration) -> f64 {
    let mut moments = moments.to_vec();
    moments.sort_unstable();
    let in_window =
        |(index, from): (usize, &Instant)| moments.partition_point(|at| *at < *from + window) - index;
    let peak = moments.iter().enumerate().map(in_window).max().unwrap_or(0);
    let number = |count: usize| f64::from(u32::try_from(count).expect("not so many"));
    number(peak) / (number(moments.len()) * window.as_secs_f64() / over.as_secs_f64())
}

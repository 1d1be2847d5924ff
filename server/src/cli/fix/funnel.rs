//! Where the pages are while one waits: one line that is drawn over, or a line for each change.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    api::campaigns::CampaignAnswer,
    cli::{Console, campaigns, say, table::plain, terminal::Terminal},
    core::{
        outcome::{LookRefused, State},
        time::Period,
    },
};

/// What is said of those who have not moved, in this order.
const SAID: [(State, &str); 8] = [
    (State::Waiting, "waiting"),
    (State::Sent, "sent"),
    (State::Shown, "shown"),
    (State::Snoozed, "snoozed"),
    (State::Held, "held"),
    (State::Stuck, "stuck"),
    (State::Asleep, "asleep"),
    (State::StillOld, "still old"),
];

/// Where lines aren't drawn over, at most one in this time.
const LINE_EVERY: Duration = Duration::from_secs(1);

/// The line.
pub struct Funnel<'a> {
    console: &'a Console,
    started: Instant,
    said: String,
    /// What is said when its time comes, unless something newer is known by then.
    next: Option<String>,
    not_before: Instant,
}

impl<'a> Funnel<'a> {
    /// Nothing is drawn yet.
    pub fn new(console: &'a Console) -> Self {
        let now = Instant::now();
        Self { console, started: now, said: String::new(), next: None, not_before: now }
    }

    /// Says where everybody is, now or when it is time again.
    pub fn draw(&mut self, campaign: &CampaignAnswer, left: Option<u64>) {
        let line = line(campaign, left);
        self.next = (line != self.said).then_some(line);
        if self.drawn_over() || Instant::now() >= self.not_before {
            self.flush();
        }
    }

    /// When what is known is to be said.
    pub fn due(&self) -> Option<Instant> {
        self.next.as_ref().map(|_| self.not_before)
    }

    /// Says what is known.
    pub fn flush(&mut self) {
        let Some(line) = self.next.take() else { return };
        let age = Period::secs(self.started.elapsed().as_secs()).to_string();
        self.say(&format!("{age:>4}  {line}"));
        self.said = line;
        self.not_before = Instant::now() + LINE_EVERY;
    }

    /// The server can't be reached for now.
    pub fn lost(&mut self, why: &str) {
        self.say(&format!("not live: {}; trying again", plain(why)));
        self.said.clear();
    }

    /// What is known last stays.
    pub fn end(&mut self) {
        self.flush();
        if self.drawn_over() && !self.said.is_empty() {
            Terminal::print("\n");
        }
    }

    fn say(&self, line: &str) {
        if self.console.globals.json {
            Terminal::note(line);
        } else if self.drawn_over() {
            let (columns, _) = self.console.terminal.size();
            let line: String = line.chars().take(columns.saturating_sub(1)).collect();
            Terminal::print(&format!("\r{line}\x1b[K"));
        } else {
            Terminal::print(&format!("{line}\n"));
        }
    }

    fn drawn_over(&self) -> bool {
        self.console.terminal.is_live() && !self.console.globals.json
    }
}

/// `40 of 50 moved · 3 shown · 2 held · 5 below the minimum are connected`
fn line(campaign: &CampaignAnswer, left: Option<u64>) -> String {
    let moved = campaigns::moved(campaign);
    let mut words = vec![format!("{moved} of {} moved", campaign.targeted)];
    let said = SAID.iter().map(|(state, word)| (campaigns::count(campaign, *state), word));
    words.extend(said.filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")));
    let refused = campaign.evidence.stuck.iter().filter(|of| LookRefused::named(&of.detail).is_some());
    words.extend(refused.map(|of| format!("{} {}", of.sessions, of.detail)));
    words.push(match left {
        Some(left) => format!("{} below the minimum", say::count(left, "connected page")),
        None => "a server has started lately, and pages are still finding their way back".to_owned(),
    });
    words.push(campaigns::state(campaign));
    words.join(" · ")
}

//! What a gate says while one waits: a bar on a terminal, lines elsewhere, documents with --json.

use serde_json::{Value, json};

use super::{WaitArgs, eta::Course};
use crate::{
    api::gate::{GateAnswer, GateRow},
    cli::{
        Console, Trouble, say,
        table::{cut, plain},
        terminal::Terminal,
    },
    core::{
        gate::{Shut, Verdict},
        time::{Moment, Period},
    },
};

/// Figures that change are said so often at most; a change of another kind at once.
const FIGURES: Period = Period::secs(2);
/// Something is said at least so often.
const SILENCE: Period = Period::secs(30);
/// Builds that are named.
const NAMED: usize = 3;
/// Places of the bar.
const BAR: u64 = 24;

/// Shows how the gate stands.
pub struct Show<'a> {
    console: &'a Console,
    args: &'a WaitArgs,
    /// The most that were left at a look: where the bar begins.
    most: u64,
    course: Course,
    said: Option<(Moment, Said)>,
    last: Option<GateAnswer>,
}

/// What was said last: it isn't said again.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Said {
    state: &'static str,
    why: Vec<Shut>,
    figures: [u64; 4],
}

/// Ends the line that the bar stands in.
pub fn end_line(console: &Console) {
    if drawn(console) {
        Terminal::print("\n");
    }
}

fn drawn(console: &Console) -> bool {
    console.terminal.is_live() && !console.globals.json
}

impl<'a> Show<'a> {
    /// Says what is waited for.
    pub fn new(console: &'a Console, args: &'a WaitArgs) -> Self {
        if !console.globals.json {
            let left = match args.max {
                0 => "no page".to_owned(),
                max => format!("at most {}", say::count(max, "page")),
            };
            Console::say(format!(
                "{}: waiting until {left} {} has been connected for {}, at most {}",
                args.of.app,
                args.whose.words(),
                args.hold,
                args.timeout
            ));
        }
        Self { console, args, most: 0, course: Course::default(), said: None, last: None }
    }

    /// A look was answered.
    pub fn look(&mut self, verdict: &Verdict, answer: &GateAnswer, now: Moment) {
        self.most = self.most.max(answer.sessions);
        self.course.note(now, answer.sessions.saturating_sub(self.args.max));
        let (state, why) = match verdict {
            Verdict::Waiting(why) => ("waiting", why.clone()),
            Verdict::Holding { .. } => ("holding", Vec::new()),
            Verdict::Open => ("open", Vec::new()),
        };
        let figures = [answer.sessions, answer.away, answer.unknown, answer.unknown_away];
        let said = Said { state, why: why.clone(), figures };
        let anew = matches!(verdict, Verdict::Holding { anew: true, .. });
        self.last = Some(answer.clone());
        if drawn(self.console) {
            self.draw(verdict, answer, now);
        } else if self.is_due(&said, now) || anew {
            self.said = Some((now, said));
            if self.console.globals.json {
                let mut document = json!({"state": state, "why": why, "waited_ms": now.0});
                merge(&mut document, json!(answer));
                print(&document);
            } else {
                Console::say(self.line(verdict, answer, now));
            }
        }
        if *verdict == Verdict::Open && drawn(self.console) {
            Terminal::print("\n");
        }
    }

    /// A look was not answered.
    pub fn lost(&mut self, trouble: &Trouble, now: Moment) {
        let said = Said { state: "lost", why: Vec::new(), figures: [0; 4] };
        let text = format!("{trouble}; asking again");
        if drawn(self.console) {
            redraw(self.console, &text);
        } else if self.is_due(&said, now) {
            self.said = Some((now, said));
            if self.console.globals.json {
                print(&json!({"state": "lost", "why": [], "waited_ms": now.0, "cause": trouble.to_string()}));
            } else {
                Console::say(text);
            }
        }
    }

    /// The time is over.
    pub fn too_late(&self) -> Trouble {
        end_line(self.console);
        let args = self.args;
        let (app, (name, value)) = (args.of.app.to_string(), args.whose.named());
        if self.console.globals.json {
            let mut document = json!({"state": "timeout", "why": [], "waited_ms": args.timeout.0});
            merge(&mut document, json!(self.last));
            print(&document);
        }
        let left = self.last.as_ref().map(|answer| format!(": {}{}", counted(answer), named(answer)));
        let left = left.unwrap_or_default();
        let said = format!("{}: not reached in {}{left}", args.whose.words(), args.timeout);
        let who = match name {
            "needs" => vec!["needs".to_owned(), app],
            name => vec!["sessions".to_owned(), app, format!("--{name}"), value.to_owned()],
        };
        Trouble::NotReached { said, who }
    }

    /// Whether there is something to say: another state at once, other figures now and then, the same once in a while.
    fn is_due(&self, now_said: &Said, now: Moment) -> bool {
        let Some((at, before)) = &self.said else { return true };
        let after = match (before.state == now_said.state && before.why == now_said.why, before == now_said) {
            (false, _) => Period::ZERO,
            (true, false) => FIGURES,
            (true, true) => SILENCE,
        };
        now.since(*at) >= after
    }

    fn line(&self, verdict: &Verdict, answer: &GateAnswer, now: Moment) -> String {
        let counted = counted(answer);
        match verdict {
            Verdict::Waiting(why) => format!("{counted}{}{}", named(answer), self.because(why, answer)),
            Verdict::Holding { since, anew } => {
                let left = seconds(self.args.hold.less(now.since(*since)));
                let anew =
                    if *anew { "; somebody was back for a moment, and the time counts anew" } else { "" };
                format!("{counted}: holding, opens in {left}{anew}")
            }
            Verdict::Open => {
                let waited = Period::secs(now.since(Moment(0)).0 / 1_000);
                let asleep = match answer.away {
                    0 => "",
                    _ => "; those asleep may come back as they were (--away 0 waits for them)",
                };
                format!("{counted} for {}: open after {waited}{asleep}", self.args.hold)
            }
        }
    }

    /// Why it waits, where the figures don't say it.
    fn because(&self, why: &[Shut], answer: &GateAnswer) -> String {
        let words = |why: &Shut| match why {
            Shut::Incomplete if answer.missing.is_empty() => {
                "; not all counted: the server is stopping, or hears nothing of other nodes".to_owned()
            }
            Shut::Incomplete => format!("; not all counted: no answer from {}", answer.missing.join(", ")),
            Shut::Warming => {
                "; the server has started lately, and pages are still finding their way back".to_owned()
            }
            Shut::Unknown => format!(
                "; {} on unregistered builds, of which nobody can tell: register them, or --ignore-unknown",
                answer.unknown
            ),
            Shut::Away if answer.away > 0 => "; waiting for those asleep too".to_owned(),
            Shut::Away => {
                format!("; waiting for {} of unregistered builds, possibly asleep", answer.unknown_away)
            }
            Shut::Sessions if self.args.max > 0 => format!("; at most {} may be left", self.args.max),
            Shut::Sessions => String::new(),
        };
        why.iter().map(words).collect()
    }

    fn draw(&self, verdict: &Verdict, answer: &GateAnswer, now: Moment) {
        let (of, left) =
            (self.most.saturating_sub(self.args.max), answer.sessions.saturating_sub(self.args.max));
        let bar = bar(of, left);
        let text = match verdict {
            Verdict::Waiting(_) => {
                let eta = self.course.remaining().filter(|_| left > 0);
                let eta = eta.map(|eta| format!("; about {} left", seconds(eta + self.args.hold)));
                format!("{bar} {}{}", self.line(verdict, answer, now), eta.unwrap_or_default())
            }
            Verdict::Holding { .. } | Verdict::Open => format!("{bar} {}", self.line(verdict, answer, now)),
        };
        redraw(self.console, &text);
    }
}

/// `12 connected, 37 possibly asleep`
fn counted(answer: &GateAnswer) -> String {
    let asleep = match answer.away {
        0 => String::new(),
        away => format!(", {away} possibly asleep"),
    };
    format!("{} connected{asleep}", answer.sessions)
}

/// `: 2.3.1 (aaa) 10, 2.3.0 (bbb) 2`
fn named(answer: &GateAnswer) -> String {
    let rows: Vec<_> = answer.rows.iter().filter(|row| row.sessions > 0).collect();
    let name = |row: &&GateRow| {
        let unknown = if row.unknown { "unregistered " } else { "" };
        format!("{unknown}{} {}", say::build(row.build.as_str(), row.version.as_ref()), row.sessions)
    };
    let mut words: Vec<_> = rows.iter().take(NAMED).map(name).collect();
    if rows.len() > NAMED {
        words.push(format!("{} more", say::count((rows.len() - NAMED) as u64, "build")));
    }
    if words.is_empty() { String::new() } else { format!(": {}", words.join(", ")) }
}

/// How much of the way is done.
fn bar(of: u64, left: u64) -> String {
    let done = ((of - left) * BAR).checked_div(of).unwrap_or(BAR);
    let places = |mark: &str, count: u64| (0..count).map(|_| mark).collect::<String>();
    format!("[{}{}]", places("#", done), places("-", BAR - done))
}

/// In whole seconds, rounded up.
fn seconds(period: Period) -> Period {
    Period::secs(period.0.div_ceil(1_000))
}

/// Draws over the line before. The terminal may have been resized since.
fn redraw(console: &Console, text: &str) {
    let columns = console.terminal.size().0.saturating_sub(1);
    Terminal::print(&format!("\r{}\x1b[K", cut(&plain(text), columns)));
}

fn print(document: &Value) {
    Terminal::print(&format!("{document}\n"));
}

fn merge(document: &mut Value, more: Value) {
    if let (Some(document), Value::Object(more)) = (document.as_object_mut(), more) {
        document.extend(more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_is_full_when_and_only_when_none_are_left() {
        let [full, empty] = ["#", "-"].map(|mark| mark.repeat(24));
        assert_eq!(bar(0, 0), format!("[{full}]"));
        assert_eq!(bar(1_000, 1), format!("[{}-]", &full[1..]));
        assert_eq!(bar(1_000, 0), bar(0, 0));
        assert_eq!(bar(8, 8), format!("[{empty}]"));
    }
}

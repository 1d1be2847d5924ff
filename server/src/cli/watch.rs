//! `census --watch`: the census as it changes.

use std::{io, time::Duration};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

use super::{
    Console, Trouble,
    census::{doubts, summary, table},
    client::typed,
    events::{Event, Events},
    live::{Live, wrapped},
    say,
    table::{Look, plain},
    terminal::{BOLD, DIM, Terminal},
};
use crate::{
    api::answers::CensusAnswer,
    core::{names::AppName, time::Moment},
};

/// Piped: at most a line in this time.
const LINE_EVERY: Duration = Duration::from_secs(1);
/// How old things are changes even when nothing else does.
const REDRAW_EVERY: Duration = Duration::from_secs(1);

/// Shows an app's census until it is interrupted.
pub async fn census(console: &Console, app: &AppName) -> Result<(), Trouble> {
    let no_signals = |error: io::Error| Trouble::Usage(format!("signals can't be waited for: {error}"));
    let mut stop = Stop::new().map_err(no_signals)?;
    let events = Events::open(console, app).await?;
    if console.globals.json {
        documents(console, events, &mut stop).await
    } else if console.terminal.is_live() {
        let resized = signal(SignalKind::window_change()).map_err(no_signals)?;
        draw(console, app, events, resized, &mut stop).await
    } else {
        lines(console, events, &mut stop).await
    }
}

/// A census a line.
async fn documents(console: &Console, mut events: Events, stop: &mut Stop) -> Result<(), Trouble> {
    loop {
        let event = tokio::select! {
            event = events.next() => event?,
            () = stop.wait() => return Ok(()),
        };
        match event {
            Event::Census(census) => {
                if !Terminal::prints_on(&format!("{census}\n")) {
                    return Ok(());
                }
            }
            event => note(console, &event),
        }
    }
}

/// A line for every change.
async fn lines(console: &Console, mut events: Events, stop: &mut Stop) -> Result<(), Trouble> {
    let (mut latest, mut printed) = (None, String::new());
    let mut not_before = Instant::now();
    loop {
        tokio::select! {
            event = events.next() => match event? {
                Event::Census(census) => latest = Some(typed::<CensusAnswer>(&census)?),
                event => note(console, &event),
            },
            () = sleep_until(not_before), if latest.is_some() => {
                let Some(census) = latest.take() else { continue };
                let line = line(&census);
                if line != printed {
                    if !Terminal::prints_on(&format!("{}  {line}\n", census.as_of)) {
                        return Ok(());
                    }
                    printed = line;
                    not_before = Instant::now() + LINE_EVERY;
                }
            }
            () = stop.wait() => return Ok(()),
        }
    }
}

/// Says where programs don't look for data that the connection is gone, or there again.
fn note(console: &Console, event: &Event) {
    match event {
        Event::Lost(why) => console.terminal.complain("note", &format!("{}; trying again", plain(why))),
        Event::Back => console.terminal.complain("note", "connected again"),
        Event::Census(_) | Event::Campaign(_) | Event::Log(_) | Event::Gap => {}
    }
}

/// `43 sessions · 54% current · minimum 2.4.0 · 2.5.0 current 23 · 2.4.1 stale 20, 2 away`
fn line(census: &CensusAnswer) -> String {
    let mut words = vec![summary(census)];
    for row in census.rows.iter().filter(|row| row.sessions > 0 || row.away > 0) {
        let name = row.version.as_ref().map_or_else(|| row.build.to_string(), ToString::to_string);
        let away = if row.away > 0 { format!(", {} away", row.away) } else { String::new() };
        words.push(format!("{} {} {}{away}", plain(&name), row.standing.as_str(), row.sessions));
    }
    words.extend(doubts(census));
    words.join(" · ")
}

/// What there is to see.
struct Picture<'a> {
    console: &'a Console,
    app: &'a AppName,
    census: Option<CensusAnswer>,
    /// Why the connection is gone, and since when.
    lost: Option<(String, Moment)>,
}

/// Draws it over and over. What was there last stays on the terminal.
async fn draw(
    console: &Console,
    app: &AppName,
    mut events: Events,
    mut resized: Signal,
    stop: &mut Stop,
) -> Result<(), Trouble> {
    let mut picture = Picture { console, app, census: None, lost: None };
    let mut live = Live::open();
    let mut again = interval(REDRAW_EVERY);
    again.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let done = loop {
        tokio::select! {
            event = events.next() => match event.and_then(|event| picture.take(event)) {
                Ok(()) => {}
                Err(trouble) => break Err(trouble),
            },
            _ = resized.recv() => live.forget(),
            _ = again.tick() => {}
            () = stop.wait() => break Ok(()),
        }
        let (columns, rows) = console.terminal.size();
        if !live.draw(&picture.lines(columns, rows, crate::clock::now()), rows) {
            break Ok(());
        }
    };
    drop(live);
    if let Some(census) = &picture.census {
        let look = Look { width: Some(console.terminal.size().0), ..console.terminal.look };
        let drawn = table(census, crate::clock::now()).draw(look);
        Terminal::print(&format!("{drawn}{}\n", console.terminal.paint(&summary(census), DIM)));
    }
    done
}

impl Picture<'_> {
    fn take(&mut self, event: Event) -> Result<(), Trouble> {
        match event {
            Event::Census(census) => self.census = Some(typed(&census)?),
            Event::Lost(why) => self.lost = Some((why, crate::clock::now())),
            Event::Back => self.lost = None,
            Event::Campaign(_) | Event::Log(_) | Event::Gap => {}
        }
        Ok(())
    }

    /// As many lines as there are rows, the table cut first.
    fn lines(&self, columns: usize, rows: usize, now: Moment) -> Vec<String> {
        let paint = |text: &str, style| self.console.terminal.paint(text, style);
        let Some(census) = &self.census else {
            return vec![paint(self.app.as_str(), BOLD), String::new(), "waiting for the census".to_owned()];
        };
        let mut foot = vec![String::new()];
        foot.extend(wrapped(&summary(census), columns));
        let doubts =
            doubts(census).into_iter().flat_map(|doubt| wrapped(&format!("warning: {doubt}"), columns));
        foot.extend(doubts.map(|line| paint(&line, BOLD)));
        foot.extend(self.state(now, columns));

        let look = Look { width: Some(columns), ..self.console.terminal.look };
        let drawn = table(census, now).draw_cut(look);
        let mut lines = vec![paint(self.app.as_str(), BOLD), String::new()];
        let mut table: Vec<_> = drawn.lines().map(str::to_owned).collect();
        let room = rows.saturating_sub(lines.len() + foot.len());
        if table.len() > room {
            table.truncate(room.saturating_sub(1));
            let more = census.rows.len().saturating_sub(table.len().saturating_sub(1));
            table.push(paint(&format!("and {}", say::count(more as u64, "more build")), DIM));
        }
        lines.extend(table);
        lines.extend(foot);
        lines
    }

    /// Whether it is live, and if not, how old.
    fn state(&self, now: Moment, columns: usize) -> Vec<String> {
        let paint = |line: String, style| self.console.terminal.paint(&line, style);
        match &self.lost {
            None => vec![paint("live; Ctrl-C ends it".to_owned(), DIM)],
            Some((why, since)) => {
                let age = say::relative(*since, now);
                let text = format!("not live: {}; trying again; this was true {age}", plain(why));
                wrapped(&text, columns).into_iter().map(|line| paint(line, BOLD)).collect()
            }
        }
    }
}

/// Ctrl-C, or whoever else ends it: what was drawn is put away first.
struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    fn new() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

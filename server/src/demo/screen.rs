//! The terminal: an opening, and below it the census, drawn over itself; piped, a line whenever it changes.

use std::{
    env,
    fmt::Write as _,
    fs,
    io::{self, IsTerminal, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use anstyle::{AnsiColor, Style};
use freshwire::core::{census::Row, judge::Standing, time::Moment};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use super::{stage::Event, watch::News};

const BAR: u64 = 34;
/// Rows beyond these are summed up.
const ROWS: usize = 10;
const EVENTS: usize = 4;
/// Piped: at most a line in this time.
const LINE_EVERY: Duration = Duration::from_secs(1);
const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// What is said once, at the start.
pub struct Opening<'a> {
    pub shop_url: &'a str,
    pub server_url: &'a str,
    /// The commands find the server by themselves.
    pub default_server: bool,
    pub token_file: &'a Path,
    pub sessions: u16,
}

/// Where the demo is seen from the terminal.
pub struct Screen {
    live: bool,
    colour: bool,
    /// Lines of the last drawing, to be drawn over.
    drawn: usize,
}

impl Screen {
    /// Says the opening.
    pub fn open(opening: &Opening<'_>) -> Self {
        let live = io::stdout().is_terminal() && env::var_os("TERM").is_none_or(|term| term != "dumb");
        let colour = live && env::var_os("NO_COLOR").is_none();
        let screen = Self { live, colour, drawn: 0 };
        let text = screen.opening(opening);
        write_out(&text);
        if live {
            write_out(HIDE_CURSOR);
        }
        screen
    }

    fn opening(&self, opening: &Opening<'_>) -> String {
        let (bold, dim) = (|text: &str| self.styled(text, BOLD), |text: &str| self.styled(text, DIM));
        let token = quoted(&opening.token_file.display().to_string());
        let url = if opening.default_server {
            String::new()
        } else {
            format!("export FRESHWIRE_URL={}\n  ", opening.server_url)
        };
        let command = command();
        let pages = opening.sessions;
        format!(
            "\n{title}{rest}\n\n  \
             Shop     {shop}   {press}\n  \
             Server   {server}\n  \
             Token    {token}\n\n\
             {try_these}\n\n  \
             {url}export FRESHWIRE_TOKEN=\"$(cat {token})\"\n  \
             {command} census shop\n  \
             {command} sessions shop --below 2.4.0\n  \
             {command} minimum shop 2.5.0 --reason CVE-2026-1234\n\n",
            title = bold("Freshwire demo"),
            rest = dim(&format!(
                ": a small shop and {pages} open pages. All of it is gone when you press Ctrl-C."
            )),
            shop = bold(opening.shop_url),
            press = dim("← open it, and press its buttons"),
            server = opening.server_url,
            try_these = dim("In another terminal:"),
        )
    }

    /// Shows what there is to see; doesn't return while there is any.
    pub async fn follow(mut self, mut news: watch::Receiver<Option<News>>) {
        let mut last = String::new();
        let mut not_before = Instant::now();
        while news.changed().await.is_ok() {
            let Some(now) = news.borrow_and_update().clone() else { continue };
            if self.live {
                let table = self.table(&now);
                self.draw(&table);
                continue;
            }
            let line = line(&now);
            if line != last {
                sleep_until(not_before).await;
                not_before = Instant::now() + LINE_EVERY;
                write_out(&line);
                last = line;
            }
        }
        std::future::pending::<()>().await;
    }

    fn draw(&mut self, lines: &[String]) {
        let mut text = String::from(NO_WRAP);
        if self.drawn > 0 {
            let _ = write!(text, "\x1b[{}F", self.drawn);
        }
        for line in lines {
            let _ = writeln!(text, "{line}\x1b[K");
        }
        text.push_str("\x1b[J");
        text.push_str(WRAP);
        self.drawn = lines.len();
        write_out(&text);
    }

    fn table(&self, news: &News) -> Vec<String> {
        let header = format!("  {:<9}{:<9}{:<13}{:>8}", "BUILD", "VERSION", "STANDING", "SESSIONS");
        let mut lines = vec![self.styled(&header, DIM)];
        let all = news.census.sessions.max(1);
        lines.extend(news.census.rows.iter().take(ROWS).map(|row| self.row(row, all)));
        if let Some(more) = news.census.rows.len().checked_sub(ROWS).filter(|more| *more > 0) {
            lines.push(self.styled(&format!("  and {more} more builds"), DIM));
        }
        lines.push(String::new());
        lines.push(format!("  {}", summary(news)));
        lines.push(String::new());
        let skip = news.events.len().saturating_sub(EVENTS);
        for Event { at, text } in &news.events[skip..] {
            lines.push(format!("  {}  {text}", self.styled(&clock(*at), DIM)));
        }
        lines
    }

    fn row(&self, row: &Row, all: u64) -> String {
        let style = style(row.standing);
        let version = row.version.as_ref().map_or_else(|| "–".to_owned(), ToString::to_string);
        let length = if row.sessions == 0 { 0 } else { (row.sessions * BAR).div_ceil(all) };
        let bar = "█".repeat(usize::try_from(length).unwrap_or(0));
        let build: String = row.build.as_str().chars().take(8).collect();
        let standing = self.styled(&format!("{:<13}", row.standing.as_str()), style);
        format!("  {build:<9}{version:<9}{standing}{:>8}  {}", row.sessions, self.styled(&bar, style))
    }

    fn styled(&self, text: &str, style: Style) -> String {
        if self.colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

/// A terminal that is gone, or a pipe that nobody reads, is no reason to stop.
fn write_out(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

const HIDE_CURSOR: &str = "\x1b[?25l";
const SHOW_CURSOR: &str = "\x1b[?25h";
const CLEAR_LINE: &str = "\r\x1b[K";
/// Lines that are too long are cut rather than broken, so that as many lines are drawn over as were drawn.
const NO_WRAP: &str = "\x1b[?7l";
const WRAP: &str = "\x1b[?7h";

impl Drop for Screen {
    fn drop(&mut self) {
        if self.live {
            // Over the ^C that the terminal has written.
            write_out(CLEAR_LINE);
            write_out(SHOW_CURSOR);
        }
    }
}

fn style(standing: Standing) -> Style {
    let colour = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
    match standing {
        Standing::Current => colour(AnsiColor::Green),
        Standing::Stale => colour(AnsiColor::Yellow),
        Standing::Unsupported => colour(AnsiColor::Red),
        Standing::Ahead => colour(AnsiColor::Magenta),
        Standing::Unknown => DIM,
    }
}

/// One line: how many, how many are away, and what those do that were told.
fn summary(news: &News) -> String {
    let census = &news.census;
    let away: u64 = census.rows.iter().map(|row| row.away).sum();
    let mut text = format!("{} pages", census.sessions);
    if away > 0 {
        let _ = write!(text, " · {away} away");
    }
    if let Some(minimum) = &census.minimum {
        let _ = write!(text, " · minimum {minimum}");
    }
    for (state, sessions) in &news.states {
        let _ = write!(text, " · {sessions} {}", state.as_str().replace('_', " "));
    }
    text
}

fn line(news: &News) -> String {
    let mut line = String::from("census");
    for row in &news.census.rows {
        let name = row.version.as_ref().map_or_else(|| row.build.to_string(), ToString::to_string);
        let _ = write!(line, "  {name} {} {}", row.standing.as_str(), row.sessions);
    }
    line + "\n"
}

/// The time of day here.
fn clock(at: Moment) -> String {
    let stamp = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    stamp.to_zoned(jiff::tz::TimeZone::system()).strftime("%H:%M:%S").to_string()
}

/// How this very program is called: by its name where the shell would find it, else by its path.
fn command() -> String {
    let Ok(this) = env::current_exe() else { return "freshwire".to_owned() };
    let found = env::var_os("PATH").and_then(|path| {
        let on_path = |folder: PathBuf| fs::canonicalize(folder.join("freshwire")).ok();
        env::split_paths(&path).find_map(on_path)
    });
    let same = found.is_some() && found == fs::canonicalize(&this).ok();
    if same { "freshwire".to_owned() } else { quoted(&this.display().to_string()) }
}

/// As a shell takes it for one word.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@".contains(c);
    if text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

//! The terminal, if there is one: colours, its width, and asking.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use anstyle::{AnsiColor, Effects, Style};

use super::table::Look;
use crate::core::judge::Standing;

/// Faint words beside the point.
pub const DIM: Style = Style::new().effects(Effects::DIMMED);
/// What the eye should find.
pub const BOLD: Style = Style::new().bold();
const ERROR: Style = AnsiColor::Red.on_default().bold();

/// What standard output is connected to.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    /// How tables are drawn.
    pub look: Look,
    /// Somebody reads and can answer.
    pub interactive: bool,
    colour_on_stderr: bool,
}

impl Terminal {
    /// As this process finds it.
    pub fn here() -> Self {
        let wanted = wants_colour();
        let stdout = io::stdout().is_terminal();
        Self {
            look: Look { width: stdout.then(width), colour: stdout && wanted },
            interactive: stdout && io::stdin().is_terminal(),
            colour_on_stderr: io::stderr().is_terminal() && wanted,
        }
    }

    /// Standard output is a terminal.
    pub fn is_one(&self) -> bool {
        self.look.width.is_some()
    }

    /// What can be drawn over stands here: a terminal that knows how.
    pub fn is_live(&self) -> bool {
        self.is_one() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
    }

    /// Columns and rows of the terminal as they are now.
    pub fn size(&self) -> (usize, usize) {
        const USUAL_ROWS: usize = 24;
        let asked = rustix::termios::tcgetwinsize(io::stdout()).ok();
        let columns = asked.map_or(0, |size| size.ws_col.into());
        let rows = asked.map_or(0, |size| size.ws_row.into());
        let columns = if columns > 0 { columns } else { self.look.width.unwrap_or_else(width) };
        (columns, if rows > 0 { rows } else { USUAL_ROWS })
    }

    /// Prints to standard output. A reader that has gone away (`| head`) is no error; a full disk ends the program.
    pub fn print(text: &str) {
        Self::prints_on(text);
    }

    /// The same for what prints on and on: false when nobody reads it any more.
    pub fn prints_on(text: &str) -> bool {
        let mut stdout = io::stdout().lock();
        let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
        match written {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => false,
            Err(error) => {
                Self::note(&format!("error: can't write the answer: {error}"));
                std::process::exit(1);
            }
        }
    }

    /// Prints to standard error, where programs don't look for data.
    pub fn note(text: &str) {
        let _ = writeln!(io::stderr(), "{text}");
    }

    /// Prints `word: text` to standard error.
    pub fn complain(&self, word: &str, text: &str) {
        let style = if word == "error" { ERROR } else { BOLD };
        Self::note(&format!("{} {text}", paint(&format!("{word}:"), style, self.colour_on_stderr)));
    }

    /// Text in a style, where standard output has it.
    pub fn paint(&self, text: &str, style: Style) -> String {
        paint(text, style, self.look.colour)
    }

    /// Asks for a yes; anything else, also the end of input, is a no.
    pub fn agrees(question: &str) -> bool {
        let mut stderr = io::stderr();
        let _ = write!(stderr, "{question} [y/N] ").and_then(|()| stderr.flush());
        let mut line = String::new();
        let read = io::stdin().lock().read_line(&mut line).unwrap_or(0);
        if read == 0 {
            let _ = writeln!(stderr);
        }
        matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes")
    }
}

/// A standing's colour.
pub fn standing_style(standing: Standing) -> Style {
    match standing {
        Standing::Current => AnsiColor::Green.on_default(),
        Standing::Stale => AnsiColor::Yellow.on_default(),
        Standing::Unsupported => AnsiColor::Red.on_default(),
        Standing::Ahead => AnsiColor::Cyan.on_default(),
        Standing::Unknown => DIM,
    }
}

fn paint(text: &str, style: Style, colour: bool) -> String {
    if colour { format!("{}{text}{}", style.render(), style.render_reset()) } else { text.to_owned() }
}

/// By <https://no-color.org>.
fn wants_colour() -> bool {
    let said = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    said("NO_COLOR").is_none() && said("TERM").is_none_or(|term| term != "dumb")
}

/// Columns of the terminal: as the shell says, or as the terminal itself does.
fn width() -> usize {
    const USUAL: usize = 80;
    let sane = |columns: &usize| *columns > 0;
    let told = || std::env::var("COLUMNS").ok()?.parse().ok().filter(sane);
    let asked =
        || rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| size.ws_col.into()).filter(sane);
    told().or_else(asked).unwrap_or(USUAL)
}

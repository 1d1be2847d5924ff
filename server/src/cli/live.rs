//! A screen that is drawn over and over, on a terminal, and leaves it as it was.

use std::fmt::Write as _;

use super::{table::text_width, terminal::Terminal};

/// The terminal's other screen, without a cursor; lines that are too long are cut rather than broken, so that one that
/// has just become narrower shows no half lines.
const OPEN: &str = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J";
const CLOSE: &str = "\x1b[?7h\x1b[?25h\x1b[?1049l";
/// What comes between is shown at once, by terminals that know how: nothing flickers.
const BEGIN: &str = "\x1b[?2026h\x1b[H";
const END: &str = "\x1b[J\x1b[?2026l";
const END_OF_LINE: &str = "\x1b[K";

/// The screen. Dropping it brings back what was there before.
pub struct Live {
    drawn: String,
}

impl Live {
    /// Takes the terminal.
    pub fn open() -> Self {
        Terminal::print(OPEN);
        Self { drawn: String::new() }
    }

    /// Draws lines over what was drawn before; those below the screen's end are left out. False: nobody sees it.
    pub fn draw(&mut self, lines: &[String], rows: usize) -> bool {
        let mut text = String::from(BEGIN);
        for (index, line) in lines.iter().take(rows).enumerate() {
            // No line feed after the last one: on the lowest row it would scroll.
            let feed = if index == 0 { "" } else { "\r\n" };
            let _ = write!(text, "{feed}{line}{END_OF_LINE}");
        }
        text.push_str(END);
        if text == self.drawn {
            return true;
        }
        let seen = Terminal::prints_on(&text);
        self.drawn = text;
        seen
    }

    /// The terminal may show something else by now: the next drawing is drawn even if it is the same.
    pub fn forget(&mut self) {
        self.drawn.clear();
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        Terminal::prints_on(CLOSE);
    }
}

/// Words in lines of at most so many columns.
pub fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if text_width(line) + 1 + text_width(word) <= columns => {
                let _ = write!(line, " {word}");
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_wrapped_where_a_line_is_full() {
        assert_eq!(wrapped("one two  three", 7), ["one two", "three"]);
        assert_eq!(wrapped("one", 1), ["one"]);
        assert!(wrapped(" ", 9).is_empty());
    }
}

//! Tables for people: aligned, without rules, as wide as the terminal.

use std::fmt::Write as _;

use anstyle::Style;

/// Space between two columns.
const GAP: usize = 2;
/// Widest that an elastic column gets where there is no terminal to fit.
const WIDEST_PIPED: usize = 60;
/// Narrowest that an elastic column gets, however small the terminal.
const NARROWEST: usize = 10;

/// A column's title and how its cells lie in it.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    title: &'static str,
    right: bool,
    elastic: bool,
}

impl Column {
    /// Words, from the left.
    pub const fn text(title: &'static str) -> Self {
        Self { title, right: false, elastic: false }
    }

    /// Figures, to the right.
    pub const fn figure(title: &'static str) -> Self {
        Self { title, right: true, elastic: false }
    }

    /// Words that are cut when there is no room for them.
    pub const fn elastic(title: &'static str) -> Self {
        Self { title, right: false, elastic: true }
    }
}

/// One cell.
#[derive(Clone, Debug)]
pub struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// A cell in a colour, for terminals that have it.
    pub fn styled(text: impl AsRef<str>, style: Style) -> Self {
        Self { text: plain(text.as_ref()), style }
    }

    /// What may be missing.
    pub fn maybe(text: Option<impl ToString>) -> Self {
        Self::from(text.map(|text| text.to_string()).unwrap_or_default())
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::styled(text, Style::new())
    }
}

/// What it is drawn for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Look {
    /// Columns of the terminal; none when it isn't one.
    pub width: Option<usize>,
    /// It shows colours.
    pub colour: bool,
}

/// Rows under titles.
#[derive(Debug)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// An empty one.
    pub fn new(columns: impl Into<Vec<Column>>) -> Self {
        Self { columns: columns.into(), rows: Vec::new() }
    }

    /// Adds a row: a cell for every column.
    pub fn row(&mut self, cells: impl Into<Vec<Cell>>) {
        let cells = cells.into();
        debug_assert_eq!(cells.len(), self.columns.len(), "a cell for every column");
        self.rows.push(cells);
    }

    /// The whole table, a line feed after every line. A terminal that is too narrow for it wraps its lines.
    pub fn draw(&self, look: Look) -> String {
        self.draw_in(&self.widths(look.width), look)
    }

    /// The same to be redrawn in place, where no line may wrap: what is at the right is cut.
    pub fn draw_cut(&self, look: Look) -> String {
        let mut widths = self.widths(look.width);
        let mut left = look.width.unwrap_or(usize::MAX);
        for width in widths.iter_mut().filter(|width| **width > 0) {
            *width = (*width).min(left);
            left = left.saturating_sub(*width + GAP);
        }
        self.draw_in(&widths, look)
    }

    fn draw_in(&self, widths: &[usize], look: Look) -> String {
        let mut drawn = String::new();
        let titles: Vec<_> =
            self.columns.iter().map(|column| Cell::styled(column.title, Style::new().bold())).collect();
        for cells in std::iter::once(&titles).chain(&self.rows) {
            self.draw_line(&mut drawn, cells, widths, look.colour);
        }
        drawn
    }

    fn draw_line(&self, drawn: &mut String, cells: &[Cell], widths: &[usize], colour: bool) {
        // Nothing but padding may follow the last cell that has text, so that lines have no trailing blanks.
        let last = cells.iter().zip(widths).rposition(|(cell, width)| !cell.text.is_empty() && *width > 0);
        for (index, (cell, (column, width))) in cells.iter().zip(self.columns.iter().zip(widths)).enumerate()
        {
            if *width == 0 {
                continue;
            }
            if last.is_none_or(|last| index > last) {
                break;
            }
            let text = cut(&cell.text, *width);
            let padding = width.saturating_sub(text_width(&text));
            let (before, after) = if column.right { (padding, 0) } else { (0, padding) };
            let gap = if index == 0 { 0 } else { GAP };
            let after = if Some(index) == last { 0 } else { after };
            let _ = write!(drawn, "{:1$}", "", gap + before);
            if colour && !cell.style.is_plain() {
                let _ = write!(drawn, "{}{text}{}", cell.style.render(), cell.style.render_reset());
            } else {
                drawn.push_str(&text);
            }
            let _ = write!(drawn, "{:1$}", "", after);
        }
        drawn.push('\n');
    }

    fn widths(&self, terminal: Option<usize>) -> Vec<usize> {
        let widest = |index: usize| {
            let cells = self.rows.iter().map(|row| text_width(&row[index].text));
            cells.max().unwrap_or(0).max(text_width(self.columns[index].title))
        };
        let mut widths: Vec<_> = (0..self.columns.len()).map(widest).collect();
        let total = |widths: &[usize]| {
            let shown = widths.iter().filter(|width| **width > 0).count();
            widths.iter().sum::<usize>() + GAP * shown.saturating_sub(1)
        };
        // Where room is short, columns without a word in them make it.
        if terminal.is_some_and(|terminal| total(&widths) > terminal) {
            for (index, width) in widths.iter_mut().enumerate() {
                if self.rows.iter().all(|row| row[index].text.is_empty()) {
                    *width = 0;
                }
            }
        }
        let mut excess = terminal.map(|terminal| total(&widths).saturating_sub(terminal));
        // The last elastic column gives way first: what stands to the left of it matters more.
        for (column, width) in self.columns.iter().zip(&mut widths).rev().filter(|(column, _)| column.elastic)
        {
            let least = NARROWEST.max(column.title.len()).min(*width);
            match &mut excess {
                None => *width = (*width).min(WIDEST_PIPED),
                Some(excess) => {
                    let cut = (*excess).min(*width - least);
                    *width -= cut;
                    *excess -= cut;
                }
            }
        }
        widths
    }
}

/// What pages and pipelines wrote, without what would steer a terminal or turn the line's direction.
pub fn plain(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if steers(c) { ' ' } else { c }).collect()
}

/// Columns that a text takes up on a terminal.
pub fn text_width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

/// Good for what stands in commit messages: combining marks take none, CJK and emoji two.
fn char_width(c: char) -> usize {
    match u32::from(c) {
        0x300..=0x36f | 0x200b..=0x200d | 0x20d0..=0x20ff | 0xfe00..=0xfe0f | 0x1f3fb..=0x1f3ff => 0,
        0x1100..=0x115f
        | 0x2e80..=0x303e
        | 0x3041..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1f64f
        | 0x1f680..=0x1f6ff
        | 0x1f900..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// A text in no more than so many columns.
pub fn cut(text: &str, width: usize) -> String {
    if text_width(text) <= width {
        return text.to_owned();
    }
    let (mut kept, mut taken) = (String::new(), 0);
    for c in text.chars() {
        taken += char_width(c);
        if taken > width.saturating_sub(1) {
            break;
        }
        kept.push(c);
    }
    let mut kept = kept.trim_end().to_owned();
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIPED: Look = Look { width: None, colour: false };

    fn census() -> Table {
        let mut table = Table::new([
            Column::text("BUILD"),
            Column::figure("SESSIONS"),
            Column::elastic("MESSAGE"),
            Column::text("RELEASED"),
        ]);
        table.row(["ba318c8ccd", "43", "Merge #3153", "13 hours ago"].map(Cell::from));
        table.row(["7", "1200", "", ""].map(Cell::from));
        table
    }

    #[test]
    fn columns_line_up_and_lines_end_where_their_text_does() {
        assert_eq!(
            census().draw(PIPED),
            "BUILD       SESSIONS  MESSAGE      RELEASED\n\
             ba318c8ccd        43  Merge #3153  13 hours ago\n\
             7               1200\n"
        );
    }

    #[test]
    fn wide_and_combining_characters_keep_the_columns_straight() {
        let mut table = Table::new([Column::text("MESSAGE"), Column::text("BY")]);
        table.row(["修正 cache", "a"].map(Cell::from));
        table.row(["cafe\u{301}", "b"].map(Cell::from));
        let drawn = table.draw(PIPED);
        let starts: Vec<_> =
            drawn.lines().map(|line| text_width(&line[..line.rfind(' ').unwrap()])).collect();
        assert_eq!(starts, [11, 11, 11], "{drawn}");
    }

    #[test]
    fn long_messages_are_cut_to_the_terminal_and_to_sixty_when_piped() {
        let mut table = census();
        table.row(["b", "1", &"long ".repeat(40), "now"].map(Cell::from));
        let widest = |look| table.draw(look).lines().map(text_width).max().unwrap();
        assert_eq!(widest(Look { width: Some(80), colour: false }), 80);
        assert!(table.draw(PIPED).contains('…'));
        assert!(widest(PIPED) <= 10 + 8 + 60 + 12 + 6);
        let tiny = table.draw(Look { width: Some(10), colour: false });
        assert!(tiny.contains("long long…") && tiny.contains("13 hours ago"), "{tiny}");
    }

    #[test]
    fn what_is_redrawn_in_place_never_wraps() {
        let mut table = census();
        table.row(["b", "1", &"long ".repeat(40), "now"].map(Cell::from));
        for columns in 1..60 {
            let drawn = table.draw_cut(Look { width: Some(columns), colour: false });
            assert!(drawn.lines().all(|line| text_width(line) <= columns), "{columns}: {drawn}");
        }
        let look = Look { width: Some(80), colour: false };
        assert_eq!(table.draw_cut(look), table.draw(look));
    }

    #[test]
    fn columns_without_a_word_make_room_on_a_narrow_terminal_only() {
        let mut table =
            Table::new([Column::text("SESSION"), Column::text("OUTCOME"), Column::text("LABELS")]);
        table.row(["0123456789", "", "tenant=acme"].map(Cell::from));
        assert!(table.draw(PIPED).contains("OUTCOME"));
        assert!(table.draw(Look { width: Some(80), colour: false }).contains("OUTCOME"));
        let narrow = table.draw(Look { width: Some(24), colour: false });
        assert_eq!(narrow, "SESSION     LABELS\n0123456789  tenant=acme\n");
    }

    #[test]
    fn colours_appear_only_where_they_are_wanted() {
        let mut table = Table::new([Column::text("STANDING")]);
        table.row([Cell::styled("stale", anstyle::AnsiColor::Yellow.on_default())]);
        assert!(!table.draw(PIPED).contains('\u{1b}'));
        assert!(table.draw(Look { width: None, colour: true }).contains("\u{1b}[33mstale\u{1b}[0m"));
    }

    #[test]
    fn what_a_page_wrote_never_steers_the_terminal() {
        let mut table = Table::new([Column::text("LABELS")]);
        table.row(["a\u{1b}[2Jb\n\u{202e}c"].map(Cell::from));
        assert_eq!(table.draw(PIPED), "LABELS\na [2Jb  c\n");
    }
}

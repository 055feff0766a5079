//! Lines for a terminal: text with paint, cut to a width, with or without colour, in UTF-8 or ASCII.
//!
//! What the terminal view and what `tree`, `timeline` and the overview print is made of the same [`Line`]s, so that a
//! name from a trace is made safe in one place: [`Line::bytes`].

use std::fmt::Write as _;

use tracehound_signals::Priority;
use tracehound_signals::visible::Visible;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How some text is painted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// As it is.
    Plain,
    /// What a line is about.
    Bold,
    /// What matters less.
    Dim,
    /// A signal of this priority.
    Signal(Priority),
    /// A container; the same number is the same colour.
    Container(u8),
}

/// Colours that containers are told apart by: `256`-colour numbers that are legible on black and on white.
const CONTAINER_COLORS: [u8; 6] = [33, 35, 132, 137, 66, 98];

impl Paint {
    /// The paint of a container, by its short id.
    pub fn container(id: &[u8]) -> Paint {
        let sum = id.iter().fold(0u32, |sum, &b| sum.wrapping_mul(31).wrapping_add(b.into()));
        Paint::Container((sum % CONTAINER_COLORS.len() as u32) as u8)
    }

    /// Number of the 256-colour palette, for a container.
    pub fn container_color(number: u8) -> u8 {
        CONTAINER_COLORS[usize::from(number) % CONTAINER_COLORS.len()]
    }

    /// The escape sequence that starts it; empty for none.
    fn start(self) -> String {
        match self {
            Paint::Plain => String::new(),
            Paint::Bold => "\x1b[1m".to_owned(),
            Paint::Dim => "\x1b[2m".to_owned(),
            Paint::Signal(priority) => format!("\x1b[1m{}", tracehound_signals::text::color(priority)),
            Paint::Container(number) => format!("\x1b[38;5;{}m", Paint::container_color(number)),
        }
    }
}

/// Some text in one paint. It holds nothing that a terminal obeys and no character without a width.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// How it is painted.
    pub paint: Paint,
    /// The text.
    pub text: String,
}

/// A line, without its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    spans: Vec<Span>,
}

impl Line {
    /// An empty line.
    pub fn new() -> Line {
        Line::default()
    }

    /// Appends text of the program's own, or text that was made safe before.
    pub fn text(&mut self, paint: Paint, text: impl AsRef<str>) -> &mut Line {
        let text = text.as_ref();
        if text.is_empty() {
            return self;
        }
        match self.spans.last_mut() {
            Some(last) if last.paint == paint => last.text.push_str(text),
            _ => self.spans.push(Span { paint, text: text.to_owned() }),
        }
        self
    }

    /// Appends bytes from a trace, made safe; see [`Visible`].
    pub fn bytes(&mut self, paint: Paint, bytes: &[u8]) -> &mut Line {
        self.text(paint, Visible(bytes).to_string())
    }

    /// Appends another line.
    pub fn line(&mut self, other: Line) -> &mut Line {
        for Span { paint, text } in other.spans {
            self.text(paint, text);
        }
        self
    }

    /// Appends blanks up to a column, at least one.
    pub fn column(&mut self, column: usize) -> &mut Line {
        let n = column.saturating_sub(self.width()).max(1);
        self.text(Paint::Plain, " ".repeat(n))
    }

    /// The pieces.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Columns that it takes.
    pub fn width(&self) -> usize {
        self.spans.iter().map(|span| span.text.width()).sum()
    }

    /// The line, with `…` as its last character if it was longer than `width` columns.
    pub fn cut(mut self, width: usize) -> Line {
        if self.width() <= width {
            return self;
        }
        let mut left = width.saturating_sub(1);
        for i in 0..self.spans.len() {
            let text = &self.spans[i].text;
            let taken = text.width();
            if taken > left {
                let end = end_of(text, left);
                self.spans[i].text.truncate(end);
                self.spans.truncate(i + 1);
                break;
            }
            left -= taken;
        }
        if width > 0 {
            let paint = self.spans.last().map_or(Paint::Plain, |span| span.paint);
            self.text(paint, "…");
        }
        self
    }

    /// The text alone.
    pub fn plain(&self) -> String {
        self.spans.iter().map(|span| span.text.as_str()).collect()
    }
}

/// Where a text ends that has at most `width` columns.
fn end_of(text: &str, width: usize) -> usize {
    let mut left = width;
    for (at, c) in text.char_indices() {
        let taken = c.width().unwrap_or(0);
        if taken > left {
            return at;
        }
        left -= taken;
    }
    text.len()
}

/// Text of at most `width` columns, with `…` as its last character if it was longer.
pub fn shorten(text: &str, width: usize) -> String {
    if text.width() <= width {
        text.to_owned()
    } else {
        format!("{}…", &text[..end_of(text, width.saturating_sub(1))])
    }
}

/// What lines are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Screen {
    /// Colours and bold type by escape sequences.
    pub has_color: bool,
    /// Only ASCII: lines and marks are replaced by what resembles them, everything else is written as an escape.
    pub is_ascii: bool,
    /// Columns, if lines are cut to them.
    pub width: Option<usize>,
}

impl Screen {
    /// A line as it is written, without its end.
    pub fn render(&self, line: &Line) -> String {
        let cut;
        let line = match self.width {
            Some(width) if line.width() > width => {
                cut = line.clone().cut(width);
                &cut
            }
            _ => line,
        };
        let mut out = String::new();
        for Span { paint, text } in line.spans() {
            let start = if self.has_color { paint.start() } else { String::new() };
            out.push_str(&start);
            out.push_str(&self.characters(text));
            if !start.is_empty() {
                out.push_str("\x1b[0m");
            }
        }
        out
    }
}

impl Screen {
    /// Text in the characters of the screen.
    pub fn characters(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        if self.is_ascii {
            ascii(&mut out, text)
        } else {
            out.push_str(text)
        }
        out
    }
}

/// Marks of the program, with as many columns as they have in UTF-8, so that a line stays as wide as it was measured.
const ASCII: [(char, char); 26] = [
    ('├', '|'),
    ('└', '`'),
    ('│', '|'),
    ('─', '-'),
    ('●', '*'),
    ('○', 'o'),
    ('…', '~'),
    ('→', '>'),
    ('×', 'x'),
    ('±', '~'),
    ('·', '.'),
    ('▲', '^'),
    ('▾', 'v'),
    ('»', '>'),
    ('↑', '^'),
    ('↓', 'v'),
    ('←', '<'),
    ('▸', '>'),
    ('▁', '.'),
    ('▂', '.'),
    ('▃', ':'),
    ('▄', ':'),
    ('▅', '+'),
    ('▆', '+'),
    ('▇', '#'),
    ('█', '#'),
];

fn ascii(out: &mut String, text: &str) {
    for c in text.chars() {
        match ASCII.iter().find(|(mark, _)| *mark == c) {
            _ if c.is_ascii() => out.push(c),
            Some((_, like)) => out.push(*like),
            // Writing to a String cannot fail.
            None => drop(write!(out, "\\u{{{:x}}}", u32::from(c))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_to_columns() {
        for (text, width, expected) in [
            ("abcdef", 6, "abcdef"),
            ("abcdef", 5, "abcd…"),
            ("漢字漢字", 8, "漢字漢字"),
            // A wide character that would stand over the edge is left out whole.
            ("漢字漢字", 6, "漢字…"),
            ("漢字漢字", 2, "…"),
            ("abc", 1, "…"),
            ("abc", 0, ""),
            ("", 0, ""),
        ] {
            let mut line = Line::new();
            line.text(Paint::Plain, text);
            let cut = line.cut(width);
            assert_eq!((cut.plain().as_str(), cut.width() <= width), (expected, true), "{text:?} to {width}");
        }
    }

    #[test]
    fn hostile_bytes_have_a_width() {
        for (bytes, expected) in [
            (&b"a\x1b[2Jb"[..], "a\\x1b[2Jb"),
            (b"\xff\xc3(", "\\xff\\xc3("),
            ("e\u{301}".as_bytes(), "e\\u{301}"),
            ("a\u{200d}b\u{202e}c".as_bytes(), "a\\u{200d}b\\u{202e}c"),
            ("漢".as_bytes(), "漢"),
        ] {
            let mut line = Line::new();
            line.bytes(Paint::Plain, bytes);
            assert_eq!(line.plain(), expected);
            assert!(line.plain().chars().all(|c| c.width().is_some_and(|n| n > 0)), "{expected}");
        }
    }

    #[test]
    fn rendered() {
        let mut line = Line::new();
        line.text(Paint::Bold, "├─ 1").text(Paint::Plain, " é");
        let screen = Screen::default();
        for (screen, expected) in [
            (screen, "├─ 1 é"),
            (Screen { has_color: true, ..screen }, "\x1b[1m├─ 1\x1b[0m é"),
            (Screen { is_ascii: true, ..screen }, "|- 1 \\u{e9}"),
            (Screen { width: Some(4), ..screen }, "├─ …"),
            (Screen { width: Some(4), is_ascii: true, ..screen }, "|- ~"),
        ] {
            assert_eq!(screen.render(&line), expected, "{screen:?}");
        }
    }
}

//! Diagnostics as text for people, and as rows and JSON for programs.

use std::fmt::Write;

use crate::diagnostic::Diagnostic;
use crate::source::{SourceMap, Span, chars_in};

/// Characters of a source line shown at most, around the place.
const MAX_LINE: usize = 120;

/// Bytes with everything that is not printable text made visible: control characters and bytes that are not UTF-8
/// as `\x1b`, characters that change the direction of text or have no width as `\u{202e}`.
pub fn visible(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    push_visible(&mut out, bytes);
    out
}

fn push_visible(out: &mut String, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\t' => out.push(' '),
                '\0'..='\x1f' | '\x7f' => {
                    let _ = write!(out, "\\x{:02x}", c as u32);
                }
                '\u{80}'..='\u{9f}'
                | '\u{ad}'
                | '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}' => {
                    let _ = write!(out, "\\u{{{:x}}}", c as u32);
                }
                c => out.push(c),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
}

/// A text without line breaks or control characters, cut to a length people read.
pub(crate) fn short(text: &str, max: usize) -> String {
    let mut out = visible(text.as_bytes());
    if out.chars().count() > max {
        out = out.chars().take(max).collect();
        out.push('…');
    }
    out
}

/// One diagnostic as text, with a line break at its end:
///
/// ```text
/// error[LOAD_ERR_COMPILE_CONDITION]: nonexistent field proc.nam
///   --> rules.yaml:12:15
///    |
/// 12 |   condition: proc.nam = bash
///    |              ^^^^^^^^
///    = help: did you mean `proc.name`?
/// ```
pub fn render(diagnostic: &Diagnostic, sources: &SourceMap) -> String {
    let mut out = String::new();
    let d = diagnostic;
    let _ = writeln!(out, "{}[{}]: {}", d.severity.name(), d.code_text(), visible(d.message.as_bytes()));
    let lines = d.labels.iter().map(|&(span, _)| sources.position(span.file, span.start).line);
    let gutter = lines.max().unwrap_or(0).max(1).to_string().len();
    for (i, (span, label)) in d.labels.iter().enumerate() {
        let arrow = if i == 0 { "-->" } else { ":::" };
        let _ = writeln!(out, "{:gutter$}{arrow} {}", "", location(*span, sources));
        render_snippet(&mut out, *span, label, i == 0, gutter, sources);
    }
    for note in &d.notes {
        let _ = write!(out, "{:gutter$} = note: {}", "", visible(note.text.as_bytes()));
        if let Some(span) = note.span {
            let _ = write!(out, " at {}", location(span, sources));
        }
        out.push('\n');
    }
    if let Some(help) = &d.help {
        let _ = writeln!(out, "{:gutter$} = help: {}", "", visible(help.as_bytes()));
    }
    out
}

/// All diagnostics, with an empty line between them.
pub fn render_all(diagnostics: &[Diagnostic], sources: &SourceMap) -> String {
    let texts: Vec<String> = diagnostics.iter().map(|d| render(d, sources)).collect();
    texts.join("\n")
}

/// `file:line:column`.
pub fn location(span: Span, sources: &SourceMap) -> String {
    let position = sources.position(span.file, span.start);
    format!("{}:{}:{}", visible(sources.path(span.file).as_bytes()), position.line, position.column)
}

fn render_snippet(out: &mut String, span: Span, label: &str, is_primary: bool, gutter: usize, sources: &SourceMap) {
    let line_number = sources.position(span.file, span.start).line;
    let (line_start, line) = sources.line(span.file, line_number);
    let start = (span.start as usize).saturating_sub(line_start).min(line.len());
    // A span over several lines is marked up to the end of its first.
    let end = (span.end as usize).saturating_sub(line_start).clamp(start, line.len());
    let (line, start, end, has_head, has_tail) = window(line, start, end);

    let mut shown = String::new();
    if has_head {
        shown.push('…');
    }
    push_visible(&mut shown, &line[..start]);
    let indent = shown.chars().count();
    push_visible(&mut shown, &line[start..end]);
    let width = (shown.chars().count() - indent).max(1);
    push_visible(&mut shown, &line[end..]);
    if has_tail {
        shown.push('…');
    }
    let mark = if is_primary { "^" } else { "-" };
    let _ = writeln!(out, "{:gutter$} |", "");
    let _ = writeln!(out, "{}", format!("{line_number:>gutter$} | {shown}").trim_end());
    let _ = write!(out, "{:gutter$} | {:indent$}{}", "", "", mark.repeat(width));
    if !label.is_empty() {
        let _ = write!(out, " {}", visible(label.as_bytes()));
    }
    out.push('\n');
}

/// Cuts a long line to the surroundings of a place: the part, the place in it, and whether something was cut off
/// before and after.
fn window(line: &[u8], start: usize, end: usize) -> (&[u8], usize, usize, bool, bool) {
    if chars_in(line) <= MAX_LINE {
        return (line, start, end, false, false);
    }
    let is_boundary = |i: usize| i >= line.len() || line[i] & 0xc0 != 0x80;
    let mut from = start.saturating_sub(MAX_LINE / 3);
    while !is_boundary(from) {
        from += 1;
    }
    let mut to = (from + MAX_LINE).min(line.len());
    while !is_boundary(to) {
        to += 1;
    }
    let from = from.min(start);
    let to = to.max(start).min(line.len());
    (&line[from..to], start - from, end.min(to) - from, from > 0, to < line.len())
}

/// A diagnostic with its places resolved: what a program or a table wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Code, as `LOAD_ERR_VALIDATE`; of a quirk with its name, as `TH_QUIRK/address-in`.
    pub code: String,
    /// `error`, `warning` or `lint`.
    pub severity: &'static str,
    /// What is wrong.
    pub message: String,
    /// File, empty if there is no place.
    pub file: String,
    /// Line from 1, 0 if there is no place.
    pub line: u32,
    /// Column in characters from 1, 0 if there is no place.
    pub column: u32,
    /// Line of the end.
    pub end_line: u32,
    /// Column behind the last character.
    pub end_column: u32,
    /// The text at the place, cut to 120 characters, with hostile bytes made visible.
    pub snippet: String,
    /// Further places and context, each with its location.
    pub notes: Vec<String>,
    /// What to do.
    pub help: Option<String>,
}

/// Resolves the places of a diagnostic.
pub fn row(diagnostic: &Diagnostic, sources: &SourceMap) -> Row {
    let d = diagnostic;
    let further = d.labels.iter().skip(1).map(|(span, text)| format!("{}: {text}", location(*span, sources)));
    let notes = d.notes.iter().map(|note| match note.span {
        Some(span) => format!("{} at {}", note.text, location(span, sources)),
        None => note.text.clone(),
    });
    let notes = further.chain(notes).collect();
    let mut row = Row {
        code: d.code_text(),
        severity: d.severity.name(),
        message: d.message.clone(),
        file: String::new(),
        line: 0,
        column: 0,
        end_line: 0,
        end_column: 0,
        snippet: String::new(),
        notes,
        help: d.help.clone(),
    };
    if let Some(span) = d.span() {
        let start = sources.position(span.file, span.start);
        let end = sources.position(span.file, span.end);
        row.file = sources.path(span.file).to_owned();
        (row.line, row.column) = (start.line, start.column);
        (row.end_line, row.end_column) = (end.line, end.column);
        let bytes = sources.slice(span);
        row.snippet = short(&visible(&bytes[..bytes.len().min(1024)]), MAX_LINE);
    }
    row
}

impl Row {
    /// One JSON object, keys in the order of the fields.
    pub fn to_json(&self) -> String {
        let mut out = String::from("{");
        let text = |out: &mut String, key: &str, value: &str| {
            push_json(out, key);
            out.push(':');
            push_json(out, value);
            out.push(',');
        };
        text(&mut out, "code", &self.code);
        text(&mut out, "severity", self.severity);
        text(&mut out, "message", &self.message);
        text(&mut out, "file", &self.file);
        for (key, n) in
            [("line", self.line), ("column", self.column), ("end_line", self.end_line), ("end_column", self.end_column)]
        {
            let _ = write!(out, "\"{key}\":{n},");
        }
        text(&mut out, "snippet", &self.snippet);
        out.push_str("\"notes\":[");
        for (i, note) in self.notes.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            push_json(&mut out, note);
        }
        out.push_str("],\"help\":");
        match &self.help {
            Some(help) => push_json(&mut out, help),
            None => out.push_str("null"),
        }
        out.push('}');
        out
    }
}

fn push_json(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if (c as u32) < 0x20 || c == '\x7f' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Code;
    use crate::source::SourceFile;

    fn sources(bytes: &[u8]) -> SourceMap {
        let mut map = SourceMap::default();
        map.add(SourceFile::new("r.yaml", bytes));
        map
    }

    #[test]
    fn text() {
        let map = sources(b"a\n  condition: proc.nam = x\n");
        let d = Diagnostic::new(Code::CompileCondition, Span::new(0, 15, 23), "nonexistent field proc.nam")
            .label("no such field")
            .also(Span::new(0, 0, 1), "first here")
            .note("in macro `m`, used", Some(Span::new(0, 2, 3)))
            .help("did you mean `proc.name`?".to_owned());
        let expected = "\
error[LOAD_ERR_COMPILE_CONDITION]: nonexistent field proc.nam
 --> r.yaml:2:14
  |
2 |   condition: proc.nam = x
  |              ^^^^^^^^ no such field
 ::: r.yaml:1:1
  |
1 | a
  | - first here
  = note: in macro `m`, used at r.yaml:2:1
  = help: did you mean `proc.name`?
";
        assert_eq!(render(&d, &map), expected);
        let json = row(&d, &map).to_json();
        assert!(json.contains(r#""line":2,"column":14,"end_line":2,"end_column":22,"snippet":"proc.nam""#), "{json}");
    }

    #[test]
    fn hostile_bytes_are_visible() {
        let cases: &[(&[u8], &str)] = &[
            (b"a\x1b[31mb", "a\\x1b[31mb"),
            (b"a\xffb", "a\\xffb"),
            ("a\u{202e}b".as_bytes(), "a\\u{202e}b"),
            ("ç€".as_bytes(), "ç€"),
            (b"\x00\r\n\t", "\\x00\\x0d\\x0a "),
        ];
        for (bytes, expected) in cases {
            assert_eq!(visible(bytes), *expected);
        }
        let map = sources(b"x: \x1b]0;t\x07 y");
        let text = render(&Diagnostic::new(Code::YamlParse, Span::new(0, 10, 11), "m"), &map);
        assert!(text.ends_with("1 | x: \\x1b]0;t\\x07 y\n  |                 ^\n"), "{text}");
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let mut line = vec![b'a'; 1 << 20];
        line[500_000] = b'!';
        let map = sources(&line);
        let text = render(&Diagnostic::new(Code::YamlParse, Span::new(0, 500_000, 900_000), "m"), &map);
        assert!(text.len() < 1000, "{}", text.len());
        assert!(text.contains("…aaa") && text.contains("aaa!aaa"));
        for (start, end) in [(0, 0), (0, 1 << 20), (1 << 20, 1 << 20), (usize::MAX, usize::MAX)] {
            assert!(render(&Diagnostic::new(Code::YamlParse, Span::new(0, start, end), "m"), &map).len() < 1000);
        }
    }
}

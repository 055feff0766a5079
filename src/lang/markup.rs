//! Text from rules and traces inside of what other programs read: references, workflow commands, Markdown.
//!
//! Hostile bytes are made visible first (see [`visible`]); then nothing of the text means anything to the reader.

use crate::render::visible;

/// A path as a reference by RFC 3986: relative as it was named, or absolute with a scheme.
pub fn uri(path: &str) -> String {
    let mut out = String::new();
    let path = path.strip_prefix("./").unwrap_or(path);
    if path.starts_with('/') {
        out.push_str("file://");
    }
    for &byte in path.as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(byte as char),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// How much an annotation matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something is wrong.
    Error,
    /// Something may be wrong.
    Warning,
    /// Something is so.
    Notice,
}

impl Level {
    /// As GitHub's workflow commands name it.
    pub fn name(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Notice => "notice",
        }
    }

    /// As SARIF names it.
    pub fn sarif(self) -> &'static str {
        match self {
            Level::Notice => "note",
            level => level.name(),
        }
    }
}

/// A place that GitHub shows an annotation at: a file, and in it a line and a column (both from 1, in characters).
pub type Place<'a> = (&'a str, u32, Option<u32>);

/// A workflow command that GitHub shows as an annotation of a place, on one line without its end. Lines of the message
/// stay lines.
///
/// Source: `@actions/toolkit`, `packages/core/src/command.ts` (`escapeData`, `escapeProperty`).
pub fn annotation(level: Level, place: Option<Place<'_>>, title: &str, message: &str) -> String {
    let data = |text: &str| text.replace('%', "%25").replace('\n', "%0A");
    let property = |text: &str| data(&visible(text.as_bytes())).replace(':', "%3A").replace(',', "%2C");
    let lines: Vec<String> = message.lines().map(|line| visible(line.as_bytes())).collect();
    let place = place.map(|(path, line, column)| {
        let path = path.strip_prefix("./").unwrap_or(path);
        let column = column.map_or_else(String::new, |column| format!("col={column},"));
        format!("file={},line={line},{column}", property(path))
    });
    let place = place.unwrap_or_default();
    format!("::{} {place}title={}::{}", level.name(), property(title), data(&lines.join("\n")))
}

/// A text as code within a line of Markdown (GitHub's, specification 6.1), whatever is in it.
pub fn code(text: &str) -> String {
    let text = visible(text.as_bytes());
    if text.trim().is_empty() {
        // A span of blanks alone is no code span, and an empty one cannot be written.
        return format!("`\"{text}\"`");
    }
    let fence = "`".repeat(longest_run(&text) + 1);
    let pad = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// As [`code`], within a cell of a table.
pub fn cell(text: &str) -> String {
    // A bar ends a cell also within code, unless it is escaped (GitHub's specification, section 4.10).
    code(text).replace('|', "\\|")
}

/// Lines as a block of code of a language, which may be empty.
pub fn block(language: &str, text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| visible(line.as_bytes())).collect();
    let fence = "`".repeat(lines.iter().map(|line| longest_run(line)).max().unwrap_or(0).max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}\n", lines.join("\n"))
}

/// Text within HTML, as in the summary of a folded part of Markdown.
pub fn html(text: &str) -> String {
    visible(text.as_bytes())
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
        // Whoever takes the line for Markdown finds no code in it.
        .replace('`', "&#96;")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references() {
        for (path, expected) in [
            ("rules/a.yaml", "rules/a.yaml"),
            ("./a b.yaml", "a%20b.yaml"),
            ("/x/a:b.yaml", "file:///x/a%3Ab.yaml"),
            ("a:b", "a%3Ab"),
            ("ç", "%C3%A7"),
        ] {
            assert_eq!(uri(path), expected, "{path}");
        }
    }

    #[test]
    fn annotations() {
        for (place, title, message, expected) in [
            (Some(("./a.yaml", 3, None)), "T", "m", "::warning file=a.yaml,line=3,title=T::m"),
            (Some(("a:b.yaml", 3, Some(7))), "T", "m", "::warning file=a%3Ab.yaml,line=3,col=7,title=T::m"),
            (None, "a:b,c%", "x\n::error::y", "::warning title=a%3Ab%2Cc%25::x%0A::error::y"),
            (None, "a\n::error::b", "a\r\x1b", "::warning title=a\\x0a%3A%3Aerror%3A%3Ab::a\\x0d\\x1b"),
        ] {
            assert_eq!(annotation(Level::Warning, place, title, message), expected);
        }
    }

    #[test]
    fn markdown() {
        for (text, as_code, as_cell) in [
            ("a", "`a`", "`a`"),
            ("a|b", "`a|b`", "`a\\|b`"),
            ("`", "`` ` ``", "`` ` ``"),
            ("a``b", "```a``b```", "```a``b```"),
            (" a", "`  a `", "`  a `"),
            ("", "`\"\"`", "`\"\"`"),
            ("a\nb</details>", "`a\\x0ab</details>`", "`a\\x0ab</details>`"),
        ] {
            assert_eq!((code(text).as_str(), cell(text).as_str()), (as_code, as_cell), "{text:?}");
        }
        assert_eq!(block("diff", "-a\n```\n+b"), "````diff\n-a\n```\n+b\n````\n");
        assert_eq!(html("<a href='x'>&"), "&lt;a href=&#39;x&#39;&gt;&amp;");
    }
}

//! `regex`: regular expressions of RE2 in POSIX syntax, matching the whole value.
//!
//! The syntax is checked here and translated to that of the `regex` crate, which runs in linear time as RE2 does.
//! What RE2's POSIX syntax does not have is an error, although the crate would take it: `\d \w \s \b`, `(?...)`,
//! `\pN`. `^` and `$` also match at line breaks inside the value; `.` does not match a line break, `[^a]` does.
//! Bytes that are not UTF-8 are replaced by U+FFFD before matching.
//!
//! Source: `RE2::Options::ParseFlags`, `Regexp::Parse` and `UnescapeChar` of google/re2.

use bstr::ByteSlice;

use crate::error::RegexError;

/// Largest compiled program, as RE2's default `max_mem`.
const SIZE_LIMIT: usize = 8 << 20;
/// Largest count of a repetition.
const MAX_REPEAT: u32 = 1000;

/// How deep groups may be nested; the default of the `regex` crate.
const MAX_NESTED: usize = 250;
/// How often one thing may be put in a group for a `?` after a counted repetition: each moves the text after it.
const MAX_GROUPED: u32 = 50;

/// A compiled expression.
#[derive(Clone, Debug)]
pub struct PosixRegex {
    regex: regex::Regex,
}

impl PosixRegex {
    /// Compiles a pattern.
    pub fn new(pattern: &[u8]) -> Result<PosixRegex, RegexError> {
        let pattern = pattern.to_str().map_err(|_| RegexError::Utf8)?;
        let translated = translate(pattern)?;
        let regex = regex::RegexBuilder::new(&format!(r"\A(?m:{translated})\z"))
            .size_limit(SIZE_LIMIT)
            .build()
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => RegexError::TooLarge,
                other => RegexError::Other(last_line(&other.to_string())),
            })?;
        Ok(PosixRegex { regex })
    }

    /// True if the whole value matches, NULs at its end left out.
    pub fn matches(&self, value: &[u8]) -> bool {
        let end = value.iter().rposition(|&b| b != 0).map_or(0, |last| last + 1);
        self.regex.is_match(&value[..end].to_str_lossy())
    }
}

/// The `regex` crate explains with a drawing of several lines; its last line has the reason.
fn last_line(text: &str) -> String {
    text.lines().last().unwrap_or(text).trim().trim_start_matches("error: ").to_owned()
}

/// True if a pattern is only text, perhaps with `^`, `$`, `.*`, `.+` or `.?` at its ends: `=`, `startswith`,
/// `endswith` or `contains` would say the same at less cost.
pub fn is_plain_text(pattern: &[u8]) -> bool {
    let mut rest = pattern;
    loop {
        let shorter = [b"^".as_slice(), b".*", b".+", b".?"].iter().find_map(|p| rest.strip_prefix(*p));
        match shorter {
            Some(shorter) => rest = shorter,
            None => break,
        }
    }
    loop {
        let shorter = [b"$".as_slice(), b".*", b".+", b".?"].iter().find_map(|p| rest.strip_suffix(*p));
        match shorter {
            Some(shorter) => rest = shorter,
            None => break,
        }
    }
    !rest.iter().any(|b| b".^$*+?()[]{}|\\".contains(b))
}

/// Writes a pattern in the syntax of the `regex` crate.
fn translate(pattern: &str) -> Result<String, RegexError> {
    let bytes = pattern.as_bytes();
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut at = 0;
    // Where the open groups begin in `out`.
    let mut groups = Vec::new();
    // Where what a repetition operator would repeat begins in `out`, and how often it was put in a group.
    let mut atom = (0, 0);
    // True where a repetition operator has something to repeat.
    let mut repeatable = false;
    // True right after a counted repetition.
    let mut counted = false;
    while at < bytes.len() {
        let was_counted = std::mem::take(&mut counted);
        match bytes[at] {
            b'(' => {
                if bytes.get(at + 1) == Some(&b'?') {
                    return Err(RegexError::Group(at));
                }
                if groups.len() == MAX_NESTED {
                    return Err(RegexError::TooLarge);
                }
                groups.push(out.len());
                repeatable = false;
                // Captures are never read.
                out.push_str("(?:");
                at += 1;
            }
            b')' => {
                atom = (groups.pop().ok_or(RegexError::Parenthesis)?, 0);
                repeatable = true;
                out.push(')');
                at += 1;
            }
            b'|' => {
                repeatable = false;
                out.push('|');
                at += 1;
            }
            b'*' | b'+' | b'?' => {
                if !repeatable {
                    return Err(RegexError::NothingToRepeat(at));
                }
                let operator = run_of_operators(bytes, &mut at);
                // `x{2}?` may repeat not at all, where the crate would read a lazy `x{2}`.
                if operator == '?' && was_counted {
                    if atom.1 == MAX_GROUPED {
                        return Err(RegexError::RepeatSize(at));
                    }
                    atom.1 += 1;
                    out.insert_str(atom.0, "(?:");
                    out.push(')');
                }
                out.push(operator);
            }
            b'{' => match repetition(&bytes[at..]) {
                Some((low, high, used)) => {
                    if !repeatable {
                        return Err(RegexError::NothingToRepeat(at));
                    }
                    if low > MAX_REPEAT || high.is_some_and(|high| high > MAX_REPEAT || high < low) {
                        return Err(RegexError::RepeatSize(at));
                    }
                    out.push_str(&pattern[at..at + used]);
                    at += used;
                    counted = true;
                }
                None => {
                    atom = (out.len(), 0);
                    out.push_str(r"\{");
                    repeatable = true;
                    at += 1;
                }
            },
            b'[' => {
                atom = (out.len(), 0);
                at = class(pattern, at, &mut out)?;
                repeatable = true;
            }
            b'\\' => {
                let (c, used) = escape(pattern, at)?;
                atom = (out.len(), 0);
                push_literal(&mut out, c);
                repeatable = true;
                at += used;
            }
            b'^' | b'$' | b'.' => {
                atom = (out.len(), 0);
                out.push(char::from(bytes[at]));
                repeatable = true;
                at += 1;
            }
            _ => {
                let c = pattern[at..].chars().next().unwrap_or_default();
                atom = (out.len(), 0);
                push_literal(&mut out, c);
                repeatable = true;
                at += c.len_utf8().max(1);
            }
        }
    }
    if !groups.is_empty() {
        return Err(RegexError::Parenthesis);
    }
    Ok(out)
}

/// The operators `*`, `+`, `?` from `at` on as one, and moves past them. In POSIX syntax each repeats what stands
/// before it: only whether none and whether more than one is allowed matters.
fn run_of_operators(bytes: &[u8], at: &mut usize) -> char {
    let (mut none, mut many) = (false, false);
    while let Some(&next @ (b'*' | b'+' | b'?')) = bytes.get(*at) {
        none |= next != b'+';
        many |= next != b'?';
        *at += 1;
    }
    match (none, many) {
        (true, true) => '*',
        (true, false) => '?',
        (false, _) => '+',
    }
}

/// `{n}`, `{n,}` or `{n,m}` at the start of `bytes`, and its length; anything else is a plain brace.
fn repetition(bytes: &[u8]) -> Option<(u32, Option<u32>, usize)> {
    let close = bytes.iter().take(24).position(|&b| b == b'}')?;
    let number = |digits: &[u8]| -> Option<u32> {
        (!digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
            .then(|| std::str::from_utf8(digits).ok()?.parse::<u32>().ok().or(Some(u32::MAX)))
            .flatten()
    };
    let inner = &bytes[1..close];
    let (low, high) = match inner.iter().position(|&b| b == b',') {
        None => {
            let n = number(inner)?;
            (n, Some(n))
        }
        Some(comma) if comma + 1 == inner.len() => (number(&inner[..comma])?, None),
        Some(comma) => (number(&inner[..comma])?, Some(number(&inner[comma + 1..])?)),
    };
    Some((low, high, close + 1))
}

/// Translates the class at `at` and returns where it ends.
fn class(pattern: &str, start: usize, out: &mut String) -> Result<usize, RegexError> {
    let bytes = pattern.as_bytes();
    let mut at = start + 1;
    out.push('[');
    if bytes.get(at) == Some(&b'^') {
        out.push('^');
        at += 1;
    }
    let mut first = true;
    loop {
        let Some(&byte) = bytes.get(at) else { return Err(RegexError::UnclosedClass) };
        if byte == b']' && !first {
            out.push(']');
            return Ok(at + 1);
        }
        // A dash stands for itself only first or last.
        if byte == b'-' && !first && bytes.get(at + 1) != Some(&b']') {
            return Err(RegexError::ClassRange(at));
        }
        first = false;
        if byte == b'['
            && bytes.get(at + 1) == Some(&b':')
            && let Some(end) = pattern[at + 2..].find(":]")
        {
            let name = &pattern[at + 2..at + 2 + end];
            let plain = name.strip_prefix('^').unwrap_or(name);
            if !POSIX_CLASSES.contains(&plain) {
                return Err(RegexError::ClassRange(at));
            }
            out.push_str(&pattern[at..at + end + 4]);
            at += end + 4;
            continue;
        }
        let (low, used) = class_member(pattern, at)?;
        let range_at = at;
        at += used;
        push_class_literal(out, low);
        if bytes.get(at) == Some(&b'-') && !matches!(bytes.get(at + 1), None | Some(b']')) {
            let (high, used) = class_member(pattern, at + 1)?;
            if high < low {
                return Err(RegexError::ClassRange(range_at));
            }
            out.push('-');
            push_class_literal(out, high);
            at += 1 + used;
        }
    }
}

const POSIX_CLASSES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word",
    "xdigit",
];

fn class_member(pattern: &str, at: usize) -> Result<(char, usize), RegexError> {
    match pattern[at..].chars().next() {
        None => Err(RegexError::UnclosedClass),
        Some('\\') => escape(pattern, at),
        Some(c) => Ok((c, c.len_utf8())),
    }
}

/// The character that the escape at `at` stands for, and its length.
fn escape(pattern: &str, at: usize) -> Result<(char, usize), RegexError> {
    let mut chars = pattern[at + 1..].chars();
    let Some(c) = chars.next() else { return Err(RegexError::TrailingBackslash) };
    let rest = &pattern.as_bytes()[at + 2..];
    let is_octal = |b: Option<&u8>| b.is_some_and(|b| (b'0'..=b'7').contains(b));
    let bad = Err(RegexError::Escape(c, at));
    match c {
        // A single digit but 0 would be a back reference.
        '1'..='7' if !is_octal(rest.first()) => bad,
        '0'..='7' => {
            let digits = 1 + rest.iter().take(2).take_while(|&b| is_octal(Some(b))).count();
            match u32::from_str_radix(&pattern[at + 1..at + 1 + digits], 8).ok().and_then(char::from_u32) {
                Some(value) => Ok((value, 1 + digits)),
                None => bad,
            }
        }
        'x' => {
            let (digits, used) = match rest {
                [b'{', ..] => match rest.iter().position(|&b| b == b'}') {
                    Some(close) => (&rest[1..close], 2 + close + 1),
                    None => return bad,
                },
                [a, b, ..] => (&[*a, *b][..], 4),
                _ => return bad,
            };
            let digits = std::str::from_utf8(digits).unwrap_or_default();
            if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
                return bad;
            }
            match u32::from_str_radix(digits, 16).ok().and_then(char::from_u32) {
                Some(value) => Ok((value, used)),
                None => bad,
            }
        }
        'a' => Ok(('\x07', 2)),
        'f' => Ok(('\x0c', 2)),
        'n' => Ok(('\n', 2)),
        'r' => Ok(('\r', 2)),
        't' => Ok(('\t', 2)),
        'v' => Ok(('\x0b', 2)),
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => Ok((c, 2)),
        _ => bad,
    }
}

fn push_literal(out: &mut String, c: char) {
    if regex_syntax_is_special(c) {
        out.push('\\');
    }
    out.push(c);
}

fn push_class_literal(out: &mut String, c: char) {
    if c.is_ascii_punctuation() {
        out.push('\\');
    }
    out.push(c);
}

fn regex_syntax_is_special(c: char) -> bool {
    ".^$*+?()[]{}|\\#&-~".contains(c)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn matching() {
        let cases: &[(&str, &str, bool)] = &[
            ("yscal.*", "syscall", false),
            ("syscal.*", "syscall", true),
            ("^[s]{1}ysca[l]{2}$", "syscall", true),
            ("", "", true),
            ("", "a", false),
            ("a|ab", "ab", true),
            ("a", "ab", false),
            ("[[:digit:]]+", "123", true),
            ("[[:^digit:]]+", "123", false),
            (".", "\n", false),
            ("[^a]", "\n", true),
            ("a$\n^b", "a\nb", true),
            ("a*?", "aaa", true),
            ("a**", "aaa", true),
            ("a?+", "aaa", true),
            ("a{2}{2}", "aaaa", true),
            ("a{2}?", "", true),
            ("a{2}?", "a", false),
            ("(ab){2}?c", "c", true),
            ("x[ab]{2}?{2}", "xabab", true),
            ("a{2}+", "aaaa", true),
            ("}?", "", true),
            (r"\}?", "}", true),
            ("a{,2}", "a{,2}", true),
            ("a{x", "a{x", true),
            ("}", "}", true),
            ("[]a]+", "]a", true),
            ("[a-]", "-", true),
            ("[[]", "[", true),
            ("[&&]", "&", true),
            ("[a&&b]", "a", true),
            (r"\.", ".", true),
            (r"\_", "_", true),
            (r"\x41\x{42}\103", "ABC", true),
            (r"[\]\-]+", "]-", true),
            ("é+", "éé", true),
            ("/a-b#c~ d", "/a-b#c~ d", true),
            ("(a|)b", "b", true),
            ("^*a", "a", true),
        ];
        for &(pattern, value, expected) in cases {
            let regex = PosixRegex::new(pattern.as_bytes()).unwrap_or_else(|error| panic!("{pattern}: {error}"));
            assert_eq!(regex.matches(value.as_bytes()), expected, "{pattern} {value}");
        }
        assert!(PosixRegex::new("\u{fffd}.".as_bytes()).unwrap().matches(b"\xffx"));
        assert!(PosixRegex::new(b"a").unwrap().matches(b"a\0\0"));
    }

    #[test]
    fn rejected() {
        let patterns: &[&[u8]] = &[
            b"\\d",
            b"\\w",
            b"\\s",
            b"\\b",
            b"\\B",
            b"\\A",
            b"\\z",
            b"\\Q",
            b"\\C",
            b"\\pN",
            b"\\PN",
            b"\\1",
            b"\\8",
            b"[\\d]",
            b"(?i)a",
            b"(?:a)",
            b"(a",
            b"a)",
            b"*a",
            b"(*a)",
            b"a|*",
            b"+",
            b"{2}",
            b"a{1001}",
            b"a{3,2}",
            b"[a",
            b"[",
            b"[b-a]",
            b"[a-b-c]",
            b"[[:foo:]]",
            b"\\",
            b"\\x4",
            b"\\x{110000}",
            b"\xff",
            b"((((a{1000}){1000}){1000}){1000})",
        ];
        for &pattern in patterns {
            assert!(PosixRegex::new(pattern).is_err(), "{}", pattern.as_bstr());
        }
    }

    #[test]
    fn plain_text() {
        for (pattern, expected) in [
            ("abc", true),
            ("^abc$", true),
            (".*abc.*", true),
            (".+abc.?", true),
            ("a.c", false),
            ("a|b", false),
            (r"a\.b", false),
            ("", true),
        ] {
            assert_eq!(is_plain_text(pattern.as_bytes()), expected, "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn what_is_accepted_compiles(pattern in "[ab(){}\\[\\]|*+?.^$\\\\,0-3:x-]{0,12}", value: Vec<u8>) {
            match PosixRegex::new(pattern.as_bytes()) {
                Ok(regex) => { regex.matches(&value); }
                // The crate must never find fault with what the check let through.
                Err(error) => prop_assert!(!matches!(error, RegexError::Other(_)), "{pattern}: {error}"),
            }
        }

        #[test]
        fn never_panics(pattern: Vec<u8>, value: Vec<u8>) {
            if let Ok(regex) = PosixRegex::new(&pattern) {
                regex.matches(&value);
            }
        }
    }
}

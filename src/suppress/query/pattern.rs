//! Terms with wildcards, and texts as words.
//!
//! The patterns of rules ([`glob`](https://man7.org/linux/man-pages/man7/glob.7.html)) know classes of characters and
//! count bytes; those of queries do neither, and an escaped `*` in them is a star.

use std::borrow::Cow;

use bstr::ByteSlice;

/// A term without quotes: text and wildcards, in order. Never two texts or two runs side by side.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Pattern {
    pieces: Vec<Piece>,
}

/// A part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Piece {
    /// Exactly this text, escapes resolved; not empty.
    Text(String),
    /// `*`: any run of characters, also none.
    Run,
    /// `?`: exactly one character; of bytes that are no UTF-8, one byte.
    One,
}

impl Pattern {
    /// A pattern without wildcards.
    pub fn text(text: impl Into<String>) -> Pattern {
        let mut pattern = Pattern::default();
        pattern.push_str(&text.into());
        pattern
    }

    /// Appends text.
    pub fn push_str(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        match self.pieces.last_mut() {
            Some(Piece::Text(last)) => last.push_str(text),
            _ => self.pieces.push(Piece::Text(text.to_owned())),
        }
    }

    /// Appends a wildcard; a run after a run changes nothing.
    pub fn push(&mut self, piece: Piece) {
        match (piece, self.pieces.last()) {
            (Piece::Text(text), _) => self.push_str(&text),
            (Piece::Run, Some(Piece::Run)) => {}
            (piece, _) => self.pieces.push(piece),
        }
    }

    /// Its parts.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The text, if it has no wildcard.
    pub fn as_text(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// True for `*` alone.
    pub fn is_any(&self) -> bool {
        self.pieces == [Piece::Run]
    }

    /// The same with its letters in lower case, to be compared with text in lower case.
    pub fn to_lowercase(&self) -> Pattern {
        let lower = |piece: &Piece| match piece {
            Piece::Text(text) => Piece::Text(text.to_lowercase()),
            other => other.clone(),
        };
        Pattern { pieces: self.pieces.iter().map(lower).collect() }
    }

    /// True if the whole value matches. Linear in the value for patterns without `?`; with it at most value times
    /// pattern, since a run that was passed is never taken up again.
    pub fn matches(&self, value: &[u8]) -> bool {
        let mut parts = self.pieces.split(|piece| *piece == Piece::Run);
        let Some(first) = parts.next() else { return value.is_empty() };
        let Some(mut rest) = strip(first, value) else { return false };
        let Some(mut part) = parts.next() else { return rest.is_empty() };
        for next in parts {
            match find(part, rest) {
                Some(after) => rest = after,
                None => return false,
            }
            part = next;
        }
        ends(part, rest)
    }
}

/// What follows a sequence of texts and single characters at the start of a value.
fn strip<'v>(part: &[Piece], value: &'v [u8]) -> Option<&'v [u8]> {
    let mut rest = value;
    for piece in part {
        rest = match piece {
            Piece::Text(text) => rest.strip_prefix(text.as_bytes())?,
            _ => &rest[char_len(rest)?..],
        };
    }
    Some(rest)
}

/// What follows the first place in a value where a sequence stands.
fn find<'v>(part: &[Piece], value: &'v [u8]) -> Option<&'v [u8]> {
    match part {
        [] => Some(value),
        [Piece::Text(text)] => value.find(text).map(|at| &value[at + text.len()..]),
        // A sequence starts where its first text stands.
        [Piece::Text(text), ..] => {
            let mut from = value;
            loop {
                let at = from.find(text)?;
                if let Some(after) = strip(part, &from[at..]) {
                    return Some(after);
                }
                from = &from[at + char_len(&from[at..])?..];
            }
        }
        _ => {
            let mut from = value;
            loop {
                if let Some(after) = strip(part, from) {
                    return Some(after);
                }
                from = &from[char_len(from)?..];
            }
        }
    }
}

/// True if a value ends in a sequence.
fn ends(part: &[Piece], value: &[u8]) -> bool {
    let mut rest = value;
    for piece in part.iter().rev() {
        let shorter = match piece {
            Piece::Text(text) => rest.strip_suffix(text.as_bytes()),
            _ => match bstr::decode_last_utf8(rest) {
                (_, 0) => None,
                (Some(_), n) => Some(&rest[..rest.len() - n]),
                (None, _) => Some(&rest[..rest.len() - 1]),
            },
        };
        match shorter {
            Some(shorter) => rest = shorter,
            None => return false,
        }
    }
    true
}

/// Bytes of the first character; 1 for a byte that is none.
fn char_len(value: &[u8]) -> Option<usize> {
    match bstr::decode_utf8(value) {
        (_, 0) => None,
        (Some(_), n) => Some(n),
        (None, _) => Some(1),
    }
}

/// Text with its letters in lower case; bytes that are no UTF-8 stay.
pub(crate) fn lowercase(value: &[u8]) -> Cow<'_, [u8]> {
    if value.is_ascii() && !value.iter().any(u8::is_ascii_uppercase) {
        return Cow::Borrowed(value);
    }
    let mut out = Vec::with_capacity(value.len());
    for chunk in value.utf8_chunks() {
        out.extend_from_slice(chunk.valid().to_lowercase().as_bytes());
        out.extend_from_slice(chunk.invalid());
    }
    Cow::Owned(out)
}

/// Words of a text: runs of letters, digits and `_`. Bytes that are no UTF-8 are part of a word.
pub(crate) fn words(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.fields_with(|c| c != '\u{fffd}' && c != '_' && !c.is_alphanumeric())
}

/// True if the words stand in the text one after the other. Both in lower case.
pub(crate) fn has_sequence(value: &[u8], wanted: &[Vec<u8>]) -> bool {
    let Some(first) = wanted.first() else { return true };
    let all: Vec<&[u8]> = words(value).collect();
    all.windows(wanted.len())
        .any(|window| window[0] == first.as_slice() && window.iter().zip(wanted).all(|(a, b)| a == b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        let mut pattern = Pattern::default();
        for c in text.chars() {
            match c {
                '*' => pattern.push(Piece::Run),
                '?' => pattern.push(Piece::One),
                c => pattern.push_str(c.encode_utf8(&mut [0; 4])),
            }
        }
        pattern
    }

    #[test]
    fn wildcards() {
        for (wanted, value, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("a*", "a", true),
            ("a*", "ba", false),
            ("*a", "ba", true),
            ("*a*", "bab", true),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("a*b*c", "a1b2b3c", true),
            ("a*b*c", "a1c2b", false),
            ("/etc/*", "/etc/a/b", true),
            ("/etc/pass?d", "/etc/passwd", true),
            ("?", "é", true),
            ("??", "é", false),
            ("?", "", false),
            ("*?", "", false),
            ("a?*", "a", false),
            ("*a?c*", "xabxabc", true),
            ("*?b*d", "aabcd", true),
            ("*ab", "abab", true),
        ] {
            assert_eq!(pattern(wanted).matches(value.as_bytes()), expected, "{wanted} {value}");
        }
        assert!(pattern("a?b").matches(b"a\xffb"));
        assert!(pattern("*?").matches(b"\xff"));
    }

    #[test]
    fn sequences_of_words() {
        let wanted = |text: &str| -> Vec<Vec<u8>> { words(text.as_bytes()).map(<[u8]>::to_vec).collect() };
        for (value, text, expected) in [
            ("a shell, spawned by java", "shell spawned", true),
            ("a shell, spawned by java", "spawned shell", false),
            ("a shell_spawned", "shell spawned", false),
            ("a", "a b", false),
            ("", "", true),
        ] {
            assert_eq!(has_sequence(value.as_bytes(), &wanted(text)), expected, "{value} {text}");
        }
    }
}

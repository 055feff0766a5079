//! Hostile bytes made visible: what a terminal would obey, or a reader could not see, is written as an escape.

use std::fmt::{self, Write};

use bstr::ByteSlice;
use unicode_width::UnicodeWidthChar;

/// Text for a terminal, on one line. Shown as escapes: control characters (`\n`, `\t`, `\r`, `\x1b`), C1
/// controls and bytes that are no UTF-8 (`\xff`), and characters that change direction or have no width
/// of their own, combining ones included (`\u{202e}`). Everything else, backslashes included, stands as it is.
pub struct Visible<'a>(pub &'a [u8]);

impl fmt::Display for Visible<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                write_char(f, c)?;
            }
            write_invalid(f, chunk.invalid())?;
        }
        Ok(())
    }
}

/// Text for a table: valid UTF-8 as it is (controls included), every other byte as `\xff`.
///
/// A name that holds the four characters `\xff` looks the same; names that are not UTF-8 are rare enough that
/// escaping every backslash would hurt more than this ambiguity.
pub fn utf8(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    match bytes.to_str() {
        Ok(text) => text.into(),
        Err(_) => {
            let mut out = String::with_capacity(bytes.len() + 8);
            for chunk in bytes.utf8_chunks() {
                out.push_str(chunk.valid());
                // Writing to a String cannot fail.
                let _ = write_invalid(&mut out, chunk.invalid());
            }
            out.into()
        }
    }
}

fn write_invalid(f: &mut impl Write, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|b| write!(f, "\\x{b:02x}"))
}

fn write_char(f: &mut fmt::Formatter<'_>, c: char) -> fmt::Result {
    match c {
        '\n' => f.write_str("\\n"),
        '\r' => f.write_str("\\r"),
        '\t' => f.write_str("\\t"),
        '\0'..='\x1f' | '\x7f'..='\u{9f}' => write!(f, "\\x{:02x}", u32::from(c)),
        _ if is_deceptive(c) || c.width() == Some(0) => write!(f, "\\u{{{:x}}}", u32::from(c)),
        _ => f.write_char(c),
    }
}

/// True for characters that reorder or hide text: bidirectional controls, zero-width characters, line and
/// paragraph separators, tags, variation selectors' supplement and the byte order mark.
pub fn is_deceptive(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal() {
        for (input, expected) in [
            (b"plain \\ text".as_slice(), "plain \\ text"),
            (b"a\x1b[31mred\x07", "a\\x1b[31mred\\x07"),
            (b"a\nb\tc\r", "a\\nb\\tc\\r"),
            (b"\xff\xc3", "\\xff\\xc3"),
            ("é漢\u{202e}gpj.exe".as_bytes(), "é漢\\u{202e}gpj.exe"),
            ("\u{9b}31m".as_bytes(), "\\x9b31m"),
            ("e\u{301}\u{fe0f}".as_bytes(), "e\\u{301}\\u{fe0f}"),
        ] {
            assert_eq!(Visible(input).to_string(), expected);
        }
    }

    #[test]
    fn table() {
        for (input, expected) in [(b"caf\xc3\xa9".as_slice(), "caf\u{e9}"), (b"caf\xe9\n", "caf\\xe9\n"), (b"", "")] {
            assert_eq!(utf8(input), expected);
        }
    }
}

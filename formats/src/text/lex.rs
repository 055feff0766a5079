//! Tokens, quoting and numbers of the text notation.

use bstr::ByteSlice;

/// Why a line does not parse: where, and what should stand there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Byte column in the line, from 1.
    pub column: usize,
    /// What is wrong or expected, without position.
    pub what: String,
}

pub(crate) type Parsed<T> = Result<T, Fault>;

/// Part of a line between blanks: a word, `key=value`, with quoted strings and brackets kept together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token<'a> {
    /// Byte column in the line, from 1.
    pub column: usize,
    pub bytes: &'a [u8],
}

impl<'a> Token<'a> {
    pub(crate) fn fault(&self, what: impl Into<String>) -> Fault {
        Fault { column: self.column, what: what.into() }
    }

    /// `key` and the value after the first `=`, unless the token has none outside quotes.
    pub(crate) fn key_value(&self) -> Option<(&'a str, Token<'a>)> {
        let n_key = self.bytes.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
        if n_key == 0 || self.bytes.get(n_key) != Some(&b'=') {
            return None;
        }
        let key = self.bytes[..n_key].to_str().ok()?;
        Some((key, self.skip(n_key + 1)))
    }

    /// The token without its first `n` bytes.
    pub(crate) fn skip(&self, n: usize) -> Token<'a> {
        Token { column: self.column + n, bytes: &self.bytes[n.min(self.bytes.len())..] }
    }

    pub(crate) fn strip(&self, prefix: &str) -> Option<Token<'a>> {
        self.bytes.starts_with(prefix.as_bytes()).then(|| self.skip(prefix.len()))
    }

    /// Splits at the first occurrence of a separator outside quotes.
    pub(crate) fn split_once(&self, separator: &str) -> Option<(Token<'a>, Token<'a>)> {
        let separator = separator.as_bytes();
        let mut i = 0;
        while i < self.bytes.len() {
            if self.bytes[i] == b'"' {
                i += quoted_len(&self.bytes[i..])?;
            } else if self.bytes[i..].starts_with(separator) {
                let head = Token { column: self.column, bytes: &self.bytes[..i] };
                return Some((head, self.skip(i + separator.len())));
            } else {
                i += 1;
            }
        }
        None
    }

    /// The token as text, for messages and for words of ASCII.
    pub(crate) fn shown(&self) -> String {
        let mut out = String::new();
        put_quoted(self.bytes, &mut out);
        out[1..out.len() - 1].to_owned()
    }

    /// The words of ASCII letters that keywords, names of kinds and flags consist of.
    pub(crate) fn word(&self) -> &'a str {
        self.bytes.to_str().unwrap_or("\u{fffd}")
    }

    /// Text: a quoted string, `x"hex"`, or the bare bytes.
    pub(crate) fn text(&self) -> Parsed<Vec<u8>> {
        match self.bytes {
            [b'"', ..] => self.unquote(),
            [b'x', b'"', ..] => self.unhex(),
            bare if bare.contains(&b'"') => Err(self.fault("a quote inside a word; quote the whole value")),
            bare => Ok(bare.to_vec()),
        }
    }

    fn unquote(&self) -> Parsed<Vec<u8>> {
        let mut out = Vec::with_capacity(self.bytes.len());
        let mut i = 1;
        loop {
            match self.bytes.get(i) {
                None => return Err(self.fault("the string has no closing quote")),
                Some(b'"') if i + 1 == self.bytes.len() => return Ok(out),
                Some(b'"') => return Err(self.skip(i + 1).fault("expected a blank after the closing quote")),
                Some(b'\\') => {
                    let start = i;
                    let fault = || self.skip(start).fault(r#"unknown escape; known are \n \r \t \0 \\ \" \xNN"#);
                    out.push(match self.bytes.get(i + 1) {
                        Some(b'n') => b'\n',
                        Some(b'r') => b'\r',
                        Some(b't') => b'\t',
                        Some(b'0') => 0,
                        Some(c @ (b'\\' | b'"')) => *c,
                        Some(b'x') => {
                            let digits = self.bytes.get(i + 2..i + 4).ok_or_else(fault)?;
                            i += 2;
                            hex_byte(digits).ok_or_else(fault)?
                        }
                        _ => return Err(fault()),
                    });
                    i += 2;
                }
                Some(&c) => {
                    out.push(c);
                    i += 1;
                }
            }
        }
    }

    fn unhex(&self) -> Parsed<Vec<u8>> {
        let fault = || self.fault("expected pairs of hexadecimal digits between x\" and \"");
        let digits = self.bytes[2..].strip_suffix(b"\"").ok_or_else(fault)?;
        let mut chunks = digits.chunks_exact(2);
        let out = chunks.by_ref().map(|pair| hex_byte(pair).ok_or_else(fault)).collect::<Parsed<Vec<u8>>>()?;
        if chunks.remainder().is_empty() { Ok(out) } else { Err(fault()) }
    }

    /// Elements of `[a,"b", c]`.
    pub(crate) fn list(&self) -> Parsed<Vec<Token<'a>>> {
        let inner = self.strip("[").filter(|t| t.bytes.ends_with(b"]"));
        let inner = inner.ok_or_else(|| self.fault("expected a list: [\"a\",\"b\"]"))?;
        let mut rest = Token { column: inner.column, bytes: &inner.bytes[..inner.bytes.len() - 1] }.trim();
        let mut out = Vec::new();
        if rest.bytes.is_empty() {
            return Ok(out);
        }
        loop {
            match rest.split_once(",") {
                Some((element, tail)) => {
                    out.push(element.trim());
                    rest = tail;
                }
                None => {
                    out.push(rest.trim());
                    return Ok(out);
                }
            }
        }
    }

    fn trim(&self) -> Token<'a> {
        let n_blank = self.bytes.iter().take_while(|b| is_blank(**b)).count();
        let mut out = self.skip(n_blank);
        while let [head @ .., last] = out.bytes
            && is_blank(*last)
        {
            out.bytes = head;
        }
        out
    }

    /// An integer between -2^63 and 2^64 - 1, decimal, `0x` hexadecimal or `0o` octal.
    pub(crate) fn number(&self) -> Parsed<i128> {
        parse_number(self.bytes).ok_or_else(|| self.fault(format!("expected a number, found `{}`", self.shown())))
    }

    /// An unsigned integer of 64 bits.
    pub(crate) fn u64(&self) -> Parsed<u64> {
        u64::try_from(self.number()?).map_err(|_| self.fault("expected a number from 0 to 2^64 - 1"))
    }

    /// An unsigned integer of 32 bits; -1 stands for all bits set.
    pub(crate) fn u32(&self) -> Parsed<u32> {
        match self.number()? {
            -1 => Ok(u32::MAX),
            n => u32::try_from(n).map_err(|_| self.fault("expected a number from 0 to 2^32 - 1")),
        }
    }

    /// A signed integer of 64 bits.
    pub(crate) fn i64(&self) -> Parsed<i64> {
        i64::try_from(self.number()?).map_err(|_| self.fault("expected a number from -2^63 to 2^63 - 1"))
    }
}

fn hex_byte(pair: &[u8]) -> Option<u8> {
    let digit = |b: u8| char::from(b).to_digit(16);
    match pair {
        [a, b] => Some((digit(*a)? * 16 + digit(*b)?) as u8),
        _ => None,
    }
}

/// An integer that fits 64 bits, signed or unsigned.
pub(crate) fn parse_number(bytes: &[u8]) -> Option<i128> {
    let (is_negative, digits) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let (radix, digits) = match digits {
        [b'0', b'x', rest @ ..] => (16, rest),
        [b'0', b'o', rest @ ..] => (8, rest),
        rest => (10, rest),
    };
    // `from_str_radix` would accept a second sign.
    if !digits.first().is_some_and(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let value = i128::from_str_radix(digits.to_str().ok()?, radix).ok()?;
    let value = if is_negative { -value } else { value };
    (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&value).then_some(value)
}

fn is_blank(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\r')
}

/// Length of the quoted string at the start of `bytes`, with both quotes.
fn quoted_len(bytes: &[u8]) -> Option<usize> {
    let mut i = 1;
    loop {
        match bytes.get(i)? {
            b'"' => return Some(i + 1),
            b'\\' => i += 2,
            _ => i += 1,
        }
    }
}

/// The tokens of a line, up to a comment.
pub(crate) fn tokens(line: &[u8]) -> Parsed<Vec<Token<'_>>> {
    let mut out = Vec::new();
    let mut i = 0;
    loop {
        i += line[i..].iter().take_while(|b| is_blank(**b)).count();
        let start = i;
        if matches!(line.get(i), None | Some(b'#')) {
            return Ok(out);
        }
        let mut depth = 0u32;
        while let Some(&b) = line.get(i) {
            match b {
                b'"' => {
                    let fault = || Fault { column: i + 1, what: "the string has no closing quote".into() };
                    i += quoted_len(&line[i..]).ok_or_else(fault)?;
                    continue;
                }
                b'[' => depth += 1,
                b']' => depth = depth.saturating_sub(1),
                _ if is_blank(b) && depth == 0 => break,
                _ => {}
            }
            i += 1;
        }
        if depth > 0 {
            return Err(Fault { column: start + 1, what: "a [ without its ]; quote the value if it is text".into() });
        }
        out.push(Token { column: start + 1, bytes: &line[start..i] });
    }
}

/// True for bytes that need no quotes in any place of the notation.
fn is_bare(bytes: &[u8]) -> bool {
    let is_plain = |b: &u8| b.is_ascii_alphanumeric() || b"_./:@%+,=~-*&;<>(){}^$|'".contains(b);
    match bytes {
        [] => false,
        [first, ..] if !(first.is_ascii_alphanumeric() || b"_./@%+~-(".contains(first)) => false,
        _ => bytes.iter().all(is_plain) && !bytes.starts_with(b"int:"),
    }
}

/// Appends text: bare if nothing in it could be misread, else quoted, or as `x"hex"` if most of it is binary.
pub(crate) fn put_text(bytes: &[u8], out: &mut String) {
    if is_bare(bytes) {
        out.extend(bytes.iter().map(|&b| char::from(b)));
    } else if is_binary(bytes) {
        put_hex(bytes, out);
    } else {
        put_quoted(bytes, out);
    }
}

fn is_binary(bytes: &[u8]) -> bool {
    let n_odd = bytes.iter().filter(|&&b| (b < 0x20 && !b"\n\r\t\0".contains(&b)) || b > 0x7e).count();
    n_odd * 3 > bytes.len() && bytes.to_str().is_err()
}

/// Appends `x"hex"`.
pub(crate) fn put_hex(bytes: &[u8], out: &mut String) {
    out.push_str("x\"");
    for b in bytes {
        out.push_str(HEX[usize::from(b >> 4)]);
        out.push_str(HEX[usize::from(b & 15)]);
    }
    out.push('"');
}

static HEX: [&str; 16] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "a", "b", "c", "d", "e", "f"];

/// Appends a quoted string; what a terminal could act on, or a reader misread, is escaped byte by byte.
pub(crate) fn put_quoted(bytes: &[u8], out: &mut String) {
    let escape = |bytes: &[u8], out: &mut String| {
        for b in bytes {
            out.push_str("\\x");
            out.push_str(HEX[usize::from(b >> 4)]);
            out.push_str(HEX[usize::from(b & 15)]);
        }
    };
    out.push('"');
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\0' => out.push_str("\\0"),
                '\\' => out.push_str("\\\\"),
                '"' => out.push_str("\\\""),
                c if c.is_control() || is_invisible(c) => escape(c.encode_utf8(&mut [0; 4]).as_bytes(), out),
                c => out.push(c),
            }
        }
        escape(chunk.invalid(), out);
    }
    out.push('"');
}

/// Characters that change how the text around them looks: zero-width, line separators, direction marks.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_number(text: &str, expected: Option<i128>) {
        assert_eq!(parse_number(text.as_bytes()), expected, "{text}");
    }

    #[test]
    fn numbers() {
        check_number("0", Some(0));
        check_number("-1", Some(-1));
        check_number("0xff", Some(255));
        check_number("-0o17", Some(-15));
        check_number("18446744073709551615", Some(u64::MAX.into()));
        for bad in ["", "-", "+1", "--1", "0x", "0x-1", "1_0", "18446744073709551616", "-9223372036854775809", "1a"] {
            check_number(bad, None);
        }
    }

    #[test]
    fn text_survives_quoting() {
        let all_bytes: Vec<u8> = (0..=255).collect();
        let samples: [&[u8]; 9] =
            [b"", b"/bin/sh", b"a b", b"?", b"!x", b"int:5", b"\x1b[31mred", "naïve \u{202e}".as_bytes(), &all_bytes];
        for bytes in samples {
            let mut out = String::new();
            put_text(bytes, &mut out);
            assert!(!out.chars().any(char::is_control), "{out}");
            let line = out.clone().into_bytes();
            let tokens = tokens(&line).unwrap();
            assert_eq!(tokens.len(), 1, "{out}");
            assert_eq!(tokens[0].text().unwrap(), bytes, "{out}");
        }
    }

    #[test]
    fn tokens_keep_strings_and_lists_together() {
        let line = br#"a k="b \" c" [ "x y", z ]:80 # comment"#;
        let tokens = tokens(line).unwrap();
        let shown: Vec<_> = tokens.iter().map(|t| (t.column, t.bytes.as_bstr())).collect();
        let expected: Vec<(usize, &bstr::BStr)> =
            vec![(1, "a".into()), (3, r#"k="b \" c""#.into()), (14, r#"[ "x y", z ]:80"#.into())];
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_fault_says_where() {
        let column = |line: &str| tokens(line.as_bytes()).map(|_| ()).unwrap_err().column;
        assert_eq!(column(r#"a b="c"#), 5);
        assert_eq!(column("a [b"), 3);
        let bad_escape = Token { column: 7, bytes: br#""ab\q""# };
        assert_eq!(bad_escape.text().unwrap_err().column, 10);
    }
}

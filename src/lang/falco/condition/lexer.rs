//! Tokens of conditions: the longest match of each pattern of section 2.1, and the decoding of quoted strings.

use tracehound_rules::{Modifier, Op, Quirk, Transform};

/// Operators in the order they are tried: an operator that begins another stands behind it.
pub const OPERATORS: [(&str, Op); 20] = [
    ("exists", Op::Exists),
    ("<=", Op::Le),
    ("<", Op::Lt),
    (">=", Op::Ge),
    (">", Op::Gt),
    ("==", Op::Eq),
    ("=", Op::Eq),
    ("!=", Op::Ne),
    ("glob", Op::Glob),
    ("iglob", Op::IGlob),
    ("contains", Op::Contains),
    ("icontains", Op::IContains),
    ("bcontains", Op::BContains),
    ("startswith", Op::StartsWith),
    ("bstartswith", Op::BStartsWith),
    ("endswith", Op::EndsWith),
    ("regex", Op::Regex),
    ("intersects", Op::Intersects),
    ("in", Op::In),
    ("pmatch", Op::PMatch),
];

/// What may stand on the right of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arity {
    /// Nothing.
    Unary,
    /// A number.
    Number,
    /// A string.
    Text,
    /// A list.
    List,
}

/// What stands on the right of an operator.
pub fn arity(op: Op) -> Arity {
    match op {
        Op::Exists => Arity::Unary,
        Op::Lt | Op::Le | Op::Gt | Op::Ge => Arity::Number,
        Op::In | Op::Intersects | Op::PMatch => Arity::List,
        _ => Arity::Text,
    }
}

/// Transformers of the left side and of output.
pub const TRANSFORMERS: [(&str, Transform); 8] = [
    ("tolower", Transform::ToLower),
    ("toupper", Transform::ToUpper),
    ("b64", Transform::B64),
    ("basename", Transform::Basename),
    ("len", Transform::Len),
    ("join", Transform::Join),
    ("concat", Transform::Concat),
    ("getopt", Transform::Getopt),
];

/// Modifiers of string operators.
pub const MODIFIERS: [(&str, Modifier); 3] =
    [("oneof", Modifier::OneOf), ("anyof", Modifier::AnyOf), ("allof", Modifier::AllOf)];

/// Name of a transformer.
pub fn transformer_name(transform: Transform) -> &'static str {
    TRANSFORMERS.iter().find(|(_, t)| *t == transform).map_or("val", |(name, _)| name)
}

/// True for what separates tokens: blank, tab, backspace and line ends.
pub fn is_blank(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | 0x08 | b'\r' | b'\n')
}

/// `[[:space:]]`.
const fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\r' | b'\n' | 0x0b | 0x0c)
}

/// Length of the identifier that a text begins with; 0 if none.
pub fn identifier_len(text: &[u8]) -> usize {
    if !text.first().is_some_and(u8::is_ascii_alphabetic) {
        return 0;
    }
    text.iter().position(|&b| !IS_WORD[usize::from(b)]).unwrap_or(text.len())
}

/// By byte, true if it is of an identifier.
const IS_WORD: [bool; 256] = {
    let mut is_word = [false; 256];
    let mut b = 0;
    while b < is_word.len() {
        is_word[b] = (b as u8).is_ascii_alphanumeric() || b as u8 == b'_';
        b += 1;
    }
    is_word
};

/// Length of the field name (identifiers joined by dots, at least one dot) that a text begins with; 0 if none.
pub fn field_name_len(text: &[u8]) -> usize {
    let first = identifier_len(text);
    let mut end = first;
    while end > 0 && text.get(end) == Some(&b'.') {
        match identifier_len(&text[end + 1..]) {
            0 => break,
            len => end += 1 + len,
        }
    }
    if end > first { end } else { 0 }
}

/// Length of the unquoted string that a text begins with.
pub fn bare_len(text: &[u8]) -> usize {
    text.iter().position(|&b| ENDS_BARE[usize::from(b)]).unwrap_or(text.len())
}

/// By byte, true if an unquoted string ends before it.
const ENDS_BARE: [bool; 256] = {
    let mut ends = [false; 256];
    let mut b = 0;
    while b < ends.len() {
        ends[b] = is_space(b as u8) || matches!(b as u8, b'(' | b')' | b'"' | b'\'' | b'=' | b',');
        b += 1;
    }
    ends
};

/// Length of the unquoted argument that a text begins with.
pub fn bare_arg_len(text: &[u8]) -> usize {
    text.iter().position(|&b| is_space(b) || b"[]\"'".contains(&b)).unwrap_or(text.len())
}

/// Length of the number that a text begins with. Hexadecimal numbers are numbers here; converting them fails later.
pub fn number_len(text: &[u8]) -> usize {
    let digits = |from: usize| text[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    if let [b'0', b'x' | b'X', rest @ ..] = text {
        let n = rest.iter().take_while(|b| b.is_ascii_hexdigit()).count();
        if n > 0 {
            return 2 + n;
        }
    }
    let sign = usize::from(matches!(text.first(), Some(b'+' | b'-')));
    let whole = digits(sign);
    if whole == 0 {
        return 0;
    }
    let mut end = sign + whole;
    if text.get(end) == Some(&b'.') {
        end += 1 + digits(end + 1);
    }
    // An exponent needs its sign.
    if matches!(text.get(end), Some(b'e' | b'E')) && matches!(text.get(end + 1), Some(b'+' | b'-')) {
        match digits(end + 2) {
            0 => {}
            n => end += 2 + n,
        }
    }
    end
}

/// Length of the quoted string, quotes included, that a text begins with: `None` if there is no opening quote or no
/// closing one.
///
/// `Quirk::QuoteLookBack`: the closing quote is the first one whose preceding byte is no backslash, even if that backslash is
/// itself escaped. `"a\\"` is not closed.
pub fn quoted_len(text: &[u8]) -> Option<usize> {
    let quote = *text.first().filter(|b| matches!(b, b'"' | b'\''))?;
    (1..text.len()).find(|&i| text[i] == quote && (i == 1 || text[i - 1] != b'\\')).map(|i| i + 1)
}

/// An escape that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadEscape {
    /// Offset of its backslash in the quoted text.
    pub at: usize,
    /// Its length.
    pub len: usize,
}

/// Decodes a quoted string, quotes included.
///
/// `Quirk::EscapedBlank`: a backslash before a blank stands for the backslash, and the blank is dropped.
pub fn unquote(text: &[u8]) -> Result<Vec<u8>, BadEscape> {
    let quote = text.first().copied().unwrap_or(b'"');
    let end = text.len().saturating_sub(1).max(1);
    if let Some(plain) = text.get(1..end).filter(|plain| !plain.contains(&b'\\')) {
        return Ok(plain.to_vec());
    }
    let mut out = Vec::with_capacity(text.len());
    let mut i = 1;
    while i < end {
        if text[i] != b'\\' {
            out.push(text[i]);
            i += 1;
            continue;
        }
        let bad = |len: usize| BadEscape { at: i, len: len.min(end - i) };
        let Some(&kind) = text.get(i + 1).filter(|_| i + 1 < end) else { return Err(bad(1)) };
        let byte = match kind {
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'\\' | b'/' => kind,
            b' ' => b'\\',
            b'"' | b'\'' if kind == quote => kind,
            b'x' => {
                let digits = text.get(i + 2..(i + 4).min(end)).unwrap_or(&[]);
                let value = std::str::from_utf8(digits)
                    .ok()
                    .filter(|d| d.len() == 2 && d.bytes().all(|b| b.is_ascii_hexdigit()))
                    .and_then(|d| u8::from_str_radix(d, 16).ok());
                let Some(value) = value else { return Err(bad(4)) };
                i += 2;
                value
            }
            _ => return Err(bad(2)),
        };
        out.push(byte);
        i += 2;
    }
    Ok(out)
}

/// Quirks that a quoted string, quotes included, runs into: [`Quirk::QuoteLookBack`], [`Quirk::EscapedBlank`].
pub fn quirks_of_quoted(text: &[u8]) -> Vec<Quirk> {
    let quote = text.first().copied().unwrap_or(b'"');
    let end = text.len().saturating_sub(1);
    let mut found = Vec::new();
    let mut i = 1;
    while i < end {
        let quirk = match (text[i], text.get(i + 1)) {
            (b, _) if b == quote => Some(Quirk::QuoteLookBack),
            (b'\\', Some(b' ')) if i + 1 < end => Some(Quirk::EscapedBlank),
            _ => None,
        };
        if let Some(quirk) = quirk.filter(|quirk| !found.contains(quirk)) {
            found.push(quirk);
        }
        i += if text[i] == b'\\' { 2 } else { 1 };
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (text, len) in [
            ("12", 2),
            ("-0.12e+10 ", 9),
            ("0x12", 4),
            ("0xAAA.1", 5),
            ("0x", 1),
            ("1e5", 1),
            ("1e+", 1),
            ("1.", 2),
            ("+", 0),
            ("a", 0),
            ("", 0),
        ] {
            assert_eq!(number_len(text.as_bytes()), len, "{text}");
        }
    }

    #[test]
    fn names() {
        for (text, len) in
            [("a.b", 3), ("a.b.c = x", 5), ("a.", 0), ("a.1", 0), ("a.b.1", 3), ("ab", 0), (".a", 0), ("a_1.b_2", 7)]
        {
            assert_eq!(field_name_len(text.as_bytes()), len, "{text}");
        }
    }

    #[test]
    fn quoted() {
        let cases: &[(&str, Option<usize>)] = &[
            ("''", Some(2)),
            ("'a'b", Some(3)),
            (r#""a\"b""#, Some(6)),
            (r#""a\\""#, None),
            ("\"a", None),
            ("a", None),
            ("", None),
        ];
        for (text, len) in cases {
            assert_eq!(quoted_len(text.as_bytes()), *len, "{text}");
        }
    }

    #[test]
    fn escapes() {
        let cases: &[(&str, Option<&[u8]>)] = &[
            (r#""a\tb""#, Some(b"a\tb")),
            (r#""\x41\x00""#, Some(b"A\0")),
            (r#""bad escape \ ""#, Some(b"bad escape \\")),
            (r#"'it\'s'"#, Some(b"it's")),
            (r#""it\'s""#, None),
            (r#"'a\"'"#, None),
            (r#""\q""#, None),
            (r#""\x4""#, None),
            (r#""\xZZ""#, None),
            (r#""\/\\""#, Some(b"/\\")),
            ("''", Some(b"")),
        ];
        for (text, expected) in cases {
            assert_eq!(unquote(text.as_bytes()).ok().as_deref(), *expected, "{text}");
        }
    }
}

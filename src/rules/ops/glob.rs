//! `glob` and `iglob`: shell patterns, as `fnmatch(pattern, value, 0)` of glibc in the C locale matches them.
//!
//! `*` is any run of bytes, `/` and a leading dot included; `?` any byte; `[...]` one byte of a set; a backslash
//! takes the next byte as it is. The whole value must match.

use bstr::ByteSlice;

/// A compiled pattern.
#[derive(Clone, Debug)]
pub struct Glob {
    tokens: Vec<Token>,
    fold: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Byte(u8),
    Any,
    Star,
    Set(Box<ByteSet>),
    /// A pattern that ends in a lone backslash or has an unknown class matches nothing.
    Never,
}

/// A set of bytes.
#[derive(Clone, Debug, Default, PartialEq)]
struct ByteSet([u64; 4]);

impl ByteSet {
    fn insert(&mut self, byte: u8) {
        self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }

    fn contains(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1
    }
}

impl Glob {
    /// Compiles a pattern; every text is one. With `fold`, ASCII case does not matter.
    pub fn new(pattern: &[u8], fold: bool) -> Glob {
        let mut tokens = Vec::with_capacity(pattern.len());
        let mut at = 0;
        while let Some(&byte) = pattern.get(at) {
            at += 1;
            match byte {
                b'*' => {
                    if tokens.last() != Some(&Token::Star) {
                        tokens.push(Token::Star);
                    }
                }
                b'?' => tokens.push(Token::Any),
                b'\\' => {
                    tokens.push(pattern.get(at).map_or(Token::Never, |&next| Token::Byte(lower(next, fold))));
                    at += 1;
                }
                b'[' => match parse_set(&pattern[at..], fold) {
                    SetResult::Set(set, used) => {
                        tokens.push(Token::Set(Box::new(set)));
                        at += used;
                    }
                    SetResult::Literal => tokens.push(Token::Byte(b'[')),
                    SetResult::Never => tokens.push(Token::Never),
                },
                _ => tokens.push(Token::Byte(lower(byte, fold))),
            }
        }
        Glob { tokens, fold }
    }

    /// True if the whole value matches. At most `pattern × value` steps: only the last `*` is ever retried, an
    /// earlier one cannot help where a later one fails.
    pub fn matches(&self, value: &[u8]) -> bool {
        let (mut t, mut v) = (0, 0);
        let mut retry: Option<(usize, usize)> = None;
        loop {
            if self.tokens.get(t) == Some(&Token::Star) {
                t += 1;
                if t == self.tokens.len() {
                    return true;
                }
                retry = Some((t, v));
                continue;
            }
            match (self.tokens.get(t), value.get(v)) {
                (None, None) => return true,
                (Some(token), Some(&byte)) if self.accepts(token, byte) => {
                    t += 1;
                    v += 1;
                    continue;
                }
                _ => {}
            }
            match &mut retry {
                Some((token, start)) if *start < value.len() => {
                    *start += 1;
                    // What follows a `*` mostly begins with a byte that is found faster than tried.
                    if let (Some(Token::Byte(byte)), false) = (self.tokens.get(*token), self.fold) {
                        let Some(skipped) = value[*start..].find_byte(*byte) else { return false };
                        *start += skipped;
                    }
                    (t, v) = (*token, *start);
                }
                _ => return false,
            }
        }
    }

    /// The longest run of bytes that every matching value has, and whether their case does not matter. `None` for a
    /// pattern that has none, or that nothing matches.
    pub(crate) fn longest_literal(&self) -> Option<(Vec<u8>, bool)> {
        let runs = self.tokens.split(|token| !matches!(token, Token::Byte(_)));
        let longest = runs.max_by_key(|run| run.len())?;
        let bytes = longest.iter().filter_map(|token| if let Token::Byte(byte) = token { Some(*byte) } else { None });
        Some((bytes.collect::<Vec<u8>>(), self.fold)).filter(|(bytes, _)| !bytes.is_empty())
    }

    fn accepts(&self, token: &Token, byte: u8) -> bool {
        match token {
            Token::Byte(wanted) => *wanted == lower(byte, self.fold),
            Token::Any => true,
            Token::Set(set) => set.contains(byte),
            Token::Star | Token::Never => false,
        }
    }
}

fn lower(byte: u8, fold: bool) -> u8 {
    if fold { byte.to_ascii_lowercase() } else { byte }
}

enum SetResult {
    /// The set, and how many bytes of the pattern after `[` it takes.
    Set(ByteSet, usize),
    /// No closing bracket: the `[` stands for itself.
    Literal,
    /// An unknown class.
    Never,
}

/// Parses what follows `[`.
fn parse_set(pattern: &[u8], fold: bool) -> SetResult {
    let mut at = 0;
    let negated = matches!(pattern.first(), Some(b'!' | b'^'));
    if negated {
        at += 1;
    }
    let mut set = ByteSet::default();
    let start = at;
    loop {
        let Some(&byte) = pattern.get(at) else { return SetResult::Literal };
        if byte == b']' && at > start {
            at += 1;
            break;
        }
        if byte == b'['
            && pattern.get(at + 1) == Some(&b':')
            && let Some((name, used)) = bracketed(&pattern[at + 2..], b':')
        {
            let Some(class) = class(name) else { return SetResult::Never };
            (0..=255u8).filter(class).for_each(|b| set.insert(b));
            at += 2 + used;
            continue;
        }
        let Some((low, used)) = member(&pattern[at..]) else { return SetResult::Literal };
        at += used;
        let is_range = pattern.get(at) == Some(&b'-') && !matches!(pattern.get(at + 1), None | Some(b']'));
        let high = if is_range {
            let Some((high, used)) = member(&pattern[at + 1..]) else { return SetResult::Literal };
            at += 1 + used;
            high
        } else {
            low
        };
        let (low, high) = (lower(low, fold), lower(high, fold));
        (0..=255u8).filter(|&b| (low..=high).contains(&lower(b, fold))).for_each(|b| set.insert(b));
    }
    if negated {
        set.0 = set.0.map(|word| !word);
    }
    SetResult::Set(set, at)
}

/// One member of a set: a byte, an escaped byte, `[=x=]` or `[.x.]`; and how long it is.
fn member(pattern: &[u8]) -> Option<(u8, usize)> {
    match *pattern {
        [b'\\', next, ..] => Some((next, 2)),
        [b'\\'] => None,
        [b'[', mark @ (b'=' | b'.'), byte, close, b']', ..] if close == mark => Some((byte, 5)),
        [byte, ..] => Some((byte, 1)),
        [] => None,
    }
}

/// The name up to `mark]`, and how many bytes with them; only lower-case letters make a name.
fn bracketed(pattern: &[u8], mark: u8) -> Option<(&[u8], usize)> {
    let end = pattern.iter().position(|b| !b.is_ascii_lowercase())?;
    (pattern.get(end) == Some(&mark) && pattern.get(end + 1) == Some(&b']')).then(|| (&pattern[..end], end + 2))
}

/// The bytes of a POSIX class in the C locale.
fn class(name: &[u8]) -> Option<fn(&u8) -> bool> {
    Some(match name {
        b"alpha" => u8::is_ascii_alphabetic,
        b"digit" => u8::is_ascii_digit,
        b"alnum" => u8::is_ascii_alphanumeric,
        b"upper" => u8::is_ascii_uppercase,
        b"lower" => u8::is_ascii_lowercase,
        b"punct" => u8::is_ascii_punctuation,
        b"cntrl" => u8::is_ascii_control,
        b"graph" => u8::is_ascii_graphic,
        b"xdigit" => u8::is_ascii_hexdigit,
        b"print" => |b| b.is_ascii_graphic() || *b == b' ',
        b"space" => |b| b.is_ascii_whitespace() || *b == 0x0b,
        b"blank" => |b| matches!(b, b' ' | b'\t'),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns() {
        let cases: &[(&str, &str, bool)] = &[
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "/etc/.x", true),
            ("/etc/*", "/etc/a/b", true),
            ("/etc/*", "/etc", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a?c", "a/c", true),
            ("[a-c]x", "bx", true),
            ("[a-c]x", "dx", false),
            ("[!a-c]x", "dx", true),
            ("[^a-c]x", "ax", false),
            ("[]a]", "]", true),
            ("[!]a]", "b", true),
            ("[a", "[a", true),
            ("[a-]", "-", true),
            ("[[:digit:]]*", "7up", true),
            ("[[:digit:]]*", "up", false),
            ("[[:nope:]]", "a", false),
            ("[[=a=]]", "a", true),
            ("\\*", "*", true),
            ("\\*", "x", false),
            ("[\\]]", "]", true),
            ("a\\", "a\\", false),
            ("a\\", "a", false),
            ("*.log", "x.log.log", true),
            ("*a*b*c", "xxaxxbxxc", true),
            ("*a*b*c", "xxaxxcxxb", false),
            ("**a**", "bab", true),
            ("ABC", "abc", false),
        ];
        for &(pattern, value, expected) in cases {
            assert_eq!(Glob::new(pattern.as_bytes(), false).matches(value.as_bytes()), expected, "{pattern} {value}");
        }
        assert!(Glob::new(b"AB[C-D]", true).matches(b"abc"));
        assert!(Glob::new(b"*[!x]", true).matches(b"aY"));
        assert!(!Glob::new(b"*[!x]", true).matches(b"aX"));
        assert!(Glob::new(b"\xff*", false).matches(b"\xff\xfe"));
    }

    #[test]
    fn no_blow_up() {
        let pattern = b"*a".repeat(2_000);
        let value = b"a".repeat(1_999);
        assert!(!Glob::new(&pattern, false).matches(&value));
    }

    /// The definition, with full backtracking.
    fn plainly(tokens: &[Token], value: &[u8], glob: &Glob) -> bool {
        match tokens.split_first() {
            None => value.is_empty(),
            Some((Token::Star, rest)) => (0..=value.len()).any(|n| plainly(rest, &value[n..], glob)),
            Some((token, rest)) => {
                value.split_first().is_some_and(|(&b, tail)| glob.accepts(token, b) && plainly(rest, tail, glob))
            }
        }
    }

    proptest! {
        #[test]
        fn as_defined(pattern in "[ab*?\\[\\]!\\\\-]{0,8}", value in "[ab-]{0,8}", fold: bool) {
            let glob = Glob::new(pattern.as_bytes(), fold);
            prop_assert_eq!(glob.matches(value.as_bytes()), plainly(&glob.tokens, value.as_bytes(), &glob));
        }

        #[test]
        fn never_panics(pattern: Vec<u8>, value: Vec<u8>, fold: bool) {
            Glob::new(&pattern, fold).matches(&value);
        }
    }
}

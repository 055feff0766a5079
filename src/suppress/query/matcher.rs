//! A comparison made ready: constants parsed once, and how they are compared with values.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::net::IpAddr;

use bstr::ByteSlice;
use tracehound_fields::Value;

use super::ast::{Bound, Key, Test};
use super::pattern::{self, Pattern, lowercase, words};
use super::release;
use crate::attributes::Elements;

/// What of a clause would have to be computed for each value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Matcher {
    /// The constant as a number.
    number: Option<Number>,
    /// The constant as an address.
    addr: Option<IpAddr>,
    /// The constants of a range, as numbers and addresses.
    bounds: [(Option<Number>, Option<IpAddr>); 2],
    /// The term in lower case, for comparisons without case.
    lower: Pattern,
    /// The words of the constant in lower case, for comparisons with text.
    words: Vec<Vec<u8>>,
    /// A text as such in lower case, if it has no word in it.
    symbols: Option<Vec<u8>>,
    /// The constant has a blank, so that it can be more than one argument.
    has_blank: bool,
    /// The constant has a `=`, so that it is more than the name of a variable.
    has_equals: bool,
    /// The values have no declared type: numbers among them are compared as numbers.
    is_untyped: bool,
}

/// A number of a query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    /// A whole number.
    Int(i128),
    /// Any other one.
    Float(f64),
}

impl Number {
    /// Reads `-12`, `1.5`, `1E-3`.
    pub(crate) fn parse(text: &str) -> Option<Number> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        if !digits.as_bytes().first()?.is_ascii_digit() || digits.len() > 64 {
            return None;
        }
        if digits.bytes().all(|b| b.is_ascii_digit()) {
            return text.parse().ok().map(Number::Int);
        }
        let is_float = digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'-' | b'+'));
        let float: f64 = if is_float { text.parse().ok()? } else { return None };
        // Whole numbers are compared exactly, however they are written.
        let is_whole = float.fract() == 0.0 && float.abs() < 9e15;
        Some(if is_whole { Number::Int(float as i128) } else { Number::Float(float) })
    }

    fn of(value: &Value<'_>) -> Option<Number> {
        match value {
            Value::Int(v) => Some(Number::Int(i128::from(*v))),
            Value::Uint(v) => Some(Number::Int(i128::from(*v))),
            Value::Double(v) => Some(Number::Float(*v)),
            _ => None,
        }
    }

    fn compare(self, other: Number) -> Option<Ordering> {
        let float = |n| match n {
            Number::Int(v) => v as f64,
            Number::Float(v) => v,
        };
        match (self, other) {
            (Number::Int(a), Number::Int(b)) => Some(a.cmp(&b)),
            (a, b) => float(a).partial_cmp(&float(b)),
        }
    }
}

/// A single value as text; `None` for null and lists.
pub(crate) fn text_of<'v>(value: &'v Value<'_>) -> Option<Cow<'v, [u8]>> {
    Some(match value {
        Value::Null | Value::List(_) => return None,
        Value::Str(s) => Cow::Borrowed(s.as_bytes()),
        Value::Bytes(b) => Cow::Borrowed(b.as_ref()),
        Value::Bool(b) => Cow::Borrowed(if *b { b"true" } else { b"false" }),
        Value::Int(v) => Cow::Owned(v.to_string().into_bytes()),
        Value::Uint(v) => Cow::Owned(v.to_string().into_bytes()),
        Value::Double(v) => Cow::Owned(v.to_string().into_bytes()),
        Value::Ip(v) => Cow::Owned(v.to_string().into_bytes()),
    })
}

impl Matcher {
    pub(crate) fn new(key: &Key, test: &Test) -> Matcher {
        let mut matcher = Matcher { is_untyped: matches!(key, Key::Tag(_) | Key::Tags), ..Matcher::default() };
        let is_text = matches!(key, Key::Message | Key::Everything);
        match test {
            Test::Term(pattern) => {
                matcher.has_blank =
                    pattern.pieces().iter().any(|p| matches!(p, pattern::Piece::Text(t) if has_blank(t)));
                matcher.has_equals =
                    pattern.pieces().iter().any(|p| matches!(p, pattern::Piece::Text(t) if t.contains('=')));
                if let Some(text) = pattern.as_text() {
                    matcher.constant(text, is_text);
                }
                if is_text {
                    matcher.lower = pattern.to_lowercase();
                }
            }
            Test::Phrase(text) => {
                matcher.has_blank = has_blank(text);
                matcher.has_equals = text.contains('=');
                matcher.constant(text, is_text);
            }
            Test::Range { low, high } => {
                let parse = |bound: &Bound| {
                    bound.text().map_or((None, None), |text| (Number::parse(text), text.parse::<IpAddr>().ok()))
                };
                matcher.bounds = [parse(low), parse(high)];
            }
            Test::Exists | Test::Cidr(_) | Test::Same(_) => {}
        }
        matcher
    }

    fn constant(&mut self, text: &str, is_text: bool) {
        self.number = Number::parse(text);
        self.addr = text.parse().ok();
        if is_text {
            let lower = text.to_lowercase();
            self.words = words(lower.as_bytes()).map(<[u8]>::to_vec).collect();
            self.symbols = self.words.is_empty().then(|| lower.into_bytes());
        }
    }

    /// True if the value, or any of several, is what the test wants. Values of a catalogue attribute with their
    /// declared kind of elements.
    pub(crate) fn holds(&self, test: &Test, value: &Value<'_>, elements: Elements) -> bool {
        match value {
            Value::Null => false,
            Value::List(values) => {
                values.iter().any(|value| self.holds(test, value, elements))
                    || (elements == Elements::Words && self.has_blank && self.holds_joined(test, values))
            }
            Value::Str(text) => self.holds_text(test, text, elements),
            Value::Bytes(bytes) => self.holds_text(test, bytes, elements),
            other => self.holds_scalar(test, other),
        }
    }

    /// Compares all arguments joined with blanks.
    fn holds_joined(&self, test: &Test, values: &[Value<'_>]) -> bool {
        join(values).is_some_and(|text| self.holds_text(test, &text, Elements::Plain))
    }

    fn holds_text(&self, test: &Test, text: &[u8], elements: Elements) -> bool {
        // A variable is also found by its name.
        let name = || match elements {
            Elements::Environment if !self.has_equals => text.find_byte(b'=').map(|at| &text[..at]),
            _ => None,
        };
        match test {
            Test::Exists => true,
            Test::Term(pattern) => pattern.matches(text) || name().is_some_and(|name| pattern.matches(name)),
            Test::Phrase(wanted) => text == wanted.as_bytes() || name() == Some(wanted.as_bytes()),
            Test::Range { .. } if elements == Elements::Release => {
                self.in_range(test, |_, bound| release::compare(text, bound.as_bytes()))
            }
            Test::Range { .. } => self.in_range(test, |i, bound| {
                let number = || if self.is_untyped { Number::parse(text.to_str().ok()?) } else { None };
                if let (Some(bound), Some(number)) = (self.bounds[i].0, number()) {
                    return number.compare(bound);
                }
                Some(text.cmp(bound.as_bytes()))
            }),
            Test::Cidr(networks) => {
                let addr: Option<IpAddr> = text.to_str().ok().and_then(|text| text.parse().ok());
                addr.is_some_and(|addr| networks.iter().any(|network| network.contains(addr)))
            }
            // Decided where the other values of the ancestor are at hand.
            Test::Same(_) => false,
        }
    }

    fn holds_scalar(&self, test: &Test, value: &Value<'_>) -> bool {
        let text = || text_of(value).unwrap_or_default();
        match test {
            Test::Exists => true,
            Test::Term(_) | Test::Phrase(_) => {
                if let (Some(wanted), Some(number)) = (self.number, Number::of(value)) {
                    return number.compare(wanted) == Some(Ordering::Equal);
                }
                if let (Some(wanted), Value::Ip(addr)) = (self.addr, value) {
                    return addr.to_canonical() == wanted.to_canonical();
                }
                match test {
                    Test::Term(pattern) => pattern.matches(&text()),
                    Test::Phrase(wanted) => *text() == *wanted.as_bytes(),
                    _ => false,
                }
            }
            Test::Range { .. } => self.in_range(test, |i, bound| {
                if let (Some(bound), Some(number)) = (self.bounds[i].0, Number::of(value)) {
                    return number.compare(bound);
                }
                if let (Some(bound), Value::Ip(addr)) = (self.bounds[i].1, value) {
                    let (addr, bound) = (addr.to_canonical(), bound.to_canonical());
                    return (addr.is_ipv4() == bound.is_ipv4()).then(|| addr.cmp(&bound));
                }
                Some(text().as_ref().cmp(bound.as_bytes()))
            }),
            Test::Cidr(networks) => match value {
                Value::Ip(addr) => networks.iter().any(|network| network.contains(*addr)),
                _ => false,
            },
            Test::Same(_) => false,
        }
    }

    /// True if the value lies between the bounds of a range; `compare` compares it with one of them.
    fn in_range(&self, test: &Test, compare: impl Fn(usize, &str) -> Option<Ordering>) -> bool {
        let Test::Range { low, high } = test else { return false };
        let is_above = match low {
            Bound::Unbounded => true,
            Bound::Inclusive(text) => compare(0, text).is_some_and(Ordering::is_ge),
            Bound::Exclusive(text) => compare(0, text).is_some_and(Ordering::is_gt),
        };
        is_above
            && match high {
                Bound::Unbounded => true,
                Bound::Inclusive(text) => compare(1, text).is_some_and(Ordering::is_le),
                Bound::Exclusive(text) => compare(1, text).is_some_and(Ordering::is_lt),
            }
    }

    /// True if the words are found in a value, or in any of several, whatever the case: free text and `*:`.
    pub(crate) fn is_found(&self, test: &Test, value: &Value<'_>) -> bool {
        if let Value::List(values) = value {
            return values.iter().any(|value| self.is_found(test, value));
        }
        let Some(text) = text_of(value) else { return false };
        let text = lowercase(&text);
        match test {
            Test::Exists => true,
            Test::Term(pattern) if pattern.as_text().is_none() => {
                self.lower.matches(&text) || words(&text).any(|word| self.lower.matches(word))
            }
            Test::Term(_) | Test::Phrase(_) => match &self.symbols {
                Some(symbols) => text.contains_str(symbols),
                None => pattern::has_sequence(&text, &self.words),
            },
            _ => false,
        }
    }

    /// Texts of which one must be among [`keys_of`] a value for the clause to hold; `None` if it cannot be told by
    /// equality.
    pub(crate) fn equality(&self, test: &Test) -> Option<Vec<u8>> {
        let text = match test {
            Test::Term(pattern) => pattern.as_text()?,
            Test::Phrase(text) => text,
            _ => return None,
        };
        Some(match (self.number, self.addr) {
            (Some(Number::Int(n)), _) => n.to_string().into_bytes(),
            (Some(Number::Float(_)), _) => return None,
            (_, Some(addr)) => addr.to_canonical().to_string().into_bytes(),
            _ => text.as_bytes().to_vec(),
        })
    }
}

/// Which forms of a value have to be looked up, besides the text itself.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Forms {
    /// Some constant is a number or an address: texts that are written like one count in their plain form too.
    is_plain: bool,
    /// Some constant has a blank: arguments count joined too.
    is_joined: bool,
}

impl Forms {
    /// With those that a constant needs, given as [`Matcher::equality`] does.
    pub(crate) fn add(&mut self, constant: &[u8]) {
        self.is_plain |= plain(constant).is_some();
        self.is_joined |= constant.contains(&b' ');
    }
}

/// Calls `found` with each text that a value is equal to, in the form that [`Matcher::equality`] gives.
pub(crate) fn keys_of(value: &Value<'_>, elements: Elements, forms: Forms, found: &mut impl FnMut(&[u8])) {
    match value {
        Value::List(values) => {
            values.iter().for_each(|value| keys_of(value, elements, forms, found));
            if elements == Elements::Words
                && forms.is_joined
                && let Some(joined) = join(values)
            {
                found(&joined);
            }
        }
        Value::Ip(addr) => found(addr.to_canonical().to_string().as_bytes()),
        other => {
            let Some(text) = text_of(other) else { return };
            found(&text);
            if forms.is_plain
                && matches!(value, Value::Str(_) | Value::Bytes(_))
                && let Some(plain) = plain(&text)
                && *plain != *text
            {
                found(&plain);
            }
            if elements == Elements::Environment
                && let Some(at) = text.find_byte(b'=')
            {
                found(&text[..at]);
            }
        }
    }
}

/// A text that is written like a number or an address, in the form that [`Matcher::equality`] gives.
fn plain(text: &[u8]) -> Option<Vec<u8>> {
    // Addresses begin with a hexadecimal digit or a colon; most texts begin with neither.
    if !text.first().is_some_and(|b| b.is_ascii_hexdigit() || matches!(b, b'-' | b':')) {
        return None;
    }
    let text = text.to_str().ok()?;
    match (Number::parse(text), text.parse::<IpAddr>()) {
        (Some(Number::Int(n)), _) => Some(n.to_string().into_bytes()),
        (None, Ok(addr)) => Some(addr.to_canonical().to_string().into_bytes()),
        _ => None,
    }
}

/// Texts joined with blanks; `None` unless all are texts and there are at least two.
fn join(values: &[Value<'_>]) -> Option<Vec<u8>> {
    if values.len() < 2 {
        return None;
    }
    let mut out = Vec::new();
    for (i, value) in values.iter().enumerate() {
        let Value::Str(text) = value else { return None };
        if i > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(text);
    }
    Some(out)
}

fn has_blank(text: &str) -> bool {
    text.contains(' ')
}

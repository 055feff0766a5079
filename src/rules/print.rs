//! Values of operands as text and as JSON has them. Single values are printed by [`tracehound_fields::print`].
//!
//! Source: `rawval_to_string`, `rawval_to_json` and `tostring` of `sinsp_filtercheck.cpp` in falcosecurity/libs.

use std::borrow::Cow;

use bstr::{BStr, BString, ByteSlice};
use tracehound_fields::print::scalar;
use tracehound_fields::{FieldType, NumberFormat, Value};

use crate::ops::text::until_nul;

/// Longest text made of raw bytes or of several values: Falco's buffer for printed values.
const MAX_PRINTED: usize = 1023;

/// How a value is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    pub(crate) ty: FieldType,
    pub(crate) format: NumberFormat,
    /// True for a list, written `(a,b)`; false for several values that are one text with blanks between, as those
    /// of all ancestors.
    pub(crate) is_list: bool,
}

/// A value as text: `<NA>` if absent, text up to its first NUL, raw bytes with a dot for each that is not printable.
pub(crate) fn text<'v>(value: &'v Value<'_>, style: Style) -> Cow<'v, BStr> {
    match value {
        Value::Str(text) => Cow::Borrowed(until_nul(text).as_bstr()),
        Value::Bytes(bytes) => {
            scalar(Value::Bytes(Cow::Borrowed(&bytes[..bytes.len().min(MAX_PRINTED)])), style.format)
        }
        Value::Int(v) => scalar(number(*v as u64, Some(*v), style), style.format),
        Value::Uint(v) => scalar(number(*v, None, style), style.format),
        Value::List(items) => {
            let mut out = BString::default();
            let separator = if style.is_list { b',' } else { b' ' };
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(separator);
                }
                out.extend_from_slice(&text(item, style));
            }
            if style.is_list {
                out.insert(0, b'(');
                out.push(b')');
            }
            out.truncate(MAX_PRINTED);
            Cow::Owned(out)
        }
        Value::Null | Value::Bool(_) | Value::Double(_) | Value::Ip(_) => scalar(value.clone(), style.format),
    }
}

/// A value as JSON has it: numbers and truth values as they are, everything else that is there as [`text`], a list
/// as a list of these. An empty list is absent.
pub(crate) fn plain<'a>(value: Value<'a>, style: Style) -> Value<'a> {
    let as_text = |value: &Value<'_>| Value::owned(text(value, style).into_owned());
    match value {
        Value::List(items) if items.is_empty() => Value::Null,
        Value::List(items) if style.is_list => Value::List(items.into_iter().map(|item| plain(item, style)).collect()),
        Value::Int(_) | Value::Uint(_) if style.format == NumberFormat::Dec => value,
        Value::Null | Value::Bool(_) | Value::Double(_) => value,
        Value::Int(_) | Value::Uint(_) | Value::Bytes(_) | Value::Ip(_) | Value::List(_) => as_text(&value),
        Value::Str(ref text) if text.contains(&0) => as_text(&value),
        Value::Str(_) => value,
    }
}

/// A number; bases other than ten show its bits in the width of its type.
fn number<'a>(bits: u64, signed: Option<i64>, Style { ty, format, .. }: Style) -> Value<'a> {
    let width = match ty {
        FieldType::Int(bits) | FieldType::Uint(bits) => u32::from(bits.clamp(1, 64)),
        FieldType::Port => 16,
        _ => 64,
    };
    match (format, signed) {
        (NumberFormat::Hex | NumberFormat::Oct, _) => Value::Uint(bits & (u64::MAX >> (64 - width))),
        (_, Some(v)) => Value::Int(v),
        (_, None) => Value::Uint(bits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        use NumberFormat::*;
        let cases: Vec<(Value<'_>, FieldType, NumberFormat, &str)> = vec![
            (Value::Null, FieldType::Str, Dec, "<NA>"),
            (Value::str(""), FieldType::Str, Dec, ""),
            (Value::str("a\0b"), FieldType::Str, Dec, "a"),
            (Value::Bool(true), FieldType::Bool, Dec, "true"),
            (Value::Int(-1), FieldType::Int(32), Dec, "-1"),
            (Value::Int(-1), FieldType::Int(32), Hex, "FFFFFFFF"),
            (Value::Int(2049), FieldType::Int(32), Hex, "801"),
            (Value::Uint(493), FieldType::Uint(32), Oct, "755"),
            (Value::Uint(7), FieldType::RelTime, Padded, "000000007"),
            (Value::Double(1.25), FieldType::Double, Dec, "1.2"),
            (Value::Bytes(b"a\n\xff b".as_slice().into()), FieldType::Bytes, Dec, "a.. b"),
            (Value::Ip("1.2.3.4".parse().unwrap()), FieldType::Ip, Dec, "1.2.3.4"),
            (Value::Ip("2001:db8::1".parse().unwrap()), FieldType::Ip, Dec, "2001:db8::1"),
            (Value::List(vec![Value::str("a"), Value::str("b")]), FieldType::Str, Dec, "(a,b)"),
            (Value::List(vec![]), FieldType::Str, Dec, "()"),
        ];
        for (value, ty, format, expected) in cases {
            let ancestors = Style { ty, format, is_list: false };
            if let Value::List(items) = &value {
                let joined: Vec<String> = items.iter().map(|item| text(item, ancestors).to_string()).collect();
                assert_eq!(text(&value, ancestors).to_string(), joined.join(" "));
            }
            assert_eq!(text(&value, Style { ty, format, is_list: true }).to_string(), expected, "{value:?}");
        }
    }

    #[test]
    fn plain_values() {
        use NumberFormat::*;
        let cases: Vec<(Value<'_>, FieldType, NumberFormat, Value<'_>)> = vec![
            (Value::Int(-1), FieldType::Int(32), Dec, Value::Int(-1)),
            (Value::Int(2049), FieldType::Int(32), Hex, Value::str("801")),
            (Value::Uint(7), FieldType::RelTime, Padded, Value::str("000000007")),
            (Value::List(vec![]), FieldType::Str, Dec, Value::Null),
            (Value::Bytes(b"a\n".as_slice().into()), FieldType::Bytes, Dec, Value::str("a.")),
        ];
        for (value, ty, format, expected) in cases {
            assert_eq!(plain(value, Style { ty, format, is_list: true }), expected);
        }
    }
}

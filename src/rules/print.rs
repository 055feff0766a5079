//! Values as text, as Falco prints them.
//!
//! Source: `rawval_to_string`, `rawval_to_json` and `tostring` of `sinsp_filtercheck.cpp` in falcosecurity/libs.

use bstr::{BString, ByteSlice};
use tracehound_fields::{FieldType, NumberFormat, Value};

/// What is printed for an absent value.
pub const ABSENT: &str = "<NA>";

/// Longest text made of raw bytes or of a list: Falco's buffer for printed values.
const MAX_PRINTED: usize = 1023;

/// A value as text. Text is printed up to its first NUL; raw bytes with a dot for each byte that is not printable.
pub fn text(value: &Value<'_>, ty: FieldType, format: NumberFormat) -> BString {
    match value {
        Value::Null => ABSENT.into(),
        Value::Bool(v) => if *v { "true" } else { "false" }.into(),
        Value::Int(v) => number(*v as u64, Some(*v), ty, format).into(),
        Value::Uint(v) => number(*v, None, ty, format).into(),
        Value::Double(v) => format!("{v:.1}").into(),
        Value::Str(v) => v[..v.find_byte(0).unwrap_or(v.len())].into(),
        Value::Bytes(v) => v
            .iter()
            .take(MAX_PRINTED)
            .map(|&b| if b.is_ascii_graphic() || b == b' ' { b } else { b'.' })
            .collect::<Vec<u8>>()
            .into(),
        Value::Ip(v) => v.to_string().into(),
        Value::List(items) => {
            let mut out = BString::from("(");
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                out.extend_from_slice(&text(item, ty, format));
            }
            out.push(b')');
            out.truncate(MAX_PRINTED);
            out
        }
    }
}

/// A value as JSON has it: numbers and truth values as they are, everything else that is there as [`text`], a list
/// as a list of these. An empty list is absent.
pub fn plain<'a>(value: Value<'a>, ty: FieldType, format: NumberFormat) -> Value<'a> {
    match value {
        Value::List(items) if items.is_empty() => Value::Null,
        Value::List(items) => Value::List(items.into_iter().map(|item| plain(item, ty, format)).collect()),
        Value::Int(_) | Value::Uint(_) if format == NumberFormat::Dec => value,
        Value::Double(v) if format == NumberFormat::Dec => Value::Int(v as i64),
        Value::Null | Value::Bool(_) | Value::Double(_) => value,
        Value::Int(_) | Value::Uint(_) | Value::Bytes(_) | Value::Ip(_) => Value::owned(text(&value, ty, format)),
        Value::Str(v) if v.contains(&0) => Value::owned(text(&Value::Str(v), ty, format)),
        Value::Str(_) => value,
    }
}

/// A number in the base of its field; other bases than ten show the bits in the width of the type.
fn number(bits: u64, signed: Option<i64>, ty: FieldType, format: NumberFormat) -> String {
    let width = match ty {
        FieldType::Int(bits) | FieldType::Uint(bits) => u32::from(bits.clamp(1, 64)),
        FieldType::Port => 16,
        _ => 64,
    };
    let masked = bits & (u64::MAX >> (64 - width));
    match (format, signed) {
        (NumberFormat::Hex, _) => format!("{masked:X}"),
        (NumberFormat::Oct, _) => format!("{masked:o}"),
        (NumberFormat::Dec, Some(v)) => v.to_string(),
        (NumberFormat::Dec, None) => bits.to_string(),
        (NumberFormat::Padded, Some(v)) => format!("{v:09}"),
        (NumberFormat::Padded, None) => format!("{bits:09}"),
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
            assert_eq!(text(&value, ty, format), expected, "{value:?}");
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
            assert_eq!(plain(value, ty, format), expected);
        }
    }
}

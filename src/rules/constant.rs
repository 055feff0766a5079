//! Constants: from the text in a rule to a value of the field's type.

use std::net::IpAddr;

use bstr::{BString, ByteSlice};
use tracehound_fields::{FieldType, catalogue::distance};

use crate::error::{OperandType, TypeErrorKind};
use crate::ops::Cidr;
use crate::ops::parse_ip;
use crate::services;

/// A constant of a number type: decimal only, as `sscanf` reads it. Text beyond 64 bits is clamped to them, then
/// cut to the width of the type; a negative text wraps in an unsigned type.
pub(crate) fn number(text: &[u8], ty: FieldType) -> Result<i128, TypeErrorKind> {
    if ty == FieldType::Port {
        return port(text);
    }
    let wrong = || wrong(text, "a decimal number", ty);
    let (is_negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(wrong());
    }
    let magnitude = digits.iter().fold(0u128, |n, b| n.saturating_mul(10).saturating_add(u128::from(b - b'0')));
    Ok(match ty {
        FieldType::Int(bits) => {
            let limit = if is_negative { 1u128 << 63 } else { (1 << 63) - 1 };
            let value = magnitude.min(limit) as i128;
            let value = if is_negative { -value } else { value };
            let shift = 128 - u32::from(bits.clamp(1, 64));
            value << shift >> shift
        }
        _ => {
            let bits = match ty {
                FieldType::Uint(bits) => bits.clamp(1, 64),
                _ => 64,
            };
            let value = match u64::try_from(magnitude) {
                Ok(value) if is_negative => value.wrapping_neg(),
                Ok(value) => value,
                Err(_) => u64::MAX,
            };
            i128::from(value) & ((1i128 << bits) - 1)
        }
    })
}

fn port(text: &[u8]) -> Result<i128, TypeErrorKind> {
    if text.iter().all(u8::is_ascii_digit) {
        let value = text.iter().fold(0u16, |n, b| n.wrapping_mul(10).wrapping_add(u16::from(b - b'0')));
        return Ok(i128::from(value));
    }
    let known = text.to_str().ok().and_then(services::port);
    known.map(i128::from).ok_or_else(|| TypeErrorKind::UnknownService {
        name: BString::from(text),
        candidates: similar(text, services::names()),
    })
}

/// True for a number that the field's type does not hold as it is written. -1 is left out: it is the common way to
/// write an unsigned "none".
pub(crate) fn is_cut(text: &[u8], ty: FieldType) -> bool {
    if text == b"-1" || !ty.is_numeric() || ty == FieldType::Double {
        return false;
    }
    let Ok(value) = number(text, ty) else { return false };
    match text.to_str().ok().and_then(|text| text.parse::<i128>().ok()) {
        Some(written) => written != value,
        // The name of a service is no number; an empty port, and what is longer than 128 bits, is.
        None => text.is_empty() || text.iter().skip(1).all(u8::is_ascii_digit),
    }
}

/// A constant of a floating-point type: integers only.
pub(crate) fn double(text: &[u8]) -> Result<f64, TypeErrorKind> {
    let value = number(text, FieldType::Int(64)).map_err(|_| wrong(text, "a decimal integer", FieldType::Double))?;
    Ok(value as f64)
}

/// `true` or `false`.
pub(crate) fn boolean(text: &[u8]) -> Result<bool, TypeErrorKind> {
    match text {
        b"true" => Ok(true),
        b"false" => Ok(false),
        _ => Err(wrong(text, "true or false", FieldType::Bool)),
    }
}

/// An address.
pub(crate) fn ip(text: &[u8]) -> Result<IpAddr, TypeErrorKind> {
    let parsed = text.to_str().ok().and_then(parse_ip);
    parsed.ok_or_else(|| wrong(text, "an IP address", FieldType::Ip))
}

/// A network.
pub(crate) fn net(text: &[u8]) -> Result<Cidr, TypeErrorKind> {
    let parsed = text.to_str().ok().and_then(Cidr::parse);
    parsed.ok_or_else(|| wrong(text, "a network such as 10.0.0.0/8", FieldType::Net))
}

/// Text: anything without a NUL.
pub(crate) fn text(text: &[u8], ty: FieldType) -> Result<&[u8], TypeErrorKind> {
    if text.find_byte(0).is_some() { Err(wrong(text, "text without a NUL byte", ty)) } else { Ok(text) }
}

/// Bytes written in hexadecimal.
pub(crate) fn hex(text: &[u8]) -> Result<Vec<u8>, TypeErrorKind> {
    let parsed = crate::ops::text::from_hex(text);
    parsed.ok_or_else(|| wrong(text, "an even number of hexadecimal digits", FieldType::Bytes))
}

fn wrong(value: &[u8], expected: &'static str, ty: FieldType) -> TypeErrorKind {
    TypeErrorKind::Constant { value: BString::from(value), expected, ty: OperandType::one(ty) }
}

/// Names that look like `name`, best first, at most three.
pub(crate) fn similar(name: &[u8], known: impl Iterator<Item = &'static str>) -> Vec<&'static str> {
    let limit = 1 + name.len() / 4;
    let mut near: Vec<(usize, &'static str)> = known
        .filter(|known| known.len().abs_diff(name.len()) <= limit)
        .map(|known| (distance(name, known.as_bytes()), known))
        .filter(|&(edits, _)| edits <= limit)
        .collect();
    near.sort_unstable();
    near.into_iter().map(|(_, known)| known).take(3).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        use FieldType::*;
        let cases: &[(&str, FieldType, Option<i128>)] = &[
            ("5", Int(64), Some(5)),
            ("-22", Int(64), Some(-22)),
            ("+7", Int(32), Some(7)),
            ("0x1F", Int(64), None),
            ("1.5", Int(64), None),
            ("1e+3", Uint(64), None),
            ("", Int(64), None),
            ("-", Int(64), None),
            (" 1", Int(64), None),
            ("-1", Uint(32), Some(4294967295)),
            ("-1", Uint(64), Some(u64::MAX as i128)),
            ("300", Uint(8), Some(44)),
            ("4294967296", Int(32), Some(0)),
            ("2147483648", Int(32), Some(-2147483648)),
            ("99999999999999999999999999", Int(64), Some(i64::MAX as i128)),
            ("-99999999999999999999999999", Int(64), Some(i64::MIN as i128)),
            ("99999999999999999999999999", Uint(64), Some(u64::MAX as i128)),
            ("12", AbsTime, Some(12)),
            ("", Port, Some(0)),
            ("443", Port, Some(443)),
            ("65537", Port, Some(1)),
            ("https", Port, Some(443)),
            ("nosuch", Port, None),
            ("-1", Port, None),
        ];
        for &(text, ty, expected) in cases {
            assert_eq!(number(text.as_bytes(), ty).ok(), expected, "{text} {ty:?}");
        }
    }

    #[test]
    fn addresses() {
        for (text, ok) in [
            ("1.2.3.4", true),
            ("1.2.3", false),
            ("1.2.3.4/8", false),
            ("0:0:0:0:0:0:0:1", true),
            ("::1", true),
            ("::ffff:1.2.3.4", false),
            ("", false),
        ] {
            assert_eq!(ip(text.as_bytes()).is_ok(), ok, "{text}");
        }
        for (text, ok) in [
            ("10.0.0.0/8", true),
            ("10.0.0.0/0", true),
            ("10.0.0.0/33", false),
            ("10.0.0.0", false),
            ("2001:db8::0/64", true),
            ("::/0", false),
            ("::/128", true),
            ("::/129", false),
            ("10.0.0.0/+8", false),
            ("10.0.0.0/", false),
        ] {
            assert_eq!(net(text.as_bytes()).is_ok(), ok, "{text}");
        }
    }

    #[test]
    fn candidates() {
        let error = number(b"htpps", FieldType::Port).unwrap_err();
        assert_eq!(error.candidates().first(), Some(&"https"));
    }
}

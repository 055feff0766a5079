//! Comparisons of text and raw bytes.

use bstr::ByteSlice;

/// The part of a text that is compared: up to its first NUL.
pub fn until_nul(text: &[u8]) -> &[u8] {
    match text.find_byte(0) {
        Some(end) => &text[..end],
        None => text,
    }
}

/// True if `needle` occurs in `text`, ASCII case ignored. The needle must be in lower case.
pub fn contains_ignoring_case(text: &[u8], needle: &[u8]) -> bool {
    let Some(&first) = needle.first() else { return true };
    if text.len() < needle.len() {
        return false;
    }
    let last_start = text.len() - needle.len();
    let starts = [first, first.to_ascii_uppercase()];
    let mut at = 0;
    while at <= last_start {
        let Some(step) = text[at..=last_start].find_byteset(starts) else { return false };
        at += step;
        if text[at..at + needle.len()].eq_ignore_ascii_case(needle) {
            return true;
        }
        at += 1;
    }
    false
}

/// The bytes that pairs of hexadecimal digits stand for.
pub fn from_hex(text: &[u8]) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    let digit = |b: u8| char::from(b).to_digit(16).map(|d| d as u8);
    text.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

/// The bytes that a text in Base64 stands for; padding may be missing. Line breaks are not accepted.
pub fn from_base64(text: &[u8]) -> Option<Vec<u8>> {
    let digits = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text);
    // One digit alone does not make a byte.
    if digits.len() % 4 == 1 {
        return None;
    }
    let mut bytes = Vec::with_capacity(digits.len() / 4 * 3 + 2);
    for group in digits.chunks(4) {
        let mut bits = 0u32;
        for &digit in group {
            bits = bits << 6 | u32::from(base64_digit(digit)?);
        }
        bits <<= 6 * (4 - group.len());
        // Bits of the last digit that make no byte must be zero.
        if bits & ((1 << (32 - 8 * group.len())) - 1) != 0 {
            return None;
        }
        bytes.extend_from_slice(&bits.to_be_bytes()[1..group.len()]);
    }
    Some(bytes)
}

fn base64_digit(digit: u8) -> Option<u8> {
    match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a' + 26),
        b'0'..=b'9' => Some(digit - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn base64() {
        let cases: &[(&str, Option<&str>)] = &[
            ("", Some("")),
            ("aGVsbG8=", Some("hello")),
            ("aGVsbG8", Some("hello")),
            ("aGk=", Some("hi")),
            ("YQ==", Some("a")),
            ("YQ", Some("a")),
            ("YR", None),
            ("aGl", None),
            ("Y", None),
            ("a-b_", None),
            ("aGVs bG8=", None),
        ];
        for &(text, expected) in cases {
            assert_eq!(from_base64(text.as_bytes()).as_deref(), expected.map(str::as_bytes), "{text}");
        }
    }

    #[test]
    fn hex() {
        assert_eq!(from_hex(b"656c6C").as_deref(), Some(b"ell".as_slice()));
        assert_eq!(from_hex(b"2g"), None);
        assert_eq!(from_hex(b"2"), None);
    }

    proptest! {
        #[test]
        fn case_ignored(text in "[abAB]{0,12}", needle in "[ab]{0,3}") {
            let expected = text.to_ascii_lowercase().contains(&needle);
            prop_assert_eq!(contains_ignoring_case(text.as_bytes(), needle.as_bytes()), expected);
        }
    }
}

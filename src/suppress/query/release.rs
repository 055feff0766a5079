//! Order of releases, as of kernels.

use std::cmp::Ordering;

/// Numbers of a release that are compared; more are not in use.
const MAX_NUMBERS: usize = 8;

/// Compares a release with a bound by the numbers they begin with, of which absent ones are 0: `5.9` is before `5.10`,
/// and `5.10` is `5.10.0`. What follows the numbers (`-18-amd64`) counts only if the bound has it too, by its bytes.
/// `None` if one of them does not begin with a number.
pub(super) fn compare(release: &[u8], bound: &[u8]) -> Option<Ordering> {
    let ((numbers, rest), (bound_numbers, bound_rest)) = (split(release)?, split(bound)?);
    let of_rest = || if bound_rest.is_empty() { Ordering::Equal } else { rest.cmp(bound_rest) };
    Some(numbers.cmp(&bound_numbers).then_with(of_rest))
}

/// The numbers with points between them that a text begins with, and the rest.
fn split(text: &[u8]) -> Option<([u64; MAX_NUMBERS], &[u8])> {
    let mut numbers = [0u64; MAX_NUMBERS];
    let mut rest = text;
    for (i, number) in numbers.iter_mut().enumerate() {
        let digits = match rest {
            [b'.', after @ ..] if i > 0 => after,
            _ if i == 0 => rest,
            _ => break,
        };
        let n_digits = digits.iter().take_while(|b| b.is_ascii_digit()).count();
        if n_digits == 0 {
            break;
        }
        let read = |value: u64, digit: &u8| value.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
        *number = digits[..n_digits].iter().fold(0, read);
        rest = &digits[n_digits..];
    }
    (rest.len() < text.len()).then_some((numbers, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order() {
        for (release, bound, expected) in [
            ("5.10.101", "5.10.102", Some(Ordering::Less)),
            ("5.10.102", "5.10.102", Some(Ordering::Equal)),
            ("5.9.16-rc1", "5.10", Some(Ordering::Less)),
            ("5.10", "5.10.0", Some(Ordering::Equal)),
            ("5.10.102-18-amd64", "5.10.102", Some(Ordering::Equal)),
            ("6.1.0-18-amd64", "6.1.0-20-amd64", Some(Ordering::Less)),
            ("6.1.0", "6.1.0-20-amd64", Some(Ordering::Less)),
            ("6.1.0.", "6.1", Some(Ordering::Equal)),
            ("99999999999999999999.1", "6.1", Some(Ordering::Greater)),
            ("1.2.3.4.5.6.7.8.9", "1.2.3.4.5.6.7.8", Some(Ordering::Equal)),
            ("unknown", "5.10", None),
            ("5.10", "latest", None),
            ("", "5", None),
            (".5", "5", None),
        ] {
            assert_eq!(compare(release.as_bytes(), bound.as_bytes()), expected, "{release} {bound}");
        }
    }
}

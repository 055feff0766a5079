//! Times of the text notation: nanoseconds, durations with a unit, and RFC 3339 in UTC.

use std::fmt::Write as _;

/// Units of a duration, the longest first, in nanoseconds.
const UNITS: [(&str, u64); 6] = [
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// A duration such as `5ms`; a number without a unit is nanoseconds.
pub(crate) fn parse_duration(text: &str) -> Option<u64> {
    let n_digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, unit) = text.split_at(n_digits);
    let n: u64 = digits.parse().ok()?;
    match unit {
        "" => Some(n),
        _ => n.checked_mul(UNITS.iter().find(|&&(name, _)| name == unit)?.1),
    }
}

/// Appends a duration exactly, in its longest whole unit up to seconds.
pub(crate) fn put_duration(ns: u64, out: &mut String) {
    let unit = UNITS[2..].iter().find(|&&(_, unit)| ns != 0 && ns.is_multiple_of(unit));
    let written = match unit {
        Some((name, unit)) => write!(out, "{}{name}", ns / unit),
        None => write!(out, "0"),
    };
    written.expect("writing to a string");
}

/// Nanoseconds since the epoch of `2026-01-02T03:04:05.678Z`.
pub(crate) fn parse_instant(text: &str) -> Option<u64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let [year, month, day] = numbers(date, '-')?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [hour, minute, second] = numbers(time, ':')?;
    let is_valid = (1970..=2554).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !is_valid || hour > 23 || minute > 59 || second > 60 || fraction.len() > 9 {
        return None;
    }
    let nanos: u64 = if fraction.bytes().all(|b| b.is_ascii_digit()) { fraction.parse().ok()? } else { return None };
    let nanos = nanos * 10u64.pow(9 - fraction.len() as u32);
    let seconds = (days_since_epoch(year, month, day) * 24 + hour) * 3600 + minute * 60 + second;
    seconds.checked_mul(1_000_000_000)?.checked_add(nanos)
}

fn numbers(text: &str, separator: char) -> Option<[u64; 3]> {
    let mut parts = text.split(separator).map(|part| {
        let is_plain = !part.is_empty() && part.len() <= 4 && part.bytes().all(|b| b.is_ascii_digit());
        if is_plain { part.parse().ok() } else { None }
    });
    let out = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(out)
}

/// Days of the Gregorian calendar from 1970-01-01.
fn days_since_epoch(year: u64, month: u64, day: u64) -> u64 {
    // Years that begin in March put the leap day last.
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let days_before_month = (153 * month + 2) / 5;
    let days = 365 * year + year / 4 - year / 100 + year / 400 + days_before_month + day - 1;
    days - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, ns) in [("0", 0), ("5", 5), ("7ns", 7), ("1us", 1_000), ("2ms", 2_000_000), ("3s", 3_000_000_000)] {
            assert_eq!(parse_duration(text), Some(ns), "{text}");
        }
        assert_eq!(parse_duration("1h"), Some(3_600_000_000_000));
        for bad in ["", "s", "-1s", "1d", "99999999999h", "1.5s"] {
            assert_eq!(parse_duration(bad), None, "{bad}");
        }
        for (ns, text) in [(0, "0"), (1_500, "1500ns"), (2_000, "2us"), (7_200_000_000_000, "7200s")] {
            let mut out = String::new();
            put_duration(ns, &mut out);
            assert_eq!((out.as_str(), parse_duration(&out)), (text, Some(ns)));
        }
    }

    #[test]
    fn instants() {
        for (text, ns) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:00:00.5Z", 951_825_600_500_000_000),
            ("2026-01-01T00:00:00Z", 1_767_225_600_000_000_000),
        ] {
            assert_eq!(parse_instant(text), Some(ns), "{text}");
        }
        for bad in [
            "2026-01-01",
            "2026-01-01T00:00:00",
            "1969-01-01T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "9999-01-01T00:00:00Z",
        ] {
            assert_eq!(parse_instant(bad), None, "{bad}");
        }
    }
}

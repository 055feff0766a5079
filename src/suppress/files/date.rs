//! Dates of suppressions: RFC 3339, a bare date, or milliseconds since the epoch as Datadog's API has them.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit};
use tracehound_formats::Nanos;

/// Why a text is no date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    /// None of the forms.
    #[error("not a date")]
    Form,
    /// A number that is a date in seconds; milliseconds are meant.
    #[error("a date in seconds")]
    Seconds,
    /// Before 1970 or after 2554.
    #[error("out of range")]
    Range,
}

impl DateError {
    /// What to write instead.
    pub fn help(self) -> &'static str {
        match self {
            DateError::Form => "write RFC 3339 with a time zone, as 2026-03-01T00:00:00Z, or a date, as 2026-03-01",
            DateError::Seconds => "a number is milliseconds since 1970: append 000",
            DateError::Range => "dates are from 1970 to 2554",
        }
    }
}

/// The moment that a text names. A bare date is its beginning in UTC, so that a suppression that expires on a date no
/// longer applies on it. A number is milliseconds since the epoch.
pub fn parse(text: &str) -> Result<Nanos, DateError> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        let number: u64 = text.parse().map_err(|_| DateError::Range)?;
        // Between 2001 and 2065 a count of seconds has ten digits and one of milliseconds thirteen.
        if (1_000_000_000..3_000_000_000).contains(&number) {
            return Err(DateError::Seconds);
        }
        return from_millis(number).ok_or(DateError::Range);
    }
    let timestamp = match text.parse::<Timestamp>() {
        Ok(timestamp) => timestamp,
        Err(_) if text.contains(['T', 't', ' ']) => return Err(DateError::Form),
        Err(_) => {
            let date: Date = text.parse().map_err(|_| DateError::Form)?;
            date.to_zoned(TimeZone::UTC).map_err(|_| DateError::Range)?.timestamp()
        }
    };
    u64::try_from(timestamp.as_nanosecond()).map(Nanos).map_err(|_| DateError::Range)
}

/// A moment from milliseconds since the epoch; `None` after 2554.
pub fn from_millis(ms: u64) -> Option<Nanos> {
    ms.checked_mul(1_000_000).map(Nanos)
}

/// Milliseconds since the epoch, rounded down.
pub fn to_millis(at: Nanos) -> u64 {
    at.0 / 1_000_000
}

/// As written in files: RFC 3339 in UTC, with as many digits of a second as it takes.
pub fn format(at: Nanos) -> String {
    match Timestamp::from_nanosecond(i128::from(at.0)) {
        Ok(timestamp) => timestamp.to_string(),
        // A moment that was read is in range: `u64` nanoseconds end in 2554.
        Err(_) => at.0.to_string(),
    }
}

/// The current moment.
pub fn now() -> Nanos {
    let now = Timestamp::now().round(Unit::Second).unwrap_or(Timestamp::UNIX_EPOCH);
    Nanos(u64::try_from(now.as_nanosecond()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        const START: Nanos = Nanos(1_772_323_200_000_000_000);
        for (text, expected) in [
            ("2026-03-01T00:00:00Z", Ok(START)),
            ("2026-03-01T01:00:00+01:00", Ok(START)),
            ("2026-03-01", Ok(START)),
            ("1772323200000", Ok(START)),
            ("2026-03-01T00:00:00.5Z", Ok(Nanos(START.0 + 500_000_000))),
            ("0", Ok(Nanos(0))),
            ("1772323200", Err(DateError::Seconds)),
            ("1969-12-31T23:59:59Z", Err(DateError::Range)),
            ("9999-01-01T00:00:00Z", Err(DateError::Range)),
            ("99999999999999999999", Err(DateError::Range)),
            ("2026-02-30", Err(DateError::Form)),
            ("2026-03-01T00:00:00", Err(DateError::Form)),
            ("tomorrow", Err(DateError::Form)),
            ("", Err(DateError::Form)),
            ("-5", Err(DateError::Form)),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }

    #[test]
    fn written_and_read_again() {
        for ns in [0, 1, 1_772_323_200_000_000_000, u64::MAX] {
            assert_eq!(parse(&format(Nanos(ns))), Ok(Nanos(ns)), "{}", format(Nanos(ns)));
        }
        assert_eq!(format(Nanos(1_772_323_200_000_000_000)), "2026-03-01T00:00:00Z");
        assert_eq!(from_millis(to_millis(Nanos(1_500_000))), Some(Nanos(1_000_000)));
    }
}

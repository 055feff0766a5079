//! Times as text, in UTC.

use std::fmt;

use tracehound_formats::Nanos;

/// `2026-11-22T03:10:23.892546058Z`: RFC 3339 with nine digits, as Falco's key `time` has it.
pub struct Rfc3339(pub Nanos);

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, self.0, "Z")
    }
}

/// `2026-11-22T03:10:23.892546058+0000`: the form before the priority in Falco's key `output`.
pub struct Iso8601(pub Nanos);

impl fmt::Display for Iso8601 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, self.0, "+0000")
    }
}

fn write(f: &mut fmt::Formatter<'_>, ts: Nanos, zone: &str) -> fmt::Result {
    let (seconds, nanos) = (ts.0 / 1_000_000_000, ts.0 % 1_000_000_000);
    let (year, month, day) = civil(seconds / 86_400);
    let (h, m, s) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    write!(f, "{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}.{nanos:09}{zone}")
}

/// Year, month and day of a day counted from 1970-01-01. Years run from March here, so that the leap day is the
/// last one and every month has the same place in each year.
fn civil(days: u64) -> (u64, u64, u64) {
    // Days since 0000-03-01, in eras of 400 years.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_times() {
        for (ns, expected) in [
            (0, "1970-01-01T00:00:00.000000000Z"),
            (1_795_317_024_305_224_654, "2026-11-22T03:10:24.305224654Z"),
            (951_782_399_999_999_999, "2000-02-28T23:59:59.999999999Z"),
            (951_782_400_000_000_000, "2000-02-29T00:00:00.000000000Z"),
            (4_107_542_400_000_000_000, "2100-03-01T00:00:00.000000000Z"),
            (u64::MAX, "2554-07-21T23:34:33.709551615Z"),
        ] {
            assert_eq!(Rfc3339(Nanos(ns)).to_string(), expected);
        }
        assert_eq!(Iso8601(Nanos(1_795_317_024_305_224_654)).to_string(), "2026-11-22T03:10:24.305224654+0000");
    }
}

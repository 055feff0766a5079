//! Times as text. All are in UTC: a report of a trace must not depend on the machine that made it.

/// Nanoseconds in a second.
pub(crate) const SECOND: u64 = 1_000_000_000;

/// Year, month, day of a number of days since 1970-01-01 (proleptic Gregorian calendar).
fn date(days: u64) -> (u64, u64, u64) {
    // Counts in eras of 400 years that begin on 1 March, so that the leap day is the last of its year.
    let z = days + 719_468;
    let era = z / 146_097;
    let day_of_era = z % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

/// `YYYY-MM-DD`
pub(crate) fn day(ns: u64) -> String {
    let (y, m, d) = date(ns / SECOND / 86_400);
    format!("{y:04}-{m:02}-{d:02}")
}

/// `HH:MM:SS`
pub(crate) fn clock(ns: u64) -> String {
    let s = ns / SECOND % 86_400;
    format!("{:02}:{:02}:{:02}", s / 3_600, s % 3_600 / 60, s % 60)
}

/// `HH:MM:SS.nnnnnnnnn`
pub(crate) fn clock_ns(ns: u64) -> String {
    format!("{}.{:09}", clock(ns), ns % SECOND)
}

/// `YYYY-MM-DDTHH:MM:SS.nnnnnnnnn+0000`, as `evt.time.iso8601` shows it.
pub fn iso8601(ns: u64) -> String {
    format!("{}T{}+0000", day(ns), clock_ns(ns))
}

/// `YYYY-MM-DD HH:MM:SS.nnnnnnnnn +0000`, as a time in an event's argument is shown.
pub(crate) fn local_datetime(ns: u64) -> String {
    format!("{} {} +0000", day(ns), clock_ns(ns))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for (ns, want) in [
            (0, "1970-01-01T00:00:00.000000000+0000"),
            (951_782_400 * SECOND, "2000-02-29T00:00:00.000000000+0000"),
            (1_795_317_023_892_546_058, "2026-11-22T03:10:23.892546058+0000"),
            (4_107_542_399 * SECOND, "2100-02-28T23:59:59.000000000+0000"),
            (4_107_542_400 * SECOND, "2100-03-01T00:00:00.000000000+0000"),
            (u64::MAX, "2554-07-21T23:34:33.709551615+0000"),
        ] {
            assert_eq!(iso8601(ns), want);
        }
    }
}

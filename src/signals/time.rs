//! Times as text, in UTC.

use std::fmt;

use tracehound_fields::time::iso8601;
use tracehound_formats::Nanos;

/// `2026-11-22T03:10:23.892546058Z`: RFC 3339 with nine digits, as Falco's key `time` has it.
pub struct Rfc3339(pub Nanos);

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = iso8601(self.0.0);
        write!(f, "{}Z", text.strip_suffix("+0000").unwrap_or(&text))
    }
}

/// `2026-11-22T03:10:23.892546058+0000`: the form before the priority in Falco's key `output`, and of the field
/// `evt.time.iso8601`.
pub struct Iso8601(pub Nanos);

impl fmt::Display for Iso8601 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&iso8601(self.0.0))
    }
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

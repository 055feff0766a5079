//! Times and sizes as they are typed.

use std::time::Duration;

/// `250ms`, `90s`, `10m`, `2h`; a number alone is seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let units = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("", 1_000)];
    let ms = number(text, &units).ok_or("expected a time such as 250ms, 90s, 10m or 2h")?;
    Ok(Duration::from_millis(ms))
}

/// `4096`, `500KiB`, `16MiB`, `1GiB`; with `KB`, `MB`, `GB` of thousands.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let units = [
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("TiB", 1 << 40),
        ("KB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("K", 1 << 10),
        ("M", 1 << 20),
        ("G", 1 << 30),
        ("B", 1),
        ("", 1),
    ];
    number(text, &units).ok_or_else(|| "expected a size such as 500KiB, 16MiB or 1GiB".to_owned())
}

/// A number above 0 with one of the units, the first that fits.
fn number(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let (number, factor) = units.iter().find_map(|&(unit, factor)| Some((text.strip_suffix(unit)?, factor)))?;
    number.parse::<u64>().ok()?.checked_mul(factor).filter(|&n| n > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed() {
        for (text, want) in [
            ("250ms", Some(250)),
            ("90s", Some(90_000)),
            ("10m", Some(600_000)),
            ("2h", Some(7_200_000)),
            ("7", Some(7_000)),
            ("0s", None),
            ("-1s", None),
            ("1d", None),
            ("99999999999999999999h", None),
            ("18446744073709551615h", None),
            ("", None),
        ] {
            assert_eq!(duration(text).ok(), want.map(Duration::from_millis), "{text}");
        }
        for (text, want) in [
            ("4096", Some(4096)),
            ("16MiB", Some(16 << 20)),
            ("1G", Some(1 << 30)),
            ("2MB", Some(2_000_000)),
            ("7B", Some(7)),
            ("1.5GiB", None),
            ("MiB", None),
            ("0", None),
        ] {
            assert_eq!(size(text).ok(), want, "{text}");
        }
    }
}

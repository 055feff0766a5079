//! Moments of a trace as they are typed: one notation for `analyze`, `tree`, `timeline` and `tui`.
//!
//! ```text
//! 2026-03-02T11:01:00Z  2026-03-02  1772449260000   a time (RFC 3339, a date, milliseconds since 1970), in UTC
//! 11:01  11:01:00  11:01:00.047                     a time of the day, in UTC: the first one not before the trace
//! +90s  +1.5s  +250ms  +2m                          since the first event
//! #123                                              the event with this number
//! c4f08c9ff3c5d072                                  the event of this signal, where signals are at hand
//! ```

use std::path::Path;

use tracehound_formats::{Item, Nanos, Seq};
use tracehound_signals::time::Rfc3339;
use tracehound_signals::{Signal, SignalId};

use super::exit::Failure;
use super::input;
use crate::Window;

/// A moment of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// A time.
    At(Nanos),
    /// A time of the day.
    Clock(Nanos),
    /// Time since the first event.
    Offset(Nanos),
    /// An event.
    Event(Seq),
    /// The event of a signal.
    Signal(SignalId),
}

/// A moment with a span of time around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Around {
    /// The moment.
    pub moment: Moment,
    /// Time before and after it.
    pub span: Nanos,
}

/// Time around a moment if nothing is said.
const SPAN: Nanos = Nanos(5_000_000_000);
const DAY: u64 = 86_400_000_000_000;
const HELP: &str = "write RFC 3339 (2026-03-02T11:01:00Z), a date, a time of the day (11:01:00), a time since the first \
                    event (+90s), or the number of an event (#123)";

/// A moment, but no signal.
pub fn parse(text: &str) -> Result<Moment, String> {
    if let Some(number) = text.strip_prefix('#') {
        let number = number.parse().map_err(|_| format!("expected the number of an event behind #; {HELP}"))?;
        return Ok(Moment::Event(Seq(number)));
    }
    if let Some(offset) = text.strip_prefix('+') {
        let offset = span(offset).ok_or_else(|| format!("expected a time such as +90s, +1.5s or +2m; {HELP}"))?;
        return Ok(Moment::Offset(offset));
    }
    if let Some(clock) = clock(text) {
        return Ok(Moment::Clock(clock));
    }
    tracehound_suppress::files::date::parse(text).map(Moment::At).map_err(|error| match error {
        tracehound_suppress::files::date::DateError::Form => format!("{error}; {HELP}"),
        error => format!("{error}; {}", error.help()),
    })
}

/// A moment, or the id of a signal.
pub fn parse_any(text: &str) -> Result<Moment, String> {
    match SignalId::parse(text) {
        Some(id) => Ok(Moment::Signal(id)),
        None => parse(text).map_err(|why| format!("{why}, or the id of a signal")),
    }
}

/// `MOMENT`, `MOMENT±SPAN`, `MOMENT+-SPAN`.
pub fn parse_around(text: &str) -> Result<Around, String> {
    let (moment, around) = match text.split_once('±').or_else(|| text.split_once("+-")) {
        None => (text, SPAN),
        Some((moment, around)) => (moment, span(around).ok_or("expected a time such as 2s or 500ms behind ±")?),
    };
    Ok(Around { moment: parse_any(moment)?, span: around })
}

/// `HH:MM`, `HH:MM:SS`, `HH:MM:SS.FRACTION`.
fn clock(text: &str) -> Option<Nanos> {
    let mut parts = text.split(':');
    let two = |part: &str, most: u64| {
        let is_number = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        part.parse().ok().filter(|&n: &u64| is_number && n <= most)
    };
    let (hours, minutes) = (two(parts.next()?, 23)?, two(parts.next()?, 59)?);
    let seconds = parts.next().unwrap_or("00");
    if parts.next().is_some() {
        return None;
    }
    two(seconds.split('.').next()?, 60)?;
    Some(Nanos((hours * 3600 + minutes * 60) * 1_000_000_000 + decimal(seconds, 1_000_000_000)?))
}

/// `90s`, `1.5s`, `250ms`, `2m`, `1h`; a number alone is seconds.
fn span(text: &str) -> Option<Nanos> {
    const UNITS: [(&str, u64); 6] = [
        ("ms", 1_000_000),
        ("us", 1_000),
        ("s", 1_000_000_000),
        ("m", 60_000_000_000),
        ("h", 3_600_000_000_000),
        ("", 1_000_000_000),
    ];
    let (number, unit) = UNITS.iter().find_map(|&(name, unit)| Some((text.strip_suffix(name)?, unit)))?;
    decimal(number, unit).map(Nanos)
}

/// A decimal number of units, exactly; digits below a nanosecond are left out.
fn decimal(text: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let mut out = whole.parse::<u64>().ok()?.checked_mul(unit)?;
    let mut place = unit;
    for digit in fraction.bytes().take(12) {
        place /= 10;
        out = out.checked_add(u64::from(digit - b'0') * place)?;
    }
    Some(out)
}

impl Moment {
    /// The time that it names, by the time of the first event. `None` for an event or a signal.
    pub fn time(self, first: Nanos) -> Option<Nanos> {
        match self {
            Moment::At(ts) => Some(ts),
            Moment::Offset(offset) => Some(Nanos(first.0.saturating_add(offset.0))),
            Moment::Clock(clock) => {
                let midnight = first.0 - first.0 % DAY;
                let today = midnight.saturating_add(clock.0);
                // `11:01` of a trace that begins at 11:01:00.5 is its beginning, not the next day.
                let is_past = today.saturating_add(60_000_000_000) < first.0;
                Some(Nanos(if is_past { today.saturating_add(DAY) } else { today }))
            }
            Moment::Event(_) | Moment::Signal(_) => None,
        }
    }

    /// The time of a moment of a trace that is not analyzed yet. Reads as much of it as it takes: nothing for an
    /// absolute time. A trace from standard input cannot be read twice.
    pub(super) fn resolve(self, path: &Path) -> Result<Nanos, Failure> {
        if let Moment::At(ts) = self {
            return Ok(ts);
        }
        input::check_read_again(path, "a time relative to the trace needs to read it twice")?;
        let mut opened = input::open(path)?;
        let mut last = None;
        while let Some(item) = opened.reader.next_item() {
            let Item::Batch(batch) = item else { continue };
            for event in batch.iter() {
                let head = event.head;
                match self {
                    Moment::Event(seq) if head.seq >= seq => return Ok(head.ts),
                    Moment::Event(_) => last = Some(head.seq),
                    _ => return Ok(self.time(head.ts).unwrap_or(head.ts)),
                }
            }
            opened.reader.recycle(batch);
        }
        Err(Failure::Usage(match (self, last) {
            (Moment::Event(seq), Some(last)) => format!("{}: {}", opened.name, no_event(seq, last)),
            _ => format!("{}: there are no events that a time could be relative to", opened.name),
        }))
    }
}

fn no_event(seq: Seq, last: Seq) -> String {
    format!("there is no event #{}; the last is #{}", seq.0, last.0)
}

/// A part of a trace, from and to a time. Refuses one that ends before it begins.
pub(super) fn check_range(since: Option<Nanos>, until: Option<Nanos>) -> Result<(), Failure> {
    match (since, until) {
        (Some(since), Some(until)) if since > until => {
            let (since, until) = (Rfc3339(since), Rfc3339(until));
            Err(Failure::Usage(format!("--since ({since}) is after --until ({until})")))
        }
        _ => Ok(()),
    }
}

/// Why a part of a trace has no events, if none can be there: a time of the day can name the next day, and nothing found
/// in nothing looks like a clean trace. `first` and `last` are times of the events that were read.
pub(super) fn outside(
    since: Option<Nanos>,
    until: Option<Nanos>,
    (first, last): (Option<u64>, Option<u64>),
) -> Option<String> {
    if let (Some(since), Some(last)) = (since, last.map(Nanos))
        && since > last
    {
        return Some(format!("--since ({}) is after the last event that was read ({})", Rfc3339(since), Rfc3339(last)));
    }
    let until = until.filter(|until| first.is_none_or(|first| until.0 < first))?;
    Some(format!("--until ({}) is before the first event", Rfc3339(until)))
}

/// Finds the event of a moment as a trace goes by: the last one not after it.
pub(super) struct Finder {
    moment: Option<Moment>,
    /// The time that the moment names.
    time: Option<Nanos>,
    /// Time of the first event.
    first: Nanos,
    found: Option<(Seq, Nanos)>,
    last: Seq,
}

impl Finder {
    /// Looks for a moment, if there is one.
    pub(super) fn new(moment: Option<Moment>) -> Finder {
        Finder { moment, time: None, first: Nanos(0), found: None, last: Seq(0) }
    }

    /// Events that were replayed.
    pub(super) fn window(&mut self, window: &Window<'_>) {
        let Some(moment) = self.moment else { return };
        self.first = Nanos(window.context.first_ns);
        self.time = moment.time(self.first);
        for head in window.batches.iter().flat_map(|batch| batch.iter().map(|event| *event.head)) {
            self.last = self.last.max(head.seq);
            let is_not_after = match (moment, self.time) {
                (Moment::Event(seq), _) => head.seq <= seq,
                (_, Some(time)) => head.ts <= time,
                (_, None) => false,
            };
            if is_not_after {
                self.found = Some((head.seq, head.ts));
            }
        }
    }

    /// The event, 0 before the first one, and the moment's time. `None` if no moment was asked for. An event with a number
    /// beyond the last one is not there.
    pub(super) fn found(self, signals: &[Signal]) -> Result<Option<(Seq, Nanos)>, Failure> {
        if let Some(Moment::Signal(id)) = self.moment {
            return signal(signals, id).map(|signal| Some((signal.seq, signal.ts)));
        }
        if let Some(Moment::Event(seq)) = self.moment
            && seq > self.last
        {
            return Err(Failure::Usage(no_event(seq, self.last)));
        }
        let (seq, ts) = self.found.unwrap_or((Seq(0), self.first));
        Ok(self.moment.map(|_| (seq, self.time.unwrap_or(ts))))
    }
}

/// The signal with an id.
pub(super) fn signal(signals: &[Signal], id: SignalId) -> Result<&Signal, Failure> {
    let missing = || Failure::Usage(format!("no signal {id} in this trace with these rules"));
    signals.iter().find(|signal| signal.id == id).ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: u64 = 1_772_449_260_500_000_000; // 2026-03-02T11:01:00.5Z

    #[test]
    fn what_is_typed() {
        let s = 1_000_000_000;
        for (text, expected) in [
            ("#123", Some(Moment::Event(Seq(123)))),
            ("#", None),
            ("#-1", None),
            ("+90s", Some(Moment::Offset(Nanos(90 * s)))),
            ("+1.5s", Some(Moment::Offset(Nanos(1_500_000_000)))),
            ("+250ms", Some(Moment::Offset(Nanos(250_000_000)))),
            ("+2m", Some(Moment::Offset(Nanos(120 * s)))),
            ("+0", Some(Moment::Offset(Nanos(0)))),
            ("+1.s", None),
            ("+18446744073709551615h", None),
            ("11:01", Some(Moment::Clock(Nanos(39_660 * s)))),
            ("11:01:05.25", Some(Moment::Clock(Nanos(39_665 * s + 250_000_000)))),
            ("24:00", None),
            ("11:60", None),
            ("1:01", None),
            ("11:01:00:00", None),
            ("2026-03-02T11:01:00Z", Some(Moment::At(Nanos(1_772_449_260 * s)))),
            ("2026-03-02", Some(Moment::At(Nanos(1_772_409_600 * s)))),
            ("1772449260000", Some(Moment::At(Nanos(1_772_449_260 * s)))),
            ("2026-03-02T11:01:00", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(parse(text).ok(), expected, "{text}");
        }
        let id = SignalId(0xc4f0_8c9f_f3c5_d072);
        for (text, expected) in [
            ("c4f08c9ff3c5d072", Some(Around { moment: Moment::Signal(id), span: SPAN })),
            ("c4f08c9ff3c5d072±2s", Some(Around { moment: Moment::Signal(id), span: Nanos(2 * s) })),
            ("#7+-500ms", Some(Around { moment: Moment::Event(Seq(7)), span: Nanos(500_000_000) })),
            ("+3s±1s", Some(Around { moment: Moment::Offset(Nanos(3 * s)), span: Nanos(s) })),
            ("11:01:00±", None),
            ("±2s", None),
        ] {
            assert_eq!(parse_around(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn times() {
        for (text, expected) in [
            ("+1s", Some(FIRST + 1_000_000_000)),
            ("11:01", Some(FIRST - 500_000_000)),
            ("11:02", Some(FIRST + 59_500_000_000)),
            // After midnight.
            ("00:00", Some(FIRST - 500_000_000 - 39_660_000_000_000 + DAY)),
            ("#5", None),
        ] {
            let moment = parse(text).expect("a moment");
            assert_eq!(moment.time(Nanos(FIRST)), expected.map(Nanos), "{text}");
        }
    }
}

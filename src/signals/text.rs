//! Signals for people: one line each.

use std::io::{self, Write};

use tracehound_rules::Priority;

use crate::signal::{Signal, Verdict};
use crate::sink::SignalSink;
use crate::time::Iso8601;
use crate::visible::Visible;

/// `TIME: Priority message`, as Falco prints it with ISO 8601 times, but with hostile bytes made visible.
/// A signal on degraded evidence, or a suppressed one, says so at its end.
pub struct TextLines<W: Write> {
    out: W,
    has_color: bool,
    shows_suppressed: bool,
}

/// Escape sequences; all empty when there is no colour.
mod sgr {
    pub(super) const RESET: &str = "\x1b[0m";
    pub(super) const DIM: &str = "\x1b[2m";
}

/// The colour of a priority: the sequence that starts it.
pub fn color(priority: Priority) -> &'static str {
    match priority {
        Priority::Emergency | Priority::Alert | Priority::Critical => "\x1b[1;31m",
        Priority::Error => "\x1b[31m",
        Priority::Warning => "\x1b[33m",
        Priority::Notice => "\x1b[36m",
        Priority::Informational | Priority::Debug => "\x1b[2m",
    }
}

impl<W: Write> TextLines<W> {
    /// Writes to `out`, which should be buffered.
    pub fn new(out: W, has_color: bool, shows_suppressed: bool) -> Self {
        TextLines { out, has_color, shows_suppressed }
    }
}

impl<W: Write> SignalSink for TextLines<W> {
    fn signal(&mut self, signal: &Signal) -> io::Result<()> {
        if signal.verdict != Verdict::Fired && !self.shows_suppressed {
            return Ok(());
        }
        let paint = |sequence: &'static str| if self.has_color { sequence } else { "" };
        let priority = signal.rule.priority;
        write!(
            self.out,
            "{}{}{}: {}{}{} {}",
            paint(sgr::DIM),
            Iso8601(signal.ts),
            paint(sgr::RESET),
            paint(color(priority)),
            priority.name(),
            paint(sgr::RESET),
            Visible(&signal.message),
        )?;
        let why = signal.evidence.reasons().iter().map(|reason| reason.code()).collect::<Vec<_>>();
        if !why.is_empty() {
            write!(self.out, " {}[evidence degraded: {}]{}", paint(sgr::DIM), why.join(", "), paint(sgr::RESET))?;
        }
        if let Verdict::Suppressed { by } = &signal.verdict {
            let by = by.join(", ");
            write!(self.out, " {}[suppressed by: {}]{}", paint(sgr::DIM), Visible(by.as_bytes()), paint(sgr::RESET))?;
        }
        self.out.write_all(b"\n")
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

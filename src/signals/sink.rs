//! Where signals go.

use std::io::{self, Write};

use crate::json;
use crate::key::ProcessKeys;
use crate::signal::{Signal, Verdict};

/// Takes signals in their order (event, then rule) and writes them in some form.
pub trait SignalSink {
    /// One signal. A sink decides itself whether it shows suppressed ones.
    fn signal(&mut self, signal: &Signal) -> io::Result<()>;

    /// After the last signal: writes what is still held back.
    fn finish(&mut self) -> io::Result<()>;
}

/// One JSON object a line; see [`json::write_signal`].
pub struct JsonLines<'a, W: Write> {
    out: W,
    keys: &'a ProcessKeys<'a>,
    shows_suppressed: bool,
    line: Vec<u8>,
}

impl<'a, W: Write> JsonLines<'a, W> {
    /// Writes to `out`, which should be buffered.
    pub fn new(out: W, keys: &'a ProcessKeys<'a>, shows_suppressed: bool) -> Self {
        JsonLines { out, keys, shows_suppressed, line: Vec::new() }
    }
}

impl<W: Write> SignalSink for JsonLines<'_, W> {
    fn signal(&mut self, signal: &Signal) -> io::Result<()> {
        if signal.verdict != Verdict::Fired && !self.shows_suppressed {
            return Ok(());
        }
        self.line.clear();
        json::write_signal(&mut self.line, signal, self.keys);
        self.line.push(b'\n');
        self.out.write_all(&self.line)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// One JSON array of the objects that [`JsonLines`] prints, one a line.
pub struct JsonArray<'a, W: Write> {
    out: W,
    keys: &'a ProcessKeys<'a>,
    shows_suppressed: bool,
    n_written: u64,
    line: Vec<u8>,
}

impl<'a, W: Write> JsonArray<'a, W> {
    /// Writes to `out`, which should be buffered.
    pub fn new(out: W, keys: &'a ProcessKeys<'a>, shows_suppressed: bool) -> Self {
        JsonArray { out, keys, shows_suppressed, n_written: 0, line: Vec::new() }
    }
}

impl<W: Write> SignalSink for JsonArray<'_, W> {
    fn signal(&mut self, signal: &Signal) -> io::Result<()> {
        if signal.verdict != Verdict::Fired && !self.shows_suppressed {
            return Ok(());
        }
        self.line.clear();
        self.line.extend_from_slice(if self.n_written == 0 { b"[\n" } else { b",\n" });
        self.n_written += 1;
        json::write_signal(&mut self.line, signal, self.keys);
        self.out.write_all(&self.line)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.write_all(if self.n_written == 0 { b"[]\n" } else { b"\n]\n" })?;
        self.out.flush()
    }
}

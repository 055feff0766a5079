//! Sections and events to lines.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::lex::put_quoted;
use super::value::put_arg;
use super::{HEAD_FLAGS, SIGNATURE, tables, time};
use crate::event::kind::{self, KindId};
use crate::event::{Batch, Event};
use crate::reader::ReadNotes;
use crate::section::Section;
use crate::writer::TraceWriter;

/// Writes the text notation.
#[derive(Debug)]
pub struct TextWriter<W> {
    out: W,
    line: String,
    state: State,
    last_ns: Option<u64>,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Start,
    /// The header is written.
    Open,
    /// A section or events are written: the next section needs a line of its own.
    Filled,
}

impl<W: Write> TextWriter<W> {
    /// Writes to `out`, which should be buffered.
    pub fn new(out: W) -> Self {
        TextWriter { out, line: String::new(), state: State::Start, last_ns: None }
    }

    fn header(&mut self) -> io::Result<()> {
        if self.state == State::Start {
            self.out.write_all(SIGNATURE)?;
            self.out.write_all(b" 1\n")?;
            self.state = State::Open;
        }
        Ok(())
    }

    fn put_event(&mut self, event: &Event<'_>) {
        let head = event.head;
        let out = &mut self.line;
        let written = write!(out, "{} ", head.seq.0);
        match self.last_ns {
            None => write!(out, "{}", head.ts.0).expect("writing to a string"),
            Some(last) if last <= head.ts.0 => {
                out.push('+');
                time::put_duration(head.ts.0 - last, out);
            }
            Some(last) => {
                out.push('-');
                time::put_duration(last - head.ts.0, out);
            }
        }
        self.last_ns = Some(head.ts.0);
        written.and_then(|()| write!(out, " {}", head.tid.0)).expect("writing to a string");
        if head.cpu != 0 {
            write!(out, " @{}", head.cpu).expect("writing to a string");
        }
        if head.flags != 0 {
            put_head_flags(head.flags, out);
        }
        if head.enter_ns != 0 {
            if head.enter_ns <= head.ts.0 {
                out.push_str(" <");
                time::put_duration(head.ts.0 - head.enter_ns, out);
            } else {
                write!(out, " <={}", head.enter_ns).expect("writing to a string");
            }
        }
        out.push(' ');
        put_kind(head.kind, out);
        let kind = head.kind.get();
        let specs = kind.map_or(&[][..], |kind| kind.args);
        let is_syscall = kind.is_some_and(|kind| kind.is_syscall);
        let n = event.args().len();
        for (i, arg) in event.args().enumerate() {
            // Of the absent arguments only a last one is written: it tells how many there are.
            if arg == crate::event::Arg::Absent && i + 1 < n {
                continue;
            }
            match specs.get(i) {
                Some(spec) => write!(out, " {}=", spec.name),
                None => write!(out, " arg{i}="),
            }
            .expect("writing to a string");
            put_arg(arg, specs.get(i), i == 0 && is_syscall, out);
        }
        out.push('\n');
    }
}

fn put_head_flags(flags: u8, out: &mut String) {
    let mut left = flags;
    let mut separator = " ~";
    for &(bit, name) in &HEAD_FLAGS {
        if left & bit != 0 {
            write!(out, "{separator}{name}").expect("writing to a string");
            separator = "|";
            left &= !bit;
        }
    }
    if left != 0 {
        write!(out, "{separator}{left:#x}").expect("writing to a string");
    }
}

fn put_kind(id: KindId, out: &mut String) {
    let written = match id.get() {
        // Only system calls recorded by number alone can share a name with another row.
        Some(kind) if id.0 < kind::GENERIC_BASE => write!(out, "{}", kind.name),
        Some(kind) if kind::by_name(kind.name).is_some_and(|named| named.id == id) => write!(out, "{}", kind.name),
        Some(kind) => write!(out, "generic:{}", kind.name),
        None => write!(out, "kind:{}", id.0),
    };
    written.expect("writing to a string");
}

impl<W: Write> TraceWriter for TextWriter<W> {
    fn section(&mut self, section: &Section) -> io::Result<()> {
        self.header()?;
        self.line.clear();
        if section.is_addition {
            self.line.push_str("section adds\n");
        } else if self.state == State::Filled {
            self.line.push_str("section\n");
        }
        self.state = State::Filled;
        tables::put_section(section, &mut self.line);
        self.out.write_all(self.line.as_bytes())
    }

    fn batch(&mut self, batch: &Batch) -> io::Result<()> {
        self.header()?;
        self.state = State::Filled;
        for event in batch.iter() {
            self.line.clear();
            self.put_event(&event);
            self.out.write_all(self.line.as_bytes())?;
        }
        Ok(())
    }

    fn finish(&mut self, notes: &ReadNotes) -> io::Result<()> {
        self.header()?;
        self.line.clear();
        let out = &mut self.line;
        for damage in &notes.damage {
            write!(out, "source damage {} ", damage.offset).expect("writing to a string");
            put_quoted(damage.what.as_bytes(), out);
            writeln!(out, " {}", damage.after.0).expect("writing to a string");
        }
        let mut text = |before: std::fmt::Arguments<'_>, text: &str| {
            write!(out, "source {before}").expect("writing to a string");
            put_quoted(text.as_bytes(), out);
            out.push('\n');
        };
        for skipped in &notes.skipped {
            text(format_args!("skipped {} ", skipped.n), &skipped.what);
        }
        for remark in &notes.remarks {
            text(format_args!("remark "), remark);
        }
        let n_more = notes.n_damage.saturating_sub(notes.damage.len() as u64);
        if n_more > 0 {
            writeln!(out, "source more_damage {n_more}").expect("writing to a string");
        }
        if notes.n_records > 0 {
            let (records, events, unfinished) = (notes.n_records, notes.n_events, notes.n_unfinished);
            writeln!(out, "source counts {records} {events} {unfinished}").expect("writing to a string");
        }
        self.out.write_all(self.line.as_bytes())?;
        self.out.flush()
    }
}

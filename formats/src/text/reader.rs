//! Lines to sections and events.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use bstr::ByteSlice;

use super::lex::{Fault, Parsed, Token, tokens};
use super::value::{Value, read_arg};
use super::{HEAD_FLAGS, START_NS, tables, time};
use crate::event::kind::{self, Kind};
use crate::event::{Batch, Head, KindId, Nanos, Seq, Tid, head_flags};
use crate::input::Input;
use crate::reader::{Item, Progress, ReadNotes, TraceReader};
use crate::section::Section;

/// Reads a trace in text notation. A line that does not parse is noted as damage and skipped.
#[derive(Debug)]
pub struct TextReader {
    input: Input,
    pos: usize,
    n_lines: u64,
    /// The section being read; none once it was delivered.
    section: Option<Box<Section>>,
    last_seq: u64,
    last_ns: u64,
    /// Counts that `source` lines state about the trace this one was converted from.
    source: Option<SourceCounts>,
    notes: ReadNotes,
    progress: Arc<Progress>,
}

#[derive(Clone, Copy, Debug)]
struct SourceCounts {
    records: u64,
    events: u64,
    unfinished: u64,
}

/// What a line turned out to be.
enum Line {
    Nothing,
    Event,
    NewSection,
    /// A section that adds to the tables of the one before.
    AddedSection,
}

impl TextReader {
    /// Starts at the first line.
    pub fn new(input: Input) -> Self {
        TextReader {
            input,
            pos: 0,
            n_lines: 0,
            section: Some(Box::default()),
            last_seq: 0,
            last_ns: START_NS,
            source: None,
            notes: ReadNotes::default(),
            progress: Arc::default(),
        }
    }

    fn read_line(&mut self, line: &[u8], batch: &mut Batch) -> Parsed<Line> {
        if line.starts_with(super::SIGNATURE) {
            // A second header starts the next of several concatenated traces.
            return Ok(if self.n_lines == 1 { Line::Nothing } else { Line::NewSection });
        }
        let tokens = tokens(line)?;
        let Some(first) = tokens.first() else { return Ok(Line::Nothing) };
        match first.word() {
            "section" => match tokens.get(1) {
                None => Ok(Line::NewSection),
                Some(word) if word.word() == "adds" => Ok(Line::AddedSection),
                Some(other) => Err(other.fault("expected `adds` or the end of the line")),
            },
            "source" => self.read_source(&tokens[1..]).map(|()| Line::Nothing),
            "at" => {
                let time = tokens.get(1).ok_or_else(|| first.fault("`at` needs a time"))?;
                self.last_ns = instant(*time)?;
                match tokens.get(2) {
                    Some(extra) => Err(extra.fault("expected the end of the line")),
                    None => Ok(Line::Nothing),
                }
            }
            word if tables::KEYWORDS.contains(&word) => match &mut self.section {
                Some(section) => tables::read_line(&tokens, section).map(|()| Line::Nothing),
                None => Err(first.fault("start state after the first event; a line `section` starts a new one")),
            },
            _ => {
                self.read_event(&tokens, batch)?;
                Ok(Line::Event)
            }
        }
    }

    /// `source ...`: what the reader of the trace that this one was converted from had found.
    fn read_source(&mut self, words: &[Token<'_>]) -> Parsed<()> {
        let end = Fault { column: 1, what: "`source` needs damage, skipped, remark or counts".into() };
        let (what, rest) = words.split_first().ok_or(end)?;
        let text = |i: usize| -> Parsed<String> {
            let token: &Token<'_> = rest.get(i).ok_or_else(|| what.fault("a word is missing at the end"))?;
            Ok(token.text()?.to_str_lossy().into_owned())
        };
        let number = |i: usize| rest.get(i).ok_or_else(|| what.fault("a number is missing at the end"))?.u64();
        match what.word() {
            "damage" => {
                let after = if rest.len() > 2 { number(2)? } else { 0 };
                self.notes.damaged_after(Seq(after), number(0)?, text(1)?);
            }
            "more_damage" => self.notes.n_damage = self.notes.n_damage.saturating_add(number(0)?),
            "skipped" => self.notes.skip(&text(1)?, number(0)?),
            "remark" => self.notes.remarks.push(text(0)?),
            "counts" => {
                self.source = Some(SourceCounts { records: number(0)?, events: number(1)?, unfinished: number(2)? });
            }
            _ => return Err(what.fault("expected damage, more_damage, skipped, remark or counts")),
        }
        Ok(())
    }

    /// `[SEQ] [TIME] TID [@CPU] [~FLAGS] [<ENTERED] KIND name=value ...`
    fn read_event(&mut self, tokens: &[Token<'_>], batch: &mut Batch) -> Parsed<()> {
        let (head, kind, n_before) = self.read_head(tokens)?;
        let args = read_args(kind.ok(), &tokens[n_before..])?;
        batch.begin(head);
        for value in &args {
            batch.push(value.as_arg());
        }
        self.last_seq = head.seq.0;
        self.last_ns = head.ts.0;
        self.notes.n_records += 1;
        if head.flags & head_flags::UNFINISHED == 0 {
            self.notes.n_events += 1;
        } else {
            self.notes.n_unfinished += 1;
        }
        Ok(())
    }

    /// The head, the kind's row if it has one, and the number of tokens before the arguments.
    fn read_head(&self, tokens: &[Token<'_>]) -> Parsed<(Head, Result<&'static Kind, KindId>, usize)> {
        let is_number =
            |t: &&Token<'_>| matches!(t.bytes, [b'0'..=b'9', ..] | [b'-', b'0'..=b'9', ..]) && t.number().is_ok();
        let is_time = |t: &Token<'_>| match t.bytes {
            [b'+', ..] => true,
            [b'-', b'0'..=b'9', ..] => t.number().is_err(),
            [b'0'..=b'9', ..] => t.bytes.ends_with(b"Z"),
            _ => false,
        };
        let mut i = 0;
        let mut seq = self.last_seq.wrapping_add(1);
        let mut ts = self.last_ns.wrapping_add(1_000);
        let n_numbers = tokens.iter().take_while(is_number).count();
        if n_numbers >= 2 || (n_numbers == 1 && tokens.get(1).is_some_and(is_time)) {
            seq = tokens[0].u64()?;
            i = 1;
        }
        if tokens.get(i).is_some_and(is_time) {
            ts = self.read_time(tokens[i])?;
            i += 1;
        } else if n_numbers >= 3 {
            ts = tokens[1].u64()?;
            i = 2;
        }
        let last = tokens[tokens.len() - 1];
        let expected = "expected an event ([SEQ] [TIME] TID KIND name=value ...) or a line of start state";
        let tid = tokens.get(i).filter(is_number).ok_or_else(|| tokens.get(i).unwrap_or(&last).fault(expected))?;
        let mut head =
            Head { seq: Seq(seq), ts: Nanos(ts), enter_ns: 0, tid: Tid(tid.i64()?), kind: KindId(0), cpu: 0, flags: 0 };
        i += 1;
        loop {
            let token = tokens.get(i).ok_or_else(|| last.fault("expected the name of an event after the thread id"))?;
            i += 1;
            match token.bytes {
                [b'@', ..] => {
                    let cpu = token.skip(1);
                    head.cpu = u16::try_from(cpu.u64()?).map_err(|_| cpu.fault("expected a CPU number below 65536"))?;
                }
                [b'~', ..] => head.flags = read_head_flags(token.skip(1))?,
                [b'<', b'=', ..] => head.enter_ns = instant(token.skip(2))?,
                [b'<', ..] => {
                    let duration = time::parse_duration(token.skip(1).word());
                    let ns = duration.ok_or_else(|| token.fault("expected a duration after <, as <5us, or <=TIME"))?;
                    head.enter_ns = ts.wrapping_sub(ns);
                }
                _ => {
                    let kind = read_kind(*token)?;
                    head.kind = kind.map_or_else(|id| id, |kind| kind.id);
                    return Ok((head, kind, i));
                }
            }
        }
    }

    fn read_time(&self, token: Token<'_>) -> Parsed<u64> {
        let fault = || token.fault("expected a duration after the sign, as +5ms, or a time as 2026-01-02T03:04:05Z");
        match token.bytes {
            [b'+', ..] => {
                let ns = time::parse_duration(token.skip(1).word()).ok_or_else(fault)?;
                self.last_ns.checked_add(ns).ok_or_else(|| token.fault("this time is after the year 2554"))
            }
            [b'-', ..] => {
                let ns = time::parse_duration(token.skip(1).word()).ok_or_else(fault)?;
                self.last_ns.checked_sub(ns).ok_or_else(|| token.fault("this time is before 1970"))
            }
            _ => instant(token),
        }
    }

    /// Adds what `source counts` said, once everything was read.
    fn finish(&mut self) {
        if let Some(source) = self.source.take()
            && source.events.checked_add(source.unfinished).is_some()
        {
            self.notes.n_records = source.records;
            self.notes.n_events = source.events;
            self.notes.n_unfinished = source.unfinished;
        }
    }
}

fn instant(token: Token<'_>) -> Parsed<u64> {
    let fault = || token.fault("expected nanoseconds since the epoch, or a time as 2026-01-02T03:04:05Z");
    match time::parse_instant(token.word()) {
        Some(ns) => Ok(ns),
        None => token.u64().map_err(|_| fault()),
    }
}

fn read_head_flags(token: Token<'_>) -> Parsed<u8> {
    let mut out = 0;
    let mut rest = Some(token);
    while let Some(current) = rest {
        let (word, tail) = match current.split_once("|") {
            Some((word, tail)) => (word, Some(tail)),
            None => (current, None),
        };
        out |= match HEAD_FLAGS.iter().find(|&&(_, name)| name == word.word()) {
            Some(&(bit, _)) => bit,
            None => {
                let number = word.number().ok().and_then(|n| u8::try_from(n).ok());
                number.ok_or_else(|| {
                    word.fault("expected from_enter, unfinished, state_only, malformed or a number below 256")
                })?
            }
        };
        rest = tail;
    }
    Ok(out)
}

/// The row of a kind, or the code of a kind without one.
fn read_kind(token: Token<'_>) -> Parsed<Result<&'static Kind, KindId>> {
    static BY_NAME: OnceLock<HashMap<&'static str, &'static Kind>> = OnceLock::new();
    let by_name = BY_NAME.get_or_init(|| {
        // The first of a name wins, as in `kind::by_name`: the row with arguments.
        let mut map = HashMap::new();
        for kind in kind::all() {
            map.entry(kind.name).or_insert(kind);
        }
        map
    });
    let fault = || token.fault(format!("`{}` is not the name of an event", token.shown()));
    if let Some(kind) = by_name.get(token.word()) {
        return Ok(Ok(kind));
    }
    if let Some(name) = token.strip("generic:") {
        let kind = kind::all().find(|kind| kind.id.0 >= kind::GENERIC_BASE && kind.name == name.word());
        return kind.map(Ok).ok_or_else(fault);
    }
    let code = token.strip("kind:").ok_or_else(fault)?;
    let code = KindId(u16::try_from(code.u64()?).map_err(|_| code.fault("expected a code below 65536"))?);
    Ok(code.get().ok_or(code))
}

/// The arguments by position.
fn read_args(kind: Option<&'static Kind>, tokens: &[Token<'_>]) -> Parsed<Vec<Value>> {
    let mut out: Vec<Value> = Vec::new();
    // Told apart from an argument that was not given: `x=?` twice is a mistake too.
    let mut given = [false; u8::MAX as usize];
    for token in tokens {
        let (name, value) = token.key_value().ok_or_else(|| token.fault("expected name=value"))?;
        let named = kind.and_then(|kind| kind.arg_index(name));
        let n_named = kind.map_or(0, |kind| kind.args.len());
        // Arguments beyond the row, or of a kind without one, go by position.
        let beyond = || name.strip_prefix("arg")?.parse::<usize>().ok().filter(|&i| i >= n_named && i < given.len());
        let index = named.or_else(beyond).ok_or_else(|| unknown_arg(*token, name, kind))?;
        if std::mem::replace(&mut given[index], true) {
            return Err(token.fault(format!("`{name}` is given twice")));
        }
        if out.len() <= index {
            out.resize(index + 1, Value::Absent);
        }
        out[index] = read_arg(value, kind.and_then(|kind| kind.args.get(index)))?;
    }
    Ok(out)
}

fn unknown_arg(token: Token<'_>, name: &str, kind: Option<&'static Kind>) -> Fault {
    match kind {
        Some(kind) => {
            let known: Vec<_> = kind.args.iter().map(|spec| spec.name).collect();
            token.fault(format!("`{}` has no argument `{name}`; it has {}", kind.name, known.join(", ")))
        }
        None => token.fault("arguments of an event without a name are arg0, arg1, ..."),
    }
}

impl TraceReader for TextReader {
    fn next_item(&mut self) -> Option<Item> {
        let input = self.input.clone();
        let bytes = input.bytes();
        let mut batch = Batch::default();
        while self.pos < bytes.len() {
            let start = self.pos;
            let rest = &bytes[start..];
            let line = &rest[..rest.find_byte(b'\n').unwrap_or(rest.len())];
            // A section ends where its first event stands; that line is read again for the batch.
            if self.section.is_some() && starts_event(line) {
                return self.section.take().map(Item::Section);
            }
            self.pos = (start + line.len() + 1).min(bytes.len());
            self.n_lines += 1;
            match self.read_line(line, &mut batch) {
                Ok(Line::Nothing) => {}
                Ok(Line::Event) if batch.is_full() => break,
                Ok(Line::Event) => {}
                Ok(line @ (Line::NewSection | Line::AddedSection)) => {
                    let is_addition = matches!(line, Line::AddedSection);
                    let previous = self.section.replace(Box::new(Section { is_addition, ..Section::default() }));
                    if !batch.is_empty() {
                        // Only after a delivered section can there be events.
                        break;
                    }
                    if let Some(previous) = previous {
                        return Some(Item::Section(previous));
                    }
                }
                Err(fault) => self.notes.damaged(
                    start as u64 + fault.column as u64 - 1,
                    format!("line {}, column {}: {}; the line is skipped", self.n_lines, fault.column, fault.what),
                ),
            }
        }
        self.progress.set_bytes(self.pos as u64);
        if !batch.is_empty() {
            return Some(Item::Batch(batch));
        }
        if let Some(section) = self.section.take() {
            return Some(Item::Section(section));
        }
        self.finish();
        None
    }

    fn notes(&self) -> &ReadNotes {
        &self.notes
    }

    fn progress(&self) -> Arc<Progress> {
        self.progress.clone()
    }
}

/// True if the line can only be an event: it begins with a number or a sign.
fn starts_event(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    matches!(line.first(), Some(b'0'..=b'9' | b'+' | b'-'))
}

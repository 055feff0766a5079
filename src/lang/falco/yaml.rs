//! YAML as a tree that knows where each node was written, with bounds on everything.
//!
//! The events come from `saphyr-parser`. This module builds the tree without recursion, counts what aliases produce,
//! and finds for every byte of a decoded scalar the byte of the file it stands for. After a syntax error the file is
//! cut at lines that begin an item (`- ` in the first column), and every part is read alone: an error in one item
//! does not hide the others.

use std::borrow::Cow;
use std::collections::HashMap;

use bstr::ByteSlice;
use saphyr_parser::{Event, Input, Parser, ScalarStyle};

use super::ascii::Ascii;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::text::{Place, Text};

/// Nesting of sequences and mappings accepted.
pub const MAX_DEPTH: usize = 64;
/// Nodes accepted in a file, those produced by aliases included.
pub const MAX_NODES: usize = 1_000_000;
/// Bytes that aliases may produce in a file.
pub const MAX_ALIASED: usize = 16 << 20;
/// Bytes that may be parsed again after lines were joined.
const MAX_WORK: usize = 64 << 20;
/// Errors of syntax reported for a file.
pub const MAX_ERRORS: usize = 50;

/// A node of the tree.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it was written. For a block scalar its content, without the header line.
    pub span: Span,
    /// What it is.
    pub value: Value,
}

/// What a node is.
#[derive(Clone, Debug)]
pub enum Value {
    /// Text, decoded.
    Scalar(String, Style),
    /// A sequence.
    Seq(Vec<Node>),
    /// Keys and values, in order, duplicates included.
    Map(Vec<(Node, Node)>),
}

/// How a scalar was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// In `'` or `"`.
    Quoted(char),
    /// With `|` or `>`.
    Block,
}

impl Node {
    /// True for what YAML's core schema reads as null: nothing, `~`, `null`.
    pub fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(text, Style::Plain) if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// The decoded text of a scalar.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(text, _) => Some(text),
            _ => None,
        }
    }

    /// Number of nodes and bytes of text, this one included.
    fn cost(&self) -> (usize, usize) {
        match &self.value {
            Value::Scalar(text, _) => (1, text.len()),
            Value::Seq(nodes) => sum(nodes.iter().map(Node::cost)),
            Value::Map(pairs) => sum(pairs.iter().flat_map(|(k, v)| [k.cost(), v.cost()])),
        }
    }

    /// The scalar's text with the place of each byte; `file` is the content of the file its span is in.
    pub fn text(&self, file: &str) -> Option<Text> {
        let Value::Scalar(decoded, style) = &self.value else { return None };
        let raw = file.get(self.span.range()).unwrap_or("");
        if raw == decoded.as_str() {
            return Some(Text::verbatim(decoded, self.span));
        }
        Some(align(decoded, raw, *style, self.span))
    }
}

fn sum(costs: impl Iterator<Item = (usize, usize)>) -> (usize, usize) {
    costs.fold((1, 0), |(n, bytes), (n2, bytes2)| (n + n2, bytes + bytes2))
}

/// Finds the place of each byte of a decoded scalar. Decoding changes white space (indentation, folding, chomping),
/// doubled quotes and escapes, and nothing else: so both texts are walked side by side. Where they do not fit, the
/// rest of the text stands for the whole scalar.
fn align(decoded: &str, raw: &str, style: Style, span: Span) -> Text {
    // Room for lines of 64 bytes, each with its text and its end.
    let mut out = Text::without_places(decoded, 2 * (raw.len() / 64 + 1).min(1 << 10));
    let mut at = match style {
        Style::Quoted(quote) if raw.starts_with(quote) => quote.len_utf8(),
        _ => 0,
    };
    let is_double = style == Style::Quoted('"');
    let place = |from: usize, to: usize| Place {
        span: Span::new(span.file, span.start as usize + from, span.start as usize + to),
        via: None,
    };
    let next = |at: usize| raw[at..].chars().next();
    let mut i = 0;
    while let Some(c) = decoded[i..].chars().next() {
        // Most of a text is written as it reads.
        let may_be_same = raw.as_bytes().get(at) == Some(&decoded.as_bytes()[i]);
        if may_be_same && let n_same @ 1.. = same_len(&decoded[i..], &raw[at..], style) {
            out.place_next(i, place(at, at + n_same), true);
            i += n_same;
            at += n_same;
            continue;
        }
        if !is_white(c) {
            let before = at;
            loop {
                let rest = &raw.as_bytes()[at..];
                if rest.first().is_some_and(|&b| is_white(char::from(b))) {
                    at += 1;
                } else if is_double && (rest.starts_with(b"\\\n") || rest.starts_with(b"\\\r")) {
                    at += 2;
                } else {
                    break;
                }
            }
            if at > before {
                continue;
            }
        }
        let (len, is_same) = match next(at) {
            Some('\\') if is_double => (escape_len(&raw[at..]), false),
            Some('\'') if style == Style::Quoted('\'') && raw[at..].starts_with("''") => (2, false),
            Some(r) if r == c => (c.len_utf8(), true),
            // Folded: a line break for a blank, or the other way round.
            Some(r) if is_white(r) && is_white(c) => (1, false),
            // A line break that is not in the file, at its end.
            _ if is_white(c) => (0, false),
            _ => {
                out.place_next(i, Place { span, via: None }, false);
                return out;
            }
        };
        out.place_next(i, place(at, at + len), is_same);
        i += c.len_utf8();
        at += len;
    }
    out
}

/// Bytes at the beginning of both texts that are the same characters, up to one that escapes or doubles.
fn same_len(decoded: &str, raw: &str, style: Style) -> usize {
    let special = match style {
        Style::Quoted('"') => b'\\',
        Style::Quoted(quote) => quote as u8,
        _ => b'\n',
    };
    // Most lines are the same to their end.
    let line = raw.as_bytes().find_byteset([b'\n', special]).unwrap_or(raw.len());
    let mut n = line;
    if decoded.as_bytes().get(..line) != Some(&raw.as_bytes()[..line]) {
        let pairs = decoded.bytes().zip(raw.bytes());
        n = pairs.take_while(|(d, r)| d == r).count().min(line);
    }
    while !decoded.is_char_boundary(n) {
        n -= 1;
    }
    n
}

fn is_white(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// Length of an escape of a double quoted scalar, bounded by the text.
fn escape_len(raw: &str) -> usize {
    let Some(kind) = raw[1..].chars().next() else { return raw.len() };
    let digits = match kind {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => 0,
    };
    let end = (1 + kind.len_utf8() + digits).min(raw.len());
    (end..=raw.len()).find(|&i| raw.is_char_boundary(i)).unwrap_or(raw.len())
}

/// What a file holds: the nodes of the top of each document (items, if the document is a sequence).
#[derive(Debug, Default)]
pub struct Stream {
    /// Documents, null documents left out.
    pub documents: Vec<Node>,
    /// What could be read of items with an error of syntax: enough to know their names.
    pub damaged: Vec<Node>,
}

/// Reads a file. Everything readable is in the result; what is not, in the diagnostics.
pub fn parse(text: &str, file: u32, diagnostics: &mut Vec<Diagnostic>) -> Stream {
    let mut text = Cow::Borrowed(text);
    let mut stream = Stream::default();
    let mut budget = Budget::new();
    let to = text.len();
    let Err(error) = parse_lenient(&mut text, 0, to, file, &mut budget, &mut stream) else { return stream };
    if error.code == Code::Limit {
        // The bound is for the whole file: reading it again in parts would not help.
        diagnostics.push(error);
        return stream;
    }
    // Read again, item by item.
    let starts = item_starts(&text);
    if starts.len() < 2 && !starts.contains(&0) {
        diagnostics.push(error);
        return stream;
    }
    stream.documents.clear();
    stream.damaged.clear();
    let mut budget = Budget::new();
    let mut n_errors = 0usize;
    let head = starts.first().copied().unwrap_or(text.len());
    let bounds = (head > 0).then_some(0).into_iter().chain(starts).chain([text.len()]).collect::<Vec<_>>();
    for pair in bounds.windows(2) {
        if let Err(error) = parse_lenient(&mut text, pair[0], pair[1], file, &mut budget, &mut stream) {
            let is_limit = error.code == Code::Limit;
            n_errors += 1;
            if n_errors <= MAX_ERRORS {
                diagnostics.push(error);
            }
            if is_limit {
                break;
            }
        }
    }
    if n_errors == 0 {
        diagnostics.push(error);
    } else if n_errors > MAX_ERRORS {
        let more = format!("{} more YAML errors in this file", n_errors - MAX_ERRORS);
        diagnostics.push(Diagnostic::new(Code::YamlParse, Span::new(file, text.len(), text.len()), more));
    }
    stream
}

/// Parses a part of a file as Falco's YAML library does: lines inside of brackets may be indented less than the node
/// that the brackets belong to, which YAML does not allow and `saphyr-parser` refuses. Three lists of the official
/// rules close so. Such lines are joined with the one before, which keeps all offsets, and the part is parsed again.
fn parse_lenient(
    whole: &mut Cow<'_, str>,
    from: usize,
    to: usize,
    file: u32,
    budget: &mut Budget,
    stream: &mut Stream,
) -> Result<(), Diagnostic> {
    let mut from = from;
    let mut work = 0;
    loop {
        let n_documents = stream.documents.len();
        let n_damaged = stream.damaged.len();
        let before = *budget;
        let Failure { diagnostic, low_line } = match parse_part(whole, from, to, file, budget, stream) {
            Ok(()) => return Ok(()),
            Err(failure) => *failure,
        };
        let Some(low_line) = low_line.filter(|_| work <= MAX_WORK) else { return Err(diagnostic) };
        let Some(joined) = join_lines(whole, to, &low_line) else { return Err(diagnostic) };
        work += whole.len();
        *whole = Cow::Owned(joined);
        stream.damaged.truncate(n_damaged);
        match low_line.resume {
            // The items before are complete and stay.
            Some(resume) => from = resume,
            None => {
                stream.documents.truncate(n_documents);
                *budget = before;
            }
        }
    }
}

/// A line that is indented less than the brackets around it allow.
#[derive(Clone, Copy, Debug)]
struct LowLine {
    /// Offset behind the last node before it.
    from: usize,
    /// Offset of its first character.
    at: usize,
    /// Brackets open at `from`.
    depth: usize,
    /// Offset of the line that begins the item with it, if what is before it need not be parsed again.
    resume: Option<usize>,
}

/// Replaces line ends and comments by blanks, from the node before a low line to the end of the brackets. `None` if it
/// is not in brackets.
fn join_lines(text: &str, to: usize, line: &LowLine) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    let mut depth = line.depth;
    let mut i = line.from;
    // The last byte that is neither blank nor comment; a line that ends in the middle of a scalar is not joined.
    let mut last = b',';
    while i < to {
        let b = bytes[i];
        if i >= line.at && depth == 0 {
            break;
        }
        match b {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' | b'\'' if matches!(last, b',' | b'[' | b'{' | b':') => i = end_of_quoted(&bytes, i, to),
            b'#' if i == line.from || matches!(bytes[i - 1], b' ' | b'\t' | b'\n') => {
                while i < to && bytes[i] != b'\n' {
                    bytes[i] = b' ';
                    i += 1;
                }
                continue;
            }
            b'\n' | b'\r' if depth > 0 => {
                let next = bytes[i..to].iter().find(|b| !b.is_ascii_whitespace());
                let is_between = matches!(last, b',' | b'[' | b'{' | b']' | b'}' | b'"' | b'\'')
                    || matches!(next, Some(b']' | b'}' | b',' | b'#'));
                if is_between {
                    bytes[i] = b' ';
                }
            }
            _ => {}
        }
        if !b.is_ascii_whitespace() {
            last = b;
        }
        i += 1;
    }
    let is_same = bytes == text.as_bytes();
    String::from_utf8(bytes).ok().filter(|_| !is_same)
}

/// Offset of the closing quote, or of the last byte.
fn end_of_quoted(bytes: &[u8], start: usize, to: usize) -> usize {
    let mut i = start + 1;
    while i < to && bytes[i] != bytes[start] {
        i += if bytes[i] == b'\\' && bytes[start] == b'"' { 2 } else { 1 };
    }
    i.min(to.saturating_sub(1))
}

/// Offsets of lines that begin an item or a document.
fn item_starts(text: &str) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with("- ") || line.trim_end() == "-" || line.starts_with("---") {
            starts.push(at);
        }
        at += line.len();
    }
    starts
}

#[derive(Clone, Copy)]
struct Budget {
    nodes: usize,
    aliased: usize,
}

impl Budget {
    fn new() -> Budget {
        Budget { nodes: MAX_NODES, aliased: MAX_ALIASED }
    }
}

/// Why a part of a file could not be read.
struct Failure {
    diagnostic: Diagnostic,
    low_line: Option<LowLine>,
}

impl From<Diagnostic> for Box<Failure> {
    fn from(diagnostic: Diagnostic) -> Box<Failure> {
        Box::new(Failure { diagnostic, low_line: None })
    }
}

/// A sequence or mapping that is not complete.
struct Frame {
    span: Span,
    anchor: usize,
    is_map: bool,
    /// Number of its first child.
    first: usize,
}

/// What is not complete, the outermost first.
#[derive(Default)]
struct Open {
    frames: Vec<Frame>,
    /// Children of all frames in the same order; of a mapping, keys and values in turn.
    children: Vec<Node>,
}

impl Open {
    /// Drops the innermost until there are `n`.
    fn truncate(&mut self, n: usize) {
        if let Some(frame) = self.frames.get(n) {
            self.children.truncate(frame.first);
            self.frames.truncate(n);
        }
    }

    /// Takes the innermost, whose end is at `end` if it is complete, with its anchor.
    fn close(&mut self, end: Option<Span>) -> Option<(Node, usize)> {
        let Frame { span, anchor, is_map, first } = self.frames.pop()?;
        let span = match &self.children[first..] {
            [] => end.map_or(span, |end| span.to(end)),
            [only] => only.span,
            [first, .., last] => first.span.to(last.span),
        };
        let mut children = self.children.drain(first..);
        let value = if is_map {
            let mut pairs = Vec::with_capacity(children.len() / 2);
            while let (Some(key), Some(value)) = (children.next(), children.next()) {
                pairs.push((key, value));
            }
            Value::Map(pairs)
        } else {
            Value::Seq(children.collect())
        };
        Some((Node { span, value }, anchor))
    }

    /// Takes out the item that an error is in. A line that is indented less than the keys before it, but not the first
    /// of an item, ends the item for the parser: the rest of its keys is behind the error.
    fn set_aside_damaged(&mut self, stream: &mut Stream, whole: &str, at: usize) {
        let before = whole.get(..at).unwrap_or("");
        let indent = &before[before.rfind('\n').map_or(0, |i| i + 1)..];
        let is_indented = !indent.is_empty() && indent.trim().is_empty();
        self.truncate(2);
        let damaged = match self.frames.as_slice() {
            [outermost] if is_indented && !outermost.is_map => self.children.pop(),
            [_, _] => self.close(None).map(|(node, _)| node),
            _ => None,
        };
        stream.damaged.extend(damaged);
    }

    /// Keeps the complete items of the outermost sequence.
    fn keep_complete(&mut self, stream: &mut Stream) {
        self.truncate(1);
        let is_kept = self.frames.first().is_some_and(|outermost| !outermost.is_map) && !self.children.is_empty();
        if is_kept && let Some((node, _)) = self.close(None) {
            stream.documents.push(node);
        }
    }
}

fn parse_part(
    whole: &str,
    from: usize,
    to: usize,
    file: u32,
    budget: &mut Budget,
    stream: &mut Stream,
) -> Result<(), Box<Failure>> {
    let part = &whole[from..to];
    match Ascii::new(part) {
        Some(input) => build(Parser::new(input), whole, from, to, file, budget, stream),
        None => build(Parser::new_from_str(part), whole, from, to, file, budget, stream),
    }
}

fn build<I: Input>(
    mut parser: Parser<'_, I>,
    whole: &str,
    from: usize,
    to: usize,
    file: u32,
    budget: &mut Budget,
    stream: &mut Stream,
) -> Result<(), Box<Failure>> {
    let part = &whole[from..to];
    let offsets = CharOffsets::new(part);
    let byte = |index: usize| from + offsets.byte(part, index);
    let mut open = Open::default();
    let mut anchors: HashMap<usize, Node> = HashMap::new();
    let mut last_end = from;
    while let Some(event) = parser.next_event() {
        let (event, marks) = match event {
            Ok(event) => event,
            Err(error) => {
                // What is complete stays: the finished items of the sequence that is open.
                let at = byte(error.marker().index());
                let is_flow =
                    |frame: &&Frame| matches!(whole.as_bytes().get(frame.span.start as usize), Some(b'[' | b'{'));
                let depth = open.frames.iter().filter(is_flow).count();
                let resume = open
                    .frames
                    .get(1)
                    .filter(|_| anchors.is_empty())
                    .and_then(|item| item_line(whole, from, &item.span));
                let is_low = error.info().contains("invalid indentation");
                let low_line = is_low.then(|| LowLine { from: last_end.min(at), at, depth, resume });
                open.set_aside_damaged(stream, whole, at);
                open.keep_complete(stream);
                let diagnostic = syntax_error(whole, from, to, at, error.info(), file);
                return Err(Box::new(Failure { diagnostic, low_line }));
            }
        };
        let span = Span::new(file, byte(marks.start.index()), byte(marks.end.index()));
        last_end = last_end.max(span.end as usize);
        let complete = match event {
            Event::StreamEnd => break,
            Event::Alias(id) => {
                let Some(node) = anchors.get(&id) else {
                    open.keep_complete(stream);
                    return Err(Diagnostic::new(Code::YamlParse, span, "an alias to an anchor around it")
                        .help("a node cannot contain itself; write the values out".to_owned())
                        .into());
                };
                let (nodes, bytes) = node.cost();
                let fits = nodes <= budget.nodes && bytes <= budget.aliased;
                if !fits {
                    open.keep_complete(stream);
                    return Err(Diagnostic::new(
                        Code::Limit,
                        span,
                        format!("aliases expand to more than {MAX_NODES} nodes or {} MiB", MAX_ALIASED >> 20),
                    )
                    .label("reading of this file stops here")
                    .into());
                }
                budget.nodes -= nodes;
                budget.aliased -= bytes;
                Some((node.clone(), 0))
            }
            Event::Scalar(text, style, anchor, _) => {
                let style = match style {
                    ScalarStyle::Plain => Style::Plain,
                    ScalarStyle::SingleQuoted => Style::Quoted('\''),
                    ScalarStyle::DoubleQuoted => Style::Quoted('"'),
                    ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
                };
                budget.nodes = budget.nodes.saturating_sub(1);
                Some((Node { span, value: Value::Scalar(text.into_owned(), style) }, anchor))
            }
            Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _) => {
                if open.frames.len() >= MAX_DEPTH {
                    open.keep_complete(stream);
                    let message = format!("nested deeper than {MAX_DEPTH} levels");
                    return Err(Diagnostic::new(Code::Limit, span, message)
                        .label("reading of this file stops here")
                        .into());
                }
                budget.nodes = budget.nodes.saturating_sub(1);
                let is_map = matches!(event, Event::MappingStart(..));
                open.frames.push(Frame { span, anchor, is_map, first: open.children.len() });
                None
            }
            Event::SequenceEnd | Event::MappingEnd => open.close(Some(span)),
            _ => None,
        };
        if budget.nodes == 0 {
            open.keep_complete(stream);
            return Err(Diagnostic::new(Code::Limit, span, format!("more than {MAX_NODES} YAML nodes"))
                .label("reading of this file stops here")
                .into());
        }
        let Some((node, anchor)) = complete else { continue };
        if anchor != 0 {
            let (nodes, bytes) = node.cost();
            // The copy that aliases are made of counts as one.
            if nodes > budget.nodes || bytes > budget.aliased {
                open.keep_complete(stream);
                return Err(Diagnostic::new(Code::Limit, node.span, "anchored nodes are too large").into());
            }
            budget.nodes -= nodes;
            budget.aliased -= bytes;
            anchors.insert(anchor, node.clone());
        }
        match open.frames.is_empty() {
            false => open.children.push(node),
            true if node.is_null() => {}
            true => stream.documents.push(node),
        }
    }
    Ok(())
}

/// Offset of the line on which an item begins, if it begins as items at the top of a file do.
fn item_line(whole: &str, from: usize, span: &Span) -> Option<usize> {
    let before = whole.get(from..span.start as usize)?;
    let line = from + before.rfind('\n').map_or(0, |i| i + 1);
    let is_item = whole[line..span.start as usize].strip_prefix('-').is_some_and(|rest| rest.trim().is_empty());
    is_item.then_some(line)
}

fn syntax_error(whole: &str, from: usize, to: usize, at: usize, info: &str, file: u32) -> Diagnostic {
    if let Some(tab) = indenting_tab(whole, from, to, at) {
        return Diagnostic::new(Code::YamlParse, Span::new(file, tab, tab + 1), "a tab cannot indent YAML")
            .label("tab")
            .help("replace the tab by blanks".to_owned());
    }
    let at = at.min(whole.len());
    let width = whole[at..].chars().next().filter(|c| *c != '\n').map_or(0, char::len_utf8);
    Diagnostic::new(Code::YamlParse, Span::new(file, at, at + width), format!("not valid YAML: {info}"))
        .help(likely_cause(info))
}

/// What authors of rules most often did wrong when the parser says this.
fn likely_cause(info: &str) -> Option<String> {
    let cause = if info.contains("quoted scalar") {
        "is a closing quote missing?"
    } else if info.contains("expected '-' indicator") || info.contains("mapping values are not allowed") {
        "all keys of an item begin in the same column; text with `: ` in it needs quotes"
    } else {
        return None;
    };
    Some(cause.to_owned())
}

/// A tab in the indentation of the line of an error or the one after it: the parser reports these in words that do
/// not mention the tab.
fn indenting_tab(whole: &str, from: usize, to: usize, at: usize) -> Option<usize> {
    let at = at.clamp(from, to);
    let line_start = whole[from..at].rfind('\n').map_or(from, |i| from + i + 1);
    let mut start = line_start;
    for line in whole[line_start..to].split_inclusive('\n').take(2) {
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        if let Some(tab) = line[..indent].find('\t')
            && !line.trim().is_empty()
        {
            return Some(start + tab);
        }
        start += line.len();
    }
    None
}

/// Byte offsets of character indexes, in constant time and a sixteenth of the text's size.
struct CharOffsets {
    /// Byte offset of every 64th character; empty if the text is ASCII.
    every_64th: Vec<u32>,
}

impl CharOffsets {
    fn new(text: &str) -> CharOffsets {
        if text.is_ascii() {
            return CharOffsets { every_64th: Vec::new() };
        }
        let every_64th = text.char_indices().step_by(64).map(|(i, _)| i as u32).collect();
        CharOffsets { every_64th }
    }

    fn byte(&self, text: &str, index: usize) -> usize {
        if self.every_64th.is_empty() {
            return index.min(text.len());
        }
        let Some(&start) = self.every_64th.get(index / 64) else { return text.len() };
        let start = start as usize;
        text[start..].char_indices().nth(index % 64).map_or(text.len(), |(i, _)| start + i)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Stream, Vec<Diagnostic>) {
        let mut diagnostics = Vec::new();
        let stream = parse(text, 0, &mut diagnostics);
        (stream, diagnostics)
    }

    fn value_of<'a>(stream: &'a Stream, key: &str) -> &'a Node {
        let Value::Map(pairs) = &stream.documents[0].value else { panic!("not a mapping") };
        &pairs.iter().find(|(k, _)| k.as_str() == Some(key)).expect("key").1
    }

    /// Every word of every decoded scalar is found where it is in the file.
    #[test]
    fn places_inside_scalars() {
        let cases = [
            "k: one two three",
            "k: one\n  two\n\n  three",
            "k: 'one ''two'' three'",
            "k: 'one\n  two\n\n  three'",
            "k: \"one \\\"two\\\" \\x41 three\"",
            "k: \"one \\\n   two\\tthree\"",
            "k: |\n  one\n   two\n\n  three\n",
            "k: |2-\n   one\n  two\n\n  three",
            "k: >\n  one\n  two\n\n  three\n",
            "k: >-\n\n\n    one two\n      three",
            "k: | # comment one\n  one\n  two # three\n",
            "ü: é\nk: ünï one çwo two\n   trüe three",
            "k: >+\n  one\n  two\n  three\n\n\n",
        ];
        for case in cases {
            let (stream, diagnostics) = read(case);
            assert!(diagnostics.is_empty(), "{case:?}: {diagnostics:?}");
            let text = value_of(&stream, "k").text(case).expect("scalar");
            for word in ["one", "two", "three"] {
                let i = text.as_str().find(word).unwrap_or_else(|| panic!("{word} in {case:?}"));
                let span = text.place(i..i + word.len()).span;
                assert_eq!(&case[span.range()], word, "{case:?}");
                let body = case.find(": ").map_or(0, |i| i + 2);
                let expected = case[body..].rfind(word).map(|i| i + body);
                assert_eq!(Some(span.start as usize), expected, "{word} in {case:?}");
            }
        }
    }

    #[test]
    fn an_error_keeps_the_other_items() {
        let text = "- a: 1\n- b: [1\n- c: 3\n- d: *x\n- e: 5\n";
        let (stream, diagnostics) = read(text);
        assert_eq!(diagnostics.len(), 2, "{diagnostics:?}");
        assert_eq!(stream.documents.len(), 3);
    }

    /// Lines in brackets may be indented as Falco's library allows.
    #[test]
    fn low_lines_in_brackets() {
        let cases = [
            ("- a: [\n    x,\n    y\n  ]\n- b: 1\n", "x y"),
            ("- a:\n   b: [x, # see ] here\ny, 'q ]',\n # more\n  \"z\\\"]\"]\n", "x y q ] z\"]"),
            ("- a: [\n  ]\n", ""),
            ("- a: {\n    x: [y,\nz]\n}\n- b\n", "x y z"),
            ("- a: [[x],\n[y]\n]\n- b: [\n  z\n]", "x y"),
        ];
        for (text, expected) in cases {
            let (stream, diagnostics) = read(text);
            assert!(diagnostics.is_empty(), "{text:?}: {diagnostics:?}");
            let mut words = Vec::new();
            let Value::Seq(items) = &stream.documents[0].value else { panic!("{text:?}") };
            let Value::Map(pairs) = &items[0].value else { panic!("{text:?}") };
            let mut stack = vec![&pairs[0].1];
            while let Some(node) = stack.pop() {
                match &node.value {
                    Value::Scalar(word, _) => words.push(word.as_str()),
                    Value::Seq(nodes) => stack.extend(nodes.iter().rev()),
                    Value::Map(pairs) => stack.extend(pairs.iter().rev().flat_map(|(k, v)| [v, k])),
                }
            }
            words.retain(|word| *word != "b");
            assert_eq!(words.join(" "), expected, "{text:?}");
        }
        let (_, diagnostics) = read("- a:\n    b: c\n   d: e\n");
        assert!(!diagnostics.is_empty(), "not in brackets");
    }

    #[test]
    fn errors() {
        // Text, message, offset.
        let cases = [
            ("- a: b\n\tc: d\n", "a tab cannot indent YAML", 7),
            ("- a:\n  \t- b: c\n  - d", "a tab cannot indent YAML", 7),
            ("- a: \"x", "not valid YAML", 5),
            ("- &x [1, *x]\n", "an alias to an anchor around it", 9),
        ];
        for (text, message, offset) in cases {
            let (_, diagnostics) = read(text);
            let d = diagnostics.first().unwrap_or_else(|| panic!("no error in {text:?}"));
            assert!(d.message.starts_with(message), "{text:?}: {}", d.message);
            if offset != 5 {
                assert_eq!(d.span().map(|s| s.start), Some(offset), "{text:?}");
            }
        }
    }

    #[test]
    fn bombs() {
        let mut laughs = String::from("- &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for i in 1..12 {
            let alias = format!("*a{}", i - 1);
            laughs.push_str(&format!("- &a{i} [{}]\n", [alias.as_str(); 10].join(", ")));
        }
        let big = format!("- &a {}\n{}", "x".repeat(1 << 20), "- *a\n".repeat(100));
        for (name, text) in [
            ("laughs", laughs),
            ("big", big),
            ("dashes", "- ".repeat(10_000)),
            ("brackets", "[".repeat(100_000)),
            ("questions", "? ".repeat(10_000)),
            ("braces", format!("- {}", "{a: ".repeat(10_000))),
        ] {
            let (_, diagnostics) = read(&text);
            assert!(!diagnostics.is_empty(), "{name}");
            assert!(diagnostics.len() < 5, "{name}: {}", diagnostics.len());
        }
    }

    #[test]
    fn documents() {
        let (stream, diagnostics) = read("---\n---\n~\n---\n- a\n...\n---\nx: y\n");
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        assert_eq!(stream.documents.len(), 2);
        for empty in ["", "\n", "# only a comment\n", "---\n", "null\n", "~"] {
            let (stream, diagnostics) = read(empty);
            assert!(diagnostics.is_empty() && stream.documents.is_empty(), "{empty:?} {diagnostics:?}");
        }
    }
}

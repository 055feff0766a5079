//! The loop over blocks: sections, events, damage.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::block::{Block, EventBlock, FRAME_LEN, MAGIC, MAX_BLOCK, SECTION_HEADER, order_of, word};
use super::cursor::{Cursor, Order, until_nul};
use super::event::{Events, Fault};
use super::lists;
use super::source::Source;
use super::tables::TYPES;
use crate::event::Batch;
use crate::input::Input;
use crate::reader::{Item, OpenError, Progress, ReadNotes, TraceReader};
use crate::section::Section;
use crate::wanted::WantedArgs;

/// Newest major version of the format.
const MAJOR: u16 = 1;

/// Section header: frame, magic, version, section length.
const HEADER_LEN: usize = FRAME_LEN + 16;

/// Bytes asked for at a time where a packed stream is read ahead.
const AHEAD: usize = 64 << 10;

/// Longest block that is looked for after damage, so that a search never unpacks far ahead for a chance.
const MAX_SOUGHT: usize = 16 << 20;

/// Longest unknown block of a packed stream whose trailer is compared before it is skipped.
const MAX_CHECKED: usize = 16 << 20;

/// Remarks kept; a file may hold any number of comments.
const MAX_REMARKS: usize = 1000;

/// Block types that are unknown and counted one by one.
const MAX_UNKNOWN: usize = 256;

/// Reads a capture.
pub(super) struct Reader {
    source: Source,
    order: Order,
    events: Events,
    /// The section whose tables are being read, until its first event.
    section: Option<Box<Section>>,
    ready: VecDeque<Item>,
    /// Bytes of the blocks of the events in the batch being filled.
    n_batch_bytes: usize,
    /// Batches whose memory can be used again.
    spare: Vec<Batch>,
    is_done: bool,
    n_sections: u64,
    unknown_blocks: BTreeMap<u32, u64>,
    n_unknown_others: u64,
    n_comments_left_out: u64,
    notes: ReadNotes,
    progress: Arc<Progress>,
}

/// What the loop does next.
enum Step {
    /// Goes on.
    More,
    /// Something is ready to be delivered.
    Deliver,
    /// The stream ended.
    End,
}

impl Reader {
    /// Reads the section header.
    pub(super) fn open(input: Input) -> Result<Reader, OpenError> {
        if input.bytes().is_empty() {
            return Err(OpenError::Empty);
        }
        let mut source = Source::new(input);
        let first = header_of(source.want(HEADER_LEN));
        let (order, len) = match first {
            Ok(found) => found,
            Err(what) => {
                let findings = source.take_findings();
                let what = findings.first().map_or(what.to_owned(), |f| format!("{what} ({})", f.what));
                return Err(OpenError::Damaged { offset: 0, what });
            }
        };
        let body = source.want(len);
        if body.len() < len {
            return Err(OpenError::Damaged { offset: 0, what: "the file ends inside the section header".to_owned() });
        }
        let mut version = Cursor::new(&body[12..16], order);
        let (major, minor) = (version.u16().unwrap_or(0), version.u16().unwrap_or(0));
        if major > MAJOR {
            return Err(OpenError::Version { format: "scap", version: major.into(), newest: MAJOR.into(), offset: 12 });
        }
        let mut notes = ReadNotes::default();
        let endian = if order == Order::Big { ", big-endian" } else { "" };
        notes.remarks.push(format!("scap {major}.{minor}{endian}"));
        Ok(Reader {
            source,
            order,
            events: Events::new(),
            // Events have a section before them also where the header, which was just recognised, ends badly.
            section: Some(Box::default()),
            ready: VecDeque::new(),
            n_batch_bytes: 0,
            spare: Vec::new(),
            is_done: false,
            n_sections: 0,
            unknown_blocks: BTreeMap::new(),
            n_unknown_others: 0,
            n_comments_left_out: 0,
            notes,
            progress: Arc::default(),
        })
    }

    /// Events and bytes of blocks that the batch being filled can still take. Where it ends does not depend on which of its
    /// arguments are wanted.
    fn room(&self) -> (usize, usize) {
        let n_bytes = Batch::TARGET_BYTES.saturating_sub(self.n_batch_bytes);
        (Batch::TARGET_EVENTS.saturating_sub(self.events.batch.len()), n_bytes)
    }

    /// Moves the batch being filled to what is delivered.
    fn flush(&mut self) {
        self.n_batch_bytes = 0;
        if !self.events.batch.is_empty() {
            let next = self.spare.pop().unwrap_or_else(|| self.events.batch.successor());
            self.ready.push_back(Item::Batch(std::mem::replace(&mut self.events.batch, next)));
        }
    }

    /// Records damage at an offset of the stream of blocks.
    fn damaged(&mut self, offset: u64, what: &str) {
        // Brought up to date for the damage to stand after the right event.
        self.notes.n_events = self.events.counts.n_events;
        if self.source.is_packed() {
            self.notes.damaged(offset, format!("{what} (offset in the unpacked stream)"));
        } else {
            self.notes.damaged(offset, what);
        }
    }

    fn remark(&mut self, remark: impl FnOnce() -> String) {
        if self.notes.remarks.len() < MAX_REMARKS {
            self.notes.remarks.push(remark());
        } else {
            self.n_comments_left_out += 1;
        }
    }

    /// Reads blocks until something is ready.
    fn step(&mut self) -> Step {
        let is_fast = self.section.is_none() && self.n_sections > 0;
        if is_fast {
            let step = match self.order {
                Order::Little => self.run_of_events::<false>(),
                Order::Big => self.run_of_events::<true>(),
            };
            if !matches!(step, Step::More) {
                return step;
            }
            let (n_events, n_bytes) = self.room();
            if n_events == 0 || n_bytes == 0 {
                self.flush();
                return Step::Deliver;
            }
        }
        self.one_block()
    }

    /// Reads event blocks as long as they are whole and sound: the path nearly all bytes take.
    fn run_of_events<const BE: bool>(&mut self) -> Step {
        let bytes = self.source.have();
        let mut at = 0;
        let mut faults: Vec<(usize, Fault)> = Vec::new();
        let mut comments: Vec<(u64, std::ops::Range<usize>)> = Vec::new();
        let mut broken = None;
        // Nearly all blocks are of one type: what it means is looked up once.
        let (mut last_type, mut last_block) = (SECTION_HEADER, Block::SectionHeader);
        let mut limits = (0, 0);
        let (_, most_bytes) = self.room();
        while self.events.batch.len() < Batch::TARGET_EVENTS
            && at < most_bytes
            && faults.len() < MAX_REMARKS
            && comments.len() < MAX_REMARKS
        {
            let Some(frame) = bytes[at..].first_chunk::<8>() else { break };
            let [a, b, c, d, e, f, g, h] = *frame;
            let (block_type, len) = if BE {
                (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]))
            } else {
                (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]))
            };
            if block_type != last_type {
                (last_type, last_block) = (block_type, Block::of(block_type));
                limits = last_block.len_limits();
            }
            let Block::Event(layout) = last_block else { break };
            let (min, max) = limits;
            if len < min || len > max || len as usize > bytes.len() - at {
                break;
            }
            let len = len as usize;
            // Trailer and length are the same bytes unless something is wrong.
            if bytes[at + len - 4..at + len] != frame[4..] {
                break;
            }
            let body_len = len - FRAME_LEN;
            match self.events.read::<BE>(&bytes[at + 8..], body_len, layout) {
                Ok(end) => {
                    let padded = end.next_multiple_of(4);
                    if padded + 4 <= body_len {
                        comments.push((self.events.counts.n_events, at + 8 + padded..at + len - 4));
                    }
                }
                Err(fault) if could_be_block(&bytes[at + len..], self.order) => faults.push((at, fault)),
                Err(fault) => {
                    // Nothing begins behind this block either: its length is wrong, and true blocks may stand inside.
                    broken = Some(fault);
                    break;
                }
            }
            at += len;
        }
        let comments: Vec<(u64, Vec<u8>)> =
            comments.into_iter().map(|(seq, range)| (seq, bytes[range].to_vec())).collect();
        let start = self.source.pos();
        self.source.advance(at);
        self.n_batch_bytes += at;
        for (at, fault) in faults {
            self.damaged(start + at as u64, &fault.to_string());
        }
        for (seq, comment) in comments {
            self.options(&comment, Some(seq));
        }
        match broken {
            Some(fault) => self.seek(&fault.to_string(), self.source.pos()),
            None => Step::More,
        }
    }

    /// Reads one block of any type and in any state.
    fn one_block(&mut self) -> Step {
        let order = self.order;
        let pos = self.source.pos();
        let bytes = self.source.want(AHEAD);
        if bytes.is_empty() {
            return if self.source.resume() { self.seek("the unpacked stream breaks off", pos) } else { Step::End };
        }
        let (Some(block_type), Some(len)) = (word(bytes, 0, order), word(bytes, 4, order)) else {
            return self.seek("the file ends inside a block header", pos);
        };
        let block = Block::of(block_type);
        let len = if block == Block::SectionHeader {
            match header_of(bytes) {
                Ok((_, len)) => len,
                Err(what) => return self.seek(what, pos),
            }
        } else {
            len as usize
        };
        let (min, max) = block.len_limits();
        if len < min as usize || len > max as usize {
            return self.seek(&format!("{} block with the impossible length {len}", block.name()), pos);
        }
        if block == Block::Unknown && self.source.is_packed() && len > MAX_CHECKED {
            return self.skip_large(block_type, len);
        }
        let bytes = self.source.want(len);
        if bytes.len() < len {
            let what =
                format!("the file ends inside a block ({}): {len} bytes, {} are there", block.name(), bytes.len());
            return self.seek(&what, pos);
        }
        if bytes[len - 4..len] != bytes[4..8] {
            // Either the trailer is damaged or the length: what stands behind the block decides.
            let bytes = self.source.want(len + FRAME_LEN);
            let is_length_right = bytes.len() == len || could_be_block(&bytes[len..], order);
            let what = format!("the two lengths of a block ({}) differ", block.name());
            if !is_length_right || block == Block::Unknown {
                return self.seek(&what, pos);
            }
            self.damaged(pos, &what);
        }
        if block != Block::SectionHeader {
            self.n_sections = self.n_sections.max(1);
        }
        match block {
            Block::SectionHeader => self.section_header(len),
            Block::Event(layout) => self.event_block(len, layout),
            Block::Unknown => {
                self.count_unknown(block_type);
                self.source.advance(len);
                Step::More
            }
            table => self.table(table, len),
        }
    }

    fn count_unknown(&mut self, block_type: u32) {
        if self.unknown_blocks.len() < MAX_UNKNOWN || self.unknown_blocks.contains_key(&block_type) {
            *self.unknown_blocks.entry(block_type).or_default() += 1;
        } else {
            self.n_unknown_others += 1;
        }
    }

    /// Skips a large unknown block of a packed stream without holding it.
    fn skip_large(&mut self, block_type: u32, len: usize) -> Step {
        let pos = self.source.pos();
        let mut left = len;
        while left > 0 {
            let n = self.source.want(AHEAD.min(left)).len().min(left);
            if n == 0 {
                self.damaged(pos, "the file ends inside a block of an unknown type");
                return Step::More;
            }
            self.source.advance(n);
            left -= n;
        }
        self.count_unknown(block_type);
        Step::More
    }

    fn section_header(&mut self, len: usize) -> Step {
        if self.n_sections > 0 {
            // What belongs to the section before goes out first; the header is read again then.
            self.flush();
            self.deliver_section();
            if !self.ready.is_empty() {
                return Step::Deliver;
            }
        }
        let pos = self.source.pos();
        let body = &self.source.have()[8..len - 4];
        let Ok(order) = order_of([body[0], body[1], body[2], body[3]]) else { return Step::End };
        let mut cursor = Cursor::new(&body[4..], order);
        let major = cursor.u16().unwrap_or(0);
        let options = body[16..].to_vec();
        if major > MAJOR {
            self.damaged(pos, &format!("section of the newer format version {major}; read as version {MAJOR}"));
        }
        self.order = order;
        self.n_sections += 1;
        if self.n_sections > 1 {
            self.events.end_section();
        }
        self.options(&options, None);
        self.source.advance(len);
        self.section = Some(Box::default());
        Step::More
    }

    /// Makes the tables read so far a delivered section.
    fn deliver_section(&mut self) {
        if let Some(section) = self.section.take() {
            self.ready.push_back(Item::Section(section));
        }
    }

    /// Reads an event block on the slow path.
    fn event_block(&mut self, len: usize, layout: EventBlock) -> Step {
        if self.section.is_some() {
            self.deliver_section();
            return Step::Deliver;
        }
        let pos = self.source.pos();
        let body = &self.source.have()[8..len - 4];
        let result = match self.order {
            Order::Little => self.events.read::<false>(body, body.len(), layout),
            Order::Big => self.events.read::<true>(body, body.len(), layout),
        };
        let comment = match result {
            Ok(end) => body.get(end.next_multiple_of(4)..).unwrap_or_default().to_vec(),
            Err(_) => Vec::new(),
        };
        if let Err(fault) = result {
            let is_length_right = could_be_block(&self.source.want(len + FRAME_LEN)[len..], self.order);
            if !is_length_right {
                return self.seek(&fault.to_string(), pos);
            }
            self.damaged(pos, &fault.to_string());
        }
        self.options(&comment, Some(self.events.counts.n_events));
        self.source.advance(len);
        self.n_batch_bytes += len;
        Step::More
    }

    /// Reads a table.
    fn table(&mut self, block: Block, len: usize) -> Step {
        let pos = self.source.pos();
        if self.section.is_none() {
            // No writer does this. The events before keep the tables they had; what is new comes as an addition.
            self.flush();
            self.damaged(pos, &format!("{} among the events; taken as an addition to the tables", block.name()));
            self.section = Some(Box::new(Section { is_addition: true, ..Section::default() }));
        }
        let mut section = self.section.take().unwrap_or_default();
        let mut reports: Vec<(u64, String)> = Vec::new();
        let mut n_more = 0u64;
        let body = &self.source.have()[8..len - 4];
        let mut report = |at: usize, what: &str| {
            if reports.len() < ReadNotes::MAX_DAMAGE {
                reports.push((pos + 8 + at as u64, format!("{}: {what}", block.name())));
            } else {
                n_more += 1;
            }
        };
        let order = self.order;
        match block {
            Block::MachineInfo => lists::machine(body, order, &mut section, &mut report),
            Block::Processes(version) => lists::processes(body, version, order, &mut section, &mut report),
            Block::Fds { has_lengths } => lists::fds(body, has_lengths, order, &mut section, &mut report),
            Block::Users { has_lengths } => lists::users(body, has_lengths, order, &mut section, &mut report),
            Block::Interfaces { has_lengths } => lists::interfaces(body, has_lengths, order, &mut section, &mut report),
            Block::SectionHeader | Block::Event(_) | Block::Unknown => {}
        }
        self.section = Some(section);
        self.source.advance(len);
        for (at, what) in reports {
            self.damaged(at, &what);
        }
        self.notes.n_damage = self.notes.n_damage.saturating_add(n_more);
        Step::More
    }

    /// Keeps comments and other pcapng options, which people add with Wireshark's tools.
    /// `seq` is the number of the event they belong to, if they do not belong to a section header.
    fn options(&mut self, options: &[u8], seq: Option<u64>) {
        let mut cursor = Cursor::new(options, self.order);
        while let (Ok(code), Ok(len)) = (cursor.u16(), cursor.u16()) {
            let Ok(text) = cursor.take(usize::from(len)) else { return };
            let name = match code {
                0 => return,
                1 => "comment",
                2 => "hardware",
                3 => "system",
                4 => "application",
                _ => "option",
            };
            let text = String::from_utf8_lossy(until_nul(text)).into_owned();
            self.remark(|| match seq {
                Some(seq) => format!("event {seq}: {name}: {text}"),
                None => format!("section header: {name}: {text}"),
            });
            let padding = usize::from(len).next_multiple_of(4) - usize::from(len);
            if cursor.take(padding).is_err() {
                return;
            }
        }
    }

    /// Looks for the next sound block behind damage, records both, and goes on there.
    fn seek(&mut self, what: &str, from: u64) -> Step {
        let start = self.source.pos();
        let is_at_resumed = start != from;
        let found = self.find_block(if is_at_resumed { 0 } else { 1 });
        let n = self.source.pos() - from;
        if found {
            let next = self.source.pos();
            self.damaged(from, &format!("{what}; reading goes on {n} bytes later, at byte {next}"));
            return Step::More;
        }
        self.damaged(from, what);
        let pos = self.source.pos();
        if self.source.resume() {
            return self.seek("the unpacked stream breaks off", pos);
        }
        Step::End
    }

    /// Moves to the next place, at least `skip` bytes away, where a block stands that is sound in itself and followed by
    /// another block or the end. False, at the end of the stream, if there is none.
    fn find_block(&mut self, skip: usize) -> bool {
        let mut at = skip;
        loop {
            let n_have = self.source.want(at + AHEAD).len();
            let is_end = n_have < at + AHEAD;
            while at + FRAME_LEN <= n_have {
                let bytes = self.source.have();
                let Some(offset) = candidate(&bytes[at..], self.order) else {
                    at = n_have - FRAME_LEN + 1;
                    break;
                };
                at += offset;
                let Some(len) = length_at(&bytes[at..], self.order).filter(|&len| len <= MAX_SOUGHT) else {
                    at += 1;
                    continue;
                };
                let bytes = &self.source.want(at + len + FRAME_LEN)[at..];
                let is_sound = bytes.len() >= len
                    && bytes[len - 4..len] == bytes[4..8]
                    && (bytes.len() < len + 8 || could_be_block(&bytes[len..], self.order));
                if is_sound {
                    self.source.advance(at);
                    return true;
                }
                at += 1;
            }
            if is_end {
                let n = self.source.have().len();
                self.source.advance(n);
                return false;
            }
            // Give up what was looked at, so that a packed stream's window stays small.
            self.source.advance(at);
            at = 0;
        }
    }

    /// Delivers what is left.
    fn finish(&mut self) {
        self.is_done = true;
        self.flush();
        self.deliver_section();
        let late: Vec<Batch> = self.events.finish();
        self.ready.extend(late.into_iter().map(Item::Batch));
    }

    /// Brings the notes up to date.
    fn sync(&mut self) {
        self.progress.set_bytes(self.source.file_pos());
        self.source.forget();
        for finding in self.source.take_findings() {
            let what = format!("{} (offset in the unpacked stream; byte {} of the file)", finding.what, finding.packed);
            self.notes.damaged(finding.unpacked, what);
        }
        let counts = &self.events.counts;
        self.notes.n_records = counts.n_records;
        self.notes.n_events = counts.n_events;
        self.notes.n_unfinished = counts.n_unfinished;
        if !self.is_done {
            return;
        }
        let n_dropped = self.events.n_dropped();
        let skipped = [
            ("enter events folded into their system calls", counts.n_enter.saturating_sub(n_dropped)),
            ("enter events folded into their system calls, numbered by Falco", counts.n_enter_counted),
            ("parameters that this version does not know", counts.n_extra_params),
            ("enter events without exit beyond the limit of memory", n_dropped),
            ("events of unknown types beyond the first 256 types", counts.n_unknown_others),
            ("blocks of unknown types beyond the first 256 types", self.n_unknown_others),
            ("comments beyond the first 1000", self.n_comments_left_out),
            ("bytes after the last gzip member", self.source.packing().map_or(0, |(_, n)| n)),
        ];
        self.notes.skipped.clear();
        for (what, n) in skipped.into_iter().filter(|&(_, n)| n > 0) {
            self.notes.skip(what, n);
        }
        for (&code, &n) in &counts.empty {
            self.notes.skip(&format!("events of type {}, which carry nothing", TYPES[usize::from(code)].name), n);
        }
        for (code, &n) in &counts.unknown {
            self.notes.skip(&format!("events of unknown type {code}"), n);
        }
        for (block_type, &n) in &self.unknown_blocks {
            self.notes.skip(&format!("blocks of unknown type {block_type:#x}"), n);
        }
        self.notes.damage.sort_by_key(|damage| damage.offset);
        if let Some((n_members, _)) = self.source.packing() {
            self.notes.remarks.insert(1, format!("gzip, {n_members} members"));
        }
        if self.n_sections > 1 {
            self.notes.remarks.insert(1, format!("{} sections", self.n_sections));
        }
    }
}

impl TraceReader for Reader {
    fn next_item(&mut self) -> Option<Item> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Some(item);
            }
            if self.is_done {
                return None;
            }
            loop {
                match self.step() {
                    Step::More => {}
                    Step::Deliver => break,
                    Step::End => {
                        self.finish();
                        break;
                    }
                }
                if !self.ready.is_empty() {
                    break;
                }
            }
            self.sync();
        }
    }

    fn use_threads(&mut self, n: usize) {
        if n > 1 {
            self.source.run_ahead();
        }
    }

    fn want_only(&mut self, wanted: WantedArgs) {
        self.events.wanted = wanted;
    }

    fn recycle(&mut self, mut batch: Batch) {
        batch.clear();
        self.spare.push(batch);
    }

    fn notes(&self) -> &ReadNotes {
        &self.notes
    }

    fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }
}

/// Byte order and length of the section header that stands here.
fn header_of(bytes: &[u8]) -> Result<(Order, usize), &'static str> {
    let block_type = SECTION_HEADER.to_le_bytes();
    if !bytes.starts_with(&block_type[..bytes.len().min(4)]) {
        return Err("no section header block where the file begins");
    }
    let Some(magic) = bytes.get(8..12) else { return Err("the file ends inside the section header") };
    let order = match order_of([magic[0], magic[1], magic[2], magic[3]]) {
        Ok(order) => order,
        Err(_) => return Err("the byte-order magic of the section header is wrong"),
    };
    debug_assert_eq!(word(bytes, 8, order), Some(MAGIC));
    let len = word(bytes, 4, order).unwrap_or(0) as usize;
    if len < HEADER_LEN || len > MAX_BLOCK as usize {
        return Err("section header with an impossible length");
    }
    Ok((order, len))
}

/// Length of the block that stands here, if its type is known and its length possible.
fn length_at(bytes: &[u8], order: Order) -> Option<usize> {
    let block = Block::of(word(bytes, 0, order)?);
    let len = match block {
        Block::Unknown => return None,
        Block::SectionHeader => header_of(bytes).ok()?.1,
        _ => word(bytes, 4, order)? as usize,
    };
    let (min, max) = block.len_limits();
    (len >= min as usize && len <= max as usize && len.is_multiple_of(4)).then_some(len)
}

/// True if a block of a known type could begin here. A header that is not all there could be anything.
fn could_be_block(bytes: &[u8], order: Order) -> bool {
    let n = bytes.len();
    n < 8 || length_at(bytes, order).is_some() || (word(bytes, 0, order) == Some(SECTION_HEADER) && n < 12)
}

/// Offset of the next word that is the type of a known block.
fn candidate(bytes: &[u8], order: Order) -> Option<usize> {
    // The second byte of the common types, and the rarer ones' bytes, all stand in few values; the full check is cheap
    // enough after this one.
    bytes.windows(4).position(|w| {
        let is_possible = match order {
            Order::Little => (w[1] == 2 && w[2] == 0 && w[3] == 0) || (w[0] == 0xcd && w[1] == 0xab) || w[0] == 0x0a,
            Order::Big => (w[2] == 2 && w[1] == 0 && w[0] == 0) || (w[2] == 0xab && w[3] == 0xcd) || w[0] == 0x0a,
        };
        is_possible && word(w, 0, order).is_some_and(|t| Block::of(t) != Block::Unknown)
    })
}

//! Event blocks: header, parameters, pairing of enter and exit events.

use std::collections::BTreeMap;
use std::fmt;

use super::block::EventBlock;
use super::cursor::without_nul;
use super::pending::{Enter, Pending};
use super::plan::{EnterPlan, How, Kept, Op, Plan, Plans, Verdict, generic_kind, how, plans};
use super::tables::type_flags::LARGE;
use super::tables::{EventType, TYPES};
use super::value::{NULL_TEXT, container_json, decode};
use crate::event::{Arg, Batch, Event, Head, KindId, Nanos, Seq, Tid, head_flags, syscalls};
use crate::wanted::{ArgSet, WantedArgs};

/// Most parameters of any event type.
const MAX_PARAMS: usize = 32;

/// Dump flag of events that serve the state of the process table only.
const STATE_ONLY: u32 = 1;

/// Types whose length old writers stored three bytes too large.
const THREE_TOO_LONG: [u16; 2] = [280, 286];

/// Unknown event types that are counted one by one.
const MAX_UNKNOWN: usize = 256;

/// What is wrong with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Block too short for the event header.
    Short,
    /// The event's length is below its header's or above the block's.
    Length { len: u32, have: usize },
    /// The parameter lengths do not fit into the event.
    Count { n_params: u32, len: usize },
    /// No number of parameters fits (old blocks do not store it).
    NoCount,
    /// A parameter reaches past the end of the event; those before it are kept.
    Parameter { index: usize },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Fault::Short => write!(f, "event block too short for an event; skipped"),
            Fault::Length { len, have } => {
                write!(f, "event length {len} does not fit into its block ({have} bytes); skipped")
            }
            Fault::Count { n_params, len } => {
                write!(f, "event of {len} bytes cannot have {n_params} parameters; skipped")
            }
            Fault::NoCount => write!(f, "no number of parameters fits the event's length; skipped"),
            Fault::Parameter { index } => {
                write!(f, "parameter {index} reaches past the end of its event; kept the parameters before it")
            }
        }
    }
}

/// Counts that become notes.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Records of known types.
    pub(super) n_records: u64,
    /// Events that Falco numbers.
    pub(super) n_events: u64,
    /// Enter events paired or waiting, which Falco does not number.
    pub(super) n_enter: u64,
    /// Enter events that Falco numbers as events of their own.
    pub(super) n_enter_counted: u64,
    /// Records of types that carry nothing, by type.
    pub(super) empty: BTreeMap<u16, u64>,
    /// Parameters past those known of their type.
    pub(super) n_extra_params: u64,
    /// System calls delivered as unfinished.
    pub(super) n_unfinished: u64,
    /// Records of unknown types, by type.
    pub(super) unknown: BTreeMap<u16, u64>,
    pub(super) n_unknown_others: u64,
}

/// Events of a capture on their way into batches.
pub(super) struct Events {
    plans: &'static Plans,
    /// The batch being filled.
    pub(super) batch: Batch,
    pub(super) counts: Counts,
    pending: Pending,
    /// Events that Falco does not number, delivered after the last event.
    late: Batch,
    n_late_dropped: u64,
    /// Time of the last event.
    last_ts: u64,
    /// Arguments that somebody looks at.
    pub(super) wanted: WantedArgs,
    spans: [(u32, u32); MAX_PARAMS],
    scratch: Vec<u8>,
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("counts", &self.counts).finish_non_exhaustive()
    }
}

/// Integers at fixed places of a header that is known to be long enough.
macro_rules! at {
    ($be:expr, $bytes:expr, $at:expr, $ty:ty) => {{
        let mut b = [0u8; size_of::<$ty>()];
        b.copy_from_slice(&$bytes[$at..$at + size_of::<$ty>()]);
        if $be { <$ty>::from_be_bytes(b) } else { <$ty>::from_le_bytes(b) }
    }};
}

/// The fixed part of an event in the file.
struct Header {
    ts: u64,
    tid: i64,
    len: u32,
    code: u16,
}

impl Events {
    pub(super) fn new() -> Self {
        Events {
            plans: plans(),
            batch: Batch::default(),
            counts: Counts::default(),
            pending: Pending::default(),
            late: Batch::default(),
            n_late_dropped: 0,
            last_ts: 0,
            wanted: WantedArgs::default(),
            spans: [(0, 0); MAX_PARAMS],
            scratch: Vec::new(),
        }
    }

    /// Enter events and late events that were not kept because of the limits on memory.
    pub(super) fn n_dropped(&self) -> u64 {
        self.pending.n_dropped + self.n_late_dropped
    }

    /// Reads an event block whose body, without its trailer, is the first `len` bytes of `rest`. Returns where the event
    /// ends in it.
    #[inline(always)]
    pub(super) fn read<const BE: bool>(&mut self, rest: &[u8], len: usize, layout: EventBlock) -> Result<usize, Fault> {
        match self.read_direct::<BE>(rest, len, layout) {
            Some(end) => Ok(end),
            None => self.read_any::<BE>(&rest[..len], layout),
        }
    }

    /// Reads an event whose arguments are its parameters and which waits for nothing: nearly all of a capture of today.
    /// `None`, with nothing changed, if it is another one or anything about it is unusual.
    #[inline(always)]
    fn read_direct<const BE: bool>(&mut self, rest: &[u8], body_len: usize, layout: EventBlock) -> Option<usize> {
        const HEADER_LEN: usize = 26;
        if !layout.has_count {
            return None;
        }
        let start = if layout.has_flags { 6 } else { 2 };
        let dump_flags = if layout.has_flags { at!(BE, rest.first_chunk::<6>()?, 2, u32) } else { 0 };
        let cpu = at!(BE, rest.first_chunk::<2>()?, 0, u16);
        let rest = rest.get(start..)?;
        let header = rest.first_chunk::<HEADER_LEN>()?;
        let (len, code) = (at!(BE, header, 16, u32) as usize, at!(BE, header, 20, u16));
        let n_params = at!(BE, header, 22, u32);
        let (plan, args) = self.plans.direct(code, n_params)?;
        if len > body_len.checked_sub(start)? || !self.pending.is_empty() && (plan.is_exit || plan.ends_thread) {
            return None;
        }
        let event = rest.get(..len)?;
        let mut at = HEADER_LEN + 2 * args.len();
        let lengths = event.get(HEADER_LEN..at)?.as_chunks::<2>().0;
        let length = |len: [u8; 2]| usize::from(if BE { u16::from_be_bytes(len) } else { u16::from_le_bytes(len) });
        let ts = at!(BE, header, 0, u64);
        let wanted = self.wanted.now().of(plan.kind);
        if wanted == ArgSet::NONE && at + lengths.iter().map(|&len| length(len)).sum::<usize>() > event.len() {
            return None;
        }
        let mut writer = self.batch.write(Head {
            seq: Seq(self.counts.n_events + 1),
            ts: Nanos(ts),
            enter_ns: 0,
            tid: Tid(at!(BE, header, 8, i64)),
            kind: plan.kind,
            cpu,
            flags: if dump_flags & STATE_ONLY != 0 { head_flags::STATE_ONLY } else { 0 },
        });
        let (args, lengths) = if wanted == ArgSet::NONE { (&[][..], &[][..]) } else { (args, lengths) };
        for (i, (arg, &len)) in args.iter().zip(lengths).enumerate() {
            let len = length(len);
            let Some(bytes) = event.get(at..at + len) else {
                writer.cancel();
                return None;
            };
            let tail = &rest[at..];
            at += len;
            if !wanted.has(i) {
                writer.push(Arg::Absent);
                continue;
            }
            // An integer of any width is cut out of eight bytes, the last of which mostly belong to what follows.
            if len == usize::from(arg.width)
                && let Some(&eight) = tail.first_chunk::<8>()
                && len > 0
            {
                let shift = 64 - 8 * u32::from(arg.width);
                let high = if BE { u64::from_be_bytes(eight) } else { u64::from_le_bytes(eight) << (shift & 63) };
                let value = if arg.is_signed { ((high as i64) >> (shift & 63)) as u64 } else { high >> (shift & 63) };
                writer.push(Arg::Int(value));
            } else if arg.how == How::Text && len > 0 && bytes != NULL_TEXT {
                writer.push_start(tail, without_nul(bytes).len());
            } else {
                writer.push(decode::<BE>(arg.how, bytes, &mut self.scratch));
            }
        }
        writer.finish();
        self.counts.n_records += 1;
        self.counts.n_events += 1;
        self.last_ts = ts;
        Some(start + len)
    }

    /// Reads the body of an event block of any sort (without its trailer). Returns where the event ends in it.
    fn read_any<const BE: bool>(&mut self, body: &[u8], layout: EventBlock) -> Result<usize, Fault> {
        let at = if layout.has_flags { 6 } else { 2 };
        let header_len = if layout.has_count { 26 } else { 22 };
        if body.len() < at + header_len {
            return Err(Fault::Short);
        }
        let cpu = at!(BE, body, 0, u16);
        let dump_flags = if layout.has_flags { at!(BE, body, 2, u32) } else { 0 };
        let event = &body[at..];
        let mut header = Header {
            ts: at!(BE, event, 0, u64),
            tid: at!(BE, event, 8, i64),
            len: at!(BE, event, 16, u32),
            code: at!(BE, event, 20, u16),
        };
        let Some(ty) = TYPES.get(usize::from(header.code)) else {
            self.count_unknown(header.code);
            return Ok(at + (header.len as usize).clamp(header_len, event.len()));
        };
        if !layout.has_count && THREE_TOO_LONG.contains(&header.code) {
            header.len = header.len.saturating_sub(3);
        }
        let len = header.len as usize;
        if len < header_len || len > event.len() {
            return Err(Fault::Length { len: header.len, have: event.len() });
        }
        let event = &event[..len];
        let (n_params, is_cut) = if layout.has_count {
            let n_params = at!(BE, event, 22, u32);
            self.measure::<BE>(event, header_len, n_params, ty)?
        } else {
            (self.guess::<BE>(event, header_len, ty)?, None)
        };
        self.counts.n_records += 1;
        self.last_ts = header.ts;
        self.one::<BE>(&header, cpu, dump_flags, event, n_params, is_cut.is_some());
        match is_cut {
            Some(index) => Err(Fault::Parameter { index }),
            None => Ok(at + len),
        }
    }

    #[cold]
    fn count_unknown(&mut self, code: u16) {
        let counts = &mut self.counts;
        if counts.unknown.len() < MAX_UNKNOWN || counts.unknown.contains_key(&code) {
            *counts.unknown.entry(code).or_default() += 1;
        } else {
            counts.n_unknown_others += 1;
        }
    }

    /// Finds the parameters whose number is stored. Returns how many of the known ones there are, and the first
    /// that does not fit.
    #[inline]
    fn measure<const BE: bool>(
        &mut self,
        event: &[u8],
        header_len: usize,
        n_params: u32,
        ty: &EventType,
    ) -> Result<(usize, Option<usize>), Fault> {
        let width = if ty.has(LARGE) { 4 } else { 2 };
        let lengths_len = n_params as usize * width;
        if lengths_len > event.len() - header_len {
            return Err(Fault::Count { n_params, len: event.len() });
        }
        let mut n = n_params as usize;
        if n > ty.params.len() {
            self.counts.n_extra_params += (n - ty.params.len()) as u64;
            n = ty.params.len();
        }
        let lengths = &event[header_len..header_len + lengths_len];
        let mut at = header_len + lengths_len;
        for i in 0..n {
            let len = if width == 4 {
                at!(BE, lengths, i * 4, u32) as usize
            } else {
                usize::from(at!(BE, lengths, i * 2, u16))
            };
            if len > event.len() - at {
                return Ok((i, Some(i)));
            }
            self.spans[i] = (at as u32, len as u32);
            at += len;
        }
        Ok((n, None))
    }

    /// Finds the parameters of a block that does not store their number: the largest number, up to the known one,
    /// for which lengths and bytes end exactly where the event does.
    fn guess<const BE: bool>(&mut self, event: &[u8], header_len: usize, ty: &EventType) -> Result<usize, Fault> {
        // The lengths have two bytes even for types that have four today: those came later.
        for n in (0..=ty.params.len()).rev() {
            let mut at = header_len + 2 * n;
            if at > event.len() {
                continue;
            }
            for i in 0..n {
                let len = usize::from(at!(BE, event, header_len + 2 * i, u16));
                self.spans[i] = (at as u32, len as u32);
                at += len;
            }
            if at == event.len() {
                return Ok(n);
            }
            if at < event.len() {
                break;
            }
        }
        Err(Fault::NoCount)
    }

    /// Turns one record into an event, or keeps it for one.
    #[inline]
    fn one<const BE: bool>(
        &mut self,
        header: &Header,
        cpu: u16,
        dump_flags: u32,
        event: &[u8],
        n_params: usize,
        is_cut: bool,
    ) {
        let plan = self.plans.get(header.code, n_params);
        let mut kind = plan.kind;
        if kind == syscalls::GENERIC {
            kind = self.spans[..n_params].first().map_or(kind, |&(at, len)| {
                let id = &event[at as usize..(at + len) as usize];
                match decode::<BE>(How::U2, id, &mut self.scratch) {
                    Arg::Int(id) => generic_kind(id),
                    _ => kind,
                }
            });
        }
        let is_state_only = dump_flags & STATE_ONLY != 0;
        let mut head = Head {
            seq: Seq(0),
            ts: Nanos(header.ts),
            enter_ns: 0,
            tid: Tid(header.tid),
            kind,
            cpu,
            flags: if is_state_only { head_flags::STATE_ONLY } else { 0 }
                | if is_cut { head_flags::MALFORMED } else { 0 },
        };
        match plan.verdict {
            Verdict::Deliver => {
                self.counts.n_events += 1;
                head.seq = Seq(self.counts.n_events);
                if !self.pending.is_empty() && (plan.is_exit || plan.ends_thread) {
                    if plan.ends_thread {
                        self.pending.orphan(header.tid);
                    } else if let Some(slot) = self.pending.take(header.tid, kind) {
                        self.push_paired::<BE>(head, plan, slot, event, n_params);
                        return;
                    }
                }
                push::<BE>(
                    &mut self.batch,
                    head,
                    &plan.ops[..plan.n_unpaired],
                    &self.spans[..n_params],
                    event,
                    &mut self.scratch,
                );
            }
            Verdict::Enter => {
                let is_counted = plan.enter.as_ref().is_some_and(|enter| enter.is_counted);
                if is_counted {
                    self.counts.n_events += 1;
                    self.counts.n_enter_counted += 1;
                } else {
                    self.counts.n_enter += 1;
                }
                let enter = Enter {
                    code: header.code,
                    cpu,
                    tid: header.tid,
                    ts: header.ts,
                    kind: Some(kind),
                    is_state_only,
                    is_big: BE,
                    ..Enter::default()
                };
                self.pending.keep(enter, &self.spans[..n_params], event);
            }
            Verdict::Late => {
                if self.late.is_full() {
                    self.n_late_dropped += 1;
                    return;
                }
                push::<BE>(&mut self.late, head, &plan.ops, &self.spans[..n_params], event, &mut self.scratch);
            }
            Verdict::Drop => *self.counts.empty.entry(header.code).or_default() += 1,
        }
    }

    /// Delivers an exit event together with its enter event.
    fn push_paired<const BE: bool>(&mut self, mut head: Head, plan: &Plan, slot: u32, event: &[u8], n_params: usize) {
        let enter = self.pending.get(slot);
        head.enter_ns = enter.ts;
        let pair = Pair { plan, enter, enter_plan: enter.plan(self.plans), spans: &self.spans[..n_params], event };
        let mut scratches = [const { Vec::new() }; 3];
        let mut flags = head.flags;
        let mut n_absent = 0;
        self.batch.begin(head);
        for i in 0..pair.n_args() {
            let (value, is_from_enter) = pair.arg::<BE>(i, head.kind, &mut scratches);
            if value == Arg::Absent {
                // Absent arguments are written only if another one follows.
                n_absent += 1;
                continue;
            }
            for _ in 0..std::mem::take(&mut n_absent) {
                self.batch.push(Arg::Absent);
            }
            flags |= if is_from_enter { head_flags::FROM_ENTER } else { 0 };
            flags |= if matches!(value, Arg::Malformed(_)) { head_flags::MALFORMED } else { 0 };
            self.batch.push(value);
        }
        if let Some(head) = self.batch.head_mut() {
            head.flags = flags;
        }
        self.pending.release(slot);
    }

    /// A new section begins: system calls of the old one will not return any more.
    pub(super) fn end_section(&mut self) {
        self.pending.orphan_all();
    }

    /// After the last event: the events that are delivered behind it, in batches.
    pub(super) fn finish(&mut self) -> Vec<Batch> {
        self.pending.orphan_all();
        let mut batches = Vec::new();
        let mut out = Batch::default();
        let mut seq = self.counts.n_events;
        let late = std::mem::take(&mut self.late);
        for event in late.iter() {
            seq += 1;
            copy(&mut out, event, seq);
        }
        for enter in self.pending.take_orphans() {
            if out.is_full() {
                batches.push(std::mem::take(&mut out));
            }
            seq += 1;
            self.counts.n_unfinished += 1;
            self.push_unfinished(&mut out, &enter, seq);
        }
        if !out.is_empty() {
            batches.push(out);
        }
        batches
    }

    fn push_unfinished(&mut self, out: &mut Batch, enter: &Enter, seq: u64) {
        let Some(enter_plan) = enter.plan(self.plans) else { return };
        out.begin(Head {
            seq: Seq(seq),
            ts: Nanos(self.last_ts),
            enter_ns: enter.ts,
            tid: Tid(enter.tid),
            kind: enter.kind.unwrap_or(KindId(enter.code + 1)),
            cpu: enter.cpu,
            flags: head_flags::UNFINISHED | if enter.is_state_only { head_flags::STATE_ONLY } else { 0 },
        });
        let mut flags = 0;
        let mut next = 0;
        for &(arg, op) in &enter_plan.unfinished {
            let Some(bytes) = enter.param(op.src) else { continue };
            for _ in next..arg {
                out.push(Arg::Absent);
            }
            next = arg + 1;
            let value = enter_value(op.how, bytes, enter.is_big, &mut self.scratch);
            flags |= head_flags::FROM_ENTER;
            flags |= if matches!(value, Arg::Malformed(_)) { head_flags::MALFORMED } else { 0 };
            out.push(value);
        }
        if let Some(head) = out.head_mut() {
            head.flags |= flags;
        }
    }
}

/// An exit event and its enter event.
struct Pair<'a> {
    plan: &'a Plan,
    enter: &'a Enter,
    enter_plan: Option<&'a EnterPlan>,
    spans: &'a [(u32, u32)],
    event: &'a [u8],
}

impl Pair<'_> {
    fn kept(&self) -> &[Kept] {
        self.enter_plan.map_or(&[], |plan| &plan.kept)
    }

    /// Arguments that can have a value.
    fn n_args(&self) -> usize {
        let kept = self.kept().iter().flat_map(|k| [Some(k.arg), k.if_different]).flatten();
        kept.map(|arg| usize::from(arg) + 1).fold(self.plan.ops.len(), usize::max)
    }

    /// An argument, and whether it comes from the enter event.
    fn arg<'s, const BE: bool>(&'s self, i: usize, kind: KindId, scratches: &'s mut [Vec<u8>; 3]) -> (Arg<'s>, bool) {
        let [own, other, third] = scratches;
        let value = match self.plan.ops.get(i) {
            Some(&Op { how: How::Enter(of), src }) => self.moved(of, src, i, kind, own),
            Some(&op) => (own_value::<BE>(op, self.spans, self.event, own), false),
            None => (Arg::Absent, false),
        };
        if value.0.is_present() {
            return value;
        }
        for k in self.kept() {
            let Some(bytes) = self.enter.param(k.op.src) else { continue };
            if usize::from(k.arg) == i {
                let kept = enter_value(k.op.how, bytes, self.enter.is_big, other);
                return if kept.is_present() { (kept, true) } else { value };
            }
            if k.if_different.map(usize::from) == Some(i) {
                let exit = self.plan.ops.get(usize::from(k.arg));
                let exit = exit.map_or(Arg::Absent, |&op| own_value::<BE>(op, self.spans, self.event, third));
                let before = enter_value(k.op.how, bytes, self.enter.is_big, other);
                let is_different = exit.is_present() && before.is_present() && exit != before;
                return if is_different { (before, true) } else { value };
            }
        }
        value
    }

    /// An argument that the conversion takes from the enter event, which must have become the type `of`.
    fn moved<'s>(&'s self, of: u16, src: u8, i: usize, kind: KindId, scratch: &'s mut Vec<u8>) -> (Arg<'s>, bool) {
        let find = || -> Option<(How, &[u8])> {
            let plan = self.enter_plan.filter(|plan| plan.converted == of)?;
            let own = (*plan.params.get(usize::from(src))?)?;
            let wire = *TYPES[usize::from(self.enter.code)].params.get(usize::from(own))?;
            let spec = kind.get()?.args.get(i)?;
            Some((how(wire, spec.ty), self.enter.param(own)?))
        };
        match find() {
            Some((how, bytes)) => (enter_value(how, bytes, self.enter.is_big, scratch), true),
            None => (Arg::Absent, false),
        }
    }
}

fn enter_value<'a>(how: How, bytes: &'a [u8], is_big: bool, scratch: &'a mut Vec<u8>) -> Arg<'a> {
    if is_big { decode::<true>(how, bytes, scratch) } else { decode::<false>(how, bytes, scratch) }
}

/// Value of an argument that comes from the event itself.
#[inline(always)]
fn own_value<'a, const BE: bool>(op: Op, spans: &[(u32, u32)], event: &'a [u8], scratch: &'a mut Vec<u8>) -> Arg<'a> {
    let param = |i: usize| -> Option<&'a [u8]> {
        let &(at, len) = spans.get(i)?;
        event.get(at as usize..at as usize + len as usize)
    };
    if op.how == How::ContainerJson {
        let param = |i| param(i).unwrap_or_default();
        container_json::<BE>([param(0), param(1), param(2), param(3)], scratch);
        return Arg::Bytes(bstr::BStr::new(scratch));
    }
    match param(usize::from(op.src)) {
        Some(bytes) if op.how != How::Absent => decode::<BE>(op.how, bytes, scratch),
        _ => Arg::Absent,
    }
}

/// Appends an event all of whose arguments come from itself.
#[inline]
fn push<const BE: bool>(
    batch: &mut Batch,
    head: Head,
    ops: &[Op],
    spans: &[(u32, u32)],
    event: &[u8],
    scratch: &mut Vec<u8>,
) {
    let mut writer = batch.write(head);
    for &op in ops {
        let value = match op.how {
            How::Enter(_) => Arg::Absent,
            _ => own_value::<BE>(op, spans, event, scratch),
        };
        writer.push(value);
    }
    writer.finish();
}

/// Appends a copy of an event under another number.
fn copy(out: &mut Batch, event: Event<'_>, seq: u64) {
    out.begin(Head { seq: Seq(seq), ..*event.head });
    for arg in event.args() {
        out.push(arg);
    }
}

//! The event vocabulary: what a trace says happened, whatever file it came from.
//!
//! An [`Event`] is one completed system call (enter and exit are paired by the readers) or a pseudo-event.
//! Events come in a [`Batch`]: rows of fixed size plus one buffer of bytes, so that nothing is allocated per
//! event. What deliberately is not here: meaning. Which descriptor an event works on, or whose child a process
//! is, is the business of `state`.

pub mod addr;
pub(crate) mod columns;
pub mod dynamic;
pub mod flags;
pub mod generic;
pub mod kind;
pub mod names;
pub mod numbered;
pub mod pseudo;
pub mod syscalls;

use std::sync::Arc;

use bstr::{BStr, ByteSlice};

pub use self::kind::{ArgSpec, ArgType, Kind, KindId};

/// Number of an event in its trace, from 1: Falco's and sysdig's `evt.num`. Numbers rise, with gaps where the
/// file holds an event that is folded into another one (an enter event of an old capture). Events that Falco does
/// not number (system calls that never returned, tracers) come after the last event with the numbers that follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seq(pub u64);

/// Nanoseconds since the epoch (1970-01-01 UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Nanos(pub u64);

/// Thread id in the host's pid namespace; -1 for an event without a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tid(pub i64);

/// Bits of [`Head::flags`].
pub mod head_flags {
    /// Some arguments were taken from the enter event of an old capture.
    pub const FROM_ENTER: u8 = 1;
    /// The system call had not returned when the trace ended (or its exit event is missing): the return value
    /// is absent, [`super::Head::enter_ns`] says when it began.
    pub const UNFINISHED: u8 = 2;
    /// The recorder wrote this event for state only; it is not shown and no rule sees it.
    pub const STATE_ONLY: u8 = 4;
    /// At least one argument has a length that its type does not allow; its bytes are kept.
    pub const MALFORMED: u8 = 8;
}

/// The fixed part of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Number in the trace.
    pub seq: Seq,
    /// Time of the event: for a system call the time of its return.
    pub ts: Nanos,
    /// Time the system call began, where the trace has it; 0 if not.
    pub enter_ns: u64,
    /// Thread that did it.
    pub tid: Tid,
    /// What happened.
    pub kind: KindId,
    /// CPU it was recorded on.
    pub cpu: u16,
    /// Bits of [`head_flags`].
    pub flags: u8,
}

/// Value of one argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arg<'a> {
    /// The trace does not have this argument (an older recorder, or the event was cut).
    Absent,
    /// Recorded, but empty or not available.
    Empty,
    /// An integer of any width and sign, as 64 bits, sign-extended if its type is signed.
    Int(u64),
    /// Bytes of a type of variable length. Text stands without its terminating NUL.
    Bytes(&'a BStr),
    /// Bytes whose length the type does not allow.
    Malformed(&'a BStr),
}

impl<'a> Arg<'a> {
    /// The integer, signed.
    pub fn int(self) -> Option<i64> {
        match self {
            Arg::Int(v) => Some(v as i64),
            _ => None,
        }
    }

    /// The integer, unsigned.
    pub fn uint(self) -> Option<u64> {
        match self {
            Arg::Int(v) => Some(v),
            _ => None,
        }
    }

    /// The bytes; an empty argument gives an empty string, an absent or malformed one `None`.
    pub fn bytes(self) -> Option<&'a BStr> {
        match self {
            Arg::Bytes(b) => Some(b),
            Arg::Empty => Some(BStr::new("")),
            _ => None,
        }
    }

    /// The bytes of any sort, malformed ones too; `None` if absent, empty or an integer.
    pub fn any_bytes(self) -> Option<&'a BStr> {
        match self {
            Arg::Bytes(b) | Arg::Malformed(b) => Some(b),
            _ => None,
        }
    }

    /// True unless absent or empty.
    pub fn is_present(self) -> bool {
        !matches!(self, Arg::Absent | Arg::Empty)
    }
}

/// An argument inside a batch: a number, or a range of the batch's bytes.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// The integer, or the offset of the bytes.
    payload: u64,
    len: u32,
    tag: Tag,
}

/// As wide as what stands beside it in a [`Slot`], so that both are written at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
enum Tag {
    Absent,
    Empty,
    Int,
    Bytes,
    Malformed,
}

/// Consecutive events in file order, with the bytes of their arguments.
#[derive(Debug, Default)]
pub struct Batch {
    rows: Vec<Row>,
    slots: Vec<Slot>,
    bytes: Vec<u8>,
    /// The bytes, if it has them together with other batches; then `bytes` is empty.
    shared: Option<Arc<Vec<u8>>>,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    head: Head,
    first_slot: u32,
    n_slots: u8,
}

impl Batch {
    /// Events after which a reader should start a new batch: with their arguments they stay in the second cache (0.5 to 0.7
    /// MB of real traces) from reading to rules.
    pub const TARGET_EVENTS: usize = 4 * 1024;
    /// Bytes of arguments after which a reader should start a new batch.
    pub const TARGET_BYTES: usize = 4 << 20;
    /// Arguments after which a reader should start a new batch: events with hundreds of absent arguments, which cost
    /// a hostile file next to nothing, do not multiply in memory.
    pub const TARGET_ARGS: usize = 1 << 19;

    /// An empty batch with room for what this one holds, so that readers do not grow each batch anew.
    pub fn successor(&self) -> Batch {
        Batch {
            rows: Vec::with_capacity(self.rows.len()),
            slots: Vec::with_capacity(self.slots.len()),
            bytes: Vec::with_capacity(self.bytes().len()),
            shared: None,
        }
    }

    /// Number of events.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True without events.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// True when a reader should deliver this batch and start the next.
    pub fn is_full(&self) -> bool {
        self.rows.len() >= Self::TARGET_EVENTS
            || self.bytes().len() >= Self::TARGET_BYTES
            || self.slots.len() >= Self::TARGET_ARGS
    }

    /// Bytes held, for accounting; those of arguments that are held together with other batches are not counted.
    pub fn memory(&self) -> usize {
        self.rows.capacity() * size_of::<Row>() + self.slots.capacity() * size_of::<Slot>() + self.bytes.capacity()
    }

    /// Removes all events, keeping the memory.
    pub fn clear(&mut self) {
        self.clear_rows();
        self.slots.clear();
    }

    /// Removes all events but leaves their arguments, for [`Batch::set_rows`] to put others in their place.
    pub(crate) fn clear_rows(&mut self) {
        self.rows.clear();
        self.bytes.clear();
        self.shared = None;
    }

    /// What arguments of variable length are ranges of.
    #[inline(always)]
    fn bytes(&self) -> &[u8] {
        self.shared.as_deref().unwrap_or(&self.bytes)
    }

    /// Has the bytes for itself: before an event is added.
    #[inline(always)]
    fn own_bytes(&mut self) {
        if let Some(shared) = self.shared.take() {
            self.bytes.extend_from_slice(&shared);
        }
    }

    /// The event at a position.
    pub fn get(&self, i: usize) -> Option<Event<'_>> {
        let row = self.rows.get(i)?;
        let first = row.first_slot as usize;
        Some(Event {
            head: &row.head,
            slots: &self.slots[first..first + usize::from(row.n_slots)],
            bytes: self.bytes(),
        })
    }

    /// The events in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Event<'_>> + Clone {
        let bytes = self.bytes();
        self.rows.iter().map(move |row| {
            let first = row.first_slot as usize;
            Event { head: &row.head, slots: &self.slots[first..first + usize::from(row.n_slots)], bytes }
        })
    }

    /// The head of one event: much less to look at than the event.
    #[inline]
    pub fn head_of(&self, i: usize) -> Option<&Head> {
        self.rows.get(i).map(|row| &row.head)
    }

    /// The heads in order.
    pub fn heads(&self) -> impl ExactSizeIterator<Item = &Head> + Clone {
        self.rows.iter().map(|row| &row.head)
    }

    /// Starts an event; its arguments are given to what is returned. Faster than [`Batch::begin`] and [`Batch::push`],
    /// which find the event begun last for each argument.
    #[inline(always)]
    pub(crate) fn write(&mut self, head: Head) -> EventWriter<'_> {
        let first_slot = u32::try_from(self.slots.len()).expect("a batch is delivered long before 2^32 arguments");
        self.own_bytes();
        let n_bytes = self.bytes.len();
        EventWriter { row: Row { head, first_slot, n_slots: 0 }, n_bytes, batch: self }
    }

    /// Starts an event; its arguments follow in order through the `push_*` functions.
    pub fn begin(&mut self, head: Head) {
        self.own_bytes();
        let first_slot = u32::try_from(self.slots.len()).expect("a batch is delivered long before 2^32 arguments");
        self.rows.push(Row { head, first_slot, n_slots: 0 });
    }

    /// Changes the head of the event begun last.
    pub fn head_mut(&mut self) -> Option<&mut Head> {
        self.rows.last_mut().map(|row| &mut row.head)
    }

    /// The heads in order, to number events that were recorded without numbers.
    pub fn heads_mut(&mut self) -> impl ExactSizeIterator<Item = &mut Head> {
        self.rows.iter_mut().map(|row| &mut row.head)
    }

    /// Takes back the event begun last.
    pub fn cancel(&mut self) {
        if let Some(row) = self.rows.pop() {
            self.slots.truncate(row.first_slot as usize);
        }
    }

    fn push_slot(&mut self, slot: Slot) {
        let row = self.rows.last_mut().expect("begin() comes before arguments");
        // No kind has more than 40 arguments; more could only come from a caller's error.
        if row.n_slots < u8::MAX {
            row.n_slots += 1;
            self.slots.push(slot);
        }
    }

    /// Appends an argument.
    pub fn push(&mut self, arg: Arg<'_>) {
        match arg {
            Arg::Absent => self.push_slot(Slot { payload: 0, len: 0, tag: Tag::Absent }),
            Arg::Empty => self.push_slot(Slot { payload: 0, len: 0, tag: Tag::Empty }),
            Arg::Int(v) => self.push_slot(Slot { payload: v, len: 0, tag: Tag::Int }),
            Arg::Bytes(b) => self.push_bytes(b, Tag::Bytes),
            Arg::Malformed(b) => self.push_bytes(b, Tag::Malformed),
        }
    }

    fn push_bytes(&mut self, bytes: &[u8], tag: Tag) {
        let payload = self.bytes.len() as u64;
        self.bytes.extend_from_slice(bytes);
        self.push_slot(Slot { payload, len: u32::try_from(bytes.len()).unwrap_or(u32::MAX), tag });
    }
}

/// An event that is being written, up to [`EventWriter::finish`] or [`EventWriter::cancel`].
pub(crate) struct EventWriter<'a> {
    batch: &'a mut Batch,
    row: Row,
    /// Bytes of the batch before it.
    n_bytes: usize,
}

impl EventWriter<'_> {
    /// Appends an argument, and says in the head if it is malformed.
    #[inline(always)]
    pub(crate) fn push(&mut self, arg: Arg<'_>) {
        match arg {
            Arg::Absent => self.slot(Slot { payload: 0, len: 0, tag: Tag::Absent }),
            Arg::Empty => self.slot(Slot { payload: 0, len: 0, tag: Tag::Empty }),
            Arg::Int(v) => self.slot(Slot { payload: v, len: 0, tag: Tag::Int }),
            Arg::Bytes(b) => self.bytes(b, Tag::Bytes),
            Arg::Malformed(b) => {
                self.row.head.flags |= head_flags::MALFORMED;
                self.bytes(b, Tag::Malformed);
            }
        }
    }

    /// Appends the first `len` bytes of what is given as an argument: short ones as a piece of fixed length, of which the
    /// rest is taken back, for that is cheaper than a copy of any length.
    #[inline(always)]
    pub(crate) fn push_start(&mut self, bytes: &[u8], len: usize) {
        const PIECE: usize = 32;
        match bytes.first_chunk::<PIECE>() {
            Some(piece) if len <= PIECE => {
                let payload = self.batch.bytes.len();
                self.batch.bytes.extend_from_slice(piece);
                self.batch.bytes.truncate(payload + len);
                self.slot(Slot { payload: payload as u64, len: len as u32, tag: Tag::Bytes });
            }
            _ => self.bytes(&bytes[..len], Tag::Bytes),
        }
    }

    #[inline(always)]
    fn slot(&mut self, slot: Slot) {
        // No kind has more than 40 arguments; more could only come from a caller's error.
        if self.row.n_slots < u8::MAX {
            self.row.n_slots += 1;
            self.batch.slots.push(slot);
        }
    }

    fn bytes(&mut self, bytes: &[u8], tag: Tag) {
        let payload = self.batch.bytes.len() as u64;
        self.batch.bytes.extend_from_slice(bytes);
        self.slot(Slot { payload, len: u32::try_from(bytes.len()).unwrap_or(u32::MAX), tag });
    }

    /// Puts the event into the batch.
    #[inline(always)]
    pub(crate) fn finish(self) {
        self.batch.rows.push(self.row);
    }

    /// Takes back what was written of it.
    #[cold]
    pub(crate) fn cancel(self) {
        self.batch.slots.truncate(self.row.first_slot as usize);
        self.batch.bytes.truncate(self.n_bytes);
    }
}

/// One event of a batch.
#[derive(Clone, Copy)]
pub struct Event<'a> {
    /// The fixed part.
    pub head: &'a Head,
    slots: &'a [Slot],
    bytes: &'a [u8],
}

impl<'a> Event<'a> {
    /// The argument at a position of its kind's row; absent if the trace has fewer.
    #[inline]
    pub fn arg(&self, i: usize) -> Arg<'a> {
        self.slots.get(i).map_or(Arg::Absent, |slot| self.resolve(slot))
    }

    /// The argument at a position, if it is an integer: as [`Arg::int`], without a look at what else it could be.
    #[inline]
    pub fn int(&self, i: usize) -> Option<i64> {
        let slot = self.slots.get(i)?;
        (slot.tag == Tag::Int).then_some(slot.payload as i64)
    }

    /// All recorded arguments in order (there may be fewer than in the kind's row).
    pub fn args(&self) -> impl ExactSizeIterator<Item = Arg<'a>> {
        let this = *self;
        self.slots.iter().map(move |slot| this.resolve(slot))
    }

    /// The argument with a name. Searches the kind's row; by position is faster.
    pub fn named(&self, name: &str) -> Arg<'a> {
        let index = self.head.kind.get().and_then(|kind| kind.arg_index(name));
        index.map_or(Arg::Absent, |i| self.arg(i))
    }

    /// Return value of a system call: its first argument. `None` if it did not return, or if the trace does
    /// not record it.
    pub fn ret(&self) -> Option<i64> {
        let kind = self.head.kind.get()?;
        if !kind.is_syscall || self.head.kind.is_generic() {
            return None;
        }
        self.arg(0).int()
    }

    fn resolve(&self, slot: &Slot) -> Arg<'a> {
        let bytes = || {
            let start = slot.payload as usize;
            self.bytes[start..start + slot.len as usize].as_bstr()
        };
        match slot.tag {
            Tag::Absent => Arg::Absent,
            Tag::Empty => Arg::Empty,
            Tag::Int => Arg::Int(slot.payload),
            Tag::Bytes => Arg::Bytes(bytes()),
            Tag::Malformed => Arg::Malformed(bytes()),
        }
    }
}

impl std::fmt::Debug for Event<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut s = f.debug_struct("Event");
        s.field("head", self.head);
        s.field("args", &self.args().collect::<Vec<_>>());
        s.finish()
    }
}

//! States of actors: numbers that stand for all that the fields of a [`Scope`] read.
//!
//! Most events are of a thread whose image, container and ancestors are what they were at its last event, and most
//! processes have an image and ancestors that are equal to those of another one. [`Actors`] gives each state that
//! *differs* a number: events of one analysis with the same number have the same value for every field whose
//! [`Depends::scope`](crate::Depends::scope) is that scope. The number stands for the content of rows (interned
//! symbols, flags, times), not for their handles, so that a thousand processes of one program share it.
//!
//! A history that grows may add to what is known about its past. What is remembered by handles and event numbers
//! holds for one state of the history only, until [`Actors::refresh`]; what is remembered by content holds always.
//!
//! *Memory.* Look-ups by handle are tables of fixed size (together less than half a MiB). States are counted by
//! [`Actors::memory`]; who asks decides when to start anew with [`Actors::clear`].

use std::hash::Hash;

use hashbrown::HashMap;
use tracehound_formats::Seq;
use tracehound_state::history::Image;
use tracehound_state::{ContainerId, History, ImageId, ProcessId, Sym, ThreadId};

use crate::view::View;

/// A part of an actor's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// What its program was loaded from.
    Image,
    /// Its container and what is known of it.
    Container,
    /// The images of its ancestors.
    Lineage,
}

impl Scope {
    /// Every scope, in the order of their numbers.
    pub const ALL: [Scope; 3] = [Scope::Image, Scope::Container, Scope::Lineage];
}

/// Number of a state of an actor, dense from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ActorId(pub u32);

/// Slots of each table by handle; a power of two.
const SLOTS: usize = 1 << 11;
/// Ancestors that are not known yet which are looked at for one event. Lines grow by one process at a time, so that
/// a longer one comes from a cycle or a start state of that depth; its fields are asked at every event.
const MAX_STEPS: usize = 64;
/// No ancestors.
const NO_LINE: u32 = 0;
/// Number of a line that is not remembered.
const UNKNOWN: u32 = u32::MAX;

/// The states seen so far, and which thread was in which.
#[derive(Clone, Debug)]
pub struct Actors {
    images: Numbers<Option<ImageKey>>,
    containers: Numbers<ContainerKey>,
    lines: Numbers<LineKey>,
    states: Numbers<[u32; 3]>,
    by_thread: Vec<ByThread>,
    by_image: Vec<ByImage>,
    by_process: Vec<ByProcess>,
    /// Counts the states of the history; rows of the tables above of another one are void.
    epoch: u32,
}

/// Everything that fields of [`Scope::Image`] read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct ImageKey {
    comm: Option<Sym>,
    exe: Option<Sym>,
    args: Sym,
    exepath: Sym,
    flags: Option<u32>,
    ino: Option<u64>,
    ctime: Option<u64>,
    mtime: Option<u64>,
}

impl ImageKey {
    fn of(image: &Image) -> ImageKey {
        let &Image { comm, exe, args, exepath, flags, ino, ctime, mtime, .. } = image;
        ImageKey { comm, exe, args, exepath, flags, ino, ctime, mtime }
    }
}

/// Everything that fields of [`Scope::Container`] read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum ContainerKey {
    /// There is no thread.
    Nobody,
    /// The context answers in place of the trace, the same for every thread.
    Override,
    Host,
    Known {
        id: ContainerId,
        texts: [Sym; 2],
        runtime: &'static str,
        /// How many rows of metadata, in order, end with the one in force.
        n_metadata: usize,
    },
}

/// A parent and what is above it. Fields walk up from process to process, or from thread to thread (`parent_thread`);
/// a line where the two do not meet the same processes has no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct LineKey {
    /// Image of the parent's main thread.
    image: u32,
    /// Image of the thread whose child it is; [`UNKNOWN`] if that thread is not known: the walk by threads ends.
    thread_image: u32,
    above: u32,
}

/// Events between which something holds.
#[derive(Clone, Copy, Debug)]
struct Span {
    from: Seq,
    until: Seq,
}

impl Span {
    const ALWAYS: Span = Span { from: Seq(0), until: Seq(u64::MAX) };

    fn contains(self, seq: Seq) -> bool {
        self.from <= seq && seq < self.until
    }

    fn and(self, from: Seq, until: Option<Seq>) -> Span {
        Span { from: self.from.max(from), until: until.map_or(self.until, |until| self.until.min(until)) }
    }
}

#[derive(Clone, Copy, Debug)]
struct ByThread {
    epoch: u32,
    thread: u32,
    attrs: u32,
    state: u32,
    span: Span,
}

#[derive(Clone, Copy, Debug)]
struct ByImage {
    epoch: u32,
    image: u32,
    number: u32,
}

#[derive(Clone, Copy, Debug)]
struct ByProcess {
    epoch: u32,
    process: u32,
    line: u32,
    span: Span,
}

impl Default for Actors {
    fn default() -> Actors {
        let mut actors = Actors {
            images: Numbers::default(),
            containers: Numbers::default(),
            lines: Numbers::default(),
            states: Numbers::default(),
            by_thread: vec![ByThread { epoch: 0, thread: 0, attrs: 0, state: 0, span: Span::ALWAYS }; SLOTS],
            by_image: vec![ByImage { epoch: 0, image: 0, number: 0 }; SLOTS],
            by_process: vec![ByProcess { epoch: 0, process: 0, line: 0, span: Span::ALWAYS }; SLOTS],
            epoch: 0,
        };
        actors.clear();
        actors
    }
}

impl Actors {
    /// To be called when the history has grown, and before another history is asked: what was remembered about
    /// rows no longer holds.
    pub fn refresh(&mut self) {
        self.epoch = self.epoch.wrapping_add(1);
        if self.epoch == 0 {
            // Rows of four thousand million states of the history ago would look current.
            self.epoch = 1;
            self.by_thread.iter_mut().for_each(|row| row.epoch = 0);
            self.by_image.iter_mut().for_each(|row| row.epoch = 0);
            self.by_process.iter_mut().for_each(|row| row.epoch = 0);
        }
    }

    /// Forgets everything; numbers are given anew.
    pub fn clear(&mut self) {
        self.refresh();
        self.images = Numbers::default();
        self.containers = Numbers::default();
        self.lines = Numbers::default();
        self.states = Numbers::default();
        // An image that is not known, and a line without ancestors, have number 0.
        self.images.of(None);
        self.lines.of(LineKey { image: UNKNOWN, thread_image: UNKNOWN, above: UNKNOWN });
    }

    /// Number of states that have been given a number.
    pub fn len(&self) -> usize {
        self.states.numbers.len()
    }

    /// True before the first state.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes held for states, without the tables of fixed size.
    pub fn memory(&self) -> usize {
        self.images.memory() + self.containers.memory() + self.lines.memory() + self.states.memory()
    }

    /// The number of a part of a state; `None` for a part that is not remembered: its fields can have other values
    /// at the next event.
    pub fn part(&self, actor: ActorId, scope: Scope) -> Option<u32> {
        let parts = self.states.keys.get(actor.0 as usize)?;
        Some(parts[scope as usize]).filter(|&part| part != UNKNOWN)
    }

    /// The state of the actor of an event, after the event; `None` if it cannot be told.
    #[inline]
    pub(crate) fn of(&mut self, view: &View<'_>) -> Option<ActorId> {
        // Most events are of a thread that is what it was before.
        if let (Some(thread), Some(_), Some(attrs)) = (view.fact.thread, view.fact.process, view.fact.attrs) {
            let known = &self.by_thread[thread.index() % SLOTS];
            if known.epoch == self.epoch
                && known.thread == thread.number()
                && known.attrs == attrs.number()
                && known.span.contains(view.seq())
            {
                return Some(ActorId(known.state));
            }
        }
        self.find(view)
    }

    #[inline(never)]
    fn find(&mut self, view: &View<'_>) -> Option<ActorId> {
        let fact = view.fact;
        let (thread, process, attrs) = match (fact.thread, fact.process, fact.attrs) {
            (Some(thread), Some(process), Some(attrs)) => (thread, process, attrs),
            (None, None, None) => return Some(self.nobody()),
            _ => return None,
        };
        let (slot, seq) = (thread.index() % SLOTS, view.seq());
        let attrs_row = view.history.attrs(attrs);
        let image = self.image(view.history, attrs_row.image);
        let (container, span) = container_key(view, attrs_row.container);
        let container = self.containers.of(container);
        let (line, span) = match self.line(view.history, process, seq) {
            Some((line, of_line)) => (line, span.and(of_line.from, Some(of_line.until))),
            None => (UNKNOWN, Span { from: seq, until: Seq(seq.0.saturating_add(1)) }),
        };
        let state = self.states.of([image, container, line]);
        self.by_thread[slot] =
            ByThread { epoch: self.epoch, thread: thread.number(), attrs: attrs.number(), state, span };
        Some(ActorId(state))
    }

    fn nobody(&mut self) -> ActorId {
        let container = self.containers.of(ContainerKey::Nobody);
        ActorId(self.states.of([0, container, NO_LINE]))
    }

    fn image(&mut self, history: &History, image: ImageId) -> u32 {
        let slot = image.index() % SLOTS;
        let known = &self.by_image[slot];
        if known.epoch == self.epoch && known.image == image.number() {
            return known.number;
        }
        let number = self.images.of(Some(ImageKey::of(&history.image(image))));
        self.by_image[slot] = ByImage { epoch: self.epoch, image: image.number(), number };
        number
    }

    /// The line above a process as of an event, and the events for which it is the same.
    fn line(&mut self, history: &History, process: ProcessId, seq: Seq) -> Option<(u32, Span)> {
        struct Step {
            process: ProcessId,
            image: u32,
            thread_image: u32,
            span: Span,
        }
        let mut steps: Vec<Step> = Vec::new();
        let mut at = process;
        let (mut line, mut span) = loop {
            let known = &self.by_process[at.index() % SLOTS];
            if known.epoch == self.epoch && known.process == at.number() && known.span.contains(seq) {
                break (known.line, known.span);
            }
            let row = history.process(at);
            let (parent, from, until) = row.parent().row_at(seq);
            let span = Span::ALWAYS.and(from, until);
            let Some(parent) = parent else {
                self.remember_line(at, NO_LINE, span);
                break (NO_LINE, span);
            };
            if steps.len() == MAX_STEPS {
                return None;
            }
            let (thread, from, until) = row.parent_thread().row_at(seq);
            let span = span.and(from, until);
            let (image, span) = self.image_at(history, history.process(parent).leader(), seq, span);
            let (thread_image, span) = match thread {
                None => (UNKNOWN, span),
                Some(thread) if history.thread(thread).process != parent => return None,
                Some(thread) => self.image_at(history, thread, seq, span),
            };
            steps.push(Step { process: at, image, thread_image, span });
            at = parent;
        };
        while let Some(step) = steps.pop() {
            let Step { process, image, thread_image, span: own } = step;
            line = self.lines.of(LineKey { image, thread_image, above: line });
            span = span.and(own.from, Some(own.until));
            self.remember_line(process, line, span);
        }
        Some((line, span))
    }

    fn image_at(&mut self, history: &History, thread: ThreadId, seq: Seq, span: Span) -> (u32, Span) {
        let (attrs, from, until) = history.thread(thread).attrs().row_at(seq);
        (self.image(history, history.attrs(attrs).image), span.and(from, until))
    }

    fn remember_line(&mut self, process: ProcessId, line: u32, span: Span) {
        self.by_process[process.index() % SLOTS] =
            ByProcess { epoch: self.epoch, process: process.number(), line, span };
    }
}

/// What the container's fields read, and the events for which it is the same.
fn container_key(view: &View<'_>, container: Option<ContainerId>) -> (ContainerKey, Span) {
    if view.context.container_override.is_some() {
        return (ContainerKey::Override, Span::ALWAYS);
    }
    let Some(id) = container else { return (ContainerKey::Host, Span::ALWAYS) };
    let row = view.history.container(id);
    let seq = view.seq();
    // As `Container::metadata_at` finds it.
    let n_metadata = row.metadata.iter().rposition(|row| row.0 <= seq).map_or(0, |at| at + 1);
    let from = n_metadata.checked_sub(1).map_or(Seq(0), |at| row.metadata[at].0);
    let until = row.metadata[n_metadata..].iter().map(|row| row.0).min();
    let key = ContainerKey::Known { id, texts: [row.id.0, row.full_id.0], runtime: row.runtime, n_metadata };
    (key, Span::ALWAYS.and(from, until))
}

/// Gives equal keys equal numbers, dense from 0.
#[derive(Clone, Debug)]
struct Numbers<K> {
    keys: Vec<K>,
    numbers: HashMap<K, u32>,
}

impl<K> Default for Numbers<K> {
    fn default() -> Self {
        Numbers { keys: Vec::new(), numbers: HashMap::new() }
    }
}

impl<K: Copy + Eq + Hash> Numbers<K> {
    fn of(&mut self, key: K) -> u32 {
        *self.numbers.entry(key).or_insert_with(|| {
            self.keys.push(key);
            // Who asks starts anew long before there are as many.
            u32::try_from(self.keys.len() - 1).unwrap_or(UNKNOWN)
        })
    }

    fn memory(&self) -> usize {
        self.keys.capacity() * size_of::<K>() + self.numbers.allocation_size()
    }
}

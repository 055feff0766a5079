//! Why a rule is true or false of an event: the event, the process and its ancestors as of it, and every part of the
//! condition with its result and values.
//!
//! A [`Search`] watches a trace go by, as the observer of [`crate::analyze`], and keeps what is to be said of one
//! event: that with a given number, or the one that comes nearest to a rule (what *near* means: see
//! [`tracehound_rules::explain`]). Memory is bounded by the rule's condition.

use std::sync::OnceLock;

use bstr::{BString, ByteSlice};
use tracehound_fields::{FieldRef, Subject, Value, View, resolve};
use tracehound_formats::event::head_flags;
use tracehound_formats::{KindId, Nanos, Seq, Tid};
use tracehound_lang::Loaded;
use tracehound_rules::{Explained, ExplainedPart, PlannedRule};
use tracehound_signals::visible::utf8;
use tracehound_signals::{Evidence, key};
use tracehound_state::history::Attrs;
use tracehound_state::{History, ProcessId};

use crate::pipeline::Window;

/// Ancestors shown of a process; a longer line of them is cut, and its length told.
pub const MAX_ANCESTORS: usize = 64;

/// Which events are asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// Only the event with this number.
    pub seq: Option<Seq>,
    /// Only events of processes with this pid.
    pub pid: Option<i64>,
}

/// Looks for the event that comes nearest to a rule, the first of equals.
pub struct Search<'r> {
    rule: &'r PlannedRule,
    target: Target,
    found: Found,
}

/// What a search found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The nearest event; `None` if none was asked.
    pub nearest: Option<Moment>,
    /// Events of the target, of whatever kind.
    pub n_in_target: u64,
    /// Events of the target of kinds that the rule can match.
    pub n_asked: u64,
    /// Events among these that the rule matches.
    pub n_matches: u64,
}

/// An event, and a rule's condition for it.
#[derive(Clone, Debug)]
pub struct Moment {
    /// Number of the event.
    pub seq: Seq,
    /// Its time.
    pub ts: Nanos,
    /// Its kind.
    pub kind: KindId,
    /// The acting thread; -1 for an event without one.
    pub tid: Tid,
    /// Its arguments, as the field `evt.args` has them.
    pub args: BString,
    /// The acting process.
    pub process: Option<ProcessId>,
    /// What the event itself tells of its evidence; the rest is known at the end of the trace.
    pub evidence: Evidence,
    /// How many comparisons have to change for the condition to be true; 0 if it is. `None`: no result of them
    /// makes it true for this kind of event.
    pub distance: Option<u32>,
    /// The parts of the condition.
    pub parts: Vec<Explained>,
}

impl<'r> Search<'r> {
    /// A search for a rule.
    pub fn new(rule: &'r PlannedRule, target: Target) -> Search<'r> {
        Search { rule, target, found: Found::default() }
    }

    /// Looks at the events of a window.
    pub fn window(&mut self, window: &Window<'_>) {
        for (batch, facts) in window.batches.iter().zip(window.facts) {
            for (event, fact) in batch.iter().zip(facts) {
                // The same events that rules are matched over.
                if event.head.flags & (head_flags::STATE_ONLY | head_flags::UNFINISHED) == 0
                    && self.target.seq.is_none_or(|seq| seq == event.head.seq)
                {
                    self.event(&View { event, fact, history: window.history, context: window.context });
                }
            }
        }
    }

    /// What was found.
    pub fn finish(self) -> Found {
        self.found
    }

    fn event(&mut self, view: &View<'_>) {
        let pid = || match view.fact.process {
            Some(process) => view.history.process(key::resolve(view.history, process)).pid,
            None => view.event.head.tid,
        };
        if self.target.pid.is_some_and(|wanted| wanted != pid().0) {
            return;
        }
        self.found.n_in_target += 1;
        let is_of_kind = self.rule.kinds().contains(view.kind_code());
        // An event that is named is explained even if its kind alone rules it out.
        if !is_of_kind && self.target.seq.is_none() {
            return;
        }
        self.found.n_asked += u64::from(is_of_kind);
        let distance = self.rule.predicate().distance(view);
        self.found.n_matches += u64::from(distance == Some(0));
        let is_nearer = match &self.found.nearest {
            None => true,
            Some(nearest) => rank(distance) < rank(nearest.distance),
        };
        if is_nearer {
            self.found.nearest = Some(Moment::of(view, self.rule, distance));
        }
    }
}

/// No distance is farther than any.
fn rank(distance: Option<u32>) -> u32 {
    distance.unwrap_or(u32::MAX)
}

impl Moment {
    /// An event as a rule sees it. `distance` is [`tracehound_rules::Predicate::distance`].
    pub fn of(view: &View<'_>, rule: &PlannedRule, distance: Option<u32>) -> Moment {
        static ARGS: OnceLock<Option<FieldRef>> = OnceLock::new();
        let args = ARGS.get_or_init(|| resolve("evt.args").ok());
        let args = match args.as_ref().map(|field| view.get(field)) {
            Some(Value::Str(text)) => text.into_owned(),
            _ => BString::default(),
        };
        let head = view.event.head;
        Moment {
            seq: head.seq,
            ts: head.ts,
            kind: head.kind,
            tid: head.tid,
            args,
            process: view.fact.process,
            evidence: Evidence::of(view),
            distance,
            parts: rule.predicate().explain(view),
        }
    }
}

impl Found {
    /// The nearest event and each comparison that would have to turn out otherwise there, a line each. Control
    /// characters of values stay.
    pub fn miss_lines(&self, loaded: &Loaded) -> Vec<String> {
        let Some(moment) = &self.nearest else {
            return vec!["nearest miss: none, the trace has no event of a kind that the rule can match".to_owned()];
        };
        let what = match moment.distance {
            None => "the kind of event alone decides that it cannot match".to_owned(),
            Some(0) => "it matches".to_owned(),
            Some(1) => "1 comparison would have to turn out otherwise".to_owned(),
            Some(n) => format!("{n} comparisons would have to turn out otherwise"),
        };
        let mut lines = vec![format!("nearest miss: event {} {}, {what}", moment.seq.0, moment.kind.name())];
        for row in moment.parts.iter().filter(|row| row.must_change) {
            let ExplainedPart::Leaf { id, text, values } = &row.part else { continue };
            let wanted = if row.result { "has to be false" } else { "has to be true" };
            let values: Vec<String> = values
                .iter()
                .map(|(operand, value)| match value {
                    None => format!("{operand} is absent"),
                    Some(value) if value.is_empty() => format!("{operand} is \"\""),
                    Some(value) => format!("{operand} is {}", utf8(value)),
                })
                .collect();
            let origin = loaded.leaf_origin(*id);
            let place = origin.map_or_else(String::new, |origin| format!("  ({}:{})", origin.path, origin.line));
            lines.push(format!("  {text} {wanted}: {}{place}", values.join(", ")));
        }
        lines
    }
}

/// A process as of an event.
#[derive(Clone, Debug)]
pub struct Ancestor {
    /// The instance.
    pub process: ProcessId,
    /// Its pid.
    pub pid: Tid,
    /// Command name, if known.
    pub name: Option<BString>,
    /// Path of its executable; empty if unknown.
    pub exe_path: BString,
    /// Command line: its arguments with blanks between, without quoting.
    pub command: BString,
    /// Name of its effective user, or `uid N`; `None` if unknown.
    pub user: Option<BString>,
    /// Short id of its container; `None` on the host.
    pub container: Option<BString>,
    /// The process that gave birth to it, if that is known and is not its parent as of the event.
    pub birth_parent: Option<ProcessId>,
}

/// The process that acts in an event, its parent, and so on to the root, as of the event; at most [`MAX_ANCESTORS`]
/// after the first. The number says how many more there are.
pub fn lineage(history: &History, process: ProcessId, seq: Seq) -> (Vec<Ancestor>, usize) {
    let process = key::resolve(history, process);
    let mut parents = history.ancestors(process, seq);
    let mut line = vec![ancestor(history, process, seq)];
    line.extend(parents.by_ref().take(MAX_ANCESTORS).map(|parent| ancestor(history, parent, seq)));
    (line, parents.count())
}

fn ancestor(history: &History, id: ProcessId, seq: Seq) -> Ancestor {
    let process = history.process(id);
    let attrs = history.leader_attrs(id, seq);
    let image = history.image(attrs.image);
    let mut command = BString::from(image.exe.map_or_else(Vec::new, |exe| history.text(exe).to_vec()));
    let args = history.text(image.args);
    for arg in args.strip_suffix(b"\0").unwrap_or(args).split_str(b"\0").filter(|_| !args.is_empty()) {
        command.push(b' ');
        command.extend_from_slice(arg);
    }
    let parent = history.parent(id, seq).map(|parent| key::resolve(history, parent));
    let birth_parent = process.birth_parent().map(|parent| key::resolve(history, parent));
    Ancestor {
        process: id,
        pid: process.pid,
        name: image.comm.map(|comm| history.text(comm).to_owned()),
        exe_path: history.text(image.exepath).to_owned(),
        command,
        user: user(history, &attrs, seq),
        container: attrs.container.map(|container| history.text(history.container(container).id.0).to_owned()),
        birth_parent: birth_parent.filter(|birth| Some(*birth) != parent),
    }
}

fn user(history: &History, attrs: &Attrs, seq: Seq) -> Option<BString> {
    let uid = history.creds(attrs.creds).uid?;
    let name = history.user(attrs.container, uid, seq).map(|user| history.text(user.name).to_owned());
    name.or((uid == 0).then(|| "root".into())).or_else(|| Some(format!("uid {uid}").into()))
}

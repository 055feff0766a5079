//! Compiled conditions and how they are evaluated.
//!
//! A predicate keeps its condition as a list of nodes, operands before operators, and a *program* made from it:
//! one step a comparison, each with the step to take next when it is true and when it is false. A program needs no
//! stack, so that no condition is too deep for it, and asks for comparisons in the order they are written, none
//! that cannot matter any more.

use tracehound_fields::{FieldRef, Subject};

use crate::ir::LeafId;
use crate::kinds::{KindSet, Possible};
use crate::leaf::Leaf;
use crate::quirks::Warning;

/// A part of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    Const(bool),
    /// A comparison: its index among the predicate's leaves, and where it was written.
    Leaf(u32, LeafId),
    Not,
    /// All of this many parts before it.
    And(u32),
    /// Some of this many parts before it.
    Or(u32),
}

/// A compiled condition.
#[derive(Clone, Debug)]
pub struct Predicate {
    nodes: Vec<Node>,
    leaves: Vec<Leaf>,
    warnings: Vec<Warning>,
    program: Program,
    kinds: KindSet,
}

impl Predicate {
    pub(crate) fn new(nodes: Vec<Node>, leaves: Vec<Leaf>, warnings: Vec<Warning>) -> Predicate {
        let program = Program::new(&nodes, &leaves);
        let kinds = kinds(&nodes, &leaves);
        Predicate { nodes, leaves, warnings, program, kinds }
    }

    /// Its comparisons, in the order they are written.
    pub fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// Where each of [`Predicate::leaves`] was written.
    pub fn leaf_ids(&self) -> impl Iterator<Item = LeafId> {
        self.nodes.iter().filter_map(|node| if let Node::Leaf(_, id) = node { Some(*id) } else { None })
    }

    /// What the author of the condition should know.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Every field it names, sorted, once each.
    pub fn fields(&self) -> Vec<&FieldRef> {
        let mut fields = Vec::new();
        self.leaves.iter().for_each(|leaf| leaf.each_field(|field| fields.push(field)));
        fields.sort_unstable();
        fields.dedup();
        fields
    }

    /// The kinds of event for which it can be true.
    pub fn kinds(&self) -> &KindSet {
        &self.kinds
    }

    /// Its result, if comparisons that are the same for every event decide it.
    pub fn constant(&self) -> Option<bool> {
        self.program.constant()
    }

    /// Evaluates it.
    pub fn evaluate<S: Subject + ?Sized>(&self, subject: &S) -> bool {
        self.program.run(|leaf| self.leaves[leaf as usize].evaluate(subject))
    }

    /// As [`Predicate::evaluate`], telling of each comparison that is asked on the way: its position in
    /// [`Predicate::leaves`] and its result.
    pub fn evaluate_telling<S: Subject + ?Sized>(&self, subject: &S, mut tell: impl FnMut(usize, bool)) -> bool {
        self.program.run(|leaf| {
            let result = self.leaves[leaf as usize].evaluate(subject);
            tell(leaf as usize, result);
            result
        })
    }

    /// Evaluates every comparison and joins the results by the definition of and, or, not. Slower than
    /// [`Predicate::evaluate`], which is tested against it.
    pub fn evaluate_plainly<S: Subject + ?Sized>(&self, subject: &S) -> bool {
        let result = fold(&self.nodes, |node, parts: &mut Vec<bool>| match node {
            Node::Const(value) => value,
            Node::Leaf(leaf, _) => self.leaves[leaf as usize].evaluate(subject),
            Node::Not => parts.iter().all(|part| !part),
            Node::And(_) => parts.iter().all(|&part| part),
            Node::Or(_) => parts.iter().any(|&part| part),
        });
        result.unwrap_or(false)
    }

    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    pub(crate) fn program(&self) -> &Program {
        &self.program
    }
}

/// The kinds of event for which a condition can be true. Most parts of conditions say nothing about kinds: `None`.
fn kinds(nodes: &[Node], leaves: &[Leaf]) -> KindSet {
    type Part = Option<Box<Possible>>;
    let neutral = Possible::neutral();
    let join = |parts: &mut Vec<Part>, first: Possible, join: fn(Possible, &Possible) -> Possible| -> Part {
        let some = parts.iter().flatten();
        // All that say nothing are as one.
        match (some.clone().count(), parts.len()) {
            (0, 1..) => None,
            (n, n_parts) if n < n_parts => {
                Some(Box::new(some.fold(join(first, &neutral), |all, part| join(all, part))))
            }
            _ => Some(Box::new(some.fold(first, |all, part| join(all, part)))),
        }
    };
    let result = fold(nodes, |node, parts: &mut Vec<Part>| match node {
        Node::Const(true) => Some(Box::new(Possible::exactly(KindSet::all()))),
        Node::Const(false) => Some(Box::new(Possible::exactly(KindSet::none()))),
        Node::Leaf(leaf, _) => leaves[leaf as usize].possible().map(Box::new),
        Node::Not => parts.pop().flatten().map(|part| Box::new(part.not())),
        Node::And(_) => join(parts, Possible::exactly(KindSet::all()), Possible::and),
        Node::Or(_) => join(parts, Possible::exactly(KindSet::none()), Possible::or),
    });
    result.map_or_else(KindSet::none, |part| part.map_or(neutral, |part| *part).when_true)
}

/// Goes through nodes with their operands before them, giving each the results of its parts in order; the result of
/// the last is that of the whole.
pub(crate) fn fold<T>(nodes: &[Node], mut f: impl FnMut(Node, &mut Vec<T>) -> T) -> Option<T> {
    let mut results: Vec<T> = Vec::new();
    let mut parts = Vec::new();
    for &node in nodes {
        parts.clear();
        if let n_parts @ 1.. = arity(node).min(results.len()) {
            parts.extend(results.drain(results.len() - n_parts..));
        }
        results.push(f(node, &mut parts));
    }
    results.pop()
}

fn arity(node: Node) -> usize {
    match node {
        Node::Const(_) | Node::Leaf(..) => 0,
        Node::Not => 1,
        Node::And(n) | Node::Or(n) => n as usize,
    }
}

/// Where a step leads: to another step, or to the result.
const ACCEPT: u32 = u32::MAX;
const REJECT: u32 = u32::MAX - 1;

/// A comparison and where to go from it. Steps only lead to earlier ones, so that every run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Step {
    leaf: u32,
    when_true: u32,
    when_false: u32,
}

/// A condition as steps. Equal programs are the same condition; the reverse does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Program {
    steps: Box<[Step]>,
    start: u32,
}

impl Program {
    fn new(nodes: &[Node], leaves: &[Leaf]) -> Program {
        struct Open {
            node: usize,
            when_true: u32,
            when_false: u32,
            /// Parts not yet translated, and the node after which they stand.
            left: usize,
            end: usize,
        }
        let sizes = subtree_sizes(nodes);
        let mut steps: Vec<Step> = Vec::with_capacity(leaves.len());
        let Some(root) = nodes.len().checked_sub(1) else { return Program { steps: steps.into(), start: REJECT } };
        let open = |node: usize, when_true: u32, when_false: u32| Open {
            node,
            when_true,
            when_false,
            left: arity(nodes[node]),
            end: node,
        };
        let mut start = REJECT;
        let mut stack = vec![open(root, ACCEPT, REJECT)];
        // Parts are translated from the last to the first: where one leads must be known before it is written.
        while let Some(top) = stack.last_mut() {
            match nodes[top.node] {
                Node::Const(value) => {
                    start = if value { top.when_true } else { top.when_false };
                    stack.pop();
                }
                Node::Leaf(leaf, _) => {
                    start = match leaves[leaf as usize].constant() {
                        Some(true) => top.when_true,
                        Some(false) => top.when_false,
                        None if top.when_true == top.when_false => top.when_true,
                        None => {
                            steps.push(Step { leaf, when_true: top.when_true, when_false: top.when_false });
                            steps.len() as u32 - 1
                        }
                    };
                    stack.pop();
                }
                Node::Not => {
                    let (node, when_true, when_false) = (top.node - 1, top.when_false, top.when_true);
                    stack.pop();
                    stack.push(open(node, when_true, when_false));
                }
                Node::And(n) | Node::Or(n) => {
                    let is_and = matches!(nodes[top.node], Node::And(_));
                    // The part after it is translated: it is where this one leads if it does not decide.
                    if top.left < n as usize {
                        if is_and {
                            top.when_true = start;
                        } else {
                            top.when_false = start;
                        }
                    }
                    if top.left == 0 {
                        start = if is_and { top.when_true } else { top.when_false };
                        stack.pop();
                    } else {
                        let node = top.end - 1;
                        top.end = node + 1 - sizes[node];
                        top.left -= 1;
                        let part = open(node, top.when_true, top.when_false);
                        stack.push(part);
                    }
                }
            }
        }
        Program { steps: steps.into(), start }
    }

    /// Runs it, asking `evaluate` for results of comparisons.
    pub(crate) fn run(&self, mut evaluate: impl FnMut(u32) -> bool) -> bool {
        let mut at = self.start;
        loop {
            match at {
                ACCEPT => return true,
                REJECT => return false,
                _ => {
                    let step = self.steps[at as usize];
                    at = if evaluate(step.leaf) { step.when_true } else { step.when_false };
                }
            }
        }
    }

    /// The same program with other numbers for its comparisons.
    pub(crate) fn renumbered(&self, leaf: impl Fn(u32) -> u32) -> Program {
        let steps = self.steps.iter().map(|step| Step { leaf: leaf(step.leaf), ..*step }).collect();
        Program { steps, start: self.start }
    }

    /// The result, if it is the same for every event.
    pub(crate) fn constant(&self) -> Option<bool> {
        match self.start {
            ACCEPT => Some(true),
            REJECT => Some(false),
            _ => None,
        }
    }

    /// Its comparisons, a comparison that it asks in several places as often.
    pub(crate) fn leaves(&self) -> impl Iterator<Item = u32> {
        self.steps.iter().map(|step| step.leaf)
    }

    /// What is left of it if the results of some comparisons are known. Comparisons that then cannot matter any more
    /// are left out.
    pub(crate) fn restricted(&self, known: impl Fn(u32) -> Option<bool>, scratch: &mut Restriction) -> Program {
        let start = self.restrict(known, scratch);
        let Restriction { steps, numbers, .. } = scratch;
        // What is not reached goes: a step leads to earlier ones only, so that one pass from the last finds it.
        numbers.clear();
        numbers.resize(steps.len(), REJECT);
        if let Some(at) = numbers.get_mut(start as usize) {
            *at = 0;
        }
        for i in (0..steps.len()).rev() {
            if numbers[i] == 0 {
                for next in [steps[i].when_true, steps[i].when_false] {
                    if let Some(at) = numbers.get_mut(next as usize) {
                        *at = 0;
                    }
                }
            }
        }
        let reached = numbers.iter_mut().filter(|number| **number == 0);
        reached.zip(0..).for_each(|(number, new)| *number = new);
        let renumbered = |next: u32| numbers.get(next as usize).copied().unwrap_or(next);
        let steps = steps.iter().zip(numbers.iter()).filter(|(_, number)| **number != REJECT).map(|(step, _)| Step {
            leaf: step.leaf,
            when_true: renumbered(step.when_true),
            when_false: renumbered(step.when_false),
        });
        Program { steps: steps.collect(), start: renumbered(start) }
    }

    /// True if it is false whatever the comparisons that are not known give.
    pub(crate) fn is_refuted(&self, known: impl Fn(u32) -> Option<bool>, scratch: &mut Restriction) -> bool {
        // As `restrict`, but a step that stays is only told from the others, by its number, and not made.
        let leads = &mut scratch.leads;
        leads.clear();
        leads.reserve(self.steps.len());
        for (step, number) in self.steps.iter().zip(0..) {
            let to = |next: u32| leads.get(next as usize).copied().unwrap_or(next);
            let (when_true, when_false) = (to(step.when_true), to(step.when_false));
            leads.push(match known(step.leaf) {
                Some(true) => when_true,
                Some(false) => when_false,
                None if when_true == when_false => when_true,
                None => number,
            });
        }
        leads.get(self.start as usize).copied().unwrap_or(self.start) == REJECT
    }

    /// Puts the steps that are left into `scratch.steps` and gives where they start.
    fn restrict(&self, known: impl Fn(u32) -> Option<bool>, scratch: &mut Restriction) -> u32 {
        let Restriction { leads, steps, .. } = scratch;
        leads.clear();
        steps.clear();
        for step in &self.steps {
            let to = |next: u32| leads.get(next as usize).copied().unwrap_or(next);
            let (when_true, when_false) = (to(step.when_true), to(step.when_false));
            let lead = match known(step.leaf) {
                Some(true) => when_true,
                Some(false) => when_false,
                None if when_true == when_false => when_true,
                None => {
                    steps.push(Step { leaf: step.leaf, when_true, when_false });
                    steps.len() as u32 - 1
                }
            };
            leads.push(lead);
        }
        leads.get(self.start as usize).copied().unwrap_or(self.start)
    }

    /// Bytes held.
    pub(crate) fn memory(&self) -> usize {
        size_of_val(&*self.steps)
    }
}

/// Memory that is used again for each [`Program::restricted`].
#[derive(Clone, Debug, Default)]
pub(crate) struct Restriction {
    /// Where each step of the whole leads now.
    leads: Vec<u32>,
    steps: Vec<Step>,
    numbers: Vec<u32>,
}

/// For each node, how many nodes it and its parts are.
fn subtree_sizes(nodes: &[Node]) -> Vec<usize> {
    let mut sizes = Vec::with_capacity(nodes.len());
    for (i, &node) in nodes.iter().enumerate() {
        let mut size = 1;
        for _ in 0..arity(node) {
            size += sizes[i - size];
        }
        sizes.push(size);
    }
    sizes
}

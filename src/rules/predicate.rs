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
}

impl Predicate {
    pub(crate) fn new(nodes: Vec<Node>, leaves: Vec<Leaf>, warnings: Vec<Warning>) -> Predicate {
        let program = Program::new(&nodes, &leaves);
        Predicate { nodes, leaves, warnings, program }
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
    pub fn kinds(&self) -> KindSet {
        let result = fold(&self.nodes, |node, parts: &mut Vec<Possible>| match node {
            Node::Const(true) => Possible::exactly(KindSet::all()),
            Node::Const(false) => Possible::exactly(KindSet::none()),
            Node::Leaf(leaf, _) => self.leaves[leaf as usize].possible(),
            Node::Not => parts.pop().map_or_else(Possible::neutral, Possible::not),
            Node::And(_) => parts.drain(..).fold(Possible::exactly(KindSet::all()), |all, part| all.and(&part)),
            Node::Or(_) => parts.drain(..).fold(Possible::exactly(KindSet::none()), |all, part| all.or(&part)),
        });
        result.map_or_else(KindSet::none, |possible| possible.when_true)
    }

    /// Its result, if comparisons that are the same for every event decide it.
    pub fn constant(&self) -> Option<bool> {
        self.program.constant()
    }

    /// Evaluates it.
    pub fn evaluate<S: Subject + ?Sized>(&self, subject: &S) -> bool {
        self.program.run(|leaf| self.leaves[leaf as usize].evaluate(subject))
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

/// Goes through nodes with their operands before them, giving each the results of its parts in order; the result of
/// the last is that of the whole.
pub(crate) fn fold<T>(nodes: &[Node], mut f: impl FnMut(Node, &mut Vec<T>) -> T) -> Option<T> {
    let mut results: Vec<T> = Vec::new();
    let mut parts = Vec::new();
    for &node in nodes {
        let n_parts = arity(node).min(results.len());
        parts.clear();
        parts.extend(results.drain(results.len() - n_parts..));
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
#[derive(Clone, Copy, Debug)]
struct Step {
    leaf: u32,
    when_true: u32,
    when_false: u32,
}

/// A condition as steps.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    steps: Vec<Step>,
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
        let mut steps: Vec<Step> = Vec::new();
        let Some(root) = nodes.len().checked_sub(1) else { return Program { steps, start: REJECT } };
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
        Program { steps, start }
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

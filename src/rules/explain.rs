//! Why a condition is true or false of an event: every part with its result, every comparison with its values, and
//! how far from true it is.
//!
//! # Distance
//!
//! The *distance* of a condition from true, for an event, is the smallest number of comparisons whose results would
//! have to be others for the whole to be true. It is found from the parts: a comparison that has the wanted result
//! costs 0 and another one 1; *and* needs all of its parts true (the sum) or one of them false (the least); *or* the
//! other way round; *not* wants the opposite of its part. A comparison written twice counts twice. A comparison that
//! only asks for the kind of event, or always has the same result, cannot have another one for any event of this
//! kind: a condition that needs it to has no distance.

use bstr::BString;
use tracehound_fields::{FieldType, NumberFormat, Subject};

use crate::ir::LeafId;
use crate::leaf::Leaf;
use crate::predicate::{Node, Predicate, fold};
use crate::print::{self, Style};

/// A part of a condition with its result. Parts are listed before what they are made of; `depth` says which
/// belongs to which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// How many parts it is inside of.
    pub depth: usize,
    /// Its result for the event.
    pub result: bool,
    /// True for a comparison whose result has to be another for the whole to be true: as many as the distance says.
    /// Where several would do, the first as written. Never set where there is no distance.
    pub must_change: bool,
    /// What it is.
    pub part: ExplainedPart,
}

/// What a part of a condition is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExplainedPart {
    /// True if the one part after it is false.
    Not,
    /// True if all of its parts are.
    And,
    /// True if some of its parts is.
    Or,
    /// A constant.
    Const,
    /// A comparison.
    Leaf {
        /// Where it was written.
        id: LeafId,
        /// As it would be written in a rule.
        text: String,
        /// The fields or transformers that it compares, with their values as text; `None` if absent.
        values: Vec<(String, Option<BString>)>,
    },
}

/// What it takes to give a part a result: numbers of comparisons.
#[derive(Clone, Copy)]
struct Cost {
    to_true: u32,
    to_false: u32,
}

/// It cannot be had.
const NEVER: u32 = u32::MAX;

impl Cost {
    fn of_fixed(result: bool) -> Cost {
        if result { Cost { to_true: 0, to_false: NEVER } } else { Cost { to_true: NEVER, to_false: 0 } }
    }

    fn of_free(result: bool) -> Cost {
        Cost { to_true: u32::from(!result), to_false: u32::from(result) }
    }

    fn not(self) -> Cost {
        Cost { to_true: self.to_false, to_false: self.to_true }
    }

    /// Of parts that all have to be true; and the part that is made false with the least, the first of equals.
    fn all(parts: impl Iterator<Item = Cost>) -> (Cost, usize) {
        let mut sum = Cost { to_true: 0, to_false: NEVER };
        let mut cheapest = 0;
        for (i, part) in parts.enumerate() {
            sum.to_true = sum.to_true.saturating_add(part.to_true);
            if part.to_false < sum.to_false {
                (sum.to_false, cheapest) = (part.to_false, i);
            }
        }
        (sum, cheapest)
    }
}

/// A part whose own parts are still to come, last first.
struct Open {
    node: Node,
    /// How many are to come.
    left: usize,
    /// The result that it has to have; `None` if it does not matter.
    target: Option<bool>,
    /// The part that alone is changed where one is enough.
    cheapest: usize,
}

impl Open {
    /// The result that its next part has to have.
    fn target_of_part(&self) -> Option<bool> {
        let target = self.target?;
        let is_chosen = self.left.checked_sub(1) == Some(self.cheapest);
        match self.node {
            Node::Not => Some(!target),
            Node::And(_) if target || is_chosen => Some(target),
            Node::Or(_) if !target || is_chosen => Some(target),
            _ => None,
        }
    }
}

impl Predicate {
    /// How far the condition is from true for an event; see the module. `None` if no results of its comparisons
    /// could make it true for an event of this kind.
    pub fn distance<S: Subject + ?Sized>(&self, subject: &S) -> Option<u32> {
        let cost = fold(self.nodes(), |node, parts: &mut Vec<Cost>| self.cost(node, parts, subject).0);
        cost.map(|cost| cost.to_true).filter(|&n| n != NEVER)
    }

    /// What a part costs, given what its own parts do; and which of these is the cheapest where one is enough.
    fn cost<S: Subject + ?Sized>(&self, node: Node, parts: &[Cost], subject: &S) -> (Cost, usize) {
        match node {
            Node::Const(value) => (Cost::of_fixed(value), 0),
            Node::Leaf(leaf, _) => {
                let leaf = &self.leaves()[leaf as usize];
                let result = leaf.evaluate(subject);
                (if leaf.is_fixed_by_kind() { Cost::of_fixed(result) } else { Cost::of_free(result) }, 0)
            }
            Node::Not => (parts.first().map_or(Cost::of_fixed(true), |part| part.not()), 0),
            Node::And(_) => Cost::all(parts.iter().copied()),
            Node::Or(_) => {
                let (cost, cheapest) = Cost::all(parts.iter().map(|part| part.not()));
                (cost.not(), cheapest)
            }
        }
    }

    /// Every part of the condition with its result for an event, the whole first. Nothing is left out: comparisons
    /// that could not change the result are evaluated too.
    pub fn explain<S: Subject + ?Sized>(&self, subject: &S) -> Vec<Explained> {
        // Operands stand before operators: results are found forwards, depths and what has to change backwards.
        let mut found = Vec::with_capacity(self.nodes().len());
        let whole = fold(self.nodes(), |node, parts: &mut Vec<Cost>| {
            let cost = self.cost(node, parts, subject);
            found.push(cost);
            cost.0
        });
        let target = whole.filter(|cost| cost.to_true != NEVER).map(|_| true);
        let mut rows = Vec::with_capacity(found.len());
        let mut open: Vec<Open> = Vec::new();
        for (&node, &(cost, cheapest)) in self.nodes().iter().zip(&found).rev() {
            while open.last().is_some_and(|part| part.left == 0) {
                open.pop();
            }
            let depth = open.len();
            let target = match open.last_mut() {
                None => target,
                Some(parent) => {
                    let target = parent.target_of_part();
                    parent.left -= 1;
                    target
                }
            };
            // What is true costs nothing to be true, and the other way round.
            let result = cost.to_true == 0;
            let (part, n_parts) = match node {
                Node::Const(_) => (ExplainedPart::Const, 0),
                Node::Not => (ExplainedPart::Not, 1),
                Node::And(n) => (ExplainedPart::And, n as usize),
                Node::Or(n) => (ExplainedPart::Or, n as usize),
                Node::Leaf(leaf, id) => (explained_leaf(&self.leaves()[leaf as usize], id, subject), 0),
            };
            let must_change = n_parts == 0 && target.is_some_and(|target| target != result);
            if n_parts > 0 {
                open.push(Open { node, left: n_parts, target, cheapest });
            }
            rows.push(Explained { depth, result, must_change, part });
        }
        // Backwards, the parts of one part come last first.
        in_written_order(rows)
    }
}

fn explained_leaf<S: Subject + ?Sized>(leaf: &Leaf, id: LeafId, subject: &S) -> ExplainedPart {
    let style = Style { ty: FieldType::Int(64), format: NumberFormat::Dec, is_list: true };
    let values = leaf.values(subject).into_iter();
    ExplainedPart::Leaf {
        id,
        text: leaf.source().to_string(),
        values: values
            .map(|(name, value)| {
                let text = (!value.is_null()).then(|| print::text(&value, style).into_owned());
                (name, text)
            })
            .collect(),
    }
}

/// Turns the order of parts within each part around; rows come with a part before its parts.
fn in_written_order(rows: Vec<Explained>) -> Vec<Explained> {
    // The parts of each row, in the order of `rows`.
    let mut parts: Vec<Vec<usize>> = vec![Vec::new(); rows.len()];
    let mut path: Vec<usize> = Vec::new();
    for (i, row) in rows.iter().enumerate() {
        path.truncate(row.depth);
        if let Some(&parent) = path.last() {
            parts[parent].push(i);
        }
        path.push(i);
    }
    let mut rows: Vec<Option<Explained>> = rows.into_iter().map(Some).collect();
    let mut ordered = Vec::with_capacity(rows.len());
    let mut open = if rows.is_empty() { Vec::new() } else { vec![0] };
    while let Some(i) = open.pop() {
        ordered.extend(rows[i].take());
        // They stand last first, so that the one pushed last is the first as written.
        open.extend(parts[i].iter());
    }
    ordered
}

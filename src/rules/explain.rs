//! Why a condition is true or false of an event: every part with its result, every comparison with its values.

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
        /// The fields or transformers that it compares, with their values as text; `<NA>` if absent.
        values: Vec<(String, BString)>,
    },
}

impl Predicate {
    /// Every part of the condition with its result for an event, the whole first. Nothing is left out: comparisons
    /// that could not change the result are evaluated too.
    pub fn explain<S: Subject + ?Sized>(&self, subject: &S) -> Vec<Explained> {
        // Operands stand before operators: results are found forwards, depths backwards.
        let mut results = Vec::with_capacity(self.nodes().len());
        fold(self.nodes(), |node, parts: &mut Vec<bool>| {
            let result = match node {
                Node::Const(value) => value,
                Node::Leaf(leaf, _) => self.leaves()[leaf as usize].evaluate(subject),
                Node::Not => parts.iter().all(|part| !part),
                Node::And(_) => parts.iter().all(|&part| part),
                Node::Or(_) => parts.iter().any(|&part| part),
            };
            results.push(result);
            result
        });
        let mut rows = Vec::with_capacity(results.len());
        // Numbers of parts still to come at each depth.
        let mut open: Vec<usize> = Vec::new();
        for (&node, &result) in self.nodes().iter().zip(&results).rev() {
            while open.last() == Some(&0) {
                open.pop();
            }
            let depth = open.len();
            if let Some(left) = open.last_mut() {
                *left -= 1;
            }
            let (part, n_parts) = match node {
                Node::Const(_) => (ExplainedPart::Const, 0),
                Node::Not => (ExplainedPart::Not, 1),
                Node::And(n) => (ExplainedPart::And, n as usize),
                Node::Or(n) => (ExplainedPart::Or, n as usize),
                Node::Leaf(leaf, id) => (explained_leaf(&self.leaves()[leaf as usize], id, subject), 0),
            };
            if n_parts > 0 {
                open.push(n_parts);
            }
            rows.push(Explained { depth, result, part });
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
        values: values.map(|(name, value)| (name, print::text(&value, style).into_owned())).collect(),
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

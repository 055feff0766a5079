//! Why a query matched, or did not: the truth of each comparison, with the values it looked at.

use tracehound_fields::Value;

use super::Query;
use super::ast::{Clause, Node, NodeKind};
use super::eval::Walk;
use super::matcher::text_of;
use super::subject::Subject;

/// A query that was evaluated on a subject.
#[derive(Clone, Debug)]
pub struct Explained<'q> {
    /// True if the subject matches.
    pub is_match: bool,
    /// Every comparison in the order it was written; what stands inside `same()` is told by the `same()`.
    pub clauses: Vec<ExplainedClause<'q>>,
}

/// A comparison that was evaluated.
#[derive(Clone, Debug)]
pub struct ExplainedClause<'q> {
    /// The comparison.
    pub clause: &'q Clause,
    /// Its truth by itself; under a negation the query wants it false.
    pub is_true: bool,
    /// True if the result rests on it: of an `AND` that failed the parts that failed, of an `OR` that matched the
    /// parts that matched, and all parts otherwise.
    pub is_decisive: bool,
    /// The values it was compared with, as text, at most [`MAX_VALUES`]; none if there is no value. For `*:` none are
    /// told.
    pub values: Vec<Vec<u8>>,
    /// How many values there were.
    pub n_values: usize,
}

/// Values that an explanation holds for one comparison.
pub const MAX_VALUES: usize = 100;

impl ExplainedClause<'_> {
    /// True if the query got what it wanted of this comparison.
    pub fn is_satisfied(&self) -> bool {
        self.is_true != self.clause.is_negated
    }
}

impl Query {
    /// Evaluates every comparison, also those that do not change the result.
    pub fn explain(&self, subject: &dyn Subject) -> Explained<'_> {
        let walk = Walk::new(self, subject);
        let mut clauses = Vec::new();
        let is_match = walk.explain(&self.root, &mut clauses);
        Explained { is_match, clauses }
    }
}

impl<'q> Walk<'q, '_> {
    fn explain(&self, node: &Node, out: &mut Vec<ExplainedClause<'q>>) -> bool {
        match &node.kind {
            NodeKind::All => true,
            NodeKind::And(parts) => self.explain_parts(parts, false, out),
            NodeKind::Or(parts) => self.explain_parts(parts, true, out),
            NodeKind::Not(part) => !self.explain(part, out),
            NodeKind::Clause(i) => {
                let clause = &self.query.clauses[*i];
                let (mut values, mut n_values) = (Vec::new(), 0);
                for value in self.values(&clause.key) {
                    push_texts(&value, &mut values, &mut n_values);
                }
                let is_true = self.clause(clause);
                out.push(ExplainedClause { clause, is_true, is_decisive: true, values, n_values });
                is_true
            }
        }
    }

    /// Parts of an `AND` (`absorbing` false) or an `OR` (true): one that is absorbing decides alone.
    fn explain_parts(&self, parts: &[Node], absorbing: bool, out: &mut Vec<ExplainedClause<'q>>) -> bool {
        let first = out.len();
        let parts: Vec<(usize, bool)> = parts
            .iter()
            .map(|part| {
                let start = out.len();
                (start, self.explain(part, out))
            })
            .collect();
        let is_absorbed = parts.iter().any(|&(_, is_true)| is_true == absorbing);
        if is_absorbed {
            let ends = parts.iter().skip(1).map(|&(start, _)| start).chain([out.len()]);
            let ranges: Vec<_> = parts.iter().zip(ends).map(|(&(start, truth), end)| (start..end, truth)).collect();
            for (range, truth) in ranges {
                if truth != absorbing {
                    out[range].iter_mut().for_each(|clause| clause.is_decisive = false);
                }
            }
        }
        debug_assert!(out.len() >= first);
        is_absorbed == absorbing
    }
}

fn push_texts(value: &Value<'_>, out: &mut Vec<Vec<u8>>, n: &mut usize) {
    match value {
        Value::List(values) => values.iter().for_each(|value| push_texts(value, out, n)),
        other => {
            if let Some(text) = text_of(other) {
                *n += 1;
                if out.len() < MAX_VALUES {
                    out.push(text.into_owned());
                }
            }
        }
    }
}

//! The plain walk over a query: the oracle of every faster way.

use std::borrow::Cow;

use tracehound_fields::Value;

use super::ast::{Clause, Key, Node, NodeKind, Test};
use super::subject::{Cached, Subject};
use super::{Query, names};
use crate::attributes::{self, Elements};

impl Query {
    /// True if the subject matches.
    pub fn matches(&self, subject: &dyn Subject) -> bool {
        Walk { query: self, subject, ancestor: None }.node(&self.root)
    }
}

/// One evaluation.
#[derive(Clone, Copy)]
pub(super) struct Walk<'q, 's> {
    pub(super) query: &'q Query,
    pub(super) subject: &'s dyn Subject,
    /// Set inside `same()`: only this ancestor is asked.
    ancestor: Option<usize>,
}

impl<'q, 's> Walk<'q, 's> {
    pub(super) fn new(query: &'q Query, subject: &'s dyn Subject) -> Walk<'q, 's> {
        Walk { query, subject, ancestor: None }
    }

    // Recursion is bounded: the parser refuses queries that are nested deeper than `MAX_DEPTH`.
    pub(super) fn node(&self, node: &Node) -> bool {
        match &node.kind {
            NodeKind::All => true,
            NodeKind::And(parts) => parts.iter().all(|part| self.node(part)),
            NodeKind::Or(parts) => parts.iter().any(|part| self.node(part)),
            NodeKind::Not(part) => !self.node(part),
            NodeKind::Clause(i) => self.clause(&self.query.clauses[*i]),
        }
    }

    /// Truth of a clause by itself, negation not regarded.
    pub(super) fn clause(&self, clause: &Clause) -> bool {
        let Clause { key, test, matcher, .. } = clause;
        match (key, test) {
            (_, Test::Same(inner)) => self.same(inner),
            (Key::Unknown(_), _) => false,
            (Key::Message, _) => matcher.is_found(test, &self.subject.get(key)),
            (Key::Everything, _) => self.everything(|value| matcher.is_found(test, value)),
            (Key::AnyOfAncestors, _) => names::of_ancestors().any(|attribute| {
                let value = self.subject.get(&Key::Attribute(attribute.id));
                matcher.holds(test, self.of_ancestor(&value), attribute.elements)
            }),
            (Key::Attribute(id), _) => {
                let value = self.subject.get(key);
                matcher.holds(test, self.of_ancestor(&value), attributes::get(*id).elements)
            }
            (Key::Tag(_) | Key::Tags, _) => matcher.holds(test, &self.subject.get(key), Elements::Plain),
        }
    }

    /// The value of the ancestor that `same()` is about; the whole value outside of it.
    fn of_ancestor<'v>(&self, value: &'v Value<'v>) -> &'v Value<'v> {
        match (self.ancestor, value) {
            (Some(i), Value::List(values)) => values.get(i).unwrap_or(&Value::Null),
            _ => value,
        }
    }

    fn same(&self, inner: &Node) -> bool {
        // Each value is made once, and not once an ancestor.
        let cached = Cached::new(self.subject);
        let n_ancestors = Walk::new(self.query, &cached).n_ancestors(inner);
        (0..n_ancestors).any(|i| Walk { query: self.query, subject: &cached, ancestor: Some(i) }.node(inner))
    }

    /// How many ancestors the attributes have values for that a part names.
    fn n_ancestors(&self, node: &Node) -> usize {
        let len = |value: &Value<'_>| match value {
            Value::List(values) => values.len(),
            _ => 0,
        };
        match &node.kind {
            NodeKind::All => 0,
            NodeKind::And(parts) | NodeKind::Or(parts) => {
                parts.iter().map(|part| self.n_ancestors(part)).max().unwrap_or(0)
            }
            NodeKind::Not(part) => self.n_ancestors(part),
            NodeKind::Clause(i) => {
                let values = self.values(&self.query.clauses[*i].key);
                values.iter().map(|value| len(value)).max().unwrap_or(0)
            }
        }
    }

    /// True if `is_it` holds of the message, of a tag or of an attribute.
    fn everything(&self, is_it: impl Fn(&Value<'_>) -> bool) -> bool {
        let keys = [Key::Message, Key::Tags];
        keys.iter().any(|key| is_it(&self.subject.get(key)))
            || names::answered().any(|attribute| is_it(&self.subject.get(&Key::Attribute(attribute.id))))
    }

    /// Every value that a clause looks at, for an explanation.
    pub(super) fn values(&self, key: &Key) -> Vec<Cow<'s, Value<'s>>> {
        match key {
            Key::Unknown(_) | Key::Everything => Vec::new(),
            Key::AnyOfAncestors => {
                names::of_ancestors().map(|attribute| self.subject.get(&Key::Attribute(attribute.id))).collect()
            }
            key => vec![self.subject.get(key)],
        }
    }
}

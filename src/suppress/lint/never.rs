//! Queries that nothing can match.

use tracehound_lang::Span;

use crate::attributes::{self, Elements};
use crate::query::{Clause, Key, Node, NodeKind, Query, Test};

/// Why nothing can match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Never {
    /// The part that cannot be true, in the text of the query.
    pub(super) span: Span,
    /// The part that it contradicts, if it does.
    pub(super) other: Option<Span>,
    /// In words.
    pub(super) why: String,
}

/// A reason why nothing can match a query, if one is known. Cheap checks only: `None` promises nothing.
pub(super) fn never(query: &Query) -> Option<Never> {
    node(query, query.root())
}

// Recursion is bounded as the parser bounds the depth of queries.
fn node(query: &Query, of: &Node) -> Option<Never> {
    match &of.kind {
        NodeKind::All => None,
        NodeKind::Not(part) => matches!(part.kind, NodeKind::All).then(|| Never {
            span: of.span,
            other: None,
            why: "everything is excluded".to_owned(),
        }),
        NodeKind::Or(parts) => {
            let mut first = None;
            for part in parts {
                let why = node(query, part)?;
                first.get_or_insert(why);
            }
            first
        }
        NodeKind::And(parts) => parts.iter().find_map(|part| node(query, part)).or_else(|| contradiction(query, parts)),
        NodeKind::Clause(i) => query.clauses().get(*i).and_then(clause),
    }
}

fn clause(clause: &Clause) -> Option<Never> {
    let because = |why: String| Some(Never { span: clause.span, other: None, why });
    match (&clause.key, &clause.test) {
        (Key::Unknown(name), _) => because(format!("no signal has an attribute `{name}`")),
        (Key::Attribute(id), _) if let Some(why) = attributes::get(*id).missing() => {
            because(format!("no trace has a value of `{}`: {why}", attributes::get(*id).name))
        }
        (_, Test::Range { low, high }) => {
            let number = |text: Option<&str>| text.and_then(|text| text.parse::<f64>().ok());
            let (low, high) = (number(low.text())?, number(high.text())?);
            if low > high {
                because("the range is empty: its lower bound is above its upper one".to_owned())
            } else {
                None
            }
        }
        _ => None,
    }
}

/// Two parts of an `AND` that exclude each other: a thing with one value that is to have two, or a term and its
/// negation.
fn contradiction(query: &Query, parts: &[Node]) -> Option<Never> {
    let of = |node: &Node| match &node.kind {
        NodeKind::Clause(i) => query.clauses().get(*i),
        _ => None,
    };
    // A conjunction of hundreds of terms is not looked at as a whole: pairs grow with the square.
    let wanted: Vec<&Clause> = parts.iter().filter_map(of).take(200).collect();
    let excluded = parts.iter().filter_map(|part| match &part.kind {
        NodeKind::Not(inner) => of(inner),
        _ => None,
    });
    for excluded in excluded.take(200) {
        if let Some(wanted) = wanted.iter().find(|wanted| wanted.key == excluded.key && wanted.test == excluded.test) {
            return Some(Never {
                span: excluded.span,
                other: Some(wanted.span),
                why: "it is wanted and excluded".to_owned(),
            });
        }
    }
    for (i, a) in wanted.iter().enumerate() {
        for b in wanted[i + 1..].iter().filter(|b| b.key == a.key && has_one_value(&a.key)) {
            if excludes(&a.test, &b.test) {
                let why = format!("{} has one value, which cannot be both", name(&a.key));
                return Some(Never { span: b.span, other: Some(a.span), why });
            }
        }
    }
    None
}

fn excludes(a: &Test, b: &Test) -> bool {
    let text = |test: &Test| match test {
        Test::Term(pattern) => pattern.as_text().map(str::to_owned),
        Test::Phrase(text) => Some(text.clone()),
        _ => None,
    };
    match (text(a), text(b), a, b) {
        (Some(a), Some(b), ..) => a != b,
        (Some(text), None, _, Test::Term(pattern)) | (None, Some(text), Test::Term(pattern), _) => {
            !pattern.matches(text.as_bytes())
        }
        _ => false,
    }
}

/// True for attributes of which a signal about one event has one value.
fn has_one_value(key: &Key) -> bool {
    let Key::Attribute(id) = key else { return false };
    let attribute = attributes::get(*id);
    let name = attribute.name.as_ref();
    let last = name.rsplit('.').next().unwrap_or(name);
    attribute.elements == Elements::Plain
        && !name.contains(".ancestors.")
        && (name.starts_with("@process.") || name.starts_with("@file.") || name == "host")
        && ["comm", "user", "uid", "group", "gid", "pid", "ppid", "path", "name", "cwd", "host"].contains(&last)
}

fn name(key: &Key) -> &'static str {
    match key {
        Key::Attribute(id) => attributes::get(*id).name.as_ref(),
        _ => "this",
    }
}

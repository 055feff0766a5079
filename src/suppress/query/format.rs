//! A query as canonical text: names in their own spelling, escapes only where needed, lists written as lists.

use std::fmt::{self, Write};

use super::Query;
use super::ast::{Bound, Clause, Key, Node, NodeKind, Test};
use super::names;
use super::pattern::{Pattern, Piece};
use crate::attributes;

impl fmt::Display for Query {
    /// Text that reads back as the same query: `parse(q.to_string()) == q`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Printer { query: self, is_same: false }.node(f, &self.root, Place::Top)
    }
}

/// Where a part stands, and so whether it needs parentheses.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Top,
    InAnd,
    InOr,
    Negated,
}

#[derive(Clone, Copy)]
struct Printer<'q> {
    query: &'q Query,
    /// Names are those of an ancestor's attributes.
    is_same: bool,
}

impl Printer<'_> {
    fn node(&self, f: &mut fmt::Formatter<'_>, node: &Node, place: Place) -> fmt::Result {
        match &node.kind {
            NodeKind::All => f.write_str("*:*"),
            NodeKind::Clause(i) => self.clause(f, &self.query.clauses[*i]),
            NodeKind::Not(part) => {
                f.write_char('-')?;
                self.node(f, part, Place::Negated)
            }
            NodeKind::And(parts) => parenthesised(f, place != Place::Top, |f| {
                for (i, part) in parts.iter().enumerate() {
                    f.write_str(if i == 0 { "" } else { " " })?;
                    self.node(f, part, Place::InAnd)?;
                }
                Ok(())
            }),
            NodeKind::Or(parts) => self.or(f, parts, place),
        }
    }

    /// Neighbours that ask the same thing are written as a list.
    fn or(&self, f: &mut fmt::Formatter<'_>, parts: &[Node], place: Place) -> fmt::Result {
        let runs: Vec<&[Node]> = parts.chunk_by(|a, b| self.is_list(a, b)).collect();
        parenthesised(f, place != Place::Top && runs.len() > 1, |f| {
            for (i, run) in runs.iter().enumerate() {
                f.write_str(if i == 0 { "" } else { " OR " })?;
                match (run, self.listed(&run[0])) {
                    ([one], _) => self.node(f, one, Place::InOr)?,
                    (run, Some(clause)) => {
                        self.key(f, &clause.key)?;
                        f.write_char('(')?;
                        for (i, part) in run.iter().enumerate() {
                            f.write_str(if i == 0 { "" } else { " OR " })?;
                            if let Some(clause) = self.listed(part) {
                                test(f, &clause.test)?;
                            }
                        }
                        f.write_char(')')?;
                    }
                    // `is_list` holds for clauses only.
                    (_, None) => {}
                }
            }
            Ok(())
        })
    }

    fn is_list(&self, a: &Node, b: &Node) -> bool {
        matches!((self.listed(a), self.listed(b)), (Some(a), Some(b)) if a.key == b.key)
    }

    /// The clause, if it can stand in a list.
    fn listed(&self, node: &Node) -> Option<&Clause> {
        let NodeKind::Clause(i) = node.kind else { return None };
        let clause = &self.query.clauses[i];
        let is_plain = !matches!(clause.test, Test::Cidr(_) | Test::Same(_));
        (is_plain && clause.key != Key::Message).then_some(clause)
    }

    fn clause(&self, f: &mut fmt::Formatter<'_>, clause: &Clause) -> fmt::Result {
        match &clause.test {
            Test::Cidr(networks) => {
                f.write_str("CIDR(")?;
                let name = self.name(&clause.key);
                f.write_str(name.strip_suffix(':').unwrap_or(&name))?;
                networks.iter().try_for_each(|network| write!(f, ",{network}"))?;
                f.write_char(')')
            }
            Test::Same(inner) => {
                f.write_str("same(@process.ancestors; ")?;
                Printer { is_same: true, ..*self }.node(f, inner, Place::Top)?;
                f.write_char(')')
            }
            other => {
                self.key(f, &clause.key)?;
                test(f, other)
            }
        }
    }

    fn key(&self, f: &mut fmt::Formatter<'_>, key: &Key) -> fmt::Result {
        f.write_str(&self.name(key))
    }

    /// The name and its `:`.
    fn name(&self, key: &Key) -> String {
        match key {
            Key::Attribute(id) => {
                let name = attributes::get(*id).name.as_ref();
                let name = if self.is_same { name.strip_prefix(names::ANCESTORS).unwrap_or(name) } else { name };
                format!("{name}:")
            }
            Key::Unknown(name) => {
                let name = if self.is_same { name.strip_prefix(names::ANCESTORS).unwrap_or(name) } else { name };
                let (at, rest) = name.split_at(usize::from(name.starts_with('@')));
                format!("{at}{}:", escaped(rest))
            }
            Key::Tag(key) if matches!(key.as_str(), "_exists_" | "_missing_") => format!("\\{key}:"),
            Key::Tag(key) => format!("{}:", escaped(key)),
            Key::Tags => "tags:".to_owned(),
            Key::Message => String::new(),
            Key::Everything => "*:".to_owned(),
            Key::AnyOfAncestors => format!("{}*:", names::ANCESTORS),
        }
    }
}

fn parenthesised(
    f: &mut fmt::Formatter<'_>,
    is_needed: bool,
    write: impl FnOnce(&mut fmt::Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    f.write_str(if is_needed { "(" } else { "" })?;
    write(f)?;
    f.write_str(if is_needed { ")" } else { "" })
}

fn test(f: &mut fmt::Formatter<'_>, test: &Test) -> fmt::Result {
    match test {
        Test::Exists => f.write_char('*'),
        Test::Term(pattern) => f.write_str(&term(pattern)),
        Test::Phrase(text) => f.write_str(&quoted(text)),
        Test::Range { low, high: Bound::Unbounded } if *low != Bound::Unbounded => match low {
            Bound::Inclusive(text) => write!(f, ">={}", bound(text)),
            Bound::Exclusive(text) => write!(f, ">{}", bound(text)),
            Bound::Unbounded => Ok(()),
        },
        Test::Range { low: Bound::Unbounded, high: Bound::Inclusive(text) } => write!(f, "<={}", bound(text)),
        Test::Range { low: Bound::Unbounded, high: Bound::Exclusive(text) } => write!(f, "<{}", bound(text)),
        Test::Range { low, high } => {
            let text = |end: &Bound| end.text().map_or_else(|| "*".to_owned(), bound);
            let open = if matches!(low, Bound::Exclusive(_)) { '{' } else { '[' };
            let close = if matches!(high, Bound::Exclusive(_)) { '}' } else { ']' };
            write!(f, "{open}{} TO {}{close}", text(low), text(high))
        }
        // Printed with their key.
        Test::Cidr(_) | Test::Same(_) => Ok(()),
    }
}

fn term(pattern: &Pattern) -> String {
    let mut out = String::new();
    for piece in pattern.pieces() {
        match piece {
            Piece::Text(text) => escape(text, &mut out),
            Piece::Run => out.push('*'),
            Piece::One => out.push('?'),
        }
    }
    // An operator, unless it is escaped; in lower case a reader would take it for one.
    if matches!(out.as_str(), "AND" | "OR" | "NOT" | "TO" | "and" | "or" | "not") {
        out.insert(0, '\\');
    }
    // A term cannot be nothing.
    if out.is_empty() { "\"\"".to_owned() } else { out }
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    escape(text, &mut out);
    out
}

/// Appends text with `\` before what has a meaning. `+`, `-` and `=` have one only at the start of a term.
fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        let is_special = match c {
            '+' | '-' | '=' => out.is_empty(),
            '&' | '|' | '>' | '<' | '!' | '(' | ')' | '{' | '}' | '[' | ']' | '^' | '"' | '~' | '*' | '?' | ':'
            | '\\' | '#' => true,
            c => c.is_whitespace(),
        };
        if is_special {
            out.push('\\');
        }
        out.push(c);
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

/// The end of a range: in quotes unless it is plain.
fn bound(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '/' | '-');
    if !text.is_empty() && text != "TO" && text.chars().all(is_plain) { text.to_owned() } else { quoted(text) }
}

/// A value as a term that matches it and nothing else, for those who write queries.
pub fn exact_term(value: &str) -> String {
    term(&Pattern::text(value))
}

//! The search language of Datadog, as suppressions and rule filters use it.
//!
//! ```text
//! query   := and { ("OR" | "||") and }
//! and     := unary { [ "AND" | "&&" ] unary }
//! unary   := [ "NOT" | "-" | "+" ] clause
//! clause  := "*:*" | [ field ":" ] value | [ field ":" ] "(" query ")" | "(" query ")"
//!          | "CIDR(" field { "," network } ")" | "same(@process.ancestors;" query ")"
//! value   := "*" | '"' text '"' | ("[" | "{") bound "TO" bound ("]" | "}") | (">=" | "<=" | ">" | "<") bound | term
//! field   := "@" attribute | tag key | "*" | "_exists_" | "_missing_"
//! ```
//!
//! * `AND` binds tighter than `OR`; two clauses side by side are `AND`. Operators are upper case only.
//! * A list distributes its field: `env:(prod OR stage)`. A field inside a list overrides it.
//! * `*` and `?` are wildcards over the whole value, `/` included; in quotes they are themselves, and so after `\`.
//! * Values are compared with case, names too; free text and `*:` without.
//! * Of several values (arguments, ancestors, tags) any may match; `-` negates that: none may.
//! * A value with a blank is also compared with all arguments joined, so that a command line can be pasted.
//! * Ranges compare numbers, addresses and releases (`@host.kernel`) as such, other values as bytes.
//! * An absent value matches nothing, and so `-attr:x` holds without one.
//!
//! Sources: Datadog's documentation of the search syntax and the public grammar of Vector (`vrl`,
//! `src/datadog/search/grammar.pest`), with what is ours marked as not portable. Neither suppressions nor signals are
//! known here: a query asks a [`Subject`].

mod ast;
mod eval;
mod explain;
mod format;
mod matcher;
mod names;
mod parse;
mod pattern;
mod release;
mod subject;

pub use ast::{Bound, Clause, Key, Network, Node, NodeKind, Test};
pub use explain::{Explained, ExplainedClause, MAX_VALUES};
pub use format::exact_term;
pub use parse::{MAX_CLAUSES, MAX_DEPTH, MAX_LEN, parse};
pub use pattern::{Pattern, Piece};
pub use subject::Subject;

pub(crate) use matcher::{Forms, keys_of, text_of};
pub(crate) use subject::Cached;

/// How strictly a query is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// What can mean only one thing is taken so, with a remark: `@process.args:+x`. An attribute that does not exist
    /// is a warning.
    #[default]
    Lenient,
    /// What other tools may refuse or understand otherwise is an error, and so is an attribute that does not exist.
    Strict,
}

/// A query that was read.
#[derive(Clone, Debug)]
pub struct Query {
    text: String,
    root: Node,
    clauses: Vec<Clause>,
}

impl Query {
    /// The query as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its tree.
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// All comparisons in the order they were written, those inside `same()` before the `same()` itself.
    pub fn clauses(&self) -> &[Clause] {
        &self.clauses
    }

    /// True for a query that everything matches because it says nothing: an empty one, or `*:*`. A suppression must
    /// not be made of it.
    pub fn is_all(&self) -> bool {
        matches!(self.root.kind, NodeKind::All)
    }
}

impl PartialEq for Query {
    /// Equal in meaning as written: places, blanks, parentheses and spellings do not count.
    fn eq(&self, other: &Query) -> bool {
        self.root == other.root && self.clauses == other.clauses
    }
}

impl PartialEq for Node {
    /// Ignores places.
    fn eq(&self, other: &Node) -> bool {
        match (&self.kind, &other.kind) {
            (NodeKind::All, NodeKind::All) => true,
            (NodeKind::And(a), NodeKind::And(b)) | (NodeKind::Or(a), NodeKind::Or(b)) => a == b,
            (NodeKind::Not(a), NodeKind::Not(b)) => a == b,
            (NodeKind::Clause(a), NodeKind::Clause(b)) => a == b,
            _ => false,
        }
    }
}

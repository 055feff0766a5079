//! The syntax tree of a condition. Ranges are byte offsets in the condition's expanded text.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use tracehound_rules::{Modifier, Op, Transform, UntypedLeaf};

use crate::text::Text;

/// A condition, parsed.
#[derive(Debug)]
pub struct Condition {
    /// The text that was parsed: lists expanded.
    pub text: Text,
    /// The tree.
    pub ast: Ast,
    /// Its comparisons, in order of appearance.
    pub checks: Vec<Check>,
}

/// A node of the tree.
#[derive(Clone, Debug, PartialEq)]
pub enum Ast {
    /// All are true.
    And(Vec<Ast>),
    /// One is true.
    Or(Vec<Ast>),
    /// It is false.
    Not(Box<Ast>),
    /// A macro's name.
    Macro(String, Range<usize>),
    /// A comparison: index into [`Condition::checks`].
    Check(u32),
}

impl Ast {
    /// Names of macros with their places, in order of appearance.
    pub fn macros(&self) -> Vec<(&str, Range<usize>)> {
        let mut out = Vec::new();
        self.visit_macros(&mut |name, range| out.push((name, range)));
        out
    }

    /// The depth of the tree is bounded by the parser.
    fn visit_macros<'a>(&'a self, f: &mut impl FnMut(&'a str, Range<usize>)) {
        match self {
            Ast::And(parts) | Ast::Or(parts) => parts.iter().for_each(|part| part.visit_macros(f)),
            Ast::Not(part) => part.visit_macros(f),
            Ast::Macro(name, range) => f(name, range.clone()),
            Ast::Check(_) => {}
        }
    }

    /// Number of nodes and height, when a macro's name counts as `of_macro` says.
    pub fn size(&self, of_macro: &impl Fn(&str) -> (usize, usize)) -> (usize, usize) {
        match self {
            Ast::And(parts) | Ast::Or(parts) => {
                parts.iter().map(|part| part.size(of_macro)).fold((1, 1), |(n, height), (n2, height2)| {
                    (n.saturating_add(n2), height.max(height2.saturating_add(1)))
                })
            }
            Ast::Not(part) => {
                let (n, height) = part.size(of_macro);
                (n.saturating_add(1), height.saturating_add(1))
            }
            Ast::Macro(name, _) => of_macro(name),
            Ast::Check(_) => (1, 1),
        }
    }
}

/// A comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// All of it.
    pub range: Range<usize>,
    /// Left side.
    pub lhs: Operand,
    /// Operator.
    pub op: Op,
    /// Place of the operator, with its modifier.
    pub op_range: Range<usize>,
    /// `oneof`, `anyof`, `allof`.
    pub modifier: Option<Modifier>,
    /// Right side.
    pub rhs: Rhs,
    /// The comparison in the language-neutral form, once that was made and there was nothing to say about it: rules
    /// that bring it with a macro share it.
    pub lowered: OnceLock<Arc<UntypedLeaf>>,
}

/// A field, a transformer, or an argument of one.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// `name` or `name[arg]`.
    Field {
        /// Name.
        name: String,
        /// Argument, decoded.
        arg: Option<Vec<u8>>,
        /// Place.
        range: Range<usize>,
    },
    /// `tolower(…)`.
    Call {
        /// Which.
        transform: Transform,
        /// Arguments.
        args: Vec<Operand>,
        /// `[c]` behind it.
        index: Option<Vec<u8>>,
        /// Place.
        range: Range<usize>,
    },
    /// A constant.
    Const(Value),
    /// A parenthesised list.
    List(Vec<Operand>, Range<usize>),
}

impl Operand {
    /// Its place.
    pub fn range(&self) -> Range<usize> {
        match self {
            Operand::Field { range, .. } | Operand::Call { range, .. } | Operand::List(_, range) => range.clone(),
            Operand::Const(value) => value.range.clone(),
        }
    }
}

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// Decoded.
    pub bytes: Vec<u8>,
    /// True if it was in quotes.
    pub is_quoted: bool,
    /// Place.
    pub range: Range<usize>,
}

/// Right side of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub enum Rhs {
    /// None (`exists`).
    None,
    /// One constant.
    Value(Value),
    /// `(a, b)`.
    List(Vec<Value>, Range<usize>),
    /// `val(field)` or a transformer.
    Operand(Operand),
}

impl Rhs {
    /// Its place.
    pub fn range(&self) -> Option<Range<usize>> {
        match self {
            Rhs::None => None,
            Rhs::Value(value) => Some(value.range.clone()),
            Rhs::List(_, range) => Some(range.clone()),
            Rhs::Operand(operand) => Some(operand.range()),
        }
    }

    /// Its constants.
    pub fn values(&self) -> &[Value] {
        match self {
            Rhs::Value(value) => std::slice::from_ref(value),
            Rhs::List(values, _) => values,
            _ => &[],
        }
    }
}

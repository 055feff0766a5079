//! Language-neutral rules: typed conditions, planning, matching.
//!
//! A rule knows fields' names, types and values only: this crate sees neither events nor history.
//!
//! A language gives [`Rule`]s with conditions of untyped comparisons ([`ir`]); [`compile()`] checks them and gives a
//! [`Predicate`]. [`RuleSet::plan`] makes rules ready to be asked by kind of event, a [`Matcher`] asks them, and
//! [`Output`] gives the text and the fields of a match.

pub mod compile;
pub mod error;
pub mod explain;
pub mod ir;
pub mod kinds;
pub mod ops;
pub mod output;
pub mod plan;
pub mod predicate;
pub mod quirks;
pub mod scheme;

mod bits;
mod constant;
mod leaf;
mod matcher;
mod onepass;
mod operand;
mod print;
mod question;
mod services;
mod union;
mod values;
mod walk;

pub use compile::{Compilation, check_operator, check_output, compile, compile_with, operators_of};
pub use error::{OperandType, RegexError, TypeError, TypeErrorKind};
pub use explain::{Explained, ExplainedPart};
pub use ir::{Expr, LeafId, Modifier, Op, Operand, Origin, OutputPart, Priority, Rhs, Rule, Transform, UntypedLeaf};
pub use kinds::KindSet;
pub use leaf::Leaf;
pub use matcher::Matcher;
pub use operand::DependsSet;
pub use output::Output;
pub use plan::{PlannedRule, Policy, RuleErrors, RuleId, RuleSet, SelectBy, Selection};
pub use predicate::Predicate;
pub use quirks::{Quirk, Told, Warning, WarningKind};
pub use scheme::{Catalogue, FieldTraits, Scheme};
pub use union::Union;

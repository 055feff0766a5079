//! Language-neutral rules: typed conditions, planning, matching.
//!
//! A rule knows fields' names, types and values only: this crate sees neither events nor history.

pub mod ir;

pub use ir::{Expr, LeafId, Modifier, Op, Operand, Origin, OutputPart, Priority, Rhs, Rule, Transform, UntypedLeaf};

//! Conditions: text to syntax tree. Specification: section 2.
//!
//! Neither fields nor types are known here; [`super::lower`] resolves them.

pub mod ast;
pub mod lexer;
pub mod parser;

pub use ast::{Ast, Check, Condition, Operand, Rhs, Value};
pub use parser::{ParseError, parse, parse_operand_prefix};

//! Operators: what a comparison does with one value.
//!
//! Every operator takes bytes and runs in time linear in the value (times the pattern, for `glob`): values come
//! from the traced machine and may be chosen by an attacker.

pub mod glob;
pub mod path;
pub mod regex;
pub mod text;

mod number;
mod test;

pub(crate) use number::Order;
pub(crate) use test::{Cidr, Test, TextTest, boolean, double, ip, number as number_of, parse_ip, text as bytes_of};

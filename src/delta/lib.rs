//! Two sets of rules and suppressions compared by what they say of the same traces.
//!
//! [`definitions`] compares what was written: rules, with what changed them though they themselves stand (a macro, a
//! list), and suppressions. [`signals`] compares what fired on one trace. A [`Comparison`] is both over all traces,
//! [`output`] prints it.
//!
//! What this crate leaves out: it never opens a trace and never runs a rule; both sides' signals come from one replay.

pub mod comparison;
pub mod definitions;
pub mod output;
pub mod signals;
pub mod text;

pub use comparison::{Comparison, Gate, Group, Label, Names, Tally, Trace};
pub use definitions::{Aspect, DefinitionDelta, Definitions, Pairs, RuleDelta, Side, Status, SuppressionDelta};
pub use signals::{Change, Entry, Kind, TraceDelta};

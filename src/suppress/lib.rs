//! Queries over signals: what an analyst calls noise, and what it is told by.
//!
//! [`attributes`] is the catalogue of what a query can name, and [`SignalView`] its values for one signal, as of the
//! event that the signal is about. [`query`] is the search language: parsed with spans, printed, evaluated, explained.
//! [`plan`] evaluates many queries at once. Neither the language nor the catalogue knows what a suppression is, so
//! that other verbs select by the same queries.

pub mod apply;
pub mod attributes;
pub mod ephemeral;
pub mod files;
pub mod lint;
pub mod plan;
pub mod query;
pub mod shared;
pub mod suggest;

pub use apply::{Clock, Judgement, SuppressionSet};
pub use attributes::{ATTRIBUTES, Attribute, AttributeId, Collected, ExtraTags, RuleView, SignalView, lookup};
pub use plan::{Entry, Plan};
pub use query::{Key, Mode, Query, Subject};

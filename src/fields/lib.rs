//! The catalogue of everything a rule, report or suppression can name, and how it is read from the history.
//!
//! One file a family of fields; [`FAMILIES`] lists them. This is the only crate that sees both history and what
//! rules may ask.

pub mod catalogue;
pub mod field;
pub mod rawarg;
pub mod subject;
pub mod value;
pub mod view;

pub mod proc;

pub use catalogue::{FieldId, FieldRef, ResolveError, resolve};
pub use field::{ArgKind, ArgPolicy, Depends, Example, Field, FieldArg, Multiplicity, Needs, NumberFormat, flags};
pub use rawarg::value_type;
pub use subject::Subject;
pub use value::{FieldType, Value};
pub use view::{ContainerOverride, Context, View};

/// A family of fields: one file.
pub struct Family {
    /// Name, as `rules fields` groups them.
    pub name: &'static str,
    /// One sentence.
    pub doc: &'static str,
    /// Fields in the order they are listed.
    pub fields: &'static [Field],
}

/// All families, in the order they are listed.
pub static FAMILIES: &[&Family] = &[&proc::FAMILY];

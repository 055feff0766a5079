//! The catalogue of everything a rule, report or suppression can name, and how it is read from the history.
//!
//! One file a family of fields; [`FAMILIES`] lists them. This is the only crate that sees both history and what
//! rules may ask.

pub mod actor;
pub mod capabilities;
pub mod catalogue;
pub mod describe;
pub mod features;
pub mod field;
pub mod path;
pub mod print;
pub mod rawarg;
pub mod subject;
pub mod time;
pub mod value;
pub mod view;

pub mod container;
pub mod evt;
pub mod fd;
pub mod fdlist;
pub mod fs_path;
pub mod group;
pub mod k8s;
pub mod proc;
pub mod thread;
pub mod user;
pub mod util;

mod evt_args;
pub mod examples;
mod lookup;
mod mount_pattern;
mod proc_tree;
mod render;

pub use actor::{ActorId, Actors, Scope};
pub use catalogue::{FieldId, FieldRef, ResolveError, resolve};
pub use describe::{FieldDoc, describe};
pub use features::{TraceFeatures, missing_for};
pub use field::{
    ArgKind, ArgPolicy, Depends, Example, Field, FieldArg, Multiplicity, Needs, NumberFormat, OpenPart, flags,
};
pub use print::JsonValue;
pub use rawarg::value_type;
pub use subject::{OpenKey, Subject};
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
pub static FAMILIES: &[&Family] = &[
    &evt::FAMILY,
    &proc::FAMILY,
    &thread::FAMILY,
    &user::FAMILY,
    &group::FAMILY,
    &fd::FAMILY,
    &fdlist::FAMILY,
    &fs_path::FAMILY,
    &container::FAMILY,
    &k8s::FAMILY,
    &util::FAMILY,
];

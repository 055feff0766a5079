//! Names in queries: which attribute or tag they mean.

use tracehound_fields::Needs;

use crate::attributes::{ATTRIBUTES, Attribute};

/// What attributes of ancestors begin with.
pub(super) const ANCESTORS: &str = "@process.ancestors.";

/// Attributes that have a value for each ancestor, those that no trace has left out.
pub(super) fn of_ancestors() -> impl Iterator<Item = &'static Attribute> {
    answered().filter(|attribute| attribute.name.starts_with(ANCESTORS))
}

/// Attributes that some trace has a value of.
pub(super) fn answered() -> impl Iterator<Item = &'static Attribute> {
    ATTRIBUTES.iter().filter(|attribute| !matches!(attribute.needs, Needs::NotInTrace(_)))
}

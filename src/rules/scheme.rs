//! What compiling asks of a catalogue of fields.

use std::sync::OnceLock;

use tracehound_fields::{Depends, FieldRef, FieldType, Multiplicity, NumberFormat, subject};

/// A catalogue as the compiler sees it: names, types and properties, never values.
pub trait Scheme {
    /// The properties of a field.
    fn field(&self, field: &FieldRef) -> FieldTraits;
}

/// The properties of a field, its argument taken into account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldTraits {
    /// Name without argument.
    pub name: &'static str,
    /// Type of its value, or of each value.
    pub ty: FieldType,
    /// Bits of [`tracehound_fields::flags`].
    pub flags: u8,
    /// How many values it has. [`Multiplicity::One`] for lists and ancestors picked by an argument.
    pub multiplicity: Multiplicity,
    /// What its value depends on.
    pub depends: Depends,
    /// How a number is printed.
    pub format: NumberFormat,
}

/// The catalogue of fields of events.
#[derive(Clone, Copy, Debug, Default)]
pub struct Catalogue;

impl Scheme for Catalogue {
    fn field(&self, field: &FieldRef) -> FieldTraits {
        let row = field.field();
        FieldTraits {
            name: row.name,
            ty: field.ty(),
            flags: row.flags,
            multiplicity: field.multiplicity(),
            depends: field.depends(),
            format: row.format,
        }
    }
}

/// Every name of an event kind, sorted, once each.
pub(crate) fn kind_names() -> &'static [&'static str] {
    static NAMES: OnceLock<Vec<&'static str>> = OnceLock::new();
    NAMES.get_or_init(|| {
        let mut names: Vec<&'static str> = subject::all_kind_codes().map(|(_, name)| name).collect();
        names.sort_unstable();
        names.dedup();
        names
    })
}

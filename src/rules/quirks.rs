//! Behaviours of Falco that a reader of a rule would not expect.
//!
//! They are reproduced, because a rule must fire here when it fires there. Each is one value of [`Quirk`]; compiling
//! a comparison reports the quirks it meets, so that a lint can explain them. Source of all: `compare_ip`,
//! `compare_net`, `compare_port` in `sinsp_filtercheck_fd.cpp`, `compare_full_*` in `sinsp_filtercheck_thread.cpp`,
//! `compare_nocache` in `sinsp_filtercheck_event.cpp`, `compare_rhs` in `sinsp_filtercheck.cpp` of falcosecurity/libs.

use tracehound_fields::{FieldType, Multiplicity};

use crate::ir::{LeafId, Modifier, Op};
use crate::scheme::FieldTraits;

/// A behaviour that surprises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Quirk {
    /// `fd.ip in (...)` never matches: the length of the address is not handed to the lookup. `fd.ip = a or
    /// fd.ip = b`, or `fd.sip in (...) or fd.cip in (...)`, does.
    AddressInNever,
    /// `fd.net in (a, b)` asks for the first network only.
    NetworkInFirstOnly,
    /// `fd.net intersects (...)` never matches a connection, only a listening socket, and there asks for the first
    /// network only.
    NetworkIntersectsNever,
    /// `fd.ip`, `fd.port` and `fd.proto` with `intersects` stop Falco when they are evaluated; here they never match.
    EndsIntersectsFails,
    /// Numeric `evt.rawarg.X in (...)` and `intersects` never match: the length of the number is not handed to the
    /// lookup. `=` works.
    RawNumberInNever,
    /// `evt.rawarg.X` of raw bytes is compared as if it were empty.
    RawBytesEmpty,
    /// `proc.apid in (...)` and `intersects` without an index never match, for the same reason.
    AncestorIdInNever,
    /// `!=` on a field of all ancestors is true if *some* ancestor differs; `not field = x` says that none is `x`.
    AncestorsNotEqual,
    /// `oneof`, `anyof` and `allof` are ignored on this field: only the first constant is used.
    ModifierIgnored,
}

impl Quirk {
    /// One sentence for the author of a rule.
    pub fn explanation(self) -> &'static str {
        match self {
            Quirk::AddressInNever => "`in` on this field never matches in Falco; use `=` joined by `or`",
            Quirk::NetworkInFirstOnly => "only the first network of the list is used; use `=` joined by `or`",
            Quirk::NetworkIntersectsNever => "`intersects` on this field never matches a connection in Falco; use `=`",
            Quirk::EndsIntersectsFails => "`intersects` on this field stops Falco at run time; it never matches here",
            Quirk::RawNumberInNever => "`in` on a numeric raw argument never matches in Falco; use `=` joined by `or`",
            Quirk::RawBytesEmpty => "raw arguments of bytes are compared as if they were empty in Falco",
            Quirk::AncestorIdInNever => "`in` on all ancestors' ids never matches in Falco; use `=` joined by `or`",
            Quirk::AncestorsNotEqual => "true if some ancestor differs; `not field = x` says that no ancestor is x",
            Quirk::ModifierIgnored => "the modifier is ignored on this field: only the first value is used",
        }
    }
}

/// A quirk that a comparison meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The comparison.
    pub leaf: LeafId,
    /// What is worth knowing.
    pub kind: WarningKind,
}

/// What is worth knowing about a comparison that compiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarningKind {
    /// It behaves in a way that surprises.
    Quirk(Quirk),
    /// The regular expression is plain text: another operator says the same at less cost.
    NeedlessRegex,
}

/// The quirks of comparing a field with constants.
pub(crate) fn of_constants(field: &FieldTraits, op: Op, modifier: Option<Modifier>) -> Vec<Quirk> {
    let mut quirks = Vec::new();
    let is_membership = matches!(op, Op::In | Op::Intersects);
    match (field.multiplicity, field.ty) {
        (Multiplicity::Ends, FieldType::Net) if op == Op::In => quirks.push(Quirk::NetworkInFirstOnly),
        (Multiplicity::Ends, FieldType::Net) if op == Op::Intersects => quirks.push(Quirk::NetworkIntersectsNever),
        (Multiplicity::Ends, _) if op == Op::Intersects => quirks.push(Quirk::EndsIntersectsFails),
        (Multiplicity::Ends, FieldType::Ip) if op == Op::In => quirks.push(Quirk::AddressInNever),
        (Multiplicity::Ancestors, ty) if ty.is_numeric() && is_membership => quirks.push(Quirk::AncestorIdInNever),
        (Multiplicity::Ancestors, _) if op == Op::Ne => quirks.push(Quirk::AncestorsNotEqual),
        _ => {}
    }
    if is_raw_argument(field) {
        match field.ty {
            ty if ty.is_numeric() && is_membership => quirks.push(Quirk::RawNumberInNever),
            FieldType::Bytes if op != Op::Exists => quirks.push(Quirk::RawBytesEmpty),
            _ => {}
        }
    }
    let has_own_code = matches!(field.multiplicity, Multiplicity::Ends | Multiplicity::Ancestors);
    if modifier.is_some() && (has_own_code || is_raw_argument(field)) {
        quirks.push(Quirk::ModifierIgnored);
    }
    quirks
}

/// True for `evt.rawarg`, whose values are of the type of the event at hand.
pub(crate) fn is_raw_argument(field: &FieldTraits) -> bool {
    field.name == "evt.rawarg"
}

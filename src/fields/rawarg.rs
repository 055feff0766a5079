//! Type of `evt.rawarg.NAME` when a rule is compiled.
//!
//! Rules are checked before any event is seen, but arguments of the same name have different types in different
//! events. Falco takes the type of the first event in its table that has an argument of the name; comparing is
//! done with the type of the event at hand (`get_event_parameter` and `sinsp_filter_check_event::parse_field_name`
//! of falcosecurity/libs).

use tracehound_formats::event::kind::{self, ArgType};

use crate::catalogue::FieldRef;
use crate::field::FieldArg;
use crate::value::FieldType;

/// Type of the values of a field with its argument: that of the catalogue's row, except for `evt.rawarg`.
pub fn value_type(field: &FieldRef) -> FieldType {
    let row = field.field();
    match (&field.arg, row.name) {
        (FieldArg::Name(name), "evt.rawarg") => raw_type(name),
        _ => row.ty,
    }
}

/// Type of the argument `name` in the first kind of event that has it.
fn raw_type(name: &str) -> FieldType {
    let spec = kind::all().find_map(|kind| kind.shown_args().iter().find(|spec| spec.name == name));
    spec.map_or(FieldType::Opaque, |spec| comparable(name, spec.ty))
}

fn comparable(name: &str, ty: ArgType) -> FieldType {
    match ty {
        ArgType::I8 => FieldType::Int(8),
        ArgType::I16 => FieldType::Int(16),
        ArgType::I32 | ArgType::Fd32 | ArgType::Pid32 => FieldType::Int(32),
        ArgType::I64 | ArgType::Errno | ArgType::Fd | ArgType::Pid => FieldType::Int(64),
        ArgType::U8 | ArgType::Signal | ArgType::Flags8(_) | ArgType::Enum8(_) => FieldType::Uint(8),
        ArgType::U16 | ArgType::SyscallId | ArgType::Flags16(_) | ArgType::Enum16(_) => FieldType::Uint(16),
        ArgType::U32 | ArgType::Mode(_) | ArgType::Flags32(_) | ArgType::Enum32(_) => FieldType::Uint(32),
        ArgType::U64 => FieldType::Uint(64),
        // The first events with these names are older than the type for user ids and carry plain numbers.
        ArgType::Uid | ArgType::Gid if matches!(name, "uid" | "gid" | "pgid") => FieldType::Uint(32),
        ArgType::Port => FieldType::Port,
        ArgType::RelTime => FieldType::RelTime,
        ArgType::AbsTime => FieldType::AbsTime,
        ArgType::Str => FieldType::Str,
        ArgType::Path | ArgType::RelPath { .. } => FieldType::Path,
        ArgType::Bytes => FieldType::Bytes,
        ArgType::Ipv4 | ArgType::Ipv6 => FieldType::Ip,
        _ => FieldType::Opaque,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types() {
        for (name, want) in [
            ("res", FieldType::Int(64)),
            ("fd", FieldType::Int(64)),
            ("flags", FieldType::Uint(32)),
            ("uid", FieldType::Uint(32)),
            ("name", FieldType::Path),
            ("data", FieldType::Bytes),
            ("tuple", FieldType::Opaque),
        ] {
            assert_eq!(raw_type(name), want, "{name}");
        }
    }
}

//! The event table and the conversion rules of `.scap` captures, as data.

mod rules;
mod types;

pub(super) use self::rules::RULES;
pub(super) use self::types::TYPES;

/// How the parameter of an event is encoded in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    /// Integers of 1, 2, 4 and 8 bytes; whether they are signed is the vocabulary's business.
    W1,
    W2,
    W4,
    W8,
    /// Text with a terminating NUL.
    Text,
    /// Bytes without structure.
    Bytes,
    /// Socket address.
    Addr,
    /// Both ends of a connection.
    Tuple,
    /// Descriptors with poll flags.
    FdList,
    /// A type index, then a value of that type.
    Dyn,
    /// IPv4 address.
    Ip4,
    /// IPv6 address.
    Ip6,
}

#[cfg(test)]
impl Wire {
    /// Bytes of an integer, `None` for other encodings.
    pub(super) fn int_width(self) -> Option<usize> {
        match self {
            Wire::W1 => Some(1),
            Wire::W2 => Some(2),
            Wire::W4 => Some(4),
            Wire::W8 => Some(8),
            _ => None,
        }
    }
}

/// Bits of [`EventType::flags`].
pub(super) mod type_flags {
    /// Replaced by a later type.
    pub(in crate::scap) const OLD: u8 = 1;
    /// Never written on purpose: the missing half of a pseudo-event.
    pub(in crate::scap) const UNUSED: u8 = 2;
    /// Parameter lengths are 32 bits wide.
    pub(in crate::scap) const LARGE: u8 = 4;
    /// libscap's converter decides by [`super::RULES`] what becomes of it.
    pub(in crate::scap) const MANAGED: u8 = 8;
}

/// One event type of the file format. Even codes are enter events and pseudo-events, odd ones exit events.
#[derive(Debug)]
pub(super) struct EventType {
    /// Constant in libscap, without its prefix.
    pub(super) name: &'static str,
    /// Bits of [`type_flags`].
    pub(super) flags: u8,
    /// Encodings of the parameters the newest writer records; older ones recorded a prefix.
    pub(super) params: &'static [Wire],
}

impl EventType {
    /// True if all bits of `flag` are set.
    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags & flag == flag
    }
}

/// What the converter does with one type and parameter count.
#[derive(Debug)]
pub(super) struct Rule {
    /// Event type.
    pub(super) code: u16,
    /// Number of parameters.
    pub(super) n_params: u8,
    /// What becomes of it.
    pub(super) action: Action,
}

/// What becomes of an event.
#[derive(Debug)]
pub(super) enum Action {
    /// Kept for its exit event, not delivered.
    Store,
    /// Delivered as it is.
    Pass,
    /// Both.
    StoreAndPass,
    /// More parameters are appended, then the rules are asked again.
    Add(&'static [From]),
    /// Becomes another type with these parameters, then the rules are asked again.
    Change(u16, &'static [From]),
}

/// Where a parameter comes from.
#[derive(Clone, Copy, Debug)]
pub(super) enum From {
    /// Parameter of the event itself.
    Own(u8),
    /// Parameter of the stored enter event, whose type is that of the event minus one.
    Enter(u8),
    /// Nowhere: libscap writes a default or empty value, this reader says "absent".
    Nothing,
    /// JSON text made of the four parameters of an old container event.
    ContainerJson,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::ArgType;
    use crate::event::kind::all;

    #[test]
    fn rows_of_the_vocabulary_match_the_event_table() {
        for kind in all().filter(|kind| usize::from(kind.id.0) < TYPES.len()) {
            let ty = &TYPES[usize::from(kind.id.0)];
            let shown = kind.shown_args();
            assert_eq!(shown.len(), ty.params.len(), "{}", kind.name);
            for (spec, &wire) in shown.iter().zip(ty.params) {
                let width = spec.ty.int_width().map(usize::from);
                assert_eq!(width, wire.int_width(), "{} {}", kind.name, spec.name);
                let is_same = match spec.ty {
                    ArgType::Str | ArgType::Path | ArgType::RelPath { .. } => wire == Wire::Text,
                    ArgType::SockAddr => wire == Wire::Addr,
                    ArgType::SockTuple => wire == Wire::Tuple,
                    ArgType::FdList => wire == Wire::FdList,
                    ArgType::Dyn(_) => wire == Wire::Dyn,
                    ArgType::Ipv4 => wire == Wire::Ip4,
                    ArgType::Ipv6 => wire == Wire::Ip6,
                    ArgType::Bytes | ArgType::StrArray => wire == Wire::Bytes,
                    _ => width.is_some(),
                };
                assert!(is_same, "{} {}", kind.name, spec.name);
            }
        }
    }

    #[test]
    fn rules_name_parameters_that_exist() {
        for rule in RULES {
            let (to, sources) = match rule.action {
                Action::Add(sources) => (rule.code, sources),
                Action::Change(to, sources) => (to, sources),
                _ => continue,
            };
            assert!(sources.len() <= TYPES[usize::from(to)].params.len());
            for source in sources {
                match *source {
                    From::Own(i) => assert!(i < rule.n_params),
                    From::Enter(i) => {
                        assert!(usize::from(i) < TYPES[usize::from(rule.code) - 1].params.len());
                    }
                    From::Nothing | From::ContainerJson => {}
                }
            }
        }
    }
}

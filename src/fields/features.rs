//! What a trace carries, and which fields therefore have no answer in it.
//!
//! A rule that names such a field is reported as not evaluable, with the field: silence must not look like "did
//! not happen".

use tracehound_state::History;

use crate::field::{Field, Needs};

/// What a trace carries besides events and processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceFeatures {
    /// Something of a container besides its id, or no container at all (then nothing is missing).
    pub has_container_metadata: bool,
    /// Addresses of the machine's interfaces.
    pub has_interfaces: bool,
    /// Names of users or groups.
    pub has_user_names: bool,
    /// The environment of some process.
    pub has_env: bool,
    /// Data of reads and writes.
    pub has_io_data: bool,
}

impl TraceFeatures {
    /// A trace that carries everything.
    pub const ALL: TraceFeatures = TraceFeatures {
        has_container_metadata: true,
        has_interfaces: true,
        has_user_names: true,
        has_env: true,
        has_io_data: true,
    };

    /// Looks into a history. That data of reads and writes was recorded only the events can tell; it is taken
    /// for granted here.
    pub fn of(history: &History) -> TraceFeatures {
        let containers = &history.containers;
        TraceFeatures {
            has_container_metadata: containers.is_empty() || containers.iter().any(|c| !c.metadata.is_empty()),
            has_interfaces: history.sections.iter().any(|section| !section.interfaces.is_empty()),
            has_user_names: !history.users.is_empty() || !history.groups.is_empty(),
            has_env: history.processes.iter().any(|process| {
                process.env().rows().any(|(_, env)| env.is_some_and(|env| env != tracehound_state::Sym::EMPTY))
            }),
            has_io_data: true,
        }
    }
}

/// What a trace lacks to answer a field; `None` if it can.
pub fn missing_for(field: &Field, features: &TraceFeatures) -> Option<&'static str> {
    field.needs.missing_from(features)
}

impl Needs {
    /// What of this a trace lacks; `None` if it has it.
    pub fn missing_from(self, features: &TraceFeatures) -> Option<&'static str> {
        let lack = |has: bool, what: &'static str| if has { None } else { Some(what) };
        match self {
            Needs::Nothing => None,
            Needs::NotInTrace(why) => Some(why),
            Needs::ContainerMetadata => {
                lack(features.has_container_metadata, "the trace has ids of containers, but no names, images or labels")
            }
            Needs::Interfaces => {
                lack(features.has_interfaces, "the trace does not list the machine's network interfaces")
            }
            Needs::UserNames => lack(features.has_user_names, "the trace has no names of users and groups"),
            Needs::Environment => lack(features.has_env, "the trace has no environments of processes"),
            Needs::IoData => lack(features.has_io_data, "the trace has no data of reads and writes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::resolve;

    #[test]
    fn an_empty_history_lacks_names_but_no_containers() {
        let features = TraceFeatures::of(&History::default());
        for (field, is_missing) in [
            ("proc.name", false),
            ("container.image.repository", false),
            ("fd.rip", true),
            ("user.name", true),
            ("proc.env", true),
            ("fd.sip.name", true),
            ("evt.buffer", false),
        ] {
            let field = resolve(field).unwrap();
            assert_eq!(missing_for(field.field(), &features).is_some(), is_missing, "{}", field.text);
        }
        assert_eq!(missing_for(resolve("user.name").unwrap().field(), &TraceFeatures::ALL), None);
    }
}

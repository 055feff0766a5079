//! What the guide to tuning signals recommends for each kind of activity. Source: Datadog, *Fine-tuning Workload
//! Protection signals*, its four lists of attributes and their examples, in the spelling of the schema.

use super::Activity::{self, File, Kernel, Network, Process};
use super::ActivitySet;

const fn set(activities: &[Activity]) -> ActivitySet {
    let mut out = ActivitySet::NONE;
    let mut i = 0;
    while i < activities.len() {
        out = out.and(activities[i].only());
        i += 1;
    }
    out
}

/// Attribute, activities it is recommended for, activities whose example has it.
static GUIDE: &[(&str, ActivitySet, ActivitySet)] = &[
    ("@process.args", ActivitySet::ALL, set(&[Process, File])),
    ("@process.executable.name", set(&[Process]), ActivitySet::NONE),
    ("@process.executable.path", set(&[File, Network, Kernel]), set(&[File])),
    ("@process.executable.user", set(&[Process, File, Kernel]), ActivitySet::NONE),
    ("@process.executable.uid", set(&[Kernel]), ActivitySet::NONE),
    ("@process.executable.group", set(&[Network, Kernel]), set(&[Process])),
    ("@process.group", set(&[Process, File]), ActivitySet::NONE),
    ("@process.user", set(&[File, Network, Kernel]), set(&[Process, File])),
    ("@process.envs", set(&[Process]), ActivitySet::NONE),
    ("@process.parent.comm", ActivitySet::ALL, set(&[Process])),
    ("@process.parent.args", ActivitySet::ALL, set(&[Process])),
    ("@process.parent.executable.path", set(&[Process, File]), ActivitySet::NONE),
    ("@process.ancestors.executable.user", set(&[Process]), ActivitySet::NONE),
    ("@process.ancestors.executable.path", set(&[Process]), ActivitySet::NONE),
    ("@process.ancestors.envs", set(&[Process]), ActivitySet::NONE),
    ("@file.path", set(&[File, Kernel]), set(&[File])),
    ("@file.inode", set(&[File, Kernel]), ActivitySet::NONE),
    ("@file.mode", set(&[File, Kernel]), ActivitySet::NONE),
    ("@dns.question.name", set(&[Network]), set(&[Network])),
    ("@network.source.ip", set(&[Network]), set(&[Network])),
    ("@network.source.port", set(&[Network]), set(&[Network])),
    ("@network.destination.ip", set(&[Network]), set(&[Network])),
    ("@network.destination.port", set(&[Network]), set(&[Network])),
    ("host", set(&[File, Kernel]), set(&[File])),
    ("env", set(&[File]), ActivitySet::NONE),
    ("service", set(&[File]), ActivitySet::NONE),
    ("kube_container_name", set(&[File, Kernel]), set(&[File])),
    ("kube_service", set(&[File, Kernel]), set(&[File])),
];

/// Activities that an attribute is recommended for, and those whose example has it.
pub(super) fn sets(name: &str) -> (ActivitySet, ActivitySet) {
    let row = GUIDE.iter().find(|(attribute, ..)| *attribute == name);
    row.map_or((ActivitySet::NONE, ActivitySet::NONE), |&(_, recommended, combined)| (recommended, combined))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_an_attribute() {
        for (name, ..) in GUIDE {
            assert_eq!(crate::lookup(name).map(|attribute| attribute.name.as_ref()), Some(*name));
        }
    }
}

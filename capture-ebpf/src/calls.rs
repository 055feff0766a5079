//! The system calls that can be recorded: one row each.

use crate::options::Profile;

/// One system call.
pub(crate) struct CallRow {
    /// Name.
    pub(crate) name: &'static str,
    /// Smallest profile that has it.
    pub(crate) profile: Profile,
}

/// Every row.
pub(crate) static CALLS: &[CallRow] =
    &[CallRow { name: "openat", profile: Profile::Minimal }, CallRow { name: "close", profile: Profile::Default }];

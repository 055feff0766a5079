//! Arguments whose type depends on another argument: the type is chosen by an index stored with the value.

use super::kind::ArgType::{self, *};

/// Types an argument of `sockopt_dynamic_param` can have, by index.
pub static SOCKOPT: [ArgType; 5] = [Bytes, Errno, U32, U64, RelTime];

/// Types an argument of `ptrace_dynamic_param` can have, by index.
pub static PTRACE: [ArgType; 2] = [U64, Signal];

/// Types an argument of `bpf_dynamic_param` can have, by index.
pub static BPF: [ArgType; 2] = [Fd, Errno];

/// Types an argument of `keyctl_dynamic_param` can have, by index.
pub static KEYCTL: [ArgType; 2] = [I64, Str];

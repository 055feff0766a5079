//! Why recording cannot start or go on, and what to do about it.

use std::io;

/// Recording cannot start. The text says what is missing and what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The kernel has no type information about itself.
    #[error(
        "the kernel does not describe its own types (no /sys/kernel/btf/vmlinux): recording needs a kernel built with \
         CONFIG_DEBUG_INFO_BTF=y, as the distributions' are since about 2020, and /sys mounted"
    )]
    NoBtf,
    /// The type information cannot be read.
    #[error("cannot read the kernel's type information /sys/kernel/btf/vmlinux: {0}")]
    ReadBtf(io::Error),
    /// The type information is not understood.
    #[error("the kernel's type information is not understood: {0}")]
    BadBtf(String),
    /// A member of a kernel structure that recording cannot do without is missing.
    #[error("this kernel ({kernel}) has no {member}: it is not supported; please report it with the kernel's version")]
    NoMember {
        /// Name of the member.
        member: String,
        /// `uname -r`.
        kernel: String,
    },
    /// The kernel is too old.
    #[error("kernel {found} is too old: recording needs 5.8 or newer (a BPF ring buffer)")]
    OldKernel {
        /// `uname -r`.
        found: String,
    },
    /// The processor is not supported.
    #[error("recording works on x86-64 only so far; this is {arch}")]
    Architecture {
        /// `uname -m`.
        arch: String,
    },
    /// The process lacks capabilities to load programs into the kernel.
    #[error(
        "not allowed to load programs into the kernel: {missing} missing; run as root, or with CAP_BPF, CAP_PERFMON, \
         CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH (in a container also --privileged, or --cap-add for each)"
    )]
    NotAllowed {
        /// Which, with the verb: `CAP_BPF is`.
        missing: String,
    },
    /// The process has the capabilities, and the kernel says no.
    #[error(
        "not allowed to load programs into the kernel, in spite of CAP_BPF and CAP_PERFMON: this is a user namespace (a \
         container without root), or a seccomp filter or security module forbids bpf(2); run on the host, or in a \
         container with --privileged"
    )]
    Forbidden,
    /// There is no memory for the ring or another map.
    #[error(
        "the kernel has no memory for the ring buffer of {} KiB: use a smaller --ring-size, or raise the limit of the \
         memory cgroup (before kernel 5.11 that of locked memory, ulimit -l)", ring_bytes / 1024
    )]
    NoMemory {
        /// Bytes of the ring.
        ring_bytes: u32,
    },
    /// `/proc` cannot be read.
    #[error("cannot see processes: {0}; mount /proc of the host's pid namespace")]
    NoProc(io::Error),
    /// Lockdown forbids to read kernel memory.
    #[error(
        "the kernel is locked down for confidentiality (/sys/kernel/security/lockdown), which forbids recording: boot \
         without lockdown=confidentiality"
    )]
    Lockdown,
    /// The recorder sees other process ids than the kernel reports.
    #[error(
        "this process is not in the host's pid namespace, so that process ids would mean nothing: run on the host, or \
         the container with --pid=host"
    )]
    PidNamespace,
    /// The program was refused or cannot be attached.
    #[error("the kernel refuses the recording program {program}: {cause}")]
    Refused {
        /// Name of the program.
        program: &'static str,
        /// What the kernel says, with the end of the verifier's log.
        cause: String,
    },
    /// A map cannot be made.
    #[error("the kernel refuses to load the recorder: {0}")]
    Load(String),
    /// Clocks or system information cannot be read.
    #[error("cannot read {what}: {cause}")]
    System {
        /// What.
        what: &'static str,
        /// Why.
        cause: io::Error,
    },
}

/// The ring buffer or the counters cannot be read any more. Events before are complete.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    /// Waiting failed.
    #[error("cannot wait for the ring buffer: {0}")]
    Wait(io::Error),
    /// The counters cannot be read.
    #[error("cannot read the counters of the recording program: {0}")]
    Counters(String),
}

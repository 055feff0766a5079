//! Event kinds: what can happen, and which typed arguments it carries.
//!
//! A [`Kind`] is one row of [`super::syscalls`] or [`super::pseudo`], or stands for a system call that a trace
//! records by number alone ([`super::generic`]). [`KindId`] is its stable code.

use std::fmt;
use std::sync::OnceLock;

use super::{generic, numbered, pseudo, syscalls};

/// The stable code of an event kind.
///
/// Codes below 512 are those of the current exit event of the system call in `.scap` captures (or of the
/// pseudo-event); `GENERIC_BASE + id` is a system call recorded by number alone; 2048.. are this project's own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KindId(pub u16);

/// First code of the system calls recorded by number alone; the rest of the code is the `PPM_SC` id.
pub const GENERIC_BASE: u16 = 0x1000;

impl KindId {
    /// The row of this code, or `None` for a code that this version does not know.
    pub fn get(self) -> Option<&'static Kind> {
        index().get(usize::from(self.0)).copied().flatten()
    }

    /// Name as `evt.type` shows it; `unknown` for a code without a row.
    pub fn name(self) -> &'static str {
        self.get().map_or("unknown", |kind| kind.name)
    }

    /// The kind of the system call with this `PPM_SC` id when a trace records it by number alone.
    pub fn generic(syscall_id: u16) -> Option<KindId> {
        let code = GENERIC_BASE.checked_add(syscall_id)?;
        KindId(code).get().map(|kind| kind.id)
    }

    /// True when the trace has neither arguments nor a return value of this system call.
    pub fn is_generic(self) -> bool {
        self.0 >= GENERIC_BASE || self == syscalls::GENERIC
    }
}

impl fmt::Debug for KindId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.name(), self.0)
    }
}

/// One kind of event: its name and the arguments it carries.
#[derive(Debug)]
pub struct Kind {
    /// Stable code.
    pub id: KindId,
    /// Name as `evt.type` shows it: the system call's name, or the pseudo-event's.
    pub name: &'static str,
    /// Coarse class, as `evt.category` has it before the descriptor's type refines it.
    pub category: Category,
    /// Bits of [`kind_flags`].
    pub flags: u16,
    /// Arguments in order. For a system call the return value comes first.
    pub args: &'static [ArgSpec],
    /// True for a system call, false for a pseudo-event.
    pub is_syscall: bool,
}

impl Kind {
    /// Position of the argument with this name.
    pub fn arg_index(&self, name: &str) -> Option<usize> {
        self.args.iter().position(|spec| spec.name == name)
    }

    /// True if all bits of `flag` (of [`kind_flags`]) are set.
    pub fn has(&self, flag: u16) -> bool {
        self.flags & flag == flag
    }

    /// Arguments that the Falco field `evt.args` shows: all but those marked [`ArgSpec::extra`].
    pub fn shown_args(&self) -> &'static [ArgSpec] {
        let n = self.args.iter().position(|spec| spec.is_extra).unwrap_or(self.args.len());
        &self.args[..n]
    }
}

/// What an event kind does to descriptors and state; source: `enum ppm_event_flags`.
pub mod kind_flags {
    /// Nothing of the below.
    pub const NONE: u16 = 0;
    /// Returns a new descriptor.
    pub const CREATES_FD: u16 = 1;
    /// Closes a descriptor.
    pub const DESTROYS_FD: u16 = 2;
    /// Works on a descriptor.
    pub const USES_FD: u16 = 4;
    /// Reads from the descriptor.
    pub const READS_FROM_FD: u16 = 8;
    /// Writes to the descriptor.
    pub const WRITES_TO_FD: u16 = 16;
    /// Changes the state of a process, descriptor or table.
    pub const MODIFIES_STATE: u16 = 32;
    /// May wait.
    pub const WAITS: u16 = 128;
}

/// Coarse class of an event; names as `evt.category` shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Category {
    Unknown,
    Other,
    File,
    Net,
    Ipc,
    Memory,
    Process,
    Sleep,
    System,
    Signal,
    User,
    Time,
    Processing,
    IoRead,
    IoWrite,
    IoOther,
    Wait,
    Scheduler,
    Internal,
}

/// Name, type and notation of one argument.
#[derive(Clone, Copy, Debug)]
pub struct ArgSpec {
    /// Name as `evt.arg.NAME` uses it.
    pub name: &'static str,
    /// Type of the value.
    pub ty: ArgType,
    /// How a number is written.
    pub base: Base,
    /// True for an argument that older captures carry and Falco drops: kept here, not part of `evt.args`.
    pub is_extra: bool,
}

/// An argument written in decimal.
pub const fn arg(name: &'static str, ty: ArgType) -> ArgSpec {
    ArgSpec { name, ty, base: Base::Dec, is_extra: false }
}

impl ArgSpec {
    /// The same argument, written in hexadecimal.
    pub const fn hex(mut self) -> Self {
        self.base = Base::Hex;
        self
    }

    /// The same argument, written in octal.
    pub const fn oct(mut self) -> Self {
        self.base = Base::Oct;
        self
    }

    /// The same argument, marked as one that `evt.args` does not show. Extra arguments stand last.
    pub const fn extra(mut self) -> Self {
        self.is_extra = true;
        self
    }
}

/// How a number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Base {
    Dec,
    Hex,
    Oct,
}

/// Type of an argument. Integers of every width are carried as 64 bits; the type says width and sign.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub enum ArgType {
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    /// Signed result: negative is -errno.
    Errno,
    /// Descriptor, signed; -100 is `AT_FDCWD`; other negative values are -errno in a result.
    Fd,
    Fd32,
    /// Process or thread id, signed; as a result may be -errno.
    Pid,
    Pid32,
    /// User id; 0xffffffff is "none".
    Uid,
    /// Group id; 0xffffffff is "none".
    Gid,
    /// Text without its terminating NUL, any bytes.
    Str,
    /// Raw bytes; for `args`, `env` and `cgroups` NUL-separated strings.
    Bytes,
    /// A path, relative to the working directory if not absolute.
    Path,
    /// A path, relative to the descriptor in argument `dirfd` if not absolute.
    RelPath {
        dirfd: u8,
    },
    /// [`super::addr::SockAddr`], encoded as described there.
    SockAddr,
    /// [`super::addr::SockTuple`], encoded as described there.
    SockTuple,
    /// `u16 n`, then n times (`i64 fd`, `u16 poll flags`), little-endian.
    FdList,
    /// Architecture-independent syscall id, see [`super::generic`].
    SyscallId,
    /// Signal number.
    Signal,
    /// Nanoseconds; all ones is "none".
    RelTime,
    /// Nanoseconds since the epoch.
    AbsTime,
    /// File mode bits with the table of their names.
    Mode(&'static FlagTable),
    /// Low 32 bits of a signal set; bit n is signal n + 1.
    SigSet,
    Flags8(&'static FlagTable),
    Flags16(&'static FlagTable),
    Flags32(&'static FlagTable),
    Enum8(&'static FlagTable),
    Enum16(&'static FlagTable),
    Enum32(&'static FlagTable),
    /// `u8 index` into these types, then a value of that type (integers little-endian, in their own width).
    Dyn(&'static [ArgType]),
    /// NUL-separated strings.
    StrArray,
    Ipv4,
    Ipv6,
    Port,
}

impl ArgType {
    /// Width in bytes of an integer type, `None` for a type of variable length.
    pub const fn int_width(self) -> Option<u8> {
        use ArgType::*;
        Some(match self {
            I8 | U8 | Signal | Flags8(_) | Enum8(_) => 1,
            I16 | U16 | SyscallId | Flags16(_) | Enum16(_) | Port => 2,
            I32 | U32 | Fd32 | Pid32 | Uid | Gid | Mode(_) | SigSet | Flags32(_) | Enum32(_) => 4,
            I64 | U64 | Errno | Fd | Pid | RelTime | AbsTime => 8,
            Str | Bytes | Path | RelPath { .. } | SockAddr | SockTuple | FdList | Dyn(_) | StrArray | Ipv4 | Ipv6 => {
                return None;
            }
        })
    }

    /// True for integer types that are signed.
    pub const fn is_signed(self) -> bool {
        use ArgType::*;
        matches!(self, I8 | I16 | I32 | I64 | Errno | Fd | Fd32 | Pid | Pid32)
    }

    /// The table of names of a flag, enumeration or mode type.
    pub const fn table(self) -> Option<&'static FlagTable> {
        use ArgType::*;
        match self {
            Mode(t) | Flags8(t) | Flags16(t) | Flags32(t) | Enum8(t) | Enum16(t) | Enum32(t) => Some(t),
            _ => None,
        }
    }

    /// True for an enumeration: one value, perhaps under several names.
    pub const fn is_enum(self) -> bool {
        matches!(self, ArgType::Enum8(_) | ArgType::Enum16(_) | ArgType::Enum32(_))
    }

    /// True for a path, absolute or relative.
    pub const fn is_path(self) -> bool {
        matches!(self, ArgType::Path | ArgType::RelPath { .. })
    }
}

/// A table of names for the bits of a flag word or the values of an enumeration.
#[derive(Debug)]
pub struct FlagTable {
    /// Name of the table.
    pub name: &'static str,
    /// Name and value, in the order in which they are tried.
    pub entries: &'static [(&'static str, u32)],
}

impl FlagTable {
    /// Names of the flags set in `value`, in table order.
    ///
    /// Walks the table; an entry matches if all its bits are still left, and takes them away, so that
    /// `O_RDWR` (3) hides `O_WRONLY` and `O_RDONLY`. An entry of value 0 matches only the value 0. Stops after
    /// an entry that equals the whole value.
    pub fn names(&self, value: u32) -> impl Iterator<Item = &'static str> {
        let mut left = value;
        let mut is_done = false;
        self.entries.iter().filter_map(move |&(name, bits)| {
            if is_done {
                return None;
            }
            let is_match = if bits == 0 { value == 0 } else { left & bits == bits };
            if !is_match {
                return None;
            }
            left &= !bits;
            is_done = bits == value;
            Some(name)
        })
    }

    /// Every name with exactly this value (an enumeration can have two names for one value).
    pub fn enum_names(&self, value: u32) -> impl Iterator<Item = &'static str> {
        self.entries.iter().filter(move |&&(_, v)| v == value).map(|&(name, _)| name)
    }

    /// The value of a name.
    pub fn value(&self, name: &str) -> Option<u32> {
        self.entries.iter().find(|&&(n, _)| n == name).map(|&(_, v)| v)
    }
}

/// Declares the constants of a table of kinds and the table itself, and says whether they are system calls.
macro_rules! kinds {
    ($table:ident, $is_syscall:literal; $($id:ident = $code:literal, $name:literal, $category:expr, $flags:expr, [$($args:expr),* $(,)?];)*) => {
        $(
            #[doc = concat!("`", $name, "`")]
            pub const $id: super::kind::KindId = super::kind::KindId($code);
        )*
        /// The rows of this file, in order of declaration.
        pub static $table: &[super::kind::Kind] = &[$(
            super::kind::Kind {
                id: $id,
                name: $name,
                category: $category,
                flags: $flags,
                args: { const ARGS: &[ArgSpec] = &[$($args),*]; ARGS },
                is_syscall: $is_syscall,
            },
        )*];
    };
}
pub(super) use kinds;

/// Every row that is written down.
fn written() -> impl Iterator<Item = &'static Kind> {
    syscalls::SYSCALLS.iter().chain(numbered::NUMBERED).chain(pseudo::PSEUDO_EVENTS)
}

/// Every kind: system calls with arguments, pseudo-events, then system calls recorded by number alone.
pub fn all() -> impl Iterator<Item = &'static Kind> {
    index().iter().copied().flatten()
}

/// The kind with this name; a system call with arguments wins over the same one recorded by number alone.
pub fn by_name(name: &str) -> Option<&'static Kind> {
    all().find(|kind| kind.name == name)
}

static GENERIC_ARGS: &[ArgSpec] = &[arg("ID", ArgType::SyscallId), arg("nativeID", ArgType::U16)];

/// Rows by code.
fn index() -> &'static [Option<&'static Kind>] {
    static INDEX: OnceLock<Vec<Option<&'static Kind>>> = OnceLock::new();
    INDEX.get_or_init(|| {
        let n_codes = usize::from(GENERIC_BASE) + generic::SYSCALL_IDS.len() + 64;
        let mut rows: Vec<Option<&'static Kind>> = vec![None; n_codes];
        for kind in written() {
            rows[usize::from(kind.id.0)] = Some(kind);
        }
        for &(id, name) in generic::SYSCALL_IDS {
            let code = GENERIC_BASE + id;
            let Some(row) = rows.get_mut(usize::from(code)) else { continue };
            // Lives for the program's life, once per id.
            *row = Some(Box::leak(Box::new(Kind {
                id: KindId(code),
                name,
                category: Category::Other,
                flags: kind_flags::NONE,
                args: GENERIC_ARGS,
                is_syscall: true,
            })));
        }
        rows
    })
}

#[cfg(test)]
mod tests {
    use super::super::flags;
    use super::*;

    #[test]
    fn codes_are_unique_and_rows_are_found() {
        for kind in written() {
            assert_eq!(kind.id.get().map(|k| k.name), Some(kind.name));
        }
        assert_eq!(by_name("openat").map(|k| k.id), Some(syscalls::OPENAT));
        assert!(by_name("wait4").is_some_and(|k| k.id.is_generic()));
    }

    #[test]
    fn flag_names_follow_table_order() {
        let names = |v| flags::FILE_FLAGS.names(v).collect::<Vec<_>>().join("|");
        assert_eq!(names(3), "O_RDWR");
        assert_eq!(names(1 | 4096), "O_RDONLY|O_CLOEXEC");
        assert_eq!(names(0), "O_NONE");
    }

    #[test]
    fn extra_arguments_stand_last_and_dirfds_come_before_their_paths() {
        for kind in all() {
            let n = kind.shown_args().len();
            assert!(kind.args[n..].iter().all(|spec| spec.is_extra), "{}", kind.name);
            for (i, spec) in kind.args.iter().enumerate() {
                if let ArgType::RelPath { dirfd } = spec.ty {
                    assert!(usize::from(dirfd) < i, "{} {}", kind.name, spec.name);
                }
            }
        }
    }
}

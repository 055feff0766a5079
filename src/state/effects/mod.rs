//! What each kind of event does to the history: one function a kind, one file a family.
//!
//! [`plans`] says for every kind which thread acts, which argument is its descriptor and which function applies its
//! effect. A kind that is not listed changes nothing.

pub(crate) mod descriptors;
mod exec;
mod exit;
mod files;
mod identity;
mod ipc;
mod lifecycle;
mod metadata;
mod moves;
mod namespaces;
mod network;
pub(crate) mod paths;
mod session;
pub(crate) mod snapshot;
mod tuples;
mod users;

use std::sync::OnceLock;

use tracehound_formats::ArgSet;
use tracehound_formats::event::kind::{self, ArgType, Kind, kind_flags};
use tracehound_formats::event::{Event, KindId, pseudo, syscalls};
use tracehound_formats::section::FdKind;

use crate::history::{FileId, History};
use crate::packed::Traffic;
use crate::replay::{Cx, Replay};

/// What to do with the events of a kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) actor: Actor,
    pub(crate) fd: FdUse,
    pub(crate) effect: Effect,
    /// The first argument is a return value.
    pub(crate) has_ret: bool,
    pub(crate) bearing: Bearing,
}

/// What the events of a kind can do to state beyond being by a thread that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bearing {
    /// Anything.
    Any,
    /// They show that a socket is connected.
    Sockets,
    /// They show that a socket is connected, and its ends.
    Ends,
    /// Nothing.
    Nothing,
}

impl Plan {
    /// The return value of an event; `None` if it has none, or did not return.
    #[inline]
    pub(crate) fn ret(&self, event: Event<'_>) -> Option<i64> {
        if self.has_ret { event.int(0) } else { None }
    }

    /// The arguments that replay looks at.
    pub(crate) fn args(&self) -> ArgSet {
        let fd = match self.fd {
            FdUse::Arg(i) => Some(usize::from(i)),
            FdUse::None | FdUse::Creates => None,
        };
        let ends = match self.effect {
            Effect::Send => Some(network::SEND_TUPLE),
            Effect::Receive { tuple, .. } => Some(usize::from(tuple)),
            _ => None,
        };
        match self.bearing {
            Bearing::Nothing => ArgSet::NONE,
            // The result, the descriptor and what the traffic shows.
            Bearing::Sockets | Bearing::Ends => ArgSet::of([Some(0), fd, ends].into_iter().flatten()),
            Bearing::Any => ArgSet::ALL,
        }
    }

    /// For a kind that is not in the vocabulary.
    pub(crate) const OTHER: Plan = Plan {
        actor: Actor::KnownOnly,
        fd: FdUse::None,
        effect: Effect::None,
        has_ret: false,
        bearing: Bearing::Nothing,
    };
}

/// Which thread an event belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Actor {
    /// None: the recorder speaks.
    Nobody,
    /// The thread with the event's id, if it is known. A birth or an exit must not invent the thread it is about.
    KnownOnly,
    /// The thread with the event's id; a placeholder if it is not known.
    Anybody,
}

/// Which descriptor an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FdUse {
    /// None.
    None,
    /// The one it creates, if it succeeds.
    Creates,
    /// The one in this argument.
    Arg(u8),
}

/// What an event does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[rustfmt::skip]
pub(crate) enum Effect {
    None,
    // Life of threads.
    Clone, Exec, ProcExit, Task,
    // Who a thread is.
    SetUid { arg: u8 }, SetGid { arg: u8 }, Capset, Prctl, Setsid, Setpgid, Unshare, Setns, Rlimit, Prlimit,
    // Paths.
    Chdir, Fchdir, Getcwd, Chroot, Rename { is_at: bool }, Unlink { is_at: bool },
    // Descriptors.
    Open, Openat, Openat2, OpenTree, Creat, OpenByHandle, Close, CloseRange, Dup, Fcntl,
    New(FdKind), Bpf, Memfd, PidfdOpen, PidfdGetfd, Pipe, Socketpair,
    // Network.
    Socket, Bind, Connect, Accept, Read, Write, Send,
    /// Positions of the ends and of what else came.
    Receive { tuple: u8, control: Option<u8> },
    // What the recorder says.
    User { is_added: bool }, Group { is_added: bool }, Container, Async,
}

/// Applies the effect of an event.
pub(crate) fn apply(effect: Effect, r: &mut Replay, cx: &mut Cx<'_>) {
    match effect {
        Effect::None => {}
        Effect::Clone => lifecycle::clone(r, cx),
        Effect::Exec => exec::exec(r, cx),
        Effect::ProcExit => exit::procexit(r, cx),
        Effect::Task => snapshot::task(r, cx),
        Effect::SetUid { arg } => identity::setuid(r, cx, arg.into()),
        Effect::SetGid { arg } => identity::setgid(r, cx, arg.into()),
        Effect::Capset => identity::capset(r, cx),
        Effect::Prctl => session::prctl(r, cx),
        Effect::Setsid => session::setsid(r, cx),
        Effect::Setpgid => session::setpgid(r, cx),
        Effect::Unshare => namespaces::unshare(r, cx),
        Effect::Setns => namespaces::setns(r, cx),
        Effect::Rlimit => session::rlimit(r, cx),
        Effect::Prlimit => session::prlimit(r, cx),
        Effect::Chdir => files::chdir(r, cx),
        Effect::Fchdir => files::fchdir(r, cx),
        Effect::Getcwd => files::getcwd(r, cx),
        Effect::Chroot => files::chroot(r, cx),
        Effect::Rename { is_at } => moves::rename(r, cx, is_at),
        Effect::Unlink { is_at } => moves::unlink(r, cx, is_at),
        Effect::Open => files::open(r, cx),
        Effect::Openat => files::openat(r, cx),
        Effect::Openat2 => files::openat2(r, cx),
        Effect::OpenTree => files::open_tree(r, cx),
        Effect::Creat => files::creat(r, cx),
        Effect::OpenByHandle => files::open_by_handle_at(r, cx),
        Effect::Close => descriptors::close(r, cx),
        Effect::CloseRange => descriptors::close_range(r, cx),
        Effect::Dup => descriptors::dup(r, cx),
        Effect::Fcntl => descriptors::fcntl(r, cx),
        Effect::New(kind) => descriptors::new(r, cx, kind),
        Effect::Bpf => descriptors::bpf(r, cx),
        Effect::Memfd => descriptors::memfd_create(r, cx),
        Effect::PidfdOpen => descriptors::pidfd_open(r, cx),
        Effect::PidfdGetfd => descriptors::pidfd_getfd(r, cx),
        Effect::Pipe => ipc::pipe(r, cx),
        Effect::Socketpair => ipc::socketpair(r, cx),
        Effect::Socket => network::socket(r, cx),
        Effect::Bind => network::bind(r, cx),
        Effect::Connect => network::connect(r, cx),
        Effect::Accept => network::accept(r, cx),
        Effect::Receive { tuple, control } => network::receive(r, cx, tuple.into(), control.map(usize::from)),
        Effect::Send => network::send(r, cx),
        Effect::Read | Effect::Write => network::touch(r, cx),
        Effect::User { is_added } => users::user(r, cx, is_added),
        Effect::Group { is_added } => users::group(r, cx, is_added),
        Effect::Container => metadata::container(r, cx),
        Effect::Async => metadata::async_event(r, cx),
    }
}

/// True if an event leaves state as it is, whatever its other arguments say: without an effect, or traffic over what it
/// shows nothing new of, as nearly all traffic is.
#[inline]
pub(crate) fn is_known(history: &History, plan: &Plan, event: Event<'_>, file: Option<FileId>) -> bool {
    let known = |is_known: fn(Traffic) -> bool| {
        plan.ret(event).is_some_and(|ret| ret >= 0)
            && file.is_some_and(|file| is_known(history.files.traffic_at(file.index())))
    };
    match plan.bearing {
        Bearing::Nothing => true,
        Bearing::Sockets => known(|file| !file.can_connect()),
        Bearing::Ends => known(|file| !file.can_connect() && file.has_fixed_ends()),
        Bearing::Any => false,
    }
}

/// Plans by kind code, for all kinds that have an effect or a descriptor.
pub(crate) fn plans() -> &'static [Plan] {
    static PLANS: OnceLock<Vec<Plan>> = OnceLock::new();
    PLANS.get_or_init(|| {
        let mut plans = Vec::new();
        for kind in kind::all() {
            let code = usize::from(kind.id.0);
            if plans.len() <= code {
                plans.resize(code + 1, Plan::OTHER);
            }
            plans[code] = plan(kind);
        }
        plans
    })
}

fn plan(kind: &Kind) -> Plan {
    let (actor, effect) = (actor(kind.id), effect(kind.id));
    let has_ret = kind.is_syscall && !kind.id.is_generic();
    Plan { actor, fd: fd_use(kind), effect, has_ret, bearing: bearing(actor, effect) }
}

fn bearing(actor: Actor, effect: Effect) -> Bearing {
    match (actor, effect) {
        (Actor::Nobody, _) => Bearing::Any,
        (_, Effect::None) => Bearing::Nothing,
        (_, Effect::Read | Effect::Write) => Bearing::Sockets,
        (_, Effect::Send | Effect::Receive { control: None, .. }) => Bearing::Ends,
        _ => Bearing::Any,
    }
}

fn actor(id: KindId) -> Actor {
    match id {
        pseudo::DROP
        | pseudo::DROP_END
        | pseudo::SCAPEVENT
        | pseudo::CPU_HOTPLUG
        | pseudo::NOTIFICATION
        | pseudo::INFRA
        | pseudo::PLUGINEVENT
        | pseudo::CONTAINER
        | pseudo::USERADDED
        | pseudo::USERDELETED
        | pseudo::GROUPADDED
        | pseudo::GROUPDELETED
        | pseudo::ASYNCEVENT
        | pseudo::K8S
        | pseudo::TRACER
        | pseudo::TRACER_END
        | pseudo::MESOS
        | pseudo::LOST => Actor::Nobody,
        syscalls::CLONE
        | syscalls::CLONE3
        | syscalls::FORK
        | syscalls::VFORK
        | pseudo::PROCEXIT
        | pseudo::SWITCH
        | pseudo::PROCINFO
        | pseudo::TASK => Actor::KnownOnly,
        _ => Actor::Anybody,
    }
}

/// The argument that is the descriptor of a kind: the first one after the return value.
fn fd_use(kind: &Kind) -> FdUse {
    if kind.has(kind_flags::USES_FD) || kind.has(kind_flags::DESTROYS_FD) {
        // splice(2) has two; Falco takes the one written to. tee(2) is like it.
        let from = if matches!(kind.id, syscalls::SPLICE | syscalls::TEE) { 2 } else { 1 };
        let found = kind.args.iter().enumerate().skip(from).find(|(_, spec)| matches!(spec.ty, ArgType::Fd));
        return found.and_then(|(i, _)| u8::try_from(i).ok()).map_or(FdUse::Creates, FdUse::Arg);
    }
    if kind.has(kind_flags::CREATES_FD) { FdUse::Creates } else { FdUse::None }
}

fn effect(id: KindId) -> Effect {
    match id {
        syscalls::CLONE | syscalls::CLONE3 | syscalls::FORK | syscalls::VFORK => Effect::Clone,
        syscalls::EXECVE | syscalls::EXECVEAT => Effect::Exec,
        pseudo::PROCEXIT => Effect::ProcExit,
        pseudo::TASK => Effect::Task,
        syscalls::SETUID => Effect::SetUid { arg: 1 },
        syscalls::SETREUID | syscalls::SETRESUID => Effect::SetUid { arg: 2 },
        syscalls::SETGID => Effect::SetGid { arg: 1 },
        syscalls::SETREGID | syscalls::SETRESGID => Effect::SetGid { arg: 2 },
        syscalls::CAPSET => Effect::Capset,
        syscalls::PRCTL => Effect::Prctl,
        syscalls::SETSID => Effect::Setsid,
        syscalls::SETPGID => Effect::Setpgid,
        syscalls::UNSHARE => Effect::Unshare,
        syscalls::SETNS => Effect::Setns,
        syscalls::GETRLIMIT | syscalls::SETRLIMIT => Effect::Rlimit,
        syscalls::PRLIMIT => Effect::Prlimit,
        syscalls::CHDIR => Effect::Chdir,
        syscalls::FCHDIR => Effect::Fchdir,
        syscalls::GETCWD => Effect::Getcwd,
        syscalls::CHROOT => Effect::Chroot,
        syscalls::RENAME => Effect::Rename { is_at: false },
        syscalls::RENAMEAT | syscalls::RENAMEAT2 => Effect::Rename { is_at: true },
        syscalls::UNLINK | syscalls::RMDIR => Effect::Unlink { is_at: false },
        syscalls::UNLINKAT => Effect::Unlink { is_at: true },
        syscalls::OPEN => Effect::Open,
        syscalls::OPENAT => Effect::Openat,
        syscalls::OPENAT2 => Effect::Openat2,
        syscalls::CREAT => Effect::Creat,
        syscalls::OPEN_BY_HANDLE_AT => Effect::OpenByHandle,
        syscalls::CLOSE => Effect::Close,
        syscalls::CLOSE_RANGE => Effect::CloseRange,
        syscalls::DUP | syscalls::DUP2 | syscalls::DUP3 => Effect::Dup,
        syscalls::FCNTL => Effect::Fcntl,
        syscalls::EVENTFD | syscalls::EVENTFD2 => Effect::New(FdKind::Event),
        syscalls::SIGNALFD | syscalls::SIGNALFD4 => Effect::New(FdKind::Signal),
        syscalls::TIMERFD_CREATE => Effect::New(FdKind::Timer),
        syscalls::INOTIFY_INIT | syscalls::INOTIFY_INIT1 => Effect::New(FdKind::Inotify),
        syscalls::EPOLL_CREATE | syscalls::EPOLL_CREATE1 => Effect::New(FdKind::Eventpoll),
        syscalls::USERFAULTFD => Effect::New(FdKind::Userfaultfd),
        syscalls::IO_URING_SETUP => Effect::New(FdKind::IoUring),
        syscalls::MEMFD_SECRET => Effect::New(FdKind::Memfd),
        syscalls::FSOPEN
        | syscalls::FSMOUNT
        | syscalls::FSPICK
        | syscalls::FANOTIFY_INIT
        | syscalls::PERF_EVENT_OPEN => Effect::New(FdKind::Unsupported),
        syscalls::OPEN_TREE | syscalls::OPEN_TREE_ATTR => Effect::OpenTree,
        syscalls::BPF => Effect::Bpf,
        syscalls::MEMFD_CREATE => Effect::Memfd,
        syscalls::PIDFD_OPEN => Effect::PidfdOpen,
        syscalls::PIDFD_GETFD => Effect::PidfdGetfd,
        syscalls::PIPE | syscalls::PIPE2 => Effect::Pipe,
        syscalls::SOCKETPAIR => Effect::Socketpair,
        syscalls::SOCKET => Effect::Socket,
        syscalls::BIND => Effect::Bind,
        syscalls::CONNECT => Effect::Connect,
        syscalls::ACCEPT | syscalls::ACCEPT4 => Effect::Accept,
        syscalls::RECV => Effect::Receive { tuple: 4, control: None },
        syscalls::RECVFROM => Effect::Receive { tuple: 2, control: None },
        syscalls::RECVMSG => Effect::Receive { tuple: 3, control: Some(4) },
        syscalls::RECVMMSG => Effect::Receive { tuple: 4, control: Some(5) },
        syscalls::SEND | syscalls::SENDTO | syscalls::SENDMSG | syscalls::SENDMMSG => Effect::Send,
        syscalls::READ | syscalls::READV | syscalls::PREAD | syscalls::PREADV | syscalls::PREADV2 => Effect::Read,
        syscalls::WRITE | syscalls::WRITEV | syscalls::PWRITE | syscalls::PWRITEV | syscalls::PWRITEV2 => Effect::Write,
        pseudo::USERADDED => Effect::User { is_added: true },
        pseudo::USERDELETED => Effect::User { is_added: false },
        pseudo::GROUPADDED => Effect::Group { is_added: true },
        pseudo::GROUPDELETED => Effect::Group { is_added: false },
        pseudo::CONTAINER => Effect::Container,
        pseudo::ASYNCEVENT => Effect::Async,
        _ => Effect::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptor_of_each_kind() {
        // Positions as in `get_exit_event_fd_location` of falcosecurity/libs.
        let listed: &[(u8, &[KindId])] = &[
            (
                1,
                &[
                    syscalls::SETNS,
                    syscalls::LISTEN,
                    syscalls::SHUTDOWN,
                    syscalls::FCHDIR,
                    syscalls::LSEEK,
                    syscalls::LLSEEK,
                    syscalls::IOCTL,
                    syscalls::FSTAT,
                    syscalls::CLOSE,
                    syscalls::GETDENTS,
                    syscalls::GETDENTS64,
                    syscalls::FLOCK,
                    syscalls::COPY_FILE_RANGE,
                    syscalls::FCNTL,
                    syscalls::DUP,
                    syscalls::DUP2,
                    syscalls::DUP3,
                    syscalls::NEWFSTATAT,
                    syscalls::FCHOWNAT,
                    syscalls::FCHMODAT,
                    syscalls::MKDIRAT,
                    syscalls::UNLINKAT,
                    syscalls::MKNODAT,
                    syscalls::SENDMMSG,
                    syscalls::RECVMMSG,
                    syscalls::IO_URING_REGISTER,
                    syscalls::IO_URING_ENTER,
                    syscalls::SETSOCKOPT,
                    syscalls::GETSOCKOPT,
                    syscalls::FSCONFIG,
                    syscalls::FINIT_MODULE,
                    syscalls::FCHMOD,
                    syscalls::FCHOWN,
                    // Not known to libs.
                    syscalls::FTRUNCATE,
                    syscalls::FUTIMESAT,
                    syscalls::UTIMENSAT,
                    syscalls::FSETXATTR,
                    syscalls::FREMOVEXATTR,
                    syscalls::VMSPLICE,
                    syscalls::KEXEC_FILE_LOAD,
                    syscalls::FCHMODAT2,
                    syscalls::PIDFD_SEND_SIGNAL,
                    syscalls::MOVE_MOUNT,
                    syscalls::MOUNT_SETATTR,
                    syscalls::SETXATTRAT,
                    syscalls::REMOVEXATTRAT,
                    syscalls::FILE_SETATTR,
                    syscalls::NAME_TO_HANDLE_AT,
                    syscalls::FALLOCATE,
                    syscalls::FANOTIFY_MARK,
                    syscalls::INOTIFY_ADD_WATCH,
                    syscalls::PROCESS_MADVISE,
                    syscalls::LANDLOCK_ADD_RULE,
                    syscalls::LANDLOCK_RESTRICT_SELF,
                    syscalls::QUOTACTL_FD,
                    syscalls::CACHESTAT,
                ],
            ),
            (
                2,
                &[
                    syscalls::READ,
                    syscalls::PREAD,
                    syscalls::BIND,
                    syscalls::WRITE,
                    syscalls::PWRITE,
                    syscalls::RECV,
                    syscalls::SEND,
                    syscalls::SENDTO,
                    syscalls::SENDMSG,
                    syscalls::SENDFILE,
                    syscalls::SPLICE,
                    syscalls::TEE,
                    syscalls::WRITEV,
                    syscalls::PWRITEV,
                    syscalls::PWRITEV2,
                    syscalls::CONNECT,
                    syscalls::SYMLINKAT,
                ],
            ),
            (3, &[syscalls::RECVFROM, syscalls::READV, syscalls::PREADV, syscalls::PREADV2]),
            (5, &[syscalls::RECVMSG]),
            (8, &[syscalls::MMAP, syscalls::MMAP2]),
        ];
        for kind in kind::all() {
            let want = listed.iter().find(|(_, ids)| ids.contains(&kind.id)).map(|&(i, _)| FdUse::Arg(i));
            let got = fd_use(kind);
            match want {
                Some(want) => assert_eq!(got, want, "{}", kind.name),
                None => assert!(!matches!(got, FdUse::Arg(_)), "{} {got:?}", kind.name),
            }
        }
    }
}

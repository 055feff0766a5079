//! What a trace records that is no system call: process exit, signals, containers, losses.
//!
//! Names, order and types of the arguments are those of the event table of falcosecurity/libs at
//! commit 48dfd53c (driver schema 4.5.1), so that `evt.type`, `evt.arg.NAME` and `evt.args` mean here what
//! they mean there. Codes are stable for ever: a code is never reused, and a new argument is appended.

use super::flags;
use super::kind::{ArgSpec, ArgType::*, Category, arg, kind_flags::*};

super::kind::kinds! { PSEUDO_EVENTS, false;
    DROP = 148, "drop", Category::Internal, NONE, [
        arg("ratio", U32),
    ];
    DROP_END = 149, "drop_end", Category::Internal, NONE, [
        arg("ratio", U32),
    ];
    SWITCH = 152, "switch", Category::Scheduler, NONE, [
        arg("next", Pid),
        arg("pgft_maj", U64),
        arg("pgft_min", U64),
        arg("vm_size", U32),
        arg("vm_rss", U32),
        arg("vm_swap", U32),
    ];
    PROCEXIT = 186, "procexit", Category::Process, MODIFIES_STATE, [
        arg("status", Errno),
        arg("ret", Errno),
        arg("sig", Signal),
        arg("core", U8),
        arg("reaper_tid", Pid),
        arg("process_status", Errno).extra(),
    ];
    SCAPEVENT = 196, "scapevent", Category::Internal, NONE, [
        arg("event_type", U32),
        arg("event_data", U64),
    ];
    SIGNALDELIVER = 232, "signaldeliver", Category::Signal, NONE, [
        arg("spid", Pid),
        arg("dpid", Pid),
        arg("sig", Signal),
    ];
    PROCINFO = 234, "procinfo", Category::Internal, NONE, [
        arg("cpu_usr", U64),
        arg("cpu_sys", U64),
    ];
    CPU_HOTPLUG = 244, "cpu_hotplug", Category::System, MODIFIES_STATE, [
        arg("cpu", U32),
        arg("action", U32),
    ];
    NOTIFICATION = 280, "notification", Category::Other, NONE, [
        arg("id", Str),
        arg("desc", Str),
    ];
    INFRA = 286, "infra", Category::Internal, NONE, [
        arg("source", Str),
        arg("name", Str),
        arg("description", Str),
        arg("scope", Str),
    ];
    PAGE_FAULT = 290, "page_fault", Category::Other, NONE, [
        arg("addr", U64).hex(),
        arg("ip", U64).hex(),
        arg("error", Flags32(&flags::PF_FLAGS)).hex(),
    ];
    PLUGINEVENT = 322, "pluginevent", Category::Other, NONE, [
        arg("plugin_id", U32),
        arg("event_data", Bytes),
    ];
    CONTAINER = 324, "container", Category::Process, MODIFIES_STATE, [
        arg("json", Str),
    ];
    USERADDED = 354, "useradded", Category::Process, MODIFIES_STATE, [
        arg("uid", U32),
        arg("gid", U32),
        arg("name", Str),
        arg("home", Str),
        arg("shell", Str),
        arg("container_id", Str),
    ];
    USERDELETED = 356, "userdeleted", Category::Process, MODIFIES_STATE, [
        arg("uid", U32),
        arg("gid", U32),
        arg("name", Str),
        arg("home", Str),
        arg("shell", Str),
        arg("container_id", Str),
    ];
    GROUPADDED = 358, "groupadded", Category::Process, MODIFIES_STATE, [
        arg("gid", U32),
        arg("name", Str),
        arg("container_id", Str),
    ];
    GROUPDELETED = 360, "groupdeleted", Category::Process, MODIFIES_STATE, [
        arg("gid", U32),
        arg("name", Str),
        arg("container_id", Str),
    ];
    ASYNCEVENT = 402, "asyncevent", Category::Other, NONE, [
        arg("plugin_id", U32),
        arg("name", Str),
        arg("data", Bytes),
    ];
    TASK = 430, "task", Category::Process, MODIFIES_STATE, [
        arg("ppid", Pid32),
        arg("pgid", Pid32),
        arg("vpgid", Pid32),
        arg("sid", Pid32),
        arg("comm", Str),
        arg("argv", StrArray),
        arg("exepath", Path),
        arg("flags", Flags32(&flags::EXECVE_FLAGS)).hex(),
        arg("env", StrArray),
        arg("cwd", Str),
        arg("fdlimit", U64),
        arg("euid", Uid),
        arg("egid", Gid),
        arg("cap_permitted", U64).hex(),
        arg("cap_effective", U64).hex(),
        arg("cap_inheritable", U64).hex(),
        arg("exe_ino_num", U64),
        arg("exe_ino_ctime", AbsTime),
        arg("exe_ino_mtime", AbsTime),
        arg("vm_size", U32),
        arg("vm_rss", U32),
        arg("vm_swap", U32),
        arg("pgft_maj", U64),
        arg("pgft_min", U64),
        arg("vtgid", Pid32),
        arg("vpid", Pid32),
        arg("pidns_init_start_ts", U64),
        arg("cgroups", StrArray),
        arg("root", Path),
        arg("start_time", AbsTime),
        arg("tty", U32),
        arg("loginuid", Uid),
    ];
    TASK_FILE_PIPE = 432, "task_file_pipe", Category::File, MODIFIES_STATE, [
        arg("fd", Fd32),
        arg("path", Path),
        arg("ino_num", U64),
    ];
    TASK_FILE_MEMFD = 434, "task_file_memfd", Category::File, MODIFIES_STATE, [
        arg("fd", Fd32),
        arg("path", Path),
        arg("ino_num", U64),
    ];
    TASK_FILE_REGULAR = 436, "task_file_regular", Category::File, MODIFIES_STATE, [
        arg("fd", Fd32),
        arg("path", Path),
        arg("flags", Flags32(&flags::FILE_FLAGS)).hex(),
        arg("mnt_id", U32),
        arg("ino_num", U64),
    ];
    TASK_FILE_DIRECTORY = 438, "task_file_directory", Category::File, MODIFIES_STATE, [
        arg("fd", Fd32),
        arg("path", Path),
        arg("ino_num", U64),
    ];
    TASK_FILE_SOCKET_INET = 440, "task_file_socket_inet", Category::File, MODIFIES_STATE, [
        arg("fd", Fd32),
        arg("sk_type", U16),
        arg("sk_proto", U16),
        arg("local_ip", Ipv4).hex(),
        arg("local_port", Port).hex(),
        arg("remote_ip", Ipv4).hex(),
        arg("remote_port", Port).hex(),
        arg("ino_num", U64),
    ];
    TASK_FILE_SOCKET_INET6 = 442, "task_file_socket_inet6", Category::File, MODIFIES_STATE, [
        arg("fd", Fd32),
        arg("sk_type", U16),
        arg("sk_proto", U16),
        arg("local_ip", Ipv6).hex(),
        arg("local_port", Port).hex(),
        arg("remote_ip", Ipv6).hex(),
        arg("remote_port", Port).hex(),
        arg("ino_num", U64),
    ];
    TASK_FILE_SOCKET_UNIX = 444, "task_file_socket_unix", Category::File, MODIFIES_STATE, [
        arg("fd", Fd32),
        arg("sk_type", U16),
        arg("sk_proto", U16),
        arg("sk_pointer", U64),
        arg("sun_path", Path),
        arg("ino_num", U64),
    ];
    TASK_FILE_SOCKET_NETLINK = 446, "task_file_socket_netlink", Category::File, MODIFIES_STATE, [
        arg("fd", Fd32),
        arg("sk_type", U16),
        arg("sk_proto", U16),
        arg("ino_num", U64),
    ];
    TASK_FILE_ANON_INODE = 448, "task_file_anon_inode", Category::File, MODIFIES_STATE, [
        arg("fd", Fd32),
        arg("fd_type", Flags8(&flags::ANON_INODE_FD_TYPES)),
        arg("path", Path),
        arg("ino_num", U64),
    ];
    K8S = 260, "k8s", Category::Other, MODIFIES_STATE, [
        arg("json", Str),
    ];
    TRACER = 268, "tracer", Category::Other, NONE, [
        arg("id", I64),
        arg("tags", Bytes),
        arg("args", Bytes),
    ];
    TRACER_END = 269, "tracer_end", Category::Other, NONE, [
        arg("id", I64),
        arg("tags", Bytes),
        arg("args", Bytes),
    ];
    MESOS = 270, "mesos", Category::Other, MODIFIES_STATE, [
        arg("json", Str),
    ];
    LOST = 2048, "lost", Category::Internal, NONE, [
        arg("n_events", U64),
        arg("cpu", U32),
        arg("from", AbsTime),
        arg("to", AbsTime),
        arg("cause", Str),
    ];
    DNS_QUESTION = 2200, "dns_question", Category::Net, NONE, [
        arg("tuple", SockTuple),
        arg("name", Str),
        arg("qtype", Enum16(&flags::DNS_TYPES)),
        arg("id", U16).hex(),
    ];
    IO_URING_REQUEST = 2201, "io_uring_request", Category::IoOther, NONE, [
        arg("op", Enum16(&flags::IO_URING_OPERATIONS)),
        arg("ring", U64).hex(),
        arg("user_data", U64).hex(),
        arg("flags", U32).hex(),
    ];
}

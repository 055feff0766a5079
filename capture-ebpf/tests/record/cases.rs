//! What a process does, and what the trace must say. `*` stands for a part of a word that differs between machines,
//! `...` for the rest of the line.

/// One family of system calls.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// Python; `sc` is a system call by number on x86-64.
    pub(crate) code: &'static str,
    /// Lines in the order of the trace; others may stand between them.
    pub(crate) want: &'static [&'static str],
}

/// What the cases use.
pub(crate) const PRELUDE: &str = r#"
import ctypes, os, socket, struct, mmap, signal
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def sc(nr, *args):
    return libc.syscall(*[ctypes.c_long(nr)] + [a if isinstance(a, (bytes, ctypes.Array, ctypes.Structure)) or a is None else ctypes.c_long(a) for a in args])
def mark(i):
    sc(80, b"/case-%d" % i)
AT = -100
"#;

/// The cases.
pub(crate) const CASES: &[Case] = &[
    Case {
        name: "opening",
        code: r#"
os.close(sc(257, AT, b"a", 0o102 | 0o2000000, 0o640))
os.close(sc(2, b"a", 0))
os.close(sc(85, b"b", 0o604))
sc(257, AT, b"/nonexistent/x", 1)
how = struct.pack("QQQ", 0o101, 0o600, 0x8)
os.close(sc(437, AT, b"c", ctypes.create_string_buffer(how, 24), 24))
d = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
os.close(sc(257, d, b"a", 0o2002, 0))
os.close(d)
"#,
        want: &[
            "openat fd=* dirfd=AT_FDCWD name=a flags=O_CREAT|O_RDWR|O_CLOEXEC|O_F_CREATED mode=0640 dev=0x* ino=*",
            "close res=0 fd=*",
            "open fd=* name=a flags=O_RDONLY mode=0 dev=0x* ino=*",
            "creat fd=* name=b mode=0604 dev=0x* ino=* creat_flags=0",
            "openat fd=ENOENT dirfd=AT_FDCWD name=/nonexistent/x flags=O_WRONLY mode=0 dev=0x0 ino=0",
            "openat2 fd=* dirfd=AT_FDCWD name=c flags=O_CREAT|O_WRONLY|O_F_CREATED mode=0600 resolve=RESOLVE_BENEATH dev=0x* ino=*",
            "openat fd=* dirfd=* name=a flags=O_APPEND|O_RDWR mode=0 dev=0x* ino=*",
        ],
    },
    Case {
        name: "changing files",
        code: r#"
sc(82, b"b", b"b2"); sc(264, AT, b"b2", AT, b"b3"); sc(316, AT, b"b3", AT, b"b4", 1)
sc(86, b"a", b"a.link"); sc(265, AT, b"a", AT, b"a.link2", 0x400)
sc(88, b"a", b"a.sym"); sc(266, b"a", AT, b"a.sym2")
sc(87, b"a.sym"); sc(263, AT, b"a.sym2", 0)
sc(83, b"d", 0o755); sc(258, AT, b"d2", 0o700); sc(84, b"d"); sc(263, AT, b"d2", 0x200)
sc(90, b"a", 0o4755); f = os.open("a", os.O_RDWR); sc(91, f, 0o644); sc(268, AT, b"a", 0o1600)
sc(92, b"a", 1, 2); sc(94, b"a", 3, 4); sc(93, f, 5, 6); sc(260, AT, b"a", 7, -1, 0x100)
sc(76, b"a", 100); sc(77, f, 50)
sc(133, b"fifo", 0o010600, 0); sc(259, AT, b"null", 0o020666, 0x103)
times = struct.pack("qqqq", 1, 2, 3, 4)
sc(280, AT, b"a", ctypes.create_string_buffer(times, 32), 0)
sc(280, AT, b"a", None, 0)
sc(235, b"a", ctypes.create_string_buffer(times, 32))
sc(132, b"a", ctypes.create_string_buffer(struct.pack("qq", 5, 6), 16))
sc(188, b"a", b"user.x", b"value", 5, 0); sc(197, b"a", b"user.x")
sc(452, AT, b"a", 0o600, 0)
os.close(f)
"#,
        want: &[
            "rename res=0 oldpath=b newpath=b2",
            "renameat res=0 olddirfd=AT_FDCWD oldpath=b2 newdirfd=AT_FDCWD newpath=b3",
            "renameat2 res=0 olddirfd=AT_FDCWD oldpath=b3 newdirfd=AT_FDCWD newpath=b4 flags=RENAME_NOREPLACE",
            "link res=0 oldpath=a newpath=a.link",
            "linkat res=0 olddir=AT_FDCWD oldpath=a newdir=AT_FDCWD newpath=a.link2 flags=AT_SYMLINK_FOLLOW",
            "symlink res=0 target=a linkpath=a.sym",
            "symlinkat res=0 target=a linkdirfd=AT_FDCWD linkpath=a.sym2",
            "unlink res=0 path=a.sym",
            "unlinkat res=0 dirfd=AT_FDCWD name=a.sym2 flags=0",
            "mkdir res=0 path=d mode=0x1ed",
            "mkdirat res=0 dirfd=AT_FDCWD path=d2 mode=0x1c0",
            "rmdir res=0 path=d",
            "unlinkat res=0 dirfd=AT_FDCWD name=d2 flags=AT_REMOVEDIR",
            "chmod res=0 filename=a mode=04755",
            "fchmod res=0 fd=* mode=0644",
            "fchmodat res=0 dirfd=AT_FDCWD filename=a mode=01600",
            "chown res=0 path=a uid=1 gid=2",
            "lchown res=0 path=a uid=3 gid=4",
            "fchown res=0 fd=* uid=5 gid=6",
            "fchownat res=0 dirfd=AT_FDCWD pathname=a uid=7 gid=4294967295 flags=AT_SYMLINK_NOFOLLOW",
            "truncate res=0 path=a length=100",
            "ftruncate res=0 fd=* length=50",
            "mknod res=0 path=fifo mode=010600 dev=0",
            "mknodat res=* dirfd=AT_FDCWD path=null mode=020666 dev=259",
            "utimensat res=0 dirfd=AT_FDCWD path=a atime=1000000002 mtime=3000000004 flags=0x0",
            "utimensat res=0 dirfd=AT_FDCWD path=a flags=0x0",
            "utimes res=0 path=a atime=1000002000 mtime=3000004000",
            "utime res=0 path=a atime=5000000000 mtime=6000000000",
            "setxattr res=* path=a name=user.x value=\"value\" size=5 flags=0x0",
            "removexattr res=* path=a name=user.x",
            "fchmodat2 res=* dirfd=AT_FDCWD filename=a mode=0600 flags=0x0",
        ],
    },
    Case {
        name: "descriptors",
        code: r#"
p = ctypes.create_string_buffer(8)
sc(22, p); r, w = struct.unpack("ii", p.raw)
sc(293, p, 0o2004000); r2, w2 = struct.unpack("ii", p.raw)
x = sc(32, r); sc(33, r, 50); sc(292, r, 51, 0o2000000); sc(72, r, 1030, 60); sc(72, r, 2, 1)
for fd in (x, 50, 51, 60, r, w, r2, w2): os.close(fd)
sc(436, 70, 80, 0)
fds = [sc(319, b"evil", 1), sc(284, 7), sc(290, 3, 0o2000000), sc(253), sc(294, 0o4000), sc(289, -1, ctypes.create_string_buffer(struct.pack("Q", 0x201), 8), 8, 0o2000000),
       sc(283, 1, 0o4000), sc(213, 9), sc(291, 0o2000000), sc(323, 1), sc(434, os.getpid(), 0)]
sc(438, fds[-1], 0, 0)
sc(3, 4000)
for fd in fds:
    if fd >= 0: os.close(fd)
"#,
        want: &[
            "pipe res=0 fd1=* fd2=* ino=*",
            "pipe2 res=0 fd1=* fd2=* ino=* flags=O_NONBLOCK|O_CLOEXEC",
            "dup res=* oldfd=*",
            "dup2 res=50 oldfd=* newfd=50",
            "dup3 res=51 oldfd=* newfd=51 flags=O_CLOEXEC",
            "fcntl res=60 fd=* cmd=F_DUPFD_CLOEXEC arg=0x3c",
            "fcntl res=0 fd=* cmd=F_SETFD arg=0x1",
            "close_range res=0 first=70 last=80 flags=0",
            "memfd_create fd=* name=evil flags=MFD_CLOEXEC",
            "eventfd res=* initval=7 flags=0x0",
            "eventfd2 res=* flags=O_CLOEXEC initval=3",
            "inotify_init res=* flags=0x0",
            "inotify_init1 res=* flags=O_NONBLOCK",
            "signalfd4 res=* flags=O_CLOEXEC fd=* mask=0x201",
            "timerfd_create res=* clockid=1 flags=0x40",
            "epoll_create res=* size=9",
            "epoll_create1 res=* flags=EPOLL_CLOEXEC",
            "userfaultfd res=* flags=*",
            "pidfd_open fd=* pid=* flags=0",
            "pidfd_getfd fd=* pid_fd=* target_fd=0 flags=0x0",
            "close res=EBADF fd=4000",
        ],
    },
    Case {
        name: "network",
        code: r#"
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
# Of a run within the last minute the port waits still.
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", 39411)); s.listen(7)
c = socket.socket(); c.connect(("127.0.0.1", 39411)); a, _ = s.accept(); c.shutdown(1)
d = socket.socket(); d.settimeout(2)
try: d.connect(("127.0.0.1", 39412))
except OSError: pass
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(("127.0.0.1", 39413))
v = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
v.sendto(b"hello", ("127.0.0.1", 39413)); u.recvfrom(100)
v.sendmsg([b"again"], [], 0, ("127.0.0.1", 39413)); u.recvmsg(100)
v.sendto(b"one", ("127.0.0.1", 39413)); v.sendto(b"three", ("127.0.0.1", 39413))
names = [ctypes.create_string_buffer(16) for _ in range(2)]; lines = [ctypes.create_string_buffer(20) for _ in range(2)]
pieces = [ctypes.create_string_buffer(struct.pack("QQ", ctypes.addressof(line), 20), 16) for line in lines]
many = ctypes.create_string_buffer(b"".join(struct.pack("QIIQQQQiiii", ctypes.addressof(name), 16, 0, ctypes.addressof(piece), 1, 0, 0, 0, 0, 0, 0) for name, piece in zip(names, pieces)), 128)
sc(299, u.fileno(), many, 2, 0x40, None)
six = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
try: six.connect(("::1", 39414))
except OSError: pass
us = socket.socket(socket.AF_UNIX); us.bind("us"); us.listen(1)
uc = socket.socket(socket.AF_UNIX); uc.connect("us"); ua, _ = us.accept()
ab = socket.socket(socket.AF_UNIX); ab.bind("\0hidden")
p1, p2 = socket.socketpair()
socket.send_fds(p1, [b"x"], [0]); socket.recv_fds(p2, 10, 1)
nl = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
"#,
        want: &[
            "socket fd=* domain=AF_INET type=524289 proto=0 flags=O_CLOEXEC",
            "bind res=0 addr=127.0.0.1:39411 fd=*",
            "listen res=0 fd=* backlog=7",
            "connect res=0 tuple=127.0.0.1:*->127.0.0.1:39411 fd=* addr=127.0.0.1:39411",
            "accept4 fd=* tuple=127.0.0.1:*->127.0.0.1:39411 queuepct=0 queuelen=0 queuemax=7 flags=4096",
            "shutdown res=0 fd=* how=SHUT_WR",
            "connect res=EINPROGRESS tuple=127.0.0.1:*->127.0.0.1:39412 fd=* addr=127.0.0.1:39412",
            "bind res=0 addr=127.0.0.1:39413 fd=*",
            "sendto res=5 data=\"hello\" fd=* size=5 tuple=0.0.0.0:*->127.0.0.1:39413",
            "recvfrom res=5 data=\"hello\" tuple=127.0.0.1:*->127.0.0.1:39413 fd=* size=100",
            "sendmsg res=5 data=\"again\" fd=* size=5 tuple=0.0.0.0:*->127.0.0.1:39413",
            "recvmsg res=5 size=5 data=\"again\" tuple=127.0.0.1:*->127.0.0.1:39413 msgcontrol= fd=*",
            "recvmmsg res=3 fd=* size=3 data=\"one\" tuple=127.0.0.1:*->127.0.0.1:39413 msgcontrol=?",
            "recvmmsg res=5 fd=* size=5 data=\"three\" tuple=127.0.0.1:*->127.0.0.1:39413 msgcontrol=?",
            "socket fd=* domain=AF_LOCAL type=524289 proto=0 flags=O_CLOEXEC",
            "bind res=0 addr=unix:us fd=*",
            "connect res=0 tuple=unix:0x*:us fd=* addr=unix:us",
            "accept4 fd=* tuple=unix:0x*:us queuepct=0 queuelen=0 queuemax=1 flags=4096",
            "bind res=0 addr=unix:hidden fd=*",
            "socketpair res=0 fd1=* fd2=* source=0x* peer=0x* domain=AF_LOCAL type=524289 proto=0",
            "sendmsg res=1 data=\"x\" fd=* size=1 tuple=unix:0x*",
            "recvmsg res=1 size=1 data=\"x\" tuple=unix:0x* msgcontrol=x\"14000000000000000100000001000000*\" fd=*",
            "socket fd=* domain=AF_ROUTE type=524291 proto=0 flags=O_CLOEXEC",
        ],
    },
    Case {
        name: "identity and namespaces",
        code: r#"
sc(105, 0); sc(106, 0); sc(113, -1, 0); sc(114, -1, 0); sc(117, 0, -1, 0); sc(119, -1, 0, 0); sc(122, 0); sc(123, 0); sc(116, 0, None)
h = ctypes.create_string_buffer(struct.pack("Ii", 0x20080522, 0), 8); cap = ctypes.create_string_buffer(24)
sc(125, h, cap); sc(126, h, cap)
n = os.open("/proc/self/ns/uts", os.O_RDONLY); sc(308, n, 0x4000000); os.close(n)
sc(272, 0x4000000); sc(161, b"/"); sc(155, b"/new", b"/old")
sc(112); sc(109, 0, 0)
sc(157, 15, b"innocent", 0, 0, 0); sc(157, 36, 1, 0, 0, 0)
sc(317, 2, 0, 0)
"#,
        want: &[
            "setuid res=0 uid=0",
            "setgid res=0 gid=0",
            "setreuid res=0 ruid=-1 euid=0",
            "setregid res=0 rgid=-1 egid=0",
            "setresuid res=0 ruid=0 euid=-1 suid=0",
            "setresgid res=0 rgid=-1 egid=0 sgid=0",
            "setfsuid res=0 uid=0",
            "setfsgid res=0 gid=0",
            "setgroups res=0 size=0",
            "capset res=0 cap_inheritable=0x* cap_permitted=0x* cap_effective=0x*",
            "setns res=0 fd=* nstype=CLONE_NEWUTS",
            "unshare res=0 flags=CLONE_NEWUTS",
            "chroot res=0 path=/",
            "pivot_root res=ENOENT new_root=/new put_old=/old",
            "setsid res=*",
            "setpgid res=* pid=0 pgid=0",
            "prctl res=0 option=PR_SET_NAME arg2_str=innocent arg2_int=0",
            "prctl res=0 option=PR_SET_CHILD_SUBREAPER arg2_str= arg2_int=1",
            "seccomp res=* op=2 flags=0x0",
        ],
    },
    Case {
        name: "memory, code and kernel",
        code: r#"
m = libc.mmap; m.restype = ctypes.c_void_p; m.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
a = m(None, 8192, 7, 0x22, -1, 0); sc(10, a, 4096, 5); sc(329, a, 4096, 5, -1)
sc(101, 0x4206, 2000000000, 0, 0); sc(101, 4, 2000000000, 0x1000, 0x90)
b = ctypes.create_string_buffer(b"shellcode"); iov = struct.pack("QQ", ctypes.addressof(b), 9)
iov = ctypes.create_string_buffer(iov, 16); sc(311, os.getpid(), iov, 1, iov, 1, 0)
sc(321, 0x1000, None, 0)
sc(175, b"\x7fELFjunk", 8, b"opt=1"); sc(313, -1, b"opt=2", 3); sc(176, b"no_such_module", 0o4000)
sc(246, 0, 0, 0, 0); sc(320, -1, -1, 5, b"quiet", 0)
r, w = os.pipe(); r2, w2 = os.pipe(); os.write(w, b"data"); sc(276, r, w2, 4, 2); sc(275, r, None, w2, None, 4, 1); sc(278, w, iov, 1, 8)
par = ctypes.create_string_buffer(120); u = sc(425, 4, par)
if u >= 0: os.close(u)
os.mkdir("mnt"); sc(165, b"none", b"mnt", b"tmpfs", 6, None); sc(166, b"mnt", 2)
sc(62, os.getpid(), 0); sc(200, 2000000000, 9); sc(234, os.getpid(), os.getpid(), 0)
"#,
        want: &[
            "mmap res=* addr=0x0 length=8192 prot=PROT_READ|PROT_WRITE|PROT_EXEC flags=MAP_PRIVATE|MAP_ANONYMOUS fd=* offset=0",
            "mprotect res=0 addr=0x* length=4096 prot=PROT_READ|PROT_EXEC",
            "pkey_mprotect res=* addr=0x* length=4096 prot=PROT_READ|PROT_EXEC pkey=-1",
            "ptrace res=ESRCH addr=* data=* request=PTRACE_SEIZE pid=2000000000",
            "ptrace res=ESRCH addr=* data=* request=PTRACE_POKETEXT pid=2000000000",
            "process_vm_writev res=9 pid=* data=\"shellcode\"",
            "bpf fd=* cmd=*",
            "init_module res=* img=x\"7f454c466a756e6b\" length=8 uargs=opt=1",
            "finit_module res=* fd=-1 uargs=opt=2 flags=MODULE_INIT_IGNORE_MODVERSIONS|MODULE_INIT_IGNORE_VERMAGIC",
            "delete_module res=* name=no_such_module flags=O_NONBLOCK",
            "kexec_load res=* entry=0x0 nr_segments=0 flags=0x0",
            "kexec_file_load res=* kernel_fd=-1 initrd_fd=-1 cmdline=quiet flags=0x0",
            "tee res=4 fd_in=* fd_out=* size=4 flags=SPLICE_F_NONBLOCK",
            "splice res=4 fd_in=* fd_out=* size=4 flags=SPLICE_F_MOVE",
            "vmsplice res=9 fd=* nr_segs=1 flags=SPLICE_F_GIFT",
            "io_uring_setup res=* entries=4 ...",
            "mount res=0 dev=none dir=mnt type=tmpfs flags=NOSUID|NODEV",
            "umount2 res=0 name=mnt flags=DETACH",
            "kill res=0 pid=* sig=0",
            "tkill res=ESRCH tid=2000000000 sig=SIGKILL",
            "tgkill res=0 pid=* tid=* sig=0",
        ],
    },
    Case {
        name: "contents",
        code: r#"
f = os.open("a", os.O_RDWR | os.O_TRUNC)
sc(1, f, b"secret", 6); sc(18, f, b"SE", 2, 0); b = ctypes.create_string_buffer(10); sc(17, f, b, 10, 2)
sc(20, f, iov, 1); os.lseek(f, 0, 0); sc(0, f, b, 10); os.close(f)
"#,
        want: &[
            "write res=6 data=\"secret\" fd=* size=6",
            "pwrite res=2 data=\"SE\" fd=* size=2 pos=0",
            "pread res=4 data=\"cret\" fd=* size=10 pos=2",
            "writev res=9 data=* fd=* size=9",
            "read res=10 data=* fd=* size=10",
        ],
    },
    Case {
        name: "failed execs",
        code: r#"
argv = (ctypes.c_char_p * 4)(b"ls", b"-l", b"/x", None)
sc(59, b"/nonexistent/ls", argv, None)
sc(322, AT, b"nonexistent", argv, None, 0x100)
"#,
        want: &[
            "execve res=ENOENT exe=ls args=[\"-l\",\"/x\"] filename=/nonexistent/ls",
            "execveat res=ENOENT exe=ls args=[\"-l\",\"/x\"] dirfd=AT_FDCWD pathname=nonexistent at_flags=AT_SYMLINK_NOFOLLOW",
        ],
    },
    Case {
        name: "what is seldom called",
        code: r#"
for birth in (lambda: sc(57), lambda: sc(435, ctypes.create_string_buffer(struct.pack("11Q", 0, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0), 88), 88)):
    child = birth()
    if child == 0: os._exit(0)
    os.waitpid(child, 0)
import subprocess; subprocess.call(["/bin/true"])
limit = ctypes.create_string_buffer(struct.pack("QQ", 900, 1000), 16); old = ctypes.create_string_buffer(16)
sc(302, 0, 7, limit, old); sc(302, 0, 99, limit, old); sc(160, 7, limit)
text = lambda data: ctypes.create_string_buffer(data, len(data))
handle = text(struct.pack("II", 100, 0) + bytes(100)); mount = ctypes.create_string_buffer(4)
sc(303, AT, b"a", handle, mount, 0); d = os.open(".", os.O_RDONLY); o = sc(304, d, handle, 2)
if o >= 0: os.close(o)
sc(81, d); place = ctypes.create_string_buffer(b"before", 200); sc(79, place, 3); sc(79, place, 200)
times = text(struct.pack("qqqq", 1, 2, 3, 4)); sc(261, AT, b"a", times)
f = os.open("a", os.O_RDWR)
sc(189, b"a", b"user.y", b"link", 4, 1); sc(190, f, b"user.z", b"file", 4, 2); sc(198, b"a", b"user.y"); sc(199, f, b"user.z")
sc(429, -1, b"from", AT, b"to", 4); sc(442, AT, b"nonexistent", 0x8000, text(bytes(32)), 32); sc(431, -1, 1, b"source", b"none", 5)
s = sc(282, -1, text(struct.pack("Q", 0x401)), 8); os.close(s)
kept = text(b"contents"); iov = text(struct.pack("QQ", ctypes.addressof(kept), 8)); sc(310, os.getpid(), iov, 1, iov, 1, 0)
sc(426, 4000, 1, 2, 1, None, 0); sc(427, 4000, 2, None, 0)
info = text(struct.pack("iii", 10, 0, -1) + bytes(116))
sc(129, 2000000000, 10, info); sc(297, 2000000000, 2000000000, 12, info)
p = sc(434, os.getpid(), 0); sc(424, p, 0, None, 0); os.close(p)
os.pwrite(f, b"contents", 0); os.ftruncate(f, 8)
sc(19, f, iov, 1); sc(296, f, iov, 1, 2, 0); sc(295, f, iov, 1, 3, 0)
to = os.open("copy", os.O_CREAT | os.O_WRONLY); sc(326, f, text(struct.pack("q", 1)), to, None, 5, 0)
# Memory that a call which fails does not write.
full = text(struct.pack("ii", 8, 9)); sc(293, full, -1); sc(53, 99, 1, 0, full)
os.close(to); os.close(f); os.close(d)
"#,
        want: &[
            "fork res=* flags=0",
            "clone3 res=* flags=0",
            "vfork res=* flags=CLONE_VM|CLONE_VFORK",
            "prlimit res=0 newcur=900 newmax=1000 oldcur=* oldmax=* pid=0 resource=RLIMIT_NOFILE",
            "prlimit res=EINVAL newcur=900 newmax=1000 pid=0 resource=99",
            "setrlimit res=0 cur=900 max=1000 resource=RLIMIT_NOFILE",
            "open_by_handle_at fd=* mountfd=* flags=O_RDWR path=/* dev=0x* ino=*",
            "fchdir res=0 fd=*",
            "getcwd res=ERANGE path=",
            "getcwd res=* path=/*",
            "futimesat res=0 dirfd=AT_FDCWD path=a atime=1000002000 mtime=3000004000",
            "lsetxattr res=* path=a name=user.y value=\"link\" size=4 flags=0x1",
            "fsetxattr res=* fd=* name=user.z value=\"file\" size=4 flags=0x2",
            "lremovexattr res=* path=a name=user.y",
            "fremovexattr res=* fd=* name=user.z",
            "move_mount res=ENOENT from_dirfd=-1 from_path=from to_dirfd=AT_FDCWD to_path=to flags=0x4",
            "mount_setattr res=* dirfd=AT_FDCWD path=nonexistent flags=0x8000 attr_set=0x0 attr_clr=0x0 propagation=0x0 userns_fd=0",
            "fsconfig res=EINVAL fd=-1 cmd=FSCONFIG_SET_STRING key=source value_charbuf=none aux=5",
            "signalfd res=* fd=-1 mask=0x401 flags=0x0",
            "process_vm_readv res=8 pid=* data=\"contents\"",
            "io_uring_enter res=EBADF fd=4000 to_submit=1 min_complete=2 flags=IORING_ENTER_GETEVENTS sig=?",
            "io_uring_register res=EBADF fd=4000 opcode=IORING_REGISTER_FILES arg=0x0 nr_args=0",
            "rt_sigqueueinfo res=ESRCH pid=2000000000 sig=SIGUSR1",
            "rt_tgsigqueueinfo res=ESRCH pid=2000000000 tid=2000000000 sig=SIGUSR2",
            "pidfd_send_signal res=0 pidfd=* sig=0 flags=0x0",
            "readv res=8 size=8 data=\"contents\" fd=*",
            "pwritev res=8 data=\"contents\" fd=* size=8 pos=2",
            "preadv res=7 size=7 data=\"ontents\" fd=* pos=3",
            "copy_file_range res=5 fdout=* fdin=* offin=1 len=5",
            "pipe2 res=EINVAL fd1=-1 fd2=-1 ...",
            "socketpair res=EAFNOSUPPORT fd1=-1 fd2=-1 source=0x0 peer=0x0 ...",
        ],
    },
    Case {
        name: "mounts of the new interface",
        code: r#"
attr = text(struct.pack("4Q", 0x9, 0x2, 1 << 18, 0))
fs = sc(430, b"tmpfs", 1); sc(431, fs, 1, b"size", b"1m", 0); sc(431, fs, 6, None, None, 0)
m = sc(432, fs, 1, 0xf); os.mkdir("new"); sc(429, m, b"", AT, b"new", 4)
picked = sc(433, AT, b"new", 3); tree = sc(428, AT, b"new", 0o2000001); o = sc(257, tree, b"inside", 0)
tree2 = sc(467, AT, b"new", 1, attr, 32); sc(442, AT, b"new", 0, attr, 32); sc(442, AT, b"nowhere", 0, None, 0)
sc(166, b"new", 2); sc(430, b"no_such_fs", 0)
for fd in (fs, m, picked, tree, tree2):
    if fd >= 0: os.close(fd)
"#,
        want: &[
            "fsopen fd=* fsname=tmpfs flags=0x1",
            "fsconfig res=* fd=* cmd=FSCONFIG_SET_STRING key=size value_charbuf=1m aux=0",
            "fsmount fd=* fs_fd=* flags=0x1 attr_flags=0xf",
            "move_mount res=* from_dirfd=* from_path= to_dirfd=AT_FDCWD to_path=new flags=0x4",
            "fspick fd=* dirfd=AT_FDCWD path=new flags=0x3",
            "open_tree fd=* dirfd=AT_FDCWD path=new flags=0x80001",
            "openat fd=* dirfd=* name=inside ...",
            "open_tree_attr fd=* dirfd=AT_FDCWD path=new flags=0x1 attr_set=0x9 attr_clr=0x2 propagation=0x40000 userns_fd=0",
            "mount_setattr res=* dirfd=AT_FDCWD path=new flags=0x0 attr_set=0x9 attr_clr=0x2 propagation=0x40000 userns_fd=0",
            "mount_setattr res=* dirfd=AT_FDCWD path=nowhere flags=0x0 userns_fd=?",
            "umount2 res=* name=new flags=DETACH",
            "fsopen fd=ENODEV fsname=no_such_fs flags=0x0",
        ],
    },
    Case {
        name: "files by newer calls",
        code: r#"
value = text(b"a-value"); xattr = text(struct.pack("QII", ctypes.addressof(value), 7, 1))
sc(463, AT, b"a", 0x100, b"user.at", xattr, 16); sc(466, AT, b"a", 0x100, b"user.at")
sc(469, AT, b"a", text(struct.pack("QIIII", 0x8000000000, 0, 0, 0, 0)), 24, 0x100)
sc(303, AT, b"a", handle, mount, 0x400)
kept.raw = b"contents"; f = os.open("a", os.O_RDWR); sc(285, f, 1, 2, 3); sc(20, f, iov, 1)
sc(328, f, iov, 1, 2, 0, 0x2); sc(327, f, iov, 1, 3, 0, 0x1); sc(451, f, text(struct.pack("QQ", 1, 5)), ctypes.create_string_buffer(40), 0)
sc(16, f, 0x5401, 0x10); os.close(f)
w = sc(253); sc(254, w, b"/etc", 0x2); os.close(w)
n = sc(300, 0x1, 0o2); sc(301, n, 0x1, 0x8, AT, b"a")
if n >= 0: os.close(n)
sc(179, 0x80000201, b"/dev/nowhere", 4, b"quota.group"); sc(443, -1, 0x80000700, 9, None)
sc(167, b"nowhere", 0x8000); sc(168, b"nowhere")
"#,
        want: &[
            "setxattrat res=* dirfd=AT_FDCWD path=a at_flags=0x100 name=user.at value=\"a-value\" size=7 flags=0x1",
            "removexattrat res=* dirfd=AT_FDCWD path=a at_flags=0x100 name=user.at",
            "file_setattr res=* dirfd=AT_FDCWD path=a at_flags=0x100 xflags=0x8000000000",
            "name_to_handle_at res=* dirfd=AT_FDCWD path=a flags=0x400",
            "fallocate res=* fd=* mode=0x1 offset=2 length=3",
            "pwritev2 res=8 data=\"contents\" fd=* size=8 pos=2 flags=0x2",
            "preadv2 res=* size=* data=\"ontents\" fd=* pos=3 flags=0x1",
            "cachestat res=* fd=* offset=1 length=5",
            "ioctl res=ENOTTY fd=* request=0x5401 argument=0x10",
            "inotify_add_watch res=* fd=* path=/etc mask=0x2",
            "fanotify_init fd=* flags=0x1 event_flags=O_RDWR",
            "fanotify_mark res=* fd=* flags=0x1 mask=0x8 dirfd=AT_FDCWD path=a",
            "quotactl res=* special=/dev/nowhere cmd=Q_QUOTAON type=GRPQUOTA id=4 quota_fmt=QFMT_VFS_V1",
            "quotactl_fd res=* fd=-1 cmd=0x80000700 id=9",
            "swapon res=ENOENT path=nowhere flags=0x8000",
            "swapoff res=ENOENT path=nowhere",
        ],
    },
    Case {
        name: "the machine, keys and limits",
        // Nothing that would change the machine: values that the kernel refuses, or a namespace of its own.
        code: r#"
sc(272, 0x4000000); sc(170, b"other-host", 10); sc(171, b"other-domain", 12)
sc(169, 0, 0, 0x1234567, None); sc(103, 99, None, 5); sc(163, b"/nonexistent/acct")
sc(164, text(struct.pack("qq", 5, 2000000)), None); sc(227, 99, text(struct.pack("qq", 6, 7)))
sc(159, text(bytes(256))); sc(305, 99, text(struct.pack("I", 0x100) + bytes(256)))
sc(135, 0xffffffff); sc(154, 17, None, 0); sc(173, 0x80, 1, 1); sc(173, 0x80, 1, 0); sc(172, 4)
k = sc(248, b"user", b"a-key", b"secret", 6, -1); sc(249, b"user", b"a-key", None, 0)
sc(250, 1, b"a-ring"); sc(250, 10, -3, b"user", b"a-key", 0); sc(250, 11, k, None, 0)
s = sc(447, 0o2000000)
if s >= 0: os.close(s)
p = sc(298, text(struct.pack("IIQ", 1, 112, 9) + bytes(96)), 0, -1, -1, 8)
if p >= 0: os.close(p)
p = sc(434, os.getpid(), 0); sc(440, p, iov, 1, 20, 0); os.close(p); sc(462, 0x1000, 4096, 1)
libc.shmget.restype = ctypes.c_int; i = sc(29, 0, 4096, 0o1700)
if i >= 0: sc(31, i, 0, None)
sc(30, 2000000000, 0, 0o100000)
rules = sc(444, text(struct.pack("Q", 0x2)), 8, 0); here = os.open(".", os.O_PATH)
sc(445, rules, 1, text(struct.pack("Qi", 0x2, here) + bytes(4)), 0); sc(446, -1, 0); os.close(here)
if rules >= 0: os.close(rules)
sc(460, 100, text(bytes(32)), 32, 0)
"#,
        want: &[
            "sethostname res=0 name=other-host",
            "setdomainname res=0 name=other-domain",
            "reboot res=* cmd=0x1234567",
            "syslog res=* type=99 size=5",
            "acct res=* path=/nonexistent/acct",
            "settimeofday res=EINVAL time=7000000000",
            "clock_settime res=EINVAL clockid=99 time=6000000007",
            "adjtimex res=* modes=0x0",
            "clock_adjtime res=* clockid=99 modes=0x100",
            "personality res=* persona=0xffffffff",
            "modify_ldt res=EINVAL func=17 size=0",
            "ioperm res=* from=0x80 num=1 turn_on=1",
            "ioperm res=* from=0x80 num=1 turn_on=0",
            "iopl res=* level=4",
            "add_key res=* type=user description=a-key size=6 keyring=-1",
            "request_key res=* type=user description=a-key callout_info= keyring=0",
            "keyctl res=* operation=KEYCTL_JOIN_SESSION_KEYRING arg2=1:a-ring arg3=0:0 arg4=0:0 arg5=0:0",
            "keyctl res=* operation=KEYCTL_SEARCH arg2=0:-3 arg3=1:user arg4=1:a-key arg5=0:0",
            "keyctl res=* operation=KEYCTL_READ arg2=0:* arg3=0:0 arg4=0:0 arg5=0:0",
            "memfd_secret fd=* flags=0x80000",
            "perf_event_open fd=* type=1 config=0x9 pid=0 cpu=-1 group_fd=-1 flags=0x8",
            "process_madvise res=* pidfd=* vlen=1 advice=20 flags=0x0",
            "mseal res=EINVAL addr=0x1000 length=4096 flags=0x1",
            "shmat res=* shmid=2000000000 addr=0x0 flags=0x8000",
            "landlock_create_ruleset res=* handled_access_fs=0x2 flags=0x0",
            "landlock_add_rule res=* ruleset_fd=* rule_type=1 allowed_access=0x2 flags=0x0",
            "landlock_restrict_self res=* ruleset_fd=-1 flags=0x0",
            "lsm_set_self_attr res=* attr=100 size=32 flags=0x0",
        ],
    },
];

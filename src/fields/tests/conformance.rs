//! Cases of the Falco specification (section 8.2) as far as they are about values, not about operators.

mod common;

use tracehound_fields::{Value, print, resolve};

/// Values of fields at the last event of a trace; `NULL` is absent, lists are in parentheses.
fn check(trace: &str, cases: &[(&str, &str)]) {
    for (name, want) in cases {
        let got = common::at_last(trace, |view| {
            let field = resolve(name).unwrap();
            match (field.field().get)(view, &field.arg) {
                Value::Null => "NULL".to_owned(),
                value => print::scalar(value, print::format(view, &field)).to_string(),
            }
        });
        assert_eq!(got, *want, "{name} of\n{trace}");
    }
}

#[test]
fn open_that_succeeds() {
    check(
        "thread 1 comm=init\n1 open fd=1 name=/opt/dir/subdir/file.txt flags=O_RDWR|O_CREAT mode=0",
        &[
            ("evt.arg.flags", "O_CREAT|O_RDWR"),
            ("fd.directory", "/opt/dir/subdir"),
            ("fd.filename", "file.txt"),
            ("evt.is_open_read", "true"),
            ("evt.is_open_write", "true"),
            ("evt.is_open_exec", "false"),
            ("evt.source", "syscall"),
        ],
    );
}

#[test]
fn opens_that_fail() {
    let of = |call: &str| format!("thread 1 comm=init cwd=/tmp\n1 {call}");
    check(
        &of("open fd=ENOENT name=x flags=O_RDONLY mode=0"),
        &[
            ("fd.num", "-1"),
            ("fd.filename", "NULL"),
            ("fd.type", "NULL"),
            ("fd.typechar", "o"),
            ("fd.name", "/tmp/x"),
            ("fd.directory", "/tmp"),
            ("evt.arg.fd", "ENOENT"),
            ("evt.res", "ENOENT"),
            // -2 is not -1, so that the path counts as opened.
            ("fs.path.name", "/tmp/x"),
        ],
    );
    check(&of("open fd=EPERM name=x flags=O_RDONLY mode=0"), &[("fs.path.name", "NULL"), ("evt.res", "EPERM")]);
    check(
        &of("openat fd=ENOENT dirfd=77 name=x flags=O_RDONLY mode=0"),
        &[("fd.typechar", "f"), ("fd.name", "<UNKNOWN>x"), ("fd.nameraw", "x"), ("fs.path.name", "<UNKNOWN>")],
    );
}

#[test]
fn connection_without_interface_list() {
    check(
        "thread 1 comm=init\n1 socket fd=3 domain=AF_INET type=1 proto=6\n\
         1 connect res=0 fd=3 tuple=172.40.111.222:54321->142.251.111.147:443 addr=142.251.111.147:443",
        &[
            ("fd.ip", "(172.40.111.222,142.251.111.147)"),
            ("fd.net", "(172.40.111.222,142.251.111.147)"),
            ("fd.port", "(54321,443)"),
            ("fd.sip", "142.251.111.147"),
            ("fd.lip", "142.251.111.147"),
            ("fd.rip", "172.40.111.222"),
            ("fd.name", "172.40.111.222:54321->142.251.111.147:443"),
            ("fd.sip.name", "NULL"),
        ],
    );
    check(
        "thread 1 comm=init\nfd 1 3 file /x\n1 fstat res=0 fd=3",
        &[("fd.ip", "()"), ("fd.net", "()"), ("fd.sockfamily", "NULL"), ("fd.l4proto", "<NA>")],
    );
    check(
        "thread 1 comm=init\nfd 1 3 listen 1.2.3.4:80 tcp\n1 listen res=0 fd=3 backlog=1",
        &[
            ("fd.ip", "1.2.3.4"),
            ("fd.port", "80"),
            ("fd.sip", "1.2.3.4"),
            ("fd.cip", "NULL"),
            ("fd.l4proto", "tcp"),
            ("fd.is_server", "true"),
        ],
    );
}

#[test]
fn results() {
    check(
        "thread 1 comm=init\n1 @1 epoll_create res=-22 size=1",
        &[
            ("evt.rawarg.res", "-22"),
            ("evt.rawres", "-22"),
            ("evt.res", "EINVAL"),
            ("evt.failed", "true"),
            ("evt.cpu", "1"),
        ],
    );
    check(
        "thread 1 comm=init\n1 generic:read",
        &[
            ("evt.type", "read"),
            ("syscall.type", "read"),
            ("evt.failed", "NULL"),
            ("evt.rawres", "NULL"),
            ("evt.args", ""),
            ("evt.dir", "<"),
        ],
    );
    // The same system call has its name whether a trace has its arguments or not.
    let text = "thread 1 comm=init\n1 fsopen fd=4 fsname=tmpfs flags=0x1";
    check(text, &[("evt.type", "fsopen"), ("evt.dir", "<"), ("evt.arg.fsname", "tmpfs"), ("fd.num", "4")]);
    check("thread 1 comm=init\n1 generic:fsopen", &[("evt.type", "fsopen"), ("evt.dir", "<"), ("evt.args", "")]);
    // A failed clone returns an error as a process id, which has no symbol.
    check("thread 1 comm=init\n1 clone res=-11", &[("evt.res", "-11"), ("evt.failed", "true")]);
}

const FAMILY: &str = "thread 1 comm=systemd\nthread 2 ptid=1 comm=sshd\nthread 3 ptid=2 comm=bash\n\
                      thread 4 ptid=3 comm=myexe args=[\"a\",\"b c\"]";

#[test]
fn ancestors() {
    check(
        &format!("{FAMILY}\n4 getcwd res=0 path=/"),
        &[
            ("proc.aname", "(bash,sshd,systemd)"),
            ("proc.aname[0]", "myexe"),
            ("proc.aname[1]", "bash"),
            ("proc.aname[3]", "systemd"),
            ("proc.aname[4]", "NULL"),
            ("proc.aname[4294967295]", "NULL"),
            ("proc.apid", "(3,2,1)"),
            ("proc.cmdline", "myexe a b c"),
            ("proc.args[1]", "b c"),
            ("proc.args[2]", ""),
            ("proc.exeline", " a b c"),
        ],
    );
    check(&format!("{FAMILY}\n1 getcwd res=0 path=/"), &[("proc.aname", "NULL"), ("proc.pname", "NULL")]);
    // After the parent's exit the reaper is the parent.
    check(
        &format!("{FAMILY}\n3 procexit status=0 reaper_tid=1\n4 getcwd res=0 path=/"),
        &[("proc.pname", "systemd"), ("proc.aname[2]", "NULL")],
    );
}

#[test]
fn identity() {
    check(
        "thread 1 comm=a uid=5\n1 setuid res=0 uid=5",
        &[
            ("user.loginuid", "-1"),
            ("user.loginname", "<NA>"),
            ("user.name", "<NA>"),
            ("evt.arg.uid", "<NA>"),
            ("evt.rawarg.uid", "5"),
        ],
    );
    check(
        "user 5 eve\nthread 1 comm=a\n1 setuid res=0 uid=5",
        &[("evt.arg.uid", "eve"), ("evt.args", "res=0 uid=5(eve)"), ("user.name", "eve")],
    );
    check(
        "thread 1 comm=a uid=0 gid=0\n1 setuid res=0 uid=-1",
        &[("evt.arg.uid", "<NONE>"), ("evt.args", "res=0 uid=-1(<NONE>)")],
    );
    check("thread 1 comm=a uid=0 gid=0\n1 getuid uid=0", &[("user.name", "root"), ("group.name", "root")]);
}

#[test]
fn enumerations_and_empty_arguments() {
    check("thread 1 comm=a\n1 bpf fd=3 cmd=5", &[("evt.arg.cmd", "BPF_PROG_LOAD"), ("evt.rawarg.cmd", "5")]);
    check("thread 1 comm=a\n1 socket fd=3 domain=1 type=1 proto=0", &[("evt.arg.domain", "AF_LOCAL|AF_UNIX")]);
    check(
        "thread 1 comm=a\n1 execve res=0 exe=x comm=x uid= flags= trusted_exepath=",
        &[
            ("evt.rawarg.uid", "NULL"),
            ("evt.rawarg.flags", "NULL"),
            ("evt.rawarg.trusted_exepath", "<NA>"),
            ("evt.arg.uid", "<NA>"),
            ("evt.arg.env", "NULL"),
        ],
    );
    check(
        "thread 1 comm=a\n1 ptrace res=0 request=PTRACE_ATTACH pid=1",
        &[
            ("evt.arg.request", "PTRACE_ATTACH"),
            ("evt.arg.pid", "a"),
            // The text of an empty argument of a dynamic type.
            ("evt.arg.addr", "NULL"),
            ("evt.arg.flags", "NULL"),
        ],
    );
}

#[test]
fn containers() {
    check(
        "thread 1 comm=a\n1 getcwd res=0 path=/",
        &[
            ("container.id", "host"),
            ("container.image.repository", ""),
            ("container.privileged", "false"),
            ("k8s.ns.name", "NULL"),
            ("container.mount.dest[/etc]", "NULL"),
        ],
    );
    let id = "3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3601e";
    check(
        &format!("thread 1 comm=a cgroups=[\"cpu=/docker/{id}\"]\n1 getcwd res=0 path=/"),
        &[
            ("container.id", "3ad7b26ded6d"),
            ("container.image.repository", "NULL"),
            ("container.name", "NULL"),
            ("container.privileged", "NULL"),
        ],
    );
}

#[test]
fn descriptors() {
    check(
        "thread 1 comm=a\nfd 1 3 inet 1.2.3.4:5->6.7.8.9:10 tcp\n1 dup2 res=0 oldfd=3 newfd=0",
        &[
            ("fd.num", "0"),
            ("fd.type", "ipv4"),
            ("fd.types", "(ipv4)"),
            ("proc.stdin.type", "ipv4"),
            ("evt.arg.oldfd", "<4t>1.2.3.4:5->6.7.8.9:10"),
        ],
    );
    check(
        "thread 1 comm=a cwd=/t\n1 rename res=0 oldpath=a newpath=/b",
        &[
            ("fd.name", "NULL"),
            ("fd.num", "NULL"),
            ("fs.path.source", "/t/a"),
            ("fs.path.target", "/b"),
            ("evt.arg.oldpath", "/t/a"),
        ],
    );
    // What close closes is still seen by rules on the close.
    check(
        "thread 1 comm=a\nfd 1 3 file /etc/passwd\n1 close res=0 fd=3",
        &[("fd.name", "/etc/passwd"), ("evt.arg.fd", "<f>/etc/passwd")],
    );
    // The descriptor of unlinkat is its directory.
    check(
        "thread 1 comm=a\nfd 1 3 directory /etc\n1 unlinkat res=0 dirfd=3 name=x flags=0",
        &[("fd.name", "/etc"), ("fs.path.name", "/etc/x"), ("evt.arg.name", "/etc/x"), ("evt.abspath", "/etc/x")],
    );
    check(
        "thread 1 comm=a cwd=/t\n1 unlinkat res=0 dirfd=AT_FDCWD name=x flags=0",
        &[
            ("fd.num", "-100"),
            ("fd.name", ""),
            ("fs.path.name", "<UNKNOWN>x"),
            ("evt.arg.name", "/t/x"),
            ("evt.arg.dirfd", "AT_FDCWD"),
        ],
    );
}

#[test]
fn names_and_paths() {
    check(
        "thread 1 comm=a\n1 prctl res=0 option=15 arg2_str=x\n1 open fd=3 name=/y flags=0 mode=0",
        &[("proc.name", "a")],
    );
    // A thread resolves relative paths against its process's directory.
    check(
        "thread 1 comm=a cwd=/home\nthread 2 pid=1 comm=b\n2 open fd=3 name=x flags=O_RDONLY mode=0",
        &[("fd.name", "/home/x"), ("proc.name", "b"), ("thread.ismain", "false"), ("proc.pid", "1")],
    );
    check(
        "thread 1 comm=a cwd=/w\n1 symlink res=0 target=x linkpath=/etc/y",
        &[("evt.arg.target", "x"), ("fs.path.source", "/etc/y"), ("fs.path.target", "/w/x")],
    );
}

/// A thread of which nothing is known but its id: Falco's placeholder.
#[test]
fn first_seen_thread() {
    check(
        "9 open fd=3 name=x flags=O_RDONLY mode=0",
        &[
            ("proc.name", "<NA>"),
            ("proc.exe", "<NA>"),
            ("proc.exepath", ""),
            ("proc.cmdline", "<NA>"),
            ("proc.pid", "-1"),
            ("thread.tid", "9"),
            ("proc.pname", "NULL"),
            ("user.uid", "4294967295"),
            ("user.name", "<NA>"),
            ("container.id", "host"),
        ],
    );
}

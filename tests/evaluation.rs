//! Section 8.2 of the specification of the rules language: conditions on events, whole, from text to answer.

mod support;

use support::asked::{fired, rule};
use tracehound_rules::Policy;

const E1: &str = "thread 1 comm=init\n1 getcwd res=-34";
const E2: &str = "thread 1 comm=init\n1 open fd=1 name=/opt/dir/subdir/file.txt flags=O_RDWR|O_CREAT mode=0";
const E2_FAILED: &str = "thread 1 comm=init\n1 open fd=-1 name=/opt/dir/subdir/file.txt flags=O_RDWR|O_CREAT mode=0";
const E2_OPENAT: &str = "thread 1 comm=init\n1 openat fd=-1 dirfd=AT_FDCWD name=/opt/x flags=O_RDWR mode=0";
const E3: &str = "thread 1 comm=init\n1 socket fd=3 domain=AF_INET type=1 proto=6\n\
    1 connect res=0 tuple=172.40.111.222:54321->142.251.111.147:443 fd=3 addr=142.251.111.147:443";
const E4: &str = "thread 1 comm=init\n1 @1 epoll_create res=-22 size=1";
const E5: &str = "thread 1 comm=init\nfd 1 3 file /x\n1 read res=5 data=hello fd=3 size=5";
const X: &str = "thread 1 comm=bash\n1 execve res=0 exe=myexe args=[\"-nt\",\"v\"] comm=myexe loginuid=4294967295";
const X4: &str = "thread 1 comm=sshd\nthread 2 pid=2 ptid=1 comm=bash\nthread 3 pid=3 ptid=2 comm=bash\n\
    3 execve res=0 exe=myexe comm=myexe pid=3 tid=3 ptid=2";
const X9: &str = "thread 1 comm=a\n1 setuid res=0 uid=5";
const X10: &str = "thread 1 comm=a\n1 bpf fd=3 cmd=5";
const X11: &str = "thread 1 comm=a\n1 execve res=0 exe=x comm=x uid= flags= trusted_exepath=";
const X13: &str = "thread 1 comm=a cgroups=[\"cpu=/docker/3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3601e\"]\n\
    1 getcwd res=0 path=/";
const X14: &str = "thread 1 comm=a\nfd 1 3 inet 1.2.3.4:5->6.7.8.9:10 tcp\n1 dup2 res=0 oldfd=3 newfd=0";
const X15: &str = "thread 1 comm=a cwd=/t\n1 rename res=0 oldpath=a newpath=/b";
const X17: &str = "thread 1 comm=a\n1 prctl res=0 option=15 arg2_str=x\n1 open fd=3 name=/y flags=0 mode=0";
const X18: &str = "thread 1 comm=init-name\nthread 2 pid=2 ptid=1 comm=p\nthread 3 pid=3 ptid=2 comm=c\n\
    2 procexit status=0 reaper_tid=1\n3 getcwd res=0 path=/";
const X19: &str = "thread 1 comm=a cwd=/home\nthread 2 pid=1 comm=b\n2 open fd=3 name=x flags=O_RDONLY mode=0";
const X21: &str = "thread 1 comm=a\n1 generic:getpid";
const X22: &str = "thread 1 comm=a cwd=/w\n1 symlink res=0 target=x linkpath=/etc/y";

/// Case, trace, condition asked of its last event, and the answer: true, false, or not loaded.
const CASES: &[(&str, &str, &str, Option<bool>)] = &[
    ("E1a", E1, "evt.args = evt.args", Some(false)),
    ("E1b", E1, "evt.args = val(evt.args)", Some(true)),
    // True for a filter alone. In a rule Falco refuses a transformer around the kind of event (section 6.1,
    // `ppm_code_visitor`), so that the nested transformers are asked of another field.
    ("E1c", E1, "tolower(toupper(syscall.type)) = getcwd", None),
    ("E1c", E1, "tolower(toupper(proc.name)) = init", Some(true)),
    ("E1d", E1, "evt.source regex 'yscal.*'", Some(false)),
    ("E1d", E1, "evt.source regex 'syscal.*'", Some(true)),
    ("E1d", E1, "evt.source regex '^[s]{1}ysca[l]{2}$'", Some(true)),
    ("E1e", E1, "syscall.type = val(evt.is_wait)", None),
    ("E2a", E2, "fd.name pmatch (/opt/dir)", Some(true)),
    ("E2a", E2, "fd.name pmatch (/opt/dir2)", Some(false)),
    ("E2a", E2, "fd.name pmatch (/opt/dir2, /opt/dir)", Some(true)),
    ("E2b", E2, "fd.name pmatch (/opt/*/subdir)", Some(true)),
    ("E2b", E2, "fd.name pmatch (/opt/*/*/subsubdir)", Some(false)),
    ("E2b", E2, "fd.name pmatch (/opt/di[!r]/subdir)", Some(false)),
    ("E2c", E2, "fd.name pmatch ('')", Some(true)),
    ("E2c", E2, "fd.name pmatch ()", Some(false)),
    ("E2d", E2, "fd.name icontains /SUBDIR", Some(true)),
    ("E2d", E2, "fd.name contains /SUBDIR", Some(false)),
    ("E2e", E2, "evt.arg.flags contains O_CREAT", Some(true)),
    ("E2e", E2, "evt.arg.flags = 'O_CREAT|O_RDWR'", Some(true)),
    ("E2f", E2, "basename(fd.name) = file.txt", Some(true)),
    ("E2f", E2, "len(fd.name) = 24", Some(true)),
    ("E2g", E2, "fd.directory = /opt/dir/subdir", Some(true)),
    ("E2g", E2, "fd.filename = file.txt", Some(true)),
    ("E2h", E2_FAILED, "fd.num < 0", Some(true)),
    ("E2h", E2_FAILED, "fd.num >= 0", Some(false)),
    ("E2h", E2_FAILED, "fd.filename exists", Some(false)),
    ("E2i", E2_FAILED, "fd.typechar = 'f'", Some(false)),
    ("E2i", E2_OPENAT, "fd.typechar = 'f'", Some(true)),
    ("E3a", E3, "fd.ip = 142.251.111.147", Some(true)),
    ("E3a", E3, "fd.ip != 142.251.111.147", Some(false)),
    ("E3a", E3, "fd.ip != 1.2.3.4", Some(true)),
    ("E3b", E3, "fd.sip != 0:0:0:0:0:0:0:1", Some(true)),
    ("E3b", E3, "fd.sip = '0:0:0:0:0:0:0:1'", Some(false)),
    ("E3c", E3, "fd.net = 142.0.0.0/4", Some(true)),
    ("E3c", E3, "fd.net != 10.0.0.0/8", Some(true)),
    ("E3c", E3, "fd.net != 2001:db8::0/64", Some(true)),
    ("E3d", E3, "fd.net in (10.0.0.0/8, 142.0.0.0/8)", Some(false)),
    ("E3d", E3, "fd.snet in (10.0.0.0/8, 142.0.0.0/8)", Some(true)),
    ("E3e", E3, "fd.ip in (142.251.111.147)", Some(false)),
    ("E3e", E3, "fd.sip in (142.251.111.147)", Some(true)),
    ("E3f", E3, "fd.port in (443)", Some(true)),
    ("E3f", E3, "fd.sport = https", Some(true)),
    ("E3f", E3, "fd.port != 443", Some(false)),
    ("E3g", E3, "fd.lip = 142.251.111.147", Some(true)),
    ("E3g", E3, "fd.rip = 172.40.111.222", Some(true)),
    ("E3h", E3, "fd.name = '172.40.111.222:54321->142.251.111.147:443'", Some(true)),
    ("E4a", E4, "evt.rawarg.res > 4294967295", Some(false)),
    ("E4a", E4, "evt.rawarg.res < -1", Some(true)),
    ("E4b", E4, "evt.rawres = -22", Some(true)),
    ("E4b", E4, "evt.res = EINVAL", Some(true)),
    ("E4b", E4, "evt.failed = true", Some(true)),
    ("E4c", E4, "evt.rawarg.res in (-22)", Some(false)),
    ("E4c", E4, "evt.rawarg.res = -22", Some(true)),
    ("E5a", E5, "evt.buffer bcontains 656c6C", Some(true)),
    ("E5a", E5, "evt.buffer bstartswith 65", Some(false)),
    ("E5a", E5, "evt.buffer bcontains 2g", None),
    ("X1", X, "proc.name != nonexist", Some(true)),
    ("X1", X, "fd.name != x", Some(false)),
    ("X2", X, "not fd.name = x", Some(true)),
    ("X3", X, "proc.name = oneof (myexe, myexe)", Some(false)),
    ("X3", X, "proc.name = anyof (myexe, myexe)", Some(true)),
    ("X3", X, "proc.name != allof (bash, sh)", Some(true)),
    ("X3", X, "proc.name == allof ()", Some(false)),
    ("X4", X4, "proc.aname = sshd", Some(true)),
    ("X4", X4, "proc.aname != sshd", Some(true)),
    ("X4", X4, "not proc.aname = sshd", Some(false)),
    ("X5", X4, "proc.aname[0] = myexe", Some(true)),
    ("X5", X4, "proc.aname = myexe", Some(false)),
    ("X6", X, "getopt((\"-nt\",\"v\"),\"nt:\")[t] = v", Some(true)),
    ("X6", X, "getopt((\"-t\"),\"t:\")[t] = \"\"", Some(true)),
    ("X6", X, "getopt((\"-n\"),\"nt:\")[t] != \"\"", Some(false)),
    ("X7", X, "join(\",\", (\"a\",\"b\")) = \"a,b\"", Some(true)),
    // Numbers in a list are their decimal text, lists what is in them (`list_check` of falcosecurity/libs).
    ("X7", X, "join(\",\", (evt.num, proc.name)) = \"1,myexe\"", Some(true)),
    ("X7", X, "join(\",\", (evt.rawres, len(proc.name))) = \"0,5\"", Some(true)),
    ("X7", E3, "join(\"-\", (fd.types, proc.name)) = \"ipv4-init\"", Some(true)),
    ("X7", E3, "join(\"-\", (fd.sip, proc.name)) exists", None),
    ("X7", X, "concat(\"a\") = a", None),
    ("X8", X, "user.loginuid = -1", Some(true)),
    ("X8", X, "user.loginname = <NA>", Some(true)),
    ("X8", X, "user.name exists", Some(true)),
    ("X9", X9, "evt.arg.uid = 5", Some(false)),
    ("X9", X9, "evt.arg.uid = <NA>", Some(true)),
    ("X9", X9, "evt.rawarg.uid = 5", Some(true)),
    ("X10", X10, "evt.arg.cmd = 5", Some(false)),
    ("X10", X10, "evt.arg.cmd = BPF_PROG_LOAD", Some(true)),
    ("X11", X11, "evt.rawarg.uid = 0", Some(false)),
    ("X11", X11, "evt.rawarg.flags exists", Some(false)),
    ("X11", X11, "evt.arg.trusted_exepath = <NA>", Some(true)),
    ("X12", E1, "container.id != host", Some(false)),
    ("X12", E1, "container.id = host", Some(true)),
    ("X13", X13, "container.image.repository = ''", Some(false)),
    ("X13", X13, "not container.image.repository in (a)", Some(true)),
    ("X14", X14, "fd.num in (0, 1, 2)", Some(true)),
    ("X15", X15, "fd.name exists", Some(false)),
    ("X15", X15, "fs.path.source exists", Some(true)),
    ("X16", "thread 1 comm=a\n1 open fd=-2 name=/x flags=0 mode=0", "fs.path.name exists", Some(true)),
    ("X16", "thread 1 comm=a\n1 open fd=-1 name=/x flags=0 mode=0", "fs.path.name exists", Some(false)),
    ("X17", X17, "proc.name = x", Some(false)),
    ("X18", X18, "proc.pname = init-name", Some(true)),
    ("X19", X19, "fd.name = /home/x", Some(true)),
    ("X20", E1, "evt.num = 0", Some(false)),
    ("X20", E1, "evt.num >= 0", Some(true)),
    ("X21", X21, "evt.failed = true", Some(false)),
    ("X21", X21, "evt.rawres < 0", Some(false)),
    ("X22", X22, "evt.arg.target = x", Some(true)),
    ("X22", X22, "fs.path.source = /etc/y", Some(true)),
    ("X22", X22, "fs.path.target = /w/x", Some(true)),
];

#[test]
fn cases_of_the_specification() {
    let mut wrong = Vec::new();
    for (case, trace, condition, expected) in CASES {
        // Of all events the condition is asked; the answer for the last is what counts.
        let n_events = trace.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit())).count();
        let found = fired(trace, &rule("r", condition), Policy::All, &[], false);
        let answer = found.as_ref().ok().map(|hits| hits.split(' ').any(|hit| hit == format!("r@{n_events}")));
        if answer != *expected {
            wrong.push(format!("{case}: {condition}: expected {expected:?}, found {answer:?} ({found:?})"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Trace, output of a rule that its last event fires, and what it says.
const OUTPUTS: &[(&str, &str, &str)] = &[
    (X4, "%proc.aname", "bash sshd"),
    (X4, "%proc.aname[1]", "bash"),
    (E1, "%proc.aname", "<NA>"),
    // Its own id, unlike in a condition (`TYPE_APID` of sinsp_filtercheck_thread.cpp).
    (X4, "%proc.apid", "3"),
    (X4, "%proc.apid[1]", "2"),
    // A list, whatever its index (`sinsp_filter_check::tostring`).
    (E2, "%fd.types[1]", "(file)"),
    (E2, "%fd.types[7]", "<NA>"),
];

#[test]
fn outputs() {
    for &(trace, output, expected) in OUTPUTS {
        let rule = format!("- {{rule: r, desc: d, condition: evt.num > 0, output: \"{output}\", priority: INFO}}");
        assert_eq!(fired(trace, &rule, Policy::All, &[], true).as_deref(), Ok(expected), "{output}");
    }
}

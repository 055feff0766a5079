//! The recorder on the running kernel: what a process does is what the trace says. Needs root and python3; skipped
//! visibly without.
#![cfg(target_os = "linux")]

mod record {
    pub(crate) mod cases;
    pub(crate) mod harness;
}

use std::collections::{BTreeSet, HashMap, HashSet};
use std::process::{Command, Stdio};
use std::time::Duration;

use record::cases::CASES;
use record::harness::{self, Recording, is_match};
use tracehound_capture::{CallSet, Counters, LossCause, Options, Profile};
use tracehound_formats::event::{pseudo, syscalls};

/// Runs Python under the recorder; the lines of all its processes, and the balance.
///
/// Other work on the machine may fill the ring. Its losses say nothing of the program: it is run again, and the test is
/// skipped, visibly, if the machine does not come to rest.
fn run(options: &Options, code: &str, name: &str) -> Option<(i64, Vec<harness::Line>, Counters)> {
    let python = harness::python()?;
    let options = Options { ring_bytes: 256 << 20, ..options.clone() };
    for _ in 0..4 {
        let folder = harness::folder(name);
        let mut recording = Recording::start(&options);
        let child = Command::new(python).args(["-S", "-E", "-c", code]).current_dir(&folder).spawn().unwrap();
        let pid = i64::from(child.id());
        recording.until_exit(child);
        let counters = recording.end();
        let n_lost = assert_told(&recording, &counters);
        let _ = std::fs::remove_dir_all(folder);
        if n_lost == 0 {
            return Some((pid, recording.lines(), counters));
        }
        eprintln!("{name}: {n_lost} events lost, again");
    }
    tracehound_skipped::skipped!("{name}: other work on this machine fills the ring");
    None
}

/// Lines of a thread.
fn of(lines: &[harness::Line], tid: i64) -> Vec<&str> {
    lines.iter().filter(|line| line.tid == tid).map(|line| line.text.as_str()).collect()
}

/// Asserts that lines like these come in this order.
fn assert_in_order(got: &[&str], want: &[&str]) {
    let mut rest = got.iter();
    for want in want {
        assert!(rest.any(|line| is_match(want, line)), "no line like\n    {want}\nin\n    {}", got.join("\n    "));
    }
}

/// Each family of system calls, provoked and read back.
#[test]
fn every_family_with_its_arguments() {
    let Some(_lock) = harness::machine() else { return };
    let mut script = String::from(record::cases::PRELUDE);
    for (i, case) in CASES.iter().enumerate() {
        script.push_str(&format!("mark({i})\n{}\n", case.code));
    }
    script.push_str(&format!("mark({})\n", CASES.len()));
    let options = Options { calls: CallSet::profile(Profile::Full), ..Options::default() };
    let Some((pid, lines, counters)) = run(&options, &script, "families") else { return };
    assert_eq!(counters.losses, []);

    let own = of(&lines, pid);
    let mark = |i: usize| {
        let path = format!("chdir res=ENOENT path=/case-{i}");
        own.iter().position(|line| *line == path).unwrap_or_else(|| panic!("case {i} was not reached"))
    };
    let mut wrong = Vec::new();
    for (i, case) in CASES.iter().enumerate() {
        let got = &own[mark(i) + 1..mark(i + 1)];
        // Python opens, maps and reads for itself; what is expected must be there in order.
        let mut rest = got.iter();
        for want in case.want {
            if !rest.any(|line| is_match(want, line)) {
                wrong.push(format!("{}: no line like\n    {want}\n  in\n    {}", case.name, got.join("\n    ")));
                break;
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Lives: birth, exec of a script, of a file without a name and by another thread than the main one, death.
#[test]
fn lives() {
    let Some(_lock) = harness::machine() else { return };
    let code = r##"
import ctypes, os, threading, time, signal
libc = ctypes.CDLL(None)
def child(f):
    pid = os.fork()
    if pid == 0:
        try: f()
        finally: os._exit(99)
    print(pid, flush=True)
    os.waitpid(pid, 0)
open("script", "w").write("#!/bin/sh\nexit 3\n"); os.chmod("script", 0o755)
child(lambda: os.execv("./script", ["./script", "an arg", ""]))
def memfd():
    fd = libc.memfd_create(b"evil", 1)
    os.write(fd, open("/bin/true", "rb").read())
    os.execve(fd, ["kworker"], {"LD_PRELOAD": "/x.so", "TOKEN": "secret"})
child(memfd)
def thread():
    t = threading.Thread(target=lambda: os.execv("/bin/true", ["true"])); t.start(); time.sleep(9)
child(thread)
child(lambda: os.kill(os.getpid(), signal.SIGKILL))
def first():
    def end(): time.sleep(0.3); os._exit(7)
    threading.Thread(target=end).start()
    libc.syscall(60, 3)
child(first)
os.makedirs("deep/er"); os.chdir("deep/er"); os.rmdir("../er")
child(lambda: os.execv("/bin/true", ["true", "x" * 20000]))
"##;
    let options = Options {
        calls: CallSet::profile(Profile::Minimal),
        env_keys: vec!["LD_PRELOAD".into()],
        ..Options::default()
    };
    let python = harness::python();
    let Some(python) = python else { return };
    let folder = harness::folder("lives");
    let mut recording = Recording::start(&options);
    let child = Command::new(python)
        .args(["-S", "-E", "-c", code])
        .current_dir(&folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let pid = child.id();
    let output = child.wait_with_output().unwrap();
    recording.poll(Duration::ZERO);
    let (lines, counters) = recording.finish();
    assert_eq!(counters.losses, []);
    let pids: Vec<i64> = String::from_utf8(output.stdout).unwrap().lines().map(|line| line.parse().unwrap()).collect();
    let [script, memfd, thread, killed, first, long] = pids[..] else { panic!("{pids:?}") };
    let folder_text = folder.canonicalize().unwrap().to_str().unwrap().to_owned();
    let born = |child: i64| {
        format!(
            "clone res=0 tid={child} pid={child} ptid={pid} comm=python3* cgroups=* \
             flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID uid=0 gid=0 vtid={child} vpid={child} ..."
        )
    };
    assert_in_order(
        &of(&lines, script),
        &[
            &born(script),
            &format!(
                "execve res=0 exe=/bin/sh args=[\"./script\",\"an arg\",\"\"] tid={script} pid={script} ptid={pid} \
                 cwd={folder_text} ..."
            ),
            "procexit status=768 ret=3 sig=0 core=0 process_status=768",
        ],
    );
    let exec = |tid: i64| {
        let own = of(&lines, tid);
        own.into_iter().find(|line| line.starts_with("exec") && line.contains(" res=0 ")).unwrap().to_owned()
    };
    assert!(exec(script).contains(" filename=./script "), "{}", exec(script));
    let run = exec(memfd);
    for part in [
        "execveat res=0 exe=kworker",
        "comm=memfd:evil|comm=exe|comm=3|comm=4|comm=5",
        "EXE_FROM_MEMFD",
        "trusted_exepath=\"/memfd:evil (deleted)\"",
        "env=[\"LD_PRELOAD=/x.so\",\"TOKEN\"]",
        "exe_links=0",
    ] {
        assert!(part.split('|').any(|part| run.contains(part)), "{part} in {run}");
    }
    // The thread that execed has taken the main thread's id.
    let run = of(&lines, thread);
    assert_in_order(
        &run,
        &["procexit ...", &format!("execve res=0 exe=true args= tid={thread} pid={thread} ..."), "procexit ..."],
    );
    assert_in_order(&of(&lines, killed), &["procexit status=9 ret=0 sig=SIGKILL core=0 process_status=9"]);
    // The main thread ends alone, with 3; the process lives on until another thread ends it with 7, which the parent gets.
    let ends: Vec<_> = lines.iter().filter(|line| line.text.starts_with("procexit ")).collect();
    let at = ends.iter().position(|line| line.tid == first).unwrap();
    assert_eq!(ends[at].text, "procexit status=768 ret=3 sig=0 core=0 reaper_tid=?");
    let last = "procexit status=1792 ret=7 sig=0 core=0 process_status=1792";
    assert!(ends[at + 1..].iter().any(|line| line.tid > first && line.text == last), "no line {last}");

    let run = exec(long);
    assert!(run.contains(&format!("cwd=\"{folder_text}/deep/er (deleted)\"")), "{}", &run[run.len() - 900..]);
    assert!(run.contains(&"x".repeat(16 * 1024 - 10)) && counters.cuts > 0);
    let _ = std::fs::remove_dir_all(folder);
}

/// A storm of processes whose ids are used again and again: every parent is right.
#[test]
fn parents_in_a_storm_of_forks() {
    let Some(_lock) = harness::machine() else { return };
    // Each process writes down its parent and itself, by host ids, with the depth in the tree.
    let code = r#"
import os
r, w = os.pipe()
def tree(depth):
    for _ in range(3):
        pid = os.fork()
        if pid == 0:
            os.write(w, b"%d %d\n" % (os.getppid(), os.getpid()))
            if depth: tree(depth - 1)
            os._exit(0)
        if depth % 2: os.waitpid(pid, 0)
    while True:
        try: os.wait()
        except ChildProcessError: return
out = open("born", "wb")
if os.fork() == 0:
    os.close(r)
    start = os.getpid()
    for _ in range(12):
        # The kernel goes on from here, so that the next tree gets the ids of the last one.
        try: open("/proc/sys/kernel/ns_last_pid", "w").write(str(start))
        except OSError: pass
        tree(3)
    os._exit(0)
os.close(w)
while True:
    got = os.read(r, 65536)
    if not got: break
    out.write(got)
out.close()
"#;
    let Some(python) = harness::python() else { return };
    let folder = harness::folder("storm");
    let mut recording = Recording::start(&Options { calls: CallSet::profile(Profile::Minimal), ..Options::default() });
    let child = Command::new(python).args(["-S", "-E", "-c", code]).current_dir(&folder).spawn().unwrap();
    recording.until_exit(child);
    let counters = recording.end();
    // Other work on the machine may fill the ring. Then births may be missing, as many as are told at most, and what is
    // there is right.
    let n_lost = assert_told(&recording, &counters);

    let told = std::fs::read_to_string(folder.join("born")).unwrap();
    let mut want: HashMap<(i64, i64), usize> = HashMap::new();
    for line in told.lines() {
        let (parent, child) = line.split_once(' ').unwrap();
        *want.entry((parent.parse().unwrap(), child.parse().unwrap())).or_default() += 1;
    }
    let mut got: HashMap<(i64, i64), usize> = HashMap::new();
    let mut last_start: HashMap<i64, u64> = HashMap::new();
    let mut n_reused = 0;
    for event in recording.batches.iter().flat_map(|batch| batch.iter()) {
        let is_birth = event.head.kind == syscalls::CLONE && event.ret() == Some(0);
        // Other programs on the machine get numbers of the tree's processes, too.
        if is_birth && event.named("comm").bytes().is_some_and(|comm| comm.starts_with(b"python3")) {
            let id = |name| event.named(name).int().unwrap();
            *got.entry((id("ptid"), id("tid"))).or_default() += 1;
            let start = event.named("start_time").uint().unwrap();
            if let Some(before) = last_start.insert(id("tid"), start) {
                assert!(start > before, "two lives of one id are told apart by their start");
                n_reused += 1;
            }
        }
    }
    let n_missing: usize = want.iter().map(|(pair, n)| n.saturating_sub(got.get(pair).copied().unwrap_or(0))).sum();
    assert!(n_missing as u64 <= n_lost, "{n_missing} births are missing, {n_lost} events lost");
    // Each recorded birth is one that happened.
    let (parents, children): (HashSet<_>, HashSet<_>) = want.keys().copied().unzip();
    for (pair, n) in got.iter().filter(|((parent, child), _)| parents.contains(parent) && children.contains(child)) {
        assert!(want.get(pair) >= Some(n), "{pair:?}: {n} births recorded, {:?} told", want.get(pair));
    }
    assert!(want.values().sum::<usize>() >= 1000, "{}", want.len());
    if std::path::Path::new("/proc/sys/kernel/ns_last_pid").exists() {
        assert!(n_reused > 100, "{n_reused} process ids were used again");
    } else {
        tracehound_skipped::skipped!("this kernel does not let ids be used again at will");
    }
    let _ = std::fs::remove_dir_all(folder);
}

/// A ring that is far too small: what is missing is told, to the event.
#[test]
fn every_lost_event_is_counted() {
    let Some(_lock) = harness::machine() else { return };
    let Some(python) = harness::python() else { return };
    let options = Options { ring_bytes: 4096, calls: CallSet::profile(Profile::Minimal), ..Options::default() };
    let mut recording = Recording::start(&options);
    let code = "import os\nfor i in range(20000): os.close(os.dup(0))";
    let mut child = Command::new(python).args(["-S", "-E", "-c", code]).spawn().unwrap();
    // Nobody reads while the ring overflows.
    child.wait().unwrap();
    let counters = recording.end();
    assert_eq!(assert_told(&recording, &counters), counters.lost());
    let n_full: u64 = counters.losses.iter().filter(|loss| loss.cause == LossCause::RingFull).map(|loss| loss.n).sum();
    assert!(n_full > 30_000, "{counters:?}");
}

/// Asserts that the balance of a recording is even, and that its events tell all that was lost; how much that is.
fn assert_told(recording: &Recording, counters: &Counters) -> u64 {
    let told = recording.batches.iter().flat_map(|batch| batch.iter()).filter(|event| event.head.kind == pseudo::LOST);
    let n_told: u64 = told
        .map(|event| {
            assert!(event.named("from").uint() < event.named("to").uint());
            event.named("n_events").uint().unwrap()
        })
        .sum();
    let is_of_seen = |cause| matches!(cause, LossCause::RingFull | LossCause::NoBuffer);
    let n_unwritten: u64 = counters.losses.iter().filter(|loss| is_of_seen(loss.cause)).map(|loss| loss.n).sum();
    assert_eq!(counters.seen, counters.written + n_unwritten, "{counters:?}");
    assert_eq!(counters.written, counters.delivered, "{counters:?}");
    assert_eq!(n_told, counters.lost(), "{counters:?}");
    n_told
}

/// 32-bit calls have numbers and registers of their own.
#[test]
fn calls_of_32_bits() {
    let Some(_lock) = harness::machine() else { return };
    // mov eax, 39 (mkdir); mov ebx, path; mov ecx, 0755; int 0x80; ret - in memory below 4 GiB (MAP_32BIT).
    let code = r#"
import ctypes, mmap
libc = ctypes.CDLL(None)
m = libc.mmap; m.restype = ctypes.c_void_p
m.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
at = m(None, 4096, 7, 0x22 | 0x40, -1, 0)
path = at + 512
code = b"\x53" + b"\xb8\x27\0\0\0" + b"\xbb" + path.to_bytes(4, "little") + b"\xb9\xed\x01\0\0" + b"\xcd\x80" + b"\x5b\xc3"
ctypes.memmove(at, code, len(code)); ctypes.memmove(path, b"made-by-32\0", 11)
ctypes.CFUNCTYPE(ctypes.c_int)(at)()
"#;
    let Some((pid, lines, counters)) = run(&Options::default(), code, "compat") else { return };
    assert_eq!(counters.losses, []);
    assert_in_order(&of(&lines, pid), &["mkdir res=* path=made-by-32 mode=0x1ed"]);
}

/// Calls of 32 bits on sockets, through the one call for all of them and directly, with messages and times as a process
/// of 32 bits lays them out.
#[test]
fn calls_of_32_bits_in_memory() {
    let Some(_lock) = harness::machine() else { return };
    // The code saves bx, si, di, bp; loads the registers from a table of six words, and does int 0x80.
    let code = r#"
import ctypes, struct, socket, signal
signal.alarm(60)
libc = ctypes.CDLL(None)
m = libc.mmap; m.restype = ctypes.c_void_p
m.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
at = m(None, 65536, 7, 0x22 | 0x40, -1, 0)
regs = at + 256
code = (b"\x53\x55\xb8" + regs.to_bytes(4, "little") + b"\x8b\x58\x04\x8b\x48\x08\x8b\x50\x0c\x8b\x70\x10\x8b\x78\x14"
    + b"\x8b\x00\xcd\x80\x5d\x5b\xc3")
ctypes.memmove(at, code, len(code))
go = ctypes.CFUNCTYPE(ctypes.c_int)(at)
free = at + 512
def put(data):
    global free
    here = free
    ctypes.memmove(here, data, len(data))
    free += (len(data) + 15) & ~15
    return here
def sc32(*args):
    args = list(args) + [0] * (6 - len(args))
    ctypes.memmove(regs, struct.pack("6I", *[a & 0xffffffff for a in args]), 24)
    return go()
def socketcall(call, *args): return sc32(102, call, put(struct.pack("6I", *(list(a & 0xffffffff for a in args) + [0] * (6 - len(args))))))
def addr(port): return put(struct.pack("=HH4s8x", 2, socket.htons(port), bytes([127, 0, 0, 1])))
s = socketcall(1, 2, 1, 0)
# Of a run within the last minute the port waits still.
socketcall(14, s, 1, 2, put(struct.pack("I", 1)), 4)
socketcall(2, s, addr(39421), 16); socketcall(4, s, 5)
c = socketcall(1, 2, 1, 0); socketcall(3, c, addr(39421), 16); socketcall(5, s, 0, 0)
u = socketcall(1, 2, 2, 0); socketcall(2, u, addr(39422), 16)
v = socketcall(1, 2, 2, 0); socketcall(11, v, put(b"over"), 4, 0, addr(39422), 16)
def header(data):
    piece = put(struct.pack("II", put(data), len(data)))
    return struct.pack("7I", addr(39422), 16, piece, 1, 0, 0, 0)
socketcall(16, v, put(header(b"header")), 0)
sc32(370, v, put(header(b"direct")), 0)
many = put(b"".join(header(data) + bytes(4) for data in (b"one", b"three", b"")))
sc32(345, v, many, 3, 0)
sc32(320, -100, put(b"/nonexistent\0"), put(struct.pack("4i", 1, 2, 3, 4)), 0)
argv = put(struct.pack("3I", put(b"ls\0"), put(b"-l\0"), 0)); sc32(11, put(b"/nonexistent/ls\0"), argv, 0)
sc32(22, put(b"/nonexistent\0"))
"#;
    let Some((pid, lines, counters)) = run(&Options::default(), code, "compat-memory") else { return };
    assert_eq!(counters.losses, []);
    assert_in_order(
        &of(&lines, pid),
        &[
            "socket fd=* domain=AF_INET type=1 proto=0 flags=O_NONE",
            "bind res=0 addr=127.0.0.1:39421 fd=*",
            "listen res=0 fd=* backlog=5",
            "connect res=0 tuple=127.0.0.1:*->127.0.0.1:39421 fd=* addr=127.0.0.1:39421",
            "accept fd=* tuple=127.0.0.1:*->127.0.0.1:39421 queuepct=0 queuelen=0 queuemax=5",
            "bind res=0 addr=127.0.0.1:39422 fd=*",
            "sendto res=4 data=\"over\" fd=* size=4 tuple=0.0.0.0:*->127.0.0.1:39422",
            "sendmsg res=6 data=\"header\" fd=* size=6 tuple=0.0.0.0:*->127.0.0.1:39422",
            "sendmsg res=6 data=\"direct\" fd=* size=6 tuple=0.0.0.0:*->127.0.0.1:39422",
            "sendmmsg res=3 fd=* size=3 data=\"one\" tuple=0.0.0.0:*->127.0.0.1:39422",
            "sendmmsg res=5 fd=* size=5 data=\"three\" tuple=0.0.0.0:*->127.0.0.1:39422",
            "sendmmsg res=0 fd=* size=0 data= tuple=0.0.0.0:*->127.0.0.1:39422",
            "utimensat res=ENOENT dirfd=AT_FDCWD path=/nonexistent atime=1000000002 mtime=3000000004 flags=0x0",
            "execve res=ENOENT exe=ls args=[\"-l\"] filename=/nonexistent/ls",
            "umount res=ENOENT name=/nonexistent",
        ],
    );
}

/// An offset that a program of 32 bits passes has 32 bits (sendfile) or 64 (sendfile64): what lies behind it is not part
/// of it.
#[test]
fn offsets_of_32_bits() {
    let Some(_lock) = harness::machine() else { return };
    let code = r#"
import ctypes, os, struct
libc = ctypes.CDLL(None)
m = libc.mmap; m.restype = ctypes.c_void_p
m.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
at = m(None, 4096, 7, 0x22 | 0x40, -1, 0)
# The arguments from a table of five words; int 0x80.
code = (b"\x53\x56\xb8" + (at + 256).to_bytes(4, "little") + b"\x8b\x58\x04\x8b\x48\x08\x8b\x50\x0c\x8b\x70\x10\x8b\x00"
    + b"\xcd\x80\x5e\x5b\xc3")
ctypes.memmove(at, code, len(code))
go = ctypes.CFUNCTYPE(ctypes.c_int)(at)
source = os.open("/proc/self/exe", os.O_RDONLY); to = os.open("/dev/null", os.O_WRONLY)
for number in 187, 239:
    ctypes.memmove(at + 512, struct.pack("Ii", 1000, 7), 8)
    ctypes.memmove(at + 256, struct.pack("5I", number, to, source, at + 512, 24), 20)
    go()
"#;
    let options = Options { calls: CallSet::profile(Profile::Full), ..Options::default() };
    let Some((pid, lines, counters)) = run(&options, code, "compat-offset") else { return };
    assert_eq!(counters.losses, []);
    // The offset after the call.
    assert_in_order(&of(&lines, pid), &["sendfile res=24 offset=1024 ...", "sendfile res=* offset=30064772072 ..."]);
}

/// One call that sends many messages is an event for each, up to eight; that there were more is counted.
#[test]
fn every_message_of_a_vector() {
    let Some(_lock) = harness::machine() else { return };
    let code = r#"
import ctypes, socket, struct
libc = ctypes.CDLL(None)
u = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
for i, s in enumerate(u): s.bind(("127.0.0.1", 39431 + i))
v = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
kept = []
def ref(data):
    b = ctypes.create_string_buffer(data, len(data)); kept.append(b); return ctypes.addressof(b)
def message(i):
    data = b"message %d" % i
    name = ref(struct.pack("=HH4s8x", 2, socket.htons(39431 + i % 2), bytes([127, 0, 0, 1])))
    return struct.pack("QIxxxxQQQQIxxxxIxxxx", name, 16, ref(struct.pack("QQ", ref(data), len(data))), 1, 0, 0, 0, 0)
for n in (2, 10):
    libc.syscall(307, v.fileno(), ctypes.c_void_p(ref(b"".join(message(i) for i in range(n)))), n, 0)
libc.syscall(307, 4000, ctypes.c_void_p(ref(message(0) + message(1))), 2, 0)
"#;
    let Some((pid, lines, counters)) = run(&Options::default(), code, "messages") else { return };
    assert_eq!(counters.losses, []);
    let own = of(&lines, pid);
    let sent: Vec<_> = own.into_iter().filter(|line| line.starts_with("sendmmsg ")).collect();
    let want = |i: usize| {
        let port = 39431 + i % 2;
        format!("sendmmsg res=9 fd=* size=9 data=\"message %{i}\" tuple=0.0.0.0:*->127.0.0.1:{port}").replace('%', "")
    };
    let want: Vec<_> = (0..2).chain(0..8).map(want).collect();
    assert_eq!(sent.len(), 11, "{}", sent.join("\n"));
    for (want, got) in want.iter().zip(&sent) {
        // The data has a space.
        assert!(is_match(want, got), "{want}\n{got}");
    }
    assert!(is_match("sendmmsg res=EBADF fd=4000 ...", sent[10]), "{}", sent[10]);
    assert!(counters.cuts > 0);
}

/// What goes past system calls: questions to name servers, requests of io_uring.
#[test]
fn questions_and_requests() {
    let Some(_lock) = harness::machine() else { return };
    let code = r#"
import socket, os, ctypes, struct, mmap
q = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x03www\x07example\x03com\0\0\x1c\0\x01"
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(q, ("127.0.0.53", 53))
c = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); c.connect(("127.0.0.54", 53)); os.write(c.fileno(), q)
libc = ctypes.CDLL(None, use_errno=True)
par = ctypes.create_string_buffer(120)
fd = libc.syscall(425, 4, par)
if fd >= 0:
    (sq_off,) = struct.unpack_from("I", par.raw, 40 + 24)
    sq = mmap.mmap(fd, 4096, offset=0); sqes = mmap.mmap(fd, 4096, offset=0x10000000)
    # IORING_OP_SOCKET: fd is the domain, off the type, len the protocol.
    sqes[0:64] = struct.pack("BBHiQQII", 45, 0, 0, 2, 1, 0, 0, 0) + struct.pack("Q", 77) + bytes(24)
    sq[sq_off:sq_off + 4] = struct.pack("I", 0)
    (tail,) = struct.unpack_from("I", par.raw, 40 + 4)
    sq[tail:tail + 4] = struct.pack("I", 1)
    libc.syscall(426, fd, 1, 0, 0, None, 0)
"#;
    let Some((pid, lines, counters)) = run(&Options::default(), code, "dns") else { return };
    assert_eq!(counters.losses, []);
    let own = of(&lines, pid);
    assert_in_order(
        &own,
        &[
            "dns_question tuple=127.0.0.1:*->127.0.0.53:53 name=www.example.com qtype=AAAA id=0x1234",
            "dns_question tuple=127.0.0.1:*->127.0.0.54:53 name=www.example.com qtype=AAAA id=0x1234",
        ],
    );
    if own.iter().any(|line| is_match("io_uring_setup res=E* ...", line)) {
        tracehound_skipped::skipped!("io_uring is not possible here");
    } else {
        assert_in_order(&own, &["io_uring_request op=IORING_OP_SOCKET ring=0x* user_data=0x4d flags=*"]);
    }
}

/// Questions over TCP: with their length in one piece, or in two; not what begins no message.
#[test]
fn questions_over_tcp() {
    let Some(_lock) = harness::machine() else { return };
    let code = r#"
import socket, struct
def q(name, id):
    body = struct.pack(">HHHHHH", id, 0x100, 1, 0, 0, 0) + b"".join(bytes([len(l)]) + l for l in name.split(b".")) + b"\0\0\x01\0\x01"
    return struct.pack(">H", len(body)) + body
for family, host in ((socket.AF_INET, "127.0.0.55"), (socket.AF_INET6, "::1")):
    s = socket.socket(family, socket.SOCK_STREAM); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try: s.bind((host, 53))
    except OSError: continue
    s.listen(1)
    c = socket.create_connection((host, 53)); a, _ = s.accept()
    c.sendall(q(b"first.example", 1)); a.recv(1000)
    c.sendall(b"\xff\xff" + b"x" * 40); a.recv(1000)
    c.sendmsg([q(b"second.example", 2)[:2], q(b"second.example", 2)[2:]]); a.recv(1000)
"#;
    let Some((pid, lines, counters)) = run(&Options::default(), code, "dns-tcp") else { return };
    assert_eq!(counters.losses, []);
    let own = of(&lines, pid);
    if own.iter().any(|line| is_match("bind res=EADDRINUSE addr=127.0.0.55:53 ...", line)) {
        tracehound_skipped::skipped!("a name server has port 53");
        return;
    }
    let asked: Vec<_> = own.into_iter().filter(|line| line.starts_with("dns_question ")).collect();
    let want = |tuple: &str, name: &str, id| format!("dns_question tuple={tuple} name={name} qtype=A id=0x{id}");
    let four = "127.0.0.1:*->127.0.0.55:53";
    let mut wanted = vec![want(four, "first.example", 1), want(four, "second.example", 2)];
    if asked.len() > 2 {
        let six = asked[2].split(' ').nth(1).unwrap();
        assert!(six.contains("::1") && six.ends_with(":53"), "{six}");
        let six = six.trim_start_matches("tuple=");
        wanted.extend([want(six, "first.example", 1), want(six, "second.example", 2)]);
    } else {
        tracehound_skipped::skipped!("no IPv6 here");
    }
    assert_eq!(asked.len(), wanted.len(), "{asked:#?}");
    for (want, got) in wanted.iter().zip(&asked) {
        assert!(is_match(want, got), "{want}\n{got}");
    }
}

/// Whatever kills the recorder takes its programs along. Other recorders on the machine may come and go meanwhile.
#[test]
fn nothing_is_left_in_the_kernel() {
    let Some(_lock) = harness::machine() else { return };
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "record_until_killed"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let wait_for = |what: &str, is_so: &mut dyn FnMut() -> bool| {
        for _ in 0..200 {
            if is_so() {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("{what}");
    };
    let mut own = BTreeSet::new();
    wait_for("the other process loads no programs", &mut || {
        own = programs_of(child.id());
        own.len() >= 4
    });
    child.kill().unwrap();
    child.wait().unwrap();
    wait_for("programs are left in the kernel", &mut || {
        let mut loaded = aya::programs::loaded_programs().filter_map(Result::ok);
        !loaded.any(|program| own.contains(&program.id()))
    });
}

/// Ids of the programs that a process holds descriptors of (`prog_id` in `/proc/PID/fdinfo`).
fn programs_of(pid: u32) -> BTreeSet<u32> {
    let descriptors = std::fs::read_dir(format!("/proc/{pid}/fdinfo")).into_iter().flatten().flatten();
    let infos = descriptors.filter_map(|entry| std::fs::read_to_string(entry.path()).ok());
    let ids = |info: String| {
        let ids = info.lines().filter_map(|line| line.strip_prefix("prog_id:"));
        ids.filter_map(|id| id.trim().parse().ok()).collect::<Vec<_>>()
    };
    infos.flat_map(ids).collect()
}

/// The other process of [`nothing_is_left_in_the_kernel`].
#[test]
#[ignore = "is started by another test, and records until it is killed"]
fn record_until_killed() {
    let mut recording = Recording::start(&Options::default());
    loop {
        recording.poll(Duration::from_millis(50));
        recording.batches.clear();
    }
}

//! What system calls do to the history: each spec is a trace in text notation and questions as of an event.

use tracehound_formats::{Input, Item, Seq};
use tracehound_state::history::{History, Net, Process, Role};
use tracehound_state::{Fact, ProcessId, Replay, ReplayNotes, ReplayOptions, ThreadId};

struct Replayed {
    history: History,
    notes: ReplayNotes,
    facts: Vec<(u64, Fact)>,
}

fn replay(trace: &str) -> Replayed {
    use tracehound_formats::Format;
    let mut reader = tracehound_formats::text::Text.open(Input::from(trace.as_bytes().to_vec())).expect("a trace");
    let mut replay = Replay::new(ReplayOptions::default());
    let mut facts = Vec::new();
    while let Some(item) = reader.next_item() {
        match item {
            Item::Section(section) => replay.section(&section, Seq(facts.len() as u64 + 1)),
            Item::Batch(batch) => {
                let mut new = Vec::new();
                replay.batch(&batch, &mut new);
                facts.extend(batch.iter().map(|event| event.head.seq.0).zip(new));
            }
        }
    }
    let notes = reader.notes();
    assert!(notes.damage.is_empty(), "{:?}\n{trace}", notes.damage);
    let notes = *replay.notes();
    Replayed { history: replay.finish(), notes, facts }
}

/// The process with a pid as of an event: the one that lives, else the last that did.
fn process(history: &History, pid: i64, seq: Seq) -> Option<(ProcessId, &Process)> {
    let all = || history.processes.iter().enumerate().filter(|(_, p)| p.pid.0 == pid && p.born <= seq);
    let found = all().find(|(_, p)| p.is_alive(seq)).or_else(|| all().next_back())?;
    Some((ProcessId::new(found.0 as u32), found.1))
}

fn thread(history: &History, tid: i64, seq: Seq) -> Option<ThreadId> {
    let lives = |t: &tracehound_state::history::Thread| t.ended().is_none_or(|ended| seq < ended);
    let found = history.threads.iter().rposition(|t| t.tid.0 == tid && t.born <= seq && lives(t))?;
    Some(ThreadId::new(found as u32))
}

/// Answers a question as of event `seq`; "-" is unknown or none.
fn ask(replayed: &Replayed, seq: u64, question: &str) -> String {
    let Replayed { history, notes, facts } = replayed;
    let at = Seq(seq);
    let words: Vec<&str> = question.split(' ').collect();
    let number = |i: usize| words[i].parse::<i64>().unwrap();
    let fact = || facts.iter().find(|(s, _)| *s == seq).unwrap_or_else(|| panic!("no event {seq}")).1;
    let text = |sym| history.text(sym).to_string();
    let answer = || -> Option<String> {
        let p = |i: usize| process(history, number(i), at);
        let attrs = |i: usize| Some(history.attrs(history.thread(thread(history, number(i), at)?).attrs().at(at)));
        let file = |id| history.file(id);
        let fd_file = || history.fd(p(1)?.0, number(2), at).map(file);
        Some(match words[0] {
            "fd" => text(fd_file()?.name),
            "path_now" => history.path_now(history.fd(p(1)?.0, number(2), at)?, at)?.to_string(),
            "fdkind" => format!("{:?}", fd_file()?.kind),
            "ends" => match fd_file()?.net? {
                Net::Pair { src, dst } => format!("{src} {dst}"),
                Net::Bound(addr) => addr.to_string(),
            },
            "l4" => format!("{:?}", fd_file()?.l4),
            "role" => match fd_file()?.role? {
                Role::Client => "client".into(),
                Role::Server => "server".into(),
            },
            "connected" => fd_file()?.is_connected.to_string(),
            "fds" => {
                let table = p(1)?.1.fd_table().at(at);
                let open = history.fd_tables.entries(table, at);
                open.iter().map(|(fd, _)| fd.to_string()).collect::<Vec<_>>().join(" ")
            }
            "parent" => p(1)?.1.parent().at(at).map(|parent| history.process(parent).pid.0.to_string())?,
            "birth_parent" => p(1)?.1.birth_parent().map(|parent| history.process(parent).pid.0.to_string())?,
            "cwd" => text(p(1)?.1.cwd().at(at)?),
            "root" => text(p(1)?.1.inherited.root.at(at)?),
            "env" => text(p(1)?.1.env().at(at)?),
            "alive" => p(1)?.1.is_alive(at).to_string(),
            "lives" => history.processes.iter().filter(|p| p.pid.0 == number(1) && p.born <= at).count().to_string(),
            "threads" => {
                let alive = |&&t: &&ThreadId| history.thread(t).ended().is_none_or(|ended| at < ended);
                let tids = p(1)?.1.threads.iter().filter(alive).map(|&t| history.thread(t).tid.0.to_string());
                tids.collect::<Vec<_>>().join(" ")
            }
            "exit" => {
                let exit = p(1)?.1.exit()?;
                format!("{}:{}:{}", exit.seq.0, exit.code.unwrap_or(-1), exit.signal.unwrap_or(0))
            }
            "vpid" => p(1)?.1.vpid()?.to_string(),
            "vtid" => history.thread(thread(history, number(1), at)?).vtid()?.to_string(),
            "merged" => history.process(p(1)?.1.merged_into()?).pid.0.to_string(),
            "comm" => text(history.image(attrs(1)?.image).comm?),
            "exepath" => text(history.image(attrs(1)?.image).exepath),
            "uid" => history.creds(attrs(1)?.creds).uid?.to_string(),
            "falco_uid" => history.creds(attrs(1)?.creds).falco_uid?.to_string(),
            "gid" => history.creds(attrs(1)?.creds).gid?.to_string(),
            "caps" => history.creds(attrs(1)?.creds).caps.map(|caps| format!("{caps:x?}"))?,
            "sid" => attrs(1)?.sid?.to_string(),
            "pgid" => attrs(1)?.pgid?.to_string(),
            "true_pgid" => attrs(1)?.true_pgid?.to_string(),
            "renamed" => text(attrs(1)?.renamed?),
            "container" => text(history.container(attrs(1)?.container?).id.0),
            "user" => text(history.user(None, u32::try_from(number(1)).unwrap(), at)?.name),
            "event" => match words[1] {
                "fd" => fact().fd?.to_string(),
                "file" => text(file(fact().file?).name),
                "kind" => format!("{:?}", file(fact().file?).kind),
                "raw" => text(file(fact().file?).raw_name),
                "changed" => fact().is_name_changed.to_string(),
                "comm" => text(history.image(history.attrs(fact().attrs?).image).comm?),
                "pid" => history.process(fact().process?).pid.0.to_string(),
                "tid" => history.thread(fact().thread?).tid.0.to_string(),
                "child" => history.thread(fact().child?).tid.0.to_string(),
                other => panic!("no question about an event's {other}"),
            },
            "own_fd" => text(file(history.thread_fd(thread(history, number(1), at)?, number(2), at)?).name),
            "own_cwd" => text(history.thread_cwd(thread(history, number(1), at)?, at)?),
            "note" => match words[1] {
                "lost_exits" => notes.n_lost_exits.to_string(),
                "first_seen" => notes.n_first_seen_threads.to_string(),
                other => panic!("no note {other}"),
            },
            other => panic!("no question {other}"),
        })
    };
    answer().unwrap_or_else(|| "-".into())
}

/// A spec: a name, a trace, and (event, question, answer).
type Spec = (&'static str, &'static str, &'static [(u64, &'static str, &'static str)]);

fn check(specs: &[Spec]) {
    let mut wrong = Vec::new();
    for (name, trace, questions) in specs {
        let replayed = replay(trace);
        for (seq, question, want) in *questions {
            let got = ask(&replayed, *seq, question);
            if got != *want {
                wrong.push(format!("{name}: at {seq} {question}: {got:?}, not {want:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// A shell under init, used by most specs.
macro_rules! with_shell {
    ($($line:literal)*) => {
        concat!(
            "thread 1 comm=init exe=/sbin/init vtid=1 vpid=1 cwd=/ uid=0\n",
            "thread 100 ptid=1 comm=bash exe=bash exepath=/usr/bin/bash cwd=/home/u uid=1000 gid=1000 vtid=100 vpid=100 sid=100 pgid=100\n",
            "fd 100 0 file /dev/pts/0\n",
            $($line, "\n",)*
        )
    };
}

#[test]
fn births() {
    check(&[
        (
            "parent's event first",
            with_shell!(
                "100 clone res=101 exe=bash comm=bash tid=100 pid=100 ptid=1 uid=1000"
                "101 clone res=0 exe=bash comm=bash tid=101 pid=101 ptid=100 uid=1000 vtid=101 vpid=101"
            ),
            &[
                (1, "event child", "101"),
                (1, "parent 101", "100"),
                (1, "cwd 101", "/home/u/"),
                (1, "fd 101 0", "/dev/pts/0"),
                (2, "event pid", "101"),
                (2, "comm 101", "bash"),
                (2, "exepath 101", "/usr/bin/bash"),
                (2, "lives 101", "1"),
                (2, "sid 101", "100"),
            ],
        ),
        (
            "child's event first",
            with_shell!(
                "101 clone res=0 exe=bash comm=bash tid=101 pid=101 ptid=100 uid=1000 vtid=101 vpid=101"
                "101 setsid res=101"
                "100 clone res=101 exe=bash comm=bash tid=100 pid=100 ptid=1 uid=1000"
            ),
            &[(1, "parent 101", "100"), (3, "event child", "101"), (3, "lives 101", "1"), (3, "sid 101", "101")],
        ),
        (
            "child acts before either event of its birth",
            with_shell!(
                "101 openat fd=5 dirfd=AT_FDCWD name=/early flags=O_RDONLY"
                "100 clone res=101 exe=bash comm=bash tid=100 pid=100 ptid=1 uid=1000"
                "101 read res=1 fd=5"
            ),
            &[
                (1, "comm 101", "-"),
                (2, "comm 101", "bash"),
                (2, "parent 101", "100"),
                (2, "lives 101", "1"),
                (3, "event file", "/early"),
                (3, "fd 101 0", "/dev/pts/0"),
            ],
        ),
        (
            "failed and unfinished births change nothing",
            with_shell!("100 clone res=EAGAIN tid=100 pid=100 ptid=1" "100 ~unfinished clone"),
            &[(2, "lives 101", "0"), (1, "event pid", "100"), (2, "event pid", "100")],
        ),
        (
            "a thread shares descriptors and directory, and has its leader's parent",
            with_shell!(
                "100 clone res=102 exe=bash comm=bash tid=100 pid=100 ptid=1 flags=CLONE_THREAD|CLONE_FILES|CLONE_FS|CLONE_VM"
                "102 clone res=0 exe=bash comm=bash tid=102 pid=100 ptid=1 flags=CLONE_THREAD vtid=102 vpid=100"
                "102 openat fd=4 dirfd=AT_FDCWD name=f flags=O_RDONLY"
                "102 chdir res=0 path=/tmp"
                "100 openat fd=5 dirfd=AT_FDCWD name=g flags=O_RDONLY"
            ),
            &[
                (2, "event pid", "100"),
                (3, "fd 100 4", "/home/u/f"),
                (4, "cwd 100", "/tmp/"),
                (5, "event file", "/tmp/g"),
                (5, "threads 100", "100 102"),
            ],
        ),
        (
            "after clone3 the child's flags are worthless",
            with_shell!(
                "102 clone3 res=0 exe=bash comm=bash tid=102 pid=100 ptid=1 flags=CLONE_FILES|CLONE_VFORK vtid=102 vpid=100"
                "103 clone3 res=0 exe=bash comm=bash tid=103 pid=103 ptid=100 flags=CLONE_THREAD|CLONE_FILES vtid=103 vpid=103"
                "103 close res=0 fd=0"
                "100 read res=0 fd=0"
            ),
            &[(1, "event pid", "100"), (2, "parent 103", "100"), (4, "event file", "/dev/pts/0")],
        ),
        (
            "CLONE_FILES between processes shares the table, a fork copies it",
            with_shell!(
                "100 clone res=101 exe=bash comm=bash tid=100 pid=100 ptid=1 flags=CLONE_FILES"
                "100 fork res=102 exe=bash comm=bash tid=100 pid=100 ptid=1"
                "101 openat fd=7 dirfd=AT_FDCWD name=/shared flags=O_RDONLY"
                "102 openat fd=8 dirfd=AT_FDCWD name=/own flags=O_RDONLY"
                "101 execve res=0 exe=ls comm=ls tid=101 pid=101 ptid=100 trusted_exepath=/bin/ls"
                "101 close res=0 fd=7"
                "100 read res=0 fd=7"
            ),
            &[(3, "fd 100 7", "/shared"), (4, "fd 100 8", "-"), (7, "event file", "/shared"), (7, "fd 101 7", "-")],
        ),
        (
            "CLONE_FS shares the directory",
            with_shell!(
                "100 clone res=101 exe=bash comm=bash tid=100 pid=100 ptid=1 flags=CLONE_FS"
                "101 chdir res=0 path=/srv"
                "101 unshare res=0 flags=CLONE_FS"
                "101 chdir res=0 path=/opt"
            ),
            &[(2, "cwd 100", "/srv/"), (4, "cwd 100", "/srv/"), (4, "cwd 101", "/opt/")],
        ),
        (
            "vfork: the child has execed and exited when the parent's event comes",
            with_shell!(
                "101 vfork res=0 exe=bash comm=bash tid=101 pid=101 ptid=100 flags=CLONE_VFORK|CLONE_VM vtid=101 vpid=101"
                "101 execve res=0 exe=ls comm=ls tid=101 pid=101 ptid=100 trusted_exepath=/bin/ls"
                "101 procexit status=0 ret=0"
                "100 vfork res=101 exe=bash comm=bash tid=100 pid=100 ptid=1 flags=CLONE_VFORK|CLONE_VM"
                "100 getcwd res=8 path=/home/u"
            ),
            &[(4, "event child", "101"), (5, "lives 101", "1"), (5, "alive 101", "false"), (5, "note lost_exits", "0")],
        ),
        (
            "CLONE_PARENT: a sibling",
            with_shell!(
                "100 clone res=101 exe=bash comm=bash tid=100 pid=100 ptid=1 flags=CLONE_PARENT"
                "101 clone res=0 exe=bash comm=bash tid=101 pid=101 ptid=1 flags=CLONE_PARENT vtid=101 vpid=101"
            ),
            &[(1, "lives 101", "0"), (2, "parent 101", "1")],
        ),
        (
            "a pid namespace: the parent's result is the child's id inside",
            with_shell!(
                "thread 200 ptid=1 comm=sh vtid=1 vpid=1"
                "200 clone res=5 exe=sh comm=sh tid=200 pid=200 ptid=1 flags=CLONE_CHILD_IN_PIDNS vtid=1 vpid=1"
                "205 clone res=0 exe=sh comm=sh tid=205 pid=205 ptid=200 flags=CLONE_CHILD_IN_PIDNS vtid=5 vpid=5"
            ),
            &[(1, "lives 5", "0"), (2, "parent 205", "200"), (2, "vpid 205", "5"), (2, "vtid 205", "5")],
        ),
        (
            "a birth by an unknown parent names it",
            "500 clone res=0 exe=sh comm=sh tid=500 pid=500 ptid=400 vtid=500 vpid=500",
            &[(1, "comm 500", "sh"), (1, "parent 500", "-"), (1, "birth_parent 500", "400")],
        ),
        (
            "an unknown caller is what its own birth event says",
            concat!(
                "400 read res=1 fd=0\n",
                "400 clone res=500 exe=sh args=[\"-x\"] comm=sh tid=400 pid=400 ptid=1 vtid=400 vpid=400\n",
            ),
            &[(1, "comm 400", "-"), (2, "comm 400", "sh"), (2, "comm 500", "sh"), (2, "parent 500", "400")],
        ),
        (
            "an unknown caller turns out to be a thread",
            concat!(
                "402 read res=1 fd=0\n",
                "402 clone res=500 exe=sh comm=sh tid=402 pid=400 ptid=1 vtid=402 vpid=400\n",
                "402 read res=1 fd=0\n",
            ),
            &[(2, "merged 402", "400"), (2, "parent 500", "400"), (3, "event pid", "400"), (3, "alive 402", "false")],
        ),
    ]);
}

#[test]
fn execs() {
    check(&[
        (
            "a success replaces the image, closes what is marked and keeps the rest",
            with_shell!(
                "100 openat fd=4 dirfd=AT_FDCWD name=/a flags=O_RDONLY|O_CLOEXEC"
                "100 openat fd=5 dirfd=AT_FDCWD name=/b flags=O_RDONLY"
                "100 prctl res=0 option=PR_SET_NAME arg2_str=hidden"
                "100 execve res=0 exe=ls args=[\"-l\"] comm=ls tid=100 pid=100 ptid=1 env=[\"A=1\"] uid=0 gid=0 pgid=100 trusted_exepath=\"/bin/ls (deleted)\""
            ),
            &[
                (3, "comm 100", "bash"),
                (3, "renamed 100", "hidden"),
                (4, "comm 100", "ls"),
                (4, "event comm", "ls"),
                (4, "renamed 100", "-"),
                (4, "exepath 100", "/bin/ls"),
                (4, "env 100", "A=1\0"),
                (4, "fds 100", "0 5"),
                (4, "uid 100", "0"),
                (4, "cwd 100", "/home/u/"),
                (3, "uid 100", "1000"),
            ],
        ),
        (
            "a failure changes nothing",
            with_shell!("100 execve res=ENOENT exe=ls comm=ls tid=100 pid=100 ptid=1 filename=/nope"),
            &[(1, "comm 100", "bash"), (1, "event comm", "bash")],
        ),
        (
            "old captures have the path as passed",
            with_shell!("100 execve res=0 exe=./x comm=x tid=100 pid=100 ptid=1 filename=./bin/../x"),
            &[(1, "exepath 100", "/home/u/x")],
        ),
        (
            "from a secondary thread, seen under the main thread's id",
            with_shell!(
                "100 clone res=102 exe=bash comm=bash tid=100 pid=100 ptid=1 flags=CLONE_THREAD"
                "100 procexit status=0 ret=0"
                "100 execve res=0 exe=ls comm=ls tid=100 pid=100 ptid=1 trusted_exepath=/bin/ls"
                "100 openat fd=3 dirfd=AT_FDCWD name=x flags=O_RDONLY"
                "100 procexit status=256 ret=1"
                "1 getcwd res=2 path=/"
            ),
            &[
                (2, "alive 100", "true"),
                (3, "threads 100", "100"),
                (4, "event comm", "ls"),
                (4, "event file", "/home/u/x"),
                (5, "exit 100", "5:1:0"),
                (5, "alive 100", "true"),
                (6, "alive 100", "false"),
                (6, "lives 100", "1"),
            ],
        ),
        (
            "from a secondary thread, seen under its old id",
            with_shell!(
                "100 clone res=102 exe=bash comm=bash tid=100 pid=100 ptid=1 flags=CLONE_THREAD"
                "102 execve res=0 exe=ls comm=ls tid=102 pid=100 ptid=1 trusted_exepath=/bin/ls"
                "100 openat fd=3 dirfd=AT_FDCWD name=x flags=O_RDONLY"
            ),
            &[(2, "event tid", "100"), (2, "threads 100", "100"), (3, "event comm", "ls")],
        ),
        (
            "an unknown process is what its exec says",
            with_shell!(
                "300 read res=1 fd=0"
                "300 execve res=0 exe=ls comm=ls tid=300 pid=300 ptid=100 uid=5 trusted_exepath=/bin/ls"
            ),
            &[(1, "parent 300", "-"), (2, "parent 300", "100"), (2, "comm 300", "ls"), (2, "uid 300", "5")],
        ),
    ]);
}

#[test]
fn exits() {
    check(&[
        (
            "seen by its own event, gone at the next; the children go to the reaper",
            with_shell!(
                "100 clone res=101 exe=bash comm=bash tid=100 pid=100 ptid=1"
                "100 procexit status=9 ret=0 sig=SIGKILL reaper_tid=1"
                "1 getcwd res=2 path=/"
            ),
            &[
                (2, "alive 100", "true"),
                (2, "parent 101", "100"),
                (2, "event comm", "bash"),
                (2, "exit 100", "2:-1:9"),
                (3, "alive 100", "false"),
                (3, "parent 101", "1"),
                (3, "birth_parent 101", "100"),
            ],
        ),
        (
            "without a kernel's word init adopts, or a subreaper that is nearer",
            with_shell!(
                "100 clone res=101 exe=bash comm=bash tid=100 pid=100 ptid=1"
                "101 clone res=102 exe=bash comm=bash tid=101 pid=101 ptid=100"
                "102 clone res=103 exe=bash comm=bash tid=102 pid=102 ptid=101"
                "102 procexit status=0"
                "100 prctl res=0 option=PR_SET_CHILD_SUBREAPER arg2_int=1"
                "101 clone res=104 exe=bash comm=bash tid=101 pid=101 ptid=100"
                "101 procexit status=0"
                "1 getcwd res=2 path=/"
            ),
            &[(5, "parent 103", "1"), (8, "parent 104", "100"), (8, "parent 103", "1")],
        ),
        (
            "a main thread that exits first stays until the last thread goes",
            with_shell!(
                "100 clone res=102 exe=bash comm=bash tid=100 pid=100 ptid=1 flags=CLONE_THREAD"
                "100 procexit status=512 ret=2"
                "102 openat fd=3 dirfd=AT_FDCWD name=x flags=O_RDONLY"
                "102 procexit status=0 ret=0"
                "1 getcwd res=2 path=/"
            ),
            &[
                (3, "alive 100", "true"),
                (3, "event file", "/home/u/x"),
                (3, "exit 100", "4:2:0"),
                (4, "alive 100", "true"),
                (5, "alive 100", "false"),
            ],
        ),
        (
            "a thread that outlives the main thread ends the process: its status, as the recorder tells it",
            with_shell!(
                "100 clone res=102 exe=bash comm=bash tid=100 pid=100 ptid=1 flags=CLONE_THREAD"
                "100 procexit status=0 ret=0 sig=0 core=0 reaper_tid=?"
                "102 procexit status=1792 ret=7 sig=0 core=0 reaper_tid=? process_status=1792"
                "1 getcwd res=2 path=/"
            ),
            &[(3, "exit 100", "3:7:0")],
        ),
        (
            "a pid is used again",
            with_shell!(
                "100 clone res=101 exe=bash comm=one tid=100 pid=100 ptid=1"
                "101 procexit status=0"
                "+10s 1 clone res=101 exe=init comm=two tid=1 pid=1 ptid=0"
                "101 clone res=0 exe=init comm=two tid=101 pid=101 ptid=1 vtid=101 vpid=101"
            ),
            &[
                (1, "comm 101", "one"),
                (3, "comm 101", "two"),
                (1, "parent 101", "100"),
                (3, "parent 101", "1"),
                (4, "lives 101", "2"),
                (4, "note lost_exits", "0"),
            ],
        ),
        (
            "a pid is used again though its exit was lost",
            with_shell!(
                "100 clone res=101 exe=bash comm=one tid=100 pid=100 ptid=1"
                "101 clone res=0 exe=bash comm=one tid=101 pid=101 ptid=100 vtid=101 vpid=101"
                "101 clone res=110 exe=bash comm=one tid=101 pid=101 ptid=100"
                "101 openat fd=9 dirfd=AT_FDCWD name=/old flags=O_RDONLY"
                "+10s 1 clone res=101 exe=init comm=two tid=1 pid=1 ptid=0"
                "101 read res=0 fd=9"
            ),
            &[
                (5, "lives 101", "2"),
                (5, "parent 101", "1"),
                (5, "parent 110", "1"),
                (6, "event file", "-"),
                (6, "note lost_exits", "1"),
            ],
        ),
        ("old captures: the raw status", with_shell!("100 procexit status=139"), &[(1, "exit 100", "1:-1:11")]),
        ("an exit of an unknown thread", "7 procexit status=0", &[(1, "event pid", "-"), (1, "lives 7", "0")]),
    ]);
}

#[test]
fn identities() {
    check(&[
        (
            "effective ids; -1 is no change, whatever Falco shows",
            with_shell!(
                "100 setresuid res=0 ruid=5 euid=6 suid=7"
                "100 setresuid res=0 ruid=5 euid=-1 suid=7"
                "100 setuid res=EPERM uid=0"
                "100 setregid res=0 rgid=1 egid=2"
            ),
            &[
                (1, "uid 100", "6"),
                (2, "uid 100", "6"),
                (2, "falco_uid 100", "-"),
                (3, "uid 100", "6"),
                (4, "gid 100", "2"),
                (0, "uid 100", "1000"),
            ],
        ),
        (
            "sessions and groups",
            with_shell!(
                "100 clone res=101 exe=bash comm=bash tid=100 pid=100 ptid=1"
                "100 setpgid res=0 pid=101 pgid=0"
                "101 setsid res=101"
                "101 capset res=0 cap_inheritable=1 cap_permitted=2 cap_effective=3"
                "101 unshare res=0 flags=CLONE_NEWUSER"
            ),
            &[
                (1, "pgid 101", "100"),
                (2, "pgid 101", "100"),
                (2, "true_pgid 101", "101"),
                (3, "sid 101", "101"),
                (4, "caps 101", "[1, 2, 3]"),
                (5, "caps 101", "[1ffffffffff, 1ffffffffff, 1ffffffffff]"),
                (5, "sid 100", "100"),
            ],
        ),
        (
            "users come and go",
            concat!(
                "user 1000 alice\n",
                "-1 useradded uid=7 gid=7 name=bob\n",
                "-1 userdeleted uid=7 gid=7 name=bob\n"
            ),
            &[(1, "user 1000", "alice"), (1, "user 7", "bob"), (2, "user 7", "-"), (1, "user 8", "-")],
        ),
        (
            "containers by cgroup",
            with_shell!(
                "100 execve res=0 exe=sh comm=sh tid=100 pid=100 ptid=1 cgroups=[\"cpu=/docker/3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3601e\"]"
                "100 execve res=0 exe=sh comm=sh tid=100 pid=100 ptid=1 cgroups=[\"cpu=/user.slice\"]"
            ),
            &[(1, "container 100", "3ad7b26ded6d"), (2, "container 100", "-")],
        ),
        (
            "a random number in a cgroup is a container if it is described",
            with_shell!(
                "-1 container json=\"{\\\"container\\\":{\\\"type\\\":7,\\\"id\\\":\\\"da774e16f013\\\",\\\"full_id\\\":\\\"da774e16f0131b1384d78df9d92b236f\\\"}}\""
                "100 execve res=0 exe=sh comm=sh tid=100 pid=100 ptid=1 cgroups=[\"cpu=/jobs/da774e16f0131b1384d78df9d92b2360\"]"
                "100 execve res=0 exe=sh comm=sh tid=100 pid=100 ptid=1 cgroups=[\"cpu=/default/da774e16f0131b1384d78df9d92b236f\"]"
            ),
            &[(2, "container 100", "-"), (3, "container 100", "da774e16f013")],
        ),
    ]);
}

#[test]
fn files_and_directories() {
    check(&[
        (
            "names",
            with_shell!(
                "100 openat fd=3 dirfd=AT_FDCWD name=../x//y flags=O_RDONLY"
                "100 openat fd=4 dirfd=AT_FDCWD name=/etc flags=O_RDONLY|O_DIRECTORY"
                "100 openat fd=5 dirfd=4 name=passwd flags=O_RDONLY"
                "100 openat fd=6 dirfd=77 name=what flags=O_RDONLY"
                "100 open fd=7 name=z flags=O_WRONLY|O_CREAT"
                "100 openat fd=ENOENT dirfd=AT_FDCWD name=no flags=O_RDONLY"
                "100 openat2 fd=8 dirfd=4 name=/abs flags=O_RDONLY"
                "100 creat fd=9 name=c"
                "100 unlinkat res=0 dirfd=4 name=x"
                "100 open fd=EACCES name=q flags=O_RDONLY"
                "100 rename res=0 oldpath=a newpath=b"
            ),
            &[
                (1, "event file", "/home/x/y"),
                (1, "event raw", "../x//y"),
                (1, "event changed", "true"),
                (2, "event kind", "Directory"),
                (3, "event file", "/etc/passwd"),
                (4, "event file", "<UNKNOWN>what"),
                (5, "event file", "/home/u/z"),
                (6, "event fd", "-1"),
                (6, "event file", "-"),
                (7, "event file", "/abs"),
                (8, "event file", "/home/u/c"),
                (9, "event fd", "4"),
                (9, "event file", "/etc"),
                (10, "event fd", "-1"),
                (11, "event fd", "-"),
            ],
        ),
        (
            "closing shows at the event and is done at the next",
            with_shell!("100 close res=0 fd=0" "100 getcwd res=8 path=/home/u" "100 close res=EBADF fd=0"),
            &[
                (1, "event file", "/dev/pts/0"),
                (1, "fd 100 0", "/dev/pts/0"),
                (2, "fd 100 0", "-"),
                (3, "event fd", "0"),
                (3, "event file", "-"),
            ],
        ),
        (
            "directories",
            with_shell!(
                "100 chdir res=0 path=../v"
                "100 openat fd=4 dirfd=AT_FDCWD name=/srv flags=O_RDONLY|O_DIRECTORY"
                "100 fchdir res=0 fd=4"
                "100 chdir res=ENOENT path=/no"
                "100 getcwd res=5 path=/real"
                "100 chroot res=0 path=/jail"
                "100 fchdir res=0 fd=99"
                "100 chdir res=0 path=rel"
                "100 chdir res=0 path=/"
            ),
            &[
                (1, "cwd 100", "/home/v/"),
                (3, "cwd 100", "/srv/"),
                (4, "cwd 100", "/srv/"),
                (5, "cwd 100", "/real/"),
                (6, "root 100", "/jail"),
                (7, "cwd 100", "-"),
                (8, "cwd 100", "-"),
                (9, "cwd 100", "/"),
            ],
        ),
        (
            "renames and removals",
            with_shell!(
                "100 openat fd=3 dirfd=AT_FDCWD name=d/f flags=O_RDONLY"
                "100 openat fd=4 dirfd=AT_FDCWD name=g flags=O_RDONLY"
                "100 openat fd=5 dirfd=AT_FDCWD name=/tmp flags=O_RDONLY|O_DIRECTORY"
                "100 rename res=0 oldpath=d/f newpath=/tmp/h"
                "100 renameat res=0 olddirfd=AT_FDCWD oldpath=/tmp newdirfd=AT_FDCWD newpath=/var/t"
                "100 rename res=0 oldpath=other newpath=g"
                "100 unlink res=ENOENT path=/var/t/h"
                "100 unlinkat res=0 dirfd=AT_FDCWD name=/var/t/h flags=0"
                "100 openat fd=6 dirfd=AT_FDCWD name=/var/t/h flags=O_RDONLY|O_CREAT"
            ),
            &[
                (3, "path_now 100 3", "/home/u/d/f"),
                (4, "path_now 100 3", "/tmp/h"),
                (4, "fd 100 3", "/home/u/d/f"),
                (5, "path_now 100 3", "/var/t/h"),
                (5, "path_now 100 5", "/var/t"),
                (5, "path_now 100 4", "/home/u/g"),
                (6, "path_now 100 4", "-"),
                (7, "path_now 100 3", "/var/t/h"),
                (8, "path_now 100 3", "-"),
                (9, "path_now 100 6", "/var/t/h"),
            ],
        ),
        (
            "a thread with a directory and descriptors of its own",
            with_shell!(
                "100 clone res=102 exe=bash comm=bash tid=100 pid=100 ptid=1 flags=CLONE_THREAD"
                "102 unshare res=0 flags=CLONE_FS|CLONE_FILES"
                "102 chdir res=0 path=/tmp"
                "102 openat fd=4 dirfd=AT_FDCWD name=f flags=O_RDONLY"
            ),
            &[
                (3, "cwd 100", "/home/u/"),
                (3, "own_cwd 102", "/tmp/"),
                (4, "event file", "/tmp/f"),
                (4, "fd 100 4", "-"),
                (4, "own_fd 102 0", "/dev/pts/0"),
            ],
        ),
    ]);
}

#[test]
fn descriptors() {
    check(&[
        (
            "dup family",
            with_shell!(
                "100 openat fd=3 dirfd=AT_FDCWD name=/f flags=O_RDONLY|O_CLOEXEC"
                "100 dup res=4 oldfd=3"
                "100 dup2 res=0 oldfd=3 newfd=0"
                "100 dup3 res=5 oldfd=3 newfd=5 flags=O_CLOEXEC"
                "100 fcntl res=6 fd=3 cmd=F_DUPFD_CLOEXEC arg=6"
                "100 fcntl res=0 fd=4 cmd=F_SETFD arg=1"
                "100 dup res=EBADF oldfd=3"
                "100 execve res=0 exe=ls comm=ls tid=100 pid=100 ptid=1"
            ),
            &[
                (2, "event fd", "4"),
                (2, "event file", "/f"),
                (2, "event changed", "false"),
                (3, "event fd", "0"),
                (3, "fd 100 0", "/f"),
                (5, "event fd", "6"),
                (7, "event fd", "3"),
                (7, "fds 100", "0 3 4 5 6"),
                (8, "fds 100", "0"),
            ],
        ),
        (
            "close_range",
            with_shell!(
                "100 pipe2 res=0 fd1=3 fd2=4 ino=77 flags=O_CLOEXEC"
                "100 pipe res=0 fd1=5 fd2=6 ino=78"
                "100 close_range res=0 first=5 last=-1"
                "100 close_range res=0 first=0 last=2 flags=CLOSE_RANGE_CLOEXEC"
                "100 execve res=0 exe=ls comm=ls tid=100 pid=100 ptid=1"
            ),
            &[
                (1, "event fd", "4"),
                (1, "event kind", "Pipe"),
                (3, "fds 100", "0 3 4"),
                (4, "fds 100", "0 3 4"),
                (5, "fds 100", ""),
            ],
        ),
        (
            "special ones",
            with_shell!(
                "100 memfd_create fd=3 name=payload flags=MFD_CLOEXEC"
                "100 pidfd_open fd=4 pid=1"
                "100 eventfd2 res=5 flags=O_CLOEXEC"
                "100 epoll_create1 res=6 flags=EPOLL_CLOEXEC"
                "100 bpf fd=7 cmd=BPF_PROG_LOAD"
                "100 bpf fd=0 cmd=BPF_MAP_UPDATE_ELEM"
                "100 timerfd_create res=8 clockid=1 flags=0"
                "100 signalfd4 res=5 flags=0 fd=5 mask=0"
                "1 openat fd=30 dirfd=AT_FDCWD name=/secret flags=O_RDONLY"
                "100 pidfd_getfd fd=9 pid_fd=4 target_fd=30"
                "100 userfaultfd res=10 flags=0"
                "100 io_uring_setup res=11 entries=8"
            ),
            &[
                (1, "event file", "payload"),
                (1, "event kind", "Memfd"),
                (2, "event file", "/proc/1"),
                (3, "event kind", "Event"),
                (4, "event kind", "Eventpoll"),
                (5, "event kind", "Bpf"),
                (6, "event fd", "0"),
                (6, "event kind", "Bpf"),
                (6, "fd 100 0", "/dev/pts/0"),
                (8, "fdkind 100 5", "Signal"),
                (10, "event file", "/secret"),
                (12, "fds 100", "0 3 4 5 6 7 8 9 10 11"),
            ],
        ),
        (
            "descriptors that came over a socket are unknown",
            with_shell!(
                "100 socketpair res=0 fd1=3 fd2=4 source=0x10 peer=0x20 domain=AF_UNIX type=1"
                "100 openat fd=5 dirfd=AT_FDCWD name=/stale flags=O_RDONLY"
                "100 recvmsg res=1 fd=3 size=1 msgcontrol=x\"14000000000000000100000001000000050000000000000000\""
            ),
            &[(1, "event fd", "4"), (1, "event kind", "UnixSocket"), (3, "fd 100 5", "-"), (3, "event fd", "3")],
        ),
    ]);
}

#[test]
fn sockets() {
    check(&[
        (
            "a client",
            with_shell!(
                "100 socket fd=3 domain=AF_INET type=1 proto=6"
                "100 connect res=EINPROGRESS tuple=10.0.0.1:4000->1.2.3.4:443 fd=3 addr=1.2.3.4:443"
                "100 write res=5 fd=3"
            ),
            &[
                (1, "event file", ""),
                (1, "event changed", "false"),
                (2, "event file", "10.0.0.1:4000->1.2.3.4:443"),
                (2, "event changed", "true"),
                (2, "role 100 3", "client"),
                (2, "connected 100 3", "true"),
                (3, "event changed", "false"),
                (3, "l4 100 3", "Tcp"),
            ],
        ),
        (
            "a failed connect changes nothing",
            with_shell!(
                "100 socket fd=3 domain=AF_INET type=1 proto=6"
                "100 connect res=ECONNREFUSED tuple=10.0.0.1:4000->1.2.3.4:443 fd=3"
            ),
            &[(2, "event file", ""), (2, "connected 100 3", "false"), (2, "event fd", "3")],
        ),
        (
            "a server",
            with_shell!(
                "100 socket fd=3 domain=AF_INET type=1 proto=6"
                "100 bind res=0 addr=0.0.0.0:80 fd=3"
                "100 listen res=0 fd=3"
                "100 accept4 fd=4 tuple=5.6.7.8:1234->10.0.0.1:80 flags=0"
                "100 accept4 fd=EAGAIN"
            ),
            &[
                (2, "event file", "0.0.0.0:80"),
                (2, "event changed", "true"),
                (2, "fdkind 100 3", "Ipv4Listen"),
                (3, "event fd", "3"),
                (4, "event file", "5.6.7.8:1234->10.0.0.1:80"),
                (4, "event fd", "4"),
                (4, "role 100 4", "server"),
                (4, "connected 100 4", "true"),
                (5, "event fd", "-1"),
            ],
        ),
        (
            "UDP: the first destination names the socket, a server's name turns round",
            with_shell!(
                "100 socket fd=3 domain=AF_INET type=2 proto=17"
                "100 sendto res=5 fd=3 tuple=10.0.0.1:4000->8.8.8.8:53"
                "100 recvfrom res=5 fd=3 tuple=8.8.8.8:53->10.0.0.1:4000"
                "100 sendto res=5 fd=3 tuple=10.0.0.1:4000->9.9.9.9:53"
                "100 socket fd=4 domain=AF_INET type=2 proto=0"
                "100 bind res=0 addr=10.0.0.1:53 fd=4"
                "100 recvfrom res=5 fd=4 tuple=5.5.5.5:999->10.0.0.1:53"
                "100 sendto res=5 fd=4 tuple=10.0.0.1:53->5.5.5.5:999"
            ),
            &[
                (2, "event file", "10.0.0.1:4000->8.8.8.8:53"),
                (2, "event changed", "true"),
                (2, "role 100 3", "client"),
                (3, "event changed", "false"),
                (4, "event file", "10.0.0.1:4000->8.8.8.8:53"),
                (4, "event changed", "false"),
                (7, "event file", "5.5.5.5:999->10.0.0.1:53"),
                (7, "role 100 4", "server"),
                (8, "event file", "5.5.5.5:999->10.0.0.1:53"),
            ],
        ),
        (
            "UDP on a descriptor that was never seen",
            with_shell!("100 sendto res=5 fd=8 tuple=10.0.0.1:4000->8.8.8.8:53"),
            &[(1, "event file", "10.0.0.1:4000->8.8.8.8:53"), (1, "l4 100 8", "Udp")],
        ),
        (
            "IPv6, and IPv4 in disguise",
            with_shell!(
                "100 socket fd=3 domain=AF_INET6 type=1 proto=6"
                "100 connect res=0 tuple=[2001:db8::1]:4000->[2001:db8::2]:443 fd=3"
                "100 accept fd=4 tuple=[::ffff:1.2.3.4]:9->[::ffff:10.0.0.1]:80"
                "100 socket fd=5 domain=AF_INET6 type=1 proto=6"
                "100 connect res=0 tuple=[::ffff:10.0.0.1]:4000->[::ffff:1.2.3.4]:443 fd=5"
            ),
            &[
                (2, "event file", "2001:db8::1:4000->2001:db8::2:443"),
                (2, "fdkind 100 3", "Ipv6Socket"),
                (3, "event file", "1.2.3.4:9->10.0.0.1:80"),
                (3, "fdkind 100 4", "Ipv4Socket"),
                // Falco loses the transport here, and with it the name.
                (5, "event file", "<unknown>"),
                (5, "ends 100 5", "10.0.0.1:4000 1.2.3.4:443"),
                (5, "l4 100 5", "Tcp"),
            ],
        ),
        (
            "Unix sockets",
            with_shell!(
                "100 socket fd=3 domain=AF_UNIX type=1 proto=0"
                "100 connect res=0 tuple=unix:0xab->0xcd:/run/x.sock fd=3"
                "100 socket fd=4 domain=AF_UNIX type=1 proto=0"
                "100 bind res=0 addr=unix:/run/y.sock fd=4"
                "100 accept fd=5 tuple=unix:0x1->0x2:/run/y.sock"
            ),
            &[
                (2, "event file", "ab->cd /run/x.sock"),
                (4, "event file", "/run/y.sock"),
                (5, "event file", "1->2 /run/y.sock"),
            ],
        ),
        (
            "the snapshot's sockets: whoever listens on the local port serves",
            with_shell!(
                "fd 100 3 listen 0.0.0.0:80 tcp"
                "fd 100 4 inet 10.0.0.1:80->5.6.7.8:1234 tcp"
                "fd 100 5 inet 10.0.0.1:4000->1.2.3.4:443 tcp"
                "fd 100 6 inet [::1]:80->[::1]:1234 tcp"
                "fd 100 7 unix 0x1->0x2 /run/x.sock"
                "1 getcwd res=2 path=/"
            ),
            &[
                (1, "fd 100 3", "0.0.0.0:80"),
                (1, "fd 100 4", "5.6.7.8:1234->10.0.0.1:80"),
                (1, "role 100 4", "server"),
                (1, "role 100 5", "client"),
                (1, "fd 100 6", "::1:80->::1:1234"),
                (1, "role 100 6", "-"),
                (1, "role 100 7", "server"),
            ],
        ),
    ]);
}

/// The kernel's own time of birth names an instance, where a trace has it; the event can be much later.
#[test]
fn births_are_when_the_kernel_says() {
    let birth = "thread 100 comm=a\nat 4000\n101 clone res=0 tid=101 pid=101 ptid=100 vtid=101 vpid=101";
    for (start, want) in [(" start_time=3000", 3000), ("", 5000), (" start_time=0", 5000)] {
        let replayed = replay(&format!("{birth}{start}\n"));
        let (_, process) = process(&replayed.history, 101, Seq(1)).unwrap();
        assert_eq!(process.start_ns().map(|at| at.0), Some(want), "{start}");
        assert_eq!(replayed.history.thread(process.leader()).start_ns(), process.start_ns(), "{start}");
    }
}

#[test]
fn a_further_section_ends_what_was() {
    let replayed = replay(concat!(
        "thread 100 comm=a\n100 getcwd res=2 path=/\n",
        "section\nthread 100 comm=b\n100 getcwd res=2 path=/\n",
    ));
    assert_eq!(ask(&replayed, 1, "comm 100"), "a");
    assert_eq!(ask(&replayed, 2, "event comm"), "b");
    assert_eq!(ask(&replayed, 2, "lives 100"), "2");
    let keys: Vec<String> = (0..2).map(|i| replayed.history.process_key(ProcessId::new(i))).collect();
    assert_ne!(keys[0], keys[1]);
}

#[test]
fn tables_among_events_add_to_what_is() {
    let replayed = replay(concat!(
        "thread 100 comm=a\n100 getcwd res=2 path=/\n200 read res=1 fd=0\n",
        "section adds\nthread 100 comm=other\nthread 200 ptid=100 comm=b\nfd 200 3 file /f\n",
        "200 read res=1 fd=3\n100 getcwd res=2 path=/\n",
    ));
    for (seq, question, want) in [
        (2, "comm 200", "-"),
        (3, "event comm", "b"),
        (3, "event file", "/f"),
        (3, "parent 200", "100"),
        (4, "event comm", "a"),
        (4, "lives 100", "1"),
    ] {
        assert_eq!(ask(&replayed, seq, question), want, "at {seq} {question}");
    }
}

#[test]
fn containers_are_described_from_an_event_on() {
    let replayed = replay(concat!(
        "thread 1 comm=init\n",
        "thread 100 ptid=1 comm=sh cgroups=[\"cpu=/docker/3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3601e\"]\n",
        "100 getcwd res=2 path=/\n",
        "-1 asyncevent plugin_id=0 name=container data=\"{\\\"container\\\":{\\\"type\\\":7,\\\"id\\\":\\\"3ad7b26ded6d\\\",",
        "\\\"name\\\":\\\"web\\\",\\\"image\\\":\\\"example.com/web:1\\\",\\\"imagerepo\\\":\\\"example.com/web\\\",\\\"imagetag\\\":\\\"1\\\",",
        "\\\"privileged\\\":true,\\\"labels\\\":{\\\"io.kubernetes.pod.name\\\":\\\"web-0\\\",\\\"a\\\":\\\"b\\\"},",
        "\\\"Mounts\\\":[{\\\"Source\\\":\\\"/etc\\\",\\\"Destination\\\":\\\"/host\\\",\\\"RW\\\":true}]}}\\0\"\n",
        "-1 asyncevent plugin_id=0 name=container data=\"{nonsense\"\n",
        "-1 container json=\"[]\"\n",
    ));
    let history = &replayed.history;
    let id = history.container_by_id(b"3ad7b26ded6d").unwrap();
    let container = history.container(id);
    assert_eq!(container.runtime, "docker", "the cgroup's word counts");
    assert!(container.metadata_at(Seq(1)).is_none());
    let metadata = container.metadata_at(Seq(2)).unwrap();
    let text = |sym: Option<tracehound_state::Sym>| sym.map(|sym| history.text(sym).to_string());
    assert_eq!(text(metadata.name).as_deref(), Some("web"));
    assert_eq!(text(metadata.image_repository).as_deref(), Some("example.com/web"));
    assert_eq!(metadata.is_privileged, Some(true));
    assert_eq!(metadata.labels.len(), 2);
    assert_eq!(text(metadata.pod.unwrap().name).as_deref(), Some("web-0"));
    assert_eq!(text(Some(metadata.mounts[0].dest)).as_deref(), Some("/host"));
    assert_eq!(replayed.notes.n_bad_container_json, 2);
}

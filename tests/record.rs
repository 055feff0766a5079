//! Recording on this kernel, as root: attacks that are provoked and must be found, and all ways in which a recording
//! ends. Where that is not possible the tests say so and are skipped.
#![cfg(all(target_os = "linux", feature = "capture"))]

mod support;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use support::{Run, command, finish, folder, root, run};

/// The right to record; none where that is not possible, and the test is skipped.
///
/// One test at a time: a recording sees the whole machine, also what floods the ring of another test. Those of other
/// processes (`capture-ebpf/tests/record.rs`, another checkout) take the same lock of a file.
fn turn() -> Option<Turn> {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let file = std::env::temp_dir().join("tracehound-record.lock");
    // Without the right to write there is none to record either.
    let file = File::options().create(true).truncate(false).write(true).open(file).ok();
    if let Some(file) = &file {
        file.lock().expect("a lock of a file");
    }
    is_possible().then_some(Turn(turn, file))
}

/// Held while a test records.
struct Turn(#[allow(dead_code)] MutexGuard<'static, ()>, #[allow(dead_code)] Option<File>);

fn is_possible() -> bool {
    static WHY_NOT: OnceLock<Option<String>> = OnceLock::new();
    let why_not = WHY_NOT.get_or_init(|| {
        let folder = folder("record-possible");
        let run = run(["record", "-q", "-o", path(&folder, "x.trh").as_str(), "--", "true"]);
        // Only what the recorder itself says to be impossible is a reason to skip.
        (run.code == Some(4)).then_some(run.stderr)
    });
    if let Some(why_not) = why_not {
        tracehound_skipped::skipped!("this machine cannot record: {why_not}");
    }
    why_not.is_none()
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().expect("a path in UTF-8").to_owned()
}

/// The three official rule files; none without the folder `shared`.
fn official() -> Option<Vec<PathBuf>> {
    let shared = std::env::var_os("TRACEHOUND_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    let names = ["falco_rules.yaml", "falco-incubating_rules.yaml", "falco-sandbox_rules.yaml"];
    let files = names.map(|name| shared.join("rules/falco").join(name));
    if !files.iter().all(|file| file.is_file()) {
        tracehound_skipped::skipped!("the official rules: no folder {}", shared.display());
        return None;
    }
    Some(files.into())
}

/// Names of the rules that fire on a trace.
fn fired(trace: &str, rules: &[PathBuf]) -> BTreeSet<String> {
    let mut args = vec!["analyze".to_owned(), trace.to_owned(), "-f".to_owned(), "jsonl".to_owned()];
    for rule in rules {
        args.extend(["-r".to_owned(), rule.to_str().expect("a path in UTF-8").to_owned()]);
    }
    let run = run(args).expect(0).says(&[]);
    run.lines().iter().map(|signal| signal["rule"].as_str().expect("a rule").to_owned()).collect()
}

/// Whether a recording that was not `-q` says that events were lost.
fn lossy(run: &Run) -> bool {
    run.stderr.contains(" lost") && !run.stderr.contains("none lost")
}

/// Checks the end of a recording: 0, or 5 where other work on the machine filled the ring, and then it is said.
#[track_caller]
fn ended(run: Run) -> Run {
    let code = if lossy(&run) { 5 } else { 0 };
    run.expect(code)
}

/// Records a scenario of `samples/tools/attacks`, again if other work on the machine filled the ring meanwhile: what is
/// lost then says nothing of the scenario.
fn record_attack(name: &str) -> String {
    let folder = folder(&format!("record-{name}"));
    let trace = path(&folder, "attack.trh");
    let script = root().join("samples/tools/attacks").join(format!("{name}.sh"));
    let script = script.to_str().expect("a path in UTF-8");
    let folder = folder.to_str().expect("a path in UTF-8");
    for attempt in 1.. {
        let run = run(["record", "-o", &trace, "--", script, folder]).expect(0).says(&["events in"]);
        if !lossy(&run) || attempt == 4 {
            break;
        }
        std::fs::remove_file(&trace).expect("a recorded trace");
    }
    trace
}

#[track_caller]
fn check(name: &str, ours: &[&str], officials: &[&str]) {
    let Some(_turn) = turn() else { return };
    let trace = record_attack(name);
    let has = |found: &BTreeSet<String>, wanted: &[&str]| {
        for rule in wanted {
            assert!(found.contains(*rule), "{name}: {rule:?} is not among {found:?}");
        }
    };
    has(&fired(&trace, &[root().join("rules")]), ours);
    if let Some(files) = official() {
        has(&fired(&trace, &files), officials);
    }
}

#[test]
fn reverse_shell() {
    check(
        "reverse_shell",
        &["Standard stream redirected to a network connection", "Shell started with its streams on a socket"],
        &[],
    );
}

#[test]
fn java_spawns_a_shell() {
    check("java_shell", &["Service runtime spawned a shell"], &["Run shell untrusted"]);
}

#[test]
fn write_below_dev() {
    check("write_below_dev", &["File written below dev"], &["Create files below dev"]);
}

#[test]
fn exec_from_memory() {
    check(
        "exec_from_memory",
        &["Program executed from memory", "Program executed from shared memory"],
        &["Fileless execution via memfd_create", "Execution from /dev/shm"],
    );
}

#[test]
fn credentials_are_read() {
    check(
        "read_credentials",
        &["Credential file read by an unexpected program"],
        &[
            "Read sensitive file untrusted",
            "Create Symlink Over Sensitive Files",
            "Directory traversal monitored file read",
        ],
    );
}

/// A command that opens and closes many files, until it is killed.
fn busy() -> Load {
    let script = "while :; do for i in 1 2 3 4 5 6 7 8 9; do : </etc/passwd >/dev/null; /bin/true; done; done";
    Command::new("/bin/sh").args(["-c", script]).stdin(Stdio::null()).spawn().map(Load).expect("a shell")
}

/// A process that is ended with its test, also if that fails.
struct Load(Child);

impl Drop for Load {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a recording and waits until its trace has events.
fn start(args: &[&str], trace: &str) -> Child {
    let mut command = command([&["record"], args].concat());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let began = Instant::now();
    while std::fs::metadata(trace).map_or(0, |metadata| metadata.len()) < 4096 {
        assert!(began.elapsed() < Duration::from_secs(60), "no trace after a minute");
        assert!(child.try_wait().expect("a child").is_none(), "{:?}", child.wait_with_output());
        std::thread::sleep(Duration::from_millis(50));
    }
    child
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([name, &child.id().to_string()]).status().expect("kill");
    assert!(status.success());
}

fn end(child: Child) -> Run {
    let output = child.wait_with_output().expect("the program ends");
    Run { code: output.status.code(), stdout: output.stdout, stderr: String::from_utf8(output.stderr).expect("UTF-8") }
}

#[test]
fn the_exit_code_is_the_commands() {
    let Some(_turn) = turn() else { return };
    let folder = folder("record-codes");
    for (name, command, code) in [
        ("a.trh", &["sh", "-c", "exit 7"][..], 7),
        ("b.trh", &["sh", "-c", "kill -9 $$"], 137),
        ("c.trh", &["no-such-program"], 127),
        ("d.trh", &["/etc/passwd"], 126),
    ] {
        let trace = path(&folder, name);
        run([&["record", "-o", &trace, "--"], command].concat()).expect(code).says(&[]);
        run(["info", &trace]).expect(0);
    }
}

#[test]
fn small_pages_are_the_recorders_alone() {
    let Some(_turn) = turn() else { return };
    let folder = folder("record-pages");
    let show = "grep THP_enabled /proc/self/status /proc/$PPID/status | sed 's/.*://' | tr -d '[:space:]'";
    let args = ["record", "-o", &path(&folder, "x.trh"), "--", "sh", "-c", show];
    let before = Command::new("grep").args(["THP_enabled:\t1", "/proc/self/status"]).output().expect("grep");
    if before.stdout.is_empty() {
        tracehound_skipped::skipped!("large pages are switched off here already");
        return;
    }
    assert_eq!(ended(run(args)).stdout, b"10");
}

#[test]
fn a_killed_recorder_leaves_what_it_wrote() {
    let Some(_turn) = turn() else { return };
    let folder = folder("record-killed");
    let trace = path(&folder, "x.trh");
    let load = busy();
    let recorder = start(&["-o", &trace, "--flush", "200ms"], &trace);
    std::thread::sleep(Duration::from_millis(1500));
    signal(&recorder, "-KILL");
    end(recorder);
    drop(load);
    let run = run(["analyze", &trace, "-r", "rules/", "-f", "jsonl"]).expect(5).says(&["no end mark"]);
    assert!(!run.stderr.contains(" 0 events"), "{}", run.stderr);
    run_info(&trace, 5, |info| assert!(info["events"].as_u64() > Some(100), "{info}"));
}

fn run_info(trace: &str, code: i32, check: impl Fn(&serde_json::Value)) {
    check(&run(["info", trace, "-f", "json"]).expect(code).json());
}

#[test]
fn an_interrupted_recorder_ends_its_trace() {
    let Some(_turn) = turn() else { return };
    let folder = folder("record-interrupted");
    for name in ["-INT", "-TERM"] {
        let trace = path(&folder, name);
        let recorder = start(&["-o", &trace, "--flush", "200ms", "--progress", "always"], &trace);
        signal(&recorder, name);
        let done = ended(end(recorder).says(&["(Ctrl-C ends)", "writing the end of the trace: ", "events in"]));
        run_info(&trace, done.code.expect("an exit code"), |info| assert_eq!(info["integrity"], "ok", "{info}"));
    }
}

#[test]
fn a_second_signal_leaves_the_trace_as_it_is() {
    let Some(_turn) = turn() else { return };
    let folder = folder("record-twice");
    let trace = path(&folder, "x.trh");
    let compact = folder.join("x.trh.compact");
    let flood = "my $i = 0; while (1) { my $n = join '', map { chr(33 + int(rand(90))) } 1 .. 99; open(my $f, '<', \"/tmp/$n\"); }";
    let load = Command::new("/usr/bin/perl").args(["-e", flood]).spawn().map(Load).expect("perl");
    let recorder = start(&["-o", &trace, "--flush", "200ms"], &trace);
    std::thread::sleep(Duration::from_secs(3));
    signal(&recorder, "-INT");
    let began = Instant::now();
    while !compact.exists() {
        assert!(began.elapsed() < Duration::from_secs(60), "the trace is not written once more");
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(load);
    signal(&recorder, "-INT");
    let done = ended(end(recorder).says(&["is whole", "cut short", "events in"]));
    assert!(!compact.exists());
    run_info(&trace, done.code.expect("an exit code"), |info| assert_eq!(info["integrity"], "ok", "{info}"));
}

/// A file system in memory, gone when dropped.
struct Tiny(PathBuf);

impl Tiny {
    fn mount(name: &str, size: &str) -> Option<Tiny> {
        let folder = folder(name);
        let status =
            Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(&folder).status();
        if status.is_ok_and(|status| status.success()) {
            return Some(Tiny(folder));
        }
        tracehound_skipped::skipped!("cannot mount a tmpfs here");
        None
    }
}

impl Drop for Tiny {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_ends_the_recording_with_a_readable_trace() {
    let Some(_turn) = turn() else { return };
    let Some(disk) = Tiny::mount("record-full", "2m") else { return };
    let trace = path(&disk.0, "x.trh");
    // Names that do not compress fill it quickly.
    let flood = "my $i = 0; while (1) { my $n = join '', map { chr(33 + int(rand(90))) } 1 .. 200; open(my $f, '<', \"/tmp/$n\"); }";
    let load = Command::new("/usr/bin/perl").args(["-e", flood]).spawn().map(Load).expect("perl");
    let recorder = start(&["-o", &trace, "--flush", "100ms"], &trace);
    let done = end(recorder).expect(5).says(&["recording ended", "whole up to there"]);
    drop(load);
    assert!(done.stderr.contains("No space left"), "{}", done.stderr);
    // Whole, and it says itself what is missing.
    run(["analyze", &trace, "-r", "rules/", "-f", "jsonl"]).expect(5).says(&["the recorder lost"]);
    let (missing, _) = done.stderr.split_once(" events are not in it").expect("what is missing");
    let missing = missing.rsplit(' ').next().expect("a number").replace(',', "");
    run_info(&trace, 5, |info| {
        assert_eq!(info["damage"].as_array().map(Vec::len), Some(0), "{info}");
        let losses = info["losses"].as_array().expect("losses").iter();
        let unwritten = losses.filter(|loss| loss["cause"] == "the trace could not be written");
        let unwritten: u64 = unwritten.filter_map(|loss| loss["n_events"].as_u64()).sum();
        assert_eq!(unwritten.to_string(), missing, "{info}");
    });
    // No room at all is said at once.
    let Some(disk) = Tiny::mount("record-no-room", "64k") else { return };
    run(["record", "-o", &path(&disk.0, "x.trh"), "--", "true"]).expect(2).says(&["No space left"]);
    assert_eq!(std::fs::read_dir(&disk.0).expect("a folder").count(), 0);
}

#[test]
fn traces_replace_each_other() {
    let Some(_turn) = turn() else { return };
    let folder = folder("record-rotated");
    let load = busy();
    let trace = path(&folder, "x.trh");
    let args = ["record", "-o", &trace, "--max-size", "512KiB", "--rotate", "2", "--duration", "15s"];
    let done = run(args).says(&["events in", " bytes each), start state "]);
    drop(load);
    let done = ended(done);
    let mut names: Vec<_> =
        std::fs::read_dir(&folder).expect("a folder").map(|e| e.expect("an entry").path()).collect();
    names.sort();
    assert_eq!(names.len(), 2, "{names:?} {}", done.stderr);
    for name in names {
        let name = name.to_str().expect("a path in UTF-8");
        assert!(std::fs::metadata(name).expect("a file").len() <= 512 << 10);
        let info = run(["info", name, "-f", "json", "--allow-partial"]).expect(0).json();
        assert!(info["processes"].as_u64() > Some(5), "{info}");
        assert_eq!(info["n_damage"], 0, "{info}");
    }
}

#[test]
fn a_stream_is_analyzed_as_it_is() {
    let Some(_turn) = turn() else { return };
    let script = root().join("samples/tools/attacks/write_below_dev.sh");
    let folder = folder("record-stream");
    let mut recorder =
        command(["record", "-q", "-o", "-", "--", script.to_str().expect("UTF-8"), folder.to_str().expect("UTF-8")]);
    let mut recorder = recorder.stdout(Stdio::piped()).spawn().expect("the program starts");
    let mut analyzer = command(["analyze", "-", "-r", "rules/", "-f", "jsonl"]);
    analyzer.stdin(recorder.stdout.take().expect("piped"));
    let run = finish(analyzer).expect(0);
    assert!(recorder.wait().expect("the recorder ends").success());
    assert!(run.text().contains("File written below dev"), "{}", run.text());
}

#[test]
fn the_last_minutes_are_written_when_a_rule_matches_or_a_signal_comes() {
    let Some(_turn) = turn() else { return };
    let folder = folder("record-flight");
    let rules = support::file(
        &folder,
        "trigger.yaml",
        "- rule: marker\n  desc: d\n  condition: evt.type in (open, openat) and fd.name contains tracehound-marker\n  output: o\n  priority: NOTICE\n",
    );
    let trace = path(&folder, "x.trh");
    let mut command = command(["record", "-o", &trace, "--flight-recorder", "1m", "--trigger", &rules]);
    let recorder = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
    std::thread::sleep(Duration::from_secs(4));
    let _ = std::fs::File::open("/tmp/tracehound-marker");
    let written = |name: &str| {
        let name = folder.join(name);
        let began = Instant::now();
        while !name.exists() && began.elapsed() < Duration::from_secs(30) {
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    written("x.0001.trh");
    signal(&recorder, "-USR1");
    written("x.0002.trh");
    signal(&recorder, "-TERM");
    ended(end(recorder)).says(&["x.0001.trh", "x.0002.trh"]);
    assert!(!folder.join("x.trh").exists());
    assert!(fired(&path(&folder, "x.0001.trh"), &[PathBuf::from(&rules)]).contains("marker"));
    let info = run(["info", &path(&folder, "x.0002.trh"), "-f", "json", "--allow-partial"]).expect(0).json();
    assert_eq!(info["integrity"], "ok", "{info}");
}

/// Runs `record` through another program that takes something away; none if that program is not there.
#[track_caller]
fn without(wrapper: &[&str], args: &[&str]) -> Option<Run> {
    let (program, arguments) = wrapper.split_first()?;
    let found =
        ["/usr/bin", "/usr/sbin", "/bin", "/sbin"].into_iter().any(|folder| Path::new(folder).join(program).exists());
    if !found {
        tracehound_skipped::skipped!("no {program} here");
        return None;
    }
    let mut command = Command::new(program);
    command.args(arguments).arg(env!("CARGO_BIN_EXE_tracehound")).args(args).stdin(Stdio::null());
    Some(finish(command))
}

#[test]
fn what_is_missing_is_said_with_what_to_do() {
    let Some(_turn) = turn() else { return };
    let folder = folder("record-missing");
    // Others than root reach neither the folder nor the binary under some homes.
    let trace = "/dev/null/x.trh";
    let record = ["record", "-o", trace, "--", "true"];
    let hide_btf = "mount -t tmpfs none /sys/kernel/btf && exec \"$0\" \"$@\"";
    let lock_down = "mount -t tmpfs none /sys/kernel/security && echo 'none integrity [confidentiality]' \
                     >/sys/kernel/security/lockdown && exec \"$0\" \"$@\"";
    for (wrapper, says) in [
        (
            &["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"][..],
            "CAP_BPF and CAP_PERFMON are missing; run as root",
        ),
        (&["setpriv", "--bounding-set=-bpf,-sys_admin"], "CAP_BPF is missing"),
        (&["setpriv", "--bounding-set=-perfmon,-sys_admin"], "CAP_PERFMON is missing"),
        (&["unshare", "-Ur"], "in spite of CAP_BPF and CAP_PERFMON: this is a user namespace"),
        (&["unshare", "-m", "sh", "-c", hide_btf], "a kernel built with CONFIG_DEBUG_INFO_BTF=y"),
        (&["unshare", "-m", "sh", "-c", lock_down], "boot without lockdown=confidentiality"),
        (&["unshare", "-p", "-f", "--mount-proc"], "run on the host, or the container with --pid=host"),
        (&["unshare", "-m", "sh", "-c", "mount -t tmpfs none /proc && exec \"$0\" \"$@\""], "mount /proc of the host"),
    ] {
        let Some(run) = without(wrapper, &record) else { continue };
        // Who is not root may not even start the binary that cargo made.
        if run.code == Some(126) || run.code == Some(127) {
            tracehound_skipped::skipped!("{wrapper:?} cannot start the program: {}", run.stderr);
            continue;
        }
        run.expect(4).says(&[says]);
    }
    // Recording goes on without these, and says what it lacks.
    let trace = path(&folder, "x.trh");
    let record = ["record", "-o", trace.as_str(), "--", "true"];
    for (wrapper, says) in [
        (&["setpriv", "--bounding-set=-sys_ptrace"][..], "CAP_SYS_PTRACE is missing"),
        (&["setpriv", "--bounding-set=-dac_read_search,-dac_override"], "CAP_DAC_READ_SEARCH is missing"),
    ] {
        let _ = std::fs::remove_file(&trace);
        if let Some(run) = without(wrapper, &record) {
            ended(run).says(&[says]);
        }
    }
}

#[test]
fn wrong_command_lines() {
    let folder = folder("record-usage");
    let exists = support::file(&folder, "there.trh", "x");
    let trace = path(&folder, "x.trh");
    for (args, says) in [
        (&["-o", &exists][..], "never replaces"),
        (&["-o", &trace, "--syscalls", "+no_such_call"], "no_such_call"),
        (&["-o", &trace, "--duration", "soon"], "expected a time"),
        (&["-o", &trace, "--max-size", "1KiB"], "--max-size is below"),
        (&["-o", &trace, "--rotate", "3"], "--max-size"),
        (&["-o", &trace, "--trigger", "rules/"], "--flight-recorder"),
        (&["-o", "-", "--rotate", "3", "--max-size", "1GiB"], "one stream"),
        (&["-o", &trace, "--profile", "huge"], "minimal"),
    ] {
        run([&["record"], args, &["--", "true"]].concat()).expect(2).says(&[says]);
    }
    assert_eq!(std::fs::read(exists).expect("a file"), b"x");
    let _ = std::io::stderr().flush();
}

//! True parents on captures where process ids are used again and again, and on those with a protocol of their own.

mod common;

use std::collections::HashMap;

use serde_json::Value;
use tracehound_formats::event::syscalls;
use tracehound_formats::{Input, Item, Seq};
use tracehound_state::history::{Image, Process};
use tracehound_state::{History, Replay, ReplayOptions};

/// Positions of arguments of the clone family.
const TID: usize = 3;
const PID: usize = 4;
const PTID: usize = 5;
const FLAGS: usize = 15;
const CLONE_PARENT_OR_PIDNS: u64 = 0x100 | 0x40 | 0x2000_0000;

/// Every birth that a capture shows, checked against what the child's own event says of its parent.
fn check_births(history: &History, facts: &[tracehound_state::Fact], items: &[Item]) -> (usize, usize, usize) {
    let (mut n_births, mut n_reused, mut n_stale) = (0, 0, 0);
    // Which process a thread id belonged to last, by the events themselves.
    let mut pid_of: HashMap<i64, i64> = HashMap::new();
    // Whose child an id is by the parent's event, which may come first.
    let mut announced: HashMap<i64, i64> = HashMap::new();
    let mut lives: HashMap<i64, usize> = HashMap::new();
    let mut i = 0;
    for item in items {
        let batch = match item {
            Item::Batch(batch) => batch,
            Item::Section(section) => {
                pid_of.extend(section.threads.iter().map(|thread| (thread.tid.0, thread.pid.0)));
                continue;
            }
        };
        for event in batch.iter() {
            let fact = &facts[i];
            i += 1;
            let is_birth =
                matches!(event.head.kind, syscalls::CLONE | syscalls::CLONE3 | syscalls::FORK | syscalls::VFORK);
            let is_exec = matches!(event.head.kind, syscalls::EXECVE | syscalls::EXECVEAT);
            if (is_birth || is_exec) && event.ret().is_some_and(|ret| ret >= 0) {
                let process = fact.process.unwrap();
                let parent = history.parent(process, event.head.seq).map(|parent| history.process(parent).pid.0);
                let ptid = event.arg(PTID).int().unwrap();
                let named = pid_of.get(&ptid).copied().unwrap_or(ptid);
                if parent.is_some_and(|parent| parent != named) {
                    n_stale += 1;
                    eprintln!(
                        "    {:?} {:?} {} parent {parent:?}, kernel says {named} ({ptid})",
                        event.head.seq, event.head.kind, event.head.tid.0
                    );
                }
            }
            if !is_birth || event.ret().is_none_or(|ret| ret < 0) {
                continue;
            }
            if let (Some(tid), Some(pid)) = (event.arg(TID).int(), event.arg(PID).int()) {
                pid_of.insert(tid, pid);
            }
            // The parent's event is no help if the child is its sibling or has an id of another namespace.
            let is_plain = event.arg(FLAGS).uint().is_some_and(|flags| flags & CLONE_PARENT_OR_PIDNS == 0);
            if let (Some(tid @ 1..), Some(pid), true) = (event.ret(), event.arg(PID).int(), is_plain) {
                announced.insert(tid, pid);
            }
            if event.ret() != Some(0) || event.arg(PID).int() != Some(event.head.tid.0) {
                continue;
            }
            n_births += 1;
            let seq = event.head.seq;
            let child = history.process(fact.process.expect("a child is a process"));
            assert_eq!(child.pid, event.head.tid, "{seq:?}");
            let life = lives.entry(child.pid.0).or_default();
            *life += 1;
            n_reused += usize::from(*life == 2);
            let ptid = event.arg(PTID).int().unwrap();
            // A child names whoever adopted it if its parent exited before it ran.
            let named = pid_of.get(&ptid).copied().unwrap_or(ptid);
            let want = announced.remove(&child.pid.0).unwrap_or(named);
            let parent = history.process(child.birth_parent().unwrap_or_else(|| panic!("{seq:?}: no parent")));
            assert_eq!(parent.pid.0, want, "{seq:?}: parent of {}", child.pid.0);
            assert!(parent.is_alive(child.born), "{seq:?}: parent {} of {} is dead", parent.pid.0, child.pid.0);
            assert!(child.is_alive(seq), "{seq:?}: {} is dead at its birth", child.pid.0);
        }
    }
    (n_births, n_reused, n_stale)
}

#[test]
fn every_child_has_its_true_parent() {
    let Some(shared) = common::shared() else { return };
    for (name, path) in common::captures(&shared) {
        // Captures before 2024 do not tell of the child's parent.
        if name.contains("libs-") {
            continue;
        }
        let mut reader = tracehound_formats::open(Input::open(&path).unwrap()).unwrap();
        let mut replay = Replay::new(ReplayOptions::default());
        let (mut facts, mut items) = (Vec::new(), Vec::new());
        while let Some(item) = reader.next_item() {
            match &item {
                Item::Section(section) => replay.section(section, Seq(1)),
                Item::Batch(batch) => replay.batch(batch, &mut facts),
            }
            items.push(item);
        }
        let history = replay.finish();
        let (n_births, n_reused, n_stale) = check_births(&history, &facts, &items);
        eprintln!("{name}: {n_births} births, {n_reused} process ids used again, {n_stale} parents differ");
        assert!(n_births > 0);
        // One exec event of a container's start still names the parent that was just exiting.
        assert!(n_stale <= usize::from(name == "vm/s01_docker_exec_shell"), "{name}");
        if name == "large/L3_forkstorm" || name == "host/s10_pid_reuse" {
            assert!(n_reused > 0, "{name} is about reuse of process ids");
        }
        check_history(&history, &name);
    }
}

/// What holds of every history.
fn check_history(history: &History, name: &str) {
    let mut keys = std::collections::HashSet::new();
    let mut current: HashMap<i64, &Process> = HashMap::new();
    for (i, process) in history.processes.iter().enumerate() {
        assert!(keys.insert(history.process_key(tracehound_state::ProcessId::new(i as u32))), "{name}: key of {i}");
        assert_eq!(history.thread(process.leader()).tid, process.pid, "{name}: main thread of {i}");
        if let Some(before) = current.insert(process.pid.0, process) {
            let ended = before.ended().unwrap_or_else(|| panic!("{name}: two of {} at a time", process.pid.0));
            assert!(ended <= process.born, "{name}: lives of {} overlap", process.pid.0);
        }
        if let (Some(exit), Some(ended)) = (process.exit(), process.ended()) {
            assert!(exit.seq < ended, "{name}: {}", process.pid.0);
        }
    }
}

fn commands(history: &History, process: &Process) -> Vec<String> {
    let line = |image: &Image| {
        let exe = image.exe.map_or(String::new(), |exe| history.text(exe).to_string());
        let args = history.text(image.args).to_string();
        let mut line = exe;
        for arg in args.split_terminator('\0') {
            line.push(' ');
            line.push_str(arg);
        }
        line
    };
    process.image().rows().map(|(_, image)| line(&history.image(image))).collect()
}

/// Full id of the container that a process ended up in.
fn container_of(history: &History, pid: i64) -> Option<String> {
    let process = history.processes.iter().rfind(|process| process.pid.0 == pid)?;
    let attrs = history.attrs(history.thread(process.leader()).attrs().last());
    Some(history.text(history.container(attrs.container?).full_id.0).to_string())
}

/// The scenarios of the virtual machines wrote down which commands they started, when, and as whose children.
#[test]
fn process_tree_is_the_one_the_scenario_wrote_down() {
    let Some(shared) = common::shared() else { return };
    for (name, path) in common::captures(&shared) {
        let Ok(protocol) = std::fs::read_to_string(shared.join(format!("captures/{name}.gt.jsonl"))) else { continue };
        let replayed = common::replay(Input::open(&path).unwrap());
        let history = &replayed.history;
        let (mut n_found, mut n_outside, mut n_containers) = (0, 0, 0);
        let mut wrong = Vec::new();
        let last_ns = replayed.heads.last().map_or(0, |head| head.ts.0);
        let first_ns = replayed.heads.iter().map(|head| head.ts.0).find(|&ts| ts > 0).unwrap_or(0);
        for line in protocol.lines() {
            let row: Value = serde_json::from_str(line).unwrap();
            if row["label"] == "container" {
                // Name, pid of its first process, full id.
                let words: Vec<&str> = row["cmd"].as_str().unwrap().split(' ').collect();
                let id = container_of(history, words[1].parse().unwrap());
                assert_eq!(id.as_deref(), Some(words[2]), "{name}: container {}", words[0]);
                n_containers += 1;
            }
            if row["ev"] != "cmd" {
                continue;
            }
            let at = (row["t"].as_f64().unwrap() * 1e9) as u64;
            let (pid, ppid) = (row["pid"].as_i64().unwrap(), row["ppid"].as_i64().unwrap());
            let command = row["cmd"].as_str().unwrap();
            if at < first_ns || at > last_ns {
                n_outside += 1;
                continue;
            }
            // The instance born last before the protocol's line (which is written after the fork).
            let process = history
                .processes
                .iter()
                .filter(|process| process.pid.0 == pid)
                .rfind(|process| process.start_ns().is_some_and(|start| start.0 <= at + 50_000_000));
            let Some(process) = process else {
                wrong.push(format!("{pid} {command}: not found"));
                continue;
            };
            // The protocol has the shell's `$$`, which a subshell inherits: the parent may be a subshell of it.
            let mut parent = process.birth_parent().map(|parent| history.process(parent));
            while let Some(subshell) = parent
                && subshell.pid.0 != ppid
                && subshell.image().rows().count() == 1
            {
                parent = subshell.birth_parent().map(|parent| history.process(parent));
            }
            let parent = parent.map(|parent| parent.pid.0);
            if parent != Some(ppid) {
                wrong.push(format!("{pid} {command}: parent {parent:?}, not {ppid}"));
            }
            let lines = commands(history, process);
            let has_failed = replayed.failed_execs.contains(&pid);
            if !has_failed && !lines.iter().any(|line| line == command) {
                wrong.push(format!("{pid}: ran {lines:?}, not {command:?}"));
            }
            n_found += 1;
        }
        eprintln!("{name}: {n_found} commands found, {n_outside} outside the capture, {n_containers} containers");
        for row in wrong.iter().take(10) {
            eprintln!("    {row}");
        }
        assert!(wrong.is_empty(), "{name}");
    }
}

//! Old captures: what becomes of enter and exit events.

use super::Trace;
use super::synth::{EV, EVF_V2, Record, Synth};
use crate::event::head_flags;

/// Writes records of thread, type and parameters, and compares the lines of text that come out.
#[track_caller]
fn check(records: &[(i64, u16, &[&[u8]])], expected: &[&str]) -> Trace {
    let mut synth = Synth::new();
    for &(tid, code, params) in records {
        synth.push(tid, code, params);
    }
    let trace = Trace::read(&synth.bytes);
    assert_eq!(trace.lines(), expected);
    assert_eq!(trace.damage(), []);
    trace
}

const fn u64le(v: u64) -> [u8; 8] {
    v.to_le_bytes()
}

const MINUS_ONE: [u8; 8] = [0xff; 8];

#[test]
fn arguments_come_from_the_enter_event() {
    check(
        &[(7, 6, &[&u64le(3), &[16, 0, 0, 0]]), (7, 7, &[&u64le(5), b"hello"])],
        &["1 7 ~from_enter <1us read res=5 data=\"hello\" fd=3 size=16"],
    );
}

#[test]
fn without_an_enter_event_arguments_are_absent_not_zero() {
    check(&[(7, 7, &[&u64le(5), b"hello"])], &["1 7 read res=5 data=\"hello\""]);
    check(&[(7, 5, &[&u64le(0)])], &["1 7 close res=0"]);
}

#[test]
fn threads_do_not_mix() {
    check(
        &[(7, 4, &[&u64le(3)]), (8, 4, &[&u64le(4)]), (7, 5, &[&u64le(0)]), (8, 5, &[&u64le(0)])],
        &["1 7 ~from_enter <2us close res=0 fd=3", "2 8 ~from_enter <2us close res=0 fd=4"],
    );
}

#[test]
fn an_exit_of_another_call_does_not_take_the_enter_event() {
    // The enter event of read lost its exit; it comes last, with what it knew.
    let trace = check(
        &[(7, 6, &[&u64le(3), &[16, 0, 0, 0]]), (7, 5, &[&u64le(0)])],
        &["1 7 close res=0", "2 7 ~from_enter|unfinished <1us read fd=3 size=16"],
    );
    assert_eq!((trace.notes.n_records, trace.notes.n_events, trace.notes.n_unfinished), (2, 1, 1));
}

#[test]
fn a_second_enter_event_and_the_end_of_the_thread_leave_calls_unfinished() {
    check(
        &[
            (7, 6, &[&u64le(3), &[1, 0, 0, 0]]),
            (7, 6, &[&u64le(4), &[2, 0, 0, 0]]),
            (7, 186, &[&u64le(0)]),
            (7, 7, &[&u64le(1), b"x"]),
        ],
        &[
            "1 7 procexit status=0",
            "2 7 read res=1 data=\"x\"",
            "3 7 ~from_enter|unfinished <3us read fd=3 size=1",
            "4 7 ~from_enter|unfinished <2us read fd=4 size=2",
        ],
    );
}

#[test]
fn enter_events_that_falco_numbers_leave_gaps() {
    let name: &[u8] = b"/etc/passwd\0";
    let trace = check(
        &[
            (7, 2, &[name, &[1, 0, 0, 0], &[0; 4]]),
            (7, 3, &[&u64le(3), name, &[1, 0, 0, 0], &[0; 4], &[1, 8, 0, 0], &u64le(9)]),
            (7, 4, &[&u64le(3)]),
            (7, 5, &[&u64le(0)]),
        ],
        &[
            "2 7 <1us open fd=3 name=/etc/passwd flags=O_RDONLY mode=0 dev=0x801 ino=9",
            "3 7 ~from_enter <1us close res=0 fd=3",
        ],
    );
    assert_eq!((trace.notes.n_records, trace.notes.n_events), (4, 3));
    assert_eq!(
        trace.skipped(),
        [
            (1, "enter events folded into their system calls"),
            (1, "enter events folded into their system calls, numbered by Falco")
        ]
    );
}

#[test]
fn a_path_changed_between_enter_and_exit_is_kept_twice() {
    check(
        &[(7, 2, &[b"/tmp/a\0", &[1, 0, 0, 0], &[0; 4]]), (7, 3, &[&u64le(3), b"/tmp/b\0", &[1, 0, 0, 0], &[0; 4]])],
        &["2 7 ~from_enter <1us open fd=3 name=/tmp/b flags=O_RDONLY mode=0 name_at_enter=/tmp/a"],
    );
}

#[test]
fn a_path_missing_at_exit_is_filled_from_the_enter_event() {
    check(
        &[
            (7, 306, &[&(-100i64).to_le_bytes(), b"a\0", &[1, 0, 0, 0], &[0; 4]]),
            (7, 307, &[&(-14i64).to_le_bytes(), &(-100i64).to_le_bytes(), b"", &[1, 0, 0, 0], &[0; 4]]),
        ],
        &["2 7 ~from_enter <1us openat fd=EFAULT dirfd=AT_FDCWD name=a flags=O_RDONLY mode=0"],
    );
}

#[test]
fn what_libscap_drops_with_the_enter_event_is_kept() {
    let fds: &[u8] = b"\x01\0\x05\0\0\0\0\0\0\0\x01\0";
    check(
        &[
            (1, 80, &[fds, &u64le(9)]),
            (1, 81, &[&u64le(0), b"\0\0"]),
            (2, 76, &[&u64le(4)]),
            (2, 77, &[&u64le(0)]),
            (3, 258, &[&[1, 0, 0, 0]]),
            (3, 259, &[&u64le(0), b"/mnt\0"]),
            (4, 368, &[&u64le(5)]),
            (4, 369, &[&u64le(6)]),
            (5, 188, &[&u64le(1), &u64le(2), &u64le(3), &u64le(4)]),
            (5, 189, &[&u64le(4), &u64le(7)]),
            (6, 330, &[&u64le(3), b"sh\0", &[1, 0, 0, 0]]),
            (6, 331, &[&MINUS_ONE]),
        ],
        &[
            "1 1 ~from_enter <1us poll res=0 fds=[] timeout=9 requested_fds=[5:POLLIN]",
            "2 2 ~from_enter <1us fstat64 res=0 fd=4",
            "3 3 ~from_enter <1us umount res=0 name=/mnt flags=FORCE",
            "4 4 ~from_enter <1us bpf fd=6 cmd=BPF_PROG_LOAD",
            "5 5 ~from_enter <1us sendfile res=4 offset=7 out_fd=1 in_fd=2 size=4 requested_offset=3",
            "7 6 ~from_enter <1us execveat res=EPERM dirfd=3 pathname=sh at_flags=AT_EMPTY_PATH",
        ],
    );
}

#[test]
fn conversions_of_several_steps() {
    // mkdir and ioctl of 2014, execve of 2014 with its bare enter event.
    check(
        &[
            (1, 98, &[b"/d\0", &[0xed, 1, 0, 0]]),
            (1, 99, &[&u64le(0)]),
            (2, 90, &[&u64le(3), &u64le(0x5401)]),
            (2, 91, &[&u64le(0)]),
            (3, 12, &[]),
            (3, 13, &[&u64le(0), b"sh\0", b"-c\0", &u64le(3), &u64le(3), &u64le(1), b"/\0", &u64le(1024)]),
        ],
        &[
            "1 1 ~from_enter <1us mkdir res=0 path=/d mode=0x1ed",
            "2 2 ~from_enter <1us ioctl res=0 fd=3 request=0x5401",
            "4 3 <1us execve res=0 exe=sh args=[\"-c\"] tid=3 pid=3 ptid=1 cwd=/ fdlimit=1024",
        ],
    );
}

#[test]
fn dead_kinds_come_last_with_the_numbers_that_follow() {
    check(
        &[(-1, 260, &[b"{}\0"]), (7, 268, &[&u64le(1), b"t", b"a"]), (7, 5, &[&u64le(0), &u64le(3)])],
        &["1 7 close res=0 fd=3", "2 -1 k8s json=\"{}\"", "3 7 tracer id=1 tags=\"t\" args=\"a\""],
    );
}

#[test]
fn containers_of_before_2015_become_json() {
    check(
        &[(-1, 228, &[b"3ad7\0", &[0, 0, 0, 0], b"web\0", b"nginx\0"])],
        &[r#"1 -1 container json="{\"id\":\"3ad7\",\"type\":0,\"name\":\"web\",\"image\":\"nginx\"}""#],
    );
}

#[test]
fn system_calls_recorded_by_number_alone() {
    check(
        &[
            (1, 0, &[&[69, 0], &[61, 0]]),
            (1, 1, &[&[69, 0]]),
            // Enter and exit of two different calls.
            (2, 0, &[&[2, 0], &[231, 0]]),
            (2, 1, &[&[69, 0], &[61, 0]]),
            (3, 1, &[&[0xff, 0xff]]),
            (4, 0, &[&[164, 0], &[231, 0]]),
        ],
        &[
            "1 1 ~from_enter <1us wait4 ID=wait4 nativeID=61",
            "2 2 wait4 ID=wait4 nativeID=61",
            "3 3 syscall ID=65535",
            "4 2 ~from_enter|unfinished <3us exit ID=exit nativeID=231",
            "5 4 ~from_enter|unfinished <0 exit_group ID=exit_group nativeID=231",
        ],
    );
}

#[test]
fn fewer_and_more_parameters_than_any_release_wrote() {
    let trace = check(
        &[
            (1, 7, &[]),
            (1, 7, &[&u64le(1)]),
            (1, 5, &[&u64le(0), &u64le(3), b"from the future"]),
            (2, 31, &[&u64le(1), b"x", &u64le(3)]),
        ],
        &["1 1 read", "2 1 read res=1", "3 1 close res=0 fd=3", "4 2 sendto res=1 data=\"x\" fd=3"],
    );
    assert_eq!(trace.skipped(), [(1, "parameters that this version does not know")]);
}

#[test]
fn malformed_arguments_keep_their_bytes_and_mark_the_event() {
    let trace = check(&[(1, 5, &[&[1, 2, 3], &u64le(3)])], &["1 1 ~malformed close res=!x\"010203\" fd=3"]);
    assert_eq!(trace.events()[0].0.flags, head_flags::MALFORMED);
}

#[test]
fn state_only_events_are_marked() {
    let mut synth = Synth::new();
    let record = Record { block_type: EVF_V2, dump_flags: 1, tid: 1, code: 5, params: &[&u64le(0), &u64le(3)] };
    synth.record(&record);
    assert_eq!(Trace::read(&synth.bytes).lines(), ["1 1 ~state_only close res=0 fd=3"]);
}

#[test]
fn unknown_types_are_skipped_and_counted() {
    let trace = check(&[(1, 999, &[b"x"]), (1, 5, &[&u64le(0), &u64le(3)])], &["1 1 close res=0 fd=3"]);
    assert_eq!(trace.skipped(), [(1, "events of unknown type 999")]);
    assert_eq!((trace.notes.n_records, trace.notes.n_events), (1, 1));
}

#[test]
fn old_blocks_do_not_store_the_number_of_parameters() {
    for n in 0..=2 {
        let params = [&u64le(0)[..], &u64le(3)];
        let mut synth = Synth::new();
        synth.record(&Record { block_type: EV, dump_flags: 0, tid: 1, code: 5, params: &params[..n] });
        let expected = ["1 1 close", "1 1 close res=0", "1 1 close res=0 fd=3"][n];
        assert_eq!(Trace::read(&synth.bytes).lines(), [expected]);
    }
}

#[test]
fn old_notifications_are_three_bytes_shorter_than_they_say() {
    let mut synth = Synth::new();
    let record = Record { block_type: EV, dump_flags: 0, tid: 1, code: 280, params: &[b"a\0", b"bcde\0"] };
    let mut block = super::synth::event(&record, 1);
    // Event length, behind the block header and the CPU.
    block[8 + 2 + 16] += 3;
    synth.raw(&block);
    let trace = Trace::read(&synth.bytes);
    assert_eq!(trace.lines(), ["1 1 notification id=a desc=bcde"]);
    assert_eq!(trace.damage(), []);
}

#[test]
fn large_events_have_long_lengths() {
    let big = vec![b'x'; 100_000];
    let mut synth = Synth::new();
    synth.push(-1, 402, &[&[1, 0, 0, 0], b"added\0", &big]);
    let trace = Trace::read(&synth.bytes);
    let events = trace.events();
    assert_eq!(events[0].1[2].bytes().map(|b| b.len()), Some(100_000));
}

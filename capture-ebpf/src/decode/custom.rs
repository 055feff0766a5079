//! Arguments that come out of a system call in a way of their own.

use bstr::ByteSlice;
use tracehound_capture_layout::record::{Plain, exec_flag};
use tracehound_capture_layout::settings::op;

use super::call::Call;
use super::fill::{self, Value, word64};
use crate::flags;

/// `CLONE_VM` and `CLONE_VFORK` in the table `clone_flags`.
const VFORK: u32 = 0x8000 | 0x800_0000;

/// Bit of the table `clone_flags`: the number that is returned means something in another pid namespace only.
const CHILD_IN_PIDNS: u32 = 0x2000_0000;

/// `PR_SET_NAME`, `PR_GET_NAME`.
const PR_NAMES: [u32; 2] = [15, 16];

/// Nanoseconds that stand for "now" and "leave it" in `utimensat`.
const UTIME_NOW: u64 = 0x3fff_ffff;
const UTIME_OMIT: u64 = 0x3fff_fffe;

fn birth_flags(call: &Call<'_>, flags: u32) -> Value {
    let mut levels = call.any_part(&[op::PID_LEVELS]).unwrap_or(&[]);
    let is_in_ns = <[u32; 2]>::take(&mut levels).is_some_and(|levels| levels != [0, 0]);
    Value::Int((flags | if is_in_ns { CHILD_IN_PIDNS } else { 0 }).into())
}

pub(crate) fn clone_flags(call: &Call<'_>, _: &mut Vec<u8>) -> Value {
    birth_flags(call, flags::CLONE.convert(call.args[0] as u32))
}

pub(crate) fn clone3_flags(call: &Call<'_>, _: &mut Vec<u8>) -> Value {
    match call.part(op::BYTES, 0).and_then(|args| word64(args, 0)) {
        Some(linux) => birth_flags(call, flags::CLONE.convert(linux as u32)),
        None => Value::Absent,
    }
}

pub(crate) fn fork_flags(call: &Call<'_>, _: &mut Vec<u8>) -> Value {
    birth_flags(call, 0)
}

pub(crate) fn vfork_flags(call: &Call<'_>, _: &mut Vec<u8>) -> Value {
    birth_flags(call, VFORK)
}

pub(crate) fn argv_first(call: &Call<'_>, out: &mut Vec<u8>) -> Value {
    let Some(argv) = call.any_part(&[op::STR_VEC]) else { return Value::Empty };
    out.extend_from_slice(&argv[..argv.find_byte(0).unwrap_or(argv.len())]);
    Value::Scratch
}

pub(crate) fn argv_others(call: &Call<'_>, out: &mut Vec<u8>) -> Value {
    let Some(argv) = call.any_part(&[op::STR_VEC]) else { return Value::Empty };
    let others = argv.find_byte(0).and_then(|at| argv.get(at + 1..)).unwrap_or(&[]);
    if others.is_empty() {
        return Value::Empty;
    }
    out.extend_from_slice(others);
    Value::Scratch
}

pub(crate) fn prctl_text(call: &Call<'_>, out: &mut Vec<u8>) -> Value {
    match call.any_part(&[op::PRCTL_NAME]) {
        Some(name) if !name.is_empty() => {
            out.extend_from_slice(name);
            Value::Scratch
        }
        _ => Value::Empty,
    }
}

pub(crate) fn prctl_number(call: &Call<'_>, _: &mut Vec<u8>) -> Value {
    Value::Int(if PR_NAMES.contains(&(call.args[0] as u32)) { 0 } else { call.args[1] })
}

/// The vocabulary's types of this argument are a number (0) and a signal (1).
fn ptrace_number(value: u64, out: &mut Vec<u8>) -> Value {
    out.push(0);
    out.extend(value.to_le_bytes());
    Value::Scratch
}

pub(crate) fn ptrace_addr(call: &Call<'_>, out: &mut Vec<u8>) -> Value {
    ptrace_number(call.args[2], out)
}

pub(crate) fn ptrace_data(call: &Call<'_>, out: &mut Vec<u8>) -> Value {
    ptrace_number(call.args[3], out)
}

/// A flag word of 32 bits in an argument that the vocabulary gives 64.
pub(crate) fn second_word(call: &Call<'_>, _: &mut Vec<u8>) -> Value {
    Value::Int(u64::from(call.args[1] as u32))
}

/// The directory that `getcwd` wrote; if it failed, its memory holds something else.
pub(crate) fn getcwd_path(call: &Call<'_>, out: &mut Vec<u8>) -> Value {
    match call.part(op::STR, 0).filter(|_| call.is_ok()) {
        Some(path) => {
            out.extend_from_slice(path);
            Value::Scratch
        }
        None => Value::Empty,
    }
}

fn old_limit(call: &Call<'_>, at: usize) -> Value {
    let limit = call.part(op::BYTES, 3).filter(|_| call.is_ok()).and_then(|bytes| word64(bytes, at));
    limit.map_or(Value::Absent, Value::Int)
}

/// The limits that `prlimit` found.
pub(crate) fn old_current(call: &Call<'_>, _: &mut Vec<u8>) -> Value {
    old_limit(call, 0)
}

pub(crate) fn old_most(call: &Call<'_>, _: &mut Vec<u8>) -> Value {
    old_limit(call, 8)
}

/// Where copying began: the kernel has moved the offset in memory on by what was copied.
fn copied_from(call: &Call<'_>, arg: u8) -> Value {
    let after = call.part(op::BYTES, arg).and_then(|bytes| word64(bytes, 0));
    after.map_or(Value::Absent, |after| Value::Int(after.wrapping_sub(call.ret.max(0) as u64)))
}

pub(crate) fn copied_from_in(call: &Call<'_>, _: &mut Vec<u8>) -> Value {
    copied_from(call, 1)
}

pub(crate) fn copied_from_out(call: &Call<'_>, _: &mut Vec<u8>) -> Value {
    copied_from(call, 3)
}

/// What `fsconfig` sets a parameter to, where that is a text: a source, an option, a path (`FSCONFIG_SET_STRING`,
/// `FSCONFIG_SET_PATH`, `FSCONFIG_SET_PATH_EMPTY` of `include/uapi/linux/mount.h`).
pub(crate) fn fsconfig_text(call: &Call<'_>, out: &mut Vec<u8>) -> Value {
    match call.part(op::STR, 3).filter(|_| matches!(call.args[1] as u32, 1 | 3 | 4)) {
        Some(text) => {
            out.extend_from_slice(text);
            Value::Scratch
        }
        None => Value::Empty,
    }
}

/// Arguments of `keyctl` that an operation has, by its number. Source: `SYSCALL_DEFINE5(keyctl)` of
/// `security/keys/keyctl.c`.
const KEYCTL_ARGS: [u8; 33] =
    [2, 1, 3, 1, 3, 2, 3, 1, 2, 2, 4, 3, 4, 3, 1, 2, 1, 3, 0, 4, 4, 1, 2, 4, 3, 4, 4, 4, 4, 3, 4, 2, 3];

/// The vocabulary's types of this argument are a number (0) and a text (1). *libs*: one that the operation does not have
/// is 0.
fn keyctl(call: &Call<'_>, arg: u8, out: &mut Vec<u8>) -> Value {
    if let Some(text) = call.part(op::KEY_STR, arg) {
        out.push(1);
        out.extend_from_slice(text);
        return Value::Scratch;
    }
    let n_args = KEYCTL_ARGS.get(call.args[0] as u32 as usize).copied().unwrap_or(0);
    out.push(0);
    out.extend((if arg <= n_args { call.value(arg) } else { 0 }).to_le_bytes());
    Value::Scratch
}

pub(crate) fn keyctl_2(call: &Call<'_>, out: &mut Vec<u8>) -> Value {
    keyctl(call, 1, out)
}

pub(crate) fn keyctl_3(call: &Call<'_>, out: &mut Vec<u8>) -> Value {
    keyctl(call, 2, out)
}

pub(crate) fn keyctl_4(call: &Call<'_>, out: &mut Vec<u8>) -> Value {
    keyctl(call, 3, out)
}

pub(crate) fn keyctl_5(call: &Call<'_>, out: &mut Vec<u8>) -> Value {
    keyctl(call, 4, out)
}

/// What `perf_event_open` counts, which has 64 bits in a process of 32, too.
pub(crate) fn perf_config(call: &Call<'_>, _: &mut Vec<u8>) -> Value {
    call.part(op::BYTES, 0).and_then(|attr| word64(attr, 8)).map_or(Value::Absent, Value::Int)
}

/// Format of quotas, which `quotactl` is passed where others pass an id.
pub(crate) fn quota_format(call: &Call<'_>, _: &mut Vec<u8>) -> Value {
    Value::Int(flags::quota_format(call.args[0] as u32, call.args[2] as u32).into())
}

/// The result of `modify_ldt`, which has 32 bits: an error is no negative number of 64. Source: `arch/x86/kernel/ldt.c`.
pub(crate) fn ret_32(call: &Call<'_>, _: &mut Vec<u8>) -> Value {
    Value::Int(i64::from(call.ret as i32) as u64)
}

/// A process id in an argument that the vocabulary takes for a plain number.
pub(crate) fn first_signed(call: &Call<'_>, _: &mut Vec<u8>) -> Value {
    Value::Int(i64::from(call.args[0] as i32) as u64)
}

fn caps(call: &Call<'_>, i: usize) -> Value {
    call.any_part(&[op::CAPS]).and_then(|caps| word64(caps, 8 * i)).map_or(Value::Absent, Value::Int)
}

pub(crate) fn cap_inheritable(call: &Call<'_>, _: &mut Vec<u8>) -> Value {
    caps(call, 0)
}

pub(crate) fn cap_permitted(call: &Call<'_>, _: &mut Vec<u8>) -> Value {
    caps(call, 1)
}

pub(crate) fn cap_effective(call: &Call<'_>, _: &mut Vec<u8>) -> Value {
    caps(call, 2)
}

/// A word of the `struct open_how` of `openat2`.
fn open_how(call: &Call<'_>, i: usize) -> Option<u32> {
    word64(call.part(op::BYTES, 2)?, 8 * i).map(|word| word as u32)
}

pub(crate) fn openat2_flags(call: &Call<'_>, _: &mut Vec<u8>) -> Value {
    open_how(call, 0).map_or(Value::Absent, |linux| Value::Int(fill::open_flags(call, linux).into()))
}

pub(crate) fn openat2_mode(call: &Call<'_>, _: &mut Vec<u8>) -> Value {
    let mode = open_how(call, 0).zip(open_how(call, 1)).map(|(flags, mode)| flags::open_mode(flags, mode));
    mode.map_or(Value::Absent, |mode| Value::Int(mode.into()))
}

pub(crate) fn creat_mode(call: &Call<'_>, _: &mut Vec<u8>) -> Value {
    Value::Int(call.args[1] & 0o7777)
}

/// The overlay's layer, in the table `creat_flags`.
pub(crate) fn creat_flags(call: &Call<'_>, _: &mut Vec<u8>) -> Value {
    let flags = call.file().map_or(0, |file| file.flags);
    Value::Int(match flags {
        _ if flags & exec_flag::OVERLAY_UPPER != 0 => 1,
        _ if flags & exec_flag::OVERLAY_LOWER != 0 => 2,
        _ => 0,
    })
}

/// The path of the descriptor that was returned.
pub(crate) fn fd_path(call: &Call<'_>, out: &mut Vec<u8>) -> Value {
    match call.any_part(&[op::FD_PATH]) {
        Some(names) => {
            super::join_reversed(names, out);
            Value::Scratch
        }
        None => Value::Empty,
    }
}

/// Nanoseconds since the epoch out of two words, the second in units of `unit` nanoseconds.
fn time(call: &Call<'_>, at: usize, unit: u64) -> Value {
    let words = call.any_part(&[op::BYTES]).and_then(|bytes| call.word(bytes, at).zip(call.word(bytes, at + 8)));
    match words {
        Some((_, UTIME_NOW | UTIME_OMIT)) if unit == 1 => Value::Absent,
        Some((sec, fraction)) => Value::Int(sec.wrapping_mul(1_000_000_000).wrapping_add(fraction.wrapping_mul(unit))),
        // No times were passed: the time of the call.
        None => Value::Absent,
    }
}

pub(crate) fn timespec_atime(call: &Call<'_>, _: &mut Vec<u8>) -> Value {
    time(call, 0, 1)
}

pub(crate) fn timespec_mtime(call: &Call<'_>, _: &mut Vec<u8>) -> Value {
    time(call, 16, 1)
}

pub(crate) fn timeval_atime(call: &Call<'_>, _: &mut Vec<u8>) -> Value {
    time(call, 0, 1000)
}

pub(crate) fn timeval_mtime(call: &Call<'_>, _: &mut Vec<u8>) -> Value {
    time(call, 16, 1000)
}

fn utime(call: &Call<'_>, at: usize) -> Value {
    let seconds = call.any_part(&[op::BYTES]).and_then(|bytes| call.word(bytes, at));
    seconds.map_or(Value::Absent, |seconds| Value::Int(seconds.wrapping_mul(1_000_000_000)))
}

pub(crate) fn utime_atime(call: &Call<'_>, _: &mut Vec<u8>) -> Value {
    utime(call, 0)
}

pub(crate) fn utime_mtime(call: &Call<'_>, _: &mut Vec<u8>) -> Value {
    utime(call, 8)
}

/// Family of a socket.
pub(crate) fn family(linux: u32) -> u32 {
    fill::family(linux)
}

fn pair(call: &Call<'_>, is_peer: bool) -> Value {
    let Some((socket, ..)) = call.socket(3).filter(|_| call.is_ok()) else { return Value::Int(0) };
    let pointer = if is_peer { &socket.remote } else { &socket.local };
    Value::Int(word64(pointer, 0).unwrap_or(0))
}

pub(crate) fn pair_source(call: &Call<'_>, _: &mut Vec<u8>) -> Value {
    pair(call, false)
}

pub(crate) fn pair_peer(call: &Call<'_>, _: &mut Vec<u8>) -> Value {
    pair(call, true)
}

/// Connections that wait, and how many may.
fn queue(call: &Call<'_>) -> (u64, u64) {
    let listening = call.socket(0).filter(|_| call.is_ok());
    listening.map_or((0, 0), |(socket, ..)| (socket.backlog.into(), socket.backlog_max.into()))
}

pub(crate) fn queue_percent(call: &Call<'_>, _: &mut Vec<u8>) -> Value {
    let (len, max) = queue(call);
    Value::Int((len * 100).checked_div(max).unwrap_or(0))
}

pub(crate) fn queue_len(call: &Call<'_>, _: &mut Vec<u8>) -> Value {
    Value::Int(queue(call).0)
}

pub(crate) fn queue_max(call: &Call<'_>, _: &mut Vec<u8>) -> Value {
    Value::Int(queue(call).1)
}

/// Bytes that were moved. What was asked for is spread over the pieces of a vector, which are not all read.
pub(crate) fn sent(call: &Call<'_>, _: &mut Vec<u8>) -> Value {
    if call.is_ok() { Value::Int(call.ret as u64) } else { Value::Absent }
}

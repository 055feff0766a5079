//! System calls, when they return: arguments are still in the registers, and strings in memory.

use core::ffi::c_void;

use aya_ebpf::helpers::generated;
use aya_ebpf::macros::btf_tracepoint;
use aya_ebpf::programs::BtfTracePointContext;
use tracehound_capture_layout::record::{File, Part, flag, kind};
use tracehound_capture_layout::settings::{
    ABSENT, Calls, MAX_CALLS, MAX_MESSAGES, MAX_OPS, RET, SOCKETCALL, counter, op, when,
};
use tracehound_capture_layout::{Call, Head, Syscall};

use crate::instance::{FIRST, SECOND, is_mine};
use crate::kernel::{load, member, offset, pid_tgid_of, read_user, read_user_or_zero, setting, task};
use crate::ring::{Private, Record, Which, count, head, is_self, send, send_fixed};
use crate::{file, lifecycle, socket};

/// Offsets in `struct pt_regs` of x86-64; part of the kernel's interface to user space.
mod regs {
    pub(super) const ORIG_AX: usize = 120;
    pub(super) const IP: usize = 128;
    /// di, si, dx, r10, r8, r9.
    pub(super) const ARGS: [usize; 6] = [112, 104, 96, 56, 72, 64];
    /// bx, cx, dx, si, di, bp.
    pub(super) const ARGS_32: [usize; 6] = [40, 88, 96, 104, 112, 32];
}

/// `TS_COMPAT`: the call came through the 32-bit entry.
const TS_COMPAT: u32 = 2;

/// Keeps the head of a part far enough from the end of the buffer.
const MASK: u64 = 0x3ff8;

/// Bytes of a record after which no further part is added.
const FULL: u64 = 0x3000;

/// Operations of one record: one of the call itself, and three of each message.
const MAX_STEPS: usize = 1 + 3 * MAX_MESSAGES + 1;

/// Bytes of a `struct mmsghdr`, and where in it stands what was sent; the same in a process of 32 bits.
const MMSGHDR: u64 = 64;
const MMSGHDR_LEN: u64 = 56;
const MMSGHDR_32: u64 = 32;
const MMSGHDR_LEN_32: u64 = 28;

/// Most bytes of a string or buffer.
const MAX: u64 = 4096;

#[btf_tracepoint(function = "sys_exit")]
fn sys_exit(ctx: BtfTracePointContext) -> i32 {
    returned(&ctx, FIRST)
}

/// The second instance.
#[btf_tracepoint(function = "sys_exit")]
fn sys_exit_second(ctx: BtfTracePointContext) -> i32 {
    returned(&ctx, SECOND)
}

#[inline(always)]
fn returned(ctx: &BtfTracePointContext, instance: u32) -> i32 {
    let regs = ctx.arg::<*const u8>(0);
    // SAFETY: as for the number below.
    let what = || unsafe { regs.add(regs::IP).cast::<u64>().read_volatile() as u32 } ^ ctx.arg::<u64>(1) as u32;
    if !is_mine(counter::SYSCALL, instance, SECOND, what) {
        return 0;
    }
    // SAFETY: the kernel guarantees the structure.
    let nr = unsafe { number(regs) } as u32;
    if nr as usize >= MAX_CALLS {
        return 0;
    }
    // SAFETY: as for `row`.
    let wanted =
        unsafe { (&raw const crate::WANTED.bits).cast::<u8>().add(nr as usize & (MAX_CALLS - 1)).read_volatile() };
    if wanted == 0 {
        return 0;
    }
    let task = task();
    let is_compat = setting!(has_compat) != 0 && is_compat(task);
    let (nr, args) = if is_compat {
        match call_32(nr, args_32(regs)) {
            Some(call) => call,
            None => return 0,
        }
    } else {
        // SAFETY: as for the number.
        (nr, unsafe { args(regs) })
    };
    let row = if is_compat { row(&raw const crate::CALLS_32, nr) } else { row(&raw const crate::CALLS, nr) };
    // SAFETY: the row is inside its table.
    let when = unsafe { (&raw const (*row).when).read_volatile() };
    if when == when::NEVER {
        return 0;
    }
    record(ctx, task, args, row, nr, when, is_compat, instance);
    0
}

/// Does nothing: what the kernel itself takes to call a program on this hook, for the benchmark.
#[btf_tracepoint(function = "sys_exit")]
fn nothing(_: BtfTracePointContext) -> i32 {
    0
}

/// The row of a system call.
#[inline(always)]
fn row(table: *const Calls, nr: u32) -> *const Call {
    // SAFETY: the number was compared with the size of the table; the verifier wants to see it masked as well.
    unsafe { table.cast::<Call>().add((nr as usize) & (MAX_CALLS - 1)) }
}

#[inline(always)]
fn is_compat(task: *const u8) -> bool {
    if offset!(ti_status) == ABSENT {
        return false;
    }
    let status: u32 = if setting!(has_task_btf) != 0 {
        load(task, offset!(ti_status))
    } else {
        member(task as u64, offset!(ti_status))
    };
    status & TS_COMPAT != 0
}

#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn record(
    ctx: &BtfTracePointContext,
    task: *const u8,
    args: [u64; 6],
    row: *const Call,
    nr: u32,
    when: u8,
    is_compat: bool,
    instance: u32,
) {
    let ret = ctx.arg::<u64>(1);
    // SAFETY: the row is inside its table, and the table is filled in before loading.
    let call = unsafe { row.read_volatile() };
    if when == when::FAILED && ret as i64 >= 0
        || when == when::OK && (ret as i64) < 0
        || when == when::NOT_CHILD && ret == 0
    {
        return;
    }
    let ids = pid_tgid_of(task);
    if is_self((ids >> 32) as u32) {
        return;
    }
    if when >= when::MASK && when != when::OK && when != when::NOT_CHILD {
        let asked = match call.arg {
            1 => args[1],
            2 => args[2],
            4 => args[4],
            _ => args[0],
        };
        if !is_wanted(when, asked, call.mask, ret as i64, is_compat) {
            return;
        }
    }
    let flags = if is_compat { flag::COMPAT } else { 0 };
    let head = head(kind::SYSCALL, nr, flags, ids);
    if call.ops[0] as u8 == op::NONE {
        plain(head, ret, args, call.n_args, instance);
        return;
    }
    let Some(record) = Record::begin(Which::Syscall, counter::SYSCALL, instance, head) else { return };
    let path_arg = call.ops[0] >> 8;
    if call.ops[0] as u8 == op::STR && path_arg < 2 && (call.ops[1] == 0 || call.ops[1] == OPENED && call.ops[2] == 0) {
        let path = if path_arg == 0 { args[0] } else { args[1] };
        // SAFETY: the record was just begun.
        unsafe { on_path(record, task, flags, ret, args, call, path) };
        return;
    }
    let (base, private) = (record.base, record.private);
    // SAFETY: all offsets are inside the buffer of 32 KiB: fixed ones, and masked ones below 16 KiB with at most two
    // strings more.
    unsafe {
        (*private).call = call;
        (*private).is_compat = is_compat as u64;
        (*private).args = [args[0], args[1], args[2], args[3], args[4], args[5], 0, ret];
        let body = base.add(size_of::<Head>()).cast::<Syscall>();
        (*body).ret = ret as i64;
        (*body).n_args = call.n_args as u32;
        base.add(40).cast::<[u64; 6]>().write(args);
        (*private).at = 40 + 8 * (call.n_args & 7) as u64;
        (*private).next_op = 0;
        (*private).n_messages = 0;
        if call.ops[1] as u8 == op::MESSAGE && ret as i64 > 1 {
            (*private).n_messages = ret - 1;
            if ret > MAX_MESSAGES as u64 {
                (*private).n_messages = MAX_MESSAGES as u64 - 1;
                (*private).flags |= flag::CUT as u64;
            }
        }
        for _ in 0..MAX_STEPS {
            let next = (&raw const (*private).next_op).read_volatile();
            let mut operation = op::NONE as u16;
            if next < MAX_OPS as u64 {
                operation = (&raw const (*private).call.ops[next as usize & (MAX_OPS - 1)]).read_volatile();
            }
            (*private).next_op = next + 1;
            if operation as u8 == op::NONE {
                let left = (&raw const (*private).n_messages).read_volatile();
                if left == 0 {
                    break;
                }
                // The next message of a vector; its operations begin with the second.
                (*private).n_messages = left - 1;
                (*private).next_op = 2;
                (*private).args[1] += if is_compat { MMSGHDR_32 } else { MMSGHDR };
                operation = (&raw const (*private).call.ops[1]).read_volatile();
            }
            if (*private).at > FULL {
                (*private).flags |= flag::CUT as u64;
                break;
            }
            part(base, private, operation);
        }
        (*body).n_parts = (*private).n_parts as u32;
    }
    record.submit(Which::Syscall);
}

/// A record of one number, as most of those of numbers are: `close`, `dup`.
#[repr(C)]
struct Number {
    head: Head,
    body: Syscall,
    arg: u64,
}

/// A record of numbers only, as it is.
#[repr(C)]
struct Numbers {
    head: Head,
    body: Syscall,
    args: [u64; 6],
}

/// Records a call of which nothing but its arguments is kept: without the buffer, which costs more than the rest.
#[inline(always)]
fn plain(head: Head, ret: u64, args: [u64; 6], n_args: u8, instance: u32) {
    let Some(counters) = count(counter::SYSCALL, instance) else { return };
    if n_args == 1 {
        let body = Syscall { ret: ret as i64, n_args: 1, n_parts: 0 };
        // SAFETY: the counters are those of this program.
        unsafe { send_fixed(counters, Number { head, body, arg: args[0] }) };
        return;
    }
    let n_args = if n_args > 6 { 6 } else { n_args };
    let body = Syscall { ret: ret as i64, n_args: n_args as u32, n_parts: 0 };
    let mut numbers = Numbers { head, body, args };
    // SAFETY: the length is at most that of the structure.
    unsafe { send(counters, (&raw mut numbers).cast::<u8>(), 40 + 8 * n_args as u64) };
}

/// The operation that describes the file that was opened.
const OPENED: u16 = op::on(op::FILE, RET);

/// Records a call on a path, perhaps one that opens it: most of those that are recorded. What [`part`] does for any list
/// of operations takes twice as long.
///
/// # Safety
///
/// `record` must be one of a system call of which nothing but its head is written.
#[inline(always)]
unsafe fn on_path(record: Record, task: *const u8, flags: u8, ret: u64, args: [u64; 6], call: Call, path: u64) {
    let base = record.base;
    let is_open = call.ops[1] == OPENED;
    let mut flags = flags;
    let mut n_parts = 0;
    let mut at = 40 + 8 * (call.n_args & 7) as u64;
    // SAFETY: at most 152 bytes, and a string of 4096 behind them, are inside the buffer of 32 KiB.
    unsafe {
        base.add(40).cast::<[u64; 6]>().write(args);
        // The file goes first, and ends where the string can begin.
        if is_open
            && ret as i64 >= 0
            && let Some(file) = file::describe_fd(task, ret as u32, record.private)
        {
            let len = size_of::<File>() as u16;
            let to = base.add(at as usize);
            to.cast::<Part>().write(Part { len, op: op::FILE, arg: RET, full_len: 0 });
            to.add(size_of::<Part>()).cast::<File>().write(file);
            at += (size_of::<Part>() + size_of::<File>()) as u64;
            n_parts = 1;
        }
        if path != 0 {
            let to = base.add(at as usize);
            let n = generated::bpf_probe_read_user_str(
                to.add(size_of::<Part>()).cast::<c_void>(),
                MAX as u32,
                path as *const c_void,
            );
            let len = if n > 0 { n as u64 - 1 & 0x1fff } else { 0 };
            if n <= 0 {
                flags |= flag::FAULT;
            } else if len >= MAX - 1 {
                flags |= flag::CUT;
            }
            to.cast::<Part>().write(Part { len: len as u16, op: op::STR, arg: (call.ops[0] >> 8) as u8, full_len: 0 });
            at += size_of::<Part>() as u64 + (len + 7 & !7);
            n_parts += 1;
        }
        base.add(size_of::<Head>()).cast::<Syscall>().write(Syscall {
            ret: ret as i64,
            n_args: call.n_args as u32,
            n_parts,
        });
    }
    record.submit_as(Which::Syscall, at, flags);
}

/// Whether a call that is recorded only under a condition meets it.
#[inline(always)]
fn is_wanted(when: u8, asked: u64, mask: u32, ret: i64, is_compat: bool) -> bool {
    match when {
        when::MASK => asked as u32 & mask != 0,
        when::ONE_OF => {
            let asked = asked as u32;
            asked >= 1024 || asked < 32 && mask >> (asked & 31) & 1 != 0
        }
        when::GIVEN => asked != 0,
        _ => {
            let (name, n_control) = if is_compat {
                let Some(header) = read_user::<[u32; 6]>(asked) else { return false };
                (header[0] as u64, header[5] as u64)
            } else {
                let Some(header) = read_user::<[u64; 6]>(asked) else { return false };
                (header[0], header[5])
            };
            name != 0 || when == when::MSG_CONTROL && ret >= 0 && n_control != 0
        }
    }
}

/// Number of the system call.
///
/// # Safety
///
/// `regs` must be a `struct pt_regs`; the verifier checks that its members can be read.
#[inline(always)]
pub(crate) unsafe fn number(regs: *const u8) -> u64 {
    // SAFETY: the caller's.
    unsafe { regs.add(regs::ORIG_AX).cast::<u64>().read_volatile() }
}

/// Arguments of the system call.
///
/// # Safety
///
/// As for [`number`].
#[inline(always)]
pub(crate) unsafe fn args(regs: *const u8) -> [u64; 6] {
    let mut out = [0; 6];
    for (i, &offset) in regs::ARGS.iter().enumerate() {
        // SAFETY: as for the number.
        out[i] = unsafe { regs.add(offset).cast::<u64>().read_volatile() };
    }
    out
}

#[inline(always)]
fn args_32(regs: *const u8) -> [u64; 6] {
    let mut out = [0; 6];
    for (i, &offset) in regs::ARGS_32.iter().enumerate() {
        // SAFETY: as for the number. The upper halves of registers are not part of a 32-bit call.
        out[i] = unsafe { regs.add(offset).cast::<u64>().read_volatile() } & 0xffff_ffff;
    }
    out
}

/// Number and arguments of a 32-bit call; of one on a socket the real ones, which are in memory. `None` if it is never
/// recorded, or its arguments are not there any more.
#[inline(always)]
fn call_32(nr: u32, args: [u64; 6]) -> Option<(u32, [u64; 6])> {
    if nr != SOCKETCALL {
        return Some((nr, args));
    }
    // SAFETY: the index is below the length.
    let real = unsafe { (&raw const crate::SOCKETCALLS).cast::<u16>().add(args[0] as usize & 31).read_volatile() };
    if args[0] > 31 || real == 0 {
        return None;
    }
    // The last of six may lie on a page that is not there when a call has fewer.
    let words = match read_user::<[u32; 6]>(args[1]) {
        Some(words) => words,
        None => {
            let first = read_user::<[u32; 3]>(args[1])?;
            [first[0], first[1], first[2], 0, 0, 0]
        }
    };
    Some((
        real as u32,
        [words[0] as u64, words[1] as u64, words[2] as u64, words[3] as u64, words[4] as u64, words[5] as u64],
    ))
}

/// Reads a `struct msghdr` into the working variables; false if it is not there.
///
/// # Safety
///
/// `private` must be valid.
#[inline(always)]
unsafe fn read_message(private: *mut Private, from: u64, is_compat: bool) -> bool {
    let from = from as *const c_void;
    // SAFETY: the caller's.
    unsafe {
        if !is_compat {
            return generated::bpf_probe_read_user((&raw mut (*private).message).cast(), 48, from) == 0;
        }
        if generated::bpf_probe_read_user((&raw mut (*private).message_32).cast(), 24, from) != 0 {
            return false;
        }
        for i in 0..6 {
            (*private).message[i] = (*private).message_32[i] as u64;
        }
        true
    }
}

/// Start and length of the first piece of a vector of pieces.
#[inline(always)]
fn first_piece(vector: u64, is_compat: bool) -> [u64; 2] {
    if is_compat {
        let [start, len] = read_user::<[u32; 2]>(vector).unwrap_or([0, 0]);
        return [start as u64, len as u64];
    }
    read_user::<[u64; 2]>(vector).unwrap_or([0, 0])
}

/// Appends what an operation fetches.
///
/// # Safety
///
/// `base` and `private` must be those of a system call's record.
#[inline(always)]
unsafe fn part(base: *mut u8, private: *mut Private, operation: u16) {
    // SAFETY: the caller's.
    let is_compat = unsafe { (&raw const (*private).is_compat).read_volatile() } != 0;
    let ty = operation as u8;
    let arg = (operation >> 8) as usize & 7;
    let size = (operation >> 11) as u64 * 8;
    // SAFETY: the caller's; offsets are masked.
    unsafe {
        let at = (*private).at & MASK;
        let to = base.add(at as usize + size_of::<Part>());
        let value = (*private).args[arg];
        let next = (*private).args[(arg + 1) & 7];
        let ret = (*private).args[7] as i64;
        let mut full = 0;
        let len: u64 = match ty {
            op::STR => {
                if value == 0 {
                    return;
                }
                string(to, private, value)
            }
            op::PRCTL_NAME => {
                // PR_SET_NAME and PR_GET_NAME.
                let option = (*private).args[0] as u32;
                if option != 15 && option != 16 {
                    return;
                }
                string(to, private, value)
            }
            op::KEY_STR => {
                // KEYCTL_JOIN_SESSION_KEYRING; KEYCTL_SEARCH and KEYCTL_RESTRICT_KEYRING.
                let with_string: u32 = if arg == 1 { 1 << 1 } else { 1 << 10 | 1 << 29 };
                let operation = (*private).args[0] as u32;
                if value == 0 || operation > 31 || with_string >> (operation & 31) & 1 == 0 {
                    return;
                }
                string(to, private, value)
            }
            op::SOCKADDR => {
                if value == 0 || next == 0 {
                    return;
                }
                bytes(to, private, value, next & 0xffff_ffff, 128)
            }
            op::SOCKADDR_OUT => {
                if value == 0 || next == 0 || ret < 0 {
                    return;
                }
                let len = read_user_or_zero::<u32>(next);
                bytes(to, private, value, len as u64, 128)
            }
            op::BYTES => {
                if value == 0 {
                    return;
                }
                bytes(to, private, value, size, 248)
            }
            op::DATA_IN => {
                full = if ret > 0 { ret as u64 } else { next };
                bytes(to, private, value, snap(full), MAX)
            }
            op::XATTR => {
                // A pointer of 64 bits, a length and flags of 32, for any caller.
                let [start, len] = read_user::<[u64; 2]>(value).unwrap_or([0, 0]);
                full = len & 0xffff_ffff;
                bytes(to, private, start, snap(full), MAX)
            }
            op::DATA_OUT => {
                if ret <= 0 {
                    return;
                }
                full = ret as u64;
                bytes(to, private, value, snap(full), MAX)
            }
            op::VEC_IN | op::VEC_OUT => {
                if (ty == op::VEC_OUT && ret <= 0) || next == 0 {
                    return;
                }
                let [start, len] = first_piece(value, is_compat);
                full = if ret > 0 { ret as u64 } else { len };
                let len = if ret > 0 && (ret as u64) < len { ret as u64 } else { len };
                bytes(to, private, start, snap(len), MAX)
            }
            op::MSG_NAME | op::MSG_CONTROL | op::MSG_DATA => {
                if !read_message(private, value, is_compat) {
                    (*private).flags |= flag::FAULT as u64;
                    return;
                }
                let header = (&raw const (*private).message).read_volatile();
                if ty == op::MSG_NAME {
                    if header[0] == 0 {
                        return;
                    }
                    bytes(to, private, header[0], header[1] & 0xffff_ffff, 128)
                } else if ty == op::MSG_CONTROL {
                    if header[4] == 0 || ret < 0 {
                        return;
                    }
                    full = header[5];
                    bytes(to, private, header[4], header[5], 1024)
                } else {
                    if header[3] == 0 {
                        return;
                    }
                    let [start, len] = first_piece(header[2], is_compat);
                    full = if ret > 0 { ret as u64 } else { len };
                    let len = if ret >= 0 && (ret as u64) < len { ret as u64 } else { len };
                    bytes(to, private, start, snap(len), MAX)
                }
            }
            op::MESSAGE => {
                // What was sent of it stands for the result from here on.
                if ret >= 0 {
                    let at = if is_compat { MMSGHDR_LEN_32 } else { MMSGHDR_LEN };
                    full = read_user_or_zero::<u32>(value.wrapping_add(at)) as u64;
                    (*private).args[7] = full;
                }
                0
            }
            op::FILE | op::FILE_AT => {
                if ret < 0 {
                    return;
                }
                let fd = if ty == op::FILE_AT { read_user::<u32>(value).unwrap_or(u32::MAX) } else { value as u32 };
                let Some(file) = file::describe_fd(task(), fd, private) else { return };
                to.cast::<File>().write(file);
                size_of::<File>() as u64
            }
            op::FD_PATH => {
                if (value as i64) < 0 {
                    return;
                }
                let open = file::of_fd(value as u32);
                if open == 0 {
                    return;
                }
                (*private).at = at + size_of::<Part>() as u64;
                file::walk(base, private, open.wrapping_add(offset!(file_path) as u64), 0x3fff);
                (*private).at.wrapping_sub(at + size_of::<Part>() as u64)
            }
            op::SOCKET | op::SOCKET_AT => {
                let fd = if ty == op::SOCKET_AT { read_user::<u32>(value).unwrap_or(u32::MAX) } else { value as u32 };
                if (fd as i32) < 0 {
                    return;
                }
                let open = file::of_fd(fd);
                if open == 0 {
                    return;
                }
                let n = socket::describe(open, to);
                if n == 0 {
                    return;
                }
                n
            }
            op::STR_VEC => string_vector(base, private, at + size_of::<Part>() as u64, value, is_compat),
            op::CAPS => {
                to.cast::<[u64; 3]>().write(lifecycle::caps());
                24
            }
            op::PID_LEVELS => {
                to.cast::<[u32; 2]>().write(lifecycle::pid_levels());
                8
            }
            _ => return,
        };
        let len = len & 0x1fff;
        base.add(at as usize).cast::<Part>().write(Part {
            len: len as u16,
            op: ty,
            arg: arg as u8,
            full_len: full as u32,
        });
        (*private).at = at + size_of::<Part>() as u64 + (len + 7 & !7);
        (*private).n_parts += 1;
    }
}

#[inline(always)]
fn snap(len: u64) -> u64 {
    let most = setting!(snap_bytes) as u64;
    if len > most { most } else { len }
}

/// Copies a string of the process without its NUL; its length.
#[inline(always)]
unsafe fn string(to: *mut u8, private: *mut Private, from: u64) -> u64 {
    // SAFETY: the caller's.
    unsafe {
        let n = generated::bpf_probe_read_user_str(to.cast::<c_void>(), MAX as u32, from as *const c_void);
        if n <= 0 {
            (*private).flags |= flag::FAULT as u64;
            return 0;
        }
        if n as u64 >= MAX {
            (*private).flags |= flag::CUT as u64;
        }
        n as u64 - 1
    }
}

/// Copies bytes of the process, at most `most`; how many.
#[inline(always)]
unsafe fn bytes(to: *mut u8, private: *mut Private, from: u64, len: u64, most: u64) -> u64 {
    let mut n = len;
    // SAFETY: the caller's.
    unsafe {
        if n > most {
            n = most;
            (*private).flags |= flag::CUT as u64;
        }
        if n == 0 {
            return 0;
        }
        if generated::bpf_probe_read_user(to.cast::<c_void>(), n as u32, from as *const c_void) != 0 {
            (*private).flags |= flag::FAULT as u64;
            return 0;
        }
    }
    n
}

/// Strings of a vector that are kept.
const MAX_STRINGS: u32 = 20;

/// Appends the strings of a vector, each with its NUL; the bytes of all.
#[inline(always)]
unsafe fn string_vector(base: *mut u8, private: *mut Private, start: u64, vector: u64, is_compat: bool) -> u64 {
    // SAFETY: the caller's; offsets are masked to 16 KiB, and a string has at most 4 KiB.
    unsafe {
        (*private).at = start;
        for i in 0..MAX_STRINGS {
            let pointer = if is_compat {
                read_user::<u32>(vector.wrapping_add(4 * i as u64)).map(u64::from)
            } else {
                read_user::<u64>(vector.wrapping_add(8 * i as u64))
            };
            let Some(string) = pointer else {
                (*private).flags |= flag::FAULT as u64;
                break;
            };
            if string == 0 {
                break;
            }
            let at = (*private).at;
            if at.wrapping_sub(start) > 3072 || i == MAX_STRINGS - 1 {
                (*private).flags |= flag::CUT as u64;
                break;
            }
            let to = base.add((at & 0x3fff) as usize);
            let n = generated::bpf_probe_read_user_str(to.cast::<c_void>(), 1024, string as *const c_void);
            if n <= 0 {
                (*private).flags |= flag::FAULT as u64;
                break;
            }
            (*private).at = at + n as u64;
        }
        (*private).at.wrapping_sub(start)
    }
}

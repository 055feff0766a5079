//! Buffers to build records in, the way into the ring, and what is counted.

use core::ffi::c_void;

use aya_ebpf::helpers::generated;
use aya_ebpf::macros::map;
use aya_ebpf::maps::{Array, PerCpuArray, RingBuf};
use tracehound_capture_layout::settings::counter;
use tracehound_capture_layout::{Counters, Head};

use crate::kernel::{cpu, now, setting};

/// The one ring buffer: one order for all CPUs. Its size is set before loading.
#[map]
static RING: RingBuf = RingBuf::with_byte_size(1 << 24, 0);

/// Counters by program and instance, see [`counter`].
#[map]
static COUNTERS: PerCpuArray<Counters> = PerCpuArray::with_max_entries(counter::N_INSTANCES * counter::N, 0);

/// Bytes of the buffer of a small program.
pub(crate) const BUFFER: usize = 32 * 1024;

/// Bytes of the buffer of an exec. More than a per-CPU map can hold, so the map is an array with an entry a CPU and instance.
pub(crate) const BIG_BUFFER: usize = 64 * 1024;

/// Where the part of a buffer begins that is not sent.
const PRIVATE: usize = BUFFER - size_of::<Private>();
const BIG_PRIVATE: usize = BIG_BUFFER - size_of::<Private>();

/// Working variables of a program. They are in a map, because the verifier forgets what it knows of a value that goes
/// through one: paths that differ only in such knowledge are then checked once, not each by itself.
#[repr(C)]
pub(crate) struct Private {
    /// Arguments of the system call; [7] is its result.
    pub(crate) args: [u64; 8],
    /// Bytes of the record so far.
    pub(crate) at: u64,
    /// Bits of [`tracehound_capture_layout::record::flag`].
    pub(crate) flags: u64,
    /// Parts so far.
    pub(crate) n_parts: u64,
    /// 1 if the call came through the 32-bit entry.
    pub(crate) is_compat: u64,
    /// The row of the system call.
    pub(crate) call: tracehound_capture_layout::Call,
    /// Next operation of the row.
    pub(crate) next_op: u64,
    /// Messages of a vector that are still to be read.
    pub(crate) n_messages: u64,
    /// The `struct msghdr` at hand: name, its length, vector, its length, control, its length.
    pub(crate) message: [u64; 6],
    /// The same as a process of 32 bits has it.
    pub(crate) message_32: [u32; 6],
    /// 1 while a program uses the buffer: one that interrupts it must not.
    pub(crate) is_busy: u64,
    /// Starts of structures that were read at once: `struct file`, `struct inode`, `struct super_block`.
    pub(crate) open: [u64; 8],
    pub(crate) node: [u64; 10],
    pub(crate) super_block: [u64; 13],
}

// The small buffers have an entry an instance, on each CPU; how many instances there are is set before loading.
#[map]
static SYSCALL_BUFFER: PerCpuArray<[u64; BUFFER / 8]> = PerCpuArray::with_max_entries(1, 0);

#[map]
static FORK_BUFFER: PerCpuArray<[u64; BUFFER / 8]> = PerCpuArray::with_max_entries(1, 0);

#[map]
static EXIT_BUFFER: PerCpuArray<[u64; BUFFER / 8]> = PerCpuArray::with_max_entries(1, 0);

#[map]
static CGROUP_BUFFER: PerCpuArray<[u64; BUFFER / 8]> = PerCpuArray::with_max_entries(1, 0);

#[map]
static DNS_BUFFER: PerCpuArray<[u64; BUFFER / 8]> = PerCpuArray::with_max_entries(1, 0);

#[map]
static EXEC_BUFFER: Array<[u64; BIG_BUFFER / 8]> = Array::with_max_entries(1, 0);

/// Which buffer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    Syscall,
    Fork,
    Exec,
    Exit,
    Cgroup,
    Dns,
}

/// A record being built.
#[derive(Clone, Copy)]
pub(crate) struct Record {
    /// Start of the buffer, [`BUFFER`] or [`BIG_BUFFER`] bytes.
    pub(crate) base: *mut u8,
    /// Working variables.
    pub(crate) private: *mut Private,
    counters: *mut Counters,
}

impl Record {
    /// Takes the buffer of this CPU and writes the head. `None`, counted, if there is none or it is in use.
    #[inline(always)]
    pub(crate) fn begin(which: Which, counter: u32, instance: u32, head: Head) -> Option<Record> {
        let counters = count(counter, instance)?;
        let (buffer, private) = match which {
            Which::Syscall => (SYSCALL_BUFFER.get_ptr_mut(instance).map(|p| p.cast::<u8>()), PRIVATE),
            Which::Fork => (FORK_BUFFER.get_ptr_mut(instance).map(|p| p.cast::<u8>()), PRIVATE),
            Which::Exit => (EXIT_BUFFER.get_ptr_mut(instance).map(|p| p.cast::<u8>()), PRIVATE),
            Which::Cgroup => (CGROUP_BUFFER.get_ptr_mut(instance).map(|p| p.cast::<u8>()), PRIVATE),
            Which::Dns => (DNS_BUFFER.get_ptr_mut(instance).map(|p| p.cast::<u8>()), PRIVATE),
            Which::Exec => {
                let index = cpu() * setting!(n_instances) + instance;
                (EXEC_BUFFER.get_ptr_mut(index).map(|p| p.cast::<u8>()), BIG_PRIVATE)
            }
        };
        // SAFETY: both offsets are inside the buffer; its contents are plain integers.
        unsafe {
            let Some(base) = buffer else {
                (*counters).lost_scratch += 1;
                return None;
            };
            let private = base.add(private).cast::<Private>();
            if (*private).is_busy != 0 {
                (*counters).lost_scratch += 1;
                return None;
            }
            (*private).is_busy = 1;
            (*private).flags = head.flags as u64;
            (*private).n_parts = 0;
            base.cast::<Head>().write(head);
            Some(Record { base, private, counters })
        }
    }

    /// Hands the record to the reader; its length is what [`Private::at`] says.
    #[inline(always)]
    pub(crate) fn submit(self, which: Which) -> bool {
        // SAFETY: `private` points into a map value.
        let (at, flags) = unsafe { ((*self.private).at, (*self.private).flags) };
        self.submit_as(which, at, flags as u8)
    }

    /// Hands the record of a length to the reader, with bits of [`tracehound_capture_layout::record::flag`].
    #[inline(always)]
    pub(crate) fn submit_as(self, which: Which, at: u64, flags: u8) -> bool {
        // SAFETY: `base` and `private` point into a map value, and the length is bounded by its size.
        unsafe {
            let counters = self.counters;
            (*self.base.cast::<Head>()).flags = flags;
            if flags & tracehound_capture_layout::record::flag::FAULT != 0 {
                (*counters).faults += 1;
            }
            if flags & tracehound_capture_layout::record::flag::CUT != 0 {
                (*counters).cuts += 1;
            }
            let len = match which {
                Which::Exec => at & (BIG_BUFFER as u64 - 1),
                _ => at & (BUFFER as u64 - 1),
            };
            let is_sent = send(counters, self.base, len);
            (*self.private).is_busy = 0;
            is_sent
        }
    }
}

/// Counts an event that is to be recorded; where that is counted.
#[inline(always)]
pub(crate) fn count(counter: u32, instance: u32) -> Option<*mut Counters> {
    let counters = COUNTERS.get_ptr_mut(counter + instance * counter::N)?;
    // SAFETY: a value of the map lives as long as the program; no other instance writes these counters, and this one
    // does not interrupt itself.
    unsafe { (*counters).seen += 1 };
    Some(counters)
}

/// Puts a record into the ring, and counts whether that worked.
///
/// # Safety
///
/// `len` bytes at `from` must be readable.
#[inline(always)]
pub(crate) unsafe fn send(counters: *mut Counters, from: *mut u8, len: u64) -> bool {
    // SAFETY: the caller's.
    unsafe {
        let failed = generated::bpf_ringbuf_output(ring(), from.cast::<c_void>(), len, wake(counters));
        if failed == 0 {
            (*counters).written += 1;
        } else {
            (*counters).lost_ring += 1;
        }
        failed == 0
    }
}

/// Puts a record of a fixed size into the ring, and counts whether that worked. It is written where it will be read, which
/// costs less than to have it copied; the kernel gives out memory of a size that it can see in the program only.
///
/// # Safety
///
/// `counters` must be those of the running program.
#[inline(always)]
pub(crate) unsafe fn send_fixed<T>(counters: *mut Counters, record: T) {
    // SAFETY: the caller's; the memory has the size that was asked for, and is handed over after it was written.
    unsafe {
        let wake = wake(counters);
        let place = generated::bpf_ringbuf_reserve(ring(), size_of::<T>() as u64, 0);
        if place.is_null() {
            (*counters).lost_ring += 1;
            return;
        }
        place.cast::<T>().write(record);
        generated::bpf_ringbuf_submit(place, wake);
        (*counters).written += 1;
    }
}

/// Whether to wake the reader. It looks by itself at short intervals, and is woken only when the ring fills faster. To ask
/// costs more than to count.
///
/// # Safety
///
/// `counters` must be those of the running program.
#[inline(always)]
unsafe fn wake(counters: *mut Counters) -> u64 {
    // SAFETY: the caller's.
    unsafe {
        if (*counters).seen & 63 == 0 {
            let waiting = generated::bpf_ringbuf_query(ring(), aya_ebpf::bindings::BPF_RB_AVAIL_DATA as u64);
            if waiting > setting!(wake_bytes) as u64 {
                return aya_ebpf::bindings::BPF_RB_FORCE_WAKEUP as u64;
            }
        }
    }
    aya_ebpf::bindings::BPF_RB_NO_WAKEUP as u64
}

#[inline(always)]
fn ring() -> *mut c_void {
    (&raw const RING).cast_mut().cast::<c_void>()
}

/// Counts an event that the instances of a program before this one were not started for.
#[inline(always)]
pub(crate) fn stood_in(program: u32, instance: u32) {
    if let Some(counters) = COUNTERS.get_ptr_mut(program + instance * counter::N) {
        // SAFETY: as for what is seen.
        unsafe { (*counters).stood_in += 1 };
    }
}

/// The head of a record about the running thread.
#[inline(always)]
pub(crate) fn head(kind: u8, nr: u32, flags: u8, pid_tgid: u64) -> Head {
    Head { ts: now(), tid: pid_tgid as u32, tgid: (pid_tgid >> 32) as u32, kind, flags, cpu: cpu() as u16, nr }
}

/// True for the process whose own activity is left out.
#[inline(always)]
pub(crate) fn is_self(tgid: u32) -> bool {
    let own = setting!(self_tgid);
    own != 0 && own == tgid
}

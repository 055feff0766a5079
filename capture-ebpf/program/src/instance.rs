//! Which of several instances of a program records an event.
//!
//! While a CPU is in the middle of a program, the kernel does not start it there again. Before Linux 7.0 only an
//! interrupt could come between. Since then programs on tracepoints are preempted like any code (commits a46023d5616e
//! and f7d327654b88): everything that other tasks do on that CPU is missed until the preempted one goes on, which can
//! be thousands of system calls. To forbid preemption inside of the program (`bpf_preempt_disable`) does not help: the
//! task is then preempted when it allows it again, which is inside of the program, too.
//!
//! So where it is needed further instances are attached behind the first. The first leaves a stamp of the event behind
//! (thread, and what tells its event from the one before), at its start; the last takes it away, and one that finds it
//! does nothing more. If there is none, no instance before was started, and this one records the event, with memory of its
//! own.
//!
//! What remains: an event is missed if all are preempted on one CPU at a time. Ends of processes come in groups, and
//! lineage hangs on births and ends, so that these have four; system calls and execs have two: a third one would cost every
//! system call 70 ns more. It is missed, too, if the last instance was not started for the event before of the same thread,
//! which left the same stamp, and the first is not for this one. An event is there twice if a thread is preempted
//! between two instances and another, in whose number the lower bits are the same, passes on that CPU.

use core::ffi::c_void;

use aya_ebpf::helpers::generated;
use aya_ebpf::macros::map;
use aya_ebpf::maps::PerCpuArray;
use tracehound_capture_layout::settings::counter;

use crate::kernel::{pid_tgid, setting};
use crate::ring::stood_in;

/// Instances of a program.
pub(crate) const FIRST: u32 = 0;
pub(crate) const SECOND: u32 = 1;
pub(crate) const THIRD: u32 = 2;
pub(crate) const FOURTH: u32 = 3;

/// Threads that can be between the instances of a program on one CPU and do not disturb each other, if the lower bits
/// of their numbers differ. While one is preempted many others pass.
const SLOTS: usize = 1024;

/// Stamps of events that an instance recorded and the last did not see yet, by program and thread.
#[map]
static PASSED: PerCpuArray<[u64; SLOTS]> = PerCpuArray::with_max_entries(counter::N, 0);

/// True if the running instance is the one to record this event; `last` is the program's last instance. `what` tells the
/// event from the one before of the same thread, as well as it can cheaply.
#[inline(always)]
pub(crate) fn is_mine(program: u32, instance: u32, last: u32, what: impl FnOnce() -> u32) -> bool {
    if setting!(n_instances) < 2 {
        return true;
    }
    let tid = pid_tgid() as u32;
    // Never 0, which stands for none.
    let stamp = (tid as u64) << 32 | what() as u64 | 1 << 63;
    let Some(slots) = PASSED.get_ptr_mut(program) else { return instance == FIRST };
    // SAFETY: the index is inside the array, which lives as long as the program. Another task of this CPU can come
    // between any two instructions; it writes to this slot only if the lower bits of its number are the same.
    unsafe {
        let slot = slots.cast::<u64>().add(tid as usize & (SLOTS - 1));
        if instance == FIRST {
            slot.write_volatile(stamp);
            return true;
        }
        if slot.read_volatile() == stamp {
            if instance == last {
                slot.write_volatile(0);
            }
            return false;
        }
        let has_passed = has_passed_elsewhere(program, tid, stamp);
        if instance != last {
            slot.write_volatile(stamp);
        }
        if has_passed {
            return false;
        }
    }
    stood_in(program, instance);
    true
}

/// Most CPUs that are looked at.
const MAX_CPUS: u32 = 512;

/// True if an instance before recorded the event on another CPU, from which the thread was moved since. Asked only of events
/// that no instance on this one has recorded, which are few.
#[inline(always)]
fn has_passed_elsewhere(program: u32, tid: u32, stamp: u64) -> bool {
    for cpu in 0..MAX_CPUS {
        // SAFETY: the map and the key live as long as the call; there is no value for a CPU that there cannot be.
        unsafe {
            let slots = generated::bpf_map_lookup_percpu_elem(
                (&raw const PASSED).cast_mut().cast::<c_void>(),
                (&raw const program).cast::<c_void>(),
                cpu,
            );
            if slots.is_null() {
                return false;
            }
            let slot = slots.cast::<u64>().add(tid as usize & (SLOTS - 1));
            if slot.read_volatile() == stamp {
                slot.write_volatile(0);
                return true;
            }
        }
    }
    false
}

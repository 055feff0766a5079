//! Which of several instances of a program records an event.
//!
//! While a CPU is in the middle of a program, the kernel does not start it there again. Before Linux 7.0 only an
//! interrupt could come between. Since then programs on tracepoints are preempted like any code (commits a46023d5616e
//! and f7d327654b88): everything that other tasks do on that CPU is missed until the preempted one goes on, which can
//! be thousands of system calls. To forbid preemption inside of the program (`bpf_preempt_disable`) does not help: the
//! task is then preempted when it allows it again, which is inside of the program, too.
//!
//! So where it is needed further instances are attached behind the first. The first leaves the number of the thread
//! behind, at its start; the last takes it away, and one that finds it does nothing more. If there is none, no instance
//! before was started, and this one records the event, with memory of its own.
//!
//! What remains: an event is missed if all are preempted on one CPU at a time. Ends of processes come in groups, and
//! lineage hangs on births and ends, so that these have four; system calls, where each instance costs, and execs have
//! two. An event is there twice if a thread is moved to another CPU between two instances.

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
/// of their numbers differ.
const SLOTS: usize = 64;

/// Numbers of threads that an instance recorded and the last did not see yet, by program.
#[map]
static PASSED: PerCpuArray<[u32; SLOTS]> = PerCpuArray::with_max_entries(counter::N, 0);

/// True if the running instance is the one to record this event; `last` is the program's last instance.
#[inline(always)]
pub(crate) fn is_mine(program: u32, instance: u32, last: u32) -> bool {
    if setting!(n_instances) < 2 {
        return true;
    }
    let tid = pid_tgid() as u32;
    let Some(slots) = PASSED.get_ptr_mut(program) else { return instance == FIRST };
    // SAFETY: the index is inside the array, which lives as long as the program. Another task of this CPU can come
    // between any two instructions; it writes to this slot only if the lower bits of its number are the same.
    unsafe {
        let slot = slots.cast::<u32>().add(tid as usize & (SLOTS - 1));
        if instance == FIRST {
            slot.write_volatile(tid);
            return true;
        }
        if slot.read_volatile() == tid {
            if instance == last {
                slot.write_volatile(0);
            }
            return false;
        }
        if instance != last {
            slot.write_volatile(tid);
        }
    }
    stood_in(program, instance);
    true
}

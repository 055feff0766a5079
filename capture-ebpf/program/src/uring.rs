//! Requests of io_uring, which do what system calls do without being any.

use aya_ebpf::macros::btf_tracepoint;
use aya_ebpf::programs::BtfTracePointContext;
use tracehound_capture_layout::Head;
use tracehound_capture_layout::record::{Uring, kind};
use tracehound_capture_layout::settings::{ABSENT, counter};

use crate::instance::FIRST;
use crate::kernel::{member, offset, pid_tgid, setting};
use crate::ring::{count, head, is_self, send_fixed};

/// A record. It needs no buffer of the CPU, which would be shared with whatever comes between.
#[repr(C)]
struct Submitted {
    head: Head,
    body: Uring,
}

#[btf_tracepoint(function = "io_uring_submit_req")]
fn io_uring_submit_req(ctx: BtfTracePointContext) -> i32 {
    let request = ctx.arg::<u64>(0);
    let opcode: u8 = member(request, offset!(uring_opcode));
    if setting!(uring_ops) >> (opcode & 63) & 1 == 0 {
        return 0;
    }
    let ids = pid_tgid();
    if is_self((ids >> 32) as u32) {
        return 0;
    }
    let Some(counters) = count(counter::URING, FIRST) else { return 0 };
    let submitted = Submitted {
        head: head(kind::URING, 0, 0, ids),
        body: Uring {
            ctx: member(request, offset!(uring_ctx)),
            user_data: if offset!(uring_user_data) == ABSENT { 0 } else { member(request, offset!(uring_user_data)) },
            opcode: opcode as u32,
            flags: member(request, offset!(uring_flags)),
        },
    };
    // SAFETY: the counters are those of this program.
    unsafe { send_fixed(counters, submitted) };
    0
}

//! Requests of io_uring, which do what system calls do without being any.

use aya_ebpf::macros::btf_tracepoint;
use aya_ebpf::programs::BtfTracePointContext;
use tracehound_capture_layout::Head;
use tracehound_capture_layout::record::{Uring, kind};
use tracehound_capture_layout::settings::{ABSENT, counter};

use crate::instance::FIRST;
use crate::kernel::{member, offset, pid_tgid, setting};
use crate::ring::{Record, Which, head, is_self};

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
    let Some(record) = Record::begin(Which::Exit, counter::URING, FIRST, head(kind::URING, 0, 0, ids)) else {
        return 0;
    };
    // SAFETY: the buffer has room for head and body.
    unsafe {
        let body = record.base.add(size_of::<Head>()).cast::<Uring>();
        (*body).ctx = member(request, offset!(uring_ctx));
        (*body).user_data =
            if offset!(uring_user_data) == ABSENT { 0 } else { member(request, offset!(uring_user_data)) };
        (*body).opcode = opcode as u32;
        (*body).flags = member(request, offset!(uring_flags));
        (*record.private).at = (size_of::<Head>() + size_of::<Uring>()) as u64;
    }
    record.submit(Which::Exit);
    0
}

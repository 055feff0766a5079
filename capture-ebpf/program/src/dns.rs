//! Questions to name servers, read from packets that leave: whatever system call wrote them.

use core::ffi::c_void;

use aya_ebpf::helpers::generated;
use aya_ebpf::macros::btf_tracepoint;
use aya_ebpf::programs::BtfTracePointContext;
use tracehound_capture_layout::Head;
use tracehound_capture_layout::record::{Packet, kind};
use tracehound_capture_layout::settings::{MAX_DNS, counter};

use crate::instance::FIRST;
use crate::kernel::{member, offset, pid_tgid, read};
use crate::ring::{Record, Which, head, is_self};

const UDP: u8 = 17;
const PORT: u16 = 53;

/// Bytes of a UDP header.
const UDP_HEADER: u64 = 8;

#[btf_tracepoint(function = "net_dev_queue")]
fn net_dev_queue(ctx: BtfTracePointContext) -> i32 {
    let skb = ctx.arg::<u64>(0);
    let start: u64 = member(skb, offset!(skb_head));
    let network: u16 = member(skb, offset!(skb_network));
    let transport: u16 = member(skb, offset!(skb_transport));
    let ip = start.wrapping_add(network as u64);
    let udp = start.wrapping_add(transport as u64);
    let version = read::<u8>(ip) >> 4;
    let protocol = match version {
        4 => read::<u8>(ip.wrapping_add(9)),
        6 => read::<u8>(ip.wrapping_add(6)),
        _ => return 0,
    };
    if protocol != UDP {
        return 0;
    }
    let ports: [u16; 3] = read(udp);
    if u16::from_be(ports[1]) != PORT {
        return 0;
    }
    let ids = pid_tgid();
    if is_self((ids >> 32) as u32) {
        return 0;
    }
    let Some(record) = Record::begin(Which::Dns, counter::DNS, FIRST, head(kind::DNS, 0, 0, ids)) else { return 0 };
    let mut len = (u16::from_be(ports[2]) as u64).wrapping_sub(UDP_HEADER);
    // SAFETY: the buffer has room for head, body and payload.
    unsafe {
        let body = record.base.add(size_of::<Head>()).cast::<Packet>();
        (*body).src = [0; 16];
        (*body).dst = [0; 16];
        let (src, dst) = ((&raw mut (*body).src).cast::<c_void>(), (&raw mut (*body).dst).cast::<c_void>());
        if version == 4 {
            generated::bpf_probe_read_kernel(src, 4, ip.wrapping_add(12) as *const c_void);
            generated::bpf_probe_read_kernel(dst, 4, ip.wrapping_add(16) as *const c_void);
        } else {
            generated::bpf_probe_read_kernel(src, 16, ip.wrapping_add(8) as *const c_void);
            generated::bpf_probe_read_kernel(dst, 16, ip.wrapping_add(24) as *const c_void);
        }
        (*body).src_port = u16::from_be(ports[0]);
        (*body).dst_port = PORT;
        (*body).ip_version = version as u16;
        if len > MAX_DNS as u64 {
            len = MAX_DNS as u64;
        }
        let to = record.base.add(size_of::<Head>() + size_of::<Packet>());
        let payload = udp.wrapping_add(UDP_HEADER) as *const c_void;
        if generated::bpf_probe_read_kernel(to.cast::<c_void>(), len as u32, payload) != 0 {
            len = 0;
        }
        (*body).len = len as u16;
        (*record.private).at = (size_of::<Head>() + size_of::<Packet>()) as u64 + len;
    }
    record.submit(Which::Dns);
    0
}

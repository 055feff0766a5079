//! Questions to name servers, seen when their packets leave: whatever system call wrote them. Over TCP a message begins
//! with its length; one that lies in a packet as a whole is recorded.

use core::ffi::c_void;

use aya_ebpf::helpers::generated;
use aya_ebpf::macros::btf_tracepoint;
use aya_ebpf::programs::BtfTracePointContext;
use tracehound_capture_layout::Head;
use tracehound_capture_layout::record::{Packet, kind};
use tracehound_capture_layout::settings::{MAX_DNS, counter};

use crate::instance::FIRST;
use crate::kernel::{current_typed, member, offset, pid_tgid, read, read_user, setting};
use crate::ring::{Record, Which, head, is_self};
use crate::syscall;

const TCP: u8 = 6;
const UDP: u8 = 17;
const PORT: u16 = 53;

/// Bytes of the header of a message, RFC 1035 section 4.1.1.
const HEADER: u64 = 12;

/// Numbers of system calls that send, on x86-64.
const WRITE: u64 = 1;
const WRITEV: u64 = 20;
const SENDTO: u64 = 44;
const SENDMSG: u64 = 46;
const SENDMMSG: u64 = 307;

/// Offset of the vector in a `struct msghdr`.
const MSG_IOV: u64 = 16;

/// Bytes of a UDP header.
const UDP_HEADER: u64 = 8;

#[btf_tracepoint(function = "net_dev_queue")]
fn net_dev_queue(ctx: BtfTracePointContext) -> i32 {
    let skb = ctx.arg::<u64>(0);
    let start: u64 = member(skb, offset!(skb_head));
    let network: u16 = member(skb, offset!(skb_network));
    let transport: u16 = member(skb, offset!(skb_transport));
    let ip = start.wrapping_add(network as u64);
    let transport = start.wrapping_add(transport as u64);
    let version = read::<u8>(ip) >> 4;
    let protocol = match version {
        4 => read::<u8>(ip.wrapping_add(9)),
        6 => read::<u8>(ip.wrapping_add(6)),
        _ => return 0,
    };
    if protocol != UDP && protocol != TCP {
        return 0;
    }
    let ports: [u16; 3] = read(transport);
    if u16::from_be(ports[1]) != PORT {
        return 0;
    }
    let ids = pid_tgid();
    if is_self((ids >> 32) as u32) {
        return 0;
    }
    let is_udp = protocol == UDP;
    let (payload, mut len) = if is_udp {
        (transport.wrapping_add(UDP_HEADER), (u16::from_be(ports[2]) as u64).wrapping_sub(UDP_HEADER))
    } else {
        match in_tcp(skb, start, transport) {
            Some(message) => message,
            None => return 0,
        }
    };
    let Some(record) = Record::begin(Which::Dns, counter::DNS, FIRST, head(kind::DNS, 0, 0, ids)) else { return 0 };
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
        let payload = payload as *const c_void;
        let failed = if is_udp {
            generated::bpf_probe_read_kernel(to.cast::<c_void>(), len as u32, payload)
        } else {
            generated::bpf_probe_read_user(to.cast::<c_void>(), len as u32, payload)
        };
        if failed != 0 {
            len = 0;
        }
        (*body).len = len as u16;
        (*record.private).at = (size_of::<Head>() + size_of::<Packet>()) as u64 + len;
    }
    record.submit(Which::Dns);
    0
}

/// Address in the sending process, and length, of a message that is sent with its length in front; `None` if the packet has
/// no data, or data that begins no message. What is sent lies in pages that cannot be read here, but the system call that
/// sends it is still going on.
#[inline(always)]
fn in_tcp(skb: u64, head: u64, tcp: u64) -> Option<(u64, u64)> {
    if setting!(has_task_regs) == 0 {
        return None;
    }
    let len = member::<u32>(skb, offset!(skb_len)) as u64;
    let headers = tcp.wrapping_sub(head).wrapping_sub(member::<u16>(skb, offset!(skb_mac)) as u64)
        + (read::<u8>(tcp.wrapping_add(12)) >> 4) as u64 * 4;
    if len <= headers {
        return None;
    }
    // SAFETY: the task is the running one; the verifier checks the offsets.
    let (nr, args) = unsafe {
        let regs = generated::bpf_task_pt_regs(current_typed().cast_mut().cast()) as *const u8;
        (syscall::number(regs), syscall::args(regs))
    };
    // Of a vector of pieces the first is often the length alone.
    let vector = match nr {
        WRITE | SENDTO => return message([args[1], args[2], 0, 0], len - headers),
        WRITEV => args[1],
        SENDMSG | SENDMMSG => read_user::<u64>(args[1].wrapping_add(MSG_IOV))?,
        _ => return None,
    };
    let pieces = match read_user::<[u64; 4]>(vector) {
        Some(pieces) => pieces,
        None => {
            let [start, len] = read_user::<[u64; 2]>(vector)?;
            [start, len, 0, 0]
        }
    };
    message(pieces, len - headers)
}

/// The message in two pieces of memory of the process, of which `n_sent` bytes are in a packet.
#[inline(always)]
fn message(pieces: [u64; 4], n_sent: u64) -> Option<(u64, u64)> {
    let [start, len, second, second_len] = pieces;
    let n = u16::from_be(read_user::<u16>(start)?) as u64;
    if n < HEADER || n + 2 > n_sent {
        return None;
    }
    if len == 2 && second_len >= n {
        return Some((second, n));
    }
    if n + 2 <= len { Some((start.wrapping_add(2), n)) } else { None }
}

//! Sockets.

use aya_ebpf::helpers::generated;
use core::ffi::c_void;
use tracehound_capture_layout::record::Socket;
use tracehound_capture_layout::settings::ABSENT;

use crate::kernel::{member, offset};

const AF_UNIX: u16 = 1;
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;
const S_IFMT: u16 = 0o170_000;
const S_IFSOCK: u16 = 0o140_000;

/// Bytes of `sun_path`.
const UNIX_PATH: u32 = 108;

/// Writes what is known of the socket behind an open file; returns the bytes written, 0 if it is no socket.
///
/// # Safety
///
/// `to` must be aligned to 8 and have room for a [`Socket`] and two Unix paths.
#[inline(always)]
pub(crate) unsafe fn describe(file: u64, to: *mut u8) -> u64 {
    let inode: u64 = member(file, offset!(file_inode));
    if member::<u16>(inode, offset!(inode_mode)) & S_IFMT != S_IFSOCK {
        return 0;
    }
    let socket: u64 = member(file, offset!(file_private));
    let sk: u64 = member(socket, offset!(socket_sk));
    if sk == 0 {
        return 0;
    }
    // SAFETY: the caller's.
    unsafe {
        let out = to.cast::<Socket>();
        out.write(Socket::NOTHING);
        let family: u16 = member(sk, offset!(sk_family));
        (*out).family = family;
        (*out).ty = member(socket, offset!(socket_type));
        (*out).protocol = member(sk, offset!(sk_protocol));
        (*out).backlog = member(sk, offset!(sk_ack_backlog));
        (*out).backlog_max = member(sk, offset!(sk_max_ack_backlog));
        let mut len = size_of::<Socket>() as u64;
        if family == AF_INET || family == AF_INET6 {
            (*out).local_port = u16::from_be(member(sk, offset!(inet_sport)));
            (*out).remote_port = u16::from_be(member(sk, offset!(sk_dport)));
        }
        if family == AF_INET {
            copy::<4>((&raw mut (*out).local).cast(), sk, offset!(inet_saddr));
            copy::<4>((&raw mut (*out).remote).cast(), sk, offset!(sk_daddr));
        } else if family == AF_INET6 && offset!(sk_v6_daddr) != ABSENT {
            copy::<16>((&raw mut (*out).remote).cast(), sk, offset!(sk_v6_daddr));
            if offset!(inet_pinet6) != ABSENT && offset!(ip6_saddr) != ABSENT {
                let pinet6: u64 = member(sk, offset!(inet_pinet6));
                copy::<16>((&raw mut (*out).local).cast(), pinet6, offset!(ip6_saddr));
            } else {
                copy::<16>((&raw mut (*out).local).cast(), sk, offset!(sk_v6_rcv_saddr));
            }
        } else if family == AF_UNIX && offset!(unix_peer) != ABSENT {
            let peer: u64 = member(sk, offset!(unix_peer));
            (&raw mut (*out).local).cast::<u64>().write(sk);
            (&raw mut (*out).remote).cast::<u64>().write(peer);
            // Both paths have a fixed place of their own: the verifier need not follow their lengths.
            (*out).local_path_len = unix_path(sk, to.add(size_of::<Socket>()));
            (*out).remote_path_len = unix_path(peer, to.add(size_of::<Socket>() + UNIX_PATH as usize));
            len += 2 * UNIX_PATH as u64;
        }
        len
    }
}

/// Copies the path a Unix socket is bound to; its length.
#[inline(always)]
unsafe fn unix_path(sk: u64, to: *mut u8) -> u16 {
    if sk == 0 {
        return 0;
    }
    let addr: u64 = member(sk, offset!(unix_addr));
    if addr == 0 {
        return 0;
    }
    let len: u32 = member(addr, offset!(unix_addr_len));
    // The address begins with two bytes of family.
    let path = addr.wrapping_add(offset!(unix_addr_name) as u64 + 2);
    // SAFETY: the caller's.
    unsafe { generated::bpf_probe_read_kernel(to.cast::<c_void>(), UNIX_PATH, path as *const c_void) };
    if len < 2 {
        0
    } else if len > UNIX_PATH + 2 {
        UNIX_PATH as u16
    } else {
        (len - 2) as u16
    }
}

#[inline(always)]
unsafe fn copy<const N: u32>(to: *mut u8, base: u64, offset: u32) {
    let from = base.wrapping_add(offset as u64);
    // SAFETY: the caller's.
    unsafe { generated::bpf_probe_read_kernel(to.cast::<c_void>(), N, from as *const c_void) };
}

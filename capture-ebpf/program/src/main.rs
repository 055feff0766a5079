//! The kernel side of the recorder: four programs on tracepoints (and two that can be left out), which build records
//! in memory of their CPU and put them into one ring buffer. `../layout` has the records.
//!
//! Offsets of kernel structures, the table of system calls and all settings are read-only data that the recorder
//! fills in before loading; the verifier takes them for constants and removes what is switched off. Structures are
//! read with `bpf_probe_read_kernel`: a pointer that is gone gives zeros, and what the verifier knows of types
//! differs between kernels. Only what system calls take most is read by plain loads where the kernel gives typed
//! pointers: the way from the running thread to its table of open files (5.11), and the file that it opened (6.2).
#![no_std]
#![no_main]

mod dns;
mod file;
mod instance;
mod kernel;
mod lifecycle;
mod ring;
mod socket;
mod syscall;
mod uring;

use tracehound_capture_layout::settings::{self, Calls, MAX_CALLS, Wanted};
use tracehound_capture_layout::{Call, Offsets, Settings};

/// Where members of kernel structures are.
#[unsafe(no_mangle)]
static OFFSETS: Offsets = Offsets::UNKNOWN;

/// Everything else the recorder tells.
#[unsafe(no_mangle)]
static SETTINGS: Settings = Settings::NOTHING;

/// System calls of x86-64, by number.
#[unsafe(no_mangle)]
static CALLS: Calls = Calls { rows: [Call::NEVER; MAX_CALLS] };

/// System calls of i386, by number.
#[unsafe(no_mangle)]
static CALLS_32: Calls = Calls { rows: [Call::NEVER; MAX_CALLS] };

/// Which numbers either table has.
#[unsafe(no_mangle)]
static WANTED: Wanted = Wanted { bits: [0; MAX_CALLS] };

/// See [`settings::SOCKETCALLS`].
#[unsafe(no_mangle)]
static SOCKETCALLS: [u16; 32] = settings::SOCKETCALLS;

/// Helpers of the kernel are for programs under a licence compatible with its own.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";

#[cfg(not(test))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

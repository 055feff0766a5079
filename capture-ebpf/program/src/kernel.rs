//! Reading the kernel's memory.

use core::ffi::c_void;
use core::mem::MaybeUninit;

use aya_ebpf::helpers::generated;
use tracehound_capture_layout::settings::RDONLY_CAST;

/// A member's offset, which the verifier knows.
macro_rules! offset {
    ($field:ident) => {
        crate::kernel::fixed(&crate::OFFSETS.$field)
    };
}
pub(crate) use offset;

/// A setting, which the verifier knows.
macro_rules! setting {
    ($field:ident) => {
        crate::kernel::fixed(&crate::SETTINGS.$field)
    };
}
pub(crate) use setting;

/// A value that the recorder fills in after compilation.
#[inline(always)]
pub(crate) fn fixed<T: Copy>(value: &'static T) -> T {
    // SAFETY: a reference is valid; volatile, because the compiler must not take the value in the source for it.
    unsafe { core::ptr::read_volatile(value) }
}

/// Reads a value of the kernel; zeros if the address is bad.
#[inline(always)]
pub(crate) fn read<T>(address: u64) -> T {
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: the destination is as large as said; the helper fills it with zeros if it cannot read. `T` is an
    // integer or an array of them wherever this is used.
    unsafe {
        generated::bpf_probe_read_kernel(
            value.as_mut_ptr().cast::<c_void>(),
            size_of::<T>() as u32,
            address as *const c_void,
        );
        value.assume_init()
    }
}

/// Reads a value of the process; `None` if it cannot be read.
#[inline(always)]
pub(crate) fn read_user<T>(address: u64) -> Option<T> {
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: as for `read`.
    unsafe {
        let failed = generated::bpf_probe_read_user(
            value.as_mut_ptr().cast::<c_void>(),
            size_of::<T>() as u32,
            address as *const c_void,
        );
        (failed == 0).then_some(value.assume_init())
    }
}

/// Reads a value of the process; zeros if it cannot be read.
#[inline(always)]
pub(crate) fn read_user_or_zero<T>(address: u64) -> T {
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: as for `read`.
    unsafe {
        generated::bpf_probe_read_user(
            value.as_mut_ptr().cast::<c_void>(),
            size_of::<T>() as u32,
            address as *const c_void,
        );
        value.assume_init()
    }
}

/// Reads the member at `offset` of the structure at `base`.
#[inline(always)]
pub(crate) fn member<T>(base: u64, offset: u32) -> T {
    read(base.wrapping_add(offset as u64))
}

/// The start of a structure, read at once: members near each other then cost one call of the helper, not one each.
pub(crate) struct Window<const N: usize> {
    base: u64,
    words: *const [u64; N],
}

impl<const N: usize> Window<N> {
    /// Reads into memory of the program's buffer: the stack has 512 bytes.
    ///
    /// # Safety
    ///
    /// `words` must be valid until the last member was asked for.
    #[inline(always)]
    pub(crate) unsafe fn read(words: *mut [u64; N], base: u64) -> Window<N> {
        // SAFETY: the caller's; the helper fills with zeros what it cannot read.
        unsafe {
            generated::bpf_probe_read_kernel(
                words.cast::<c_void>(),
                size_of::<[u64; N]>() as u32,
                base as *const c_void,
            )
        };
        Window { base, words }
    }

    /// The member at `offset`, of its own if it lies further back. The verifier knows the offset, and so which.
    #[inline(always)]
    pub(crate) fn member<T: Copy>(&self, offset: u32) -> T {
        if offset as usize + size_of::<T>() <= 8 * N && offset as usize % size_of::<T>() == 0 {
            // SAFETY: inside the array, and aligned for `T`, an integer.
            unsafe { self.words.cast::<u8>().add(offset as usize).cast::<T>().read_volatile() }
        } else {
            member(self.base, offset)
        }
    }
}

/// The running task's structure, as an address.
#[inline(always)]
pub(crate) fn current() -> u64 {
    // SAFETY: has no preconditions.
    unsafe { generated::bpf_get_current_task() }
}

/// The running task's structure as a pointer whose type the verifier knows, so that [`follow`] and [`load`] can read it
/// without a helper. Needs Linux 5.11 (`has_task_btf`).
#[inline(always)]
pub(crate) fn current_typed() -> *const u8 {
    // SAFETY: has no preconditions.
    unsafe { generated::bpf_get_current_task_btf().cast::<u8>().cast_const() }
}

/// Reads a member through a typed pointer.
#[inline(always)]
pub(crate) fn load<T>(base: *const u8, offset: u32) -> T {
    // SAFETY: the verifier lets only members of the type be read, and a bad address reads as zero.
    unsafe { base.add(offset as usize).cast::<T>().read_volatile() }
}

/// Reads a pointer to a structure through a typed pointer: it has a type again. `None` if it is null, which some kernels
/// want to see asked.
#[inline(always)]
pub(crate) fn follow(base: *const u8, offset: u32) -> Option<*const u8> {
    let next: *const u8 = load(base, offset);
    if next.is_null() { None } else { Some(next) }
}

/// Gives an address a type, so that [`follow`] and [`load`] can read through it. Costs nothing: it tells the verifier
/// only. Needs a kernel that has it (`kiocb_type`).
#[inline(always)]
pub(crate) fn typed(address: u64, ty: u32) -> *const u8 {
    // SAFETY: calls of helpers have this form; the loader replaces the number.
    unsafe {
        let cast = core::mem::transmute::<usize, unsafe extern "C" fn(u64, u32) -> *const u8>(RDONLY_CAST as usize);
        cast(address, ty)
    }
}

/// Nanoseconds since boot, suspended time included.
#[inline(always)]
pub(crate) fn now() -> u64 {
    // SAFETY: has no preconditions.
    unsafe { generated::bpf_ktime_get_boot_ns() }
}

/// [`current_typed`] where the kernel has it, else [`current`]. To ask once for a program saves a call each time it is
/// used.
#[inline(always)]
pub(crate) fn task() -> *const u8 {
    if setting!(has_task_btf) != 0 { current_typed() } else { current() as *const u8 }
}

/// The running thread: process id in the upper half, thread id in the lower.
#[inline(always)]
pub(crate) fn pid_tgid() -> u64 {
    pid_tgid_of(task())
}

/// The same; `task` is [`task()`].
#[inline(always)]
pub(crate) fn pid_tgid_of(task: *const u8) -> u64 {
    if setting!(has_task_btf) != 0 {
        // What the helper reads, without calling it.
        return (load::<u32>(task, offset!(task_tgid)) as u64) << 32 | load::<u32>(task, offset!(task_pid)) as u64;
    }
    // SAFETY: has no preconditions.
    unsafe { generated::bpf_get_current_pid_tgid() }
}

/// The CPU that runs this.
#[inline(always)]
pub(crate) fn cpu() -> u32 {
    // SAFETY: has no preconditions.
    unsafe { generated::bpf_get_smp_processor_id() }
}

/// Copies a NUL-terminated string of the kernel; the length with the NUL, 0 if it cannot be read.
///
/// # Safety
///
/// `to` must have room for `MAX` bytes.
#[inline(always)]
pub(crate) unsafe fn copy_str<const MAX: u32>(to: *mut u8, from: u64) -> u64 {
    // SAFETY: the caller's.
    let n = unsafe { generated::bpf_probe_read_kernel_str(to.cast::<c_void>(), MAX, from as *const c_void) };
    if n < 0 { 0 } else { n as u64 }
}

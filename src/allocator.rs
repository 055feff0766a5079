//! When the allocator gives freed memory back to the system. What else is set of it: `.cargo/config.toml`.
//!
//! mimalloc does once a second, which suits a server. An analysis asks for the same memory again at once, and the system
//! clears it each time; a recorder is a guest on its host, and returns at once what it does not need.

use std::ffi::c_long;

use libmimalloc_sys::{mi_option_set, mi_option_t};

/// `mi_option_purge_delay` of mimalloc's `mi_option_e`: milliseconds until freed memory is given back, -1 for never. The
/// bindings have no name for it.
const PURGE_DELAY: mi_option_t = 15;

/// What sets it from outside, and then is left as it is.
const VARIABLE: &str = "MIMALLOC_PURGE_DELAY";

/// Keeps freed memory until the program ends. To be called before there are other threads.
pub(crate) fn keep_freed_memory() {
    set(-1);
}

/// Gives memory back as soon as it is free. To be called before there are other threads.
#[cfg(all(target_os = "linux", feature = "capture"))]
pub(crate) fn return_freed_memory() {
    set(0);
}

#[expect(unsafe_code, reason = "the allocator is C: a store to a variable of its own, while there is one thread")]
fn set(delay: c_long) {
    if std::env::var_os(VARIABLE).is_none() {
        // SAFETY: an option by a number that is in its table, which the test below checks; no pointers.
        unsafe { mi_option_set(PURGE_DELAY, delay) }
    }
}

#[cfg(test)]
mod tests {
    use libmimalloc_sys::mi_option_get;

    use super::*;

    #[expect(unsafe_code, reason = "the allocator is C: a load from a variable of its own")]
    fn delay() -> c_long {
        // SAFETY: an option by number; no pointers.
        unsafe { mi_option_get(PURGE_DELAY) }
    }

    /// The option is known by its number: a new release of the allocator could have another one there.
    #[test]
    fn the_option_is_the_delay() {
        const DEFAULT: c_long = 1000;
        assert_eq!(delay(), DEFAULT);
        keep_freed_memory();
        assert_eq!(delay(), -1);
    }
}

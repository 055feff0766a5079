//! `.scap` captures: what is read can be written as a native trace and read back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tracehound_formats::scap::Scap;

fuzz_target!(|data: &[u8]| {
    if let Some(read) = tracehound_fuzz::read(&Scap, data) {
        tracehound_fuzz::check_native(&read, data);
        tracehound_fuzz::check_wanted(&read, &Scap, data);
    }
});

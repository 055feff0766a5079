//! Native traces, with checksums made right: what is read can be written and read back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tracehound_formats::native::Native;

fuzz_target!(|data: &[u8]| {
    let mut data = data.to_vec();
    tracehound_fuzz::checksums::repair(&mut data);
    if let Some(read) = tracehound_fuzz::read(&Native, &data) {
        tracehound_fuzz::check_native(&read, &data);
        tracehound_fuzz::check_wanted(&read, &Native, &data);
        tracehound_fuzz::check_text(&read);
    }
});

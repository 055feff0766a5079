//! The text notation: what is read can be written, as text and as a native trace, and read back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tracehound_formats::text::Text;

fuzz_target!(|data: &[u8]| {
    if let Some(read) = tracehound_fuzz::read(&Text, data) {
        tracehound_fuzz::check_text(&read);
        tracehound_fuzz::check_native(&read, data);
    }
});

//! Any bytes, opened as whatever format they look like, and by each format by name.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tracehound_formats::{FORMATS, Input};

fuzz_target!(|data: &[u8]| {
    if let Ok(mut reader) = tracehound_formats::open(Input::from(data.to_vec())) {
        tracehound_fuzz::drain(&mut *reader, data.len());
    }
    for format in FORMATS {
        tracehound_fuzz::read(*format, data);
    }
});

//! Memory maps of input files: the only unsafe code of this crate.

use std::fs::File;
use std::io;

/// A read-only map of a file.
#[derive(Debug)]
pub(crate) struct Map(memmap2::Mmap);

impl Map {
    /// Maps the whole file.
    #[expect(unsafe_code, reason = "mapping a file is unsafe because another process can change it")]
    pub(crate) fn of(file: &File) -> io::Result<Map> {
        // SAFETY: `Mmap::map` asks that the file is not modified while it is mapped. Nobody can prove that for a
        // file on a shared disk, so the readers do not rely on it: they treat every byte as hostile on every
        // read and keep no invariant that a second read of the same byte could break (lengths are copied once
        // into locals and checked there; text is never assumed to be UTF-8). A file that is *truncated* while
        // mapped raises SIGBUS, which ends the process without undefined behaviour; evidence files are at rest.
        let map = unsafe { memmap2::Mmap::map(file)? };
        Ok(Map(map))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

//! Memory maps of input files: the only unsafe code of this crate.

use std::fs::File;
use std::io;
use std::ops::Range;

#[cfg(unix)]
use memmap2::UncheckedAdvice;

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

    /// Takes the pages of a range out of the memory of the process; they are read from the file again if need be.
    /// Advice only: a system that does not take it goes on as before.
    #[cfg(unix)]
    #[expect(unsafe_code, reason = "of memory that is not a file's, the same advice would lose what stands there")]
    pub(crate) fn forget(&self, range: Range<usize>) {
        // SAFETY: the advice is unsafe because it can change what the memory holds. This map is shared, of a file and
        // never written, so that a page that is touched again holds what the file holds: the same as before, or, if
        // another process changed the file, something else, which `Map::of` allows for.
        let _ = unsafe { self.0.unchecked_advise_range(UncheckedAdvice::DontNeed, range.start, range.len()) };
    }

    #[cfg(not(unix))]
    pub(crate) fn forget(&self, _: Range<usize>) {}
}

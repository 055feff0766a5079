//! The bytes of an input: a mapped file or a buffer.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use crate::mmap::Map;
use crate::reader::OpenError;

/// Bytes of an input, cheap to clone, readable from any thread.
#[derive(Clone, Debug)]
pub struct Input {
    bytes: Arc<Bytes>,
}

#[derive(Debug)]
enum Bytes {
    Mapped(Map),
    Owned(Vec<u8>),
}

impl Input {
    /// Opens a path: a regular file is mapped, anything else (a pipe) is read to its end.
    pub fn open(path: &Path) -> Result<Input, OpenError> {
        let mut file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(OpenError::Io(std::io::Error::from(std::io::ErrorKind::IsADirectory)));
        }
        let bytes = if metadata.is_file() && metadata.len() > 0 {
            Bytes::Mapped(Map::of(&file)?)
        } else {
            let mut owned = Vec::new();
            file.read_to_end(&mut owned)?;
            Bytes::Owned(owned)
        };
        Ok(Input { bytes: Arc::new(bytes) })
    }

    /// Reads standard input to its end.
    pub fn stdin() -> Result<Input, OpenError> {
        let mut owned = Vec::new();
        std::io::stdin().lock().read_to_end(&mut owned)?;
        Ok(owned.into())
    }

    /// All bytes.
    pub fn bytes(&self) -> &[u8] {
        match &*self.bytes {
            Bytes::Mapped(map) => map.bytes(),
            Bytes::Owned(owned) => owned,
        }
    }
}

/// Lets go of a mapped file behind a reader, which goes through it once: otherwise all of a trace of gigabytes would count
/// as memory of the process by its end. What was let go can still be read.
#[derive(Debug, Default)]
pub(crate) struct Forgetter {
    done: usize,
}

impl Forgetter {
    /// Bytes after which it is worth a call of the system.
    const STEP: usize = 4 << 20;

    /// Says that a reader is done with the bytes before a place.
    pub(crate) fn up_to(&mut self, input: &Input, end: u64) {
        let end = usize::try_from(end).unwrap_or(usize::MAX).min(input.bytes().len());
        if let Bytes::Mapped(map) = &*input.bytes
            && end.saturating_sub(self.done) >= Self::STEP
        {
            map.forget(self.done..end);
            self.done = end;
        }
    }
}

impl From<Vec<u8>> for Input {
    fn from(owned: Vec<u8>) -> Self {
        Input { bytes: Arc::new(Bytes::Owned(owned)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_let_go_can_be_read_again() {
        let path = std::env::temp_dir().join(format!("tracehound-forget-{}", std::process::id()));
        let expected: Vec<u8> = (0..3 * Forgetter::STEP as u32 / 4).flat_map(u32::to_le_bytes).collect();
        std::fs::write(&path, &expected).unwrap();
        let input = Input::open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let mut forgetter = Forgetter::default();
        for end in [1, Forgetter::STEP as u64 + 5, Forgetter::STEP as u64 + 6, u64::MAX] {
            assert!(input.bytes() == expected);
            forgetter.up_to(&input, end);
        }
        assert_eq!(forgetter.done, expected.len());
        assert!(input.bytes() == expected);
    }
}

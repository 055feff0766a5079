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

impl From<Vec<u8>> for Input {
    fn from(owned: Vec<u8>) -> Self {
        Input { bytes: Arc::new(Bytes::Owned(owned)) }
    }
}

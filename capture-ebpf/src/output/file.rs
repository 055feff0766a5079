//! Where bytes go: a file that stays readable whatever happens to it, standard output, or memory.
//!
//! A trace gets its name with its first byte, not when it is complete. A temporary name that is changed at the end
//! would tell nothing more (an unfinished trace says so itself: it has no end mark), and after a crash of the machine
//! one would have to look for it under another name than was asked for.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{FallocateFlags, fallocate};

/// Room that is kept for the end of a file: the last events of the recorder, notes, directory and end mark. The
/// directory of a full day at a segment a second stays below.
const END_ROOM: u64 = 1 << 20;

/// Something that takes a segment whole or not at all.
#[derive(Debug)]
pub(crate) enum Sink {
    File(TraceFile),
    Stdout,
    Memory { bytes: Vec<u8>, max: u64 },
}

/// A file of which each write is whole or not there.
#[derive(Debug)]
pub(crate) struct TraceFile {
    file: File,
    /// Bytes written.
    len: u64,
    /// Bytes that it may have.
    max: u64,
    /// Room for the end of a smaller file is smaller.
    end_room: u64,
    /// False where the file system cannot keep room.
    keeps_room: bool,
    /// True once only the end is written, for which there is room.
    is_ending: bool,
}

impl TraceFile {
    /// Makes a new file that only its owner can read: what processes were given as arguments can be secret.
    pub(crate) fn create(path: &Path, max: Option<u64>) -> io::Result<TraceFile> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        let max = max.unwrap_or(u64::MAX);
        let end_room = END_ROOM.min(max / 8);
        let mut file = TraceFile { file, len: 0, max, end_room, keeps_room: true, is_ending: false };
        // Whether a disk has room even for the end is known before anything is recorded.
        if let Err(error) = file.keep_room(0) {
            let _ = std::fs::remove_file(path);
            return Err(error);
        }
        Ok(file)
    }

    fn keep_room(&mut self, len: u64) -> io::Result<()> {
        if !self.keeps_room || self.is_ending {
            return Ok(());
        }
        match fallocate(&self.file, FallocateFlags::KEEP_SIZE, self.len, len + self.end_room) {
            Err(error) if error == rustix::io::Errno::NOSPC || error == rustix::io::Errno::DQUOT => Err(error.into()),
            Err(_) => {
                self.keeps_room = false;
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        let len = bytes.len() as u64;
        let room = if self.is_ending { 0 } else { self.end_room };
        if self.len + len + room > self.max {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the size that was asked for is reached"));
        }
        self.keep_room(len)?;
        if let Err(error) = self.file.write_all(bytes) {
            // What was written of it would be damage. Whoever reads the file takes what stands before.
            self.file.set_len(self.len)?;
            io::Seek::seek(&mut self.file, io::SeekFrom::Start(self.len))?;
            return Err(error);
        }
        self.len += len;
        Ok(())
    }

    /// Ends the file: gives back the room and waits for the disk.
    fn finish(&mut self) -> io::Result<()> {
        if self.keeps_room {
            // To the length that it has: what is kept beyond it is given back.
            self.file.set_len(self.len)?;
        }
        self.file.sync_all()
    }
}

impl Sink {
    /// Most bytes that it takes.
    pub(crate) fn max(&self) -> u64 {
        match self {
            Sink::File(file) => file.max,
            Sink::Stdout => u64::MAX,
            Sink::Memory { max, .. } => *max,
        }
    }

    /// What follows is the end of the trace, for which there is room.
    pub(crate) fn begin_end(&mut self) {
        match self {
            Sink::File(file) => file.is_ending = true,
            Sink::Stdout => {}
            Sink::Memory { max, .. } => *max = u64::MAX,
        }
    }

    /// Waits until what was written would survive a loss of power.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        match self {
            Sink::File(file) => file.file.sync_data(),
            Sink::Stdout => io::stdout().flush(),
            Sink::Memory { .. } => Ok(()),
        }
    }

    /// Ends it; nothing is written after. Gives what was kept in memory.
    pub(crate) fn finish(&mut self) -> io::Result<Option<Arc<[u8]>>> {
        match self {
            Sink::File(file) => file.finish().map(|()| None),
            Sink::Stdout => io::stdout().flush().map(|()| None),
            Sink::Memory { bytes, .. } => Ok(Some(std::mem::take(bytes).into())),
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Sink::File(file) => file.put(bytes)?,
            Sink::Stdout => io::stdout().write_all(bytes)?,
            Sink::Memory { bytes: out, max } => {
                if (out.len() + bytes.len()) as u64 > *max {
                    return Err(io::ErrorKind::FileTooLarge.into());
                }
                out.extend_from_slice(bytes);
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// True if a write failed because there is no more room for it; other places may have some.
pub(crate) fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_write_is_whole_or_not_there_and_the_end_fits() {
        let path = std::env::temp_dir().join(format!("tracehound-trace-file-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let mut sink = Sink::File(TraceFile::create(&path, Some(1000)).unwrap());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(TraceFile::create(&path, None).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        sink.write_all(&[1; 800]).unwrap();
        let error = sink.write_all(&[2; 100]).unwrap_err();
        assert!(is_full(&error), "{error}");
        sink.begin_end();
        sink.write_all(&[3; 100]).unwrap();
        assert_eq!(sink.finish().unwrap(), None);
        assert_eq!(std::fs::read(&path).unwrap(), [vec![1; 800], vec![3; 100]].concat());
        std::fs::remove_file(path).unwrap();
    }
}

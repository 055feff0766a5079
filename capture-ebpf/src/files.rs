//! Reading the files of a host that is perhaps hostile: bounded, as bytes, below a root that tests can set.
//!
//! Nothing here waits for a device or a pipe, and nothing asks a file system of the network for fresh attributes.

use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use bstr::BString;
use rustix::fs::{AtFlags, CWD, OFlags, StatxFlags};

/// Most entries of one folder that are looked at: more than a kernel has pids.
const MAX_ENTRIES: usize = 4 << 20;

/// The tree that is read: `/`, or a folder that stands for it.
#[derive(Clone, Debug)]
pub struct Root(PathBuf);

impl Default for Root {
    fn default() -> Self {
        Root::new("/")
    }
}

/// What a file is, without asking a server for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Type and permissions (`st_mode`).
    pub mode: u32,
    /// Inode.
    pub ino: u64,
    /// Time of the last change of the inode, ns since the epoch.
    pub ctime_ns: u64,
    /// Time of the last change of the content, ns since the epoch.
    pub mtime_ns: u64,
    /// Device, kernel encoding (`new_encode_dev` of `include/linux/kdev_t.h`).
    pub dev: u32,
}

impl Facts {
    /// True for a folder.
    pub fn is_dir(&self) -> bool {
        self.mode & 0o170000 == 0o040000
    }
}

impl Root {
    /// A tree below a folder.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Root(path.into())
    }

    /// Where a path of the host is.
    pub fn path(&self, path: &str) -> PathBuf {
        self.0.join(path.trim_start_matches('/'))
    }

    /// The first `max` bytes of a file; `None` if it cannot be read. A file of `/proc` that vanishes while it is read
    /// gives what was read.
    pub fn read(&self, path: &str, max: usize) -> Option<Vec<u8>> {
        read_start(open(&self.path(path), OFlags::empty())?, max)
    }

    /// As [`Root::read`], of a regular file that is no symbolic link and not longer than `max`: for files that
    /// somebody else may have put there.
    pub fn read_whole(&self, path: &str, max: usize) -> Option<Vec<u8>> {
        let file = open(&self.path(path), OFlags::NOFOLLOW)?;
        if !file.metadata().ok()?.is_file() {
            return None;
        }
        read_start(file, max + 1).filter(|bytes| bytes.len() <= max)
    }

    /// Where a symbolic link points, unchanged.
    pub fn link(&self, path: &str) -> Option<BString> {
        Some(BString::from(fs::read_link(self.path(path)).ok()?.into_os_string().into_vec()))
    }

    /// What a file is; follows links.
    pub fn facts(&self, path: &str) -> Option<Facts> {
        let wanted = StatxFlags::TYPE | StatxFlags::MODE | StatxFlags::INO | StatxFlags::CTIME | StatxFlags::MTIME;
        let stat = rustix::fs::statx(CWD, self.path(path), AtFlags::STATX_DONT_SYNC, wanted).ok()?;
        let ns = |sec: i64, nsec: u32| u64::try_from(sec).unwrap_or(0) * 1_000_000_000 + u64::from(nsec);
        let (major, minor) = (stat.stx_dev_major, stat.stx_dev_minor);
        Some(Facts {
            mode: u32::from(stat.stx_mode),
            ino: stat.stx_ino,
            ctime_ns: ns(stat.stx_ctime.tv_sec, stat.stx_ctime.tv_nsec),
            mtime_ns: ns(stat.stx_mtime.tv_sec, stat.stx_mtime.tv_nsec),
            dev: (minor & 0xff) | (major << 8) | ((minor & !0xff) << 12),
        })
    }

    /// The entries of a folder that are numbers, in rising order; empty if it cannot be read.
    pub fn numbers(&self, path: &str) -> Vec<u32> {
        let entries = fs::read_dir(self.path(path)).into_iter().flatten().take(MAX_ENTRIES);
        let mut numbers: Vec<u32> =
            entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
        numbers.sort_unstable();
        numbers
    }

    /// The names in a folder in order, at most `max` of them.
    pub fn names(&self, path: &str, max: usize) -> Vec<String> {
        let entries = fs::read_dir(self.path(path)).into_iter().flatten().take(max);
        let mut names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
        names.sort_unstable();
        names
    }
}

fn open(path: &Path, more: OFlags) -> Option<File> {
    // A pipe or a device in the place of a file must not make the recorder wait.
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY | more;
    OpenOptions::new().read(true).custom_flags(flags.bits() as i32).open(path).ok()
}

fn read_start(file: File, max: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    match file.take(max as u64).read_to_end(&mut bytes) {
        Err(_) if bytes.is_empty() => None,
        _ => Some(bytes),
    }
}

/// The words of a line.
pub(crate) fn fields(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_regular_files() {
        let folder = std::env::temp_dir().join(format!("tracehound-files-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("f"), "abcdef").unwrap();
        std::os::unix::fs::symlink("f", folder.join("l")).unwrap();
        let root = Root::new(&folder);
        for (path, max, read, whole) in [
            ("f", 6, Some("abcdef"), Some("abcdef")),
            ("/f", 3, Some("abc"), None),
            ("l", 6, Some("abcdef"), None),
            ("", 6, None, None),
            ("missing", 6, None, None),
        ] {
            let text = |bytes: Option<Vec<u8>>| bytes.map(|b| String::from_utf8(b).unwrap());
            assert_eq!(text(root.read(path, max)).as_deref(), read, "{path}");
            assert_eq!(text(root.read_whole(path, max)).as_deref(), whole, "{path}");
        }
        assert_eq!(root.link("l").unwrap(), "f");
        assert_eq!(root.names("", 10), ["f", "l"]);
        assert!(root.facts("").unwrap().is_dir());
        fs::remove_dir_all(folder).unwrap();
    }
}

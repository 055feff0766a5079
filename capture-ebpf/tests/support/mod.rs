//! A host made of files: what tests of the start state and of containers read.

// Each test file is a program of its own and uses a part of this.
#![allow(dead_code, unreachable_pub)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tracehound_capture::files::Root;

/// A folder that stands for `/`.
pub struct Host(PathBuf);

impl Host {
    /// An empty one.
    pub fn new(name: &str) -> Host {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder for the test");
        Host(path)
    }

    /// The root to read.
    pub fn root(&self) -> Root {
        Root::new(&self.0)
    }

    /// Adds a file.
    pub fn file(&self, path: &str, text: impl AsRef<[u8]>) -> &Host {
        let path = self.place(path);
        fs::write(path, text).expect("a file for the test");
        self
    }

    /// Adds a symbolic link.
    pub fn link(&self, path: &str, target: &str) -> &Host {
        symlink(target, self.place(path)).expect("a link for the test");
        self
    }

    fn place(&self, path: &str) -> PathBuf {
        let path = self.0.join(path.trim_start_matches('/'));
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder for the test");
        path
    }
}

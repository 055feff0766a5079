//! Opening files, and the working directory.
//!
//! Names are joined and normalised, symbolic links are not followed (the trace does not say where they lead).
//! Source: `sinsp_parser::parse_open_openat_creat_exit`, `parse_dirfd`, `parse_{chdir,fchdir,getcwd,chroot}_exit`.

use std::sync::Arc;

use tracehound_formats::event::Arg;
use tracehound_formats::section::FdKind;

use super::exec::Dir;
use super::paths::UNKNOWN_DIR;
use crate::replay::{Cx, Replay};
use crate::strings::Sym;

/// Bits of the `file_flags` table.
pub(crate) mod open_flags {
    pub(crate) const DIRECTORY: u32 = 0x400;
    pub(crate) const CLOEXEC: u32 = 0x1000;
    pub(crate) const UPPER_LAYER: u32 = 0x8000;
    pub(crate) const LOWER_LAYER: u32 = 0x1_0000;
}

/// open.
pub(crate) fn open(r: &mut Replay, cx: &mut Cx<'_>) {
    let cwd = cx.fact.thread.and_then(|thread| r.cwd_of(thread));
    add(r, cx, Opened { dir: Dir::At(cwd), name: 1, flags: cx.u32(2).unwrap_or(0), dev: 4, ino: 5 });
}

/// openat.
pub(crate) fn openat(r: &mut Replay, cx: &mut Cx<'_>) {
    let dir = dir(r, cx);
    add(r, cx, Opened { dir, name: 2, flags: cx.u32(3).unwrap_or(0), dev: 5, ino: 6 });
}

/// openat2.
pub(crate) fn openat2(r: &mut Replay, cx: &mut Cx<'_>) {
    let dir = dir(r, cx);
    add(r, cx, Opened { dir, name: 2, flags: cx.u32(3).unwrap_or(0), dev: 6, ino: 7 });
}

/// open_tree, open_tree_attr: a descriptor for the path, or for a copy of the mount there, which has no path of its own.
pub(crate) fn open_tree(r: &mut Replay, cx: &mut Cx<'_>) {
    const OPEN_TREE_CLOEXEC: u32 = 0o2_000_000;
    let dir = dir(r, cx);
    let is_cloexec = cx.u32(3).is_some_and(|flags| flags & OPEN_TREE_CLOEXEC != 0);
    let flags = if is_cloexec { open_flags::CLOEXEC } else { 0 };
    add(r, cx, Opened { dir, name: 2, flags, dev: NOT_TOLD, ino: NOT_TOLD });
}

/// creat: has no flags; the overlay's layer comes in a word of its own.
pub(crate) fn creat(r: &mut Replay, cx: &mut Cx<'_>) {
    let cwd = cx.fact.thread.and_then(|thread| r.cwd_of(thread));
    let flags = match cx.uint(5) {
        Some(layer) if layer & 1 != 0 => open_flags::UPPER_LAYER,
        Some(layer) if layer & 2 != 0 => open_flags::LOWER_LAYER,
        _ => 0,
    };
    add(r, cx, Opened { dir: Dir::At(cwd), name: 1, flags, dev: 3, ino: 4 });
}

/// open_by_handle_at: the recorder gives the absolute path.
pub(crate) fn open_by_handle_at(r: &mut Replay, cx: &mut Cx<'_>) {
    add(r, cx, Opened { dir: Dir::At(None), name: 3, flags: cx.u32(2).unwrap_or(0), dev: 4, ino: 5 });
}

/// Position of an argument that the call does not have.
const NOT_TOLD: usize = usize::MAX;

/// What an opening system call was given; numbers are positions of arguments.
struct Opened {
    dir: Dir,
    name: usize,
    flags: u32,
    dev: usize,
    ino: usize,
}

fn dir(r: &mut Replay, cx: &Cx<'_>) -> Dir {
    let Some(thread) = cx.fact.thread.filter(|_| cx.is_ok()) else { return Dir::At(None) };
    if cx.event.arg(2).bytes().is_some_and(|name| name.starts_with(b"/")) {
        return Dir::At(None);
    }
    cx.int(1).map_or(Dir::At(None), |dirfd| r.dir(thread, dirfd))
}

fn add(r: &mut Replay, cx: &mut Cx<'_>, opened: Opened) {
    let (Some(thread), Some(fd)) = (cx.fact.thread, cx.ret.filter(|&fd| fd >= 0)) else { return };
    let name: &[u8] = match cx.event.arg(opened.name) {
        Arg::Bytes(name) => name,
        // Falco's text for a name that could not be read.
        Arg::Empty if opened.name == 2 => b"<NA>",
        _ => b"",
    };
    let kind = if opened.flags & open_flags::DIRECTORY != 0 { FdKind::Directory } else { FdKind::File };
    let mut file = r.blank_file(Some(thread), kind);
    file.raw_name = r.intern(name);
    file.name = match opened.dir {
        Dir::At(dir) => r.intern_joined_raw(dir, name, file.raw_name),
        Dir::Unknown => {
            let dir = r.intern(UNKNOWN_DIR);
            r.intern_joined(Some(dir), name)
        }
    };
    file.flags = opened.flags;
    file.dev = cx.u32(opened.dev);
    file.ino = cx.uint(opened.ino);
    file.is_upper_layer = opened.flags & open_flags::UPPER_LAYER != 0;
    file.is_lower_layer = opened.flags & open_flags::LOWER_LAYER != 0;
    r.open_fd(cx, fd, file, opened.flags & open_flags::CLOEXEC != 0);
}

/// chdir. *Truth*: a thread changes the directory of its whole process. Falco joins a relative path of a secondary
/// thread to nothing.
pub(crate) fn chdir(r: &mut Replay, cx: &mut Cx<'_>) {
    let Some(path) = cx.event.arg(1).bytes() else { return };
    enter(r, cx, path);
}

/// fchdir, if the descriptor is known.
pub(crate) fn fchdir(r: &mut Replay, cx: &mut Cx<'_>) {
    let Some(file) = cx.fact.file else {
        forget_cwd(r, cx);
        return;
    };
    let mut path = std::mem::take(&mut r.scratch);
    path.clear();
    path.extend_from_slice(r.history.strings.get(r.history.file(file).name));
    enter(r, cx, &path);
}

/// getcwd: what the kernel says.
pub(crate) fn getcwd(r: &mut Replay, cx: &mut Cx<'_>) {
    let Some(path) = cx.bytes(1).filter(|path| path.starts_with(b"/")) else { return };
    enter(r, cx, path);
}

fn enter(r: &mut Replay, cx: &Cx<'_>, path: &[u8]) {
    let Some(thread) = cx.fact.thread.filter(|_| cx.is_ok()) else { return };
    let cwd = r.cwd_of(thread);
    let is_absolute = path.starts_with(b"/");
    // A path relative to an unknown directory is unknown too.
    let new = (is_absolute || cwd.is_some()).then(|| r.intern_dir(cwd, path));
    set_cwd(r, cx, new);
}

/// *Truth*: after an fchdir to an unknown directory the working directory is unknown. Falco keeps the old one.
fn forget_cwd(r: &mut Replay, cx: &Cx<'_>) {
    if cx.fact.thread.is_some() && cx.is_ok() {
        set_cwd(r, cx, None);
    }
}

fn set_cwd(r: &mut Replay, cx: &Cx<'_>, cwd: Option<Sym>) {
    let Some(thread) = cx.fact.thread else { return };
    if r.cwd_of(thread) == cwd {
        return;
    }
    let row = &r.history.threads[thread.index()];
    let process = row.process;
    if row.has_own
        && let Some(own) = r.history.own.get_mut(&thread).filter(|own| own.cwd.last().is_some())
    {
        own.cwd.set(cx.seq, Some(cwd));
        return;
    }
    match r.live.process[process.index()].fs_group {
        None => r.history.processes[process.index()].set_cwd(cx.seq, cwd),
        Some(group) => {
            for &member in &r.live.fs_groups[group as usize] {
                let row = &mut r.history.processes[member.index()];
                if row.ended().is_none() {
                    row.set_cwd(cx.seq, cwd);
                }
            }
        }
    }
}

/// chroot. Falco's paths take no notice of the root, and neither do ours: a path is as the process sees it.
pub(crate) fn chroot(r: &mut Replay, cx: &mut Cx<'_>) {
    let (Some(thread), Some(0), Some(path)) = (cx.fact.thread, cx.ret, cx.bytes(1)) else { return };
    let cwd = r.cwd_of(thread);
    let root = r.intern_joined(cwd, path);
    let process = r.process_of(thread);
    Arc::make_mut(&mut r.history.processes[process.index()].inherited).root.set(cx.seq, Some(root));
}

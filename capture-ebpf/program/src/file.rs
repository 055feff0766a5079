//! Open files, inodes and paths.

use tracehound_capture_layout::record::{File, exec_flag};
use tracehound_capture_layout::settings::MAX_DEPTH;

use crate::kernel::{Window, copy_str, current, current_typed, follow, load, member, offset, read, setting, typed};
use crate::ring::Private;

/// `OVERLAYFS_SUPER_MAGIC` of `linux/magic.h`.
const OVERLAYFS: u64 = 0x794c_7630;

/// Bytes of a path that are kept, a little less, so that one more name fits.
const MAX_PATH: u64 = 4096;

/// Bytes of one name with its NUL.
const MAX_NAME: u32 = 256;

/// The open file behind a descriptor of the running thread; 0 if there is none.
#[inline(always)]
pub(crate) fn of_fd(fd: u32) -> u64 {
    let (most, array): (u32, u64) = if setting!(has_task_btf) != 0 {
        let Some(files) = follow(current_typed(), offset!(task_files)) else { return 0 };
        let Some(table) = follow(files, offset!(files_fdt)) else { return 0 };
        (load(table, offset!(fdt_max)), load(table, offset!(fdt_fd)))
    } else {
        let files: u64 = member(current(), offset!(task_files));
        let table: u64 = member(files, offset!(files_fdt));
        (member(table, offset!(fdt_max)), member(table, offset!(fdt_fd)))
    };
    if fd >= most {
        return 0;
    }
    read(array.wrapping_add(fd as u64 * 8))
}

/// What identifies the file behind a descriptor of the running thread; `None` if there is none. It is read by plain loads
/// where addresses can be given a type: each call of a helper would cost more than all of them. `task` is
/// [`task()`](crate::kernel::task).
///
/// # Safety
///
/// `private` must be valid.
#[inline(always)]
pub(crate) unsafe fn describe_fd(task: *const u8, fd: u32, private: *mut Private) -> Option<File> {
    if setting!(kiocb_type) != 0 {
        let files = follow(task, offset!(task_files))?;
        let table = follow(files, offset!(files_fdt))?;
        if fd >= load::<u32>(table, offset!(fdt_max)) {
            return None;
        }
        // What the array has at the place of the descriptor is a pointer to a file, as in this structure.
        let place = load::<u64>(table, offset!(fdt_fd)).wrapping_add(fd as u64 * 8);
        let slot = typed(place.wrapping_sub(offset!(kiocb_file) as u64), setting!(kiocb_type));
        return Some(describe_typed(follow(slot, offset!(kiocb_file))?));
    }
    let open = of_fd(fd);
    // SAFETY: the caller's.
    (open != 0).then(|| unsafe { describe(open, private) })
}

/// As [`describe`], through a typed pointer.
#[inline(always)]
fn describe_typed(file: *const u8) -> File {
    let mut out = File {
        ino: 0,
        dev: 0,
        f_flags: load(file, offset!(file_flags)),
        f_mode: load(file, offset!(file_mode)),
        mode: 0,
        flags: 0,
        _pad: 0,
    };
    let Some(inode) = follow(file, offset!(file_inode)) else { return out };
    out.ino = load(inode, offset!(inode_ino));
    out.mode = load::<u16>(inode, offset!(inode_mode)) as u32;
    let Some(super_block) = follow(inode, offset!(inode_sb)) else { return out };
    out.dev = load(super_block, offset!(sb_dev));
    out.flags = layer(inode as u64, load(super_block, offset!(sb_magic)));
    out
}

/// What identifies an open file.
///
/// # Safety
///
/// `private` must be valid.
#[inline(always)]
pub(crate) unsafe fn describe(file: u64, private: *mut Private) -> File {
    // SAFETY: the caller's.
    unsafe {
        let open = Window::read(&raw mut (*private).open, file);
        let inode: u64 = open.member(offset!(file_inode));
        let node = Window::read(&raw mut (*private).node, inode);
        let sb: u64 = node.member(offset!(inode_sb));
        let super_block = Window::read(&raw mut (*private).super_block, sb);
        File {
            ino: node.member(offset!(inode_ino)),
            dev: super_block.member(offset!(sb_dev)),
            f_flags: open.member(offset!(file_flags)),
            f_mode: open.member(offset!(file_mode)),
            mode: node.member::<u16>(offset!(inode_mode)) as u32,
            flags: layer(inode, super_block.member(offset!(sb_magic))),
            _pad: 0,
        }
    }
}

/// Which layer of an overlay an inode is in; 0 if its file system has another magic number. `struct ovl_inode` has the dentry of the upper layer
/// right after the inode; source: `fs/overlayfs/ovl_entry.h`.
#[inline(always)]
pub(crate) fn layer(inode: u64, magic: u64) -> u32 {
    if magic != OVERLAYFS {
        return 0;
    }
    let upper: u64 = member(inode, offset!(inode_size));
    if upper != 0 && member::<u64>(upper, offset!(dentry_inode)) != 0 {
        exec_flag::OVERLAY_UPPER
    } else {
        exec_flag::OVERLAY_LOWER
    }
}

/// What came out of following a path.
#[derive(Clone, Copy)]
pub(crate) struct Walked {
    /// Bits of [`exec_flag`] as for an executable: deep, unnamed, deleted.
    pub(crate) flags: u32,
}

/// Appends the names of a path to the record, leaf first, each with its NUL, crossing mounts up to the root of the
/// mount namespace. A path without any directory (a pipe, a memfd) is the name of its dentry.
///
/// # Safety
///
/// `base` must point to a buffer of more than `mask` + [`MAX_NAME`] bytes.
#[inline(always)]
pub(crate) unsafe fn walk(base: *mut u8, private: *mut Private, path: u64, mask: u64) -> Walked {
    let mut dentry: u64 = member(path, offset!(path_dentry));
    let vfsmount: u64 = member(path, offset!(path_mnt));
    let mut mount = vfsmount.wrapping_sub(offset!(mount_mnt) as u64);
    let mut flags = 0;
    if dentry == 0 {
        return Walked { flags };
    }
    // A dentry that is not in the cache's table any more was deleted. `d_hash.pprev` is null then.
    let is_unhashed = member::<u64>(dentry, offset!(dentry_hash) + offset!(hlist_pprev)) == 0;
    // SAFETY: `private` is valid, and every write is below `mask` + MAX_NAME.
    unsafe {
        let start = (*private).at;
        let mut is_done = false;
        for _ in 0..MAX_DEPTH {
            let root: u64 = member(mount, offset!(mount_mnt) + offset!(vfsmount_root));
            if dentry == root {
                let parent: u64 = member(mount, offset!(mount_parent));
                if parent == mount {
                    is_done = true;
                    break;
                }
                dentry = member(mount, offset!(mount_mountpoint));
                mount = parent;
                continue;
            }
            let parent: u64 = member(dentry, offset!(dentry_parent));
            if parent == dentry || dentry == 0 {
                is_done = true;
                break;
            }
            let at = (*private).at;
            if at.wrapping_sub(start) > MAX_PATH - MAX_NAME as u64 {
                break;
            }
            let name: u64 = member(dentry, offset!(dentry_name) + offset!(qstr_name));
            (*private).at = at + copy_str::<MAX_NAME>(base.add((at & mask) as usize), name);
            dentry = parent;
        }
        if !is_done {
            flags |= exec_flag::EXE_DEEP;
        }
        let has_names = (*private).at != start;
        if is_unhashed && has_names {
            flags |= exec_flag::EXE_DELETED;
        }
        let first: u64 = member(path, offset!(path_dentry));
        if !has_names && member::<u64>(first, offset!(dentry_parent)) == first {
            // The root of a pseudo file system, or an object without a directory.
            let name: u64 = member(first, offset!(dentry_name) + offset!(qstr_name));
            let at = (*private).at;
            let root: u64 = member(vfsmount, offset!(vfsmount_root));
            if first != root {
                flags |= exec_flag::EXE_UNNAMED;
                (*private).at = at + copy_str::<MAX_NAME>(base.add((at & mask) as usize), name);
            }
        }
    }
    Walked { flags }
}

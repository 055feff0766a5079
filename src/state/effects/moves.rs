//! rename and unlink families: what happens to paths. Falco's descriptors keep the name they were opened by; so do
//! ours, and [`crate::moves`] keeps the rest.

use super::exec::Dir;
use crate::moves::Move;
use crate::replay::{AT_FDCWD, Cx, Replay};
use crate::strings::Sym;

/// Bit of the `renameat2_flags` table.
const RENAME_EXCHANGE: u32 = 2;

/// rename, renameat, renameat2: positions of the directories' descriptors (`None`: the working directory) and paths.
pub(crate) fn rename(r: &mut Replay, cx: &mut Cx<'_>, is_at: bool) {
    if cx.ret != Some(0) {
        return;
    }
    let (old, new) = if is_at { ((Some(1), 2), (Some(3), 4)) } else { ((None, 1), (None, 2)) };
    let (Some(old), Some(new)) = (path(r, cx, old.0, old.1), path(r, cx, new.0, new.1)) else { return };
    push(r, cx, old, Some(new));
    if cx.u32(5).is_some_and(|flags| flags & RENAME_EXCHANGE != 0) {
        push(r, cx, new, Some(old));
    }
}

/// unlink, unlinkat, rmdir.
pub(crate) fn unlink(r: &mut Replay, cx: &mut Cx<'_>, is_at: bool) {
    if cx.ret == Some(0)
        && let Some(old) = if is_at { path(r, cx, Some(1), 2) } else { path(r, cx, None, 1) }
    {
        push(r, cx, old, None);
    }
}

/// The absolute path that the event names, if it can be told.
fn path(r: &mut Replay, cx: &Cx<'_>, dirfd: Option<usize>, name: usize) -> Option<Sym> {
    let thread = cx.fact.thread?;
    let name = cx.bytes(name)?;
    let dir = match dirfd.map(|dirfd| cx.int(dirfd)) {
        _ if name.starts_with(b"/") => None,
        None | Some(Some(AT_FDCWD)) => Some(r.cwd_of(thread)?),
        Some(dirfd) => match r.dir(thread, dirfd?) {
            Dir::At(dir) => Some(dir?),
            Dir::Unknown => return None,
        },
    };
    let path = r.intern_joined(dir, name);
    r.text(path).starts_with(b"/").then_some(path)
}

fn push(r: &mut Replay, cx: &Cx<'_>, old: Sym, new: Option<Sym>) {
    let Some(by) = cx.fact.thread else { return };
    let container = r.attrs_of(by).container;
    r.history.moves.push(Move { seq: cx.seq, by, container, old, new });
}

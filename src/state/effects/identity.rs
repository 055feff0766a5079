//! Credentials: setuid and setgid families, capset.
//!
//! Credentials are kept by thread, as the kernel has them. setfsuid, setgroups and the loss of capabilities that a
//! setuid from root brings are not in the trace; capabilities are right again at the next exec.

use crate::history::Creds;
use crate::replay::{Cx, Replay};

/// setuid, setreuid, setresuid; `arg` is the effective id. *Truth*: -1 leaves it as it is. Falco stores the -1, see
/// [`Creds::falco_uid`].
pub(crate) fn setuid(r: &mut Replay, cx: &mut Cx<'_>, arg: usize) {
    let (Some(0), Some(id)) = (cx.ret, cx.u32(arg)) else { return };
    let id = (id != u32::MAX).then_some(id);
    change_creds(r, cx, |creds| (creds.uid, creds.falco_uid) = (id.or(creds.uid), id));
}

/// setgid, setregid, setresgid; `arg` is the effective id. -1 as for users.
pub(crate) fn setgid(r: &mut Replay, cx: &mut Cx<'_>, arg: usize) {
    let (Some(0), Some(id)) = (cx.ret, cx.u32(arg)) else { return };
    let id = (id != u32::MAX).then_some(id);
    change_creds(r, cx, |creds| (creds.gid, creds.falco_gid) = (id.or(creds.gid), id));
}

/// capset.
pub(crate) fn capset(r: &mut Replay, cx: &mut Cx<'_>) {
    if !cx.is_ok() {
        return;
    }
    if let (Some(inheritable), Some(permitted), Some(effective)) = (cx.uint(1), cx.uint(2), cx.uint(3)) {
        change_creds(r, cx, |creds| creds.caps = Some([inheritable, permitted, effective]));
    }
}

/// Gives the event's thread other credentials.
pub(crate) fn change_creds(r: &mut Replay, cx: &Cx<'_>, change: impl FnOnce(&mut Creds)) {
    let Some(thread) = cx.fact.thread else { return };
    let mut creds = *r.history.creds(r.attrs_of(thread).creds);
    change(&mut creds);
    let creds = r.creds(creds);
    r.change_attrs(thread, |attrs| attrs.creds = creds);
}

//! Users and groups: what the recorder says was added or deleted.

use tracehound_formats::Seq;

use crate::history::{Group, User};
use crate::replay::{Cx, Replay, index_of};

/// useradded, userdeleted.
pub(crate) fn user(r: &mut Replay, cx: &mut Cx<'_>, is_added: bool) {
    let Some(uid) = cx.u32(0) else { return };
    let container = cx.event.arg(5).bytes().unwrap_or_default().to_vec();
    let container = r.intern(&container);
    if !is_added {
        if let Some(&row) = r.history.index.users.get(&(container, uid)).and_then(|rows| rows.last()) {
            r.history.users[row as usize].until.get_or_insert(cx.seq);
        }
        return;
    }
    let [name, home, shell] = [2, 3, 4].map(|i| r.intern(cx.event.arg(i).bytes().unwrap_or_default()));
    let gid = cx.u32(1).unwrap_or(u32::MAX);
    r.add_user(User { from: cx.seq, until: None, container, uid, gid, name, home, shell });
}

/// groupadded, groupdeleted.
pub(crate) fn group(r: &mut Replay, cx: &mut Cx<'_>, is_added: bool) {
    let Some(gid) = cx.u32(0) else { return };
    let name = r.intern(cx.event.arg(1).bytes().unwrap_or_default());
    let container = r.intern(cx.event.arg(2).bytes().unwrap_or_default());
    if is_added {
        r.add_group(Group { from: cx.seq, until: None, container, gid, name });
    } else if let Some(&row) = r.history.index.groups.get(&(container, gid)).and_then(|rows| rows.last()) {
        r.history.groups[row as usize].until.get_or_insert(cx.seq);
    }
}

impl Replay {
    /// Adds a user, unless the same is known already.
    pub(crate) fn add_user(&mut self, user: User) {
        let rows = self.history.index.users.entry((user.container, user.uid)).or_default();
        if let Some(&last) = rows.last() {
            let last = self.history.users[last as usize];
            if last.until.is_none()
                && (last.gid, last.name, last.home, last.shell) == (user.gid, user.name, user.home, user.shell)
            {
                return;
            }
        }
        rows.push(index_of(self.history.users.len()));
        self.history.users.push(user);
    }

    /// Adds a group, unless the same is known already.
    pub(crate) fn add_group(&mut self, group: Group) {
        let rows = self.history.index.groups.entry((group.container, group.gid)).or_default();
        if let Some(&last) = rows.last() {
            let last = self.history.groups[last as usize];
            if last.until.is_none() && last.name == group.name {
                return;
            }
        }
        rows.push(index_of(self.history.groups.len()));
        self.history.groups.push(group);
    }

    /// Ends the users and groups of a section.
    pub(crate) fn end_users(&mut self, at: Seq) {
        for user in &mut self.history.users {
            user.until.get_or_insert(at);
        }
        for group in &mut self.history.groups {
            group.until.get_or_insert(at);
        }
    }
}

//! User list: users and groups.

use super::super::cursor::{Cursor, Order};
use super::{Report, entries_in_a_row, entries_with_lengths};
use crate::section::{GroupEntry, Section, UserEntry};

/// Kind of an entry that is a user; every other kind is a group.
const USER: u8 = 0;

/// Reads users and groups.
pub(in crate::scap) fn users(body: &[u8], has_lengths: bool, order: Order, section: &mut Section, report: Report<'_>) {
    let Section { users, groups, .. } = section;
    let entry = |c: &mut Cursor<'_>| {
        if c.u8()? == USER {
            users.push(UserEntry {
                uid: c.u32()?,
                gid: c.u32()?,
                name: c.text()?,
                home: c.text()?,
                shell: c.text()?,
                container_id: Default::default(),
            });
        } else {
            groups.push(GroupEntry { gid: c.u32()?, name: c.text()?, container_id: Default::default() });
        }
        Ok(())
    };
    if has_lengths {
        entries_with_lengths(body, 0, order, true, report, entry);
    } else {
        entries_in_a_row(body, 0, order, report, entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_groups_in_both_versions() {
        let user = b"\0\xe8\x03\0\0\x64\0\0\0\x05\0alice\x05\0/home\x02\0sh";
        let group = b"\x01\x64\0\0\0\x05\0users";
        let with_length = |e: &[u8]| [&(e.len() as u32 + 4).to_le_bytes()[..], e].concat();
        let bodies = [
            (false, [&user[..], group, &[0; 3]].concat()),
            (true, [with_length(user), with_length(group), vec![0; 2]].concat()),
        ];
        for (has_lengths, body) in bodies {
            let mut section = Section::default();
            users(&body, has_lengths, Order::Little, &mut section, &mut |at, what| panic!("{at}: {what}"));
            assert_eq!(section.users.len(), 1);
            let u = &section.users[0];
            assert_eq!((u.uid, u.gid), (1000, 100));
            assert_eq!((&u.name[..], &u.home[..], &u.shell[..]), (&b"alice"[..], &b"/home"[..], &b"sh"[..]));
            assert_eq!((section.groups[0].gid, &section.groups[0].name[..]), (100, &b"users"[..]));
        }
    }
}

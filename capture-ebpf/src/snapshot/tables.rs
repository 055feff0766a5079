//! Users, groups and mounts. Sources: `man 5 passwd`, `group`, `proc_pid_mountinfo`.

use bstr::{BString, ByteSlice};
use tracehound_formats::section::{GroupEntry, MountEntry, UserEntry};

use crate::files::Root;

/// Most bytes of `/etc/passwd`, `/etc/group` and of one list of mounts.
const MAX_FILE: usize = 4 << 20;

/// The host's users.
pub(crate) fn users(root: &Root) -> Vec<UserEntry> {
    let text = root.read("/etc/passwd", MAX_FILE).unwrap_or_default();
    let entry = |line: &[u8]| {
        let fields: Vec<&[u8]> = line.split(|&b| b == b':').collect();
        let [name, _, uid, gid, _, home, shell] = fields[..] else { return None };
        let container_id = BString::default();
        let (uid, gid) = (number(uid)?, number(gid)?);
        Some(UserEntry { uid, gid, name: name.into(), home: home.into(), shell: shell.into(), container_id })
    };
    text.lines().filter_map(entry).collect()
}

/// The host's groups.
pub(crate) fn groups(root: &Root) -> Vec<GroupEntry> {
    let text = root.read("/etc/group", MAX_FILE).unwrap_or_default();
    let entry = |line: &[u8]| {
        let mut fields = line.split(|&b| b == b':');
        let name = fields.next()?.into();
        Some(GroupEntry { gid: number(fields.nth(1)?)?, name, container_id: BString::default() })
    };
    text.lines().filter_map(entry).collect()
}

fn number(text: &[u8]) -> Option<u32> {
    text.to_str().ok()?.parse().ok()
}

/// Adds the mounts of a process's namespace, at most `room`.
pub(crate) fn mounts(root: &Root, pid: u32, mount_ns: Option<u64>, room: usize, out: &mut Vec<MountEntry>) {
    let text = root.read(&format!("/proc/{pid}/mountinfo"), MAX_FILE).unwrap_or_default();
    out.extend(text.lines().filter_map(|line| mount(line, mount_ns)).take(room));
}

/// `36 35 98:0 /root /target rw,noatime shared:1 - ext4 /dev/sda1 rw,errors=continue`
fn mount(line: &[u8], mount_ns: Option<u64>) -> Option<MountEntry> {
    let mut fields = line.split(|&b| b == b' ');
    let target = unescape(fields.nth(4)?);
    let options = fields.next()?.into();
    let mut fields = fields.skip_while(|field| *field != b"-").skip(1);
    Some(MountEntry { mount_ns, target, fs_type: fields.next()?.into(), source: unescape(fields.next()?), options })
}

/// Blanks, tabs, line ends and backslashes stand as three octal digits (`mangle_path` of `fs/seq_file.c`).
fn unescape(text: &[u8]) -> BString {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..3).filter(|d| d[0] <= b'3' && d.iter().all(|b| (b'0'..=b'7').contains(b)));
        match (first, digits) {
            (b'\\', Some(digits)) => {
                out.push(digits.iter().fold(0, |value: u8, digit| value << 3 | (digit - b'0')));
                rest = &after[3..];
            }
            _ => {
                out.push(first);
                rest = after;
            }
        }
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_lines() {
        for (line, want) in [
            (
                "36 35 98:0 / /mnt/a\\040b rw,noatime shared:1 master:2 - ext4 /dev/sda1 rw",
                Some(("/mnt/a b", "ext4", "/dev/sda1", "rw,noatime")),
            ),
            ("22 1 0:20 / /proc rw - proc proc rw", Some(("/proc", "proc", "proc", "rw"))),
            ("22 1 0:20 / /x\\1 rw - tmpfs \\134 rw", Some(("/x\\1", "tmpfs", "\\", "rw"))),
            ("22 1 0:20 / /proc rw", None),
            ("", None),
        ] {
            let want = want.map(|(target, fs_type, source, options)| MountEntry {
                mount_ns: Some(7),
                target: target.into(),
                fs_type: fs_type.into(),
                source: source.into(),
                options: options.into(),
            });
            assert_eq!(mount(line.as_bytes(), Some(7)), want, "{line}");
        }
    }
}

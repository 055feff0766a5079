//! Tables whose rows are kept smaller than they are shown.
//!
//! Most of what a row says is said by many rows alike: the session and the cgroups of a thread's states, the file that
//! images were loaded from, the missing ends of what is no socket. Such a part is stored once, and rows have its number.
//! A row is put together when it is read, which costs less than the memory did.

use std::fmt::Debug;
use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashTable};
use tracehound_formats::Seq;
use tracehound_formats::section::{FdKind, L4};

use crate::history::{Attrs, ContainerId, CredId, FileId, Image, ImageId, Net, OpenFile, Role, ThreadId};
use crate::rows::Rows;
use crate::strings::Sym;

/// What is kept in a [`Table`].
pub trait Packed: Copy {
    /// What each has for itself.
    type Row: Copy + Debug;
    /// What many have alike.
    type Part: Copy + Eq + Hash + Debug;

    /// Takes it apart; `number` stores a part and gives its number.
    fn pack(&self, number: impl FnOnce(Self::Part) -> u32) -> Self::Row;

    /// Puts it together again.
    fn unpack(row: &Self::Row, parts: &Parts<Self::Part>) -> Self;
}

/// Rows that are only appended.
#[derive(Debug)]
pub struct Table<T: Packed> {
    rows: Rows<T::Row>,
    parts: Parts<T::Part>,
}

impl<T: Packed> Default for Table<T> {
    fn default() -> Self {
        Table { rows: Rows::default(), parts: Parts::default() }
    }
}

impl<T: Packed> Table<T> {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True without rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The row at a position, which must be one of the table's.
    #[inline]
    pub fn at(&self, i: usize) -> T {
        T::unpack(&self.rows[i], &self.parts)
    }

    /// All rows in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = T> + DoubleEndedIterator + Clone {
        self.iter_from(0)
    }

    /// The rows from a position on.
    pub fn iter_from(&self, first: usize) -> impl ExactSizeIterator<Item = T> + DoubleEndedIterator + Clone {
        self.rows.iter_from(first).map(|row| T::unpack(row, &self.parts))
    }

    /// Appends a row.
    pub(crate) fn push(&mut self, row: T) {
        self.rows.push(row.pack(|part| self.parts.number(part)));
    }

    /// Completes the row at a position, which only the event that made it may do.
    pub(crate) fn set(&mut self, i: usize, row: T) {
        self.rows[i] = row.pack(|part| self.parts.number(part));
    }

    /// Bytes held, for accounting.
    pub fn memory(&self) -> usize {
        self.rows.memory() + self.parts.memory()
    }
}

/// Parts of rows, each stored once.
#[derive(Debug)]
pub struct Parts<P> {
    all: Rows<P>,
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// The one stored or found last: neighbours mostly have the same.
    last: u32,
}

impl<P> Default for Parts<P> {
    fn default() -> Self {
        Parts { all: Rows::default(), index: HashTable::new(), hasher: DefaultHashBuilder::default(), last: 0 }
    }
}

impl<P: Copy + Eq + Hash> Parts<P> {
    #[inline]
    fn get(&self, number: u32) -> &P {
        &self.all[number as usize]
    }

    fn number(&mut self, part: P) -> u32 {
        if self.all.get(self.last as usize) == Some(&part) {
            return self.last;
        }
        let hash = self.hasher.hash_one(part);
        let (all, hasher) = (&self.all, &self.hasher);
        self.last = match self.index.find(hash, |&i| all[i as usize] == part) {
            Some(&i) => i,
            None => {
                let i = u32::try_from(all.len()).expect("there are no more parts than rows");
                self.index.insert_unique(hash, i, |&i| hasher.hash_one(all[i as usize]));
                self.all.push(part);
                i
            }
        };
        self.last
    }

    fn memory(&self) -> usize {
        self.all.memory() + self.index.allocation_size()
    }
}

/// No part's number.
const ABSENT: u32 = u32::MAX;

/// [`Attrs`] as they are kept.
#[derive(Clone, Copy, Debug)]
pub struct AttrsRow {
    from: Seq,
    thread: ThreadId,
    image: ImageId,
    creds: CredId,
    rest: u32,
}

/// What seldom differs between states of threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AttrsPart {
    sid: Option<i64>,
    pgid: Option<i64>,
    vpgid: Option<i64>,
    true_pgid: Option<i64>,
    pidns_init_start_ns: Option<u64>,
    tty: Option<u32>,
    cgroups: Sym,
    container: Option<ContainerId>,
    renamed: Option<Sym>,
}

impl Packed for Attrs {
    type Row = AttrsRow;
    type Part = AttrsPart;

    fn pack(&self, number: impl FnOnce(AttrsPart) -> u32) -> AttrsRow {
        let Attrs { thread, from, image, creds, sid, pgid, vpgid, true_pgid, tty, cgroups, container, .. } = *self;
        let Attrs { renamed, pidns_init_start_ns, .. } = *self;
        let rest =
            number(AttrsPart { sid, pgid, vpgid, true_pgid, pidns_init_start_ns, tty, cgroups, container, renamed });
        AttrsRow { from, thread, image, creds, rest }
    }

    #[inline]
    fn unpack(row: &AttrsRow, parts: &Parts<AttrsPart>) -> Attrs {
        let rest = parts.get(row.rest);
        Attrs {
            thread: row.thread,
            from: row.from,
            image: row.image,
            creds: row.creds,
            sid: rest.sid,
            pgid: rest.pgid,
            vpgid: rest.vpgid,
            true_pgid: rest.true_pgid,
            tty: rest.tty,
            cgroups: rest.cgroups,
            container: rest.container,
            renamed: rest.renamed,
            pidns_init_start_ns: rest.pidns_init_start_ns,
        }
    }
}

/// [`Image`] as it is kept.
#[derive(Clone, Copy, Debug)]
pub struct ImageRow {
    from: Seq,
    comm: Option<Sym>,
    exe: Option<Sym>,
    args: Sym,
    filename: Option<Sym>,
    part: u32,
    is_exec: bool,
}

/// What images of one file have alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ImagePart {
    ino: Option<u64>,
    ctime: Option<u64>,
    mtime: Option<u64>,
    exepath: Sym,
    flags: Option<u32>,
    is_deleted: bool,
}

impl Packed for Image {
    type Row = ImageRow;
    type Part = ImagePart;

    fn pack(&self, number: impl FnOnce(ImagePart) -> u32) -> ImageRow {
        let Image { from, is_exec, comm, exe, args, exepath, is_deleted, filename, flags, ino, ctime, mtime } = *self;
        let part = number(ImagePart { ino, ctime, mtime, exepath, flags, is_deleted });
        ImageRow { from, comm, exe, args, filename, part, is_exec }
    }

    #[inline]
    fn unpack(row: &ImageRow, parts: &Parts<ImagePart>) -> Image {
        let part = parts.get(row.part);
        Image {
            from: row.from,
            is_exec: row.is_exec,
            comm: row.comm,
            exe: row.exe,
            args: row.args,
            exepath: part.exepath,
            is_deleted: part.is_deleted,
            filename: row.filename,
            flags: part.flags,
            ino: part.ino,
            ctime: part.ctime,
            mtime: part.mtime,
        }
    }
}

/// [`OpenFile`] as it is kept.
#[derive(Clone, Copy, Debug)]
pub struct FileRow {
    from: Seq,
    ino: u64,
    origin: FileId,
    opened_by: Option<ThreadId>,
    name: Sym,
    raw_name: Sym,
    flags: u32,
    dev: u32,
    /// [`ABSENT`] for what is neither socket nor pidfd.
    ends: u32,
    kind: FdKind,
    l4: L4,
    /// See [`file_bits`].
    bits: u8,
}

/// Bits of [`FileRow::bits`].
mod file_bits {
    pub(super) const HAS_DEV: u8 = 1;
    pub(super) const HAS_INO: u8 = 2;
    pub(super) const IS_CONNECTED: u8 = 4;
    pub(super) const IS_UPPER_LAYER: u8 = 8;
    pub(super) const IS_LOWER_LAYER: u8 = 0x10;
    pub(super) const IS_CLIENT: u8 = 0x20;
    pub(super) const IS_SERVER: u8 = 0x40;
}

/// What a state of an open file says of its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileNames {
    /// As [`OpenFile::kind`].
    pub kind: FdKind,
    /// As [`OpenFile::name`].
    pub name: Sym,
    /// As [`OpenFile::raw_name`].
    pub raw_name: Sym,
}

impl Table<OpenFile> {
    /// The names of the row at a position, without the rest of it.
    #[inline]
    pub fn names_at(&self, i: usize) -> FileNames {
        let &FileRow { kind, name, raw_name, .. } = &self.rows[i];
        FileNames { kind, name, raw_name }
    }
}

/// What traffic asks of a state of an open file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Traffic {
    pub(crate) kind: FdKind,
    pub(crate) l4: L4,
    pub(crate) name: Sym,
    pub(crate) is_connected: bool,
}

impl Traffic {
    /// True for a file that reading or writing shows to be connected.
    #[inline]
    pub(crate) fn can_connect(self) -> bool {
        !self.is_connected && matches!(self.kind, FdKind::Ipv4Socket | FdKind::Ipv6Socket)
    }

    /// True for a TCP socket that has a name: no traffic changes its ends. Falco's notion of a TCP socket is IPv4 only.
    #[inline]
    pub(crate) fn has_fixed_ends(self) -> bool {
        self.kind == FdKind::Ipv4Socket && self.l4 == L4::Tcp && self.name != Sym::EMPTY
    }
}

impl Table<OpenFile> {
    /// What traffic asks of the row at a position, without the rest of it.
    #[inline]
    pub(crate) fn traffic_at(&self, i: usize) -> Traffic {
        let &FileRow { kind, l4, name, bits, .. } = &self.rows[i];
        Traffic { kind, l4, name, is_connected: bits & file_bits::IS_CONNECTED != 0 }
    }
}

/// What only sockets and pidfds have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FilePart {
    net: Option<Net>,
    unix: Option<(u64, u64)>,
    pid: Option<i64>,
}

impl Packed for OpenFile {
    type Row = FileRow;
    type Part = FilePart;

    fn pack(&self, number: impl FnOnce(FilePart) -> u32) -> FileRow {
        let bit = |is_set: bool, bit: u8| if is_set { bit } else { 0 };
        FileRow {
            from: self.from,
            ino: self.ino.unwrap_or(0),
            origin: self.origin,
            opened_by: self.opened_by,
            name: self.name,
            raw_name: self.raw_name,
            flags: self.flags,
            dev: self.dev.unwrap_or(0),
            ends: match (self.net, self.unix, self.pid) {
                (None, None, None) => ABSENT,
                (net, unix, pid) => number(FilePart { net, unix, pid }),
            },
            kind: self.kind,
            l4: self.l4,
            bits: bit(self.dev.is_some(), file_bits::HAS_DEV)
                | bit(self.ino.is_some(), file_bits::HAS_INO)
                | bit(self.is_connected, file_bits::IS_CONNECTED)
                | bit(self.is_upper_layer, file_bits::IS_UPPER_LAYER)
                | bit(self.is_lower_layer, file_bits::IS_LOWER_LAYER)
                | bit(self.role == Some(Role::Client), file_bits::IS_CLIENT)
                | bit(self.role == Some(Role::Server), file_bits::IS_SERVER),
        }
    }

    #[inline]
    fn unpack(row: &FileRow, parts: &Parts<FilePart>) -> OpenFile {
        let has = |bit: u8| row.bits & bit != 0;
        let ends = match row.ends {
            ABSENT => FilePart { net: None, unix: None, pid: None },
            number => *parts.get(number),
        };
        OpenFile {
            from: row.from,
            origin: row.origin,
            opened_by: row.opened_by,
            kind: row.kind,
            name: row.name,
            raw_name: row.raw_name,
            flags: row.flags,
            dev: has(file_bits::HAS_DEV).then_some(row.dev),
            ino: has(file_bits::HAS_INO).then_some(row.ino),
            net: ends.net,
            unix: ends.unix,
            l4: row.l4,
            role: match (has(file_bits::IS_CLIENT), has(file_bits::IS_SERVER)) {
                (true, _) => Some(Role::Client),
                (_, true) => Some(Role::Server),
                _ => None,
            },
            is_connected: has(file_bits::IS_CONNECTED),
            is_upper_layer: has(file_bits::IS_UPPER_LAYER),
            is_lower_layer: has(file_bits::IS_LOWER_LAYER),
            pid: ends.pid,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is taken apart is put together as it was.
    #[test]
    fn rows_come_back_as_they_were() {
        let file = OpenFile {
            from: Seq(7),
            origin: FileId::new(3),
            opened_by: None,
            kind: FdKind::File,
            name: Sym::EMPTY,
            raw_name: Sym::EMPTY,
            flags: 0,
            dev: None,
            ino: None,
            net: None,
            unix: None,
            l4: L4::NotApplicable,
            role: None,
            is_connected: false,
            is_upper_layer: false,
            is_lower_layer: false,
            pid: None,
        };
        let address = |text: &str| text.parse().expect("an address");
        let pair = Net::Pair { src: address("10.0.0.1:1"), dst: address("[::1]:2") };
        let files = [
            file,
            OpenFile { opened_by: Some(ThreadId::new(0)), dev: Some(0), ino: Some(0), flags: 9, ..file },
            OpenFile { net: Some(pair), role: Some(Role::Client), is_connected: true, l4: L4::Tcp, ..file },
            OpenFile { net: Some(Net::Bound(address("0.0.0.0:0"))), role: Some(Role::Server), ..file },
            OpenFile { unix: Some((1, 0)), pid: Some(-1), is_upper_layer: true, ..file },
            OpenFile { is_lower_layer: true, kind: FdKind::Pidfd, dev: Some(u32::MAX), ino: Some(u64::MAX), ..file },
        ];
        check(&files);
        let attrs = Attrs {
            thread: ThreadId::new(1),
            from: Seq(0),
            image: ImageId::new(2),
            creds: CredId::new(3),
            sid: None,
            pgid: None,
            vpgid: None,
            true_pgid: None,
            tty: None,
            cgroups: Sym::EMPTY,
            container: None,
            renamed: None,
            pidns_init_start_ns: None,
        };
        check(&[
            attrs,
            Attrs { sid: Some(-1), pgid: Some(0), vpgid: Some(i64::MIN), true_pgid: Some(1), ..attrs },
            Attrs { tty: Some(0), container: Some(ContainerId::new(0)), renamed: Some(Sym::EMPTY), ..attrs },
            Attrs { pidns_init_start_ns: Some(0), thread: ThreadId::new(u32::MAX - 1), from: Seq(u64::MAX), ..attrs },
        ]);
        let image = Image {
            from: Seq(1),
            is_exec: false,
            comm: None,
            exe: None,
            args: Sym::EMPTY,
            exepath: Sym::EMPTY,
            is_deleted: false,
            filename: None,
            flags: None,
            ino: None,
            ctime: None,
            mtime: None,
        };
        check(&[
            image,
            Image { is_exec: true, comm: Some(Sym::EMPTY), flags: Some(0), ino: Some(0), ..image },
            Image { exe: Some(Sym::EMPTY), filename: Some(Sym::EMPTY), is_deleted: true, ..image },
            Image { ctime: Some(1), mtime: Some(u64::MAX), ..image },
        ]);
    }

    fn check<T: Packed + PartialEq + Debug>(rows: &[T]) {
        let mut table = Table::default();
        for _ in 0..2 {
            rows.iter().for_each(|&row| table.push(row));
        }
        let twice: Vec<T> = rows.iter().chain(rows).copied().collect();
        assert_eq!(table.iter().collect::<Vec<_>>(), twice);
        assert!(table.parts.all.len() <= rows.len());
        table.set(0, rows[rows.len() - 1]);
        assert_eq!((table.at(0), table.len()), (rows[rows.len() - 1], 2 * rows.len()));
    }
}

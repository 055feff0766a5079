//! Look-ups that several families share: threads by id, names of users, containers, local addresses.

use std::net::IpAddr;

use bstr::{BStr, ByteSlice};
use tracehound_formats::Seq;
use tracehound_formats::section::FdKind;
use tracehound_state::history::{Attrs, Container, Group, Image, Net, OpenFile, Origin, User};
use tracehound_state::{ContainerId, FileId, History, ProcessId, Sym, ThreadId};

use crate::view::View;

/// Ancestors that fields of a whole line look at. Real lines are shorter than a hundred; without a bound a trace
/// with one line of a million processes would cost every event a million steps.
pub(crate) const MAX_LINE: usize = 4096;

/// What a thread is as of an event.
pub(crate) fn attrs_of(history: &History, thread: ThreadId, seq: Seq) -> Attrs {
    history.attrs(history.thread(thread).attrs().at(seq))
}

impl<'a> View<'a> {
    /// True for a thread that was never seen being born or loading an image: Falco's placeholder, of which
    /// nothing but its id is known.
    pub(crate) fn is_placeholder(&self) -> bool {
        self.thread().is_some_and(|thread| thread.origin == Origin::FirstSeen)
            && self.image().is_none_or(|image| image.comm.is_none())
    }

    /// What another process's main thread is.
    pub(crate) fn attrs_of_process(&self, process: ProcessId) -> Attrs {
        self.history.leader_attrs(process, self.seq())
    }

    /// Image of another process's main thread.
    pub(crate) fn image_of_process(&self, process: ProcessId) -> Image {
        self.history.image(self.attrs_of_process(process).image)
    }

    /// The parent process.
    pub(crate) fn parent(&self) -> Option<ProcessId> {
        self.history.parent(self.fact.process?, self.seq())
    }

    /// The line of parents as an engine walks it, thread by thread: the thread whose child the process is, the one
    /// whose child that one's process is, and so on, at most [`MAX_LINE`] of them.
    pub(crate) fn parent_threads(&self) -> impl Iterator<Item = Attrs> + use<'a> {
        let (history, seq) = (self.history, self.seq());
        let mut at = self.fact.process;
        let mut line = at.map(|own| history.ancestors(own, seq).take(MAX_LINE));
        std::iter::from_fn(move || {
            let thread = history.process(at?).parent_thread().at(seq)?;
            // Ends where the line of processes does, which notices cycles.
            line.as_mut()?.next()?;
            at = Some(history.thread(thread).process);
            Some(attrs_of(history, thread, seq))
        })
    }

    /// The process itself (0), its parent (1), its grandparent (2), ...
    pub(crate) fn ancestor(&self, n: u32) -> Option<ProcessId> {
        let own = self.fact.process?;
        match n.checked_sub(1) {
            None => Some(own),
            Some(above) => self.history.ancestors(own, self.seq()).nth(above as usize),
        }
    }

    /// Working directory with a trailing `/`; empty if unknown, `./` for a placeholder.
    pub(crate) fn cwd(&self) -> &'a BStr {
        let cwd = self.fact.process.and_then(|process| self.history.cwd(process, self.seq()));
        cwd.unwrap_or_else(|| if self.is_placeholder() { b"./".as_bstr() } else { b"".as_bstr() })
    }

    /// What a descriptor of the acting process refers to, as rules see it: what `close` closes is still there.
    pub(crate) fn file_of(&self, fd: i64) -> Option<OpenFile> {
        if fd < 0 {
            return None;
        }
        if self.fact.fd == Some(fd) && self.fact.file.is_some() {
            return self.file();
        }
        let id: FileId = self.history.fd(self.fact.process?, fd, self.seq())?;
        Some(self.history.file(id))
    }

    /// Text of a symbol.
    pub(crate) fn text(&self, sym: Sym) -> &'a BStr {
        self.history.text(sym)
    }

    /// The container of the acting thread, unless the context puts another in its place.
    pub(crate) fn container(&self) -> Option<&'a Container> {
        self.container_id().map(|id| self.history.container(id))
    }

    fn container_id(&self) -> Option<ContainerId> {
        match self.context.container_override {
            Some(_) => None,
            None => self.attrs()?.container,
        }
    }

    /// Short id of the acting thread's container, empty on the host.
    ///
    /// A container that the context puts in its place is none here, nor for the names of users: engines take both
    /// from their own tables, and only the container's fields from the plug-in whose answers are replaced.
    pub(crate) fn container_key(&self) -> &'a BStr {
        self.container().map_or(b"".as_bstr(), |container| self.text(container.id.0))
    }

    /// The user with this id, in the acting thread's container.
    pub(crate) fn user(&self, uid: u32) -> Option<&'a User> {
        self.history.user(self.container_id(), uid, self.seq())
    }

    /// The group with this id, in the acting thread's container.
    pub(crate) fn group(&self, gid: u32) -> Option<&'a Group> {
        self.history.group(self.container_id(), gid, self.seq())
    }

    /// True if an address belongs to this machine, as seen from the acting thread: of one of its interfaces,
    /// or its container's own.
    pub(crate) fn is_local(&self, addr: IpAddr) -> bool {
        if !self.container_key().is_empty() {
            let ip = self.container_metadata().and_then(|metadata| metadata.ip).map(|ip| self.text(ip));
            match (addr, ip) {
                // Falco has no IPv6 addresses of containers.
                (IpAddr::V6(_), _) => return false,
                (IpAddr::V4(_), Some(ip)) if !ip.is_empty() => {
                    if parse_ip(ip) == Some(addr) {
                        return true;
                    }
                }
                (IpAddr::V4(_), _) => return self.is_some_container(addr),
            }
        }
        let interfaces = self.history.section_at(self.seq()).map_or(&[][..], |section| &section.interfaces);
        interfaces.iter().any(|interface| match (interface.addr, addr) {
            // Falco compares the first 64 bits of IPv6 addresses, whatever the netmask.
            (IpAddr::V6(a), IpAddr::V6(b)) => a.octets()[..8] == b.octets()[..8],
            (a, b) => a == b,
        })
    }

    fn is_some_container(&self, addr: IpAddr) -> bool {
        self.history.containers.iter().any(|container| {
            let ip = container.metadata_at(self.seq()).and_then(|metadata| metadata.ip);
            ip.is_some_and(|ip| parse_ip(self.text(ip)) == Some(addr))
        })
    }
}

fn parse_ip(text: &BStr) -> Option<IpAddr> {
    text.to_str().ok()?.parse().ok()
}

/// The first 12 characters.
pub(crate) fn short_id(full: &BStr) -> &BStr {
    full[..full.len().min(12)].as_bstr()
}

/// Source and destination of a connection, or the one address of a listening socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    Pair { src: (IpAddr, u16), dst: (IpAddr, u16) },
    One((IpAddr, u16)),
}

/// The addresses of an inet socket; all zero for one that is not connected yet. `None` for everything else.
pub(crate) fn ends(file: &OpenFile) -> Option<Ends> {
    use std::net::{Ipv4Addr, Ipv6Addr};
    let zero = match file.kind {
        FdKind::Ipv4Socket | FdKind::Ipv4Listen => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        FdKind::Ipv6Socket | FdKind::Ipv6Listen => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        _ => return None,
    };
    let end = |addr: std::net::SocketAddr| (addr.ip(), addr.port());
    let is_listening = matches!(file.kind, FdKind::Ipv4Listen | FdKind::Ipv6Listen);
    Some(match file.net {
        Some(Net::Pair { src, dst }) => Ends::Pair { src: end(src), dst: end(dst) },
        Some(Net::Bound(addr)) => Ends::One(end(addr)),
        None if is_listening => Ends::One((zero, 0)),
        None => Ends::Pair { src: (zero, 0), dst: (zero, 0) },
    })
}

/// Entries of a text of NUL-terminated strings (`args`, `env`, `cgroups`).
pub(crate) fn entries(text: &BStr) -> impl Iterator<Item = &BStr> + Clone {
    let bytes: &[u8] = text;
    let bytes = bytes.strip_suffix(b"\0").unwrap_or(bytes);
    let n = if bytes.is_empty() { 0 } else { usize::MAX };
    bytes.split(|&b| b == 0).map(|entry| entry.as_bstr()).take(n)
}

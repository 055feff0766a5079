//! Lines of the start state: one a row of a [`Section`] table.

use std::collections::VecDeque;
use std::fmt::{Display, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bstr::BString;

use super::lex::{Fault, Parsed, Token, put_quoted, put_text};
use super::value::{put_flags, put_str_list, read_flags, read_inet, read_str_list};
use crate::event::{Tid, flags};
use crate::section::{
    ContainerEntry, FdEntry, FdKind, FdTarget, GroupEntry, InterfaceEntry, L4, MountEntry, Section, ThreadEntry,
    UserEntry,
};

/// First words of the lines that this file reads.
pub(crate) const KEYWORDS: [&str; 8] = ["machine", "user", "group", "interface", "container", "mount", "thread", "fd"];

/// Kinds of descriptors that only have a name.
const FD_KINDS: [(FdKind, &str); 21] = [
    (FdKind::Unknown, "unknown"),
    (FdKind::File, "file"),
    (FdKind::Directory, "directory"),
    (FdKind::Ipv4Socket, "ipv4_socket"),
    (FdKind::Ipv4Listen, "ipv4_listen"),
    (FdKind::Ipv6Socket, "ipv6_socket"),
    (FdKind::Ipv6Listen, "ipv6_listen"),
    (FdKind::UnixSocket, "unix_socket"),
    (FdKind::Pipe, "pipe"),
    (FdKind::Event, "event"),
    (FdKind::Unsupported, "unsupported"),
    (FdKind::Signal, "signal"),
    (FdKind::Eventpoll, "eventpoll"),
    (FdKind::Inotify, "inotify"),
    (FdKind::Timer, "timer"),
    (FdKind::Netlink, "netlink"),
    (FdKind::Bpf, "bpf"),
    (FdKind::Userfaultfd, "userfaultfd"),
    (FdKind::IoUring, "io_uring"),
    (FdKind::Memfd, "memfd"),
    (FdKind::Pidfd, "pidfd"),
];

const TRANSPORTS: [(L4, &str); 6] = [
    (L4::Unknown, "unknown"),
    (L4::NotApplicable, "none"),
    (L4::Tcp, "tcp"),
    (L4::Udp, "udp"),
    (L4::Icmp, "icmp"),
    (L4::Raw, "raw"),
];

/// The words of a line after its keyword: values by position, then `key=value`.
struct Words<'a> {
    /// For faults about something missing.
    keyword: Token<'a>,
    positional: VecDeque<Token<'a>>,
    named: Vec<(&'a str, Token<'a>)>,
}

impl<'a> Words<'a> {
    fn of(tokens: &[Token<'a>]) -> Parsed<Self> {
        let (keyword, rest) = tokens.split_first().expect("a line with a keyword has a token");
        let n_positional = rest.iter().take_while(|t| t.key_value().is_none()).count();
        let mut named: Vec<(&str, Token<'_>)> = Vec::new();
        for token in &rest[n_positional..] {
            let (key, value) = token.key_value().ok_or_else(|| token.fault("expected key=value"))?;
            if named.iter().any(|&(k, _)| k == key) {
                return Err(token.fault(format!("`{key}` is given twice")));
            }
            named.push((key, value));
        }
        Ok(Words { keyword: *keyword, positional: rest[..n_positional].iter().copied().collect(), named })
    }

    /// The next value by position.
    fn next(&mut self, what: &str) -> Parsed<Token<'a>> {
        self.positional
            .pop_front()
            .ok_or_else(|| self.keyword.fault(format!("`{}` needs {what}", self.keyword.shown())))
    }

    /// The value of a key, read by a function.
    fn take<T>(&mut self, key: &str, read: impl Fn(Token<'a>) -> Parsed<T>) -> Parsed<Option<T>> {
        match self.named.iter().position(|&(k, _)| k == key) {
            Some(i) => read(self.named.remove(i).1).map(Some),
            None => Ok(None),
        }
    }

    fn text(&mut self, key: &str) -> Parsed<Option<BString>> {
        self.take(key, text)
    }

    fn text_or_empty(&mut self, key: &str) -> Parsed<BString> {
        Ok(self.text(key)?.unwrap_or_default())
    }

    fn strings(&mut self, key: &str) -> Parsed<BString> {
        let read = |token: Token<'a>| {
            let is_list = token.bytes.starts_with(b"[");
            Ok(BString::from(if is_list { read_str_list(token)? } else { token.text()? }))
        };
        Ok(self.take(key, read)?.unwrap_or_default())
    }

    /// Fails if something was not asked for.
    fn end(mut self, known: &str) -> Parsed<()> {
        if let Some(extra) = self.positional.pop_front() {
            return Err(extra.fault(format!("expected key=value; known keys are {known}")));
        }
        match self.named.first() {
            Some((key, value)) => Err(Fault {
                column: value.column - key.len() - 1,
                what: format!("unknown key `{key}`; known keys are {known}"),
            }),
            None => Ok(()),
        }
    }
}

fn text(token: Token<'_>) -> Parsed<BString> {
    token.text().map(BString::from)
}

/// `1,2,3`
fn numbers<const N: usize>(token: Token<'_>) -> Parsed<[u64; N]> {
    let fault = || token.fault(format!("expected {N} numbers joined by commas"));
    let mut out = [0; N];
    let mut rest = Some(token);
    for slot in &mut out {
        let current = rest.ok_or_else(fault)?;
        let (head, tail) = match current.split_once(",") {
            Some((head, tail)) => (head, Some(tail)),
            None => (current, None),
        };
        *slot = head.u64()?;
        rest = tail;
    }
    if rest.is_some() { Err(fault()) } else { Ok(out) }
}

fn u32_flags(token: Token<'_>, table: &crate::event::kind::FlagTable) -> Parsed<u32> {
    u32::try_from(read_flags(token, table)?).map_err(|_| token.fault("more than 32 bits"))
}

/// Reads one line into the section; the first token is one of [`KEYWORDS`].
pub(crate) fn read_line(tokens: &[Token<'_>], section: &mut Section) -> Parsed<()> {
    let mut words = Words::of(tokens)?;
    match words.keyword.word() {
        "machine" => {
            let m = &mut section.machine;
            // Several lines may each say a part.
            let texts = [
                ("hostname", &mut m.hostname),
                ("kernel", &mut m.kernel),
                ("arch", &mut m.arch),
                ("boot_id", &mut m.boot_id),
                ("recorder", &mut m.recorder),
            ];
            for (key, slot) in texts {
                *slot = words.text(key)?.or(slot.take());
            }
            m.n_cpus = words.take("cpus", |t| t.u32())?.or(m.n_cpus);
            m.memory_bytes = words.take("memory", |t| t.u64())?.or(m.memory_bytes);
            m.boot_ns = words.take("boot_ns", |t| t.u64())?.or(m.boot_ns);
            m.clock_offset_ns = words.take("clock_offset_ns", |t| t.i64())?.or(m.clock_offset_ns);
            words.end("hostname, kernel, arch, boot_id, recorder, cpus, memory, boot_ns, clock_offset_ns")
        }
        "user" => {
            let uid = words.next("a user id")?.u32()?;
            let entry = UserEntry {
                uid,
                name: text(words.next("a name")?)?,
                gid: words.take("gid", |t| t.u32())?.unwrap_or(uid),
                home: words.text_or_empty("home")?,
                shell: words.text_or_empty("shell")?,
                container_id: words.text_or_empty("container")?,
            };
            section.users.push(entry);
            words.end("gid, home, shell, container")
        }
        "group" => {
            let entry = GroupEntry {
                gid: words.next("a group id")?.u32()?,
                name: text(words.next("a name")?)?,
                container_id: words.text_or_empty("container")?,
            };
            section.groups.push(entry);
            words.end("container")
        }
        "interface" => {
            let name = text(words.next("a name")?)?;
            let addr = ip(words.next("an address")?)?;
            let none = match addr {
                IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            };
            let entry = InterfaceEntry {
                name,
                addr,
                netmask: words.take("netmask", ip)?.unwrap_or(none),
                broadcast: words.take("broadcast", ip)?.unwrap_or(none),
                speed: words.take("speed", |t| t.u64())?,
            };
            section.interfaces.push(entry);
            words.end("netmask, broadcast, speed")
        }
        "container" => {
            let entry = ContainerEntry {
                id: text(words.next("an id")?)?,
                runtime: words.text("runtime")?,
                name: words.text("name")?,
                image: words.text("image")?,
                json: words.text("json")?,
            };
            section.containers.push(entry);
            words.end("runtime, name, image, json")
        }
        "mount" => {
            let entry = MountEntry {
                target: text(words.next("a mount point")?)?,
                source: words.text_or_empty("source")?,
                fs_type: words.text_or_empty("type")?,
                options: words.text_or_empty("options")?,
                mount_ns: words.take("ns", |t| t.u64())?,
            };
            section.mounts.push(entry);
            words.end("source, type, options, ns")
        }
        "thread" => read_thread(words, section),
        _ => read_fd(words, section),
    }
}

fn ip(token: Token<'_>) -> Parsed<IpAddr> {
    token.word().parse().map_err(|_| token.fault(format!("expected an IP address, found `{}`", token.shown())))
}

fn read_thread(mut words: Words<'_>, section: &mut Section) -> Parsed<()> {
    let tid = Tid(words.next("a thread id")?.i64()?);
    let pid = words.take("pid", |t| t.i64())?.map_or(tid, Tid);
    let narrow = |token: Token<'_>| {
        let [a, b, c] = numbers::<3>(token)?;
        let narrow = |n: u64| u32::try_from(n).map_err(|_| token.fault("expected numbers below 2^32"));
        Ok([narrow(a)?, narrow(b)?, narrow(c)?])
    };
    let entry = ThreadEntry {
        tid,
        pid,
        ptid: words.take("ptid", |t| t.i64())?.map(Tid),
        sid: words.take("sid", |t| t.i64())?,
        pgid: words.take("pgid", |t| t.i64())?,
        vpgid: words.take("vpgid", |t| t.i64())?,
        vtid: words.take("vtid", |t| t.i64())?,
        vpid: words.take("vpid", |t| t.i64())?,
        comm: words.text_or_empty("comm")?,
        exe: words.text_or_empty("exe")?,
        exepath: words.text_or_empty("exepath")?,
        args: words.strings("args")?,
        env: words.strings("env")?,
        cwd: words.text_or_empty("cwd")?,
        root: words.text_or_empty("root")?,
        cgroups: words.strings("cgroups")?,
        flags: words.take("flags", |t| u32_flags(t, &flags::CLONE_FLAGS))?.unwrap_or(0),
        uid: words.take("uid", |t| t.u32())?,
        gid: words.take("gid", |t| t.u32())?,
        loginuid: words.take("loginuid", |t| t.u32())?,
        tty: words.take("tty", |t| t.u32())?,
        fd_limit: words.take("fd_limit", |t| t.i64())?,
        vm_kb: words.take("vm_kb", narrow)?.unwrap_or([0; 3]),
        page_faults: words.take("page_faults", numbers::<2>)?.unwrap_or([0; 2]),
        caps: words.take("caps", numbers::<3>)?,
        exe_flags: words.take("exe_flags", |t| u32_flags(t, &flags::EXECVE_FLAGS))?,
        exe_inode: words.take("exe_inode", numbers::<3>)?,
        pidns_init_start_ns: words.take("pidns_init_start_ns", |t| t.u64())?,
        start_ns: words.take("start_ns", |t| t.u64())?,
        namespaces: words.strings("namespaces")?,
        seen_ns: words.take("seen_ns", |t| t.u64())?,
    };
    words.end(
        "pid, ptid, sid, pgid, vpgid, vtid, vpid, comm, exe, exepath, args, env, cwd, root, cgroups, flags, uid, gid, \
         loginuid, tty, fd_limit, vm_kb, page_faults, caps, exe_flags, exe_inode, pidns_init_start_ns, start_ns, \
         namespaces, seen_ns",
    )?;
    section.threads.push(entry);
    Ok(())
}

fn read_fd(mut words: Words<'_>, section: &mut Section) -> Parsed<()> {
    let tid = Tid(words.next("a thread id")?.i64()?);
    let fd = words.next("a number")?.i64()?;
    let kind = words.next("a kind: file, directory, pipe, inet, listen, unix, ...")?;
    let target = match kind.word() {
        "none" => FdTarget::Unknown,
        "inet" | "ipv4" | "ipv6" => {
            let ends = words.next("two addresses, as 10.0.0.1:4242->10.0.0.2:80")?;
            let (local, remote) = ends.split_once("->").ok_or_else(|| ends.fault("expected LOCAL->REMOTE"))?;
            FdTarget::Inet { local: read_inet(local)?, remote: read_inet(remote)?, l4: transport(&mut words)? }
        }
        "listen" => {
            let local = read_inet(words.next("an address, as 0.0.0.0:80")?)?;
            FdTarget::Listen { local, l4: transport(&mut words)? }
        }
        "unix" => {
            let (local, peer) = match words.positional.front().and_then(|t| t.split_once("->")) {
                Some((local, peer)) => {
                    words.positional.pop_front();
                    (local.u64()?, peer.u64()?)
                }
                None => (0, 0),
            };
            FdTarget::Unix { local, peer, name: name(&mut words)? }
        }
        word => {
            let Some(&(named, _)) = FD_KINDS.iter().find(|&&(_, n)| n == word) else {
                let known: Vec<_> = FD_KINDS.iter().map(|&(_, n)| n).collect();
                let known = known.join(", ");
                return Err(kind.fault(format!("expected inet, listen, unix, none, {known}; found `{}`", kind.shown())));
            };
            FdTarget::Named {
                kind: named,
                name: name(&mut words)?,
                flags: words.take("flags", |t| u32_flags(t, &flags::FILE_FLAGS))?,
                dev: words.take("dev", |t| t.u32())?,
            }
        }
    };
    let inode = words.take("ino", |t| t.u64())?;
    words.end(if matches!(target, FdTarget::Named { .. }) { "flags, dev, ino" } else { "ino" })?;
    section.fds.push(FdEntry { tid, fd, inode, target });
    Ok(())
}

fn name(words: &mut Words<'_>) -> Parsed<BString> {
    words.positional.pop_front().map_or(Ok(BString::default()), text)
}

fn transport(words: &mut Words<'_>) -> Parsed<L4> {
    let Some(word) = words.positional.pop_front() else { return Ok(L4::Tcp) };
    let found = TRANSPORTS.iter().find(|&&(_, name)| name == word.word());
    found.map(|&(l4, _)| l4).ok_or_else(|| word.fault("expected tcp, udp, icmp, raw, none or unknown"))
}

/// A line being written.
struct Line<'a> {
    out: &'a mut String,
}

impl Line<'_> {
    fn word(&mut self, word: impl Display) -> &mut Self {
        write!(self.out, " {word}").expect("writing to a string");
        self
    }

    /// Text by position: quoted if it could be taken for `key=value`.
    fn name(&mut self, bytes: &[u8]) -> &mut Self {
        self.out.push(' ');
        if bytes.contains(&b'=') {
            put_quoted(bytes, self.out)
        } else {
            put_text(bytes, self.out)
        }
        self
    }

    fn number(&mut self, key: &str, value: Option<impl Display>) -> &mut Self {
        if let Some(value) = value {
            write!(self.out, " {key}={value}").expect("writing to a string");
        }
        self
    }

    fn numbers<T: Display>(&mut self, key: &str, values: Option<&[T]>) -> &mut Self {
        if let Some(values) = values {
            let values: Vec<_> = values.iter().map(T::to_string).collect();
            self.number(key, Some(values.join(",")));
        }
        self
    }

    fn text(&mut self, key: &str, value: Option<&BString>) -> &mut Self {
        if let Some(value) = value {
            write!(self.out, " {key}=").expect("writing to a string");
            put_text_or_quotes(value, self.out);
        }
        self
    }

    /// Text that is left out when empty.
    fn some_text(&mut self, key: &str, value: &BString) -> &mut Self {
        self.text(key, Some(value).filter(|v| !v.is_empty()))
    }

    fn strings(&mut self, key: &str, value: &BString) -> &mut Self {
        if !value.is_empty() {
            write!(self.out, " {key}=").expect("writing to a string");
            if !put_str_list(value, self.out) {
                put_quoted(value, self.out);
            }
        }
        self
    }

    fn flags(&mut self, key: &str, value: Option<u32>, table: &crate::event::kind::FlagTable) -> &mut Self {
        if let Some(value) = value {
            write!(self.out, " {key}=").expect("writing to a string");
            put_flags(u64::from(value), table, self.out);
        }
        self
    }
}

fn put_text_or_quotes(bytes: &[u8], out: &mut String) {
    if bytes.is_empty() { out.push_str("\"\"") } else { put_text(bytes, out) }
}

/// Appends the lines of a section, in an order in which a reader of it learns names before their use.
pub(crate) fn put_section(section: &Section, out: &mut String) {
    let mut line = |keyword: &str, fill: &mut dyn FnMut(&mut Line<'_>)| {
        out.push_str(keyword);
        fill(&mut Line { out });
        out.push('\n');
    };
    let m = &section.machine;
    if *m != Default::default() {
        line("machine", &mut |l| {
            l.text("hostname", m.hostname.as_ref()).text("kernel", m.kernel.as_ref()).text("arch", m.arch.as_ref());
            l.number("cpus", m.n_cpus).number("memory", m.memory_bytes).number("boot_ns", m.boot_ns);
            l.text("boot_id", m.boot_id.as_ref()).text("recorder", m.recorder.as_ref());
            l.number("clock_offset_ns", m.clock_offset_ns);
        });
    }
    for user in &section.users {
        line("user", &mut |l| {
            l.word(user.uid).name(&user.name).number("gid", Some(user.gid)).some_text("home", &user.home);
            l.some_text("shell", &user.shell).some_text("container", &user.container_id);
        });
    }
    for group in &section.groups {
        line("group", &mut |l| {
            l.word(group.gid).name(&group.name).some_text("container", &group.container_id);
        });
    }
    for interface in &section.interfaces {
        line("interface", &mut |l| {
            l.name(&interface.name).word(interface.addr).number("netmask", Some(interface.netmask));
            l.number("broadcast", Some(interface.broadcast)).number("speed", interface.speed);
        });
    }
    for mount in &section.mounts {
        line("mount", &mut |l| {
            l.name(&mount.target).some_text("source", &mount.source).some_text("type", &mount.fs_type);
            l.some_text("options", &mount.options).number("ns", mount.mount_ns);
        });
    }
    for container in &section.containers {
        line("container", &mut |l| {
            l.name(&container.id).text("runtime", container.runtime.as_ref()).text("name", container.name.as_ref());
            l.text("image", container.image.as_ref()).text("json", container.json.as_ref());
        });
    }
    for thread in &section.threads {
        line("thread", &mut |l| put_thread(thread, l));
    }
    for fd in &section.fds {
        line("fd", &mut |l| put_fd(fd, l));
    }
}

fn put_thread(thread: &ThreadEntry, l: &mut Line<'_>) {
    l.word(thread.tid.0).number("pid", Some(thread.pid.0)).number("ptid", thread.ptid.map(|t| t.0));
    l.number("sid", thread.sid).number("pgid", thread.pgid).number("vpgid", thread.vpgid);
    l.number("vtid", thread.vtid).number("vpid", thread.vpid);
    l.some_text("comm", &thread.comm).some_text("exe", &thread.exe).some_text("exepath", &thread.exepath);
    l.strings("args", &thread.args).some_text("cwd", &thread.cwd).some_text("root", &thread.root);
    l.number("uid", thread.uid).number("gid", thread.gid).number("loginuid", thread.loginuid);
    l.number("tty", thread.tty).flags("flags", Some(thread.flags).filter(|&f| f != 0), &flags::CLONE_FLAGS);
    l.flags("exe_flags", thread.exe_flags, &flags::EXECVE_FLAGS);
    l.numbers("exe_inode", thread.exe_inode.as_ref().map(|v| v.as_slice()));
    l.numbers("caps", thread.caps.as_ref().map(|v| v.as_slice())).number("fd_limit", thread.fd_limit);
    l.numbers("vm_kb", Some(thread.vm_kb.as_slice()).filter(|v| *v != [0; 3]));
    l.numbers("page_faults", Some(thread.page_faults.as_slice()).filter(|v| *v != [0; 2]));
    l.number("pidns_init_start_ns", thread.pidns_init_start_ns).number("start_ns", thread.start_ns);
    l.number("seen_ns", thread.seen_ns).strings("namespaces", &thread.namespaces);
    l.strings("cgroups", &thread.cgroups).strings("env", &thread.env);
}

fn put_fd(fd: &FdEntry, l: &mut Line<'_>) {
    let l4_name = |l4: L4| TRANSPORTS.iter().find(|t| t.0 == l4).map_or("unknown", |t| t.1);
    l.word(fd.tid.0).word(fd.fd);
    match &fd.target {
        FdTarget::Unknown => l.word("none"),
        FdTarget::Inet { local, remote, l4 } => {
            l.word("inet").word(format_args!("{local}->{remote}")).word(l4_name(*l4))
        }
        FdTarget::Listen { local, l4 } => l.word("listen").word(local).word(l4_name(*l4)),
        FdTarget::Unix { local, peer, name } => l.word("unix").word(format_args!("{local:#x}->{peer:#x}")).name(name),
        FdTarget::Named { kind, name, flags: open_flags, dev } => {
            let kind = FD_KINDS.iter().find(|k| k.0 == *kind).map_or("unknown", |k| k.1);
            l.word(kind).name(name).flags("flags", *open_flags, &flags::FILE_FLAGS);
            l.number("dev", dev.map(|dev| format!("{dev:#x}")))
        }
    };
    l.number("ino", fd.inode);
}

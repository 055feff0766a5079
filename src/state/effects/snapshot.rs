//! The state a trace starts from: processes, descriptors, users, containers.
//!
//! Source for what Falco makes of it: `sinsp_threadinfo::{init, add_fd_from_scap, fix_sockets_coming_from_proc}`.

use hashbrown::HashSet;
use tracehound_formats::section::{FdEntry, FdKind, FdTarget, L4, Machine, Section, ThreadEntry};
use tracehound_formats::{Nanos, Seq, Tid};

use super::files::open_flags;
use super::lifecycle::{unknown_attrs, unknown_process};
use super::metadata;
use super::tuples::{self, Ends};
use crate::fd_table::Entry;
use crate::history::{Creds, Group, Image, Net, OpenFile, Origin, Role, SectionFacts, ThreadId, User};
use crate::process::{NewProcess, NewThread};
use crate::replay::{Cx, Replay};

/// Loads the tables of a section as of event `from`.
pub(crate) fn load(r: &mut Replay, section: &Section, from: Seq) {
    if let (Some(last), true) = (r.history.sections.last_mut(), section.is_addition) {
        complete(&mut last.machine, &section.machine);
        last.interfaces.extend(section.interfaces.iter().cloned());
        last.mounts.extend(section.mounts.iter().cloned());
    } else {
        if !r.history.sections.is_empty() {
            r.end_users(from);
        }
        r.history.sections.push(SectionFacts {
            from,
            machine: section.machine.clone(),
            interfaces: section.interfaces.clone(),
            mounts: section.mounts.clone(),
        });
    }
    for entry in &section.containers {
        metadata::from_snapshot(r, from, entry);
    }
    threads(r, section, from);
    parents(r, section, from);
    descriptors(r, section, from);
    for entry in &section.users {
        let [container, name, home, shell] =
            [&entry.container_id, &entry.name, &entry.home, &entry.shell].map(|text| r.intern(text));
        r.add_user(User { from, until: None, container, uid: entry.uid, gid: entry.gid, name, home, shell });
    }
    for entry in &section.groups {
        let [container, name] = [&entry.container_id, &entry.name].map(|text| r.intern(text));
        r.add_group(Group { from, until: None, container, gid: entry.gid, name });
    }
}

/// Fills in what is not known of the machine yet.
fn complete(machine: &mut Machine, more: &Machine) {
    let Machine { hostname, n_cpus, memory_bytes, boot_ns, kernel, arch, boot_id, recorder, clock_offset_ns } = machine;
    let text = |old: &mut Option<bstr::BString>, new: &Option<bstr::BString>| {
        if old.is_none() {
            old.clone_from(new);
        }
    };
    text(hostname, &more.hostname);
    text(kernel, &more.kernel);
    text(arch, &more.arch);
    text(boot_id, &more.boot_id);
    text(recorder, &more.recorder);
    *n_cpus = n_cpus.or(more.n_cpus);
    *memory_bytes = memory_bytes.or(more.memory_bytes);
    *boot_ns = boot_ns.or(more.boot_ns);
    *clock_offset_ns = clock_offset_ns.or(more.clock_offset_ns);
}

fn threads(r: &mut Replay, section: &Section, from: Seq) {
    // Main threads first: the others need their process.
    let (leaders, others): (Vec<_>, Vec<_>) = section.threads.iter().partition(|entry| entry.tid == entry.pid);
    for entry in leaders {
        if is_known(r, entry, from) {
            continue;
        }
        add_process(r, entry, from);
        add_thread(r, entry, from);
    }
    for entry in others {
        if is_known(r, entry, from) {
            continue;
        }
        if r.live.groups.get(entry.pid.0).is_none() {
            // The main thread is not listed: it has exited, or was missed.
            let leader = ThreadEntry { tid: entry.pid, ..entry.clone() };
            add_process(r, &leader, from);
            add_thread(r, &leader, from);
        }
        add_thread(r, entry, from);
    }
}

/// True if the thread is current already. Of a placeholder the tables know better.
fn is_known(r: &mut Replay, entry: &ThreadEntry, from: Seq) -> bool {
    let Some(thread) = r.thread_by_tid(entry.tid.0) else { return false };
    if r.live.thread[thread.index()].is_placeholder {
        r.remove_thread(thread, from);
        return false;
    }
    r.notes.n_duplicate_threads += 1;
    true
}

fn add_process(r: &mut Replay, entry: &ThreadEntry, from: Seq) {
    let image = image(r, entry, from);
    let fd_table = r.history.fd_tables.create();
    let cwd = r.intern_dir(None, &entry.cwd);
    let root = r.intern(&entry.root);
    let env = r.intern_list(&entry.env);
    let vpid = entry.vpid.filter(|&vpid| vpid >= 0);
    let inherited = r.inherited(None, (Some(root), entry.fd_limit, entry.pid.0 == 1 || vpid == Some(1)));
    r.create_process(NewProcess {
        vpid,
        start_ns: entry.start_ns.filter(|&ns| ns > 0).map(Nanos),
        origin: Origin::Snapshot,
        cwd: Some(cwd),
        env: Some(env),
        ..unknown_process(entry.pid.0, from, image, fd_table, inherited)
    });
}

fn add_thread(r: &mut Replay, entry: &ThreadEntry, from: Seq) -> Option<ThreadId> {
    let process = r.live.groups.get(entry.pid.0)?;
    let image = image(r, entry, from);
    let (uid, gid, loginuid) = (known(entry.uid), known(entry.gid), known(entry.loginuid));
    let creds = r.creds(Creds { uid, gid, loginuid, caps: entry.caps, falco_uid: uid, falco_gid: gid });
    let cgroups = r.intern_list(&entry.cgroups);
    let container = r.container_of_cgroups(cgroups);
    let mut attrs = unknown_attrs(from, image, creds);
    attrs.sid = entry.sid.filter(|&sid| sid >= 0);
    attrs.pgid = entry.pgid.filter(|&pgid| pgid >= 0);
    attrs.true_pgid = attrs.pgid;
    attrs.vpgid = entry.vpgid.filter(|&vpgid| vpgid >= 0);
    attrs.tty = entry.tty;
    attrs.cgroups = cgroups;
    attrs.container = container;
    attrs.pidns_init_start_ns = entry.pidns_init_start_ns;
    let start_ns = entry.start_ns.filter(|&ns| ns > 0).map(Nanos);
    let vtid = entry.vtid.filter(|&vtid| vtid >= 0);
    let new = NewThread { tid: entry.tid, vtid, process, start_ns, origin: Origin::Snapshot, from };
    Some(r.create_thread(new, attrs, Nanos(0)))
}

fn known(id: Option<u32>) -> Option<u32> {
    id.filter(|&id| id != u32::MAX)
}

fn image(r: &mut Replay, entry: &ThreadEntry, from: Seq) -> crate::history::ImageId {
    r.unknown_image();
    let path: &[u8] = &entry.exepath;
    let (exepath, is_deleted) = match path.strip_suffix(b" (deleted)") {
        Some(path) if !path.is_empty() => (path, true),
        _ => (path, false),
    };
    let exepath = r.intern(exepath);
    let [comm, exe] = [&entry.comm, &entry.exe].map(|text| Some(r.intern(text)));
    let args = r.intern_list(&entry.args);
    let [ino, ctime, mtime] = entry.exe_inode.map_or([None; 3], |inode| inode.map(Some));
    r.push_image(Image {
        from,
        is_exec: false,
        comm,
        exe,
        args,
        exepath,
        is_deleted,
        filename: None,
        flags: entry.exe_flags,
        ino,
        ctime,
        mtime,
    })
}

fn parents(r: &mut Replay, section: &Section, from: Seq) {
    for entry in &section.threads {
        let Some(process) = r.live.groups.get(entry.pid.0) else { continue };
        let is_set = r.history.processes[process.index()].birth_parent().is_some();
        let Some(ptid) = entry.ptid.filter(|tid| tid.0 > 0 && !is_set && *tid != entry.pid) else { continue };
        let Some(parent) = r.live.threads.get(ptid.0) else { continue };
        if is_ancestor(r, process, parent) {
            r.notes.n_parent_cycles += 1;
            continue;
        }
        r.set_birth_parent(process, parent, from);
    }
}

/// True if `process` already is an ancestor of `of`, so that it must not become its child too. Looks at as many
/// ancestors as a real machine has; a longer cycle is harmless, readers of the history are protected from it.
fn is_ancestor(r: &Replay, process: crate::history::ProcessId, of: ThreadId) -> bool {
    let mut at = Some(r.process_of(of));
    for _ in 0..64 {
        match at {
            Some(ancestor) if ancestor == process => return true,
            Some(ancestor) => at = r.history.processes[ancestor.index()].parent().last(),
            None => return false,
        }
    }
    false
}

fn descriptors(r: &mut Replay, section: &Section, from: Seq) {
    let served: HashSet<u16> = section
        .fds
        .iter()
        .filter_map(|entry| match entry.target {
            FdTarget::Listen { local, .. } => Some(local.port()),
            _ => None,
        })
        .collect();
    for entry in &section.fds {
        let Some(thread) = r.live.threads.get(entry.tid.0) else {
            r.notes.n_orphan_fds += 1;
            continue;
        };
        if entry.fd < 0 {
            continue;
        }
        let file = file(r, entry, from, section, &served);
        let is_cloexec = file.flags & open_flags::CLOEXEC != 0;
        let file = Some(r.push_file(file));
        // A secondary thread's entries are its process's.
        let table = r.table_of(thread);
        r.history.fd_tables.set(table, entry.fd, from, Entry { file, is_cloexec });
    }
}

fn file(r: &mut Replay, entry: &FdEntry, from: Seq, section: &Section, served: &HashSet<u16>) -> OpenFile {
    let mut file = r.blank_file(None, FdKind::Unknown);
    file.from = from;
    file.ino = entry.inode;
    match &entry.target {
        FdTarget::Named { kind, name, flags, dev } => {
            file.kind = *kind;
            file.name = r.intern(name);
            file.flags = flags.unwrap_or(0);
            file.dev = *dev;
            file.is_upper_layer = file.flags & open_flags::UPPER_LAYER != 0;
            file.is_lower_layer = file.flags & open_flags::LOWER_LAYER != 0;
        }
        FdTarget::Inet { local, remote, l4 } => {
            let (src, dst) = tuples::unmap_pair(*local, *remote);
            let mut ends = Ends { src, dst };
            file.kind = if dst.is_ipv4() { FdKind::Ipv4Socket } else { FdKind::Ipv6Socket };
            file.l4 = *l4;
            file.is_connected = *l4 == L4::Tcp;
            if dst.is_ipv4() {
                ends.complete(&section.interfaces);
                // Only IPv4 sockets are told a role; the process serves if something listens on its port.
                if served.contains(&ends.src.port()) {
                    ends.swap();
                    file.role = Some(Role::Server);
                } else {
                    file.role = Some(Role::Client);
                }
            }
            file.net = Some(ends.net());
            tuples::write_pair(&mut r.scratch, ends.src, ends.dst);
            file.name = r.history.strings.intern(&r.scratch);
        }
        FdTarget::Listen { local, l4 } => {
            file.kind = if local.is_ipv4() { FdKind::Ipv4Listen } else { FdKind::Ipv6Listen };
            file.l4 = *l4;
            file.net = Some(Net::Bound(*local));
            let name = tracehound_formats::event::addr::PlainAddr(*local).to_string();
            file.name = r.intern(name.as_bytes());
        }
        FdTarget::Unix { local, peer, name } => {
            file.kind = FdKind::UnixSocket;
            file.unix = Some((*local, *peer));
            file.name = r.intern(name);
            file.role = Some(if name.is_empty() { Role::Client } else { Role::Server });
        }
        FdTarget::Unknown => {}
    }
    file
}

/// A process listed by an iterator in the middle of a trace: like an entry of the snapshot, if it is not known yet.
pub(crate) fn task(r: &mut Replay, cx: &mut Cx<'_>) {
    let tid = cx.event.head.tid.0;
    if cx.fact.thread.is_some() || tid < 0 {
        return;
    }
    let text = |i: usize| cx.event.arg(i).bytes().unwrap_or_default().to_owned();
    let positive = |i: usize| cx.int(i).filter(|&id| id >= 0);
    let mut entry = ThreadEntry::new(Tid(tid), Tid(tid));
    entry.ptid = positive(0).map(Tid);
    entry.pgid = positive(1);
    entry.vpgid = positive(2);
    entry.sid = positive(3);
    entry.comm = text(4);
    // argv comes whole; argv[0] stands first.
    let argv = text(5);
    let split = argv.iter().position(|&b| b == 0).unwrap_or(argv.len());
    entry.exe = argv[..split].into();
    entry.args = argv.get(split + 1..).unwrap_or_default().into();
    entry.exepath = text(6);
    entry.exe_flags = cx.u32(7);
    entry.env = text(8);
    entry.cwd = text(9);
    entry.fd_limit = cx.int(10);
    entry.uid = cx.u32(11);
    entry.gid = cx.u32(12);
    entry.caps = match (cx.uint(15), cx.uint(13), cx.uint(14)) {
        (Some(inheritable), Some(permitted), Some(effective)) => Some([inheritable, permitted, effective]),
        _ => None,
    };
    entry.vpid = positive(24);
    entry.vtid = positive(25);
    entry.pidns_init_start_ns = cx.uint(26);
    entry.cgroups = text(27);
    entry.root = text(28);
    entry.start_ns = cx.uint(29);
    entry.tty = cx.u32(30);
    entry.loginuid = cx.u32(31);
    add_process(r, &entry, cx.seq);
    cx.fact.thread = add_thread(r, &entry, cx.seq);
    if let (Some(thread), Some(parent)) =
        (cx.fact.thread, entry.ptid.filter(|tid| tid.0 > 0).and_then(|ptid| r.thread_by_tid(ptid.0)))
    {
        let process = r.process_of(thread);
        r.set_birth_parent(process, parent, cx.seq);
    }
}

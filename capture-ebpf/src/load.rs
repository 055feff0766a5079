//! Loads the program with what the running kernel needs to be told, and attaches it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;

use aya::maps::{MapData, PerCpuArray, RingBuf};
use aya::programs::tp_btf::BtfTracePointLinkId;
use aya::programs::{BtfTracePoint, ProgramError};
use aya::{Ebpf, EbpfError, EbpfLoader};
use bstr::ByteSlice;
use rustix::io::Errno;
use rustix::thread::CapabilitySet;
use tracehound_capture_layout::settings::{
    ABSENT, MAX_CALLS, RDONLY_CAST, SOCKETCALL, SOCKETCALLS, counter, wanted, when,
};
use tracehound_capture_layout::{Call, Offsets, Settings};

use crate::btf::Btf;
use crate::calls::{self, CallRow};
use crate::error::StartError;
use crate::options::Options;

/// The program: built by `program/build`, which continuous integration repeats.
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("CARGO_MANIFEST_DIR"), "/program/recorder.o"));

/// Type information of the kernel.
const BTF: &str = "/sys/kernel/btf/vmlinux";

/// Inode of the initial pid namespace, `PROC_PID_INIT_INO` of `include/linux/proc_ns.h`.
const INIT_PID_NS: u64 = 0xefff_fffc;

/// Programs with the tracepoint's name, in the order of [`counter`]; those of [`OPTIONAL`] come last.
pub(crate) const PROGRAMS: [&str; 6] =
    ["sys_exit", "task_newtask", "sched_process_exec", "sched_process_exit", OPTIONAL[0].name, OPTIONAL[1].name];

/// Maps of which one entry is enough where programs have one instance, and how many there are else: buffers have one an
/// instance of the programs that use them.
const INSTANCE_MAPS: [(&str, u32); 5] =
    [("SYSCALL_BUFFER", 2), ("FORK_BUFFER", 4), ("EXIT_BUFFER", 4), ("CGROUP_BUFFER", 4), ("PASSED", counter::N)];

/// Oldest kernel: the first with a BPF ring buffer.
const MIN_KERNEL: (u32, u32) = (5, 8);

/// Further instances of the same programs, with the tracepoint: for what those before do not see because they were
/// preempted (`program/src/instance.rs`). To be attached in this order, and taken off in the other.
pub(crate) const FURTHER_PROGRAMS: [(&str, &str); 8] = [
    ("sys_exit_second", "sys_exit"),
    ("task_newtask_second", "task_newtask"),
    ("sched_process_exec_second", "sched_process_exec"),
    ("sched_process_exit_second", "sched_process_exit"),
    ("task_newtask_third", "task_newtask"),
    ("sched_process_exit_third", "sched_process_exit"),
    ("task_newtask_fourth", "task_newtask"),
    ("sched_process_exit_fourth", "sched_process_exit"),
];

/// Programs on tracepoints are preemptible since 7.0 (Linux a46023d5616e, f7d327654b88).
const PREEMPTIBLE_KERNEL: (u32, u32) = (7, 0);

/// `BPF_FUNC_get_current_task_btf` appeared in 5.11.
const TASK_BTF_KERNEL: (u32, u32) = (5, 11);

/// `BPF_FUNC_task_pt_regs` appeared in 5.15.
const TASK_REGS_KERNEL: (u32, u32) = (5, 15);

/// Operations of io_uring that are not recorded, `IORING_OP_*`: what only moves data, waits or cancels.
const QUIET_URING_OPS: [u32; 35] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 14, 15, 20, 22, 23, 24, 25, 26, 27, 29, 31, 32, 40, 47, 49, 50, 51, 52, 53, 54,
    58, 59, 60, 61,
];

/// The program in the kernel.
pub(crate) struct Loaded {
    pub(crate) ebpf: Ebpf,
    pub(crate) ring: RingBuf<MapData>,
    pub(crate) counters: PerCpuArray<MapData, [u64; 7]>,
    /// Where each program is attached.
    pub(crate) links: Vec<(&'static str, BtfTracePointLinkId)>,
    /// What this kernel cannot give, for people.
    pub(crate) missing: Vec<String>,
}

/// Loads and attaches.
pub(crate) fn load(options: &Options) -> Result<Loaded, StartError> {
    let uname = rustix::system::uname();
    let kernel = uname.release().to_string_lossy().into_owned();
    let version = check_machine(&kernel, &uname.machine().to_string_lossy())?;
    let has = rustix::thread::capabilities(None).map_or(CapabilitySet::empty(), |sets| sets.effective);
    let mut missing = partial(has);
    let Types { offsets, subsys, optional, cast } = types(&kernel, &mut missing)?;
    let n_cpus = aya::util::nr_cpus().map_err(|(what, cause)| StartError::System { what, cause })?;
    let ring_bytes = ring_bytes(options.ring_bytes);
    let n_instances = if version >= PREEMPTIBLE_KERNEL { 2 } else { 1 };
    let settings = Settings {
        self_tgid: options.ignore_tgid.unwrap_or(0),
        wake_bytes: ring_bytes / 4,
        snap_bytes: options.snap_bytes.min(tracehound_capture_layout::settings::MAX_DATA as u32),
        max_args: options.max_args_bytes.min(tracehound_capture_layout::settings::MAX_ARGS as u32),
        has_env: u32::from(!options.env_keys.is_empty()),
        has_task_btf: u32::from(version >= TASK_BTF_KERNEL),
        // Without IA32_EMULATION the bit is never set; asking costs nothing that could be measured.
        has_compat: 1,
        cgroup_subsys: subsys,
        has_cgroup_path: 1,
        n_instances,
        uring_ops: !QUIET_URING_OPS.iter().fold(0u64, |mask, op| mask | 1 << op),
        has_task_regs: u32::from(version >= TASK_REGS_KERNEL),
        kiocb_type: cast.map_or(0, |cast| cast.kiocb),
    };
    if options.dns && settings.has_task_regs == 0 {
        missing.push("questions to name servers over TCP are not recorded: the kernel is older than 5.15".to_owned());
    }
    let settings = settings_bytes(&settings);
    let native = table_bytes(options, |row| row.nr);
    let compat = table_bytes(options, |row| row.nr_32);
    let wanted = wanted_bytes(&native, &compat);

    raise_memlock();
    let mut loader = EbpfLoader::new();
    // The loader reads the kernel's types when it is made; the program has nothing that needs them, and attaching reads
    // them again.
    loader
        .btf(None)
        .override_global("OFFSETS", offsets.as_slice(), true)
        .override_global("SETTINGS", settings.as_slice(), true)
        .override_global("CALLS", native.as_slice(), true)
        .override_global("CALLS_32", compat.as_slice(), true)
        .override_global("WANTED", wanted.as_slice(), true)
        .map_max_entries("RING", ring_bytes)
        .map_max_entries("EXEC_BUFFER", n_cpus as u32 * n_instances);
    for (map, n) in INSTANCE_MAPS {
        loader.map_max_entries(map, if n_instances == 1 { 1 } else { n });
    }
    let mut ebpf = loader.load(&object(cast)).map_err(|err| load_error(err, ring_bytes))?;
    let kernel_types = aya::Btf::from_sys_fs().map_err(|err| StartError::BadBtf(err.to_string()))?;
    let mut links = Vec::new();
    let mut attach = |program: &'static str, tracepoint: &'static str| {
        links.push((program, attach(&mut ebpf, program, tracepoint, &kernel_types)?));
        Ok(())
    };
    for program in &PROGRAMS[..PROGRAMS.len() - OPTIONAL.len()] {
        attach(program, program)?;
    }
    if n_instances == 2 {
        for (program, tracepoint) in FURTHER_PROGRAMS {
            attach(program, tracepoint)?;
        }
    }
    for (point, found) in OPTIONAL.iter().zip(optional) {
        let is_wanted = if point.name == "net_dev_queue" { options.dns } else { options.io_uring };
        if is_wanted {
            attach_optional(point, found, &mut attach, &mut missing);
        }
    }
    // They are large, and so is the ring, which is mapped next.
    drop(kernel_types);
    let gone = |name: &str| StartError::Load(format!("the program has no map {name}"));
    let ring = ebpf.take_map("RING").ok_or_else(|| gone("RING"))?;
    let ring = RingBuf::try_from(ring).map_err(|err| StartError::Load(err.to_string()))?;
    let counters = ebpf.take_map("COUNTERS").ok_or_else(|| gone("COUNTERS"))?;
    let counters = PerCpuArray::try_from(counters).map_err(|err| StartError::Load(err.to_string()))?;
    Ok(Loaded { ebpf, ring, counters, links, missing })
}

/// Checks what can be known before anything is tried; the version of the kernel.
fn check_machine(kernel: &str, machine: &str) -> Result<(u32, u32), StartError> {
    if machine != "x86_64" {
        return Err(StartError::Architecture { arch: machine.to_owned() });
    }
    let version = kernel_version(kernel).unwrap_or(MIN_KERNEL);
    if version < MIN_KERNEL {
        return Err(StartError::OldKernel { found: kernel.to_owned() });
    }
    let pid_ns = fs::metadata("/proc/self/ns/pid").map_err(StartError::NoProc)?;
    if pid_ns.ino() != INIT_PID_NS {
        return Err(StartError::PidNamespace);
    }
    if fs::read("/sys/kernel/security/lockdown").is_ok_and(|text| text.contains_str("[confidentiality]")) {
        return Err(StartError::Lockdown);
    }
    Ok(version)
}

/// Major and minor number of a release such as `6.1.0-18-amd64`.
fn kernel_version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// What is to be known of the kernel's types.
struct Types {
    offsets: Vec<u32>,
    /// See [`Settings::cgroup_subsys`].
    subsys: u32,
    /// How many arguments each tracepoint of [`OPTIONAL`] has, if there is one.
    optional: [Option<u32>; 2],
    cast: Option<Cast>,
}

/// What it takes to give an address a type, see [`RDONLY_CAST`]: numbers among the kernel's types.
#[derive(Clone, Copy)]
struct Cast {
    /// The function `bpf_rdonly_cast`.
    function: u32,
    /// `struct kiocb`.
    kiocb: u32,
}

/// A tracepoint that recording can do without.
struct OptionalPoint {
    name: &'static str,
    n_args: u32,
    /// What is recorded there, for people.
    what: &'static str,
}

const OPTIONAL: [OptionalPoint; 2] = [
    OptionalPoint { name: "net_dev_queue", n_args: 1, what: "questions to name servers" },
    OptionalPoint { name: "io_uring_submit_req", n_args: 1, what: "requests of io_uring" },
];

/// Reads the kernel's description of its types, which is large, and keeps only what is asked of it.
fn types(kernel: &str, missing: &mut Vec<String>) -> Result<Types, StartError> {
    let bytes = fs::read(BTF).map_err(|err| match err.kind() {
        io::ErrorKind::NotFound => StartError::NoBtf,
        _ => StartError::ReadBtf(err),
    })?;
    let btf = Btf::parse(bytes).map_err(|err| StartError::BadBtf(err.to_string()))?;
    let offsets = offsets(&btf, kernel, missing)?;
    let optional = OPTIONAL.map(|point| btf.tracepoint_args(point.name));
    Ok(Types { offsets, subsys: cgroup_subsys(&btf), optional, cast: cast(&btf) })
}

/// `None` where the kernel has no such function, or interprets programs, which cannot call it then.
fn cast(btf: &Btf) -> Option<Cast> {
    btf.offset("kiocb.ki_filp")?;
    let is_compiled = fs::read("/proc/sys/net/core/bpf_jit_enable").is_ok_and(|text| !text.starts_with(b"0"));
    let cast = Cast { function: btf.function("bpf_rdonly_cast")?, kiocb: btf.structure("kiocb")? };
    is_compiled.then_some(cast)
}

/// The program, with calls of functions of this kernel.
fn object(cast: Option<Cast>) -> Vec<u8> {
    let mut object = OBJECT.to_vec();
    if let Some(cast) = cast {
        let (from, to) = (call(HELPER, RDONLY_CAST), call(FUNCTION, cast.function));
        for instruction in object.as_chunks_mut().0.iter_mut().filter(|instruction| **instruction == from) {
            *instruction = to;
        }
    }
    object
}

/// Whose number a call has: that of a helper, or that of a function among the kernel's types (`BPF_PSEUDO_KFUNC_CALL`).
const HELPER: u8 = 0;
const FUNCTION: u8 = 2;

/// The instruction that calls; source: `struct bpf_insn` of `include/uapi/linux/bpf.h`, `BPF_JMP | BPF_CALL`. Instructions
/// are aligned in an object.
fn call(whose: u8, number: u32) -> [u8; 8] {
    let [a, b, c, d] = number.to_le_bytes();
    [0x85, whose << 4, 0, 0, a, b, c, d]
}

/// Offsets in the order of [`Offsets::PATHS`].
fn offsets(btf: &Btf, kernel: &str, missing: &mut Vec<String>) -> Result<Vec<u32>, StartError> {
    let find = |path: &&str| {
        let (is_optional, names) = match path.strip_prefix('?') {
            Some(names) => (true, names),
            None => (false, *path),
        };
        match btf.offset(names) {
            Some(offset) => Ok(offset),
            None if is_optional => {
                missing.push(format!("the kernel has no {names}"));
                Ok(ABSENT)
            }
            None => Err(StartError::NoMember { member: names.to_owned(), kernel: kernel.to_owned() }),
        }
    };
    Offsets::PATHS.iter().map(find).collect()
}

/// The hierarchy that names containers: the unified one, unless the recorder itself shows that controllers are
/// mounted in hierarchies of their own (version 1, or both).
fn cgroup_subsys(btf: &Btf) -> u32 {
    let own = fs::read("/proc/self/cgroup").unwrap_or_default();
    for (controller, constant) in
        [("memory", "memory_cgrp_id"), ("pids", "pids_cgrp_id"), ("cpu", "cpu_cgrp_id"), ("devices", "devices_cgrp_id")]
    {
        // Lines are `id:controller,controller:path`; the unified hierarchy has no controllers here.
        let is_own = own.lines().any(|line| {
            let controllers = line.splitn(3, |&b| b == b':').nth(1).unwrap_or(&[]);
            controllers.split(|&b| b == b',').any(|name| name == controller.as_bytes())
        });
        if is_own && let Some(index) = btf.enum_value("cgroup_subsys_id", constant) {
            return index;
        }
    }
    ABSENT
}

/// A size that the kernel takes for a ring: a power of two, at least a page.
fn ring_bytes(wanted: usize) -> u32 {
    let most = 1 << 30;
    wanted.clamp(4096, most).next_power_of_two().min(most) as u32
}

fn settings_bytes(settings: &Settings) -> Vec<u8> {
    let Settings {
        self_tgid,
        wake_bytes,
        snap_bytes,
        max_args,
        has_env,
        has_task_btf,
        has_compat,
        cgroup_subsys,
        has_cgroup_path,
        n_instances,
        uring_ops,
        has_task_regs,
        kiocb_type,
    } = *settings;
    let mut out = Vec::new();
    for word in [
        self_tgid,
        wake_bytes,
        snap_bytes,
        max_args,
        has_env,
        has_task_btf,
        has_compat,
        cgroup_subsys,
        has_cgroup_path,
        n_instances,
    ] {
        out.extend(word.to_ne_bytes());
    }
    out.extend(uring_ops.to_ne_bytes());
    for word in [has_task_regs, kiocb_type] {
        out.extend(word.to_ne_bytes());
    }
    out
}

/// The table of system calls as the program has it.
fn table_bytes(options: &Options, nr: impl Fn(&'static CallRow) -> &'static [u16]) -> Vec<u8> {
    let mut rows = vec![Call::NEVER; MAX_CALLS];
    for row in calls::CALLS.iter().filter(|row| row.is_always || options.calls.names.contains(row.name)) {
        for &nr in nr(row) {
            if let Some(slot) = rows.get_mut(usize::from(nr)) {
                *slot = row.call(options.calls.is_full);
            }
        }
    }
    rows.iter()
        .flat_map(|row| {
            let Call { when, n_args, arg, _pad, mask, ops } = *row;
            let ops = ops.map(u16::to_ne_bytes);
            [when, n_args, arg, _pad].into_iter().chain(mask.to_ne_bytes()).chain(ops.into_iter().flatten())
        })
        .collect()
}

/// Which numbers two tables have rows of, see [`wanted`].
fn wanted_bytes(native: &[u8], compat: &[u8]) -> Vec<u8> {
    // `when` is the first byte of a row.
    let has = |row: &[u8], bit: u8| if row[0] == when::NEVER { 0 } else { bit };
    let rows = native.chunks_exact(size_of::<Call>()).zip(compat.chunks_exact(size_of::<Call>()));
    let mut bits: Vec<u8> =
        rows.map(|(native, compat)| has(native, wanted::NATIVE) | has(compat, wanted::COMPAT)).collect();
    // The one number stands for many.
    let of_sockets = SOCKETCALLS.iter().filter(|&&nr| nr != 0).fold(0, |all, &nr| all | bits[usize::from(nr)]);
    bits[SOCKETCALL as usize] |= of_sockets & wanted::COMPAT;
    bits
}

/// Before 5.11 maps count against a limit of locked memory. Where it cannot be raised loading says so.
fn raise_memlock() {
    let unlimited = rustix::process::Rlimit { current: None, maximum: None };
    let _ = rustix::process::setrlimit(rustix::process::Resource::Memlock, unlimited);
}

fn attach(
    ebpf: &mut Ebpf,
    name: &'static str,
    tracepoint: &'static str,
    types: &aya::Btf,
) -> Result<BtfTracePointLinkId, StartError> {
    let refused = |err: ProgramError| refusal(name, err);
    let program =
        ebpf.program_mut(name).ok_or_else(|| StartError::Load(format!("the object has no program {name}")))?;
    let program: &mut BtfTracePoint = program.try_into().map_err(refused)?;
    program.load(tracepoint, types).map_err(refused)?;
    program.attach().map_err(refused)
}

/// Attaches a program that recording can do without.
fn attach_optional(
    point: &OptionalPoint,
    found: Option<u32>,
    attach: &mut impl FnMut(&'static str, &'static str) -> Result<(), StartError>,
    missing: &mut Vec<String>,
) {
    let &OptionalPoint { name, n_args, what } = point;
    if found != Some(n_args) {
        missing.push(format!("{what} are not recorded: the kernel has no tracepoint {name} of {n_args} argument"));
    } else if let Err(err) = attach(name, name) {
        missing.push(format!("{what} are not recorded: {err}"));
    }
}

fn load_error(err: EbpfError, ring_bytes: u32) -> StartError {
    match cause(&err) {
        Some(Errno::PERM | Errno::ACCESS) => not_allowed(),
        Some(Errno::NOMEM) => StartError::NoMemory { ring_bytes },
        _ => StartError::Load(chain(&err)),
    }
}

fn refusal(program: &'static str, err: ProgramError) -> StartError {
    // What the verifier refuses it explains, and gives the same number as what is forbidden.
    let is_explained =
        matches!(&err, ProgramError::LoadError { verifier_log, .. } if !verifier_log.to_string().is_empty());
    if let Some(Errno::PERM | Errno::ACCESS) = cause(&err)
        && !is_explained
    {
        return not_allowed();
    }
    let text = chain(&err);
    // The log of the verifier can be megabytes; its end says what was refused.
    let start = text.char_indices().rev().nth(1500).map_or(0, |(at, _)| at);
    StartError::Refused { program, cause: text[start..].to_owned() }
}

/// The kernel's own error in a chain of errors.
fn cause(err: &(dyn std::error::Error + 'static)) -> Option<Errno> {
    let chain = std::iter::successors(Some(err), |err| err.source());
    let mut errors = chain.filter_map(|err| err.downcast_ref::<io::Error>());
    errors.find_map(|io| io.raw_os_error().map(Errno::from_raw_os_error))
}

/// Which capabilities are missing; if none is, something else forbids it.
fn not_allowed() -> StartError {
    let has = rustix::thread::capabilities(None).map_or(CapabilitySet::empty(), |sets| sets.effective);
    match missing_capabilities(has) {
        Some(missing) => StartError::NotAllowed { missing },
        None => StartError::Forbidden,
    }
}

/// What loading needs and a thread with these capabilities has not.
fn missing_capabilities(has: CapabilitySet) -> Option<String> {
    if has.contains(CapabilitySet::SYS_ADMIN) {
        return None;
    }
    let lacks = [(CapabilitySet::BPF, "CAP_BPF"), (CapabilitySet::PERFMON, "CAP_PERFMON")];
    let names: Vec<_> = lacks.into_iter().filter(|(bit, _)| !has.contains(*bit)).map(|(_, name)| name).collect();
    match names[..] {
        [] => None,
        [one] => Some(format!("{one} is")),
        _ => Some(format!("{} are", names.join(" and "))),
    }
}

/// What can be recorded only in part with these capabilities, for people.
fn partial(has: CapabilitySet) -> Vec<String> {
    let mut out = Vec::new();
    if !has.contains(CapabilitySet::SYS_PTRACE) {
        out.push(
            "CAP_SYS_PTRACE is missing: of processes that run already, other users' descriptors, programs and working \
             directories are not in the start state"
                .to_owned(),
        );
    }
    if !has.intersects(CapabilitySet::DAC_READ_SEARCH | CapabilitySet::DAC_OVERRIDE) {
        out.push(
            "CAP_DAC_READ_SEARCH is missing: containers have no names where their runtime's files are not readable"
                .to_owned(),
        );
    }
    out
}

/// An error with everything that caused it.
fn chain(err: &dyn std::error::Error) -> String {
    let mut text = err.to_string();
    let mut next = err.source();
    while let Some(err) = next {
        let cause = err.to_string();
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
        next = err.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for (release, want) in [
            ("5.10.0-32-cloud-amd64", Some((5, 10))),
            ("6.18.44-fc-v657", Some((6, 18))),
            ("7.3.4+deb13-cloud-amd64", Some((7, 3))),
            ("6", None),
            ("custom", None),
            ("", None),
        ] {
            assert_eq!(kernel_version(release), want, "{release}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let (bpf, perfmon) = (CapabilitySet::BPF, CapabilitySet::PERFMON);
        for (has, want) in [
            (CapabilitySet::empty(), Some("CAP_BPF and CAP_PERFMON are")),
            (bpf, Some("CAP_PERFMON is")),
            (perfmon, Some("CAP_BPF is")),
            (bpf | perfmon, None),
            (CapabilitySet::SYS_ADMIN, None),
        ] {
            assert_eq!(missing_capabilities(has).as_deref(), want, "{has:?}");
        }
        assert_eq!(partial(CapabilitySet::SYS_PTRACE | CapabilitySet::DAC_OVERRIDE), Vec::<String>::new());
        assert_eq!(partial(CapabilitySet::empty()).len(), 2);
    }

    #[test]
    fn calls_of_the_kernels_functions_are_put_in() {
        let n = |object: &[u8], call| object.as_chunks().0.iter().filter(|instruction| **instruction == call).count();
        let n_calls = n(OBJECT, call(HELPER, RDONLY_CAST));
        assert!(n_calls > 0);
        assert_eq!(object(None), OBJECT);
        let object = object(Some(Cast { function: 70_000, kiocb: 1 }));
        assert_eq!(n(&object, call(HELPER, RDONLY_CAST)), 0);
        assert_eq!(n(&object, [0x85, 0x20, 0, 0, 0x70, 0x11, 1, 0]), n_calls);
    }

    #[test]
    fn sizes_of_the_ring() {
        for (wanted, want) in [(0, 4096), (4097, 8192), (16 << 20, 16 << 20), (usize::MAX, 1 << 30)] {
            assert_eq!(ring_bytes(wanted), want, "{wanted}");
        }
    }

    #[test]
    fn machines() {
        assert!(matches!(check_machine("5.4.0", "x86_64"), Err(StartError::OldKernel { .. })));
        assert!(matches!(check_machine("6.1.0", "aarch64"), Err(StartError::Architecture { .. })));
    }

    #[test]
    fn what_the_program_gets_has_the_size_it_expects() {
        let options = Options::default();
        assert_eq!(table_bytes(&options, |row| row.nr).len(), size_of::<Call>() * MAX_CALLS);
        let (native, compat) = (table_bytes(&options, |row| row.nr), table_bytes(&options, |row| row.nr_32));
        let wanted = wanted_bytes(&native, &compat);
        assert_eq!(wanted.len(), MAX_CALLS);
        // 3 is close, and read on i386; 39 is getpid, and mkdir; 111 is getpgrp, and vhangup.
        assert_eq!([wanted[3], wanted[39], wanted[111]], [wanted::NATIVE, wanted::COMPAT, 0]);
        // getuid, and socketcall.
        assert_eq!(wanted[102], wanted::COMPAT);
        assert_eq!(settings_bytes(&Settings::NOTHING).len(), size_of::<Settings>());
    }
}

//! The machine: its name, kernel and clocks, and its addresses.

use bstr::{BString, ByteSlice};
use rustix::time::{ClockId, clock_gettime};
use tracehound_formats::section::{InterfaceEntry, Machine};

use crate::files::{Root, fields};

/// Nanoseconds of one tick of `/proc/PID/stat`: always a hundredth of a second (`USER_HZ`).
const TICK_NS: u64 = 10_000_000;

/// Time of the recording: `CLOCK_BOOTTIME`, and what is to be added to it to get the time since the epoch. It is
/// sampled once, so that setting the clock does not tear the trace; [`ClockPair`] tells afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Nanoseconds to add to `CLOCK_BOOTTIME`.
    pub epoch_offset_ns: i64,
}

/// Two clocks at the same moment, within a microsecond or so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockPair {
    /// `CLOCK_BOOTTIME`.
    pub boot_ns: u64,
    /// `CLOCK_REALTIME`.
    pub real_ns: u64,
}

impl ClockPair {
    /// Reads both. Of three tries the one counts that took least time: the recorder can be interrupted in between.
    pub fn sample() -> ClockPair {
        let tries = (0..3).map(|_| {
            let before = read(ClockId::Boottime);
            let real_ns = read(ClockId::Realtime);
            let after = read(ClockId::Boottime);
            (after - before, ClockPair { boot_ns: before + (after - before) / 2, real_ns })
        });
        tries.min_by_key(|(took, _)| *took).map(|(_, pair)| pair).expect("three tries")
    }

    /// Nanoseconds to add to the first to get the second.
    pub fn offset_ns(&self) -> i64 {
        self.real_ns as i64 - self.boot_ns as i64
    }
}

fn read(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

impl Clock {
    /// A clock that starts from the present time of day.
    pub fn new() -> Clock {
        Clock { epoch_offset_ns: ClockPair::sample().offset_ns() }
    }

    /// Now, nanoseconds since the epoch.
    pub fn now_ns(&self) -> u64 {
        self.epoch(read(ClockId::Boottime))
    }

    /// A time of `CLOCK_BOOTTIME` since the epoch.
    pub fn epoch(&self, boot_ns: u64) -> u64 {
        boot_ns.saturating_add_signed(self.epoch_offset_ns)
    }

    /// A time of start in ticks, as `/proc/PID/stat` has it, since the epoch.
    pub fn epoch_of_ticks(&self, ticks: u64) -> u64 {
        self.epoch(ticks.saturating_mul(TICK_NS))
    }
}

impl Default for Clock {
    fn default() -> Self {
        Clock::new()
    }
}

/// What is known of the machine.
pub fn machine(root: &Root, clock: Clock) -> Machine {
    let uname = rustix::system::uname();
    let text = |path: &str| -> Option<BString> { Some(root.read(path, 4096)?.trim_ascii().into()) };
    let monotonic = clock_gettime(ClockId::Monotonic);
    let monotonic_ns = monotonic.tv_sec * 1_000_000_000 + monotonic.tv_nsec;
    Machine {
        hostname: Some(uname.nodename().to_bytes().into()),
        n_cpus: std::thread::available_parallelism().ok().and_then(|n| u32::try_from(n.get()).ok()),
        memory_bytes: text("/proc/meminfo").and_then(|text| memory(&text)),
        boot_ns: u64::try_from(clock.epoch_offset_ns).ok(),
        kernel: Some(uname.release().to_bytes().into()),
        arch: Some(uname.machine().to_bytes().into()),
        boot_id: text("/proc/sys/kernel/random/boot_id"),
        recorder: Some(concat!("tracehound ", env!("CARGO_PKG_VERSION")).into()),
        clock_offset_ns: Some(clock.now_ns() as i64 - monotonic_ns),
    }
}

fn memory(meminfo: &[u8]) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix(b"MemTotal:"))?;
    fields(line).next()?.to_str().ok()?.parse::<u64>().ok()?.checked_mul(1024)
}

/// The machine's addresses.
pub fn interfaces() -> Vec<InterfaceEntry> {
    let found = if_addrs::get_if_addrs().unwrap_or_default();
    let entries = found.into_iter().map(|interface| {
        let name = BString::from(interface.name.into_bytes());
        match interface.addr {
            if_addrs::IfAddr::V4(v4) => InterfaceEntry {
                name,
                addr: v4.ip.into(),
                netmask: v4.netmask.into(),
                broadcast: v4.broadcast.unwrap_or(std::net::Ipv4Addr::UNSPECIFIED).into(),
                speed: None,
            },
            if_addrs::IfAddr::V6(v6) => InterfaceEntry {
                name,
                addr: v6.ip.into(),
                netmask: v6.netmask.into(),
                broadcast: v6.broadcast.unwrap_or(std::net::Ipv6Addr::UNSPECIFIED).into(),
                speed: None,
            },
        }
    });
    entries.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_start_are_of_the_recordings_clock() {
        let clock = Clock { epoch_offset_ns: 1_000 };
        assert_eq!(clock.epoch_of_ticks(499), 4_990_001_000);
        assert_eq!(clock.epoch_of_ticks(u64::MAX), u64::MAX);
        assert_eq!(Clock { epoch_offset_ns: -5 }.epoch(3), 0);
        let pair = ClockPair::sample();
        assert!(pair.offset_ns().abs_diff(ClockPair::sample().offset_ns()) < 1_000_000_000);
    }

    #[test]
    fn memory_of_the_machine() {
        assert_eq!(memory(b"MemTotal:       24637444 kB\nMemFree: 1 kB\n"), Some(24637444 * 1024));
        assert_eq!(memory(b"MemFree: 1 kB\n"), None);
    }
}

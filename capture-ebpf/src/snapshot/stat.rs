//! `/proc/PID/stat` and `/proc/PID/status`: what is needed of them. Source: `man 5 proc_pid_stat`, `proc_pid_status`.

use bstr::{BString, ByteSlice};

use crate::files::fields;

/// Fields of `/proc/PID/stat`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) comm: BString,
    pub(crate) ppid: u32,
    pub(crate) pgrp: i64,
    pub(crate) session: i64,
    /// Kernel device encoding; 0 without a terminal.
    pub(crate) tty: u32,
    pub(crate) minor_faults: u64,
    pub(crate) major_faults: u64,
    /// Time of start after boot, in ticks of which there are 100 a second.
    pub(crate) start_ticks: u64,
}

impl Stat {
    /// `None` if the line is not of the expected shape.
    pub(crate) fn parse(line: &[u8]) -> Option<Stat> {
        // The name is anything, also parentheses: it ends with the last one.
        let (open, close) = (line.find_byte(b'(')?, line.rfind_byte(b')')?);
        let comm = line.get(open + 1..close)?;
        let mut fields = fields(line.get(close + 1..)?);
        let mut field = |skipped: usize| std::str::from_utf8(fields.nth(skipped)?).ok();
        Some(Stat {
            comm: comm.into(),
            ppid: field(1)?.parse().ok()?,
            pgrp: field(0)?.parse().ok()?,
            session: field(0)?.parse().ok()?,
            tty: field(0)?.parse::<i32>().ok()? as u32,
            minor_faults: field(2)?.parse().ok()?,
            major_faults: field(1)?.parse().ok()?,
            start_ticks: field(9)?.parse().ok()?,
        })
    }
}

/// Fields of `/proc/PID/status`. What is missing is `None`: kernel threads have no memory, old kernels no `NStgid`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Status {
    /// Effective.
    pub(crate) uid: Option<u32>,
    /// Effective.
    pub(crate) gid: Option<u32>,
    /// Ids in the innermost pid namespace.
    pub(crate) vpid: Option<i64>,
    pub(crate) vtid: Option<i64>,
    pub(crate) vpgid: Option<i64>,
    /// Inheritable, permitted, effective.
    pub(crate) caps: Option<[u64; 3]>,
    /// Virtual, resident, swapped.
    pub(crate) vm_kb: [u32; 3],
}

impl Status {
    pub(crate) fn parse(text: &[u8]) -> Status {
        let mut status = Status::default();
        let mut caps = [None; 3];
        for line in text.lines() {
            let Some((key, value)) = line.split_once_str(":") else { continue };
            let word = |i: usize| fields(value).nth(i).and_then(|word| word.to_str().ok());
            let last = || fields(value).last().and_then(|word| word.to_str().ok()?.parse().ok());
            let kb = || word(0).and_then(|word| word.parse().ok()).unwrap_or(0);
            let mask = || word(0).and_then(|word| u64::from_str_radix(word, 16).ok());
            match key {
                b"Uid" => status.uid = word(1).and_then(|word| word.parse().ok()),
                b"Gid" => status.gid = word(1).and_then(|word| word.parse().ok()),
                b"NStgid" => status.vpid = last(),
                b"NSpid" => status.vtid = last(),
                b"NSpgid" => status.vpgid = last(),
                b"CapInh" => caps[0] = mask(),
                b"CapPrm" => caps[1] = mask(),
                b"CapEff" => caps[2] = mask(),
                b"VmSize" => status.vm_kb[0] = kb(),
                b"VmRSS" => status.vm_kb[1] = kb(),
                b"VmSwap" => status.vm_kb[2] = kb(),
                _ => {}
            }
        }
        if let [Some(inheritable), Some(permitted), Some(effective)] = caps {
            status.caps = Some([inheritable, permitted, effective]);
        }
        status
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_lines() {
        let tail = " S 1 611 600 34816 -1 4194560 7 0 3 0 1 2 0 0 20 0 1 0 4991 6 7 8";
        for (name, comm) in [("bash", "bash"), ("a) R 2 3 4", "a) R 2 3 4"), ("((", "(("), (")", ")"), ("", "")] {
            let want = Stat {
                comm: comm.into(),
                ppid: 1,
                pgrp: 611,
                session: 600,
                tty: 34816,
                minor_faults: 7,
                major_faults: 3,
                start_ticks: 4991,
            };
            assert_eq!(Stat::parse(format!("612 ({name}){tail}\n").as_bytes()), Some(want), "{name}");
        }
        for line in ["", "612", "612 (", "612 ) (", "612 (a)", "612 (a) S", "612 (a) S x 1 1 1", &tail[1..]] {
            assert_eq!(Stat::parse(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn status_of_a_process_in_a_namespace() {
        let text = "Name:\tsh\nUid:\t1000\t1001\t1002\t1003\nGid:\t5\t6\t7\t8\nNStgid:\t700\t7\nNSpid:\t701\t8\n\
                    NSpgid:\t700\t7\nVmSize:\t  100 kB\nVmRSS:\t 50 kB\nCapInh:\t0000000000000000\n\
                    CapPrm:\t000001ffffffffff\nCapEff:\t00000000a80425fb\nnonsense\n";
        let want = Status {
            uid: Some(1001),
            gid: Some(6),
            vpid: Some(7),
            vtid: Some(8),
            vpgid: Some(7),
            caps: Some([0, 0x1ff_ffff_ffff, 0xa804_25fb]),
            vm_kb: [100, 50, 0],
        };
        assert_eq!(Status::parse(text.as_bytes()), want);
        assert_eq!(Status::parse(b"Uid:\nCapEff:\tzz\n:\n"), Status::default());
    }
}

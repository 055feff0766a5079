//! Machine info.

use super::super::cursor::{Cursor, Order, Short, until_nul};
use super::Report;
use crate::section::Section;

/// Reads as many fields as the block has: `u32` CPUs, `u64` memory, `u64` highest pid (always 0), 128 bytes of host
/// name, `u64` time of boot. Flags and reserved words follow and say nothing.
pub(in crate::scap) fn machine(body: &[u8], order: Order, section: &mut Section, report: Report<'_>) {
    let mut cursor = Cursor::new(body, order);
    let mut read = || -> Result<(), Short> {
        let known = |v: u64| Some(v).filter(|&v| v != 0);
        let machine = &mut section.machine;
        machine.n_cpus = Some(cursor.u32()?).filter(|&n| n != 0);
        machine.memory_bytes = known(cursor.u64()?);
        cursor.u64()?;
        let hostname = until_nul(cursor.take(128)?);
        machine.hostname = Some(hostname.into()).filter(|_| !hostname.is_empty());
        machine.boot_ns = known(cursor.u64()?);
        Ok(())
    };
    if read().is_err() {
        report(0, "machine info is cut short");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body() -> Vec<u8> {
        let mut body = Vec::new();
        body.extend(4u32.to_le_bytes());
        body.extend(1024u64.to_le_bytes());
        body.extend(0u64.to_le_bytes());
        let mut hostname = [0u8; 128];
        hostname[..6].copy_from_slice(b"web-01");
        body.extend(hostname);
        body.extend(77u64.to_le_bytes());
        body.extend([0; 24]);
        body
    }

    #[test]
    fn fields_and_a_longer_block() {
        for extra in [0, 64] {
            let mut bytes = body();
            bytes.resize(180 + extra, 0);
            let mut section = Section::default();
            machine(&bytes, Order::Little, &mut section, &mut |_, what| panic!("{what}"));
            assert_eq!(section.machine.n_cpus, Some(4));
            assert_eq!(section.machine.memory_bytes, Some(1024));
            assert_eq!(section.machine.hostname, Some("web-01".into()));
            assert_eq!(section.machine.boot_ns, Some(77));
        }
    }

    #[test]
    fn a_short_block_gives_what_it_has() {
        let mut section = Section::default();
        let mut n_reports = 0;
        machine(&body()[..150], Order::Little, &mut section, &mut |_, _| n_reports += 1);
        assert_eq!(section.machine.hostname, Some("web-01".into()));
        assert_eq!((section.machine.boot_ns, n_reports), (None, 1));
    }
}

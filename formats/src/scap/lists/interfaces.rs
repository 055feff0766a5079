//! Interface list.

use std::net::IpAddr;

use super::super::cursor::{Cursor, Order, Short};
use super::{Broken, Report, entries_in_a_row, entries_with_lengths};
use crate::section::{InterfaceEntry, Section};

/// Reads interfaces. The lengths of version 2 do not count themselves, unlike those of the other lists.
pub(in crate::scap) fn interfaces(
    body: &[u8],
    has_lengths: bool,
    order: Order,
    section: &mut Section,
    report: Report<'_>,
) {
    let interfaces = &mut section.interfaces;
    let entry = |c: &mut Cursor<'_>| {
        interfaces.push(interface(c)?);
        Ok(())
    };
    if has_lengths {
        entries_with_lengths(body, 0, order, false, report, entry);
    } else {
        entries_in_a_row(body, 0, order, report, entry);
    }
}

fn interface(c: &mut Cursor<'_>) -> Result<InterfaceEntry, Broken> {
    let kind = c.u16()?;
    let name_len = usize::from(c.u16()?);
    let (is_v4, has_speed) = match kind {
        1 => (true, true),
        2 => (false, true),
        3 => (true, false),
        4 => (false, false),
        _ => return Err(Broken::Kind),
    };
    let ip = |c: &mut Cursor<'_>| -> Result<IpAddr, Short> {
        Ok(if is_v4 { c.array::<4>()?.into() } else { c.array::<16>()?.into() })
    };
    Ok(InterfaceEntry {
        addr: ip(c)?,
        netmask: ip(c)?,
        broadcast: ip(c)?,
        speed: if has_speed { Some(c.u64()?) } else { None },
        name: super::super::cursor::without_nul(c.take(name_len)?).into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_in_both_versions() {
        let v4 = [127, 0, 0, 1, 255, 0, 0, 0, 127, 255, 255, 255];
        let v6 = [[0xfe; 16], [0xff; 16], [0; 16]].concat();
        let cases: Vec<(u16, Vec<u8>, Option<u64>)> = vec![
            (1, [&v4[..], &9u64.to_le_bytes()].concat(), Some(9)),
            (2, [&v6[..], &9u64.to_le_bytes()].concat(), Some(9)),
            (3, v4.to_vec(), None),
            (4, v6, None),
        ];
        for (kind, fields, speed) in cases {
            let one = [&kind.to_le_bytes()[..], &2u16.to_le_bytes(), &fields, b"lo"].concat();
            let with_length = [&(one.len() as u32).to_le_bytes()[..], &one].concat();
            for (has_lengths, body) in
                [(false, [&one[..], &one].concat()), (true, [&with_length[..], &with_length].concat())]
            {
                let mut section = Section::default();
                interfaces(&body, has_lengths, Order::Little, &mut section, &mut |at, what| panic!("{at}: {what}"));
                assert_eq!(section.interfaces.len(), 2, "kind {kind}");
                let i = &section.interfaces[1];
                assert_eq!((&i.name[..], i.speed, i.addr.is_ipv4()), (&b"lo"[..], speed, kind % 2 == 1));
            }
        }
    }

    #[test]
    fn a_length_of_minus_four_does_not_loop() {
        let mut section = Section::default();
        let mut n_reports = 0;
        interfaces(&[0xfc, 0xff, 0xff, 0xff, 1, 2, 3, 4], true, Order::Little, &mut section, &mut |_, _| {
            n_reports += 1
        });
        assert_eq!((section.interfaces.len(), n_reports), (0, 1));
    }
}

//! Damage: what is said about it, and what is still delivered.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::Trace;
use super::synth::{Record, block, event, header};

const N_EVENTS: usize = 20;

/// Event `i`: a close whose descriptor is its number.
fn close(i: usize) -> Vec<u8> {
    let fd = (i as u64).to_le_bytes();
    event(&Record { block_type: 0x216, dump_flags: 0, tid: 1, code: 5, params: &[&[0; 8], &fd] }, i as u64)
}

fn capture() -> Vec<u8> {
    let mut file = header(1, b"");
    for i in 0..N_EVENTS {
        file.extend(close(i));
    }
    file
}

/// Offset of event `i`.
fn at(i: usize) -> usize {
    header(1, b"").len() + i * close(0).len()
}

/// Descriptors of the events delivered.
fn fds(trace: &Trace) -> Vec<usize> {
    trace.events().iter().map(|(_, args)| args[1].int().unwrap() as usize).collect()
}

/// All events but these.
fn without(missing: &[usize]) -> Vec<usize> {
    (0..N_EVENTS).filter(|i| !missing.contains(i)).collect()
}

#[track_caller]
fn check(file: &[u8], expected: &[usize], damage: &[(usize, &str)]) {
    let trace = Trace::read(file);
    assert_eq!(fds(&trace), expected);
    let found = trace.damage();
    assert_eq!(found.len(), damage.len(), "{found:?}");
    for ((offset, what), (expected_offset, expected_what)) in std::iter::zip(found, damage) {
        assert_eq!(offset, *expected_offset as u64, "{what}");
        assert!(what.contains(expected_what), "{what:?} does not say {expected_what:?}");
    }
}

#[test]
fn a_file_cut_anywhere_gives_all_events_before_the_cut() {
    let file = capture();
    for cut in at(0)..file.len() {
        let trace = Trace::read(&file[..cut]);
        let n_whole = (cut - at(0)) / close(0).len();
        assert_eq!(fds(&trace), (0..n_whole).collect::<Vec<_>>(), "cut at {cut}");
        // Cut between two blocks nothing can be noticed.
        let is_clean = cut == at(n_whole);
        let offsets: Vec<u64> = trace.damage().iter().map(|d| d.0).collect();
        assert_eq!(offsets, if is_clean { vec![] } else { vec![at(n_whole) as u64] }, "cut at {cut}");
    }
}

#[test]
fn a_packed_file_cut_anywhere_gives_what_unpacks() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(&capture()).unwrap();
    let packed = encoder.finish().unwrap();
    let mut n_before = 0;
    for cut in 0..packed.len() {
        let Ok(trace) = Trace::try_read(&packed[..cut]) else { continue };
        let events = fds(&trace);
        assert_eq!(events, (0..events.len()).collect::<Vec<_>>());
        assert!(events.len() >= n_before, "cut at {cut}");
        n_before = events.len();
        assert!(trace.notes.n_damage > 0, "cut at {cut}");
    }
    assert_eq!(n_before, N_EVENTS);
}

#[test]
fn a_wrong_length_costs_one_event() {
    for wrong in [0u32, 5, 12, 44, 10_000, 0x7fff_ffff, 0xffff_fffc, 0xffff_ffff] {
        let mut file = capture();
        file[at(5) + 4..at(5) + 8].copy_from_slice(&wrong.to_le_bytes());
        let trace = Trace::read(&file);
        assert_eq!(fds(&trace), without(&[5]), "{wrong}");
        assert_eq!(trace.damage()[0].0, at(5) as u64, "{wrong}");
        assert_eq!(trace.notes.n_damage, 1);
        assert!(trace.damage()[0].1.contains(&format!("at byte {}", at(6))), "{:?}", trace.damage());
    }
}

#[test]
fn a_wrong_trailer_costs_nothing() {
    let mut file = capture();
    file[at(6) - 4] ^= 1;
    check(&file, &without(&[]), &[(at(5), "the two lengths of a block (event) differ")]);
}

#[test]
fn a_wrong_block_type_costs_one_event() {
    // A type that is unknown but whose lengths agree is skipped as a newer block would be.
    let mut file = capture();
    file[at(5)] = 0xff;
    let trace = Trace::read(&file);
    assert_eq!(fds(&trace), without(&[5]));
    assert_eq!(trace.skipped(), [(1, "blocks of unknown type 0x2ff")]);
}

#[test]
fn bytes_put_in_or_taken_out_cost_one_event_at_any_alignment() {
    for n in 1..=9 {
        let mut file = capture();
        file.splice(at(5)..at(5), std::iter::repeat_n(0xee, n));
        let trace = Trace::read(&file);
        assert_eq!(fds(&trace), without(&[]), "{n} bytes put in");
        assert_eq!(trace.damage()[0].0, at(5) as u64);
        let mut file = capture();
        file.drain(at(5) + 20..at(5) + 20 + n);
        let trace = Trace::read(&file);
        assert_eq!(fds(&trace), without(&[5]), "{n} bytes taken out");
        assert_eq!(trace.damage()[0].0, at(5) as u64);
    }
}

#[test]
fn a_run_of_zeros_costs_what_it_covers() {
    let mut file = capture();
    file[at(5) + 10..at(9) + 10].fill(0);
    check(&file, &without(&[5, 6, 7, 8, 9]), &[(at(5), "differ")]);
}

#[test]
fn a_damaged_event_inside_a_sound_block_costs_itself() {
    let body = 8 + 2;
    // Offset in the event, bytes, what is said.
    let cases: &[(usize, &[u8], &str)] = &[
        (16, &[0xff, 0xff, 0, 0], "event length 65535 does not fit"),
        (16, &[3, 0, 0, 0], "event length 3 does not fit"),
        (22, &[0xff, 0xff, 0xff, 0xff], "cannot have 4294967295 parameters"),
    ];
    for &(offset, bytes, what) in cases {
        let mut file = capture();
        let from = at(5) + body + offset;
        file[from..from + bytes.len()].copy_from_slice(bytes);
        check(&file, &without(&[5]), &[(at(5), what)]);
    }
}

#[test]
fn parameters_before_a_broken_one_are_kept() {
    let mut file = capture();
    let second_length = at(5) + 8 + 2 + 26 + 2;
    file[second_length] = 0xff;
    let trace = Trace::read(&file);
    assert_eq!(trace.lines()[5], "6 1 ~malformed close res=0");
    assert_eq!(
        trace.damage(),
        [(at(5) as u64, "parameter 1 reaches past the end of its event; kept the parameters before it")]
    );
}

#[test]
fn an_old_block_whose_length_fits_no_count_is_skipped() {
    let record = Record { block_type: 0x204, dump_flags: 0, tid: 1, code: 5, params: &[&[0; 8]] };
    let mut broken = event(&record, 1);
    broken[8 + 2 + 22] = 200;
    let file = [capture(), broken, close(N_EVENTS)].concat();
    let trace = Trace::read(&file);
    assert_eq!(fds(&trace), (0..=N_EVENTS).collect::<Vec<_>>());
    assert!(trace.damage()[0].1.contains("no number of parameters fits"));
}

#[test]
fn a_broken_table_keeps_its_other_entries() {
    let user = |name: &[u8]| {
        let entry = [&b"\0\xe8\x03\0\0\x64\0\0\0"[..], &[name.len() as u8, 0], name, b"\0\0\0\0"].concat();
        [&(entry.len() as u32 + 4).to_le_bytes()[..], &entry].concat()
    };
    let mut broken = user(b"bob");
    // The name claims to be longer than the entry.
    broken[4 + 9] = 0xff;
    let file = [header(1, b""), block(0x220, &[user(b"alice"), broken, user(b"carol")].concat()), close(0)].concat();
    let trace = Trace::read(&file);
    let names: Vec<_> = trace.sections[0].users.iter().map(|u| u.name.to_string()).collect();
    assert_eq!(names, ["alice", "carol"]);
    assert_eq!(
        trace.damage(),
        [(
            (header(1, b"").len() + 8 + user(b"alice").len()) as u64,
            "user list: entry shorter than its fields; left out"
        )]
    );
}

#[test]
fn damage_in_the_section_header_of_the_second_file() {
    let mut second = capture();
    second[8] = 0;
    let trace = Trace::read(&[capture(), second].concat());
    assert_eq!(trace.events().len(), 2 * N_EVENTS);
    assert_eq!(trace.notes.n_damage, 1);
}

#[test]
fn after_a_broken_member_the_next_one_is_read() {
    let gz = |bytes: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::new(1));
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    // Random names, so that the packed stream is long enough to be damaged in the middle.
    let mut noisy = header(1, b"");
    let mut x = 1u64;
    for i in 0..2000u64 {
        x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let noise = [x.to_le_bytes(), x.rotate_left(17).to_le_bytes()].concat();
        noisy.extend(event(
            &Record { block_type: 0x216, dump_flags: 0, tid: 1, code: 7, params: &[&[0; 8], &noise, &[0; 8], &[0; 4]] },
            i,
        ));
    }
    let mut first = gz(&noisy);
    let middle = first.len() / 2;
    first[middle..middle + 32].fill(0xff);
    let trace = Trace::read(&[first, gz(&capture())].concat());
    assert!(trace.events().len() > 500 + N_EVENTS, "{}", trace.events().len());
    let last: Vec<usize> =
        trace.events().iter().rev().take(N_EVENTS).map(|(_, a)| a[1].int().unwrap() as usize).collect();
    assert_eq!(last, (0..N_EVENTS).rev().collect::<Vec<_>>());
    assert_eq!(trace.sections.len(), 2);
    // Whether the unpacker stumbles or unpacks nonsense to the end depends on the bytes.
    let is_said = |d: &crate::reader::Damage| d.what.contains("damaged gzip data") || d.what.contains("checksum");
    assert!(trace.notes.damage.iter().any(is_said), "{:?}", trace.notes.damage);
}

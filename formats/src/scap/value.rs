//! Bytes of a parameter to the value of an argument.

use bstr::ByteSlice;

use super::cursor::without_nul;
use super::plan::{DYN_TABLES, How};
use crate::event::addr::{AF_INET, AF_INET6, AF_UNIX};
use crate::event::{Arg, ArgType};

/// What writers store for a null pointer in place of text.
pub(super) const NULL_TEXT: &[u8] = b"(NULL)\0";

/// Decodes a parameter. `BE` is the byte order of the capture; `scratch` takes the bytes of values that have to be
/// rewritten into the canonical, little-endian form.
#[inline(always)]
pub(super) fn decode<'a, const BE: bool>(how: How, bytes: &'a [u8], scratch: &'a mut Vec<u8>) -> Arg<'a> {
    macro_rules! int {
        ($ty:ty) => {
            match <[u8; size_of::<$ty>()]>::try_from(bytes) {
                Ok(b) => Arg::Int((if BE { <$ty>::from_be_bytes(b) } else { <$ty>::from_le_bytes(b) }) as i64 as u64),
                Err(_) => Arg::Malformed(bytes.as_bstr()),
            }
        };
    }
    if bytes.is_empty() {
        return if how == How::Absent { Arg::Absent } else { Arg::Empty };
    }
    match how {
        How::U1 => int!(u8),
        How::U2 => int!(u16),
        How::U4 => int!(u32),
        How::U8 => int!(u64),
        How::S1 => int!(i8),
        How::S2 => int!(i16),
        How::S4 => int!(i32),
        How::U8Low4 => match int!(u64) {
            Arg::Int(v) => Arg::Int(v & 0xffff_ffff),
            other => other,
        },
        How::Bytes => Arg::Bytes(bytes.as_bstr()),
        How::Text if bytes == NULL_TEXT => Arg::Empty,
        How::Text => Arg::Bytes(without_nul(bytes).as_bstr()),
        How::Addr => address(bytes, BE, scratch),
        How::Tuple => tuple(bytes, BE, scratch),
        How::FdList => fd_list(bytes, BE, scratch),
        How::Dyn(table) => dynamic(DYN_TABLES[usize::from(table)], bytes, BE, scratch),
        How::DynInt => match bytes.split_first_chunk::<1>().map(|(_, value)| <[u8; 8]>::try_from(value)) {
            Some(Ok(b)) => Arg::Int(if BE { u64::from_be_bytes(b) } else { u64::from_le_bytes(b) }),
            _ => Arg::Malformed(bytes.as_bstr()),
        },
        How::Ip4 => fixed(bytes, 4),
        How::Ip6 => fixed(bytes, 16),
        How::Absent | How::Enter(_) | How::ContainerJson => Arg::Absent,
    }
}

fn fixed(bytes: &[u8], len: usize) -> Arg<'_> {
    if bytes.len() == len { Arg::Bytes(bytes.as_bstr()) } else { Arg::Malformed(bytes.as_bstr()) }
}

/// Copies the bytes and reverses the ranges that hold integers.
fn swapped<'a, const N: usize>(bytes: &[u8], ranges: [(usize, usize); N], scratch: &'a mut Vec<u8>) -> &'a [u8] {
    scratch.clear();
    scratch.extend_from_slice(bytes);
    for (from, to) in ranges {
        scratch[from..to].reverse();
    }
    scratch
}

fn address<'a>(bytes: &'a [u8], is_big: bool, scratch: &'a mut Vec<u8>) -> Arg<'a> {
    let (len, port) = match bytes[0] {
        AF_INET => (7, (5, 7)),
        AF_INET6 => (19, (17, 19)),
        AF_UNIX => return Arg::Bytes(without_nul_after(bytes, 1).as_bstr()),
        _ => return Arg::Bytes(bytes.as_bstr()),
    };
    if bytes.len() != len {
        return Arg::Malformed(bytes.as_bstr());
    }
    Arg::Bytes(if is_big { swapped(bytes, [port], scratch) } else { bytes }.as_bstr())
}

fn tuple<'a>(bytes: &'a [u8], is_big: bool, scratch: &'a mut Vec<u8>) -> Arg<'a> {
    let (len, ranges) = match bytes[0] {
        AF_INET => (13, [(5, 7), (11, 13)]),
        AF_INET6 => (37, [(17, 19), (35, 37)]),
        AF_UNIX if bytes.len() >= 17 => {
            let bytes = without_nul_after(bytes, 17);
            return Arg::Bytes(if is_big { swapped(bytes, [(1, 9), (9, 17)], scratch) } else { bytes }.as_bstr());
        }
        AF_UNIX => return Arg::Malformed(bytes.as_bstr()),
        _ => return Arg::Bytes(bytes.as_bstr()),
    };
    if bytes.len() != len {
        return Arg::Malformed(bytes.as_bstr());
    }
    Arg::Bytes(if is_big { swapped(bytes, ranges, scratch) } else { bytes }.as_bstr())
}

/// Takes off a terminating NUL that stands behind the first `n` bytes.
fn without_nul_after(bytes: &[u8], n: usize) -> &[u8] {
    if bytes.len() > n { without_nul(bytes) } else { bytes }
}

fn fd_list<'a>(bytes: &'a [u8], is_big: bool, scratch: &'a mut Vec<u8>) -> Arg<'a> {
    let Some((count, entries)) = bytes.split_first_chunk::<2>() else { return Arg::Malformed(bytes.as_bstr()) };
    let n = usize::from(if is_big { u16::from_be_bytes(*count) } else { u16::from_le_bytes(*count) });
    if entries.len() != n * 10 {
        return Arg::Malformed(bytes.as_bstr());
    }
    if !is_big {
        return Arg::Bytes(bytes.as_bstr());
    }
    scratch.clear();
    scratch.extend(count.iter().rev());
    for entry in entries.chunks_exact(10) {
        scratch.extend(entry[..8].iter().rev());
        scratch.extend(entry[8..].iter().rev());
    }
    Arg::Bytes(scratch.as_bstr())
}

fn dynamic<'a>(types: &[ArgType], bytes: &'a [u8], is_big: bool, scratch: &'a mut Vec<u8>) -> Arg<'a> {
    // An index without a type keeps its bytes: nobody can say what they are.
    let Some(ty) = types.get(usize::from(bytes[0])) else { return Arg::Bytes(bytes.as_bstr()) };
    match ty.int_width() {
        Some(width) if bytes.len() != 1 + usize::from(width) => {
            if bytes.len() == 1 {
                Arg::Bytes(bytes.as_bstr())
            } else {
                Arg::Malformed(bytes.as_bstr())
            }
        }
        Some(_) if is_big => Arg::Bytes(swapped(bytes, [(1, bytes.len())], scratch).as_bstr()),
        Some(_) => Arg::Bytes(bytes.as_bstr()),
        None if matches!(ty, ArgType::Str) => Arg::Bytes(without_nul_after(bytes, 1).as_bstr()),
        None => Arg::Bytes(bytes.as_bstr()),
    }
}

/// The JSON text that stands for the parameters of a container event of before 2015: id, type, name, image.
///
/// libscap builds the same text without escaping; here characters that would break it are escaped.
pub(super) fn container_json<const BE: bool>(params: [&[u8]; 4], out: &mut Vec<u8>) {
    let [id, ty, name, image] = params;
    let ty = match <[u8; 4]>::try_from(ty) {
        Ok(b) if BE => u32::from_be_bytes(b),
        Ok(b) => u32::from_le_bytes(b),
        Err(_) => 0,
    };
    let text = |out: &mut Vec<u8>, bytes: &[u8]| {
        for &b in without_nul(bytes) {
            match b {
                b'"' | b'\\' => out.extend([b'\\', b]),
                0..0x20 => out.extend(format!("\\u{b:04x}").bytes()),
                _ => out.push(b),
            }
        }
    };
    out.clear();
    out.extend_from_slice(b"{\"id\":\"");
    text(out, id);
    out.extend_from_slice(format!("\",\"type\":{ty},\"name\":\"").as_bytes());
    text(out, name);
    out.extend_from_slice(b"\",\"image\":\"");
    text(out, image);
    out.extend_from_slice(b"\"}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(how: How, little: &[u8], big: &[u8], expected: Arg<'_>) {
        let mut scratch = Vec::new();
        assert_eq!(decode::<false>(how, little, &mut scratch), expected, "{how:?}, little-endian");
        assert_eq!(decode::<true>(how, big, &mut scratch), expected, "{how:?}, big-endian");
    }

    fn same(how: How, bytes: &[u8], expected: Arg<'_>) {
        check(how, bytes, bytes, expected);
    }

    #[test]
    fn integers() {
        check(How::U1, &[0xff], &[0xff], Arg::Int(255));
        check(How::S1, &[0xff], &[0xff], Arg::Int(u64::MAX));
        check(How::U2, &[1, 2], &[2, 1], Arg::Int(0x201));
        check(How::S2, &[0xfe, 0xff], &[0xff, 0xfe], Arg::Int(-2i64 as u64));
        check(How::U4, &[0xff; 4], &[0xff; 4], Arg::Int(0xffff_ffff));
        check(How::S4, &[0xff; 4], &[0xff; 4], Arg::Int(u64::MAX));
        check(How::U8, &[1, 0, 0, 0, 0, 0, 0, 0], &[0, 0, 0, 0, 0, 0, 0, 1], Arg::Int(1));
        check(How::U8Low4, &[5, 0, 0, 0, 9, 0, 0, 0], &[0, 0, 0, 9, 0, 0, 0, 5], Arg::Int(5));
    }

    #[test]
    fn lengths_that_the_type_does_not_allow_keep_their_bytes() {
        same(How::U4, &[1, 2, 3], Arg::Malformed(b"\x01\x02\x03".as_bstr()));
        same(How::Ip4, &[1, 2, 3], Arg::Malformed(b"\x01\x02\x03".as_bstr()));
        same(How::Addr, &[2, 1], Arg::Malformed(b"\x02\x01".as_bstr()));
        same(How::Tuple, &[1, 1], Arg::Malformed(b"\x01\x01".as_bstr()));
        same(How::FdList, &[9, 9, 0], Arg::Malformed(b"\x09\x09\x00".as_bstr()));
        same(How::FdList, &[9], Arg::Malformed(b"\x09".as_bstr()));
        same(How::Dyn(0), &[2, 0], Arg::Malformed(b"\x02\x00".as_bstr()));
    }

    #[test]
    fn empty_is_empty_for_every_type() {
        for how in [How::U1, How::U8, How::Text, How::Bytes, How::Addr, How::Tuple, How::FdList, How::Dyn(0)] {
            same(how, b"", Arg::Empty);
        }
        same(How::Absent, b"", Arg::Absent);
    }

    #[test]
    fn text_loses_its_terminator_only() {
        same(How::Text, b"a\0", Arg::Bytes(b"a".as_bstr()));
        same(How::Text, b"a", Arg::Bytes(b"a".as_bstr()));
        same(How::Text, b"\0", Arg::Bytes(b"".as_bstr()));
        same(How::Text, b"a\0b\0", Arg::Bytes(b"a\0b".as_bstr()));
        same(How::Text, b"(NULL)\0", Arg::Empty);
        same(How::Text, b"<NA>\0", Arg::Bytes(b"<NA>".as_bstr()));
        same(How::Bytes, b"a\0", Arg::Bytes(b"a\0".as_bstr()));
    }

    #[test]
    fn addresses_swap_ports_but_not_ips() {
        let expected = b"\x02\x0a\x00\x00\x01\xbb\x01";
        check(How::Addr, expected, b"\x02\x0a\x00\x00\x01\x01\xbb", Arg::Bytes(expected.as_bstr()));
        same(How::Addr, b"\x01/run/x\0", Arg::Bytes(b"\x01/run/x".as_bstr()));
        same(How::Addr, b"\x10abc", Arg::Bytes(b"\x10abc".as_bstr()));
        let expected = b"\x02\x0a\x00\x00\x01\xbb\x01\x0a\x00\x00\x02\x50\x00";
        let big = b"\x02\x0a\x00\x00\x01\x01\xbb\x0a\x00\x00\x02\x00\x50";
        check(How::Tuple, expected, big, Arg::Bytes(expected.as_bstr()));
        let little = b"\x01\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0/s\0";
        let big = b"\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02/s\0";
        check(How::Tuple, little, big, Arg::Bytes(little[..19].as_bstr()));
    }

    #[test]
    fn lists_and_dynamic_values_swap() {
        let little = b"\x01\0\x05\0\0\0\0\0\0\0\x21\x43";
        let big = b"\0\x01\0\0\0\0\0\0\0\x05\x43\x21";
        check(How::FdList, little, big, Arg::Bytes(little.as_bstr()));
        check(How::Dyn(0), b"\x02\x01\0\0\0", b"\x02\0\0\0\x01", Arg::Bytes(b"\x02\x01\0\0\0".as_bstr()));
        same(How::Dyn(3), b"\x01key\0", Arg::Bytes(b"\x01key".as_bstr()));
        check(How::DynInt, b"\x01\x02\0\0\0\0\0\0\0", b"\x01\0\0\0\0\0\0\0\x02", Arg::Int(2));
        same(How::DynInt, b"\x01\x02", Arg::Malformed(b"\x01\x02".as_bstr()));
        same(How::Dyn(0), b"\x09abc", Arg::Bytes(b"\x09abc".as_bstr()));
    }

    #[test]
    fn old_container_events_become_json() {
        let mut out = Vec::new();
        container_json::<false>([b"abc\0", &[1, 0, 0, 0], b"w\"eb\0", b"img\0"], &mut out);
        assert_eq!(out.as_bstr(), r#"{"id":"abc","type":1,"name":"w\"eb","image":"img"}"#);
    }
}

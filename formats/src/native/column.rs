//! Columns of integers. The writer tries several encodings and keeps the one that zstd makes smallest.
//!
//! The number of values is known from the context and not stored; a column of no values has no bytes.

use std::collections::HashMap;

use super::varint::{Broken, Cursor, put_varint, unzigzag, zigzag};

/// First byte of a column; the encodings are described in `spec.md`.
mod code {
    pub(super) const CONSTANT: u8 = 0;
    pub(super) const VARINT: u8 = 1;
    pub(super) const ZIGZAG: u8 = 2;
    pub(super) const DELTA: u8 = 3;
    pub(super) const DICTIONARY: u8 = 4;
    pub(super) const PLANES: u8 = 5;
    pub(super) const DELTA_PLANES: u8 = 6;
    pub(super) const LINEAR: u8 = 7;
}

/// First byte of a column that holds differences from another column; see `rows`.
pub(crate) const LIKE: u8 = 8;

/// Encodings that are tried; the two others are taken whenever they fit.
const CANDIDATES: [u8; 6] =
    [code::VARINT, code::ZIGZAG, code::DELTA, code::DICTIONARY, code::PLANES, code::DELTA_PLANES];

/// Largest dictionary: its indices fit two planes.
const MAX_DICTIONARY: usize = 1 << 16;

/// Up to this many bytes zstd finds nothing to save: the shortest encoding is taken.
const SMALL: usize = 32;

/// Level of the trial compression: only the order of the candidates matters.
const TRIAL_LEVEL: i32 = 1;

/// Columns up to this many bytes are tried with a higher level: there a wrong choice weighs more than the time.
const SHORT: usize = 16 << 10;

/// Level of the trial compression of short columns.
const SHORT_LEVEL: i32 = 7;

/// Encodes columns, with memory that is used again.
pub(crate) struct ColumnEncoder {
    trial: zstd::bulk::Compressor<'static>,
    short_trial: zstd::bulk::Compressor<'static>,
    trial_out: Vec<u8>,
    candidate: Vec<u8>,
    best: Vec<u8>,
}

impl std::fmt::Debug for ColumnEncoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ColumnEncoder").finish_non_exhaustive()
    }
}

impl ColumnEncoder {
    pub(crate) fn new() -> std::io::Result<Self> {
        let trial = zstd::bulk::Compressor::new(TRIAL_LEVEL)?;
        let short_trial = zstd::bulk::Compressor::new(SHORT_LEVEL)?;
        Ok(ColumnEncoder { trial, short_trial, trial_out: Vec::new(), candidate: Vec::new(), best: Vec::new() })
    }

    /// Appends a column; returns about how many bytes it takes when compressed.
    pub(crate) fn put(&mut self, values: &[u64], out: &mut Vec<u8>) -> usize {
        let [first, rest @ ..] = values else { return 0 };
        let start = out.len();
        if rest.iter().all(|v| v == first) {
            out.push(code::CONSTANT);
            put_varint(*first, out);
            return out.len() - start;
        }
        let step = rest[0].wrapping_sub(*first);
        if values.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) == step) {
            out.push(code::LINEAR);
            put_varint(*first, out);
            put_varint(zigzag(step), out);
            return out.len() - start;
        }
        let mut best_cost = usize::MAX;
        for encoding in CANDIDATES {
            self.candidate.clear();
            self.candidate.push(encoding);
            if !encode(encoding, values, &mut self.candidate) {
                continue;
            }
            let cost = self.cost();
            if cost < best_cost {
                best_cost = cost;
                std::mem::swap(&mut self.best, &mut self.candidate);
            }
        }
        out.extend_from_slice(&self.best);
        best_cost
    }

    fn cost(&mut self) -> usize {
        let n = self.candidate.len();
        if n <= SMALL {
            return n;
        }
        self.trial_out.clear();
        self.trial_out.reserve(zstd::zstd_safe::compress_bound(n));
        let trial = if n <= SHORT { &mut self.short_trial } else { &mut self.trial };
        trial.compress_to_buffer(&self.candidate, &mut self.trial_out).unwrap_or(n)
    }
}

/// Appends the bytes after the code; false if the encoding does not suit the values.
fn encode(encoding: u8, values: &[u64], out: &mut Vec<u8>) -> bool {
    match encoding {
        code::VARINT => values.iter().for_each(|&v| put_varint(v, out)),
        code::ZIGZAG => {
            if values.iter().all(|&v| v >> 63 == 0) {
                return false;
            }
            values.iter().for_each(|&v| put_varint(zigzag(v), out));
        }
        code::DELTA => deltas(values).for_each(|d| put_varint(zigzag(d), out)),
        code::DICTIONARY => return put_dictionary(values, out),
        code::PLANES => {
            let base = values.iter().copied().min().unwrap_or(0);
            put_varint(base, out);
            put_planes(values.iter().map(|v| v - base), out);
        }
        _ => {
            let base = deltas(values).skip(1).map(|d| d as i64).min().unwrap_or(0) as u64;
            put_varint(values[0], out);
            put_varint(zigzag(base), out);
            put_planes(deltas(values).skip(1).map(|d| d.wrapping_sub(base)), out);
        }
    }
    true
}

/// Differences from the value before; the first from 0.
fn deltas(values: &[u64]) -> impl Iterator<Item = u64> + Clone {
    values.iter().scan(0u64, |last, &v| {
        let delta = v.wrapping_sub(*last);
        *last = v;
        Some(delta)
    })
}

/// Appends the number of planes, then byte 0 of all values, byte 1 of all values, ...
fn put_planes(values: impl Iterator<Item = u64> + Clone, out: &mut Vec<u8>) {
    let max = values.clone().max().unwrap_or(0);
    let width = (64 - max.leading_zeros()).div_ceil(8).max(1);
    out.push(width as u8);
    for plane in 0..width {
        out.extend(values.clone().map(|v| (v >> (8 * plane)) as u8));
    }
}

fn put_dictionary(values: &[u64], out: &mut Vec<u8>) -> bool {
    let mut index_of: HashMap<u64, u32> = HashMap::new();
    let mut distinct = Vec::new();
    let mut indices = Vec::with_capacity(values.len());
    // With few repetitions the list of values costs more than it saves.
    let limit = MAX_DICTIONARY.min(values.len() / 2);
    for &v in values {
        let index = *index_of.entry(v).or_insert_with(|| {
            distinct.push(v);
            (distinct.len() - 1) as u32
        });
        if distinct.len() > limit {
            return false;
        }
        indices.push(index);
    }
    put_varint(distinct.len() as u64, out);
    distinct.iter().for_each(|&v| put_varint(zigzag(v), out));
    put_planes(indices.iter().map(|&i| u64::from(i)), out);
    true
}

/// What a column is decoded to: integers as wide as what they are used for.
pub(crate) trait Int: Copy + Default {
    /// The value without the bits that do not fit.
    fn cut(value: u64) -> Self;
    /// The bits that do not fit; zero for a value in range.
    fn excess(value: u64) -> u64;
}

macro_rules! ints {
    ($($ty:ty),*) => {$(
        impl Int for $ty {
            #[inline(always)]
            fn cut(value: u64) -> Self {
                value as $ty
            }

            #[inline(always)]
            fn excess(value: u64) -> u64 {
                value & !u64::from(<$ty>::MAX)
            }
        }
    )*};
}

ints!(u8, u16, u32, u64);

/// Reads a column of `n` values, each of which is there, in place of what `out` holds: for columns that are read value by
/// value together with others, where asking each of them what it is costs more than writing a constant out.
pub(crate) fn values<T: Int>(cursor: &mut Cursor<'_>, n: usize, out: &mut Vec<T>) -> Result<(), Broken> {
    out.clear();
    if let Some(value) = take(cursor, n, out)? {
        out.resize(n, value);
    }
    Ok(())
}

/// Reads a column of `n` values: gives the value that all have, or appends them to `out`. The caller has checked `n`
/// against the limits of a segment. A value that `T` cannot hold is refused.
pub(crate) fn take<T: Int>(cursor: &mut Cursor<'_>, n: usize, out: &mut Vec<T>) -> Result<Option<T>, Broken> {
    if n == 0 {
        return Ok(None);
    }
    let mut excess = 0;
    let mut cut = |value: u64| {
        excess |= T::excess(value);
        T::cut(value)
    };
    match cursor.u8()? {
        code::CONSTANT => {
            let value = cut(cursor.varint()?);
            return if excess == 0 { Ok(Some(value)) } else { Err(TOO_LARGE) };
        }
        code::LINEAR => {
            let mut value = cursor.varint()?;
            let step = unzigzag(cursor.varint()?);
            out.extend((0..n).map(|_| {
                let this = cut(value);
                value = value.wrapping_add(step);
                this
            }));
        }
        code::VARINT => cursor.varints(n, out, cut)?,
        code::ZIGZAG => cursor.varints(n, out, |value| cut(unzigzag(value)))?,
        code::DELTA => {
            let mut value = 0u64;
            cursor.varints(n, out, |delta| {
                value = value.wrapping_add(unzigzag(delta));
                cut(value)
            })?;
        }
        code::DICTIONARY => {
            let n_distinct = cursor.length()?;
            if n_distinct > MAX_DICTIONARY.min(n) {
                return Err(LONG_DICTIONARY);
            }
            let mut distinct = Vec::with_capacity(n_distinct);
            for _ in 0..n_distinct {
                distinct.push(cut(unzigzag(cursor.varint()?)));
            }
            let mut is_outside = false;
            take_planes(cursor, n, out, |index| {
                let found = usize::try_from(index).ok().and_then(|index| distinct.get(index).copied());
                is_outside |= found.is_none();
                found.unwrap_or_default()
            })?;
            if is_outside {
                return Err(OUTSIDE);
            }
        }
        code::PLANES => {
            let base = cursor.varint()?;
            take_planes(cursor, n, out, |value| cut(value.wrapping_add(base)))?;
        }
        code::DELTA_PLANES => {
            let mut value = cursor.varint()?;
            let base = unzigzag(cursor.varint()?);
            out.push(cut(value));
            take_planes(cursor, n - 1, out, |delta| {
                value = value.wrapping_add(delta).wrapping_add(base);
                cut(value)
            })?;
        }
        _ => return Err(UNKNOWN),
    }
    if excess == 0 { Ok(None) } else { Err(TOO_LARGE) }
}

/// Passes over a column of `n` values of 64 bits. What [`take`] would refuse is refused.
pub(crate) fn skip(cursor: &mut Cursor<'_>, n: usize) -> Result<(), Broken> {
    if n == 0 {
        return Ok(());
    }
    match cursor.u8()? {
        code::CONSTANT => cursor.skip_varints(1),
        code::LINEAR => cursor.skip_varints(2),
        code::VARINT | code::ZIGZAG | code::DELTA => cursor.skip_varints(n),
        code::DICTIONARY => {
            let n_distinct = cursor.length()?;
            if n_distinct > MAX_DICTIONARY.min(n) {
                return Err(LONG_DICTIONARY);
            }
            cursor.skip_varints(n_distinct)?;
            let mut indices = Vec::new();
            take_planes(cursor, n, &mut indices, |index| index)?;
            let highest = indices.iter().fold(0, |highest, &index| index.max(highest));
            if highest < n_distinct as u64 { Ok(()) } else { Err(OUTSIDE) }
        }
        code::PLANES => {
            cursor.skip_varints(1)?;
            skip_planes(cursor, n)
        }
        code::DELTA_PLANES => {
            cursor.skip_varints(2)?;
            skip_planes(cursor, n - 1)
        }
        _ => Err(UNKNOWN),
    }
}

fn skip_planes(cursor: &mut Cursor<'_>, n: usize) -> Result<(), Broken> {
    let width = cursor.u8()?;
    if !(1..=8).contains(&width) {
        return Err(WIDTH);
    }
    (0..width).try_for_each(|_| cursor.take(n).map(drop))
}

const LONG_DICTIONARY: Broken = Broken("a column's dictionary is larger than the column");
const OUTSIDE: Broken = Broken("a column's index is outside its dictionary");
const UNKNOWN: Broken = Broken("a column has an unknown encoding");
const WIDTH: Broken = Broken("a column is not one to eight bytes wide");

/// What is said of a value that is out of the range of what it stands for.
const TOO_LARGE: Broken = Broken("a value is larger than what it stands for can be");

fn take_planes<T>(
    cursor: &mut Cursor<'_>,
    n: usize,
    out: &mut Vec<T>,
    mut map: impl FnMut(u64) -> T,
) -> Result<(), Broken> {
    let width = cursor.u8()?;
    match width {
        // Most columns are so narrow: loops that the compiler makes take many values at a time.
        1 => out.extend(cursor.take(n)?.iter().map(|&low| map(u64::from(low)))),
        2 => {
            let (low, high) = (cursor.take(n)?, cursor.take(n)?);
            out.extend(low.iter().zip(high).map(|(&low, &high)| map(u64::from(low) | u64::from(high) << 8)));
        }
        3 => planes::<3, T>(cursor, n, out, map)?,
        4 => planes::<4, T>(cursor, n, out, map)?,
        5 => planes::<5, T>(cursor, n, out, map)?,
        6 => planes::<6, T>(cursor, n, out, map)?,
        7 => planes::<7, T>(cursor, n, out, map)?,
        8 => planes::<8, T>(cursor, n, out, map)?,
        _ => return Err(WIDTH),
    }
    Ok(())
}

/// Values of `W` planes of `n` bytes: a loop for each width, which the compiler unrolls.
fn planes<const W: usize, T>(
    cursor: &mut Cursor<'_>,
    n: usize,
    out: &mut Vec<T>,
    mut map: impl FnMut(u64) -> T,
) -> Result<(), Broken> {
    let mut planes = [&[][..]; W];
    for plane in &mut planes {
        *plane = &cursor.take(n)?[..n];
    }
    out.extend((0..n).map(|i| {
        let value = planes.iter().enumerate().fold(0, |value, (k, plane)| value | u64::from(plane[i]) << (8 * k));
        map(value)
    }));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a column, and passes over it: both end at the same place or say the same.
    fn values(cursor: &mut Cursor<'_>, n: usize) -> Result<Vec<u64>, Broken> {
        let (mut out, mut skipped) = (Vec::new(), *cursor);
        let found = super::values(cursor, n, &mut out).map(|()| out);
        assert_eq!(skip(&mut skipped, n).err(), found.as_ref().err().copied());
        assert!(found.is_err() || skipped.take(1) == cursor.clone().take(1), "{skipped:?} {cursor:?}");
        found
    }

    fn check(expected: &[u64]) {
        let take = values;
        let values = expected;
        let mut encoder = ColumnEncoder::new().unwrap();
        let mut out = Vec::new();
        encoder.put(values, &mut out);
        let mut cursor = Cursor::new(&out);
        assert_eq!(take(&mut cursor, values.len()).as_deref(), Ok(expected));
        assert!(cursor.is_empty());
        for encoding in CANDIDATES.into_iter().filter(|_| values.len() > 1) {
            let mut out = vec![encoding];
            if encode(encoding, values, &mut out) {
                let mut cursor = Cursor::new(&out);
                assert_eq!(take(&mut cursor, values.len()).as_deref(), Ok(expected), "encoding {encoding}");
                assert!(cursor.is_empty());
            }
            for cut in 0..out.len() {
                assert!(take(&mut Cursor::new(&out[..cut]), values.len()).is_err(), "encoding {encoding} cut at {cut}");
            }
        }
    }

    #[test]
    fn columns_survive_in_every_encoding() {
        check(&[]);
        check(&[7]);
        check(&[5, 5, 5]);
        check(&[1, 2, 3]);
        check(&[0, u64::MAX, 1 << 63, 3]);
        check(&[(-2i64) as u64, 3, (-2i64) as u64, 3, 3]);
        check(&(0..1000u64).map(|i| i * i * i % 257).collect::<Vec<_>>());
        check(&(0..1000u64).map(|i| 1_700_000_000_000_000_000 + i * 997 % 5000 + i * 3000).collect::<Vec<_>>());
    }

    #[test]
    fn numbers_that_count_are_constant_in_size() {
        let mut out = Vec::new();
        ColumnEncoder::new().unwrap().put(&(1..=60_000).collect::<Vec<_>>(), &mut out);
        assert_eq!(out, [code::LINEAR, 1, 2]);
    }

    #[test]
    fn broken_columns_are_refused() {
        for bytes in [&[9, 0][..], &[code::PLANES, 0, 9], &[code::DICTIONARY, 9], &[code::DICTIONARY, 1, 0, 1, 0, 1]] {
            assert!(values(&mut Cursor::new(bytes), 2).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn values_out_of_range_are_refused() {
        for (bytes, n) in [
            (&[code::CONSTANT, 0x80, 2][..], 3),
            (&[code::VARINT, 1, 0x80, 2], 2),
            (&[code::LINEAR, 0xff, 1, 2], 2),
            (&[code::DELTA, 1, 0], 2),
            (&[code::PLANES, 0xff, 1, 1, 0, 1], 2),
            (&[code::DICTIONARY, 2, 0, 1, 1, 0, 1], 2),
        ] {
            assert!(take(&mut Cursor::new(bytes), n, &mut Vec::<u64>::new()).is_ok(), "{bytes:?}");
            assert!(take(&mut Cursor::new(bytes), n, &mut Vec::<u8>::new()).is_err(), "{bytes:?}");
        }
    }
}

//! Variable-length integers, and a cursor over bytes that never reads past their end.

/// Why the bytes of a segment cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Broken(pub &'static str);

/// Bytes being decoded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(rest: &'a [u8]) -> Self {
        Cursor { rest }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn starts_with(&self, byte: u8) -> bool {
        self.rest.first() == Some(&byte)
    }

    pub(crate) fn take(&mut self, n: usize) -> Result<&'a [u8], Broken> {
        let (head, tail) =
            self.rest.split_at_checked(n).ok_or(Broken("a column reaches past the end of the segment"))?;
        self.rest = tail;
        Ok(head)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Broken> {
        self.take(1).map(|b| b[0])
    }

    /// LEB128: seven bits a byte, the lowest first, the high bit set on all but the last byte.
    pub(crate) fn varint(&mut self) -> Result<u64, Broken> {
        let mut value = 0u64;
        for (i, &b) in self.rest.iter().take(10).enumerate() {
            let bits = u64::from(b & 0x7f);
            if i == 9 && bits > 1 {
                break;
            }
            value |= bits << (7 * i);
            if b < 0x80 {
                self.rest = &self.rest[i + 1..];
                return Ok(value);
            }
        }
        Err(CUT)
    }

    /// Appends `n` varints, each as `map` makes it.
    pub(crate) fn varints<T: Copy + Default>(
        &mut self,
        n: usize,
        out: &mut Vec<T>,
        mut map: impl FnMut(u64) -> T,
    ) -> Result<(), Broken> {
        // A number has at least one byte, so that what is allocated is bounded by what is there.
        if n > self.rest.len() {
            return Err(CUT);
        }
        out.reserve(n);
        // By pieces, so that memory need not be cleared before it is written.
        let mut piece = [T::default(); 64];
        let mut n_left = n;
        while n_left > 0 {
            let values = &mut piece[..n_left.min(64)];
            self.piece(values, &mut map)?;
            out.extend_from_slice(values);
            n_left -= values.len();
        }
        Ok(())
    }

    /// Reads as many varints as there is room for.
    #[inline]
    fn piece<T>(&mut self, mut left: &mut [T], map: &mut impl FnMut(u64) -> T) -> Result<(), Broken> {
        let mut rest = self.rest;
        while !left.is_empty() {
            let word = rest.first_chunk::<8>().map(|bytes| u64::from_le_bytes(*bytes));
            match word.map(|word| (word, !word & HIGH_BITS)) {
                // Eight numbers of one byte each, as most columns have them.
                Some((word, HIGH_BITS)) if left.len() >= 8 => {
                    let (eight, after) = left.split_at_mut(8);
                    eight.iter_mut().zip(word.to_le_bytes()).for_each(|(slot, byte)| *slot = map(u64::from(byte)));
                    (rest, left) = (&rest[8..], after);
                }
                // Up to eight bytes are taken without a branch on their number, which is hard to predict.
                Some((word, ends)) if ends != 0 => {
                    left[0] = map(seven_of_eight(word & (ends ^ (ends - 1))));
                    (rest, left) = (&rest[(ends.trailing_zeros() / 8 + 1) as usize..], &mut left[1..]);
                }
                // More than eight, or the last bytes of the segment.
                _ => {
                    self.rest = rest;
                    left[0] = map(self.varint()?);
                    (rest, left) = (self.rest, &mut left[1..]);
                }
            }
        }
        self.rest = rest;
        Ok(())
    }

    /// Passes over `n` varints, each of which is checked.
    pub(crate) fn skip_varints(&mut self, n: usize) -> Result<(), Broken> {
        let mut n_left = n;
        while n_left > 0 {
            // Up to eight bytes at a time, to the end of the last number that ends among them.
            let ends = self.rest.first_chunk::<8>().map_or(0, |bytes| !u64::from_le_bytes(*bytes) & HIGH_BITS);
            let n_ends = ends.count_ones() as usize;
            if ends == 0 || n_ends > n_left {
                self.varint()?;
                n_left -= 1;
            } else {
                self.rest = &self.rest[8 - (ends.leading_zeros() / 8) as usize..];
                n_left -= n_ends;
            }
        }
        Ok(())
    }

    pub(crate) fn length(&mut self) -> Result<usize, Broken> {
        usize::try_from(self.varint()?).map_err(|_| Broken("a length of more than the address space"))
    }
}

/// What is said of a number that does not end.
const CUT: Broken = Broken("a number is cut or longer than 64 bits");

/// The highest bit of each byte.
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// Puts the lower seven bits of each byte side by side.
#[inline(always)]
fn seven_of_eight(word: u64) -> u64 {
    let word = word & !HIGH_BITS;
    let word = (word & 0x7f00_7f00_7f00_7f00) >> 1 | word & 0x007f_007f_007f_007f;
    let word = (word & 0x3fff_0000_3fff_0000) >> 2 | word & 0x0000_3fff_0000_3fff;
    (word & 0x0fff_ffff_0000_0000) >> 4 | word & 0x0fff_ffff
}

/// Appends LEB128.
pub(crate) fn put_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Small absolute values become small numbers: 0, -1, 1, -2 to 0, 1, 2, 3.
pub(crate) fn zigzag(value: u64) -> u64 {
    (value << 1) ^ ((value as i64) >> 63) as u64
}

/// The inverse of [`zigzag`].
pub(crate) fn unzigzag(value: u64) -> u64 {
    (value >> 1) ^ (value & 1).wrapping_neg()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive() {
        for v in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX, 1 << 63, (-2i64) as u64] {
            let mut out = Vec::new();
            put_varint(v, &mut out);
            let mut cursor = Cursor::new(&out);
            assert_eq!((cursor.varint(), cursor.is_empty()), (Ok(v), true));
            assert_eq!(unzigzag(zigzag(v)), v);
        }
        assert_eq!([0, u64::MAX, 1, (-2i64) as u64].map(zigzag), [0, 1, 2, 3]);
    }

    #[test]
    fn many_numbers_are_as_one_by_one() {
        let values: Vec<u64> = (0..64).flat_map(|bit| [1 << bit, (1 << bit) - 1, u64::MAX >> bit]).collect();
        let mut bytes = Vec::new();
        values.iter().for_each(|&v| put_varint(v, &mut bytes));
        let (mut cursor, mut out) = (Cursor::new(&bytes), Vec::new());
        assert_eq!(cursor.varints(values.len(), &mut out, |v| v), Ok(()));
        assert_eq!((out, cursor.is_empty()), (values, true));
        assert!(Cursor::new(&[0x80; 16]).varints(1, &mut Vec::new(), |v| v).is_err());
    }

    #[test]
    fn cut_and_overlong_numbers_are_refused() {
        for bytes in
            [&[][..], &[0x80], &[0xff; 10], &[0x80; 11], &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]]
        {
            assert!(Cursor::new(bytes).varint().is_err(), "{bytes:?}");
        }
    }
}

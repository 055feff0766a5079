//! Bounded reading of integers in the byte order of a capture.

use bstr::BString;

/// Byte order of a capture: that of the machine that recorded it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

/// The field wanted does not fit into what is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Short;

/// A position in bytes that cannot leave them.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    pos: usize,
    order: Order,
}

macro_rules! read {
    ($name:ident, $ty:ty) => {
        #[doc = concat!("Reads `", stringify!($ty), "`.")]
        pub(super) fn $name(&mut self) -> Result<$ty, Short> {
            let bytes = self.array()?;
            Ok(match self.order {
                Order::Little => <$ty>::from_le_bytes(bytes),
                Order::Big => <$ty>::from_be_bytes(bytes),
            })
        }
    };
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8], order: Order) -> Self {
        Cursor { bytes, pos: 0, order }
    }

    /// Position from the start.
    pub(super) fn pos(&self) -> usize {
        self.pos
    }

    /// Bytes left.
    pub(super) fn left(&self) -> usize {
        self.bytes.len() - self.pos
    }

    /// Takes `n` bytes.
    pub(super) fn take(&mut self, n: usize) -> Result<&'a [u8], Short> {
        let taken = self.bytes[self.pos..].get(..n).ok_or(Short)?;
        self.pos += n;
        Ok(taken)
    }

    /// Takes an array, such as an IP address, whose bytes never swap.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Short> {
        let (array, _) = self.bytes[self.pos..].split_first_chunk::<N>().ok_or(Short)?;
        self.pos += N;
        Ok(*array)
    }

    read!(u8, u8);
    read!(u16, u16);
    read!(u32, u32);
    read!(u64, u64);
    read!(i64, i64);

    /// Text behind a `u16` length. Writers do not count a terminating NUL; one that is there is taken off.
    pub(super) fn text(&mut self) -> Result<BString, Short> {
        let n = self.u16()?;
        Ok(without_nul(self.take(usize::from(n))?).into())
    }

    /// Strings with a NUL after each, behind a `u16` length; a missing last NUL is added.
    pub(super) fn list(&mut self) -> Result<BString, Short> {
        let n = self.u16()?;
        let bytes = self.take(usize::from(n))?;
        let mut list = Vec::with_capacity(bytes.len() + 1);
        list.extend_from_slice(bytes);
        if list.last().is_some_and(|&b| b != 0) {
            list.push(0);
        }
        Ok(list.into())
    }
}

/// Text without its terminating NUL.
pub(super) fn without_nul(bytes: &[u8]) -> &[u8] {
    bytes.strip_suffix(b"\0").unwrap_or(bytes)
}

/// Text in a field of fixed width: up to its first NUL.
pub(super) fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|&b| b == 0).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_follow_the_byte_order() {
        let bytes = [1, 2, 3, 4, 5, 6, 7, 8];
        assert_eq!(Cursor::new(&bytes, Order::Little).u32(), Ok(0x0403_0201));
        assert_eq!(Cursor::new(&bytes, Order::Big).u16(), Ok(0x0102));
        assert_eq!(Cursor::new(&bytes, Order::Big).i64(), Ok(0x0102_0304_0506_0708));
    }

    #[test]
    fn nothing_is_read_past_the_end() {
        let mut cursor = Cursor::new(&[5, 0, b'a'], Order::Little);
        assert_eq!(cursor.text(), Err(Short));
        assert_eq!(cursor.u32(), Err(Short));
    }

    #[test]
    fn text_and_lists_are_normalized() {
        assert_eq!(Cursor::new(b"\x02\0a\0", Order::Little).text(), Ok("a".into()));
        assert_eq!(Cursor::new(b"\x03\0a\0b", Order::Little).list(), Ok("a\0b\0".into()));
        assert_eq!(Cursor::new(b"\0\0", Order::Little).list(), Ok("".into()));
    }
}

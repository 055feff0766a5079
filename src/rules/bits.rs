//! Sets of small numbers.

/// A set of numbers below a bound that is given when it is made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Bits(Box<[u64]>);

impl Bits {
    /// No number below `n`.
    pub(crate) fn none(n: usize) -> Bits {
        Bits(vec![0; n.div_ceil(64)].into())
    }

    /// All numbers below `n`.
    pub(crate) fn all(n: usize) -> Bits {
        let mut bits = Bits(vec![u64::MAX; n.div_ceil(64)].into());
        if let Some(last) = bits.0.last_mut() {
            *last >>= n.wrapping_neg() % 64;
        }
        bits
    }

    /// These numbers below `n`.
    pub(crate) fn of(n: usize, numbers: impl IntoIterator<Item = usize>) -> Bits {
        let mut bits = Bits::none(n);
        numbers.into_iter().for_each(|number| bits.set(number, true));
        bits
    }

    /// Puts a number in or out. Nothing, if it is not below the bound.
    pub(crate) fn set(&mut self, number: usize, is_in: bool) {
        if let Some(word) = self.0.get_mut(number / 64) {
            let bit = 1 << (number % 64);
            *word = if is_in { *word | bit } else { *word & !bit };
        }
    }

    /// Puts a number in. False, if it was in already or is not below the bound.
    pub(crate) fn insert(&mut self, number: usize) -> bool {
        let is_new = !self.contains(number);
        self.set(number, true);
        is_new && self.contains(number)
    }

    pub(crate) fn contains(&self, number: usize) -> bool {
        self.0.get(number / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    /// Keeps what is in the other one too.
    pub(crate) fn intersect(&mut self, other: &Bits) {
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a &= b);
    }

    /// True if some number is in both.
    pub(crate) fn intersects(&self, other: &Bits) -> bool {
        self.0.iter().zip(&other.0).any(|(a, b)| a & b != 0)
    }

    pub(crate) fn clear(&mut self) {
        self.0.fill(0);
    }

    /// Its numbers, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> {
        bits_of(&self.0)
    }

    /// Bytes held.
    pub(crate) fn memory(&self) -> usize {
        size_of_val(&*self.0)
    }
}

/// The numbers whose bits are set, ascending.
pub(crate) fn bits_of(words: &[u64]) -> impl Iterator<Item = usize> {
    words.iter().enumerate().flat_map(|(i, &word)| {
        let mut rest = word;
        std::iter::from_fn(move || {
            let bit = rest.trailing_zeros() as usize;
            rest &= rest.wrapping_sub(1);
            (bit < 64).then_some(i * 64 + bit)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets() {
        let mut bits = Bits::of(130, [0, 63, 64, 129]);
        assert_eq!(bits.iter().collect::<Vec<_>>(), [0, 63, 64, 129]);
        bits.set(63, false);
        bits.set(500, true);
        assert!(bits.contains(64) && !bits.contains(63) && !bits.contains(500));
        bits.intersect(&Bits::of(130, [63, 64, 1]));
        assert_eq!(bits.iter().collect::<Vec<_>>(), [64]);
        assert_eq!(Bits::none(0).iter().count(), 0);
        for n in [0, 1, 63, 64, 65, 130] {
            assert_eq!(Bits::all(n), Bits::of(n, 0..n), "{n}");
        }
        assert_eq!([1, 1, 63, 200].map(|number| bits.insert(number)), [true, false, true, false]);
    }
}

//! A list that mostly has one element.

use std::ops::Deref;

/// Elements in order; one takes no memory of its own. Most processes have one thread, and most thread ids one life.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Few<T> {
    /// No element.
    #[default]
    None,
    /// One.
    One([T; 1]),
    /// Any number.
    Many(Box<Vec<T>>),
}

impl<T> Few<T> {
    /// Appends an element.
    pub(crate) fn push(&mut self, element: T) {
        self.insert(self.len(), element);
    }

    /// Puts an element at a position, at most the length.
    pub(crate) fn insert(&mut self, at: usize, element: T) {
        *self = match std::mem::take(self) {
            Few::None => Few::One([element]),
            Few::One([first]) => {
                let mut list = Vec::with_capacity(4);
                list.push(first);
                list.insert(at, element);
                Few::Many(Box::new(list))
            }
            Few::Many(mut list) => {
                list.insert(at, element);
                Few::Many(list)
            }
        };
    }

    /// Keeps the elements for which this is true.
    pub(crate) fn retain(&mut self, mut is_kept: impl FnMut(&T) -> bool) {
        match self {
            Few::None => {}
            Few::One([first]) => {
                if !is_kept(first) {
                    *self = Few::None;
                }
            }
            Few::Many(list) => list.retain(is_kept),
        }
    }

    /// Bytes that stand elsewhere, for accounting.
    pub(crate) fn memory(&self) -> usize {
        match self {
            Few::Many(list) => size_of::<Vec<T>>() + list.capacity() * size_of::<T>(),
            _ => 0,
        }
    }
}

impl<T> Deref for Few<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        match self {
            Few::None => &[],
            Few::One(first) => first,
            Few::Many(list) => list,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// It does what a vector does.
    #[test]
    fn as_a_vector() {
        let (mut few, mut vector) = (Few::default(), Vec::new());
        for step in 0..40u32 {
            match step % 5 {
                0 | 1 => {
                    few.push(step);
                    vector.push(step);
                }
                2 => {
                    few.insert(0, step);
                    vector.insert(0, step);
                }
                3 => {
                    few.retain(|&element| element % 3 != step % 3);
                    vector.retain(|&element| element % 3 != step % 3);
                }
                _ if step > 20 => {
                    few.retain(|_| false);
                    vector.clear();
                }
                _ => {}
            }
            assert_eq!(few[..], vector[..], "{step}");
        }
    }
}

//! Which arguments of events somebody looks at: a reader need not make the others.

use std::sync::{Arc, OnceLock};

use crate::event::KindId;

/// Arguments of a kind of event, a bit each: bit `i` stands for argument `i`, the highest one for all from it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArgSet(u32);

impl ArgSet {
    /// All arguments.
    pub const ALL: ArgSet = ArgSet(u32::MAX);
    /// No argument.
    pub const NONE: ArgSet = ArgSet(0);

    /// These arguments.
    pub fn of(args: impl IntoIterator<Item = usize>) -> ArgSet {
        ArgSet(args.into_iter().fold(0, |set, i| set | ArgSet::bit(i)))
    }

    /// True if an argument is among them.
    #[inline(always)]
    pub fn has(self, i: usize) -> bool {
        self.0 & ArgSet::bit(i) != 0
    }

    /// Arguments up to the last one of these; at most `n`.
    #[inline(always)]
    pub(crate) fn end(self, n: usize) -> usize {
        if self.has(31) { n } else { n.min(32 - self.0.leading_zeros() as usize) }
    }

    #[inline(always)]
    fn bit(i: usize) -> u32 {
        1 << i.min(31)
    }
}

/// For every kind of event, the arguments that are looked at. Until it is told, all of all kinds are; whoever tells it and
/// whoever asks can be on different threads.
#[derive(Clone, Debug, Default)]
pub struct WantedArgs(Arc<OnceLock<Vec<ArgSet>>>);

impl WantedArgs {
    /// Tells the arguments by code of kind; of kinds after the last one all are wanted. What was told before stays.
    pub fn tell(&self, by_code: impl FnOnce() -> Vec<ArgSet>) {
        self.0.get_or_init(by_code);
    }

    /// True once it was told.
    pub fn is_told(&self) -> bool {
        self.0.get().is_some()
    }

    /// What is known now.
    #[inline]
    pub(crate) fn now(&self) -> Wanted<'_> {
        Wanted(self.0.get().map_or(&[], Vec::as_slice))
    }
}

/// What of [`WantedArgs`] was known at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a>(&'a [ArgSet]);

impl Wanted<'_> {
    #[inline(always)]
    pub(crate) fn of(self, kind: KindId) -> ArgSet {
        self.0.get(usize::from(kind.0)).copied().unwrap_or(ArgSet::ALL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_arguments() {
        for (set, i, has, end) in [
            (ArgSet::NONE, 0, false, 0),
            (ArgSet::ALL, 0, true, 40),
            (ArgSet::ALL, 200, true, 40),
            (ArgSet::of([0, 2]), 1, false, 3),
            (ArgSet::of([0, 2]), 2, true, 3),
            (ArgSet::of([0, 2]), 31, false, 3),
            (ArgSet::of([35]), 31, true, 40),
            (ArgSet::of([35]), 30, false, 40),
        ] {
            assert_eq!((set.has(i), set.end(40)), (has, end), "{set:?} {i}");
        }
    }

    #[test]
    fn all_until_it_is_told() {
        let wanted = WantedArgs::default();
        assert_eq!(wanted.now().of(KindId(0)), ArgSet::ALL);
        wanted.clone().tell(|| vec![ArgSet::NONE]);
        assert_eq!((wanted.now().of(KindId(0)), wanted.now().of(KindId(1))), (ArgSet::NONE, ArgSet::ALL));
    }
}

//! Weighted sums of logits, with weights that learn which contexts are right.

use super::numbers::{MAX_LOGIT, Numbers};

/// Weights by context; one is 65536. The weighted sum of the inputs is the logit of the probability.
#[derive(Clone, Debug)]
pub(super) struct Mixer<const N: usize> {
    weights: Vec<[i32; N]>,
    /// The context of the current bit.
    at: usize,
    /// What was predicted, of 65536.
    p: i32,
    /// Learning is slower by each one more.
    shift: u32,
}

/// Largest weight: eight.
const MAX_WEIGHT: i32 = 1 << 19;

impl<const N: usize> Mixer<N> {
    pub(super) fn new(n_contexts: usize, percent: i32, shift: u32) -> Self {
        Mixer { weights: vec![[(1 << 16) * percent / 100; N]; n_contexts], at: 0, p: 1 << 15, shift }
    }

    /// The logit of the mixed probability in a context.
    pub(super) fn mix(&mut self, inputs: &[i32; N], at: usize, numbers: &Numbers) -> i32 {
        self.at = at;
        // No overflow: a weight has 20 bits, a logit 12.
        let sum: i32 = self.weights[at].iter().zip(inputs).map(|(&w, &x)| (w * x) >> 8).sum();
        let logit = (sum >> 8).clamp(-MAX_LOGIT, MAX_LOGIT);
        self.p = numbers.probability(logit);
        logit
    }

    /// The probability mixed last, of 65536.
    pub(super) fn p(&self) -> i32 {
        self.p
    }

    /// Shifts the weights of the context towards the inputs that were right.
    pub(super) fn learn(&mut self, inputs: &[i32; N], bit: u32) {
        let error = (((bit as i32) << 16) - self.p) >> 4;
        for (w, &x) in self.weights[self.at].iter_mut().zip(inputs) {
            *w = (*w + ((x * error + (1 << 13)) >> self.shift)).clamp(-MAX_WEIGHT, MAX_WEIGHT);
        }
    }
}

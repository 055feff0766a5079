//! Probabilities and their logits as integers: coder and decoder must agree on every bit, on every machine.

use std::sync::OnceLock;

/// The largest logit; one is 256.
pub(super) const MAX_LOGIT: i32 = 2047;

/// 65536 / (1 + e^-x) for x from -8 to 8 in steps of one half.
const LOGISTIC: [u16; 33] = [
    22, 36, 60, 98, 162, 267, 439, 720, 1179, 1921, 3108, 4971, 7812, 11955, 17625, 24743, 32768, 40793, 47911, 53581,
    57724, 60565, 62428, 63615, 64357, 64816, 65097, 65269, 65374, 65438, 65476, 65500, 65514,
];

/// Tables that follow from [`LOGISTIC`]. Probabilities are of 65536.
pub(super) struct Numbers {
    /// Probability by logit + 2048.
    probability: [u16; 4096],
    /// Logit by the probability's high twelve bits.
    logit: [i16; 4096],
    /// What the n-th bit in a context changes of its probability, of 65536.
    share: [i32; 32],
}

/// The tables.
pub(super) fn numbers() -> &'static Numbers {
    static NUMBERS: OnceLock<Box<Numbers>> = OnceLock::new();
    NUMBERS.get_or_init(|| {
        let mut out = Box::new(Numbers { probability: [0; 4096], logit: [0; 4096], share: [0; 32] });
        for (i, p) in out.probability.iter_mut().enumerate() {
            let (step, part) = (i / 128, (i % 128) as u32);
            let (low, high) = (u32::from(LOGISTIC[step]), u32::from(LOGISTIC[step + 1]));
            *p = (low + (high - low) * part / 128) as u16;
        }
        let mut at = 0;
        for (i, logit) in out.logit.iter_mut().enumerate() {
            while at < 4095 && usize::from(out.probability[at]) < i * 16 + 8 {
                at += 1;
            }
            *logit = at as i16 - 2048;
        }
        for (n, share) in out.share.iter_mut().enumerate() {
            *share = 131_072 / (2 * n as i32 + 3);
        }
        out
    })
}

impl Numbers {
    /// The probability of a logit within [`MAX_LOGIT`].
    pub(super) fn probability(&self, logit: i32) -> i32 {
        i32::from(self.probability[(logit + 2048) as usize])
    }

    /// The logit of a probability.
    pub(super) fn logit(&self, p: u16) -> i32 {
        i32::from(self.logit[usize::from(p >> 4)])
    }

    /// The share of a bit after `n` others, at most 31.
    pub(super) fn share(&self, n: usize) -> i32 {
        self.share[n]
    }
}

/// Moves a probability towards the bit by one part in `1 << shift`.
pub(super) fn move_towards(p: &mut u16, bit: u32, shift: u32) {
    let (old, target) = (i32::from(*p), if bit == 1 { 65535 } else { 0 });
    *p = (old + ((target - old) >> shift)) as u16;
}

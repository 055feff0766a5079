//! What the kernel side saw, wrote and lost.

/// Why events are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LossCause {
    /// The ring buffer was full: the recorder was too slow, or the ring too small.
    RingFull,
    /// A CPU had no buffer to build the record in (it came up after recording began).
    NoBuffer,
    /// The kernel did not run the program because it was already running on that CPU. Which events these were is not
    /// known, nor on which CPU.
    Recursion,
    /// A record was not understood; this is a bug of the recorder.
    Undecoded,
}

impl LossCause {
    /// Short name, as the `cause` of a `lost` event has it.
    pub fn name(self) -> &'static str {
        match self {
            LossCause::RingFull => "ring full",
            LossCause::NoBuffer => "no buffer",
            LossCause::Recursion => "recursion",
            LossCause::Undecoded => "undecoded",
        }
    }
}

/// Events lost on one CPU for one cause since recording began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// CPU; `None` if it is not known.
    pub cpu: Option<u32>,
    /// Cause.
    pub cause: LossCause,
    /// Events.
    pub n: u64,
}

/// Balance since recording began: `seen = written + lost`, where only [`LossCause::RingFull`] and
/// [`LossCause::NoBuffer`] are part of what was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Events that the kernel side was to record.
    pub seen: u64,
    /// Records that went into the ring.
    pub written: u64,
    /// Records that were taken out of the ring and became events.
    pub delivered: u64,
    /// Losses, by CPU and cause; only those above 0.
    pub losses: Vec<Loss>,
    /// Records that lack something because memory of the process could not be read.
    pub faults: u64,
    /// Records in which a string or buffer was cut.
    pub cuts: u64,
}

impl Counters {
    /// All events lost.
    pub fn lost(&self) -> u64 {
        self.losses.iter().map(|loss| loss.n).sum()
    }
}

//! The recorder as the command line uses it.

use std::time::Duration;

use bstr::BString;
use tracehound_formats::Batch;

use crate::counters::Counters;
use crate::error::{PollError, StartError};
use crate::options::Options;

/// A loaded and attached recorder. Dropping it detaches.
#[derive(Debug)]
pub struct Recorder {
    epoch_offset_ns: i64,
}

/// What one [`Recorder::poll`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PollStats {
    /// Records taken out of the ring.
    pub n_records: u64,
    /// Events delivered, losses included.
    pub n_events: u64,
    /// True if the ring was empty when it returned. After [`Recorder::detach`] nothing more will come then.
    pub is_drained: bool,
}

impl Recorder {
    /// Loads and attaches. From its return on everything is recorded.
    pub fn start(_options: &Options) -> Result<Recorder, StartError> {
        Err(StartError::Load("this build contains no recording program".into()))
    }

    /// Waits until the ring is a quarter full or `timeout` has passed, then takes everything out of it and hands it
    /// over in batches, in order of time. Losses since the last call come as `lost` events.
    ///
    /// The kernel does not wake the reader for each event, so that `timeout` is how old an event gets: 20 to 100 ms
    /// keep up with any load that the default ring is made for. Zero takes what is there.
    pub fn poll(&mut self, timeout: Duration, sink: &mut dyn FnMut(&Batch)) -> Result<PollStats, PollError> {
        let _ = (timeout, sink);
        Ok(PollStats { is_drained: true, ..PollStats::default() })
    }

    /// Ends recording: takes the programs off their hooks. What is in the ring stays; poll it out.
    pub fn detach(&mut self) -> Result<(), PollError> {
        Ok(())
    }

    /// The balance so far. After [`Recorder::detach`] and the last poll it is final.
    pub fn counters(&self) -> Result<Counters, PollError> {
        Ok(Counters::default())
    }

    /// Nanoseconds to add to `CLOCK_BOOTTIME` to get the time since the epoch, as sampled at the start.
    pub fn epoch_offset_ns(&self) -> i64 {
        self.epoch_offset_ns
    }

    /// Cgroups seen for the first time since the last call: id and path from the root of the hierarchy. Births and
    /// execs name the path in their `cgroups` argument; this tells when to look for a container's files.
    pub fn take_new_cgroups(&mut self) -> Vec<(u64, BString)> {
        Vec::new()
    }
}

//! The stream of blocks: a file in place, or unpacked on the way.

use super::gunzip::Gunzip;
use super::inflate::{Finding, GZIP_MAGIC};
use crate::input::{Forgetter, Input};

/// Bytes of a capture from a moving position on.
pub(super) struct Source {
    input: Input,
    gunzip: Option<Gunzip>,
    /// Offset in the stream of blocks: of the file, or of what it unpacks to.
    pos: u64,
    /// Lets go of what was read.
    forgetter: Forgetter,
}

impl Source {
    pub(super) fn new(input: Input) -> Self {
        let gunzip = input.bytes().starts_with(&GZIP_MAGIC[..2]).then(Gunzip::new);
        Source { input, gunzip, pos: 0, forgetter: Forgetter::default() }
    }

    /// Unpacks on a thread of its own, if there is something to unpack.
    pub(super) fn run_ahead(&mut self) {
        if let Some(gunzip) = &mut self.gunzip {
            gunzip.run_ahead(&self.input);
        }
    }

    pub(super) fn is_packed(&self) -> bool {
        self.gunzip.is_some()
    }

    pub(super) fn pos(&self) -> u64 {
        self.pos
    }

    /// Bytes of the file consumed.
    pub(super) fn file_pos(&self) -> u64 {
        self.gunzip.as_ref().map_or(self.pos, Gunzip::packed)
    }

    /// Lets go of the part of a file that was read.
    pub(super) fn forget(&mut self) {
        let file_pos = self.file_pos();
        self.forgetter.up_to(&self.input, file_pos);
    }

    /// Makes `n` bytes available if the stream has them; returns all that are available.
    pub(super) fn want(&mut self, n: usize) -> &[u8] {
        if let Some(gunzip) = &mut self.gunzip {
            gunzip.fill(self.input.bytes(), self.pos, n);
        }
        self.have()
    }

    /// The bytes available.
    pub(super) fn have(&self) -> &[u8] {
        match &self.gunzip {
            Some(gunzip) => gunzip.bytes(self.pos),
            None => {
                &self.input.bytes()[usize::try_from(self.pos).unwrap_or(usize::MAX).min(self.input.bytes().len())..]
            }
        }
    }

    /// Moves on by bytes that are available.
    pub(super) fn advance(&mut self, n: usize) {
        self.pos += n as u64;
    }

    /// Goes on behind a place where a packed stream broke off; what was left before it is given up.
    pub(super) fn resume(&mut self) -> bool {
        let Some(gunzip) = &mut self.gunzip else { return false };
        let n_left = gunzip.bytes(self.pos).len() as u64;
        if !gunzip.resume(self.input.bytes()) {
            return false;
        }
        self.pos += n_left;
        true
    }

    /// What was found wrong with the packing since the last call.
    pub(super) fn take_findings(&mut self) -> Vec<Finding> {
        self.gunzip.as_mut().map(Gunzip::take_findings).unwrap_or_default()
    }

    /// Members unpacked and bytes left over behind them.
    pub(super) fn packing(&self) -> Option<(u64, u64)> {
        self.gunzip.as_ref().map(Gunzip::members)
    }
}

//! Texts read a table look-up a byte: the places of [`crate::onepass`] as states of a lazily built automaton.
//!
//! A text leads from place to place. A place that was come to before has a row with the places that each class of
//! bytes leads to, and the answer for texts that end there: an answer costs a look-up a byte, and neither hashes nor
//! remembers the text. Paths, of which most come once, have beginnings and ends in common, so that few places serve
//! millions of them. Where a directory led is remembered too: of most paths only the last component is read.

use std::ops::RangeInclusive;

use bstr::ByteSlice;
use hashbrown::HashMap;
use tracehound_fields::Value;

use crate::bits::Bits;
use crate::leaf::Leaf;
use crate::onepass::{Place, Texts};
use crate::values::Values;

/// Places that one text may add; one that leads to more is walked without remembering them.
const MAX_NEW: usize = 1 << 10;

/// Lengths of the directories that are remembered. Shorter ones are read as fast, longer ones are seldom paths.
const DIRECTORY: RangeInclusive<usize> = 12..=192;

/// In a row: not known yet; a byte that ends the text; an answer that the place alone does not tell. Greater than
/// every row and every answer.
const UNKNOWN: u32 = u32::MAX;
const STOP: u32 = u32::MAX - 1;
const OF_TEXT: u32 = u32::MAX - 2;

/// The places that texts of one question have led to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Walk {
    /// A row a place: by class of byte the beginning of the next row, and last the answer for texts that end there.
    rows: Vec<u32>,
    /// By number of the row.
    places: Vec<Place>,
    /// Beginnings of rows.
    known: HashMap<Place, u32>,
    /// Beginnings of texts that end in a `/`, with the rows that they led to.
    directories: Values,
}

/// Where a text led.
pub(crate) enum End {
    /// The answer is known.
    Answer(u32),
    /// What the place says is in the bits given; it is the answer for all texts that end at this row, if there is one.
    New(Option<u32>),
}

impl Walk {
    /// Goes over a text. Adds what it has to remember to `memory`, in bytes.
    pub(crate) fn read<'l>(
        &mut self,
        texts: &Texts,
        text: &[u8],
        leaf: &dyn Fn(usize) -> &'l Leaf,
        value: &Value<'_>,
        found: &mut Bits,
        memory: &mut usize,
    ) -> End {
        if self.places.is_empty() {
            self.row(texts, texts.start(), memory);
        }
        let n_classes = texts.n_classes();
        // The rest says nothing then.
        let text = if texts.is_told_by_search(text) { &[] } else { text };
        let directory = text.rfind_byte(b'/').map_or(0, |slash| slash + 1);
        let slot = DIRECTORY.contains(&directory).then(|| self.directories.find(&text[..directory]));
        let (mut at, mut read) = match slot {
            Some((_, Some(row))) => (row, directory),
            _ => (0, 0),
        };
        let mut n_new = 0;
        while read < text.len() {
            let end = if read < directory { directory } else { text.len() };
            let next = follow(&self.rows, texts.classes(), at, &text[read..end]);
            (at, read) = (next.0, read + next.1);
            if read == end {
                if end == directory
                    && let Some((slot, None)) = slot
                {
                    self.directories.remember(slot, &text[..directory], at, memory);
                }
                continue;
            }
            let cell = at as usize + usize::from(texts.classes()[usize::from(text[read])]);
            if self.rows[cell] == STOP {
                break;
            }
            let mut place = self.places[at as usize / (n_classes + 1)].clone();
            if n_new == MAX_NEW {
                let rest = text[read..].iter().take_while(|&&byte| texts.goes_on(byte));
                rest.for_each(|&byte| texts.step(&mut place, byte));
                texts.finish(&place, leaf, value, found);
                return End::New(None);
            }
            texts.step(&mut place, text[read]);
            let next = self.row(texts, place, memory);
            self.rows[cell] = next;
            n_new += 1;
        }
        let answer = self.rows[at as usize + n_classes];
        if answer < OF_TEXT {
            return End::Answer(answer);
        }
        let place = &self.places[at as usize / (n_classes + 1)];
        texts.finish(place, leaf, value, found);
        if answer == UNKNOWN && texts.is_told_by(place) {
            return End::New(Some(at));
        }
        self.rows[at as usize + n_classes] = OF_TEXT;
        End::New(None)
    }

    /// Notes the answer for texts that end at a row.
    pub(crate) fn remember(&mut self, texts: &Texts, row: u32, answer: u32) {
        self.rows[row as usize + texts.n_classes()] = answer;
    }

    /// The row of a place, added if it is new.
    fn row(&mut self, texts: &Texts, place: Place, memory: &mut usize) -> u32 {
        if let Some(&row) = self.known.get(&place) {
            return row;
        }
        let row = self.rows.len();
        let n = texts.n_classes() + 1;
        self.rows.resize(row + n, UNKNOWN);
        if !texts.goes_on(0) {
            self.rows[row + usize::from(texts.classes()[0])] = STOP;
        }
        *memory += n * size_of::<u32>() + 2 * place.memory() + 16;
        self.known.insert(place.clone(), row as u32);
        self.places.push(place);
        row as u32
    }
}

/// Follows a text from row to row as far as they are known. The last one, and how many bytes led there.
fn follow(rows: &[u32], classes: &[u8; 256], mut at: u32, text: &[u8]) -> (u32, usize) {
    // Eight bytes at a time: what is no row leads to no cell, so that one look tells whether all eight were known.
    const STEP: usize = 8;
    let mut n_read = 0;
    'known: for bytes in text.as_chunks::<STEP>().0 {
        let mut to = at;
        for &byte in bytes {
            match rows.get(to as usize + usize::from(classes[usize::from(byte)])) {
                Some(&next) => to = next,
                None => break 'known,
            }
        }
        if to >= STOP {
            break;
        }
        at = to;
        n_read += STEP;
    }
    for (i, &byte) in text.iter().enumerate().skip(n_read) {
        let next = rows[at as usize + usize::from(classes[usize::from(byte)])];
        if next >= STOP {
            return (at, i);
        }
        at = next;
    }
    (at, text.len())
}

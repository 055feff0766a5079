//! All comparisons of one value with constants in one pass.
//!
//! Rules compare the same few fields with thousands of literals. Asked one by one, each costs a look at the value;
//! here a text is read once, byte by byte, and a [`Place`] says how far each kind of literal has got: how much
//! of what it may be equal to or begin with, or of a search path of `pmatch`, was read, and the states of one automaton
//! for what it contains or ends with and one for what it contains in whatever case. Places are numbered and remembered by
//! [`crate::walk`], so that a byte mostly costs a look into a table. Numbers are found by one binary search. Globs are
//! only tried where their longest literal part occurs. What is left (regular expressions, lists under a modifier,
//! order of texts) is asked one by one.

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::{Anchored, MatchKind, nfa};
use bstr::Finder;
use hashbrown::HashMap;
use tracehound_fields::Value;

use crate::bits::Bits;
use crate::leaf::{How, Leaf};
use crate::ops::path::components;
use crate::ops::{Order, Test, TextTest, bytes_of};

/// How the comparisons of one question are found true or false for a value. Comparisons have numbers from 0.
#[derive(Clone, Debug)]
pub(crate) enum Lookup {
    Text(Box<Texts>),
    Number(Numbers),
    /// One by one.
    Plain,
}

/// Comparisons of texts, or of raw bytes.
#[derive(Clone, Debug)]
pub(crate) struct Texts {
    /// Raw bytes: a NUL does not end them.
    is_raw: bool,
    /// True of every value that is there (`exists`, an empty prefix), and all `!=` until the value is found.
    always: Bits,
    /// What a text is equal to or begins with.
    beginnings: Literals,
    /// Search paths of `pmatch`: components with a `/` between.
    paths: Literals,
    parts: Option<Parts>,
    parts_ignoring_case: Option<Parts>,
    /// Comparisons with globs, set where their literal occurs.
    globs: Bits,
    one_by_one: Box<[u32]>,
    /// If literals inside of texts are all that there is, and few: these. Searching a text for them costs less than reading
    /// it.
    searched: Vec<Finder<'static>>,
    /// By byte its class: bytes of one class lead from each place to the same one.
    classes: Box<[u8; 256]>,
    n_classes: usize,
}

/// Literals that are looked for inside of a value, or at its end.
#[derive(Clone, Debug)]
struct Parts {
    automaton: nfa::noncontiguous::NFA,
    /// By number of the literal, the comparisons that it is of.
    leaves: Vec<PartLeaves>,
}

#[derive(Clone, Debug, Default)]
struct PartLeaves {
    anywhere: Vec<u32>,
    at_end: Vec<u32>,
}

/// Literals that a text is read along, sorted: those that it can still turn out to be, or to begin with, stand
/// together.
#[derive(Clone, Debug, Default)]
struct Literals {
    /// Texts of all literals.
    bytes: Vec<u8>,
    /// Sorted by text.
    rows: Vec<Literal>,
}

#[derive(Clone, Copy, Debug)]
struct Literal {
    start: u32,
    end: u32,
    leaf: u32,
    says: Says,
}

/// What a literal says of its comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    /// It holds for what begins with it.
    Beginning,
    /// It holds, or does not, for what is equal to it.
    Is,
    IsNot,
}

/// The literals that begin with what was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Along {
    first: u32,
    end: u32,
    /// Bytes read; 0 if no literal is left.
    n_read: u32,
}

impl Literals {
    fn add(&mut self, text: &[u8], leaf: u32, says: Says) {
        let start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(text);
        self.rows.push(Literal { start, end: self.bytes.len() as u32, leaf, says });
    }

    fn sort(&mut self) {
        let Literals { bytes, rows } = self;
        let text = |row: &Literal| &bytes[row.start as usize..row.end as usize];
        // Mostly the first eight bytes tell; a text that ends among them is, or stands before, what goes on.
        let beginning = |row: &Literal| {
            let (mut first, text) = ([0; 8], text(row));
            let n = text.len().min(first.len());
            first[..n].copy_from_slice(&text[..n]);
            u64::from_be_bytes(first)
        };
        let mut keyed: Vec<(u64, Literal)> = rows.drain(..).map(|row| (beginning(&row), row)).collect();
        keyed.sort_unstable_by(|(a, row_a), (b, row_b)| a.cmp(b).then_with(|| text(row_a).cmp(text(row_b))));
        rows.extend(keyed.into_iter().map(|(_, row)| row));
    }

    fn start(&self) -> Along {
        Along { first: 0, end: self.rows.len() as u32, n_read: 0 }
    }

    /// The byte of a literal after what was read; `None` at its end.
    fn byte(&self, literal: &Literal, along: Along) -> Option<u8> {
        let at = literal.start + along.n_read;
        (at < literal.end).then(|| self.bytes[at as usize])
    }

    /// Reads one more byte.
    fn next(&self, along: Along, byte: u8) -> Along {
        let rows = &self.rows[along.first as usize..along.end as usize];
        // Those at their end stand first.
        let first = rows.partition_point(|row| self.byte(row, along) < Some(byte));
        let n = rows[first..].partition_point(|row| self.byte(row, along) == Some(byte));
        if n == 0 {
            return Along { first: 0, end: 0, n_read: 0 };
        }
        let first = along.first + first as u32;
        Along { first, end: first + n as u32, n_read: along.n_read + 1 }
    }

    /// The literals that are what was read.
    fn ended(&self, along: Along) -> impl Iterator<Item = &Literal> {
        let rows = &self.rows[along.first as usize..along.end as usize];
        rows.iter().take_while(move |row| row.start + along.n_read == row.end)
    }

    /// True if nothing was read of a component: at the beginning, and after a `/`.
    fn begins_component(&self, along: Along) -> bool {
        match self.rows.get(along.first as usize) {
            Some(row) if along.n_read > 0 => self.bytes[(row.start + along.n_read - 1) as usize] == b'/',
            _ => true,
        }
    }
}

/// What is known of a text after some of its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    beginning: Along,
    path: Along,
    part: StateID,
    part_ignoring_case: StateID,
    /// Comparisons that hold whatever follows; a glob only perhaps, and `!=` only if the text does not end as it says.
    found: Bits,
}

impl Place {
    /// Bytes held.
    pub(crate) fn memory(&self) -> usize {
        size_of::<Place>() + self.found.memory()
    }
}

/// Comparisons of numbers: between two neighbours of these, all are the same.
#[derive(Clone, Debug)]
pub(crate) struct Numbers {
    bounds: Box<[i128]>,
}

impl Numbers {
    /// A number's place among the bounds: equal to one, or between two. At most twice their number.
    pub(crate) fn place(&self, number: i128) -> usize {
        let at = self.bounds.partition_point(|&bound| bound < number);
        2 * at + usize::from(self.bounds.get(at) == Some(&number))
    }
}

impl Lookup {
    /// For these comparisons, which all have the same left side.
    pub(crate) fn new(leaves: &[&Leaf]) -> Lookup {
        let is_number = |leaf: &&Leaf| {
            matches!(leaf.how(), How::Exists | How::One(Test::NumberIn(_) | Test::Number { wrap: None, .. }))
        };
        let is_text = |leaf: &&Leaf| matches!(leaf.how(), How::One(Test::Text(_)));
        let is_raw = |leaf: &&Leaf| matches!(leaf.how(), How::One(Test::Bytes(_)));
        if leaves.iter().all(is_number) {
            Lookup::Number(Lookup::numbers(leaves))
        } else if leaves.iter().any(is_text) && !leaves.iter().any(is_raw) {
            Lookup::Text(Box::new(Texts::new(leaves, false)))
        } else if leaves.iter().any(is_raw) && !leaves.iter().any(is_text) {
            Lookup::Text(Box::new(Texts::new(leaves, true)))
        } else {
            Lookup::Plain
        }
    }

    fn numbers(leaves: &[&Leaf]) -> Numbers {
        let mut bounds: Vec<i128> = Vec::new();
        for leaf in leaves {
            match leaf.how() {
                How::One(Test::Number { value, .. }) => bounds.push(*value),
                How::One(Test::NumberIn(values)) => bounds.extend(values.iter().copied()),
                _ => {}
            }
        }
        bounds.sort_unstable();
        bounds.dedup();
        Numbers { bounds: bounds.into() }
    }

    /// Which comparisons are true of a value that is not absent. `leaf` gives them by number.
    pub(crate) fn evaluate<'l>(
        &self,
        leaf: &dyn Fn(usize) -> &'l Leaf,
        n_leaves: usize,
        value: &Value<'_>,
        found: &mut Bits,
    ) {
        match (self, bytes_of(value)) {
            (Lookup::Text(texts), Some(bytes)) => {
                let mut place = texts.start();
                bytes.iter().take_while(|&&byte| texts.goes_on(byte)).for_each(|&byte| texts.step(&mut place, byte));
                texts.finish(&place, leaf, value, found);
            }
            _ => (0..n_leaves).for_each(|number| found.set(number, leaf(number).holds(value))),
        }
    }
}

impl Texts {
    fn new(leaves: &[&Leaf], is_raw: bool) -> Texts {
        let mut always = Vec::new();
        let (mut parts, mut folded): (PartsBuilder, PartsBuilder) = Default::default();
        let (mut beginnings, mut paths) = (Literals::default(), Literals::default());
        let (mut globs, mut one_by_one) = (Vec::new(), Vec::new());
        for (number, leaf) in (0..).zip(leaves) {
            let test = match leaf.how() {
                How::Exists => {
                    always.push(number);
                    continue;
                }
                How::One(Test::Text(test)) | How::One(Test::Bytes(test)) => test,
                _ => {
                    one_by_one.push(number);
                    continue;
                }
            };
            match test {
                TextTest::Order(Order::Eq, constant) => beginnings.add(constant, number, Says::Is),
                TextTest::Order(Order::Ne, constant) => {
                    always.push(number);
                    beginnings.add(constant, number, Says::IsNot);
                }
                TextTest::In(constants) => {
                    constants.iter().for_each(|constant| beginnings.add(constant, number, Says::Is));
                }
                TextTest::StartsWith(prefix) if prefix.is_empty() => always.push(number),
                TextTest::StartsWith(prefix) => beginnings.add(prefix, number, Says::Beginning),
                TextTest::Contains(finder) if finder.needle().is_empty() => always.push(number),
                TextTest::Contains(finder) => parts.leaves_of(finder.needle()).anywhere.push(number),
                TextTest::IContains(needle) if needle.is_empty() => always.push(number),
                TextTest::IContains(needle) => folded.leaves_of(needle).anywhere.push(number),
                TextTest::EndsWith(suffix) if suffix.is_empty() => always.push(number),
                TextTest::EndsWith(suffix) => parts.leaves_of(suffix).at_end.push(number),
                TextTest::Path(set) if set.has_patterns() => one_by_one.push(number),
                TextTest::Path(set) => {
                    for path in set.paths() {
                        let path: Vec<&[u8]> = components(path).collect();
                        match path.as_slice() {
                            [] => always.push(number),
                            path => paths.add(&path.join(&b'/'), number, Says::Is),
                        }
                    }
                }
                TextTest::Glob(glob) => match glob.longest_literal() {
                    Some((literal, is_folded)) if !literal.is_empty() => {
                        let to = if is_folded { &mut folded } else { &mut parts };
                        to.leaves_of(&literal).anywhere.push(number);
                        globs.push(number);
                    }
                    _ => one_by_one.push(number),
                },
                TextTest::Order(..) | TextTest::Regex(_) => one_by_one.push(number),
            }
        }
        let mut is_told_apart = [false; 256];
        beginnings.sort();
        paths.sort();
        let bytes = beginnings.bytes.iter().chain(&paths.bytes).chain(parts.literals.iter().flatten());
        bytes.for_each(|&byte| is_told_apart[usize::from(byte)] = true);
        for byte in folded.literals.iter().flatten() {
            is_told_apart[usize::from(byte.to_ascii_lowercase())] = true;
            is_told_apart[usize::from(byte.to_ascii_uppercase())] = true;
        }
        is_told_apart[usize::from(b'/')] = true;
        is_told_apart[0] = true;
        let mut classes = Box::new([0u8; 256]);
        // Class 0 is of all bytes that are in no literal. If there are none, it stays empty, and a NUL has its number.
        let mut n_classes = usize::from(is_told_apart.contains(&false));
        for (class, is_apart) in classes.iter_mut().zip(is_told_apart) {
            if is_apart {
                *class = n_classes as u8;
                n_classes += 1;
            }
        }
        // More are found faster by reading.
        const MAX_SEARCHED: usize = 2;
        let are_all = beginnings.rows.is_empty() && paths.rows.is_empty() && folded.literals.is_empty();
        let searched = if are_all && parts.literals.len() <= MAX_SEARCHED {
            parts.literals.iter().map(|literal| Finder::new(literal).into_owned()).collect()
        } else {
            Vec::new()
        };
        let (parts, lost) = parts.build(false);
        one_by_one.extend(lost);
        let (parts_ignoring_case, lost) = folded.build(true);
        one_by_one.extend(lost);
        one_by_one.sort_unstable();
        one_by_one.dedup();
        let set = |numbers: &[u32]| Bits::of(leaves.len(), numbers.iter().map(|&number| number as usize));
        Texts {
            is_raw,
            always: set(&always),
            beginnings,
            paths,
            parts,
            parts_ignoring_case,
            globs: set(&globs),
            one_by_one: one_by_one.into(),
            searched,
            classes,
            n_classes,
        }
    }

    /// By byte its class; see [`Texts::n_classes`].
    pub(crate) fn classes(&self) -> &[u8; 256] {
        &self.classes
    }

    /// How many classes of bytes there are: bytes of one class lead from each place to the same one.
    pub(crate) fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// False for a byte that ends the text before its end.
    #[inline]
    pub(crate) fn goes_on(&self, byte: u8) -> bool {
        byte != 0 || self.is_raw
    }

    /// True if the place at which a text ends says everything about it, globs aside.
    pub(crate) fn is_told_by_place(&self) -> bool {
        self.one_by_one.is_empty()
    }

    /// True if the place at which a text ends says everything about it.
    pub(crate) fn is_told_by(&self, place: &Place) -> bool {
        self.is_told_by_place() && !self.globs.intersects(&place.found)
    }

    /// True if what holds of a text is what holds before its first byte, because it contains nothing that is searched.
    pub(crate) fn is_told_by_search(&self, text: &[u8]) -> bool {
        !self.searched.is_empty() && self.searched.iter().all(|finder| finder.find(text).is_none())
    }

    /// The place before the first byte.
    pub(crate) fn start(&self) -> Place {
        let of = |parts: &Option<Parts>| parts.as_ref().map_or(StateID::default(), Parts::start);
        Place {
            beginning: self.beginnings.start(),
            path: self.paths.start(),
            part: of(&self.parts),
            part_ignoring_case: of(&self.parts_ignoring_case),
            found: self.always.clone(),
        }
    }

    /// Goes over one byte.
    pub(crate) fn step(&self, place: &mut Place, byte: u8) {
        let Place { beginning, path, part, part_ignoring_case, found } = place;
        *beginning = self.beginnings.next(*beginning, byte);
        for literal in self.beginnings.ended(*beginning).filter(|literal| literal.says == Says::Beginning) {
            found.set(literal.leaf as usize, true);
        }
        // More `/` than one are one.
        if byte != b'/' || !self.paths.begins_component(*path) {
            if byte == b'/' {
                self.paths.ended(*path).for_each(|literal| found.set(literal.leaf as usize, true));
            }
            *path = self.paths.next(*path, byte);
        }
        for (parts, state) in [(&self.parts, part), (&self.parts_ignoring_case, part_ignoring_case)] {
            if let Some(parts) = parts {
                *state = parts.automaton.next_state(Anchored::No, *state, byte);
                parts.each_match(*state, |leaves| set(found, &leaves.anywhere, true));
            }
        }
    }

    /// Which comparisons are true of a value that ends at a place. `leaf` gives them by number.
    pub(crate) fn finish<'l>(
        &self,
        place: &Place,
        leaf: &dyn Fn(usize) -> &'l Leaf,
        value: &Value<'_>,
        found: &mut Bits,
    ) {
        found.clone_from(&place.found);
        for literal in self.beginnings.ended(place.beginning).chain(self.paths.ended(place.path)) {
            found.set(literal.leaf as usize, literal.says != Says::IsNot);
        }
        if let Some(parts) = &self.parts {
            parts.each_match(place.part, |leaves| set(found, &leaves.at_end, true));
        }
        // A glob was set where its literal occurs.
        if self.globs.intersects(found) {
            for number in self.globs.iter() {
                if found.contains(number) && !leaf(number).holds(value) {
                    found.set(number, false);
                }
            }
        }
        for number in self.one_by_one.iter().map(|&number| number as usize) {
            found.set(number, leaf(number).holds(value));
        }
    }
}

fn set(found: &mut Bits, leaves: &[u32], is_true: bool) {
    leaves.iter().for_each(|&number| found.set(number as usize, is_true));
}

impl Parts {
    /// The state before the first byte.
    fn start(&self) -> StateID {
        // Both kinds of start are there, as the builder was told.
        self.automaton.start_state(Anchored::No).unwrap_or_default()
    }

    /// The literals that end at a state.
    fn each_match(&self, state: StateID, mut f: impl FnMut(&PartLeaves)) {
        if self.automaton.is_match(state) {
            for i in 0..self.automaton.match_len(state) {
                f(&self.leaves[self.automaton.match_pattern(state, i).as_usize()]);
            }
        }
    }
}

/// Literals before they are an automaton.
#[derive(Default)]
struct PartsBuilder {
    numbers: HashMap<Vec<u8>, usize>,
    literals: Vec<Vec<u8>>,
    leaves: Vec<PartLeaves>,
}

impl PartsBuilder {
    fn leaves_of(&mut self, literal: &[u8]) -> &mut PartLeaves {
        let number = *self.numbers.entry_ref(literal).or_insert_with(|| {
            self.literals.push(literal.to_vec());
            self.leaves.push(PartLeaves::default());
            self.literals.len() - 1
        });
        &mut self.leaves[number]
    }

    /// The automaton; if it would be too large, the comparisons that have to be asked one by one.
    fn build(self, ignores_case: bool) -> (Option<Parts>, Vec<u32>) {
        if self.literals.is_empty() {
            return (None, Vec::new());
        }
        // Places are remembered, so that each step of the automaton is taken once: what counts is to build it fast.
        let mut builder = nfa::noncontiguous::Builder::new();
        builder.match_kind(MatchKind::Standard).ascii_case_insensitive(ignores_case).prefilter(false);
        match builder.build(&self.literals) {
            Ok(automaton) => (Some(Parts { automaton, leaves: self.leaves }), Vec::new()),
            Err(_) => {
                (None, self.leaves.into_iter().flat_map(|leaves| [leaves.anywhere, leaves.at_end]).flatten().collect())
            }
        }
    }
}

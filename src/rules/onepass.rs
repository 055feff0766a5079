//! All comparisons of one value with constants in one pass.
//!
//! Rules compare the same few fields with thousands of literals. Asked one by one, each costs a look at the value;
//! here one hash look-up answers all `=`, `!=` and `in`, one run of an automaton all `contains` and `icontains`, one
//! walk down a tree from either end all `startswith` and `endswith`, one down a tree of components all `pmatch`, and
//! one binary search all numbers. Globs are only tried where their longest literal part occurs. What is left (regular
//! expressions, lists under a modifier, order of texts) is asked one by one.

use aho_corasick::automaton::Automaton;
use aho_corasick::{Anchored, MatchKind, dfa, nfa};
use hashbrown::HashMap;
use tracehound_fields::Value;

use crate::bits::Bits;
use crate::leaf::{How, Leaf};
use crate::ops::path::PathTree;
use crate::ops::text::until_nul;
use crate::ops::{Order, Test, TextTest, bytes_of, number_of};

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
    always: Box<[u32]>,
    exact: HashMap<Box<[u8]>, Exact>,
    prefixes: Tree,
    /// Written backwards.
    suffixes: Tree,
    parts: Option<Parts>,
    parts_ignoring_case: Option<Parts>,
    paths: PathTree<u32>,
    globs: Box<[u32]>,
    one_by_one: Box<[u32]>,
}

/// What is true of exactly one text.
#[derive(Clone, Debug, Default)]
struct Exact {
    is: Vec<u32>,
    is_not: Vec<u32>,
}

/// Literals that are looked for inside of a value.
#[derive(Clone, Debug)]
struct Parts {
    automaton: PartsAutomaton,
    /// By number of the literal, the comparisons that it is of.
    leaves: Vec<Vec<u32>>,
}

#[derive(Clone, Debug)]
enum PartsAutomaton {
    /// With a table of all steps.
    Table(dfa::DFA),
    /// For many literals, of which a table would be too large.
    Compact(nfa::contiguous::NFA),
}

/// Literals that a value may begin with, as a tree of bytes.
#[derive(Clone, Debug, Default)]
struct Tree {
    nodes: Vec<TreeNode>,
}

#[derive(Clone, Debug, Default)]
struct TreeNode {
    /// Comparisons whose literal ends here.
    leaves: Vec<u32>,
    /// Sorted.
    next: Vec<(u8, u32)>,
}

impl Tree {
    fn insert(&mut self, literal: impl Iterator<Item = u8>, leaf: u32) {
        if self.nodes.is_empty() {
            self.nodes.push(TreeNode::default());
        }
        let mut at = 0;
        for byte in literal {
            let found = self.nodes[at].next.binary_search_by_key(&byte, |next| next.0);
            at = match found {
                Ok(i) => self.nodes[at].next[i].1 as usize,
                Err(i) => {
                    let new = self.nodes.len();
                    self.nodes.push(TreeNode::default());
                    self.nodes[at].next.insert(i, (byte, new as u32));
                    new
                }
            };
        }
        self.nodes[at].leaves.push(leaf);
    }

    fn evaluate(&self, text: impl Iterator<Item = u8>, mut set: impl FnMut(u32)) {
        let Some(mut node) = self.nodes.first() else { return };
        node.leaves.iter().for_each(|&leaf| set(leaf));
        for byte in text {
            let Ok(i) = node.next.binary_search_by_key(&byte, |next| next.0) else { return };
            node = &self.nodes[node.next[i].1 as usize];
            node.leaves.iter().for_each(|&leaf| set(leaf));
        }
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
            (Lookup::Text(texts), Some(bytes)) => texts.evaluate(leaf, value, bytes, found),
            _ => (0..n_leaves).for_each(|number| found.set(number, leaf(number).holds(value))),
        }
    }

    /// The place of a value among the bounds, if it is a number and all comparisons are of numbers.
    pub(crate) fn place(&self, value: &Value<'_>) -> Option<usize> {
        match self {
            Lookup::Number(numbers) => number_of(value).map(|number| numbers.place(number)),
            _ => None,
        }
    }
}

impl Texts {
    fn new(leaves: &[&Leaf], is_raw: bool) -> Texts {
        let mut always = Vec::new();
        let mut exact: HashMap<Box<[u8]>, Exact> = HashMap::new();
        let (mut parts, mut folded): (PartsBuilder, PartsBuilder) = Default::default();
        let (mut prefixes, mut suffixes) = (Tree::default(), Tree::default());
        let mut paths = PathTree::default();
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
            let mut part = |to: &mut PartsBuilder, literal: &[u8]| {
                if literal.is_empty() {
                    always.push(number);
                } else {
                    to.add(literal, number);
                }
            };
            match test {
                TextTest::Order(Order::Eq, constant) => exact.entry(constant.clone()).or_default().is.push(number),
                TextTest::Order(Order::Ne, constant) => {
                    always.push(number);
                    exact.entry(constant.clone()).or_default().is_not.push(number);
                }
                TextTest::In(constants) => {
                    constants.iter().for_each(|constant| exact.entry(constant.clone()).or_default().is.push(number));
                }
                TextTest::Contains(finder) => part(&mut parts, finder.needle()),
                TextTest::IContains(needle) => part(&mut folded, needle),
                TextTest::StartsWith(prefix) => prefixes.insert(prefix.iter().copied(), number),
                TextTest::EndsWith(suffix) => suffixes.insert(suffix.iter().rev().copied(), number),
                TextTest::Path(set) => set.paths().for_each(|path| paths.insert(path, number)),
                TextTest::Glob(glob) => match glob.longest_literal() {
                    Some((literal, is_folded)) if !literal.is_empty() => {
                        let to = if is_folded { &mut folded } else { &mut parts };
                        to.add(&literal, number);
                        globs.push(number);
                    }
                    _ => one_by_one.push(number),
                },
                TextTest::Order(..) | TextTest::Regex(_) => one_by_one.push(number),
            }
        }
        let (parts, lost) = parts.build(false);
        one_by_one.extend(lost);
        let (parts_ignoring_case, lost) = folded.build(true);
        one_by_one.extend(lost);
        one_by_one.sort_unstable();
        one_by_one.dedup();
        Texts {
            is_raw,
            always: always.into(),
            exact,
            prefixes,
            suffixes,
            parts,
            parts_ignoring_case,
            paths,
            globs: globs.into(),
            one_by_one: one_by_one.into(),
        }
    }

    fn evaluate<'l>(&self, leaf: &dyn Fn(usize) -> &'l Leaf, value: &Value<'_>, bytes: &[u8], found: &mut Bits) {
        let text = if self.is_raw { bytes } else { until_nul(bytes) };
        let mut set = |number: u32, is_true| found.set(number as usize, is_true);
        self.always.iter().for_each(|&number| set(number, true));
        if let Some(exact) = self.exact.get(text) {
            exact.is.iter().for_each(|&number| set(number, true));
            exact.is_not.iter().for_each(|&number| set(number, false));
        }
        for parts in [&self.parts, &self.parts_ignoring_case].into_iter().flatten() {
            parts.evaluate(text, |number| set(number, true));
        }
        self.prefixes.evaluate(text.iter().copied(), |number| set(number, true));
        self.suffixes.evaluate(text.iter().rev().copied(), |number| set(number, true));
        self.paths.each_match(text, &mut |&number| set(number, true));
        // A glob was set where its literal occurs.
        for number in self.globs.iter().map(|&number| number as usize) {
            if found.contains(number) && !leaf(number).holds(value) {
                found.set(number, false);
            }
        }
        for number in self.one_by_one.iter().map(|&number| number as usize) {
            found.set(number, leaf(number).holds(value));
        }
    }
}

impl Parts {
    fn evaluate(&self, text: &[u8], set: impl FnMut(u32)) {
        match &self.automaton {
            PartsAutomaton::Table(automaton) => self.walk(automaton, text, set),
            PartsAutomaton::Compact(automaton) => self.walk(automaton, text, set),
        }
    }

    /// Every literal that occurs, a step a byte: the library's search keeps places of matches, which nobody asks for.
    fn walk(&self, automaton: &impl Automaton, text: &[u8], mut set: impl FnMut(u32)) {
        let Ok(mut state) = automaton.start_state(Anchored::No) else { return };
        for &byte in text {
            state = automaton.next_state(Anchored::No, state, byte);
            if automaton.is_special(state) && automaton.is_match(state) {
                for i in 0..automaton.match_len(state) {
                    let leaves = &self.leaves[automaton.match_pattern(state, i).as_usize()];
                    leaves.iter().for_each(|&leaf| set(leaf));
                }
            }
        }
    }
}

/// Bytes of literals up to which an automaton has a table of all steps: the fastest, at some hundred bytes a byte.
const MAX_TABLE: usize = 1 << 13;

/// Literals before they are an automaton.
#[derive(Default)]
struct PartsBuilder {
    numbers: HashMap<Vec<u8>, usize>,
    literals: Vec<Vec<u8>>,
    leaves: Vec<Vec<u32>>,
}

impl PartsBuilder {
    fn add(&mut self, literal: &[u8], leaf: u32) {
        let number = *self.numbers.entry_ref(literal).or_insert_with(|| {
            self.literals.push(literal.to_vec());
            self.leaves.push(Vec::new());
            self.literals.len() - 1
        });
        self.leaves[number].push(leaf);
    }

    /// The automaton; if it would be too large, the comparisons that have to be asked one by one.
    fn build(self, ignores_case: bool) -> (Option<Parts>, Vec<u32>) {
        if self.literals.is_empty() {
            return (None, Vec::new());
        }
        let n_bytes: usize = self.literals.iter().map(Vec::len).sum();
        // Values are short: looking for rare bytes first costs more than it saves.
        let automaton = if n_bytes <= MAX_TABLE {
            let mut builder = dfa::Builder::new();
            builder.match_kind(MatchKind::Standard).ascii_case_insensitive(ignores_case).prefilter(false);
            builder.build(&self.literals).map(PartsAutomaton::Table)
        } else {
            let mut builder = nfa::contiguous::Builder::new();
            builder.match_kind(MatchKind::Standard).ascii_case_insensitive(ignores_case).prefilter(false);
            builder.build(&self.literals).map(PartsAutomaton::Compact)
        };
        match automaton {
            Ok(automaton) => (Some(Parts { automaton, leaves: self.leaves }), Vec::new()),
            Err(_) => (None, self.leaves.into_iter().flatten().collect()),
        }
    }
}

//! Lists: references between them, and their expansion in conditions, which is a replacement of text.
//!
//! Specification: sections 1.5 and 1.9.

use std::borrow::Cow;
use std::collections::BTreeSet;

use hashbrown::HashMap;

use super::Expansion;
use super::collect::{List, Table};
use super::exceptions::{needs_quotes, push_quoted};
use super::item::is_bare;
use crate::source::Span;
use crate::text::{Text, ViaId};

/// Bytes a condition may have after expansion.
pub const MAX_CONDITION: usize = 1 << 20;
/// Bytes that all conditions of a load may cost: text written or searched by expansion.
pub const MAX_WORK: usize = 2 << 30;
/// Items that lists may have after references between them are resolved.
pub const MAX_ITEMS: usize = 1_000_000;
/// Uses of lists and macros in a load.
pub const MAX_EXPANSIONS: usize = 500_000;

/// Items of a list that follow each other and are from the same list.
#[derive(Debug)]
struct Part {
    /// The items as they stand in a condition: in quotes where they need them, with commas between.
    text: Text,
    /// The list they came from, and where that list is named, if they came by reference.
    from: Option<(usize, Span)>,
}

#[derive(Debug)]
struct ResolvedList {
    name: String,
    parts: Vec<Part>,
    /// Lists whose names are words of the items.
    words: Vec<usize>,
}

impl ResolvedList {
    /// Adds an item.
    fn push(&mut self, item: &Text, from: Option<(usize, Span)>) {
        match self.parts.last_mut() {
            Some(part) if part.from == from && !part.text.is_empty() => part.text.push_glue(", ", Span::default()),
            _ => self.parts.push(Part { text: Text::default(), from }),
        }
        let Some(Part { text, .. }) = self.parts.last_mut() else { return };
        if needs_quotes(item) {
            // On its own first: its quotes are where it is, not behind the item before.
            let mut quoted = Text::default();
            push_quoted(&mut quoted, item);
            text.push_all(&quoted);
        } else {
            text.push_all(item);
        }
    }
}

/// All lists, ready to be put into conditions.
#[derive(Debug, Default)]
pub struct Lists {
    lists: Vec<ResolvedList>,
    by_name: HashMap<Vec<u8>, usize>,
    /// Lengths of names, those above 63 as one: most words of conditions are shorter than any name.
    lengths: u64,
    /// Lists with names that are not one word: they are searched in every condition.
    odd: Vec<usize>,
    /// Which were used, by index.
    used: Vec<bool>,
    work: usize,
}

/// Expansion got larger than allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

impl Lists {
    /// Resolves references between lists.
    ///
    /// `Quirk::ListOneLevel`: resolution is one level deep, and only lists that were first defined before the last change of the
    /// referring list are seen. What is left over is usually expanded later, in the text of the condition.
    pub fn new(table: &Table<List>) -> Result<Lists, TooLarge> {
        let mut out = Lists { used: vec![false; table.entries.len()], ..Lists::default() };
        let mut n_items = 0;
        for list in &table.entries {
            let mut resolved = ResolvedList { name: list.name.value.clone(), parts: Vec::new(), words: Vec::new() };
            for item in &list.items {
                let reference = table.index_of(item.as_str()).map(|i| (i, &table.entries[i]));
                match reference {
                    Some((i, referred)) if referred.index < list.visibility => {
                        out.used[i] = true;
                        n_items += referred.items.len();
                        if n_items > MAX_ITEMS {
                            return Err(TooLarge);
                        }
                        let from = Some((i, item.place(0..item.len()).span));
                        referred.items.iter().for_each(|text| resolved.push(text, from));
                    }
                    _ => {
                        n_items += 1;
                        resolved.push(item, None);
                    }
                }
            }
            out.lists.push(resolved);
        }
        out.by_name = out.lists.iter().enumerate().map(|(i, list)| (list.name.clone().into_bytes(), i)).collect();
        out.lengths = out.by_name.keys().fold(0, |lengths, name| lengths | length_bit(name));
        out.odd = (0..out.lists.len()).filter(|&i| !is_bare(&out.lists[i].name)).collect();
        for i in 0..out.lists.len() {
            let mut words: Vec<usize> =
                out.lists[i].parts.iter().flat_map(|part| out.names_in(part.text.as_str())).collect();
            words.sort_unstable();
            words.dedup();
            out.lists[i].words = words;
        }
        Ok(out)
    }

    /// Names of all lists.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.lists.iter().map(|list| list.name.as_str())
    }

    /// True if a list, by index in the table it was made from, was put into a condition or another list.
    pub fn is_used(&self, index: usize) -> bool {
        self.used.get(index).copied().unwrap_or(false)
    }

    /// Replaces the names of lists in a condition by their items.
    ///
    /// `Quirk::ListInQuotes`, `Quirk::ListAsValue`: this knows nothing of the grammar. Each list is replaced in turn, in order of definition, in the
    /// text that the lists before it left; also inside of quoted strings, and also if it was defined after the rule.
    pub fn expand(&mut self, condition: &Text, expansions: &mut Vec<Expansion>) -> Result<Text, TooLarge> {
        let mut text = Cow::Borrowed(condition);
        let mut pending: BTreeSet<usize> = self.names_in(text.as_str()).chain(self.odd.iter().copied()).collect();
        self.charge(text.len())?;
        while let Some(i) = pending.pop_first() {
            self.charge(text.len())?;
            if let Some(replaced) = self.replace(&text, i, expansions)? {
                self.used[i] = true;
                text = Cow::Owned(replaced);
                pending.extend(self.lists[i].words.iter().copied().filter(|&word| word > i));
            }
        }
        Ok(text.into_owned())
    }

    fn charge(&mut self, bytes: usize) -> Result<(), TooLarge> {
        self.work += bytes;
        if bytes > MAX_CONDITION || self.work > MAX_WORK { Err(TooLarge) } else { Ok(()) }
    }

    fn names_in<'a>(&'a self, text: &'a str) -> impl Iterator<Item = usize> + 'a {
        let words = text.as_bytes().split(|&b| is_delimiter(b)).filter(|word| self.lengths & length_bit(word) != 0);
        words.filter_map(|word| self.by_name.get(word).copied())
    }

    /// Replaces one list; `None` if it does not occur.
    fn replace(
        &mut self,
        text: &Text,
        index: usize,
        expansions: &mut Vec<Expansion>,
    ) -> Result<Option<Text>, TooLarge> {
        let list = &self.lists[index];
        let source = text.as_str();
        let name = bstr::Finder::new(&list.name);
        let mut out = Text::default();
        let mut done = 0;
        let mut from = 0;
        while let Some(found) = name.find(&source.as_bytes()[from..]) {
            let start = from + found;
            let end = start + list.name.len();
            let is_delimited = |b: Option<&u8>| b.is_none_or(|&b| is_delimiter(b));
            if !is_delimited(source.as_bytes()[..start].last()) || !is_delimited(source.as_bytes().get(end)) {
                from = start + 1;
                continue;
            }
            let place = text.place(start..end);
            let before = &source[done..start];
            let mut keep = done + before.trim_end_matches(is_blank).len();
            let mut next = end + (source[end..].len() - source[end..].trim_start_matches(is_blank).len());
            if list.parts.is_empty() {
                // An empty list takes one comma with it.
                if source[done..keep].ends_with(',') {
                    keep -= 1;
                } else if source[next..].starts_with(',') {
                    next += 1;
                }
            }
            out.push_range(text, done..keep, None);
            if !out.is_empty() {
                out.push_glue(" ", place.span);
            }
            if expansions.len() > MAX_EXPANSIONS {
                return Err(TooLarge);
            }
            let n_bytes = list.parts.iter().map(|part| part.text.len() + 2).sum::<usize>();
            let n_parts = list.parts.iter().map(|part| part.text.n_parts() + 1).sum::<usize>();
            out.reserve((n_bytes + source.len() - end).min(MAX_CONDITION), n_parts + 2);
            let via = push_expansion(expansions, &list.name, place.span, place.via);
            for (i, part) in list.parts.iter().enumerate() {
                if i > 0 {
                    out.push_glue(", ", place.span);
                }
                if out.len() + part.text.len() > MAX_CONDITION {
                    return Err(TooLarge);
                }
                let via = match part.from {
                    None => via,
                    Some((list, at)) => push_expansion(expansions, &self.lists[list].name, at, Some(via)),
                };
                out.push_range(&part.text, 0..part.text.len(), Some(via));
            }
            out.push_glue(" ", place.span);
            done = next;
            from = next;
        }
        if done == 0 {
            return Ok(None);
        }
        out.push_range(text, done..source.len(), None);
        let len = out.len();
        self.charge(len)?;
        Ok(Some(out))
    }
}

fn push_expansion(expansions: &mut Vec<Expansion>, name: &str, at: Span, parent: Option<ViaId>) -> ViaId {
    expansions.push(Expansion { kind: super::item::Kind::List, name: name.to_owned(), at, parent });
    ViaId((expansions.len() - 1) as u32)
}

/// The bit of [`Lists::lengths`] for a name.
fn length_bit(name: &[u8]) -> u64 {
    1 << name.len().min(63)
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// What must stand on both sides of a list's name, if not an end of the text. Quotes are not among it.
fn is_delimiter(b: u8) -> bool {
    is_blank(char::from(b)) || matches!(b, b'(' | b')' | b',' | b'=')
}

#[cfg(test)]
mod tests {
    use super::super::collect::Collector;
    use super::super::item;
    use super::super::yaml;
    use super::*;

    fn lists(yaml_text: &str) -> Lists {
        let mut diagnostics = Vec::new();
        let stream = yaml::parse(yaml_text, 0, &mut diagnostics);
        let mut collector = Collector::default();
        for document in &stream.documents {
            let yaml::Value::Seq(nodes) = &document.value else { panic!("items expected") };
            for node in nodes {
                let item = item::read(node, yaml_text, &mut diagnostics).expect("readable").expect("known");
                collector.add(item, &mut diagnostics);
            }
        }
        Lists::new(&collector.lists).expect("small")
    }

    fn expand(lists: &mut Lists, text: &str) -> String {
        let text = Text::verbatim(text, Span::new(0, 0, text.len()));
        lists.expand(&text, &mut Vec::new()).expect("small").as_str().to_owned()
    }

    #[test]
    fn expansion() {
        let mut lists = lists(
            "[{list: L, items: [a, b c, '\"d e\"']}, {list: E, items: []}, {list: one, items: [x]}, \
              {list: test list, items: [q]}, {list: a-b.c, items: [dash]}, {list: later, items: [one, one-more]}, \
              {list: one-more, items: [z]}]",
        );
        let cases = [
            ("x in (L)", "x in ( a, \"b c\", \"d e\" )"),
            ("x in ( L )", "x in ( a, \"b c\", \"d e\" )"),
            ("x in (L, y)", "x in ( a, \"b c\", \"d e\" , y)"),
            ("x in (xL, Lx)", "x in (xL, Lx)"),
            ("x in (\"L\")", "x in (\"L\")"),
            ("x = \"a L b\"", "x = \"a a, \"b c\", \"d e\" b\""),
            ("x=L", "x= a, \"b c\", \"d e\" "),
            ("L", "a, \"b c\", \"d e\" "),
            ("x in (E)", "x in (  )"),
            ("x in (y, E)", "x in (y  )"),
            ("x in (E, y)", "x in (   y)"),
            ("x in (test list)", "x in ( q )"),
            ("x in (a-b.c)", "x in ( dash )"),
            ("x in (later)", "x in ( x, z )"),
            ("x in (one,one)", "x in ( x , x )"),
        ];
        for (text, expected) in cases {
            assert_eq!(expand(&mut lists, text), expected, "{text}");
        }
    }

    /// The items of a list after references are resolved.
    fn items(lists: &Lists, index: usize) -> Vec<&str> {
        lists.lists[index].parts.iter().flat_map(|part| part.text.as_str().split(", ")).collect()
    }

    /// Section 1.5: one level, in order of definition.
    #[test]
    fn references() {
        let l = lists("[{list: a, items: [x, b]}, {list: b, items: [y]}, {list: c, items: [b, a]}]");
        assert_eq!(items(&l, 0), ["x", "b"], "b is not yet defined");
        assert_eq!(items(&l, 2), ["y", "x", "b"], "one level");
        let l = lists(
            "[{list: a, items: [x, b]}, {list: b, items: [y]}, {list: a, items: [z], override: {items: append}}]",
        );
        assert_eq!(items(&l, 0), ["x", "y", "z"], "appending makes b visible");
    }

    #[test]
    fn bombs() {
        let mut text = String::from("- {list: l0, items: [a]}\n");
        // In reverse order of definition every list is expanded in the text of the one before.
        let mut parts = vec![String::from("- {list: l29, items: [xxxxxxxxxx]}\n")];
        for i in (0..29).rev() {
            parts.push(format!("- {{list: l{i}, items: [l{0}, l{0}]}}\n", i + 1));
        }
        parts.reverse();
        text.push_str(&parts.concat());
        let mut lists = lists(&text);
        let text = Text::verbatim("x in (l0)", Span::new(0, 0, 9));
        assert_eq!(lists.expand(&text, &mut Vec::new()).map(|_| ()), Err(TooLarge));
    }
}

//! Lists: references between them, and their expansion in conditions, which is a replacement of text.
//!
//! Specification: sections 1.5 and 1.9.

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

/// An item of a list after references are resolved.
#[derive(Clone, Debug)]
struct ResolvedItem {
    text: Text,
    /// The list it came from, and where that list is named, if it came by reference.
    from: Option<(usize, Span)>,
}

#[derive(Debug)]
struct ResolvedList {
    name: String,
    items: Vec<ResolvedItem>,
    /// Lists whose names are words of the items.
    words: Vec<usize>,
}

/// All lists, ready to be put into conditions.
#[derive(Debug, Default)]
pub struct Lists {
    lists: Vec<ResolvedList>,
    by_name: HashMap<String, usize>,
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
            let mut items = Vec::with_capacity(list.items.len());
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
                        items.extend(referred.items.iter().map(|text| ResolvedItem { text: text.clone(), from }));
                    }
                    _ => {
                        n_items += 1;
                        items.push(ResolvedItem { text: item.clone(), from: None });
                    }
                }
            }
            out.lists.push(ResolvedList { name: list.name.value.clone(), items, words: Vec::new() });
        }
        out.by_name = out.lists.iter().enumerate().map(|(i, list)| (list.name.clone(), i)).collect();
        out.odd = (0..out.lists.len()).filter(|&i| !is_bare(&out.lists[i].name)).collect();
        for i in 0..out.lists.len() {
            let mut words: Vec<usize> =
                out.lists[i].items.iter().flat_map(|item| out.names_in(item.text.as_str())).collect();
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

    /// Items of a list after references were resolved.
    pub fn items(&self, index: usize) -> impl Iterator<Item = &str> {
        self.lists[index].items.iter().map(|item| item.text.as_str())
    }

    /// Replaces the names of lists in a condition by their items.
    ///
    /// `Quirk::ListInQuotes`, `Quirk::ListAsValue`: this knows nothing of the grammar. Each list is replaced in turn, in order of definition, in the
    /// text that the lists before it left; also inside of quoted strings, and also if it was defined after the rule.
    pub fn expand(&mut self, condition: &Text, expansions: &mut Vec<Expansion>) -> Result<Text, TooLarge> {
        let mut text = condition.clone();
        let mut pending: BTreeSet<usize> = self.names_in(text.as_str()).chain(self.odd.iter().copied()).collect();
        self.charge(text.len())?;
        while let Some(i) = pending.pop_first() {
            self.charge(text.len())?;
            if let Some(replaced) = self.replace(&text, i, expansions)? {
                self.used[i] = true;
                text = replaced;
                pending.extend(self.lists[i].words.iter().copied().filter(|&word| word > i));
            }
        }
        Ok(text)
    }

    fn charge(&mut self, bytes: usize) -> Result<(), TooLarge> {
        self.work += bytes;
        if bytes > MAX_CONDITION || self.work > MAX_WORK { Err(TooLarge) } else { Ok(()) }
    }

    fn names_in<'a>(&'a self, text: &'a str) -> impl Iterator<Item = usize> + 'a {
        text.split(is_delimiter).filter_map(|word| self.by_name.get(word).copied())
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
        let mut out = Text::default();
        let mut done = 0;
        let mut from = 0;
        while let Some(found) = source[from..].find(&list.name) {
            let start = from + found;
            let end = start + list.name.len();
            let is_delimited = |c: Option<char>| c.is_none_or(is_delimiter);
            if !is_delimited(source[..start].chars().next_back()) || !is_delimited(source[end..].chars().next()) {
                from = start + source[start..].chars().next().map_or(1, char::len_utf8);
                continue;
            }
            let place = text.place(start..end);
            let before = &source[done..start];
            let mut keep = done + before.trim_end_matches(is_blank).len();
            let mut next = end + (source[end..].len() - source[end..].trim_start_matches(is_blank).len());
            if list.items.is_empty() {
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
            let n_bytes = list.items.iter().map(|item| item.text.len() + 2).sum::<usize>();
            out.reserve((n_bytes + source.len() - end).min(MAX_CONDITION), 2 * list.items.len() + 2);
            let via = push_expansion(expansions, &list.name, place.span, place.via);
            let mut inner: Option<((usize, Span), ViaId)> = None;
            for (i, item) in list.items.iter().enumerate() {
                if i > 0 {
                    out.push_glue(", ", place.span);
                }
                let via = match (item.from, inner) {
                    (None, _) => via,
                    (Some(from), Some((same, via))) if from == same => via,
                    (Some(from), _) => {
                        let via = push_expansion(expansions, &self.lists[from.0].name, from.1, Some(via));
                        inner = Some((from, via));
                        via
                    }
                };
                if needs_quotes(&item.text) {
                    let mut quoted = Text::default();
                    push_quoted(&mut quoted, &item.text);
                    out.push_range(&quoted, 0..quoted.len(), Some(via));
                } else {
                    out.push_range(&item.text, 0..item.text.len(), Some(via));
                }
                if out.len() > MAX_CONDITION {
                    return Err(TooLarge);
                }
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

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// What must stand on both sides of a list's name, if not an end of the text. Quotes are not among it.
fn is_delimiter(c: char) -> bool {
    is_blank(c) || matches!(c, '(' | ')' | ',' | '=')
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

    /// Section 1.5: one level, in order of definition.
    #[test]
    fn references() {
        let l = lists("[{list: a, items: [x, b]}, {list: b, items: [y]}, {list: c, items: [b, a]}]");
        assert_eq!(l.items(0).collect::<Vec<_>>(), ["x", "b"], "b is not yet defined");
        assert_eq!(l.items(2).collect::<Vec<_>>(), ["y", "x", "b"], "one level");
        let l = lists(
            "[{list: a, items: [x, b]}, {list: b, items: [y]}, {list: a, items: [z], override: {items: append}}]",
        );
        assert_eq!(l.items(0).collect::<Vec<_>>(), ["x", "y", "z"], "appending makes b visible");
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

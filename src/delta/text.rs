//! What was written, line by line, so that a difference shows what differs and not how it was laid out.

use std::collections::HashMap;
use std::fmt::Write;

use similar::TextDiff;
use tracehound_lang::render::visible;
use tracehound_rules::Rule;

/// Lines of one side above which two texts are compared without regard to order: finding the shortest difference may
/// take the product of their lengths.
const MAX_LINES: usize = 3_000;
/// Lines of a difference that are kept.
const MAX_SHOWN: usize = 400;
/// Lines that stand around a difference.
const CONTEXT: usize = 2;
/// Items of a list that stand on one line.
const MAX_ON_LINE: usize = 6;
/// Blanks that a level of parentheses indents at most.
const MAX_INDENT: usize = 16;

/// A rule as lines: what counts for what it finds and says, each part of the condition on a line of its own.
/// `filters` are its filters, as `suppress QUERY`.
pub fn rule(rule: &Rule, filters: &[String]) -> String {
    let mut out = format!("rule: {}\n", visible(rule.name.as_bytes()));
    let mut line = |text: String| {
        out.push_str(&text);
        out.push('\n');
    };
    if !rule.is_enabled {
        line("enabled: false".to_owned());
    }
    if !rule.source.is_empty() && rule.source != "syscall" {
        line(format!("source: {}", visible(rule.source.as_bytes())));
    }
    line(format!("priority: {}", rule.priority.name()));
    line(format!("tags: [{}]", visible(rule.tags.join(", ").as_bytes())));
    line("condition:".to_owned());
    line(condition(&rule.condition_text));
    line(format!("output: {}", words(&rule.output_text)));
    line(format!("desc: {}", words(&rule.description)));
    for filter in filters {
        line(format!("filter: {}", words(filter)));
    }
    out
}

/// A condition with each `and` and `or` at the beginning of a line, indented by the parentheses around it, and each item of
/// a long list on a line of its own; blanks outside of quotes are as good as line breaks.
pub fn condition(text: &str) -> String {
    let mut long_lists = long_lists(text).into_iter();
    let mut lines = vec!["  ".to_owned()];
    let (mut open, mut quote, mut word): (Vec<bool>, _, _) = (Vec::new(), None, String::new());
    let mut chars = text.chars();
    let indent = |depth: usize| " ".repeat(2 + (2 * depth).min(MAX_INDENT));
    let end_word = |lines: &mut Vec<String>, word: &mut String, depth: usize| {
        if word.is_empty() {
            return;
        }
        if matches!(word.as_str(), "and" | "or") && lines.last().is_some_and(|line| !line.trim().is_empty()) {
            lines.push(indent(depth));
        }
        if let Some(line) = lines.last_mut() {
            if !line.ends_with(' ') && !line.ends_with('(') {
                line.push(' ');
            }
            line.push_str(word);
        }
        word.clear();
    };
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(_), '\\') => {
                word.push(c);
                word.extend(chars.next());
            }
            (Some(closing), c) => {
                word.push(c);
                if c == closing {
                    quote = None;
                }
            }
            (None, '"' | '\'') => {
                quote = Some(c);
                word.push(c);
            }
            (None, c) if c.is_whitespace() => end_word(&mut lines, &mut word, open.len()),
            (None, c) => {
                word.push(c);
                match c {
                    '(' => open.push(long_lists.next().unwrap_or(false)),
                    ')' => {
                        open.pop();
                    }
                    ',' if open.last() == Some(&true) => {
                        end_word(&mut lines, &mut word, open.len());
                        lines.push(indent(open.len()));
                    }
                    _ => {}
                }
            }
        }
    }
    end_word(&mut lines, &mut word, open.len());
    lines.join("\n")
}

/// For each opening parenthesis outside of quotes, whether more items stand in it than fit on a line.
fn long_lists(text: &str) -> Vec<bool> {
    let (mut n_items, mut open, mut quote): (Vec<usize>, Vec<usize>, Option<char>) = Default::default();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(_), '\\') => {
                chars.next();
            }
            (Some(closing), c) if c == closing => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '(') => {
                open.push(n_items.len());
                n_items.push(1);
            }
            (None, ')') => {
                open.pop();
            }
            (None, ',') => open.last().into_iter().for_each(|&at| n_items[at] += 1),
            (None, _) => {}
        }
    }
    n_items.into_iter().map(|n| n > MAX_ON_LINE).collect()
}

/// Text with blanks and line breaks as one blank each.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What differs between two texts, as the body of a unified diff: lines with `+`, `-` or a blank before them, and
/// `@@` between parts. Empty if they are equal. What is more than a person reads is counted instead.
pub fn difference(base: &str, head: &str) -> String {
    if base == head {
        return String::new();
    }
    let is_large = |text: &str| text.lines().count() > MAX_LINES;
    let lines: Vec<String> = if is_large(base) || is_large(head) {
        unordered(base, head)
    } else {
        let diff = TextDiff::from_lines(base, head);
        let mut unified = diff.unified_diff();
        let text = unified.context_radius(CONTEXT).missing_newline_hint(false).to_string();
        text.lines().map(str::to_owned).collect()
    };
    let mut out = String::new();
    for line in lines.iter().take(MAX_SHOWN) {
        out.push_str(line);
        out.push('\n');
    }
    if lines.len() > MAX_SHOWN {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "@@ {} more lines @@", lines.len() - MAX_SHOWN);
    }
    out
}

/// Lines that one text has and the other has not, in their order.
fn unordered<'t>(base: &'t str, head: &'t str) -> Vec<String> {
    let mut counts: HashMap<&'t str, i64> = HashMap::new();
    for line in head.lines() {
        *counts.entry(line).or_default() += 1;
    }
    let mut out = vec!["@@ too long to be compared in order @@".to_owned()];
    for line in base.lines() {
        let count = counts.entry(line).or_default();
        *count -= 1;
        if *count < 0 {
            out.push(format!("-{line}"));
        }
    }
    for line in head.lines() {
        if let Some(count) = counts.get_mut(line).filter(|count| **count > 0) {
            *count -= 1;
            out.push(format!("+{line}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_laid_out() {
        for (text, expected) in [
            ("a = b", "  a = b"),
            ("a = b\n  and c  in (x,\n y)", "  a = b\n  and c in (x, y)"),
            ("a and (b or not (c and d)) or e", "  a\n  and (b\n    or not (c\n      and d))\n  or e"),
            ("a = \"x  and y\" and b = 'q\\' or r'", "  a = \"x  and y\"\n  and b = 'q\\' or r'"),
            (
                "x in (a, b,c, \"d, (e\", f, g, h) and y in (a, b)",
                "  x in (a,\n    b,\n    c,\n    \"d, (e\",\n    f,\n    g,\n    h)\n  and y in (a, b)",
            ),
            (")) and a", "  ))\n  and a"),
            ("", "  "),
            ("and", "  and"),
        ] {
            assert_eq!(condition(text), expected, "{text:?}");
        }
    }

    #[test]
    fn differences() {
        assert_eq!(difference("a\n", "a\n"), "");
        assert_eq!(difference("a\nb\nc\n", "a\nx\nc\n"), "@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n");
        // Too long: by content, not by order, and what is too much is counted.
        let many = |from: usize| (from..from + MAX_LINES + 1).map(|i| format!("{i}\n")).collect::<String>();
        let diff = difference(&many(0), &many(1));
        assert_eq!(diff, format!("@@ too long to be compared in order @@\n-0\n+{}\n", MAX_LINES + 1));
        let diff = difference(&many(0), &many(100_000));
        assert_eq!(diff.lines().count(), MAX_SHOWN + 1);
        assert!(diff.ends_with(&format!("@@ {} more lines @@\n", 2 * (MAX_LINES + 1) + 1 - MAX_SHOWN)), "{diff}");
    }
}

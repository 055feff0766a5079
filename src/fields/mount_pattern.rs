//! The argument of `container.mount.dest[...]`: despite the name "glob" in Falco's manual it is a regular
//! expression that is searched anywhere in the path, so `/root*` finds `/roo`.
//!
//! What is understood: literals, `.`, `[...]`, `\x`, `^`, `$`, the quantifiers `*`, `+`, `?` behind one of
//! these, and `|` between whole patterns. Groups are not: a pattern with parentheses matches nothing. The
//! pattern is read anew for each search; mounts are few and the search takes time linear in both lengths.

/// True if the pattern is found anywhere in the text.
pub(crate) fn is_found(pattern: &[u8], text: &[u8]) -> bool {
    alternatives(pattern).any(|alternative| match parse(alternative) {
        Some(atoms) => search(&atoms, text),
        None => false,
    })
}

/// The parts between `|` that are neither escaped nor inside brackets.
fn alternatives(pattern: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut is_escaped = false;
    let mut is_bracket = false;
    pattern.split(move |&b| {
        if std::mem::take(&mut is_escaped) {
            return false;
        }
        match b {
            b'\\' => is_escaped = true,
            b'[' => is_bracket = true,
            b']' => is_bracket = false,
            b'|' => return !is_bracket,
            _ => {}
        }
        false
    })
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Times {
    Once,
    Optional,
    Any,
    Some,
}

#[derive(Clone, Debug, PartialEq)]
enum What {
    Start,
    End,
    Set(Box<[bool; 256]>),
}

fn parse(pattern: &[u8]) -> Option<Vec<(What, Times)>> {
    let set = |f: &dyn Fn(u8) -> bool| {
        let mut set = Box::new([false; 256]);
        for b in 0..=255u8 {
            set[usize::from(b)] = f(b);
        }
        What::Set(set)
    };
    let mut atoms: Vec<(What, Times)> = Vec::new();
    let mut rest = pattern;
    while let Some((&b, tail)) = rest.split_first() {
        rest = tail;
        let what = match b {
            b'*' | b'+' | b'?' => {
                let last = atoms.last_mut().filter(|atom| matches!(atom.0, What::Set(_)))?;
                last.1 = match b {
                    b'*' => Times::Any,
                    b'+' => Times::Some,
                    _ => Times::Optional,
                };
                continue;
            }
            b'(' | b')' => return None,
            b'^' => What::Start,
            b'$' => What::End,
            b'.' => set(&|c| c != b'\n'),
            b'\\' => {
                let (&escaped, tail) = rest.split_first()?;
                rest = tail;
                set(&|c| c == escaped)
            }
            b'[' => {
                let is_negated = rest.first() == Some(&b'^');
                let inner = &rest[usize::from(is_negated)..];
                // A bracket directly behind the opening one is a literal.
                let end = 1 + inner.get(1..)?.iter().position(|&c| c == b']')?;
                let (members, tail) = inner.split_at(end);
                rest = &tail[1..];
                set(&|c| is_member(members, c) != is_negated)
            }
            literal => set(&|c| c == literal),
        };
        atoms.push((what, Times::Once));
    }
    Some(atoms)
}

fn is_member(members: &[u8], c: u8) -> bool {
    let mut rest = members;
    while let Some((&first, tail)) = rest.split_first() {
        if let [b'-', last, tail @ ..] = tail {
            if (first..=*last).contains(&c) {
                return true;
            }
            rest = tail;
        } else {
            if first == c {
                return true;
            }
            rest = tail;
        }
    }
    false
}

/// Follows all ways through the atoms at once: `at[i]` says that the atoms before `i` have matched.
fn search(atoms: &[(What, Times)], text: &[u8]) -> bool {
    let mut at = vec![false; atoms.len() + 1];
    for i in 0..=text.len() {
        at[0] = true;
        for n in 0..atoms.len() {
            if !at[n] {
                continue;
            }
            let passes = match &atoms[n] {
                (What::Start, _) => i == 0 || text[i - 1] == b'\n',
                (What::End, _) => i == text.len() || text[i] == b'\n',
                (What::Set(_), Times::Any | Times::Optional) => true,
                (What::Set(_), Times::Once | Times::Some) => false,
            };
            at[n + 1] |= passes;
        }
        if at[atoms.len()] {
            return true;
        }
        let Some(&c) = text.get(i) else { return false };
        let mut next = vec![false; atoms.len() + 1];
        for n in 0..atoms.len() {
            let (What::Set(set), times) = &atoms[n] else { continue };
            if !at[n] || !set[usize::from(c)] {
                continue;
            }
            match times {
                Times::Once | Times::Optional => next[n + 1] = true,
                Times::Any => next[n] = true,
                Times::Some => (next[n], next[n + 1]) = (true, true),
            }
        }
        at = next;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searches() {
        for (pattern, text, want) in [
            ("", "/x", true),
            ("/var/run/docker.sock", "/var/run/docker.sock", true),
            ("/var/run/docker.sock", "/host/var/run/docker_sock/x", true),
            ("/etc", "/usr/etc/x", true),
            ("^/etc", "/usr/etc", false),
            ("^/etc$", "/etc", true),
            ("/root*", "/roo", true),
            ("/root*", "/ro", false),
            ("/proc+", "/pro", false),
            ("/proc+", "/proccc", true),
            ("a.?c", "ac", true),
            ("a[b-d]c", "acc", true),
            ("a[^b-d]c", "acc", false),
            ("a[]]c", "a]c", true),
            (r"a\.c", "abc", false),
            ("x|b", "abc", true),
            ("(a)", "a", false),
            ("*a", "a", false),
            ("[a", "a", false),
            ("a*a*a*a*a*a*a*a*b", &"a".repeat(5000), false),
        ] {
            assert_eq!(is_found(pattern.as_bytes(), text.as_bytes()), want, "{pattern} in {text}");
        }
    }
}

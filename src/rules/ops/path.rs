//! `pmatch`: whether a path lies below one of several search paths.
//!
//! Paths are compared by component; empty components do not count. A component of a search path with `?`, `*` or
//! `[` is a glob for one component.

use hashbrown::HashMap;

use super::glob::Glob;

/// The search paths of one comparison.
#[derive(Clone, Debug, Default)]
pub struct PathSet {
    tree: PathTree,
    paths: Box<[Box<[u8]>]>,
}

impl PathSet {
    /// The set of these search paths.
    pub fn new<'a>(paths: impl IntoIterator<Item = &'a [u8]>) -> PathSet {
        let mut set = PathSet { tree: PathTree::default(), paths: paths.into_iter().map(Box::from).collect() };
        set.paths.iter().for_each(|path| set.tree.insert(path));
        set
    }

    /// True if some search path is a prefix of the value, component by component.
    pub fn matches(&self, value: &[u8]) -> bool {
        self.tree.has_prefix_of(value)
    }

    /// True if some component is a glob.
    pub(crate) fn has_patterns(&self) -> bool {
        self.tree.nodes.iter().any(|node| !node.globs.is_empty())
    }

    /// The search paths as they were given.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &[u8]> {
        self.paths.iter().map(|path| &**path)
    }
}

/// Search paths as a tree of components.
#[derive(Clone, Debug, Default)]
struct PathTree {
    nodes: Vec<Node>,
}

#[derive(Clone, Debug, Default)]
struct Node {
    /// True where a search path ends: it matches everything below.
    is_end: bool,
    exact: HashMap<Box<[u8]>, usize>,
    globs: Vec<(Box<[u8]>, Glob, usize)>,
}

impl PathTree {
    /// Adds a search path.
    fn insert(&mut self, path: &[u8]) {
        if self.nodes.is_empty() {
            self.nodes.push(Node::default());
        }
        let mut at = 0;
        for component in components(path) {
            let known = if is_pattern(component) {
                self.nodes[at].globs.iter().find(|(text, ..)| **text == *component).map(|&(.., next)| next)
            } else {
                self.nodes[at].exact.get(component).copied()
            };
            at = known.unwrap_or_else(|| {
                let next = self.nodes.len();
                self.nodes.push(Node::default());
                let node = &mut self.nodes[at];
                if is_pattern(component) {
                    node.globs.push((component.into(), Glob::new(component, false), next));
                } else {
                    node.exact.insert(component.into(), next);
                }
                next
            });
        }
        self.nodes[at].is_end = true;
    }

    /// True if some search path is a prefix of the value, component by component. Every node of the tree is visited at
    /// most once, because a node is reached by one path only.
    fn has_prefix_of(&self, value: &[u8]) -> bool {
        if self.nodes.is_empty() {
            return false;
        }
        let mut open = Vec::new();
        let mut next = Some((0usize, value));
        while let Some((at, rest)) = next.or_else(|| open.pop()) {
            next = None;
            let node = &self.nodes[at];
            if node.is_end {
                return true;
            }
            let Some((component, rest)) = split(rest) else { continue };
            for (_, glob, child) in node.globs.iter().rev() {
                if glob.matches(component) {
                    open.push((*child, rest));
                }
            }
            next = node.exact.get(component).map(|&child| (child, rest));
        }
        false
    }
}

fn is_pattern(component: &[u8]) -> bool {
    component.iter().any(|b| matches!(b, b'?' | b'*' | b'['))
}

/// The components of a path, those left out that are empty.
pub(crate) fn components(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|&b| b == b'/').filter(|component| !component.is_empty())
}

/// The first component that is not empty, and what follows it.
fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let start = path.iter().position(|&b| b != b'/')?;
    let path = &path[start..];
    let end = path.iter().position(|&b| b == b'/').unwrap_or(path.len());
    Some(path.split_at(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes() {
        let cases: &[(&[&str], &str, bool)] = &[
            (&["/etc"], "/etc", true),
            (&["/etc"], "/etc/", true),
            (&["/etc"], "/etc/passwd", true),
            (&["/etc"], "etc/passwd", true),
            (&["/etc"], "//etc//x", true),
            (&["//etc/"], "/etc/x", true),
            (&["/etc"], "/etcx", false),
            (&["/etc/passwd"], "/etc", false),
            (&["/"], "/x", true),
            (&[""], "/x", true),
            (&[""], "", true),
            (&["/etc"], "", false),
            (&[], "/etc", false),
            (&["/opt/dir2", "/opt/dir"], "/opt/dir/subdir/file.txt", true),
            (&["/opt/*/subdir"], "/opt/dir/subdir/file.txt", true),
            (&["/opt/*/*/subsubdir"], "/opt/dir/subdir/file.txt", false),
            (&["/opt/di[!r]/subdir"], "/opt/dir/subdir/file.txt", false),
            (&["/opt/*"], "/opt", false),
            (&["/opt/*"], "/opt/a/b", true),
            // The exact component leads nowhere, the pattern does.
            (&["/a/b/c", "/*/b/d"], "/a/b/d", true),
            (&["/usr", "/usr/lib"], "/usr/bin", true),
            (&["/ETC"], "/etc", false),
        ];
        for &(paths, value, expected) in cases {
            let set = PathSet::new(paths.iter().map(|p| p.as_bytes()));
            assert_eq!(set.matches(value.as_bytes()), expected, "{paths:?} {value}");
        }
    }

    #[test]
    fn long_paths() {
        let deep = b"/*".repeat(50_000);
        let set = PathSet::new([deep.as_slice()]);
        assert!(set.matches(&b"/a".repeat(50_000)));
        assert!(!set.matches(&b"/a".repeat(49_999)));
    }
}

//! How much a query says: which families of things it constrains, and how tightly.
//!
//! Specification: A-05, A.5. The specificity is the sum over families of the largest weight of a term of the family;
//! of alternatives the loosest counts, what is negated or only has to exist does not.

use std::fmt;

use crate::attributes;
use crate::query::{Clause, Key, Node, NodeKind, Pattern, Piece, Query, Test};

/// What an attribute is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// The program that runs.
    Image,
    /// Its arguments and variables.
    Args,
    /// Its parent.
    Parent,
    /// Its ancestors.
    Ancestor,
    /// Who runs it.
    User,
    /// The file it works on.
    File,
    /// The connection or the name that is looked up.
    Network,
    /// What it does to the kernel or to memory.
    Kernel,
    /// Where it runs: host, container, image, service.
    Workload,
}

const N_FAMILIES: usize = 9;

impl Family {
    const ALL: [Family; N_FAMILIES] = [
        Family::Image,
        Family::Args,
        Family::Parent,
        Family::Ancestor,
        Family::User,
        Family::File,
        Family::Network,
        Family::Kernel,
        Family::Workload,
    ];

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Family::Image => "program",
            Family::Args => "arguments",
            Family::Parent => "parent",
            Family::Ancestor => "ancestors",
            Family::User => "user",
            Family::File => "file",
            Family::Network => "network",
            Family::Kernel => "kernel",
            Family::Workload => "workload",
        }
    }

    /// The family that a key is of; `None` for what says nothing about the activity itself: its rule, its time, words
    /// of its message.
    pub fn of(key: &Key) -> Option<Family> {
        let name = match key {
            Key::Attribute(id) => attributes::get(*id).name.as_ref(),
            Key::Unknown(name) => name.as_str(),
            Key::Tag(_) | Key::Tags => return Some(Family::Workload),
            Key::AnyOfAncestors => return Some(Family::Ancestor),
            Key::Message | Key::Everything => return None,
        };
        Family::of_name(name)
    }

    /// The same of a name.
    pub fn of_name(name: &str) -> Option<Family> {
        let Some(path) = name.strip_prefix('@') else {
            return (!RULE_TAGS.contains(&name)).then_some(Family::Workload);
        };
        let is_user = |rest: &str| {
            let first = rest.split('.').next().unwrap_or(rest);
            USER.contains(&first)
        };
        Some(match path.split_once('.').unwrap_or((path, "")) {
            ("process", rest) if rest.starts_with("parent.") => Family::Parent,
            ("process", rest) if rest.starts_with("ancestors.") => Family::Ancestor,
            ("process", rest) if is_user(rest) => Family::User,
            ("process", rest) if ARGS.contains(&rest) => Family::Args,
            ("process" | "exec", _) => Family::Image,
            ("usr" | "user" | "user_session", _) => Family::User,
            ("file" | "mount", _) => Family::File,
            ("network" | "dns" | "connect" | "bind" | "accept", _) => Family::Network,
            ("bpf" | "module" | "load_module" | "ptrace" | "mmap" | "mprotect" | "splice" | "signal", _) => {
                Family::Kernel
            }
            ("container" | "cgroup" | "host" | "k8s" | "kube", _) => Family::Workload,
            _ => return None,
        })
    }

    /// Families that count as one when it is asked how many independent things a query constrains.
    fn independent(self) -> u16 {
        1 << match self {
            Family::Args => Family::Image as u16,
            Family::Ancestor => Family::Parent as u16,
            other => other as u16,
        }
    }
}

/// Tags that every signal of a rule has.
const RULE_TAGS: [&str; 9] =
    ["source", "status", "severity", "type", "technique", "tactic", "ruleId", "message", "timestamp"];
/// Parts of a process that say who runs it.
const USER: [&str; 10] =
    ["user", "uid", "group", "gid", "euser", "euid", "credentials", "auid", "loginuid", "login_user"];
const ARGS: [&str; 5] = ["args", "argv", "envs", "args_flags", "args_options"];

/// How much a query says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Largest weight of a term, by family.
    weights: [u8; N_FAMILIES],
}

/// A word for a specificity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Width {
    /// Above 5.
    Precise,
    /// 3 to 5.
    Fair,
    /// Below 3.
    Broad,
}

impl fmt::Display for Width {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Width::Precise => "precise",
            Width::Fair => "fair",
            Width::Broad => "broad",
        })
    }
}

impl Scope {
    /// The scope of a query.
    pub fn of(query: &Query) -> Scope {
        Scope::of_node(query, query.root())
    }

    // Recursion is bounded as the parser bounds the depth of queries.
    fn of_node(query: &Query, node: &Node) -> Scope {
        match &node.kind {
            NodeKind::All | NodeKind::Not(_) => Scope::default(),
            NodeKind::And(parts) => {
                parts.iter().fold(Scope::default(), |scope, part| scope.and(Scope::of_node(query, part)))
            }
            NodeKind::Or(parts) => {
                let scopes = parts.iter().map(|part| Scope::of_node(query, part));
                scopes.min_by_key(|scope| (scope.specificity(), scope.n_independent())).unwrap_or_default()
            }
            NodeKind::Clause(i) => match query.clauses().get(*i) {
                Some(Clause { test: Test::Same(inner), .. }) => Scope::of_node(query, inner),
                Some(clause) => Scope::of_clause(clause),
                None => Scope::default(),
            },
        }
    }

    fn of_clause(clause: &Clause) -> Scope {
        let mut scope = Scope::default();
        if let Some(family) = Family::of(&clause.key) {
            scope.weights[family as usize] = weight(clause, family);
        }
        scope
    }

    fn and(mut self, other: Scope) -> Scope {
        for (weight, other) in self.weights.iter_mut().zip(other.weights) {
            *weight = (*weight).max(other);
        }
        self
    }

    /// Sum of the weights: 0 for a query that constrains nothing.
    pub fn specificity(self) -> u32 {
        self.weights.iter().map(|&weight| u32::from(weight)).sum()
    }

    /// The specificity in a word.
    pub fn width(self) -> Width {
        match self.specificity() {
            0..=2 => Width::Broad,
            3..=5 => Width::Fair,
            _ => Width::Precise,
        }
    }

    /// Families that are constrained, in order.
    pub fn families(self) -> impl Iterator<Item = Family> {
        Family::ALL.into_iter().filter(move |family| self.weights[*family as usize] > 0)
    }

    /// Number of independent things that are constrained: program with arguments, parent with ancestors, user, file,
    /// network, kernel, workload.
    pub fn n_independent(self) -> u32 {
        self.families().fold(0u16, |set, family| set | family.independent()).count_ones()
    }

    /// True if something of the family is constrained.
    pub fn has(self, family: Family) -> bool {
        self.weights[family as usize] > 0
    }
}

/// Weight of a term.
fn weight(clause: &Clause, family: Family) -> u8 {
    let exact = exact_weight(&clause.key, family);
    match &clause.test {
        Test::Exists | Test::Same(_) => 0,
        Test::Phrase(_) => exact,
        Test::Range { .. } | Test::Cidr(_) => 1,
        Test::Term(pattern) => match pattern.as_text() {
            Some(_) => exact,
            None => wildcard_weight(pattern).min(exact),
        },
    }
}

fn exact_weight(key: &Key, family: Family) -> u8 {
    let name = match key {
        Key::Attribute(id) => attributes::get(*id).name.as_ref(),
        _ => "",
    };
    match family {
        Family::User | Family::Workload => 1,
        _ if name.ends_with(".path") || name.ends_with("args") || name.ends_with("argv") => 3,
        Family::Network if name.ends_with(".port") => 1,
        Family::Network if name.ends_with(".ip") => 3,
        // The owner of a file is not who runs it.
        _ if [".user", ".uid", ".group", ".gid"].iter().any(|end| name.ends_with(end)) => 1,
        _ => 2,
    }
}

/// A pattern with two names in it is worth more than one with a beginning only; one without any text is worth nothing.
fn wildcard_weight(pattern: &Pattern) -> u8 {
    let texts = pattern.pieces().iter().filter_map(|piece| match piece {
        Piece::Text(text) => Some(text.as_str()),
        _ => None,
    });
    let n_names: usize = texts
        .map(|text| text.split(|c: char| !c.is_alphanumeric() && !"._-".contains(c)).filter(|s| !s.is_empty()).count())
        .sum();
    match n_names {
        0 => 0,
        1 => 1,
        _ => 2,
    }
}

/// True if a clause is satisfied by every value there is, or nearly: `*`, `/*`.
pub fn covers_all(clause: &Clause) -> bool {
    match &clause.test {
        Test::Exists => true,
        Test::Term(pattern) => pattern.as_text().is_none() && wildcard_weight(pattern) == 0,
        Test::Cidr(networks) => networks.iter().any(|network| network.prefix == 0),
        Test::Range { low, high } => low.text().is_none() && high.text().is_none(),
        Test::Phrase(_) | Test::Same(_) => false,
    }
}

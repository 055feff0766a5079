//! What a query is made of.

use std::net::IpAddr;

use tracehound_lang::source::Span;

use super::matcher::Matcher;
use super::pattern::Pattern;
use crate::attributes::AttributeId;

/// A part of a query with the place it was written at.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// Where it stands in the text of the query.
    pub span: Span,
}

/// Kinds of parts.
#[derive(Clone, Debug)]
pub enum NodeKind {
    /// Everything matches: `*:*`, and an empty query.
    All,
    /// Every part must match; at least two.
    And(Vec<Node>),
    /// Some part must match; at least two.
    Or(Vec<Node>),
    /// The part must not match. Never holds another `Not`.
    Not(Box<Node>),
    /// A comparison: position in [`Query::clauses`](super::Query::clauses).
    Clause(usize),
}

/// A comparison of one thing with one value, pattern or range.
#[derive(Clone, Debug)]
pub struct Clause {
    /// What is asked.
    pub key: Key,
    /// What is wanted of it.
    pub test: Test,
    /// Where it stands in the text of the query; of a list's element its own place.
    pub span: Span,
    /// True if the query holds when the clause does not: it stands under an odd number of negations.
    pub is_negated: bool,
    pub(super) matcher: Matcher,
}

impl Clause {
    /// A text that must be among the keys of the value for the clause to hold; `None` if it is not an equality.
    pub(crate) fn equality(&self) -> Option<Vec<u8>> {
        match self.key {
            Key::Attribute(_) | Key::Tag(_) => self.matcher.equality(&self.test),
            _ => None,
        }
    }
}

impl PartialEq for Clause {
    /// Ignores places.
    fn eq(&self, other: &Clause) -> bool {
        self.key == other.key && self.test == other.test && self.is_negated == other.is_negated
    }
}

/// What a clause asks a subject for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// A row of the catalogue: an attribute, or a tag that is known by name.
    Attribute(AttributeId),
    /// An attribute that does not exist, with its `@`. Nothing has a value of it.
    Unknown(String),
    /// Any other tag, by key.
    Tag(String),
    /// All tags as `key:value`, and those without a value.
    Tags,
    /// The message of a signal, the name of a rule. Compared word by word, whatever the case.
    Message,
    /// All attributes, tags and the message together: `*:`. Compared whatever the case.
    Everything,
    /// All attributes of all ancestors: `@process.ancestors.*:`. Not portable.
    AnyOfAncestors,
}

/// What a clause wants of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// That there is one: `key:*`.
    Exists,
    /// Equal to a text without quotes, with wildcards.
    Term(Pattern),
    /// Equal to a quoted text.
    Phrase(String),
    /// Between two bounds. `>5` is a range without upper bound.
    Range {
        /// Lower bound.
        low: Bound,
        /// Upper bound.
        high: Bound,
    },
    /// An address in one of these networks.
    Cidr(Vec<Network>),
    /// One and the same ancestor matches all of this: `same(@process.ancestors; ...)`. Not portable.
    Same(Box<Node>),
}

/// End of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bound {
    /// `*`
    Unbounded,
    /// `[1`, `>=1`
    Inclusive(String),
    /// `{1`, `>1`
    Exclusive(String),
}

impl Bound {
    /// The value it is at; `None` if there is none.
    pub fn text(&self) -> Option<&str> {
        match self {
            Bound::Unbounded => None,
            Bound::Inclusive(text) | Bound::Exclusive(text) => Some(text),
        }
    }
}

/// An IP network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// An address of it, as written.
    pub addr: IpAddr,
    /// Length of the prefix, at most 32 or 128.
    pub prefix: u8,
}

impl Network {
    /// Reads `10.0.0.0/8`, `::1/128`; a bare address is a network of one.
    pub fn parse(text: &str) -> Option<Network> {
        let (addr, prefix) = match text.split_once('/') {
            Some((addr, prefix)) => (addr.parse::<IpAddr>().ok()?, Some(prefix)),
            None => (text.parse::<IpAddr>().ok()?, None),
        };
        let max = if addr.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => max,
            Some(text) if text.bytes().all(|b| b.is_ascii_digit()) => text.parse::<u8>().ok().filter(|&n| n <= max)?,
            Some(_) => return None,
        };
        Some(Network { addr, prefix })
    }

    /// True if an address lies in it. An IPv4 address that is written as an IPv6 one (`::ffff:10.0.0.1`) is an IPv4
    /// address.
    pub fn contains(&self, addr: IpAddr) -> bool {
        match (self.addr, addr.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(addr)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                net.to_bits() & mask == addr.to_bits() & mask
            }
            (IpAddr::V6(net), _) => {
                let IpAddr::V6(addr) = addr else { return false };
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                net.to_bits() & mask == addr.to_bits() & mask
            }
            (IpAddr::V4(_), IpAddr::V6(_)) => false,
        }
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.addr, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks() {
        for (net, addr, expected) in [
            ("10.0.0.0/8", "10.9.8.7", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("10.0.0.0/8", "::ffff:10.1.1.1", true),
            ("10.9.8.7", "10.9.8.7", true),
            ("10.9.8.7", "10.9.8.6", false),
            ("0.0.0.0/0", "1.2.3.4", true),
            ("0.0.0.0/0", "::1", false),
            ("::1/128", "::1", true),
            ("::/0", "fe80::1", true),
            ("fe80::/10", "febf::1", true),
            ("fe80::/10", "fec0::1", false),
        ] {
            assert_eq!(Network::parse(net).unwrap().contains(addr.parse().unwrap()), expected, "{net} {addr}");
        }
        for bad in ["", "10", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/+8", "a/8", "10.0.0.0/8/8"] {
            assert_eq!(Network::parse(bad), None, "{bad}");
        }
    }
}

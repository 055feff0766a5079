//! A comparison of one value with constants.

use std::net::IpAddr;

use bstr::ByteSlice;
use hashbrown::HashSet;
use tracehound_fields::Value;

use super::glob::Glob;
use super::number::Order;
use super::path::PathSet;
use super::regex::PosixRegex;
use super::text::{contains_ignoring_case, until_nul};
use crate::ir::Modifier;

/// A comparison of one value, never absent, with constants.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    /// Order to a number. `wrap` is the width in which a negative constant is compared with an unsigned value.
    Number { order: Order, value: i128, wrap: Option<u8> },
    /// One of these numbers, sorted.
    NumberIn(Box<[i128]>),
    /// Order to a floating-point number.
    Double { order: Order, value: f64 },
    /// One of these.
    DoubleIn(Box<[f64]>),
    /// True or false.
    Bool { is_negated: bool, value: bool },
    /// Whether true, and whether false, is in the list.
    BoolIn { with_true: bool, with_false: bool },
    /// Text, compared up to its first NUL.
    Text(TextTest),
    /// Raw bytes.
    Bytes(TextTest),
    /// An address.
    Ip { is_negated: bool, value: IpAddr },
    /// One of these addresses.
    IpIn(HashSet<IpAddr>),
    /// An address in a network.
    Net { is_negated: bool, value: Cidr },
    /// An address in one of these networks.
    NetIn(Box<[Cidr]>),
    /// Several tests, as a modifier joins them.
    Several(Modifier, Box<[Test]>),
    /// No value passes: an empty list.
    Nothing,
}

/// A comparison of bytes.
#[derive(Clone, Debug)]
pub(crate) enum TextTest {
    Order(Order, Box<[u8]>),
    Contains(Box<bstr::Finder<'static>>),
    /// The needle is in lower case.
    IContains(Box<[u8]>),
    StartsWith(Box<[u8]>),
    EndsWith(Box<[u8]>),
    Glob(Glob),
    Regex(Box<PosixRegex>),
    Path(PathSet),
    In(HashSet<Box<[u8]>>),
}

impl TextTest {
    fn passes(&self, text: &[u8]) -> bool {
        match self {
            TextTest::Order(order, constant) => order.holds(text, constant),
            TextTest::Contains(finder) => finder.find(text).is_some(),
            TextTest::IContains(needle) => contains_ignoring_case(text, needle),
            TextTest::StartsWith(prefix) => text.starts_with(prefix),
            TextTest::EndsWith(suffix) => text.ends_with(suffix),
            TextTest::Glob(glob) => glob.matches(text),
            TextTest::Regex(regex) => regex.matches(text),
            TextTest::Path(set) => set.matches(text),
            TextTest::In(set) => set.contains(text),
        }
    }
}

impl Test {
    /// True if the value passes. A value of another type than the constants passes no test.
    pub(crate) fn passes(&self, value: &Value<'_>) -> bool {
        match self {
            Test::Number { order, value: constant, wrap } => number(value).is_some_and(|v| match (wrap, value) {
                (Some(bits), Value::Uint(_)) if *constant < 0 => order.holds(&v, &wrapped(*constant, *bits)),
                _ => order.holds(&v, constant),
            }),
            Test::NumberIn(set) => number(value).is_some_and(|v| set.binary_search(&v).is_ok()),
            Test::Double { order, value: constant } => double(value).is_some_and(|v| order.holds(&v, constant)),
            Test::DoubleIn(set) => double(value).is_some_and(|v| set.contains(&v)),
            Test::Bool { is_negated, value: constant } => {
                boolean(value).is_some_and(|v| (v == *constant) != *is_negated)
            }
            Test::BoolIn { with_true, with_false } => {
                boolean(value).is_some_and(|v| if v { *with_true } else { *with_false })
            }
            Test::Text(test) => text(value).is_some_and(|v| match test {
                TextTest::Regex(regex) => regex.matches(v),
                _ => test.passes(until_nul(v)),
            }),
            Test::Bytes(test) => text(value).is_some_and(|v| test.passes(v)),
            Test::Ip { is_negated, value: constant } => ip(value).is_some_and(|v| (v == *constant) != *is_negated),
            Test::IpIn(set) => ip(value).is_some_and(|v| set.contains(&v)),
            Test::Net { is_negated, value: net } => ip(value).is_some_and(|v| net.contains(v) != *is_negated),
            Test::NetIn(nets) => ip(value).is_some_and(|v| nets.iter().any(|net| net.contains(v))),
            Test::Several(_, tests) if tests.is_empty() => false,
            Test::Several(Modifier::AnyOf, tests) => tests.iter().any(|test| test.passes(value)),
            Test::Several(Modifier::AllOf, tests) => tests.iter().all(|test| test.passes(value)),
            Test::Several(Modifier::OneOf, tests) => {
                let mut passed = tests.iter().filter(|test| test.passes(value));
                passed.next().is_some() && passed.next().is_none()
            }
            Test::Nothing => false,
        }
    }
}

/// A negative constant in `bits` bits, read as unsigned.
fn wrapped(constant: i128, bits: u8) -> i128 {
    constant & ((1 << bits.min(64)) - 1)
}

/// The value as a number.
pub(crate) fn number(value: &Value<'_>) -> Option<i128> {
    match value {
        Value::Int(v) => Some(i128::from(*v)),
        Value::Uint(v) => Some(i128::from(*v)),
        _ => None,
    }
}

pub(crate) fn double(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Double(v) => Some(*v),
        Value::Int(v) => Some(*v as f64),
        Value::Uint(v) => Some(*v as f64),
        _ => None,
    }
}

pub(crate) fn boolean(value: &Value<'_>) -> Option<bool> {
    match value {
        Value::Bool(v) => Some(*v),
        _ => None,
    }
}

/// The bytes of text or raw bytes.
pub(crate) fn text<'v>(value: &'v Value<'_>) -> Option<&'v [u8]> {
    match value {
        Value::Str(v) => Some(v.as_bytes()),
        Value::Bytes(v) => Some(v),
        _ => None,
    }
}

pub(crate) fn ip(value: &Value<'_>) -> Option<IpAddr> {
    match value {
        Value::Ip(v) => Some(*v),
        _ => None,
    }
}

/// A network: an address and how many of its leading bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cidr {
    address: IpAddr,
    prefix: u8,
}

impl Cidr {
    /// Reads `address/length`: 0 to 32 for IPv4, 1 to 128 for IPv6.
    pub(crate) fn parse(text: &str) -> Option<Cidr> {
        let (address, length) = text.split_once('/')?;
        if length.is_empty() || length.len() > 3 || !length.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let prefix: u8 = length.parse().ok()?;
        let address = parse_ip(address)?;
        let fits = match address {
            IpAddr::V4(_) => prefix <= 32,
            IpAddr::V6(_) => (1..=128).contains(&prefix),
        };
        fits.then_some(Cidr { address, prefix })
    }

    /// True for an address of the same family in the network.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(net), IpAddr::V4(address)) => {
                let differ = net.to_bits() ^ address.to_bits();
                differ.checked_shr(32 - u32::from(self.prefix)).unwrap_or(0) == 0
            }
            (IpAddr::V6(net), IpAddr::V6(address)) => {
                let differ = net.to_bits() ^ address.to_bits();
                differ.checked_shr(128 - u32::from(self.prefix)).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

/// Reads an address: with a dot it is IPv4, otherwise IPv6.
pub(crate) fn parse_ip(text: &str) -> Option<IpAddr> {
    if text.contains('.') { text.parse().ok().map(IpAddr::V4) } else { text.parse().ok().map(IpAddr::V6) }
}

//! Values of fields, and their types.

use std::borrow::Cow;
use std::net::IpAddr;

use bstr::BStr;

/// Type of a field: decides which operators and constants a rule may use with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldType {
    /// True or false.
    Bool,
    /// Signed integer of this many bits.
    Int(u8),
    /// Unsigned integer of this many bits.
    Uint(u8),
    /// Floating point.
    Double,
    /// A duration in nanoseconds, unsigned 64 bits.
    RelTime,
    /// Nanoseconds since the epoch, unsigned 64 bits.
    AbsTime,
    /// Network port, unsigned 16 bits; constants may be service names.
    Port,
    /// Text (any bytes up to the first NUL).
    Str,
    /// A path; text with path operators.
    Path,
    /// Raw bytes.
    Bytes,
    /// IP address.
    Ip,
    /// IP address compared with networks.
    Net,
    /// A value whose type depends on the event (`evt.rawarg.*` of a type rules cannot compare).
    Opaque,
}

impl FieldType {
    /// True for integer types of any width, ports and times.
    pub fn is_numeric(self) -> bool {
        use FieldType::*;
        matches!(self, Int(_) | Uint(_) | Double | RelTime | AbsTime | Port)
    }

    /// True for types whose negative constants wrap.
    pub fn is_unsigned(self) -> bool {
        use FieldType::*;
        matches!(self, Uint(_) | RelTime | AbsTime | Port)
    }

    /// True for text and paths.
    pub fn is_text(self) -> bool {
        matches!(self, FieldType::Str | FieldType::Path)
    }
}

/// The value of a field for one event.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Absent: the field does not apply to this event, or the trace does not know it. Not the empty string.
    Null,
    /// True or false.
    Bool(bool),
    /// Signed integer.
    Int(i64),
    /// Unsigned integer, duration, time or port.
    Uint(u64),
    /// Floating point.
    Double(f64),
    /// Text.
    Str(Cow<'a, BStr>),
    /// Raw bytes.
    Bytes(Cow<'a, [u8]>),
    /// IP address.
    Ip(IpAddr),
    /// Several values. What an operator makes of them is said by [`crate::Multiplicity`].
    List(Vec<Value<'a>>),
}

impl<'a> Value<'a> {
    /// Borrowed text.
    pub fn str(s: &'a (impl AsRef<[u8]> + ?Sized)) -> Value<'a> {
        Value::Str(Cow::Borrowed(BStr::new(s.as_ref())))
    }

    /// Text made for this event.
    pub fn owned(s: impl Into<Vec<u8>>) -> Value<'a> {
        Value::Str(Cow::Owned(bstr::BString::from(s.into())))
    }

    /// `f(value)`, or `Null`.
    pub fn from_option<T>(option: Option<T>, f: impl FnOnce(T) -> Value<'a>) -> Value<'a> {
        option.map_or(Value::Null, f)
    }

    /// True if absent.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// The text, if it is text.
    pub fn as_str(&self) -> Option<&BStr> {
        match self {
            Value::Str(s) => Some(s),
            _ => None,
        }
    }
}

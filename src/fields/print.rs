//! Values as text and as JSON, by the rules of Falco's outputs.

use std::borrow::Cow;

use bstr::{BStr, ByteSlice};
use tracehound_formats::event::kind::Base;

use crate::catalogue::FieldRef;
use crate::field::{FieldArg, Multiplicity, NumberFormat, flags};
use crate::render::printable;
use crate::value::Value;
use crate::view::View;

/// What stands for an absent value.
pub const ABSENT: &str = "<NA>";

/// The text of a field's value, as an output `%field` shows it: `<NA>` if absent, or if the field has no value
/// that could be shown (`fd.ip`, `fd.net`).
pub fn text<'a>(view: &View<'a>, field: &FieldRef) -> Cow<'a, BStr> {
    value_text((field.field().get)(view, &field.arg), field, format(view, field))
}

/// The JSON value of a field. Times that have a text form (`evt.time`, `evt.datetime`) are nanoseconds since the
/// epoch.
pub fn json(view: &View<'_>, field: &FieldRef) -> JsonValue {
    if is_time_text(field) {
        return JsonValue::Uint(view.event.head.ts.0);
    }
    value_json(&(field.field().get)(view, &field.arg), field, format(view, field))
}

/// True for the fields whose JSON value is not their text but the time of the event.
pub fn is_time_text(field: &FieldRef) -> bool {
    matches!(
        field.field().name,
        "evt.time" | "evt.time.s" | "evt.time.iso8601" | "evt.datetime" | "evt.datetime.s" | "evt.outputtime"
    )
}

/// How a number of this field is written. `evt.rawarg` takes it from the argument.
pub fn format(view: &View<'_>, field: &FieldRef) -> NumberFormat {
    let row = field.field();
    if row.name != "evt.rawarg" {
        return row.format;
    }
    let FieldArg::Name(name) = &field.arg else { return row.format };
    let spec = view.event.head.kind.get().and_then(|kind| kind.args.iter().find(|spec| spec.name == name));
    match spec.map(|spec| spec.base) {
        Some(Base::Hex) => NumberFormat::Hex,
        Some(Base::Oct) => NumberFormat::Oct,
        Some(Base::Dec) | None => NumberFormat::Dec,
    }
}

/// The text of a value of this field.
pub fn value_text<'a>(value: Value<'a>, field: &FieldRef, format: NumberFormat) -> Cow<'a, BStr> {
    let row = field.field();
    if row.flags & flags::FILTER_ONLY != 0 {
        return Cow::Borrowed(ABSENT.as_bytes().as_bstr());
    }
    match value {
        Value::List(values) if row.multiplicity == Multiplicity::List => {
            let mut out = vec![b'('];
            push_all(&mut out, values, format, b',');
            out.push(b')');
            Cow::Owned(out.into())
        }
        // All ancestors: Falco's text form of `proc.aname` without index.
        Value::List(values) => {
            let mut out = Vec::new();
            push_all(&mut out, values, format, b' ');
            Cow::Owned(out.into())
        }
        one => scalar(one, format),
    }
}

fn push_all(out: &mut Vec<u8>, values: Vec<Value<'_>>, format: NumberFormat, separator: u8) {
    for (i, value) in values.into_iter().enumerate() {
        if i > 0 {
            out.push(separator);
        }
        out.extend_from_slice(&scalar(value, format));
    }
}

/// The text of one value; of a list, which has its own forms, `(a,b)`.
pub fn scalar(value: Value<'_>, format: NumberFormat) -> Cow<'_, BStr> {
    let owned = |text: String| Cow::Owned(text.into_bytes().into());
    match value {
        Value::Null => Cow::Borrowed(ABSENT.as_bytes().as_bstr()),
        Value::Bool(true) => Cow::Borrowed(b"true".as_bstr()),
        Value::Bool(false) => Cow::Borrowed(b"false".as_bstr()),
        Value::Int(v) => owned(number(v as u64, v < 0, format)),
        Value::Uint(v) => owned(number(v, false, format)),
        Value::Double(v) => owned(format!("{v:.1}")),
        Value::Str(text) => text,
        Value::Bytes(Cow::Borrowed(bytes)) => printable(bytes),
        Value::Bytes(Cow::Owned(bytes)) => Cow::Owned(printable(&bytes).into_owned()),
        Value::Ip(ip) => owned(ip.to_string()),
        Value::List(values) => {
            let mut out = vec![b'('];
            push_all(&mut out, values, format, b',');
            out.push(b')');
            Cow::Owned(out.into())
        }
    }
}

/// A number; `is_negative` says that the bits are those of a signed one.
fn number(bits: u64, is_negative: bool, format: NumberFormat) -> String {
    match format {
        NumberFormat::Dec if is_negative => (bits as i64).to_string(),
        NumberFormat::Dec => bits.to_string(),
        NumberFormat::Hex => format!("{bits:X}"),
        NumberFormat::Oct => format!("{bits:o}"),
        NumberFormat::Padded => format!("{bits:09}"),
    }
}

/// A value for a JSON writer.
#[derive(Clone, Debug, PartialEq)]
pub enum JsonValue {
    /// `null`: the field is absent.
    Null,
    /// A boolean.
    Bool(bool),
    /// A signed number.
    Int(i64),
    /// An unsigned number.
    Uint(u64),
    /// A number with a fraction.
    Double(f64),
    /// Text; bytes that are not UTF-8 were replaced by U+FFFD.
    Str(String),
    /// An array.
    List(Vec<JsonValue>),
}

/// The JSON form of a value of this field: numbers as numbers, those in hexadecimal, octal or padded form as
/// text.
pub fn value_json(value: &Value<'_>, field: &FieldRef, format: NumberFormat) -> JsonValue {
    if field.field().flags & flags::FILTER_ONLY != 0 {
        return JsonValue::Null;
    }
    let text = |text: &BStr| JsonValue::Str(text.to_str_lossy().into_owned());
    match value {
        Value::Null => JsonValue::Null,
        Value::Bool(v) => JsonValue::Bool(*v),
        Value::Int(v) if format == NumberFormat::Dec => JsonValue::Int(*v),
        Value::Uint(v) if format == NumberFormat::Dec => JsonValue::Uint(*v),
        Value::Double(v) => JsonValue::Double(*v),
        Value::Str(s) => text(s),
        Value::List(values) if field.field().multiplicity == Multiplicity::List => {
            JsonValue::List(values.iter().map(|value| value_json(value, field, format)).collect())
        }
        Value::Int(_) | Value::Uint(_) | Value::Bytes(_) | Value::Ip(_) | Value::List(_) => {
            text(&value_text(value.clone(), field, format))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::resolve;

    #[test]
    fn values() {
        use Value as V;
        let list = V::List(vec![V::str("a"), V::str("b")]);
        for (field, value, want, want_json) in [
            ("proc.name", V::Null, "<NA>", JsonValue::Null),
            ("proc.name", V::str(""), "", JsonValue::Str(String::new())),
            ("proc.name", V::str(b"a\xff"), "a\u{fffd}", JsonValue::Str("a\u{fffd}".into())),
            ("proc.pid", V::Int(-1), "-1", JsonValue::Int(-1)),
            ("user.uid", V::Uint(4294967295), "4294967295", JsonValue::Uint(4294967295)),
            ("evt.failed", V::Bool(true), "true", JsonValue::Bool(true)),
            ("fd.dev", V::Int(0x1f), "1F", JsonValue::Str("1F".into())),
            ("evt.rawtime.ns", V::Uint(12), "000000012", JsonValue::Str("000000012".into())),
            ("fd.sip", V::Ip([10, 0, 0, 1].into()), "10.0.0.1", JsonValue::Str("10.0.0.1".into())),
            ("fd.ip", V::Ip([10, 0, 0, 1].into()), "<NA>", JsonValue::Null),
            ("proc.fdusage", V::Double(12.345), "12.3", JsonValue::Double(12.345)),
            ("evt.buffer", V::Bytes(b"a\0b"[..].into()), "a.b", JsonValue::Str("a.b".into())),
            (
                "fd.types",
                list.clone(),
                "(a,b)",
                JsonValue::List(vec![JsonValue::Str("a".into()), JsonValue::Str("b".into())]),
            ),
            ("proc.aname", list, "a b", JsonValue::Str("a b".into())),
        ] {
            let field = resolve(field).unwrap();
            let format = field.field().format;
            assert_eq!(value_json(&value, &field, format), want_json, "{}", field.text);
            assert_eq!(value_text(value, &field, format).to_str_lossy(), want, "{}", field.text);
        }
    }
}

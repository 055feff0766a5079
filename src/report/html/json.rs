//! JSON by hand where there are millions of numbers, and what makes it safe within a page.

use std::fmt::Write;

/// An object under construction.
pub(super) struct Object(String);

impl Object {
    pub(super) fn new() -> Object {
        Object("{".to_owned())
    }

    /// A member whose value is JSON.
    pub(super) fn raw(&mut self, name: &str, value: &str) -> &mut Object {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        let _ = write!(self.0, "\"{name}\":{value}");
        self
    }

    /// A member whose value is a list of numbers.
    pub(super) fn ints(&mut self, name: &str, values: impl IntoIterator<Item = i64>) -> &mut Object {
        self.raw(name, &ints(values))
    }

    /// A member whose value is a list of JSON.
    pub(super) fn list<T: AsRef<str>>(&mut self, name: &str, values: impl IntoIterator<Item = T>) -> &mut Object {
        self.raw(name, &list(values))
    }

    /// The whole.
    pub(super) fn end(self) -> String {
        self.0 + "}"
    }
}

/// A list of numbers.
pub(super) fn ints(values: impl IntoIterator<Item = i64>) -> String {
    list(values.into_iter().map(|value| value.to_string()))
}

/// A list of JSON.
pub(super) fn list<T: AsRef<str>>(values: impl IntoIterator<Item = T>) -> String {
    let mut out = "[".to_owned();
    for (i, value) in values.into_iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        out += value.as_ref();
    }
    out + "]"
}

/// JSON that can stand within a `script` element: nothing in it ends the element, opens a comment, or is a line
/// end of old JavaScript. These characters stand only within strings, where an escape means the same.
pub(super) fn embeddable(json: &str) -> String {
    let mut out = String::with_capacity(json.len() + 64);
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out
}

/// Text of an element.
pub(super) fn element_text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_the_element() {
        for (text, expected) in [
            ("</script><script>", r#""\u003c/script\u003e\u003cscript\u003e""#),
            ("<!--\u{2028}&\u{2029}", r#""\u003c!--\u2028\u0026\u2029""#),
            ("plain \" \\", r#""plain \" \\""#),
        ] {
            let json = embeddable(&serde_json::Value::from(text).to_string());
            assert_eq!(json, expected);
            assert_eq!(serde_json::from_str::<String>(&json).ok().as_deref(), Some(text));
        }
    }
}

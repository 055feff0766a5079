//! Tags that are given to an analysis, because a trace does not know them.

use hashbrown::HashMap;
use std::hash::{Hash, Hasher};

/// Tags of everything, of single hosts, and of single containers.
#[derive(Clone, Debug, Default)]
pub struct ExtraTags {
    everywhere: Vec<(String, String)>,
    /// By name of the host.
    hosts: HashMap<String, Vec<(String, String)>>,
    /// By short id (12 characters).
    containers: HashMap<String, Vec<(String, String)>>,
}

impl Hash for ExtraTags {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.everywhere.hash(state);
        for tags in [&self.hosts, &self.containers] {
            let mut tags: Vec<_> = tags.iter().collect();
            tags.sort();
            tags.hash(state);
        }
    }
}

/// A text that is no tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagError {
    /// The text.
    pub text: String,
}

impl std::fmt::Display for TagError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` is no tag: write KEY:VALUE", self.text)
    }
}

impl std::error::Error for TagError {}

impl ExtraTags {
    /// Adds `KEY:VALUE` to everything. The first `:` ends the key; both must have a character.
    pub fn add(&mut self, text: &str) -> Result<(), TagError> {
        let tag = split(text)?;
        self.everywhere.push(tag);
        Ok(())
    }

    /// Adds `KEY:VALUE` to what runs on a host, given by the name that its trace says.
    pub fn add_for_host(&mut self, name: &str, text: &str) -> Result<(), TagError> {
        let tag = split(text)?;
        self.hosts.entry(name.to_owned()).or_default().push(tag);
        Ok(())
    }

    /// Adds `KEY:VALUE` to what runs in a container, given by its whole or its short id.
    pub fn add_for_container(&mut self, id: &str, text: &str) -> Result<(), TagError> {
        let tag = split(text)?;
        self.containers.entry(short(id).to_owned()).or_default().push(tag);
        Ok(())
    }

    /// True if some tag is of a single host, so that hosts have to be told apart.
    pub(crate) fn has_hosts(&self) -> bool {
        !self.hosts.is_empty()
    }

    /// Tags of something on a host, in a container of it (`None`: in none): those of everything, of the host, of the
    /// container, each in the order they were given.
    pub(crate) fn of<'t>(
        &'t self,
        host: Option<&[u8]>,
        container: Option<&[u8]>,
    ) -> impl Iterator<Item = (&'t str, &'t str)> + use<'t> {
        let of = |tags: &'t HashMap<String, Vec<(String, String)>>, name: Option<&[u8]>, shown: fn(&str) -> &str| {
            let name = name.and_then(|name| std::str::from_utf8(name).ok());
            name.and_then(|name| tags.get(shown(name))).map_or(&[][..], Vec::as_slice)
        };
        let (of_host, own) = (of(&self.hosts, host, |name| name), of(&self.containers, container, short));
        self.everywhere.iter().chain(of_host).chain(own).map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

fn split(text: &str) -> Result<(String, String), TagError> {
    match text.split_once(':') {
        Some((key, value)) if !key.is_empty() && !value.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(TagError { text: text.to_owned() }),
    }
}

fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags() {
        let mut tags = ExtraTags::default();
        tags.add("env:prod").unwrap();
        tags.add("url:http://a").unwrap();
        tags.add_for_container("3ad7b26ded6d8e7b23da", "service:shop").unwrap();
        tags.add_for_host("web-01", "env:shop").unwrap();
        for bad in ["", "env", ":prod", "env:"] {
            assert_eq!(tags.add(bad), Err(TagError { text: bad.to_owned() }));
        }
        let of = |host: Option<&[u8]>, container: Option<&[u8]>| {
            tags.of(host, container).map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>()
        };
        assert_eq!(of(None, None), ["env=prod", "url=http://a"]);
        assert_eq!(of(None, Some(b"3ad7b26ded6d")), ["env=prod", "url=http://a", "service=shop"]);
        assert_eq!(of(Some(b"web-01"), Some(b"3ad7b26ded6d"))[2..], ["env=shop", "service=shop"]);
        assert_eq!(of(Some(b"web-02"), None), ["env=prod", "url=http://a"]);
        assert_eq!(of(Some(b"\xff"), Some(b"\xff")), ["env=prod", "url=http://a"]);
    }
}

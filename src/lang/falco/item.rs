//! Items of a rule file: from YAML nodes to typed items, one at a time, without looking at other items.
//!
//! Specification: sections 1.1 to 1.8. Messages that Falco has are given in its words, so that they can be searched.

use tracehound_rules::{Priority, Quirk};

use super::yaml::{Node, Value};
use crate::diagnostic::{Code, Diagnostic, suggestion};
use crate::render::short;
use crate::source::Span;
use crate::text::Text;

/// A value with its place.
#[derive(Clone, Debug)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Its place.
    pub span: Span,
}

/// One item of a file.
#[derive(Clone, Debug)]
pub enum Item {
    /// `required_engine_version`.
    Engine(Spanned<Version>),
    /// `required_plugin_versions`: all groups must be satisfied.
    Plugins(Vec<PluginGroup>),
    /// `list`.
    List(ListItem),
    /// `macro`.
    Macro(MacroItem),
    /// `rule`.
    Rule(Box<RuleItem>),
}

/// `x.y.z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32, pub u32);

impl Version {
    /// Reads `x.y.z`; text behind it is ignored, as Falco's scan does.
    pub fn parse(text: &str) -> Option<Version> {
        let mut rest = text.trim_start();
        let mut parts = [0u32; 3];
        for (i, part) in parts.iter_mut().enumerate() {
            if i > 0 {
                rest = rest.strip_prefix('.')?;
            }
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            *part = rest[..digits].parse().ok()?;
            rest = &rest[digits..];
        }
        Some(Version(parts[0], parts[1], parts[2]))
    }

    /// True if something of this version satisfies a requirement: same major version, not older.
    pub fn satisfies(self, required: Version) -> bool {
        self.0 == required.0 && self >= required
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// Plug-ins of which one must be there.
#[derive(Clone, Debug)]
pub struct PluginGroup {
    /// Names and versions, the preferred first.
    pub alternatives: Vec<(String, Version)>,
    /// Place of the group.
    pub span: Span,
}

/// What an item does to what is already known under its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Defines, or replaces the whole definition.
    Define,
    /// Defines, or replaces the whole definition, and says so (`override`).
    Replace,
    /// Adds to the definition.
    Append,
}

/// `list`.
#[derive(Clone, Debug)]
pub struct ListItem {
    /// Name.
    pub name: Spanned<String>,
    /// Items, each as its source text.
    pub items: Vec<Text>,
    /// Definition or addition.
    pub mode: Mode,
}

/// `macro`.
#[derive(Clone, Debug)]
pub struct MacroItem {
    /// Name.
    pub name: Spanned<String>,
    /// Condition.
    pub condition: Text,
    /// Definition or addition.
    pub mode: Mode,
}

/// `rule`.
#[derive(Clone, Debug)]
pub struct RuleItem {
    /// Name.
    pub name: Spanned<String>,
    /// What the item does.
    pub kind: RuleKind,
    /// `source`; absent and empty are the same.
    pub source: Option<Spanned<String>>,
}

/// What a rule item does.
#[derive(Clone, Debug)]
pub enum RuleKind {
    /// A full definition.
    Define(Box<RuleParts>),
    /// `append: true`, or the `append` part of `override` and then its `replace` part.
    Update {
        /// Parts added.
        append: Box<RuleParts>,
        /// Parts replaced.
        replace: Box<RuleParts>,
        /// True for `override`, which may name only keys that mean nothing here.
        is_override: bool,
    },
    /// `enabled` alone.
    Enable(bool),
}

/// Parts of a rule; which are there depends on the item.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct RuleParts {
    pub condition: Option<Text>,
    pub output: Option<Text>,
    pub desc: Option<Text>,
    pub priority: Option<Priority>,
    pub enabled: Option<bool>,
    pub tags: Option<Vec<String>>,
    pub exceptions: Option<Vec<ExceptionItem>>,
    pub warn_evttypes: Option<bool>,
    pub skip_if_unknown_filter: Option<bool>,
    pub filters: Option<Vec<FilterItem>>,
}

/// An entry of `filters`: a query over what the rule found. Not Falco's: the key is ours, and Falco ignores it.
#[derive(Clone, Debug)]
pub struct FilterItem {
    /// What a match does.
    pub action: FilterAction,
    /// The query as written, in the language of suppressions.
    pub query: Text,
}

/// What a match of a filter does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterAction {
    /// The rule says nothing about the event.
    Suppress,
    /// The rule says something only about events that match.
    Require,
}

impl FilterAction {
    /// `suppress`, `require`.
    pub fn name(self) -> &'static str {
        match self {
            FilterAction::Suppress => "suppress",
            FilterAction::Require => "require",
        }
    }
}

/// An entry of `exceptions`.
#[derive(Clone, Debug)]
pub struct ExceptionItem {
    /// Name.
    pub name: Spanned<String>,
    /// `fields`.
    pub fields: Option<Entry>,
    /// `comps`.
    pub comps: Option<Entry>,
    /// `values`.
    pub values: Vec<Entry>,
    /// The whole entry.
    pub span: Span,
}

/// A scalar or a list of entries.
#[derive(Clone, Debug)]
pub enum Entry {
    /// A scalar.
    One(Text),
    /// A sequence.
    Many(Vec<Entry>, Span),
}

impl Entry {
    /// Its place.
    pub fn span(&self) -> Span {
        match self {
            Entry::One(text) => text.place(0..text.len()).span,
            Entry::Many(_, span) => *span,
        }
    }
}

/// Kinds of item that have names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Kind {
    List,
    Macro,
    Rule,
}

impl Kind {
    /// `list`, `macro`, `rule`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::List => "list",
            Kind::Macro => "macro",
            Kind::Rule => "rule",
        }
    }
}

/// An item that could not be read; the diagnostics say why.
#[derive(Clone, Debug)]
pub struct Unreadable {
    /// What it would have been, if that much is known.
    pub name: Option<(Kind, String)>,
}

/// Findings kept for one item, its last error aside.
const MAX_PER_ITEM: usize = 100;

const KIND_KEYS: [&str; 5] = ["required_engine_version", "required_plugin_versions", "list", "macro", "rule"];
const LIST_KEYS: [&str; 4] = ["list", "items", "append", "override"];
const MACRO_KEYS: [&str; 4] = ["macro", "condition", "append", "override"];
const RULE_KEYS: [&str; 16] = [
    "rule",
    "condition",
    "output",
    "desc",
    "priority",
    "source",
    "enabled",
    "tags",
    "exceptions",
    "warn_evttypes",
    "skip-if-unknown-filter",
    "capture",
    "capture_duration",
    "filters",
    "append",
    "override",
];
/// The keys of all kinds of item.
pub(super) const KEYS: [&[&str]; 4] = [&KIND_KEYS, &LIST_KEYS, &MACRO_KEYS, &RULE_KEYS];
const FILTER_KEYS: [&str; 2] = ["action", "query"];
/// Keys that `override` may append to, and those it may replace.
const RULE_APPENDABLE: [&str; 6] = ["condition", "output", "desc", "tags", "exceptions", "filters"];
const RULE_REPLACEABLE: [&str; 12] = [
    "condition",
    "output",
    "desc",
    "priority",
    "tags",
    "exceptions",
    "enabled",
    "warn_evttypes",
    "skip-if-unknown-filter",
    "capture",
    "capture_duration",
    "filters",
];

/// A diagnostic was reported; go on with something else.
struct Reported;

type Read<T> = Result<T, Reported>;

/// Reads one item. `Ok(None)` for an item that is to be ignored.
pub fn read(node: &Node, file_text: &str, diagnostics: &mut Vec<Diagnostic>) -> Result<Option<Item>, Unreadable> {
    let mut reader = Reader { file_text, diagnostics };
    let Value::Map(pairs) = &node.value else {
        reader.report(Diagnostic::new(
            Code::YamlValidate,
            node.span,
            "Unexpected element type. Each element should be a yaml associative array.",
        ));
        return Err(Unreadable { name: None });
    };
    let map = Map { pairs, span: node.span };
    let Some(kind) = KIND_KEYS.into_iter().find(|key| map.get(key).is_some()) else {
        let (first, words) = match pairs.first() {
            Some((key, _)) => (key.span, key.as_str().unwrap_or("")),
            None => (node.span, ""),
        };
        reader.report(
            Diagnostic::new(Code::UnknownItem, first, "Unknown top level item")
                .label("the item is ignored")
                .help(suggestion(words, KIND_KEYS)),
        );
        return Ok(None);
    };
    reader.warn_duplicate_keys(&map);
    let unreadable = |kind: Kind| {
        let name = map.get(kind.name()).and_then(|(_, v)| v.as_str()).map(|name| (kind, name.to_owned()));
        move |Reported| Unreadable { name }
    };
    match kind {
        "required_engine_version" => {
            reader.engine(&map).map(|v| Some(Item::Engine(v))).map_err(|_| Unreadable { name: None })
        }
        "required_plugin_versions" => {
            reader.plugins(&map).map(|v| Some(Item::Plugins(v))).map_err(|_| Unreadable { name: None })
        }
        "list" => reader.list(&map).map(|v| Some(Item::List(v))).map_err(unreadable(Kind::List)),
        "macro" => reader.macro_(&map).map(|v| Some(Item::Macro(v))).map_err(unreadable(Kind::Macro)),
        _ => reader.rule(&map).map(|v| Some(Item::Rule(Box::new(v)))).map_err(unreadable(Kind::Rule)),
    }
}

/// Kind and name of an item, if it has them, whatever else is wrong with it.
pub fn name_of(node: &Node) -> Option<(Kind, String)> {
    let Value::Map(pairs) = &node.value else { return None };
    let map = Map { pairs, span: node.span };
    [Kind::List, Kind::Macro, Kind::Rule].into_iter().find_map(|kind| {
        let (_, value) = map.get(kind.name())?;
        Some((kind, value.as_str()?.to_owned()))
    })
}

/// True for a name that a condition reads as one word where a list may stand: no blanks, parentheses, quotes, `=`, `,`.
pub fn is_bare(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| "()\"'=,".contains(c) || c.is_ascii_whitespace() || c == '\x0b')
}

/// True for a name that a condition reads as an identifier.
pub fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

struct Map<'a> {
    pairs: &'a [(Node, Node)],
    span: Span,
}

impl<'a> Map<'a> {
    /// The first pair with this key: a later one with the same key is not seen, `Quirk::FirstKey`.
    fn get(&self, key: &str) -> Option<(&'a Node, &'a Node)> {
        self.pairs.iter().find(|(k, _)| k.as_str() == Some(key)).map(|(k, v)| (k, v))
    }

    /// Place that stands for the item: its first pair.
    fn head(&self) -> Span {
        self.pairs.first().map_or(self.span, |(k, v)| if v.is_null() { k.span } else { k.span.to(v.span) })
    }
}

struct Reader<'a> {
    file_text: &'a str,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Reader<'_> {
    /// A warning, or one of several errors of an item. Bounded: an item can have as many keys as the file has bytes.
    fn report(&mut self, diagnostic: Diagnostic) {
        if self.diagnostics.len() < MAX_PER_ITEM {
            self.diagnostics.push(diagnostic);
        }
    }

    fn fail<T>(&mut self, span: Span, message: impl Into<String>) -> Read<T> {
        self.fail_with(Diagnostic::new(Code::YamlValidate, span, message))
    }

    fn fail_with<T>(&mut self, diagnostic: Diagnostic) -> Read<T> {
        self.diagnostics.push(diagnostic);
        Err(Reported)
    }

    fn warn_duplicate_keys(&mut self, map: &Map<'_>) {
        let mut seen = hashbrown::HashMap::with_capacity(map.pairs.len());
        for (key, _) in map.pairs {
            let Some(text) = key.as_str() else { continue };
            if let Some(first) = seen.insert(text, key.span) {
                seen.insert(text, first);
                self.report(
                    Diagnostic::new(Code::DuplicateKey, key.span, format!("key '{}' is given twice", short(text, 60)))
                        .label("ignored")
                        .also(first, "this one counts"),
                );
            }
        }
    }

    fn warn_unknown_keys(&mut self, map: &Map<'_>, known: &[&'static str]) {
        for (key, _) in map.pairs {
            let text = key.as_str().unwrap_or("");
            if !known.contains(&text) {
                let help = match text {
                    // `Quirk::MergeKey`.
                    "<<" => Some("Falco's YAML library does not merge mappings: write the keys out".to_owned()),
                    _ => suggestion(text, known.iter().copied()),
                };
                let message = format!("Unknown key '{}'. The key will be ignored.", short(text, 60));
                self.report(Diagnostic::new(Code::UnknownKey, key.span, message).help(help));
            }
        }
    }

    /// Value of a key as text. Section 1.2.
    fn text(&mut self, map: &Map<'_>, key: &str) -> Read<Option<Text>> {
        let Some((key_node, node)) = map.get(key) else { return Ok(None) };
        if node.is_null() {
            return self.fail(key_node.span, format!("Mapping for key '{key}' is empty"));
        }
        match node.text(self.file_text) {
            None => self.fail(key_node.span, "Value is not a scalar value"),
            Some(text) if text.is_empty() => self.fail(node.span, "Value must be non-empty"),
            Some(text) => Ok(Some(text)),
        }
    }

    fn required_text(&mut self, map: &Map<'_>, key: &str) -> Read<Text> {
        match self.text(map, key)? {
            Some(text) => Ok(text),
            None => {
                let near = map.pairs.iter().filter_map(|(k, _)| k.as_str());
                let near = crate::diagnostic::similar(key, near);
                let help = near.first().map(|near| format!("`{near}` looks like `{key}`"));
                self.fail_with(
                    Diagnostic::new(Code::YamlValidate, map.head(), format!("Item has no mapping for key '{key}'"))
                        .help(help),
                )
            }
        }
    }

    fn name(&mut self, map: &Map<'_>, key: &str) -> Read<Spanned<String>> {
        let text = self.required_text(map, key)?;
        let span = text.place(0..text.len()).span;
        Ok(Spanned { value: text.into_string(), span })
    }

    fn bool(&mut self, map: &Map<'_>, key: &str) -> Read<Option<bool>> {
        let Some(text) = self.text(map, key)? else { return Ok(None) };
        match yaml_bool(text.as_str()) {
            Some(value) => Ok(Some(value)),
            None => self.fail_with(
                Diagnostic::new(
                    Code::YamlValidate,
                    text.place(0..text.len()).span,
                    format!("Can't decode YAML scalar value of '{key}'"),
                )
                .label("neither true nor false"),
            ),
        }
    }

    /// A sequence of scalars, each as its source text.
    fn texts(&mut self, map: &Map<'_>, key: &str) -> Read<Option<Vec<Text>>> {
        let Some((key_node, node)) = map.get(key) else { return Ok(None) };
        let Value::Seq(nodes) = &node.value else {
            return self.fail(key_node.span, "Value is not a sequence");
        };
        let mut out = Vec::with_capacity(nodes.len());
        for node in nodes {
            match node.text(self.file_text) {
                Some(text) => out.push(text),
                None => return self.fail(node.span, "sequence value is not scalar"),
            }
        }
        Ok(Some(out))
    }

    fn engine(&mut self, map: &Map<'_>) -> Read<Spanned<Version>> {
        let text = self.required_text(map, "required_engine_version")?;
        let span = text.place(0..text.len()).span;
        // A bare number N is version 0.N.0.
        let version = match text.as_str().parse::<u32>() {
            Ok(minor) => Some(Version(0, minor, 0)),
            Err(_) => Version::parse(text.as_str()),
        };
        match version {
            Some(value) => Ok(Spanned { value, span }),
            None => self.fail(
                span,
                format!(
                    "Unable to parse engine version '{}' as a semver string. Expected \"x.y.z\" semver format.",
                    short(text.as_str(), 60)
                ),
            ),
        }
    }

    fn plugins(&mut self, map: &Map<'_>) -> Read<Vec<PluginGroup>> {
        let Some((key, node)) = map.get("required_plugin_versions") else { return Err(Reported) };
        let Value::Seq(nodes) = &node.value else {
            return self.fail(key.span, "Value of required_plugin_versions must be a sequence");
        };
        let mut groups = Vec::new();
        for node in nodes {
            let Value::Map(pairs) = &node.value else {
                return self.fail(node.span, "Plugin version must be a mapping");
            };
            let map = Map { pairs, span: node.span };
            let mut alternatives = vec![self.plugin(&map)?];
            if let Some((key, node)) = map.get("alternatives") {
                let Value::Seq(nodes) = &node.value else {
                    return self.fail(key.span, "Value of plugin version alternatives must be a sequence");
                };
                for node in nodes {
                    let Value::Map(pairs) = &node.value else {
                        return self.fail(node.span, "Plugin version alternative must be a mapping");
                    };
                    let alternative = self.plugin(&Map { pairs, span: node.span })?;
                    if alternatives.iter().any(|(name, _)| *name == alternative.0) {
                        return self.fail_with(Diagnostic::new(
                            Code::Validate,
                            node.span,
                            format!(
                                "Defined multiple alternative version requirements for plugin '{}'",
                                short(&alternative.0, 60)
                            ),
                        ));
                    }
                    alternatives.push(alternative);
                }
            }
            groups.push(PluginGroup { alternatives, span: node.span });
        }
        Ok(groups)
    }

    /// An item of a list or a value of an exception that becomes something else in a condition, `Quirk::ItemAsText`.
    /// One with a parenthesis is taken for a list or transformer that is meant.
    fn lint_item_text(&mut self, item: &Text) {
        let text = item.as_str();
        let becomes_other = match text.contains(' ') {
            true => text.contains('\\'),
            false => text.contains(',') && !text.contains('('),
        };
        if becomes_other && !text.starts_with(['"', '\'']) {
            self.report(Diagnostic::quirk(Quirk::ItemAsText, item.place(0..item.len()).span));
        }
    }

    /// Keys that an item has and that are ignored.
    fn lint_ignored_keys(&mut self, map: &Map<'_>, quirk: Quirk, is_used: impl Fn(&str) -> bool) {
        for (key_node, _) in map.pairs {
            let Some(key) = key_node.as_str() else { continue };
            if RULE_KEYS.contains(&key) && !is_used(key) {
                self.report(Diagnostic::quirk(quirk, key_node.span));
            }
        }
    }

    fn plugin(&mut self, map: &Map<'_>) -> Read<(String, Version)> {
        let name = self.required_text(map, "name")?;
        let version = self.required_text(map, "version")?;
        match Version::parse(version.as_str()) {
            Some(v) => Ok((name.as_str().to_owned(), v)),
            None => self.fail_with(Diagnostic::new(
                Code::Validate,
                version.place(0..version.len()).span,
                format!(
                    "Invalid required version '{}' for plugin '{}'",
                    short(version.as_str(), 60),
                    short(name.as_str(), 60)
                ),
            )),
        }
    }

    fn list(&mut self, map: &Map<'_>) -> Read<ListItem> {
        let name = self.name(map, "list")?;
        self.warn_unknown_keys(map, &LIST_KEYS);
        if !is_bare(&name.value) {
            let message = "List has an invalid name. It cannot contain blanks, parentheses, quotes, '=' or ','";
            self.report(Diagnostic::new(Code::InvalidListName, name.span, message));
        }
        let items = self.texts(map, "items");
        let mode = self.mode(map, &["items"], &["items"]);
        let Some(items) = items? else {
            return self.fail(map.head(), "Item has no mapping for key 'items'");
        };
        items.iter().for_each(|item| self.lint_item_text(item));
        Ok(ListItem { name, items, mode: mode? })
    }

    fn macro_(&mut self, map: &Map<'_>) -> Read<MacroItem> {
        let name = self.name(map, "macro")?;
        self.warn_unknown_keys(map, &MACRO_KEYS);
        if !is_identifier(&name.value) {
            let message = "Macro has an invalid name: letters, digits and '_' only, a letter first";
            self.report(
                Diagnostic::new(Code::InvalidMacroName, name.span, message).label("no condition can refer to it"),
            );
        }
        let condition = self.required_text(map, "condition");
        let mode = self.mode(map, &["condition"], &["condition"]);
        Ok(MacroItem { name, condition: condition?, mode: mode? })
    }

    /// Definition or addition, for lists and macros.
    fn mode(&mut self, map: &Map<'_>, appendable: &[&'static str], replaceable: &[&'static str]) -> Read<Mode> {
        let append = self.append(map)?;
        let overrides = self.overrides(map, appendable, replaceable)?;
        self.refuse_append_and_override(map, append, &overrides)?;
        Ok(match (append || !overrides.append.is_empty(), overrides.replace.is_empty()) {
            (true, _) => Mode::Append,
            (false, false) => Mode::Replace,
            (false, true) => Mode::Define,
        })
    }

    fn append(&mut self, map: &Map<'_>) -> Read<bool> {
        let append = self.bool(map, "append")?.unwrap_or(false);
        if append && let Some((key, _)) = map.get("append") {
            let message = "'append' key is deprecated. Add an 'append' entry (e.g. 'condition: append') under 'override' instead.";
            self.report(Diagnostic::new(Code::DeprecatedItem, key.span, message));
        }
        Ok(append)
    }

    fn refuse_append_and_override(&mut self, map: &Map<'_>, append: bool, overrides: &Overrides) -> Read<()> {
        match map.get("override") {
            Some((key, _)) if append && !overrides.is_empty() => {
                self.fail(key.span, "Keys 'override' and 'append: true' cannot be used together. Add an append entry (e.g. 'condition: append') under override instead.")
            }
            _ => Ok(()),
        }
    }

    fn overrides(
        &mut self,
        map: &Map<'_>,
        appendable: &[&'static str],
        replaceable: &[&'static str],
    ) -> Read<Overrides> {
        let mut out = Overrides::default();
        let Some((key_node, node)) = map.get("override") else { return Ok(out) };
        if node.is_null() {
            return Ok(out);
        }
        let Value::Map(pairs) = &node.value else {
            return self.fail(key_node.span, "Value of 'override' must be a mapping of keys to 'append' or 'replace'");
        };
        let mut is_ok = true;
        for (key_node, value) in pairs {
            let (Some(key), Some(operation)) = (key_node.as_str(), value.as_str()) else {
                is_ok = false;
                let _ =
                    self.fail::<()>(key_node.span, "An entry of 'override' must be 'key: append' or 'key: replace'");
                continue;
            };
            let can_append = appendable.iter().find(|k| **k == key);
            let can_replace = replaceable.iter().find(|k| **k == key);
            let known = || suggestion(key, replaceable.iter().copied());
            let shown = short(key, 60);
            let message = match (operation, can_append, can_replace) {
                ("append", Some(key), _) => {
                    out.append.push((key, key_node.span));
                    continue;
                }
                ("replace", _, Some(key)) => {
                    out.replace.push((key, key_node.span));
                    continue;
                }
                ("append", None, _) => format!("Key '{shown}' cannot be appended to, use 'replace' instead"),
                ("replace", _, None) => format!("Key '{shown}' cannot be replaced"),
                _ => format!(
                    "Invalid override operation for key '{shown}': '{}'. Allowed values are: {}{}",
                    short(operation, 60),
                    if can_append.is_some() { "append " } else { "" },
                    if can_replace.is_some() { "replace " } else { "" },
                ),
            };
            let is_operation = matches!(operation, "append" | "replace");
            let span = if is_operation { key_node.span } else { value.span };
            let help = if is_operation { known() } else { suggestion(operation, ["append", "replace"]) };
            self.report(Diagnostic::new(Code::YamlValidate, span, message.trim_end()).help(help));
            is_ok = false;
        }
        if is_ok { Ok(out) } else { Err(Reported) }
    }

    fn rule(&mut self, map: &Map<'_>) -> Read<RuleItem> {
        let name = self.name(map, "rule")?;
        self.warn_unknown_keys(map, &RULE_KEYS);
        let append = self.append(map);
        let overrides = self.overrides(map, &RULE_APPENDABLE, &RULE_REPLACEABLE);
        let (append, overrides) = (append?, overrides?);
        self.refuse_append_and_override(map, append, &overrides)?;

        if !overrides.is_empty() {
            return self.rule_override(map, name, &overrides);
        }
        if append {
            let condition = self.text(map, "condition");
            let exceptions = self.exceptions(map, true);
            let (condition, exceptions) = (condition?, exceptions?);
            let source = self.source(map)?;
            self.lint_ignored_keys(map, Quirk::AppendIgnores, |key| {
                matches!(key, "rule" | "condition" | "exceptions" | "source" | "append" | "override")
            });
            let append = Box::new(RuleParts { condition, exceptions, ..Default::default() });
            return Ok(RuleItem {
                name,
                kind: RuleKind::Update { append, replace: Box::default(), is_override: false },
                source,
            });
        }
        let is_definition = ["condition", "output", "desc", "priority"].into_iter().any(|key| map.get(key).is_some());
        if !is_definition {
            let Some(enabled) = self.bool(map, "enabled")? else {
                return self.fail_with(
                    Diagnostic::new(Code::YamlValidate, map.head(), "Item has no mapping for key 'enabled'")
                        .help("a rule has at least condition, output, desc and priority".to_owned()),
                );
            };
            if let Some((key, _)) = map.get("enabled") {
                self.report(Diagnostic::new(
                    Code::DeprecatedItem,
                    key.span,
                    "The standalone 'enabled' key usage is deprecated. The correct approach requires also a 'replace' entry under the 'override' key (i.e. 'enabled: replace').",
                ));
            }
            self.lint_ignored_keys(map, Quirk::EnableIgnores, |key| {
                matches!(key, "rule" | "enabled" | "append" | "override")
            });
            return Ok(RuleItem { name, kind: RuleKind::Enable(enabled), source: None });
        }

        let condition = self.required_text(map, "condition");
        let output = self.required_text(map, "output");
        let desc = self.required_text(map, "desc");
        let priority = match map.get("priority") {
            None => self.required_text(map, "priority").map(|_| None),
            Some(_) => self.priority(map),
        };
        let source = self.source(map);
        let enabled = self.bool(map, "enabled");
        let tags = self.tags(map);
        let exceptions = self.exceptions(map, false);
        let warn_evttypes = self.bool(map, "warn_evttypes");
        let skip_if_unknown_filter = self.bool(map, "skip-if-unknown-filter");
        let filters = self.filters(map);
        let capture = self.capture(map);
        let parts = RuleParts {
            condition: Some(condition?),
            output: Some(output?.trim()),
            desc: Some(desc?),
            priority: priority?,
            enabled: enabled?,
            tags: tags?,
            exceptions: exceptions?,
            warn_evttypes: warn_evttypes?,
            skip_if_unknown_filter: skip_if_unknown_filter?,
            filters: filters?,
        };
        capture?;
        Ok(RuleItem { name, kind: RuleKind::Define(Box::new(parts)), source: source? })
    }

    /// `override`: every overridden key must be given, and every key given must be overridden.
    fn rule_override(&mut self, map: &Map<'_>, name: Spanned<String>, overrides: &Overrides) -> Read<RuleItem> {
        let mut is_ok = true;
        for (operation, keys) in [("append", &overrides.append), ("replace", &overrides.replace)] {
            for &(key, span) in keys {
                if map.get(key).is_none() {
                    is_ok = false;
                    let message =
                        format!("An {operation} override for '{key}' was specified but '{key}' is not defined");
                    self.report(Diagnostic::new(Code::YamlValidate, span, message));
                }
            }
        }
        for (key_node, _) in map.pairs {
            let Some(key) = key_node.as_str() else { continue };
            let is_overridable = RULE_REPLACEABLE.contains(&key);
            let is_overridden = overrides.append.iter().chain(&overrides.replace).any(|(k, _)| *k == key);
            if is_overridable && !is_overridden {
                is_ok = false;
                let message = format!("Unexpected key '{key}': no corresponding entry under 'override' is defined.");
                self.report(Diagnostic::new(Code::YamlValidate, key_node.span, message).help(format!(
                    "add `{key}: {}` under `override`",
                    if RULE_APPENDABLE.contains(&key) { "append` or `replace" } else { "replace" }
                )));
            }
        }
        let append = self.overridden_parts(map, &overrides.append, true);
        let replace = self.overridden_parts(map, &overrides.replace, false);
        let has_condition = overrides.append.iter().chain(&overrides.replace).any(|(k, _)| *k == "condition");
        // `Quirk::OverrideSource`.
        let source = if has_condition { self.source(map) } else { Ok(None) };
        if !has_condition && let Some((key, _)) = map.get("source") {
            self.report(Diagnostic::quirk(Quirk::OverrideSource, key.span));
        }
        let (append, replace, source) = (append?, replace?, source?);
        if !is_ok {
            return Err(Reported);
        }
        let kind = RuleKind::Update { append: Box::new(append), replace: Box::new(replace), is_override: true };
        Ok(RuleItem { name, kind, source })
    }

    fn overridden_parts(&mut self, map: &Map<'_>, keys: &[(&'static str, Span)], append: bool) -> Read<RuleParts> {
        let mut parts = RuleParts::default();
        let mut is_ok = true;
        for (key, _) in keys {
            let read = match *key {
                "condition" => self.text(map, key).map(|v| parts.condition = v),
                "output" => self.text(map, key).map(|v| parts.output = v),
                "desc" => self.text(map, key).map(|v| parts.desc = v),
                "priority" => self.priority(map).map(|v| parts.priority = v),
                "tags" => self.tags(map).map(|v| parts.tags = v),
                "exceptions" => self.exceptions(map, append).map(|v| parts.exceptions = v.or(Some(Vec::new()))),
                "enabled" => self.bool(map, key).map(|v| parts.enabled = v),
                "filters" => self.filters(map).map(|v| parts.filters = v),
                "warn_evttypes" => self.bool(map, key).map(|v| parts.warn_evttypes = v),
                "skip-if-unknown-filter" => self.bool(map, key).map(|v| parts.skip_if_unknown_filter = v),
                _ => self.capture(map),
            };
            is_ok &= read.is_ok();
        }
        if is_ok { Ok(parts) } else { Err(Reported) }
    }

    fn priority(&mut self, map: &Map<'_>) -> Read<Option<Priority>> {
        let Some(text) = self.text(map, "priority")? else { return Ok(None) };
        match Priority::parse(text.as_str()) {
            Some(priority) => Ok(Some(priority)),
            None => {
                let names = Priority::ALL.map(Priority::name);
                let help = suggestion(text.as_str(), names).or_else(|| {
                    // A beginning such as `Warn` is further away than a misspelling.
                    let lower = text.as_str().to_ascii_lowercase();
                    let begun =
                        names.into_iter().find(|n| lower.len() >= 3 && n.to_ascii_lowercase().starts_with(&lower));
                    begun.map(|name| format!("did you mean `{name}`?"))
                });
                let help = help.unwrap_or_else(|| format!("one of {}", names.join(", ")));
                self.fail_with(
                    Diagnostic::new(Code::YamlValidate, text.place(0..text.len()).span, "Invalid priority").help(help),
                )
            }
        }
    }

    /// `source`: null and empty are allowed and count as absent.
    fn source(&mut self, map: &Map<'_>) -> Read<Option<Spanned<String>>> {
        match map.get("source") {
            None => Ok(None),
            Some((_, node)) if node.is_null() || node.as_str() == Some("") => Ok(None),
            Some(_) => Ok(Some(self.name(map, "source")?)),
        }
    }

    fn tags(&mut self, map: &Map<'_>) -> Read<Option<Vec<String>>> {
        let tags = self.texts(map, "tags")?;
        Ok(tags.map(|tags| tags.into_iter().map(Text::into_string).collect()))
    }

    /// `capture` and `capture_duration` mean nothing for a trace that is already recorded, but must be well formed.
    fn capture(&mut self, map: &Map<'_>) -> Read<()> {
        self.bool(map, "capture")?;
        if let Some(text) = self.text(map, "capture_duration")?
            && text.as_str().parse::<u32>().is_err()
        {
            return self.fail_with(
                Diagnostic::new(
                    Code::YamlValidate,
                    text.place(0..text.len()).span,
                    "Can't decode YAML scalar value of 'capture_duration'",
                )
                .label("not a number of milliseconds"),
            );
        }
        Ok(())
    }

    /// `filters`: a sequence of `{action: suppress|require, query}`.
    fn filters(&mut self, map: &Map<'_>) -> Read<Option<Vec<FilterItem>>> {
        let Some((key, node)) = map.get("filters") else { return Ok(None) };
        let Value::Seq(nodes) = &node.value else {
            return self.fail(key.span, "Rule filters must be a sequence");
        };
        let mut out = Vec::with_capacity(nodes.len());
        for node in nodes {
            let Value::Map(pairs) = &node.value else {
                return self.fail(node.span, "Rule filter must be a mapping with the keys `action` and `query`");
            };
            let map = Map { pairs, span: node.span };
            // A key that is ignored could be the one that makes the filter narrow.
            for (key, _) in pairs {
                let text = key.as_str().unwrap_or("");
                if !FILTER_KEYS.contains(&text) {
                    let message = format!("Unknown key '{}' in a rule filter", short(text, 60));
                    let diagnostic = Diagnostic::new(Code::YamlValidate, key.span, message);
                    return self.fail_with(diagnostic.help(suggestion(text, FILTER_KEYS)));
                }
            }
            let action = self.required_text(&map, "action")?;
            let Some(action) = [FilterAction::Suppress, FilterAction::Require]
                .into_iter()
                .find(|known| known.name() == action.as_str())
            else {
                let message = "Invalid action of a rule filter, must be `suppress` or `require`";
                let diagnostic = Diagnostic::new(Code::YamlValidate, action.place(0..action.len()).span, message);
                return self.fail_with(diagnostic.help(suggestion(action.as_str(), ["suppress", "require"])));
            };
            out.push(FilterItem { action, query: self.required_text(&map, "query")? });
        }
        Ok(Some(out))
    }

    fn exceptions(&mut self, map: &Map<'_>, append: bool) -> Read<Option<Vec<ExceptionItem>>> {
        let Some((key, node)) = map.get("exceptions") else { return Ok(None) };
        if node.is_null() {
            return Ok(None);
        }
        let Value::Seq(nodes) = &node.value else {
            return self.fail(key.span, "Rule exceptions must be a sequence");
        };
        let mut out: Vec<ExceptionItem> = Vec::with_capacity(nodes.len());
        let mut names = hashbrown::HashMap::new();
        for node in nodes {
            let Value::Map(pairs) = &node.value else {
                return self.fail(node.span, "Rule exception must be a mapping");
            };
            let map = Map { pairs, span: node.span };
            let name = self.name(&map, "name")?;
            if let Some(first) = names.insert(name.value.clone(), name.span) {
                self.report(
                    Diagnostic::new(
                        Code::ExceptionNameNotUnique,
                        name.span,
                        format!("Exception name '{}' is used twice in this rule", short(&name.value, 60)),
                    )
                    .also(first, "first here"),
                );
            }
            if map.get("fields").is_none() && !append {
                return self.fail(name.span, "Item has no mapping for key 'fields'");
            }
            let fields = self.entry_of(&map, "fields")?;
            let comps = self.entry_of(&map, "comps")?;
            let mut values = Vec::new();
            match map.get("values") {
                Some((key, node)) => match &node.value {
                    Value::Seq(nodes) => {
                        for node in nodes {
                            values.extend(self.entry(node)?);
                        }
                    }
                    _ => return self.fail(key.span, "Rule exception values must be a sequence"),
                },
                None if append => {
                    let near = pairs.iter().filter_map(|(k, _)| k.as_str());
                    let near = crate::diagnostic::similar("values", near);
                    let help = near.first().map(|near| format!("`{near}` looks like `values`"));
                    self.report(
                        Diagnostic::new(
                            Code::AppendNoValues,
                            name.span,
                            "Overriding/appending exception with no values",
                        )
                        .help(help),
                    );
                }
                None => {}
            }
            out.push(ExceptionItem { name, fields, comps, values, span: node.span });
        }
        Ok(Some(out))
    }

    fn entry_of(&mut self, map: &Map<'_>, key: &str) -> Read<Option<Entry>> {
        match map.get(key) {
            Some((_, node)) => self.entry(node),
            None => Ok(None),
        }
    }

    /// A scalar or nested sequences of scalars; the depth is bounded by that of the tree.
    fn entry(&mut self, node: &Node) -> Read<Option<Entry>> {
        match &node.value {
            _ if node.is_null() => Ok(None),
            Value::Scalar(..) => match node.text(self.file_text) {
                Some(text) if !text.is_empty() => {
                    self.lint_item_text(&text);
                    Ok(Some(Entry::One(text)))
                }
                _ => self.fail(node.span, "Value must be non-empty"),
            },
            Value::Seq(nodes) => {
                let mut entries = Vec::with_capacity(nodes.len());
                for node in nodes {
                    match self.entry(node)? {
                        Some(entry) => entries.push(entry),
                        None => return self.fail(node.span, "Value must be non-empty"),
                    }
                }
                Ok(Some(Entry::Many(entries, node.span)))
            }
            Value::Map(_) => self.fail(node.span, "Value is not a scalar value or a sequence"),
        }
    }
}

#[derive(Default)]
struct Overrides {
    append: Vec<(&'static str, Span)>,
    replace: Vec<(&'static str, Span)>,
}

impl Overrides {
    fn is_empty(&self) -> bool {
        self.append.is_empty() && self.replace.is_empty()
    }
}

/// The words that Falco's YAML library takes for booleans: `y`, `yes`, `true`, `on` and their opposites, in lower
/// case, upper case or capitalised.
pub(super) fn yaml_bool(text: &str) -> Option<bool> {
    let lower = text.to_ascii_lowercase();
    let is_upper = text.chars().all(|c| c.is_ascii_uppercase());
    let is_lower_but_first = text.chars().skip(1).all(|c| c.is_ascii_lowercase());
    if !is_upper && !is_lower_but_first {
        return None;
    }
    match lower.as_str() {
        "y" | "yes" | "true" | "on" => Some(true),
        "n" | "no" | "false" | "off" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans() {
        for (text, expected) in [
            ("true", Some(true)),
            ("True", Some(true)),
            ("TRUE", Some(true)),
            ("tRUE", None),
            ("TRue", None),
            ("on", Some(true)),
            ("n", Some(false)),
            ("Off", Some(false)),
            ("1", None),
            ("maybe", None),
        ] {
            assert_eq!(yaml_bool(text), expected, "{text}");
        }
    }

    #[test]
    fn versions() {
        for (text, expected) in [
            ("0.57.0", Some(Version(0, 57, 0))),
            ("1.2.3-rc1", Some(Version(1, 2, 3))),
            ("1.2", None),
            ("seven", None),
            ("99999999999.0.0", None),
            ("", None),
        ] {
            assert_eq!(Version::parse(text), expected, "{text}");
        }
        assert!(Version(0, 63, 0).satisfies(Version(0, 57, 9)));
        assert!(!Version(0, 63, 0).satisfies(Version(0, 63, 1)));
        assert!(!Version(1, 0, 0).satisfies(Version(0, 1, 0)));
    }
}

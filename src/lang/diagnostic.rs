//! What a language says about rule files: data, not text. [`crate::render`] makes text of it.

use tracehound_rules::Quirk;

use crate::source::Span;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Something was not loaded.
    Error,
    /// Loaded, but probably not what was meant.
    Warning,
    /// A remark.
    Lint,
}

impl Severity {
    /// `error`, `warning`, `lint`.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Lint => "lint",
        }
    }
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal, $severity:ident;)*) => {
        /// Stable name of a kind of diagnostic. Those that begin with `LOAD_` are Falco's own and mean what they
        /// mean there; `TH_` are ours; `SUP-` and `DD-` are about suppressions, `DDQ-` about queries, `SUITE-` about
        /// suites of tests.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[doc = $doc])+ $name,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &[Code] = &[$(Code::$name,)*];

            /// The code as printed.
            pub fn name(self) -> &'static str {
                match self {
                    $(Code::$name => $text,)*
                }
            }

            /// What it means, in one or two sentences.
            pub fn explanation(self) -> &'static str {
                match self {
                    $(Code::$name => concat!($($doc),+).trim_ascii_start(),)*
                }
            }

            /// Severity of diagnostics with this code.
            pub fn severity(self) -> Severity {
                match self {
                    $(Code::$name => Severity::$severity,)*
                }
            }
        }
    };
}

codes! {
    /// Not YAML.
    YamlParse = "LOAD_ERR_YAML_PARSE", Error;
    /// YAML of the wrong structure: a missing key, a wrong type of node, an unknown priority.
    YamlValidate = "LOAD_ERR_YAML_VALIDATE", Error;
    /// Items that do not fit together: append without a definition, an undefined macro, a wrong exception.
    Validate = "LOAD_ERR_VALIDATE", Error;
    /// A condition that does not parse, or names a field or value that does not exist.
    CompileCondition = "LOAD_ERR_COMPILE_CONDITION", Error;
    /// An output that does not parse.
    CompileOutput = "LOAD_ERR_COMPILE_OUTPUT", Error;
    /// A byte that is not UTF-8, or a NUL.
    InvalidUtf8 = "TH_INVALID_UTF8", Error;
    /// Larger than what is accepted: file, depth, aliases, expanded text.
    Limit = "TH_LIMIT", Error;
    /// A plug-in that is required and not built in.
    PluginMissing = "TH_PLUGIN_MISSING", Error;
    /// No language recognises the file.
    UnknownLanguage = "TH_UNKNOWN_LANGUAGE", Error;
    /// A rule for events that a trace does not hold.
    UnknownSource = "LOAD_UNKNOWN_SOURCE", Warning;
    /// A comparison of a JSON field with `<NA>`.
    UnsafeNaCheck = "LOAD_UNSAFE_NA_CHECK", Warning;
    /// A rule asks for (nearly) all kinds of event.
    NoEvttype = "LOAD_NO_EVTTYPE", Warning;
    /// A rule left out because of `skip-if-unknown-filter`.
    UnknownFilter = "LOAD_UNKNOWN_FILTER", Warning;
    /// A macro that nothing refers to.
    UnusedMacro = "LOAD_UNUSED_MACRO", Warning;
    /// A list that nothing refers to.
    UnusedList = "LOAD_UNUSED_LIST", Warning;
    /// An item that is no rule, macro, list or requirement.
    UnknownItem = "LOAD_UNKNOWN_ITEM", Warning;
    /// An old form, field or key.
    DeprecatedItem = "LOAD_DEPRECATED_ITEM", Warning;
    /// An exception is appended to without values.
    AppendNoValues = "LOAD_APPEND_NO_VALUES", Warning;
    /// Two exceptions of an item have the same name.
    ExceptionNameNotUnique = "LOAD_EXCEPTION_NAME_NOT_UNIQUE", Warning;
    /// The name of a macro cannot be used in a condition.
    InvalidMacroName = "LOAD_INVALID_MACRO_NAME", Warning;
    /// The name of a list has characters that conditions treat otherwise.
    InvalidListName = "LOAD_INVALID_LIST_NAME", Warning;
    /// A hint about a condition: a constant that looks like a field, a regular expression without need.
    ConditionHint = "LOAD_COMPILE_CONDITION", Warning;
    /// A key that the kind of item does not have.
    UnknownKey = "LOAD_UNKNOWN_KEY", Warning;
    /// A key given twice; the first counts.
    DuplicateKey = "TH_DUPLICATE_KEY", Warning;
    /// A name used in a file before the file that defines it is read: Falco refuses to load these files in this order.
    ForwardReference = "TH_FORWARD_REFERENCE", Warning;
    /// A constant that looks like a list's name.
    MisspeltList = "TH_MISSPELT_LIST", Lint;
    /// Something that works otherwise than it reads, in Falco and here; the name of the quirk follows a slash.
    Quirk = "TH_QUIRK", Lint;
    /// A comparison, or a rule, that no event makes true.
    NeverTrue = "TH_NEVER_TRUE", Lint;
    /// A comparison that every value makes true.
    AlwaysTrue = "TH_ALWAYS_TRUE", Lint;
    /// A comparison of a value that no event of the rule's kinds has.
    NoValue = "TH_NO_VALUE", Lint;
    /// An exception that excepts nothing.
    ExceptionNever = "TH_EXCEPTION_NEVER", Lint;
    /// A comparison that changes nothing beside another one.
    Redundant = "TH_REDUNDANT", Lint;
    /// A rule that matches only what an earlier rule matches too.
    ShadowedRule = "TH_SHADOWED_RULE", Lint;
    /// A rule without tags among rules with tags.
    NoTags = "TH_NO_TAGS", Lint;
    /// A file without any item.
    NoItems = "TH_NO_ITEMS", Lint;

    /// A suppression of the wrong structure: a missing key, a wrong type of value.
    SupInvalid = "SUP-INVALID", Error;
    /// A key that a suppression does not have. An error: what it was to restrict would not be restricted.
    SupUnknownKey = "SUP-UNKNOWN-KEY", Error;
    /// Two suppressions with one name.
    SupDuplicateName = "SUP-DUPLICATE-NAME", Error;
    /// A suppression with no query, or an empty one: it means neither "nothing" nor "everything".
    SupEmpty = "SUP-EMPTY", Error;
    /// A date that is none, or an expiration that is not after the start.
    SupDate = "SUP-DATE", Error;
    /// A value written as a regular expression: the language has wildcards only.
    SupRegex = "SUP-REGEX", Error;
    /// A query that no signal can match.
    SupNever = "SUP-NEVER", Error;
    /// A query that every signal matches, or that restricts nothing but the rule.
    SupAll = "SUP-ALL", Error;
    /// A suppression whose only conditions are where the workload runs: it hides everything there.
    SupTagOnly = "SUP-TAG-ONLY", Error;
    /// The owner of the executable file, where the user that runs it is meant.
    SupFileOwner = "DD-FILE-OWNER", Error;
    /// A suppression that constrains too few independent things.
    SupBroad = "SUP-BROAD", Warning;
    /// A value that is different next time: a temporary name, an id, a time.
    SupEphemeral = "SUP-EPHEMERAL", Warning;
    /// An attribute that names one instance of a workload, which disappears with it.
    SupEphemeralScope = "DD-EPHEMERAL-SCOPE", Warning;
    /// An attribute that signals of the rules it applies to do not have.
    SupNotOfActivity = "SUP-NOT-OF-ACTIVITY", Warning;
    /// Its expiration date has passed.
    SupExpired = "SUP-EXPIRED", Warning;
    /// Its rule query selects none of the rules given.
    SupNoRule = "SUP-NO-RULE", Warning;
    /// Its rule query selects every rule given.
    SupAllRules = "SUP-ALL-RULES", Warning;
    /// It matches much of what happens in the traces given, whatever the rules say of it.
    SupSurface = "SUP-SURFACE", Warning;
    /// It hides nothing in the traces given.
    SupDead = "SUP-DEAD", Warning;
    /// Everything that it hides in the traces given is hidden by another one too.
    SupShadowed = "SUP-SHADOWED", Lint;
    /// Its start date has not come.
    SupNotStarted = "SUP-NOT-STARTED", Lint;
    /// A suppression of the activity of processes that says nothing of a parent or an ancestor.
    SupNoParent = "SUP-NO-PARENT", Lint;
    /// A suppression for a person or a workload that is to last for ever.
    SupNoExpiry = "SUP-NO-EXPIRY", Lint;

    /// A suite of the wrong structure: a missing key, a wrong type of value, a value that is none of those allowed.
    SuiteInvalid = "SUITE-INVALID", Error;
    /// A key that a suite does not have. An error: what it was to check would not be checked.
    SuiteUnknownKey = "SUITE-UNKNOWN-KEY", Error;
    /// Two suites of one run with the same name.
    SuiteDuplicateName = "SUITE-DUPLICATE-NAME", Error;
    /// A trace of a suite that does not exist, a folder or pattern without one, or a file that labels name.
    SuiteNoTrace = "SUITE-NO-TRACE", Error;
    /// A trace that is named twice in one suite.
    SuiteTraceTwice = "SUITE-TRACE-TWICE", Error;
    /// A rule that none of the rule files has.
    SuiteUnknownRule = "SUITE-UNKNOWN-RULE", Error;
    /// A rule that is expected to fire and is switched off, or for events that no trace has.
    SuiteRuleOff = "SUITE-RULE-OFF", Error;
    /// An expectation that no result can meet, alone or beside another one.
    SuiteNever = "SUITE-NEVER", Error;
    /// A field that the output of the rule does not have.
    SuiteUnknownField = "SUITE-UNKNOWN-FIELD", Error;
    /// A suppression that none of the suppression files has.
    SuiteUnknownSuppression = "SUITE-UNKNOWN-SUPPRESSION", Error;
    /// A file of blessed results that speaks of a trace that the suite does not have.
    SuiteStale = "SUITE-STALE", Error;

    /// A query that does not parse.
    QueryParse = "DDQ-SYNTAX", Error;
    /// A character that has a meaning in queries, taken as it stands because it can mean nothing else here.
    QueryUnescaped = "DDQ-UNESCAPED", Lint;
    /// `and`, `or` or `not` in lower case: a word that is searched for, not an operator.
    QueryLowercaseOperator = "DDQ-LOWERCASE-OP", Warning;
    /// A typographic quotation mark: it quotes nothing.
    QueryCurlyQuote = "DDQ-CURLY", Warning;
    /// Something that only this program understands in a query.
    QueryNotPortable = "DDQ-NOT-PORTABLE", Lint;
    /// An attribute that does not exist: nothing has a value of it.
    UnknownAttribute = "DDQ-UNKNOWN-ATTR", Warning;
    /// Another spelling of an attribute.
    AttributeAlias = "DD-ALIAS", Lint;
    /// An attribute that exists but that no recorded trace has a value of.
    AttributeNotInTrace = "DDQ-NOT-IN-TRACE", Warning;
    /// A value that is not of the attribute's type, so that nothing can be equal to it.
    AttributeType = "DDQ-TYPE", Warning;
}

/// A remark beside a diagnostic: a sentence, and the place it speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The sentence.
    pub text: String,
    /// The place.
    pub span: Option<Span>,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Kind.
    pub code: Code,
    /// Which behaviour of Falco it is about, for [`Code::Quirk`].
    pub quirk: Option<Quirk>,
    /// How bad.
    pub severity: Severity,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// Places, the first is what is wrong; with a word on each, or an empty text. Empty only if there is no place.
    pub labels: Vec<(Span, String)>,
    /// Context: how the text came here through macros and lists, which rules are affected.
    pub notes: Vec<Note>,
    /// What to do, if that is known.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A diagnostic about a place.
    pub fn new(code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            code,
            quirk: None,
            severity: code.severity(),
            message: message.into(),
            labels: vec![(span, String::new())],
            notes: Vec::new(),
            help: None,
        }
    }

    /// A remark that a rule runs into a quirk here.
    pub fn quirk(quirk: Quirk, span: Span) -> Diagnostic {
        Diagnostic { quirk: Some(quirk), ..Diagnostic::new(Code::Quirk, span, quirk.explanation()) }
    }

    /// The code as it is printed: `LOAD_ERR_VALIDATE`, `TH_QUIRK/address-in`.
    pub fn code_text(&self) -> String {
        match self.quirk {
            Some(quirk) => format!("{}/{}", self.code.name(), quirk.name()),
            None => self.code.name().to_owned(),
        }
    }

    /// With a word at the place.
    pub fn label(mut self, text: impl Into<String>) -> Diagnostic {
        if let Some((_, label)) = self.labels.first_mut() {
            *label = text.into();
        }
        self
    }

    /// With a further place.
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Diagnostic {
        self.labels.push((span, text.into()));
        self
    }

    /// With a note.
    pub fn note(mut self, text: impl Into<String>, span: Option<Span>) -> Diagnostic {
        self.notes.push(Note { text: text.into(), span });
        self
    }

    /// With advice, if there is any.
    pub fn help(mut self, text: impl Into<Option<String>>) -> Diagnostic {
        self.help = text.into().or(self.help);
        self
    }

    /// The place that is wrong.
    pub fn span(&self) -> Option<Span> {
        self.labels.first().map(|&(span, _)| span)
    }

    /// True for an error.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// `did you mean …?` for the words of `known` that look like `word`.
pub fn suggestion<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    did_you_mean(similar(word, known))
}

/// `did you mean …?` for words, best first.
pub fn did_you_mean<'a>(words: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let words: Vec<String> = words.into_iter().map(|w| format!("`{}`", crate::render::visible(w.as_bytes()))).collect();
    match words.as_slice() {
        [] => None,
        [one] => Some(format!("did you mean {one}?")),
        [most @ .., last] => Some(format!("did you mean {} or {last}?", most.join(", "))),
    }
}

/// Words that look like `word`, best first, at most three.
pub fn similar<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    // More than half of a short word changed is another word.
    let limit = (1 + word.len() / 4).min(word.len() / 2 + 1);
    let lower = word.to_ascii_lowercase();
    let mut near: Vec<(usize, &str)> = known
        .into_iter()
        .filter(|k| k.len().abs_diff(word.len()) <= limit && *k != word)
        .take(MAX_CANDIDATES)
        .map(|k| (tracehound_fields::catalogue::distance(lower.as_bytes(), k.to_ascii_lowercase().as_bytes()), k))
        .filter(|&(d, k)| d <= limit && d < k.len())
        .collect();
    near.sort_unstable();
    near.dedup();
    near.truncate(3);
    near.into_iter().map(|(_, k)| k).collect()
}

/// Words looked at for one suggestion: keeps hostile files with many names and many errors from taking long.
const MAX_CANDIDATES: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestions() {
        let known = ["spawned_process", "open_read", "open_write", "container", "priority"];
        let cases = [
            ("spawned_proces", vec!["spawned_process"]),
            ("open_raed", vec!["open_read"]),
            ("Priority", vec!["priority"]),
            ("zzz", vec![]),
            ("", vec![]),
        ];
        for (word, expected) in cases {
            assert_eq!(similar(word, known), expected, "{word}");
        }
    }

    #[test]
    fn codes_are_unique() {
        let mut names: Vec<_> = Code::ALL.iter().map(|c| c.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Code::ALL.len());
    }
}

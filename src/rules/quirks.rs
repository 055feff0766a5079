//! Behaviours of Falco that a reader of a rule would not expect.
//!
//! They are reproduced ([`Quirk::is_reproduced`]), because a rule must fire here when it fires there. Each is one value of [`Quirk`], whatever
//! stage reproduces it, with what it means, what the author of a rule is told, and where Falco has it;
//! `docs/quirks.md` is made from this table. A test has a case for each, and for each that the text of a rule shows a
//! second one for the remark.
//!
//! Compiling a comparison reports the quirks it meets ([`Warning`]); a language reports those of its own syntax.

use tracehound_fields::{FieldType, Multiplicity};

use crate::constant;
use crate::ir::{LeafId, Modifier, Op};
use crate::scheme::FieldTraits;

/// How the author of a rule hears of a quirk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// By a diagnostic with this code, where the rule's text runs into it.
    Code(&'static str),
    /// Not at all, for this reason.
    Not(&'static str),
}

/// The code of diagnostics that are about a quirk and nothing else.
pub const CODE: &str = "TH_QUIRK";

macro_rules! quirks {
    ($($(#[doc = $doc:literal])+
       $name:ident = $text:literal, $layer:ident, $told:ident($why:expr), $source:literal, $remark:literal;)*) => {
        /// A behaviour that surprises.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Quirk {
            $($(#[doc = $doc])+ $name,)*
        }

        impl Quirk {
            /// All, in the order of the stages that reproduce them.
            pub const ALL: &[Quirk] = &[$(Quirk::$name,)*];

            /// Stable name.
            pub fn name(self) -> &'static str {
                match self {
                    $(Quirk::$name => $text,)*
                }
            }

            /// What it is, in one or two sentences.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Quirk::$name => concat!($($doc),+).trim_ascii_start(),)*
                }
            }

            /// What the author of a rule is told; empty if nothing, or if the diagnostic has words of its own.
            pub fn explanation(self) -> &'static str {
                match self {
                    $(Quirk::$name => $remark,)*
                }
            }

            /// How the author of a rule hears of it.
            pub fn told(self) -> Told {
                match self {
                    $(Quirk::$name => Told::$told($why),)*
                }
            }

            /// Where Falco has it: function and file in falcosecurity/falco (`engine`) or falcosecurity/libs.
            pub fn source(self) -> &'static str {
                match self {
                    $(Quirk::$name => $source,)*
                }
            }

            /// The stage that reproduces it.
            pub fn stage(self) -> Stage {
                match self {
                    $(Quirk::$name => Stage::$layer,)*
                }
            }
        }
    };
}

impl Quirk {
    /// False where the truth is answered instead, because Falco's answer would be one of memory that is not there, or
    /// because history knows better and keeps one answer only.
    pub fn is_reproduced(self) -> bool {
        !matches!(self, Quirk::OverrideExceptions | Quirk::LongLine | Quirk::ThreadFolder | Quirk::TableCopied)
    }
}

/// The stage that reproduces a quirk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Reading rule files.
    Language,
    /// Comparisons and which rules are asked.
    Rules,
    /// Values of fields.
    Fields,
    /// History.
    State,
}

impl Stage {
    /// As a heading.
    pub fn title(self) -> &'static str {
        match self {
            Stage::Language => "Rule files and conditions",
            Stage::Rules => "Comparisons",
            Stage::Fields => "Fields",
            Stage::State => "Processes and descriptors",
        }
    }
}

quirks! {
    /// `<<` is a key like any other: Falco's YAML library does not merge mappings, so that the item has one unknown
    /// key and none of those that were to be merged.
    MergeKey = "merge-key", Language, Code("LOAD_UNKNOWN_KEY"),
        "yaml-cpp, which Falco reads rules with",
        "";
    /// Of a key that an item has twice the first counts.
    FirstKey = "first-key", Language, Code("TH_DUPLICATE_KEY"),
        "Node::operator[] of yaml-cpp",
        "";
    /// A list that names a list gets the items of that one, but not those of lists that these items name. Such a
    /// name is replaced later if its list was defined after the list that brought it, and otherwise stays text.
    ListOneLevel = "list-one-level", Language, Code(CODE),
        "compile_list_infos, rule_loader_compiler.cpp (engine)",
        "this is the name of a list, but stays text: references between lists are resolved one level deep";
    /// Lists are put into conditions as text: a list's name between blanks is replaced also inside of a quoted
    /// string.
    ListInQuotes = "list-in-quotes", Language, Code(CODE),
        "resolve_list, rule_loader_compiler.cpp (engine)",
        "the name of a list is replaced by its items also inside of quotes";
    /// Lists are put into conditions as text: `proc.name = my_list` compares with the item of a list of one item,
    /// and does not parse with another list.
    ListAsValue = "list-as-value", Language, Code(CODE),
        "resolve_list, rule_loader_compiler.cpp (engine)",
        "this is the name of a list of one item, which is compared; with another item the condition does not parse";
    /// `proc.name in shells` without parentheses asks for one value, the word itself: of a list of one item its
    /// item, of a name that is no list that name.
    ListWithoutParentheses = "list-without-parentheses", Language, Code(CODE),
        "parser::parse_check_condition, filter/parser.cpp (libs)",
        "without parentheses this is one value, compared as text; a list stands in parentheses: `in (my_list)`";
    /// Items of lists and values of exceptions go into conditions as text. One with a comma becomes two, and one
    /// with a blank gets quotes, in which its backslashes become escapes.
    ItemAsText = "item-as-text", Language, Code(CODE),
        "quote_item, rule_loader_compiler.cpp (engine)",
        "goes into the condition as text: a comma splits it, and a backslash in a value with blanks begins an escape";
    /// The `source` of an item with `override` is only looked at if `condition` is among its keys.
    OverrideSource = "override-source", Language, Code(CODE),
        "read_item, rule_loader_reader.cpp (engine)",
        "ignored: with `override`, `source` is only looked at if `condition` is overridden";
    /// Falco does not check the shape of exceptions that `override: replace` brings in and then reads comparisons
    /// that are not there. Here they are checked as in a definition.
    OverrideExceptions = "override-exceptions", Language, Code("LOAD_ERR_VALIDATE"),
        "collector::selective_replace, rule_loader_collector.cpp (engine)",
        "";
    /// What is appended to a condition is appended as text, without parentheses: `a or b` and then `and c` is `a or
    /// (b and c)`.
    AppendPrecedence = "append-precedence", Language, Code(CODE),
        "collector::append, rule_loader_collector.cpp (engine)",
        "joined as text: `a or b` with `and c` appended is `a or (b and c)`";
    /// With `append: true` only `condition` and `exceptions` of an item count. Other keys are ignored without a
    /// word from Falco.
    AppendIgnores = "append-ignores", Language, Code(CODE),
        "read_item, rule_loader_reader.cpp (engine)",
        "ignored: with `append: true` only `condition` and `exceptions` count; use `override`";
    /// An item with `enabled` and none of `condition`, `output`, `desc` and `priority` only switches the rule. Its
    /// other keys are ignored without a word from Falco.
    EnableIgnores = "enable-ignores", Language, Code(CODE),
        "read_item, rule_loader_reader.cpp (engine)",
        "ignored: an item that only enables or disables a rule has no other effect; use `override`";
    /// A list, macro or rule that is defined again counts in its last definition everywhere, also where it was used
    /// before. It keeps the place of its first one.
    RedefinedLater = "redefined-later", Language, Code(CODE),
        "collector::define, rule_loader_collector.cpp (engine)",
        "replaces the definition above, also where it was used before";
    /// A macro only sees macros that were first defined before its own last definition or addition. Rules see all.
    MacroOrder = "macro-order", Language, Code("LOAD_ERR_VALIDATE"),
        "resolve_macros, rule_loader_compiler.cpp (engine)",
        "";
    /// Everything is compiled after each file: a rule that uses a macro of a later file keeps Falco from starting.
    /// Here it loads.
    ForwardReference = "forward-reference", Language, Code("TH_FORWARD_REFERENCE"),
        "rule_loader::compiler::compile after each file, falco_engine.cpp (engine)",
        "";
    /// A string ends at the first quote that no backslash stands before, even if that backslash is itself escaped:
    /// `"a\\"` is not closed.
    QuoteLookBack = "quote-look-back", Language, Code(CODE),
        "parser::lex_quoted_str, filter/parser.cpp (libs)",
        "the quote after `\\\\` does not close the string: a quote after a backslash never does";
    /// In a quoted string a backslash before a blank stands for a backslash, and the blank is dropped.
    EscapedBlank = "escaped-blank", Language, Code(CODE),
        "escape_utils.cpp (libs)",
        "a backslash before a blank stands for the backslash, and the blank is dropped";
    /// `exists`, `in`, `intersects` and `pmatch` need no blank behind them: `a.b existsand c` is `a.b exists and
    /// c`.
    GluedOperator = "glued-operator", Language, Code(CODE),
        "parser::lex_unary_op and lex_list_op, filter/parser.cpp (libs)",
        "read as two words: no blank is needed after this operator";
    /// `oneof`, `anyof` and `allof` are modifiers only between blanks and before a list. Elsewhere they are the
    /// text that the field is compared with.
    ModifierAsText = "modifier-as-text", Language, Code(CODE),
        "parser::parse_check_condition, filter/parser.cpp (libs)",
        "a text, not a modifier: a modifier has a blank before it, a blank behind it, and a list";
    /// A field's name on the right side is text. A comparison with the field is written `val(field)`.
    FieldAsText = "field-as-text", Language, Code("LOAD_COMPILE_CONDITION"),
        "sinsp_filter_compiler, filter.cpp (libs)",
        "";
    /// In an output `%` is followed by the longest text that is a field: `%proc.nameand` prints the name and then
    /// `and`.
    OutputPrefix = "output-prefix", Language, Code(CODE),
        "sinsp_evt_formatter::set_format, eventformatter.cpp (libs)",
        "the longest beginning that is a field is printed, and what is left as text";
    /// Fields that only conditions can use (`fd.ip`, `fd.net`, `fd.port`) are accepted in outputs and print `<NA>`.
    FilterOnlyOutput = "filter-only-output", Language, Code(CODE),
        "sinsp_evt_formatter::set_format, eventformatter.cpp (libs)",
        "this field can only be compared: in an output it is always `<NA>`";
    /// `fd.ip in (...)` never matches: the length of the address is not handed to the lookup. `fd.ip = a or fd.ip =
    /// b`, or `fd.sip in (...) or fd.cip in (...)`, does.
    AddressInNever = "address-in", Rules, Code(CODE),
        "compare_ip, sinsp_filtercheck_fd.cpp (libs)",
        "`in` on this field never matches in Falco; use `=` joined by `or`";
    /// `fd.net in (a, b)` asks for the first network only.
    NetworkInFirstOnly = "network-in-first", Rules, Code(CODE),
        "compare_net, sinsp_filtercheck_fd.cpp (libs)",
        "only the first network of the list is used; use `=` joined by `or`";
    /// `fd.net intersects (...)` never matches a connection, only a listening socket, and there asks for the first
    /// network only.
    NetworkIntersectsNever = "network-intersects", Rules, Code(CODE),
        "compare_net, sinsp_filtercheck_fd.cpp (libs)",
        "`intersects` on this field never matches a connection in Falco; use `=`";
    /// `fd.ip`, `fd.port` and `fd.proto` with `intersects` stop Falco when they are evaluated; here they never
    /// match.
    EndsIntersectsFails = "ends-intersects", Rules, Code(CODE),
        "compare_ip, compare_port, sinsp_filtercheck_fd.cpp (libs)",
        "`intersects` on this field stops Falco at run time; it never matches here";
    /// Numeric `evt.rawarg.X in (...)` and `intersects` never match: the length of the number is not handed to the
    /// lookup. `=` works.
    RawNumberInNever = "raw-number-in", Rules, Code(CODE),
        "compare_nocache, sinsp_filtercheck_event.cpp (libs)",
        "`in` on a numeric raw argument never matches in Falco; use `=` joined by `or`";
    /// `evt.rawarg.X` of raw bytes is compared as if it were empty.
    RawBytesEmpty = "raw-bytes-empty", Rules, Code(CODE),
        "compare_nocache, sinsp_filtercheck_event.cpp (libs)",
        "raw arguments of bytes are compared as if they were empty in Falco";
    /// `proc.apid in (...)` and `intersects` without an index never match: the length of the id is not handed to
    /// the lookup.
    AncestorIdInNever = "ancestor-id-in", Rules, Code(CODE),
        "compare_full_apid, sinsp_filtercheck_thread.cpp (libs)",
        "`in` on all ancestors' ids never matches in Falco; use `=` joined by `or`";
    /// `!=` on a field of all ancestors is true if *some* ancestor differs; `not field = x` says that none is `x`.
    AncestorsNotEqual = "ancestors-not-equal", Rules, Code(CODE),
        "compare_full_aname and others, sinsp_filtercheck_thread.cpp (libs)",
        "true if some ancestor differs; `not field = x` says that no ancestor is x";
    /// `oneof`, `anyof` and `allof` are ignored on `fd.ip`, `fd.net`, `fd.port`, fields of all ancestors and
    /// `evt.rawarg`: only the first constant is used.
    ModifierIgnored = "modifier-ignored", Rules, Code(CODE),
        "compare of sinsp_filtercheck_fd.cpp (libs), sinsp_filtercheck_thread.cpp (libs)",
        "the modifier is ignored on this field: only the first value is used";
    /// `oneof` counts the values of the list that pass, and one that stands there twice counts twice: `= oneof (a,
    /// a)` is false for `a`.
    OneOfCounts = "oneof-counts", Rules, Code(CODE),
        "compare_rhs, sinsp_filtercheck.cpp (libs)",
        "a value that stands twice in the list passes twice, so that it never is the one: never true for it";
    /// A number that does not fit the field's type is cut to its width: port 70000 is port 4464, and an empty port
    /// is port 0.
    ConstantWraps = "constant-wraps", Rules, Code(CODE),
        "sinsp_filter_value_parser::string_to_rawval, filter_value.cpp (libs)",
        "the number does not fit the field's type and is cut to its width";
    /// A value that is absent makes a comparison false, whatever the operator: `fd.name != x` is false where there
    /// is no name, and `not fd.name = x` true.
    AbsentIsFalse = "absent-is-false", Rules, Not("Whether a value is there is decided by the events: it holds for every comparison."),
        "compare, sinsp_filtercheck.cpp (libs)",
        "";
    /// An address of the other family is different: `fd.sip != ::1` is true for every IPv4 address.
    FamilyDiffers = "family-differs", Rules, Not("It is what `!=` says; what the addresses are the events decide."),
        "flt_compare_ipv4net, filter_compare.cpp (libs)",
        "";
    /// A rule that asks for two kinds of event at once loads without a warning from Falco, and is only ever asked
    /// for asynchronous events.
    NoEventOfBoth = "async-only", Rules, Code("TH_NEVER_TRUE"),
        "ppm_event_codes, filter/ppm_codes.cpp (libs)",
        "";
    /// A disabled rule that is enabled by name or tag when Falco starts (here `--enable`) is asked after all
    /// others, which counts if only the first matching rule is reported.
    ReenabledLast = "reenabled-last", Rules, Not("What is enabled on the command line the rule's text does not show."),
        "filter_ruleset::enable, evttype_index_ruleset.cpp (engine)",
        "";
    /// Events of entering a system call are gone: `evt.dir` is `<` for every system call, and `evt.dir = >` never
    /// true for one.
    EventDirection = "event-direction", Fields, Code("TH_NEVER_TRUE"),
        "extract of TYPE_DIR, sinsp_filtercheck_event.cpp (libs)",
        "";
    /// `evt.latency` and its kin, and `evt.wait_latency`, are 0 for every event.
    LatencyZero = "latency-zero", Fields, Code(CODE),
        "extract of TYPE_LATENCY, sinsp_filtercheck_event.cpp (libs)",
        "always 0: Falco no longer has events of entering a system call";
    /// System calls that Falco records by number alone have no return value: `evt.res`, `evt.rawres` and
    /// `evt.failed` are absent.
    NoResult = "generic-no-result", Fields, Code("TH_NO_VALUE"),
        "has_return_value, event.cpp (libs)",
        "";
    /// `evt.arg` is the text that the argument is shown as: the name of a user, a flag or an enumerated value,
    /// never the number that stands for it.
    ArgumentName = "argument-name", Fields, Code(CODE),
        "get_argument of TYPE_ARGSTR, sinsp_filtercheck_event.cpp (libs)",
        "never true: the argument is shown as a name; its number is `evt.rawarg`";
    /// A field of a container that has no value is absent, and not the text `<NA>` that outputs print:
    /// `container.mount.dest[/x] in ("<NA>")` is never true, and `not` before it always.
    TextNa = "text-na", Fields, Code(CODE),
        "extract, sinsp_filtercheck_event.cpp (libs); container fields of plugins/container",
        "an absent value is not the text `<NA>`: a comparison with it is false, and with `not` before it true";
    /// A user or group whose name is not known has the text `<NA>` as name: `user.name exists` is true, and so is
    /// `user.name = <NA>`.
    NaIsText = "na-is-text", Fields, Not("Whether the name is known the trace decides."),
        "extract, sinsp_filtercheck_user.cpp (libs)",
        "";
    /// The argument of `container.mount` and its kin is no glob, but a regular expression that is searched anywhere
    /// in the path: `[/root*]` finds `/roo`.
    MountPattern = "mount-pattern", Fields, Code(CODE),
        "container.mount of plugins/container",
        "the argument is a regular expression that is searched anywhere: `*` repeats the character before it";
    /// `fs.path.name` is absent for a call that failed, but an open counts as failed only if it returned -1
    /// (EPERM).
    FailedOpenPath = "failed-open-path", Fields, Code(CODE),
        "extract, sinsp_filtercheck_fspath.cpp (libs)",
        "also of an open that fails, other than with EPERM: ask `evt.rawres >= 0` too";
    /// For rename `fs.path.source` is the old path, for link and symlink it is the new one.
    LinkSource = "link-source", Fields, Code(CODE),
        "sinsp_filtercheck_fspath.cpp (libs)",
        "for link and symlink the source is the path that is made, and the target what it leads to";
    /// An argument that is empty is absent for `evt.rawarg`: even `exists` is false, while `evt.arg` is the text
    /// `<NA>`.
    RawEmptyAbsent = "raw-empty-absent", Fields, Not("Whether the argument is empty the event decides."),
        "extract of TYPE_EVENT_ARGRAW, sinsp_filtercheck_event.cpp (libs)",
        "";
    /// `proc.aargs` without a number is one text, the arguments of all ancestors joined; other fields of ancestors
    /// ask each alone.
    AncestorArguments = "ancestor-arguments", Fields, Code(CODE),
        "extract of TYPE_AARGS, sinsp_filtercheck_thread.cpp (libs)",
        "the arguments of all ancestors joined to one text, not those of some ancestor; `proc.aargs[1]` is the parent's";
    /// Fields of all ancestors, as `proc.aname` without a number, ask every ancestor. Here they ask the nearest 4,096;
    /// `proc.aname[5000]` has no such bound.
    LongLine = "ancestors-without-bound", Fields, Not("How many ancestors a process has the events decide."),
        "compare_full_aname and others, sinsp_filtercheck_thread.cpp (libs)",
        "";
    /// `fd.typechar` of an open that failed is `o`, and of an openat that failed `f`.
    FailedOpenType = "failed-open-type", Fields, Not("Whether the call failed the events decide."),
        "extract of TYPE_FDTYPECHAR, sinsp_filtercheck_fd.cpp (libs)",
        "";
    /// A path relative to an unknown descriptor begins with `<UNKNOWN>`, without a separator: `<UNKNOWN>passwd`.
    UnknownFolder = "unknown-folder", Fields, Not("What descriptors a trace knows its events decide."),
        "parse_dirfd, parsers.cpp (libs)",
        "";
    /// `proc.name` stays what it was at exec: a process that renames itself (prctl) keeps its old name for rules.
    CommNotRenamed = "comm-not-renamed", State, Not("History differs from what a reader expects, not the rule: its text does not show it."),
        "parse_prctl_exit_event, parsers.cpp (libs)",
        "";
    /// An exec that failed is an event like others, and the process is still the old one: `proc.name` is the name
    /// of who tried.
    FailedExec = "failed-exec", State, Not("The official rules rely on it: nearly every rule about exec would be told of."),
        "parse_execve_exit, parsers.cpp (libs)",
        "";
    /// setreuid and setresuid with -1, which leave an id as it is, make `user.uid` 4294967295.
    SetuidMinusOne = "setuid-minus-one", State, Not("History differs from what a reader expects, not the rule: its text does not show it."),
        "parse_setresuid_exit, parsers.cpp (libs)",
        "";
    /// setpgid is not followed: `proc.pgid` and `proc.is_vpgid_leader` change only at exec and fork.
    GroupNotFollowed = "pgid-not-followed", State, Not("History differs from what a reader expects, not the rule: its text does not show it."),
        "parsers.cpp has no parser of setpgid (libs)",
        "";
    /// A relative chdir of a thread that is not the main one is joined with that thread's own working directory,
    /// which is empty. Here it changes the directory of its process, as it does in Linux.
    ThreadFolder = "thread-chdir", State, Not("History differs from what a reader expects, not the rule: its text does not show it."),
        "parse_chdir_exit, parsers.cpp (libs)",
        "";
    /// Every result of bpf that is not negative is taken for a new descriptor, also the 0 of a command that makes
    /// none. Here too for that event, but what the number referred to before stays for later ones.
    AnyBpfDescriptor = "bpf-any-descriptor", State, Not("History differs from what a reader expects, not the rule: its text does not show it."),
        "parse_bpf_exit, parsers.cpp (libs)",
        "";
    /// A new process has a copy of the descriptor table, even if clone shares it (CLONE_FILES). Here it is shared.
    TableCopied = "fd-table-copied", State, Not("History differs from what a reader expects, not the rule: its text does not show it."),
        "parse_clone_exit_caller, parsers.cpp (libs)",
        "";
}

/// A quirk that a comparison meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The comparison.
    pub leaf: LeafId,
    /// What is worth knowing.
    pub kind: WarningKind,
}

/// What is worth knowing about a comparison that compiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarningKind {
    /// It behaves in a way that surprises.
    Quirk(Quirk),
    /// The regular expression is plain text: another operator says the same at less cost.
    NeedlessRegex,
}

/// The quirks of comparing a field with constants.
pub(crate) fn of_constants(field: &FieldTraits, op: Op, modifier: Option<Modifier>) -> Vec<Quirk> {
    let mut quirks = Vec::new();
    let is_membership = matches!(op, Op::In | Op::Intersects);
    match (field.multiplicity, field.ty) {
        (Multiplicity::Ends, FieldType::Net) if op == Op::In => quirks.push(Quirk::NetworkInFirstOnly),
        (Multiplicity::Ends, FieldType::Net) if op == Op::Intersects => quirks.push(Quirk::NetworkIntersectsNever),
        (Multiplicity::Ends, _) if op == Op::Intersects => quirks.push(Quirk::EndsIntersectsFails),
        (Multiplicity::Ends, FieldType::Ip) if op == Op::In => quirks.push(Quirk::AddressInNever),
        (Multiplicity::Ancestors, ty) if ty.is_numeric() && is_membership => quirks.push(Quirk::AncestorIdInNever),
        (Multiplicity::Ancestors, _) if op == Op::Ne => quirks.push(Quirk::AncestorsNotEqual),
        _ => {}
    }
    if is_raw_argument(field) {
        match field.ty {
            ty if ty.is_numeric() && is_membership => quirks.push(Quirk::RawNumberInNever),
            FieldType::Bytes if op != Op::Exists => quirks.push(Quirk::RawBytesEmpty),
            _ => {}
        }
    }
    let has_own_code = matches!(field.multiplicity, Multiplicity::Ends | Multiplicity::Ancestors);
    if modifier.is_some() && (has_own_code || is_raw_argument(field)) {
        quirks.push(Quirk::ModifierIgnored);
    }
    quirks
}

/// The quirks of the constants themselves.
pub(crate) fn of_values(field: &FieldTraits, modifier: Option<Modifier>, constants: &[Vec<u8>]) -> Vec<Quirk> {
    let mut quirks = Vec::new();
    if constants.iter().any(|text| constant::is_cut(text, field.ty)) {
        quirks.push(Quirk::ConstantWraps);
    }
    if modifier == Some(Modifier::OneOf) {
        let mut sorted: Vec<&Vec<u8>> = constants.iter().collect();
        sorted.sort_unstable();
        if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
            quirks.push(Quirk::OneOfCounts);
        }
    }
    quirks
}

/// True for `evt.rawarg`, whose values are of the type of the event at hand.
pub(crate) fn is_raw_argument(field: &FieldTraits) -> bool {
    field.name == "evt.rawarg"
}

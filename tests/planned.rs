//! Planned rules give what a plain walk through every condition gives, on every event: random conditions over the
//! whole catalogue, on made-up and on recorded traces, asked window by window while the history grows.

mod support;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use proptest::prelude::*;
use support::root;
use support::soup::{Dice, soup};
use tracehound::rulefiles;
use tracehound_fields::{
    Actors, ArgPolicy, Context, FieldRef, OpenPart, Scope, Subject, Value, View, catalogue, resolve,
};
use tracehound_formats::{Input, Item, Seq};
use tracehound_rules::{
    Expr, LeafId, Matcher, Modifier, Op, Operand, Origin, Policy, Priority, Rhs, Rule, RuleId, RuleSet, Transform,
    UntypedLeaf, compile,
};
use tracehound_state::{Fact, Replay, ReplayOptions};

/// Fields as rules name them: every one of the catalogue, with some arguments.
fn all_fields() -> &'static [FieldRef] {
    static ALL: OnceLock<Vec<FieldRef>> = OnceLock::new();
    ALL.get_or_init(|| {
        const ARGUMENTS: &[&str] =
            &["", "[0]", "[1]", "[2]", "[7]", ".flags", ".name", ".path", ".fd", ".comm", "[app]"];
        let rows = catalogue::all().iter();
        let texts = rows.flat_map(|row| {
            let arguments = if row.arg == ArgPolicy::None { &ARGUMENTS[..1] } else { ARGUMENTS };
            arguments.iter().map(move |arg| format!("{}{arg}", row.name))
        });
        texts.filter_map(|text| resolve(&text).ok()).collect()
    })
}

/// Fields that differ between events of these traces.
const COMMON: &[&str] = &[
    "evt.type",
    "evt.dir",
    "evt.res",
    "evt.rawres",
    "evt.arg.flags",
    "evt.arg.path",
    "evt.is_open_read",
    "fd.name",
    "fd.num",
    "fd.typechar",
    "fd.ip",
    "fd.net",
    "fd.port",
    "fd.types",
    "fs.path.name",
    "proc.name",
    "proc.exepath",
    "proc.args",
    "proc.cmdline",
    "proc.cwd",
    "proc.pid",
    "proc.ppid",
    "proc.vpid",
    "proc.tty",
    "proc.pname",
    "proc.pcmdline",
    "proc.aname",
    "proc.aname[0]",
    "proc.aname[1]",
    "proc.aname[2]",
    "proc.aname[3]",
    "proc.aexepath",
    "proc.aargs",
    "proc.apid",
    "proc.sname",
    "proc.nthreads",
    "proc.stdin.type",
    "user.uid",
    "user.name",
    "thread.cap_effective",
    "container.id",
    "container.name",
    "container.image.repository",
    "k8s.ns.name",
];

/// Events of a window that are asked about.
const MAX_ASKED: usize = 300;

/// Replays a trace as the pipeline does: rules are asked about a few events at a time, with the history as of then.
fn each_window(items: &[Item], context: &Context, mut f: impl FnMut(&[View<'_>])) {
    let mut replay = Replay::new(ReplayOptions::default());
    for item in items {
        match item {
            Item::Section(section) => replay.section(section, Seq(1)),
            Item::Batch(batch) => {
                let mut facts: Vec<Fact> = Vec::new();
                replay.batch(batch, &mut facts);
                let views: Vec<View<'_>> = batch
                    .iter()
                    .zip(&facts)
                    .map(|(event, fact)| View { event, fact, history: replay.history(), context })
                    .collect();
                f(&views[..views.len().min(MAX_ASKED)]);
            }
        }
    }
}

fn rule(condition: Expr) -> Rule {
    Rule {
        name: "made up".into(),
        description: String::new(),
        priority: Priority::Notice,
        tags: vec![],
        source: "syscall".into(),
        is_enabled: true,
        condition,
        output: vec![],
        output_text: String::new(),
        condition_text: String::new(),
        origin: Origin::default(),
    }
}

/// A condition over fields, with constants that are values of these fields on some event, or parts of one.
fn condition(dice: &mut Dice, fields: &[FieldRef], views: &[View<'_>], depth: usize) -> Expr {
    match dice.roll(if depth == 0 { 1 } else { 5 }) {
        1 => Expr::Not(Box::new(condition(dice, fields, views, depth - 1))),
        2 | 3 => Expr::And((0..2 + dice.roll(2)).map(|_| condition(dice, fields, views, depth - 1)).collect()),
        4 => Expr::Or((0..2 + dice.roll(3)).map(|_| condition(dice, fields, views, depth - 1)).collect()),
        _ => {
            let mut tries = (0..20).map(|_| leaf(dice, fields, views));
            tries.find(|leaf| compile(leaf).is_ok()).unwrap_or(Expr::Const(true))
        }
    }
}

fn field(dice: &mut Dice, fields: &[FieldRef]) -> FieldRef {
    if dice.roll(3) > 0 { resolve(dice.pick::<&str>(COMMON)).expect("a field") } else { dice.pick(fields).clone() }
}

fn leaf(dice: &mut Dice, fields: &[FieldRef], views: &[View<'_>]) -> Expr {
    let field_ref = field(dice, fields);
    let mut lhs = Operand::Field(field_ref.clone());
    if dice.roll(6) == 0 {
        let transform = *dice.pick(&[Transform::ToLower, Transform::ToUpper, Transform::Basename, Transform::Len]);
        lhs = Operand::Call { transform, args: vec![lhs], index: None };
    }
    let op = *dice.pick(&Op::ALL);
    let modifier =
        if dice.roll(8) == 0 { Some(*dice.pick(&[Modifier::OneOf, Modifier::AnyOf, Modifier::AllOf])) } else { None };
    let rhs = match op {
        Op::Exists => Rhs::None,
        _ if dice.roll(12) == 0 => {
            let other = if dice.roll(2) == 0 { field_ref } else { field(dice, fields) };
            Rhs::Operand(Operand::Call { transform: Transform::Val, args: vec![Operand::Field(other)], index: None })
        }
        _ => {
            let n = if op.takes_list() || modifier.is_some() { dice.roll(4) } else { 1 };
            Rhs::Constants((0..n).map(|_| constant(dice, &field_ref, op, views)).collect())
        }
    };
    let modifier = modifier.filter(|_| matches!(rhs, Rhs::Constants(_)) && !op.takes_list());
    Expr::Leaf(Arc::new(UntypedLeaf { lhs, op, modifier, rhs }), LeafId(0))
}

fn constant(dice: &mut Dice, field: &FieldRef, op: Op, views: &[View<'_>]) -> Vec<u8> {
    let text = |value: &Value<'_>| match value {
        Value::Bool(v) => v.to_string().into_bytes(),
        Value::Int(v) => v.to_string().into_bytes(),
        Value::Uint(v) => v.to_string().into_bytes(),
        Value::Double(v) => (*v as i64).to_string().into_bytes(),
        Value::Ip(v) if field.field().name.contains("net") => format!("{v}/24").into_bytes(),
        Value::Ip(v) => v.to_string().into_bytes(),
        Value::Str(v) => v.to_vec(),
        Value::Bytes(v) => v.to_vec(),
        Value::Null | Value::List(_) => b"1".to_vec(),
    };
    let values = (0..8).map(|_| dice.pick(views).get(field));
    let mut constant = match values.into_iter().find(|value| !value.is_null()) {
        Some(Value::List(items)) if !items.is_empty() => text(dice.pick(&items)),
        Some(value) => text(&value),
        None => b"1".to_vec(),
    };
    constant.retain(|&b| b != 0);
    let (from, to) = (dice.roll(constant.len() + 1), dice.roll(constant.len() + 1));
    match op {
        Op::Contains | Op::IContains => constant[from.min(to)..from.max(to)].to_vec(),
        Op::StartsWith => constant[..to].to_vec(),
        Op::EndsWith => constant[from..].to_vec(),
        Op::Glob | Op::IGlob => {
            let mut glob = constant[..from.min(to)].to_vec();
            glob.push(*dice.pick(b"*?["));
            glob.extend_from_slice(&constant[from.max(to)..]);
            glob
        }
        _ => constant,
    }
}

/// Asks random rules about every event of a trace, and compares with the plain walk.
fn check(seed: u64, items: &[Item], context: &Context, more: &[Rule]) {
    let mut dice = Dice(seed);
    let fields = all_fields();
    // The rules come from values of the whole trace.
    let mut rules: Vec<Rule> = more.to_vec();
    each_window(items, context, |views| {
        for _ in 0..if rules.len() > more.len() + 12 { 0 } else { 6 } {
            rules.push(rule(condition(&mut dice, fields, views, 3)));
        }
    });
    let (set, errors) = RuleSet::plan(rules);
    assert_eq!(errors, []);
    for policy in [Policy::All, Policy::First] {
        // Every third time with so little memory that it starts anew at almost every event.
        let max_memory = if dice.roll(3) == 0 { 1 << 10 } else { 32 << 20 };
        let mut matcher = Matcher::new(&set, policy, Priority::Debug).with_memory(max_memory);
        let mut n_events = 0;
        each_window(items, context, |views| {
            matcher.refresh();
            for view in views {
                let plainly: Vec<RuleId> = set.matches_plainly(view, policy, Priority::Debug).collect();
                let planned = matcher.matches(view);
                assert_eq!(planned, plainly, "seed {seed}, event {}: {:?}", view.seq().0, {
                    let wrong = planned.iter().chain(&plainly).find(|id| planned.contains(id) != plainly.contains(id));
                    wrong.map(|id| set.rule(*id).rule().clone())
                });
                n_events += 1;
            }
        });
        assert!(n_events > 0);
    }
}

/// Recorded traces: the samples, and parts of the reference captures where they are.
fn recorded() -> Vec<(PathBuf, Vec<Item>)> {
    const MAX_BATCHES: usize = 2;
    let is_trace = |path: &Path| path.to_str().is_some_and(|p| p.ends_with(".trace") || p.ends_with(".trh"));
    let mut paths: Vec<PathBuf> = files(&root().join("samples")).into_iter().filter(|path| is_trace(path)).collect();
    let captures =
        std::env::var_os("TRACEHOUND_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from).join("captures");
    if captures.is_dir() {
        for folder in ["host", "synthetic", "vm", "large"] {
            let all = files(&captures.join(folder));
            paths.extend(all.into_iter().filter(|path| path.to_string_lossy().contains(".scap")));
        }
    } else {
        tracehound_skipped::skipped!("planned rules on captures: none at {}", captures.display());
    }
    let read = |path: PathBuf| {
        let input = Input::open(&path).ok()?;
        let mut reader = tracehound_formats::open(input).ok()?;
        let mut items = Vec::new();
        while let Some(item) = reader.next_item() {
            items.push(item);
            if items.iter().filter(|item| matches!(item, Item::Batch(_))).count() == MAX_BATCHES {
                break;
            }
        }
        Some((path, items))
    };
    paths.into_iter().filter_map(read).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    files
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn made_up_traces(seed: u64) {
        check(seed, &soup(seed, 4, 60), &Context::default(), &[]);
    }
}

#[test]
fn recorded_traces() {
    let own = rulefiles::load(&[root().join("rules")]).expect("the default rules");
    let own: Vec<Rule> = own.rules.rules().iter().map(|planned| planned.rule().clone()).collect();
    for (seed, (path, items)) in (0..).zip(recorded()) {
        eprintln!("{}", path.display());
        check(seed, &items, &Context::default(), &own);
    }
}

/// What the memory of planned rules rests on: events with the same part of the actor's state have the same values.
#[test]
fn parts_of_state_decide_values() {
    let scoped: Vec<(Scope, &FieldRef)> =
        all_fields().iter().filter_map(|field| Some((field.depends().scope()?, field))).collect();
    for scope in Scope::ALL {
        assert!(scoped.iter().any(|(own, _)| *own == scope), "{scope:?}");
    }
    let made_up = (0..40).map(|seed| (PathBuf::from(format!("soup {seed}")), soup(seed, 4, 60)));
    let (mut n_values, mut n_parts) = (0u64, 0u64);
    for (path, items) in recorded().into_iter().chain(made_up) {
        let mut actors = Actors::default();
        let mut values: HashMap<(Scope, u32, usize), String> = HashMap::new();
        each_window(&items, &Context::default(), |views| {
            actors.refresh();
            for view in views.iter().step_by(1 + views.len() / 1000) {
                let Some(actor) = view.actor(&mut actors) else { continue };
                for (i, (scope, field)) in scoped.iter().enumerate() {
                    let Some(part) = actors.part(actor, *scope) else { continue };
                    let value = format!("{:?}", view.get(field));
                    n_values += 1;
                    let known = values.entry((*scope, part, i)).or_insert_with(|| {
                        n_parts += 1;
                        value.clone()
                    });
                    assert_eq!(*known, value, "{}: {} of event {}", path.display(), field.text, view.seq().0);
                }
            }
        });
    }
    assert!(n_values > 4 * n_parts, "states are shared: {n_values} values of {n_parts} parts");
}

/// What answers by key rest on: within a history, events with the same key of a field have the same value of it.
#[test]
fn keys_decide_values() {
    let with_keys: Vec<&FieldRef> = all_fields().iter().filter(|field| field.field().key.is_some()).collect();
    let made_up = (0..40).map(|seed| (PathBuf::from(format!("soup {seed}")), soup(seed, 4, 60)));
    let (mut n_values, mut n_keys) = (0u64, 0u64);
    for (path, items) in recorded().into_iter().chain(made_up) {
        let mut values: HashMap<(u64, usize), String> = HashMap::new();
        each_window(&items, &Context::default(), |views| {
            for view in views {
                for (i, field) in with_keys.iter().enumerate() {
                    let Some(key) = view.key(field) else { continue };
                    let value = format!("{:?}", view.get(field));
                    n_values += 1;
                    let known = values.entry((key, i)).or_insert_with(|| {
                        n_keys += 1;
                        value.clone()
                    });
                    assert_eq!(*known, value, "{}: {} of event {}", path.display(), field.text, view.seq().0);
                }
            }
        });
    }
    assert!(n_values > 4 * n_keys, "keys are shared: {n_values} values of {n_keys} keys");
}

/// What jumps over questions rest on: within a history, opens with the same numbers have the same values of all fields
/// that are told by them. And planned rules, asked until they jump, give what a plain walk gives.
#[test]
fn keys_of_opens_decide_values() {
    let told = |part: OpenPart| -> Vec<&FieldRef> {
        all_fields().iter().filter(|field| field.told_by() == Some(part)).collect()
    };
    let (of_call, of_file) = (told(OpenPart::Call), told(OpenPart::File));
    assert!(of_call.iter().any(|field| field.text == "evt.arg.flags"));
    assert!(of_file.iter().any(|field| field.text == "fd.name"));
    let files = rulefiles::load(&[root().join("rules")]).expect("the default rules");
    let rules = &files.rules;
    let made_up = (0..40).map(|seed| (PathBuf::from(format!("soup {seed}")), soup(seed, 4, 60)));
    let (mut n_values, mut n_keys) = (0u64, 0u64);
    for (path, items) in recorded().into_iter().chain(made_up) {
        let mut values: HashMap<(OpenPart, u64), Vec<String>> = HashMap::new();
        let mut matcher = Matcher::new(rules, Policy::All, Priority::Debug);
        each_window(&items, &Context::default(), |views| {
            matcher.refresh();
            let opens: Vec<_> = views.iter().filter_map(|view| Some((view, view.open_key()?))).collect();
            // As often as it takes to know what is usual, and once more.
            let n_rounds = if n_values == 0 { 8192_usize.div_ceil(opens.len().max(1)) + 1 } else { 1 };
            for _ in 0..n_rounds {
                for (view, _) in &opens {
                    let plainly: Vec<RuleId> = rules.matches_plainly(*view, Policy::All, Priority::Debug).collect();
                    assert_eq!(matcher.matches(*view), plainly, "{}: event {}", path.display(), view.seq().0);
                }
            }
            for (view, key) in opens {
                let file = key.file.map(|file| (OpenPart::File, file, &of_file));
                for (part, key, fields) in [Some((OpenPart::Call, key.call, &of_call)), file].into_iter().flatten() {
                    let own: Vec<String> = fields.iter().map(|field| format!("{:?}", view.get(field))).collect();
                    n_values += 1;
                    let known = values.entry((part, key)).or_insert_with(|| {
                        n_keys += 1;
                        own.clone()
                    });
                    assert_eq!(*known, own, "{}: event {}", path.display(), view.seq().0);
                }
            }
        });
    }
    assert!(n_values > 2 * n_keys, "keys are shared: {n_values} values of {n_keys} keys");
}

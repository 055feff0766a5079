//! What becomes of an event of a type and parameter count: worked out once from the tables, looked up per event.
//!
//! libscap converts old events step by step while it reads. Here the steps are followed symbolically when the
//! first event of a type is read, so that reading an event is one lookup and a walk over its arguments. Two things
//! differ from libscap on purpose: an argument that no source has is absent instead of zero (a descriptor 0 from
//! nowhere would read as standard input), and arguments that libscap drops with the enter event are kept
//! ([`KEPT`]).

use std::sync::OnceLock;

use super::tables::type_flags::{LARGE, MANAGED, OLD, UNUSED};
use super::tables::{Action, From, RULES, Rule, TYPES, Wire};
use crate::event::kind::{ArgSpec, ArgType, KindId};
use crate::event::{dynamic, syscalls};

/// What to do with events of one type and parameter count.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) verdict: Verdict,
    /// The vocabulary's kind; [`syscalls::GENERIC`] stands for the one its first parameter names.
    pub(super) kind: KindId,
    /// Where each argument of the kind comes from, in order; trailing absent ones are left out.
    pub(super) ops: Box<[Op]>,
    /// How many of them are left when nothing comes from an enter event and trailing absent ones are left out.
    pub(super) n_unpaired: usize,
    /// How to read an event whose arguments are its parameters, each in its place; none of other types and counts.
    pub(super) direct: Option<Box<[Direct]>>,
    /// Present exactly for [`Verdict::Enter`].
    pub(super) enter: Option<EnterPlan>,
    /// True if a system call's exit may be paired with an enter event.
    pub(super) is_exit: bool,
    /// True if the event ends its thread.
    pub(super) ends_thread: bool,
}

/// What becomes of an event as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Delivered and counted.
    Deliver,
    /// An enter event: kept until its exit event comes.
    Enter,
    /// Carries something, but Falco neither shows nor counts it: delivered after the last event.
    Late,
    /// Carries nothing.
    Drop,
}

/// Source and decoding of one argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Op {
    /// Index of the parameter: of the event, or of the converted enter event for [`How::Enter`].
    pub(super) src: u8,
    pub(super) how: How,
}

/// Decoding of one argument that is the parameter in its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Direct {
    pub(super) how: How,
    /// Bytes of an integer; 0 of what is none, or not just the integer that stands there.
    pub(super) width: u8,
    pub(super) is_signed: bool,
}

impl Direct {
    fn of(how: How) -> Direct {
        let (width, is_signed) = match how {
            How::U1 => (1, false),
            How::U2 => (2, false),
            How::U4 => (4, false),
            How::U8 => (8, false),
            How::S1 => (1, true),
            How::S2 => (2, true),
            How::S4 => (4, true),
            _ => (0, false),
        };
        Direct { how, width, is_signed }
    }
}

/// Decoding of one argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    U1,
    U2,
    U4,
    U8,
    S1,
    S2,
    S4,
    /// Eight bytes in the file of which the vocabulary has the lower four (the command of old bpf events).
    U8Low4,
    Text,
    Bytes,
    Addr,
    Tuple,
    FdList,
    /// One of [`DYN_TABLES`].
    Dyn(u8),
    /// An integer behind a type index, where the vocabulary has the integer alone: results of old bpf events, which
    /// libscap cuts to their first eight bytes, index included.
    DynInt,
    Ip4,
    Ip6,
    /// Taken from the enter event, if its converted type is this one.
    Enter(u16),
    /// JSON text of an old container event's four parameters.
    ContainerJson,
    Absent,
}

/// Tables of types that [`How::Dyn`] chooses from.
pub(super) static DYN_TABLES: [&[ArgType]; 4] = [&dynamic::SOCKOPT, &dynamic::PTRACE, &dynamic::BPF, &dynamic::KEYCTL];

/// What an enter event of one type and count gives to its exit event.
#[derive(Debug)]
pub(super) struct EnterPlan {
    /// Its type after conversion, which exit events ask for.
    pub(super) converted: u16,
    /// Own parameter for each parameter after conversion.
    pub(super) params: Box<[Option<u8>]>,
    /// True if Falco delivers it as an event of its own, so that it takes a number.
    pub(super) is_counted: bool,
    /// Arguments of the completed system call that can be told without the exit event.
    pub(super) unfinished: Box<[(u8, Op)]>,
    /// Arguments that libscap does not move.
    pub(super) kept: Box<[Kept]>,
}

/// An argument of an enter event that is kept although libscap drops it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    /// Own parameter.
    pub(super) op: Op,
    /// Argument of the completed system call; filled if the exit event does not have it.
    pub(super) arg: u8,
    /// Argument that takes the value if the exit event has another one.
    pub(super) if_different: Option<u8>,
}

/// Enter parameters that libscap's rules do not move, with the argument that takes them.
///
/// The names of opened files are kept a second time when the exit event has another one: the path was changed
/// between the two reads, which is an attack on whoever checks it.
const KEPT: &[(u16, u8, &str)] = &[
    (2, 0, "name"),
    (2, 1, "flags"),
    (2, 2, "mode"),
    (58, 0, "name"),
    (58, 1, "mode"),
    (76, 0, "fd"),
    (80, 0, "requested_fds"),
    (188, 2, "requested_offset"),
    (254, 0, "requested_fds"),
    (258, 0, "flags"),
    (306, 0, "dirfd"),
    (306, 1, "name"),
    (306, 2, "flags"),
    (306, 3, "mode"),
    (326, 0, "dirfd"),
    (326, 1, "name"),
    (326, 2, "flags"),
    (326, 3, "mode"),
    (326, 4, "resolve"),
    (330, 0, "dirfd"),
    (330, 1, "pathname"),
    (330, 2, "at_flags"),
    (362, 0, "oldfd"),
    (364, 0, "oldfd"),
    (366, 0, "oldfd"),
    (368, 0, "cmd"),
];

/// Name of the argument that takes a value differing between enter and exit.
const AT_ENTER: &str = "name_at_enter";

/// Conversion steps after which the rules would be circular; libscap's own chains have at most 20.
const MAX_STEPS: usize = 64;

/// Plans by type, then by parameter count. Those of a type are made when the first of its events is read: a capture has a
/// tenth of the types.
pub(super) struct Plans {
    by_code: [OnceLock<Box<[Plan]>>; TYPES.len()],
}

impl Plans {
    /// The plan for a known type; more parameters than known are read as the known ones.
    pub(super) fn get(&self, code: u16, n_params: usize) -> &Plan {
        let plans = self.by_code[usize::from(code)]
            .get_or_init(|| (0..=TYPES[usize::from(code)].params.len()).map(|n| plan(code, n)).collect());
        &plans[n_params.min(plans.len() - 1)]
    }

    /// The plan for a type and count whose arguments are its parameters, each in its place, if it was made
    /// ([`Plans::get`]).
    #[inline(always)]
    pub(super) fn direct(&self, code: u16, n_params: u32) -> Option<(&Plan, &[Direct])> {
        let plan = self.by_code.get(usize::from(code))?.get()?.get(n_params as usize)?;
        Some((plan, plan.direct.as_deref()?))
    }
}

/// The plans of all types.
pub(super) fn plans() -> &'static Plans {
    static PLANS: Plans = Plans { by_code: [const { OnceLock::new() }; TYPES.len()] };
    &PLANS
}

/// Source of a parameter while the rules are followed.
#[derive(Clone, Copy, Debug)]
enum Source {
    Own(u8),
    /// Parameter of the enter event of this (converted) type.
    Enter(u16, u8),
    Nothing,
    ContainerJson,
}

/// What the rules make of an event.
#[derive(Debug)]
struct Converted {
    code: u16,
    params: Vec<Source>,
    /// libscap delivers it.
    is_delivered: bool,
}

fn rule(code: u16, n_params: usize) -> Option<&'static Rule> {
    let at = RULES.binary_search_by_key(&(code, n_params), |r| (r.code, usize::from(r.n_params))).ok()?;
    Some(&RULES[at])
}

/// A count of parameters near `n` that has a rule; no release wrote others, a damaged or foreign file might.
fn nearest_count(code: u16, n: usize) -> Option<usize> {
    let counts = || RULES.iter().filter(|r| r.code == code).map(|r| usize::from(r.n_params));
    counts().filter(|&c| c >= n).min().or_else(|| counts().max())
}

/// Follows the rules.
fn convert(code: u16, n: usize) -> Converted {
    let mut code = code;
    let mut params: Vec<Source> = (0..n as u8).map(Source::Own).collect();
    for _ in 0..MAX_STEPS {
        let ty = &TYPES[usize::from(code)];
        let is_enter = code.is_multiple_of(2);
        let done = |params, is_delivered| Converted { code, params, is_delivered };
        if ty.has(UNUSED) {
            return done(params, false);
        }
        if !ty.has(MANAGED) {
            return done(params, !(ty.has(OLD) && is_enter));
        }
        if !is_enter && !ty.has(OLD) && params.len() == ty.params.len() {
            return done(params, true);
        }
        let Some(rule) = rule(code, params.len()) else {
            let next = nearest_count(code, params.len()).unwrap_or(ty.params.len());
            if next == params.len() || is_enter {
                return done(params, false);
            }
            // Parameters are only ever appended to a type, so that what is there keeps its place in a type that is
            // still in use; types that became others have to meet one of their rules.
            let next = if next < params.len() && !ty.has(OLD) { ty.params.len() } else { next };
            params.resize(next, Source::Nothing);
            continue;
        };
        let source = |from: &From| match *from {
            From::Own(i) => params.get(usize::from(i)).copied().unwrap_or(Source::Nothing),
            From::Enter(i) => Source::Enter(code - 1, i),
            From::Nothing => Source::Nothing,
            From::ContainerJson => Source::ContainerJson,
        };
        match rule.action {
            Action::Store => return done(params, false),
            Action::Pass | Action::StoreAndPass => return done(params, true),
            Action::Add(sources) => {
                let added: Vec<Source> = sources.iter().map(source).collect();
                params.extend(added);
            }
            Action::Change(to, sources) => {
                params = sources.iter().map(source).collect();
                code = to;
            }
        }
    }
    Converted { code, params, is_delivered: false }
}

/// How a parameter becomes an argument of a type.
pub(super) fn how(wire: Wire, ty: ArgType) -> How {
    match (wire, ty.is_signed()) {
        (Wire::W1, false) => How::U1,
        (Wire::W1, true) => How::S1,
        (Wire::W2, false) => How::U2,
        (Wire::W2, true) => How::S2,
        (Wire::W4, false) => How::U4,
        (Wire::W4, true) => How::S4,
        (Wire::W8, _) if ty.int_width() == Some(4) => How::U8Low4,
        (Wire::W8, _) => How::U8,
        (Wire::Text, _) => How::Text,
        (Wire::Bytes, _) => How::Bytes,
        (Wire::Addr, _) => How::Addr,
        (Wire::Tuple, _) => How::Tuple,
        (Wire::FdList, _) => How::FdList,
        (Wire::Ip4, _) => How::Ip4,
        (Wire::Ip6, _) => How::Ip6,
        (Wire::Dyn, _) => match ty {
            ArgType::Dyn(types) => {
                let table = DYN_TABLES.iter().position(|t| std::ptr::eq(*t, types));
                table.map_or(How::Bytes, |t| How::Dyn(t as u8))
            }
            _ => How::DynInt,
        },
    }
}

/// The operation that takes own parameter `i` of type `code` as an argument.
fn own_op(code: u16, i: u8, spec: &ArgSpec) -> Op {
    match TYPES[usize::from(code)].params.get(usize::from(i)) {
        Some(&wire) => Op { src: i, how: how(wire, spec.ty) },
        None => Op { src: 0, how: How::Absent },
    }
}

fn plan(code: u16, n: usize) -> Plan {
    let converted = convert(code, n);
    let is_enter = converted.code.is_multiple_of(2);
    let dropped = Plan {
        verdict: Verdict::Drop,
        kind: KindId(code),
        ops: Box::default(),
        n_unpaired: 0,
        direct: None,
        enter: None,
        is_exit: false,
        ends_thread: false,
    };
    if is_enter && KindId(converted.code).get().is_none() {
        // Enter event of a system call: its exit type is the next one.
        let exit = convert(code + 1, TYPES[usize::from(code) + 1].params.len());
        let Some(kind) = KindId(exit.code).get().filter(|kind| kind.is_syscall) else { return dropped };
        return Plan {
            verdict: Verdict::Enter,
            kind: kind.id,
            enter: Some(enter_plan(code, &converted, kind.args)),
            ..dropped
        };
    }
    let Some(kind) = KindId(converted.code).get() else { return dropped };
    if !converted.is_delivered && converted.params.is_empty() {
        return dropped;
    }
    let mut ops: Vec<Op> = std::iter::zip(&converted.params, kind.args)
        .map(|(source, spec)| match *source {
            Source::Own(i) => own_op(code, i, spec),
            Source::Enter(of, i) => Op { src: i, how: How::Enter(of) },
            Source::Nothing => Op { src: 0, how: How::Absent },
            Source::ContainerJson => Op { src: 0, how: How::ContainerJson },
        })
        .collect();
    while ops.last().is_some_and(|op| op.how == How::Absent) {
        ops.pop();
    }
    let is_direct = converted.is_delivered
        && kind.id != syscalls::GENERIC
        && !TYPES[usize::from(code)].has(LARGE)
        && ops.len() == n
        && ops.iter().enumerate().all(|(i, op)| {
            usize::from(op.src) == i && !matches!(op.how, How::Absent | How::Enter(_) | How::ContainerJson)
        });
    Plan {
        direct: is_direct.then(|| ops.iter().map(|op| Direct::of(op.how)).collect()),
        verdict: if converted.is_delivered { Verdict::Deliver } else { Verdict::Late },
        kind: kind.id,
        n_unpaired: ops.iter().rposition(|op| !matches!(op.how, How::Absent | How::Enter(_))).map_or(0, |i| i + 1),
        ops: ops.into(),
        enter: None,
        is_exit: kind.is_syscall,
        ends_thread: kind.id == crate::event::pseudo::PROCEXIT,
    }
}

fn enter_plan(code: u16, converted: &Converted, args: &[ArgSpec]) -> EnterPlan {
    let params: Box<[Option<u8>]> = converted
        .params
        .iter()
        .map(|source| match *source {
            Source::Own(i) => Some(i),
            _ => None,
        })
        .collect();
    let arg_index = |name: &str| args.iter().position(|spec| spec.name == name).map(|i| i as u8);
    let kept: Box<[Kept]> = KEPT
        .iter()
        .filter(|&&(of, ..)| of == code)
        .filter_map(|&(_, param, name)| {
            let arg = arg_index(name)?;
            let if_different = if name == "name" { arg_index(AT_ENTER) } else { None };
            Some(Kept { op: own_op(code, param, &args[usize::from(arg)]), arg, if_different })
        })
        .collect();
    // The count of the exit event whose rules move the most from this enter event: the oldest one that has them.
    let moved = (0..=TYPES[usize::from(code) + 1].params.len())
        .map(|n| {
            let exit = convert(code + 1, n);
            std::iter::zip(exit.params, args)
                .enumerate()
                .filter_map(|(at, (source, spec))| match source {
                    Source::Enter(of, i) if of == converted.code => {
                        let own = (*params.get(usize::from(i))?)?;
                        Some((at as u8, own_op(code, own, spec)))
                    }
                    _ => None,
                })
                .collect::<Vec<_>>()
        })
        .max_by_key(Vec::len)
        .unwrap_or_default();
    let mut unfinished = moved;
    for k in &kept {
        if unfinished.iter().all(|&(arg, _)| arg != k.arg) {
            unfinished.push((k.arg, k.op));
        }
    }
    if code == 0 {
        // A system call recorded by number alone is named by the number.
        unfinished = vec![(0, own_op(code, 0, &args[0])), (1, own_op(code, 1, &args[1]))];
    }
    unfinished.sort_by_key(|&(arg, _)| arg);
    EnterPlan {
        converted: converted.code,
        params,
        is_counted: converted.is_delivered,
        unfinished: unfinished.into(),
        kept,
    }
}

/// Kind of a generic event.
pub(super) fn generic_kind(id: u64) -> KindId {
    u16::try_from(id).ok().and_then(KindId::generic).unwrap_or(syscalls::GENERIC)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::pseudo;

    fn check(code: u16, n: usize, verdict: Verdict, kind: KindId) -> &'static Plan {
        let plan = plans().get(code, n);
        assert_eq!((plan.verdict, plan.kind), (verdict, kind), "{code}/{n}");
        plan
    }

    #[test]
    fn verdicts() {
        check(307, 7, Verdict::Deliver, syscalls::OPENAT);
        check(303, 4, Verdict::Deliver, syscalls::UNLINKAT);
        check(6, 2, Verdict::Enter, syscalls::READ);
        check(66, 0, Verdict::Enter, syscalls::STAT);
        check(12, 0, Verdict::Enter, syscalls::EXECVE);
        check(16, 0, Verdict::Deliver, pseudo::PROCEXIT);
        check(228, 4, Verdict::Deliver, pseudo::CONTAINER);
        check(260, 1, Verdict::Late, pseudo::K8S);
        check(269, 3, Verdict::Late, pseudo::TRACER_END);
        check(153, 0, Verdict::Drop, KindId(153));
    }

    #[test]
    fn chains_are_followed_to_the_current_type() {
        // mkdir of 2014: path comes from the enter event, mode too.
        let plan = check(99, 1, Verdict::Deliver, syscalls::MKDIR);
        assert_eq!(plan.ops.len(), 3);
        assert!(matches!(plan.ops[1].how, How::Enter(98)));
        // execve of 2014 keeps its arguments in place.
        let plan = check(13, 8, Verdict::Deliver, syscalls::EXECVE);
        assert_eq!(plan.ops[0], Op { src: 0, how: How::U8 });
        assert_eq!(plan.ops[7].src, 7);
    }

    #[test]
    fn every_kept_parameter_has_its_argument() {
        for &(code, param, name) in KEPT {
            let plan = plans().get(code, TYPES[usize::from(code)].params.len());
            let enter = plan.enter.as_ref().unwrap_or_else(|| panic!("{code} is an enter event"));
            assert!(enter.kept.iter().any(|k| k.op.src == param), "{code} {name}");
        }
    }

    #[test]
    fn enter_events_give_everything_they_carry() {
        for (code, ty) in TYPES.iter().enumerate() {
            let plan = plans().get(code as u16, ty.params.len());
            let Some(enter) = &plan.enter else { continue };
            for i in 0..ty.params.len() as u8 {
                // The name in the old type of execve goes through a conversion of the enter event.
                assert!(enter.unfinished.iter().any(|(_, op)| op.src == i), "{} parameter {i}", ty.name);
            }
        }
    }

    #[test]
    fn plans_of_every_count_name_existing_parameters() {
        for code in 0..TYPES.len() as u16 {
            for n in 0..=TYPES[usize::from(code)].params.len() {
                let plan = plans().get(code, n);
                for op in &plan.ops {
                    assert!(matches!(op.how, How::Enter(_) | How::Absent) || usize::from(op.src) < n.max(1));
                }
            }
        }
    }
}

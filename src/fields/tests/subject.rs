//! What rules ask of an event.

use tracehound_fields::{Context, Subject, View, resolve, subject};
use tracehound_formats::event::kind::{self, KindId};
use tracehound_formats::event::{Arg, Batch, Head, generic, pseudo, syscalls};
use tracehound_formats::{Nanos, Seq, Tid};
use tracehound_state::Replay;

/// Rules are picked by code and compare names: both must say the same, also where arguments name the kind.
#[test]
fn code_and_name_of_a_kind_agree() {
    let fetch = generic::SYSCALL_IDS.iter().find(|(_, name)| *name == "fdatasync").expect("a system call").0;
    let named: Vec<(KindId, Vec<Arg<'_>>, &str)> = vec![
        (pseudo::ASYNCEVENT, vec![Arg::Int(0), Arg::Bytes("container".into())], "container"),
        (syscalls::GENERIC, vec![Arg::Int(u64::from(fetch))], "fdatasync"),
    ];
    let plain = kind::all()
        .filter(|kind| !matches!(kind.id, pseudo::ASYNCEVENT | syscalls::GENERIC))
        .map(|kind| (kind.id, Vec::new(), kind.name));
    let field = resolve("evt.type").unwrap();
    for (id, args, name) in plain.chain(named) {
        let mut batch = Batch::default();
        let head = Head { seq: Seq(1), ts: Nanos(1), enter_ns: 0, tid: Tid(1), kind: id, cpu: 0, flags: 0 };
        batch.begin(head);
        args.into_iter().for_each(|arg| batch.push(arg));
        let (mut replay, mut facts) = (Replay::default(), Vec::new());
        replay.batch(&batch, &mut facts);
        let (history, context) = (replay.finish(), Context::default());
        let view = View { event: batch.get(0).unwrap(), fact: &facts[0], history: &history, context: &context };
        assert_eq!(view.get(&field).as_str().map(ToString::to_string).as_deref(), Some(name));
        assert!(subject::kind_codes(name).contains(&view.kind_code()), "{name}");
    }
}

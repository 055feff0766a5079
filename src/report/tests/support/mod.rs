//! Cases from traces in text notation.

// Each test file uses the parts it needs.
#![allow(dead_code, unreachable_pub)]

use std::sync::Arc;

use tracehound_fields::{Context, View};
use tracehound_formats::{Batch, Input, Item, OpenError, ReadNotes, Seq, text};
use tracehound_report::case::CaseParts;
use tracehound_report::{AnyTable, Case, Loss, RowTimes, RuleOutcome, Source, SuppressionOutcome, TableSink};
use tracehound_signals::{Evidence, GapLog, Priority, ProcessKeys, RuleRef, Signal, TraceId};
use tracehound_state::{Fact, History, Replay};

/// A replayed trace and what later stages add.
pub struct Fixture {
    pub batch: Batch,
    pub facts: Vec<Fact>,
    pub history: History,
    pub times: RowTimes,
    pub signals: Vec<Signal>,
    pub rules: Vec<RuleOutcome>,
    pub suppressions: Vec<SuppressionOutcome>,
    pub losses: Vec<Loss>,
    pub notes: ReadNotes,
    pub source: Source,
    pub context: Context,
}

impl Fixture {
    /// A trace in text notation.
    pub fn new(trace: &str) -> Fixture {
        let (section, batch, notes) = text::parse(trace);
        assert!(notes.damage.is_empty(), "{:?}", notes.damage);
        let mut fixture = Fixture::replay([Item::Section(Box::new(section)), Item::Batch(batch)].into_iter());
        fixture.notes = notes;
        fixture
    }

    /// A trace in any format; an error if nothing of it can be read.
    pub fn read(input: Input) -> Result<Fixture, OpenError> {
        let mut reader = tracehound_formats::open(input)?;
        let mut fixture = Fixture::replay(std::iter::from_fn(|| reader.next_item()));
        fixture.notes = reader.notes().clone();
        Ok(fixture)
    }

    /// Only the last batch and its facts are kept.
    fn replay(items: impl Iterator<Item = Item>) -> Fixture {
        let mut replay = Replay::default();
        let mut times = RowTimes::new();
        let mut losses = Vec::new();
        let (mut first_ns, mut last_ns, mut last_seq) = (None, None, 0);
        let (mut batch, mut facts) = (Batch::default(), Vec::new());
        for item in items {
            match item {
                Item::Section(section) => replay.section(&section, Seq(last_seq + 1)),
                Item::Batch(next) => {
                    facts.clear();
                    replay.batch(&next, &mut facts);
                    times.batches(replay.history(), std::slice::from_ref(&next));
                    losses.extend(next.iter().filter_map(|event| Loss::of(&event)));
                    for head in next.iter().map(|event| event.head) {
                        first_ns.get_or_insert(head.ts.0);
                        last_ns = last_ns.max(Some(head.ts.0));
                        last_seq = last_seq.max(head.seq.0);
                    }
                    batch = next;
                }
            }
        }
        Fixture {
            losses,
            source: Source {
                input: "case.txt".to_owned(),
                format: "text".to_owned(),
                hostname: "web-01".to_owned(),
                first_ns,
                last_ns,
                integrity: "none".to_owned(),
                version: "0".to_owned(),
                ..Source::default()
            },
            context: Context {
                hostname: "web-01".to_owned(),
                first_ns: first_ns.unwrap_or(0),
                container_override: None,
            },
            history: replay.finish(),
            signals: Vec::new(),
            rules: Vec::new(),
            suppressions: Vec::new(),
            batch,
            facts,
            times,
            notes: ReadNotes::default(),
        }
    }

    /// Adds a rule that matched the events with these numbers.
    pub fn rule(mut self, name: &str, priority: Priority, seqs: &[u64]) -> Fixture {
        let rule = Arc::new(RuleRef {
            index: self.rules.len(),
            name: name.to_owned(),
            priority,
            source: "syscall".to_owned(),
            tags: vec!["host".to_owned(), "test".to_owned()],
        });
        let losses = self.losses.iter().map(|loss| (loss.seq, loss.n_events.unwrap_or(0)));
        let gaps = GapLog::new(losses, std::iter::empty());
        let trace = TraceId::of(&self.history, self.context.first_ns);
        for (event, fact) in self.batch.iter().zip(&self.facts).filter(|(e, _)| seqs.contains(&e.head.seq.0)) {
            let view = View { event, fact, history: &self.history, context: &self.context };
            let mut evidence = Evidence::of(&view);
            evidence.degrade(gaps.before(event.head.seq), &[]);
            let fields = [("evt.type".to_owned(), event.head.kind.name().into())];
            let message = format!("{name} | type={}", event.head.kind.name());
            self.signals.push(Signal::new(trace, &rule, &view, &"web-01".into(), message, fields, evidence));
        }
        tracehound_signals::sort(&mut self.signals);
        self.rules.push(RuleOutcome {
            rule,
            description: format!("About {name}."),
            path: "rules.yaml".to_owned(),
            line: 1,
            is_enabled: true,
            not_evaluable: Vec::new(),
        });
        self
    }

    /// Adds a suppression that hid the signals of the events with these numbers.
    pub fn suppression(mut self, name: &str, seqs: &[u64]) -> Fixture {
        use tracehound_signals::Verdict;
        for signal in self.signals.iter_mut().filter(|signal| seqs.contains(&signal.seq.0)) {
            let mut by = signal.verdict.suppressed_by().to_vec();
            by.push(name.to_owned());
            signal.verdict = Verdict::Suppressed { by };
        }
        self.suppressions.push(SuppressionOutcome {
            name: name.to_owned(),
            kind: "suppression",
            path: "suppressions.yaml".to_owned(),
            line: 2,
            is_enabled: true,
            rule_query: "*".to_owned(),
            suppression_query: "@process.comm:cat".to_owned(),
            clock: "event".to_owned(),
            n_rules: 1,
            ..SuppressionOutcome::default()
        });
        self
    }

    /// Calls `f` with the case.
    pub fn with<T>(&self, f: impl FnOnce(&Case<'_>) -> T) -> T {
        let keys = ProcessKeys::new(&self.history);
        f(&Case::new(CaseParts {
            history: &self.history,
            keys: &keys,
            times: &self.times,
            signals: &self.signals,
            rules: &self.rules,
            suppressions: &self.suppressions,
            losses: &self.losses,
            notes: &self.notes,
            source: &self.source,
        }))
    }

    /// A table of the case in some format.
    pub fn write(&self, table: &dyn AnyTable, sink: &mut dyn TableSink) -> u64 {
        self.with(|case| table.write(case, sink)).expect("memory takes everything")
    }
}

/// A shell in a container reads a password file; a server accepts a connection and spawns a shell that outlives it;
/// some events were lost; one pid is used twice.
pub const STORY: &str = r#"#tracehound-trace 1
machine hostname=web-01 kernel=6.1.0 boot_id=0f2e1d3c
user 0 root home=/root shell=/bin/bash
user 1000 alice home=/home/alice shell=/bin/bash
thread 1 comm=systemd exe=/sbin/init exepath=/usr/lib/systemd/systemd uid=0 gid=0 cwd=/ sid=1 start_ns=1735689000000000000
thread 100 ptid=1 comm=bash exe=-bash exepath=/usr/bin/bash cwd=/home/alice uid=1000 gid=1000 sid=100 start_ns=1735689100000000000
thread 200 ptid=1 comm=nginx exe=nginx exepath=/usr/sbin/nginx cwd=/ uid=0 gid=0 sid=200 start_ns=1735689200000000000 cgroups=["cpuset=/system.slice/docker-3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3601e.scope"]
fd 200 6 listen 0.0.0.0:80 tcp
fd 100 0 file /dev/pts/0 flags=O_RDWR
100 clone res=101 exe=-bash args=[] tid=100 pid=100 ptid=1 cwd="" comm=bash flags=0 uid=1000 gid=1000 vtid=100 vpid=100
101 clone res=0 exe=-bash args=[] tid=101 pid=101 ptid=100 cwd="" comm=bash flags=0 uid=1000 gid=1000 vtid=101 vpid=101
101 execve res=0 exe=cat args=["/etc/shadow","na\xffme"] tid=101 pid=101 ptid=100 cwd=/home/alice/ comm=cat trusted_exepath=/usr/bin/cat filename=/bin/cat uid=1000
101 openat fd=3 dirfd=AT_FDCWD name=/etc/shadow flags=O_RDONLY|O_CLOEXEC
+5ms 101 procexit status=0 ret=0 sig=0 core=0 reaper_tid=0
-1 lost n_events=12 cpu=1 cause=buffer_full
"#;

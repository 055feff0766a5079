//! `suppress attributes`: what a suppression can use of signals.

use std::io::Write;

use serde_json::{Value as Json, json};
use tracehound_suppress::{Collected, attributes, shared};

use super::args::Attributes;
use super::gather::{Asked, Gathered, gather};
use crate::cli::args::Global;
use crate::cli::exit::{Failure, Outcome};
use crate::cli::session::stdout;

pub(super) fn run(global: &Global, args: &Attributes) -> Result<Outcome, Failure> {
    let asked = Asked::new(global, &args.signals)?;
    let found = gather(global, &args.signals, &asked)?;
    let mut out = stdout();
    for signal in found.signals.iter().filter(|signal| !global.quiet && !signal.values.cut.is_empty()) {
        let (kib, names) = (Collected::MAX_KEPT >> 10, shortened(signal).join(", "));
        eprintln!("{}: shortened to {kib} KiB: {names}", signal.signal.id);
    }
    let all: Vec<&_> = found.signals.iter().map(|signal| &signal.values).collect();
    let activity = found.signals.iter().find_map(|signal| signal.activity);
    let json = if args.shared {
        let mut json = shared::shared(&all);
        json["signals"] = found.signals.iter().map(head).collect();
        json
    } else if args.keys {
        json!({
            "signals": found.signals.iter().map(head).collect::<Vec<_>>(),
            "activity": activity.map(|activity| activity.name()),
            "keys": shared::keys(&all, activity),
        })
    } else {
        let one = |signal: &Gathered| {
            let mut json = head(signal);
            json["attributes"] = shared::keys(&[&signal.values], None);
            json
        };
        found.signals.iter().map(one).collect()
    };
    writeln!(out, "{json:#}")?;
    out.flush()?;
    Ok(found.partial)
}

/// Attributes of which the last values, or the end of a text, are left out.
fn shortened(gathered: &Gathered) -> Vec<&'static str> {
    gathered.values.cut.iter().map(|id| attributes::get(*id).name.as_ref()).collect()
}

/// Which signal it is, and what of its values is not shown.
fn head(gathered: &Gathered) -> Json {
    let signal = &gathered.signal;
    json!({
        "id": signal.id.to_string(),
        "rule": signal.rule.name,
        "seq": signal.seq.0,
        "trace": gathered.trace,
        "activity": gathered.activity.map(|activity| activity.name()),
        "shortened": shortened(gathered),
    })
}

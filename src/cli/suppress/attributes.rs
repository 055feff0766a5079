//! `suppress attributes`: what a suppression can use of signals.

use std::io::Write;

use serde_json::{Value as Json, json};
use tracehound_suppress::shared;

use super::args::Attributes;
use super::gather::{Asked, Gathered, gather};
use crate::cli::args::Global;
use crate::cli::exit::{Failure, Outcome};
use crate::cli::session::stdout;

pub(super) fn run(global: &Global, args: &Attributes) -> Result<Outcome, Failure> {
    let asked = Asked::new(global, &args.signals)?;
    let found = gather(global, &args.signals, &asked)?;
    let mut out = stdout();
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

/// Which signal it is.
fn head(gathered: &Gathered) -> Json {
    let signal = &gathered.signal;
    json!({
        "id": signal.id.to_string(),
        "rule": signal.rule.name,
        "seq": signal.seq.0,
        "trace": gathered.trace,
        "activity": gathered.activity.map(|activity| activity.name()),
    })
}

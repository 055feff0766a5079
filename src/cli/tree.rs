//! `tree`: the process tree in the terminal.

use std::io::{self, Write};

use tracehound_report::tree::{self, TreeOptions};
use tracehound_signals::SignalId;

use super::args::{Global, Tree};
use super::exit::{Failure, Outcome};
use super::output::has_color;
use super::session::{Session, load_rule_files, set_threads, stdout};
use super::suppressing::Suppressions;

pub(super) fn run(global: &Global, args: &Tree) -> Result<Outcome, Failure> {
    let id = match &args.signal {
        None => None,
        Some(_) if args.rules.rules.is_empty() => {
            return Err(Failure::Usage("--signal needs the rules that gave the signal: -r RULES".to_owned()));
        }
        Some(text) => Some(SignalId::parse(text).ok_or_else(|| {
            Failure::Usage(format!("--signal: {text} is no signal id (16 hexadecimal digits, as in `analyze`)"))
        })?),
    };
    set_threads(global);
    let files = load_rule_files(global, &args.rules)?;
    let suppressions = Suppressions::load(global, &args.suppressions, &files)?;
    let (rules, set) = (&files.rules, suppressions.set(&files.rules));
    let session = Session::run_suppressing(global, &args.trace, rules, &args.rules, Some(&set), |_| Ok(()))?;
    let signals = &session.analysis.signals;
    let pid = match id {
        None => args.pid,
        Some(id) => match signals.iter().find(|signal| signal.id == id) {
            None => return Err(Failure::Usage(format!("no signal {id} in this trace with these rules"))),
            Some(signal) => signal.pid.map(|pid| pid.0),
        },
    };
    let options =
        TreeOptions { pid, depth: args.depth, has_color: has_color(global.color, &io::stdout()), is_full: args.full };
    let mut out = stdout();
    let shown = session.with_case(|case| tree::write(&mut out, case, &options))?;
    out.flush()?;
    if shown.n_processes == 0 && !global.quiet {
        match pid {
            Some(pid) => eprintln!("{}: no process with pid {pid}", session.name),
            None => eprintln!("{}: no processes", session.name),
        }
    }
    Ok(session.partial(global, args.allow_partial))
}

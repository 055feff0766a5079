//! `suppress explain`: which suppression hid a signal and by which clauses; of one that did not, which clause failed.

use std::io::{self, IsTerminal, Write};

use bstr::ByteSlice;
use serde_json::{Value as Json, json};
use tracehound_lang::diagnostic::suggestion;
use tracehound_signals::SignalId;
use tracehound_suppress::files::{Period, Placed, date};
use tracehound_suppress::{Clock, SignalView};

use super::args::{SuppressExplain, TextOrJson};
use crate::cli::args::Global;
use crate::cli::exit::{Failure, Outcome};
use crate::cli::output::printable;
use crate::cli::session::{Session, load_rule_files, stdout};
use crate::cli::suppressing::Suppressions;
use crate::each::each_signal;

/// Suppressions shown that do not match, nearest first; `--all` shows all.
const MAX_SHOWN: usize = 5;
/// Values shown of a clause.
const MAX_VALUES: usize = 5;

/// What a suppression says of the signal.
struct Account {
    name: String,
    place: String,
    is_for_rule: bool,
    is_enabled: bool,
    period: Period,
    is_require: bool,
    /// The query about events and that about signals, as far as there are any.
    queries: Vec<QueryAccount>,
}

struct QueryAccount {
    /// The key it stands at.
    key: &'static str,
    is_match: bool,
    clauses: Vec<ClauseAccount>,
}

struct ClauseAccount {
    /// As written.
    text: String,
    is_negated: bool,
    is_satisfied: bool,
    is_decisive: bool,
    values: Vec<String>,
    n_values: usize,
}

impl Account {
    /// True if it hides the signal.
    fn hides(&self) -> bool {
        self.is_for_rule && self.is_enabled && self.period == Period::InForce && self.matches()
    }

    fn matches(&self) -> bool {
        self.queries.iter().any(|query| query.is_match != self.is_require)
    }

    /// Clauses that failed, of the query that is nearest to a match.
    fn n_failed(&self) -> usize {
        let failed = |query: &QueryAccount| query.clauses.iter().filter(|clause| !clause.is_satisfied).count();
        self.queries.iter().map(failed).min().unwrap_or(usize::MAX)
    }

    /// In one word, and why.
    fn verdict(&self) -> String {
        if !self.is_for_rule {
            return "is for other rules".to_owned();
        }
        match (self.matches(), self.is_enabled, self.period) {
            (false, ..) if self.is_require => "has what the filter requires".to_owned(),
            (false, ..) => "does not match".to_owned(),
            (true, false, _) => "matches, but is switched off".to_owned(),
            (true, _, Period::Expired) => "matches, but had expired".to_owned(),
            (true, _, Period::NotStarted) => "matches, but had not started".to_owned(),
            (true, true, Period::InForce) if self.is_require => {
                "hides it: what the filter requires is not there".to_owned()
            }
            (true, true, Period::InForce) => "hides it".to_owned(),
        }
    }
}

pub(super) fn run(global: &Global, args: &SuppressExplain) -> Result<Outcome, Failure> {
    let id = SignalId::parse(&args.signal).ok_or_else(|| {
        let shown = printable(args.signal.as_bytes());
        Failure::Usage(format!("{shown} is no signal id (16 hexadecimal digits, as in `analyze -f jsonl`)"))
    })?;
    if args.rules.rules.is_empty() {
        return Err(Failure::Usage("explain needs the rules that gave the signal: -r RULES".to_owned()));
    }
    let files = load_rule_files(global, &args.rules)?;
    let suppressions = Suppressions::load(global, &args.suppressions, &files)?;
    let set = suppressions.set(&files.rules);
    if set.is_empty() {
        return Err(Failure::Usage("there is no suppression to explain: -s SUPPRESSIONS".to_owned()));
    }
    let mut accounts: Option<Vec<Account>> = None;
    let session = Session::run_suppressing(global, &args.trace, &files.rules, &args.rules, Some(&set), |window| {
        each_signal(window, |signal, view| {
            if signal.id != id {
                return;
            }
            let subject = SignalView::new(signal, view, set.tags());
            let at = match set.clock() {
                Clock::Event => signal.ts,
                Clock::At(now) => now,
            };
            let account = |suppression: &&tracehound_suppress::files::Suppression| Account {
                name: suppression.entry.name.clone(),
                place: format!("{}:{}", printable(suppression.path.as_bytes()), suppression.line),
                is_for_rule: suppression.is_for(&signal.rule),
                is_enabled: suppression.entry.is_enabled,
                period: suppression.entry.period(at),
                is_require: suppression.is_require(),
                queries: [
                    ("data_exclusion_query", &suppression.exclusion),
                    ("suppression_query", &suppression.signals),
                ]
                .into_iter()
                .filter_map(|(key, query)| Some(query_account(key, query.as_ref()?, &subject)))
                .collect(),
            };
            accounts = Some(set.suppressions().iter().map(account).collect());
        });
        Ok(())
    })?;
    let signals = &session.analysis.signals;
    let (Some(mut accounts), Some(signal)) = (accounts, signals.iter().find(|signal| signal.id == id)) else {
        let ids: Vec<String> = signals.iter().map(|signal| signal.id.to_string()).collect();
        let help = suggestion(&id.to_string(), ids.iter().map(String::as_str));
        let help = help.unwrap_or_else(|| format!("there are {}", signals.len()));
        return Err(Failure::Usage(format!("no signal {id} in this trace with these rules; {help}")));
    };
    if !args.all {
        accounts.retain(|account| account.is_for_rule);
    }
    // Those that hide it in their order, then the nearest misses.
    accounts.sort_by_key(|account| if account.hides() { (0, 0) } else { (1, account.n_failed()) });
    let n_all = accounts.len();
    let n_hiding = accounts.iter().filter(|account| account.hides()).count();
    if !args.all {
        accounts.truncate(n_hiding.max(MAX_SHOWN));
    }
    let default = if io::stdout().is_terminal() { TextOrJson::Text } else { TextOrJson::Json };
    let mut out = stdout();
    match args.format.unwrap_or(default) {
        TextOrJson::Text => {
            writeln!(out, "{id} {}, event {}: {}", signal.rule.name, signal.seq.0, signal.verdict.name())?;
            for account in &accounts {
                write_text(&mut out, account)?;
            }
            if n_all > accounts.len() {
                writeln!(
                    out,
                    "\n{} more suppressions for this rule do not match; --all shows them",
                    n_all - accounts.len()
                )?;
            } else if n_all == 0 {
                writeln!(out, "\nno suppression is for this rule; --all shows the others")?;
            }
        }
        TextOrJson::Json => {
            let clock = match set.clock() {
                Clock::Event => "event".to_owned(),
                Clock::At(now) => date::format(now),
            };
            let json = json!({
                "signal": id.to_string(),
                "rule": signal.rule.name,
                "seq": signal.seq.0,
                "verdict": signal.verdict.name(),
                "suppressed_by": signal.verdict.suppressed_by(),
                "clock": clock,
                "suppressions": accounts.iter().map(json_of).collect::<Vec<_>>(),
                "not_shown": n_all - accounts.len(),
            });
            writeln!(out, "{json:#}")?;
        }
    }
    out.flush()?;
    Ok(session.partial(global, args.allow_partial))
}

fn query_account(key: &'static str, query: &Placed, subject: &SignalView<'_>) -> QueryAccount {
    let explained = query.query.explain(subject);
    let clause = |clause: &tracehound_suppress::query::ExplainedClause<'_>| ClauseAccount {
        text: query.query.text().get(clause.clause.span.range()).unwrap_or_default().to_owned(),
        is_negated: clause.clause.is_negated,
        is_satisfied: clause.is_satisfied(),
        is_decisive: clause.is_decisive,
        values: clause.values.iter().take(MAX_VALUES).map(|value| value.to_str_lossy().into_owned()).collect(),
        n_values: clause.n_values,
    };
    QueryAccount { key, is_match: explained.is_match, clauses: explained.clauses.iter().map(clause).collect() }
}

fn write_text(out: &mut dyn Write, account: &Account) -> io::Result<()> {
    writeln!(out, "\n{} ({}): {}", printable(account.name.as_bytes()), account.place, account.verdict())?;
    if !account.is_for_rule {
        return Ok(());
    }
    for query in &account.queries {
        writeln!(out, "  {}: {}", query.key, if query.is_match { "matches" } else { "does not match" })?;
        for clause in &query.clauses {
            let mark = if clause.is_satisfied { '+' } else { '-' };
            let not = if clause.is_negated { "not " } else { "" };
            let mut values: Vec<String> =
                clause.values.iter().map(|value| format!("'{}'", printable(value.as_bytes()))).collect();
            if clause.n_values > values.len() {
                values.push(format!("{} more", clause.n_values - values.len()));
            }
            let values = if values.is_empty() { "no value".to_owned() } else { values.join(", ") };
            let decides = if clause.is_decisive || clause.is_satisfied { "" } else { " (does not decide)" };
            writeln!(out, "    {mark} {not}{}   is: {values}{decides}", printable(clause.text.as_bytes()))?;
        }
    }
    Ok(())
}

fn json_of(account: &Account) -> Json {
    let clause = |clause: &ClauseAccount| {
        json!({
            "clause": clause.text,
            "negated": clause.is_negated,
            "satisfied": clause.is_satisfied,
            "decisive": clause.is_decisive,
            "values": clause.values,
            "n_values": clause.n_values,
        })
    };
    let query = |query: &QueryAccount| {
        json!({
            "query": query.key,
            "matches": query.is_match,
            "clauses": query.clauses.iter().map(clause).collect::<Vec<_>>(),
        })
    };
    json!({
        "suppression": account.name,
        "place": account.place,
        "hides": account.hides(),
        "verdict": account.verdict(),
        "for_rule": account.is_for_rule,
        "enabled": account.is_enabled,
        "in_force": account.period == Period::InForce,
        "queries": account.queries.iter().map(query).collect::<Vec<_>>(),
    })
}

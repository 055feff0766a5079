//! What a page needs when a process or a signal is opened: files, connections, environment, credentials over time,
//! and why signals fired.

use std::collections::{BTreeMap, HashMap};

use tracehound_state::{ProcessId, Sym};

use super::core::Core;
use super::json::{Object, ints, list};
use super::texts::Texts;
use super::watch::Watch;
use crate::columns::{connections, files};
use crate::table::split_nul;
use crate::times::CredentialTimes;

/// Rows of files of all processes together; of more, as many of each process as fit.
const MAX_FILES: usize = 300_000;
/// Rows of connections of all processes together.
const MAX_CONNECTIONS: usize = 200_000;
/// Credentials of a process over time; of more, the first.
const MAX_CREDENTIALS: usize = 64;
/// Environment keys of a process.
const MAX_KEYS: usize = 256;

/// The whole as JSON. Takes the notes of a watch.
pub(super) fn json(core: &Core<'_>, watch: Watch) -> String {
    let Watch { rules, signals, credentials, mut texts, .. } = watch;
    let mut out = Object::new();
    let shapes: BTreeMap<usize, _> = rules.into_iter().collect();
    let shapes = shapes.into_iter().map(|(rule, parts)| {
        let parts = parts.iter().map(|part| {
            let operands = ints(part.operands.iter().copied().map(i64::from));
            format!("[{},{},{},{operands}]", part.depth, part.text, part.place)
        });
        format!("[{rule},{}]", list(parts))
    });
    out.list("rules", shapes);
    let explained = core.signals.iter().map(|&i| match signals.get(&core.case.signals[i].id) {
        None => "0".to_owned(),
        Some(explained) => {
            let results: String = explained.results.iter().map(|&result| if result { '1' } else { '0' }).collect();
            let values = ints(explained.values.iter().copied());
            format!("[{},{},\"{results}\",{values}]", explained.kind, explained.args)
        }
    });
    out.list("explained", explained);
    files_json(core, &mut texts, &mut out);
    connections_json(core, &mut texts, &mut out);
    lives_json(core, &credentials, &mut texts, &mut out);
    out.raw("texts", &texts.json());
    out.end()
}

/// How many rows each process keeps if all together may have `max`: the largest number with which they fit.
fn share(counts: &[usize], max: usize) -> usize {
    let fits = |n: usize| counts.iter().map(|&count| count.min(n)).sum::<usize>() <= max;
    let (mut low, mut high) = (0, counts.iter().copied().max().unwrap_or(0));
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if fits(middle) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
}

/// Rows of each process of the page, what is left out of each, and columns of those kept.
fn by_process<R>(
    core: &Core<'_>,
    rows: Vec<R>,
    process: impl Fn(&R) -> ProcessId,
    max: usize,
) -> (Vec<Vec<R>>, Vec<i64>) {
    let mut of: Vec<Vec<R>> = (0..core.processes.len()).map(|_| Vec::new()).collect();
    for row in rows {
        if let Some(of) = usize::try_from(core.row(process(&row))).ok().and_then(|i| of.get_mut(i)) {
            of.push(row);
        }
    }
    let share = share(&of.iter().map(Vec::len).collect::<Vec<_>>(), max);
    let more = of.iter().map(|rows| rows.len().saturating_sub(share) as i64).collect();
    of.iter_mut().for_each(|rows| rows.truncate(share));
    (of, more)
}

/// Columns: how many of each process, path, bits (1 read, 2 written, 4 created, 8 truncated, 16 executed, 32 open when
/// recording began, 64 upper layer), opens and execs, time of the first.
fn files_json(core: &Core<'_>, texts: &mut Texts, out: &mut Object) {
    let history = core.case.history;
    let mut rows = files::rows(core.case);
    // Where not all fit: what was executed or written before what was only read. The sort keeps the order by time.
    rows.sort_by_key(|row| {
        let bits = row.bits();
        (bits & 16 == 0, bits & 14 == 0)
    });
    let (of, more) = by_process(core, rows, |row| row.process, MAX_FILES);
    let all = || of.iter().flatten();
    let mut object = Object::new();
    object.ints("n", of.iter().map(|rows| rows.len() as i64));
    object.ints("more", more);
    object.ints("path", all().map(|row| texts.sym(history, row.path).into()));
    object.ints("bits", all().map(|row| row.bits()));
    object.ints("uses", all().map(|row| (row.n_opens + row.n_execs) as i64));
    let time = |row: &files::Row| row.first.0.map_or("null".to_owned(), |ts| core.offset(ts.0).to_string());
    object.list("ts", all().map(time));
    out.raw("files", &object.end());
}

/// Columns: how many of each process, source, destination (empty if bound), bits (1 connected, 2 client, 4 server,
/// 8 there when recording began), time of the first.
fn connections_json(core: &Core<'_>, texts: &mut Texts, out: &mut Object) {
    let rows = connections::rows(core.case);
    let (of, more) = by_process(core, rows, |row| row.process, MAX_CONNECTIONS);
    let all = || of.iter().flatten();
    let mut object = Object::new();
    object.ints("n", of.iter().map(|rows| rows.len() as i64));
    object.ints("more", more);
    let ends: Vec<[i64; 2]> = all().map(|row| row.texts(core.case).map(|text| texts.bytes(&text).into())).collect();
    object.ints("source", ends.iter().map(|ends| ends[0]));
    object.ints("destination", ends.iter().map(|ends| ends[1]));
    object.ints("bits", all().map(|row| row.bits(core.case)));
    let time = |row: &connections::Row| row.first.0.map_or("null".to_owned(), |ts| core.offset(ts.0).to_string());
    object.list("ts", all().map(time));
    out.raw("connections", &object.end());
}

/// Columns: environment (position in `environments`, -1 unknown), working directory, credentials over time, parents
/// over time; lists of the last two only where there is more than one.
fn lives_json(core: &Core<'_>, times: &CredentialTimes, texts: &mut Texts, out: &mut Object) {
    let history = core.case.history;
    let mut environments: Vec<String> = Vec::new();
    let mut index: HashMap<Sym, usize> = HashMap::new();
    let mut environment = |texts: &mut Texts, sym: Sym| {
        let next = environments.len();
        let i = *index.entry(sym).or_insert(next);
        if i == next {
            let keys = split_nul(history.text(sym)).map(|entry| entry.split(|&b| b == b'=').next().unwrap_or(entry));
            let mut keys: Vec<i64> = keys.map(|key| texts.bytes(key).into()).collect();
            let n_more = keys.len().saturating_sub(MAX_KEYS);
            keys.truncate(MAX_KEYS);
            environments.push(format!("[{},{n_more}]", ints(keys)));
        }
        i as i64
    };
    let (mut env, mut cwd, mut credentials, mut parents) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for &id in &core.processes {
        let process = history.process(id);
        env.push(process.env().last().map_or(-1, |sym| environment(texts, sym)));
        cwd.push(process.cwd().last().map_or(-1, |sym| texts.sym(history, sym).into()));
        let leader = history.thread(process.leader());
        let mut rows: Vec<String> = Vec::new();
        let mut last = None;
        let mut n_more = 0;
        for (from, attrs) in leader.attrs().rows() {
            let creds = history.attrs(attrs).creds;
            if last.replace(creds) == Some(creds) {
                continue;
            }
            if rows.len() >= MAX_CREDENTIALS {
                n_more += 1;
                continue;
            }
            let creds = history.creds(creds);
            let number = |id: Option<u32>| id.map_or("null".to_owned(), |id| id.to_string());
            let caps = creds.caps.map_or("null".to_owned(), |[_, _, effective]| {
                let names: Vec<&str> = tracehound_fields::capabilities::names(effective).collect();
                let all = tracehound_fields::capabilities::names(u64::MAX).count();
                let text = if names.len() == all { "all".to_owned() } else { names.join(" ") };
                texts.text(&text).to_string()
            });
            let [uid, gid, login] = [creds.uid, creds.gid, creds.loginuid].map(number);
            let ts = core.time(times.of(attrs));
            rows.push(format!("[{},{uid},{gid},{login},{caps},{ts}]", from.0));
        }
        credentials.push(format!("[{},{n_more}]", list(rows)));
        let mut rows: Vec<String> = Vec::new();
        let mut before: Option<ProcessId> = None;
        for (from, parent) in process.parent().rows().take(MAX_CREDENTIALS) {
            // The parent changes when the one before it exits.
            let exit = before.and_then(|before| history.process(before).exit()).filter(|exit| exit.seq <= from);
            let ts = core.time(exit.map(|exit| exit.ts));
            rows.push(format!("[{},{},{ts}]", from.0, parent.map_or(-1, |parent| core.row(parent))));
            before = parent;
        }
        parents.push(if rows.len() > 1 { list(rows) } else { "0".to_owned() });
    }
    out.ints("env", env);
    out.ints("cwd", cwd);
    out.list("credentials", credentials);
    out.list("parents", parents);
    out.list("environments", environments);
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn everyone_gets_the_same_share() {
        for (counts, max, expected) in [
            (&[3, 1, 10][..], 100, 10),
            (&[3, 1, 10], 14, 10),
            (&[3, 1, 10], 13, 9),
            (&[3, 1, 10], 5, 2),
            (&[3, 1, 10], 2, 0),
            (&[], 2, 0),
        ] {
            assert_eq!(share(counts, max), expected, "{counts:?} {max}");
        }
    }
}

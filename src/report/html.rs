//! A case as one page: a file that needs nothing else, for any browser, made to be read by a person.
//!
//! The page holds a style sheet, a script and two blocks of JSON, by columns: what is drawn (`html/core.rs`), and what is
//! needed when something is opened (`html/detail.rs`). Large blocks are compressed. Its policy allows that script and that
//! style sheet, by their hashes, and nothing else: no request, no other script. All text from a trace was made visible
//! (see [`tracehound_signals::visible::Visible`]), is embedded so that it cannot end its block, and is set as text,
//! never as markup. What does not fit is counted, and the page says so.

mod core;
mod detail;
mod json;
mod texts;
mod watch;

use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use sha2::{Digest, Sha256};
use tracehound_signals::Verdict;

pub use watch::{Part, Watch};

use self::core::Core;
use self::json::{element_text, embeddable};
use crate::case::Case;

/// The style sheet.
const STYLE: &str = include_str!("html/page/case.css");
/// The script: plain JavaScript, a file a subject, run as one.
const SCRIPT: &str = concat!(
    include_str!("html/page/base.js"),
    include_str!("html/page/model.js"),
    include_str!("html/page/path.js"),
    include_str!("html/page/tree.js"),
    include_str!("html/page/signals.js"),
    include_str!("html/page/timeline.js"),
    include_str!("html/page/detail.js"),
    include_str!("html/page/summary.js"),
    include_str!("html/page/main.js"),
);
/// Bytes of a block above which it is compressed.
const MAX_PLAIN: usize = 1 << 20;

/// Writes the page of a case. `title` is its heading.
pub fn write(out: &mut dyn Write, case: &Case<'_>, watch: Watch, title: &str) -> io::Result<()> {
    let mut core = Core::new(case, &watch);
    let core_json = core.json(&watch, title);
    let detail_json = detail::json(&core, watch);
    let title = element_text(&tracehound_signals::visible::Visible(title.as_bytes()).to_string());
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{}'; \
         script-src 'sha256-{}'; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <meta name=\"generator\" content=\"tracehound {}\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n",
        hash(STYLE),
        hash(SCRIPT),
        element_text(&case.source.version),
    )?;
    write_static(out, case, &title)?;
    write_block(out, "core", &core_json)?;
    write_block(out, "detail", &detail_json)?;
    write!(out, "<script>{SCRIPT}</script>\n</body>\n</html>\n")
}

/// What stands in the page without the script: the heading, the counts, and what the evidence lacks.
fn write_static(out: &mut dyn Write, case: &Case<'_>, title: &str) -> io::Result<()> {
    let fired = case.signals.iter().filter(|signal| signal.verdict == Verdict::Fired).count();
    let is_partial = case.notes.n_damage > 0 || !case.losses.is_empty();
    let evidence = if is_partial {
        "The evidence is partial: part of what happened is missing from this trace."
    } else {
        "Nothing is known to be missing from this trace."
    };
    writeln!(
        out,
        "<div id=\"app\"><header class=\"static\"><h1>{title}</h1><p>{fired} signals, {} suppressed. {evidence}</p></header>\
         <noscript><p class=\"static\">This file shows its content with the script that it contains; the script is \
         switched off here. It makes no request. <code>tracehound tree</code> and <code>tracehound analyze</code> show the \
         same in a terminal.</p></noscript></div>",
        case.signals.len() - fired,
    )
}

/// A block of JSON: plain, or compressed and in base 64.
fn write_block(out: &mut dyn Write, id: &str, json: &str) -> io::Result<()> {
    if json.len() <= MAX_PLAIN {
        return writeln!(out, "<script type=\"application/json\" id=\"data-{id}\">{}</script>", embeddable(json));
    }
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(json.as_bytes())?;
    let text = STANDARD.encode(encoder.finish()?);
    writeln!(out, "<script type=\"text/plain\" id=\"data-{id}\" data-encoding=\"deflate-raw\">{text}</script>")
}

/// The hash of an element's content, as policies have it.
fn hash(content: &str) -> String {
    STANDARD.encode(Sha256::digest(content.as_bytes()))
}

//! The attack path of a signal as a diagram that other programs draw: Mermaid and Graphviz.
//!
//! Names are hostile here too: a label must end neither the label nor the statement, bring no HTML and no directive
//! (`click`) with it. So a label holds letters, digits and a few harmless marks as they are and everything else as a
//! reference of the language ([`mermaid_text`], [`dot_text`]); names of nodes are the program's own.

use std::fmt::Write as _;

use tracehound_formats::Nanos;
use tracehound_signals::Signal;
use tracehound_signals::visible::Visible;

use crate::case::Case;
use crate::path::{AttackPath, Entry, Loaded, Step, Written};
use crate::screen::shorten;
use crate::tree::node;

/// Columns of a line of a label.
const MAX_LINE: usize = 72;
/// Connections and files drawn of a process; the others are counted.
const MAX_ITEMS: usize = 6;

/// A node of the diagram.
struct Node {
    id: String,
    lines: Vec<String>,
    kind: Kind,
}

/// What a node is, which says how it is drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Entry,
    Process,
    /// The signal's process.
    Pinned,
    Signal,
    Socket,
    File,
    Gap,
}

/// An arrow.
struct Edge {
    from: String,
    to: String,
    label: String,
    is_dashed: bool,
}

struct Graph {
    nodes: Vec<Node>,
    edges: Vec<Edge>,
    /// Nodes by container: title and positions, in order of the first node.
    groups: Vec<(String, Vec<usize>)>,
}

fn graph(case: &Case<'_>, path: &AttackPath, signal: &Signal) -> Graph {
    let mut graph = Graph { nodes: Vec::new(), edges: Vec::new(), groups: Vec::new() };
    let mut before = None;
    if let Some(entry) = entry(case, path) {
        before = Some(graph.node("entry".to_owned(), entry, Kind::Entry));
    }
    for (i, step) in path.steps.iter().enumerate() {
        if let Some((at, n)) = path.left_out.filter(|(at, _)| *at == i) {
            let gap = graph.node(format!("gap{at}"), vec![format!("{n} processes left out")], Kind::Gap);
            graph.edge(before.take(), gap.clone(), String::new(), false);
            before = Some(gap);
        }
        let kind = if i + 1 == path.steps.len() { Kind::Pinned } else { Kind::Process };
        let id = graph.node(format!("p{i}"), lines(case, step), kind);
        if let Some(container) = step.container {
            let container = case.history.container(container);
            let title = node::container_line(case, container, path.seq).plain();
            let at = graph.nodes.len() - 1;
            match graph.groups.iter_mut().find(|(of, _)| *of == title) {
                Some((_, nodes)) => nodes.push(at),
                None => graph.groups.push((title, vec![at])),
            }
        }
        let label = if step.is_container_entered { "enters container" } else { "" };
        graph.edge(before.take(), id.clone(), label.to_owned(), false);
        if let Some(parent) = step.adopted_by {
            let label = format!("adopted by {}", node::short_name(case, parent));
            let at = graph.node(format!("a{i}"), vec![label], Kind::Gap);
            graph.edge(Some(at), id.clone(), String::new(), true);
        }
        // What init and a login shell have open besides is not what the path is about.
        resources(case, &mut graph, i, step, &id, i + 2 >= path.steps.len());
        before = Some(id);
    }
    let rule = Visible(signal.rule.name.as_bytes()).to_string();
    let (mark, _) = node::mark(signal);
    let head = format!("{mark} {}: {rule}", signal.rule.priority.name());
    let place = format!("event {}, {}", signal.seq.0, node::clock(case, signal.ts));
    let id = graph.node("signal".to_owned(), vec![head, place, format!("signal {}", signal.id)], Kind::Signal);
    graph.edge(before, id, String::new(), true);
    graph
}

/// Standard streams that lead elsewhere, connections, files that were written; of a farther ancestor only files that
/// were executed.
fn resources(case: &Case<'_>, graph: &mut Graph, i: usize, step: &Step, process: &str, is_near: bool) {
    let history = case.history;
    let is_drawn = |file: &&Written| is_near || file.executed.is_some();
    let mut n = 0;
    for stream in step.streams.iter().filter(|stream| is_near && stream.remote.is_some()) {
        let name = ["stdin", "stdout", "stderr"][(stream.fd.clamp(0, 2)) as usize];
        let socket = Visible(history.text(history.file(stream.file).name)).to_string();
        match graph.nodes.iter().position(|node| node.kind == Kind::Socket && node.lines == [socket.as_str()]) {
            Some(at) => {
                let to = graph.nodes[at].id.clone();
                match graph.edges.iter_mut().find(|edge| edge.from == process && edge.to == to) {
                    Some(edge) => edge.label = format!("{}, {name}", edge.label),
                    None => graph.edge(Some(process.to_owned()), to, name.to_owned(), true),
                }
            }
            None => {
                let to = graph.node(format!("s{i}_{n}"), vec![socket], Kind::Socket);
                graph.edge(Some(process.to_owned()), to, name.to_owned(), true);
                n += 1;
            }
        }
    }
    for socket in step.sockets.items.iter().filter(|_| is_near).take(MAX_ITEMS) {
        let name = Visible(history.text(history.file(socket.file).name)).to_string();
        if !graph.nodes.iter().any(|node| node.kind == Kind::Socket && node.lines == [name.as_str()]) {
            let to = graph.node(format!("s{i}_{n}"), vec![name], Kind::Socket);
            graph.edge(Some(process.to_owned()), to, "connection".to_owned(), true);
            n += 1;
        }
    }
    for (j, file) in step.files.items.iter().filter(is_drawn).take(MAX_ITEMS).enumerate() {
        let mut lines = vec![Visible(history.text(file.path)).to_string()];
        if let Some((by, seq)) = file.executed {
            lines.push(format!("executed by {} at event {}", node::short_name(case, by), seq.0));
        }
        let to = graph.node(format!("f{i}_{j}"), lines, Kind::File);
        graph.edge(Some(process.to_owned()), to, "wrote".to_owned(), true);
    }
    let more = |items: usize, n_more: usize| items.saturating_sub(MAX_ITEMS) + n_more;
    let n_more = more(step.sockets.items.len(), step.sockets.n_more) + more(step.files.items.len(), step.files.n_more);
    if is_near && n_more > 0 {
        let to = graph.node(format!("m{i}"), vec![format!("{n_more} more connections and files")], Kind::Gap);
        graph.edge(Some(process.to_owned()), to, String::new(), true);
    }
}

fn entry(case: &Case<'_>, path: &AttackPath) -> Option<Vec<String>> {
    let mut lines = match &path.entry {
        Entry::Service(unit) => vec![format!("service {}", Visible(unit))],
        Entry::Session(unit) => vec![format!("session {}", Visible(unit))],
        Entry::Container(id) => {
            let container = case.history.container(*id);
            vec![format!("container {}", node::container_line(case, container, path.seq).plain())]
        }
        Entry::Unknown => Vec::new(),
    };
    if let Some((uid, name)) = path.login {
        let name = name.map_or_else(|| format!("uid {uid}"), |sym| Visible(case.history.text(sym)).to_string());
        lines.push(format!("login of {name}"));
    }
    (!lines.is_empty()).then_some(lines)
}

fn lines(case: &Case<'_>, step: &Step) -> Vec<String> {
    let history = case.history;
    let mut lines = Vec::new();
    let shown: Vec<&Loaded> = step.images.items.iter().collect();
    let name = |loaded: &Loaded| {
        history.image(loaded.image).comm.map_or_else(|| "?".to_owned(), |sym| Visible(history.text(sym)).to_string())
    };
    let mut names: Vec<String> = shown.iter().map(|loaded| name(loaded)).collect();
    names.dedup();
    let older = if step.images.n_more > 0 { format!("({} more) → ", step.images.n_more) } else { String::new() };
    lines.push(format!("{} {older}{}", history.process(step.process).pid.0, names.join(" → ")));
    if let Some(loaded) = shown.last() {
        let command = node::command(case, &history.image(loaded.image), Some(MAX_LINE * 2));
        if !command.is_empty() {
            lines.push(command);
        }
    }
    let users: Vec<String> = step
        .users
        .items
        .iter()
        .map(|user| match (user.name, user.uid) {
            (Some(sym), _) => Visible(history.text(sym)).to_string(),
            (None, 0) => "root".to_owned(),
            (None, uid) => format!("uid {uid}"),
        })
        .collect();
    let start = step.start.map(|ts: Nanos| node::clock(case, ts));
    let about: Vec<String> = (!users.is_empty()).then(|| users.join(" → ")).into_iter().chain(start).collect();
    if !about.is_empty() {
        lines.push(about.join("  "));
    }
    lines
}

impl Graph {
    fn node(&mut self, id: String, lines: Vec<String>, kind: Kind) -> String {
        let lines = lines.iter().map(|line| shorten(line, 2 * MAX_LINE)).collect();
        self.nodes.push(Node { id: id.clone(), lines, kind });
        id
    }

    fn edge(&mut self, from: Option<String>, to: String, label: String, is_dashed: bool) {
        if let Some(from) = from {
            self.edges.push(Edge { from, to, label, is_dashed });
        }
    }
}

/// A Mermaid flowchart.
pub fn mermaid(case: &Case<'_>, path: &AttackPath, signal: &Signal) -> String {
    let graph = graph(case, path, signal);
    let mut out = String::from("flowchart TD\n");
    let write_node = |out: &mut String, node: &Node, indent: &str| {
        let label = node.lines.iter().map(|line| mermaid_text(line)).collect::<Vec<_>>().join("<br/>");
        let (open, close) = match node.kind {
            Kind::Entry => ("([\"", "\"])"),
            Kind::Signal => ("{{\"", "\"}}"),
            Kind::Socket => ("[/\"", "\"/]"),
            Kind::File => ("[(\"", "\")]"),
            Kind::Process | Kind::Pinned | Kind::Gap => ("[\"", "\"]"),
        };
        let class = match node.kind {
            Kind::Entry => "entry",
            Kind::Process => "process",
            Kind::Pinned => "pinned",
            Kind::Signal => "signal",
            Kind::Socket => "socket",
            Kind::File => "file",
            Kind::Gap => "gap",
        };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{indent}{}{open}{label}{close}:::{class}", node.id);
    };
    let grouped = |at: usize| graph.groups.iter().any(|(_, nodes)| nodes.contains(&at));
    for (_, node) in graph.nodes.iter().enumerate().filter(|(at, _)| !grouped(*at)) {
        write_node(&mut out, node, "    ");
    }
    for (i, (title, nodes)) in graph.groups.iter().enumerate() {
        let _ = writeln!(out, "    subgraph c{i} [\"{}\"]", mermaid_text(title));
        nodes.iter().for_each(|&at| write_node(&mut out, &graph.nodes[at], "        "));
        out.push_str("    end\n");
    }
    for Edge { from, to, label, is_dashed } in &graph.edges {
        let arrow = if *is_dashed { "-.->" } else { "-->" };
        let label = if label.is_empty() { String::new() } else { format!("|\"{}\"|", mermaid_text(label)) };
        let _ = writeln!(out, "    {from} {arrow}{label} {to}");
    }
    out.push_str(concat!(
        "    classDef process fill:#f4f4f6,stroke:#6b7080,color:#1c1e24\n",
        "    classDef pinned fill:#fff1e6,stroke:#c2410c,color:#1c1e24,stroke-width:2px\n",
        "    classDef signal fill:#b91c1c,stroke:#7f1d1d,color:#ffffff\n",
        "    classDef entry fill:#e6f0fa,stroke:#1d4e89,color:#1c1e24\n",
        "    classDef socket fill:#eef8f0,stroke:#2f6f44,color:#1c1e24\n",
        "    classDef file fill:#fbf7e4,stroke:#8a6d1d,color:#1c1e24\n",
        "    classDef gap fill:#ffffff,stroke:#9aa0ac,color:#4b5563,stroke-dasharray:4 3\n",
    ));
    out
}

/// A Graphviz graph.
pub fn dot(case: &Case<'_>, path: &AttackPath, signal: &Signal) -> String {
    let graph = graph(case, path, signal);
    let mut out = String::from(
        "digraph attack_path {\n    charset=\"UTF-8\";\n    node [shape=box, style=\"rounded,filled\", fillcolor=\"#f4f4f6\", \
         color=\"#6b7080\", fontname=\"Helvetica\"];\n    edge [color=\"#6b7080\", fontname=\"Helvetica\", fontsize=10];\n",
    );
    let write_node = |out: &mut String, node: &Node, indent: &str| {
        // `\l` ends a line and sets it to the left.
        let label: String = node.lines.iter().map(|line| format!("{}\\l", dot_text(line))).collect();
        let look = match node.kind {
            Kind::Process => "",
            Kind::Entry => ", shape=oval, fillcolor=\"#e6f0fa\", color=\"#1d4e89\"",
            Kind::Pinned => ", fillcolor=\"#fff1e6\", color=\"#c2410c\", penwidth=2",
            Kind::Signal => ", shape=hexagon, fillcolor=\"#b91c1c\", color=\"#7f1d1d\", fontcolor=\"#ffffff\"",
            Kind::Socket => ", shape=parallelogram, fillcolor=\"#eef8f0\", color=\"#2f6f44\"",
            Kind::File => ", shape=note, style=filled, fillcolor=\"#fbf7e4\", color=\"#8a6d1d\"",
            Kind::Gap => ", style=dashed, color=\"#9aa0ac\"",
        };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{indent}{} [label=\"{label}\"{look}];", node.id);
    };
    for (at, node) in graph.nodes.iter().enumerate() {
        if !graph.groups.iter().any(|(_, nodes)| nodes.contains(&at)) {
            write_node(&mut out, node, "    ");
        }
    }
    for (i, (title, nodes)) in graph.groups.iter().enumerate() {
        let _ = writeln!(out, "    subgraph cluster_{i} {{\n        label=\"{}\"; color=\"#2f6f9f\";", dot_text(title));
        nodes.iter().for_each(|&at| write_node(&mut out, &graph.nodes[at], "        "));
        out.push_str("    }\n");
    }
    for Edge { from, to, label, is_dashed } in &graph.edges {
        let style = if *is_dashed { "dashed" } else { "solid" };
        let _ = writeln!(out, "    {from} -> {to} [style={style}, label=\"{}\"];", dot_text(label));
    }
    out.push_str("}\n");
    out
}

/// Text of a label in Mermaid, between quotes: everything but letters, digits, blanks and a few marks is written as a
/// character reference of Mermaid (`#NUMBER;`). So no quote ends the label, no `<` is a tag, no backtick makes it
/// Markdown, and no `#` begins a reference of its own.
pub fn mermaid_text(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            _ if c.is_alphanumeric() => out.push(c),
            ' ' | '.' | ',' | '-' | '/' | ':' | '→' | '●' | '○' | '…' => out.push(c),
            // Writing to a String cannot fail.
            _ => drop(write!(out, "#{};", u32::from(c))),
        }
    }
    out
}

/// Text of a label in the DOT language, between quotes: quotes and backslashes escaped, as every escape of the language
/// begins with a backslash; `&`, `<` and `>` as HTML entities, which labels know and SVG is made of.
pub fn dot_text(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '"' => out.push_str("&quot;"),
            '\\' => out.push_str("&#92;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c if c.is_control() => drop(write!(out, "&#{};", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_labels() {
        for (text, mermaid, dot) in [
            ("plain /bin/sh -c", "plain /bin/sh -c", "plain /bin/sh -c"),
            ("\"]; x --> y", "#34;#93;#59; x --#62; y", "&quot;]; x --&gt; y"),
            ("<img src=x>", "#60;img src#61;x#62;", "&lt;img src=x&gt;"),
            ("#quot;`x`", "#35;quot#59;#96;x#96;", "#quot;`x`"),
            ("a\\nb\\", "a#92;nb#92;", "a&#92;nb&#92;"),
            ("a&amp;", "a#38;amp#59;", "a&amp;amp;"),
            ("%%{init: {}}%%", "#37;#37;#123;init: #123;#125;#125;#37;#37;", "%%{init: {}}%%"),
            ("漢é", "漢é", "漢é"),
        ] {
            assert_eq!(mermaid_text(text), mermaid);
            assert_eq!(dot_text(text), dot);
        }
    }
}

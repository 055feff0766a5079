//! Draws the state.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text;
use ratatui::widgets::{Block, Borders, Clear, Paragraph};
use tracehound_report::density::{bin, sparkline};
use tracehound_report::screen::{Line, Paint, Screen};
use tracehound_report::timeline::text::marks;
use tracehound_report::tree::forest::What;
use tracehound_report::tree::node::{self, Detail};
use tracehound_report::tree::{self, more_line, tally_line};
use tracehound_signals::Priority;
use unicode_width::UnicodeWidthStr;

use crate::app::{App, Mode, Pane};
use crate::keys::HELP;

/// Columns from which the detail stands beside the tree.
const WIDE: u16 = 110;
/// Least size that anything can be shown in.
const LEAST: (u16, u16) = (20, 8);

/// Draws everything. The state only learns how many rows fit.
pub fn draw(frame: &mut Frame<'_>, app: &mut App<'_>) {
    let area = frame.area();
    if area.width < LEAST.0 || area.height < LEAST.1 {
        frame.render_widget(Paragraph::new("too small"), area);
        return;
    }
    let [title, spark, marked, body, status] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(3),
        Constraint::Length(1),
    ])
    .areas(area);
    draw_title(frame, app, title);
    draw_density(frame, app, spark, marked);
    if area.width >= WIDE {
        let [left, right] =
            Layout::horizontal([Constraint::Percentage(55), Constraint::Percentage(45)]).spacing(1).areas(body);
        let [top, bottom] = Layout::vertical([Constraint::Percentage(35), Constraint::Percentage(65)]).areas(right);
        draw_tree(frame, app, left);
        draw_signals(frame, app, top);
        draw_detail(frame, app, bottom);
    } else {
        let [top, bottom] = Layout::vertical([Constraint::Percentage(60), Constraint::Percentage(40)]).areas(body);
        match app.pane {
            Pane::Tree => {
                draw_tree(frame, app, top);
                draw_detail(frame, app, bottom);
            }
            Pane::Signals => {
                draw_signals(frame, app, bottom);
                draw_tree(frame, app, top);
            }
            Pane::Detail => draw_detail(frame, app, body),
        }
    }
    draw_status(frame, app, status);
    if app.mode == Mode::Help {
        draw_help(frame, app, area);
    }
}

/// A line of `report` for the screen, cut to a width.
fn line(screen: Screen, line: Line, width: u16) -> text::Line<'static> {
    let line = line.cut(width.into());
    let spans = line.spans().iter().map(|span| {
        let style = if screen.has_color { style(span.paint) } else { plain_style(span.paint) };
        text::Span::styled(screen.characters(&span.text), style)
    });
    text::Line::from(spans.collect::<Vec<_>>())
}

fn style(paint: Paint) -> Style {
    match paint {
        Paint::Signal(priority) => Style::new().fg(color(priority)).add_modifier(Modifier::BOLD),
        Paint::Container(number) => Style::new().fg(Color::Indexed(Paint::container_color(number))),
        paint => plain_style(paint),
    }
}

/// Without colour what matters is bold.
fn plain_style(paint: Paint) -> Style {
    match paint {
        Paint::Plain | Paint::Container(_) => Style::new(),
        Paint::Bold | Paint::Signal(_) => Style::new().add_modifier(Modifier::BOLD),
        Paint::Dim => Style::new().add_modifier(Modifier::DIM),
    }
}

fn color(priority: Priority) -> Color {
    match priority {
        Priority::Emergency | Priority::Alert | Priority::Critical => Color::LightRed,
        Priority::Error => Color::Red,
        Priority::Warning => Color::Yellow,
        Priority::Notice => Color::Cyan,
        Priority::Informational | Priority::Debug => Color::Gray,
    }
}

fn draw_title(frame: &mut Frame<'_>, app: &App<'_>, area: Rect) {
    let source = app.case.source;
    let mut title = Line::new();
    title.bytes(Paint::Bold, source.input.as_bytes());
    if !source.hostname.is_empty() {
        title.text(Paint::Plain, "  ").bytes(Paint::Plain, source.hostname.as_bytes());
    }
    let n = app.case.signals.len();
    title.text(Paint::Dim, format!("  {} events  {n} signals", app.timeline.density.n_events()));
    let n_missing = app.case.notes.n_damage + app.case.losses.len() as u64;
    if n_missing > 0 {
        title.text(Paint::Signal(Priority::Error), "  partial evidence");
    }
    if let Some((seq, ts)) = app.at {
        title.text(Paint::Signal(Priority::Notice), format!("  as of {} #{}", node::clock(app.case, ts), seq.0));
    }
    if !app.filter.is_empty() {
        title.text(Paint::Plain, "  filter ").bytes(Paint::Bold, app.filter.as_bytes());
    }
    if !app.marks.is_empty() {
        title.text(Paint::Plain, format!("  {} marked", app.marks.len()));
    }
    frame.render_widget(Paragraph::new(line(app.screen, title, area.width)), area);
}

fn draw_density(frame: &mut Frame<'_>, app: &App<'_>, spark: Rect, marked: Rect) {
    let Some((from, to)) = app.timeline.density.span() else { return };
    let columns = usize::from(spark.width);
    let bins = app.timeline.density.histogram(from, to, columns);
    let now = app.at.map(|(_, ts)| bin(ts.clamp(from, to), from, to, columns));
    let mut drawn = Line::new();
    for (i, c) in sparkline(&bins).chars().enumerate() {
        // What is after the moment that is shown has not happened yet.
        let paint = if now.is_some_and(|now| i > now) { Paint::Dim } else { Paint::Plain };
        drawn.text(paint, c.to_string());
    }
    frame.render_widget(Paragraph::new(line(app.screen, drawn, spark.width)), spark);
    let marks = marks(app.case, from, to, columns);
    frame.render_widget(Paragraph::new(line(app.screen, marks, marked.width)), marked);
    if let Some(now) = now {
        let cell = Rect { x: marked.x + now as u16, width: 1, ..marked };
        frame.render_widget(Paragraph::new(app.screen.characters("▲")), cell);
    }
}

/// A frame with a title; the pane that has the keys is bold.
fn pane(app: &App<'_>, pane: Pane, title: String) -> Block<'static> {
    let style = if app.pane == pane { Style::new().add_modifier(Modifier::BOLD) } else { Style::new() };
    let title = app.screen.characters(&title);
    // Only a line above, so that columns are left for what matters and a selection can be copied.
    Block::new().borders(Borders::TOP).title(title).title_style(style).border_style(style).border_set(border(app))
}

fn border(app: &App<'_>) -> ratatui::symbols::border::Set<'static> {
    let mut set = ratatui::symbols::border::PLAIN;
    if app.screen.is_ascii {
        set.horizontal_top = "-";
    }
    set
}

fn selected_style(app: &App<'_>, pane: Pane) -> Style {
    if app.pane == pane {
        Style::new().add_modifier(Modifier::REVERSED)
    } else {
        Style::new().add_modifier(Modifier::UNDERLINED)
    }
}

fn draw_tree(frame: &mut Frame<'_>, app: &mut App<'_>, area: Rect) {
    let n = app.visible.len();
    let at = (app.tree.at + 1).min(n);
    let block = pane(app, Pane::Tree, format!(" 1 processes  {at}/{n} "));
    let inner = block.inner(area);
    app.tree.fit(inner.height.into(), n);
    frame.render_widget(block, area);
    let max_bars = usize::from(inner.width / 6).clamp(4, tree::MAX_BARS);
    for (y, at) in (app.tree.top..n).take(inner.height.into()).enumerate() {
        let drawn = row(app, app.visible[at] as usize, usize::from(inner.width), max_bars);
        let area = Rect { y: inner.y + y as u16, height: 1, ..inner };
        let mut drawn = Paragraph::new(line(app.screen, drawn, inner.width));
        if at == app.tree.at {
            drawn = drawn.style(selected_style(app, Pane::Tree));
        }
        frame.render_widget(drawn, area);
    }
}

/// One row of the tree.
fn row(app: &App<'_>, i: usize, width: usize, max_bars: usize) -> Line {
    let row = &app.rows[i];
    let mut drawn = tree::prefix(&app.rows, i, max_bars);
    match row.what {
        What::Unknown => drop(drawn.text(Paint::Plain, "(parent unknown)")),
        What::Ancestors(id) => drop(drawn.text(Paint::Plain, node::short_name(app.case, id))),
        What::More { n, signals } => drop(drawn.line(more_line(n, &signals))),
        What::Process(id) => {
            let sign = match (row.has_children, row.is_open) {
                (false, _) => "",
                (true, true) => "▾ ",
                (true, false) => "▸ ",
            };
            drawn.text(Paint::Dim, sign);
            let mut signals = tree::forest::Tally::default();
            app.case.signals_of(id).filter(|signal| signal.seq <= app.seq()).for_each(|signal| signals.add(signal));
            if let Some((priority, _)) = signals.by_priority().next() {
                let n: u32 = signals.by_priority().map(|(_, n)| n).sum();
                drawn.text(Paint::Signal(priority), if n > 1 { format!("●{n} ") } else { "● ".to_owned() });
            } else if signals.suppressed > 0 {
                drawn.text(Paint::Dim, "○ ");
            }
            if app.is_found(row.what) {
                drawn.text(Paint::Signal(Priority::Notice), "» ");
            }
            let mut below = Line::new();
            if let Some(What::More { n, signals }) = app.rows.get(i + 1).map(|row| row.what).filter(|_| !row.is_open) {
                below.text(Paint::Dim, format!("  +{n}"));
                if !signals.is_empty() {
                    below.text(Paint::Plain, " ").line(tally_line(&signals));
                }
            }
            let columns = width.saturating_sub(drawn.width() + below.width());
            let detail = Detail { at: app.at.map(|(seq, _)| seq), columns: Some(columns), is_full: false };
            drawn.line(node::process_line(app.case, id, &detail).cut(columns)).line(below);
        }
    }
    drawn
}

fn draw_signals(frame: &mut Frame<'_>, app: &mut App<'_>, area: Rect) {
    let n = app.signals.len();
    let n_all = app.case.signals.len();
    let hidden = if n < n_all { format!("  {} suppressed", n_all - n) } else { String::new() };
    let block = pane(app, Pane::Signals, format!(" 2 signals  {}/{n}{hidden} ", (app.list.at + 1).min(n)));
    let inner = block.inner(area);
    app.list.fit(inner.height.into(), n);
    frame.render_widget(block, area);
    for (y, at) in (app.list.top..n).take(inner.height.into()).enumerate() {
        let signal = &app.case.signals[app.signals[at] as usize];
        let (mark, paint) = node::mark(signal);
        let mut drawn = Line::new();
        drawn.text(Paint::Bold, if app.marks.contains(&signal.id) { "x " } else { "  " });
        drawn.text(Paint::Dim, format!("{} ", node::clock(app.case, signal.ts)));
        drawn.text(paint, format!("{mark} {} ", signal.rule.priority.name()));
        drawn.bytes(Paint::Plain, signal.rule.name.as_bytes());
        if let Some(id) = app.process_of(signal) {
            drawn.text(Paint::Dim, format!("  {}", node::short_name_at(app.case, id, signal.seq)));
        }
        let area = Rect { y: inner.y + y as u16, height: 1, ..inner };
        let mut drawn = Paragraph::new(line(app.screen, drawn, inner.width));
        if at == app.list.at {
            drawn = drawn.style(selected_style(app, Pane::Signals));
        }
        frame.render_widget(drawn, area);
    }
}

fn draw_detail(frame: &mut Frame<'_>, app: &App<'_>, area: Rect) {
    let block = pane(app, Pane::Detail, " 3 detail ".to_owned());
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let mut left = inner;
    for detail in app.detail.iter().skip(app.scroll) {
        for part in wrapped(detail, inner.width.into(), app.pane == Pane::Detail) {
            if left.height == 0 {
                return;
            }
            frame.render_widget(Paragraph::new(line(app.screen, part, inner.width)), Rect { height: 1, ..left });
            left.y += 1;
            left.height -= 1;
        }
    }
}

/// A line as several that fit, the later ones indented; one that is cut, if the pane has not the keys.
fn wrapped(detail: &Line, width: usize, is_whole: bool) -> Vec<Line> {
    const INDENT: usize = 4;
    if !is_whole || detail.width() <= width || width <= 2 * INDENT {
        return vec![detail.clone()];
    }
    let mut out = vec![Line::new()];
    let mut room = width;
    for span in detail.spans() {
        for c in span.text.chars() {
            let mut buffer = [0; 4];
            let text: &str = c.encode_utf8(&mut buffer);
            if text.width() > room {
                let mut next = Line::new();
                next.text(Paint::Plain, " ".repeat(INDENT));
                out.push(next);
                room = width - INDENT;
            }
            room -= text.width();
            if let Some(last) = out.last_mut() {
                last.text(span.paint, text);
            }
        }
    }
    out
}

fn draw_status(frame: &mut Frame<'_>, app: &App<'_>, area: Rect) {
    let mut drawn = Line::new();
    let asked = match &app.mode {
        Mode::Search(text) => Some(("search: ", text)),
        Mode::Filter(text) => Some(("filter (text, or a query such as @process.comm:sh): ", text)),
        Mode::Write(text) => Some(("write suppressions to: ", text)),
        Mode::Normal | Mode::Help | Mode::Leave => None,
    };
    match asked {
        Some((question, text)) => {
            drawn.text(Paint::Bold, question).bytes(Paint::Plain, text.as_bytes());
            let x = drawn.width().min(usize::from(area.width.saturating_sub(1)));
            frame.set_cursor_position(Position::new(area.x + x as u16, area.y));
        }
        None => {
            drawn.bytes(Paint::Bold, app.status.as_bytes());
            let keys = "? help  / search  f filter  ] signal  , . scrub  m mark  q leave";
            let room = usize::from(area.width).saturating_sub(drawn.width() + 2);
            if keys.len() <= room {
                drawn.text(Paint::Plain, " ".repeat(room - keys.len() + 2)).text(Paint::Dim, keys);
            }
        }
    }
    frame.render_widget(Paragraph::new(line(app.screen, drawn, area.width)), area);
}

fn draw_help(frame: &mut Frame<'_>, app: &App<'_>, area: Rect) {
    let width = area.width.min(78);
    let height = area.height.min(HELP.len() as u16 + 2);
    let box_ = Rect { x: (area.width - width) / 2, y: (area.height - height) / 2, width, height };
    frame.render_widget(Clear, box_);
    let set = if app.screen.is_ascii { ASCII_BORDER } else { ratatui::symbols::border::PLAIN };
    let block = Block::new().borders(Borders::ALL).border_set(set).title(" keys (any key closes) ");
    let lines: Vec<text::Line<'_>> = HELP
        .iter()
        .map(|(keys, what)| {
            let mut drawn = Line::new();
            drawn.text(Paint::Bold, format!(" {keys}")).column(17).text(Paint::Plain, *what);
            line(app.screen, drawn, width - 2)
        })
        .collect();
    frame.render_widget(Paragraph::new(lines).block(block), box_);
}

const ASCII_BORDER: ratatui::symbols::border::Set<'static> = ratatui::symbols::border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

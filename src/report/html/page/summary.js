// The head of the page: what happened, how bad, where from, and what the evidence lacks.

/** Techniques that rules are tagged with: `T1059`, `T1059.004`, whatever is before it. */
function techniques(m) {
  const all = new Map();
  for (let i = 0; i < m.n_signals; i++) {
    if (m.is_suppressed(i)) continue;
    for (const tag of m.rule(i)[5]) {
      const found = /(?:^|[^A-Za-z0-9])(T\d{4}(?:\.\d{3})?)$/i.exec(m.text(tag));
      if (found) all.set(found[1].toUpperCase(), (all.get(found[1].toUpperCase()) ?? 0) + 1);
    }
  }
  return [...all].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}

/** What is known to be missing, in sentences. */
function gaps(m) {
  const { losses } = m.summary;
  const out = [];
  if (losses.records > 0) {
    out.push(losses.events > 0 ? `The recorder lost ${plural(losses.events, "event")}, said in ${plural(losses.records, "record")}.` : `The recorder says ${plural(losses.records, "time")} that it lost events, and not how many.`);
    const first = m.losses[0][0];
    if (first) out.push(`The first loss is told at ${m.clock(first[0])}${m.text(first[2]) ? `: ${m.text(first[2])}` : ""}.`);
  }
  if (losses.damage > 0) {
    const first = m.losses[1][0];
    out.push(`The file is damaged at ${plural(losses.damage, "place")}${first ? `, first at byte ${count(first[0])}: ${m.text(first[1])}` : ""}.`);
  }
  if (out.length) out.push("What is not shown here may have happened all the same.");
  return out;
}

function banner(m) {
  const { summary } = m;
  const n = summary.rules.not_evaluable.length;
  const lacks = gaps(m);
  const blind =
    n > 0 &&
    h(
      "details",
      { class: "blind" },
      h("summary", null, `${plural(n, "rule")} of ${count(summary.rules.enabled)} ask for what this trace does not have, and can miss something`),
      h("ul", null, summary.rules.not_evaluable.map(({ rule, why }) => h("li", null, h("strong", null, rule), `: ${why.join("; ")}`))),
    );
  const no_rules = summary.rules.enabled === 0 && h("p", null, h("strong", null, "No rule was asked."), " That no signal is shown says nothing.");
  if (lacks.length) {
    return h("div", { class: "banner partial", role: "note", id: "evidence" }, h("p", null, h("strong", null, "The evidence is partial.")), lacks.map((text) => h("p", null, text)), no_rules, blind);
  }
  return h("div", { class: `banner${n > 0 || no_rules ? " limited" : " whole"}`, role: "note", id: "evidence" }, h("p", null, h("strong", null, "Nothing is known to be missing from the trace."), summary.input.integrity === "none" ? " The format has no checksums." : null), no_rules, blind);
}

/** The stories, the worst in full. */
function what_happened(m) {
  const all = stories(m);
  if (all.length === 0) {
    const n = m.summary.signals.suppressed;
    const asked = m.summary.rules.enabled;
    return h("section", { id: "story", "aria-labelledby": "story-title" }, h("h2", { id: "story-title" }, "What happened"), h("p", { class: "big" }, `No rule of ${count(asked)} fired${n > 0 ? `, but for ${plural(n, "signal")} that suppressions hide` : ""}.`), h("p", { class: "dim" }, "That is what these rules say of what this trace holds; it is no proof that nothing happened."));
  }
  const holder = h("div", { class: "story" });
  const show = (story) => {
    const path = new Path(m, story.told_by);
    fill(
      holder,
      h("h3", { class: "story-rules" }, badge(m, story.worst), " ", story.rules.slice(0, 4).map(([rule, n], k) => [k > 0 ? " · " : "", m.text(m.rules[rule][0]), n > 1 ? h("span", { class: "dim" }, ` ×${count(n)}`) : null]), story.rules.length > 4 && h("span", { class: "dim" }, ` and ${count(story.rules.length - 4)} more rules`), story.times > 1 && h("span", { class: "dim" }, ` — ${count(story.times)} times, this is the first`)),
      path.steps && path.line(),
      h("p", { class: "message dim" }, whole(m.texts, m.signals.message[story.told_by], m, 400)),
      path.steps && path.ladder(),
      h("p", null, h("a", { href: `#signal=${m.signals.id[story.told_by]}` }, "Evidence of this signal: why it fired")),
    );
  };
  show(all[0]);
  const others = all.length > 1 && h("div", { class: "others" });
  if (others) {
    const buttons = all.slice(0, 50).map((story, k) => {
      const path = new Path(m, story.told_by);
      const last = path.steps ? path.steps.slice(-3).map((_, j) => path.names(path.steps.length - Math.min(3, path.steps.length) + j).at(-1)).join(" › ") : "";
      return h(
        "button",
        {
          type: "button",
          "aria-pressed": String(k === 0),
          onclick: (event) => {
            buttons.forEach((b) => b.setAttribute("aria-pressed", "false"));
            event.currentTarget.setAttribute("aria-pressed", "true");
            show(story);
          },
        },
        badge(m, story.worst),
        h("span", { class: "rule" }, m.text(m.rules[story.rules[0][0]][0])),
        h("span", { class: "dim" }, last),
        h("span", { class: "when" }, m.clock(story.first)),
        h("span", { class: "dim" }, plural(story.n, "signal"), story.times > 1 && `, ${count(story.times)} times`),
      );
    });
    fill(others, h("h3", null, `${count(all.length)} things that happened`), buttons, all.length > 50 && h("p", { class: "dim" }, `${count(all.length - 50)} more; the table of signals has them all.`));
  }
  return h("section", { id: "story", "aria-labelledby": "story-title" }, h("h2", { id: "story-title" }, "What happened"), others, holder);
}

function overview(m) {
  const { summary } = m;
  const by_priority = m.by_priority();
  const most = Math.max(1, ...by_priority.map(([, , n]) => n));
  const by_rule = summary.signals.by_rule.filter((r) => r.fired > 0).sort((a, b) => b.fired - a.fired);
  const top = [...m.on].map(([p, list]) => [p, list.filter((i) => !m.is_suppressed(i)).length]).filter(([, n]) => n > 0).sort((a, b) => m.worst[a[0]] - m.worst[b[0]] || b[1] - a[1] || a[0] - b[0]);
  const attack = techniques(m);
  const { time, host, input } = summary;
  const rest = (n, shown) => n > shown && h("p", { class: "dim" }, `and ${count(n - shown)} more`);
  const suppressed = summary.suppressions.active;
  return h(
    "section",
    { id: "summary", "aria-labelledby": "summary-title" },
    h("h2", { id: "summary-title" }, "Summary"),
    h(
      "div",
      { class: "cards" },
      h("div", { class: "card" }, h("h3", null, plural(summary.signals.fired, "signal")), by_priority.map(([p, , n]) => h("div", { class: "meter" }, badge(m, p), h("span", { class: "track", "aria-hidden": "true" }, h("span", { class: `fill p${p}`, css: { width: `${Math.max(2, (n / most) * 100)}%` } })), h("span", { class: "n" }, count(n)))), h("p", { class: "dim" }, `of ${plural(summary.events, "event")}`), summary.signals.degraded > 0 && h("p", { class: "warn" }, `${plural(summary.signals.degraded, "signal")} on degraded evidence`)),
      by_rule.length > 0 && h("div", { class: "card" }, h("h3", null, "Rules"), h("ul", { class: "plain" }, by_rule.slice(0, 8).map((r) => h("li", null, h("span", null, r.rule), h("span", { class: "n" }, count(r.fired))))), rest(by_rule.length, 8)),
      attack.length > 0 && h("div", { class: "card" }, h("h3", null, "ATT&CK techniques"), h("p", { class: "keys" }, attack.map(([id, n]) => [h("span", { class: "chip", title: plural(n, "signal") }, id, n > 1 && h("small", null, ` ×${count(n)}`)), " "]))),
      top.length > 0 && h("div", { class: "card" }, h("h3", null, "Processes with signals"), h("ul", { class: "plain" }, top.slice(0, 8).map(([p, n]) => h("li", null, h("span", null, h("span", { class: `pin p${m.worst[p]}`, "aria-hidden": "true" }, "● "), process_link(m, p)), h("span", { class: "n" }, count(n))))), rest(top.length, 8)),
      h(
        "div",
        { class: "card" },
        h("h3", null, "Trace"),
        h(
          "dl",
          { class: "facts" },
          [
            ["file", `${input.name} (${input.format}${input.bytes === null ? "" : `, ${count(input.bytes)} bytes`})`],
            ["host", host.hostname ?? "unknown"],
            ["kernel", [host.kernel, host.arch].filter(Boolean).join(" ")],
            ["from", time.first],
            ["to", time.last],
            ["lasting", m.head.first !== null ? duration(m.finish - m.begin) : null],
            ["events", count(summary.events)],
            ["processes", `${count(summary.processes.total)}: ${count(summary.processes.snapshot)} there before, ${count(summary.processes.birth)} born${summary.processes.first_seen ? `, ${count(summary.processes.first_seen)} of unknown birth` : ""}`],
            ["integrity", input.integrity],
            ["unfinished", summary.unfinished_calls > 0 && `${plural(summary.unfinished_calls, "call")} had not returned`],
            ["rules", `${count(summary.rules.enabled)} asked of ${count(summary.rules.loaded)} loaded`],
          ]
            .filter(([, v]) => v)
            .map(([k, v]) => [h("dt", null, k), h("dd", null, v)]),
        ),
      ),
      summary.suppressions.loaded > 0 && h("div", { class: "card" }, h("h3", null, `${plural(summary.signals.suppressed, "signal")} suppressed`), h("ul", { class: "plain" }, suppressed.slice(0, 8).map((s) => h("li", null, h("span", null, s.suppression), h("span", { class: "n" }, count(s.signals))))), rest(suppressed.length, 8), h("p", { class: "dim" }, `${plural(summary.suppressions.loaded, "suppression")} loaded; ${count(summary.suppressions.dead.length)} hid nothing`)),
    ),
  );
}

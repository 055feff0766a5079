// The table of signals.

class Signals {
  constructor(m, page) {
    Object.assign(this, { m, page, text: "", rule: -1, suppressed: false, sort: "time", is_down: false });
    this.priorities = new Set(m.head.priorities.keys());
    this.scroller = h("div", { class: "table scroller", role: "grid", tabindex: "0", "aria-label": "Signals", "aria-rowcount": m.n_signals + 1, id: "signal-rows" });
    this.rows = [];
    this.list = new Rows(this.scroller, 28, "s", (k) => this.row(k));
    this.list.space.setAttribute("role", "rowgroup");
    this.status = h("p", { class: "status", role: "status" });
    this.scroller.addEventListener("keydown", (event) => {
      if (event.target !== this.scroller) return;
      if (this.list.move(event.key)) event.preventDefault();
      else if ((event.key === "Enter" || event.key === " ") && this.list.active >= 0) {
        this.open(this.list.active);
        event.preventDefault();
      }
    });
    this.scroller.addEventListener("click", (event) => {
      const row = event.target.closest(".row");
      if (row) this.open(Number(row.dataset.i));
    });
  }

  open(k) {
    this.list.active = k;
    this.page.go(`signal=${this.m.signals.id[this.rows[k]]}`);
  }

  element() {
    const { m } = this;
    const refresh = soon(() => this.refresh());
    const present = new Map();
    for (let i = 0; i < m.n_signals; i++) present.set(m.priority(i), (present.get(m.priority(i)) ?? 0) + 1);
    const rules = [...new Set(m.signals.rule)].sort((a, b) => (m.text(m.rules[a][0]) < m.text(m.rules[b][0]) ? -1 : 1));
    const n_suppressed = m.head.nSignals ? m.summary.signals.suppressed : 0;
    const columns = [["time", "Time"], ["priority", "Priority"], ["rule", "Rule"], ["process", "Process"], ["user", "User"], ["message", "Output"]];
    this.headers = columns.map(([key, name]) =>
      h("span", { role: "columnheader", "aria-sort": "none", class: key }, h("button", { type: "button", onclick: () => this.sort_by(key) }, name)),
    );
    this.scroller.prepend(h("div", { role: "rowgroup", class: "heads" }, h("div", { role: "row", class: "head", "aria-rowindex": "1" }, this.headers)));
    return h(
      "section",
      { id: "signals", "aria-labelledby": "signals-title" },
      h("h2", { id: "signals-title" }, "Signals"),
      h(
        "div",
        { class: "tools", role: "group", "aria-label": "Filter signals" },
        h("label", null, "Search ", h("input", { type: "search", id: "signal-search", placeholder: "output, rule, process", oninput: (e) => ((this.text = e.target.value.trim()), refresh()) })),
        h("label", null, "Rule ", h("select", { id: "signal-rule", onchange: (e) => ((this.rule = Number(e.target.value)), refresh()) }, h("option", { value: "-1" }, "all"), rules.map((r) => h("option", { value: r }, m.text(m.rules[r][0]))))),
        h(
          "fieldset",
          null,
          h("legend", { class: "unseen" }, "Priorities"),
          [...present].sort((a, b) => a[0] - b[0]).map(([p, n]) =>
            h("label", { class: "check" }, h("input", { type: "checkbox", checked: true, onchange: (e) => (e.target.checked ? this.priorities.add(p) : this.priorities.delete(p), refresh()) }), " ", badge(m, p), ` ${count(n)}`),
          ),
        ),
        n_suppressed > 0 && h("label", { class: "check" }, h("input", { type: "checkbox", id: "signal-suppressed", onchange: (e) => ((this.suppressed = e.target.checked), refresh()) }), ` suppressed (${count(n_suppressed)})`),
      ),
      this.status,
      this.scroller,
    );
  }

  sort_by(key) {
    this.is_down = this.sort === key && !this.is_down;
    this.sort = key;
    this.refresh();
  }

  refresh() {
    const { m } = this;
    const { window } = m;
    const s = m.signals;
    const has_text = this.text && m.matcher(this.text);
    this.rows = [];
    for (let i = 0; i < m.n_signals; i++) {
      if (!this.suppressed && m.is_suppressed(i)) continue;
      if (!this.priorities.has(m.priority(i))) continue;
      if (this.rule >= 0 && s.rule[i] !== this.rule) continue;
      if (window && (s.ts[i] < window[0] || s.ts[i] > window[1])) continue;
      if (has_text && !has_text(s.message[i]) && !has_text(m.rule(i)[0]) && !(s.process[i] >= 0 && (String(m.processes.pid[s.process[i]]) === this.text || has_text(m.last_image(s.process[i])[0])))) continue;
      this.rows.push(i);
    }
    const value = {
      time: (i) => s.ts[i],
      priority: (i) => m.priority(i),
      rule: (i) => m.rule_name(i),
      process: (i) => (s.process[i] < 0 ? "" : m.name(s.process[i])),
      user: (i) => (s.process[i] < 0 ? "" : m.user_name(m.user(s.process[i]))),
      message: (i) => m.text(s.message[i]),
    }[this.sort];
    const values = new Map(this.rows.map((i) => [i, value(i)]));
    const sign = this.is_down ? -1 : 1;
    this.rows.sort((a, b) => {
      const [x, y] = [values.get(a), values.get(b)];
      return (x < y ? -1 : x > y ? 1 : 0) * sign || a - b;
    });
    for (const header of this.headers) {
      header.setAttribute("aria-sort", header.classList.contains(this.sort) ? (this.is_down ? "descending" : "ascending") : "none");
    }
    const left_out = m.head.nSignals - m.n_signals;
    const cut = left_out > 0 ? ` ${count(left_out)} of the ${count(m.head.nSignals)} signals of the trace are not in this page, none worse than those that are; ${m.commands("analyze", "-f jsonl")} gives all.` : "";
    const fired = m.n_signals - (this.suppressed ? 0 : [...s.suppressedBy].filter((l) => s.lists[l].length > 0).length);
    this.status.textContent = `${plural(this.rows.length, "signal")} of ${count(fired)} shown${window ? " in the part of time that is picked" : ""}.${cut}`;
    this.status.classList.toggle("warn", cut !== "");
    this.list.set(this.rows.length);
  }

  row(k) {
    const { m } = this;
    const i = this.rows[k];
    const p = m.signals.process[i];
    const lacking = m.lacking(i).length;
    const is_suppressed = m.is_suppressed(i);
    return h(
      "div",
      { role: "row", class: `row${is_suppressed ? " dimmed" : ""}${i === this.selected ? " selected" : ""}`, "aria-rowindex": k + 2 },
      h("span", { role: "gridcell", class: "time" }, m.clock(m.signals.ts[i])),
      h("span", { role: "gridcell", class: "priority" }, badge(m, m.priority(i))),
      h("span", { role: "gridcell", class: "rule" }, m.rule_name(i), lacking > 0 && h("span", { class: "warn", title: "evidence degraded" }, " ⚠", h("span", { class: "unseen" }, "evidence degraded")), is_suppressed && h("em", null, " suppressed")),
      h("span", { role: "gridcell", class: "process" }, p < 0 ? "—" : m.label(p)),
      h("span", { role: "gridcell", class: "user" }, p < 0 ? "" : m.user_name(m.user(p))),
      h("span", { role: "gridcell", class: "message" }, m.text(m.signals.message[i])),
    );
  }

  show(i) {
    this.selected = i;
    const k = this.rows.indexOf(i);
    if (k >= 0) this.list.activate(k);
    else this.list.redraw();
  }
}

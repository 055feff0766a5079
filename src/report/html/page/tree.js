// The process tree: every process of the trace, as many rows as are open.

class Tree {
  constructor(m, page) {
    Object.assign(this, { m, page, text: "", user: -1, container: -1, only_signals: false });
    this.open = new Uint8Array(m.n);
    this.rows = new Int32Array(0);
    this.is_filtered = false;
    const few = m.n <= 400;
    for (let i = 0; i < m.n; i++) this.open[i] = few || (m.signals_below[i] > (m.worst[i] < 99 ? 1 : 0) && m.worst_below[i] < 99) ? 1 : 0;
    this.scroller = h("div", { class: "tree scroller", role: "tree", tabindex: "0", "aria-label": "Process tree", id: "tree" });
    this.list = new Rows(this.scroller, 26, "t", (k) => this.row(k));
    this.status = h("p", { class: "status", role: "status" });
    this.scroller.addEventListener("keydown", (event) => this.key(event));
    this.scroller.addEventListener("click", (event) => this.click(event));
  }

  element() {
    const { m } = this;
    const refresh = soon(() => this.refresh());
    const users = m.users.map((_, i) => i).sort((a, b) => (m.user_name(a) < m.user_name(b) ? -1 : 1));
    const change = (name, f) => (event) => {
      this[name] = f(event.target);
      refresh();
    };
    const number = (target) => Number(target.value);
    return h(
      "section",
      { id: "processes", "aria-labelledby": "processes-title" },
      h("h2", { id: "processes-title" }, "Processes"),
      h(
        "div",
        { class: "tools", role: "group", "aria-label": "Filter processes" },
        h("label", null, "Search ", h("input", { type: "search", id: "tree-search", placeholder: "name, command, pid", oninput: change("text", (t) => t.value.trim()) })),
        h("label", null, "User ", h("select", { id: "tree-user", onchange: change("user", number) }, h("option", { value: "-1" }, "all"), users.map((u) => h("option", { value: u }, m.user_name(u))))),
        m.containers.length > 0 &&
          h("label", null, "Container ", h("select", { id: "tree-container", onchange: change("container", number) }, h("option", { value: "-1" }, "all"), h("option", { value: "-2" }, "host only"), m.containers.map((_, c) => h("option", { value: c }, m.container_name(c))))),
        h("label", { class: "check" }, h("input", { type: "checkbox", id: "tree-signals", onchange: change("only_signals", (t) => t.checked) }), " only with signals"),
        h("button", { type: "button", onclick: () => this.set_all(1) }, "Open all"),
        h("button", { type: "button", onclick: () => this.set_all(0) }, "Close all"),
      ),
      this.status,
      this.scroller,
    );
  }

  set_all(value) {
    this.open.fill(value);
    this.refresh();
  }

  /** Which rows there are: those that match, with all above them; or what is open. */
  refresh() {
    const { m } = this;
    const { window } = m;
    this.is_filtered = this.text !== "" || this.user >= 0 || this.container !== -1 || this.only_signals || window !== null;
    const active = this.list.active >= 0 ? this.rows[this.list.active] : -1;
    let n_matches = m.n;
    this.shown = null;
    if (this.is_filtered) {
      n_matches = 0;
      const shown = new Uint8Array(m.n);
      const has_text = this.text && m.matcher(this.text);
      for (let i = 0; i < m.n; i++) {
        if (this.only_signals && m.worst[i] === 99) continue;
        if (window && (m.from(i) > window[1] || m.until(i) < window[0])) continue;
        if (this.user >= 0 && !m.users_of(i).includes(this.user)) continue;
        const c = m.processes.container[i];
        if (this.container === -2 ? c >= 0 : this.container >= 0 && c !== this.container) continue;
        if (has_text && String(m.processes.pid[i]) !== this.text && !m.images(i).some((image) => m.image_rows[image].slice(0, 3).some(has_text))) continue;
        n_matches++;
        shown[i] = 2;
        for (let up = m.parent[i]; up >= 0 && !shown[up]; up = m.parent[up]) shown[up] = 1;
      }
      this.shown = shown;
    }
    const rows = [];
    const { order, below } = m;
    for (let j = 0; j < m.n; j++) {
      const i = order[j];
      // All below a process stands right after it.
      if (this.shown && !this.shown[i]) j += below[i];
      else {
        rows.push(i);
        if (!this.is_open(i)) j += below[i];
      }
    }
    this.rows = Int32Array.from(rows);
    const n = m.head.nProcesses;
    const cut = n > m.n ? ` This page has ${count(m.n)} of the ${count(n)} of the trace: those with signals, what is above them, and the first.` : "";
    this.status.textContent =
      (this.is_filtered ? `${plural(n_matches, "process", "processes")} of ${count(m.n)} match${n_matches === 1 ? "es" : ""}; what is above them is shown too.` : `${plural(m.n, "process", "processes")}, ${count(rows.length)} shown.`) + cut;
    this.status.classList.toggle("warn", cut !== "");
    this.list.active = active >= 0 ? rows.indexOf(active) : -1;
    this.list.set(rows.length);
    // Below many that are above it, the first that matches would not be found.
    const asked = JSON.stringify([this.text, this.user, this.container, this.only_signals]);
    if (this.shown && asked !== this.asked) {
      const k = rows.findIndex((i) => this.shown[i] === 2);
      if (k >= 0) this.list.activate(k, true);
    }
    this.asked = asked;
  }

  is_open(i) {
    // What a filter leaves is shown open, as far as it is few.
    return this.is_filtered && this.shown ? this.closed?.has(i) !== true && (this.open[i] === 1 || this.shown[i] >= 1) : this.open[i] === 1;
  }

  toggle(i, value) {
    const is_open = value ?? !this.is_open(i);
    this.closed ??= new Set();
    if (is_open) this.closed.delete(i);
    else this.closed.add(i);
    this.open[i] = is_open ? 1 : 0;
    this.refresh();
  }

  row(k) {
    const { m } = this;
    const i = this.rows[k];
    const p = m.processes;
    const level = m.level[i];
    const has_kids = m.kids[i] > 0;
    const is_open = this.is_open(i);
    const container = p.container[i];
    const is_dim = this.shown && this.shown[i] === 1;
    const worst = is_open ? m.worst[i] : m.worst_below[i];
    const own = (m.on.get(i) ?? []).filter((s) => !m.is_suppressed(s)).length;
    const n = is_open ? own : m.signals_below[i];
    const chain = m.chain(i);
    const older = p.older[i] + Math.max(0, chain.length - 4);
    const names = (older ? `(${older} more) → ` : "") + chain.slice(-4).join(" → ");
    const command = m.command(i);
    const users = m.users_of(i).map((u) => m.user_name(u));
    const parent = m.parent[i];
    const is_boundary = container >= 0 && (parent < 0 || p.container[parent] !== container);
    return h(
      "div",
      {
        role: "treeitem",
        class: `row${is_dim ? " dimmed" : ""}${container >= 0 ? ` contained c${container % 8}` : ""}${i === this.selected ? " selected" : ""}`,
        "aria-level": level + 1,
        "aria-expanded": has_kids ? String(is_open) : null,
        "aria-setsize": parent >= 0 ? m.kids[parent] : m.roots.length,
        "aria-posinset": this.position(i),
        "aria-selected": i === this.selected ? "true" : "false",
      },
      h(
        "span",
        { class: "what", css: { "padding-left": `${Math.min(level, 24) * 14}px` } },
        level > 24 && h("span", { class: "deep" }, `+${level - 24} `),
        h("span", { class: `twisty${has_kids ? "" : " leaf"}`, "aria-hidden": "true" }, has_kids ? (is_open ? "▾" : "▸") : "·"),
        n > 0 && h("span", { class: `pin p${worst}`, title: plural(n, "signal") }, is_open || own === m.signals_below[i] ? "●" : "◉", n > 1 && ` ${count(n)}`, h("span", { class: "unseen" }, ` ${plural(n, "signal")}, worst ${m.priority_name(worst)}. `)),
        h("span", { class: "pid" }, p.pid[i]),
        h("span", { class: "name" }, names),
        is_boundary && h("span", { class: "chip" }, m.container_name(container)),
        h("span", { class: "command" }, command.length > 300 ? `${command.slice(0, 300)}…` : command),
      ),
      h("span", { class: `user${users.length > 1 ? " changed" : ""}` }, users.slice(-2).join(" → ")),
      h("span", { class: "mark" }, p.adopted[i] >= 0 ? h("span", { title: `adopted by ${m.label(p.adopted[i])}` }, "⤴", h("span", { class: "unseen" }, ` adopted by ${m.label(p.adopted[i])} `)) : "", p.origin[i] === 2 ? h("span", { class: "warn", title: "birth not recorded" }, "?", h("span", { class: "unseen" }, " birth not recorded ")) : ""),
      this.bar(i, worst < 99 && n > 0 ? worst : -1),
    );
  }

  /** Lifetime, within the part of time that is looked at. */
  bar(i, worst) {
    const { m } = this;
    const [a, b] = m.window ?? [m.begin, m.finish];
    const at = (t) => Math.max(0, Math.min(100, ((t - a) / (b - a || 1)) * 100));
    const left = at(m.from(i));
    const right = at(m.until(i));
    const before = m.from(i) < a ? " before" : "";
    const after = m.until(i) > b ? " after" : "";
    return h("span", { class: "life", "aria-hidden": "true" }, h("span", { class: `bar${worst >= 0 ? ` p${worst}` : ""}${before}${after}`, css: { left: `${left}%`, width: `${Math.max(0.6, right - left)}%` } }));
  }

  position(i) {
    const { m } = this;
    if (!this.positions) {
      this.positions = new Int32Array(m.n);
      for (let up = 0; up < m.n; up++) {
        let k = 0;
        for (const kid of m.children(up)) this.positions[kid] = ++k;
      }
      m.roots.forEach((root, k) => (this.positions[root] = k + 1));
    }
    return this.positions[i];
  }

  click(event) {
    const row = event.target.closest("[role=treeitem]");
    if (!row) return;
    const k = Number(row.dataset.i);
    const i = this.rows[k];
    this.list.active = k;
    if (event.target.closest(".twisty") && this.m.kids[i] > 0) this.toggle(i);
    else this.page.go(`process=${encodeURIComponent(this.m.key(i))}`);
  }

  key(event) {
    const { m, list } = this;
    const i = list.active >= 0 ? this.rows[list.active] : -1;
    if (list.move(event.key)) event.preventDefault();
    else if (i < 0) return;
    else if (event.key === "ArrowRight" && m.kids[i] > 0) {
      if (this.is_open(i)) list.activate(list.active + 1);
      else this.toggle(i, true);
      event.preventDefault();
    } else if (event.key === "ArrowLeft") {
      if (m.kids[i] > 0 && this.is_open(i)) this.toggle(i, false);
      else if (m.parent[i] >= 0) list.activate(this.rows.indexOf(m.parent[i]));
      event.preventDefault();
    } else if (event.key === "Enter" || event.key === " ") {
      this.page.go(`process=${encodeURIComponent(m.key(i))}`);
      event.preventDefault();
    }
  }

  /** Opens everything above a process and scrolls to it. */
  show(i) {
    const { m } = this;
    this.selected = i;
    for (let up = m.parent[i]; up >= 0; up = m.parent[up]) {
      this.open[up] = 1;
      this.closed?.delete(up);
    }
    this.refresh();
    const k = this.rows.indexOf(i);
    if (k >= 0) this.list.activate(k, true);
    return k >= 0;
  }
}

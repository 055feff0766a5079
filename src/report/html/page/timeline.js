// The timeline: how many events of each kind there are over time, and signals; a part of time can be picked.

class Timeline {
  constructor(m, page) {
    Object.assign(this, { m, page });
  }

  /** Width of the whole in units of the drawing. */
  static WIDTH = 1000;

  element() {
    const { m } = this;
    const lanes = m.head.lanes.map((name, k) => ({ name, bins: m.density[k] })).filter(({ bins }) => bins.some((n) => n > 0));
    const priorities = [...new Set(m.rules.map((rule) => rule[1]))].sort((a, b) => a - b);
    const signal_lanes = priorities
      .map((p) => ({ p, at: [...Array(m.n_signals).keys()].filter((i) => m.priority(i) === p && !m.is_suppressed(i)) }))
      .filter(({ at }) => at.length > 0);
    const rows = [
      ...signal_lanes.map(({ p, at }) => this.lane(badge(m, p), this.marks(p, at), plural(at.length, "signal"))),
      ...lanes.map(({ name, bins }) => this.lane(name, this.area(bins), plural(bins.reduce((a, b) => a + b, 0), "event"))),
    ];
    const losses = m.losses[0].map(([ts]) => this.x(ts));
    this.picked = h("div", { class: "picked", hidden: true });
    this.handles = [0, 1].map((k) =>
      h("div", { class: "handle", role: "slider", tabindex: "0", id: `brush-${k}`, "aria-label": k ? "End of the picked part of time" : "Start of the picked part of time", "aria-orientation": "horizontal", "aria-valuemin": "0", "aria-valuemax": "1000", onkeydown: (e) => this.key(e, k) }),
    );
    this.overlay = h("div", { class: "overlay", onpointerdown: (e) => this.down(e) }, losses.map((x) => h("div", { class: "loss", title: "events were lost here", css: { left: `${x}%` } })), this.picked, this.handles);
    this.status = h("p", { class: "status", role: "status" });
    this.reset = h("button", { type: "button", hidden: true, onclick: () => this.pick(null) }, "All of the time");
    this.show();
    return h(
      "section",
      { id: "timeline", "aria-labelledby": "timeline-title" },
      h("h2", { id: "timeline-title" }, "Timeline"),
      h("p", { class: "hint" }, "Drag over a part of time, or move its ends with the arrow keys: signals and processes follow."),
      h("div", { class: "lanes" }, h("div", { class: "rows" }, rows), this.overlay),
      h("div", { class: "axis", "aria-hidden": "true" }, [0, 0.25, 0.5, 0.75, 1].map((f) => h("span", null, m.clock(Math.round(m.begin + f * (m.finish - m.begin)))))),
      h("div", { class: "tools" }, this.status, this.reset),
    );
  }

  /** Place of a moment, in percent. */
  x(offset) {
    const { m } = this;
    return Math.max(0, Math.min(100, ((offset - m.begin) / (m.finish - m.begin)) * 100));
  }

  lane(name, drawing, text) {
    return h("div", { class: "lane" }, h("span", { class: "lane-name" }, name), h("div", { class: "lane-drawing", role: "img", "aria-label": text }, drawing), h("span", { class: "lane-count" }, text));
  }

  /** An area as high as the root of the number of events, so that few are seen beside many. */
  area(bins) {
    const { m } = this;
    const width = Timeline.WIDTH;
    const last = Math.max(1, Math.ceil((m.finish - m.begin + 1) / m.head.binNs));
    const most = Math.sqrt(Math.max(1, ...bins));
    let d = "M0 24";
    bins.forEach((n, k) => {
      const y = n ? Math.min(22.5, 24 - (Math.sqrt(n) / most) * 23) : 24;
      const [a, b] = [(k / last) * width, Math.max(((k + 1) / last) * width, (k / last) * width + 1)];
      d += `L${a.toFixed(1)} ${y.toFixed(1)}L${b.toFixed(1)} ${y.toFixed(1)}L${b.toFixed(1)} 24`;
    });
    return svg("svg", { viewBox: `0 0 ${width} 24`, preserveAspectRatio: "none", "aria-hidden": "true" }, svg("path", { class: "density", d: `${d}Z` }));
  }

  marks(p, at) {
    const width = Timeline.WIDTH;
    const columns = new Float64Array(width + 1);
    for (const i of at) columns[Math.round((this.x(this.m.signals.ts[i]) / 100) * width)]++;
    const most = Math.sqrt(Math.max(...columns));
    let d = "";
    columns.forEach((n, x) => {
      if (n) d += `M${Math.min(width - 3, x)} 24V${(24 - Math.max(10, (Math.sqrt(n) / most) * 23)).toFixed(1)}h3V24Z`;
    });
    return svg("svg", { viewBox: `0 0 ${width} 24`, preserveAspectRatio: "none", "aria-hidden": "true" }, svg("path", { class: `marks p${p}`, d }));
  }

  /** Picks a part of time; `null` for all. */
  pick(window) {
    this.m.window = window;
    this.show();
    this.page.refresh();
  }

  show() {
    const { m } = this;
    const { window } = m;
    const [a, b] = window ?? [m.begin, m.finish];
    this.picked.hidden = window === null;
    this.reset.hidden = window === null;
    this.picked.style.setProperty("left", `${this.x(a)}%`);
    this.picked.style.setProperty("width", `${this.x(b) - this.x(a)}%`);
    this.handles.forEach((handle, k) => {
      const t = k ? b : a;
      handle.style.setProperty("left", `${this.x(t)}%`);
      handle.setAttribute("aria-valuenow", String(Math.round(this.x(t) * 10)));
      handle.setAttribute("aria-valuetext", m.clock(Math.round(t)));
    });
    this.status.textContent = window ? `${m.clock(Math.round(a))} to ${m.clock(Math.round(b))}: ${duration(b - a)} picked` : `${m.clock(a)} to ${m.clock(b)}: ${duration(b - a)}`;
  }

  at(event) {
    const { m } = this;
    const box = this.overlay.getBoundingClientRect();
    const f = Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
    return Math.round(m.begin + f * (m.finish - m.begin));
  }

  down(event) {
    if (event.button !== 0) return;
    const { m, overlay } = this;
    const handle = this.handles.indexOf(event.target);
    const fixed = handle >= 0 ? (m.window ?? [m.begin, m.finish])[1 - handle] : this.at(event);
    let window = m.window;
    const draw = soon(() => {
      m.window = window;
      this.show();
      this.page.refresh();
    });
    const move = (e) => {
      const t = this.at(e);
      window = t === fixed ? m.window : [Math.min(t, fixed), Math.max(t, fixed)];
      draw();
    };
    const up = (e) => {
      overlay.removeEventListener("pointermove", move);
      overlay.removeEventListener("pointerup", up);
      overlay.removeEventListener("pointercancel", up);
      if (e.type === "pointerup" && handle < 0 && this.at(e) === fixed) this.pick(null);
    };
    overlay.setPointerCapture(event.pointerId);
    overlay.addEventListener("pointermove", move);
    overlay.addEventListener("pointerup", up);
    overlay.addEventListener("pointercancel", up);
  }

  key(event, k) {
    const { m } = this;
    const all = m.finish - m.begin;
    const by = { ArrowLeft: -0.01, ArrowRight: 0.01, ArrowDown: -0.01, ArrowUp: 0.01, PageDown: -0.1, PageUp: 0.1, Home: -1, End: 1 }[event.key];
    if (event.key === "Escape" && m.window) this.pick(null);
    if (by === undefined) return;
    event.preventDefault();
    const window = [...(m.window ?? [m.begin, m.finish])];
    window[k] = Math.round(Math.max(m.begin, Math.min(m.finish, window[k] + by * all)));
    if (k === 0) window[0] = Math.min(window[0], window[1]);
    else window[1] = Math.max(window[0], window[1]);
    this.pick(window[0] <= m.begin && window[1] >= m.finish ? null : window);
  }
}

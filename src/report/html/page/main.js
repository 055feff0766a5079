// The page as a whole: its parts, where it stands (`#signal=ID`, `#process=KEY`), light and dark, paper.

class Page {
  constructor(core) {
    const m = new Model(core);
    this.m = m;
    const name = m.summary.input.name;
    const safe = /^[A-Za-z0-9._\/@:+-]+$/.test(name) ? name : "TRACE";
    m.commands = (verb, rest) => `tracehound ${verb} ${safe} ${rest}`;
    this.tree = new Tree(m, this);
    this.signals = new Signals(m, this);
    this.timeline = new Timeline(m, this);
    this.detail = new Detail(m, this);
    this.invoker = null;
  }

  start() {
    const { m } = this;
    const theme = h("button", { type: "button", id: "theme", onclick: () => this.next_theme() }, "Theme: as the system");
    this.theme = theme;
    const links = [["story", "What happened"], ["summary", "Summary"], ["timeline", "Timeline"], ["signals", "Signals"], ["processes", "Processes"]];
    // Places of the page are gone to by script: the fragment is kept for what is opened.
    const jump = (id) => (event) => {
      event.preventDefault();
      const section = document.getElementById(id);
      section.scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
      const title = section.querySelector("h2");
      title.setAttribute("tabindex", "-1");
      title.focus({ preventScroll: true });
    };
    const counts = m.by_priority();
    const worst = counts.length ? counts[0][0] : 99;
    fill(
      document.getElementById("app"),
      h("a", { class: "skip", href: "#main", onclick: jump("story") }, "Skip to what happened"),
      h("a", { class: "skip", href: "#main", onclick: jump("signals") }, "Skip to the signals"),
      h(
        "header",
        { class: worst < 99 ? `top p${worst}` : "top" },
        h("h1", null, m.head.title),
        h("p", { class: "sub" }, [m.summary.host.hostname, m.summary.time.first && m.exact(m.begin).replace("T", " ").slice(0, 19) + " UTC", plural(m.summary.events, "event"), plural(m.summary.processes.total, "process", "processes")].filter(Boolean).join(" · ")),
        h("nav", { "aria-label": "Parts of the page" }, links.map(([id, text]) => h("a", { href: `#${id}`, onclick: jump(id) }, text))),
        h("p", { class: "counts" }, counts.length ? counts.map(([p, name, n]) => badge(m, p, `${count(n)} ${name}`)) : h("span", { class: "dim" }, "no signals")),
        theme,
      ),
      h("main", { id: "main" }, banner(m), what_happened(m), overview(m), this.timeline.element(), this.signals.element(), this.tree.element()),
      this.detail.element,
      h("footer", null, `tracehound ${m.summary.version}. This file holds everything it shows and makes no request.`),
    );
    this.refresh();
    addEventListener("hashchange", () => this.follow());
    addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !this.detail.element.hidden && !event.defaultPrevented) this.close();
    });
    // What is virtual on a screen is written out on paper, up to a length that is worth printing.
    addEventListener("beforeprint", () => this.print(300));
    addEventListener("afterprint", () => this.print(0));
    this.follow();
  }

  refresh() {
    this.signals.refresh();
    this.tree.refresh();
  }

  /** Opens something, by the fragment of the address: so that it survives a reload, and the way back works. */
  go(fragment) {
    this.invoker = document.activeElement;
    if (location.hash === `#${fragment}`) this.follow();
    else location.hash = fragment;
  }

  async follow() {
    const [, what, value] = /^#(signal|process)=(.*)$/.exec(location.hash) ?? [];
    const { m } = this;
    if (!what) return this.hide();
    let key = value;
    try {
      key = decodeURIComponent(value);
    } catch {
      // A fragment that is no encoded text is looked for as it is.
    }
    if (what === "signal") {
      const i = m.by_id.get(key) ?? -1;
      if (i < 0) return this.unknown("signal", key);
      await this.detail.signal(i);
      this.signals.show(i);
      if (m.signals.process[i] >= 0) this.tree.show(m.signals.process[i]);
    } else {
      const i = m.by_key(key);
      if (i < 0) return this.unknown("process", key);
      await this.detail.process(i);
      this.tree.show(i);
    }
    this.detail.title.focus({ preventScroll: true });
  }

  unknown(what, key) {
    this.detail.open(`No such ${what}`, h("p", null, `This page has no ${what} ${key.slice(0, 200)}.`));
  }

  close() {
    history.replaceState(null, "", location.pathname + location.search);
    this.hide();
    if (this.invoker?.isConnected) this.invoker.focus({ preventScroll: true });
  }

  hide() {
    this.detail.element.hidden = true;
    document.body.classList.remove("with-detail");
    if (this.signals.selected !== undefined || this.tree.selected !== undefined) {
      this.signals.selected = this.tree.selected = undefined;
      this.signals.list.redraw();
      this.tree.list.redraw();
    }
  }

  next_theme() {
    const root = document.documentElement;
    const next = { undefined: "light", light: "dark", dark: undefined }[root.dataset.theme];
    if (next) root.dataset.theme = next;
    else delete root.dataset.theme;
    this.theme.textContent = `Theme: ${next ?? "as the system"}`;
  }

  print(limit) {
    for (const { list, scroller } of [this.signals, this.tree]) {
      list.print(limit);
      scroller.querySelector(".paper")?.remove();
      if (limit && list.n > limit) scroller.append(h("p", { class: "paper" }, `${count(limit)} of ${count(list.n)} rows are printed.`));
    }
  }
}

block("core")
  .then((core) => {
    new Page(core).start();
    performance.mark("ready");
  })
  .catch((error) => {
    // A page that shows nothing must not look like one that found nothing.
    document.getElementById("app").append(h("p", { class: "banner partial" }, `This page could not be drawn: ${error}. Nothing can be concluded from it.`));
    throw error;
  });

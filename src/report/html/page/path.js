// The attack path of a signal: as a line of names to be taken in at once, and step by step.

const badge = (m, p, text) => h("span", { class: `badge p${p}` }, text ?? m.priority_name(p));
const arrow = (text) => h("span", { class: "arrow", "aria-hidden": "true" }, text);

/** A text that may be the beginning of a longer one. Where `max` is given, as many characters at most, and how many
 * more what is opened shows. */
function whole(texts, i, m, max = Infinity) {
  const row = i < 0 ? "" : texts[i];
  const shown = typeof row === "string" ? row : row[0];
  if (shown.length > max) {
    // Not within a character of two units.
    const part = [...shown.slice(0, max)].slice(0, -1).join("");
    return [part, h("span", { class: "cut" }, ` … ${count(shown.length - part.length)} more characters: open the process`)];
  }
  if (typeof row === "string") return row;
  return [
    row[0],
    h("span", { class: "cut" }, ` … ${count(row[1])} bytes in all; the rest: ${m.commands("tree", "--full")}`),
  ];
}

/** A link to a process. */
function process_link(m, i, text) {
  if (i < 0) return h("span", null, text ?? m.label(i));
  return h("a", { href: `#process=${encodeURIComponent(m.key(i))}` }, text ?? m.label(i));
}

class Path {
  constructor(m, signal) {
    const row = m.signals.path[signal];
    this.m = m;
    this.signal = signal;
    if (row < 0) return;
    const [entry, entry_text, login, steps, at, n, is_cycle, later, n_more, is_cut] = m.signals.paths[row];
    Object.assign(this, { entry, entry_text, login, at, n, is_cycle, later, n_more, is_cut });
    this.steps = steps.map((i) => m.signals.steps[i]);
  }

  /** Names of the images of a step, without the one it was born with where the step before says it. */
  names(k) {
    const { m } = this;
    const of = (step) =>
      step.im.map(([image]) => m.name_of_image(m.image_rows[image])).filter((name, j, all) => name !== all[j - 1]);
    const names = of(this.steps[k]);
    return k > 0 && names.length > 1 ? names.slice(1) : names;
  }

  entry_name() {
    const { m } = this;
    if (this.entry === "container") return m.container_name(this.entry_text);
    if (this.entry === "unknown") return null;
    return m.text(this.entry_text);
  }

  /** Ends of connections that standard streams go to, over all steps; else those that the last steps opened. */
  remotes() {
    const { m } = this;
    const streams = this.steps.flatMap((step) => step.st.filter(([, kind]) => m.text(kind) === "net"));
    if (streams.length) {
      const all = new Map();
      for (const [fd, , name, peer] of streams) {
        const key = m.text(name);
        if (!all.has(key)) all.set(key, { name: key, fds: new Set(), peer });
        all.get(key).fds.add(fd);
      }
      return [...all.values()];
    }
    const last = this.steps.at(-1).so.filter(([, , role]) => role !== 2);
    const names = new Set(last.map(([, remote]) => m.text(remote)));
    return [...names].map((name) => ({ name, fds: new Set(), peer: -1 }));
  }

  /** The path in one line: through what it entered, images, where it goes to or what it leaves. */
  line() {
    const { m } = this;
    const out = [];
    // An arrow stays with what it leads to.
    const hop = (sign, classes, text, note) =>
      out.push(h("span", { class: "hop" }, out.length > 0 && arrow(sign), h("span", { class: `node ${classes}` }, text, note ? h("small", null, note) : null)));
    const entry = this.entry_name();
    const login = this.login >= 0 ? `login ${m.user_name(this.login)}` : null;
    if (this.entry === "session") hop("", "entry", login ?? entry, login && entry);
    else if (entry) hop("", `entry${this.entry === "container" ? ` contained c${this.entry_text % 8}` : ""}`, entry, this.entry);
    else if (login) hop("", "entry", login);
    // What is below process 1 anyway needs not be said, unless it is all there is.
    const from = this.steps.length > 1 && m.processes.pid[this.steps[0].p] === 1 ? 1 : 0;
    let last_user = null;
    for (let k = from; k < this.steps.length; k++) {
      if (k === this.at) hop("›", "gap", `${count(this.n)} more`);
      const step = this.steps[k];
      const user = step.us.length ? m.user_name(step.us.at(-1)[0]) : "";
      const is_new_user = user !== "" && user !== last_user;
      last_user = user || last_user;
      const hot = k === this.steps.length - 1 ? ` hot p${m.priority(this.signal)}` : "";
      hop("›", `${hot}${step.c !== undefined ? ` contained c${step.c % 8}` : ""}`, this.names(k).join(" → "), is_new_user && user);
    }
    const remotes = this.remotes();
    for (const { name, fds } of remotes.slice(0, 3)) hop(fds.size ? "⇄" : "→", "remote", name, fds.size > 0 && "standard streams");
    if (!remotes.length) {
      // What was executed afterwards, and what the signal itself is about.
      const message = m.text(m.signals.message[this.signal]);
      const files = this.steps.at(-1).fi.filter(([path, by]) => by >= 0 || message.includes(m.text(path)));
      for (const [path, by] of files.slice(0, 2)) hop("→", "remote", m.text(path), by >= 0 ? `written, executed by ${m.name(by)}` : "written");
    }
    return h("p", { class: "line", "aria-label": "Attack path" }, out);
  }

  /** The path step by step. */
  ladder() {
    const { m } = this;
    if (!this.steps) return h("p", { class: "dim" }, "This signal is on no process that the trace knows.");
    const items = [];
    const host = m.summary.host.hostname;
    const entry = this.entry_name();
    const kinds = { container: "container", service: "service", session: "login session" };
    items.push(
      h(
        "li",
        { class: "start" },
        h("strong", null, entry ? `${kinds[this.entry]} ${entry}` : "where it entered is not known"),
        this.login >= 0 && `, login of ${m.user_name(this.login)}`,
        host && ` on ${host}`,
        this.is_cycle ? h("span", { class: "warn" }, " The trace claims a cycle of parents: it is damaged.") : null,
      ),
    );
    let before = null;
    this.steps.forEach((step, k) => {
      if (k === this.at) items.push(h("li", { class: "gap" }, `… ${plural(this.n, "process", "processes")} between are left out`));
      items.push(this.step(step, k, before));
      before = step;
    });
    for (const [p, image, ts] of this.later) {
      const row = m.image_rows[image];
      items.push(
        h("li", { class: "later" }, h("span", { class: "when" }, m.clock(ts)), " then ", process_link(m, p, `${m.processes.pid[p] ?? "?"} ${m.name_of_image(row)}`), " ", h("code", null, whole(m.texts, row[2], m, 200))),
      );
    }
    if (this.n_more || this.is_cut) {
      items.push(h("li", { class: "later" }, `then ${this.is_cut ? "at least " : ""}${plural(this.n_more, "more exec")}`));
    }
    return h("ol", { class: "ladder" }, items);
  }

  step(step, k, before) {
    const { m } = this;
    const is_last = k === this.steps.length - 1;
    const p = step.p;
    const row = m.image_rows[step.im.at(-1)[0]];
    const facts = [];
    const users = step.us.map(([user]) => m.user_name(user));
    const user_before = before?.us.length ? m.user_name(before.us.at(-1)[0]) : null;
    if (users.length) {
      const is_changed = users.length > 1 || (user_before !== null && users[0] !== user_before);
      const shown = users.length === 1 && is_changed ? [user_before, users[0]] : users;
      facts.push(h("span", { class: `fact user${is_changed ? " changed" : ""}` }, "user ", shown.join(" → "), step.us.some(([, by]) => by) && " by a set-user-id program"));
    }
    if (step.ce) facts.push(h("span", { class: "fact boundary" }, step.c === undefined ? "leaves the container" : `enters ${m.container_name(step.c)}`));
    if (step.un !== undefined && step.un !== before?.un && k > 0 && step.c === undefined) facts.push(h("span", { class: "fact" }, m.text(step.un)));
    if (step.tty) facts.push(h("span", { class: "fact" }, terminal(step.tty)));
    if (step.ad !== undefined) facts.push(h("span", { class: "fact" }, "adopted by ", process_link(m, step.ad)));
    if (step.o === 2) facts.push(h("span", { class: "fact warn" }, "birth not recorded"));
    const links = [...this.streams(step), ...this.sockets(step), ...this.files(step)];
    const on = (m.on.get(p) ?? []).filter((i) => !m.is_suppressed(i));
    const rules = new Map();
    for (const i of on) rules.set(m.rule_name(i), [i, (rules.get(m.rule_name(i))?.[1] ?? 0) + 1]);
    return h(
      "li",
      { class: `step${is_last ? ` hot p${m.priority(this.signal)}` : ""}${step.c !== undefined ? ` contained c${step.c % 8}` : ""}` },
      h(
        "div",
        { class: "who" },
        h("span", { class: "pid" }, p < 0 ? "?" : m.processes.pid[p]),
        h("strong", null, process_link(m, p, this.names(k).join(" → "))),
        step.more?.[0] > 0 && h("span", { class: "dim" }, `and ${plural(step.more[0], "image")} before`),
        facts,
        h("span", { class: "when" }, p >= 0 && m.clock(m.processes.start[p])),
      ),
      h("code", { class: "command" }, whole(m.texts, row[2], m, 500)),
      links.length > 0 && h("ul", { class: "links" }, links),
      rules.size > 0 && h("ul", { class: "pins" }, [...rules].map(([name, [i, n]]) => h("li", null, badge(m, m.priority(i)), " ", h("a", { href: `#signal=${m.signals.id[i]}` }, name), n > 1 && ` ×${n}`))),
    );
  }

  /** Standard streams on connections, pipes and sockets; those that go to the same place together. */
  streams(step) {
    const { m } = this;
    const groups = new Map();
    for (const [fd, kind, name, peer, file] of step.st) {
      // What has a name is told by it, a pipe by itself.
      const key = m.text(kind) === "pipe" ? file : `${kind} ${name} ${peer}`;
      if (!groups.has(key)) groups.set(key, { fds: [], kind: m.text(kind), name: m.text(name), peer });
      groups.get(key).fds.push(["stdin", "stdout", "stderr"][fd]);
    }
    const items = [];
    for (const { fds, kind, name, peer } of groups.values()) {
      const by = peer >= 0 ? [" of ", process_link(m, peer)] : [];
      const streams = fds.join(", ");
      if (kind === "net") items.push(h("li", { class: "net" }, h("strong", null, `${streams} ⇄ ${name}`), by));
      else if (kind === "pipe") items.push(h("li", null, `${streams} ⇄ pipe`, by));
      else if (kind === "unix") items.push(h("li", null, `${streams} ⇄ socket ${name}`, by));
      else if (kind === "file" && name !== "/dev/null" && !(step.tty && name.startsWith("/dev/pts/"))) items.push(h("li", null, `${streams} ⇄ ${name}`));
    }
    return items;
  }

  sockets(step) {
    const { m } = this;
    const streams = new Set(step.st.map(([, , name]) => name));
    const items = step.so
      .filter(([, remote]) => !streams.has(remote))
      .slice(0, 4)
      .map(([, remote, role, peer, is_later]) =>
        h("li", { class: role === 2 ? "" : "net" }, role === 2 ? "accepted from " : "connected to ", h("strong", null, m.text(remote)), peer >= 0 ? [" of ", process_link(m, peer)] : null, is_later ? ", after this" : null),
      );
    const n = Math.max(0, step.so.length - 4) + (step.more?.[2] ?? 0);
    if (n) items.push(h("li", null, `${plural(n, "more connection")}; see the process`));
    return items;
  }

  /** Files that were written: of the last step all but those of the kernel, of those above it what was there before
   * the signal. What was executed is always told, the rest stands with the process. */
  files(step) {
    const { m } = this;
    const is_last = step === this.steps.at(-1);
    const is_kernel = (path) => /^\/(proc|sys)\//.test(m.text(path));
    const told = step.fi.filter(([path, by, is_later]) => by >= 0 || (!is_kernel(path) && (is_last || (!is_later && m.processes.pid[step.p] !== 1))));
    const items = told
      .slice(0, 4)
      .map(([path, by, is_later]) =>
        h("li", { class: by >= 0 ? "net" : "" }, "wrote ", h("strong", null, m.text(path)), by >= 0 ? [", executed by ", process_link(m, by)] : null, is_later ? ", after this" : null),
      );
    const n = step.fi.length - Math.min(told.length, 4) + (step.more?.[3] ?? 0);
    if (n) items.push(h("li", null, `${plural(n, told.length ? "more file" : "file")} written; see the process`));
    return items;
  }
}

/** Name of a terminal by its device number, as far as the kernel fixes it. */
function terminal(tty) {
  const major = (tty >> 8) & 0xfff;
  const minor = (tty & 0xff) | ((tty >> 12) & 0xfff00);
  if (major >= 136 && major < 144) return `terminal pts/${(major - 136) * 256 + minor}`;
  if (major === 4 && minor < 64) return `terminal tty${minor}`;
  return `terminal ${major}:${minor}`;
}

/** Signals that belong together: those on a process, and on processes below it. Worst first, then by time. */
function stories(m) {
  const top = new Map();
  const top_of = (p) => {
    if (top.has(p)) return top.get(p);
    let found = p;
    for (let i = p; i >= 0; i = m.parent[i]) {
      if (top.has(i)) {
        // What is above the topmost process with a signal has none.
        if (top.get(i) >= 0) found = top.get(i);
        break;
      }
      // Process 1 and its like are above everything.
      if (m.worst[i] < 99 && m.processes.pid[i] > 2) found = i;
    }
    top.set(p, found);
    return found;
  };
  const all = new Map();
  for (let i = 0; i < m.n_signals; i++) {
    if (m.is_suppressed(i)) continue;
    const p = m.signals.process[i];
    const key = p < 0 ? -1 - m.signals.rule[i] : top_of(p);
    if (!all.has(key)) all.set(key, { signals: [], worst: 99, first: Infinity });
    const story = all.get(key);
    story.signals.push(i);
    story.worst = Math.min(story.worst, m.priority(i));
    story.first = Math.min(story.first, m.signals.ts[i]);
  }
  const rank = (story) => (i) => {
    const row = m.signals.path[i];
    return row < 0 || m.priority(i) !== story.worst ? -1 : m.signals.paths[row][3].length;
  };
  for (const story of all.values()) {
    // Told by the worst signal with the longest path; of equals by the last, which knows most.
    const of = rank(story);
    story.told_by = story.signals.reduce((best, i) => (of(i) >= of(best) ? i : best), story.signals[0]);
    const rules = new Map();
    for (const i of story.signals) rules.set(m.signals.rule[i], (rules.get(m.signals.rule[i]) ?? 0) + 1);
    story.rules = [...rules].sort((a, b) => m.rules[a[0]][1] - m.rules[b[0]][1]);
  }
  // What happened again in the same way is told once.
  const kinds = new Map();
  for (const story of [...all.values()].sort((a, b) => a.worst - b.worst || a.first - b.first)) {
    const path = new Path(m, story.told_by);
    const names = path.steps ? path.steps.map((_, k) => path.names(k).join(" ")).join(" › ") : "";
    const kind = JSON.stringify([names, story.rules.map(([rule]) => rule)]);
    if (!kinds.has(kind)) kinds.set(kind, { ...story, times: 0, n: 0 });
    kinds.get(kind).times++;
    kinds.get(kind).n += story.signals.length;
  }
  return [...kinds.values()];
}

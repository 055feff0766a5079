// What is opened beside the page: a signal with its evidence, or a process with all that is known of it.

class Detail {
  constructor(m, page) {
    Object.assign(this, { m, page });
    this.title = h("h2", { id: "detail-title", tabindex: "-1" });
    this.body = h("div", { class: "body" });
    this.element = h(
      "aside",
      { id: "detail", "aria-labelledby": "detail-title", hidden: true },
      h("div", { class: "bar-top" }, this.title, h("button", { type: "button", class: "close", "aria-label": "Close details", onclick: () => page.close() }, "✕")),
      this.body,
    );
  }

  /** The block that only details need, read when the first is opened. */
  async more() {
    this.loaded ??= block("detail").then((d) => {
      for (const table of [d.files, d.connections]) {
        let at = 0;
        table.from = table.n.map((n) => (at += n) - n);
      }
      d.shapes = new Map(d.rules);
      return d;
    });
    return this.loaded;
  }

  open(title, ...children) {
    fill(this.title, title);
    fill(this.body, ...children);
    this.element.hidden = false;
    this.body.scrollTop = 0;
    document.body.classList.add("with-detail");
  }

  facts(rows) {
    return h("dl", { class: "facts" }, rows.filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== false).map(([name, value]) => [h("dt", null, name), h("dd", null, value)]));
  }

  part(title, ...children) {
    return h("section", { class: "part" }, h("h3", null, title), ...children);
  }

  /** A list of which the rest is shown when asked for. */
  items(n, item, more = 0) {
    const list = h("ul", { class: "items" });
    let at = 0;
    const button = h("button", { type: "button" });
    const grow = () => {
      const to = Math.min(n, at + 100);
      for (; at < to; at++) list.append(h("li", null, item(at)));
      button.textContent = `Show ${count(Math.min(100, n - at))} more of ${count(n - at)}`;
      button.hidden = at >= n;
    };
    button.addEventListener("click", grow);
    grow();
    return [list, button, more > 0 && h("p", { class: "warn" }, `${count(more)} more are not in this page; the tables of ${this.m.commands("analyze", "-o DIR")} have all.`)];
  }

  async signal(i) {
    const { m } = this;
    const s = m.signals;
    const path = new Path(m, i);
    const lacking = m.lacking(i);
    const by = m.suppressed_by(i);
    const rule = m.rule(i);
    const waiting = h("p", { class: "dim" }, "…");
    const p = s.process[i];
    this.open(
      m.rule_name(i),
      h("p", { class: "message" }, badge(m, m.priority(i)), " ", whole(m.texts, s.message[i], m)),
      by.length > 0 && h("p", { class: "note" }, `Suppressed by ${by.join(", ")}.`),
      lacking.length > 0 ? h("div", { class: "note warn" }, "The evidence is degraded:", h("ul", null, lacking.map((why) => h("li", null, why)))) : h("p", { class: "note ok" }, "Nothing that this signal rests on is known to be missing."),
      this.part("Attack path", path.steps && path.line(), path.ladder()),
      this.part("Why it fired", waiting),
      this.facts([
        ["time", m.exact(s.ts[i])],
        ["event", s.seq[i]],
        ["process", p >= 0 && process_link(m, p)],
        ["thread", s.tid[i] >= 0 && s.tid[i]],
        ["signal", s.id[i]],
        ["rule", [m.text(rule[3]), rule[2] ? h("div", { class: "dim" }, m.text(rule[2])) : null]],
        ["tags", rule[5].map((t) => m.text(t)).join(", ")],
      ]),
      h("p", { class: "hint" }, "In a terminal: ", h("code", null, `${m.commands("explain", s.id[i])}`)),
    );
    const d = await this.more();
    if (waiting.isConnected) waiting.replaceWith(this.condition(d, i));
  }

  /** Every part of the condition with its result, comparisons with values. */
  condition(d, i) {
    const { m } = this;
    const text = (t) => (t < 0 ? "" : typeof d.texts[t] === "string" ? d.texts[t] : d.texts[t][0]);
    const explained = d.explained[i];
    if (!explained) return h("p", { class: "warn" }, `Not kept in this page, of very many signals: ${m.commands("explain", m.signals.id[i])} tells.`);
    const [kind, args, results, values] = explained;
    let at = 0;
    const parts = d.shapes.get(m.signals.rule[i]).map(([depth, what, place, operands], k) => {
      const is_true = results[k] === "1";
      const shown = operands.map((operand) => {
        const value = values[at++];
        return h("div", { class: "value" }, text(operand), " is ", value < 0 ? h("em", null, "absent") : text(value) === "" ? h("em", null, "empty") : h("code", null, whole(d.texts, value, m)));
      });
      return h(
        "li",
        { css: { "margin-left": `${Math.min(depth, 12) * 14}px` } },
        h("span", { class: is_true ? "yes" : "no" }, h("span", { "aria-hidden": "true" }, is_true ? "✓" : "✗"), h("span", { class: "unseen" }, is_true ? "true:" : "false:")),
        " ",
        operands.length ? h("code", null, text(what)) : text(what),
        shown,
        place > 0 && h("div", { class: "place" }, text(place)),
      );
    });
    return h("div", null, h("p", null, "Event ", h("strong", null, text(kind)), " ", h("code", { class: "args" }, whole(d.texts, args, m))), h("ul", { class: "condition" }, parts));
  }

  async process(i) {
    const { m } = this;
    const p = m.processes;
    const container = p.container[i];
    const on = m.on.get(i) ?? [];
    const waiting = h("div", null, h("p", { class: "dim" }, "…"));
    const images = m.images(i);
    const kids = [...m.children(i)];
    const line = [];
    for (let up = m.parent[i]; up >= 0 && line.length < 32; up = m.parent[up]) line.unshift(up);
    const start = p.start[i];
    const end = p.end[i];
    this.open(
      h("span", null, m.label(i)),
      h("p", { class: "ancestors" }, line.map((up) => [process_link(m, up, m.name(up)), " › "]), h("strong", null, m.name(i))),
      this.facts([
        ["command", h("code", null, whole(m.texts, m.last_image(i)[2], m))],
        ["executable", m.text(m.last_image(i)[1])],
        ["user", m.users_of(i).map((u) => m.user_name(u)).join(" → ")],
        ["container", container >= 0 && this.container(container)],
        ["unit", p.unit[i] > 0 && m.text(p.unit[i])],
        ["terminal", p.tty[i] > 0 && terminal(p.tty[i])],
        ["start", start !== null ? m.exact(start) : "unknown"],
        ["end", end !== null ? `${m.exact(end)}${start !== null ? `, after ${duration(end - start)}` : ""}` : null],
        ["ended", m.ending(i)],
        ["threads", p.threads[i] > 1 && p.threads[i]],
        ["known by", ["the process list when recording began", "its birth", "something it did: its birth is not recorded"][p.origin[i]]],
        ["adopted by", p.adopted[i] >= 0 && process_link(m, p.adopted[i])],
        ["key", h("code", null, m.key(i))],
      ]),
      on.length > 0 &&
        this.part(plural(on.length, "signal"), this.items(on.length, (k) => [badge(m, m.priority(on[k])), " ", h("a", { href: `#signal=${m.signals.id[on[k]]}` }, m.rule_name(on[k])), ` ${m.clock(m.signals.ts[on[k]])}`, m.is_suppressed(on[k]) && h("em", null, " suppressed")])),
      this.part(
        "Executed",
        this.items(images.length, (k) => {
          const row = m.image_rows[images[k]];
          const is_own = (row[4] & 1) === 1 && (k > 0 || p.origin[i] === 0);
          const marks = [row[4] & 2 && "deleted", row[4] & 4 && "upper layer of an overlay", row[4] & 8 && "in memory only", row[4] & 16 && "writable by the user"].filter(Boolean);
          return [h("span", { class: "when" }, k > 0 ? m.clock(row[3]) : is_own ? "" : "born as"), " ", h("strong", null, m.name_of_image(row)), " ", h("code", null, m.text(row[2])), marks.length > 0 && h("span", { class: "warn" }, ` ${marks.join(", ")}`)];
        }, p.older[i]),
      ),
      kids.length > 0 && this.part(plural(kids.length, "child", "children"), this.items(kids.length, (k) => [m.signals_below[kids[k]] > 0 && h("span", { class: `pin p${m.worst_below[kids[k]]}`, title: "signals" }, "● "), process_link(m, kids[k]), " ", h("code", null, m.command(kids[k]))])),
      waiting,
    );
    const d = await this.more();
    if (waiting.isConnected) fill(waiting, this.life(d, i));
  }

  container(c) {
    const { m } = this;
    const [id, , , image, pod] = m.containers[c];
    return [h("span", { class: `chip c${c % 8}` }, m.container_name(c)), ` ${m.text(id)}`, image >= 0 && ` image ${m.text(image)}`, pod >= 0 && ` pod ${m.text(pod)}`];
  }

  /** Files, connections, credentials, parents, environment. */
  life(d, i) {
    const { m } = this;
    const text = (t) => (t < 0 ? "" : typeof d.texts[t] === "string" ? d.texts[t] : `${d.texts[t][0]}… (${count(d.texts[t][1])} bytes)`);
    const { files, connections } = d;
    const n_files = files.n[i];
    const n_connections = connections.n[i];
    const [credentials, n_more] = d.credentials[i];
    const env = d.env[i] >= 0 ? d.environments[d.env[i]] : null;
    const parents = d.parents[i] || [];
    const since = (from, ts) => (ts !== null ? [h("span", { class: "when", title: `event ${count(from)}` }, m.clock(ts)), " "] : from > 0 ? `from event ${count(from)}: ` : "");
    const names = ["read", "written", "created", "truncated", "executed", "open when recording began", "upper layer"];
    const user = (uid) => {
      const row = m.users.find(([id]) => id === uid);
      return row && m.text(row[1]) !== `uid ${uid}` ? `${m.text(row[1])} (${uid})` : uid === null ? "unknown" : String(uid);
    };
    return [
      n_connections > 0 &&
        this.part(
          plural(n_connections + connections.more[i], "socket"),
          this.items(n_connections, (k) => {
            const at = connections.from[i] + k;
            const bits = connections.bits[at];
            const [source, destination] = [text(connections.source[at]), text(connections.destination[at])];
            const state = destination === "" ? (bits & 16 ? "" : "bound ") : bits & 2 ? "connected " : bits & 4 ? "accepted " : "";
            return [h("span", { class: "when" }, m.clock(connections.ts[at])), ` ${state}`, h("strong", null, destination ? `${source} → ${destination}` : source || "(no name)"), destination && !(bits & 1) && " not completed", bits & 8 && " open when recording began"];
          }, connections.more[i]),
        ),
      n_files > 0 &&
        this.part(
          plural(n_files + files.more[i], "file"),
          this.items(n_files, (k) => {
            const at = files.from[i] + k;
            const bits = names.filter((_, b) => files.bits[at] & (1 << b));
            return [h("span", { class: "when" }, m.clock(files.ts[at])), " ", h("strong", null, text(files.path[at])), ` ${bits.join(", ")}`, files.uses[at] > 1 && `, ${count(files.uses[at])} times`];
          }, files.more[i]),
        ),
      credentials.length > 0 &&
        this.part(
          "Credentials",
          this.items(credentials.length, (k) => {
            const [from, uid, gid, login, caps, ts] = credentials[k];
            return [since(from, ts), "user ", h("strong", null, user(uid)), `, group ${gid ?? "unknown"}`, login !== null && `, login ${user(login)}`, caps !== null && `, capabilities ${text(caps) || "none"}`];
          }, n_more),
        ),
      parents.length > 0 && this.part("Parents over time", this.items(parents.length, (k) => [since(parents[k][0], parents[k][2]), parents[k][1] >= 0 ? process_link(m, parents[k][1]) : "unknown"])),
      d.cwd[i] >= 0 && this.part("Working directory", h("p", null, text(d.cwd[i]))),
      env && env[0].length > 0 && this.part(`Environment, ${plural(env[0].length + env[1], "key")}`, h("p", { class: "keys" }, env[0].map((t) => [h("code", null, text(t)), " "]), env[1] > 0 && `and ${count(env[1])} more`)),
    ];
  }
}

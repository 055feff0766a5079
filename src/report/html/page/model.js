// What the page knows: columns as they were embedded, and what is looked up in them often.

/** The JSON of a block of the page: plain, or compressed. */
async function block(id) {
  const element = document.getElementById(`data-${id}`);
  if (!element.dataset.encoding) return JSON.parse(element.textContent);
  const text = atob(element.textContent);
  const bytes = Uint8Array.from(text, (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream(element.dataset.encoding));
  return new Response(stream).json();
}

class Model {
  constructor(core) {
    Object.assign(this, core);
    this.image_rows = core.images;
    delete this.images;
    this.base = BigInt(core.head.base);
    const p = core.processes;
    this.n = p.pid.length;
    this.parent = Int32Array.from(p.parent);
    this.window = null;
    this.prepare_tree();
    this.prepare_signals();
    // Start and end that bars are drawn with: what is unknown began before, or goes on.
    this.begin = core.head.first ?? 0;
    this.finish = Math.max(this.begin + 1, core.head.last ?? 1);
  }

  /** Signals that fired, by priority: number, name, how many; the worst first. */
  by_priority() {
    return Object.entries(this.summary.signals.by_priority)
      .map(([name, n]) => [this.head.priorities.indexOf(name), name, n.fired])
      .filter(([, , n]) => n > 0)
      .sort((a, b) => a[0] - b[0]);
  }

  /** Text by number. */
  text(i) {
    const row = i < 0 ? "" : this.texts[i];
    return typeof row === "string" ? row : row[0];
  }

  /** Children of each process, first to last, and the order in which the whole tree is read. Members of a cycle,
   * which only a damaged trace can claim, are entered at the first of them. */
  prepare_tree() {
    const { n, parent } = this;
    this.head_of = new Int32Array(n).fill(-1);
    this.next = new Int32Array(n).fill(-1);
    this.kids = new Int32Array(n);
    const tail = new Int32Array(n).fill(-1);
    const roots = [];
    for (let i = 0; i < n; i++) {
      const up = parent[i];
      if (up < 0 || up >= n) {
        roots.push(i);
        continue;
      }
      if (tail[up] < 0) this.head_of[up] = i;
      else this.next[tail[up]] = i;
      tail[up] = i;
      this.kids[up]++;
    }
    this.order = new Int32Array(n);
    this.level = new Int32Array(n).fill(-1);
    this.below = new Int32Array(n);
    let at = 0;
    const visit = (root) => {
      const stack = [root];
      this.level[root] = 0;
      while (stack.length) {
        const i = stack.pop();
        this.order[at++] = i;
        const kids = [];
        for (let k = this.head_of[i]; k >= 0; k = this.next[k]) {
          if (this.level[k] < 0) {
            this.level[k] = this.level[i] + 1;
            kids.push(k);
          }
        }
        for (let j = kids.length - 1; j >= 0; j--) stack.push(kids[j]);
      }
    };
    roots.forEach(visit);
    for (let i = 0; i < n; i++) {
      if (this.level[i] >= 0) continue;
      // The way up is cut here, so that nothing walks in a circle.
      const up = parent[i];
      parent[i] = -1;
      this.unlink(up, i);
      roots.push(i);
      visit(i);
    }
    this.roots = roots;
    for (let j = n - 1; j >= 0; j--) {
      const i = this.order[j];
      if (parent[i] >= 0) this.below[parent[i]] += this.below[i] + 1;
    }
  }

  unlink(up, i) {
    if (this.head_of[up] === i) this.head_of[up] = this.next[i];
    else {
      let k = this.head_of[up];
      while (k >= 0 && this.next[k] !== i) k = this.next[k];
      if (k >= 0) this.next[k] = this.next[i];
    }
    this.next[i] = -1;
    this.kids[up]--;
  }

  *children(i) {
    for (let k = this.head_of[i]; k >= 0; k = this.next[k]) yield k;
  }

  /** Signals of each process, the worst priority on it and below it, and how many. */
  prepare_signals() {
    const s = this.signals;
    this.n_signals = s.seq.length;
    this.on = new Map();
    this.worst = new Int8Array(this.n).fill(99);
    this.worst_below = new Int8Array(this.n).fill(99);
    this.signals_below = new Int32Array(this.n);
    for (let i = 0; i < this.n_signals; i++) {
      const p = s.process[i];
      if (p < 0) continue;
      if (!this.on.has(p)) this.on.set(p, []);
      this.on.get(p).push(i);
      if (this.is_suppressed(i)) continue;
      this.worst[p] = Math.min(this.worst[p], this.priority(i));
      this.signals_below[p]++;
    }
    for (let j = this.n - 1; j >= 0; j--) {
      const i = this.order[j];
      this.worst_below[i] = Math.min(this.worst_below[i], this.worst[i]);
      const up = this.parent[i];
      if (up < 0) continue;
      this.worst_below[up] = Math.min(this.worst_below[up], this.worst_below[i]);
      this.signals_below[up] += this.signals_below[i];
    }
    this.by_id = new Map(s.id.map((id, i) => [id, i]));
  }

  // Signals.
  rule(i) {
    return this.rules[this.signals.rule[i]];
  }
  rule_name(i) {
    return this.text(this.rule(i)[0]);
  }
  priority(i) {
    return this.rule(i)[1];
  }
  priority_name(p) {
    return this.head.priorities[p];
  }
  is_suppressed(i) {
    return this.signals.lists[this.signals.suppressedBy[i]].length > 0;
  }
  suppressed_by(i) {
    return this.signals.lists[this.signals.suppressedBy[i]].map((t) => this.text(t));
  }
  lacking(i) {
    return this.signals.lists[this.signals.lacking[i]].map((t) => this.text(t));
  }

  // Processes.
  images(i) {
    const images = this.processes.image[i];
    return typeof images === "number" ? [images] : images;
  }
  last_image(i) {
    return this.image_rows[this.images(i).at(-1)];
  }
  name_of_image(row) {
    return row[0] < 0 ? "?" : this.text(row[0]);
  }
  name(i) {
    return this.name_of_image(this.last_image(i));
  }
  command(i) {
    return this.text(this.last_image(i)[2]);
  }
  /** Command names of its images, without repetition. */
  chain(i) {
    const names = this.images(i).map((image) => this.name_of_image(this.image_rows[image]));
    return names.filter((name, k) => k === 0 || name !== names[k - 1]);
  }
  users_of(i) {
    const users = this.processes.user[i];
    return typeof users === "number" ? [users] : users;
  }
  user(i) {
    const users = this.users_of(i);
    return users.length ? users.at(-1) : -1;
  }
  user_name(user) {
    return user < 0 ? "" : this.text(this.users[user][1]);
  }
  container_name(c) {
    const [id, runtime, name] = this.containers[c];
    return `${this.text(runtime)} ${name >= 0 ? this.text(name) : this.text(id)}`;
  }
  label(i) {
    return i < 0 ? "a process that is not in this page" : `${this.processes.pid[i]} ${this.name(i)}`;
  }
  key(i) {
    const key = this.processes.key[i];
    if (key !== 0) return key;
    const start = this.base + BigInt(this.processes.start[i]);
    return `${this.processes.keyPrefix}-${this.processes.pid[i]}-${start.toString(16)}`;
  }
  by_key(key) {
    if (!this.keys) {
      this.keys = new Map();
      for (let i = 0; i < this.n; i++) this.keys.set(this.key(i), i);
    }
    return this.keys.get(key) ?? -1;
  }
  ending(i) {
    const e = this.processes.ending[i];
    if (e === -1) return "running at the end";
    if (e === -2) return "gone, exit not recorded";
    if (e === -3) return "exited";
    if (e >= 2000) return `killed by signal ${e - 2000}, core dumped`;
    if (e >= 1000) return `killed by signal ${e - 1000}`;
    return `exit ${e}`;
  }
  from(i) {
    return this.processes.start[i] ?? (this.processes.origin[i] === 0 ? -Infinity : this.begin);
  }
  until(i) {
    return this.processes.end[i] ?? Infinity;
  }

  // Times.
  exact(offset) {
    const ns = this.base + BigInt(offset);
    const text = new Date(Number(ns / 1000000n)).toISOString();
    return `${text.slice(0, 19)}.${String(ns % 1000000000n).padStart(9, "0")}Z`;
  }
  /** To milliseconds, with the date if it is not that of the first event. */
  clock(offset) {
    if (offset === null || offset === undefined) return "";
    const text = this.exact(offset);
    this.day ??= this.exact(this.begin).slice(0, 10);
    const time = text.slice(11, 23);
    return text.startsWith(this.day) ? time : `${text.slice(0, 10)} ${time}`;
  }

  /** True if a text has another one in it, whatever the case. Each text is asked once. */
  matcher(wanted) {
    const words = wanted.toLowerCase();
    const known = new Map();
    return (i) => {
      if (i < 0) return false;
      let answer = known.get(i);
      if (answer === undefined) {
        answer = this.text(i).toLowerCase().includes(words);
        known.set(i, answer);
      }
      return answer;
    };
  }
}

"use strict";
// Elements, numbers, times, and lists of which only the visible part is drawn. Text is only ever set as text.

/** An element. `props`: `class`, `css` (properties of its style), `onNAME` (a listener), else attributes. */
function h(tag, props, ...children) {
  return build(document.createElement(tag), props, children);
}

/** An element of a drawing. */
function svg(tag, props, ...children) {
  return build(document.createElementNS("http://www.w3.org/2000/svg", tag), props, children);
}

function build(element, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") element.setAttribute("class", value);
    else if (name === "css") for (const [key, v] of Object.entries(value)) element.style.setProperty(key, v);
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat(Infinity)) {
    if (child !== undefined && child !== null && child !== false && child !== "") element.append(child);
  }
  return element;
}

/** Puts other children into an element. */
function fill(element, ...children) {
  element.replaceChildren();
  return build(element, null, children);
}

const count = (n) => Number(n).toLocaleString("en-US");
const plural = (n, one, many) => `${count(n)} ${Number(n) === 1 ? one : many ?? `${one}s`}`;

/** A length of time. */
function duration(ns) {
  if (ns < 0) return `−${duration(-ns)}`;
  if (ns < 1e3) return `${ns} ns`;
  if (ns < 1e6) return `${(ns / 1e3).toFixed(ns < 1e5 ? 1 : 0)} µs`;
  if (ns < 1e9) return `${(ns / 1e6).toFixed(ns < 1e7 ? 1 : 0)} ms`;
  const s = ns / 1e9;
  if (s < 60) return `${s.toFixed(s < 10 ? 2 : 1)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${Math.floor(s % 60)} s`;
  if (s < 172800) return `${Math.floor(s / 3600)} h ${Math.floor((s / 60) % 60)} min`;
  return `${Math.floor(s / 86400)} days`;
}

/** Calls a function once, before the next frame. */
function soon(f) {
  let is_due = false;
  return () => {
    if (is_due) return;
    is_due = true;
    requestAnimationFrame(() => {
      is_due = false;
      f();
    });
  };
}

/** A list of rows of equal height, of which only the visible ones exist. The list has the focus, not its rows: the
 * active one is named by `aria-activedescendant`. */
class Rows {
  /** `scroller` scrolls; `height` of a row in pixels; `row(i)` makes the element of a row. */
  constructor(scroller, height, prefix, row) {
    Object.assign(this, { scroller, height, prefix, row, n: 0, active: -1, first: -1, last: -1, printed: 0 });
    this.space = h("div", { class: "space", role: "none" });
    scroller.append(this.space);
    this.soon = soon(() => this.draw());
    scroller.addEventListener("scroll", this.soon, { passive: true });
    new ResizeObserver(this.soon).observe(scroller);
  }

  /** Other rows. */
  set(n) {
    this.n = n;
    if (this.active >= n) this.active = n - 1;
    this.space.style.setProperty("height", `${n * this.height}px`);
    this.scroller.style.setProperty("--rows", String(n));
    this.first = -1;
    this.draw();
  }

  /** Draws the rows that are visible, and some around them. */
  draw() {
    const { scroller, height } = this;
    const top = scroller.scrollTop;
    let first = Math.max(0, Math.floor(top / height) - 8);
    let last = Math.min(this.n, Math.ceil((top + scroller.clientHeight) / height) + 8);
    if (this.printed) [first, last] = [0, Math.min(this.n, this.printed)];
    if (first === this.first && last === this.last) return;
    const { space } = this;
    const make = (from, to) => Array.from({ length: Math.max(0, to - from) }, (_, k) => this.make(from + k));
    if (this.first >= 0 && first < this.last && last > this.first) {
      // Rows that stay visible stay.
      for (let i = this.first; i < first; i++) space.firstChild.remove();
      for (let i = last; i < this.last; i++) space.lastChild.remove();
      space.prepend(...make(first, this.first));
      space.append(...make(this.last, last));
    } else space.replaceChildren(...make(first, last));
    [this.first, this.last] = [first, last];
    this.name_active();
  }

  make(i) {
    const row = this.row(i);
    row.id = `${this.prefix}${i}`;
    row.style.setProperty("top", `${i * this.height}px`);
    if (i === this.active) row.classList.add("active");
    row.dataset.i = i;
    return row;
  }

  /** Draws again what changed. */
  redraw() {
    this.first = -1;
    this.draw();
  }

  name_active() {
    const is_drawn = this.active >= this.first && this.active < this.last;
    if (is_drawn && this.active >= 0) this.scroller.setAttribute("aria-activedescendant", `${this.prefix}${this.active}`);
    else this.scroller.removeAttribute("aria-activedescendant");
  }

  /** Makes a row the active one and scrolls to it. */
  activate(i, is_centred) {
    if (this.n === 0) return;
    this.active = Math.max(0, Math.min(this.n - 1, i));
    const { scroller, height } = this;
    const top = this.active * height;
    if (is_centred) scroller.scrollTop = top - scroller.clientHeight / 2;
    else if (top < scroller.scrollTop) scroller.scrollTop = top;
    else if (top + height > scroller.scrollTop + scroller.clientHeight) {
      scroller.scrollTop = top + height - scroller.clientHeight;
    }
    this.redraw();
  }

  /** Moves the active row by a key; true if it was one that moves. */
  move(key) {
    const page = Math.max(1, Math.floor(this.scroller.clientHeight / this.height) - 1);
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -this.n, End: this.n }[key];
    if (by === undefined) return false;
    this.activate(this.active < 0 && by > 0 ? 0 : this.active + by);
    return true;
  }

  /** All rows up to a limit, for paper; or the visible ones again. */
  print(limit) {
    this.printed = limit;
    this.space.style.setProperty("height", limit ? `${Math.min(this.n, limit) * this.height}px` : `${this.n * this.height}px`);
    this.redraw();
  }
}

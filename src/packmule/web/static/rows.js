// A list of any length that stays smooth: of all its rows only those in sight are in the document.
// Owns which those are and where they stand; leaves what is in a row to whoever draws it.
// All rows are as high as `--row` in job.css says, so that a row's place follows from its number.

import { make } from "./dom.js";

const MORE = 6; // rows beyond both edges, so that a quick hand sees no gap
const TALLEST = 8_000_000; // pixels; browsers clip elements that are much higher

export class Rows {
  // `draw(index)` gives a row's content as an array of elements; `onRange(from, to)` is called with
  // the rows in sight, half-open, when they change.
  constructor(label, draw, onRange) {
    this.rowHeight = 0;
    this.draw = draw;
    this.onRange = onRange;
    this.count = 0;
    this.shown = new Map(); // number of a row -> its element
    this.drawn = new WeakMap(); // element of a row -> what tells that its content is still true
    this.list = make("ul", { class: "rows", "aria-label": label });
    this.element = make("div", { class: "rows-window", tabindex: "0", role: "group", "aria-label": label }, this.list);
    this.element.addEventListener("scroll", () => this.place(), { passive: true });
    this.resized = new ResizeObserver(() => this.place());
    this.resized.observe(this.element);
  }

  close() {
    this.resized.disconnect();
  }

  // The rows in sight, half-open.
  get range() {
    const { scrollTop, clientHeight } = this.element;
    const from = Math.max(0, Math.floor(scrollTop / this.rowHeight) - MORE);
    const to = Math.min(this.count, Math.ceil((scrollTop + clientHeight) / this.rowHeight) + MORE);
    return [from, Math.max(from, to)];
  }

  // How high rows are now: it changes with the window's width and with the reader's size of text.
  measure() {
    const rems = Number.parseFloat(getComputedStyle(this.element).getPropertyValue("--row"));
    const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
    if (rems * rem === this.rowHeight) return;
    this.rowHeight = rems * rem;
    this.list.replaceChildren();
    this.shown.clear();
    this.list.style.setProperty("block-size", `${this.count * this.rowHeight}px`);
  }

  // Another number of rows; all in sight are drawn again.
  reset(count) {
    this.measure();
    this.count = Math.min(count, Math.floor(TALLEST / this.rowHeight));
    this.list.style.setProperty("block-size", `${this.count * this.rowHeight}px`);
    this.place();
    this.redraw();
  }

  redraw() {
    for (const [index, row] of this.shown) this.fill(row, index);
  }

  // Put the rows in sight into the document, and take the others out.
  place() {
    this.measure();
    const [from, to] = this.range;
    for (const [index, row] of this.shown) {
      if (index >= from && index < to) continue;
      row.remove();
      this.shown.delete(index);
    }
    for (let index = from; index < to; index += 1) {
      if (this.shown.has(index)) continue;
      const row = make("li", { "aria-posinset": index + 1 });
      row.style.setProperty("inset-block-start", `${index * this.rowHeight}px`);
      this.fill(row, index);
      this.shown.set(index, row);
      this.insert(row, index);
    }
    this.onRange(from, to);
  }

  // In their order, which is that of a screen reader.
  insert(row, index) {
    const next = [...this.shown.keys()].filter((each) => each > index).sort((a, b) => a - b)[0];
    this.list.insertBefore(row, next === undefined ? null : this.shown.get(next));
  }

  fill(row, index) {
    const content = this.draw(index);
    row.setAttribute("aria-setsize", this.count);
    if (this.drawn.get(row) === content.key) return;
    this.drawn.set(row, content.key);
    row.replaceChildren(...content.elements());
  }
}

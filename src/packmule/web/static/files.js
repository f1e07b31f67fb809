// Each file of a job: a list of which only what is looked at is asked for, and asked for again while
// the job goes on. Leaves scrolling to rows.js, what is known of files to file_pages.js, what a row
// says to file_row.js.

import { Away, Refused, call } from "./api.js";
import { make, write } from "./dom.js";
import { FilePages } from "./file_pages.js";
import { cells } from "./file_row.js";
import { mayAct } from "./key.js";
import { t } from "./language.js";
import { Rows } from "./rows.js";

const EVERY = 1500; // milliseconds between two looks at the same files
const FILTERS = { "": "files.all", open: "files.open", failed: "files.failed", pending: "files.pending", done: "files.done" };

export class Files {
  // `retry(position)` fetches one file again.
  constructor(hash, retry) {
    this.hash = hash;
    this.retry = retry;
    this.total = 0;
    this.status = "";
    this.selected = "";
    this.tabs = new Map(Object.entries(FILTERS).map(([state, key]) =>
      [state, make("button", { type: "button", class: "tab", "aria-pressed": String(!state), onclick: () => this.filter(state) }, t(key))]));
    this.note = make("p", { class: "quiet", hidden: true });
    this.rows = new Rows(t("files.title"), (index) => this.draw(index), () => this.look());
    this.summary = make("summary", {}, t("files.title"));
    this.element = make("details", { id: "files", open: true, hidden: true, ontoggle: () => this.look() },
      this.summary,
      make("div", { class: "tabs", role: "group", "aria-label": t("files.show") }, [...this.tabs.values()]),
      this.note, this.rows.element);
    this.empty();
  }

  get isOver() {
    return this.status !== "" && this.status !== "in-progress";
  }

  empty() {
    this.pages = new FilePages(this.selected, this.total);
    this.asking = false;
    this.turn = (this.turn ?? 0) + 1;
    clearTimeout(this.later);
  }

  close() {
    this.turn += 1;
    clearTimeout(this.later);
    this.rows.close();
  }

  // What is known may be out of date: ask again for what is in sight.
  forget() {
    this.pages.looked.clear();
  }

  filter(state) {
    this.selected = state;
    for (const [of, tab] of this.tabs) tab.setAttribute("aria-pressed", String(of === state));
    this.empty();
    this.rows.element.scrollTop = 0;
    this.rows.reset(this.pages.isChained ? 0 : this.total);
    this.look();
  }

  // How many files there are, and the job's state, from which on nothing about them may change.
  update(total, status, counts) {
    this.count(total, counts);
    const wasOver = this.isOver;
    this.status = status;
    if (total && total !== this.total) {
      this.total = this.pages.total = total;
      this.element.hidden = false;
      write(this.summary, t("count.files", { count: total }));
      if (!this.selected) this.rows.reset(total);
    }
    if (this.isOver) this.element.hidden = false;
    if (this.isOver && !wasOver) this.forget();
    for (const state of ["open", "pending"]) this.tabs.get(state).hidden = this.isOver && this.selected !== state;
    this.look();
  }

  // How many there are, as far as the job's progress tells.
  count(total, counts) {
    const known = { "": total, failed: counts?.failed, done: counts?.done };
    for (const [state, key] of Object.entries(FILTERS)) {
      const tab = t(key);
      write(this.tabs.get(state), known[state] ? t("files.tab-count", { tab, count: known[state] }) : tab);
    }
  }

  // Ask for the pages in sight that are not known, or not any more.
  async look() {
    if (this.asking || !this.element.open || this.element.hidden) return;
    const page = this.nextPage();
    if (page === null) return;
    const turn = this.turn;
    this.asking = true;
    try {
      const found = await call("GET", `files/${this.hash}?${this.pages.query(page)}`);
      if (turn !== this.turn) return;
      const count = this.pages.keep(page, found, this.rows.count);
      if (count === null) this.rows.redraw();
      else this.rows.reset(count);
      this.tell("");
    } catch (error) {
      if (turn !== this.turn) return;
      // Who has only the link may not see the files where keys are asked for: that is no news.
      if (error instanceof Refused && this.total) this.tell(error.message);
      else if (error instanceof Refused) this.element.hidden = true;
      else if (!(error instanceof Away)) throw error;
    } finally {
      if (turn === this.turn) this.asking = false;
    }
    this.pages.looked.set(page, Date.now());
    clearTimeout(this.later);
    this.later = setTimeout(() => this.look(), this.nextPage() === null ? EVERY : 0);
  }

  nextPage() {
    return this.pages.next(this.rows.range, this.isOver ? Infinity : EVERY);
  }

  tell(text) {
    const none = this.selected && !this.rows.count ? t("files.none") : "";
    write(this.note, text || none);
    this.note.hidden = !this.note.textContent;
    this.rows.element.hidden = Boolean(this.note.textContent);
  }

  draw(index) {
    const file = this.pages.known.get(index);
    if (!file) return { key: "unknown", elements: () => [make("span", { class: "quiet" }, "…")] };
    const retry = this.status === "failed" && mayAct() ? () => this.retry(file.position) : null;
    return {
      key: JSON.stringify([file, this.status]),
      elements: () => cells(file, this.isOver, retry),
    };
  }
}

// Each file of a job: a list of which only what is looked at is asked for, and asked for again while
// the job goes on. Leaves scrolling to rows.js, words to words.js.

import { Away, Refused, call } from "./api.js";
import { make } from "./dom.js";
import { Rows } from "./rows.js";
import { FILE_STATES, WARNINGS, bytes, clock, failure, number, plural } from "./words.js";

const PAGE = 100; // files in a request
const EVERY = 1500; // milliseconds between two looks at the same files

const FILTERS = [
  ["", "All"],
  ["open", "Active"],
  ["failed", "Failed"],
  ["pending", "Waiting"],
  ["done", "Done"],
];

export class Files {
  constructor(hash) {
    this.hash = hash;
    this.total = 0;
    this.isOver = false;
    this.selected = "";
    this.tabs = new Map(FILTERS.map(([state, text]) =>
      [state, make("button", { type: "button", class: "tab", "aria-pressed": String(!state), onclick: () => this.filter(state) }, text)]));
    this.note = make("p", { class: "quiet", hidden: true });
    this.rows = new Rows("Files", (index) => this.draw(index), () => this.look());
    this.element = make("details", { id: "files", open: true, hidden: true, ontoggle: () => this.look() },
      make("summary", {}, "Files"),
      make("div", { class: "tabs", role: "group", "aria-label": "Show files" }, [...this.tabs.values()]),
      this.note, this.rows.element);
    this.empty();
  }

  empty() {
    this.known = new Map(); // row -> file
    this.looked = new Map(); // page -> when it was asked for, in milliseconds
    this.cursors = new Map([[0, null]]); // page -> what asks for it
    this.asking = false;
    this.turn = (this.turn ?? 0) + 1;
    clearTimeout(this.later);
  }

  close() {
    this.turn += 1;
    clearTimeout(this.later);
    this.rows.close();
  }

  filter(state) {
    this.selected = state;
    for (const [of, tab] of this.tabs) tab.setAttribute("aria-pressed", String(of === state));
    this.empty();
    this.rows.element.scrollTop = 0;
    this.rows.reset(this.isChained ? 0 : this.total);
    this.look();
  }

  // Whether rows are found one page after another: of a selection, and where nobody knows how many
  // files there are, as after a link was handed on.
  get isChained() {
    return this.selected !== "" || !this.total;
  }

  // How many files there are, and whether anything about them may still change.
  update(total, isOver, counts) {
    this.count(total, counts);
    const hasEnded = isOver && !this.isOver;
    this.isOver = isOver;
    if (total && total !== this.total) {
      this.total = total;
      this.element.hidden = false;
      this.element.querySelector("summary").textContent = plural(total, "file");
      if (!this.selected) this.rows.reset(total);
    }
    if (isOver) this.element.hidden = false;
    if (hasEnded) this.looked.clear();
    for (const state of ["open", "pending"]) this.tabs.get(state).hidden = isOver && this.selected !== state;
    this.look();
  }

  // How many there are, as far as the job's progress tells.
  count(total, counts) {
    const known = { "": total, failed: counts?.failed, done: counts?.done };
    for (const [state, text] of FILTERS) {
      const words = known[state] ? `${text} ${number(known[state])}` : text;
      const tab = this.tabs.get(state);
      if (tab.textContent !== words) tab.textContent = words;
    }
  }

  // Files that an event tells of.
  take(files) {
    if (this.isChained) return;
    for (const file of files) this.known.set(file.position, file);
    this.rows.redraw();
  }

  // Ask for the pages in sight that are not known, or not any more.
  async look() {
    if (this.asking || !this.element.open || this.element.hidden) return;
    const page = this.nextPage();
    if (page === null) return;
    const turn = this.turn;
    this.asking = true;
    try {
      const found = await call("GET", `files/${this.hash}?${this.query(page)}`);
      if (turn !== this.turn) return;
      this.keep(page, found);
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
    this.looked.set(page, Date.now());
    clearTimeout(this.later);
    this.later = setTimeout(() => this.look(), this.nextPage() === null ? EVERY : 0);
  }

  nextPage() {
    const [from, to] = this.rows.range;
    const now = Date.now();
    const isDue = (page) => {
      const at = this.looked.get(page);
      return at === undefined || (!this.isOver && now - at >= EVERY);
    };
    const first = Math.floor(from / PAGE);
    const last = Math.floor(Math.max(to - 1, 0) / PAGE);
    for (let page = first; page <= last; page += 1) {
      if (isDue(page) && (!this.isChained || this.cursors.has(page))) return page;
    }
    // Of a selection, how many there are shows only as it is read on.
    const next = last + 1;
    if (this.isChained && this.cursors.has(next) && !this.looked.has(next)) return next;
    return null;
  }

  // All files: page by page anywhere, as a cursor is the position of the last file before it.
  query(page) {
    const asked = new URLSearchParams({ limit: PAGE });
    const cursor = this.isChained ? this.cursors.get(page) : page ? String(page * PAGE - 1) : null;
    if (cursor !== null && cursor !== undefined) asked.set("cursor", cursor);
    if (this.selected) asked.set("state", this.selected);
    return asked;
  }

  keep(page, { files, cursor }) {
    if (!this.isChained) {
      for (const file of files) this.known.set(file.position, file);
      this.rows.redraw();
      return;
    }
    files.forEach((file, at) => this.known.set(page * PAGE + at, file));
    if (cursor !== null) this.cursors.set(page + 1, cursor);
    else this.cursors.delete(page + 1);
    const full = this.cursors.has(page + 1);
    const count = page * PAGE + files.length;
    this.rows.reset(full ? Math.max(this.rows.count, count) : count);
  }

  tell(text) {
    const none = this.selected && !this.rows.count ? "None at the moment." : "";
    this.note.textContent = text || none;
    this.note.hidden = !this.note.textContent;
    this.rows.element.hidden = Boolean(this.note.textContent);
  }

  draw(index) {
    const file = this.known.get(index);
    if (!file) return { key: "unknown", elements: () => [make("span", { class: "quiet" }, "…")] };
    return { key: JSON.stringify([file, this.isOver]), elements: () => cells(file, this.isOver) };
  }
}

// The name a person knows a file by: its own, else the last part of its link.
function nameOf({ name, url }) {
  if (name) return name;
  const [path] = url.split(/[?#]/);
  const last = path.split("/").at(-1);
  try {
    return decodeURIComponent(last) || url;
  } catch {
    return last || url;
  }
}

const hostOf = ({ url }) => /^[a-z0-9]+:\/\/([^/?#]*)/i.exec(url)?.[1] ?? "";

function cells(file, isOver) {
  const name = nameOf(file);
  const said = file.state === "done" && file.warning ? (WARNINGS[file.warning.code] ?? file.warning.detail) : "";
  return [
    make("span", { class: "file-name", title: file.url }, name, make("small", {}, hostOf(file))),
    make("span", { class: `file-state ${file.state}` }, said || stateOf(file, isOver)),
    file.state === "open" && file.bytes.total && !isOver
      ? make("progress", { value: file.bytes.done, max: file.bytes.total, "aria-label": `Fetching ${name}` })
      : null,
  ].filter(Boolean);
}

function stateOf({ state, bytes: amount, failure: why, attempts, next_attempt_at: at }, isOver) {
  if (state === "failed" && why) return failure(why)[0];
  if (state === "done") return bytes(amount.done);
  if (isOver) return "Not fetched";
  if (why && at) {
    const seconds = Math.max(0, Math.round((Date.parse(at) - Date.now()) / 1000));
    return `${failure(why)[0]}, try ${number((attempts ?? 0) + 1)} in ${clock(seconds)}`;
  }
  if (state !== "open" || !amount.done) return FILE_STATES[state];
  return amount.total ? `${bytes(amount.done)} of ${bytes(amount.total)}` : bytes(amount.done);
}

// The lines of a job's list, as they are typed. Raises Refused, Away.
export async function linesOfJob(hash) {
  const lines = [];
  let cursor = null;
  do {
    const found = await call("GET", `files/${hash}?limit=1000${cursor ? `&cursor=${cursor}` : ""}`);
    // A name with folders was given with the link; any other may have come with the file.
    lines.push(...found.files.map(({ url, name }) => (name?.includes("/") ? `${url}\t${name}` : url)));
    ({ cursor } = found);
  } while (cursor !== null);
  return lines;
}

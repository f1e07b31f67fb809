// One row of the list of files: a mark or a ring, name and host, how far it is and how fast.

import { failure, warning } from "./causes.js";
import { button, make } from "./dom.js";
import { bytes, clock, number, t } from "./language.js";

const MARKS = { done: "✓", failed: "!", pending: "·" };

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

function ring({ bytes: amount }, name) {
  const element = make("span", { class: "ring", role: "progressbar", "aria-label": t("files.fetching", { name }), "aria-valuemin": 0, "aria-valuemax": 100 });
  if (amount.total) {
    const percent = Math.min(100, Math.floor((amount.done / amount.total) * 100));
    element.setAttribute("aria-valuenow", percent);
    element.style.setProperty("--part", `${percent}%`);
  }
  return element;
}

// A row's cells; `retry` fetches the file again, where that can be done.
export function cells(file, isOver, retry) {
  const name = nameOf(file);
  const isOpen = file.state === "open" && !isOver;
  const isWaiting = isOpen && file.failure && file.next_attempt_at;
  const tone = isWaiting || file.warning ? "warn" : file.state;
  const [words, more] = wordsOf(file, isOver);
  return [
    isOpen && !isWaiting ? ring(file, name) : make("span", { class: `dot ${tone}`, "aria-hidden": "true" }, MARKS[file.state] ?? "·"),
    make("span", { class: "file-name", title: file.url }, name, make("small", {}, hostOf(file))),
    make("span", { class: `file-state ${tone}` }, words, more ? make("small", {}, more) : null),
    retry && file.state === "failed" ? button(t("files.again"), retry, "link") : null,
  ].filter(Boolean).map((each) => named(each, name));
}

// Buttons of different rows must not have the same name.
function named(element, name) {
  if (element.tagName === "BUTTON") element.setAttribute("aria-label", t("files.again-one", { name }));
  return element;
}

// What is told of a file: in a few words, and a second line.
function wordsOf({ state, bytes: amount, failure: why, warning: warned, attempts, next_attempt_at: at, rate }, isOver) {
  if (state === "failed" && why) return [failure(why)[0]];
  if (state === "done") return warned ? [warning(warned), bytes(amount.done)] : [bytes(amount.done)];
  if (isOver) return [t("files.state.left")];
  if (why && at) {
    const seconds = Math.max(0, Math.round((Date.parse(at) - Date.now()) / 1000));
    const values = { why: failure(why)[0], try: number((attempts ?? 0) + 1), time: clock(seconds) };
    return [t("files.try-in", values)];
  }
  if (state !== "open" || !amount.done) return [t(`files.state.${state}`)];
  const done = bytes(amount.done);
  return [
    amount.total ? t("format.of", { done, total: bytes(amount.total) }) : done,
    rate ? t("format.rate", { amount: bytes(rate) }) : "",
  ];
}

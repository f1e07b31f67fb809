// The field with the list: changes that can be undone, and finding a line.
// Tells of each change by an event: "input" where a person types, "changed" where a button did it.

import { at, say } from "./dom.js";
import { t } from "./language.js";

let before = null; // the text before it was changed for the person, to go back to

export const text = () => at("links").value;

function put(value) {
  at("links").value = value;
  at("undo").hidden = before === null;
  at("links").dispatchEvent(new Event("changed"));
}

// Another text, which Undo takes back.
export function change(value, said) {
  before = text();
  put(value);
  say(said);
}

// Another text, without a way back: a fresh list, or none.
export function reset(value) {
  before = null;
  put(value);
}

// A job's list in place of what was typed, which Undo brings back.
export function replaceDraft(value) {
  const draft = text();
  if (draft && draft !== value) change(value, t("list.draft-kept"));
  else reset(value);
}

export function replaceLine({ number: lineNumber, url }, other) {
  const lines = text().split("\n");
  if (other === null) lines.splice(lineNumber - 1, 1);
  else lines[lineNumber - 1] = lines[lineNumber - 1].replace(url, () => other);
  change(lines.join("\n"), t(other === null ? "list.line-removed" : "list.scheme-added"));
  at("links").focus();
}

export function removeLines(numbers, said) {
  const doomed = new Set(numbers);
  const kept = text().split("\n").filter((_, index) => !doomed.has(index + 1));
  change(kept.join("\n"), said);
  at("links").focus();
}

export function selectLine(lineNumber) {
  const links = at("links");
  const lines = links.value.split("\n");
  const start = lines.slice(0, lineNumber - 1).reduce((sum, line) => sum + line.length + 1, 0);
  links.focus();
  links.setSelectionRange(start, start + lines[lineNumber - 1].length);
  const height = Number.parseFloat(getComputedStyle(links).lineHeight);
  links.scrollTop = Math.max(0, (lineNumber - 3) * height);
}

// Put lines in place of what is marked, such that the browser's own undo takes it back.
export const insert = (lines) => document.execCommand("insertText", false, lines.join("\n"));

export function append(lines, said) {
  const glue = text() && !text().endsWith("\n") ? "\n" : "";
  change(`${text()}${glue}${lines.join("\n")}\n`, said);
  at("links").scrollTop = at("links").scrollHeight;
}

export function openField() {
  at("links").addEventListener("input", () => {
    before = null;
    at("undo").hidden = true;
  });
  at("undo").addEventListener("click", () => {
    const value = before ?? text();
    before = null;
    put(value);
    at("links").focus();
    say(t("list.undone"));
  });
}

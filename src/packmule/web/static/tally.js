// What the list holds: how many links of which kind, what is wrong with some, and what to do about it.
// Leaves the rules to link_list.js and the marks beside the lines to gutter.js.

import { at, button, make, write } from "./dom.js";
import { mark } from "./gutter.js";
import { kindsOf } from "./kinds.js";
import { tab } from "./keeping.js";
import { t } from "./language.js";
import { change, removeLines, replaceLine, selectLine, text } from "./link_field.js";
import { check, withoutDuplicates } from "./link_list.js";
import { withScheme } from "./link_rules.js";
import { expanded, hasPattern } from "./patterns.js";

const SHOWN = 20; // lines that are named as wrong
const LARGE = 50_000; // characters from which a text is checked when typing pauses, not at each key

const mostLinks = Number(document.documentElement.dataset.mostLinks);
let wait = 0;

// Look at the list: show what it holds, and give it as { lines, twice, wrong }.
export function tally() {
  const found = check(text());
  const { lines, twice, wrong } = found;
  tab.set("draft", text() || null);
  const counted = [t("count.links", { count: lines.length }), kindsOf(lines, wrong)].filter(Boolean).join(" · ");
  write(at("links-count"), lines.length ? counted : t("count.none"));
  chip("unique", twice.length && t("list.duplicates", { count: twice.length }));
  showWrong(wrong);
  mark(lines, wrong);
  return found;
}

function chip(id, words) {
  at(id).hidden = !words;
  write(at(id), words || "");
}

// A person is not corrected before having finished the line: the last one may be half typed.
function isBeingTyped(line) {
  return (
    document.activeElement === at("links") &&
    !text().slice(at("links").selectionStart).includes("\n") &&
    line.number === text().split("\n").length &&
    /^(h|ht|htt|https?|https?:|https?:\/|https?:\/\/[^/]*)$/i.test(line.url)
  );
}

function showWrong(wrong) {
  const told = wrong.filter((line) => !isBeingTyped(line));
  chip("drop-invalid", told.length > 1 && t("list.remove-invalid", { count: told.length }));
  const patterns = text().includes("[") ? expanded(text(), mostLinks) : null;
  chip("expand", patterns && t("list.expand", { count: patterns.count }));
  const box = at("wrong");
  // What is said already stays as it is: someone may be about to click on it.
  const key = JSON.stringify(told.map((line) => [line.number, line.why, line.url]));
  if (box.dataset.told === key) return;
  box.dataset.told = key;
  box.hidden = !told.length;
  if (told.length) at("links").setAttribute("aria-invalid", "true");
  else at("links").removeAttribute("aria-invalid");
  const more = told.length - SHOWN;
  box.replaceChildren(
    make("ul", {}, told.slice(0, SHOWN).map(itemOf)),
    more > 0 ? make("p", { class: "quiet" }, t("list.more-lines", { count: more })) : "",
  );
}

function itemOf(line) {
  const fixed = withScheme(line.url);
  return make(
    "li",
    {},
    button(t("list.line", { line: line.number }), () => selectLine(line.number), "link"),
    `: ${line.why} `,
    make("code", {}, line.url.slice(0, 120)),
    " ",
    fixed ? button(t("list.add-scheme"), () => replaceLine(line, fixed), "link") : null,
    " ",
    button(t("list.remove"), () => replaceLine(line, null), "link"),
  );
}

// The first line with a pattern that was not expanded; null where there is none.
export const lineWithPattern = (lines) => lines.find((line) => hasPattern(line.url)) ?? null;

export function openTally() {
  const links = at("links");
  links.addEventListener("input", () => {
    clearTimeout(wait);
    if (text().length < LARGE) tally();
    else wait = setTimeout(tally, 250);
  });
  links.addEventListener("changed", tally);
  links.addEventListener("blur", tally);
  at("unique").addEventListener("click", () => {
    change(withoutDuplicates(text()), t("list.duplicates-removed"));
    links.focus();
  });
  at("drop-invalid").addEventListener("click", () => {
    removeLines(check(text()).wrong.map((line) => line.number), t("list.invalid-removed"));
  });
  at("expand").addEventListener("click", () => {
    const { text: other, count } = expanded(text(), mostLinks);
    change(other, t("list.expanded", { count }));
    links.focus();
  });
  tally();
}

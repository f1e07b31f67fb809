// What failed and why, in groups: a host that is down is one thing to read, not a thousand.

import { grouped } from "./causes.js";
import { button, make, say } from "./dom.js";
import { t } from "./language.js";

const SHOWN = 100; // files of a group; the list of files has them all
const MOST = 1000; // failures in a status document

function fileOf({ url, name, detail, attempts }) {
  const tries = attempts > 1 ? `, ${t("failures.tries", { count: attempts })}` : "";
  return make(
    "li",
    {},
    name && !url.endsWith(name) ? make("span", { class: "file-name" }, name) : null,
    // Opened as by whoever clicks, without telling where from: the page's address is a key.
    make("a", { href: /^https?:/i.test(url) ? url : null, target: "_blank", rel: "noopener noreferrer" }, make("code", {}, url)),
    detail ? make("span", { class: "quiet" }, make("span", { lang: "en" }, detail), tries) : null,
  );
}

function copyButton(files) {
  if (!navigator.clipboard) return null;
  const words = t("failures.copy", { count: files.length });
  const pressed = button(words, async () => {
    await navigator.clipboard.writeText(files.map(({ url }) => url).join("\n"));
    pressed.textContent = t("failures.copied");
    say(t("failures.copied"));
  }, "link");
  return pressed;
}

function group({ words, advice, files }, isOpen) {
  const more = files.length - SHOWN;
  return make(
    "details",
    { class: "failure", open: isOpen },
    make("summary", {}, make("strong", {}, words), " ", make("span", { class: "count" }, t("count.files", { count: files.length }))),
    make("p", {}, `${advice} `, copyButton(files)),
    make("ul", {}, files.slice(0, SHOWN).map(fileOf)),
    more > 0 ? make("p", { class: "quiet" }, t("failures.more", { count: more })) : null,
  );
}

// The groups under a title; nothing where nothing failed.
export function failuresOf(title, failures) {
  if (!failures.length) return [];
  const groups = grouped(failures);
  const isOpen = failures.length <= 5 || groups.length === 1;
  return [
    make("h2", {}, title),
    ...groups.map((each) => group(each, isOpen)),
    failures.length >= MOST ? make("p", { class: "quiet" }, t("failures.first", { count: MOST })) : "",
  ];
}

// What failed and why, in groups: a host that is down is one thing to read, not a thousand.

import { make } from "./dom.js";
import { grouped, number, plural } from "./words.js";

const SHOWN = 100; // files of a group; the list of files has them all

function fileOf({ url, name, detail, attempts }) {
  const tries = attempts > 1 ? `, ${plural(attempts, "try").replace("trys", "tries")}` : "";
  return make(
    "li",
    {},
    name && !url.endsWith(name) ? make("span", { class: "file-name" }, name) : null,
    // Opened as by whoever clicks, without telling where from: the page's address is a key.
    make("a", { href: /^https?:/i.test(url) ? url : null, target: "_blank", rel: "noopener noreferrer" }, make("code", {}, url)),
    detail ? make("span", { class: "quiet" }, `${detail}${tries}`) : null,
  );
}

function group({ words, advice, files }, isOpen) {
  const more = files.length - SHOWN;
  return make(
    "details",
    { class: "failure", open: isOpen },
    make("summary", {}, make("strong", {}, words), " ", make("span", { class: "count" }, plural(files.length, "file"))),
    make("p", {}, advice),
    make("ul", {}, files.slice(0, SHOWN).map(fileOf)),
    more > 0 ? make("p", { class: "quiet" }, `and ${number(more)} more, in the list below`) : null,
  );
}

// The groups under a title; nothing where nothing failed.
export function failuresOf(title, failures) {
  if (!failures.length) return [];
  const groups = grouped(failures);
  const few = failures.length <= 5;
  return [
    make("h3", {}, title),
    ...groups.map((each) => group(each, few || groups.length === 1)),
    failures.length >= 1000 ? make("p", { class: "quiet" }, "These are the first 1,000. The list of files has all of them.") : "",
  ];
}

// New links for the files that failed: a form in place of their list, one field for each file.
// Leaves sending them to who asks for it.

import { failure } from "./causes.js";
import { make } from "./dom.js";
import { t } from "./language.js";

const SHOWN = 200; // fields; more links than that are better put into a new list

const pointerOf = (position) => `/urls/${position}`;

function rowOf(each) {
  const id = `fix-${each.position}`;
  const field = make("input", { id, type: "url", autocomplete: "off", spellcheck: "false", placeholder: t("fix.new-link"), "aria-describedby": `${id}-why ${id}-wrong` });
  const wrong = make("span", { id: `${id}-wrong`, class: "refused", role: "alert" });
  const [words] = failure(each);
  const element = make("li", {},
    make("label", { for: id }, make("code", {}, each.url)),
    make("span", { id: `${id}-why`, class: "quiet" }, words),
    field, wrong);
  return { position: each.position, element, field, wrong };
}

// The form. `send(urls)` is called with the new links by position, and gives the errors of the API.
export function fixForm(failures, send) {
  const rows = failures.slice(0, SHOWN).map(rowOf);
  const more = failures.length - rows.length;
  const submit = async (event) => {
    event.preventDefault();
    const filled = rows.filter((row) => row.field.value.trim());
    for (const row of rows) row.wrong.textContent = "";
    if (!filled.length) {
      rows[0]?.field.focus();
      return;
    }
    const errors = await send(Object.fromEntries(filled.map((row) => [row.position, row.field.value.trim()])));
    const found = new Map(errors.map(({ pointer, detail }) => [pointer, detail]));
    const bad = filled.filter((row) => found.has(pointerOf(row.position)));
    for (const row of bad) row.wrong.textContent = found.get(pointerOf(row.position));
    bad[0]?.field.focus();
  };
  return make("form", { class: "fix", novalidate: true, onsubmit: submit },
    make("h2", {}, t("fix.title")),
    make("p", {}, t("fix.hint")),
    make("ul", {}, rows.map((row) => row.element)),
    more > 0 ? make("p", { class: "quiet" }, t("fix.more", { count: more })) : null,
    make("button", { type: "submit" }, t("fix.send")));
}

// The options in one sentence, so that nobody has to open them to know what will happen.

import { at, make } from "./dom.js";
import { t } from "./language.js";

const MORE = ["on_html", "compression", "priority"]; // named only where they were changed

const chosen = (id) => at(id).selectedOptions[0].textContent;
const isChanged = (id) => !at(id).selectedOptions[0].defaultSelected;

function sum() {
  const changed = MORE.filter(isChanged).length + (at("manifest").checked ? 1 : 0);
  const words = [
    t("options.summary", { error: chosen("on_error"), kept: chosen("expires_in") }),
    changed ? t("options.summary-more", { count: changed }) : "",
  ];
  at("options-summary").replaceChildren(
    `${words.filter(Boolean).join(" · ")} · `,
    make("span", { class: "like-link" }, t("options.change")),
  );
}

// What was chosen, as the API has it.
export function chosenOptions() {
  const body = {};
  for (const id of ["on_error", "on_html", "compression"]) body[id] = at(id).value;
  if (at("manifest").checked) body.manifest = true;
  if (at("expires_in").value) body.expires_in = Number(at("expires_in").value);
  if (Number(at("priority").value)) body.priority = Number(at("priority").value);
  return body;
}

export function openOptions() {
  at("options").addEventListener("change", sum);
  sum();
}

// Asks for the API key where an action needs one. It is kept until the tab is closed.

import { make } from "./dom.js";
import { tab } from "./keeping.js";
import { t } from "./language.js";

export const isKey = (text) => /^[\x21-\x7e]+$/.test(text);

export const asksForKeys = "needsKey" in document.documentElement.dataset;

// Whether this tab may do what changes an archive: where the server asks for keys, it needs one.
export const mayAct = () => !asksForKeys || Boolean(tab.get("key"));

export function askForKey(message, then) {
  const field = make("input", { id: "action-key", type: "password", autocomplete: "off", spellcheck: "false" });
  const use = (event) => {
    event.preventDefault();
    const key = field.value.trim();
    if (!isKey(key)) {
      field.focus();
      return;
    }
    tab.set("key", key);
    then();
  };
  return make(
    "form",
    { class: "key", onsubmit: use },
    message ? make("p", {}, message) : null,
    make("label", { for: "action-key" }, t("start.key")),
    field,
    make("button", { type: "submit", class: "small" }, t("job.use-key")),
  );
}

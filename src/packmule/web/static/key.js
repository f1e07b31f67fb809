// Asks for the API key where an action needs one. It is kept until the tab is closed.

import { make } from "./dom.js";
import { tab } from "./keeping.js";

export function askForKey(message, then) {
  const field = make("input", { id: "action-key", type: "password", autocomplete: "off", spellcheck: "false" });
  const use = (event) => {
    event.preventDefault();
    const key = field.value.trim();
    if (!/^[\x21-\x7e]+$/.test(key)) {
      field.focus();
      return;
    }
    tab.set("key", key);
    then();
  };
  return make(
    "form",
    { class: "key", onsubmit: use },
    make("p", {}, message),
    make("label", { for: "action-key" }, "API key"),
    field,
    make("button", { type: "submit", class: "small" }, "Use this key"),
  );
}

// Adds links that come from elsewhere to the list, and says how many.

import { at, say } from "./dom.js";
import { t } from "./language.js";
import { append, insert } from "./link_field.js";
import { showRefusal } from "./refusal.js";

export function add(lines, source, isPasted = false) {
  if (!lines.length) {
    showRefusal(t("list.none-found", { source }));
    return;
  }
  const said = t("list.added", { count: lines.length, source });
  if (isPasted && document.activeElement === at("links")) {
    insert(lines);
    say(said);
  } else append(lines, said);
}

// Of a saved web page, one may want its links, its images or its videos: asks which.

import { add } from "./adding.js";
import { at, button, make, say } from "./dom.js";
import { t } from "./language.js";

// Add the lines of the only kind there is, or of the one that is chosen.
export function choose(lines, name) {
  const kinds = Object.entries(lines).filter(([, each]) => each.length);
  if (kinds.length < 2) {
    add(kinds[0]?.[1] ?? [], name);
    return;
  }
  const box = at("which");
  const take = (kind) => {
    box.hidden = true;
    add(lines[kind], name);
    at("links").focus();
  };
  const question = t("list.which", { name });
  box.hidden = false;
  box.replaceChildren(
    make("p", { id: "which-question" }, question),
    make("div", { class: "buttons", role: "group", "aria-labelledby": "which-question" },
      kinds.map(([kind, each]) => button(t(`count.${kind}`, { count: each.length }), () => take(kind), "second small"))),
  );
  box.querySelector("button").focus();
  say(question);
}

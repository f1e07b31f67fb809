// All archives of the API key's owner, as the server lists them: a page at a time, the newest first.

import { Away, Refused, call } from "./api.js";
import { entryOf, nameOf, showArchives } from "./archives.js";
import { at, button, make, say } from "./dom.js";
import { forget, tab } from "./keeping.js";
import { askForKey, asksForKeys } from "./key.js";
import { t } from "./language.js";

const title = () => make("h3", {}, t("archives.of-key"));

// Run something of the API; where it refuses, say why, or ask for another key.
async function trying(then, again) {
  try {
    await then();
  } catch (error) {
    if (!(error instanceof Refused || error instanceof Away)) throw error;
    const isKey = error.status === 401;
    at("of-key").append(isKey ? askForKey(error.message, again) : make("p", { class: "refused", role: "alert" }, error.message));
  }
}

function itemOf({ archive_hash: hash, name, status, created_at: since, size, expires_at: until }) {
  const entry = { hash, name, state: status, at: since, size: size ?? undefined, until };
  const shown = nameOf(entry);
  const pressed = button(t("archives.delete"), () => trying(async () => {
    if (!confirm(t("archives.delete-sure", { name: shown }))) return;
    await call("DELETE", hash);
    forget(hash);
    item.remove();
    say(t("archives.deleted", { name: shown }));
    showArchives();
    at("archives").focus();
  }, load), "link");
  pressed.setAttribute("aria-label", t("archives.delete-one", { name: shown }));
  const item = entryOf(entry, pressed);
  return item;
}

async function page(list, cursor) {
  const { archives, next } = await call("GET", `list${cursor ? `?cursor=${encodeURIComponent(cursor)}` : ""}`);
  list.append(...archives.map(itemOf));
  if (next === null) return;
  const more = button(t("archives.more"), () => {
    more.remove();
    trying(() => page(list, next), load);
  }, "second small");
  at("of-key").append(more);
}

function load() {
  const list = make("ul", { class: "archive-list" });
  at("of-key").replaceChildren(title(), list);
  return trying(async () => {
    await page(list, null);
    if (!list.firstChild) list.replaceWith(make("p", { class: "quiet" }, t("archives.empty")));
  }, load);
}

// Only a server with keys knows whose archives are whose.
export function showKeyArchives() {
  const place = at("of-key");
  place.hidden = !asksForKeys;
  if (place.hidden) return;
  if (tab.get("key")) load();
  else {
    place.replaceChildren(title(), button(t("archives.show-key"), () => {
      place.replaceChildren(title(), askForKey("", load));
      place.querySelector("input").focus();
    }));
  }
}

// Archives made in this browser, as it remembers them. Those that may have ended or expired since are
// asked about.

import { Refused, call } from "./api.js";
import { at, button, make, say, write } from "./dom.js";
import { forget, forgetAll, onOtherTab, recent, remember } from "./keeping.js";
import { asksForKeys } from "./key.js";
import { bytes, has, moment, number, t } from "./language.js";

const MAY_CHANGE = new Set(["in-progress", "completed"]);
const ASKED = 10; // of those, at most so many at once

export const nameOf = ({ name, hash }) => name || `${hash.slice(0, 8)}….zip`;

const stateName = (state) => (has(`state.${state}`) ? t(`state.${state}`) : t("state.unknown"));

// What is known of an archive, in one line.
function factsOf({ files, size, at: since, until }) {
  return [
    Number.isFinite(files) && files ? t("count.files", { count: files }) : null,
    Number.isFinite(size) ? bytes(size) : null,
    moment(since),
    until ? t("archives.until", { moment: moment(until) }) : null,
  ].filter(Boolean).join(" · ");
}

// One archive of a list; `remove` is its last button.
export function entryOf(entry, remove) {
  const { hash, state } = entry;
  const name = nameOf(entry);
  return make(
    "li",
    {},
    make("a", { class: "archive-name", href: `#${hash}` }, name),
    make("span", { class: `state ${state}` }, stateName(state)),
    make("span", { class: "quiet" }, factsOf(entry)),
    state === "completed"
      ? make("a", { href: `archive/get/${hash}.zip`, "aria-label": t("archives.download", { name }) }, t("action.download"))
      : null,
    remove,
  );
}

function take(entry) {
  const name = nameOf(entry);
  const pressed = button(t("archives.remove"), () => {
    forget(entry.hash);
    say(t("archives.removed", { name }));
    draw();
    (at("recent-list").querySelector("a") ?? at("links")).focus();
  }, "link");
  pressed.setAttribute("aria-label", t("archives.take-off", { name }));
  return entryOf(entry, pressed);
}

function draw() {
  const entries = recent();
  at("recent").hidden = !entries.length;
  at("archives").hidden = !entries.length && !asksForKeys;
  at("recent-list").replaceChildren(...entries.map(take));
  write(at("to-archives"), entries.length ? `${t("page.archives")} ${number(entries.length)}` : t("page.archives"));
}

async function refresh(hash) {
  try {
    const { status, progress, size, expires_at: until } = await call("GET", `status/${hash}`);
    remember(hash, { state: status, size, until, ...(progress && { files: progress.files.total }) });
  } catch (error) {
    if (error instanceof Refused && error.status === 404) remember(hash, { state: "unknown" });
    // else it stays as it was last seen: the list says nothing of the server
  }
}

export async function showArchives() {
  draw();
  const open = recent().filter((entry) => MAY_CHANGE.has(entry.state)).slice(0, ASKED);
  if (!open.length) return;
  await Promise.all(open.map((entry) => refresh(entry.hash)));
  draw();
}

onOtherTab(draw);
at("forget-all").addEventListener("click", () => {
  forgetAll();
  draw();
  say(t("archives.cleared"));
  at("links").focus();
});

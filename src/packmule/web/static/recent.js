// Recent archives, as this browser remembers them. Those that may have
// ended or expired since are asked about.

import { Refused, call } from "./api.js";
import { at, make, say } from "./dom.js";
import { forget, forgetAll, onOtherTab, recent, remember } from "./keeping.js";
import { STATES, moment, plural } from "./words.js";

const MAY_CHANGE = new Set(["in-progress", "completed"]);
const ASKED = 10; // of those, at most so many at once

function nameOf({ name, hash }) {
  return name || `${hash.slice(0, 8)}….zip`;
}

function entryOf(entry) {
  const { hash, files, at: since, state } = entry;
  const facts = [files && plural(files, "file"), moment(since)].filter(Boolean).join(" · ");
  const remove = () => {
    forget(hash);
    say(`${nameOf(entry)} is taken off the list`);
    draw();
    (at("recent-list").querySelector("a") ?? at("links")).focus();
  };
  return make(
    "li",
    {},
    make("a", { href: `#${hash}` }, nameOf(entry)),
    make("span", { class: `state ${state}` }, STATES[state] ?? STATES.unknown),
    make("span", { class: "quiet" }, facts),
    make("button", { type: "button", class: "link", "aria-label": `Take ${nameOf(entry)} off the list`, onclick: remove }, "Remove"),
  );
}

function draw() {
  const entries = recent();
  at("recent").hidden = !entries.length;
  at("recent-list").replaceChildren(...entries.map(entryOf));
}

async function refresh(hash) {
  try {
    const { status, progress } = await call("GET", `status/${hash}`);
    remember(hash, { state: status, ...(progress && { files: progress.files.total }) });
  } catch (error) {
    if (error instanceof Refused && error.status === 404) remember(hash, { state: "unknown" });
    // else it stays as it was last seen: the list says nothing of the server
  }
}

export async function showRecent() {
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
  say("The list is cleared");
  at("links").focus();
});

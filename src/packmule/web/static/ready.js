// A finished archive: what downloads it, what is missing, and the ways to hand it on.

import { grouped, warning } from "./causes.js";
import { make } from "./dom.js";
import { bytes, duration, moment, t } from "./language.js";
import { handOn } from "./share.js";

// What is missing, by cause: those that explain most come first.
function missingNote(missing) {
  const groups = grouped(missing);
  const causes = groups.map(({ words, files }) => t("ready.cause", { words, count: files.length })).join(", ");
  return make("div", { class: "note warn" },
    make("p", {}, make("strong", {}, t("ready.missing", { count: missing.length })), ` ${causes}.`),
    make("p", { class: "quiet" }, groups[0].advice));
}

function warningNote(warnings) {
  const [first] = warnings;
  const why = warning(first);
  return make("p", { class: "note" },
    t("ready.warnings", { count: warnings.length, why, name: first.name ?? first.url }));
}

// Its own address, not the public one: behind whatever name the page was reached, so is this.
function whole(hash, size) {
  return make("p", {}, make("a", { id: "download", class: "button large", href: `archive/get/${hash}.zip` },
    t("action.download-size", { size: bytes(size) })));
}

// The parts of a split archive: each is downloaded by itself.
function listed(hash, parts) {
  return make("ol", { class: "parts" }, ...parts.map(({ size, files }, at) => make("li", {},
    make("a", { href: `archive/get/${hash}/parts/${at + 1}`, download: "" },
      t("ready.part", { number: at + 1, size: bytes(size) })),
    `, ${t("count.files", { count: files })}`)));
}

export function ready(hash, { url, size, expires_at: until, missing, warnings = [], parts }) {
  // The page that says what it is, rather than a download without a word.
  const shared = url.replace(/\/archive\/get\/([0-9a-f]+)\.zip$/, "/a/$1");
  const left = (new Date(until) - Date.now()) / 1000;
  const kept = left > 0
    ? t("ready.until", { moment: moment(until), left: duration(left) })
    : t("ready.until-only", { moment: moment(until) });
  return [
    parts?.length > 1 ? listed(hash, parts) : whole(hash, size),
    ...handOn(shared),
    make("p", { class: "quiet" }, `${kept} ${t("ready.anyone")}`),
    missing.length ? missingNote(missing) : null,
    warnings.length ? warningNote(warnings) : null,
  ].filter(Boolean);
}

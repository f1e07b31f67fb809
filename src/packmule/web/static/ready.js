// A finished archive: the link, how large it is, how long it stays, and a button that copies it.

import { make, say } from "./dom.js";
import { WARNINGS, bytes, duration, moment, plural } from "./words.js";

// The clipboard is there on secure pages only; elsewhere the link is marked, to be copied by hand.
async function copy(field, button) {
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    button.textContent = "Copied";
    say("The link is copied");
  } catch {
    button.textContent = document.execCommand("copy") ? "Copied" : "Press Ctrl+C";
    say(button.textContent === "Copied" ? "The link is copied" : "The link is selected; copy it by hand");
  }
  setTimeout(() => {
    button.textContent = "Copy";
  }, 3000);
}

export function ready(hash, { url, size, expires_at: until, missing, warnings = [] }) {
  // The page that says what it is, rather than a download without a word.
  const shared = url.replace(/\/archive\/get\/([0-9a-f]+)\.zip$/, "/a/$1");
  const field = make("input", { id: "archive-link", type: "text", readonly: true, value: shared, spellcheck: "false" });
  const button = make("button", { type: "button", class: "second", onclick: () => copy(field, button) }, "Copy");
  const left = (new Date(until) - Date.now()) / 1000;
  const kept = left > 0 ? ` (${duration(left)})` : "";
  return [
    missing.length
      ? make("p", { class: "note" }, `${plural(missing.length, "file")} could not be fetched and ${missing.length === 1 ? "is" : "are"} missing.`)
      : null,
    warnings.length
      ? make("p", { class: "note" }, `${plural(warnings.length, "file")} may not be what you expect: ${WARNINGS[warnings[0].code] ?? warnings[0].detail} (${warnings[0].name ?? warnings[0].url}).`)
      : null,
    // Its own address, not the public one: behind whatever name the page was reached, so is this.
    make("p", {}, make("a", { id: "download", class: "button large", href: `archive/get/${hash}.zip` }, `Download, ${bytes(size)}`)),
    make("label", { for: "archive-link" }, "Link to share"),
    make("div", { class: "copy" }, field, button),
    make("p", { class: "quiet" }, `Available until ${moment(until)}${kept}. Anyone with the link can download it.`),
  ].filter(Boolean);
}

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
    say(button.textContent === "Copied" ? "The link is copied" : "The link is marked: copy it by hand");
  }
  setTimeout(() => {
    button.textContent = "Copy";
  }, 3000);
}

export function ready(hash, { url, size, expires_at: until, missing, warnings = [] }) {
  const field = make("input", { id: "archive-link", type: "text", readonly: true, value: url, spellcheck: "false" });
  const button = make("button", { type: "button", class: "second", onclick: () => copy(field, button) }, "Copy");
  const left = (new Date(until) - Date.now()) / 1000;
  const kept = left > 0 ? ` (${duration(left)})` : "";
  return [
    missing.length
      ? make("p", { class: "note" }, `${plural(missing.length, "file")} could not be fetched and ${missing.length === 1 ? "is" : "are"} not in it.`)
      : null,
    warnings.length
      ? make("p", { class: "note" }, `${plural(warnings.length, "file")} may not be what you want: ${WARNINGS[warnings[0].code] ?? warnings[0].detail} (${warnings[0].name ?? warnings[0].url}).`)
      : null,
    // Its own address, not the public one: behind whatever name the page was reached, so is this.
    make("p", {}, make("a", { id: "download", class: "button large", href: `archive/get/${hash}.zip` }, `Download, ${bytes(size)}`)),
    make("label", { for: "archive-link" }, "Link, for others"),
    make("div", { class: "copy" }, field, button),
    make("p", { class: "quiet" }, `Kept until ${moment(until)}${kept}. Whoever has the link can download it; a download that is cut can be continued.`),
  ].filter(Boolean);
}

// The ways to hand an archive's link on: copied, as a QR code, or by the system's share menu.

import { button, make, say } from "./dom.js";
import { t } from "./language.js";

const SHOWN = 3000; // milliseconds until a button has its words again

// The clipboard is there on secure pages only; elsewhere the link is marked, to be copied by hand.
async function copy(field, pressed) {
  field.select();
  let isDone = true;
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    isDone = document.execCommand("copy");
  }
  pressed.textContent = t(isDone ? "ready.copied" : "ready.by-hand");
  say(t(isDone ? "ready.copied-said" : "ready.by-hand-said"));
  setTimeout(() => {
    pressed.textContent = t("ready.copy");
  }, SHOWN);
}

// A square of dark and light modules, as one path of an SVG.
function drawn(modules) {
  const svg = (tag, attributes) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };
  const size = modules.length;
  const path = modules.flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : ""))).join("");
  const image = svg("svg", { viewBox: `-4 -4 ${size + 8} ${size + 8}`, role: "img", "aria-label": t("ready.qr-alt"), "shape-rendering": "crispEdges" });
  image.append(svg("path", { d: `M-4-4h${size + 8}v${size + 8}h-${size + 8}z`, fill: "#fff" }), svg("path", { d: path, fill: "#000" }));
  return image;
}

async function toggleCode(place, link, pressed) {
  place.hidden = !place.hidden;
  pressed.setAttribute("aria-expanded", String(!place.hidden));
  if (place.hidden || place.firstChild) return;
  const { encode } = await import("./qr.js");
  place.replaceChildren(drawn(encode(link)));
}

// The link in a field, and the buttons.
export function handOn(link) {
  const field = make("input", { id: "archive-link", type: "text", readonly: true, value: link, spellcheck: "false", "aria-label": t("ready.link") });
  const place = make("div", { class: "qr", hidden: true });
  const copying = button(t("ready.copy"), () => copy(field, copying));
  const code = button(t("ready.qr"), () => toggleCode(place, link, code));
  code.setAttribute("aria-expanded", "false");
  const sharing = navigator.canShare?.({ url: link })
    ? button(t("ready.share"), () => navigator.share({ url: link }).catch(() => {})) // closed again
    : null;
  return [field, make("div", { class: "hand-on" }, copying, code, sharing), place];
}

// Line numbers beside the list, and a mark on each line that cannot be used.
// Of all lines only those in sight are drawn, below the field, which lets them through.

import { at, make } from "./dom.js";
import { number } from "./language.js";

let wrong = new Set(); // numbers of lines
let count = 1; // lines of the text

// How high a line is, and where the first begins, in pixels.
function measures(links) {
  const style = getComputedStyle(links);
  return [Number.parseFloat(style.lineHeight), Number.parseFloat(style.paddingBlockStart)];
}

function draw() {
  const links = at("links");
  const [height, start] = measures(links);
  const { scrollTop, clientHeight } = links;
  const first = Math.max(0, Math.floor((scrollTop - start) / height));
  const last = Math.min(count, Math.ceil((scrollTop + clientHeight) / height));
  const rows = [];
  for (let index = first; index < last; index += 1) {
    const row = make("div", { class: wrong.has(index + 1) ? "wrong-line" : null }, number(index + 1));
    row.style.setProperty("inset-block-start", `${start + index * height - scrollTop}px`);
    rows.push(row);
  }
  at("gutter").replaceChildren(...rows);
}

// Mark the lines that are wrong, and number them all.
export function mark(lines, wrongLines) {
  wrong = new Set(wrongLines.map((line) => line.number));
  count = at("links").value.split("\n").length;
  at("drop").style.setProperty("--digits", Math.max(2, number(count).length));
  draw();
}

export function openGutter() {
  at("links").addEventListener("scroll", draw, { passive: true });
  new ResizeObserver(draw).observe(at("links"));
}

// What is wrong with the form as a whole, below its button; it goes when the list is changed.

import { at, make } from "./dom.js";

export function showRefusal(message, items = []) {
  at("ask-errors").replaceChildren(
    message ? make("p", {}, message) : "",
    items.length ? make("ul", {}, items.map((each) => make("li", {}, each))) : "",
  );
}

export function openRefusal() {
  for (const kind of ["input", "changed"]) at("links").addEventListener(kind, () => showRefusal(""));
}

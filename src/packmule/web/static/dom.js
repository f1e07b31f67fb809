// The page's elements: found by their id, or made. Text goes in as text, never as HTML.

export const at = (id) => document.getElementById(id);

// make("a", { href: "x", class: "y", onclick: f, "aria-label": "z" }, "text", element, …)
export function make(tag, attributes = {}, ...content) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...content.flat().filter((each) => each !== null && each !== undefined));
  return element;
}

export const button = (text, onclick, kind = "second") =>
  make("button", { type: "button", class: kind, onclick }, text);

// Change an element's text only where it differs: what is marked or read out stays as it is.
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// Tell those who cannot see: what is said twice is read out once only.
export const say = (text) => write(at("said"), text);

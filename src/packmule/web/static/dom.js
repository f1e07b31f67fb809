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

// Tell those who cannot see: what is said twice is read out once only.
export function say(text) {
  const said = at("said");
  if (said.textContent !== text) said.textContent = text;
}

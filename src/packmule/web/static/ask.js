// The form: takes links, says at once what is wrong with them, and asks for the archive.
// Leaves the rules to links.js, pasted and dropped lists to intake.js. What was typed is kept in
// this tab until the archive is asked for, so that a reload loses nothing.

import { Away, Refused, call } from "./api.js";
import { at, make, say } from "./dom.js";
import { takeLists } from "./intake.js";
import { keepList, remember, tab } from "./keeping.js";
import { check, withScheme, withoutDuplicates } from "./links.js";
import { number, plural } from "./words.js";

const SHOWN = 20; // lines that are named as wrong
const LARGE = 50_000; // characters from which a text is checked when typing pauses, not at each key

let wait = 0;
let before = null; // the text before it was changed for the person, to go back to

const field = (id) => at(id).value;

// --- what is typed --------------------------------------------------------------------------------

function typed() {
  showRefusal(""); // it was about the list as it was
  at("undo").hidden = true;
  before = null;
  clearTimeout(wait);
  if (field("links").length < LARGE) tally();
  else wait = setTimeout(tally, 250);
}

function tally() {
  const text = field("links");
  tab.set("draft", text || null);
  const { lines, twice, wrong } = check(text);
  at("links-count").hidden = !lines.length;
  const facts = [plural(lines.length, "link")];
  if (wrong.length) facts.push(`${number(wrong.length)} invalid`);
  at("links-count").textContent = facts.join(", ");
  at("unique").hidden = !twice.length;
  at("unique").textContent = `Remove ${plural(twice.length, "duplicate")}`;
  showWrong(wrong);
  return { lines, wrong };
}

// A person is not corrected before having finished the line: the last one may be half typed.
function isBeingTyped(line) {
  const text = field("links");
  return (
    document.activeElement === at("links") &&
    !text.slice(at("links").selectionStart).includes("\n") &&
    line.number === text.split("\n").length &&
    /^(h|ht|htt|https?|https?:|https?:\/|https?:\/\/[^/]*)$/i.test(line.url)
  );
}

function showWrong(wrong) {
  const told = wrong.filter((line) => !isBeingTyped(line));
  const box = at("wrong");
  // What is said already stays as it is: someone may be about to click on it.
  const key = JSON.stringify(told.map((line) => [line.number, line.why, line.url]));
  if (box.dataset.told === key) return;
  box.dataset.told = key;
  box.hidden = !told.length;
  at("links").toggleAttribute("aria-invalid", false);
  if (told.length) at("links").setAttribute("aria-invalid", "true");
  const items = told.slice(0, SHOWN).map((line) =>
    make(
      "li",
      {},
      make("button", { type: "button", class: "link", onclick: () => select(line.number) }, `Line ${number(line.number)}`),
      `: ${line.why} `,
      make("code", {}, line.url.slice(0, 120)),
      " ",
      ...mending(line),
    ),
  );
  const more = told.length - items.length;
  box.replaceChildren(
    make("ul", {}, items),
    more > 0 ? make("p", { class: "quiet" }, `and ${plural(more, "more line")}`) : "",
  );
}

// What a click can do about a wrong line.
function mending(line) {
  const button = (text, then) => make("button", { type: "button", class: "link", onclick: then }, text);
  const mended = withScheme(line.url);
  return [
    mended ? button("Add https://", () => replaceLine(line, mended)) : null,
    " ",
    button("Remove", () => replaceLine(line, null)),
  ].filter(Boolean);
}

function replaceLine({ number: lineNumber, url }, other) {
  const lines = field("links").split("\n");
  if (other === null) lines.splice(lineNumber - 1, 1);
  else lines[lineNumber - 1] = lines[lineNumber - 1].replace(url, () => other);
  change(lines.join("\n"), other === null ? "The line is removed" : "https:// is added");
  at("links").focus();
}

function select(lineNumber) {
  const links = at("links");
  const lines = links.value.split("\n");
  const start = lines.slice(0, lineNumber - 1).reduce((sum, line) => sum + line.length + 1, 0);
  links.focus();
  links.setSelectionRange(start, start + lines[lineNumber - 1].length);
  const height = Number.parseFloat(getComputedStyle(links).lineHeight);
  links.scrollTop = Math.max(0, (lineNumber - 3) * height);
}

function change(text, said) {
  before = field("links");
  at("links").value = text;
  showRefusal("");
  tally();
  at("undo").hidden = false;
  say(said);
}

function undo() {
  at("links").value = before ?? field("links");
  typed();
  at("links").focus();
  say("Undone");
}

function removeDuplicates() {
  change(withoutDuplicates(field("links")), "The duplicates are removed");
  at("links").focus();
}

function add(lines, from, isPasted = false) {
  if (!lines.length) {
    showRefusal(`No links were found in ${from}.`);
    return;
  }
  showRefusal("");
  const text = field("links");
  if (isPasted && document.activeElement === at("links")) {
    // In place of what is marked, and such that the browser's own undo takes it back.
    document.execCommand("insertText", false, lines.join("\n"));
    say(`${plural(lines.length, "link")} added from ${from}`);
    return;
  }
  const glue = text && !text.endsWith("\n") ? "\n" : "";
  change(`${text}${glue}${lines.join("\n")}\n`, `${plural(lines.length, "link")} added from ${from}`);
  at("links").scrollTop = at("links").scrollHeight;
}

// --- asking ---------------------------------------------------------------------------------------

function showRefusal(message, items = []) {
  at("ask-errors").replaceChildren(
    message ? make("p", {}, message) : "",
    items.length ? make("ul", {}, items.map((each) => make("li", {}, each))) : "",
  );
}

function wanted(lines) {
  const body = { urls: lines.map(({ url, name }) => (name ? { url, name } : url)) };
  for (const id of ["on_error", "on_html", "compression"]) body[id] = field(id);
  if (at("manifest").checked) body.manifest = true;
  if (field("name").trim()) body.name = field("name").trim();
  if (field("expires_in")) body.expires_in = Number(field("expires_in"));
  if (Number(field("priority"))) body.priority = Number(field("priority"));
  return body;
}

// The same list sent again, because its answer was lost, must not make a second archive.
function idempotencyKey(body) {
  const text = JSON.stringify(body);
  const [key, of] = JSON.parse(tab.get("asked") ?? "[]");
  if (of === text) return key;
  const random = crypto.getRandomValues(new Uint8Array(16));
  const fresh = Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
  tab.set("asked", JSON.stringify([fresh, text]));
  return fresh;
}

async function ask(event) {
  event.preventDefault();
  if (at("make").disabled) return;
  showRefusal("");
  const { lines, wrong } = tally();
  if (!lines.length) {
    showRefusal("Add at least one link.");
    at("links").focus();
    return;
  }
  if (wrong.length) {
    const are = wrong.length === 1 ? "1 link is" : `${number(wrong.length)} links are`;
    showRefusal(`${are} invalid. Correct or remove ${wrong.length === 1 ? "it" : "them"}.`);
    select(wrong[0].number);
    return;
  }
  if (!takeKey()) return;
  at("make").disabled = true;
  at("make").textContent = "Creating…";
  try {
    await create(wanted(lines));
  } catch (error) {
    refused(error, lines);
  } finally {
    at("make").disabled = false;
    at("make").textContent = "Create ZIP";
  }
}

async function create(body) {
  const headers = { "Idempotency-Key": idempotencyKey(body) };
  const list = field("links");
  // A long list takes its time on a slow line.
  const { archive_hash: hash, warnings = [] } = await call("POST", "create", { body, headers, patience: 180_000 });
  keepList(hash, list);
  remember(hash, { name: body.name ?? "", files: body.urls.length, state: "in-progress" });
  tab.set("asked", null);
  tab.set("draft", null);
  at("links").value = "";
  at("name").value = ""; // the next archive is another one
  tally();
  location.hash = hash;
  if (warnings.length) {
    const [first] = warnings;
    say(`${plural(warnings.length, "share link")} rewritten to fetch the file itself. Line ${number(first.position + 1)}: ${first.detail}`);
  }
}

function takeKey() {
  if (at("key-asked").hidden) return true;
  const key = field("key").trim();
  if (/^[\x21-\x7e]+$/.test(key)) {
    tab.set("key", key);
    return true;
  }
  showRefusal(key ? "An API key contains only plain letters, digits and signs." : "Enter the API key.");
  at("key").focus();
  return false;
}

function refused(error, lines) {
  if (error instanceof Away) {
    showRefusal("Can't reach the server. Your list is kept; try again in a moment.");
  } else if (error instanceof Refused) {
    const items = error.errors.map((each) => inWords(each, lines));
    showRefusal(items.length > 0 ? "Nothing was created:" : error.message, items);
    if (error.code === "idempotency-conflict") tab.set("asked", null);
    if (error.status === 401) {
      at("key-asked").hidden = false;
      at("key").focus();
    }
  } else {
    showRefusal("Something went wrong on this page. Reload it; your list is kept.");
    throw error;
  }
}

// The API points into the body; a person looks for a line, or for a field by its label.
function inWords({ pointer, detail }, lines) {
  const found = /^\/urls\/(\d+)/.exec(pointer ?? "");
  const line = found && lines[Number(found[1])];
  if (line) return `Line ${number(line.number)}: ${detail} (${line.url.slice(0, 120)})`;
  const label = document.querySelector(`label[for="${(pointer ?? "").slice(1)}"]`);
  return label ? `${label.firstChild.textContent.trim()}: ${detail}` : detail;
}

export function openForm() {
  const links = at("links");
  if (!links.value) links.value = tab.get("draft") ?? "";
  links.addEventListener("input", typed);
  links.addEventListener("blur", tally);
  at("unique").addEventListener("click", removeDuplicates);
  at("undo").addEventListener("click", undo);
  at("ask").addEventListener("submit", ask);
  links.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) at("ask").requestSubmit();
  });
  takeLists(add);
  tally();
}

// The list of a job, to be corrected and sent again. `note` is what to know about it.
export function fill(text, note = "") {
  const draft = field("links");
  at("links").value = text;
  showRefusal(note);
  tally();
  if (!draft || draft === text) return;
  before = draft;
  at("undo").hidden = false;
  say("Undo brings back the list that was here");
}

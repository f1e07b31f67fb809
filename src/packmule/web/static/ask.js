// The form: asks for the archive, and says what the server would not take.
// Leaves the list to tally.js and link_field.js, other people's lists to intake.js. What was typed
// is kept in this tab until the archive is asked for, so that a reload loses nothing.

import { Away, Refused, call } from "./api.js";
import { at, say } from "./dom.js";
import { openGutter } from "./gutter.js";
import { takeLists } from "./intake.js";
import { keepList, remember, tab } from "./keeping.js";
import { isKey } from "./key.js";
import { t } from "./language.js";
import { openField, replaceDraft, reset, selectLine, text } from "./link_field.js";
import { chosenOptions, openOptions } from "./options.js";
import { openRefusal, showRefusal } from "./refusal.js";
import { lineWithPattern, openTally, tally } from "./tally.js";

const mostLinks = Number(document.documentElement.dataset.mostLinks);

// The same list sent again, because its answer was lost, must not make a second archive.
function idempotencyKey(body) {
  const whole = JSON.stringify(body);
  const [key, of] = JSON.parse(tab.get("asked") ?? "[]");
  if (of === whole) return key;
  const random = crypto.getRandomValues(new Uint8Array(16));
  const fresh = Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
  tab.set("asked", JSON.stringify([fresh, whole]));
  return fresh;
}

// Whether the list can be sent; else say why not, and go where that is.
function isReady({ lines, wrong }) {
  const refuse = (words, line) => {
    showRefusal(words);
    if (line) selectLine(line.number);
    else at("links").focus();
    return false;
  };
  if (!lines.length) return refuse(t("ask.empty"));
  if (wrong.length) return refuse(t("ask.invalid", { count: wrong.length }), wrong[0]);
  if (lines.length > mostLinks) return refuse(t("ask.too-many", { limit: mostLinks }));
  const pattern = lineWithPattern(lines);
  return pattern ? refuse(t("ask.pattern", { line: pattern.number }), pattern) : takeKey();
}

async function ask(event) {
  event.preventDefault();
  if (at("make").disabled) return;
  showRefusal("");
  const found = tally();
  if (!isReady(found)) return;
  at("make").disabled = true;
  at("make").textContent = t("start.making");
  try {
    await create(found.lines);
  } catch (error) {
    refused(error, found.lines);
  } finally {
    at("make").disabled = false;
    at("make").textContent = t("start.make");
  }
}

async function create(lines) {
  const body = { urls: lines.map(({ url, name }) => (name ? { url, name } : url)), ...chosenOptions() };
  const name = at("name").value.trim();
  if (name) body.name = name;
  const headers = { "Idempotency-Key": idempotencyKey(body) };
  const list = text();
  // A long list takes its time on a slow line.
  const { archive_hash: hash, warnings = [] } = await call("POST", "create", { body, headers, patience: 180_000 });
  keepList(hash, list);
  remember(hash, { name, files: lines.length, state: "in-progress" });
  tab.set("asked", null);
  reset("");
  at("name").value = ""; // the next archive is another one
  location.hash = hash;
  if (warnings.length) {
    const [{ position, detail }] = warnings;
    say(t("ask.rewritten", { count: warnings.length, line: lines[position]?.number ?? position + 1, detail }));
  }
}

function takeKey() {
  if (at("key-asked").hidden) return true;
  const key = at("key").value.trim();
  if (isKey(key)) {
    tab.set("key", key);
    return true;
  }
  showRefusal(t(key ? "ask.key-invalid" : "ask.key-missing"));
  at("key").focus();
  return false;
}

function refused(error, lines) {
  if (error instanceof Away) showRefusal(error.message);
  else if (error instanceof Refused) {
    const items = error.errors.map((each) => inWords(each, lines));
    showRefusal(items.length > 0 ? t("ask.nothing-created") : error.message, items);
    if (error.code === "idempotency-conflict") tab.set("asked", null);
    if (error.status === 401) {
      at("key-asked").hidden = false;
      at("key").focus();
    }
  } else {
    showRefusal(t("ask.broken"));
    throw error;
  }
}

// The API points into the body; a person looks for a line, or for a field by its label.
function inWords({ pointer, detail }, lines) {
  const found = /^\/urls\/(\d+)/.exec(pointer ?? "");
  const line = found && lines[Number(found[1])];
  if (line) return `${t("list.line", { line: line.number })}: ${detail} (${line.url.slice(0, 120)})`;
  const label = document.querySelector(`label[for="${(pointer ?? "").slice(1)}"]`);
  return label ? `${label.firstChild.textContent.trim()}: ${detail}` : detail;
}

export function openForm() {
  if (!text()) at("links").value = tab.get("draft") ?? "";
  openField();
  openRefusal();
  openGutter();
  openTally();
  openOptions();
  at("ask").addEventListener("submit", ask);
  at("links").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) at("ask").requestSubmit();
  });
  takeLists();
}

// The list of a job, to be corrected and sent again. `note` is what to know about it.
export function fill(list, note = "") {
  replaceDraft(list);
  showRefusal(note);
}

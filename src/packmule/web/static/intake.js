// Lists that come from elsewhere: pasted, dropped, chosen as a file, or in the page's own address.
// Owns which form of what was pasted is taken; leaves reading each form to lists.js and
// saved_page.js, adding it to adding.js.

import { add } from "./adding.js";
import { at } from "./dom.js";
import { t } from "./language.js";
import { decode, isPage, linesOfFile, linesOfTable, linesOfText, linesOfUriList } from "./lists.js";
import { linesOfHtml } from "./saved_page.js";
import { choose } from "./which.js";

const LARGEST = 32 * 1024 * 1024; // bytes of a file that is read

const isList = (text) =>
  text.split("\n").every((line) => !line.trim() || /^\s*(https?:\/\/\S+|#.*)/i.test(line));

// Lines out of a clipboard or a drop, and whether they are better than the plain text itself.
function linesOf(data) {
  const plain = data.getData("text/plain");
  const uris = linesOfUriList(data.getData("text/uri-list"));
  const html = data.getData("text/html");
  if (plain && isList(plain)) return null;
  const table = plain.includes("\t") ? linesOfTable(plain) : [];
  if (table.length) return table;
  const linked = html ? linesOfHtml(html).links : [];
  if (linked.length) return linked;
  if (uris.length) return uris;
  const found = plain.includes("\n") || /\s/.test(plain.trim()) ? linesOfText(plain) : [];
  return found.length ? found : null;
}

async function readFiles(files) {
  for (const file of files) {
    if (file.size > LARGEST) {
      add([], t("list.too-large", { name: file.name }));
      continue;
    }
    const text = decode(new Uint8Array(await file.arrayBuffer()));
    if (isPage(file.name, text)) choose(linesOfHtml(text), file.name);
    else add(linesOfFile(file.name, text), file.name);
  }
}

const isField = (element) => ["INPUT", "TEXTAREA", "SELECT"].includes(element?.tagName);

function paste(event) {
  const isElsewhere = event.target !== at("links");
  if (at("start").hidden || (isElsewhere && isField(event.target))) return;
  if (event.clipboardData.files.length) {
    event.preventDefault();
    readFiles([...event.clipboardData.files]);
    return;
  }
  const lines = linesOf(event.clipboardData);
  if (!lines && !isElsewhere) return; // plain text: the browser puts it where the cursor is
  event.preventDefault();
  add(lines ?? linesOfText(event.clipboardData.getData("text/plain")), t("list.pasted"), true);
  at("links").focus();
}

function drop(event) {
  event.preventDefault();
  at("drop").classList.remove("over");
  const { dataTransfer: data } = event;
  if (data.files.length) readFiles([...data.files]);
  else add(linesOf(data) ?? linesOfText(data.getData("text/plain")), t("list.dropped"));
}

// What an address says after "links="; as it stands where it is not properly encoded.
function decoded(text) {
  try {
    return decodeURIComponent(text.replaceAll("+", "%20"));
  } catch {
    return text;
  }
}

// Links in the page's address, as /#links=… or from the system's share menu; they are taken out of it.
export function takeAddress() {
  const prefilled = /^#links=(.*)$/s.exec(location.hash)?.[1];
  const shared = new URLSearchParams(location.search);
  const parts = ["url", "text", "title"].map((name) => shared.get(name)).filter(Boolean);
  if (prefilled === undefined && !parts.length) return;
  history.replaceState(null, "", location.pathname);
  if (prefilled === undefined) add(linesOfText(`${parts.join("\n")}\n`), t("list.shared"));
  else add(linesOfText(decoded(prefilled)), t("list.opened"));
}

export function takeLists() {
  document.addEventListener("paste", paste);
  at("file").addEventListener("change", async () => {
    await readFiles([...at("file").files]);
    at("file").value = "";
    if (at("which").hidden) at("links").focus();
  });
  // Anywhere on the page, as long as the form is shown.
  const isOurs = () => !at("start").hidden;
  document.addEventListener("dragover", (event) => {
    if (!isOurs()) return;
    event.preventDefault();
    at("drop").classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) at("drop").classList.remove("over");
  });
  document.addEventListener("drop", (event) => isOurs() && drop(event));
}

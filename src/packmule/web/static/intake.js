// Lists that come from elsewhere: pasted, dropped or chosen as a file. Owns which form of what was
// pasted is taken; leaves reading each form to lists.js, the field to ask.js.

import { at } from "./dom.js";
import { decode, linesOfFile, linesOfHtml, linesOfTable, linesOfText, linesOfUriList } from "./lists.js";

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
  const linked = html ? linesOfHtml(html) : [];
  if (linked.length) return linked;
  if (uris.length) return uris;
  const found = plain.includes("\n") || /\s/.test(plain.trim()) ? linesOfText(plain) : [];
  return found.length ? found : null;
}

async function readFiles(files, add) {
  for (const file of files) {
    if (file.size > LARGEST) {
      add([], `${file.name}, which is larger than 32 MB`);
      continue;
    }
    const text = decode(new Uint8Array(await file.arrayBuffer()));
    add(linesOfFile(file.name, text), file.name);
  }
}

function paste(event, add) {
  if (event.clipboardData.files.length) {
    event.preventDefault();
    readFiles([...event.clipboardData.files], add);
    return;
  }
  const lines = linesOf(event.clipboardData);
  if (!lines) return; // plain text: the browser puts it where the cursor is
  event.preventDefault();
  add(lines, "what you pasted", true);
}

function drop(event, add) {
  event.preventDefault();
  at("drop").classList.remove("over");
  const { dataTransfer: data } = event;
  if (data.files.length) {
    readFiles([...data.files], add);
    return;
  }
  add(linesOf(data) ?? linesOfText(data.getData("text/plain")), "what you dropped");
}

// Call `add(lines, from)` with each list that comes in.
export function takeLists(add) {
  at("links").addEventListener("paste", (event) => paste(event, add));
  at("file").addEventListener("change", async () => {
    await readFiles([...at("file").files], add);
    at("file").value = "";
    at("links").focus();
  });
  const start = at("start");
  start.addEventListener("dragover", (event) => {
    event.preventDefault();
    at("drop").classList.add("over");
  });
  start.addEventListener("dragleave", (event) => {
    if (!start.contains(event.relatedTarget)) at("drop").classList.remove("over");
  });
  start.addEventListener("drop", (event) => drop(event, add));
}

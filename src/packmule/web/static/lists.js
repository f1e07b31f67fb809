// Other people's lists: links out of a table, a text file or a shortcut. Pure.
// Leaves web pages to saved_page.js.

const WEB = /^https?:\/\/\S/i;
const IN_TEXT = /\bhttps?:\/\/[^\s<>"'`]+/gi;

const line = (url, name) => (name ? `${url}\t${name}` : url);
const clean = (text) => text.replace(/[\t\r\n]+/g, " ").trim();

// Bytes to text: by its mark, else UTF-8, else as Windows has it (Encoding Standard 4.2).
export function decode(bytes) {
  const mark = (...values) => values.every((value, at) => bytes[at] === value);
  if (mark(0xff, 0xfe)) return new TextDecoder("utf-16le").decode(bytes);
  if (mark(0xfe, 0xff)) return new TextDecoder("utf-16be").decode(bytes);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}

// Rows of a table as text (RFC 4180); what separates its cells is seen from its first line.
export function rows(text) {
  const head = text.split("\n", 1)[0];
  const separator = ["\t", ";", ","].find((each) => head.includes(each)) ?? ",";
  const found = [[]];
  let cell = "";
  let quoted = false;
  const end = () => {
    found.at(-1).push(cell);
    cell = "";
  };
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at];
    if (quoted && letter === '"' && text[at + 1] === '"') {
      cell += '"';
      at += 1;
    } else if (letter === '"' && (quoted || !cell)) quoted = !quoted;
    else if (!quoted && letter === separator) end();
    else if (!quoted && letter === "\n") {
      end();
      found.push([]);
    } else if (quoted || letter !== "\r") cell += letter;
  }
  end();
  return found.filter((row) => row.some((each) => each.trim()));
}

const NAMES = /^(file ?_?-?name|name|path|title|datei(name)?)$/i;

// Lines out of a table: each cell that is a link; with it its name, where a column is headed so or
// where a row has just the two.
export function linesOfTable(text) {
  const table = rows(text);
  const named = table[0]?.some((cell) => WEB.test(cell.trim()))
    ? -1
    : (table[0]?.findIndex((cell) => NAMES.test(cell.trim())) ?? -1);
  return table.flatMap((row) => {
    const cells = row.map(clean);
    const links = cells.filter((cell) => WEB.test(cell));
    if (links.length !== 1) return links;
    const [link] = links;
    const other = cells.length === 2 ? cells[1 - cells.indexOf(link)] : "";
    return [line(link, named >= 0 ? cells[named] : other)];
  });
}

// Links in running text, less the punctuation that ends a sentence rather than a link.
export function linesOfText(text) {
  const plain = text.split(/\r?\n/).filter((each) => each.trim());
  if (plain.every((each) => WEB.test(each.trim()) || each.trim().startsWith("#"))) {
    return plain.map((each) => each.trim());
  }
  return (text.match(IN_TEXT) ?? []).map((each) => {
    const bare = each.replace(/[.,;:!?*_]+$/, "");
    return bare.endsWith(")") && !bare.includes("(") ? bare.slice(0, -1) : bare;
  });
}

// A list that is dropped from another window: RFC 2483 5.
export const linesOfUriList = (text) =>
  text.split(/\r?\n/).map((each) => each.trim()).filter((each) => each && !each.startsWith("#"));

export const isPage = (name, text) => /\.x?html?$/i.test(name) || /^\s*<(!doctype|html)\b/i.test(text);
export const isTable = (name, text) => /\.(csv|tsv|tab)$/i.test(name) || /^[^\n]*https?:[^\n]*\t/m.test(text);

// The lines of a file that is not a web page, by what is in it.
export function linesOfFile(name, text) {
  return isTable(name, text) ? linesOfTable(text) : linesOfText(text);
}

// A list of links as text: which links its lines name, which are there twice, which cannot be used.
// Pure. The law is outbound/link_list.py; a test compares both. Leaves one link to link_rules.js.

import { t } from "./language.js";
import { fault } from "./link_rules.js";

const LONGEST_NAME = 1024;
const NEXT_LINK = /(?<![\s,;])[\s,;]+(?=["'`<]?https?:\/\/)|(?<=>)(?=<https?:\/\/)/i;
const QUOTES = { '"': '"', "'": "'", "`": "`", "<": ">" };

// A link without the quotes and punctuation around it, nor HTML's escaping of a whole query.
function bare(text) {
  let url = text.trim().replace(/[,;]+$/, "").trim();
  if (url.length > 1 && QUOTES[url[0]] === url.at(-1)) url = url.slice(1, -1).trim();
  const at = url.indexOf("?");
  if (at < 0 || /&(?!amp;)/.test(url.slice(at))) return url;
  return url.slice(0, at) + url.slice(at).replaceAll("&amp;", "&");
}

// The links of each line: the line's number from 1, the link, its name after a tab ("" for none).
// Empty lines and those that begin with # ask for nothing. The law is outbound/link_list.py.
export function read(text) {
  return text.split("\n").flatMap((line, index) => {
    const said = line.trim();
    if (!said || said.startsWith("#")) return [];
    return said
      .split(NEXT_LINK)
      .map((piece) => {
        const at = piece.indexOf("\t");
        const url = bare(at < 0 ? piece : piece.slice(0, at));
        return { number: index + 1, url, name: at < 0 ? "" : piece.slice(at + 1).trim() };
      })
      .filter((each) => each.url);
  });
}

// The links read, with those that are there twice (all but the first) and those that cannot be used.
export function check(text) {
  const lines = read(text);
  const seen = new Set();
  const twice = [];
  const wrong = [];
  for (const line of lines) {
    const same = `${line.url}\t${line.name}`;
    if (seen.has(same)) twice.push(line);
    seen.add(same);
    const found = fault(line.url) ?? (line.name.length > LONGEST_NAME ? ["link.name-too-long"] : null);
    if (found) wrong.push({ ...line, why: t(...found) });
  }
  return { lines, twice, wrong };
}

// The text without the lines of which every link is there already; all else stays as it was typed.
export function withoutDuplicates(text) {
  const { lines, twice } = check(text);
  const again = new Set(twice);
  const needed = new Set(lines.filter((line) => !again.has(line)).map((line) => line.number));
  const doomed = new Set(twice.map((line) => line.number).filter((number) => !needed.has(number)));
  return text
    .split("\n")
    .filter((_, index) => !doomed.has(index + 1))
    .join("\n");
}

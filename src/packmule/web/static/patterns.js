// Patterns in links: [01-20] stands for 20 links, 01 to 20. Pure.
// They are expanded only when a person says so, because a link may contain brackets of its own.

const PATTERN = /\[(\d{1,9})-(\d{1,9})\]/;

export const hasPattern = (url) => {
  const [, first, last] = PATTERN.exec(url) ?? [];
  return first !== undefined && Number(first) < Number(last);
};

// The lines that one stands for; of a name after a tab, the same pattern counts along.
function linesOf(line, most) {
  const [url] = line.split("\t");
  if (!hasPattern(url)) return [line];
  const [pattern, first, last] = PATTERN.exec(url);
  if (Number(last) - Number(first) >= most) return [line];
  const found = [];
  for (let at = Number(first); at <= Number(last) && found.length <= most; at += 1) {
    found.push(...linesOf(line.replaceAll(pattern, String(at).padStart(first.length, "0")), most));
  }
  return found;
}

// The text with its patterns expanded, and how many links those give: { text, count }. Null where
// there is no pattern, or one stands for more than `most` links.
export function expanded(text, most) {
  let count = 0;
  const lines = text.split("\n").flatMap((line) => {
    if (!hasPattern(line.split("\t")[0]) || line.trim().startsWith("#")) return [line];
    const found = linesOf(line, most);
    count += found.length;
    return found;
  });
  return count > 1 && count <= most && !lines.some((line) => hasPattern(line.split("\t")[0])) ? { text: lines.join("\n"), count } : null;
}

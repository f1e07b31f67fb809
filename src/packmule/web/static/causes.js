// Why files failed, in words that a person understands, and what one can do. Pure.
// The codes are those of docs/failure-codes.md; a test holds the strings to the program's own list.

import { has, t } from "./language.js";

const BY_STATUS = new Map([
  [401, "login"], [403, "login"], [407, "login"], [404, "not-found"], [410, "not-found"], [429, "busy"],
]);

const both = (key, values) => [t(key, values), t(`${key}.advice`)];

// Why a file failed and what one can do: [words, advice].
export function failure({ code, detail, http_status: status }) {
  if (code === "http-status" && status) {
    const key = BY_STATUS.get(status) ?? (status >= 500 ? "host" : "refused");
    return both(`status.${key}`, { status: String(status) });
  }
  if (has(`failure.${code}`)) return both(`failure.${code}`);
  const [words, advice] = both("failure.other");
  return [detail || words, advice];
}

// What was packed in a file's place, by its warning.
export const warning = ({ code, detail }) => (has(`warning.${code}`) ? t(`warning.${code}`) : detail);

// Failures of one kind together, the largest group first: [{ words, advice, files }].
export function grouped(failures) {
  const groups = new Map();
  for (const each of failures) {
    const [words, advice] = failure(each);
    const group = groups.get(words) ?? { words, advice, files: [] };
    group.files.push(each);
    groups.set(words, group);
  }
  return [...groups.values()].sort((one, other) => other.files.length - one.files.length);
}

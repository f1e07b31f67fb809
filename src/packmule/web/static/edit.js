// A job's list back in the form: whole, or only what is missing.

import { call } from "./api.js";
import { fill } from "./ask.js";
import { listOf, tab } from "./keeping.js";
import { t } from "./language.js";
import { read } from "./link_list.js";

// The lines of a job's list, as they are typed. Raises Refused, Away.
async function linesOfJob(hash) {
  const lines = [];
  let cursor = null;
  do {
    const found = await call("GET", `files/${hash}?limit=1000${cursor ? `&cursor=${cursor}` : ""}`);
    // A name with folders was given with the link; any other may have come with the file.
    lines.push(...found.files.map(({ url, name }) => (name?.includes("/") ? `${url}\t${name}` : url)));
    ({ cursor } = found);
  } while (cursor !== null);
  return lines;
}

// Only the key of the job's owner gets links with their query; without it, nobody can tell whether
// there was one.
const isWhole = (lines) => Boolean(tab.get("key")) || lines.some((line) => line.includes("?"));

function open(lines, note) {
  fill(`${lines.join("\n")}\n`, note);
  location.hash = "";
}

// Raises Refused, Away.
export async function editList(hash) {
  const kept = listOf(hash);
  if (kept !== null) {
    fill(kept);
    location.hash = "";
    return;
  }
  const lines = await linesOfJob(hash);
  open(lines, isWhole(lines) ? "" : t("job.list-from-elsewhere"));
}

// The links of `missing` files, as they were typed where this tab knows them.
export function editMissing(hash, missing) {
  const kept = read(listOf(hash) ?? "");
  const lines = missing.map(({ position, url }) => {
    const line = kept[position];
    return line ? [line.url, line.name].filter(Boolean).join("\t") : url;
  });
  open(lines, kept.length || isWhole(lines) ? t("job.missing-from-elsewhere") : t("job.list-from-elsewhere"));
}

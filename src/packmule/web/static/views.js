// What a person sees of a job's state: its view, with title, tone and actions. Pure.
// The views are in view_table.json; web/views.py finds them in the same way, and a test compares.

import { t } from "./language.js";
import table from "./view_table.js";

const counts = ({ progress, files }) => progress?.files ?? files ?? null;

function nameOf(found) {
  switch (found.status) {
    case "in-progress": {
      const { files, bytes } = found.progress;
      const ended = files.done + files.failed;
      if (found.finishing || (files.total > 0 && ended >= files.total)) return "finishing";
      return ended || bytes.done ? "packing" : "preparing";
    }
    case "completed":
      return found.missing.length ? "incomplete" : "ready";
    case "failed":
      return found.error.code === "files-failed" ? "failed" : "broken";
    default:
      return found.status in table ? found.status : "unknown";
  }
}

function isPossible(action, found) {
  if (action === "finish" || action === "finish-now") return counts(found).done > 0;
  return action !== "fix" || found.failures.length > 0;
}

// { name, tone, title, actions } of a status document, the most important action first.
export function viewOf(found) {
  const name = nameOf(found);
  const { tone, actions } = table[name];
  const { total, failed } = counts(found) ?? {};
  return {
    name,
    tone,
    title: t(`view.${name}`, { count: total, failed }),
    actions: actions.filter((action) => isPossible(action, found)),
  };
}

// How much is done, from 0 to 1; by bytes where all lengths are known, else by files.
export function share({ files, bytes: amount }) {
  if (amount.total > 0) return Math.min(amount.done / amount.total, 1);
  return files.total ? (files.done + files.failed) / files.total : 0;
}

// Numbers, states and failures in words that a person understands. Pure.
// The codes are those of docs/failure-codes.md; a test holds this table to the program's own list.

export function bytes(count) {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let step = 0;
  while (count >= 1000 && step < units.length - 1) {
    count /= 1000;
    step += 1;
  }
  return `${count.toLocaleString("en", { maximumFractionDigits: step ? 1 : 0 })} ${units[step]}`;
}

export function duration(seconds) {
  if (seconds < 90) return `${Math.max(Math.round(seconds), 1)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return plural(Math.round(seconds / 3600), "hour");
  return plural(Math.round(seconds / 86_400), "day");
}

// A wait as a clock shows it: 1:54.
export const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;

export const number = (count) => count.toLocaleString("en");
export const plural = (count, word) => `${number(count)} ${word}${count === 1 ? "" : "s"}`;

export const moment = (at) =>
  new Date(at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });

// --- why a file failed: in a few words, and what one can do -----------------------------------------

export const FAILURES = {
  "url-invalid": ["Not a link that can be fetched", "Correct the link."],
  "address-not-allowed": [
    "Not on the public internet",
    "Packmule fetches only public addresses. Use a link that anyone can open.",
  ],
  dns: ["Host not found", "Check the spelling of the host."],
  connect: ["Can't connect to the host", "Check that the host is online, then try again."],
  tls: [
    "No secure connection",
    "The host's certificate is invalid or out of date. Open the link in a browser for details.",
  ],
  timeout: ["The host did not answer in time", "Try again later."],
  stalled: ["The transfer stalled", "The host is too slow. Try again later."],
  "http-status": ["The host answered with an error", "Try again later."],
  redirects: ["Too many redirects", "Use the address where the redirects should end."],
  "bad-response": ["Invalid response from the host", "Try again. If it happens again, tell the operator of the host."],
  truncated: ["The file always ends too early", "Try again later. The file may be damaged on the host."],
  changed: ["The file kept changing", "Try again when it no longer changes."],
  "too-large": ["The file is too large for this server", "Leave the file out."],
  checksum: ["The file is damaged or another one", "Check its checksum and size, or tell the operator of its host."],
  "html-page": [
    "Got a web page instead of the file",
    "The link may require a login or may have expired. Open it in a browser.",
  ],
  "viewer-page": [
    "Got a viewer, login or consent page instead of the file",
    "Use the link that downloads the file itself.",
  ],
  "left-out": ["Left out", "The archive was finished before this file was fetched."],
  "name-invalid": ["The file name is not valid", "Give the file another name."],
  "files-failed": ["Some files could not be fetched", "Try them again, or finish without them."],
  "archive-too-large": ["The archive would be too large", "Put fewer files into one archive."],
  "disk-full": ["The server's disk is full", "The files fetched so far are kept. Try again later."],
  quarantined: ["The server gave up on this archive", "Its operator has to look. Then try again."],
  storage: ["The server could not store the archive", "Tell the operator of this server, then try again."],
  internal: ["Internal error", "Try again. If it happens again, report it."],
};

const BY_STATUS = [
  [[401, 403, 407], "Needs a login, or the link has expired", "Get a new link that opens without a login."],
  [[404, 410], "Not found", "Check the link, or leave the file out."],
  [[429], "The host is busy", "Try again later."],
];

// Why a file failed and what one can do: [words, advice].
export function failure({ code, detail, http_status: status }) {
  if (code === "http-status" && status) {
    const found = BY_STATUS.find(([statuses]) => statuses.includes(status));
    if (found) return [`${found[1]} (${status})`, found[2]];
    if (status >= 500) return [`The host has a problem (${status})`, "Try again later."];
    return [`The host refused the request (${status})`, "Check the link."];
  }
  return FAILURES[code] ?? [detail || "It could not be fetched", "Try again."];
}

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

// --- where a job is ---------------------------------------------------------------------------------

export const STATES = {
  "in-progress": "In progress",
  completed: "Ready",
  failed: "Failed",
  cancelled: "Cancelled",
  expired: "Removed",
  unknown: "Unknown",
};

// What was packed in a file's place, by the warning's code.
export const WARNINGS = {
  "html-page": "A web page, not a file",
  "lfs-pointer": "A Git LFS pointer, not the file",
  "unexpected-text": "A short text, maybe an error message",
  "empty-file": "An empty file",
};

export const FILE_STATES = { pending: "Waiting", open: "Fetching", done: "Done", failed: "Failed" };

export function headline({ status, progress, missing, error, finishing }) {
  switch (status) {
    case "in-progress": {
      if (finishing) return "Finishing the archive";
      const { total, done, failed } = progress.files;
      if (!done && !failed && !progress.bytes.done) return `Preparing ${plural(total, "file")}`;
      return done + failed < total ? `Packing ${plural(total, "file")}` : "Finishing the archive";
    }
    case "completed":
      return missing.length ? "Your archive is ready, but incomplete" : "Your archive is ready";
    case "failed":
      return error.code === "files-failed" ? error.detail.replace(/\.$/, "") : "The archive couldn't be created";
    case "cancelled":
      return "Cancelled";
    case "expired":
      return "The archive has been removed";
    default:
      return "There is no archive at this link";
  }
}

// How much is done, from 0 to 1; by bytes where all lengths are known, else by files.
export function share({ files, bytes: amount }) {
  if (amount.total > 0) return Math.min(amount.done / amount.total, 1);
  return files.total ? (files.done + files.failed) / files.total : 0;
}

// --- a refusal of the API ---------------------------------------------------------------------------

export function refusal(status, { code, detail }, retryAfter, hasKey = false) {
  const seconds = /^\d+$/.test(retryAfter ?? "") ? Number(retryAfter) : null;
  const soon = seconds === null ? "Try again later." : `Try again in ${duration(seconds)}.`;
  if (code === "quota-exceeded") return `${detail} ${soon}`;
  if (status === 429) return `Too many requests. ${soon}`;
  if (status === 401) return hasKey ? "The server does not accept this API key." : "This server requires an API key.";
  return detail || `The server answered with ${status}.`;
}

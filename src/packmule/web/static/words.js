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

export const number = (count) => count.toLocaleString("en");
export const plural = (count, word) => `${number(count)} ${word}${count === 1 ? "" : "s"}`;

export const moment = (at) =>
  new Date(at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });

// --- why a file failed: in a few words, and what one can do -----------------------------------------

export const FAILURES = {
  "url-invalid": ["Not a link that can be fetched", "Correct the link."],
  "address-not-allowed": [
    "Not on the public internet",
    "Packmule fetches public addresses only. Give a link that anyone can open.",
  ],
  dns: ["No such host", "Check the spelling of the host, and whether it still exists."],
  connect: ["The host cannot be reached", "Check that it is up, then try again."],
  tls: [
    "No secure connection",
    "The host's certificate is wrong or out of date. Open the link in a browser to see what is wrong.",
  ],
  timeout: ["The host did not answer in time", "Try again later."],
  stalled: ["The bytes stopped coming", "The host is too slow or has stalled. Try again later."],
  "http-status": ["The host answered with an error", "Try again later."],
  redirects: ["Redirected in a circle, or too often", "Use the address where the redirects should end."],
  "bad-response": ["The host's answer makes no sense", "Try again; if it stays so, tell its operator."],
  truncated: ["The file ended too early, again and again", "Try again later; it may be damaged there."],
  changed: ["The file kept changing while it was fetched", "Try again when it has come to rest."],
  "too-large": ["Larger than this server takes", "Leave the file out."],
  "html-page": [
    "A web page came in its place",
    "The link may ask for a login or have moved. Open it in a browser.",
  ],
  "viewer-page": [
    "A viewer, login or consent page came in its place",
    "Use the link that sends the file itself.",
  ],
  "name-invalid": ["The name cannot be made safe", "Give the file another name."],
  "files-failed": ["Some files could not be fetched", "Try them again, or make the archive without them."],
  "archive-too-large": ["Together the files are too large", "Ask for fewer files in one archive."],
  "disk-full": ["The server's disk is full", "What was fetched is kept. Try again when there is room."],
  quarantined: ["The server gave up on this archive", "Its operator has to look. Then try again."],
  storage: ["The server could not keep the archive", "Its operator has to look. Then try again."],
  internal: ["A fault in Packmule", "Try again. If it stays so, report it."],
};

const BY_STATUS = [
  [[401, 403, 407], "A login is needed, or the link has expired", "Get a new link that opens without a login."],
  [[404, 410], "The file is not there any more", "Check the link, or leave the file out."],
  [[429], "The host asks for fewer requests", "Try again later."],
];

// Why a file failed and what one can do: [words, advice].
export function failure({ code, detail, http_status: status }) {
  if (code === "http-status" && status) {
    const found = BY_STATUS.find(([statuses]) => statuses.includes(status));
    if (found) return [`${found[1]} (${status})`, found[2]];
    if (status >= 500) return [`The host has a fault of its own (${status})`, "Try again later."];
    return [`The host refuses (${status})`, "Check the link."];
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
  unknown: "Unknown here",
};

// What was packed in a file's place, by the warning's code.
export const WARNINGS = {
  "html-page": "A web page, not a file",
  "lfs-pointer": "A Git LFS pointer, not the file",
  "unexpected-text": "A short text, perhaps an error message",
  "empty-file": "An empty file",
};

export const FILE_STATES = { pending: "Waiting", open: "Fetching", done: "Done", failed: "Failed" };

export function headline({ status, progress, missing }) {
  switch (status) {
    case "in-progress": {
      const { total, done, failed } = progress.files;
      if (!done && !failed && !progress.bytes.done) return `Getting ready to pack ${plural(total, "file")}`;
      return done + failed < total ? `Packing ${plural(total, "file")}` : "Finishing the archive";
    }
    case "completed":
      return missing.length ? "The archive is ready, but not complete" : "The archive is ready";
    case "failed":
      return "The archive could not be made";
    case "cancelled":
      return "Cancelled";
    case "expired":
      return "The archive has been removed";
    default:
      return "There is no such archive";
  }
}

// How much is done, from 0 to 1; by bytes where all lengths are known, else by files.
export function share({ files, bytes: amount }) {
  if (amount.total > 0) return Math.min(amount.done / amount.total, 1);
  return files.total ? (files.done + files.failed) / files.total : 0;
}

// --- a refusal of the API ---------------------------------------------------------------------------

export function refusal(status, { code, detail }, retryAfter) {
  const seconds = /^\d+$/.test(retryAfter ?? "") ? Number(retryAfter) : null;
  const soon = seconds === null ? "Try again later." : `Try again in ${duration(seconds)}.`;
  if (code === "quota-exceeded") return `${detail} ${soon}`;
  if (status === 429) return `That was too often for this server. ${soon}`;
  if (status === 401) return "This server asks for an API key that it knows.";
  return detail || `The server answered with ${status}.`;
}

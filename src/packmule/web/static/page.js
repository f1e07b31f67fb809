// The page: asks for an archive, follows the job, and says honestly what became of it.
// The job's hash stands in the address after #, so a reload or a bookmark goes on where it was.

const EVERY = 1000; // milliseconds between two looks at a job
const EVERY_HIDDEN = 5000;
const HASH = /^[0-9a-f]{32}$/;

const at = (id) => document.getElementById(id);
const form = at("ask");
const links = at("links");

let following = 0; // number of the job that is followed; an older one's answers are dropped
let lastState = "";

function bytes(count) {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let step = 0;
  while (count >= 1000 && step < units.length - 1) {
    count /= 1000;
    step += 1;
  }
  return `${count.toLocaleString("en", { maximumFractionDigits: step ? 1 : 0 })} ${units[step]}`;
}

function duration(seconds) {
  if (seconds < 90) return `${Math.max(Math.round(seconds), 1)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

function plural(count, word) {
  return `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
}

// --- talking to the API -----------------------------------------------------------------------

class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail || `The server answered with ${status}.`);
    this.status = status;
    this.errors = problem.errors || [];
  }
}

async function call(method, path, body) {
  const options = { method, headers: {}, cache: "no-store" };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  const response = await fetch(`api/archive/${path}`, options);
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(response.status, answer);
  return answer;
}

// --- asking for an archive ----------------------------------------------------------------------

// Each link with the number of its line, since empty lines are left out.
function lines() {
  return links.value
    .split("\n")
    .map((text, index) => ({ text: text.trim(), number: index + 1 }))
    .filter((line) => line.text);
}

function count() {
  const found = lines().length;
  at("links-count").textContent = found ? plural(found, "link") : "No links yet";
}

function showErrors(message, items = []) {
  const box = at("ask-errors");
  box.replaceChildren();
  if (!message) return;
  const text = document.createElement("p");
  text.textContent = message;
  box.append(text);
  if (items.length) {
    const list = document.createElement("ul");
    for (const item of items) {
      const entry = document.createElement("li");
      entry.textContent = item;
      list.append(entry);
    }
    box.append(list);
  }
}

function inWords(error, asked) {
  const found = /^\/urls\/(\d+)/.exec(error.pointer || "");
  if (!found) return `${(error.pointer || "").replace("/", "")} ${error.detail}`.trim();
  const line = asked[Number(found[1])];
  return `Line ${line.number}: ${error.detail} (${line.text.slice(0, 120)})`;
}

async function ask(event) {
  event.preventDefault();
  const asked = lines();
  showErrors("");
  links.removeAttribute("aria-invalid");
  if (!asked.length) {
    showErrors("Paste at least one link.");
    links.focus();
    return;
  }
  const body = { urls: asked.map((line) => line.text), on_error: at("skip").checked ? "skip" : "fail" };
  const name = at("name").value.trim();
  if (name) body.name = name;
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const { archive_hash: hash } = await call("POST", "create", body);
    location.hash = hash;
  } catch (error) {
    const items = (error.errors || []).map((each) => inWords(each, asked));
    showErrors(items.length ? "Nothing was created:" : unreachable(error), items);
    if (items.length) links.setAttribute("aria-invalid", "true");
  } finally {
    button.disabled = false;
  }
}

function unreachable(error) {
  return error instanceof Refused ? error.message : "The server does not answer. Try again soon.";
}

// --- following a job ----------------------------------------------------------------------------

const HEADLINES = {
  "in-progress": "Packing",
  completed: "The archive is ready",
  failed: "The archive could not be made",
  cancelled: "Cancelled",
  expired: "The archive has been removed",
  unknown: "There is no such archive",
};

function follow() {
  const hash = location.hash.slice(1);
  following += 1;
  lastState = "";
  form.hidden = HASH.test(hash);
  at("job").hidden = !form.hidden;
  if (form.hidden) look(hash, following);
  else count();
}

async function look(hash, number) {
  try {
    const status = await call("GET", `status/${hash}`);
    if (number !== following) return;
    show(status);
    if (status.status !== "in-progress") return;
  } catch (error) {
    if (number !== following) return;
    if (error instanceof Refused && error.status === 404) {
      show({ status: "unknown" });
      return;
    }
    at("job-text").textContent = `${unreachable(error)} The job itself goes on.`;
  }
  setTimeout(() => number === following && look(hash, number), document.hidden ? EVERY_HIDDEN : EVERY);
}

function show(status) {
  const state = status.status;
  const headline = HEADLINES[state];
  if (state !== lastState) {
    at("job-state").textContent = headline;
    at("said").textContent = headline;
    document.title = `${headline}: Packmule`;
    if (lastState || state !== "in-progress") at("job-state").focus();
    lastState = state;
  }
  at("job-text").textContent = sentence(status);
  showBar(status);
  at("job-link").hidden = state !== "completed";
  if (state === "completed") at("download").href = status.url;
  at("cancel").hidden = state !== "in-progress";
  at("retry").hidden = at("retry-skip").hidden = state !== "failed";
  at("again").hidden = state === "in-progress";
  showFailures(status.failures || status.missing || []);
}

function showBar({ status, progress }) {
  const bar = at("bar");
  bar.hidden = status !== "in-progress";
  if (bar.hidden) return;
  const known = progress.bytes.total > 0;
  bar.max = known ? progress.bytes.total : progress.files.total;
  bar.value = known ? progress.bytes.done : progress.files.done + progress.files.failed;
}

function sentence(status) {
  switch (status.status) {
    case "in-progress":
      return progressSentence(status.progress);
    case "completed": {
      const until = new Date(status.expires_at).toLocaleString();
      const missing = status.missing.length ? ` ${plural(status.missing.length, "file")} left out.` : "";
      return `${bytes(status.size)}, kept until ${until}.${missing}`;
    }
    case "failed":
      return status.error.detail;
    case "expired":
      return "Archives are kept for a time only. Ask for it anew.";
    case "unknown":
      return "The address may be mistyped.";
    default:
      return "";
  }
}

function progressSentence({ files, bytes: amount, bytes_per_second: rate, eta_seconds: eta }) {
  const parts = [`${files.done.toLocaleString("en")} of ${plural(files.total, "file")}`];
  if (files.failed) parts.push(`${files.failed.toLocaleString("en")} could not be fetched`);
  parts.push(amount.total === null ? bytes(amount.done) : `${bytes(amount.done)} of ${bytes(amount.total)}`);
  if (rate > 0) parts.push(`${bytes(rate)} a second`);
  if (eta !== null && eta > 0) parts.push(`about ${duration(eta)} left`);
  return parts.join(", ");
}

function showFailures(failures) {
  at("failed").hidden = !failures.length;
  at("failed-more").hidden = failures.length < 1000;
  at("failed-more").textContent = "The first 1,000 are shown.";
  at("failures").replaceChildren(
    ...failures.map((failure) => {
      const row = document.createElement("tr");
      for (const text of [failure.url, failure.detail]) {
        const cell = document.createElement("td");
        cell.textContent = text;
        row.append(cell);
      }
      return row;
    }),
  );
}

async function act(path, body) {
  const hash = location.hash.slice(1);
  try {
    await call("POST", `${path}/${hash}`, body);
    follow();
  } catch (error) {
    at("job-text").textContent = unreachable(error);
  }
}

form.addEventListener("submit", ask);
links.addEventListener("input", count);
addEventListener("hashchange", follow);
at("cancel").addEventListener("click", () => act("cancel"));
at("retry").addEventListener("click", () => act("retry", {}));
at("retry-skip").addEventListener("click", () => act("retry", { on_error: "skip" }));
at("again").addEventListener("click", () => {
  links.value = "";
  location.hash = "";
  links.focus();
});
follow();

// Follows a job: status documents as they come, until it has ended, through whatever happens to the
// server meanwhile. Events where they are available, polling otherwise and while nobody looks: a hidden
// page holds no connection, since a browser has six for a server, over all its tabs.

import { Away, Refused, call } from "./api.js";

const EVERY = 1000; // milliseconds between two questions
const EVERY_HIDDEN = 5000;
const SLOWEST = 10_000;
const SILENCE = 45_000; // without a word for so long, a connection for events is taken for dead
const ENDS = ["completed", "failed", "cancelled", "expired"];

// A pause that ends early when the page is looked at again, or the network is back.
function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      document.removeEventListener("visibilitychange", end);
      removeEventListener("online", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener("abort", end);
    document.addEventListener("visibilitychange", end);
    addEventListener("online", end);
  });
}

// Listen until the stream ends; tell whether it ever brought a document.
function listen(hash, status, signal) {
  return new Promise((resolve) => {
    let heard = false;
    let silence = 0;
    const source = new EventSource(`api/archive/events/${hash}`);
    const end = () => {
      clearTimeout(silence);
      source.close();
      signal.removeEventListener("abort", end);
      document.removeEventListener("visibilitychange", end);
      resolve(heard);
    };
    const wait = () => {
      clearTimeout(silence);
      silence = setTimeout(end, SILENCE);
    };
    const take = (then) => (event) => {
      wait();
      let document_;
      try {
        document_ = JSON.parse(event.data);
      } catch {
        return; // not ours; the next one may be
      }
      heard = true;
      then(document_);
    };
    source.addEventListener("progress", take(status));
    for (const name of ENDS) {
      source.addEventListener(name, take((found) => {
        status(found);
        end();
      }));
    }
    source.addEventListener("error", end);
    signal.addEventListener("abort", end);
    document.addEventListener("visibilitychange", end);
    wait();
  });
}

// Call `seen.status(document)` with each status, and `seen.away(isAway, isBetween, until)` when the
// server cannot be reached (`until` is when it is tried again, in milliseconds) or is there again.
// Give a function that ends it.
export function follow(hash, seen) {
  const ending = new AbortController();
  const { signal } = ending;
  run(hash, (found) => !signal.aborted && seen.status(found), seen.away, signal);
  return () => ending.abort();
}

async function run(hash, status, away, signal) {
  let hasEvents = typeof EventSource === "function";
  let failures = 0;
  while (!signal.aborted) {
    const found = await question(hash, signal);
    if (signal.aborted) return;
    if (found instanceof Error) {
      failures += 1;
      const wait = Math.min(EVERY * 2 ** (failures - 1), SLOWEST);
      away(true, found.isBetween ?? true, Date.now() + wait);
      await pause(wait, signal);
      continue;
    }
    failures = 0;
    away(false);
    status(found);
    if (found.status !== "in-progress") return;
    if (document.hidden) await pause(EVERY_HIDDEN, signal);
    else if (hasEvents) hasEvents = (await listen(hash, status, signal)) || document.hidden;
    else await pause(EVERY, signal);
  }
}

// The status; an error where there is none to be had now.
async function question(hash, signal) {
  try {
    return await call("GET", `status/${hash}`, { signal });
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return { status: "unknown" };
    if (error instanceof Refused || error instanceof Away) return error;
    throw error;
  }
}

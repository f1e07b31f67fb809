// What this browser remembers: recent archives for good; a draft, the key, and the lists of the latest
// jobs for this tab, because links may contain secrets.
// Where storage is blocked or full, the page works on with what it has in memory.

const RECENT = "packmule.recent";
const MOST = 30;
const MOST_LISTS = 5;
const ROOM_FOR_LISTS = 2_000_000; // characters, of about five million that a tab may store

const memory = { local: new Map(), session: new Map() };

function read(kind, key) {
  if (memory[kind].has(key)) return memory[kind].get(key);
  try {
    return globalThis[`${kind}Storage`].getItem(key);
  } catch {
    return null;
  }
}

function write(kind, key, value) {
  memory[kind].delete(key);
  try {
    const storage = globalThis[`${kind}Storage`];
    if (value === null) storage.removeItem(key);
    else storage.setItem(key, value);
  } catch {
    memory[kind].set(key, value); // also null: what cannot be removed is not seen again
  }
}

export const tab = {
  get: (name) => read("session", `packmule.${name}`),
  set: (name, value) => write("session", `packmule.${name}`, value),
};

// The lists of the latest jobs, as they were pasted: [hash, text], the newest first.
function lists() {
  try {
    const found = JSON.parse(tab.get("lists") ?? "[]");
    return found.filter(([hash, text]) => typeof hash === "string" && typeof text === "string");
  } catch {
    return [];
  }
}

// Keep the list of a job for this tab, and older ones while there is room.
export function keepList(hash, text) {
  const kept = [[hash, text]];
  let room = ROOM_FOR_LISTS - text.length;
  for (const [other, older] of lists()) {
    if (other === hash) continue;
    room -= older.length;
    if (room < 0 || kept.length === MOST_LISTS) break;
    kept.push([other, older]);
  }
  tab.set("lists", JSON.stringify(kept));
}

export const listOf = (hash) => lists().find(([of]) => of === hash)?.[1] ?? null;

function forgetList(hash) {
  const kept = lists().filter(([of]) => of !== hash);
  tab.set("lists", kept.length ? JSON.stringify(kept) : null);
}

const isEntry = (each) =>
  each && /^[0-9a-f]{32}$/.test(each.hash) && Number.isFinite(each.at) && typeof each.name === "string";

// The newest first: { hash, name, files, at (milliseconds), state }.
export function recent() {
  try {
    const found = JSON.parse(read("local", RECENT) ?? "[]");
    return Array.isArray(found) ? found.filter(isEntry).slice(0, MOST) : [];
  } catch {
    return [];
  }
}

const keep = (entries) =>
  write("local", RECENT, entries.length ? JSON.stringify(entries.slice(0, MOST)) : null);

export function remember(hash, what) {
  const entries = recent();
  const known = entries.find((each) => each.hash === hash);
  if (known && Object.entries(what).every(([name, value]) => known[name] === value)) return;
  const entry = { hash, name: "", files: null, at: Date.now(), state: "in-progress", ...known, ...what };
  keep(known ? entries.map((each) => (each === known ? entry : each)) : [entry, ...entries]);
}

export function forget(hash) {
  forgetList(hash);
  keep(recent().filter((each) => each.hash !== hash));
}

export function forgetAll() {
  tab.set("lists", null);
  keep([]);
}

export const known = (hash) => recent().find((each) => each.hash === hash) ?? null;

// Call when another tab has changed the list.
export const onOtherTab = (then) =>
  addEventListener("storage", (event) => (event.key === RECENT || event.key === null) && then());

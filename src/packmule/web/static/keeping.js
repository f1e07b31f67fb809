// What this browser remembers: recent archives for good, a draft and the key for this tab.
// Where storage is blocked or full, the page works on with what it has in memory.

const RECENT = "packmule.recent";
const MOST = 30;

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

export const forget = (hash) => keep(recent().filter((each) => each.hash !== hash));
export const forgetAll = () => keep([]);
export const known = (hash) => recent().find((each) => each.hash === hash) ?? null;

// Call when another tab has changed the list.
export const onOtherTab = (then) =>
  addEventListener("storage", (event) => (event.key === RECENT || event.key === null) && then());

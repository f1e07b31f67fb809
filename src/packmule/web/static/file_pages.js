// What is known of a job's files: pages of a hundred, and when each was asked for.
// All files are found page by page anywhere, as a cursor is the position of the last file before it.
// Those of a selection, or of a job whose size nobody knows, are found one page after another.

const PAGE = 100; // files in a request

export class FilePages {
  constructor(selected, total) {
    this.selected = selected;
    this.total = total;
    this.known = new Map(); // row -> file
    this.looked = new Map(); // page -> when it was asked for, in milliseconds
    this.cursors = new Map([[0, null]]); // page -> what asks for it
  }

  get isChained() {
    return this.selected !== "" || !this.total;
  }

  // The next page to ask for, of those with rows in `range` that were not within `every` milliseconds.
  next([from, to], every) {
    const now = Date.now();
    const isDue = (page) => {
      const at = this.looked.get(page);
      return at === undefined || now - at >= every;
    };
    const first = Math.floor(from / PAGE);
    const last = Math.floor(Math.max(to - 1, 0) / PAGE);
    for (let page = first; page <= last; page += 1) {
      if (isDue(page) && (!this.isChained || this.cursors.has(page))) return page;
    }
    // Of a selection, how many there are shows only as it is read on.
    const beyond = last + 1;
    if (this.isChained && this.cursors.has(beyond) && !this.looked.has(beyond)) return beyond;
    return null;
  }

  query(page) {
    const asked = new URLSearchParams({ limit: PAGE });
    const cursor = this.isChained ? this.cursors.get(page) : page ? String(page * PAGE - 1) : null;
    if (cursor !== null && cursor !== undefined) asked.set("cursor", cursor);
    if (this.selected) asked.set("state", this.selected);
    return asked;
  }

  // Keep a page; give how many rows there are now, where that follows from it, else null.
  keep(page, { files, cursor }, rows) {
    const now = Date.now();
    files.forEach((file, at) => {
      const row = this.isChained ? page * PAGE + at : file.position;
      this.known.set(row, withRate(file, this.known.get(row), now));
    });
    if (!this.isChained) return null;
    if (cursor === null) this.cursors.delete(page + 1);
    else this.cursors.set(page + 1, cursor);
    const count = page * PAGE + files.length;
    return cursor === null ? count : Math.max(rows, count);
  }
}

// A file with its speed in bytes per second, from what was known of it before.
function withRate(file, before, now) {
  const isSame = before?.position === file.position && file.state === "open";
  const grown = isSame ? file.bytes.done - before.bytes.done : 0;
  const seconds = isSame ? (now - before.seenAt) / 1000 : 0;
  return { ...file, seenAt: now, rate: grown > 0 && seconds > 0 ? grown / seconds : 0 };
}

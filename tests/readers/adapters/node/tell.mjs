// Tells an entry as one line: SHA-256, size, and the name's UTF-8 in hexadecimal.
import { createHash } from "node:crypto";

const MOST = 1 << 30; // what a hash takes at once

export async function tell(name, pieces) {
  const hash = createHash("sha256");
  let size = 0;
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length; at += MOST) hash.update(piece.subarray(at, at + MOST));
    size += piece.length;
  }
  console.log(`${hash.digest("hex")} ${size} ${Buffer.from(name).toString("hex")}`);
}

// fflate, Unzip: front to back.
import { createReadStream } from "node:fs";
import { Unzip, UnzipInflate } from "fflate";
import { tell } from "./tell.mjs";

const entries = [];
const unzip = new Unzip((file) => {
  const pieces = [];
  entries.push({ name: file.name, pieces });
  file.ondata = (error, piece, final) => {
    if (error) throw error;
    pieces.push(piece);
    if (final) entries.find((entry) => entry.pieces === pieces).whole = true;
  };
  file.start();
});
unzip.register(UnzipInflate);
for await (const piece of createReadStream(process.argv[2])) unzip.push(piece);
unzip.push(new Uint8Array(0), true);
for (const { name, pieces, whole } of entries) {
  if (!whole) throw new Error(`${name} has no end`);
  await tell(name, pieces);
}

// unzipit: from the central directory, by ranges of a blob on the disk.
import { openAsBlob } from "node:fs";
import { unzip } from "unzipit";
import { tell } from "./tell.mjs";

const { entries } = await unzip(await openAsBlob(process.argv[2]));
for (const [name, entry] of Object.entries(entries)) {
  await tell(name, [new Uint8Array(await entry.arrayBuffer())]);
}

// fflate, unzipSync: the whole archive in memory.
import { readFile } from "node:fs/promises";
import { unzipSync } from "fflate";
import { tell } from "./tell.mjs";

const files = unzipSync(await readFile(process.argv[2]));
for (const [name, body] of Object.entries(files)) await tell(name, [body]);

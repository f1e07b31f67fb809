// jszip: the whole archive in memory.
import { readFile } from "node:fs/promises";
import JSZip from "jszip";
import { tell } from "./tell.mjs";

const zip = await JSZip.loadAsync(await readFile(process.argv[2]), { checkCRC32: true });
for (const entry of Object.values(zip.files)) {
  if (!entry.dir) await tell(entry.name, [await entry.async("uint8array")]);
}

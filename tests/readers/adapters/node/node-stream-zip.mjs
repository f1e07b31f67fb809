// node-stream-zip: from the central directory.
import StreamZip from "node-stream-zip";
import { tell } from "./tell.mjs";

const zip = new StreamZip.async({ file: process.argv[2] });
for (const entry of Object.values(await zip.entries())) {
  await tell(entry.name, await zip.stream(entry));
}
await zip.close();

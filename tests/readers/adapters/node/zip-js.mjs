// zip.js: from the central directory, by ranges of a blob on the disk.
import { openAsBlob } from "node:fs";
import { BlobReader, ZipReader } from "@zip.js/zip.js";
import { tell } from "./tell.mjs";

const options = { useWebWorkers: false, checkSignature: true };
const zip = new ZipReader(new BlobReader(await openAsBlob(process.argv[2])), options);
for (const entry of await zip.getEntries()) {
  const { readable, writable } = new TransformStream();
  await Promise.all([tell(entry.filename, readable), entry.getData(writable)]);
}
await zip.close();

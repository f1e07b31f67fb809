// unzip-stream: front to back.
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { Transform } from "node:stream";
import unzip from "unzip-stream";
import { tell } from "./tell.mjs";

const each = new Transform({
  objectMode: true,
  transform(entry, _encoding, done) {
    tell(entry.path, entry).then(() => done(), done);
  },
});
await pipeline(createReadStream(process.argv[2]), unzip.Parse(), each);

// yauzl 2, which most of npm still extracts with: from the central directory.
import { PassThrough } from "node:stream";
import { promisify } from "node:util";
import yauzl from "yauzl-2";
import { tell } from "./tell.mjs";

const zip = await promisify(yauzl.open)(process.argv[2], { lazyEntries: true });
const open = promisify(zip.openReadStream.bind(zip));
await new Promise((resolve, reject) => {
  zip.on("entry", async (entry) => {
    try {
      // Its streams are older than asynchronous iteration.
      const body = await open(entry);
      await tell(entry.fileName, body.on("error", reject).pipe(new PassThrough()));
      zip.readEntry();
    } catch (error) {
      reject(error);
    }
  });
  zip.on("end", resolve);
  zip.on("error", reject);
  zip.readEntry();
});

// yauzl: from the central directory.
import { promisify } from "node:util";
import yauzl from "yauzl";
import { tell } from "./tell.mjs";

const zip = await promisify(yauzl.open)(process.argv[2], { lazyEntries: true });
const open = promisify(zip.openReadStream.bind(zip));
await new Promise((resolve, reject) => {
  zip.on("entry", async (entry) => {
    try {
      await tell(entry.fileName, await open(entry));
      zip.readEntry();
    } catch (error) {
      reject(error);
    }
  });
  zip.on("end", resolve);
  zip.on("error", reject);
  zip.readEntry();
});

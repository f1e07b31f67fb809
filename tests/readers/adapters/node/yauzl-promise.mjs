// yauzl-promise: a rewrite of yauzl, with checks of its own.
import yauzl from "yauzl-promise";
import { tell } from "./tell.mjs";

const zip = await yauzl.open(process.argv[2]);
for await (const entry of zip) await tell(entry.filename, await entry.openReadStream());
await zip.close();

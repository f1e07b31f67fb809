// unzipper, Parse: front to back.
import { createReadStream } from "node:fs";
import unzipper from "unzipper";
import { tell } from "./tell.mjs";

const entries = createReadStream(process.argv[2]).pipe(unzipper.Parse({ forceStream: true }));
for await (const entry of entries) await tell(entry.path, entry);

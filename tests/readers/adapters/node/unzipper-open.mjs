// unzipper, Open: from the central directory.
import unzipper from "unzipper";
import { tell } from "./tell.mjs";

const zip = await unzipper.Open.file(process.argv[2]);
for (const entry of zip.files) await tell(entry.path, entry.stream());

// adm-zip: the whole archive in memory.
import AdmZip from "adm-zip";
import { tell } from "./tell.mjs";

for (const entry of new AdmZip(process.argv[2]).getEntries()) {
  await tell(entry.entryName, [entry.getData()]);
}

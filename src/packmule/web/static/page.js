// The page: the form where the address names no job, else that job. Owns which of both is shown.
// A job's hash stands in the address after #: a reload, a bookmark or the back button find it.

import { showArchives } from "./archives.js";
import { openForm } from "./ask.js";
import { at } from "./dom.js";
import { takeAddress } from "./intake.js";
import { showKeyArchives } from "./key_archives.js";
import { t } from "./language.js";

const HASH = /^[0-9a-f]{32}$/;
let close = () => {};
let isFirst = true;

async function show() {
  takeAddress();
  const hash = location.hash.slice(1);
  const isJob = HASH.test(hash);
  close();
  close = () => {};
  document.documentElement.classList.toggle("following", isJob);
  at("start").hidden = isJob;
  at("job").hidden = !isJob;
  const hadFocus = !isFirst; // what had it is hidden now
  isFirst = false;
  if (!isJob) {
    document.title = t("page.title");
    showArchives();
    showKeyArchives();
    if (hash === "archives") at("archives").focus();
    else if (hadFocus) at("links").focus();
    return;
  }
  const { openJob } = await import("./job.js");
  if (location.hash.slice(1) === hash) close = openJob(hash);
}

for (const each of document.querySelectorAll(".needs-script")) each.hidden = false;
openForm();
addEventListener("hashchange", show);
show();

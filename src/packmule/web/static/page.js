// The page: the form where the address names no job, else that job. Owns which of both is shown.
// A job's hash stands in the address after #: a reload, a bookmark or the back button find it.

import { openForm } from "./ask.js";
import { at } from "./dom.js";
import { openJob } from "./job.js";
import { showRecent } from "./recent.js";

const HASH = /^[0-9a-f]{32}$/;
let close = () => {};

let isFirst = true;

function show() {
  const hash = location.hash.slice(1);
  const isJob = HASH.test(hash);
  close();
  close = () => {};
  document.documentElement.classList.toggle("following", isJob);
  at("start").hidden = isJob;
  at("job").hidden = !isJob;
  if (isJob) {
    close = openJob(hash);
  } else {
    document.title = "Packmule: one ZIP from many links";
    showRecent();
    // What had the focus is hidden now.
    if (!isFirst) at("links").focus();
  }
  isFirst = false;
}

for (const each of document.querySelectorAll(".needs-script")) each.hidden = false;
openForm();
addEventListener("hashchange", show);
show();

// Before anything is drawn: where the address names a job, the empty form is not shown first; and
// what only works with scripts has its place already, so that nothing moves when they run.
document.documentElement.classList.add("scripted");
document.documentElement.classList.toggle("following", /^#[0-9a-f]{32}$/.test(location.hash));

// Before anything is drawn: where the address names a job, the empty form is not shown first.
document.documentElement.classList.toggle("following", /^#[0-9a-f]{32}$/.test(location.hash));

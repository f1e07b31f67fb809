// The tab's icon, with a bar that shows how far the job is. The server has one for each step, since
// the page's policy allows no image that a script has made.

const STEP = 5; // percent, as in web/assets.py

const link = document.querySelector('link[rel="icon"]');
const plain = link.href;

// Show a percentage; null for the plain icon.
export function showIcon(percent) {
  const step = percent === null ? null : Math.min(Math.floor(percent / STEP) * STEP, 100 - STEP);
  const href = step === null ? plain : plain.replace("icon.svg", `icon-${step}.svg`);
  if (link.href !== href) link.href = href;
}

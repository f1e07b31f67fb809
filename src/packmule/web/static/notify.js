// A notification of the browser when a job has ended, for those who ask for one.

import { button, say } from "./dom.js";
import { t } from "./language.js";

const wanted = new Set(); // jobs, by hash

// A button that asks for it; null where the browser has no notifications.
export function notifyButton(hash) {
  if (typeof Notification !== "function" || Notification.permission === "denied") return null;
  const isWanted = wanted.has(hash);
  const asking = button(t(isWanted ? "notify.done" : "notify.button"), () => ask(hash, asking), "second small");
  asking.disabled = isWanted;
  return asking;
}

async function ask(hash, asking) {
  if ((await Notification.requestPermission()) !== "granted") {
    asking.remove();
    say(t("notify.blocked"));
    return;
  }
  wanted.add(hash);
  asking.textContent = t("notify.done");
  asking.disabled = true;
}

// Tell that a job has ended, if that was asked for and nobody is looking.
export function notify(hash, text, name) {
  if (!wanted.delete(hash) || !document.hidden) return;
  const shown = new Notification(text, { body: name, tag: hash, icon: "static/icon.svg" });
  shown.addEventListener("click", () => {
    focus();
    shown.close();
  });
}

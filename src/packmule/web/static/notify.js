// A notification of the browser when a job has ended, for those who ask for one.

import { make, say } from "./dom.js";

const wanted = new Set(); // jobs, by hash

// A button that asks for it; null where the browser has no notifications.
export function notifyButton(hash) {
  if (typeof Notification !== "function" || Notification.permission === "denied") return null;
  const button = make("button", { type: "button", class: "second small", onclick: () => ask(hash, button) });
  button.textContent = wanted.has(hash) ? "You will be notified" : "Notify me when ready";
  button.disabled = wanted.has(hash);
  return button;
}

async function ask(hash, button) {
  if ((await Notification.requestPermission()) !== "granted") {
    button.remove();
    say("Notifications are blocked for this page");
    return;
  }
  wanted.add(hash);
  button.textContent = "You will be notified";
  button.disabled = true;
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

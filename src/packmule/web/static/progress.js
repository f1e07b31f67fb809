// How far a job is: percentage, bar, facts, and why it seems to stand still.

import { make, say, write } from "./dom.js";
import { showIcon } from "./icon.js";
import { bytes, clock, duration, number, t } from "./language.js";
import { notifyButton } from "./notify.js";
import { share } from "./views.js";

const TELL_EVERY = 15_000; // milliseconds between two words on the progress to those who listen

export class Progress {
  constructor(hash) {
    this.told = 0;
    this.reached = 0; // the largest share shown: a bar that moves backwards is not believed
    this.percent = make("span", { class: "percent", "aria-hidden": "true", hidden: true });
    this.bar = make("progress", { "aria-labelledby": "job-state", max: 1 });
    this.facts = make("p", { class: "facts" });
    this.waiting = make("p", { class: "waiting", hidden: true });
    this.leave = make("div", { class: "leave" }, make("p", {}, t("job.leave")), notifyButton(hash));
    this.element = make("div", { class: "progress", hidden: true }, this.bar, this.facts, this.waiting, this.leave);
  }

  close() {
    showIcon(null);
  }

  show(found, title, isNew) {
    const isOpen = found.status === "in-progress";
    this.element.hidden = this.percent.hidden = !isOpen;
    if (!isOpen) {
      this.reached = 0;
      showIcon(null);
      return;
    }
    this.reached = Math.max(this.reached, share(found.progress));
    const percent = Math.floor(this.reached * 100);
    this.bar.value = this.reached;
    write(this.percent, t("job.percent", { percent }));
    this.showFacts(found.progress);
    this.showWaiting(found);
    showIcon(percent);
    document.title = t("job.title", { percent, title });
    const now = Date.now();
    if (!isNew && now - this.told <= TELL_EVERY) return;
    this.told = now;
    say(t("job.said", { title, percent }));
  }

  // In place, so that what someone marks or reads out stays as it is.
  showFacts({ files, bytes: amount, bytes_per_second: rate, eta_seconds: eta, total_is_estimate: isEstimate }) {
    const of = isEstimate ? "format.of-about" : "format.of";
    const facts = [
      t("job.files-of", { done: files.done, count: files.total }),
      files.failed ? t("job.failed-count", { failed: files.failed }) : "",
      amount.total === null ? bytes(amount.done) : t(of, { done: bytes(amount.done), total: bytes(amount.total) }),
      rate > 0 ? t("format.rate", { amount: bytes(rate) }) : "",
      eta > 0 ? t("job.left", { time: duration(eta) }) : "",
    ].filter(Boolean);
    while (this.facts.children.length > facts.length) this.facts.lastChild.remove();
    while (this.facts.children.length < facts.length) this.facts.append(make("span"));
    facts.forEach((each, index) => write(this.facts.children[index], each));
  }

  // Why nothing seems to happen, and when it goes on.
  showWaiting({ retrying, waiting }) {
    const words = waiting ? t("job.store-waits") : retrying?.length ? wordsOf(retrying) : "";
    this.waiting.hidden = !words;
    write(this.waiting, words);
  }
}

function wordsOf([{ name, detail, attempts, next_attempt_at: at }, ...others]) {
  const seconds = Math.max(0, Math.round((Date.parse(at) - Date.now()) / 1000));
  return t(others.length ? "job.waits-more" : "job.waits", {
    name: name ?? t("job.a-file"),
    why: detail.replace(/\.$/, ""),
    try: number(attempts + 1),
    time: clock(seconds),
    count: others.length,
  });
}

// One job: which state it is in, and what became of it.
// Leaves following it to live.js, how far it is to progress.js, what one can do to actions.js, its
// files to files.js, its failures to failures.js, the finished archive to ready.js.

import { Actions } from "./actions.js";
import { failure } from "./causes.js";
import { make, say, write } from "./dom.js";
import { failuresOf } from "./failures.js";
import { Files } from "./files.js";
import { forget, known, remember } from "./keeping.js";
import { t } from "./language.js";
import { follow } from "./live.js";
import { notify } from "./notify.js";
import { Progress } from "./progress.js";
import { ready } from "./ready.js";
import { viewOf } from "./views.js";

const TICK = 1000; // milliseconds between two looks at the clock

class Job {
  constructor(hash, section) {
    this.hash = hash;
    this.section = section;
    this.last = { status: "" };
    this.title = make("h1", { id: "job-state", tabindex: "-1" }, t("view.loading"));
    this.progress = new Progress(hash);
    this.of = make("p", { class: "job-name" });
    this.away = make("p", { class: "away" });
    this.result = make("div", { class: "result" });
    this.failed = make("div", { class: "failures" });
    this.actions = new Actions(hash, { follow: () => this.follow(), failed: this.failed });
    this.files = new Files(hash, (position) => this.actions.act("retry", { positions: [position] }));
    section.className = "card";
    section.replaceChildren(
      make("div", { class: "job-head" }, make("div", {}, this.title, this.of), this.progress.percent),
      this.away, this.progress.element, this.result, this.actions.element, this.failed, this.files.element,
    );
    this.ticking = setInterval(() => this.tick(), TICK);
    this.follow();
  }

  close() {
    clearInterval(this.ticking);
    this.end?.();
    this.files.close();
    this.progress.close();
  }

  follow() {
    this.end?.();
    this.files.forget();
    this.end = follow(this.hash, {
      status: (found) => this.show(found),
      away: (isAway, isBetween, until) => this.showAway(isAway && { isBetween, until }),
    });
  }

  // What changes by itself: a wait gets shorter, and an archive's time ends.
  tick() {
    this.progress.showWaiting(this.last);
    this.showAway(this.gone);
    const { status, expires_at: until } = this.last;
    if (status === "completed" && Date.parse(until) <= Date.now()) this.follow();
  }

  showAway(gone) {
    const wasAway = Boolean(this.gone);
    this.gone = gone;
    if (!gone) return void write(this.away, "");
    const seconds = Math.max(0, Math.ceil((gone.until - Date.now()) / 1000));
    const key = gone.isBetween ? "job.between" : "job.away";
    write(this.away, seconds || gone.isBetween ? t(key, { seconds }) : t("job.away-now"));
    if (!wasAway) say(this.away.textContent);
  }

  show(found) {
    this.showAway(null);
    const view = viewOf(found);
    const isNew = view.name !== this.view;
    this.view = view.name;
    this.section.dataset.tone = view.tone;
    write(this.title, view.title);
    this.progress.show(found, view.title, isNew);
    this.actions.show(found, view);
    if (isNew) this.enter(found, view);
    const counts = found.progress?.files ?? found.files;
    const total = counts?.total ?? known(this.hash)?.files ?? 0;
    if (["unknown", "expired"].includes(found.status)) this.files.element.hidden = true;
    else this.files.update(total, found.status, counts);
    this.last = found;
  }

  // What changes with the state only.
  enter(found, view) {
    const { status } = found;
    const isOver = status !== "in-progress";
    const wasOpen = this.last.status === "in-progress";
    const entry = known(this.hash);
    const files = isOver && entry?.files && t("count.files", { count: entry.files });
    write(this.of, [entry?.name, files].filter(Boolean).join(" · "));
    this.of.hidden = !this.of.textContent || status === "unknown";
    if (isOver || !wasOpen) {
      this.result.replaceChildren(...this.resultOf(found, view));
      this.failed.replaceChildren(...this.failuresOf(found));
      // The buttons under someone's finger may be gone: go where it is told what happened.
      if (this.last.status || isOver) this.title.focus({ preventScroll: true });
    }
    if (status === "unknown") forget(this.hash);
    else remember(this.hash, { state: status, ...(found.progress && { files: found.progress.files.total }) });
    if (!isOver) return;
    say(view.title);
    notify(this.hash, view.title, entry?.name ?? "");
    document.title = t("job.title-ended", { title: view.title });
  }

  resultOf(found, { name }) {
    const words = (text) => [make("p", {}, text)];
    switch (name) {
      case "ready":
      case "incomplete":
        return ready(this.hash, found);
      case "failed":
        return found.files.done ? words(t("job.kept")) : [];
      case "broken": {
        const [why, advice] = failure(found.error);
        return [...words(`${why}. ${advice}`), make("p", { class: "quiet", lang: "en" }, found.error.detail)];
      }
      case "cancelled":
        return words(t("job.no-archive"));
      case "expired":
        return words(t("job.limited-time"));
      case "unknown":
        return words(t("job.check-link"));
      default:
        return [];
    }
  }

  failuresOf({ status, failures, missing }) {
    if (status === "failed") return failuresOf(t("failures.failed"), failures);
    return status === "completed" ? failuresOf(t("failures.missing"), missing) : [];
  }
}

export function openJob(hash) {
  const job = new Job(hash, document.getElementById("job"));
  return () => job.close();
}

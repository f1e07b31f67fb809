// One job: how far it is, what became of it, and what one can do about it.
// Leaves following it to live.js, its files to files.js, its failures to failures.js, the finished
// archive to ready.js.

import { fill } from "./ask.js";
import { Away, Refused, call } from "./api.js";
import { make, say } from "./dom.js";
import { failuresOf } from "./failures.js";
import { Files, linesOfJob } from "./files.js";
import { fixForm } from "./fix.js";
import { askForKey } from "./key.js";
import { forget, known, listOf, remember, tab } from "./keeping.js";
import { follow } from "./live.js";
import { notify, notifyButton } from "./notify.js";
import { ready } from "./ready.js";
import { bytes, clock, duration, failure, headline, number, plural, share } from "./words.js";

const WITHOUT_QUERIES =
  "The links are shown without their query (the part after ?), which may be secret. " +
  "Add it again where it is needed, or paste your own list.";
const TELL_EVERY = 15_000; // milliseconds between two words on the progress to those who listen
const TICK = 1000; // milliseconds between two looks at the clock

class Job {
  constructor(hash, section) {
    this.hash = hash;
    this.last = { status: "" };
    this.told = 0;
    this.reached = 0; // the largest share shown: a bar that moves backwards is not believed
    this.title = make("h2", { id: "job-state", tabindex: "-1" }, "Loading…");
    this.percent = make("span", { class: "percent", "aria-hidden": "true" });
    this.of = make("p", { class: "job-name" });
    this.away = make("p", { class: "away", role: "status" });
    this.bar = make("progress", { "aria-labelledby": "job-state", hidden: true });
    this.facts = make("p", { class: "facts", hidden: true });
    this.waiting = make("p", { class: "waiting", hidden: true });
    this.leave = make("div", { class: "leave", hidden: true },
      make("p", {}, "You can close this page. The work goes on."), notifyButton(hash));
    this.result = make("div", { class: "result" });
    this.refused = make("div", { class: "refused", role: "alert" });
    this.buttons = make("div", { class: "buttons" });
    this.failed = make("div", { class: "failures" });
    this.files = new Files(hash);
    section.replaceChildren(
      make("div", { class: "job-head" }, this.title, this.percent), this.of, this.away, this.bar, this.facts, this.waiting, this.leave, this.result, this.buttons, this.refused,
      this.failed, this.files.element,
    );
    this.ticking = setInterval(() => this.tick(), TICK);
    this.follow();
  }

  close() {
    clearInterval(this.ticking);
    this.end?.();
    this.files.close();
  }

  follow() {
    this.end?.();
    this.end = follow(this.hash, {
      status: (found) => this.show(found),
      files: (found) => this.files.take(found.files ?? []),
      away: (isAway, message) => this.showAway(isAway, message),
    });
  }

  // What changes by itself: a wait gets shorter, and an archive's time ends.
  tick() {
    this.showWaiting(this.last);
    const { status, expires_at: until } = this.last;
    if (status === "completed" && Date.parse(until) <= Date.now()) this.follow();
  }

  showAway(isAway, message) {
    const words = isAway ? `${message} Trying again. Nothing is lost; the work goes on.` : "";
    if (this.away.textContent !== words) this.away.textContent = words;
  }

  show(found) {
    this.showAway(false);
    const isNew = found.status !== this.last.status;
    const text = headline(found);
    if (this.title.textContent !== text) this.title.textContent = text;
    this.showBar(found);
    if (isNew) this.enter(found, text);
    if (this.finish) this.finish.hidden = found.finishing || !found.progress?.files.done;
    this.tell(found, text, isNew);
    const { progress } = found;
    const counts = progress?.files ?? found.files;
    const total = counts?.total ?? known(this.hash)?.files ?? 0;
    if (["unknown", "expired"].includes(found.status)) this.files.element.hidden = true;
    else this.files.update(total, found.status !== "in-progress", counts);
    this.last = found;
  }

  // What changes with the state only.
  enter(found, text) {
    const { status } = found;
    const entry = known(this.hash);
    const files = status !== "in-progress" && entry?.files && plural(entry.files, "file");
    this.of.textContent = [entry?.name, files].filter(Boolean).join(", ");
    this.of.hidden = !this.of.textContent || status === "unknown";
    this.refused.replaceChildren();
    this.result.replaceChildren(...this.resultOf(found));
    this.failed.replaceChildren(...this.failuresOf(found));
    this.buttons.replaceChildren(...this.buttonsOf(found));
    if (status === "unknown") forget(this.hash);
    else remember(this.hash, { state: status, ...(found.progress && { files: found.progress.files.total }) });
    // The buttons under someone's finger may be gone: go where it is told what happened.
    if (this.last.status || status !== "in-progress") this.title.focus({ preventScroll: true });
    if (status !== "in-progress") notify(this.hash, text, entry?.name ?? "");
    document.title = `${text}: Packmule`;
  }

  tell(found, text, isNew) {
    const now = Date.now();
    if (found.status === "in-progress") {
      const done = Math.floor(this.reached * 100);
      document.title = `${done} % ${text}: Packmule`;
      if (isNew || now - this.told > TELL_EVERY) {
        this.told = now;
        say(`${text}, ${done} percent`);
      }
    } else if (isNew) say(text);
  }

  showBar({ status, progress, retrying }) {
    const isOpen = status === "in-progress";
    this.bar.hidden = this.facts.hidden = this.percent.hidden = this.leave.hidden = !isOpen;
    this.showWaiting({ retrying });
    if (!isOpen) {
      this.reached = 0;
      return;
    }
    this.reached = Math.max(this.reached, share(progress));
    this.bar.max = 1;
    this.bar.value = this.reached;
    this.percent.textContent = `${Math.floor(this.reached * 100)}%`;
    const { files, bytes: amount, bytes_per_second: rate, eta_seconds: eta } = progress;
    const facts = [
      `${number(files.done)} of ${plural(files.total, "file")}`,
      files.failed ? `${number(files.failed)} failed` : "",
      amount.total === null ? bytes(amount.done) : `${bytes(amount.done)} of ${bytes(amount.total)}`,
      rate > 0 ? `${bytes(rate)}/s` : "",
      eta > 0 ? `about ${duration(eta)} left` : "",
    ];
    this.facts.replaceChildren(...facts.filter(Boolean).map((each) => make("span", {}, each)));
  }

  // Why nothing seems to happen, and when it goes on.
  showWaiting({ retrying }) {
    this.waiting.hidden = !retrying?.length;
    if (this.waiting.hidden) return;
    const [{ name, detail, attempts, next_attempt_at: at }, ...others] = retrying;
    const seconds = Math.max(0, Math.round((Date.parse(at) - Date.now()) / 1000));
    const more = others.length ? `, and ${plural(others.length, "more file")}` : "";
    const words = `${name ?? "A file"} has to wait: ${detail.replace(/\.$/, "")}. Try ${number(attempts + 1)} in ${clock(seconds)}${more}.`;
    if (this.waiting.textContent !== words) this.waiting.textContent = words;
  }

  resultOf(found) {
    const words = (...texts) => texts.map((text) => make("p", {}, text));
    switch (found.status) {
      case "completed":
        return ready(this.hash, found);
      case "failed":
        return words(...reasonOf(found));
      case "cancelled":
        return words("No archive was created.");
      case "expired":
        return words("Archives are kept for a limited time.");
      case "unknown":
        return words("Check the link. The archive may also have been removed.");
      default:
        return [];
    }
  }

  failuresOf({ status, failures, missing }) {
    if (status === "failed") return failuresOf("What failed and why", failures);
    return status === "completed" ? failuresOf("What is missing and why", missing) : [];
  }

  buttonsOf(found) {
    const { status, files, failures } = found;
    const button = (text, then, kind = "second") => make("button", { type: "button", class: kind, onclick: then }, text);
    const fresh = make("a", { class: "button second", href: "#" }, "New archive");
    this.finish = null;
    if (status === "in-progress") {
      this.finish = button("Finish now without the rest", () => this.act("finish"));
      return [this.finish, button("Cancel", () => this.act("cancel")), fresh];
    }
    if (status === "cancelled") return [button("Edit the list", () => this.edit()), fresh];
    if (status === "expired" && listOf(this.hash) !== null) return [button("Create it again", () => this.edit(), ""), fresh];
    if (status !== "failed") return [fresh];
    return [
      files.done ? button(`Get the ZIP with ${plural(files.done, "file")}`, () => this.act("finish"), "") : null,
      button(files.failed > 1 ? `Try the ${number(files.failed)} again` : "Try again", () => this.act("retry", {}), files.done ? "second" : ""),
      failures.length ? button("Fix links", () => this.fix(failures)) : null,
      button("Edit the list", () => this.edit()),
      fresh,
    ].filter(Boolean);
  }

  async act(what, body) {
    await this.trying(async () => {
      await call("POST", `${what}/${this.hash}`, { body });
      this.files.looked.clear();
      this.follow();
    }, () => this.act(what, body));
  }

  fix(failures) {
    this.failed.replaceChildren(fixForm(failures, async (urls) => {
      let errors = [];
      await this.trying(async () => {
        try {
          await call("POST", `retry/${this.hash}`, { body: { urls } });
        } catch (error) {
          errors = error.errors ?? [];
          throw error;
        }
        this.files.looked.clear();
        this.follow();
      }, () => this.fix(failures));
      return errors;
    }));
    this.failed.querySelector("input")?.focus();
  }

  async edit() {
    await this.trying(async () => {
      const kept = listOf(this.hash);
      if (kept !== null) fill(kept);
      else {
        const lines = await linesOfJob(this.hash);
        fill(`${lines.join("\n")}\n`, isWhole(lines) ? "" : WITHOUT_QUERIES);
      }
      location.hash = "";
    }, () => this.edit());
  }

  // Do it, with the buttons at rest meanwhile; `again` is for when a key had to be asked for.
  async trying(then, again) {
    this.refused.replaceChildren();
    const buttons = [...this.buttons.querySelectorAll("button")];
    for (const each of buttons) each.disabled = true;
    try {
      await then();
    } catch (error) {
      if (!(error instanceof Refused || error instanceof Away)) throw error;
      if (error.status === 401) this.refused.replaceChildren(askForKey(error.message, again));
      else this.refused.replaceChildren(make("p", {}, error.message));
      if (error.code === "wrong-state") this.follow(); // another tab was faster
    } finally {
      for (const each of buttons) each.disabled = false;
    }
  }
}

// Only the key of the job's owner gets links with their query; without it, nobody can tell whether
// there was one.
const isWhole = (lines) => Boolean(tab.get("key")) || lines.some((line) => line.includes("?"));

function reasonOf({ error }) {
  const [words, advice] = failure(error);
  return error.code === "files-failed"
    ? ["The other files are kept. Trying again fetches only what is missing."]
    : [`${words}. ${advice}`, error.detail];
}

export function openJob(hash) {
  const job = new Job(hash, document.getElementById("job"));
  return () => job.close();
}

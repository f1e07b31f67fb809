// What one can do about a job: its buttons, and what happens when one of them is pressed.
// Which there are in a state is in view_table.json.

import { Away, Refused, call } from "./api.js";
import { button, make } from "./dom.js";
import { editList, editMissing } from "./edit.js";
import { fixForm } from "./fix.js";
import { listOf } from "./keeping.js";
import { askForKey, mayAct } from "./key.js";
import { t } from "./language.js";

const OF_API = new Set(["finish", "finish-now", "cancel", "retry", "fix", "edit"]);
const PLACED_ELSEWHERE = new Set(["download"]);

// The first action is the one that most want; nobody is urged while all goes well. The last two are
// ways out.
function kindOf(index, actions, tone) {
  if (index === 0) return tone === "bad" || tone === "quiet" ? "" : "second";
  return index >= actions.length - 2 && actions[index] !== "fix" ? "plain" : "second";
}

export class Actions {
  // `follow` looks at the job again; `failed` is where the form for new links has its place.
  constructor(hash, { follow, failed }) {
    this.hash = hash;
    this.follow = follow;
    this.failed = failed;
    this.buttons = make("div", { class: "buttons" });
    this.refused = make("div", { class: "refused", role: "alert" });
    this.element = make("div", { class: "actions" }, this.buttons, this.refused);
  }

  // Show the actions of a view; buttons that are there already stay.
  show(found, { name, tone, actions }) {
    const list = listOf(this.hash);
    const shown = actions.filter((each) => !PLACED_ELSEWHERE.has(each) && (each !== "again" || list !== null));
    const possible = mayAct() ? shown : shown.filter((each) => !OF_API.has(each));
    const needsKey = possible.length < shown.length;
    const key = [name, ...possible, needsKey, found.files?.done, found.files?.failed].join();
    if (key === this.key) return;
    this.key = key;
    this.refused.replaceChildren();
    this.buttons.replaceChildren(
      ...possible.map((each, index) => this.made(each, found, kindOf(index, possible, tone))),
      ...(needsKey ? [button(t("job.have-key"), () => this.askKey(found), "link")] : []),
    );
  }

  made(action, found, kind) {
    const { done, failed } = found.files ?? {};
    switch (action) {
      case "finish":
        return button(t("action.finish", { count: done }), () => this.act("finish"), kind);
      case "finish-now":
        return button(t("action.finish-now"), () => this.act("finish"), kind);
      case "cancel":
        return button(t("action.cancel"), () => this.act("cancel"), kind);
      case "retry":
        return button(t("action.retry", { count: failed || 1 }), () => this.act("retry", {}), kind);
      case "fix":
        return button(t("action.fix"), () => this.fix(found.failures));
      case "edit":
        return button(t("action.edit"), () => this.trying(() => editList(this.hash)), kind);
      case "again":
        return button(t("action.again"), () => this.trying(() => editList(this.hash)), kind);
      case "missing":
        return button(t("action.missing", { count: found.missing.length }), () => editMissing(this.hash, found.missing));
      default:
        return make("a", { class: `button ${kind || "second"}`, href: "#" }, t("action.new"));
    }
  }

  askKey(found) {
    this.refused.replaceChildren(askForKey("", () => {
      this.key = "";
      this.refused.replaceChildren();
      this.follow(found);
    }));
    this.refused.querySelector("input").focus();
  }

  async act(what, body) {
    await this.trying(async () => {
      await call("POST", `${what}/${this.hash}`, { body });
      this.follow();
    });
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
        this.follow();
      });
      return errors;
    }));
    this.failed.querySelector("input")?.focus();
  }

  // Do it, with the buttons at rest meanwhile; once more when a key had to be asked for.
  async trying(then) {
    this.refused.replaceChildren();
    const buttons = [...this.buttons.querySelectorAll("button")];
    for (const each of buttons) each.disabled = true;
    try {
      await then();
    } catch (error) {
      if (!(error instanceof Refused || error instanceof Away)) throw error;
      if (error.status === 401) this.refused.replaceChildren(askForKey(error.message, () => this.trying(then)));
      else this.refused.replaceChildren(make("p", {}, error.message));
      if (error.code === "wrong-state") this.follow(); // another tab was faster
    } finally {
      for (const each of buttons) each.disabled = false;
    }
  }
}

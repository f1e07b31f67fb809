// Talks to the API: every answer is a document, or an error that says what a person can do.

import { tab } from "./keeping.js";
import { duration, t } from "./language.js";

export class Refused extends Error {
  constructor(status, problem, retryAfter, hasKey) {
    super(words(status, problem, retryAfter, hasKey));
    this.status = status;
    this.code = problem.code ?? "";
    this.errors = Array.isArray(problem.errors) ? problem.errors : [];
  }
}

// The server was not reached, or something between us and it answered in its place.
export class Away extends Error {
  constructor(isBetween, options) {
    super(t("ask.away"), options);
    this.isBetween = isBetween;
  }
}

const FROM_BETWEEN = new Set([502, 503, 504]);
const PATIENCE = 30_000; // milliseconds until an answer counts as lost

// What is wrong with a request. Only the server knows the rest, and tells it in English.
function words(status, { code, detail }, retryAfter, hasKey) {
  const isNumber = /^\d+$/.test(retryAfter ?? "");
  const soon = isNumber ? t("refused.soon", { time: duration(Number(retryAfter)) }) : t("refused.later");
  if (code === "quota-exceeded") return `${detail} ${soon}`;
  if (status === 429) return t("refused.busy", { soon });
  if (status === 401) return hasKey ? t("refused.wrong-key") : t("refused.no-key");
  return detail || t("refused.status", { status: String(status) });
}

export async function call(method, path, { body, headers = {}, signal, patience = PATIENCE } = {}) {
  const key = tab.get("key");
  const sent = { ...headers };
  if (key) sent.Authorization = `Bearer ${key}`;
  if (body !== undefined) sent["Content-Type"] = "application/json";
  const until = AbortSignal.timeout(patience);
  let response;
  let answer;
  try {
    response = await fetch(`api/archive/${path}`, {
      method,
      headers: sent,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
      signal: signal ? AbortSignal.any([signal, until]) : until,
    });
    answer = response.status === 204 ? {} : await response.json().catch(() => null);
  } catch (error) {
    throw new Away(false, { cause: error });
  }
  if (answer === null || (FROM_BETWEEN.has(response.status) && !answer.code)) throw new Away(true);
  if (!response.ok) throw new Refused(response.status, answer, response.headers.get("Retry-After"), Boolean(key));
  return answer;
}

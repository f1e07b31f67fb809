// Talks to the API: every answer is a document, or an error that says what a person can do.

import { tab } from "./keeping.js";
import { refusal } from "./words.js";

export class Refused extends Error {
  constructor(status, problem, retryAfter, hasKey) {
    super(refusal(status, problem, retryAfter, hasKey));
    this.status = status;
    this.code = problem.code ?? "";
    this.errors = Array.isArray(problem.errors) ? problem.errors : [];
  }
}

// The server was not reached, or something between us and it answered in its place.
export class Away extends Error {}

const FROM_BETWEEN = new Set([502, 503, 504]);
const PATIENCE = 30_000; // milliseconds until an answer counts as lost

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
    throw new Away("Can't reach the server.", { cause: error });
  }
  if (answer === null || (FROM_BETWEEN.has(response.status) && !answer.code)) {
    throw new Away("Something other than Packmule answered.");
  }
  if (!response.ok) throw new Refused(response.status, answer, response.headers.get("Retry-After"), Boolean(key));
  return answer;
}

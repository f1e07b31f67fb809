// Verifies messages with the `standardwebhooks` of npm: one a line of the standard input, as JSON
// with `secret`, `headers` and `body`. For each it prints what the message says, as JSON, or "refused".

import { createInterface } from "node:readline";

import { Webhook, WebhookVerificationError } from "standardwebhooks";

for await (const line of createInterface({ input: process.stdin })) {
  const { secret, headers, body } = JSON.parse(line);
  try {
    console.log(JSON.stringify(new Webhook(secret).verify(body, headers)));
  } catch (error) {
    if (!(error instanceof WebhookVerificationError)) throw error;
    console.log("refused");
  }
}
